/*
 * A key that is somewhere else, as an EVP_PKEY: a provider of two operations, built in, for one library context. Its
 * keys are the public halves, which the default provider goes on to handle, and a way to ask for signatures.
 * OpenSSL takes such a key for signing wherever it would take a whole one (provider-keymgmt(7),
 * provider-signature(7)).
 */
#include <string.h>

#include <openssl/async.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/ascii.h"
#include "base/mem.h"
#include "crypto/private.h"

#define PROVIDER       "sealine"
#define IS_OURS        "provider=" PROVIDER
#define SIGNATURE_NAME "SEALINE-REMOTE"
#define PARAM_REMOTE   "sealine-remote" /* the address of a struct remote, as octets */

/* Bytes, of an RSA key with 4096 bits: longer ones take a tenth of a second. */
enum { FAST_SIGNATURE_MAX = 512 };

/* What OpenSSL calls the key data. Lives as long as the EVP_PKEY. */
struct remote {
	struct crypto *crypto;
	EVP_PKEY *public_key; /* in the default provider */
	const struct key_signer *signer;
	unsigned char id[KEY_ID_SIZE];
};

/* One signature in the making. */
struct signing {
	const struct remote *remote;
	enum key_hash hash;
	bool pss;
};

/* ---- keys (OSSL_OP_KEYMGMT) ---- */

static void *keymgmt_new(void *provider)
{
	(void)provider;
	return mem_new(struct remote);
}

static void keymgmt_free(void *key)
{
	struct remote *remote = key;

	if (!remote)
		return;
	EVP_PKEY_free(remote->public_key);
	mem_free(remote);
}

/* It can do whatever is asked of a whole key, but give it away. */
static int keymgmt_has(const void *key, int selection)
{
	const struct remote *remote = key;

	(void)selection;
	return remote->public_key != NULL;
}

static int keymgmt_match(const void *a, const void *b, int selection)
{
	const struct remote *first = a, *second = b;

	(void)selection;
	return EVP_PKEY_eq(first->public_key, second->public_key) == 1;
}

static int keymgmt_import(void *key, int selection, const OSSL_PARAM params[])
{
	const OSSL_PARAM *param = OSSL_PARAM_locate_const(params, PARAM_REMOTE);
	struct remote *remote = key;
	const struct remote *given;

	(void)selection;
	if (!param || param->data_size != sizeof(given))
		return 0;
	memcpy(&given, param->data, sizeof(given));
	*remote = *given;
	return EVP_PKEY_up_ref(remote->public_key);
}

static const OSSL_PARAM *keymgmt_import_types(int selection)
{
	static const OSSL_PARAM types[] = { OSSL_PARAM_octet_string(PARAM_REMOTE, NULL, 0), OSSL_PARAM_END };

	(void)selection;
	return types;
}

/* Only the public half; that the private one is refused is what makes OpenSSL sign through us. */
static int keymgmt_export(void *key, int selection, OSSL_CALLBACK *callback, void *arg)
{
	const struct remote *remote = key;
	OSSL_PARAM *params = NULL;
	int ok;

	if (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY ||
	    EVP_PKEY_todata(remote->public_key, EVP_PKEY_PUBLIC_KEY, &params) != 1)
		return 0;
	ok = callback(params, arg);
	OSSL_PARAM_free(params);
	return ok;
}

static const OSSL_PARAM *keymgmt_export_types(int selection)
{
	static const OSSL_PARAM types[] = { OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
					    OSSL_PARAM_END };

	(void)selection;
	return types;
}

static int keymgmt_get_params(void *key, OSSL_PARAM params[])
{
	const struct remote *remote = key;

	return EVP_PKEY_get_params(remote->public_key, params);
}

static const OSSL_PARAM *keymgmt_gettable_params(void *provider)
{
	static const OSSL_PARAM types[] = { OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
					    OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
					    OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
					    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
					    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
					    OSSL_PARAM_END };

	(void)provider;
	return types;
}

static const char *keymgmt_operation_name(int operation)
{
	(void)operation;
	return SIGNATURE_NAME;
}

/* OpenSSL's tables hold functions of all types as one. */
#define FUNCTION(id, function)                 \
	{                                      \
		id, (void (*)(void))(function) \
	}

static const OSSL_DISPATCH keymgmt[] = {
	FUNCTION(OSSL_FUNC_KEYMGMT_NEW, keymgmt_new),
	FUNCTION(OSSL_FUNC_KEYMGMT_FREE, keymgmt_free),
	FUNCTION(OSSL_FUNC_KEYMGMT_HAS, keymgmt_has),
	FUNCTION(OSSL_FUNC_KEYMGMT_MATCH, keymgmt_match),
	FUNCTION(OSSL_FUNC_KEYMGMT_IMPORT, keymgmt_import),
	FUNCTION(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, keymgmt_import_types),
	FUNCTION(OSSL_FUNC_KEYMGMT_EXPORT, keymgmt_export),
	FUNCTION(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, keymgmt_export_types),
	FUNCTION(OSSL_FUNC_KEYMGMT_GET_PARAMS, keymgmt_get_params),
	FUNCTION(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, keymgmt_gettable_params),
	FUNCTION(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, keymgmt_operation_name),
	{ 0, NULL },
};

/* ---- signatures (OSSL_OP_SIGNATURE) ---- */

static void *signature_newctx(void *provider, const char *properties)
{
	(void)provider;
	(void)properties;
	return mem_new(struct signing);
}

static void signature_freectx(void *ctx)
{
	mem_free(ctx);
}

static void *signature_dupctx(void *ctx)
{
	struct signing *copy = mem_new(struct signing);

	if (copy)
		*copy = *(struct signing *)ctx;
	return copy;
}

/* "SHA256", "SHA2-256" */
static bool hash_of(const char *name, enum key_hash *ret_hash)
{
	static const char *const names[][2] = {
		[KEY_SHA256] = { "SHA256", "SHA2-256" },
		[KEY_SHA384] = { "SHA384", "SHA2-384" },
		[KEY_SHA512] = { "SHA512", "SHA2-512" },
	};

	for (int i = KEY_SHA256; i <= KEY_SHA512; i++)
		for (int j = 0; j < 2; j++)
			if (slice_eq_nocase(slice_of(name), slice_of(names[i][j]))) {
				*ret_hash = (enum key_hash)i;
				return true;
			}
	return false;
}

/* RSA_PSS_SALTLEN_DIGEST and MGF1 with the same hash are what TLS asks for (RFC 8446 §4.2.3), and the only ones made. */
static int signature_set_params(void *ctx, const OSSL_PARAM params[])
{
	const OSSL_PARAM *mode = params ? OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE)
					: NULL;
	struct signing *signing = ctx;
	int number = 0;

	if (!mode)
		return 1;
	if (mode->data_type == OSSL_PARAM_UTF8_STRING)
		signing->pss = slice_eq(slice_of(mode->data), SLICE(OSSL_PKEY_RSA_PAD_MODE_PSS));
	else if (OSSL_PARAM_get_int(mode, &number) == 1)
		signing->pss = number == RSA_PKCS1_PSS_PADDING;
	else
		return 0;
	return 1;
}

static const OSSL_PARAM *signature_settable_params(void *ctx, void *provider)
{
	static const OSSL_PARAM types[] = { OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
					    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
					    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),
					    OSSL_PARAM_END };

	(void)ctx;
	(void)provider;
	return types;
}

static int signature_init(void *ctx, const char *hash, void *key, const OSSL_PARAM params[])
{
	struct signing *signing = ctx;

	if (key)
		signing->remote = key;
	if (!signing->remote)
		return 0;
	signing->pss = false;
	if (EVP_PKEY_is_a(signing->remote->public_key, "ED25519"))
		signing->hash = KEY_HASH_NONE;
	else if (!hash || !*hash)
		signing->hash = KEY_SHA256;
	else if (!hash_of(hash, &signing->hash))
		return 0;
	return signature_set_params(ctx, params);
}

/* A wish of a job that is paused; on its stack. */
struct waiting {
	struct link link; /* in the crypto's */
	const struct remote *remote;
	struct key_wish wish;
};

/* The list is left by whoever has it signed, or here by who gives it up. */
static void pause_for(struct waiting *waiting)
{
	struct list *list = &waiting->remote->crypto->waiting;

	list_append(list, &waiting->link);
	ASYNC_pause_job();
	list_remove(list, &waiting->link);
}

/* Whoever signs has a deadline, which long RSA keys together could miss. */
static size_t most_together(const struct remote *remote)
{
	return EVP_PKEY_get_size(remote->public_key) > FAST_SIGNATURE_MAX ? 1 : KEY_WISHES_MAX;
}

static struct waiting *first_waiting(const struct crypto *crypto)
{
	struct link *link = list_first(&crypto->waiting);

	return link ? CONTAINER_OF(link, struct waiting, link) : NULL;
}

void key_sign_waiting(struct crypto *crypto)
{
	struct waiting *first;

	while ((first = first_waiting(crypto))) {
		const struct key_signer *signer = first->remote->signer;
		size_t n = 0, most = most_together(first->remote);
		struct key_wish *wishes[KEY_WISHES_MAX];

		LIST_EACH (waiting, &crypto->waiting, struct waiting, link)
			if (n < most && waiting->remote->signer == signer &&
			    most_together(waiting->remote) == most) {
				list_remove(&crypto->waiting, &waiting->link);
				wishes[n++] = &waiting->wish;
			}
		signer->sign(signer->self, wishes, n);
	}
}

/* The whole text at once: who signs must see what it is. */
static int signature_sign(void *ctx, unsigned char *signature, size_t *len, size_t room,
			  const unsigned char *text, size_t text_len)
{
	const struct signing *signing = ctx;
	const struct remote *remote = signing->remote;
	struct waiting waiting;
	struct key_wish *wish = &waiting.wish;

	if (!signature) {
		*len = (size_t)EVP_PKEY_get_size(remote->public_key);
		return 1;
	}
	waiting.link = (struct link){ 0 };
	waiting.remote = remote;
	wish->order = (struct key_order){ .hash = signing->hash,
					  .pss = signing->pss,
					  .text = slice_from(text, text_len) };
	memcpy(wish->order.key, remote->id, KEY_ID_SIZE);
	wish->len = 0;
	if (ASYNC_get_current_job())
		pause_for(&waiting);
	else
		remote->signer->sign(remote->signer->self, &wish, 1);
	if (wish->len == 0 || wish->len > room)
		return 0;
	memcpy(signature, wish->signature, wish->len);
	*len = wish->len;
	return 1;
}

static const OSSL_DISPATCH signature[] = {
	FUNCTION(OSSL_FUNC_SIGNATURE_NEWCTX, signature_newctx),
	FUNCTION(OSSL_FUNC_SIGNATURE_FREECTX, signature_freectx),
	FUNCTION(OSSL_FUNC_SIGNATURE_DUPCTX, signature_dupctx),
	FUNCTION(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, signature_init),
	FUNCTION(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, signature_sign),
	FUNCTION(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, signature_set_params),
	FUNCTION(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, signature_settable_params),
	{ 0, NULL },
};

/* ---- the provider ---- */

static const OSSL_ALGORITHM *provider_query(void *provider, int operation, int *no_cache)
{
	static const OSSL_ALGORITHM kinds[] = {
		{ "EC:id-ecPublicKey:1.2.840.10045.2.1", IS_OURS, keymgmt, NULL },
		{ "RSA:rsaEncryption:1.2.840.113549.1.1.1", IS_OURS, keymgmt, NULL },
		{ "ED25519:1.3.101.112", IS_OURS, keymgmt, NULL },
		{ NULL, NULL, NULL, NULL },
	};
	static const OSSL_ALGORITHM signatures[] = {
		{ SIGNATURE_NAME, IS_OURS, signature, NULL },
		{ NULL, NULL, NULL, NULL },
	};

	(void)provider;
	*no_cache = 0;
	return operation == OSSL_OP_KEYMGMT ? kinds : operation == OSSL_OP_SIGNATURE ? signatures : NULL;
}

static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
			 void **provider)
{
	static const OSSL_DISPATCH functions[] = {
		FUNCTION(OSSL_FUNC_PROVIDER_QUERY_OPERATION, provider_query),
		{ 0, NULL },
	};

	(void)in;
	*out = functions;
	*provider = (void *)handle; /* not used, but has to be something */
	return 1;
}

/* The default one first: once a provider is loaded by name, it does not come by itself any more. */
static bool load_provider(struct crypto *crypto)
{
	if (crypto->remote)
		return true;
	if (!crypto->standard)
		crypto->standard = OSSL_PROVIDER_load(crypto->lib, "default");
	if (!crypto->standard || OSSL_PROVIDER_add_builtin(crypto->lib, PROVIDER, provider_init) != 1)
		return false;
	crypto->remote = OSSL_PROVIDER_load(crypto->lib, PROVIDER);
	return crypto->remote && EVP_set_default_properties(crypto->lib, "?provider=default") == 1;
}

static EVP_PKEY *make(struct crypto *crypto, const struct remote *remote)
{
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(PARAM_REMOTE, &remote, sizeof(remote)),
		OSSL_PARAM_construct_end(),
	};
	const char *kind = EVP_PKEY_get0_type_name(remote->public_key);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(crypto->lib, kind, IS_OURS);
	EVP_PKEY *pkey = NULL;

	if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, (OSSL_PARAM *)params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

enum err key_remote(struct crypto *crypto, const struct certificate *certificate,
		    const struct key_signer *signer, struct key **ret_key)
{
	struct remote remote = { .crypto = crypto,
				 .public_key = X509_get0_pubkey(certificate->x509),
				 .signer = signer };
	struct key *key;

	if (!remote.public_key || !key_is_used_kind(remote.public_key))
		return ERR_DENIED;
	if (!key_public_id(remote.public_key, remote.id) || !load_provider(crypto))
		return ERR_NOMEM;
	key = mem_new(struct key);
	if (!key)
		return ERR_NOMEM;
	key->pkey = make(crypto, &remote);
	ERR_clear_error();
	if (!key->pkey) {
		mem_free(key);
		return ERR_NOMEM;
	}
	*ret_key = key;
	return OK;
}
