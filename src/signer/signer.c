#include "signer/signer.h"

#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "crypto/certificate.h"
#include "file/file.h"
#include "signer/order.h"
#include "signer/private.h"
#include "signer/public.h"

#define CA_NAME_MAX 64 /* RFC 5280 appendix A.1, ub-common-name */
#define NAMES_MAX   1001
#define TEXT_MAX    (1 << 20)

struct signer *signer_new(void)
{
	AUTO(signer) struct signer *signer = mem_new(struct signer);

	if (!signer)
		return NULL;
	signer->crypto = crypto_new();
	signer->random = signer->crypto ? random_new(signer->crypto) : NULL;
	signer->keys = mem_zalloc(SIGNER_KEYS_MAX, sizeof(*signer->keys));
	signer->counters = mem_zalloc(SIGNER_COUNTERS, sizeof(*signer->counters));
	if (!signer->random || !signer->keys || !signer->counters)
		return NULL;
	signer->counter_key = random_map_key(signer->random);
	return TAKE(signer);
}

static void drop(struct held *held)
{
	key_free(held->key);
	chain_free(held->chain);
}

void signer_free(struct signer *signer)
{
	if (!signer)
		return;
	for (size_t i = 0; i < signer->n; i++)
		drop(&signer->keys[i]);
	mem_free(signer->keys);
	mem_free(signer->counters);
	random_free(signer->random);
	crypto_free(signer->crypto);
	mem_free(signer);
}

/* ---- keys ---- */

struct held *signer_find(const struct signer *signer, const unsigned char id[KEY_ID_SIZE])
{
	for (size_t i = 0; i < signer->n; i++)
		if (memcmp(signer->keys[i].id, id, KEY_ID_SIZE) == 0)
			return &signer->keys[i];
	return NULL;
}

static struct key *find(const struct signer *signer, const unsigned char id[KEY_ID_SIZE])
{
	struct held *held = signer_find(signer, id);

	return held ? held->key : NULL;
}

/* Takes the key over. */
static enum err hold(struct signer *signer, struct key *key, struct answer *answer)
{
	AUTO(key) struct key *owned = key;
	unsigned char id[KEY_ID_SIZE];

	if (!key_id(key, id))
		return ERR_NOMEM;
	memcpy(answer->head.key, id, sizeof(id));
	if (find(signer, id))
		return OK;
	if (signer->n == SIGNER_KEYS_MAX)
		return ERR_LIMIT;
	signer->keys[signer->n] = (struct held){ .key = TAKE(owned) };
	memcpy(signer->keys[signer->n++].id, id, sizeof(id));
	return OK;
}

static enum err load(struct signer *signer, struct slice path, struct answer *answer)
{
	AUTO(secret) struct secret *pem = NULL;
	struct key *key = NULL;
	enum err err = file_read(path, KEY_PEM_MAX, &pem);

	if (err == OK)
		err = key_parse_pem(signer->crypto, secret_slice(pem), &key);
	else if (err == ERR_DENIED)
		err = ERR_CONFLICT; /* it is the file and not the key */
	return err == OK ? hold(signer, key, answer) : err;
}

static enum err generate(struct signer *signer, struct slice path, struct answer *answer)
{
	AUTO(key) struct key *key = NULL;
	char pem[KEY_PEM_MAX];
	struct writer out = writer_of(pem, sizeof(pem));

	TRY(key_generate(signer->crypto, &key));
	enum err err = put_key_pem(&out, key);
	if (err == OK)
		err = file_replace(path, writer_text(&out));
	mem_wipe(pem, sizeof(pem));
	return err == OK ? hold(signer, TAKE(key), answer) : err;
}

/* ---- files that others may see ---- */

static enum err write_to(int fd, struct slice text)
{
	while (text.len > 0) {
		ssize_t n = write(fd, text.ptr, text.len);

		if (n <= 0)
			return ERR_IO;
		text = slice_sub(text, (size_t)n, text.len);
	}
	return OK;
}

static enum err tell(struct slice path, int fd)
{
	AUTO(secret) struct secret *text = NULL;
	struct writer out = { 0 };

	TRY(file_read(path, CHAIN_PEM_MAX, &text));
	if (is_ocsp_response(secret_slice(text)))
		return write_to(fd, secret_slice(text));
	/* what is cut off is written with its first line alone, and each block gets a line end */
	out.size = 2 * text->len + 1;
	out.buf = mem_alloc(out.size);
	if (!out.buf)
		return ERR_NOMEM;
	put_public(&out, secret_slice(text));
	enum err err = out.overflow ? ERR_LIMIT : write_to(fd, writer_text(&out));
	mem_free(out.buf);
	return err;
}

static bool has_key(struct slice text)
{
	const struct slice mark = SLICE("PRIVATE KEY");

	for (size_t at = 0; at + mark.len <= text.len; at++)
		if (slice_starts(slice_sub(text, at, text.len), mark))
			return true;
	return false;
}

static enum err tell_text(const struct signer *signer, int fd)
{
	AUTO(secret) struct secret *text = NULL;

	if (!signer->told.len)
		return ERR_NOT_FOUND;
	TRY(file_read(signer->told, TEXT_MAX, &text));
	return has_key(secret_slice(text)) ? ERR_DENIED : write_to(fd, secret_slice(text));
}

/* Certificates of ours; nothing that a key could be replaced by. */
static enum err keep_file(struct signer *signer, struct slice text)
{
	struct slice path = slice_sub(text, 0, slice_find(text, '\0'));
	struct slice pem = slice_sub(text, path.len + 1, text.len);
	AUTO(chain) struct chain *chain = NULL;

	if (!slice_ends(path, SLICE(".pem")))
		return ERR_DENIED;
	TRY(chain_parse_pem(signer->crypto, pem, &chain));
	return file_replace(path, pem);
}

void signer_may_tell(struct signer *signer, struct slice path)
{
	signer->told = path;
}

/* ---- keys that are wanted ---- */

static bool is_among(struct slice ids, const unsigned char id[KEY_ID_SIZE])
{
	for (size_t at = 0; at + KEY_ID_SIZE <= ids.len; at += KEY_ID_SIZE)
		if (memcmp(ids.ptr + at, id, KEY_ID_SIZE) == 0)
			return true;
	return false;
}

static enum err keep(struct signer *signer, struct slice ids)
{
	size_t n = 0;

	for (size_t i = 0; i < signer->n; i++) {
		if (is_among(ids, signer->keys[i].id))
			signer->keys[n++] = signer->keys[i];
		else
			drop(&signer->keys[i]);
	}
	signer->n = n;
	return OK;
}

/* The certificate of a key, from whoever may load keys. */
static enum err present(struct signer *signer, const struct signer_request *request, struct slice pem)
{
	struct held *held = signer_find(signer, request->key);
	AUTO(chain) struct chain *chain = NULL;

	if (!held)
		return ERR_NOT_FOUND;
	TRY(chain_parse_pem(signer->crypto, pem, &chain));
	if (!certificate_has_key(chain_at(chain, 0), held->key))
		return ERR_DENIED;
	chain_free(held->chain);
	held->chain = TAKE(chain);
	return OK;
}

static enum err appoint(struct signer *signer, const struct signer_request *request, struct slice pem)
{
	TRY(present(signer, request, pem));
	memcpy(signer->issuer, request->key, KEY_ID_SIZE);
	signer->has_issuer = true;
	return OK;
}

/* ---- signatures ---- */

/* *len: the room, then the length. */
static enum err sign_one(struct signer *signer, const struct signer_order *asked, struct slice text,
			 unsigned char ret_signature[KEY_SIGNATURE_MAX], size_t *len)
{
	struct key_order order = { .hash = (enum key_hash)asked->hash, .pss = asked->pss, .text = text };
	struct key *key = find(signer, asked->key);

	if (!key)
		return ERR_NOT_FOUND;
	if (asked->hash >= KEY_HASHES || !order_is_handshake(text))
		return ERR_DENIED;
	return key_sign(signer->crypto, key, &order, ret_signature, len) ? OK : ERR_DENIED;
}

enum { SIGNATURES_SIZE = KEY_WISHES_MAX * (sizeof(struct signer_signature) + KEY_SIGNATURE_MAX) };
_Static_assert(SIGNATURES_SIZE <= SIGNER_REPLY_MAX - sizeof(struct signer_reply),
	       "a reply holds as many signatures as may be asked for");

/* Each is answered for itself. */
static enum err sign(struct signer *signer, struct slice orders, struct answer *answer)
{
	unsigned char signature[KEY_SIGNATURE_MAX];
	struct signer_order asked;
	size_t n = 0;

	do {
		struct signer_signature made = { 0 };
		size_t len = sizeof(signature);

		if (n++ == KEY_WISHES_MAX)
			return ERR_LIMIT;
		if (orders.len < sizeof(asked))
			return ERR_SYNTAX;
		memcpy(&asked, orders.ptr, sizeof(asked));
		orders = slice_sub(orders, sizeof(asked), orders.len);
		if (orders.len < asked.len)
			return ERR_SYNTAX;
		made.err = (uint32_t)sign_one(signer, &asked, slice_sub(orders, 0, asked.len), signature,
					      &len);
		made.len = made.err == OK ? (uint32_t)len : 0;
		orders = slice_sub(orders, asked.len, orders.len);
		put(&answer->out, slice_from(&made, sizeof(made)));
		put(&answer->out, slice_from(signature, made.len));
	} while (orders.len > 0);
	return OK;
}

/* ---- CAs of ours ---- */

static enum err make_ca(struct signer *signer, const struct signer_request *request, struct slice name,
			struct answer *answer)
{
	AUTO(certificate) struct certificate *made = NULL;
	struct key *key = find(signer, request->key);

	if (!key)
		return ERR_NOT_FOUND;
	if (!name.len || name.len > CA_NAME_MAX)
		return ERR_SYNTAX;
	TRY(certificate_make_ca(signer->crypto, key, name, request->now, &made));
	return put_certificate_pem(&answer->out, made);
}

static enum err make_server(struct signer *signer, const struct signer_request *request, struct slice text,
			    struct answer *answer)
{
	static struct slice names[NAMES_MAX]; /* one process, one thread */
	struct slice list = slice_sub(text, 0, slice_find(text, '\0'));
	struct slice pem = slice_sub(text, list.len + 1, text.len);
	AUTO(chain) struct chain *ca = NULL;
	AUTO(certificate) struct certificate *made = NULL;
	struct certificate_request wanted = { .key = find(signer, request->key),
					      .names = names,
					      .now = request->now };
	struct certificate_issuer issuer = { .key = find(signer, request->issuer) };

	if (!wanted.key || !issuer.key)
		return ERR_NOT_FOUND;
	while (list.len && wanted.n_names < NAMES_MAX) {
		names[wanted.n_names] = slice_sub(list, 0, slice_find(list, '\n'));
		list = slice_sub(list, names[wanted.n_names++].len + 1, list.len);
	}
	if (!wanted.n_names || list.len)
		return ERR_LIMIT;
	TRY(chain_parse_pem(signer->crypto, pem, &ca));
	issuer.certificate = chain_at(ca, 0);
	if (!certificate_has_key(issuer.certificate, issuer.key))
		return ERR_DENIED;
	TRY(certificate_make(signer->crypto, &wanted, issuer, &made));
	return put_certificate_pem(&answer->out, made);
}

/* ---- answers ---- */

static enum err answer_one(struct signer *signer, const struct signer_message *message,
			   const struct signer_request *request, struct answer *answer)
{
	struct slice text = slice_sub(message->bytes, sizeof(*request), message->bytes.len);
	bool needs_fd = request->operation == SIGNER_TELL || request->operation == SIGNER_TELL_TEXT;

	switch (request->operation) {
	case SIGNER_SIGN: return sign(signer, text, answer);
	case SIGNER_MAKE_USER: return answer_make_user(signer, message, text, answer);
	case SIGNER_VOUCH: return answer_vouch(signer, request, message, text, answer);
	default: break;
	}
	if (!message->may_all)
		return ERR_DENIED;
	if (needs_fd && message->fd < 0)
		return ERR_SYNTAX;
	switch (request->operation) {
	case SIGNER_LOAD: return load(signer, text, answer);
	case SIGNER_GENERATE: return generate(signer, text, answer);
	case SIGNER_TELL: return tell(text, message->fd);
	case SIGNER_TELL_TEXT: return tell_text(signer, message->fd);
	case SIGNER_KEEP_FILE: return keep_file(signer, text);
	case SIGNER_KEEP: return keep(signer, text);
	case SIGNER_MAKE_CA: return make_ca(signer, request, text, answer);
	case SIGNER_MAKE_SERVER: return make_server(signer, request, text, answer);
	case SIGNER_PRESENT: return present(signer, request, text);
	case SIGNER_APPOINT: return appoint(signer, request, text);
	default: return ERR_SYNTAX;
	}
}

size_t signer_answer(struct signer *signer, const struct signer_message *message,
		     char ret_reply[SIGNER_REPLY_MAX])
{
	struct answer answer = { .head = { .err = ERR_SYNTAX },
				 .out = writer_of(ret_reply + sizeof(answer.head),
						  SIGNER_REPLY_MAX - sizeof(answer.head)) };
	struct signer_request request;

	if (message->bytes.len >= sizeof(request)) {
		memcpy(&request, message->bytes.ptr, sizeof(request));
		answer.head.number = request.number;
		answer.head.err = (uint32_t)answer_one(signer, message, &request, &answer);
	}
	if (answer.head.err != OK)
		answer.out.len = 0;
	memcpy(ret_reply, &answer.head, sizeof(answer.head));
	return sizeof(answer.head) + answer.out.len;
}
