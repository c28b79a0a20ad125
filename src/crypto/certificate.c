#include "crypto/certificate.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "crypto/private.h"

#define SECONDS_A_DAY 86400

struct certificate *certificate_from(X509 *x509)
{
	struct certificate *certificate = mem_new(struct certificate);

	if (certificate)
		certificate->x509 = x509;
	else
		X509_free(x509);
	return certificate;
}

static enum err parse_x509(struct crypto *crypto, struct slice der, X509 **ret_x509)
{
	const unsigned char *at = (const unsigned char *)der.ptr;
	X509 *x509;

	if (!der.len)
		return ERR_SYNTAX;
	if (der.len > CERTIFICATE_DER_MAX)
		return ERR_LIMIT;
	x509 = X509_new_ex(crypto->lib, NULL);
	if (!x509)
		return ERR_NOMEM;
	/* On failure d2i frees the object that it was given. */
	if (!d2i_X509(&x509, &at, (long)der.len) || (const char *)at != der.ptr + der.len) {
		X509_free(x509);
		ERR_clear_error();
		return ERR_SYNTAX;
	}
	*ret_x509 = x509;
	return OK;
}

enum err certificate_parse_der(struct crypto *crypto, struct slice der, struct certificate **ret_certificate)
{
	struct certificate *certificate;
	X509 *x509;

	TRY(parse_x509(crypto, der, &x509));
	certificate = certificate_from(x509);
	if (!certificate)
		return ERR_NOMEM;
	*ret_certificate = certificate;
	return OK;
}

void certificate_free(struct certificate *certificate)
{
	if (!certificate)
		return;
	X509_free(certificate->x509);
	mem_free(certificate);
}

enum err certificate_copy(const struct certificate *certificate, struct certificate **ret_copy)
{
	struct certificate *copy;

	if (X509_up_ref(certificate->x509) != 1)
		return ERR_NOMEM;
	copy = certificate_from(certificate->x509);
	if (!copy)
		return ERR_NOMEM;
	*ret_copy = copy;
	return OK;
}

/* ---- chains ---- */

static enum err make_place(struct chain *chain)
{
	size_t room = chain->room ? 2 * chain->room : 4;
	struct certificate *at;

	if (chain->n == CHAIN_MAX)
		return ERR_LIMIT;
	if (chain->n < chain->room)
		return OK;
	at = mem_resize(chain->at, room * sizeof(*at));
	if (!at)
		return ERR_NOMEM;
	chain->at = at;
	chain->room = room;
	return OK;
}

enum err chain_add(struct chain *chain, X509 *x509)
{
	enum err err = make_place(chain);

	if (err == OK)
		chain->at[chain->n++].x509 = x509;
	else
		X509_free(x509);
	return err;
}

static enum err chain_add_der(struct chain *chain, struct crypto *crypto, struct slice der)
{
	X509 *x509;

	TRY(parse_x509(crypto, der, &x509));
	return chain_add(chain, x509);
}

/* The next block of the PEM text, if it is a certificate, into the chain. ERR_NOT_FOUND at the end. */
static enum err read_block(BIO *in, struct chain *chain, struct crypto *crypto)
{
	char *name = NULL, *header = NULL;
	unsigned char *data = NULL;
	enum err err = OK;
	long len = 0;

	if (PEM_read_bio(in, &name, &header, &data, &len) != 1) {
		bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;

		ERR_clear_error();
		return is_end ? ERR_NOT_FOUND : ERR_SYNTAX;
	}
	if (slice_eq(slice_of(name), SLICE(PEM_STRING_X509)) ||
	    slice_eq(slice_of(name), SLICE(PEM_STRING_X509_OLD)))
		err = chain_add_der(chain, crypto, slice_from(data, (size_t)len));
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_clear_free(data, (size_t)len); /* it may have been a key that stands in the same file */
	return err;
}

enum err chain_parse_pem(struct crypto *crypto, struct slice pem, struct chain **ret_chain)
{
	AUTO(chain) struct chain *chain = NULL;
	enum err err = OK;
	BIO *in;

	if (pem.len > CHAIN_PEM_MAX)
		return ERR_LIMIT;
	chain = mem_new(struct chain);
	in = BIO_new_mem_buf(pem.len ? pem.ptr : "", (int)pem.len);
	if (!chain || !in) {
		BIO_free(in);
		return ERR_NOMEM;
	}
	while (err == OK)
		err = read_block(in, chain, crypto);
	BIO_free(in);
	if (err != ERR_NOT_FOUND)
		return err;
	if (!chain->n)
		return ERR_NOT_FOUND;
	*ret_chain = TAKE(chain);
	return OK;
}

void chain_free(struct chain *chain)
{
	if (!chain)
		return;
	for (size_t i = 0; i < chain->n; i++)
		X509_free(chain->at[i].x509);
	mem_free(chain->at);
	mem_free(chain);
}

size_t chain_length(const struct chain *chain)
{
	return chain->n;
}

const struct certificate *chain_at(const struct chain *chain, size_t n)
{
	return &chain->at[n];
}

/* ---- what is in it ---- */

X509 *certificate_openssl(const struct certificate *certificate)
{
	return certificate->x509;
}

bool certificate_has_key(const struct certificate *certificate, const struct key *key)
{
	EVP_PKEY *public_key = X509_get0_pubkey(certificate->x509);

	return public_key && EVP_PKEY_eq(public_key, key->pkey) == 1;
}

bool certificate_key_id(const struct certificate *certificate, unsigned char ret_id[KEY_ID_SIZE])
{
	EVP_PKEY *public_key = X509_get0_pubkey(certificate->x509);

	return public_key && key_public_id(public_key, ret_id);
}

/* A time that cannot be read is the distant past: whatever depends on it has expired. */
static utc_t utc_of(const ASN1_TIME *time)
{
	struct tm tm;

	return ASN1_TIME_to_tm(time, &tm) == 1 ? timegm(&tm) : 0;
}

utc_t certificate_not_before(const struct certificate *certificate)
{
	return utc_of(X509_get0_notBefore(certificate->x509));
}

utc_t certificate_not_after(const struct certificate *certificate)
{
	return utc_of(X509_get0_notAfter(certificate->x509));
}

int64_t certificate_days_left(const struct certificate *certificate, utc_t now)
{
	int64_t left = certificate_not_after(certificate) - now;

	return left >= 0 ? left / SECONDS_A_DAY : -((-left + SECONDS_A_DAY - 1) / SECONDS_A_DAY);
}

bool certificate_fingerprint(const struct certificate *certificate,
			     unsigned char ret_hash[CERTIFICATE_FINGERPRINT_SIZE])
{
	/* Only the name of EVP_sha256() is used, the algorithm is fetched from the certificate's own context.
	 */
	return X509_digest(certificate->x509, EVP_sha256(), ret_hash, NULL) == 1;
}

bool certificate_eq(const struct certificate *a, const struct certificate *b)
{
	return X509_cmp(a->x509, b->x509) == 0;
}

static void put_name(struct writer *out, const X509_NAME *name)
{
	const unsigned long form = XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
	BIO *text = BIO_new(BIO_s_mem());
	char *bytes;

	if (text && X509_NAME_print_ex(text, name, 0, form) >= 0) {
		long n = BIO_get_mem_data(text, &bytes);

		put_escaped(out, slice_from(bytes, (size_t)n));
	}
	BIO_free(text);
}

void put_certificate_subject(struct writer *out, const struct certificate *certificate)
{
	put_name(out, X509_get_subject_name(certificate->x509));
}

void put_certificate_issuer(struct writer *out, const struct certificate *certificate)
{
	put_name(out, X509_get_issuer_name(certificate->x509));
}

static void put_general_name(struct writer *out, const GENERAL_NAME *name)
{
	static const struct {
		int type;
		struct slice label;
	} kinds[] = {
		{ GEN_DNS, SLICE_INIT("DNS:") },
		{ GEN_URI, SLICE_INIT("URI:") },
		{ GEN_EMAIL, SLICE_INIT("email:") },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (name->type == kinds[i].type) {
			put(out, kinds[i].label);
			put_escaped(out, slice_from(ASN1_STRING_get0_data(name->d.ia5),
						    (size_t)ASN1_STRING_length(name->d.ia5)));
			return;
		}
	put(out, name->type == GEN_IPADD ? SLICE("an IP address") : SLICE("another name"));
}

void put_certificate_names(struct writer *out, const struct certificate *certificate)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate->x509, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		if (i)
			put(out, SLICE(", "));
		put_general_name(out, sk_GENERAL_NAME_value(names, i));
	}
	GENERAL_NAMES_free(names);
	ERR_clear_error();
}

enum err put_certificate_der(struct writer *out, const struct certificate *certificate)
{
	unsigned char *der = NULL;
	int n = i2d_X509(certificate->x509, &der);

	if (n < 0)
		return ERR_NOMEM;
	put(out, slice_from(der, (size_t)n));
	OPENSSL_free(der);
	return out->overflow ? ERR_LIMIT : OK;
}

enum err put_certificate_pem(struct writer *out, const struct certificate *certificate)
{
	BIO *text = BIO_new(BIO_s_mem());
	enum err err = ERR_NOMEM;
	char *bytes;

	if (text && PEM_write_bio_X509(text, certificate->x509) == 1) {
		long n = BIO_get_mem_data(text, &bytes);

		put(out, slice_from(bytes, (size_t)n));
		err = out->overflow ? ERR_LIMIT : OK;
	}
	BIO_free(text);
	return err;
}

bool is_ocsp_response(struct slice der)
{
	const unsigned char *at = (const unsigned char *)der.ptr;
	OCSP_RESPONSE *response = der.len > 0 && der.len <= CHAIN_PEM_MAX
					  ? d2i_OCSP_RESPONSE(NULL, &at, (long)der.len)
					  : NULL;
	bool is_whole = response && (const char *)at == der.ptr + der.len;

	OCSP_RESPONSE_free(response);
	ERR_clear_error();
	return is_whole;
}
