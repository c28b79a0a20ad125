/* Which of our certificates is for a name. */
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "crypto/identity.h"
#include "crypto/openssl.h"
#include "tls/private.h"

enum err tls_site_keep_names(struct site *site)
{
	int at = X509_get_ext_by_NID(site->leaf, NID_subject_alt_name, -1);
	const ASN1_OCTET_STRING *value = at < 0 ? NULL
						: X509_EXTENSION_get_data(X509_get_ext(site->leaf, at));
	struct writer out;

	if (!value)
		return OK;
	site->n_names = (size_t)ASN1_STRING_length(value);
	site->names = mem_alloc(site->n_names);
	if (!site->names)
		return ERR_NOMEM;
	out = writer_of(site->names, site->n_names);
	put_lower(&out, slice_from(ASN1_STRING_get0_data(value), site->n_names));
	return OK;
}

/* What a client asks for, in lower case, and that without its first label and with the dot. */
struct asked {
	struct slice name, parent;
};

static bool has(struct slice text, struct slice part)
{
	return slice_find_text(text, part) < text.len;
}

/* Whether it is worth to take the certificate apart: without a subjectAltName it has a CN. */
static bool may_be_for(const struct site *site, const struct asked *asked)
{
	struct slice names = slice_from(site->names, site->n_names);

	return !site->names || has(names, asked->name) ||
	       (has(names, SLICE("*")) && has(names, asked->parent));
}

/* Only a choice, not a proof: a wildcard is good enough here. */
static bool is_for(const struct site *site, struct slice name)
{
	struct certificate leaf = { site->leaf };
	struct verdict verdict;

	return X509_check_host(site->leaf, name.ptr, name.len, 0, NULL) == 1 ||
	       identity_check(&leaf, name, &verdict) == OK;
}

const struct site *tls_site_for(const struct tls_context *context, struct slice name)
{
	char text[IDENTITY_NAME_MAX + 1];
	struct writer lower = writer_of(text, sizeof text);
	struct asked asked;

	put_lower(&lower, name);
	if (lower.overflow)
		return NULL; /* no certificate proves it */
	asked.name = writer_text(&lower);
	asked.parent = slice_sub(asked.name, slice_find(asked.name, '.'), asked.name.len);
	for (size_t i = 0; i < context->n_sites; i++)
		if (slice_eq(slice_of(context->sites[i].domain), asked.name))
			return &context->sites[i];
	for (size_t i = 0; i < context->n_sites; i++)
		if (may_be_for(&context->sites[i], &asked) && is_for(&context->sites[i], asked.name))
			return &context->sites[i];
	return NULL;
}
