#include "proxy/recurse.h"

#include <string.h>

#include "base/mem.h"
#include "proxy/best.h"
#include "proxy/demands.h"
#include "proxy/gate.h"
#include "proxy/location.h"
#include "proxy/outside.h"
#include "sip/build.h"

enum { NAME_MAX = 512, URI_MAX = 2048 };

static const struct verdict nobody = {
	.code = "redirect.nobody",
	.what = "the phone that was called redirects to where nobody can be reached",
	.section = "RFC 3261 §16.7",
	.remedy = "correct the redirection of that phone",
};

/* -- which are followed ------------------------------------------------------------------------------------------- */

static bool is_allowed(const struct context *context)
{
	const struct server_domain *domain;

	if (context->in_dialog)
		return false;
	domain = core_domain(context->core, context->request->uri.host);
	return domain && domain->follows;
}

static bool is_known(const struct context *context, const struct sip_uri *uri)
{
	struct sip_uri known;

	if (sip_uri_eq(uri, &context->request->uri))
		return true;
	for (size_t i = 0; i < context->n_redirections; i++)
		if (sip_uri_parse(slice_of(context->redirections[i]), &known) && sip_uri_eq(uri, &known))
			return true;
	return false;
}

/* What we may go to for this sender, and have not gone to yet. */
static bool is_usable(const struct context *context, const struct sip_uri *uri)
{
	return uri->scheme == context->request->uri.scheme && uri->text.len < URI_MAX &&
	       context->n_redirections < RECURSE_MAX && !is_known(context, uri) &&
	       (core_domain(context->core, uri->host) || gate_may_relay(context));
}

static char *text_of(const struct sip_uri *uri)
{
	char buf[URI_MAX];
	struct writer out = writer_of(buf, sizeof buf);
	char *text;

	put_request_uri(&out, uri);
	text = out.overflow ? NULL : mem_zalloc(1, out.len + 1);
	if (text)
		memcpy(text, out.buf, out.len);
	return text;
}

/* Back to the first n of them. */
static void keep_first(struct context *context, size_t n)
{
	while (context->n_redirections > n)
		mem_free(context->redirections[--context->n_redirections]);
}

static bool has_room(struct context *context)
{
	if (!context->redirections)
		context->redirections = mem_zalloc(RECURSE_MAX, sizeof context->redirections[0]);
	return context->redirections;
}

bool recurse_take(struct context *context, const struct sip_message *response)
{
	struct sip_values it = sip_values_of(response, SIP_CONTACT);
	size_t before = context->n_redirections;
	struct sip_address contact;
	struct slice value;

	if (response->status < 300 || response->status > 399 || !is_allowed(context) || !has_room(context))
		return false;
	while (sip_values_next(&it, &value)) {
		char *text = NULL;

		if (sip_address_parse(value, &contact) && is_usable(context, &contact.uri))
			text = text_of(&contact.uri);
		if (!text) {
			keep_first(context, before);
			return false;
		}
		context->redirections[context->n_redirections++] = text;
	}
	return context->n_redirections > before;
}

/* -- going there -------------------------------------------------------------------------------------------------- */

static void note_nobody(struct context *context)
{
	best_hop(context, &(struct hop_result){ .err = ERR_NOT_FOUND, .why = &nobody });
}

/* False: there is no way. */
static bool go_outside(struct context *context, const struct sip_uri *uri, struct now now)
{
	struct target target;

	if (!outside_target(context, uri, &target))
		return false;
	target.uri.text = uri->text;
	context_forward_to(context, &target, now);
	return true;
}

static bool ask(struct context *context, const struct sip_uri *uri)
{
	char buf[NAME_MAX];
	struct writer name = writer_of(buf, sizeof buf);

	context->gruu = gruu_parse(&context->core->gruus, uri, &name);
	context->question.kind = CONTEXT_REDIRECTED;
	return context->gruu.kind != GRUU_INVALID && !name.overflow &&
	       endpoint_lookup(context->core->endpoint, &context->question, writer_text(&name)) == OK;
}

bool recurse_next(struct context *context, struct now now)
{
	struct sip_uri uri;
	bool is_ours;

	if (context->next_redirection == context->n_redirections)
		return false;
	if (sip_uri_parse(slice_of(context->redirections[context->next_redirection++]), &uri)) {
		is_ours = core_domain(context->core, uri.host);
		if (is_ours ? ask(context, &uri) : go_outside(context, &uri, now))
			return false;
	}
	note_nobody(context);
	return true;
}

void recurse_answer(struct context *context, const struct answer *answer, struct now now)
{
	if (answer->err == OK && demands_allow_in(context, answer->aor) &&
	    location_forward(context, answer->aor, now) == LOCATION_FOUND)
		return;
	note_nobody(context);
	context_proceed(context, now);
}

void recurse_stop(struct context *context)
{
	context->next_redirection = context->n_redirections;
}

void recurse_free(struct context *context)
{
	keep_first(context, 0);
	mem_free(context->redirections);
}
