#include "proxy/redirect.h"

#include "proxy/refusals.h"
#include "registrar/registrar.h"

enum { CONTACTS_SIZE = 16384 };

/* False: the sender must not go there. */
static bool may_go_there(const struct context *context, const struct binding *binding)
{
	struct sip_uri contact;

	if (context->server->request->uri.scheme != SIP_SCHEME_SIPS)
		return true;
	return binding->secure && sip_uri_parse(binding->contact, &contact) &&
	       contact.scheme == SIP_SCHEME_SIPS;
}

static void put_contact(struct writer *out, const struct binding *binding)
{
	put(out, SLICE("Contact: <"));
	put(out, binding->contact);
	put(out, SLICE(">"));
	put_registrar_q(out, binding->q);
	put(out, SLICE("\r\n"));
}

void redirect_answer(struct context *context, const struct aor *aor, struct now now)
{
	char contacts[CONTACTS_SIZE];
	struct writer out = writer_of(contacts, sizeof contacts);
	size_t n_there = 0;

	for (size_t i = 0; i < aor->n_bindings; i++) {
		const struct binding *binding = &aor->bindings[i];
		size_t before = out.len;

		if (binding->expires <= now.wall)
			continue;
		n_there++;
		if (may_go_there(context, binding))
			put_contact(&out, binding);
		if (out.overflow) {
			out = writer_of(contacts, sizeof contacts);
			out.len = before;
			break;
		}
	}
	if (out.len == 0)
		context_refuse(context, &proxy_refusals[n_there ? REFUSED_SIPS_NOT_ALLOWED : REFUSED_NOBODY],
			       now);
	else
		endpoint_respond(context->core->endpoint, context->server,
				 &(struct sip_reply){ .status = 302, .headers = writer_text(&out) }, now);
}
