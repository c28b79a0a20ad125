#include "crypto/cms.h"

#include "keys.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "crypto/user_certificate.h"

#define NOW 1790000000

struct person {
	struct key *key;
	struct certificate *certificate;
};

static struct crypto *crypto;
static struct key *ca_key;
static struct certificate *ca;
static struct person alice, bob, carol; /* carol's key is RSA */

static void certify(struct person *person, struct slice aor)
{
	struct user_certificate_request request = { .aor = aor, .now = NOW };
	struct secret *der = NULL;
	struct csr *csr = NULL;
	enum err err = person->key ? csr_make(crypto, person->key, aor, &der) : ERR_NOMEM;

	if (err == OK)
		err = csr_parse(crypto, secret_slice(der), &csr);
	request.csr = csr;
	if (err == OK)
		err = certificate_make_user(crypto, &request, (struct certificate_issuer){ ca, ca_key },
					    &person->certificate);
	csr_free(csr);
	secret_free(der);
	assert_int_equal(err, OK);
}

static void forget(struct person *person)
{
	certificate_free(person->certificate);
	key_free(person->key);
	*person = (struct person){ 0 };
}

static int start(void **state)
{
	(void)state;
	crypto = crypto_new();
	if (!crypto || key_generate(crypto, &ca_key) != OK ||
	    certificate_make_ca(crypto, ca_key, SLICE("test CA"), NOW, &ca) != OK)
		return -1;
	return key_generate(crypto, &alice.key) == OK && key_generate(crypto, &bob.key) == OK ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	forget(&alice);
	forget(&bob);
	forget(&carol);
	certificate_free(ca);
	key_free(ca_key);
	crypto_free(crypto);
	ca = NULL;
	ca_key = NULL;
	crypto = NULL;
	return 0;
}

static const struct slice text = SLICE_INIT("Content-Type: text/plain\r\n\r\nbare \n and \r\n are kept\0too");

static struct secret *sign(const struct person *by, bool detached, bool omit)
{
	struct cms_signer signer = { .certificate = by->certificate,
				     .key = by->key,
				     .now = NOW,
				     .detached = detached,
				     .omit_certificate = omit };
	struct secret *der = NULL;

	assert_int_equal(cms_sign(crypto, &signer, text, &der), OK);
	return der;
}

static void a_signature_says_who_and_when(void **state)
{
	AUTO(secret) struct secret *der = NULL;
	struct cms_signed what = { 0 };
	struct verdict verdict;
	enum err err;

	(void)state;
	certify(&alice, SLICE("alice@example.org"));
	der = sign(&alice, false, false);
	err = cms_verify(crypto, &(struct cms_question){ .der = secret_slice(der) }, &what, &verdict);
	if (err == OK) {
		assert_true(slice_eq(secret_slice(what.content), text));
		assert_string_equal(what.algorithm, "ECDSA with SHA-256");
		assert_true(what.signing_time == NOW);
		assert_int_equal(certificate_is_for_user(what.signer, SLICE("alice@example.org"), &verdict),
				 OK);
	}
	cms_signed_fini(&what);
	assert_int_equal(err, OK);
}

static void a_detached_signature_wants_its_content(void **state)
{
	struct cms_signed what = { 0 };
	struct verdict verdict;
	enum err with, without, other;

	(void)state;
	certify(&alice, SLICE("alice@example.org"));
	AUTO(secret) struct secret *der = sign(&alice, true, false);
	struct cms_question question = { .der = secret_slice(der), .detached = text };

	with = cms_verify(crypto, &question, &what, &verdict);
	cms_signed_fini(&what);
	question.detached = SLICE("another text");
	other = cms_verify(crypto, &question, &what, &verdict);
	cms_signed_fini(&what);
	question.detached = slice_of(NULL);
	without = cms_verify(crypto, &question, &what, &verdict);
	assert_int_equal(with, OK);
	assert_int_equal(other, ERR_DENIED);
	assert_int_equal(without, ERR_SYNTAX);
	assert_string_equal(verdict.code, "smime.malformed");
}

static void a_certificate_that_was_left_out_has_to_be_known(void **state)
{
	struct cms_signed what = { 0 };
	struct verdict verdict;
	enum err unknown, known;

	(void)state;
	certify(&alice, SLICE("alice@example.org"));
	AUTO(secret) struct secret *der = sign(&alice, false, true);
	struct cms_question question = { .der = secret_slice(der) };

	unknown = cms_verify(crypto, &question, &what, &verdict);
	assert_int_equal(unknown, ERR_DENIED);
	assert_string_equal(verdict.code, "smime.no-certificate");
	question.known = (const struct certificate *const[]){ alice.certificate };
	question.n_known = 1;
	known = cms_verify(crypto, &question, &what, &verdict);
	cms_signed_fini(&what);
	assert_int_equal(known, OK);
}

/* Whatever bit is turned over, nobody gets another text under alice's name. */
static void every_altered_byte_of_a_signature_is_noticed(void **state)
{
	struct cms_signed what = { 0 };
	struct verdict verdict;
	size_t n_wrong = 0;

	(void)state;
	certify(&alice, SLICE("alice@example.org"));
	AUTO(secret) struct secret *der = sign(&alice, false, false);

	for (size_t i = 0; i < der->len; i += ROWS_STEP(211)) {
		der->bytes[i] ^= 1;
		if (cms_verify(crypto, &(struct cms_question){ .der = secret_slice(der) }, &what, &verdict) ==
		    OK) {
			/* Bytes of the certificate's own signature or of unused fields do not change what is said. */
			n_wrong += !slice_eq(secret_slice(what.content), text) || what.signing_time != NOW;
			cms_signed_fini(&what);
		}
		der->bytes[i] ^= 1;
	}
	assert_int_equal(n_wrong, 0);
}

/* The same certificate with another keyUsage (RFC 5280 §4.2.1.3); NULL without memory. */
static struct certificate *with_usage(const struct certificate *certificate, const char *usage)
{
	X509 *x509 = X509_dup(certificate_openssl(certificate));
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage, usage);
	struct certificate *made = NULL;
	unsigned char *der = NULL;
	int n = -1;

	if (x509 && extension) {
		X509_EXTENSION_free(X509_delete_ext(x509, X509_get_ext_by_NID(x509, NID_key_usage, -1)));
		if (X509_add_ext(x509, extension, -1) == 1 &&
		    X509_sign(x509, key_openssl(ca_key), EVP_sha256()) > 0)
			n = i2d_X509(x509, &der);
	}
	if (n <= 0 || certificate_parse_der(crypto, slice_from(der, (size_t)n), &made) != OK)
		made = NULL;
	OPENSSL_free(der);
	X509_EXTENSION_free(extension);
	X509_free(x509);
	return made;
}

/* RFC8550:4.4.2 */
static void a_certificate_signs_what_its_usage_allows(void **state)
{
	static const struct {
		const char *usage;
		enum err err;
	} rows[] = {
		{ "digitalSignature", OK },
		{ "nonRepudiation", OK },
		{ "keyEncipherment", ERR_DENIED },
		{ "keyAgreement,dataEncipherment", ERR_DENIED },
	};

	(void)state;
	certify(&alice, SLICE("alice@example.org"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct person other = { alice.key, with_usage(alice.certificate, rows[i].usage) };
		struct cms_signer signer = { .certificate = other.certificate, .key = other.key, .now = NOW };
		struct cms_signed what = { 0 };
		struct secret *der = NULL;
		struct verdict verdict = { .code = "none" };
		enum err err = other.certificate ? cms_sign(crypto, &signer, text, &der) : ERR_NOMEM;

		if (err == OK)
			err = cms_verify(crypto, &(struct cms_question){ .der = secret_slice(der) }, &what,
					 &verdict);
		secret_free(der);
		cms_signed_fini(&what);
		certificate_free(other.certificate);
		assert_int_equal(err, rows[i].err);
		if (err == ERR_DENIED)
			assert_string_equal(verdict.code, "smime.key-usage");
	}
}

/* A key that key_parse_pem() would not take, and a certificate of the CA for it. */
struct stranger {
	EVP_PKEY *pkey;
	struct certificate *certificate;
};

static const struct {
	const char *curve;
	size_t rsa_bits; /* where there is no curve */
	enum err err;
} strengths[] = {
	{ "prime256v1", 0, OK },         { "secp224r1", 0, OK },         { NULL, 2048, OK },
	{ "prime192v1", 0, ERR_DENIED }, { "secp112r1", 0, ERR_DENIED }, { NULL, 1024, ERR_DENIED },
};

enum { N_STRENGTHS = sizeof(strengths) / sizeof(strengths[0]) };

static struct stranger meet(size_t i)
{
	OSSL_LIB_CTX *lib = crypto_libctx(crypto);
	struct stranger stranger = { strengths[i].curve
					     ? EVP_PKEY_Q_keygen(lib, NULL, "EC", strengths[i].curve)
					     : EVP_PKEY_Q_keygen(lib, NULL, "RSA", strengths[i].rsa_bits),
				     NULL };
	struct certificate *certificate = with_usage(alice.certificate,
						     strengths[i].curve ? "digitalSignature,keyAgreement"
									: "digitalSignature,keyEncipherment");
	X509 *x509 = certificate ? certificate_openssl(certificate) : NULL;
	unsigned char *der = NULL;
	int n = -1;

	if (stranger.pkey && x509 && X509_set_pubkey(x509, stranger.pkey) == 1 &&
	    X509_sign(x509, key_openssl(ca_key), EVP_sha256()) > 0)
		n = i2d_X509(x509, &der);
	certificate_free(certificate);
	if (n <= 0 || certificate_parse_der(crypto, slice_from(der, (size_t)n), &stranger.certificate) != OK)
		stranger.certificate = NULL;
	OPENSSL_free(der);
	return stranger;
}

static void part(struct stranger *stranger)
{
	EVP_PKEY_free(stranger->pkey);
	certificate_free(stranger->certificate);
}

static enum err sign_and_verify(const struct stranger *by, struct verdict *ret_verdict)
{
	BIO *in = BIO_new_mem_buf(text.ptr, (int)text.len);
	CMS_ContentInfo *cms = in && by->certificate
				       ? CMS_sign_ex(certificate_openssl(by->certificate), by->pkey, NULL, in,
						     CMS_BINARY, crypto_libctx(crypto), NULL)
				       : NULL;
	struct cms_signed what = { 0 };
	unsigned char *der = NULL;
	int n = cms ? i2d_CMS_ContentInfo(cms, &der) : -1;
	struct cms_question question = { .der = slice_from(der, n > 0 ? (size_t)n : 0) };
	enum err err = n > 0 ? cms_verify(crypto, &question, &what, ret_verdict) : ERR_NOMEM;

	cms_signed_fini(&what);
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	return err;
}

static void a_signature_by_a_weak_key_proves_nothing(void **state)
{
	(void)state;
	certify(&alice, SLICE("alice@example.org"));
	for (size_t i = 0; i < N_STRENGTHS; i += ROWS_STEP(3)) {
		struct verdict verdict = { .code = "none" };
		struct stranger stranger = meet(i);
		enum err err = sign_and_verify(&stranger, &verdict);

		part(&stranger);
		if (err != strengths[i].err)
			fail_msg("%zu: %s", i, err_text(err));
		if (err == ERR_DENIED)
			assert_string_equal(verdict.code, "smime.weak");
	}
}

static void nobody_signs_with_the_key_of_another(void **state)
{
	struct secret *der = NULL;

	(void)state;
	certify(&alice, SLICE("alice@example.org"));
	assert_int_equal(
		cms_sign(crypto,
			 &(struct cms_signer){ .certificate = alice.certificate, .key = bob.key, .now = NOW },
			 text, &der),
		ERR_DENIED);
}

/* -- envelopes --------------------------------------------------------------------------------------------- */

static struct secret *encrypt_to_both(enum cms_cipher cipher)
{
	const struct certificate *recipients[] = { alice.certificate, bob.certificate };
	struct cms_envelope envelope = { recipients, 2, cipher };
	struct secret *der = NULL;

	certify(&alice, SLICE("alice@example.org"));
	certify(&bob, SLICE("bob@example.org"));
	recipients[0] = alice.certificate;
	recipients[1] = bob.certificate;
	assert_int_equal(cms_encrypt(crypto, &envelope, text, &der), OK);
	return der;
}

static enum err decrypt(const struct secret *der, const struct person *person, struct cms_opened *ret_opened,
			struct verdict *ret_verdict)
{
	struct cms_recipient recipient = { person->certificate, person->key };

	return cms_decrypt(crypto, secret_slice(der), &recipient, ret_opened, ret_verdict);
}

static void each_recipient_reads_it(void **state)
{
	static const enum cms_cipher ciphers[] = { CMS_AES128_GCM, CMS_AES256_GCM, CMS_AES128_CBC,
						   CMS_AES256_CBC };

	(void)state;
	for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++) {
		AUTO(secret) struct secret *der = encrypt_to_both(ciphers[i]);
		const struct person *persons[] = { &alice, &bob };

		for (size_t j = 0; j < 2; j++) {
			struct cms_opened opened = { 0 };
			struct verdict verdict;
			enum err err = decrypt(der, persons[j], &opened, &verdict);
			bool same = err == OK && slice_eq(secret_slice(opened.content), text);

			secret_free(opened.content);
			assert_int_equal(err, OK);
			assert_true(same);
			assert_int_equal(opened.cipher, ciphers[i]);
		}
		certificate_free(alice.certificate);
		certificate_free(bob.certificate);
		alice.certificate = bob.certificate = NULL;
	}
}

static void who_is_no_recipient_is_told_so(void **state)
{
	struct cms_opened opened = { 0 };
	struct verdict verdict;

	(void)state;
	AUTO(secret) struct secret *der = encrypt_to_both(CMS_AES128_GCM);
	assert_int_equal(key_generate(crypto, &carol.key), OK);
	certify(&carol, SLICE("carol@example.org"));
	assert_int_equal(decrypt(der, &carol, &opened, &verdict), ERR_NOT_FOUND);
	assert_string_equal(verdict.code, "smime.wrong-key");
}

static void every_altered_byte_of_an_envelope_is_noticed(void **state)
{
	struct cms_opened opened = { 0 };
	struct verdict verdict;
	size_t n_wrong = 0;

	(void)state;
	AUTO(secret) struct secret *der = encrypt_to_both(CMS_AES128_GCM);

	for (size_t i = 0; i < der->len; i += ROWS_STEP(211)) {
		der->bytes[i] ^= 1;
		if (decrypt(der, &bob, &opened, &verdict) == OK) {
			/* What is said to the other recipient alone may change; the text may not. */
			n_wrong += !slice_eq(secret_slice(opened.content), text);
			secret_free(opened.content);
			opened.content = NULL;
		}
		der->bytes[i] ^= 1;
	}
	assert_int_equal(n_wrong, 0);
}

/* A length in DER, of two octets behind the tag at at: all around what ends the text have such. */
static void shorten_by(struct secret *der, size_t at, size_t n)
{
	size_t len = (size_t)der->bytes[at + 2] << 8 | der->bytes[at + 3];

	assert_int_equal(der->bytes[at + 1], 0x82);
	der->bytes[at + 2] = (unsigned char)((len - n) >> 8);
	der->bytes[at + 3] = (unsigned char)(len - n);
}

/* Leaves so many octets of the mac, which is the last thing in an AuthEnvelopedData (RFC 5083 §2.1). */
static void cut_tag(struct secret *der, size_t left)
{
	static const size_t tag = 16, type = 13 /* of the content: its object identifier */;
	size_t at = der->len - tag - 1, n = tag - left;

	assert_int_equal(der->bytes[at - 1], 0x04);
	assert_int_equal(der->bytes[at], tag);
	der->bytes[at] = (unsigned char)left;
	shorten_by(der, 0, n);
	shorten_by(der, 4 + type, n);
	shorten_by(der, 8 + type, n);
	der->len -= n;
}

/* RFC 5084 §3.2: AES-GCM-ICVlen is 12 to 16. Of one octet every 256th forgery would do. */
static void a_tag_that_can_be_guessed_is_not_read(void **state)
{
	static const struct {
		size_t left;
		enum err err;
	} rows[] = {
		{ 12, OK }, { 11, ERR_DENIED }, { 4, ERR_DENIED }, { 1, ERR_DENIED }, { 0, ERR_DENIED }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(secret) struct secret *der = encrypt_to_both(CMS_AES128_GCM);
		struct cms_opened opened = { 0 };
		struct verdict verdict;
		enum err err;

		cut_tag(der, rows[i].left);
		err = decrypt(der, &bob, &opened, &verdict);
		secret_free(opened.content);
		certificate_free(alice.certificate);
		certificate_free(bob.certificate);
		alice.certificate = bob.certificate = NULL;
		assert_int_equal(err, rows[i].err);
	}
}

static void an_rsa_key_gets_it_by_oaep(void **state)
{
	struct cms_opened opened = { 0 };
	struct verdict verdict;
	struct secret *der = NULL;
	enum err err;

	(void)state;
	carol.key = rsa_key(crypto);
	certify(&carol, SLICE("carol@example.org"));
	const struct certificate *recipients[] = { carol.certificate };
	struct cms_envelope envelope = { recipients, 1, CMS_AES128_GCM };

	assert_int_equal(cms_encrypt(crypto, &envelope, text, &der), OK);
	err = decrypt(der, &carol, &opened, &verdict);
	secret_free(der);
	secret_free(opened.content);
	assert_int_equal(err, OK);
}

/* The octets of an object identifier, wherever they stand. */
static bool has_oid(const struct secret *der, const char *oid)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	struct slice bytes = object ? slice_from(OBJ_get0_data(object), OBJ_length(object)) : slice_of(NULL);
	bool has = bytes.len > 0 && slice_find_text(secret_slice(der), bytes) < der->len;

	ASN1_OBJECT_free(object);
	return has;
}

static void the_algorithms_on_the_wire_are_those_of_rfc_8591(void **state)
{
	(void)state;
	AUTO(secret) struct secret *der = encrypt_to_both(CMS_AES128_GCM);

	assert_true(has_oid(der, "1.3.132.1.11.1"));         /* dhSinglePass-stdDH-sha256kdf-scheme */
	assert_true(has_oid(der, "2.16.840.1.101.3.4.1.5")); /* id-aes128-wrap */
	assert_true(has_oid(der, "2.16.840.1.101.3.4.1.6")); /* id-aes128-GCM */
	assert_false(has_oid(der, "1.3.133.16.840.63.0.2")); /* dhSinglePass-stdDH-sha1kdf-scheme */
	AUTO(secret) struct secret *signature = sign(&alice, false, false);
	assert_true(has_oid(signature, "2.16.840.1.101.3.4.2.1")); /* id-sha256 */
	assert_true(has_oid(signature, "1.2.840.10045.4.3.2"));    /* ecdsa-with-SHA256 */
	assert_false(has_oid(signature, "1.2.840.113549.3.7"));    /* des-ede3-cbc, as a capability */
}

static void a_key_that_is_not_for_that_gets_nothing(void **state)
{
	static const struct slice names[] = { SLICE_INIT("example.org") };
	struct certificate_request request = { bob.key, names, 1, NOW };
	struct certificate *server = NULL;
	struct secret *der = NULL;
	enum err err;

	(void)state;
	assert_int_equal(
		certificate_make(crypto, &request, (struct certificate_issuer){ ca, ca_key }, &server), OK);
	const struct certificate *recipients[] = { server };
	err = cms_encrypt(crypto, &(struct cms_envelope){ recipients, 1, CMS_AES128_GCM }, text, &der);
	certificate_free(server);
	assert_int_equal(err, ERR_DENIED);
}

static void nothing_is_encrypted_to_a_weak_key(void **state)
{
	(void)state;
	certify(&alice, SLICE("alice@example.org"));
	for (size_t i = 0; i < N_STRENGTHS; i += ROWS_STEP(3)) {
		struct stranger stranger = meet(i);
		const struct certificate *recipients[] = { stranger.certificate };
		struct cms_envelope envelope = { recipients, 1, CMS_AES128_GCM };
		struct secret *der = NULL;
		enum err err = stranger.certificate ? cms_encrypt(crypto, &envelope, text, &der) : ERR_NOMEM;

		part(&stranger);
		secret_free(der);
		if (err != strengths[i].err)
			fail_msg("%zu: %s", i, err_text(err));
	}
}

/* Made by the library without the care of cms_encrypt(). */
static struct secret *encrypt_with(const char *name)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(crypto_libctx(crypto), name, NULL);
	BIO *in = BIO_new_mem_buf(text.ptr, (int)text.len);
	STACK_OF(X509) *to = sk_X509_new_null();
	CMS_ContentInfo *cms = NULL;
	struct secret *secret = NULL;
	unsigned char *der = NULL;
	int n = -1;

	if (cipher && in && to && sk_X509_push(to, certificate_openssl(bob.certificate)) > 0)
		cms = CMS_encrypt_ex(to, in, cipher, CMS_BINARY, crypto_libctx(crypto), NULL);
	if (cms)
		n = i2d_CMS_ContentInfo(cms, &der);
	if (n > 0)
		secret = secret_new(slice_from(der, (size_t)n));
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	sk_X509_free(to);
	BIO_free(in);
	EVP_CIPHER_free(cipher);
	return secret;
}

static void weak_ciphers_are_not_read(void **state)
{
	struct cms_opened opened = { 0 };
	struct verdict verdict;

	(void)state;
	certify(&bob, SLICE("bob@example.org"));
	AUTO(secret) struct secret *der = encrypt_with("DES-EDE3-CBC");
	assert_non_null(der);
	assert_int_equal(decrypt(der, &bob, &opened, &verdict), ERR_DENIED);
	assert_string_equal(verdict.code, "smime.weak");
}

static void what_is_no_structure_is_told_apart(void **state)
{
	static const struct slice garbage[] = { SLICE_INIT(""), SLICE_INIT("\x30\x00"), SLICE_INIT("hello"),
						SLICE_INIT("\x30\x84\xff\xff\xff\xff") };
	struct cms_opened opened = { 0 };
	struct cms_signed what = { 0 };
	struct verdict verdict;

	(void)state;
	certify(&bob, SLICE("bob@example.org"));
	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		struct cms_recipient recipient = { bob.certificate, bob.key };

		assert_int_equal(
			cms_verify(crypto, &(struct cms_question){ .der = garbage[i] }, &what, &verdict),
			ERR_SYNTAX);
		assert_int_equal(cms_decrypt(crypto, garbage[i], &recipient, &opened, &verdict), ERR_SYNTAX);
	}
	/* An envelope is no signature, and a signature no envelope. */
	AUTO(secret) struct secret *envelope = encrypt_with("AES-128-CBC");
	assert_non_null(envelope);
	assert_int_equal(
		cms_verify(crypto, &(struct cms_question){ .der = secret_slice(envelope) }, &what, &verdict),
		ERR_SYNTAX);
}

/* RFC8551:3.8 */
static void certificates_travel_without_a_signature(void **state)
{
	const struct certificate *const one[] = { ca };
	AUTO(secret) struct secret *der = NULL;
	AUTO(chain) struct chain *came = NULL;
	unsigned char sent[CERTIFICATE_FINGERPRINT_SIZE], got[CERTIFICATE_FINGERPRINT_SIZE];

	(void)state;
	assert_int_equal(cms_certificates(crypto, one, 1, &der), OK);
	assert_int_equal(cms_certificates_parse(crypto, secret_slice(der), &came), OK);
	assert_int_equal(chain_length(came), 1);
	assert_true(certificate_fingerprint(ca, sent) && certificate_fingerprint(chain_at(came, 0), got));
	assert_memory_equal(sent, got, sizeof sent);
}

/* As a chain from a file may have them. */
static void a_certificate_that_is_given_twice_travels_once(void **state)
{
	const struct certificate *const twice[] = { ca, ca };
	AUTO(secret) struct secret *der = NULL;
	AUTO(chain) struct chain *came = NULL;

	(void)state;
	assert_int_equal(cms_certificates(crypto, twice, 2, &der), OK);
	assert_int_equal(cms_certificates_parse(crypto, secret_slice(der), &came), OK);
	assert_int_equal(chain_length(came), 1);
}

static void what_brings_no_certificates_is_none_of_that_kind(void **state)
{
	AUTO(secret) struct secret *der = NULL;
	AUTO(chain) struct chain *came = NULL;

	(void)state;
	assert_int_equal(cms_certificates(crypto, NULL, 0, &der), OK);
	assert_int_equal(cms_certificates_parse(crypto, secret_slice(der), &came), ERR_SYNTAX);
	assert_int_equal(cms_certificates_parse(crypto, SLICE("junk"), &came), ERR_SYNTAX);
	assert_int_equal(cms_certificates_parse(crypto, SLICE(""), &came), ERR_SYNTAX);
	assert_null(came);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(certificates_travel_without_a_signature, start, stop),
	cmocka_unit_test_setup_teardown(a_certificate_that_is_given_twice_travels_once, start, stop),
	cmocka_unit_test_setup_teardown(what_brings_no_certificates_is_none_of_that_kind, start, stop),
	cmocka_unit_test_setup_teardown(a_signature_says_who_and_when, start, stop),
	cmocka_unit_test_setup_teardown(a_detached_signature_wants_its_content, start, stop),
	cmocka_unit_test_setup_teardown(a_certificate_that_was_left_out_has_to_be_known, start, stop),
	cmocka_unit_test_setup_teardown(every_altered_byte_of_a_signature_is_noticed, start, stop),
	cmocka_unit_test_setup_teardown(a_certificate_signs_what_its_usage_allows, start, stop),
	cmocka_unit_test_setup_teardown(a_signature_by_a_weak_key_proves_nothing, start, stop),
	cmocka_unit_test_setup_teardown(nobody_signs_with_the_key_of_another, start, stop),
	cmocka_unit_test_setup_teardown(each_recipient_reads_it, start, stop),
	cmocka_unit_test_setup_teardown(who_is_no_recipient_is_told_so, start, stop),
	cmocka_unit_test_setup_teardown(every_altered_byte_of_an_envelope_is_noticed, start, stop),
	cmocka_unit_test_setup_teardown(a_tag_that_can_be_guessed_is_not_read, start, stop),
	cmocka_unit_test_setup_teardown(an_rsa_key_gets_it_by_oaep, start, stop),
	cmocka_unit_test_setup_teardown(the_algorithms_on_the_wire_are_those_of_rfc_8591, start, stop),
	cmocka_unit_test_setup_teardown(a_key_that_is_not_for_that_gets_nothing, start, stop),
	cmocka_unit_test_setup_teardown(nothing_is_encrypted_to_a_weak_key, start, stop),
	cmocka_unit_test_setup_teardown(weak_ciphers_are_not_read, start, stop),
	cmocka_unit_test_setup_teardown(what_is_no_structure_is_told_apart, start, stop),
};
TEST_MAIN(tests)
