#include "parse.h"

#include "sip/fields.h"
#include "sip/message.h"

static bool see_uri(const struct sip_uri *uri, struct parsed *parsed)
{
	parsed->hosts += (unsigned)uri->host.len;
	parsed->ports += uri->port;
	return true;
}

static bool see_vias(const struct sip_message *message, struct parsed *parsed)
{
	struct sip_values it = sip_values_of(message, SIP_VIA);
	struct sip_via via = message->via;
	struct slice value;

	while (sip_values_next(&it, &value)) {
		struct scan in = scan_of(value);

		if (parsed->vias > 0 && !sip_via_scan(&in, &via)) /* the topmost is decoded already */
			return false;
		parsed->vias++;
		parsed->hosts += (unsigned)via.host.len;
		parsed->ports += via.port;
		parsed->branches += (unsigned)via.branch.len;
	}
	return true;
}

static bool see_addresses(const struct sip_message *message, enum sip_header_id id, struct parsed *parsed,
			  unsigned *n)
{
	struct sip_values it = sip_values_of(message, id);
	struct sip_address address;
	struct slice value;

	while (sip_values_next(&it, &value)) {
		if (!sip_address_parse(value, &address))
			return false;
		++*n;
		see_uri(&address.uri, parsed);
	}
	return true;
}

static bool see(const struct sip_message *message, struct parsed *parsed)
{
	see_uri(&message->uri, parsed);
	see_uri(&message->from.uri, parsed);
	see_uri(&message->to.uri, parsed);
	parsed->tags = (unsigned)(message->from.tag.len + message->to.tag.len);
	parsed->call_id = (unsigned)message->call_id.len;
	parsed->cseq = message->cseq.number;
	parsed->max_forwards = (unsigned)message->max_forwards;
	parsed->body = (unsigned)message->body.len;
	parsed->authorizations = sip_message_header(message, SIP_AUTHORIZATION) != NULL;
	return see_vias(message, parsed) && see_addresses(message, SIP_ROUTE, parsed, &parsed->routes) &&
	       see_addresses(message, SIP_RECORD_ROUTE, parsed, &parsed->record_routes) &&
	       see_addresses(message, SIP_CONTACT, parsed, &parsed->contacts);
}

bool parse_sealine(struct slice text, struct parsed *ret_parsed)
{
	struct parsed parsed = { 0 };
	AUTO(sip_message) struct sip_message *message = NULL;
	struct sip_fault fault;

	if (sip_message_parse(text, &sip_limits_default, &message, &fault) != OK || message->fault.status ||
	    !see(message, &parsed))
		return false;
	*ret_parsed = parsed;
	return true;
}
