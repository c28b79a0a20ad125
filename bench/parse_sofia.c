#include "parse.h"

#include <sofia-sip/msg_addr.h>
#include <sofia-sip/msg_mclass.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_protos.h>

static unsigned number_of(const char *text)
{
	return text ? (unsigned)strtoul(text, NULL, 10) : 0;
}

static unsigned length_of(const char *text)
{
	return text ? (unsigned)strlen(text) : 0;
}

static void see_url(const url_t *url, struct parsed *parsed)
{
	parsed->hosts += length_of(url->url_host);
	parsed->ports += number_of(url->url_port);
}

static void see_routes(const sip_t *sip, struct parsed *parsed)
{
	for (const sip_route_t *route = sip->sip_route; route; route = route->r_next) {
		parsed->routes++;
		see_url(route->r_url, parsed);
	}
}

/* Decoded, or found among what the class does not know. */
static void count(const sip_t *sip, struct parsed *parsed)
{
	for (const sip_via_t *via = sip->sip_via; via; via = via->v_next)
		parsed->vias++;
	for (const sip_record_route_t *route = sip->sip_record_route; route; route = route->r_next)
		parsed->record_routes++;
	for (const sip_contact_t *contact = sip->sip_contact; contact; contact = contact->m_next)
		parsed->contacts++;
	parsed->authorizations = sip->sip_authorization != NULL;
	for (const sip_unknown_t *field = sip->sip_unknown; field; field = field->un_next) {
		parsed->record_routes += strcasecmp(field->un_name, "Record-Route") == 0;
		parsed->contacts += strcasecmp(field->un_name, "Contact") == 0;
		parsed->authorizations += strcasecmp(field->un_name, "Authorization") == 0;
	}
}

static bool see(const sip_t *sip, struct parsed *parsed)
{
	if (!sip->sip_request || !sip->sip_via || !sip->sip_from || !sip->sip_to || !sip->sip_call_id ||
	    !sip->sip_cseq || !sip->sip_max_forwards)
		return false;
	parsed->hosts = length_of(sip->sip_via->v_host);
	parsed->ports = number_of(sip->sip_via->v_port);
	parsed->branch = length_of(sip->sip_via->v_branch);
	see_url(sip->sip_request->rq_url, parsed);
	see_url(sip->sip_from->a_url, parsed);
	see_url(sip->sip_to->a_url, parsed);
	see_routes(sip, parsed);
	count(sip, parsed);
	parsed->tags = length_of(sip->sip_from->a_tag) + length_of(sip->sip_to->a_tag);
	parsed->call_id = length_of(sip->sip_call_id->i_id);
	parsed->cseq = sip->sip_cseq->cs_seq;
	parsed->max_forwards = (unsigned)sip->sip_max_forwards->mf_count;
	parsed->body = sip->sip_payload ? (unsigned)sip->sip_payload->pl_len : 0;
	return true;
}

static bool parse(const msg_mclass_t *class, struct slice text, struct parsed *ret_parsed)
{
	struct parsed parsed = { 0 };
	msg_t *message = msg_create(class, 0);
	msg_iovec_t parts[4];
	size_t done = 0;
	ssize_t n;
	bool ok;

	if (!message)
		return false;
	n = msg_recv_iovec(message, parts, 4, (usize_t)text.len, 1);
	for (ssize_t i = 0; i < n; i++) { /* as if the socket had written there */
		memcpy(parts[i].mv_base, text.ptr + done, parts[i].mv_len);
		done += parts[i].mv_len;
	}
	msg_recv_commit(message, (usize_t)done, 1);
	ok = done == text.len && msg_extract(message) > 0 && !msg_has_error(message) &&
	     see(sip_object(message), &parsed);
	msg_destroy(message);
	*ret_parsed = parsed;
	return ok;
}

/* A message class that knows only what routing needs; all else is kept as text. */
static const msg_mclass_t *lean_class(void)
{
#define FIELD(class, member)                      \
	{                                         \
		class, offsetof(sip_t, member), 0 \
	}
	static const msg_href_t fields[] = {
		FIELD(sip_via_class, sip_via),
		FIELD(sip_route_class, sip_route),
		FIELD(sip_from_class, sip_from),
		FIELD(sip_to_class, sip_to),
		FIELD(sip_call_id_class, sip_call_id),
		FIELD(sip_cseq_class, sip_cseq),
		FIELD(sip_max_forwards_class, sip_max_forwards),
		FIELD(sip_content_length_class, sip_content_length),
	};
#undef FIELD
	static msg_mclass_t *class;

	if (class)
		return class;
	class = msg_mclass_clone(sip_default_mclass(), 0, msg_mclass_empty);
	for (size_t i = 0; class && i < sizeof fields / sizeof fields[0]; i++)
		if (msg_mclass_insert(class, &fields[i]) < 0)
			abort();
	return class;
}

bool parse_sofia(struct slice text, struct parsed *ret_parsed)
{
	return parse(sip_default_mclass(), text, ret_parsed);
}

bool parse_sofia_lean(struct slice text, struct parsed *ret_parsed)
{
	const msg_mclass_t *class = lean_class();

	return class && parse(class, text, ret_parsed);
}
