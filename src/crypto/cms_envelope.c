/* EnvelopedData (RFC 5652 §6) and AuthEnvelopedData (RFC 5083). */
#include <limits.h>

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "crypto/cms.h"
#include "crypto/cms_private.h"
#include "crypto/private.h"

static const struct {
	const char *name, *fetch;
	int nid;
	bool authenticated;
} ciphers[CMS_CIPHERS] = {
	[CMS_AES128_GCM] = { "AES-128-GCM", "AES-128-GCM", NID_aes_128_gcm, true },
	[CMS_AES256_GCM] = { "AES-256-GCM", "AES-256-GCM", NID_aes_256_gcm, true },
	[CMS_AES128_CBC] = { "AES-128-CBC", "AES-128-CBC", NID_aes_128_cbc, false },
	[CMS_AES192_CBC] = { "AES-192-CBC", "AES-192-CBC", NID_aes_192_cbc, false },
	[CMS_AES256_CBC] = { "AES-256-CBC", "AES-256-CBC", NID_aes_256_cbc, false },
};

const char *cms_cipher_name(enum cms_cipher cipher)
{
	return ciphers[cipher].name;
}

bool cms_cipher_is_authenticated(enum cms_cipher cipher)
{
	return ciphers[cipher].authenticated;
}

/* -- closing ----------------------------------------------------------------------------------------------- */

/* RFC 5753 §7.1.4, RFC 8591 §4.2. Unsaid, the library would take SHA-1. */
static bool set_key_agreement(EVP_PKEY_CTX *ctx)
{
	return EVP_PKEY_CTX_set_ecdh_kdf_md(ctx, EVP_sha256()) == 1;
}

/* RFC 8551 §2.3: RSAES-OAEP */
static bool set_key_transport(EVP_PKEY_CTX *ctx)
{
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) == 1;
}

static bool is_ec(X509 *x509)
{
	const EVP_PKEY *pkey = X509_get0_pubkey(x509);

	return pkey && EVP_PKEY_is_a(pkey, "EC");
}

/* keyUsage and strength are checked here, since the library does not look at them when it encrypts. */
bool cms_can_encrypt_to(const struct certificate *certificate)
{
	EVP_PKEY *pkey = X509_get0_pubkey(certificate->x509);
	uint32_t needed = is_ec(certificate->x509) ? KU_KEY_AGREEMENT : KU_KEY_ENCIPHERMENT;

	return pkey && (is_ec(certificate->x509) || EVP_PKEY_is_a(pkey, "RSA")) &&
	       X509_get_key_usage(certificate->x509) & needed && key_is_strong(pkey);
}

static enum err add_recipient(CMS_ContentInfo *cms, X509 *x509)
{
	CMS_RecipientInfo *info = CMS_add1_recipient_cert(cms, x509, CMS_KEY_PARAM);
	EVP_PKEY_CTX *ctx = info ? CMS_RecipientInfo_get0_pkey_ctx(info) : NULL;

	return ctx && (is_ec(x509) ? set_key_agreement(ctx) : set_key_transport(ctx)) ? OK : ERR_NOMEM;
}

static enum err add_recipients(CMS_ContentInfo *cms, const struct cms_envelope *envelope)
{
	for (size_t i = 0; i < envelope->n_recipients; i++) {
		if (!cms_can_encrypt_to(envelope->recipients[i]))
			return ERR_DENIED;
		TRY(add_recipient(cms, envelope->recipients[i]->x509));
	}
	return OK;
}

enum err cms_encrypt(struct crypto *crypto, const struct cms_envelope *envelope, struct slice content,
		     struct secret **ret_der)
{
	CMS_ContentInfo *cms = NULL;
	EVP_CIPHER *cipher;
	enum err err = ERR_NOMEM;

	if (content.len > CMS_DER_MAX || envelope->n_recipients == 0 ||
	    envelope->n_recipients > CMS_RECIPIENTS_MAX)
		return ERR_LIMIT;
	cipher = EVP_CIPHER_fetch(crypto->lib, ciphers[envelope->cipher].fetch, NULL);
	if (cipher)
		cms = CMS_encrypt_ex(NULL, NULL, cipher, CMS_BINARY | CMS_PARTIAL, crypto->lib, NULL);
	if (cms)
		err = add_recipients(cms, envelope);
	if (err == OK)
		err = cms_finish(cms, content, ret_der);
	CMS_ContentInfo_free(cms);
	EVP_CIPHER_free(cipher);
	ERR_clear_error();
	return err;
}

/* -- opening ----------------------------------------------------------------------------------------------- */

static const struct verdict no_envelope = {
	.code = "smime.malformed",
	.what = "what should be encrypted is neither an EnvelopedData nor an AuthEnvelopedData",
	.section = "RFC 8551 §3.3",
};
static const struct verdict for_others = {
	.code = "smime.wrong-key",
	.what = "it was encrypted for a key that is not here",
	.section = "RFC 8591 §7.3",
	.remedy = "send the sender your present certificate",
};
static const struct verdict altered = {
	.code = "smime.altered",
	.what = "it does not decrypt: it was altered on its way, or made for another key",
	.section = "RFC 5083 §2.2",
	.remedy = "ask the sender to send it again",
};
static const struct verdict not_read = {
	.code = "smime.weak",
	.what = "it is encrypted with {found}, which is not read",
	.section = "RFC 8551 §2.7",
	.remedy = "ask the sender for AES-128-GCM",
};

static EVP_CIPHER_CTX *ctx_of(BIO *in)
{
	BIO *filter = BIO_find_type(in, BIO_TYPE_CIPHER);
	EVP_CIPHER_CTX *ctx = NULL;

	return filter && BIO_get_cipher_ctx(filter, &ctx) == 1 ? ctx : NULL;
}

/* CMS_decrypt() would do the same, but not say which cipher it was, nor refuse one. */
static bool find_cipher(BIO *in, enum cms_cipher *ret_cipher, const char **ret_name)
{
	EVP_CIPHER_CTX *ctx = ctx_of(in);

	*ret_name = "an unknown cipher";
	if (!ctx || !EVP_CIPHER_CTX_get0_cipher(ctx))
		return false;
	for (int i = 0; i < CMS_CIPHERS; i++) {
		if (EVP_CIPHER_CTX_get_nid(ctx) == ciphers[i].nid) {
			*ret_cipher = (enum cms_cipher)i;
			return true;
		}
	}
	*ret_name = EVP_CIPHER_get0_name(EVP_CIPHER_CTX_get0_cipher(ctx));
	return false;
}

/*
 * RFC 5084 §3.2: AES-GCM-ICVlen is 12 to 16. The library takes a tag as long as the sender, or whoever has altered the
 * message, says: one octet of it is right once in 256.
 */
static bool has_whole_tag(BIO *in, enum cms_cipher cipher)
{
	enum { TAG_MIN = 12 };

	return !ciphers[cipher].authenticated || EVP_CIPHER_CTX_get_tag_length(ctx_of(in)) >= TAG_MIN;
}

/* Everything, or nothing where the last block or the tag is wrong. */
static enum err read_all(BIO *in, size_t most, struct secret **ret_content)
{
	BIO *out = BIO_new(BIO_s_mem());
	unsigned char piece[4096];
	enum err err = out ? OK : ERR_NOMEM;
	size_t total = 0;
	char *bytes;
	int n;

	while (err == OK && (n = BIO_read(in, piece, sizeof(piece))) > 0) {
		total += (size_t)n;
		err = total > most ? ERR_LIMIT : BIO_write(out, piece, n) == n ? OK : ERR_NOMEM;
	}
	if (err == OK && BIO_get_cipher_status(in) != 1)
		err = ERR_DENIED;
	if (err == OK) {
		*ret_content = secret_new(
			slice_from(total ? (BIO_get_mem_data(out, &bytes), bytes) : "", total));
		err = *ret_content ? OK : ERR_NOMEM;
	}
	OPENSSL_cleanse(piece, sizeof(piece));
	BIO_free(out);
	return err;
}

static enum err open_content(CMS_ContentInfo *cms, struct cms_opened *opened, struct verdict *ret_verdict)
{
	BIO *in = CMS_dataInit(cms, NULL);
	const char *name = "an unknown cipher";
	enum err err;

	if (!in)
		return cms_refuse(ERR_DENIED, ret_verdict, &altered);
	if (find_cipher(in, &opened->cipher, &name)) {
		err = has_whole_tag(in, opened->cipher) ? read_all(in, CMS_DER_MAX, &opened->content)
							: ERR_DENIED;
		if (err == ERR_DENIED)
			cms_refuse(err, ret_verdict, &altered);
	} else {
		err = cms_refuse(ERR_DENIED, ret_verdict, &not_read);
		verdict_text_set(&ret_verdict->found, slice_of(name));
	}
	BIO_free_all(in);
	return err;
}

/* Whether one of the recipients is this certificate (by issuer and serial number, or by its key identifier). */
static bool is_for(CMS_ContentInfo *cms, X509 *x509)
{
	STACK_OF(CMS_RecipientInfo) *infos = CMS_get0_RecipientInfos(cms);

	for (int i = 0; i < sk_CMS_RecipientInfo_num(infos); i++) {
		CMS_RecipientInfo *info = sk_CMS_RecipientInfo_value(infos, i);

		if (CMS_RecipientInfo_type(info) == CMS_RECIPINFO_TRANS) {
			if (CMS_RecipientInfo_ktri_cert_cmp(info, x509) == 0)
				return true;
		} else if (CMS_RecipientInfo_type(info) == CMS_RECIPINFO_AGREE) {
			STACK_OF(CMS_RecipientEncryptedKey) *keys = CMS_RecipientInfo_kari_get0_reks(info);

			for (int j = 0; j < sk_CMS_RecipientEncryptedKey_num(keys); j++)
				if (CMS_RecipientEncryptedKey_cert_cmp(
					    sk_CMS_RecipientEncryptedKey_value(keys, j), x509) == 0)
					return true;
		}
	}
	return false;
}

static enum err decrypt(CMS_ContentInfo *cms, const struct cms_recipient *recipient,
			struct cms_opened *opened, struct verdict *ret_verdict)
{
	X509 *x509 = recipient->certificate->x509;
	int type = OBJ_obj2nid(CMS_get0_type(cms));
	enum err err;

	if (type != NID_pkcs7_enveloped && type != NID_id_smime_ct_authEnvelopedData)
		return cms_refuse(ERR_SYNTAX, ret_verdict, &no_envelope);
	if (!is_for(cms, x509))
		return cms_refuse(ERR_NOT_FOUND, ret_verdict, &for_others);
	if (CMS_decrypt_set1_pkey(cms, recipient->key->pkey, x509) != 1)
		err = cms_refuse(ERR_DENIED, ret_verdict, &altered);
	else
		err = open_content(cms, opened, ret_verdict);
	ERR_clear_error();
	return err;
}

enum err cms_decrypt(struct crypto *crypto, struct slice der, const struct cms_recipient *recipient,
		     struct cms_opened *ret_opened, struct verdict *ret_verdict)
{
	struct cms_opened opened = { 0 };
	CMS_ContentInfo *cms;
	enum err err = cms_parse(crypto, der, &cms);

	if (err != OK)
		return err == ERR_NOMEM ? err : cms_refuse(err, ret_verdict, &no_envelope);
	err = decrypt(cms, recipient, &opened, ret_verdict);
	CMS_ContentInfo_free(cms);
	if (err == OK)
		*ret_opened = opened;
	else
		secret_free(opened.content);
	return err;
}
