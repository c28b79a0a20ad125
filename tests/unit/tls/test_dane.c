/* TLSA records and what they make of a server's certificate (RFC 6698, RFC 7671). */
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "fixture.h"

enum { RECORDS_MAX = 4096 };

enum whose { LEAF, ISSUER, NOBODY, NONSENSE };

/* -- records ------------------------------------------------------------------------------------------------------- */

struct record {
	int usage, selector, type;
	enum whose whose;
};

/* The certificate or its key, whole or as a digest. */
static void put_data(struct writer *out, const struct record *record, const struct certificate *certificate)
{
	unsigned char *der = NULL, digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;
	int len = record->selector == 0 ? i2d_X509(certificate->x509, &der)
					: i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate->x509), &der);

	assert_true(len > 0);
	if (record->type == 0) {
		put(out, slice_from(der, (size_t)len));
	} else {
		assert_int_equal(EVP_Digest(der, (size_t)len, digest, &size,
					    record->type == 1 ? EVP_sha256() : EVP_sha512(), NULL),
				 1);
		put(out, slice_from(digest, size));
	}
	OPENSSL_free(der);
}

static void put_record(struct writer *out, const struct record *record, const struct fixture *fixture,
		       const struct certificate *leaf)
{
	char buf[RECORDS_MAX];
	struct writer data = writer_of(buf, sizeof buf);

	put_char(&data, (char)record->usage);
	put_char(&data, (char)record->selector);
	put_char(&data, (char)record->type);
	switch (record->whose) {
	case LEAF: put_data(&data, record, leaf); break;
	case ISSUER: put_data(&data, record, fixture->ca); break;
	case NOBODY: put(&data, SLICE("0123456789abcdef0123456789abcdef")); break;
	case NONSENSE: put(&data, SLICE("no certificate")); break;
	}
	put_char(out, (char)(data.len >> 8));
	put_char(out, (char)(data.len & 0xff));
	put(out, writer_text(&data));
}

/* -- the table ------------------------------------------------------------------------------------------------------ */

/* clang-format off */
static const struct dane_case {
	const char *label;
	struct record records[2];
	size_t n;
	bool trusted;       /* the CA is one of our anchors */
	const char *name;   /* that the certificate has; asked for is b.example */
	bool is_old;        /* it has expired */
	const char *code;   /* of the refusal; NULL: accepted */
} cases[] = {
	{ "3 1 1: the key",                           { { 3, 1, 1, LEAF } },   1, false, "b.example", false, NULL },
	{ "3 1 2: by SHA-512",                        { { 3, 1, 2, LEAF } },   1, false, "b.example", false, NULL },
	{ "3 1 0: the key itself",                    { { 3, 1, 0, LEAF } },   1, false, "b.example", false, NULL },
	{ "3 0 1: the certificate",                   { { 3, 0, 1, LEAF } },   1, false, "b.example", false, NULL },
	{ "3: whatever name it has",                  { { 3, 1, 1, LEAF } },   1, false, "other.example", false, NULL },
	{ "3: however old it is",                     { { 3, 1, 1, LEAF } },   1, false, "b.example", true, NULL },
	{ "3: another key, though the CA is trusted", { { 3, 1, 1, NOBODY } }, 1, true, "b.example", false, "certificate.dane-mismatch" },
	{ "3: that of the issuer",                    { { 3, 1, 1, ISSUER } }, 1, true, "b.example", false, "certificate.dane-mismatch" },
	{ "3: the second of two",                     { { 3, 1, 1, NOBODY }, { 3, 1, 1, LEAF } }, 2, false, "b.example", false, NULL },
	{ "2 0 0: the issuer",                        { { 2, 0, 0, ISSUER } }, 1, false, "b.example", false, NULL },
	{ "2 1 0: its key",                           { { 2, 1, 0, ISSUER } }, 1, false, "b.example", false, NULL },
	{ "2 0 1: an issuer that was not shown",      { { 2, 0, 1, ISSUER } }, 1, true, "b.example", false, "certificate.dane-mismatch" },
	{ "2: and the name",                          { { 2, 0, 0, ISSUER } }, 1, false, "other.example", false, "certificate.name-mismatch" },
	{ "2: and the time",                          { { 2, 0, 0, ISSUER } }, 1, false, "b.example", true, "certificate.expired" },
	{ "2: another issuer, though ours is trusted", { { 2, 0, 1, NOBODY } }, 1, true, "b.example", false, "certificate.dane-mismatch" },
	{ "1: the certificate, and a CA of ours",     { { 1, 0, 1, LEAF } },   1, true, "b.example", false, NULL },
	{ "1: the certificate alone",                 { { 1, 0, 1, LEAF } },   1, false, "b.example", false, "certificate.dane-mismatch" },
	{ "1: not without the name",                  { { 1, 0, 1, LEAF } },   1, true, "other.example", false, "certificate.name-mismatch" },
	{ "0: the CA, which is ours",                 { { 0, 0, 1, ISSUER } }, 1, true, "b.example", false, NULL },
	{ "one of no use does not count",             { { 3, 0, 0, NONSENSE }, { 3, 1, 1, LEAF } }, 2, false, "b.example", false, NULL },
};
/* clang-format on */

/* The issuer is a root, which our servers do not send: who publishes it has to publish all of it (RFC 7671 §5.2.2). */
static struct certificate *serve_case(struct fixture *fixture, const struct dane_case *row)
{
	AUTO(key) struct key *key = NULL;
	AUTO(chain) struct chain *chain = NULL;
	struct certificate *leaf = NULL;
	struct slice name = slice_of(row->name);
	struct certificate_request request = { NULL, &name, 1, row->is_old ? NOW - 500 * DAY : NOW };
	char buf[16384];
	struct writer out = writer_of(buf, sizeof buf);

	assert_int_equal(key_generate(fixture->crypto, &key), OK);
	request.key = key;
	assert_int_equal(certificate_make(fixture->crypto, &request, issuer_of(fixture), &leaf), OK);
	assert_int_equal(put_certificate_pem(&out, leaf), OK);
	assert_int_equal(put_certificate_pem(&out, fixture->ca), OK);
	assert_int_equal(chain_parse_pem(fixture->crypto, writer_text(&out), &chain), OK);
	assert_int_equal(tls_server_add(fixture->server, chain, key, &fixture->server_verdict), OK);
	return leaf;
}

static void try_case(struct fixture *fixture, const struct dane_case *row)
{
	AUTO(certificate) struct certificate *leaf = serve_case(fixture, row);
	char buf[RECORDS_MAX];
	struct writer records = writer_of(buf, sizeof buf);
	struct tls_facts facts;
	enum err server;

	print_message("# %s\n", row->label);
	for (size_t i = 0; i < row->n; i++)
		put_record(&records, &row->records[i], fixture, leaf);
	if (row->trusted)
		trust(fixture, fixture->ca);
	accept_conn(fixture);
	connect_conn(fixture, "b.example");
	assert_int_equal(tls_conn_dane(fixture->client_conn, writer_text(&records)), OK);
	enum err client = shake_hands(fixture, NOW, &server);
	if (row->code) {
		assert_int_equal(client, ERR_DENIED);
		assert_code(row->label, &fixture->client_verdict, row->code);
		return;
	}
	if (client != OK)
		assert_code(row->label, &fixture->client_verdict, "accepted");
	tls_conn_facts(fixture->client_conn, &facts);
	assert_string_equal(facts.domain, "b.example");
}

static void a_server_is_who_the_records_say(void **state)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i += ROWS_STEP(6)) {
		if (i > 0) {
			tear_down(state);
			set_up(state);
		}
		try_case(*state, &cases[i]);
	}
}

static void records_that_say_nothing_are_told(void **state)
{
	struct fixture *fixture = *state;
	static const struct record nonsense = { 3, 0, 0, NONSENSE };
	char buf[RECORDS_MAX];
	struct writer records = writer_of(buf, sizeof buf);

	connect_conn(fixture, "b.example");
	put_record(&records, &nonsense, fixture, fixture->ca);
	assert_int_equal(tls_conn_dane(fixture->client_conn, writer_text(&records)), ERR_SYNTAX);
	assert_int_equal(tls_conn_dane(fixture->client_conn, SLICE("")), OK);
}

static void a_mismatch_is_explained(void **state)
{
	struct fixture *fixture = *state;
	static const struct record nobody = { 3, 1, 1, NOBODY };
	char buf[RECORDS_MAX];
	struct writer records = writer_of(buf, sizeof buf);
	enum err server;

	serve_name(fixture, "b.example", NOW);
	trust(fixture, fixture->ca);
	accept_conn(fixture);
	connect_conn(fixture, "b.example");
	put_record(&records, &nobody, fixture, fixture->ca);
	assert_int_equal(tls_conn_dane(fixture->client_conn, writer_text(&records)), OK);
	assert_int_equal(shake_hands(fixture, NOW, &server), ERR_DENIED);
	assert_says(&fixture->client_verdict,
		    "the certificate CN=b.example is none that the DNS has a TLSA record for (RFC 7671 §5)");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(a_server_is_who_the_records_say, set_up, tear_down),
	cmocka_unit_test_setup_teardown(records_that_say_nothing_are_told, set_up, tear_down),
	cmocka_unit_test_setup_teardown(a_mismatch_is_explained, set_up, tear_down),
};

TEST_MAIN(tests)
