/* Clients that show themselves as a user of a domain of ours: by whose CAs each domain knows its users, and what they have proven. */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "crypto/openssl.h"
#include "crypto/user_certificate.h"
#include "tls/private.h"

enum { USER_TEXT_MAX = 3 * 250 + 1 + IDENTITY_NAME_MAX };

/* ---- life ---- */

void tls_users_free(struct tls_context *context)
{
	for (size_t i = 0; i < context->n_users_of; i++)
		X509_STORE_free(context->users[i].anchors);
	mem_free(context->users);
}

enum err tls_client_users(struct tls_context *context, const struct tls_users *wanted)
{
	struct users *all = mem_resize(context->users, (context->n_users_of + 1) * sizeof *all);
	struct users *users;

	if (!all)
		return ERR_NOMEM;
	context->users = all;
	if (!identity_is_name(wanted->domain) || wanted->domain.len > IDENTITY_NAME_MAX)
		return ERR_LIMIT;
	/* whatever is in it by then goes with the context */
	users = &all[context->n_users_of++];
	*users = (struct users){ .anchors = X509_STORE_new() };
	memcpy(users->domain, wanted->domain.ptr, wanted->domain.len);
	if (!users->anchors)
		return ERR_NOMEM;
	TRY(tls_store_trust(users->anchors, wanted->anchors));
	return wanted->revoked.len > 0 ? tls_store_revoke(users->anchors, wanted->revoked) : OK;
}

/* ---- what a client proves ---- */

static const struct users *users_of(const struct tls_context *context, struct slice domain)
{
	for (size_t i = 0; context && i < context->n_users_of; i++)
		if (slice_eq(slice_of(context->users[i].domain), domain))
			return &context->users[i];
	return NULL;
}

static enum err keep(struct tls_conn *conn, const struct certificate *leaf, struct slice user)
{
	struct writer out = { .size = user.len + 1 };

	if (!certificate_key_id(leaf, conn->peer.user_key))
		return ERR_NOMEM;
	conn->peer.user_until = certificate_not_after(leaf);
	out.buf = mem_alloc(out.size);
	if (!out.buf)
		return ERR_NOMEM;
	put(&out, user);
	put_char(&out, '\0');
	mem_free(conn->user);
	conn->user = out.buf;
	return OK;
}

enum err tls_users_prove(struct tls_conn *conn, X509_STORE_CTX *shown)
{
	struct certificate leaf = { X509_STORE_CTX_get0_cert(shown) };
	char buf[USER_TEXT_MAX];
	struct writer out = writer_of(buf, sizeof buf);
	const struct users *users;
	enum err err;

	if (!conn->context->judges || !put_certificate_user(&out, &leaf))
		return OK;
	struct slice user = writer_text(&out);
	users = users_of(conn->context->judges, slice_sub(user, slice_find(user, '@') + 1, user.len));
	/* RFC 5280 §4.2.1.3: it is shown by a signature; OpenSSL would be content with keyAgreement */
	if (!users || !(X509_get_key_usage(leaf.x509) & KU_DIGITAL_SIGNATURE))
		return OK;
	err = tls_judge_client(conn, shown, users->anchors, X509_PURPOSE_SSL_CLIENT);
	if (err == ERR_DENIED)
		return OK;
	return err == OK ? keep(conn, &leaf, user) : err;
}
