/* Which protocol is spoken (RFC 7301), against ends that OpenSSL alone makes. */
#include "fixture.h"

#include <string.h>

#include "tls/private.h"

static enum err meet(struct tls_conn *conn, SSL *other, struct verdict *ret_verdict)
{
	const struct now now = { .mono = 1, .wall = NOW };
	enum err err = ERR_AGAIN;

	for (int i = 0; i < 30; i++) {
		if (err == ERR_AGAIN)
			err = tls_conn_handshake(conn, now, ret_verdict);
		SSL_do_handshake(other);
	}
	return err;
}

static const struct {
	const char *label, *offer; /* each behind its length; "": none */
	bool http;
	const char *chosen, *code;
} offers[] = {
	{ "SIP", "\x05sip/2", false, "sip/2", NULL },
	{ "nothing", "", false, "", NULL },
	{ "SIP among others", "\x02h2\x08http/1.1\x05sip/2", false, "sip/2", NULL },
	{ "HTTP for SIP", "\x08http/1.1", false, "", "tls.protocol" },
	{ "XMPP for SIP", "\x0bxmpp-client", false, "", "tls.protocol" },
	{ "another version of SIP", "\x05sip/3", false, "", "tls.protocol" },
	{ "HTTP", "\x08http/1.1", true, "http/1.1", NULL },
	{ "as a browser does", "\x02h2\x08http/1.1", true, "http/1.1", NULL },
	{ "nothing, for a WebSocket", "", true, "", NULL },
	{ "SIP for a WebSocket", "\x05sip/2", true, "", "tls.protocol" },
	{ "HTTP/2 alone", "\x02h2", true, "", "tls.protocol" },
};

static void a_server_chooses_what_is_spoken_here_or_refuses(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	for (size_t i = 0; i < 2 * sizeof offers / sizeof *offers; i++) {
		const char *label = offers[i / 2].label, *offer = offers[i / 2].offer;
		struct fixture *fixture;
		const unsigned char *chosen;
		unsigned n;

		set_up((void **)&fixture);
		serve_name(fixture, "b.example", NOW);
		SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
		SSL *other = SSL_new(ctx);
		SSL_set_max_proto_version(other, versions[i % 2]);
		SSL_set_fd(other, fixture->fds[1]);
		SSL_set_connect_state(other);
		SSL_set_alpn_protos(other, (const unsigned char *)offer, (unsigned)slice_of(offer).len);
		accept_conn(fixture);
		if (offers[i / 2].http)
			tls_conn_speak_http(fixture->server_conn);
		enum err err = meet(fixture->server_conn, other, &fixture->server_verdict);
		SSL_get0_alpn_selected(other, &chosen, &n);
		if (err == ERR_DENIED)
			assert_code(label, &fixture->server_verdict,
				    offers[i / 2].code ? offers[i / 2].code : "accepted");
		else if (err != OK || offers[i / 2].code)
			fail_msg("%s: %s", label, err_text(err));
		else if (!slice_eq(slice_from(chosen, n), slice_of(offers[i / 2].chosen)))
			fail_msg("%s: %.*s", label, (int)n, chosen);
		SSL_free(other);
		SSL_CTX_free(ctx);
		tear_down((void **)&fixture);
	}
}

static int on_offer(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_length,
		    const unsigned char *offered, unsigned n_offered, void *arg)
{
	const char *name = arg;

	/* what our client offers, which is SIP and nothing else */
	assert_true(slice_eq(slice_from(offered, n_offered), SLICE("\x05sip/2")));
	if (!name[0])
		return SSL_TLSEXT_ERR_NOACK;
	*ret_name = (const unsigned char *)name;
	*ret_length = (unsigned char)slice_of(name).len;
	return SSL_TLSEXT_ERR_OK;
}

static const struct {
	const char *label, *choice;
	enum err err;
} choices[] = {
	{ "SIP", "sip/2", OK },
	{ "none, as many do", "", OK },
	{ "what was not offered", "http/1.1", ERR_DENIED },
};

static void a_client_offers_sip_and_takes_no_other(void **state)
{
	for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
		char choice[20];
		struct writer out = writer_of(choice, sizeof choice - 1);
		AUTO(certificate) struct certificate *leaf = NULL;
		struct fixture *fixture;
		struct slice name = SLICE("b.example");

		set_up((void **)&fixture);
		put(&out, slice_of(choices[i].choice));
		choice[out.len] = '\0';
		trust(fixture, fixture->ca);
		AUTO(key) struct key *key = NULL;
		assert_int_equal(key_generate(fixture->crypto, &key), OK);
		struct certificate_request request = { key, &name, 1, NOW };
		assert_int_equal(certificate_make(fixture->crypto, &request, issuer_of(fixture), &leaf), OK);
		SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
		assert_int_equal(SSL_CTX_use_certificate(ctx, certificate_openssl(leaf)), 1);
		assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key_openssl(key)), 1);
		SSL_CTX_set_alpn_select_cb(ctx, on_offer, choice);
		SSL *other = SSL_new(ctx);
		SSL_set_fd(other, fixture->fds[0]);
		SSL_set_accept_state(other);
		connect_conn(fixture, "b.example");
		enum err err = meet(fixture->client_conn, other, &fixture->client_verdict);
		if (err != choices[i].err)
			fail_msg("%s: %s", choices[i].label, err_text(err));
		if (err == ERR_DENIED)
			assert_code(choices[i].label, &fixture->client_verdict, "tls.failed");
		SSL_free(other);
		SSL_CTX_free(ctx);
		tear_down((void **)&fixture);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_server_chooses_what_is_spoken_here_or_refuses),
	cmocka_unit_test(a_client_offers_sip_and_takes_no_other),
};

TEST_MAIN(tests)
