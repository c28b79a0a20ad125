#include "signer/signer.h"

#include "harness.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crypto/certificate.h"
#include "crypto/identity.h"

#define NOW 1790000000

/* clang-format off */
#define HANDSHAKE "                                                                " \
		  "TLS 1.3, server CertificateVerify\0" "0123456789abcdef0123456789abcdef"
/* clang-format on */

struct fixture {
	struct signer *signer;
	struct crypto *crypto;
	struct signer_reply reply;
	char rest[SIGNER_REPLY_MAX];
	size_t len;
};

static int set_up(void **state)
{
	static struct fixture fixture;

	fixture = (struct fixture){ .signer = signer_new(), .crypto = crypto_new() };
	assert_non_null(fixture.signer);
	assert_non_null(fixture.crypto);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	signer_free(fixture->signer);
	crypto_free(fixture->crypto);
	return 0;
}

/* Over the first channel unless it says that it is a worker. */
static enum err ask(struct fixture *fixture, const struct signer_request *request, struct slice text, int fd,
		    bool is_worker)
{
	static char bytes[SIGNER_REQUEST_MAX], reply[SIGNER_REPLY_MAX];
	struct writer out = writer_of(bytes, sizeof(bytes));

	put(&out, slice_from(request, sizeof(*request)));
	put(&out, text);
	struct signer_message message = { !is_worker, fd, NOW, writer_text(&out) };
	size_t n = signer_answer(fixture->signer, &message, reply);

	assert_true(n >= sizeof(fixture->reply));
	memcpy(&fixture->reply, reply, sizeof(fixture->reply));
	fixture->len = n - sizeof(fixture->reply);
	memcpy(fixture->rest, reply + sizeof(fixture->reply), fixture->len);
	assert_int_equal(fixture->reply.number, request->number);
	return (enum err)fixture->reply.err;
}

/* A file without a name. */
static int file_with(struct slice text)
{
	int fd = memfd_create("key", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text.ptr, text.len), text.len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void generate(struct fixture *fixture, int fd, unsigned char id[KEY_ID_SIZE])
{
	struct signer_request request = { .operation = SIGNER_GENERATE, .number = 7 };

	assert_int_equal(ask(fixture, &request, SLICE(""), fd, false), OK);
	memcpy(id, fixture->reply.key, KEY_ID_SIZE);
}

static enum err sign(struct fixture *fixture, const unsigned char id[KEY_ID_SIZE], enum key_hash hash,
		     struct slice text)
{
	struct signer_request request = { .operation = SIGNER_SIGN, .number = 9, .hash = (uint8_t)hash };

	memcpy(request.key, id, KEY_ID_SIZE);
	return ask(fixture, &request, text, -1, true);
}

static void signs_handshakes_for_anybody(void **state)
{
	struct fixture *fixture = *state;
	unsigned char id[KEY_ID_SIZE];
	int fd = file_with(SLICE(""));

	generate(fixture, fd, id);
	close(fd);
	assert_int_equal(sign(fixture, id, KEY_SHA256, SLICE(HANDSHAKE)), OK);
	assert_true(fixture->len > 60);
	assert_int_equal(sign(fixture, id, KEY_SHA256, SLICE("a contract")), ERR_DENIED);
	assert_int_equal(fixture->len, 0);
	assert_int_equal(sign(fixture, id, KEY_HASH_NONE, SLICE(HANDSHAKE)), ERR_DENIED);
	assert_int_equal(sign(fixture, id, KEY_HASHES, SLICE(HANDSHAKE)), ERR_DENIED);
	id[0] ^= 1;
	assert_int_equal(sign(fixture, id, KEY_SHA256, SLICE(HANDSHAKE)), ERR_NOT_FOUND);
}

static void a_worker_may_do_nothing_else(void **state)
{
	struct fixture *fixture = *state;
	int fd = file_with(SLICE(""));

	for (int operation = SIGNER_LOAD; operation <= SIGNER_APPOINT; operation++) {
		struct signer_request request = { .operation = (uint8_t)operation };

		assert_int_equal(ask(fixture, &request, SLICE(""), fd, true), ERR_DENIED);
	}
	assert_int_equal(lseek(fd, 0, SEEK_END), 0); /* no key was written */
	close(fd);
}

static void loads_what_it_has_written(void **state)
{
	struct fixture *fixture = *state;
	struct signer_request request = { .operation = SIGNER_LOAD };
	unsigned char id[KEY_ID_SIZE], nothing[KEY_ID_SIZE] = { 0 };
	int fd = file_with(SLICE(""));

	generate(fixture, fd, id);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	request.operation = SIGNER_KEEP;
	assert_int_equal(ask(fixture, &request, slice_from(nothing, sizeof(nothing)), -1, false), OK);
	assert_int_equal(sign(fixture, id, KEY_SHA256, SLICE(HANDSHAKE)), ERR_NOT_FOUND);
	request.operation = SIGNER_LOAD;
	assert_int_equal(ask(fixture, &request, SLICE(""), fd, false), OK);
	assert_memory_equal(fixture->reply.key, id, KEY_ID_SIZE);
	request.operation = SIGNER_KEEP;
	assert_int_equal(ask(fixture, &request, slice_from(id, sizeof(id)), -1, false), OK);
	assert_int_equal(sign(fixture, id, KEY_SHA256, SLICE(HANDSHAKE)), OK);
	close(fd);
}

static void refuses_what_is_no_key(void **state)
{
	static const struct slice files[] = {
		SLICE_INIT(""), SLICE_INIT("hello\n"),
		SLICE_INIT("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
	};
	struct signer_request request = { .operation = SIGNER_LOAD };
	struct fixture *fixture = *state;
	static char large[KEY_PEM_MAX + 1];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		int fd = file_with(files[i]);

		assert_int_equal(ask(fixture, &request, SLICE(""), fd, false), ERR_SYNTAX);
		close(fd);
	}
	int fd = file_with(slice_from(large, sizeof(large)));
	assert_int_equal(ask(fixture, &request, SLICE(""), fd, false), ERR_LIMIT);
	close(fd);
	assert_int_equal(ask(fixture, &request, SLICE(""), -1, false), ERR_SYNTAX);
	assert_int_equal(ask(fixture, &request, SLICE(""), fd, false), ERR_IO); /* closed */
}

static void refuses_what_is_no_question(void **state)
{
	struct fixture *fixture = *state;
	struct signer_request request = { .operation = 99, .number = 3 };
	struct signer_message message = { .may_all = true, .fd = -1, .bytes = SLICE("short") };
	char reply[SIGNER_REPLY_MAX];

	assert_int_equal(ask(fixture, &request, SLICE(""), -1, false), ERR_SYNTAX);
	assert_int_equal(signer_answer(fixture->signer, &message, reply), sizeof(struct signer_reply));
}

static void makes_the_certificates_of_the_development_ca(void **state)
{
	struct fixture *fixture = *state;
	struct signer_request request = { .operation = SIGNER_MAKE_CA, .now = NOW };
	AUTO(chain) struct chain *ca = NULL;
	AUTO(chain) struct chain *made = NULL;
	char text[8192];
	struct writer out = writer_of(text, sizeof(text));
	struct verdict verdict;
	int fd = file_with(SLICE(""));

	assert_int_equal(ask(fixture, &request, SLICE(""), -1, false), ERR_NOT_FOUND);
	generate(fixture, fd, request.issuer);
	generate(fixture, fd, request.key);
	close(fd);
	memcpy(request.key, request.issuer, KEY_ID_SIZE);
	assert_int_equal(ask(fixture, &request, SLICE(""), -1, false), ERR_SYNTAX); /* without a name */
	assert_int_equal(ask(fixture, &request, SLICE("A CA of ours"), -1, false), OK);
	assert_int_equal(chain_parse_pem(fixture->crypto, slice_from(fixture->rest, fixture->len), &ca), OK);

	request.operation = SIGNER_MAKE_SERVER;
	put(&out, SLICE("a.example\nb.example"));
	put_char(&out, '\0');
	put(&out, slice_from(fixture->rest, fixture->len));
	assert_int_equal(ask(fixture, &request, writer_text(&out), -1, false), OK);
	assert_int_equal(chain_parse_pem(fixture->crypto, slice_from(fixture->rest, fixture->len), &made),
			 OK);
	assert_int_equal(identity_check(chain_at(made, 0), SLICE("a.example"), &verdict), OK);
	assert_int_equal(identity_check(chain_at(made, 0), SLICE("b.example"), &verdict), OK);

	out.buf[0] = '-'; /* no name */
	assert_int_equal(ask(fixture, &request, writer_text(&out), -1, false), ERR_SYNTAX);
	assert_int_equal(ask(fixture, &request, SLICE(""), -1, false), ERR_LIMIT);              /* no names */
	assert_int_equal(ask(fixture, &request, SLICE("a.example"), -1, false), ERR_NOT_FOUND); /* no CA */
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(signs_handshakes_for_anybody, set_up, tear_down),
	cmocka_unit_test_setup_teardown(a_worker_may_do_nothing_else, set_up, tear_down),
	cmocka_unit_test_setup_teardown(loads_what_it_has_written, set_up, tear_down),
	cmocka_unit_test_setup_teardown(refuses_what_is_no_key, set_up, tear_down),
	cmocka_unit_test_setup_teardown(refuses_what_is_no_question, set_up, tear_down),
	cmocka_unit_test_setup_teardown(makes_the_certificates_of_the_development_ca, set_up, tear_down),
};
TEST_MAIN(tests)
