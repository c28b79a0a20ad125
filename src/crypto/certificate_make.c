/* The certificates of the development CA and those that it issues (RFC 5280 §4, RFC 5922 §4.1). */
#include <string.h>

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "crypto/certificate.h"
#include "crypto/identity.h"
#include "crypto/make.h"
#include "crypto/private.h"

#define SECONDS_A_DAY   86400
#define CA_DAYS         3653
#define LEAF_DAYS       90
#define CLOCK_SKEW      3600 /* a peer's clock may be behind ours */
#define SERIAL_SIZE     16
#define SUBJECT_ID_SIZE 20 /* RFC 7093 §2 (1): the leftmost 160 bits of the SHA-256 of the public key */

bool make_serial(struct crypto *crypto, X509 *x509)
{
	unsigned char bytes[SERIAL_SIZE];
	BIGNUM *number = NULL;
	bool ok;

	if (RAND_bytes_ex(crypto->lib, bytes, sizeof(bytes), 0) != 1)
		return false;
	bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40); /* positive, and always of the same length */
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509));
	BN_free(number);
	return ok;
}

bool make_validity(X509 *x509, utc_t now, utc_t end)
{
	return ASN1_TIME_set(X509_getm_notBefore(x509), now - CLOCK_SKEW) &&
	       ASN1_TIME_set(X509_getm_notAfter(x509), end);
}

/* Leaves the subject empty for a name that is too long for a CN. */
static bool set_subject(X509 *x509, struct slice common_name)
{
	if (common_name.len > MAKE_COMMON_NAME_MAX)
		return true;
	return X509_NAME_add_entry_by_NID(X509_get_subject_name(x509), NID_commonName, MBSTRING_UTF8,
					  (const unsigned char *)common_name.ptr, (int)common_name.len, -1,
					  0) == 1;
}

bool make_extension(X509 *x509, int nid, void *value, bool critical)
{
	return value && X509_add1_ext_i2d(x509, nid, value, critical, X509V3_ADD_DEFAULT) == 1;
}

bool make_basic_constraints(X509 *x509, bool is_ca)
{
	BASIC_CONSTRAINTS *value = BASIC_CONSTRAINTS_new();
	bool ok = value;

	if (ok && is_ca) {
		value->ca = 0xff; /* TRUE in DER */
		value->pathlen = ASN1_INTEGER_new();
		ok = value->pathlen && ASN1_INTEGER_set(value->pathlen, 0) == 1;
	}
	ok = ok && make_extension(x509, NID_basic_constraints, value, true);
	BASIC_CONSTRAINTS_free(value);
	return ok;
}

bool make_key_usage(X509 *x509, const int bits[], size_t n)
{
	ASN1_BIT_STRING *value = ASN1_BIT_STRING_new();
	bool ok = value;

	for (size_t i = 0; ok && i < n; i++)
		ok = ASN1_BIT_STRING_set_bit(value, bits[i], 1) == 1;
	ok = ok && make_extension(x509, NID_key_usage, value, true);
	ASN1_BIT_STRING_free(value);
	return ok;
}

bool make_extended_key_usage(X509 *x509, const int nids[], size_t n)
{
	EXTENDED_KEY_USAGE *value = sk_ASN1_OBJECT_new_null();
	bool ok = value;

	for (size_t i = 0; ok && i < n; i++)
		ok = sk_ASN1_OBJECT_push(value, OBJ_nid2obj(nids[i])) > 0;
	ok = ok && make_extension(x509, NID_ext_key_usage, value, false);
	sk_ASN1_OBJECT_free(value); /* the objects are the library's constants */
	return ok;
}

bool make_subject_key_id(struct crypto *crypto, X509 *x509)
{
	unsigned char hash[DIGEST_SIZE_MAX];
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	bool ok = value && X509_pubkey_digest(x509, crypto->md[DIGEST_SHA256], hash, NULL) == 1 &&
		  ASN1_OCTET_STRING_set(value, hash, SUBJECT_ID_SIZE) == 1 &&
		  make_extension(x509, NID_subject_key_identifier, value, false);

	ASN1_OCTET_STRING_free(value);
	return ok;
}

bool make_authority_key_id(X509 *x509, X509 *issuer)
{
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(issuer);
	AUTHORITY_KEYID *value;
	bool ok;

	if (!id)
		return true;
	value = AUTHORITY_KEYID_new();
	ok = value && (value->keyid = ASN1_OCTET_STRING_dup(id)) != NULL &&
	     make_extension(x509, NID_authority_key_identifier, value, false);
	AUTHORITY_KEYID_free(value);
	return ok;
}

bool make_general_name(GENERAL_NAMES *names, int type, struct slice prefix, struct slice name)
{
	GENERAL_NAME *general = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();
	char buf[MAKE_NAME_MAX];
	struct writer out = writer_of(buf, sizeof(buf));

	put(&out, prefix);
	put(&out, name);
	if (general && text && !out.overflow && ASN1_STRING_set(text, buf, (int)out.len) == 1) {
		GENERAL_NAME_set0_value(general, type, text);
		if (sk_GENERAL_NAME_push(names, general) > 0)
			return true;
		text = NULL; /* is the general name's now */
	}
	ASN1_IA5STRING_free(text);
	GENERAL_NAME_free(general);
	return false;
}

/* RFC 5280 §4.2.1.6: critical when there is no subject. */
static bool add_names(X509 *x509, const struct slice names[], size_t n)
{
	bool critical = X509_NAME_entry_count(X509_get_subject_name(x509)) == 0;
	GENERAL_NAMES *value = sk_GENERAL_NAME_new_null();
	bool ok = value;

	for (size_t i = 0; ok && i < n; i++)
		ok = make_general_name(value, GEN_DNS, SLICE(""), names[i]) &&
		     make_general_name(value, GEN_URI, SLICE("sip:"), names[i]);
	ok = ok && make_extension(x509, NID_subject_alt_name, value, critical);
	GENERAL_NAMES_free(value);
	return ok;
}

bool make_signature(struct crypto *crypto, X509 *x509, const struct key *key)
{
	/* Ed25519 hashes by itself. */
	const EVP_MD *md = EVP_PKEY_is_a(key->pkey, "ED25519") ? NULL : crypto->md[DIGEST_SHA256];

	return X509_sign(x509, key->pkey, md) > 0;
}

enum err make_finish(X509 *x509, bool ok, struct certificate **ret_certificate)
{
	struct certificate *certificate;

	ERR_clear_error();
	if (!ok) {
		X509_free(x509);
		return ERR_NOMEM;
	}
	certificate = certificate_from(x509);
	if (!certificate)
		return ERR_NOMEM;
	*ret_certificate = certificate;
	return OK;
}

enum err certificate_make_ca(struct crypto *crypto, const struct key *key, struct slice common_name,
			     utc_t now, struct certificate **ret_certificate)
{
	static const int usage[] = { 5, 6 }; /* keyCertSign, cRLSign */
	X509 *x509 = X509_new_ex(crypto->lib, NULL);
	bool ok = x509 && X509_set_version(x509, X509_VERSION_3) == 1 && make_serial(crypto, x509) &&
		  make_validity(x509, now, now + (utc_t)CA_DAYS * SECONDS_A_DAY) &&
		  set_subject(x509, slice_sub(common_name, 0, MAKE_COMMON_NAME_MAX)) &&
		  X509_set_issuer_name(x509, X509_get_subject_name(x509)) == 1 &&
		  X509_set_pubkey(x509, key->pkey) == 1 && make_basic_constraints(x509, true) &&
		  make_key_usage(x509, usage, 2) && make_subject_key_id(crypto, x509) &&
		  make_signature(crypto, x509, key);

	return make_finish(x509, ok, ret_certificate);
}

enum err certificate_make(struct crypto *crypto, const struct certificate_request *request,
			  struct certificate_issuer issuer, struct certificate **ret_certificate)
{
	static const int usage[] = { 0 }; /* digitalSignature */
	static const int purposes[] = { NID_server_auth, NID_client_auth };
	X509 *by = issuer.certificate->x509;
	X509 *x509;
	bool ok;

	for (size_t i = 0; i < request->n_names; i++)
		if (!identity_is_name(request->names[i]))
			return ERR_SYNTAX;
	x509 = X509_new_ex(crypto->lib, NULL);
	ok = x509 && X509_set_version(x509, X509_VERSION_3) == 1 && make_serial(crypto, x509) &&
	     make_validity(x509, request->now, request->now + (utc_t)LEAF_DAYS * SECONDS_A_DAY) &&
	     set_subject(x509, request->names[0]) &&
	     X509_set_issuer_name(x509, X509_get_subject_name(by)) == 1 &&
	     X509_set_pubkey(x509, request->key->pkey) == 1 && make_basic_constraints(x509, false) &&
	     make_key_usage(x509, usage, 1) && make_extended_key_usage(x509, purposes, 2) &&
	     make_subject_key_id(crypto, x509) && make_authority_key_id(x509, by) &&
	     add_names(x509, request->names, request->n_names) && make_signature(crypto, x509, issuer.key);
	return make_finish(x509, ok, ret_certificate);
}
