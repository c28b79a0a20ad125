#include "proxy/certified.h"

#include <string.h>

#include "sip/uri.h"

enum { AOR_MAX = 1024 };

static bool read_user(const struct context *context, char buf[AOR_MAX], struct sip_uri *ret_uri)
{
	struct writer out = writer_of(buf, AOR_MAX);
	const struct flow_view *view = endpoint_flow_view(context->core->endpoint, context->flow);

	if (!context->server || !view || view->user.len == 0)
		return false;
	put(&out, SLICE("sip:"));
	put(&out, view->user);
	return !out.overflow && sip_uri_parse(writer_text(&out), ret_uri) && ret_uri->user.ptr;
}

bool certified_claims(const struct context *context, struct slice realm, struct writer *ret_aor)
{
	char buf[AOR_MAX];
	struct sip_uri uri;

	if (!read_user(context, buf, &uri) || !slice_eq_nocase(uri.host, realm))
		return false;
	put_aor(ret_aor, &uri);
	return !ret_aor->overflow;
}

const struct server_domain *certified_domain(const struct context *context)
{
	char buf[AOR_MAX];
	struct sip_uri uri;

	return read_user(context, buf, &uri) ? core_domain(context->core, uri.host) : NULL;
}

/* ---- the account's policy ---- */

static struct slice domain_of(struct slice aor)
{
	return slice_sub(aor, slice_find(aor, '@') + 1, aor.len);
}

static enum client_certificate wanted(const struct context *context, const struct aor *aor)
{
	const struct server_domain *domain = core_domain(context->core, domain_of(aor->name));

	if (aor->account.policy.certificate != CLIENT_CERTIFICATE_UNSAID)
		return aor->account.policy.certificate;
	return domain && domain->certificate != CLIENT_CERTIFICATE_UNSAID ? domain->certificate
									  : CLIENT_CERTIFICATE_NO;
}

/* A device that was lost: its key proves nothing any more, in whatever certificate. */
static bool is_withdrawn(const struct aor *aor, struct slice key)
{
	const struct certificates *certificates = aor->certificates;

	for (size_t i = 0; certificates && i < certificates->n; i++)
		if (certificates->all[i].revoked &&
		    slice_eq(slice_from(certificates->all[i].key, sizeof certificates->all[i].key), key))
			return true;
	return false;
}

/* Looked at for each request anew, so that what is withdrawn ends at once. */
static bool is_shown(const struct context *context, const struct aor *aor)
{
	char buf[AOR_MAX];
	struct writer name = writer_of(buf, sizeof buf);
	const struct flow_view *view = endpoint_flow_view(context->core->endpoint, context->server->flow);

	return certified_claims(context, domain_of(aor->name), &name) &&
	       slice_eq(writer_text(&name), aor->name) && view && !is_withdrawn(aor, view->user_key);
}

bool certified_suffices(const struct context *context, const struct aor *aor)
{
	enum client_certificate certificate = wanted(context, aor);

	return (certificate == CLIENT_CERTIFICATE_EITHER || certificate == CLIENT_CERTIFICATE_INSTEAD) &&
	       is_shown(context, aor);
}

bool certified_allows_password(struct context *context, const struct aor *aor, struct now now)
{
	enum client_certificate certificate = wanted(context, aor);

	if (certificate == CLIENT_CERTIFICATE_NO || certificate == CLIENT_CERTIFICATE_EITHER ||
	    is_shown(context, aor))
		return true;
	context_refuse_as(context, REFUSED_NO_CERTIFICATE, aor->name, slice_of(NULL), now);
	return false;
}
