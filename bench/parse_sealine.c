#include "parse.h"

#include "sip/credentials.h"
#include "sip/message.h"

static void see_uri(const struct sip_uri *uri, struct parsed *parsed)
{
	parsed->hosts += (unsigned)uri->host.len;
	parsed->ports += uri->port;
}

static bool see_routes(const struct sip_message *message, struct parsed *parsed)
{
	struct sip_values it = sip_values_of(message, SIP_ROUTE);
	struct sip_address route;
	struct slice value;

	for (; sip_values_next(&it, &value); parsed->routes++) {
		if (!sip_address_parse(value, &route))
			return false;
		see_uri(&route.uri, parsed);
	}
	return true;
}

static unsigned count(const struct sip_message *message, enum sip_header_id id)
{
	struct sip_values it = sip_values_of(message, id);
	struct slice value;
	unsigned n = 0;

	while (sip_values_next(&it, &value))
		n++;
	return n;
}

static bool see(const struct sip_message *message, struct parsed *parsed)
{
	parsed->ports = message->via.port;
	parsed->hosts = (unsigned)message->via.host.len;
	parsed->branch = (unsigned)message->via.branch.len;
	see_uri(&message->uri, parsed);
	see_uri(&message->from.uri, parsed);
	see_uri(&message->to.uri, parsed);
	parsed->tags = (unsigned)(message->from.tag.len + message->to.tag.len);
	parsed->call_id = (unsigned)message->call_id.len;
	parsed->cseq = message->cseq.number;
	parsed->max_forwards = (unsigned)message->max_forwards;
	parsed->body = (unsigned)message->body.len;
	parsed->vias = count(message, SIP_VIA);
	parsed->record_routes = count(message, SIP_RECORD_ROUTE);
	parsed->contacts = count(message, SIP_CONTACT);
	parsed->authorizations = sip_message_header(message, SIP_AUTHORIZATION) != NULL;
	return see_routes(message, parsed);
}

static bool decode_addresses(const struct sip_message *message, enum sip_header_id id)
{
	struct sip_values it = sip_values_of(message, id);
	struct sip_address address;
	struct slice value;

	while (sip_values_next(&it, &value))
		if (!sip_contact_parse(value, &address))
			return false;
	return true;
}

static bool decode_vias(const struct sip_message *message)
{
	struct sip_values it = sip_values_of(message, SIP_VIA);
	struct sip_via via;
	struct slice value;

	for (bool is_topmost = true; sip_values_next(&it, &value); is_topmost = false) {
		struct scan in = scan_of(value);

		if (!is_topmost && !sip_via_scan(&in, &via))
			return false;
	}
	return true;
}

/* What see() leaves as text. */
static bool decode_rest(const struct sip_message *message)
{
	const struct sip_header *authorization = sip_message_header(message, SIP_AUTHORIZATION);
	struct sip_credentials credentials;

	return decode_vias(message) && decode_addresses(message, SIP_RECORD_ROUTE) &&
	       decode_addresses(message, SIP_CONTACT) &&
	       (!authorization || sip_credentials_parse(authorization->value, &credentials));
}

static bool parse(struct slice text, bool whole, struct parsed *ret_parsed)
{
	struct parsed parsed = { 0 };
	AUTO(sip_message) struct sip_message *message = NULL;
	struct sip_fault fault;

	if (sip_message_parse(text, &sip_limits_default, &message, &fault) != OK || message->fault.status ||
	    !see(message, &parsed) || (whole && !decode_rest(message)))
		return false;
	*ret_parsed = parsed;
	return true;
}

bool parse_sealine(struct slice text, struct parsed *ret_parsed)
{
	return parse(text, false, ret_parsed);
}

bool parse_sealine_whole(struct slice text, struct parsed *ret_parsed)
{
	return parse(text, true, ret_parsed);
}
