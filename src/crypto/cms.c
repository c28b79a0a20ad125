/* SignedData (RFC 5652 §5). What both files share is at the top; cms_envelope.c has the envelopes. */
#include "crypto/cms.h"

#include <limits.h>
#include <string.h>

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "crypto/cms_private.h"
#include "crypto/private.h"

#define ED25519_FROM 0x30200000L /* OpenSSL 3.2 */

/* -- structures and texts ---------------------------------------------------------------------------------- */

enum err cms_parse(struct crypto *crypto, struct slice der, CMS_ContentInfo **ret_cms)
{
	const unsigned char *at = (const unsigned char *)der.ptr;
	CMS_ContentInfo *cms;

	if (!der.len)
		return ERR_SYNTAX;
	if (der.len > CMS_DER_MAX)
		return ERR_LIMIT;
	cms = CMS_ContentInfo_new_ex(crypto->lib, NULL);
	if (!cms)
		return ERR_NOMEM;
	/* On failure d2i frees the object that it was given. */
	if (!d2i_CMS_ContentInfo(&cms, &at, (long)der.len) || (const char *)at != der.ptr + der.len) {
		CMS_ContentInfo_free(cms);
		ERR_clear_error();
		return ERR_SYNTAX;
	}
	*ret_cms = cms;
	return OK;
}

static enum err write_der(CMS_ContentInfo *cms, struct secret **ret_der)
{
	unsigned char *der = NULL;
	int n = i2d_CMS_ContentInfo(cms, &der);

	ERR_clear_error();
	if (n < 0)
		return ERR_NOMEM;
	*ret_der = secret_new(slice_from(der, (size_t)n));
	OPENSSL_free(der);
	return *ret_der ? OK : ERR_NOMEM;
}

enum err cms_finish(CMS_ContentInfo *cms, struct slice content, struct secret **ret_der)
{
	BIO *in = BIO_new_mem_buf(content.len ? content.ptr : "", (int)content.len);
	bool ok = in && CMS_final(cms, in, NULL, CMS_BINARY) == 1;

	BIO_free(in);
	ERR_clear_error();
	return ok ? write_der(cms, ret_der) : ERR_NOMEM;
}

enum err cms_refuse(enum err err, struct verdict *verdict, const struct verdict *why)
{
	*verdict = *why;
	return err;
}

/* -- making a signature ------------------------------------------------------------------------------------ */

/* Said by us, since the library would look at its own clock. */
static bool set_signing_time(CMS_SignerInfo *info, utc_t now)
{
	ASN1_TIME *time = ASN1_TIME_set(NULL, now); /* UTCTime until 2049, as RFC 5652 §11.3 has it */
	bool ok = time && CMS_signed_add1_attr_by_NID(info, NID_pkcs9_signingTime, time->type, time, -1) == 1;

	ASN1_TIME_free(time);
	return ok;
}

/* One that is there already, like the signer's own, is no fault; the library says so of it. */
static bool add_certificate(CMS_ContentInfo *cms, X509 *x509)
{
	bool is_there = CMS_add1_cert(cms, x509) == 1 ||
			ERR_GET_REASON(ERR_peek_last_error()) == CMS_R_CERTIFICATE_ALREADY_PRESENT;

	ERR_clear_error();
	return is_there;
}

static bool add_chain(CMS_ContentInfo *cms, const struct chain *chain)
{
	for (size_t i = 0; chain && i < chain->n; i++)
		if (!add_certificate(cms, chain->at[i].x509))
			return false;
	return true;
}

static enum err sign_into(CMS_ContentInfo *cms, struct crypto *crypto, const struct cms_signer *signer)
{
	/* The ciphers that the library would say we like are of another age: none are said. */
	unsigned flags = CMS_BINARY | CMS_NOSMIMECAP | (signer->omit_certificate ? CMS_NOCERTS : 0);
	CMS_SignerInfo *info = CMS_add1_signer(cms, signer->certificate->x509, signer->key->pkey,
					       crypto->md[DIGEST_SHA256], flags);

	if (!info) {
		ERR_clear_error();
		return ERR_DENIED;
	}
	return set_signing_time(info, signer->now) && add_chain(cms, signer->chain) ? OK : ERR_NOMEM;
}

bool cms_can_sign(const struct certificate *certificate)
{
	return !EVP_PKEY_is_a(X509_get0_pubkey(certificate->x509), "ED25519") ||
	       OpenSSL_version_num() >= ED25519_FROM;
}

enum err cms_sign(struct crypto *crypto, const struct cms_signer *signer, struct slice content,
		  struct secret **ret_der)
{
	unsigned flags = CMS_BINARY | CMS_PARTIAL | (signer->detached ? CMS_DETACHED : 0);
	CMS_ContentInfo *cms;
	enum err err;

	if (content.len > CMS_DER_MAX)
		return ERR_LIMIT;
	if (!certificate_has_key(signer->certificate, signer->key))
		return ERR_DENIED;
	cms = CMS_sign_ex(NULL, NULL, NULL, NULL, flags, crypto->lib, NULL);
	if (!cms)
		return ERR_NOMEM;
	err = sign_into(cms, crypto, signer);
	if (err == OK)
		err = cms_finish(cms, content, ret_der);
	CMS_ContentInfo_free(cms);
	return err;
}

enum err cms_certificates(struct crypto *crypto, const struct certificate *const certificates[], size_t n,
			  struct secret **ret_der)
{
	CMS_ContentInfo *cms = CMS_sign_ex(NULL, NULL, NULL, NULL, CMS_BINARY | CMS_PARTIAL, crypto->lib,
					   NULL);
	bool ok = cms && CMS_set_detached(cms, 1) == 1; /* there is no content at all */
	enum err err = ERR_NOMEM;

	for (size_t i = 0; ok && i < n; i++)
		ok = add_certificate(cms, certificates[i]->x509);
	if (ok)
		err = write_der(cms, ret_der);
	CMS_ContentInfo_free(cms);
	ERR_clear_error();
	return err;
}

/* -- checking one ------------------------------------------------------------------------------------------ */

static const struct verdict no_signature = {
	.code = "smime.malformed",
	.what = "the signature is not a SignedData with exactly one signer",
	.section = "RFC 5652 §5.1",
};
static const struct verdict altered = {
	.code = "smime.altered",
	.what = "the signature does not fit: the message was altered on its way",
	.section = "RFC 5652 §5.6",
	.remedy = "do not trust it; ask the sender by another way",
};
static const struct verdict no_certificate = {
	.code = "smime.no-certificate",
	.what = "the certificate that the message was signed with did not come with it and is not known",
	.section = "RFC 8591 §7.1",
	.remedy = "fetch the sender's certificate",
};
static const struct verdict not_for_signing = {
	.code = "smime.key-usage",
	.what = "the certificate that it was signed with, {found}, is not for signing",
	.section = "RFC 8550 §4.4.2",
	.remedy = "ask the sender for a signature with a certificate that allows it",
};
static const struct verdict weak = {
	.code = "smime.weak",
	.what = "the signature uses {found}, which proves nothing any more",
	.section = "RFC 8551 §2.2",
	.remedy = "ask the sender for a signature with SHA-256 and ECDSA on P-256 or RSA from 2048 bits",
};

static const struct {
	int nid;
	const char *ecdsa, *rsa, *pss;
} hashes[] = {
	{ NID_sha256, "ECDSA with SHA-256", "RSA with SHA-256", "RSA-PSS with SHA-256" },
	{ NID_sha384, "ECDSA with SHA-384", "RSA with SHA-384", "RSA-PSS with SHA-384" },
	{ NID_sha512, "ECDSA with SHA-512", "RSA with SHA-512", "RSA-PSS with SHA-512" },
};

/* RFC 4056: the padding is named by the signature's algorithm, whatever the key's is. */
static bool is_pss(const X509_ALGOR *signature)
{
	const ASN1_OBJECT *id;

	X509_ALGOR_get0(&id, NULL, NULL, signature);
	return OBJ_obj2nid(id) == NID_rsassaPss;
}

static const char *rsa_name(size_t hash, const X509_ALGOR *signature)
{
	return is_pss(signature) ? hashes[hash].pss : hashes[hash].rsa;
}

/* The algorithm's name if it is one that is believed, else NULL. */
static const char *algorithm_of(CMS_SignerInfo *info)
{
	X509_ALGOR *digest, *signature;
	const ASN1_OBJECT *id;
	EVP_PKEY *pkey;
	X509 *x509;

	CMS_SignerInfo_get0_algs(info, &pkey, &x509, &digest, &signature);
	X509_ALGOR_get0(&id, NULL, NULL, digest);
	if (!key_is_strong(pkey))
		return NULL;
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		if (OBJ_obj2nid(id) != hashes[i].nid)
			continue;
		if (EVP_PKEY_is_a(pkey, "EC"))
			return hashes[i].ecdsa;
		if (EVP_PKEY_is_a(pkey, "RSA") || EVP_PKEY_is_a(pkey, "RSA-PSS"))
			return rsa_name(i, signature);
		if (EVP_PKEY_is_a(pkey, "ED25519"))
			return "Ed25519";
	}
	return NULL;
}

static utc_t signing_time_of(const CMS_SignerInfo *info)
{
	int at = CMS_signed_get_attr_by_NID(info, NID_pkcs9_signingTime, -1);
	X509_ATTRIBUTE *attribute = at < 0 ? NULL : CMS_signed_get_attr(info, at);
	const ASN1_TYPE *value = attribute ? X509_ATTRIBUTE_get0_type(attribute, 0) : NULL;
	struct tm tm;

	if (!value || (value->type != V_ASN1_UTCTIME && value->type != V_ASN1_GENERALIZEDTIME) ||
	    ASN1_TIME_to_tm(value->value.asn1_string, &tm) != 1)
		return 0;
	return (utc_t)timegm(&tm);
}

/* Looks for the signer's certificate among those that came along and those that are known; NULL if it is neither. */
static enum err find_signer(CMS_ContentInfo *cms, const struct cms_question *question, CMS_SignerInfo *info,
			    X509 **ret_signer)
{
	STACK_OF(X509) *known = sk_X509_new_null();
	bool ok = known != NULL;

	for (size_t i = 0; ok && i < question->n_known; i++)
		ok = sk_X509_push(known, question->known[i]->x509) > 0;
	ok = ok && CMS_set1_signers_certs(cms, known, 0) >= 0;
	sk_X509_free(known);
	if (ok)
		CMS_SignerInfo_get0_algs(info, NULL, ret_signer, NULL, NULL);
	return ok ? OK : ERR_NOMEM;
}

static enum err refuse_weak(CMS_SignerInfo *info, struct verdict *ret_verdict)
{
	char buf[100];
	struct writer found = writer_of(buf, sizeof(buf));
	X509_ALGOR *digest;
	const ASN1_OBJECT *id;
	EVP_PKEY *pkey;

	CMS_SignerInfo_get0_algs(info, &pkey, NULL, &digest, NULL);
	X509_ALGOR_get0(&id, NULL, NULL, digest);
	put(&found, slice_of(OBJ_nid2ln(OBJ_obj2nid(id))));
	put(&found, SLICE(" with a key of "));
	put_number(&found, (uint64_t)EVP_PKEY_get_bits(pkey));
	put(&found, SLICE(" bits"));
	cms_refuse(ERR_DENIED, ret_verdict, &weak);
	verdict_text_set(&ret_verdict->found, writer_text(&found));
	return ERR_DENIED;
}

/*
 * A text to read. Not as memory alone: of such a one CMS_verify() makes a copy, which OpenSSL 3.0 loses where the digest is
 * unknown, so that whoever sends bad signatures would eat up our memory.
 */
static BIO *text_of(struct slice text)
{
	BIO *memory = BIO_new_mem_buf(text.ptr, (int)text.len);
	BIO *filter = memory ? BIO_new(BIO_f_null()) : NULL;

	if (filter)
		return BIO_push(filter, memory);
	BIO_free(memory);
	return NULL;
}

static enum err check_signature(CMS_ContentInfo *cms, struct slice detached, struct secret **ret_content)
{
	/* The certificate is judged by whoever asked, so the library shall not. */
	unsigned flags = CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY;
	BIO *in = detached.ptr ? text_of(detached) : NULL;
	BIO *out = BIO_new(BIO_s_mem());
	enum err err = out && (in || !detached.ptr) ? ERR_DENIED : ERR_NOMEM;
	char *bytes;

	if (err != ERR_NOMEM && CMS_verify(cms, NULL, NULL, in, out, flags) == 1) {
		long n = BIO_get_mem_data(out, &bytes);

		*ret_content = detached.ptr ? NULL : secret_new(slice_from(bytes, (size_t)n));
		err = detached.ptr || *ret_content ? OK : ERR_NOMEM;
	}
	BIO_free_all(in);
	BIO_free(out);
	ERR_clear_error();
	return err;
}

static enum err take_others(CMS_ContentInfo *cms, struct chain **ret_others)
{
	struct chain *others = mem_new(struct chain);
	STACK_OF(X509) *came = CMS_get1_certs(cms);
	enum err err = others ? OK : ERR_NOMEM;

	for (int i = 0; err == OK && i < sk_X509_num(came) && i < CMS_OTHERS_MAX; i++)
		if (X509_up_ref(sk_X509_value(came, i)) == 1)
			err = chain_add(others, sk_X509_value(came, i));
	sk_X509_pop_free(came, X509_free);
	*ret_others = others;
	return err;
}

/* RFC 8550 §4.4.2; a certificate that says nothing of it may sign. */
static enum err check_usage(X509 *x509, struct verdict *ret_verdict)
{
	char buf[VERDICT_TEXT_MAX];
	struct writer found = writer_of(buf, sizeof(buf));

	if (X509_get_key_usage(x509) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION))
		return OK;
	put_certificate_subject(&found, &(struct certificate){ x509 });
	cms_refuse(ERR_DENIED, ret_verdict, &not_for_signing);
	verdict_text_set(&ret_verdict->found, writer_text(&found));
	return ERR_DENIED;
}

static enum err verify(CMS_ContentInfo *cms, const struct cms_question *question, struct cms_signed *what,
		       struct verdict *ret_verdict)
{
	STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);
	CMS_SignerInfo *info = sk_CMS_SignerInfo_num(infos) == 1 ? sk_CMS_SignerInfo_value(infos, 0) : NULL;
	bool is_outside = question->detached.ptr != NULL;
	X509 *x509 = NULL;
	enum err err;

	/* Whoever says where the content is has to be right: a second one inside would be shown to nobody. */
	if (!info || (CMS_is_detached(cms) == 1) != is_outside)
		return cms_refuse(ERR_SYNTAX, ret_verdict, &no_signature);
	TRY(find_signer(cms, question, info, &x509));
	if (!x509)
		return cms_refuse(ERR_DENIED, ret_verdict, &no_certificate);
	what->algorithm = algorithm_of(info);
	if (!what->algorithm)
		return refuse_weak(info, ret_verdict);
	TRY(check_usage(x509, ret_verdict));
	err = check_signature(cms, question->detached, &what->content);
	if (err != OK)
		return err == ERR_DENIED ? cms_refuse(err, ret_verdict, &altered) : err;
	what->signing_time = signing_time_of(info);
	if (X509_up_ref(x509) != 1)
		return ERR_NOMEM;
	what->signer = certificate_from(x509);
	return what->signer ? take_others(cms, &what->others) : ERR_NOMEM;
}

enum err cms_certificates_parse(struct crypto *crypto, struct slice der, struct chain **ret_chain)
{
	AUTO(chain) struct chain *came = NULL;
	CMS_ContentInfo *cms;
	enum err err = cms_parse(crypto, der, &cms);

	if (err != OK)
		return err;
	err = OBJ_obj2nid(CMS_get0_type(cms)) == NID_pkcs7_signed ? take_others(cms, &came) : ERR_SYNTAX;
	CMS_ContentInfo_free(cms);
	if (err == OK && chain_length(came) == 0)
		err = ERR_SYNTAX;
	if (err == OK)
		*ret_chain = TAKE(came);
	return err;
}

void cms_signed_fini(struct cms_signed *what)
{
	certificate_free(what->signer);
	chain_free(what->others);
	secret_free(what->content);
	*what = (struct cms_signed){ 0 };
}

enum err cms_verify(struct crypto *crypto, const struct cms_question *question, struct cms_signed *ret_signed,
		    struct verdict *ret_verdict)
{
	struct cms_signed what = { 0 };
	CMS_ContentInfo *cms;
	enum err err = question->detached.len > CMS_DER_MAX ? ERR_LIMIT
							    : cms_parse(crypto, question->der, &cms);

	if (err != OK)
		return err == ERR_NOMEM ? err : cms_refuse(err, ret_verdict, &no_signature);
	if (OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed)
		err = cms_refuse(ERR_SYNTAX, ret_verdict, &no_signature);
	else
		err = verify(cms, question, &what, ret_verdict);
	CMS_ContentInfo_free(cms);
	if (err != OK) {
		cms_signed_fini(&what);
		return err;
	}
	*ret_signed = what;
	return OK;
}
