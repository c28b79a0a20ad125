#include "parse.h"

#include <osipparser2/osip_message.h>
#include <osipparser2/osip_parser.h>

/* Numbers and missing texts are left as text by osip. */
static unsigned number_of(const char *text)
{
	return text ? (unsigned)strtoul(text, NULL, 10) : 0;
}

static unsigned length_of(const char *text)
{
	return text ? (unsigned)strlen(text) : 0;
}

static void see_uri(const osip_uri_t *uri, struct parsed *parsed)
{
	parsed->hosts += length_of(uri->host);
	parsed->ports += number_of(uri->port);
}

static unsigned tag_length(osip_from_t *from)
{
	osip_generic_param_t *tag = NULL;

	osip_from_param_get_byname(from, (char *)"tag", &tag);
	return tag ? length_of(tag->gvalue) : 0;
}

static void see_topmost_via(osip_message_t *message, struct parsed *parsed)
{
	osip_generic_param_t *branch = NULL;
	osip_via_t *via = NULL;

	if (osip_message_get_via(message, 0, &via) < 0)
		return;
	osip_via_param_get_byname(via, (char *)"branch", &branch);
	parsed->hosts += length_of(via->host);
	parsed->ports += number_of(via->port);
	parsed->branch = branch ? length_of(branch->gvalue) : 0;
}

static void see_routes(osip_message_t *message, struct parsed *parsed)
{
	osip_route_t *route;

	while (osip_message_get_route(message, (int)parsed->routes, &route) >= 0) {
		see_uri(route->url, parsed);
		parsed->routes++;
	}
}

static bool see(osip_message_t *message, struct parsed *parsed)
{
	osip_header_t *max_forwards = NULL;
	osip_body_t *body = NULL;

	osip_message_get_max_forwards(message, 0, &max_forwards);
	if (!message->from || !message->to || !message->call_id || !message->cseq || !max_forwards)
		return false;
	see_uri(message->req_uri, parsed);
	see_uri(message->from->url, parsed);
	see_uri(message->to->url, parsed);
	parsed->tags = tag_length(message->from) + tag_length(message->to);
	parsed->call_id = length_of(message->call_id->number);
	if (message->call_id->host)
		parsed->call_id += 1 + length_of(message->call_id->host);
	parsed->cseq = number_of(message->cseq->number);
	parsed->max_forwards = number_of(max_forwards->hvalue);
	osip_message_get_body(message, 0, &body);
	parsed->body = body ? (unsigned)body->length : 0;
	parsed->authorizations = (unsigned)osip_list_size(&message->authorizations);
	parsed->vias = (unsigned)osip_list_size(&message->vias);
	parsed->record_routes = (unsigned)osip_list_size(&message->record_routes);
	parsed->contacts = (unsigned)osip_list_size(&message->contacts);
	see_topmost_via(message, parsed);
	see_routes(message, parsed);
	return true;
}

bool parse_osip(struct slice text, struct parsed *ret_parsed)
{
	static bool is_ready;
	struct parsed parsed = { 0 };
	osip_message_t *message;
	bool ok;

	if (!is_ready)
		is_ready = parser_init() == 0;
	if (!is_ready || osip_message_init(&message) != 0)
		return false;
	ok = osip_message_parse(message, text.ptr, text.len) == 0 && see(message, &parsed);
	osip_message_free(message);
	*ret_parsed = parsed;
	return ok;
}
