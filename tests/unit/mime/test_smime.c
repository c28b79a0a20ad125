#include "mime/smime.h"

#include "harness.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/user_certificate.h"
#include "mime/multipart.h"

#define NOW 1790000000

static struct crypto *crypto;
static struct random *randomness;
static struct key *ca_key, *alice_key, *bob_key;
static struct certificate *ca, *alice, *bob;

static enum err certify(const struct key *key, struct slice aor, struct certificate **ret_certificate)
{
	struct user_certificate_request request = { .aor = aor, .now = NOW };
	AUTO(secret) struct secret *der = NULL;
	AUTO(csr) struct csr *csr = NULL;

	TRY(csr_make(crypto, key, aor, &der));
	TRY(csr_parse(crypto, secret_slice(der), &csr));
	request.csr = csr;
	return certificate_make_user(crypto, &request, (struct certificate_issuer){ ca, ca_key },
				     ret_certificate);
}

static int start(void **state)
{
	(void)state;
	crypto = crypto_new();
	randomness = random_new_predictable(1);
	return crypto && randomness && key_generate(crypto, &ca_key) == OK &&
			       certificate_make_ca(crypto, ca_key, SLICE("test CA"), NOW, &ca) == OK &&
			       key_generate(crypto, &alice_key) == OK &&
			       key_generate(crypto, &bob_key) == OK &&
			       certify(alice_key, SLICE("alice@a.example"), &alice) == OK &&
			       certify(bob_key, SLICE("bob@b.example"), &bob) == OK
		       ? 0
		       : -1;
}

static int stop(void **state)
{
	(void)state;
	certificate_free(bob);
	certificate_free(alice);
	certificate_free(ca);
	key_free(bob_key);
	key_free(alice_key);
	key_free(ca_key);
	random_free(randomness);
	crypto_free(crypto);
	bob = alice = ca = NULL;
	bob_key = alice_key = ca_key = NULL;
	randomness = NULL;
	crypto = NULL;
	return 0;
}

static const struct slice note = SLICE_INIT("Content-Type: text/plain\r\n\r\nsell at noon");

/* One letter a layer, the innermost first: s signed by alice, c clear-signed by her, e encrypted to bob, b (last) base64. */
static struct secret *wrap(const char *layers)
{
	struct cms_signer signer = { .certificate = alice, .key = alice_key, .now = NOW };
	const struct certificate *recipients[] = { bob };
	struct cms_envelope envelope = { recipients, 1, CMS_AES128_GCM };
	struct secret *text = secret_new(note);

	for (; *layers && text; layers++) {
		struct secret *next = NULL;
		enum err err = *layers == 's'   ? smime_sign(crypto, &signer, secret_slice(text), &next)
			       : *layers == 'c' ? smime_sign_clear(crypto, &signer, randomness,
								   secret_slice(text), &next)
						: smime_encrypt(crypto, &envelope, secret_slice(text), &next);

		secret_free(text);
		text = err == OK ? next : NULL;
	}
	return text;
}

static enum err unwrap(const struct secret *text, struct smime_opened *ret_opened,
		       struct verdict *ret_verdict)
{
	struct cms_recipient own = { bob, bob_key };
	struct smime_keys keys = { .own = &own, .n_own = 1 };
	struct mime_entity entity;

	TRY(mime_entity_parse(secret_slice(text), &entity));
	return smime_open(crypto, &keys, &entity, ret_opened, ret_verdict);
}

static const struct {
	const char *layers, *found; /* S signed, E encrypted; the outermost first */
} cases[] = {
	{ "", "" },     { "s", "S" },   { "c", "S" },   { "e", "E" },
	{ "se", "ES" }, { "ce", "ES" }, { "es", "SE" }, { "sec", "SES" },
};

static void unwraps_what_was_wrapped_in_whatever_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(secret) struct secret *text = wrap(cases[i].layers);
		struct smime_opened opened = { 0 };
		struct verdict verdict = { .code = "" };
		char found[SMIME_LAYERS_MAX + 1] = "";

		assert_non_null(text);
		enum err err = unwrap(text, &opened, &verdict);
		bool same = err == OK && slice_eq(opened.entity.text, note);
		for (size_t n = 0; n < opened.n_layers; n++) {
			found[n] = opened.layers[n].is_encrypted ? 'E' : 'S';
			same &= opened.layers[n].is_encrypted == (opened.layers[n].signer == NULL);
		}
		smime_opened_fini(&opened);
		assert_int_equal(err, OK);
		assert_true(same);
		assert_string_equal(found, cases[i].found);
	}
}

static void five_layers_are_too_many(void **state)
{
	AUTO(secret) struct secret *text = wrap("sssss");
	struct smime_opened opened;
	struct verdict verdict = { .code = "" };

	(void)state;
	assert_non_null(text);
	assert_int_equal(unwrap(text, &opened, &verdict), ERR_LIMIT);
	assert_string_equal(verdict.code, "smime.too-deep");
}

static void a_clear_signed_text_that_was_altered_is_refused(void **state)
{
	AUTO(secret) struct secret *text = wrap("c");
	struct smime_opened opened;
	struct verdict verdict = { .code = "" };

	(void)state;
	assert_non_null(text);
	size_t at = slice_find_text(secret_slice(text), SLICE("sell"));
	memcpy(text->bytes + at, "keep", 4);
	assert_int_equal(unwrap(text, &opened, &verdict), ERR_DENIED);
	assert_string_equal(verdict.code, "smime.altered");
}

static void a_part_put_beside_the_signed_one_is_not_taken(void **state)
{
	AUTO(secret) struct secret *text = wrap("c");
	char buf[6000];
	struct writer out = writer_of(buf, sizeof(buf));
	struct smime_opened opened;
	struct verdict verdict = { .code = "" };

	(void)state;
	assert_non_null(text);
	struct slice all = secret_slice(text);
	size_t at = slice_find_text(all, SLICE("\r\n\r\n--")) + 4, end = at + 2 + MULTIPART_BOUNDARY_SIZE;
	struct slice delimiter = slice_sub(all, at, end - at);

	put(&out, slice_sub(all, 0, at));
	put(&out, delimiter);
	put(&out, SLICE("\r\nContent-Type: text/plain\r\n\r\nbuy\r\n"));
	put(&out, slice_sub(all, at, all.len));
	AUTO(secret) struct secret *more = secret_new(writer_text(&out));
	assert_non_null(more);
	assert_int_equal(unwrap(more, &opened, &verdict), ERR_SYNTAX);
	assert_string_equal(verdict.code, "smime.malformed");
}

static void without_a_key_it_says_so(void **state)
{
	AUTO(secret) struct secret *text = wrap("e");
	struct smime_keys none = { 0 };
	struct smime_opened opened;
	struct mime_entity entity;
	struct verdict verdict = { .code = "" };

	(void)state;
	assert_non_null(text);
	assert_int_equal(mime_entity_parse(secret_slice(text), &entity), OK);
	assert_int_equal(smime_open(crypto, &none, &entity, &opened, &verdict), ERR_NOT_FOUND);
	assert_string_equal(verdict.code, "smime.no-key");
}

/* What others send: base64, and the names of before the RFC. */
static void reads_base64_and_old_names(void **state)
{
	AUTO(secret) struct secret *text = wrap("e");
	char buf[6000];
	struct writer out = writer_of(buf, sizeof(buf));
	struct smime_opened opened = { 0 };
	struct mime_entity entity;
	struct verdict verdict = { .code = "" };

	(void)state;
	assert_non_null(text);
	assert_int_equal(mime_entity_parse(secret_slice(text), &entity), OK);
	put(&out, SLICE("Content-Type: application/x-pkcs7-mime; name=smime.p7m\r\n"
			"Content-Transfer-Encoding: base64\r\n\r\n"));
	put_base64(&out, entity.body.ptr, entity.body.len);
	AUTO(secret) struct secret *other = secret_new(writer_text(&out));
	assert_non_null(other);
	enum err err = unwrap(other, &opened, &verdict);
	bool same = err == OK && slice_eq(opened.entity.text, note);
	smime_opened_fini(&opened);
	assert_int_equal(err, OK);
	assert_true(same);
}

/* RFC 2045 §5.1: "matching of media type and subtype is ALWAYS case-insensitive", and protocol is one (RFC 1847 §2.1). */
static void the_protocol_of_a_signature_has_no_case(void **state)
{
	static const struct {
		const char *text; /* as long as the usual one */
		size_t n_layers;
	} rows[] = { { "application/pkcs7-signature", 1 },
		     { "Application/PKCS7-Signature", 1 },
		     { "application/pgp-signature__", 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(secret) struct secret *text = wrap("c");
		struct smime_opened opened = { .n_layers = 9 };
		struct verdict verdict;

		assert_non_null(text);
		size_t at = slice_find_text(secret_slice(text), SLICE("application/"));
		memcpy(text->bytes + at, rows[i].text, sizeof("application/pkcs7-signature") - 1);
		assert_int_equal(unwrap(text, &opened, &verdict), OK);
		size_t n_layers = opened.n_layers;
		smime_opened_fini(&opened);
		assert_int_equal(n_layers, rows[i].n_layers);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(unwraps_what_was_wrapped_in_whatever_order, start, stop),
	cmocka_unit_test_setup_teardown(five_layers_are_too_many, start, stop),
	cmocka_unit_test_setup_teardown(a_clear_signed_text_that_was_altered_is_refused, start, stop),
	cmocka_unit_test_setup_teardown(a_part_put_beside_the_signed_one_is_not_taken, start, stop),
	cmocka_unit_test_setup_teardown(without_a_key_it_says_so, start, stop),
	cmocka_unit_test_setup_teardown(reads_base64_and_old_names, start, stop),
	cmocka_unit_test_setup_teardown(the_protocol_of_a_signature_has_no_case, start, stop),
};
TEST_MAIN(tests)
