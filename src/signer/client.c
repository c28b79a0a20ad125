#include "signer/client.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/mem.h"
#include "signer/signer.h"

enum { USER_REQUEST_MAX = 16 * 1024 };

/* What comes back. */
struct heard {
	struct signer_reply head;
	char rest[SIGNER_REPLY_MAX];
	size_t len; /* of the rest */
};

static void sign(void *self, struct key_wish *const wishes[], size_t n);

void signer_client_init(struct signer_client *client, int fd)
{
	const struct timeval deadline = { .tv_sec = SIGNER_DEADLINE_MS / 1000 };

	*client = (struct signer_client){ .fd = fd, .signer = { client, sign } };
	/* On a socket pair of ours this cannot fail. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof(deadline));
}

static bool was_interrupted(ssize_t n)
{
	return n < 0 && errno == EINTR;
}

/* What is asked in one message: its head, and the texts. */
struct question {
	struct iovec parts[1 + 2 * KEY_WISHES_MAX];
	size_t n_parts;
	size_t len;
};

static void put_part(struct question *question, const void *bytes, size_t len)
{
	question->parts[question->n_parts++] = (struct iovec){ (void *)bytes, len };
	question->len += len;
}

static enum err send_all(const struct signer_client *client, struct question *question, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct msghdr message = { .msg_iov = question->parts, .msg_iovlen = question->n_parts };
	ssize_t n;

	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		struct cmsghdr *head = CMSG_FIRSTHDR(&message);

		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	}
	do
		n = sendmsg(client->fd, &message, MSG_NOSIGNAL);
	while (was_interrupted(n));
	return n == (ssize_t)question->len ? OK : ERR_CLOSED;
}

/* A reply to a question that was given up may still lie here. */
static enum err receive(const struct signer_client *client, struct heard *heard)
{
	struct iovec parts[2] = { { &heard->head, sizeof(heard->head) },
				  { heard->rest, sizeof(heard->rest) } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t n;

	do
		n = recvmsg(client->fd, &message, 0);
	while (was_interrupted(n) ||
	       (n >= (ssize_t)sizeof(heard->head) && heard->head.number != client->number));
	if (n < (ssize_t)sizeof(heard->head))
		return ERR_CLOSED;
	heard->len = (size_t)n - sizeof(heard->head);
	return (enum err)heard->head.err;
}

static enum err ask(struct signer_client *client, struct signer_request *request, struct slice text, int fd,
		    struct heard *heard)
{
	struct question question = { .n_parts = 0 };

	request->number = ++client->number;
	put_part(&question, request, sizeof(*request));
	put_part(&question, text.ptr, text.len);
	TRY(send_all(client, &question, fd));
	return receive(client, heard);
}

/* False: the answer is none. */
static bool take_signature(struct slice *rest, struct key_wish *wish)
{
	struct signer_signature made;

	if (rest->len < sizeof(made))
		return false;
	memcpy(&made, rest->ptr, sizeof(made));
	*rest = slice_sub(*rest, sizeof(made), rest->len);
	if (made.len > rest->len || made.len > sizeof(wish->signature))
		return false;
	memcpy(wish->signature, rest->ptr, made.len);
	wish->len = made.len;
	*rest = slice_sub(*rest, made.len, rest->len);
	return true;
}

static void sign(void *self, struct key_wish *const wishes[], size_t n)
{
	struct signer_client *client = self;
	struct signer_request request = { .operation = SIGNER_SIGN, .number = ++client->number };
	struct signer_order orders[KEY_WISHES_MAX];
	struct question question = { .n_parts = 0 };
	struct heard heard;

	put_part(&question, &request, sizeof(request));
	for (size_t i = 0; i < n; i++) {
		const struct key_order *order = &wishes[i]->order;

		orders[i] = (struct signer_order){ .len = (uint32_t)order->text.len,
						   .hash = (uint8_t)order->hash,
						   .pss = order->pss };
		memcpy(orders[i].key, order->key, KEY_ID_SIZE);
		put_part(&question, &orders[i], sizeof(orders[i]));
		put_part(&question, order->text.ptr, order->text.len);
	}
	if (send_all(client, &question, -1) != OK || receive(client, &heard) != OK)
		return;
	struct slice rest = slice_from(heard.rest, heard.len);
	for (size_t i = 0; i < n && take_signature(&rest, wishes[i]); i++)
		;
}

static enum err get_key(struct signer_client *client, enum signer_operation operation, struct slice path,
			unsigned char ret_id[KEY_ID_SIZE])
{
	struct signer_request request = { .operation = (uint8_t)operation };
	struct heard heard;

	if (path.len > SIGNER_REQUEST_MAX - sizeof(request))
		return ERR_LIMIT;
	TRY(ask(client, &request, path, -1, &heard));
	memcpy(ret_id, heard.head.key, KEY_ID_SIZE);
	return OK;
}

enum err signer_load(struct signer_client *client, struct slice path, unsigned char ret_id[KEY_ID_SIZE])
{
	return get_key(client, SIGNER_LOAD, path, ret_id);
}

enum err signer_generate(struct signer_client *client, struct slice path, unsigned char ret_id[KEY_ID_SIZE])
{
	return get_key(client, SIGNER_GENERATE, path, ret_id);
}

/* ---- files ---- */

static enum err read_back(int fd, struct secret **ret_text)
{
	off_t size = lseek(fd, 0, SEEK_END);
	AUTO(secret) struct secret *text = size < 0 ? NULL : mem_alloc(sizeof(*text) + (size_t)size);

	if (!text)
		return size < 0 ? ERR_IO : ERR_NOMEM;
	text->len = (size_t)size;
	for (size_t n = 0; n < text->len;) {
		ssize_t got = pread(fd, text->bytes + n, text->len - n, (off_t)n);

		if (got <= 0)
			return ERR_IO;
		n += (size_t)got;
	}
	*ret_text = TAKE(text);
	return OK;
}

/* Through a file without a name: it may be longer than a message. */
static enum err tell(struct signer_client *client, enum signer_operation operation, struct slice path,
		     struct secret **ret_text)
{
	struct signer_request request = { .operation = (uint8_t)operation };
	struct heard heard;

	if (path.len > SIGNER_REQUEST_MAX - sizeof(request))
		return ERR_LIMIT;
	int fd = memfd_create("told", MFD_CLOEXEC);
	if (fd < 0)
		return ERR_IO;
	enum err err = ask(client, &request, path, fd, &heard);
	if (err == OK)
		err = read_back(fd, ret_text);
	close(fd);
	return err;
}

enum err signer_tell(struct signer_client *client, struct slice path, struct secret **ret_text)
{
	return tell(client, SIGNER_TELL, path, ret_text);
}

enum err signer_tell_text(struct signer_client *client, struct secret **ret_text)
{
	return tell(client, SIGNER_TELL_TEXT, slice_of(NULL), ret_text);
}

enum err signer_keep_file(struct signer_client *client, struct slice path, struct slice pem)
{
	struct signer_request request = { .operation = SIGNER_KEEP_FILE };
	char text[SIGNER_REQUEST_MAX - sizeof(request)];
	struct writer all = writer_of(text, sizeof(text));
	struct heard heard;

	put(&all, path);
	put_char(&all, '\0');
	put(&all, pem);
	return all.overflow ? ERR_LIMIT : ask(client, &request, writer_text(&all), -1, &heard);
}

/* ---- keys that are wanted ---- */

enum err signer_keep(struct signer_client *client, struct slice ids)
{
	struct signer_request request = { .operation = SIGNER_KEEP };
	struct heard heard;

	return ask(client, &request, ids, -1, &heard);
}

static enum err put_heard(struct writer *out, const struct heard *heard)
{
	put(out, slice_from(heard->rest, heard->len));
	return out->overflow ? ERR_LIMIT : OK;
}

static enum err show(struct signer_client *client, enum signer_operation operation,
		     const unsigned char key[KEY_ID_SIZE], struct slice pem)
{
	struct signer_request request = { .operation = (uint8_t)operation };
	struct heard heard;

	if (pem.len > SIGNER_REQUEST_MAX - sizeof(request))
		return ERR_LIMIT;
	memcpy(request.key, key, KEY_ID_SIZE);
	return ask(client, &request, pem, -1, &heard);
}

enum err signer_present(struct signer_client *client, const unsigned char key[KEY_ID_SIZE], struct slice pem)
{
	return show(client, SIGNER_PRESENT, key, pem);
}

enum err signer_appoint(struct signer_client *client, const unsigned char key[KEY_ID_SIZE], struct slice pem)
{
	return show(client, SIGNER_APPOINT, key, pem);
}

enum err signer_make_ca(struct signer_client *client, const struct signer_ca *ca, struct writer *out)
{
	struct signer_request request = { .operation = SIGNER_MAKE_CA, .now = ca->now };
	struct heard heard;

	memcpy(request.key, ca->key, KEY_ID_SIZE);
	TRY(ask(client, &request, ca->name, -1, &heard));
	return put_heard(out, &heard);
}

enum err signer_make_user(struct signer_client *client, struct slice aor, struct slice der,
			  struct writer *out)
{
	struct signer_request request = { .operation = SIGNER_MAKE_USER };
	char text[USER_REQUEST_MAX];
	struct writer all = writer_of(text, sizeof(text));
	struct heard heard;

	put(&all, aor);
	put_char(&all, '\0');
	put(&all, der);
	if (all.overflow)
		return ERR_LIMIT;
	TRY(ask(client, &request, writer_text(&all), -1, &heard));
	return put_heard(out, &heard);
}

enum err signer_vouch(struct signer_client *client, const unsigned char key[KEY_ID_SIZE], struct slice entity,
		      struct writer *out)
{
	struct signer_request request = { .operation = SIGNER_VOUCH };
	struct heard heard;

	if (entity.len > SIGNER_REQUEST_MAX - sizeof(request))
		return ERR_LIMIT;
	memcpy(request.key, key, KEY_ID_SIZE);
	TRY(ask(client, &request, entity, -1, &heard));
	return put_heard(out, &heard);
}

enum err signer_make_server(struct signer_client *client, const struct signer_wish *wish, struct writer *out)
{
	struct signer_request request = { .operation = SIGNER_MAKE_SERVER, .now = wish->now };
	char text[SIGNER_REQUEST_MAX - sizeof(request)];
	struct writer all = writer_of(text, sizeof(text));
	struct heard heard;

	memcpy(request.key, wish->key, KEY_ID_SIZE);
	memcpy(request.issuer, wish->issuer, KEY_ID_SIZE);
	put(&all, wish->names);
	put_char(&all, '\0');
	put(&all, wish->issuer_pem);
	if (all.overflow)
		return ERR_LIMIT;
	TRY(ask(client, &request, writer_text(&all), -1, &heard));
	return put_heard(out, &heard);
}
