/* Peers that are judged by rules of their own: what these allow, and that they allow it to nobody else. */
#include "fixture.h"

#include <openssl/x509v3.h>

/* Two CAs: the fixture's, and that of a peer. */
struct other {
	struct key *key;
	struct certificate *ca;
};

static int make_other(struct fixture *fixture, struct other *other)
{
	assert_int_equal(key_generate(fixture->crypto, &other->key), OK);
	return certificate_make_ca(fixture->crypto, other->key, SLICE("a peer's CA"), NOW - 1000 * DAY,
				   &other->ca);
}

static void other_fini(struct other *other)
{
	certificate_free(other->ca);
	key_free(other->key);
}

enum ca { OURS, PEERS };

/* A certificate for the names of the extension ("DNS:*.b.example"), by one of the CAs. */
static struct certificate *issue(struct fixture *fixture, const struct other *other, enum ca ca,
				 const char *names, const struct key *key)
{
	struct certificate_request request = { key, &SLICE("x.example"), 1, NOW };
	struct certificate_issuer theirs = { other->ca, other->key };
	struct certificate *leaf = NULL;
	X509_EXTENSION *extension;

	assert_int_equal(
		certificate_make(fixture->crypto, &request, ca == OURS ? issuer_of(fixture) : theirs, &leaf),
		OK);
	X509 *x509 = certificate_openssl(leaf);
	X509_EXTENSION_free(X509_delete_ext(x509, X509_get_ext_by_NID(x509, NID_subject_alt_name, -1)));
	extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
	assert_int_equal(X509_add_ext(x509, extension, -1), 1);
	X509_EXTENSION_free(extension);
	assert_true(X509_sign(x509, key_openssl(ca == OURS ? fixture->ca_key : other->key), EVP_sha256()) >
		    0);
	return leaf;
}

/* The client trusts our CA; "own" is a peer with a CA of its own, "wild:sip" one whose wildcards count. */
static void set_rules(struct fixture *fixture, const struct other *other)
{
	static const struct slice names[] = { SLICE_INIT("b.example"), SLICE_INIT("sip.b.example") };
	AUTO(chain) struct chain *theirs = chain_of(fixture, other->ca);
	struct tls_scope own = { .name = SLICE("own"), .anchors = theirs, .names = names, .n_names = 2 };
	struct tls_scope wild = {
		.name = SLICE("wild:sip"), .names = names, .n_names = 2, .takes_wildcards = true
	};

	trust(fixture, fixture->ca);
	assert_int_equal(tls_client_scope(fixture->client, &own), OK);
	assert_int_equal(tls_client_scope(fixture->client, &wild), OK);
}

static const struct {
	const char *label;
	enum ca ca;
	const char *names, *asked;
	const char *code;     /* of the client's verdict; NULL: it has proven what was asked for */
	const char *presents; /* what the same certificate proves when a client shows it */
} cases[] = {
	/* clang-format off */
	{ "by our CA",                     OURS,  "DNS:b.example",   "b.example",              NULL,                        "b.example/wild:sip, b.example" },
	{ "by the peer's CA",              PEERS, "DNS:b.example",   "b.example",              "certificate.unknown-ca",    "b.example/own" },
	{ "a peer by its own CA",          PEERS, "DNS:b.example",   "B.example/own",          NULL,                        "b.example/own" },
	{ "a peer by our CA",              OURS,  "DNS:b.example",   "b.example/own",          "certificate.unknown-ca",    "b.example/wild:sip, b.example" },
	{ "another name by its own CA",    PEERS, "DNS:a.example",   "b.example/own",          "certificate.name-mismatch", NULL },
	{ "a name that is not its own",    PEERS, "DNS:a.example",   "a.example",              "certificate.unknown-ca",    NULL },
	{ "a wildcard",                    OURS,  "DNS:*.b.example", "sip.b.example",          "certificate.no-identity",   "sip.b.example/wild:sip" },
	{ "a wildcard that counts",        OURS,  "DNS:*.b.example", "sip.b.example/wild:sip", NULL,                        "sip.b.example/wild:sip" },
	{ "not for what is above it",      OURS,  "DNS:*.b.example", "b.example/wild:sip",     "certificate.no-identity",   "sip.b.example/wild:sip" },
	{ "nor further below",             OURS,  "DNS:*.b.example", "x.sip.b.example/wild:sip", "certificate.no-identity", "sip.b.example/wild:sip" },
	{ "nor below the top",             OURS,  "DNS:*.example",   "b.example/wild:sip",     "certificate.no-identity",   NULL },
	{ "nor in the middle",             OURS,  "DNS:s*.b.example", "sip.b.example/wild:sip", "certificate.no-identity",  NULL },
	{ "nor beside a URI",              OURS,  "URI:sip:a.example,DNS:*.b.example", "sip.b.example/wild:sip", "certificate.name-mismatch", "a.example" },
	{ "beside another name",           OURS,  "DNS:a.example,DNS:*.b.example", "sip.b.example/wild:sip", NULL,         "sip.b.example/wild:sip, a.example" },
	{ "a wildcard, and a short name",  OURS,  "DNS:*.b.example", "x.b.example/wild:sip",   NULL,                        "sip.b.example/wild:sip" },
	{ "a wildcard by the peer's CA",   PEERS, "DNS:*.b.example", "sip.b.example/wild:sip", "certificate.unknown-ca",    NULL },
	{ "a wildcard where it is none",   PEERS, "DNS:*.b.example", "sip.b.example/own",      "certificate.no-identity",   NULL },
	/* clang-format on */
};

static void a_server_has_proven_what_it_was_asked_for(void **state)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i += ROWS_STEP(8)) {
		struct fixture *fixture;
		struct other other = { 0 };
		struct tls_facts facts;
		enum err server;

		set_up((void **)&fixture);
		assert_int_equal(make_other(fixture, &other), OK);
		set_rules(fixture, &other);
		{
			AUTO(certificate)
			struct certificate *leaf = issue(fixture, &other, cases[i].ca, cases[i].names,
							 fixture->ca_key);
			assert_int_equal(serve(fixture, leaf, fixture->ca_key), OK);
		}
		accept_conn(fixture);
		connect_conn(fixture, cases[i].asked);
		enum err client = shake_hands(fixture, NOW, &server);
		if ((client == OK) != !cases[i].code)
			fail_msg("%s: %s", cases[i].label, err_text(client));
		if (client != OK)
			assert_code(cases[i].label, &fixture->client_verdict, cases[i].code);
		tls_conn_facts(fixture->client_conn, &facts);
		if (client == OK && !slice_eq_nocase(slice_of(facts.domain), slice_of(cases[i].asked)))
			fail_msg("%s: %s", cases[i].label, facts.domain);
		other_fini(&other);
		tear_down((void **)&fixture);
	}
}

static void a_client_has_proven_it_by_the_rules_of_each(void **state)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i += ROWS_STEP(8)) {
		struct fixture *fixture;
		struct other other = { 0 };
		struct tls_facts facts;
		enum err server;

		set_up((void **)&fixture);
		assert_int_equal(make_other(fixture, &other), OK);
		set_rules(fixture, &other);
		tls_server_trust(fixture->server, fixture->client);
		serve_name(fixture, "c.example", NOW);
		{
			AUTO(certificate)
			struct certificate *leaf = issue(fixture, &other, cases[i].ca, cases[i].names,
							 fixture->ca_key);
			AUTO(chain) struct chain *chain = chain_of(fixture, leaf);
			assert_int_equal(tls_client_present(fixture->client, SLICE(""), chain,
							    fixture->ca_key, &fixture->client_verdict),
					 OK);
		}
		accept_conn(fixture);
		tls_conn_ask(fixture->server_conn);
		connect_conn(fixture, "c.example");
		assert_int_equal(tls_conn_speak_for(fixture->client_conn, SLICE("")), OK);
		assert_int_equal(shake_hands(fixture, NOW, &server), OK);
		assert_int_equal(server, OK);
		tls_conn_facts(fixture->server_conn, &facts);
		const char *expected = cases[i].presents ? cases[i].presents : "";
		if (cases[i].presents && !slice_eq(slice_of(facts.identities), slice_of(expected)))
			fail_msg("%s: %s", cases[i].label, facts.identities);
		/* never a name of the rules that it has not, nor one that nobody vouches for */
		if (!cases[i].presents &&
		    slice_find(slice_of(facts.identities), '/') < slice_of(facts.identities).len)
			fail_msg("%s: %s", cases[i].label, facts.identities);
		assert_int_equal(facts.not_after > 0, facts.identities[0] != '\0' || cases[i].ca == OURS);
		other_fini(&other);
		tear_down((void **)&fixture);
	}
}

static void rules_that_are_not_there_are_nobodys(void **state)
{
	struct fixture *fixture = *state;
	struct tls_scope nameless = { .name = SLICE("") };
	struct tls_conn *conn = NULL;

	trust(fixture, fixture->ca);
	assert_int_equal(tls_conn_new(fixture->client, fixture->fds[1], SLICE("b.example/own"), &conn),
			 ERR_NOT_FOUND);
	assert_int_equal(tls_client_scope(fixture->client, &nameless), ERR_LIMIT);
}

/* What was proven by one rule is not taken up under another. */
static void a_session_belongs_to_the_rules_that_it_began_with(void **state)
{
	static const char *const asked[] = { "sip.b.example/wild:sip", "sip.b.example" };
	struct fixture *fixture = *state;
	struct other other = { 0 };
	AUTO(tls_ticket_keys) struct tls_ticket_keys *keys = tls_ticket_keys_new();
	char buf[10];
	size_t n;

	assert_non_null(keys);
	assert_int_equal(make_other(fixture, &other), OK);
	set_rules(fixture, &other);
	assert_int_equal(tls_server_resume(fixture->server, keys), OK);
	tls_client_resume(fixture->client, 4);
	{
		AUTO(certificate)
		struct certificate *leaf = issue(fixture, &other, OURS, "DNS:*.b.example", fixture->ca_key);
		assert_int_equal(serve(fixture, leaf, fixture->ca_key), OK);
	}
	for (int i = 0; i < 2; i++) {
		enum err server, client;

		accept_conn(fixture);
		connect_conn(fixture, asked[i]);
		client = shake_hands(fixture, NOW, &server);
		assert_int_equal(client, i == 0 ? OK : ERR_DENIED);
		if (i == 0)
			assert_int_equal(tls_conn_read(fixture->client_conn, buf, sizeof buf, &n), ERR_AGAIN);
		tls_conn_free(TAKE(fixture->client_conn));
		tls_conn_free(TAKE(fixture->server_conn));
		socket_close(fixture->fds[0]);
		socket_close(fixture->fds[1]);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fixture->fds), 0);
	}
	other_fini(&other);
	tls_context_free(TAKE(fixture->server));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_server_has_proven_what_it_was_asked_for),
	cmocka_unit_test(a_client_has_proven_it_by_the_rules_of_each),
	cmocka_unit_test_setup_teardown(rules_that_are_not_there_are_nobodys, set_up, tear_down),
	cmocka_unit_test_setup_teardown(a_session_belongs_to_the_rules_that_it_began_with, set_up, tear_down),
};

TEST_MAIN(tests)
