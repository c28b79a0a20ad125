/* Peers that are judged by rules of their own: what they are asked to prove, and what they have proven, bears the rule's name. */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "crypto/openssl.h"
#include "tls/private.h"

/* ---- life ---- */

void tls_scopes_free(struct tls_context *context)
{
	for (size_t i = 0; i < context->n_scopes; i++) {
		X509_STORE_free(context->scopes[i].anchors);
		mem_free(context->scopes[i].names);
	}
	mem_free(context->scopes);
}

static void copy_text(char *to, struct slice text)
{
	memcpy(to, text.ptr, text.len);
	to[text.len] = '\0';
}

static enum err keep_names(struct scope *scope, const struct tls_scope *wanted)
{
	scope->names = mem_zalloc(wanted->n_names, sizeof *scope->names);
	if (!scope->names)
		return ERR_NOMEM;
	for (size_t i = 0; i < wanted->n_names; i++) {
		if (wanted->names[i].len > IDENTITY_NAME_MAX)
			continue; /* no certificate proves such a one */
		copy_text(scope->names[scope->n_names++], wanted->names[i]);
	}
	return OK;
}

static enum err keep_anchors(struct scope *scope, const struct tls_scope *wanted)
{
	enum err err = OK;

	scope->anchors = X509_STORE_new();
	if (!scope->anchors)
		return ERR_NOMEM;
	TRY(tls_store_trust(scope->anchors, wanted->anchors));
	if (wanted->revoked.len > 0)
		err = tls_store_revoke(scope->anchors, wanted->revoked);
	return err;
}

enum err tls_client_scope(struct tls_context *context, const struct tls_scope *wanted)
{
	struct scope *scopes = mem_resize(context->scopes, (context->n_scopes + 1) * sizeof *scopes);
	struct scope *scope;

	if (!scopes)
		return ERR_NOMEM;
	context->scopes = scopes;
	if (wanted->name.len == 0 || wanted->name.len > TLS_SCOPE_MAX)
		return ERR_LIMIT;
	/* whatever is in it by then goes with the context */
	scope = &scopes[context->n_scopes++];
	*scope = (struct scope){ .takes_wildcards = wanted->takes_wildcards };
	copy_text(scope->name, wanted->name);
	TRY(keep_names(scope, wanted));
	return wanted->anchors ? keep_anchors(scope, wanted) : OK;
}

/* ---- what was asked for ---- */

enum err tls_scope_take(struct tls_conn *conn, struct slice domain)
{
	const struct tls_context *context = conn->context;
	size_t slash = slice_find(domain, '/');
	struct slice name = slice_sub(domain, slash + 1, domain.len);

	conn->asked = slice_sub(slice_of(conn->names->asked), 0, slash);
	if (slash == domain.len)
		return OK;
	for (size_t i = 0; i < context->n_scopes; i++)
		if (slice_eq(slice_of(context->scopes[i].name), name)) {
			conn->scope = &context->scopes[i];
			return OK;
		}
	return ERR_NOT_FOUND;
}

X509_STORE *tls_anchors_for(const struct tls_conn *conn)
{
	return conn->scope && conn->scope->anchors ? conn->scope->anchors
						   : SSL_CTX_get_cert_store(conn->context->client);
}

enum err tls_scope_check(const struct scope *scope, const struct certificate *leaf, struct slice name,
			 struct verdict *ret_verdict)
{
	enum err err = identity_check(leaf, name, ret_verdict);

	return err != OK && scope && scope->takes_wildcards && identity_covers(leaf, name) ? OK : err;
}

/* ---- what a client proves ---- */

/* As OpenSSL sets it up for the chain that a peer shows. */
static bool set_up(const struct tls_conn *conn, X509_STORE_CTX *store, int purpose)
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(store);

	if (X509_VERIFY_PARAM_set1(param, SSL_get0_param(conn->ssl)) != 1)
		return false;
	X509_VERIFY_PARAM_set_auth_level(param, SSL_get_security_level(conn->ssl));
	return X509_VERIFY_PARAM_set_purpose(param, purpose) == 1;
}

enum err tls_judge_client(const struct tls_conn *conn, X509_STORE_CTX *shown, X509_STORE *anchors,
			  int purpose)
{
	X509_STORE_CTX *store = X509_STORE_CTX_new_ex(crypto_libctx(conn->context->crypto), NULL);
	struct verdict verdict;
	enum err err = ERR_NOMEM;

	if (store &&
	    X509_STORE_CTX_init(store, anchors, X509_STORE_CTX_get0_cert(shown),
				X509_STORE_CTX_get0_untrusted(shown)) == 1 &&
	    set_up(conn, store, purpose)) {
		/* what OpenSSL knows a purpose for it judges itself */
		if (purpose == X509_PURPOSE_ANY)
			err = anchors_judge(store, conn->now.wall, &verdict);
		else
			err = anchors_verify(store) ? OK : ERR_DENIED;
	}
	X509_STORE_CTX_free(store);
	ERR_clear_error();
	return err;
}

/* Writes the names of the scope that the certificate has. */
static bool put_names(struct writer *out, const struct scope *scope, const struct certificate *leaf)
{
	struct verdict verdict;
	size_t before = out->len;

	for (size_t i = 0; i < scope->n_names; i++) {
		struct slice name = slice_of(scope->names[i]);

		if (tls_scope_check(scope, leaf, name, &verdict) != OK)
			continue;
		put(out, out->len > 0 ? SLICE(", ") : SLICE(""));
		put(out, name);
		put_char(out, '/');
		put(out, slice_of(scope->name));
	}
	return out->len > before;
}

enum err tls_scopes_prove(const struct tls_conn *conn, X509_STORE_CTX *shown, bool is_trusted,
			  struct writer *out)
{
	const struct tls_context *context = conn->context->judges;
	struct certificate leaf = { X509_STORE_CTX_get0_cert(shown) };

	for (size_t i = 0; context && i < context->n_scopes; i++) {
		const struct scope *scope = &context->scopes[i];
		struct writer before = *out;
		enum err err = ERR_DENIED;

		if (!put_names(out, scope, &leaf) || out->overflow) {
			*out = before;
			continue;
		}
		if (scope->anchors)
			err = tls_judge_client(conn, shown, scope->anchors, X509_PURPOSE_ANY);
		else if (is_trusted)
			err = OK;
		if (err == ERR_NOMEM)
			return err;
		if (err != OK)
			*out = before;
	}
	return OK;
}
