#include "crypto/certificate.h"

#include "harness.h"

#include <string.h>

#include <openssl/x509v3.h>

#include "crypto/openssl.h"

#define NOW 1790000000 /* 2026-09-21 */
#define DAY 86400

/* A CA and a certificate that it has issued. */
struct fixture {
	struct crypto *crypto;
	struct key *ca_key, *key;
	struct certificate *ca, *leaf;
};

static const struct slice names[] = { SLICE_INIT("b.example"), SLICE_INIT("pbx.b.example") };

static int set_up(void **state)
{
	static struct fixture fixture;
	struct certificate_request request = { .names = names, .n_names = 2, .now = NOW };

	fixture = (struct fixture){ .crypto = crypto_new() };
	*state = &fixture;
	assert_non_null(fixture.crypto);
	assert_int_equal(key_generate(fixture.crypto, &fixture.ca_key), OK);
	assert_int_equal(key_generate(fixture.crypto, &fixture.key), OK);
	assert_int_equal(
		certificate_make_ca(fixture.crypto, fixture.ca_key, SLICE("test CA"), NOW, &fixture.ca), OK);
	request.key = fixture.key;
	assert_int_equal(certificate_make(fixture.crypto, &request,
					  (struct certificate_issuer){ fixture.ca, fixture.ca_key },
					  &fixture.leaf),
			 OK);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	certificate_free(fixture->leaf);
	certificate_free(fixture->ca);
	key_free(fixture->key);
	key_free(fixture->ca_key);
	crypto_free(fixture->crypto);
	return 0;
}

static void assert_text(const struct writer *out, const char *expected)
{
	if (!slice_eq(writer_text(out), slice_of(expected)))
		fail_msg("%.*s", SLICE_FMT(writer_text(out)));
}

static void says_for_whom_and_how_long(void **state)
{
	const struct fixture *fixture = *state;
	char buf[300];
	struct writer out = writer_of(buf, sizeof(buf));

	put_certificate_names(&out, fixture->leaf);
	assert_text(&out, "DNS:b.example, URI:sip:b.example, DNS:pbx.b.example, URI:sip:pbx.b.example");
	out.len = 0;
	put_certificate_subject(&out, fixture->leaf);
	assert_text(&out, "CN=b.example");
	out.len = 0;
	put_certificate_issuer(&out, fixture->leaf);
	assert_text(&out, "CN=test CA");

	assert_true(certificate_not_before(fixture->leaf) == NOW - 3600);
	assert_true(certificate_not_after(fixture->leaf) == NOW + 90 * DAY);
	assert_int_equal(certificate_days_left(fixture->leaf, NOW), 90);
	assert_int_equal(certificate_days_left(fixture->leaf, NOW + 1), 89);
	assert_int_equal(certificate_days_left(fixture->leaf, NOW + 90 * DAY), 0);
	assert_int_equal(certificate_days_left(fixture->leaf, NOW + 90 * DAY + 1), -1);
	assert_int_equal(certificate_days_left(fixture->leaf, NOW + 92 * DAY), -2);
}

static void is_what_rfc_5280_asks_of_a_ca_and_of_a_server(void **state)
{
	const struct fixture *fixture = *state;
	X509 *ca = certificate_openssl(fixture->ca), *leaf = certificate_openssl(fixture->leaf);

	assert_int_equal(X509_check_ca(ca), 1);
	assert_int_equal(X509_get_pathlen(ca), 0);
	assert_int_equal(X509_get_key_usage(ca), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	assert_int_equal(X509_check_ca(leaf), 0);
	assert_int_equal(X509_get_key_usage(leaf), KU_DIGITAL_SIGNATURE);
	assert_int_equal(X509_get_extended_key_usage(leaf), XKU_SSL_SERVER | XKU_SSL_CLIENT);
	assert_int_equal(X509_check_issued(ca, leaf), X509_V_OK);
	assert_int_equal(X509_verify(leaf, X509_get0_pubkey(ca)), 1);
	assert_int_equal(X509_verify(ca, X509_get0_pubkey(ca)), 1);
	assert_true(certificate_has_key(fixture->leaf, fixture->key));
	assert_false(certificate_has_key(fixture->leaf, fixture->ca_key));
}

static void a_name_that_is_none_is_not_certified(void **state)
{
	static const struct slice bad[] = { SLICE_INIT("b.example,DNS:evil.example"),
					    SLICE_INIT("*.b.example"), SLICE_INIT("192.0.2.1"),
					    SLICE_INIT("") };
	struct fixture *fixture = *state;
	struct certificate *made = NULL;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct certificate_request request = { fixture->key, &bad[i], 1, NOW };
		struct certificate_issuer issuer = { fixture->ca, fixture->ca_key };

		assert_int_equal(certificate_make(fixture->crypto, &request, issuer, &made), ERR_SYNTAX);
	}
}

static void a_name_too_long_for_a_cn_is_certified_without(void **state)
{
	static const struct slice longer = SLICE_INIT(
		"a-long-name-of-a-department.in-a-company-with-a-long-name."
		"somewhere.example");
	struct fixture *fixture = *state;
	AUTO(certificate) struct certificate *made = NULL;
	struct certificate_request request = { fixture->key, &longer, 1, NOW };
	struct certificate_issuer issuer = { fixture->ca, fixture->ca_key };
	char buf[100];
	struct writer out = writer_of(buf, sizeof(buf));

	assert_int_equal(certificate_make(fixture->crypto, &request, issuer, &made), OK);
	put_certificate_subject(&out, made);
	assert_text(&out, "");
}

static void a_chain_keeps_the_order_of_its_file(void **state)
{
	struct fixture *fixture = *state;
	AUTO(chain) struct chain *chain = NULL;
	unsigned char one[CERTIFICATE_FINGERPRINT_SIZE], other[CERTIFICATE_FINGERPRINT_SIZE];
	char buf[8192];
	struct writer out = writer_of(buf, sizeof(buf));

	put(&out, SLICE("what it is:\n"));
	assert_int_equal(put_certificate_pem(&out, fixture->leaf), OK);
	assert_int_equal(put_key_pem(&out, fixture->key), OK);
	assert_int_equal(put_certificate_pem(&out, fixture->ca), OK);
	assert_int_equal(chain_parse_pem(fixture->crypto, writer_text(&out), &chain), OK);
	assert_int_equal(chain_length(chain), 2);
	assert_true(certificate_fingerprint(chain_at(chain, 0), one));
	assert_true(certificate_fingerprint(fixture->leaf, other));
	assert_memory_equal(one, other, sizeof(one));
	assert_true(certificate_fingerprint(chain_at(chain, 1), one));
	assert_memory_not_equal(one, other, sizeof(one));
}

static const struct {
	const char *label;
	bool ca_first, alone;
	utc_t now;
	const char *code;
} chain_cases[] = {
	{ "whole", false, false, NOW, NULL },
	{ "the leaf alone", false, true, NOW, NULL },
	{ "in the wrong order", true, false, NOW, "certificate.bad-chain" },
	{ "expired", false, false, NOW + 91 * DAY, "certificate.expired" },
	{ "not valid yet", false, false, NOW - 2 * 3600, "certificate.not-yet-valid" },
};

static void a_chain_is_checked_before_it_is_shown(void **state)
{
	struct fixture *fixture = *state;
	struct verdict verdict;
	char buf[8192];

	for (size_t i = 0; i < sizeof(chain_cases) / sizeof(chain_cases[0]); i++) {
		AUTO(chain) struct chain *chain = NULL;
		struct writer out = writer_of(buf, sizeof(buf));

		if (chain_cases[i].ca_first)
			assert_int_equal(put_certificate_pem(&out, fixture->ca), OK);
		assert_int_equal(put_certificate_pem(&out, fixture->leaf), OK);
		if (!chain_cases[i].ca_first && !chain_cases[i].alone)
			assert_int_equal(put_certificate_pem(&out, fixture->ca), OK);
		assert_int_equal(chain_parse_pem(fixture->crypto, writer_text(&out), &chain), OK);
		print_message("# %s\n", chain_cases[i].label);
		assert_int_equal(chain_check(chain, chain_cases[i].now, &verdict),
				 chain_cases[i].code ? ERR_DENIED : OK);
		if (chain_cases[i].code)
			assert_string_equal(verdict.code, chain_cases[i].code);
		assert_int_equal(chain_ends_in_root(chain),
				 !chain_cases[i].ca_first && !chain_cases[i].alone);
	}
}

static void what_is_no_certificate_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct chain *chain = NULL;
	struct certificate *certificate = NULL;
	unsigned char *der = NULL;
	int n = i2d_X509(certificate_openssl(fixture->leaf), &der);
	char longer[2048];

	assert_true(n > 0 && (size_t)n < sizeof(longer));
	memcpy(longer, der, (size_t)n);
	OPENSSL_free(der);
	longer[n] = 0;
	assert_int_equal(certificate_parse_der(fixture->crypto, SLICE(""), &certificate), ERR_SYNTAX);
	assert_int_equal(
		certificate_parse_der(fixture->crypto, slice_from(longer, (size_t)n - 1), &certificate),
		ERR_SYNTAX);
	assert_int_equal(
		certificate_parse_der(fixture->crypto, slice_from(longer, (size_t)n + 1), &certificate),
		ERR_SYNTAX);
	assert_int_equal(certificate_parse_der(fixture->crypto, slice_from(longer, (size_t)n), &certificate),
			 OK);
	certificate_free(certificate);

	assert_int_equal(chain_parse_pem(fixture->crypto, SLICE(""), &chain), ERR_NOT_FOUND);
	assert_int_equal(chain_parse_pem(fixture->crypto, SLICE("hello\n"), &chain), ERR_NOT_FOUND);
	assert_int_equal(
		chain_parse_pem(fixture->crypto,
				SLICE("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
				&chain),
		ERR_SYNTAX);
	assert_int_equal(
		chain_parse_pem(fixture->crypto, SLICE("-----BEGIN CERTIFICATE-----\nAAAA\n"), &chain),
		ERR_SYNTAX);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(says_for_whom_and_how_long, set_up, tear_down),
	cmocka_unit_test_setup_teardown(is_what_rfc_5280_asks_of_a_ca_and_of_a_server, set_up, tear_down),
	cmocka_unit_test_setup_teardown(a_name_that_is_none_is_not_certified, set_up, tear_down),
	cmocka_unit_test_setup_teardown(a_name_too_long_for_a_cn_is_certified_without, set_up, tear_down),
	cmocka_unit_test_setup_teardown(a_chain_keeps_the_order_of_its_file, set_up, tear_down),
	cmocka_unit_test_setup_teardown(a_chain_is_checked_before_it_is_shown, set_up, tear_down),
	cmocka_unit_test_setup_teardown(what_is_no_certificate_is_refused, set_up, tear_down),
};

TEST_MAIN(tests)
