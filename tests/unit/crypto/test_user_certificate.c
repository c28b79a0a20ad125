#include "crypto/user_certificate.h"

#include "harness.h"

#include <openssl/x509v3.h>

#include "crypto/openssl.h"

#define NOW 1790000000

#define DAY 86400

static struct crypto *crypto;
static struct key *ca_key, *key;
static struct certificate *ca, *made;

static int start(void **state)
{
	(void)state;
	crypto = crypto_new();
	return crypto && key_generate(crypto, &ca_key) == OK && key_generate(crypto, &key) == OK &&
			       certificate_make_ca(crypto, ca_key, SLICE("test CA"), NOW, &ca) == OK
		       ? 0
		       : -1;
}

static int stop(void **state)
{
	(void)state;
	certificate_free(made);
	certificate_free(ca);
	key_free(key);
	key_free(ca_key);
	crypto_free(crypto);
	made = ca = NULL;
	key = ca_key = NULL;
	crypto = NULL;
	return 0;
}

/* What the CA makes of a request for the AOR at a moment. */
static enum err make_for(struct slice aor, utc_t now)
{
	struct user_certificate_request request = { .aor = aor, .now = now };
	AUTO(secret) struct secret *der = NULL;
	AUTO(csr) struct csr *csr = NULL;

	TRY(csr_make(crypto, key, aor, &der));
	TRY(csr_parse(crypto, secret_slice(der), &csr));
	request.csr = csr;
	return certificate_make_user(crypto, &request, (struct certificate_issuer){ ca, ca_key }, &made);
}

static void is_for_one_aor_to_sign_and_be_encrypted_to(void **state)
{
	char buf[300];
	struct writer out = writer_of(buf, sizeof(buf));

	(void)state;
	assert_int_equal(make_for(SLICE("alice@example.org"), NOW), OK);
	put_certificate_names(&out, made);
	assert_true(slice_eq(
		writer_text(&out),
		SLICE("URI:sip:alice@example.org, URI:sips:alice@example.org, URI:im:alice@example.org")));
	X509 *x509 = certificate_openssl(made);
	assert_int_equal(X509_get_key_usage(x509), KU_DIGITAL_SIGNATURE | KU_KEY_AGREEMENT);
	assert_int_equal(X509_get_extended_key_usage(x509), XKU_SMIME | XKU_SSL_CLIENT);
	assert_int_equal(X509_check_ca(x509), 0);
	assert_int_equal(X509_verify(x509, X509_get0_pubkey(certificate_openssl(ca))), 1);
	assert_true(certificate_has_key(made, key));
	assert_true(certificate_not_before(made) == NOW - 3600);
	assert_true(certificate_not_after(made) == NOW + USER_CERTIFICATE_DAYS * DAY);
}

static void does_not_outlive_its_issuer(void **state)
{
	(void)state;
	utc_t end = certificate_not_after(ca);
	assert_int_equal(make_for(SLICE("alice@example.org"), end - DAY), OK);
	assert_true(certificate_not_after(made) == end);
}

static const struct {
	const char *label;
	struct slice aor, asked;
	bool is_for;
} cases[] = {
	{ "the same", SLICE_INIT("alice@example.org"), SLICE_INIT("alice@example.org"), true },
	{ "domain in capitals", SLICE_INIT("alice@example.org"), SLICE_INIT("alice@EXAMPLE.org"), true },
	{ "user in capitals", SLICE_INIT("alice@example.org"), SLICE_INIT("Alice@example.org"), false },
	{ "another user", SLICE_INIT("alice@example.org"), SLICE_INIT("bob@example.org"), false },
	{ "another domain", SLICE_INIT("alice@example.org"), SLICE_INIT("alice@b.example.org"), false },
	{ "a shorter user", SLICE_INIT("alice@example.org"), SLICE_INIT("alic@example.org"), false },
	{ "a user that needs escapes", SLICE_INIT("al ice%\xc3\xbc@example.org"),
	  SLICE_INIT("al ice%\xc3\xbc@example.org"), true },
	{ "no user asked for", SLICE_INIT("alice@example.org"), SLICE_INIT("example.org"), false },
	{ "nothing asked for", SLICE_INIT("alice@example.org"), SLICE_INIT(""), false },
};

static void names_whom_it_is_for(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verdict verdict = { 0 };

		assert_int_equal(make_for(cases[i].aor, NOW), OK);
		if ((certificate_is_for_user(made, cases[i].asked, &verdict) == OK) != cases[i].is_for)
			fail_msg("%s", cases[i].label);
		if (!cases[i].is_for)
			assert_string_equal(verdict.code, "smime.name-mismatch");
		certificate_free(made);
		made = NULL;
	}
}

static void a_servers_certificate_is_nobodys(void **state)
{
	static const struct slice names[] = { SLICE_INIT("example.org") };
	struct certificate_request request = { key, names, 1, NOW };
	struct verdict verdict;

	(void)state;
	assert_int_equal(certificate_make(crypto, &request, (struct certificate_issuer){ ca, ca_key }, &made),
			 OK);
	assert_int_equal(certificate_is_for_user(made, SLICE("alice@example.org"), &verdict), ERR_DENIED);
}

static void what_is_no_aor_gets_none(void **state)
{
	static const struct slice bad[] = { SLICE_INIT("alice"), SLICE_INIT("@example.org"),
					    SLICE_INIT("alice@192.0.2.1"), SLICE_INIT("alice@*.example.org"),
					    SLICE_INIT("a@b@example.org") };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(make_for(bad[i], NOW), ERR_SYNTAX);
}

static void a_request_has_to_prove_the_key(void **state)
{
	AUTO(secret) struct secret *der = NULL;
	struct csr *csr = NULL;

	(void)state;
	assert_int_equal(csr_make(crypto, key, SLICE("alice@example.org"), &der), OK);
	assert_int_equal(csr_parse(crypto, slice_sub(secret_slice(der), 0, der->len - 1), &csr), ERR_SYNTAX);
	assert_int_equal(csr_parse(crypto, SLICE(""), &csr), ERR_SYNTAX);
	for (size_t i = 0; i < der->len; i += ROWS_STEP(211)) {
		der->bytes[i] ^= 1;
		enum err err = csr_parse(crypto, secret_slice(der), &csr);
		csr_free(csr);
		csr = NULL;
		if (err == OK)
			fail_msg("byte %zu", i);
		der->bytes[i] ^= 1;
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(is_for_one_aor_to_sign_and_be_encrypted_to, start, stop),
	cmocka_unit_test_setup_teardown(does_not_outlive_its_issuer, start, stop),
	cmocka_unit_test_setup_teardown(names_whom_it_is_for, start, stop),
	cmocka_unit_test_setup_teardown(a_servers_certificate_is_nobodys, start, stop),
	cmocka_unit_test_setup_teardown(what_is_no_aor_gets_none, start, stop),
	cmocka_unit_test_setup_teardown(a_request_has_to_prove_the_key, start, stop),
};
TEST_MAIN(tests)
