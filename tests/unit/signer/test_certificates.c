/* What a worker may have the signing process do for the certificate service, and what not. */
#include "signer/signer.h"

#include "harness.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/identity.h"
#include "crypto/user_certificate.h"
#include "mime/smime.h"
#include "signer/order.h"
#include "sip/date.h"

#define NOW 1790000000

struct fixture {
	struct signer *signer;
	struct crypto *crypto;
	struct key *device;
	struct secret *csr; /* of the device */
	unsigned char ca[KEY_ID_SIZE], server[KEY_ID_SIZE];
	struct signer_reply reply;
	char rest[SIGNER_REPLY_MAX];
	size_t len;
	char user[4096]; /* a certificate of bob@a.example */
	size_t n_user;
};

static enum err ask(struct fixture *fixture, struct signer_request request, struct slice text, bool may_all)
{
	static char bytes[SIGNER_REQUEST_MAX], reply[SIGNER_REPLY_MAX];
	struct writer out = writer_of(bytes, sizeof(bytes));

	put(&out, slice_from(&request, sizeof(request)));
	put(&out, text);
	struct signer_message message = {
		.may_all = may_all, .fd = -1, .now = NOW, .bytes = writer_text(&out)
	};
	size_t n = signer_answer(fixture->signer, &message, reply);

	assert_true(n >= sizeof(fixture->reply));
	memcpy(&fixture->reply, reply, sizeof(fixture->reply));
	fixture->len = n - sizeof(fixture->reply);
	memcpy(fixture->rest, reply + sizeof(fixture->reply), fixture->len);
	return (enum err)fixture->reply.err;
}

static struct slice rest(const struct fixture *fixture)
{
	return slice_from(fixture->rest, fixture->len);
}

/* A worker's request with that key. */
static enum err order(struct fixture *fixture, enum signer_operation operation, const unsigned char *key,
		      struct slice text)
{
	struct signer_request request = { .operation = (uint8_t)operation };

	if (key)
		memcpy(request.key, key, KEY_ID_SIZE);
	return ask(fixture, request, text, false);
}

static void generate(struct fixture *fixture, unsigned char id[KEY_ID_SIZE])
{
	struct signer_request request = { .operation = SIGNER_GENERATE };
	char path[50];
	int fd;

	harness_template(path, sizeof path, "key");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	enum err err = ask(fixture, request, slice_of(path), true);
	unlink(path);
	assert_int_equal(err, OK);
	memcpy(id, fixture->reply.key, KEY_ID_SIZE);
}

static enum err issue(struct fixture *fixture, const char *aor, struct slice der)
{
	char text[CSR_DER_MAX + 2000];
	struct writer out = writer_of(text, sizeof(text));

	put(&out, slice_of(aor));
	put_char(&out, '\0');
	put(&out, der);
	assert_false(out.overflow);
	return order(fixture, SIGNER_MAKE_USER, NULL, writer_text(&out));
}

static enum err issue_to_device(struct fixture *fixture, const char *aor)
{
	return issue(fixture, aor, secret_slice(fixture->csr));
}

/* A user CA, and a server certificate of a.example that it has issued. */
static void appoint(struct fixture *fixture)
{
	struct signer_request request = { .operation = SIGNER_MAKE_CA, .now = NOW };
	char text[8192], ca[4096];
	struct writer out = writer_of(text, sizeof(text));

	generate(fixture, fixture->ca);
	memcpy(request.key, fixture->ca, KEY_ID_SIZE);
	assert_int_equal(ask(fixture, request, SLICE("A CA"), true), OK);
	assert_true(fixture->len < sizeof(ca));
	size_t n_ca = fixture->len;
	memcpy(ca, fixture->rest, n_ca);
	request.operation = SIGNER_APPOINT;
	assert_int_equal(ask(fixture, request, slice_from(ca, n_ca), true), OK);
	generate(fixture, fixture->server);
	request.operation = SIGNER_MAKE_SERVER;
	memcpy(request.key, fixture->server, KEY_ID_SIZE);
	memcpy(request.issuer, fixture->ca, KEY_ID_SIZE);
	put(&out, SLICE("a.example"));
	put_char(&out, '\0');
	put(&out, slice_from(ca, n_ca));
	assert_int_equal(ask(fixture, request, writer_text(&out), true), OK);
	out.len = 0;
	put(&out, rest(fixture));
	put(&out, slice_from(ca, n_ca));
	request.operation = SIGNER_PRESENT;
	assert_int_equal(ask(fixture, request, writer_text(&out), true), OK);
}

/* Once for all tests: they are repeated with each allocation failing, and keys take their time. */
static struct fixture the_one;

static void prepare(void)
{
	struct fixture *fixture = &the_one;

	fixture->signer = signer_new();
	fixture->crypto = crypto_new();
	assert_non_null(fixture->signer);
	assert_non_null(fixture->crypto);
	assert_int_equal(key_generate(fixture->crypto, &fixture->device), OK);
	assert_int_equal(
		csr_make(fixture->crypto, fixture->device, SLICE("mallory@b.example"), &fixture->csr), OK);
	appoint(fixture);
	assert_int_equal(issue_to_device(fixture, "bob@a.example"), OK);
	assert_true(fixture->len < sizeof(fixture->user));
	fixture->n_user = fixture->len;
	memcpy(fixture->user, fixture->rest, fixture->len);
}

static void clear_away(void)
{
	secret_free(the_one.csr);
	key_free(the_one.device);
	signer_free(the_one.signer);
	crypto_free(the_one.crypto);
}

static void issues_for_the_account_whatever_the_request_says(void **state)
{
	struct fixture *fixture = &the_one;
	AUTO(certificate) struct certificate *made = NULL;
	unsigned char id[KEY_ID_SIZE], wanted[KEY_ID_SIZE];
	struct verdict verdict;

	assert_int_equal(issue_to_device(fixture, "al%22ice@a.example"), OK);
	assert_int_equal(certificate_parse_der(fixture->crypto, rest(fixture), &made), OK);
	assert_int_equal(certificate_is_for_user(made, SLICE("al\"ice@a.example"), &verdict), OK);
	assert_int_equal(certificate_is_for_user(made, SLICE("mallory@b.example"), &verdict), ERR_DENIED);
	assert_true(certificate_key_id(made, id) && key_id(fixture->device, wanted));
	assert_memory_equal(id, wanted, sizeof(id));
	assert_int_equal(certificate_not_after(made), NOW + USER_CERTIFICATE_DAYS * 86400);
}

static void refuses_what_is_no_request(void **state)
{
	struct fixture *fixture = &the_one;
	AUTO(secret) struct secret *csr = NULL;

	assert_int_equal(issue(fixture, "bob@a.example", SLICE("hello")), ERR_SYNTAX);
	assert_int_equal(issue(fixture, "bob@a.example", SLICE("")), ERR_SYNTAX);
	assert_int_equal(issue_to_device(fixture, "a.example"), ERR_SYNTAX);
	assert_int_equal(csr_make(fixture->crypto, fixture->device, SLICE("x"), &csr), OK);
	csr->bytes[csr->len - 1] ^= 1; /* not signed with its key */
	assert_int_equal(issue(fixture, "bob@a.example", secret_slice(csr)), ERR_DENIED);
}

static void issues_so_many_an_hour_to_one_account(void **state)
{
	struct fixture *fixture = &the_one;

	/* The test may be repeated: then they are used up already. */
	for (int i = 0; i < SIGNER_ISSUED_PER_ACCOUNT; i++)
		if (issue_to_device(fixture, "eve@a.example") != OK)
			break;
	assert_int_equal(issue_to_device(fixture, "eve@a.example"), ERR_AGAIN);
	assert_int_equal(issue_to_device(fixture, "e%76e@a.example"), ERR_AGAIN);
	assert_int_equal(issue_to_device(fixture, "eve@A.Example"), ERR_AGAIN);
	assert_int_equal(issue_to_device(fixture, "frank@a.example"), OK);
}

/* The parts of an entity that differ from row to row; NULL: the good one. */
struct entity {
	const char *type, *from, *cseq, *event, *kind, *more, *after;
	utc_t date;
	bool is_empty;
};

static void put_entity(struct writer *out, const struct fixture *fixture, const struct entity *entity)
{
#define OR(text, otherwise) slice_of((text) ? (text) : (otherwise))
	put(out, OR(entity->type, "Content-Type: multipart/mixed;boundary=\"b\"\r\n"));
	put(out, SLICE("\r\n--b\r\nContent-Type: message/sipfrag\r\n\r\nFrom: "));
	put(out, OR(entity->from, "\"Bob\" <sips:bob@a.example>;tag=x"));
	put(out, SLICE("\r\nTo: <sips:alice@a.example>;tag=y\r\nCall-ID: c\r\nCSeq: "));
	put(out, OR(entity->cseq, "1 NOTIFY"));
	put(out, SLICE("\r\nDate: "));
	put_date(out, NOW + entity->date);
	put(out, SLICE("\r\nEvent: "));
	put(out, OR(entity->event, "certificate;id=7"));
	put(out, SLICE("\r\n"));
	put(out, OR(entity->more, ""));
	if (!entity->is_empty) {
		put(out, SLICE("\r\n--b\r\n"));
		put(out, OR(entity->kind, "Content-Type: application/pkix-cert\r\n"
					  "Content-Transfer-Encoding: binary\r\n"));
		put(out, SLICE("\r\n"));
		put(out, slice_from(fixture->user, fixture->n_user));
	}
	put(out, SLICE("\r\n--b--\r\n"));
	put(out, OR(entity->after, ""));
}

static enum err vouch(struct fixture *fixture, const struct entity *entity, struct writer *out)
{
	put_entity(out, fixture, entity);
	return order(fixture, SIGNER_VOUCH, fixture->server, writer_text(out));
}

static void vouches_for_a_notify_of_its_domain(void **state)
{
	static const struct entity good = { .type = NULL }, none = { .is_empty = true };
	struct fixture *fixture = &the_one;
	const struct entity *both[] = { &good, &none };

	for (size_t i = 0; i < 2; i++) {
		char text[8192];
		struct writer out = writer_of(text, sizeof(text));
		struct smime_opened opened = { .n_layers = 0 };
		struct mime_entity signed_one;
		struct verdict verdict;

		assert_int_equal(vouch(fixture, both[i], &out), OK);
		assert_int_equal(mime_entity_parse(rest(fixture), &signed_one), OK);
		assert_int_equal(smime_open(fixture->crypto, &(struct smime_keys){ .n_own = 0 }, &signed_one,
					    &opened, &verdict),
				 OK);
		assert_int_equal(opened.n_layers, 1);
		assert_int_equal(opened.layers[0].signing_time, NOW);
		assert_int_equal(identity_check(opened.layers[0].signer, SLICE("a.example"), &verdict), OK);
		assert_true(slice_eq(opened.entity.text, writer_text(&out)));
		smime_opened_fini(&opened);
	}
}

static void vouches_for_nothing_else(void **state)
{
	static const struct {
		const char *label;
		struct entity entity;
	} rows[] = {
		{ "another domain", { .from = "<sips:bob@b.example>;tag=x" } },
		{ "another's certificate", { .from = "<sips:carol@a.example>;tag=x" } },
		{ "no user", { .from = "<sips:a.example>;tag=x" } },
		{ "no From", { .from = "bob" } },
		{ "another method", { .cseq = "1 MESSAGE" } },
		{ "another package", { .event = "certificates" } },
		{ "yesterday's", { .date = -86400 } },
		{ "tomorrow's", { .date = 86400 } },
		{ "a further field", { .more = "Contact: <sip:eve@b.example>\r\n" } },
		{ "a text", { .kind = "Content-Type: text/plain\r\n" } },
		{ "a further header",
		  { .kind = "Content-Type: application/pkix-cert\r\nContent-Transfer-Encoding: binary\r\n"
			    "Subject: a contract\r\n" } },
		{ "no multipart", { .type = "Content-Type: text/plain\r\n" } },
		{ "a further header of the whole",
		  { .type = "Content-Type: multipart/mixed;boundary=\"b\"\r\nSubject: a contract\r\n" } },
		{ "a further parameter",
		  { .type = "Content-Type: multipart/mixed;boundary=\"b\";name=\"a contract\"\r\n" } },
		{ "a text before the parts",
		  { .type = "Content-Type: multipart/mixed;boundary=\"b\"\r\n\r\na contract" } },
		{ "a line before the parts that is nearly a delimiter",
		  { .type = "Content-Type: multipart/mixed;boundary=\"b\"\r\n\r\n--b: a contract" } },
		{ "a text behind the parts", { .after = "a contract\r\n" } },
		{ "a text behind the parts that ends as they do", { .after = "a contract\r\n--b--\r\n" } },
	};
	struct fixture *fixture = &the_one;
	char text[8192];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct writer out = writer_of(text, sizeof(text));

		if (vouch(fixture, &rows[i].entity, &out) != ERR_DENIED)
			fail_msg("%s: %s", rows[i].label, err_text((enum err)fixture->reply.err));
		assert_int_equal(fixture->len, 0);
	}
	assert_int_equal(order(fixture, SIGNER_VOUCH, fixture->server, SLICE("a contract")), ERR_DENIED);
	assert_int_equal(order(fixture, SIGNER_VOUCH, (unsigned char[KEY_ID_SIZE]){ 0 }, SLICE("")),
			 ERR_NOT_FOUND);
}

/* The key of the user CA is not the domain's, though it is held as well. */
static void vouches_by_the_domains_key_alone(void **state)
{
	struct fixture *fixture = &the_one;
	char text[8192];
	struct writer out = writer_of(text, sizeof(text));

	put_entity(&out, fixture, &(struct entity){ .type = NULL });
	assert_int_equal(order(fixture, SIGNER_VOUCH, fixture->ca, writer_text(&out)), ERR_DENIED);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(issues_for_the_account_whatever_the_request_says),
	cmocka_unit_test(refuses_what_is_no_request),
	cmocka_unit_test(issues_so_many_an_hour_to_one_account),
	cmocka_unit_test(vouches_for_a_notify_of_its_domain),
	cmocka_unit_test(vouches_for_nothing_else),
	cmocka_unit_test(vouches_by_the_domains_key_alone),
};

int main(void)
{
	int code;

	prepare();
	code = test_main(__FILE__, tests, sizeof(tests) / sizeof(tests[0]));
	clear_away();
	return code;
}
