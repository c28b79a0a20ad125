#include "crypto/user_certificate.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/ascii.h"
#include "base/mem.h"
#include "crypto/identity.h"
#include "crypto/make.h"
#include "crypto/private.h"

#define USER_MAX 250

struct csr {
	X509_REQ *request;
};

/* -- addresses-of-record ----------------------------------------------------------------------------------- */

struct aor_parts {
	struct slice user, domain;
};

static bool split(struct slice aor, struct aor_parts *ret_parts)
{
	size_t at = slice_find(aor, '@');
	struct aor_parts parts = { slice_sub(aor, 0, at), slice_sub(aor, at + 1, aor.len) };

	if (parts.user.len == 0 || parts.user.len > USER_MAX || !identity_is_name(parts.domain))
		return false;
	*ret_parts = parts;
	return true;
}

/* RFC 3261 §25.1: unreserved / user-unreserved */
static bool is_plain(char c)
{
	return ascii_is_alnum(c) || (c != '\0' && strchr("-_.!~*'()&=+$,;?/", c));
}

static void put_user(struct writer *out, struct slice user)
{
	for (size_t i = 0; i < user.len; i++) {
		static const char digits[] = "0123456789ABCDEF";
		unsigned char c = (unsigned char)user.ptr[i];

		if (is_plain(user.ptr[i])) {
			put_char(out, user.ptr[i]);
			continue;
		}
		put_char(out, '%');
		put_char(out, digits[c >> 4]);
		put_char(out, digits[c & 15]);
	}
}

/* The next byte of a user part, unescaped; false at its end, or where an escape is none. */
static bool next_byte(struct slice *rest, unsigned char *ret_byte)
{
	size_t n;

	if (!rest->len)
		return false;
	if (rest->ptr[0] != '%') {
		*ret_byte = (unsigned char)rest->ptr[0];
		*rest = slice_sub(*rest, 1, rest->len);
		return true;
	}
	if (!hex_decode(slice_sub(*rest, 1, 2), ret_byte, 1, &n) || n != 1)
		return false;
	*rest = slice_sub(*rest, 3, rest->len);
	return true;
}

bool user_part_is(struct slice escaped, struct slice user)
{
	unsigned char byte;

	for (size_t i = 0; i < user.len; i++)
		if (!next_byte(&escaped, &byte) || byte != (unsigned char)user.ptr[i])
			return false;
	return escaped.len == 0;
}

static const struct slice schemes[] = { SLICE_INIT("sip:"), SLICE_INIT("sips:"), SLICE_INIT("im:") };

enum { N_SCHEMES = sizeof(schemes) / sizeof(schemes[0]) };

bool user_uri_split(struct slice uri, struct user_uri *ret_parts)
{
	size_t scheme = 0, at;

	while (scheme < N_SCHEMES && !slice_starts_nocase(uri, schemes[scheme]))
		scheme++;
	if (scheme == N_SCHEMES)
		return false;
	uri = slice_sub(uri, schemes[scheme].len, uri.len);
	at = slice_find(uri, '@');
	*ret_parts = (struct user_uri){ .user = slice_sub(uri, 0, at),
					.domain = slice_sub(uri, at + 1, uri.len),
					.by_sip = !slice_eq(schemes[scheme], SLICE("im:")) };
	return true;
}

static bool is_uri_of(struct slice uri, const struct aor_parts *aor)
{
	struct user_uri parts;

	return user_uri_split(uri, &parts) && slice_eq_nocase(parts.domain, aor->domain) &&
	       user_part_is(parts.user, aor->user);
}

/* -- the request ------------------------------------------------------------------------------------------- */

static bool set_request_name(X509_REQ *request, struct slice aor)
{
	X509_NAME *subject = X509_REQ_get_subject_name(request);

	/* For people who look at it; the CA takes the name from the account that asks. */
	return aor.len > MAKE_COMMON_NAME_MAX ||
	       X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
					  (const unsigned char *)aor.ptr, (int)aor.len, -1, 0) == 1;
}

enum err csr_make(struct crypto *crypto, const struct key *key, struct slice aor, struct secret **ret_der)
{
	X509_REQ *request = X509_REQ_new_ex(crypto->lib, NULL);
	unsigned char *der = NULL;
	int n = -1;

	if (request && X509_REQ_set_version(request, X509_REQ_VERSION_1) == 1 &&
	    set_request_name(request, aor) && X509_REQ_set_pubkey(request, key->pkey) == 1 &&
	    X509_REQ_sign(request, key->pkey, crypto->md[DIGEST_SHA256]) > 0)
		n = i2d_X509_REQ(request, &der);
	X509_REQ_free(request);
	ERR_clear_error();
	if (n < 0)
		return ERR_NOMEM;
	*ret_der = secret_new(slice_from(der, (size_t)n));
	OPENSSL_free(der);
	return *ret_der ? OK : ERR_NOMEM;
}

static enum err parse_request(struct crypto *crypto, struct slice der, X509_REQ **ret_request)
{
	const unsigned char *at = (const unsigned char *)der.ptr;
	X509_REQ *request;

	if (!der.len)
		return ERR_SYNTAX;
	if (der.len > CSR_DER_MAX)
		return ERR_LIMIT;
	request = X509_REQ_new_ex(crypto->lib, NULL);
	if (!request)
		return ERR_NOMEM;
	/* On failure d2i frees the object that it was given. */
	if (!d2i_X509_REQ(&request, &at, (long)der.len) || (const char *)at != der.ptr + der.len) {
		X509_REQ_free(request);
		ERR_clear_error();
		return ERR_SYNTAX;
	}
	*ret_request = request;
	return OK;
}

/* An Ed25519 key could sign, but nothing could be encrypted to it. */
static bool is_good(X509_REQ *request, struct crypto *crypto)
{
	EVP_PKEY *pkey = X509_REQ_get0_pubkey(request);

	return pkey && key_is_used_kind(pkey) && !EVP_PKEY_is_a(pkey, "ED25519") &&
	       X509_REQ_verify_ex(request, pkey, crypto->lib, NULL) == 1;
}

enum err csr_parse(struct crypto *crypto, struct slice der, struct csr **ret_csr)
{
	AUTO(csr) struct csr *csr = mem_new(struct csr);

	if (!csr)
		return ERR_NOMEM;
	TRY(parse_request(crypto, der, &csr->request));
	if (!is_good(csr->request, crypto)) {
		ERR_clear_error();
		return ERR_DENIED;
	}
	*ret_csr = TAKE(csr);
	return OK;
}

void csr_free(struct csr *csr)
{
	if (!csr)
		return;
	X509_REQ_free(csr->request);
	mem_free(csr);
}

/* -- the certificate --------------------------------------------------------------------------------------- */

static bool add_uris(GENERAL_NAMES *names, const struct aor_parts *aor)
{
	char buf[3 * USER_MAX + 2 + IDENTITY_NAME_MAX];

	for (size_t i = 0; i < N_SCHEMES; i++) {
		struct writer text = writer_of(buf, sizeof(buf));

		put_user(&text, aor->user);
		put_char(&text, '@');
		put(&text, aor->domain);
		if (!make_general_name(names, GEN_URI, schemes[i], writer_text(&text)))
			return false;
	}
	return true;
}

static bool add_user_name(X509 *x509, const struct aor_parts *aor)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	bool ok = names && add_uris(names, aor) && make_extension(x509, NID_subject_alt_name, names, true);

	GENERAL_NAMES_free(names);
	return ok;
}

/*
 * For signing and for what is encrypted to it, by agreement or by transport (RFC 8550 §4.4.2), and to be shown to its own
 * domain by TLS (RFC 5280 §4.2.1.12); for nothing else.
 */
static bool add_user_usage(X509 *x509, EVP_PKEY *pkey)
{
	static const int ec[] = { 0, 4 }, rsa[] = { 0, 2 };
	static const int purposes[] = { NID_email_protect, NID_client_auth };

	return make_key_usage(x509, EVP_PKEY_is_a(pkey, "RSA") ? rsa : ec, 2) &&
	       make_extended_key_usage(x509, purposes, 2);
}

static utc_t end_of(const struct certificate *issuer, utc_t now)
{
	utc_t end = now + (utc_t)USER_CERTIFICATE_DAYS * 86400, last = certificate_not_after(issuer);

	return end < last ? end : last;
}

enum err certificate_make_user(struct crypto *crypto, const struct user_certificate_request *request,
			       struct certificate_issuer issuer, struct certificate **ret_certificate)
{
	EVP_PKEY *pkey = X509_REQ_get0_pubkey(request->csr->request);
	X509 *by = issuer.certificate->x509;
	struct aor_parts aor;
	X509 *x509;
	bool ok;

	if (!split(request->aor, &aor))
		return ERR_SYNTAX;
	x509 = X509_new_ex(crypto->lib, NULL);
	ok = x509 && X509_set_version(x509, X509_VERSION_3) == 1 && make_serial(crypto, x509) &&
	     make_validity(x509, request->now, end_of(issuer.certificate, request->now)) &&
	     X509_set_issuer_name(x509, X509_get_subject_name(by)) == 1 && X509_set_pubkey(x509, pkey) == 1 &&
	     make_basic_constraints(x509, false) && add_user_usage(x509, pkey) &&
	     make_subject_key_id(crypto, x509) && make_authority_key_id(x509, by) &&
	     add_user_name(x509, &aor) && make_signature(crypto, x509, issuer.key);
	return make_finish(x509, ok, ret_certificate);
}

/* -- whose it is ------------------------------------------------------------------------------------------- */

static const struct verdict other_user = {
	.code = "smime.name-mismatch",
	.what = "the certificate is that of {found}, not of {expected}",
	.section = "RFC 8591 §4.4.1",
	.remedy = "do not trust the message to come from {expected}",
};

enum err certificate_is_for_user(const struct certificate *certificate, struct slice aor,
				 struct verdict *ret_verdict)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate->x509, NID_subject_alt_name, NULL, NULL);
	char buf[VERDICT_TEXT_MAX];
	struct writer found = writer_of(buf, sizeof(buf));
	struct aor_parts parts;
	bool is_valid = split(aor, &parts), ok = false;

	for (int i = 0; is_valid && !ok && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		ok = name->type == GEN_URI && is_uri_of(slice_from(ASN1_STRING_get0_data(name->d.ia5),
								   (size_t)ASN1_STRING_length(name->d.ia5)),
							&parts);
	}
	GENERAL_NAMES_free(names);
	ERR_clear_error();
	if (ok)
		return OK;
	put_certificate_names(&found, certificate);
	*ret_verdict = other_user;
	verdict_text_set(&ret_verdict->expected, aor);
	verdict_text_set(&ret_verdict->found, found.len ? writer_text(&found) : SLICE("nobody"));
	return ERR_DENIED;
}

/* What the URIs of a certificate name together. */
struct named {
	struct slice user, domain; /* of the first one */
	bool by_sip, is_ambiguous;
};

static bool is_escaped_user(struct slice user)
{
	struct slice rest = user;
	unsigned char byte;

	while (rest.len > 0)
		if (!(rest.ptr[0] == '%' || is_plain(rest.ptr[0])) || !next_byte(&rest, &byte))
			return false;
	return user.len > 0 && user.len <= 3 * USER_MAX;
}

static void visit_uri(struct named *named, struct slice uri)
{
	struct user_uri parts;

	if (!user_uri_split(uri, &parts))
		return;
	if (!is_escaped_user(parts.user) || !identity_is_name(parts.domain) ||
	    (named->user.len > 0 &&
	     !(slice_eq(parts.user, named->user) && slice_eq_nocase(parts.domain, named->domain))))
		named->is_ambiguous = true;
	named->by_sip = named->by_sip || parts.by_sip;
	named->user = parts.user;
	named->domain = parts.domain;
}

bool put_certificate_user(struct writer *out, const struct certificate *certificate)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate->x509, NID_subject_alt_name, NULL, NULL);
	struct named named = { .by_sip = false };
	bool is_one;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_URI)
			visit_uri(&named, slice_from(ASN1_STRING_get0_data(name->d.ia5),
						     (size_t)ASN1_STRING_length(name->d.ia5)));
	}
	is_one = named.by_sip && !named.is_ambiguous;
	put(out, is_one ? named.user : SLICE(""));
	put(out, is_one ? SLICE("@") : SLICE(""));
	put_lower(out, is_one ? named.domain : SLICE(""));
	GENERAL_NAMES_free(names);
	ERR_clear_error();
	return is_one && !out->overflow;
}
