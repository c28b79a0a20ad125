#include "crypto/bundle.h"

#include "harness.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>

#include "crypto/openssl.h"

#define NOW 1790000000

static const struct slice right = SLICE_INIT("sesame \xc3\xbc"), wrong = SLICE_INIT("sesame u");

/* A CA, and a domain's key and certificate, which do for a user's. */
static struct crypto *crypto;
static struct key *ca_key, *key;
static struct certificate *ca, *own;

static int start(void **state)
{
	static const struct slice name = SLICE_INIT("example.org");
	struct certificate_request request = { .names = &name, .n_names = 1, .now = NOW };

	(void)state;
	crypto = crypto_new();
	if (!crypto || key_generate(crypto, &ca_key) != OK || key_generate(crypto, &key) != OK ||
	    certificate_make_ca(crypto, ca_key, SLICE("test CA"), NOW, &ca) != OK)
		return -1;
	request.key = key;
	return certificate_make(crypto, &request, (struct certificate_issuer){ ca, ca_key }, &own) == OK ? 0
													 : -1;
}

static int stop(void **state)
{
	(void)state;
	certificate_free(own);
	certificate_free(ca);
	key_free(key);
	key_free(ca_key);
	crypto_free(crypto);
	own = ca = NULL;
	key = ca_key = NULL;
	crypto = NULL;
	return 0;
}

static void assert_same(const struct key *a, const struct key *b)
{
	unsigned char left[KEY_ID_SIZE], right_id[KEY_ID_SIZE];

	assert_true(key_id(a, left) && key_id(b, right_id));
	assert_memory_equal(left, right_id, sizeof left);
}

static void a_key_is_opened_by_its_passphrase_alone(void **state)
{
	char pem[KEY_PEM_MAX];
	struct writer out = writer_of(pem, sizeof pem);
	AUTO(key) struct key *again = NULL;

	(void)state;
	assert_int_equal(put_key_locked(&out, crypto, key, right), OK);
	assert_true(slice_starts(writer_text(&out), SLICE("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")));
	assert_int_equal(key_parse_locked(crypto, writer_text(&out), slice_from(NULL, 0), &again), ERR_AGAIN);
	assert_int_equal(key_parse_locked(crypto, writer_text(&out), wrong, &again), ERR_SYNTAX);
	assert_int_equal(key_parse_locked(crypto, writer_text(&out), SLICE(""), &again), ERR_SYNTAX);
	assert_int_equal(key_parse_pem(crypto, writer_text(&out), &again), ERR_DENIED);
	assert_int_equal(key_parse_locked(crypto, writer_text(&out), right, &again), OK);
	assert_same(again, key);
}

static void a_key_without_one_needs_none(void **state)
{
	char pem[KEY_PEM_MAX];
	struct writer out = writer_of(pem, sizeof pem);
	AUTO(key) struct key *again = NULL;

	(void)state;
	assert_int_equal(put_key_pem(&out, key), OK);
	assert_int_equal(key_parse_locked(crypto, writer_text(&out), slice_from(NULL, 0), &again), OK);
	assert_same(again, key);
}

static void is_what_was_put_in(struct slice bytes, struct slice passphrase)
{
	struct bundle bundle = { NULL, NULL };
	struct verdict verdict;
	enum err err = bundle_parse(crypto, bytes, passphrase, &bundle, &verdict);

	if (err == OK &&
	    (chain_length(bundle.chain) != 2 || !certificate_has_key(chain_at(bundle.chain, 0), key)))
		err = ERR_SYNTAX;
	bundle_fini(&bundle);
	assert_int_equal(err, OK);
}

static void is_refused(struct slice bytes, struct slice passphrase, const char *code)
{
	struct bundle bundle = { NULL, NULL };
	struct verdict verdict = { .code = "none" };

	assert_int_equal(bundle_parse(crypto, bytes, passphrase, &bundle, &verdict), ERR_DENIED);
	assert_string_equal(verdict.code, code);
	assert_null(bundle.key);
}

static void pem_may_be_in_any_order(void **state)
{
	const struct slice none = { NULL, 0 };
	char text[3 * KEY_PEM_MAX];
	struct writer out = writer_of(text, sizeof text);

	(void)state;
	assert_int_equal(put_certificate_pem(&out, ca), OK);
	put(&out, SLICE("Bag Attributes: something between\n"));
	assert_int_equal(put_key_locked(&out, crypto, key, right), OK);
	is_refused(writer_text(&out), right, "bundle.no-certificate");
	assert_int_equal(put_certificate_pem(&out, own), OK);
	is_what_was_put_in(writer_text(&out), right);
	is_refused(writer_text(&out), wrong, "bundle.not-opened");
	assert_int_equal(bundle_parse(crypto, writer_text(&out), none, &(struct bundle){ NULL, NULL },
				      &(struct verdict){ .code = NULL }),
			 ERR_AGAIN);
}

/* Made as browsers do. passphrase: NULL for none. False without memory. */
static bool make_pkcs12(struct writer *out, const char *passphrase, const struct certificate *certificate)
{
	STACK_OF(X509) *others = sk_X509_new_null();
	unsigned char *der = NULL;
	PKCS12 *made = NULL;
	int n = -1;

	if (others && sk_X509_push(others, certificate_openssl(ca)) > 0)
		made = PKCS12_create_ex(passphrase, "alice", key_openssl(key),
					certificate ? certificate_openssl(certificate) : NULL, others, 0, 0,
					1, 1, 0, crypto_libctx(crypto), NULL);
	if (made)
		n = i2d_PKCS12(made, &der);
	if (n > 0)
		put(out, slice_from(der, (size_t)n));
	OPENSSL_free(der);
	PKCS12_free(made);
	sk_X509_free(others);
	ERR_clear_error();
	return n > 0;
}

static void pkcs12_is_opened_by_its_passphrase(void **state)
{
	const struct slice none = { NULL, 0 };
	char text[KEY_PEM_MAX];
	struct writer out = writer_of(text, sizeof text);

	(void)state;
	assert_true(make_pkcs12(&out, right.ptr, own));
	is_what_was_put_in(writer_text(&out), right);
	is_refused(writer_text(&out), wrong, "bundle.not-opened");
	assert_int_equal(bundle_parse(crypto, writer_text(&out), none, &(struct bundle){ NULL, NULL },
				      &(struct verdict){ .code = NULL }),
			 ERR_AGAIN);
	for (size_t cut = 1; cut < out.len; cut += 97)
		is_refused(slice_sub(writer_text(&out), 0, out.len - cut), right, "bundle.unknown");
	out.len = 0;
	assert_true(make_pkcs12(&out, right.ptr, NULL));
	is_refused(writer_text(&out), right, "bundle.no-certificate");
}

static void what_is_neither_is_told_so(void **state)
{
	static char large[BUNDLE_MAX + 1];
	char pem[KEY_PEM_MAX];
	struct writer out = writer_of(pem, sizeof pem);

	(void)state;
	is_refused(SLICE(""), right, "bundle.unknown");
	is_refused(SLICE("nonsense"), right, "bundle.unknown");
	is_refused(slice_from(large, sizeof large), right, "bundle.too-large");
	assert_int_equal(put_certificate_pem(&out, own), OK);
	is_refused(writer_text(&out), right, "bundle.unknown"); /* without a key */
	out.len = 0;
	assert_int_equal(put_key_pem(&out, key), OK);
	is_refused(writer_text(&out), right, "bundle.no-certificate");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(a_key_is_opened_by_its_passphrase_alone, start, stop),
	cmocka_unit_test_setup_teardown(a_key_without_one_needs_none, start, stop),
	cmocka_unit_test_setup_teardown(pem_may_be_in_any_order, start, stop),
	cmocka_unit_test_setup_teardown(pkcs12_is_opened_by_its_passphrase, start, stop),
	cmocka_unit_test_setup_teardown(what_is_neither_is_told_so, start, stop),
};
TEST_MAIN(tests)
