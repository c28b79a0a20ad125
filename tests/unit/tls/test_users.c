/* Clients that show themselves as users of a domain: whom they prove to be, to which domain, and by whose word. */
#include "fixture.h"

#include <openssl/x509v3.h>

#include "crypto/user_certificate.h"

/* Two CAs: that of the users of a.example and b.example (the fixture's), and another one, which a.example does not know. */
struct other {
	struct key *key;
	struct certificate *ca;
};

enum ca { OURS, OTHERS, OF_ITS_NAMES, OF_NAMES, OF_MAIL };

/* What the other one may vouch for. */
static const char *const constraints[] = {
	[OURS] = NULL,
	[OTHERS] = NULL,
	[OF_ITS_NAMES] = "permitted;DNS:x.example,permitted;DNS:d.example", /* x.example is the CN */
	[OF_NAMES] = "permitted;DNS:x.example",
	[OF_MAIL] = "permitted;email:c.example",
};

static const struct {
	const char *label;
	enum ca ca;
	const char *names, *usage, *extended; /* extensions; NULL: there is none */
	utc_t age;
	const char *user; /* what is proven; NULL: nothing */
} cases[] = {
	/* clang-format off */
	{ "a user",                     OURS,   "URI:sip:alice@a.example",  "digitalSignature", "clientAuth", 0, "alice@a.example" },
	{ "as sips too",                OURS,   "URI:sips:alice@A.example,URI:im:alice@a.example", "digitalSignature", "emailProtection,clientAuth", 0, "alice@a.example" },
	{ "with escapes",               OURS,   "URI:sip:al%20ice@a.example", NULL,             NULL,         0, "al%20ice@a.example" },
	{ "of the other domain",        OURS,   "URI:sip:alice@b.example",  NULL,               NULL,         0, "alice@b.example" },
	{ "of no domain of ours",       OURS,   "URI:sip:alice@c.example",  NULL,               NULL,         0, NULL },
	{ "by a CA that is not theirs", OTHERS, "URI:sip:alice@a.example",  NULL,               NULL,         0, NULL },
	{ "by one that is another's",   OTHERS, "URI:sip:alice@b.example",  NULL,               NULL,         0, NULL },
	{ "by a CA of its own",         OTHERS, "URI:sip:alice@d.example",  NULL,               NULL,         0, "alice@d.example" },
	{ "that may, for its names",    OF_ITS_NAMES, "URI:sip:alice@d.example", NULL,          NULL,         0, "alice@d.example" },
	{ "that may not, for names",    OF_NAMES, "URI:sip:alice@d.example", NULL,              NULL,         0, NULL },
	{ "that may not, for mail",     OF_MAIL, "URI:sip:alice@d.example", NULL,               NULL,         0, NULL },
	{ "two users",                  OURS,   "URI:sip:alice@a.example,URI:sip:bob@a.example", NULL, NULL,  0, NULL },
	{ "two users by two schemes",   OURS,   "URI:sip:alice@a.example,URI:im:bob@a.example", NULL, NULL,   0, NULL },
	{ "of two domains",             OURS,   "URI:sip:alice@a.example,URI:sips:alice@b.example", NULL, NULL, 0, NULL },
	{ "a domain besides",           OURS,   "URI:sip:alice@a.example,URI:sip:a.example", NULL, NULL,      0, NULL },
	{ "an instant messenger",       OURS,   "URI:im:alice@a.example",   NULL,               NULL,         0, NULL },
	{ "with a port",                OURS,   "URI:sip:alice@a.example:5061", NULL,           NULL,         0, NULL },
	{ "with a password",            OURS,   "URI:sip:alice:x@a.example", NULL,              NULL,         0, NULL },
	{ "without a user",             OURS,   "URI:sip:@a.example",       NULL,               NULL,         0, NULL },
	{ "with half an escape",        OURS,   "URI:sip:alice%2@a.example", NULL,              NULL,         0, NULL },
	{ "with a blank",               OURS,   "URI:sip:al ice@a.example", NULL,               NULL,         0, NULL },
	{ "a mail address",             OURS,   "email:alice@a.example",    NULL,               NULL,         0, NULL },
	{ "for mail alone",             OURS,   "URI:sip:alice@a.example",  "digitalSignature", "emailProtection", 0, NULL },
	{ "for servers alone",          OURS,   "URI:sip:alice@a.example",  "digitalSignature", "serverAuth", 0, NULL },
	{ "not for signatures",         OURS,   "URI:sip:alice@a.example",  "keyAgreement",     "clientAuth", 0, NULL },
	{ "that has expired",           OURS,   "URI:sip:alice@a.example",  NULL,               NULL,         900, NULL },
	/* clang-format on */
};

static void add(X509 *x509, int nid, const char *value)
{
	X509_EXTENSION *extension;
	int at = X509_get_ext_by_NID(x509, nid, -1);

	if (at >= 0)
		X509_EXTENSION_free(X509_delete_ext(x509, at));
	if (!value)
		return;
	extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(x509, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static struct certificate *issue(struct fixture *fixture, const struct other *other, size_t i)
{
	struct certificate_request request = { fixture->ca_key, &SLICE("x.example"), 1,
					       NOW - cases[i].age * DAY };
	struct certificate_issuer theirs = { other->ca, other->key };
	struct certificate *leaf = NULL;
	bool ours = cases[i].ca == OURS;

	assert_int_equal(
		certificate_make(fixture->crypto, &request, ours ? issuer_of(fixture) : theirs, &leaf), OK);
	X509 *x509 = certificate_openssl(leaf);
	add(x509, NID_subject_alt_name, cases[i].names);
	add(x509, NID_key_usage, cases[i].usage);
	add(x509, NID_ext_key_usage, cases[i].extended);
	assert_true(X509_sign(x509, key_openssl(ours ? fixture->ca_key : other->key), EVP_sha256()) > 0);
	return leaf;
}

/* From now on it may vouch for nothing else. */
static void bind_ca(const struct other *other, const char *to)
{
	X509 *x509 = certificate_openssl(other->ca);

	add(x509, NID_name_constraints, to);
	assert_true(X509_sign(x509, key_openssl(other->key), EVP_sha256()) > 0);
}

/* a.example and b.example believe our CA, d.example the other one. */
static void set_rules(struct fixture *fixture, const struct other *other)
{
	AUTO(chain) struct chain *ours = chain_of(fixture, fixture->ca);
	AUTO(chain) struct chain *theirs = chain_of(fixture, other->ca);
	struct tls_users users[] = { { .domain = SLICE("a.example"), .anchors = ours },
				     { .domain = SLICE("b.example"), .anchors = ours },
				     { .domain = SLICE("d.example"), .anchors = theirs } };

	for (size_t i = 0; i < 3; i++)
		assert_int_equal(tls_client_users(fixture->client, &users[i]), OK);
	tls_server_trust(fixture->server, fixture->client);
}

/* The server's side of a handshake in which the client shows the certificate. */
static void show(struct fixture *fixture, const struct certificate *leaf, struct tls_facts *ret_facts)
{
	AUTO(chain) struct chain *chain = chain_of(fixture, leaf);
	enum err server;

	assert_int_equal(tls_client_show_user(fixture->client, SLICE("a.example"), chain, fixture->ca_key,
					      &fixture->client_verdict),
			 OK);
	accept_conn(fixture);
	tls_conn_ask(fixture->server_conn);
	connect_conn(fixture, "a.example");
	assert_int_equal(tls_conn_speak_for(fixture->client_conn, SLICE("a.example")), OK);
	assert_int_equal(shake_hands(fixture, NOW, &server), OK);
	assert_int_equal(server, OK);
	tls_conn_facts(fixture->server_conn, ret_facts);
}

static void a_client_has_proven_one_user_of_the_domain_that_knows_its_ca(void **state)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i += ROWS_STEP(12)) {
		struct fixture *fixture;
		struct other other = { 0 };
		struct tls_facts facts;
		const char *expected = cases[i].user ? cases[i].user : "";
		unsigned char key[KEY_ID_SIZE];

		set_up((void **)&fixture);
		trust(fixture,
		      fixture->ca); /* the server; that it is trusted for domains makes nobody a user */
		assert_int_equal(key_generate(fixture->crypto, &other.key), OK);
		assert_int_equal(certificate_make_ca(fixture->crypto, other.key, SLICE("another CA"),
						     NOW - 1000 * DAY, &other.ca),
				 OK);
		if (constraints[cases[i].ca])
			bind_ca(&other, constraints[cases[i].ca]);
		set_rules(fixture, &other);
		serve_name(fixture, "a.example", NOW);
		AUTO(certificate) struct certificate *leaf = issue(fixture, &other, i);
		show(fixture, leaf, &facts);
		if (!slice_eq(slice_of(facts.user), slice_of(expected)))
			fail_msg("%s: %s", cases[i].label, facts.user);
		if (cases[i].user) {
			assert_true(certificate_key_id(leaf, key));
			assert_memory_equal(key, facts.user_key, sizeof key);
			assert_true(facts.not_after > 0);
			assert_string_equal(facts.unproven, "");
		}
		certificate_free(other.ca);
		key_free(other.key);
		tear_down((void **)&fixture);
	}
}

/* What is shown can be exchanged and taken back, and each connection begins anew. */
static void what_is_shown_is_what_was_said_last(void **state)
{
	static const struct slice aors[] = { SLICE_INIT("alice@a.example"), SLICE_INIT("bob@a.example"),
					     SLICE_INIT("") };
	struct fixture *fixture = *state;
	AUTO(tls_ticket_keys) struct tls_ticket_keys *keys = tls_ticket_keys_new();
	struct other other = { fixture->ca_key, fixture->ca };
	char buf[10];
	size_t n;

	assert_non_null(keys);
	trust(fixture, fixture->ca);
	set_rules(fixture, &other);
	assert_int_equal(tls_server_resume(fixture->server, keys), OK);
	tls_client_resume(fixture->client, 4);
	serve_name(fixture, "a.example", NOW);
	for (size_t i = 0; i < 6; i++) {
		AUTO(secret) struct secret *der = NULL;
		AUTO(csr) struct csr *csr = NULL;
		AUTO(certificate) struct certificate *leaf = NULL;
		AUTO(chain) struct chain *chain = NULL;
		struct slice aor = aors[i / 2];
		struct tls_facts facts;
		enum err server;

		if (aor.len > 0) {
			struct user_certificate_request request = { .aor = aor, .now = NOW };

			assert_int_equal(csr_make(fixture->crypto, fixture->ca_key, aor, &der), OK);
			assert_int_equal(csr_parse(fixture->crypto, secret_slice(der), &csr), OK);
			request.csr = csr;
			assert_int_equal(
				certificate_make_user(fixture->crypto, &request, issuer_of(fixture), &leaf),
				OK);
			chain = chain_of(fixture, leaf);
		}
		if (i % 2 == 0)
			assert_int_equal(tls_client_show_user(fixture->client, SLICE("a.example"), chain,
							      fixture->ca_key, &fixture->client_verdict),
					 OK);
		accept_conn(fixture);
		tls_conn_ask(fixture->server_conn);
		connect_conn(fixture, "a.example");
		assert_int_equal(tls_conn_speak_for(fixture->client_conn, SLICE("a.example")), OK);
		assert_int_equal(shake_hands(fixture, NOW, &server), OK);
		assert_int_equal(server, OK);
		assert_int_equal(tls_conn_read(fixture->client_conn, buf, sizeof buf, &n), ERR_AGAIN);
		tls_conn_facts(fixture->server_conn, &facts);
		assert_true(slice_eq(slice_of(facts.user), aor));
		assert_false(facts.resumed && aor.len > 0);
		tls_conn_free(TAKE(fixture->client_conn));
		tls_conn_free(TAKE(fixture->server_conn));
		socket_close(fixture->fds[0]);
		socket_close(fixture->fds[1]);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fixture->fds), 0);
	}
	tls_context_free(TAKE(fixture->server));
}

/* As on the way through a proxy of another name. */
static void it_is_shown_to_nobody_else(void **state)
{
	struct fixture *fixture = *state;
	struct other other = { fixture->ca_key, fixture->ca };
	AUTO(certificate) struct certificate *leaf = issue(fixture, &other, 0);
	AUTO(chain) struct chain *chain = chain_of(fixture, leaf);
	struct tls_facts facts;
	enum err server;

	trust(fixture, fixture->ca);
	set_rules(fixture, &other);
	serve_name(fixture, "b.example", NOW);
	assert_int_equal(tls_client_show_user(fixture->client, SLICE("a.example"), chain, fixture->ca_key,
					      &fixture->client_verdict),
			 OK);
	accept_conn(fixture);
	tls_conn_ask(fixture->server_conn);
	connect_conn(fixture, "b.example");
	assert_int_equal(tls_conn_speak_for(fixture->client_conn, SLICE("")), OK);
	assert_int_equal(shake_hands(fixture, NOW, &server), OK);
	assert_int_equal(server, OK);
	tls_conn_facts(fixture->server_conn, &facts);
	assert_string_equal(facts.user, "");
	assert_string_equal(facts.unproven, "");
}

static void an_address_is_no_domain(void **state)
{
	struct fixture *fixture = *state;
	AUTO(chain) struct chain *chain = chain_of(fixture, fixture->ca);
	struct tls_users users = { .domain = SLICE("192.0.2.1"), .anchors = chain };

	assert_int_equal(tls_client_users(fixture->client, &users), ERR_LIMIT);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_client_has_proven_one_user_of_the_domain_that_knows_its_ca),
	cmocka_unit_test_setup_teardown(what_is_shown_is_what_was_said_last, set_up, tear_down),
	cmocka_unit_test_setup_teardown(it_is_shown_to_nobody_else, set_up, tear_down),
	cmocka_unit_test_setup_teardown(an_address_is_no_domain, set_up, tear_down),
};

TEST_MAIN(tests)
