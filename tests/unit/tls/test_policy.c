/* Groups and suites of one's own choice: what may be chosen, and what is then spoken. */
#include "fixture.h"

#include "base/own.h"

static const struct {
	const char *label;
	const char *groups, *suites; /* with blanks between */
	const char *refused;         /* the name that is, or "whole" for the sum; NULL: none */
} choices[] = {
	/* clang-format off */
	{ "nothing",                 "", "", NULL },
	{ "everything",              "X25519MLKEM768 X25519 P-256 P-384",
	  "TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256 TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 "
	  "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", NULL },
	{ "a weak group",            "P-256 P-192", "", "P-192" },
	{ "finite fields",           "P-256 ffdhe2048", "", "ffdhe2048" },
	{ "a name of OpenSSL's",     "prime256v1", "", "prime256v1" },
	{ "a group twice",           "P-256 P-256", "", "P-256" },
	{ "the hybrid one behind",   "P-256 X25519MLKEM768", "", "X25519MLKEM768" },
	{ "without P-256",           "X25519 P-384", "", "whole" },
	{ "the hybrid one alone",    "X25519MLKEM768", "", "whole" },
	{ "an empty name",           "P-256  X25519", "", "" },
	{ "static RSA",              "", "TLS_AES_128_GCM_SHA256 TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_128_GCM_SHA256" },
	{ "CBC",                     "", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256" },
	{ "finite fields in suites", "", "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256" },
	{ "short tags",              "", "TLS_AES_128_CCM_8_SHA256", "TLS_AES_128_CCM_8_SHA256" },
	{ "no encryption",           "", "TLS_SHA256_SHA256", "TLS_SHA256_SHA256" },
	{ "a list of OpenSSL's",     "", "TLS_AES_128_GCM_SHA256:NULL", "TLS_AES_128_GCM_SHA256:NULL" },
	{ "without what all have",   "", "TLS_AES_256_GCM_SHA384", "whole" },
	{ "TLS 1.2 alone",           "", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "whole" },
	/* clang-format on */
};

/* Adds them one by one; returns the one that is refused, or what stands for none. */
static struct slice add_all(struct tls_policy *policy, const char *names,
			    bool (*add)(struct tls_policy *, struct slice, const char **))
{
	struct slice rest = slice_of(names);
	const char *why = NULL;

	while (rest.len > 0) {
		size_t blank = slice_find(rest, ' ');
		struct slice name = slice_sub(rest, 0, blank);

		if (!add(policy, name, &why)) {
			assert_non_null(why);
			return name;
		}
		rest = slice_sub(rest, blank + 1, rest.len);
	}
	return slice_of(NULL);
}

static struct tls_policy policy_of(const char *groups, const char *suites)
{
	struct tls_policy policy = { .groups = "" };

	assert_null(add_all(&policy, groups, tls_policy_add_group).ptr);
	assert_null(add_all(&policy, suites, tls_policy_add_suite).ptr);
	return policy;
}

static void takes_what_is_safe_and_nothing_else(void **state)
{
	for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
		struct tls_policy policy = { .groups = "" };
		struct slice refused = add_all(&policy, choices[i].groups, tls_policy_add_group);
		const char *why = NULL;

		if (!refused.ptr)
			refused = add_all(&policy, choices[i].suites, tls_policy_add_suite);
		if (!refused.ptr && !tls_policy_is_whole(&policy, &why))
			refused = SLICE("whole");
		if (refused.ptr ? !choices[i].refused || !slice_eq(refused, slice_of(choices[i].refused))
				: choices[i].refused != NULL)
			fail_msg("%s: %.*s", choices[i].label, SLICE_FMT(refused));
	}
}

static const struct {
	const char *label, *groups, *suites;
	const char *offers_groups, *offers_12; /* NULL: any. offers_12: with TLS 1.2 at most */
	enum err err;                          /* of the server */
	const char *group, *cipher;            /* NULL: whatever it is */
} meetings[] = {
	/* clang-format off */
	{ "usual, P-256",               "", "", "P-256", NULL, OK, "secp256r1", "TLS_AES_128_GCM_SHA256" },
	{ "usual, P-384",               "", "", "P-384", NULL, ERR_DENIED, NULL, NULL },
	{ "P-384 is chosen",            "P-384 P-256", "", "P-384", NULL, OK, "secp384r1", NULL },
	{ "P-384 comes first",          "P-384 P-256", "", "P-256:P-384", NULL, OK, NULL, NULL },
	{ "X25519 was left out",        "P-256", "", "X25519", NULL, ERR_DENIED, NULL, NULL },
	{ "hybrid if it is there",      "X25519MLKEM768 X25519 P-256", "", "X25519", NULL, OK, "x25519", NULL },
#if OPENSSL_VERSION_NUMBER >= 0x30500000L
	{ "hybrid on both sides",       "", "", NULL, NULL, OK, "X25519MLKEM768", NULL },
#endif
	{ "usual, TLS 1.2",             "", "", NULL, "ECDHE-ECDSA-AES128-GCM-SHA256", OK, NULL, "ECDHE-ECDSA-AES128-GCM-SHA256" },
	{ "AES-256 first",              "", "TLS_AES_256_GCM_SHA384 TLS_AES_128_GCM_SHA256", NULL, NULL, OK, NULL, "TLS_AES_256_GCM_SHA384" },
	{ "TLS 1.2 is left out",        "", "TLS_AES_128_GCM_SHA256", NULL, "ECDHE-ECDSA-AES128-GCM-SHA256", ERR_DENIED, NULL, NULL },
	{ "another suite of TLS 1.2",   "", "TLS_AES_128_GCM_SHA256 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", NULL, "ECDHE-ECDSA-AES128-GCM-SHA256", ERR_DENIED, NULL, NULL },
	{ "that suite of TLS 1.2",      "", "TLS_AES_128_GCM_SHA256 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", NULL, "ECDHE-ECDSA-AES256-GCM-SHA384", OK, NULL, "ECDHE-ECDSA-AES256-GCM-SHA384" },
	/* clang-format on */
};

static SSL *make_peer(size_t i, int fd)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *peer;

	if (meetings[i].offers_groups)
		assert_int_equal(SSL_CTX_set1_groups_list(ctx, meetings[i].offers_groups), 1);
	if (meetings[i].offers_12) {
		assert_int_equal(SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION), 1);
		assert_int_equal(SSL_CTX_set_cipher_list(ctx, meetings[i].offers_12), 1);
	}
	peer = SSL_new(ctx);
	SSL_set_fd(peer, fd);
	SSL_set_connect_state(peer);
	SSL_CTX_free(ctx);
	return peer;
}

static enum err meet(struct fixture *fixture, SSL *peer)
{
	const struct now now = { .mono = 1, .wall = NOW };
	enum err err = ERR_AGAIN;

	for (int i = 0; i < 20; i++) {
		SSL_do_handshake(peer);
		if (err == ERR_AGAIN)
			err = tls_conn_handshake(fixture->server_conn, now, &fixture->server_verdict);
	}
	return err;
}

static void speaks_what_was_chosen(void **state)
{
	for (size_t i = 0; i < sizeof meetings / sizeof *meetings; i += ROWS_STEP(5)) {
		struct tls_policy policy = policy_of(meetings[i].groups, meetings[i].suites);
		struct fixture *fixture;
		struct tls_facts facts = { .group = "", .cipher = "" };

		set_up((void **)&fixture);
		assert_true(tls_context_restrict(fixture->server, &policy));
		serve_name(fixture, "b.example", NOW);
		accept_conn(fixture);
		SSL *peer = make_peer(i, fixture->fds[1]);
		enum err err = meet(fixture, peer);
		SSL_free(peer);
		if (err != meetings[i].err)
			fail_msg("%s: %s", meetings[i].label, err_text(err));
		if (err == OK)
			tls_conn_facts(fixture->server_conn, &facts);
		if (meetings[i].group && !slice_eq(slice_of(facts.group), slice_of(meetings[i].group)))
			fail_msg("%s: %s", meetings[i].label, facts.group);
		if (meetings[i].cipher && !slice_eq(slice_of(facts.cipher), slice_of(meetings[i].cipher)))
			fail_msg("%s: %s", meetings[i].label, facts.cipher);
		tear_down((void **)&fixture);
	}
}

static void a_client_keeps_to_it_as_well(void **state)
{
	struct fixture *fixture = *state;
	struct tls_policy client = policy_of("P-256", "TLS_AES_256_GCM_SHA384 TLS_AES_128_GCM_SHA256");
	struct tls_facts facts;
	enum err server;

	assert_true(tls_context_restrict(fixture->client, &client));
	trust(fixture, fixture->ca);
	serve_name(fixture, "b.example", NOW);
	accept_conn(fixture);
	connect_conn(fixture, "b.example");
	assert_int_equal(shake_hands(fixture, NOW, &server), OK);
	tls_conn_facts(fixture->client_conn, &facts);
	assert_string_equal(facts.group, "secp256r1");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(takes_what_is_safe_and_nothing_else),
	cmocka_unit_test(speaks_what_was_chosen),
	cmocka_unit_test_setup_teardown(a_client_keeps_to_it_as_well, set_up, tear_down),
};

TEST_MAIN(tests)
