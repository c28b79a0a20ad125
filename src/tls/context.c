#include "tls/context.h"

#include <assert.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "crypto/identity.h"
#include "crypto/openssl.h"
#include "tls/private.h"

/* ThreadSanitizer ends a process that goes on with a stack which it has not seen made. */
#if defined(__SANITIZE_THREAD__)
#define HAS_JOBS false
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HAS_JOBS false
#endif
#endif
#ifndef HAS_JOBS
#define HAS_JOBS true
#endif

#define SECURITY_LEVEL 2 /* 112 bits: RSA from 2048, no SHA-1 */
#define CHAIN_DEPTH    8

/*
 * All are good (RFC 8446 §9.1 demands the first). The library would begin with AES-256 and SHA-384, whose key schedule is a
 * tenth of the CPU of a handshake, since processors have instructions for SHA-256 only.
 */
static const char tls13_ciphers[] =
	"TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384";

static const char tls12_ciphers[] =
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"
	"ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";

/* OpenSSL knows the first since 3.5, and the star: a key share for it goes out with the ClientHello. */
static const char groups_with_pq[] = "*X25519MLKEM768:*X25519:P-256";
static const char groups[] = "X25519:P-256";

/* The library's list of groups, its part of the hybrid one in front if it has that. */
static bool set_groups(SSL_CTX *ctx, const struct tls_policy *policy)
{
	char text[TLS_POLICY_TEXT_MAX + 40];
	struct writer out = writer_of(text, sizeof text - 1);
	bool is_usual = !policy->groups[0];

	put(&out, SLICE("*X25519MLKEM768:*"));
	put(&out, slice_of(policy->groups));
	text[out.len] = '\0';
	if ((is_usual || policy->has_hybrid) &&
	    SSL_CTX_set1_groups_list(ctx, is_usual ? groups_with_pq : text) == 1)
		return true;
	bool ok = SSL_CTX_set1_groups_list(ctx, is_usual ? groups : policy->groups) == 1;
	ERR_clear_error();
	return ok;
}

static bool set_suites(SSL_CTX *ctx, const struct tls_policy *policy)
{
	bool is_usual = !policy->suites_13[0];
	int oldest = is_usual || policy->suites_12[0] ? TLS1_2_VERSION : TLS1_3_VERSION;

	return SSL_CTX_set_min_proto_version(ctx, oldest) == 1 &&
	       SSL_CTX_set_ciphersuites(ctx, is_usual ? tls13_ciphers : policy->suites_13) == 1 &&
	       (oldest == TLS1_3_VERSION ||
		SSL_CTX_set_cipher_list(ctx, is_usual ? tls12_ciphers : policy->suites_12) == 1);
}

static bool set_policy(SSL_CTX *ctx, const struct tls_policy *policy)
{
	SSL_CTX_set_security_level(ctx, SECURITY_LEVEL);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
					 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
					 SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY); /* a read that brought no data says so */
	SSL_CTX_set_read_ahead(ctx, 1);
	return SSL_CTX_set_num_tickets(ctx, 0) == 1 &&
	       SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 && set_groups(ctx, policy) &&
	       set_suites(ctx, policy);
}

static SSL_CTX *new_ctx(const struct tls_context *context, const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new_ex(crypto_libctx(context->crypto), NULL, method);

	if (ctx && set_policy(ctx, &context->policy))
		return ctx;
	SSL_CTX_free(ctx);
	ERR_clear_error();
	return NULL;
}

static struct tls_context *new_context(struct crypto *crypto)
{
	struct tls_context *context = mem_new(struct tls_context);

	if (!context)
		return NULL;
	context->crypto = crypto;
	context->n_users = 1;
	list_init(&context->sessions);
	context->method = tls_socket_method();
	if (context->method)
		return context;
	mem_free(context);
	return NULL;
}

static void free_site(struct site *site)
{
	SSL_CTX_free(site->ctx);
	mem_free(site->names);
}

void tls_context_free(struct tls_context *context)
{
	if (!context || --context->n_users)
		return;
	for (size_t i = 0; i < context->n_sites; i++)
		free_site(&context->sites[i]);
	mem_free(context->sites);
	tls_staples_free(context);
	tls_sessions_free(context);
	tls_scopes_free(context);
	tls_users_free(context);
	tls_context_free(context->judges);
	SSL_CTX_free(context->client);
	EVP_CIPHER_free(context->ticket_cipher);
	random_free(context->ticket_random);
	ASYNC_WAIT_CTX_free(context->pause);
	BIO_meth_free(context->method);
	X509_STORE_free(context->anchors);
	mem_free(context);
}

bool tls_context_restrict(struct tls_context *context, const struct tls_policy *policy)
{
	bool ok;

	context->policy = *policy;
	ok = !context->client || (set_groups(context->client, policy) && set_suites(context->client, policy));
	ERR_clear_error();
	return ok;
}

/* ---- server ---- */

struct tls_context *tls_server_new(struct crypto *crypto)
{
	return new_context(crypto);
}

enum err tls_server_sign_together(struct tls_context *context)
{
	if (!HAS_JOBS || !ASYNC_is_capable())
		return OK;
	context->pause = ASYNC_WAIT_CTX_new();
	return context->pause ? OK : ERR_NOMEM;
}

/* The only host name in the extension; empty in one that is malformed, which OpenSSL refuses afterwards. */
static struct slice name_in_hello(SSL *ssl)
{
	enum { HEADER_SIZE = 5 }; /* RFC 6066 §3: length of the list, type of the name, its length */
	const unsigned char *text;
	size_t size;

	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &text, &size) != 1 ||
	    size <= HEADER_SIZE || text[2] != TLSEXT_NAMETYPE_host_name ||
	    (size_t)(text[3] << 8 | text[4]) != size - HEADER_SIZE)
		return (struct slice){ 0 };
	return slice_from(text + HEADER_SIZE, size - HEADER_SIZE);
}

/*
 * Chooses the site before OpenSSL looks at a session that the client wants to take up: each belongs to one.
 * RFC 6066 §3: a server that does not know the name may go on with another certificate.
 */
static int on_hello(SSL *ssl, int *alert, void *arg)
{
	const struct tls_context *context = arg;
	struct slice name = name_in_hello(ssl);
	const struct site *site = name.len ? tls_site_for(context, name) : NULL;

	*alert = SSL_AD_INTERNAL_ERROR;
	return !site || SSL_set_SSL_CTX(ssl, site->ctx) ? SSL_CLIENT_HELLO_SUCCESS : SSL_CLIENT_HELLO_ERROR;
}

static bool has_same_names(const X509 *a, const X509 *b)
{
	int at_a = X509_get_ext_by_NID(a, NID_subject_alt_name, -1);
	int at_b = X509_get_ext_by_NID(b, NID_subject_alt_name, -1);

	if (at_a < 0 || at_b < 0)
		return at_a < 0 && at_b < 0 &&
		       X509_NAME_cmp(X509_get_subject_name(a), X509_get_subject_name(b)) == 0;
	return ASN1_OCTET_STRING_cmp(X509_EXTENSION_get_data(X509_get_ext(a, at_a)),
				     X509_EXTENSION_get_data(X509_get_ext(b, at_b))) == 0;
}

static struct site *find_site(struct tls_context *context, struct slice domain, const X509 *leaf)
{
	for (size_t i = 0; i < context->n_sites; i++) {
		struct site *site = &context->sites[i];

		if (slice_eq(slice_of(site->domain), domain) &&
		    (domain.len || has_same_names(site->leaf, leaf)))
			return site;
	}
	return NULL;
}

/* The certificates to send after the leaf. */
static STACK_OF(X509) * issuers_of(const struct chain *chain)
{
	STACK_OF(X509) *issuers = sk_X509_new_null();

	for (size_t i = 1; issuers && i < chain_length(chain); i++) {
		X509 *x509 = certificate_openssl(chain_at(chain, i));

		if (X509_self_signed(x509, 0) == 1)
			continue; /* who trusts a root has it */
		if (sk_X509_push(issuers, x509) <= 0) {
			sk_X509_free(issuers);
			return NULL;
		}
	}
	return issuers;
}

static const struct verdict foreign_key = {
	.code = "certificate.key-mismatch",
	.what = "the private key is not that of the certificate {found}",
	.remedy = "give the key that the certificate was requested with",
};

static const struct verdict unusable = {
	.code = "certificate.unusable",
	.what = "the certificate cannot be used: {found}",
	.remedy =
		"use a certificate with an ECDSA P-256 or an RSA key of 2048 bits or more, signed with SHA-256",
};

static enum err deny(const struct verdict *template, struct slice found, struct verdict *ret_verdict)
{
	*ret_verdict = *template;
	verdict_text_set(&ret_verdict->found, found);
	return ERR_DENIED;
}

static enum err use_certificate(SSL_CTX *ctx, const struct chain *chain, const struct key *key,
				struct verdict *ret_verdict)
{
	STACK_OF(X509) *issuers = issuers_of(chain);
	unsigned long error;
	int rc;

	if (!issuers)
		return ERR_NOMEM;
	ERR_clear_error();
	rc = SSL_CTX_use_cert_and_key(ctx, certificate_openssl(chain_at(chain, 0)), key_openssl(key), issuers,
				      0);
	error = ERR_peek_error();
	ERR_clear_error();
	sk_X509_free(issuers);
	if (rc == 1)
		return OK;
	switch (ERR_GET_REASON(error)) {
	case SSL_R_NOT_REPLACING_CERTIFICATE: return ERR_EXISTS;
	case ERR_R_MALLOC_FAILURE: return ERR_NOMEM;
	default: return deny(&unusable, slice_of(ERR_reason_error_string(error)), ret_verdict);
	}
}

/*
 * Usage is checked by identity_check_usage(), which knows what certificates for SIP look like: public CAs issue none for
 * clients any more.
 */
static bool judge_peers(SSL_CTX *ctx)
{
	SSL_CTX_set_verify_depth(ctx, CHAIN_DEPTH);
	SSL_CTX_set_cert_verify_callback(ctx, tls_peer_verify, NULL);
	return SSL_CTX_set_purpose(ctx, X509_PURPOSE_ANY) == 1;
}

static enum err add_site(struct tls_context *context, struct slice domain, const struct chain *chain,
			 const struct key *key, struct verdict *ret_verdict)
{
	struct site *sites = mem_resize(context->sites, (context->n_sites + 1) * sizeof(*sites));
	struct site site = { .leaf = certificate_openssl(chain_at(chain, 0)) };
	enum err err;

	if (!sites)
		return ERR_NOMEM;
	context->sites = sites;
	if (domain.len)
		memcpy(site.domain, domain.ptr, domain.len);
	site.ctx = new_ctx(context, context->client ? TLS_client_method() : TLS_server_method());
	if (!site.ctx)
		return ERR_NOMEM;
	err = use_certificate(site.ctx, chain, key, ret_verdict);
	if (err == OK)
		err = tls_site_keep_names(&site);
	if (err == OK && context->anchors &&
	    !(judge_peers(site.ctx) && SSL_CTX_set1_verify_cert_store(site.ctx, context->anchors) == 1))
		err = ERR_NOMEM;
	if (err == OK && context->tickets)
		err = tls_tickets_enable(context, &site);
	if (err != OK) {
		free_site(&site);
		return err;
	}
	if (context->client) {
		tls_ocsp_hear(site.ctx);
	} else {
		SSL_CTX_set_client_hello_cb(site.ctx, on_hello, context);
		tls_alpn_choose(site.ctx);
		tls_ocsp_tell(site.ctx, context);
	}
	sites[context->n_sites++] = site;
	return OK;
}

enum err tls_server_add_for(struct tls_context *context, struct slice domain, const struct chain *chain,
			    const struct key *key, struct verdict *ret_verdict)
{
	const struct certificate *leaf = chain_at(chain, 0);
	struct site *site = find_site(context, domain, certificate_openssl(leaf));
	char buf[VERDICT_TEXT_MAX];
	struct writer subject = writer_of(buf, sizeof(buf));

	if (!certificate_has_key(leaf, key)) {
		put_certificate_subject(&subject, leaf);
		return deny(&foreign_key, writer_text(&subject), ret_verdict);
	}
	if (!site)
		return add_site(context, domain, chain, key, ret_verdict);
	TRY(use_certificate(site->ctx, chain, key, ret_verdict));
	return context->tickets ? tls_tickets_enable(context, site) : OK;
}

enum err tls_server_add(struct tls_context *context, const struct chain *chain, const struct key *key,
			struct verdict *ret_verdict)
{
	return tls_server_add_for(context, SLICE(""), chain, key, ret_verdict);
}

void tls_server_trust(struct tls_context *server, struct tls_context *client)
{
	X509_STORE_up_ref(client->anchors);
	X509_STORE_free(server->anchors);
	server->anchors = client->anchors;
	client->n_users++;
	tls_context_free(server->judges);
	server->judges = client;
}

/* ---- client ---- */

struct tls_context *tls_client_new(struct crypto *crypto)
{
	AUTO(tls_context) struct tls_context *context = new_context(crypto);

	if (!context)
		return NULL;
	context->client = new_ctx(context, TLS_client_method());
	if (!context->client)
		return NULL;
	SSL_CTX_set_verify(context->client, SSL_VERIFY_PEER, NULL);
	tls_ocsp_hear(context->client);
	if (!judge_peers(context->client))
		return NULL;
	context->anchors = SSL_CTX_get_cert_store(context->client);
	X509_STORE_up_ref(context->anchors);
	return TAKE(context);
}

enum err tls_client_present(struct tls_context *context, struct slice domain, const struct chain *chain,
			    const struct key *key, struct verdict *ret_verdict)
{
	return tls_server_add_for(context, domain, chain, key, ret_verdict);
}

/* RFC 8446 §4.4.2: encrypted; in TLS 1.2 everybody on the way could read who it is. 1: go on. */
static int on_certificate_wanted(SSL *ssl, void *arg)
{
	(void)arg;
	if (SSL_version(ssl) < TLS1_3_VERSION)
		SSL_certs_clear(ssl);
	return 1;
}

/* Connections hold what they began with. */
static void remove_site(struct tls_context *context, struct site *site)
{
	if (!site)
		return;
	free_site(site);
	context->sites[site - context->sites] = context->sites[--context->n_sites];
}

enum err tls_client_show_user(struct tls_context *context, struct slice domain, const struct chain *chain,
			      const struct key *key, struct verdict *ret_verdict)
{
	assert(domain.len > 0 && domain.len <= IDENTITY_NAME_MAX);
	remove_site(context, find_site(context, domain, NULL));
	tls_sessions_free(context); /* of when nobody, or somebody else, had shown himself */
	if (!chain)
		return OK;
	TRY(tls_server_add_for(context, domain, chain, key, ret_verdict));
	context->sites[context->n_sites - 1].is_user = true;
	SSL_CTX_set_cert_cb(context->sites[context->n_sites - 1].ctx, on_certificate_wanted, NULL);
	return OK;
}

SSL_CTX *tls_context_for(const struct tls_context *context, struct slice name)
{
	const struct site *site = name.len ? tls_site_for(context, name) : NULL;

	if (!site && context->sites && context->n_sites > 0 && !context->sites[0].is_user)
		site = &context->sites[0];
	return site ? site->ctx : context->client;
}

enum err tls_store_trust(X509_STORE *store, const struct chain *anchors)
{
	for (size_t i = 0; i < chain_length(anchors); i++)
		if (X509_STORE_add_cert(store, certificate_openssl(chain_at(anchors, i))) != 1)
			return ERR_NOMEM;
	return OK;
}

enum err tls_client_trust(struct tls_context *context, const struct chain *anchors)
{
	return tls_store_trust(SSL_CTX_get_cert_store(context->client), anchors);
}

enum err tls_client_anchors(const struct tls_context *context, struct anchors **ret_anchors)
{
	return anchors_of(context->crypto, SSL_CTX_get_cert_store(context->client), ret_anchors);
}

/* An issuer without a list has revoked nothing that we could know of. */
static int on_chain_error(int ok, X509_STORE_CTX *store)
{
	if (ok || X509_STORE_CTX_get_error(store) != X509_V_ERR_UNABLE_TO_GET_CRL)
		return ok;
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

/* The next list of the text into the store. ERR_NOT_FOUND at the end. */
static enum err add_crl(X509_STORE *store, BIO *in)
{
	X509_CRL *crl = PEM_read_bio_X509_CRL(in, NULL, NULL, NULL);
	int reason = ERR_GET_REASON(ERR_peek_last_error());
	bool ok = crl && X509_STORE_add_crl(store, crl) == 1;

	X509_CRL_free(crl);
	ERR_clear_error();
	if (crl)
		return ok ? OK : ERR_NOMEM;
	return reason == PEM_R_NO_START_LINE ? ERR_NOT_FOUND : ERR_SYNTAX;
}

enum err tls_store_revoke(X509_STORE *store, struct slice pem)
{
	enum err err = OK;
	size_t n = 0;
	BIO *in;

	if (pem.len > CHAIN_PEM_MAX)
		return ERR_LIMIT;
	in = BIO_new_mem_buf(pem.len ? pem.ptr : "", (int)pem.len);
	if (!in)
		return ERR_NOMEM;
	while (err == OK) {
		err = add_crl(store, in);
		n += err == OK;
	}
	BIO_free(in);
	if (err != ERR_NOT_FOUND || !n)
		return err;
	X509_STORE_set_verify_cb(store, on_chain_error);
	return X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) == 1
		       ? OK
		       : ERR_NOMEM;
}

static utc_t end_of(const X509_CRL *crl)
{
	const ASN1_TIME *end = X509_CRL_get0_nextUpdate(crl);
	struct tm tm;

	return end && ASN1_TIME_to_tm(end, &tm) == 1 ? (utc_t)timegm(&tm) : 0;
}

utc_t tls_revocations_end(struct slice pem)
{
	BIO *in = pem.len > 0 && pem.len <= CHAIN_PEM_MAX ? BIO_new_mem_buf(pem.ptr, (int)pem.len) : NULL;
	utc_t first = 0;
	X509_CRL *crl;

	while (in && (crl = PEM_read_bio_X509_CRL(in, NULL, NULL, NULL))) {
		utc_t end = end_of(crl);

		if (end && (!first || end < first))
			first = end;
		X509_CRL_free(crl);
	}
	BIO_free(in);
	ERR_clear_error();
	return first;
}

enum err tls_client_revoke(struct tls_context *context, struct slice pem)
{
	return tls_store_revoke(SSL_CTX_get_cert_store(context->client), pem);
}

enum err tls_client_trust_system(struct tls_context *context)
{
	X509_STORE *store = SSL_CTX_get_cert_store(context->client);

	return X509_STORE_set_default_paths_ex(store, crypto_libctx(context->crypto), NULL) == 1 ? OK
												 : ERR_NOMEM;
}

/* "5ad8a5d6.0", as update-ca-certificates and openssl rehash name what leads to a CA. */
static bool is_hash(const char *name)
{
	size_t n = strspn(name, "0123456789abcdef");

	return n == 8 && name[n] == '.' && name[n + 1] >= '0' && name[n + 1] <= '9';
}

static bool has_hashes(const char *path)
{
	DIR *directory = opendir(path);
	const struct dirent *entry = NULL;

	while (directory && (entry = readdir(directory)) && !is_hash(entry->d_name))
		;
	if (directory)
		closedir(directory);
	return entry != NULL;
}

enum err tls_client_trust_system_when_asked(struct tls_context *context)
{
	const char *path = secure_getenv(X509_get_default_cert_dir_env());
	X509_LOOKUP *lookup;

	if (!path)
		path = X509_get_default_cert_dir();
	if (secure_getenv(X509_get_default_cert_file_env()) || !has_hashes(path))
		return tls_client_trust_system(context);
	lookup = X509_STORE_add_lookup(SSL_CTX_get_cert_store(context->client), X509_LOOKUP_hash_dir());
	return lookup && X509_LOOKUP_add_dir(lookup, path, X509_FILETYPE_PEM) == 1 ? OK : ERR_NOMEM;
}
