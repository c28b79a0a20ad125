#include "signer/signer.h"

#include "harness.h"

#include <fcntl.h>
#include <stdlib.h>
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
	char dir[50];
};

static int set_up(void **state)
{
	static struct fixture fixture;

	fixture = (struct fixture){ .signer = signer_new(), .crypto = crypto_new() };
	harness_template(fixture.dir, sizeof fixture.dir, "signer");
	assert_non_null(mkdtemp(fixture.dir));
	assert_non_null(fixture.signer);
	assert_non_null(fixture.crypto);
	*state = &fixture;
	return 0;
}

static struct slice path_in(const struct fixture *fixture, const char *name);

static int tear_down(void **state)
{
	static const char *const names[] = { "a.key", "b.key", "shown.pem", "said.yaml" };
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(path_in(fixture, names[i]).ptr);
	assert_int_equal(rmdir(fixture->dir), 0);

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

static struct slice path_in(const struct fixture *fixture, const char *name)
{
	static char path[100];
	struct writer out = writer_of(path, sizeof(path) - 1);

	put(&out, slice_of(fixture->dir));
	put_char(&out, '/');
	put(&out, slice_of(name));
	path[out.len] = '\0';
	return slice_of(path);
}

static struct slice file_with(const struct fixture *fixture, struct slice text)
{
	struct slice path = path_in(fixture, "a.key");
	int fd = open(path.ptr, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text.ptr, text.len), text.len);
	close(fd);
	return path;
}

static void generate(struct fixture *fixture, const char *name, unsigned char id[KEY_ID_SIZE])
{
	struct signer_request request = { .operation = SIGNER_GENERATE, .number = 7 };

	assert_int_equal(ask(fixture, &request, path_in(fixture, name), -1, false), OK);
	memcpy(id, fixture->reply.key, KEY_ID_SIZE);
}

static void put_order(struct writer *out, const unsigned char id[KEY_ID_SIZE], enum key_hash hash,
		      struct slice text)
{
	struct signer_order order = { .len = (uint32_t)text.len, .hash = (uint8_t)hash };

	memcpy(order.key, id, KEY_ID_SIZE);
	put(out, slice_from(&order, sizeof(order)));
	put(out, text);
}

static enum err sign_all(struct fixture *fixture, struct slice orders)
{
	const struct signer_request request = { .operation = SIGNER_SIGN, .number = 9 };

	return ask(fixture, &request, orders, -1, true);
}

/* Takes the next answer out of what came back. */
static enum err next_signature(struct fixture *fixture, size_t *ret_len)
{
	struct signer_signature made;

	assert_true(fixture->len >= sizeof(made));
	memcpy(&made, fixture->rest, sizeof(made));
	assert_true(fixture->len - sizeof(made) >= made.len);
	fixture->len -= sizeof(made) + made.len;
	memmove(fixture->rest, fixture->rest + sizeof(made) + made.len, fixture->len);
	*ret_len = made.len;
	return (enum err)made.err;
}

static enum err sign(struct fixture *fixture, const unsigned char id[KEY_ID_SIZE], enum key_hash hash,
		     struct slice text)
{
	char buf[1000];
	struct writer out = writer_of(buf, sizeof(buf));
	size_t len;

	put_order(&out, id, hash, text);
	assert_int_equal(sign_all(fixture, writer_text(&out)), OK);
	enum err err = next_signature(fixture, &len);
	assert_int_equal(fixture->len, 0);
	assert_true(err == OK ? len > 60 : len == 0);
	return err;
}

static void signs_handshakes_for_anybody(void **state)
{
	struct fixture *fixture = *state;
	unsigned char id[KEY_ID_SIZE];

	generate(fixture, "a.key", id);
	assert_int_equal(sign(fixture, id, KEY_SHA256, SLICE(HANDSHAKE)), OK);
	assert_int_equal(sign(fixture, id, KEY_SHA256, SLICE("a contract")), ERR_DENIED);
	assert_int_equal(sign(fixture, id, KEY_HASH_NONE, SLICE(HANDSHAKE)), ERR_DENIED);
	assert_int_equal(sign(fixture, id, KEY_HASHES, SLICE(HANDSHAKE)), ERR_DENIED);
	id[0] ^= 1;
	assert_int_equal(sign(fixture, id, KEY_SHA256, SLICE(HANDSHAKE)), ERR_NOT_FOUND);
}

static void answers_each_of_several_orders(void **state)
{
	static const struct {
		struct slice text;
		enum err err;
	} rows[] = { { SLICE_INIT(HANDSHAKE), OK },
		     { SLICE_INIT("a contract"), ERR_DENIED },
		     { SLICE_INIT(""), ERR_DENIED },
		     { SLICE_INIT(HANDSHAKE), OK } };
	struct fixture *fixture = *state;
	unsigned char id[KEY_ID_SIZE];
	char buf[2000];
	struct writer out = writer_of(buf, sizeof(buf));
	size_t len;

	generate(fixture, "a.key", id);
	for (size_t i = 0; i < 4; i++)
		put_order(&out, id, KEY_SHA256, rows[i].text);
	assert_int_equal(sign_all(fixture, writer_text(&out)), OK);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(next_signature(fixture, &len), rows[i].err);
		assert_true(rows[i].err == OK ? len > 60 : len == 0);
	}
	assert_int_equal(fixture->len, 0);
}

static void orders_that_are_cut_off_are_refused(void **state)
{
	struct fixture *fixture = *state;
	unsigned char id[KEY_ID_SIZE];
	char buf[1000];
	struct writer out = writer_of(buf, sizeof(buf));

	generate(fixture, "a.key", id);
	put_order(&out, id, KEY_SHA256, SLICE(HANDSHAKE));
	for (size_t n = 0; n < out.len; n++) {
		assert_int_equal(sign_all(fixture, slice_from(buf, n)), ERR_SYNTAX);
		assert_int_equal(fixture->len, 0);
	}
}

static void too_many_orders_are_refused(void **state)
{
	static const unsigned char id[KEY_ID_SIZE];
	struct fixture *fixture = *state;
	char buf[2000];
	struct writer out = writer_of(buf, sizeof(buf));

	for (int i = 0; i < KEY_WISHES_MAX; i++)
		put_order(&out, id, KEY_SHA256, SLICE(""));
	assert_int_equal(sign_all(fixture, writer_text(&out)), OK);
	put_order(&out, id, KEY_SHA256, SLICE(""));
	assert_int_equal(sign_all(fixture, writer_text(&out)), ERR_LIMIT);
	assert_int_equal(fixture->len, 0);
}

static void a_worker_may_do_nothing_else(void **state)
{
	struct fixture *fixture = *state;
	static const enum signer_operation operations[] = {
		SIGNER_LOAD,    SIGNER_GENERATE, SIGNER_KEEP, SIGNER_MAKE_CA,   SIGNER_MAKE_SERVER,
		SIGNER_PRESENT, SIGNER_APPOINT,  SIGNER_TELL, SIGNER_TELL_TEXT, SIGNER_KEEP_FILE,
	};
	int fd = memfd_create("told", MFD_CLOEXEC);

	signer_may_tell(fixture->signer, file_with(fixture, SLICE("text")));
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		struct signer_request request = { .operation = (uint8_t)operations[i] };

		assert_int_equal(ask(fixture, &request, path_in(fixture, "b.key"), fd, true), ERR_DENIED);
	}
	assert_int_equal(lseek(fd, 0, SEEK_END), 0);                          /* nothing was told */
	assert_int_not_equal(access(path_in(fixture, "b.key").ptr, F_OK), 0); /* no key was written */
	close(fd);
}

static void loads_what_it_has_written(void **state)
{
	struct fixture *fixture = *state;
	struct signer_request request = { .operation = SIGNER_LOAD };
	unsigned char id[KEY_ID_SIZE], nothing[KEY_ID_SIZE] = { 0 };

	generate(fixture, "a.key", id);
	request.operation = SIGNER_KEEP;
	assert_int_equal(ask(fixture, &request, slice_from(nothing, sizeof(nothing)), -1, false), OK);
	assert_int_equal(sign(fixture, id, KEY_SHA256, SLICE(HANDSHAKE)), ERR_NOT_FOUND);
	request.operation = SIGNER_LOAD;
	assert_int_equal(ask(fixture, &request, path_in(fixture, "a.key"), -1, false), OK);
	assert_memory_equal(fixture->reply.key, id, KEY_ID_SIZE);
	request.operation = SIGNER_KEEP;
	assert_int_equal(ask(fixture, &request, slice_from(id, sizeof(id)), -1, false), OK);
	assert_int_equal(sign(fixture, id, KEY_SHA256, SLICE(HANDSHAKE)), OK);
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

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		assert_int_equal(ask(fixture, &request, file_with(fixture, files[i]), -1, false), ERR_SYNTAX);
	assert_int_equal(
		ask(fixture, &request, file_with(fixture, slice_from(large, sizeof(large))), -1, false),
		ERR_LIMIT);
	assert_int_equal(ask(fixture, &request, SLICE(""), -1, false), ERR_LIMIT);
	assert_int_equal(ask(fixture, &request, path_in(fixture, "b.key"), -1, false), ERR_NOT_FOUND);
	assert_int_equal(ask(fixture, &request, slice_of(fixture->dir), -1, false), ERR_IO); /* no file */
}

/* What comes back of a file. */
static enum err tell(struct fixture *fixture, enum signer_operation operation, struct slice path, char *buf,
		     size_t size)
{
	struct signer_request request = { .operation = (uint8_t)operation };
	int fd = memfd_create("told", MFD_CLOEXEC);
	enum err err = ask(fixture, &request, path, fd, false);
	ssize_t n = pread(fd, buf, size - 1, 0);

	assert_true(n >= 0);
	buf[n] = '\0';
	close(fd);
	return err;
}

#define CERTIFICATE "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
#define LIST        "-----BEGIN X509 CRL-----\nBBBB\n-----END X509 CRL-----\n"
#define KEY         "-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n"

static const struct {
	const char *label, *file, *told;
} files_told[] = {
	{ "a certificate", CERTIFICATE, CERTIFICATE },
	{ "a chain with words", "a\n" CERTIFICATE "b\n" CERTIFICATE, CERTIFICATE CERTIFICATE },
	{ "a list", LIST, LIST },
	{ "a key", KEY, "" },
	{ "a key before and behind", KEY CERTIFICATE KEY, CERTIFICATE },
	{ "an old kind of key", "-----BEGIN EC PRIVATE KEY-----\nSECRET\n-----END EC PRIVATE KEY-----\n",
	  "" },
	{ "parameters", "-----BEGIN EC PARAMETERS-----\nSECRET\n-----END EC PARAMETERS-----\n", "" },
	{ "a key in a certificate", "-----BEGIN CERTIFICATE-----\n" KEY "-----END CERTIFICATE-----\n",
	  "-----BEGIN CERTIFICATE-----\n" },
	{ "a certificate that ends as a key",
	  "-----BEGIN CERTIFICATE-----\nSECRET\n-----END PRIVATE KEY-----\n",
	  "-----BEGIN CERTIFICATE-----\n" },
	{ "a certificate that is cut off", CERTIFICATE "-----BEGIN CERTIFICATE-----\nSECRET\n",
	  CERTIFICATE "-----BEGIN CERTIFICATE-----\n" },
	{ "half a beginning", "-----BEGIN CERT", "" },
	{ "what an OCSP responder says", "\x30\x03\x0a\x01\x06", "\x30\x03\x0a\x01\x06" },
	{ "that with a key behind it", "\x30\x03\x0a\x01\x06" KEY, "" },
	{ "nothing", "", "" },
};

static void tells_what_others_may_see_and_nothing_else(void **state)
{
	struct fixture *fixture = *state;
	char told[500];

	for (size_t i = 0; i < sizeof(files_told) / sizeof(files_told[0]); i++) {
		struct slice path = file_with(fixture, slice_of(files_told[i].file));

		assert_int_equal(tell(fixture, SIGNER_TELL, path, told, sizeof(told)), OK);
		if (!slice_eq(slice_of(told), slice_of(files_told[i].told)))
			fail_msg("%s: %s", files_told[i].label, told);
	}
	assert_int_equal(tell(fixture, SIGNER_TELL, path_in(fixture, "b.key"), told, sizeof(told)),
			 ERR_NOT_FOUND);
}

static void tells_one_text_that_has_no_key_in_it(void **state)
{
	struct fixture *fixture = *state;
	char told[500];

	assert_int_equal(tell(fixture, SIGNER_TELL_TEXT, SLICE(""), told, sizeof(told)), ERR_NOT_FOUND);
	signer_may_tell(fixture->signer, file_with(fixture, SLICE("state: /tmp\n")));
	assert_int_equal(tell(fixture, SIGNER_TELL_TEXT, SLICE("/etc/passwd"), told, sizeof(told)), OK);
	assert_string_equal(told, "state: /tmp\n");
	file_with(fixture, SLICE("state: /tmp\n" KEY));
	assert_int_equal(tell(fixture, SIGNER_TELL_TEXT, SLICE(""), told, sizeof(told)), ERR_DENIED);
	assert_string_equal(told, "");
}

static void keeps_certificates_and_nothing_else(void **state)
{
	struct fixture *fixture = *state;
	struct signer_request request = { .operation = SIGNER_MAKE_CA, .now = NOW };
	unsigned char id[KEY_ID_SIZE];
	char text[8192], told[4096];
	struct writer out = writer_of(text, sizeof(text));

	generate(fixture, "a.key", id);
	memcpy(request.key, id, KEY_ID_SIZE);
	assert_int_equal(ask(fixture, &request, SLICE("A CA of ours"), -1, false), OK);
	put(&out, path_in(fixture, "shown.pem"));
	put_char(&out, '\0');
	put(&out, slice_from(fixture->rest, fixture->len));
	request.operation = SIGNER_KEEP_FILE;
	assert_int_equal(ask(fixture, &request, writer_text(&out), -1, false), OK);
	assert_int_equal(tell(fixture, SIGNER_TELL, path_in(fixture, "shown.pem"), told, sizeof(told)), OK);
	assert_true(slice_starts(slice_of(told), SLICE("-----BEGIN CERTIFICATE-----\n")));

	out.len = 0; /* in place of a key */
	put(&out, path_in(fixture, "a.key"));
	put_char(&out, '\0');
	put(&out, slice_of(told));
	assert_int_equal(ask(fixture, &request, writer_text(&out), -1, false), ERR_DENIED);
	out.len = 0; /* a key in place of a certificate */
	put(&out, path_in(fixture, "shown.pem"));
	put_char(&out, '\0');
	put(&out, SLICE(KEY));
	assert_int_not_equal(ask(fixture, &request, writer_text(&out), -1, false), OK);
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

	assert_int_equal(ask(fixture, &request, SLICE(""), -1, false), ERR_NOT_FOUND);
	generate(fixture, "a.key", request.issuer);
	generate(fixture, "b.key", request.key);
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
	cmocka_unit_test_setup_teardown(answers_each_of_several_orders, set_up, tear_down),
	cmocka_unit_test_setup_teardown(orders_that_are_cut_off_are_refused, set_up, tear_down),
	cmocka_unit_test_setup_teardown(too_many_orders_are_refused, set_up, tear_down),
	cmocka_unit_test_setup_teardown(a_worker_may_do_nothing_else, set_up, tear_down),
	cmocka_unit_test_setup_teardown(loads_what_it_has_written, set_up, tear_down),
	cmocka_unit_test_setup_teardown(refuses_what_is_no_key, set_up, tear_down),
	cmocka_unit_test_setup_teardown(tells_what_others_may_see_and_nothing_else, set_up, tear_down),
	cmocka_unit_test_setup_teardown(tells_one_text_that_has_no_key_in_it, set_up, tear_down),
	cmocka_unit_test_setup_teardown(keeps_certificates_and_nothing_else, set_up, tear_down),
	cmocka_unit_test_setup_teardown(refuses_what_is_no_question, set_up, tear_down),
	cmocka_unit_test_setup_teardown(makes_the_certificates_of_the_development_ca, set_up, tear_down),
};
TEST_MAIN(tests)
