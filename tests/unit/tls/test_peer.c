/* What a client thinks of the server's certificate. */
#include "fixture.h"

#include <openssl/x509v3.h>

static const struct {
	const char *label, *serves, *asked;
	utc_t made;
	bool trusted;
	const char *client, *server; /* the codes of their verdicts; NULL if all is well */
} peer_cases[] = {
	/* clang-format off */
	{ "all is well",    "b.example",     "b.example", NOW,            true,  NULL, NULL },
	{ "another case",   "b.example",     "B.EXAMPLE", NOW,            true,  NULL, NULL },
	{ "a final dot",    "b.example",     "b.example.", NOW,           true,  NULL, NULL },
	{ "wrong name",     "pbx.b.example", "b.example", NOW,            true,  "certificate.name-mismatch", "tls.peer-refuses-certificate" },
	{ "an address",     "b.example",     "192.0.2.1", NOW,            true,  "certificate.no-domain-asked", "tls.peer-refuses-certificate" },
	{ "unknown CA",     "b.example",     "b.example", NOW,            false, "certificate.unknown-ca", "tls.peer-refuses-certificate" },
	{ "expired",        "b.example",     "b.example", NOW - 91 * DAY, true,  "certificate.expired", "tls.peer-refuses-certificate" },
	{ "not valid yet",  "b.example",     "b.example", NOW + DAY,      true,  "certificate.not-yet-valid", "tls.peer-refuses-certificate" },
	{ "wrong and late", "pbx.b.example", "b.example", NOW - 91 * DAY, true,  "certificate.expired", "tls.peer-refuses-certificate" },
	/* clang-format on */
};

static void judges_the_server(void **state)
{
	for (size_t i = 0; i < sizeof(peer_cases) / sizeof(peer_cases[0]); i += ROWS_STEP(5)) {
		const char *label = peer_cases[i].label;
		struct fixture *fixture;
		enum err client, server;

		set_up((void **)&fixture);
		serve_name(fixture, peer_cases[i].serves, peer_cases[i].made);
		if (peer_cases[i].trusted)
			trust(fixture, fixture->ca);
		accept_conn(fixture);
		connect_conn(fixture, peer_cases[i].asked);
		client = shake_hands(fixture, NOW, &server);
		if ((client == OK) != !peer_cases[i].client || (server == OK) != !peer_cases[i].server)
			fail_msg("%s: client %s, server %s", label, err_text(client), err_text(server));
		if (client != OK)
			assert_code(label, &fixture->client_verdict, peer_cases[i].client);
		if (server != OK)
			assert_code(label, &fixture->server_verdict, peer_cases[i].server);
		tear_down((void **)&fixture);
	}
}

static void says_why_in_one_sentence(void **state)
{
	struct fixture *fixture = *state;
	enum err server;

	serve_name(fixture, "b.example", NOW);
	trust(fixture, fixture->ca);
	accept_conn(fixture);
	connect_conn(fixture, "b.example");
	assert_int_equal(shake_hands(fixture, NOW + 100 * DAY, &server), ERR_DENIED);
	assert_says(&fixture->client_verdict,
		    "the certificate CN=b.example (until 2026-12-20 14:13:20 UTC) has expired, it is now "
		    "2026-12-30 14:13:20 UTC (RFC 5280 §6.1.3)");
	assert_int_equal(server, ERR_DENIED);
	assert_says(&fixture->server_verdict,
		    "the peer does not accept our certificate, it says: certificate expired (RFC 8446 §6.2)");
}

static void an_unknown_ca_is_named(void **state)
{
	struct fixture *fixture = *state;
	enum err server;

	serve_name(fixture, "b.example", NOW);
	accept_conn(fixture);
	connect_conn(fixture, "b.example");
	assert_int_equal(shake_hands(fixture, NOW, &server), ERR_DENIED);
	assert_says(&fixture->client_verdict,
		    "the certificate CN=b.example, issued by CN=test CA, leads to no CA that "
		    "is trusted here (RFC 5280 §6.1)");
	assert_says(&fixture->server_verdict,
		    "the peer does not accept our certificate, it says: unknown CA (RFC 8446 §6.2)");
}

static void the_expiry_of_a_ca_is_named_with_its_depth(void **state)
{
	struct fixture *fixture = *state;
	enum err server;

	serve_name(fixture, "b.example", NOW + 4000 * DAY);
	trust(fixture, fixture->ca);
	accept_conn(fixture);
	connect_conn(fixture, "b.example");
	assert_int_equal(shake_hands(fixture, NOW + 4000 * DAY, &server), ERR_DENIED);
	assert_code("CA", &fixture->client_verdict, "certificate.expired");
	assert_true(slice_starts(verdict_text(&fixture->client_verdict.found),
				 SLICE("CN=test CA at depth 1 (until ")));
}

static void a_self_signed_certificate_is_refused_until_it_is_trusted(void **state)
{
	struct fixture *fixture = *state;
	enum err server;

	assert_int_equal(serve(fixture, fixture->ca, fixture->ca_key), OK);
	accept_conn(fixture);
	connect_conn(fixture, "b.example");
	assert_int_equal(shake_hands(fixture, NOW, &server), ERR_DENIED);
	assert_code("untrusted", &fixture->client_verdict, "certificate.self-signed");
	assert_says(&fixture->client_verdict,
		    "the certificate CN=test CA is signed by itself and not trusted here (RFC 5280 §6.1)");
}

/* The name is right and the CA is trusted, but what it was issued for is something else. */
static void a_certificate_for_clients_only_is_refused(void **state)
{
	struct fixture *fixture = *state;
	AUTO(key) struct key *key = NULL;
	AUTO(certificate) struct certificate *leaf = NULL;
	struct slice name = SLICE("b.example");
	struct certificate_request request = { NULL, &name, 1, NOW };
	X509_EXTENSION *extension;
	X509 *x509;
	enum err server;

	assert_int_equal(key_generate(fixture->crypto, &key), OK);
	request.key = key;
	assert_int_equal(certificate_make(fixture->crypto, &request, issuer_of(fixture), &leaf), OK);
	x509 = certificate_openssl(leaf);
	X509_EXTENSION_free(X509_delete_ext(x509, X509_get_ext_by_NID(x509, NID_ext_key_usage, -1)));
	extension = X509V3_EXT_conf_nid(NULL, NULL, NID_ext_key_usage, "clientAuth");
	assert_int_equal(X509_add_ext(x509, extension, -1), 1);
	X509_EXTENSION_free(extension);
	assert_true(X509_sign(x509, key_openssl(fixture->ca_key), EVP_sha256()) > 0);

	assert_int_equal(serve(fixture, leaf, key), OK);
	trust(fixture, fixture->ca);
	accept_conn(fixture);
	connect_conn(fixture, "b.example");
	assert_int_equal(shake_hands(fixture, NOW, &server), ERR_DENIED);
	assert_code("clientAuth", &fixture->client_verdict, "certificate.usage");
	assert_int_equal(server, ERR_DENIED);
}

/* -- what a server thinks of its client's certificate ---------------------------------------------------- */

/* Has the client show a certificate for the names, "" for none. */
static void present(struct fixture *fixture, struct slice domain, const char *name, utc_t when)
{
	AUTO(key) struct key *key = NULL;
	AUTO(certificate) struct certificate *leaf = NULL;
	AUTO(chain) struct chain *chain = NULL;
	struct slice names[] = { slice_of(name), SLICE("sip.b.example") };
	struct certificate_request request = { NULL, names, 2, when };

	assert_int_equal(key_generate(fixture->crypto, &key), OK);
	request.key = key;
	assert_int_equal(certificate_make(fixture->crypto, &request, issuer_of(fixture), &leaf), OK);
	chain = chain_of(fixture, leaf);
	assert_int_equal(tls_client_present(fixture->client, domain, chain, key, &fixture->client_verdict),
			 OK);
}

static const struct {
	const char *label, *shows;
	utc_t made;
	bool trusted, asked;
	const char *identities, *unproven; /* the latter: how it begins */
} client_cases[] = {
	/* clang-format off */
	{ "proves its domain", "b.example", NOW,            true,  true,  "b.example, sip.b.example", "" },
	{ "has none",          "",          NOW,            true,  true,  "", "" },
	{ "was not asked",     "b.example", NOW,            true,  false, "", "" },
	{ "expired",           "b.example", NOW - 91 * DAY, true,  true,  "", "the certificate CN=b.example (until " },
	{ "of another CA",     "b.example", NOW,            false, true,  "", "the certificate CN=b.example, issued by CN=test CA, leads to no CA" },
	/* clang-format on */
};

static void a_client_is_served_whatever_it_proves(void **state)
{
	for (size_t i = 0; i < sizeof(client_cases) / sizeof(client_cases[0]); i += ROWS_STEP(5)) {
		struct fixture *fixture;
		struct tls_context *trusted;
		struct tls_facts facts;
		enum err server;

		set_up((void **)&fixture);
		trust(fixture, fixture->ca);
		trusted = tls_client_new(fixture->crypto);
		assert_non_null(trusted);
		tls_server_trust(fixture->server, client_cases[i].trusted ? fixture->client : trusted);
		serve_name(fixture, "a.example", NOW);
		if (client_cases[i].shows[0])
			present(fixture, SLICE(""), client_cases[i].shows, client_cases[i].made);
		accept_conn(fixture);
		if (client_cases[i].asked)
			tls_conn_ask(fixture->server_conn);
		connect_conn(fixture, "a.example");
		assert_int_equal(tls_conn_speak_for(fixture->client_conn, SLICE("b.example")), OK);
		if (shake_hands(fixture, NOW, &server) != OK || server != OK)
			fail_msg("%s: %s", client_cases[i].label, err_text(server));
		tls_conn_facts(fixture->server_conn, &facts);
		if (strcmp(facts.identities, client_cases[i].identities) != 0 ||
		    !slice_starts(slice_of(facts.unproven), slice_of(client_cases[i].unproven)) ||
		    !facts.unproven[0] != !client_cases[i].unproven[0])
			fail_msg("%s: \"%s\", \"%s\"", client_cases[i].label, facts.identities,
				 facts.unproven);
		tls_context_free(trusted);
		tear_down((void **)&fixture);
	}
}

static void a_client_shows_the_certificate_of_the_domain_that_it_speaks_for(void **state)
{
	struct fixture *fixture = *state;
	struct tls_facts facts;
	enum err server;

	trust(fixture, fixture->ca);
	tls_server_trust(fixture->server, fixture->client);
	serve_name(fixture, "a.example", NOW);
	present(fixture, SLICE(""), "first.example", NOW);
	present(fixture, SLICE("b.example"), "b.example", NOW);
	accept_conn(fixture);
	tls_conn_ask(fixture->server_conn);
	connect_conn(fixture, "a.example");
	assert_int_equal(tls_conn_speak_for(fixture->client_conn, SLICE("b.example")), OK);
	assert_int_equal(shake_hands(fixture, NOW, &server), OK);
	tls_conn_facts(fixture->server_conn, &facts);
	assert_string_equal(facts.identities, "b.example, sip.b.example");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_client_is_served_whatever_it_proves),
	cmocka_unit_test_setup_teardown(a_client_shows_the_certificate_of_the_domain_that_it_speaks_for,
					set_up, tear_down),
	cmocka_unit_test(judges_the_server),
	cmocka_unit_test_setup_teardown(says_why_in_one_sentence, set_up, tear_down),
	cmocka_unit_test_setup_teardown(an_unknown_ca_is_named, set_up, tear_down),
	cmocka_unit_test_setup_teardown(the_expiry_of_a_ca_is_named_with_its_depth, set_up, tear_down),
	cmocka_unit_test_setup_teardown(a_self_signed_certificate_is_refused_until_it_is_trusted, set_up,
					tear_down),
	cmocka_unit_test_setup_teardown(a_certificate_for_clients_only_is_refused, set_up, tear_down),
};

TEST_MAIN(tests)
