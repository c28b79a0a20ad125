#include "tls/ticket.h"

#include <pthread.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include "base/mem.h"
#include "crypto/digest.h"
#include "crypto/openssl.h"
#include "tls/private.h"

/*
 * RFC 5077 §4's construction, which OpenSSL drives: encrypted by AES-256-CBC, then authenticated by HMAC-SHA-256. The
 * name tells the keys apart.
 */
enum { NAME_SIZE = 16, CIPHER_KEY_SIZE = 32, MAC_KEY_SIZE = 32 };

struct ticket_key {
	unsigned char name[NAME_SIZE], cipher[CIPHER_KEY_SIZE], mac[MAC_KEY_SIZE];
	ms_t drawn; /* 0: there is none */
};

struct tls_ticket_keys {
	pthread_mutex_t mutex;
	struct ticket_key now, before;
};

struct tls_ticket_keys *tls_ticket_keys_new(void)
{
	struct tls_ticket_keys *keys = mem_new(struct tls_ticket_keys);

	if (keys)
		pthread_mutex_init(&keys->mutex, NULL);
	return keys;
}

void tls_ticket_keys_free(struct tls_ticket_keys *keys)
{
	if (!keys)
		return;
	pthread_mutex_destroy(&keys->mutex);
	mem_wipe(keys, sizeof *keys);
	mem_free(keys);
}

/* ---- keys ---- */

static bool is_older(const struct ticket_key *key, ms_t mono, ms_t seconds)
{
	return mono > key->drawn && mono - key->drawn >= seconds * 1000;
}

/* Wipes what is too old, and has a key that is young enough for new tickets. False without random numbers. */
static bool bring_up_to_date(struct tls_ticket_keys *keys, OSSL_LIB_CTX *lib, ms_t mono)
{
	if (keys->now.drawn && !is_older(&keys->now, mono, TLS_TICKET_CHANGE))
		return true;
	keys->before = keys->now;
	mem_wipe(&keys->now, sizeof keys->now);
	if (is_older(&keys->before, mono, TLS_SESSION_MAX))
		mem_wipe(&keys->before, sizeof keys->before);
	if (RAND_bytes_ex(lib, keys->now.name, sizeof keys->now.name, 0) != 1 ||
	    RAND_priv_bytes_ex(lib, keys->now.cipher, sizeof keys->now.cipher, 0) != 1 ||
	    RAND_priv_bytes_ex(lib, keys->now.mac, sizeof keys->now.mac, 0) != 1)
		return false;
	keys->now.drawn = mono ? mono : 1;
	return true;
}

static const struct ticket_key *key_called(const struct tls_ticket_keys *keys, const unsigned char *name)
{
	if (memcmp(keys->now.name, name, NAME_SIZE) == 0)
		return &keys->now;
	return keys->before.drawn && memcmp(keys->before.name, name, NAME_SIZE) == 0 ? &keys->before : NULL;
}

/* The key for new tickets, or with a name that one. False: there is none. */
static bool take_key(const struct tls_conn *conn, const unsigned char *name, struct ticket_key *ret_key)
{
	struct tls_ticket_keys *keys = conn->context->tickets;
	const struct ticket_key *key = NULL;

	pthread_mutex_lock(&keys->mutex);
	if (bring_up_to_date(keys, crypto_libctx(conn->context->crypto), conn->now.mono))
		key = name ? key_called(keys, name) : &keys->now;
	if (key)
		*ret_key = *key;
	pthread_mutex_unlock(&keys->mutex);
	return key;
}

/* ---- what OpenSSL asks ---- */

static bool set_mac_key(EVP_MAC_CTX *mac, struct ticket_key *key)
{
	char sha256[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof key->mac),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/*
 * Only for TLS 1.3, where a session that is taken up gets new keys by a key exchange of its own, so that a stolen
 * ticket key opens nothing that was said. 1: done, 0: no ticket, or a full handshake instead; negative: the handshake
 * fails.
 */
static int on_ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
			 EVP_MAC_CTX *mac, int seal)
{
	const struct tls_conn *conn = SSL_get_app_data(ssl);
	const EVP_CIPHER *algorithm = conn->context->ticket_cipher;
	struct ticket_key key;
	bool ok;

	if (SSL_version(ssl) != TLS1_3_VERSION || !take_key(conn, seal ? NULL : name, &key))
		return 0;
	if (seal) {
		memcpy(name, key.name, NAME_SIZE);
		random_bytes(conn->context->ticket_random, iv, (size_t)EVP_CIPHER_get_iv_length(algorithm));
	}
	ok = set_mac_key(mac, &key) && EVP_CipherInit_ex2(cipher, algorithm, key.cipher, iv, seal, NULL) == 1;
	mem_wipe(&key, sizeof key);
	return ok ? 1 : -1;
}

/* OpenSSL wants one for each session; who takes it up shows the ticket instead. */
static int on_session_id(SSL *ssl, unsigned char *id, unsigned *n)
{
	const struct tls_conn *conn = SSL_get_app_data(ssl);

	random_bytes(conn->context->ticket_random, id, *n);
	return 1;
}

/* In a ticket: when the session began, since a chain of sessions taken up is no older than its first link; and what was spoken. */
struct said {
	utc_t began;
	utc_t speaks_http; /* as wide as the other, so that nothing lies between */
};

static int on_ticket_made(SSL *ssl, void *arg)
{
	struct tls_conn *conn = SSL_get_app_data(ssl);

	(void)arg;
	conn->may_wait = true;
	if (!SSL_session_reused(ssl))
		conn->began = conn->now.wall;
	const struct said said = { conn->began, conn->speaks_http };

	return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), &said, sizeof said);
}

static bool read_said(SSL_SESSION *session, struct said *ret_said)
{
	void *data;
	size_t n;

	if (SSL_SESSION_get0_ticket_appdata(session, &data, &n) != 1 || n != sizeof *ret_said)
		return false;
	memcpy(ret_said, data, sizeof *ret_said);
	return true;
}

static SSL_TICKET_RETURN on_ticket_opened(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
					  size_t n_name, SSL_TICKET_STATUS status, void *arg)
{
	struct tls_conn *conn = SSL_get_app_data(ssl);
	struct said said;

	(void)name;
	(void)n_name;
	(void)arg;
	if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	/* what a client's certificate proves is judged by the handshake that shows it */
	if (SSL_SESSION_get0_peer(session) || !read_said(session, &said) ||
	    said.speaks_http != conn->speaks_http || !tls_session_may_go_on(conn, session, said.began))
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	conn->began = said.began;
	return SSL_TICKET_RETURN_USE_RENEW;
}

/* ---- contexts ---- */

/* Of all certificates of the site, one for each kind of key. */
static bool hash_certificates(struct crypto *crypto, SSL_CTX *ctx, unsigned char ret_hash[DIGEST_SIZE_MAX])
{
	unsigned char fingerprint[CERTIFICATE_FINGERPRINT_SIZE];
	const struct slice parts[] = { slice_from(ret_hash, DIGEST_SIZE_MAX),
				       slice_from(fingerprint, sizeof fingerprint) };

	memset(ret_hash, 0, DIGEST_SIZE_MAX);
	for (long next = SSL_CERT_SET_FIRST; SSL_CTX_set_current_cert(ctx, next) == 1;
	     next = SSL_CERT_SET_NEXT) {
		const struct certificate certificate = { SSL_CTX_get0_certificate(ctx) };

		if (!certificate_fingerprint(&certificate, fingerprint) ||
		    !digest(crypto, DIGEST_SHA256, parts, sizeof parts / sizeof *parts, ret_hash))
			return false;
	}
	return SSL_CTX_set_current_cert(ctx, SSL_CERT_SET_FIRST) == 1;
}

/*
 * What a session belongs to: the certificates of the site, and the policy. OpenSSL takes none up in a context with another id, so
 * that a new certificate, or a session of another domain, means a full handshake.
 */
static bool set_session_id(const struct tls_context *context, SSL_CTX *ctx)
{
	const struct tls_policy *policy = &context->policy;
	unsigned char hash[DIGEST_SIZE_MAX], certificates[DIGEST_SIZE_MAX];
	const struct slice parts[] = {
		SLICE("sealine session"),    slice_from(certificates, sizeof certificates),
		slice_of(policy->groups),    policy->has_hybrid ? SLICE(" hybrid ") : SLICE(" "),
		slice_of(policy->suites_13), SLICE(" "),
		slice_of(policy->suites_12)
	};

	return hash_certificates(context->crypto, ctx, certificates) &&
	       digest(context->crypto, DIGEST_SHA256, parts, sizeof parts / sizeof *parts, hash) &&
	       SSL_CTX_set_session_id_context(ctx, hash, SSL_MAX_SID_CTX_LENGTH) == 1;
}

enum err tls_tickets_enable(struct tls_context *context, const struct site *site)
{
	if (!set_session_id(context, site->ctx))
		return ERR_NOMEM;
	SSL_CTX_clear_options(site->ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_timeout(site->ctx, TLS_SESSION_MAX);
	if (SSL_CTX_set_num_tickets(site->ctx, 1) != 1 ||
	    SSL_CTX_set_generate_session_id(site->ctx, on_session_id) != 1 ||
	    SSL_CTX_set_tlsext_ticket_key_evp_cb(site->ctx, on_ticket_key) != 1 ||
	    SSL_CTX_set_session_ticket_cb(site->ctx, on_ticket_made, on_ticket_opened, NULL) != 1)
		return ERR_NOMEM;
	return OK;
}

enum err tls_server_resume(struct tls_context *context, struct tls_ticket_keys *keys)
{
	context->ticket_random = random_new(context->crypto);
	context->ticket_cipher = EVP_CIPHER_fetch(crypto_libctx(context->crypto), "AES-256-CBC", NULL);
	ERR_clear_error();
	if (!context->ticket_random || !context->ticket_cipher)
		return ERR_NOMEM;
	context->tickets = keys;
	for (size_t i = 0; i < context->n_sites; i++)
		TRY(tls_tickets_enable(context, &context->sites[i]));
	return OK;
}
