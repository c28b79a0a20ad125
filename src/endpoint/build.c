/* Requests as they leave: a transaction's own, its ACK, its CANCEL. */
#include "endpoint/state.h"

const struct sip_limits own_limits = {
	.message = 1 << 20,
	.header_area = 1 << 20,
	.headers = 1024,
	.uri = 1 << 16,
	.values = 1024,
	.params = 64,
};

bool via_is_ours(const struct endpoint *endpoint, const struct sip_via *via)
{
	for (int i = 0; i <= TRANSPORT_WS; i++)
		if (slice_eq_nocase(via->transport, transport_name((enum transport_protocol)i)))
			return via->port == endpoint->ports[i] &&
			       slice_eq_nocase(via->host, endpoint->via.host);
	return false;
}

static void put_sent_by(struct writer *out, const struct endpoint *endpoint,
			enum transport_protocol transport)
{
	put(out, endpoint->via.host);
	if (endpoint->ports[transport] == 0)
		return;
	put_char(out, ':');
	put_number(out, endpoint->ports[transport]);
}

void put_outgoing(struct writer *out, const struct endpoint *endpoint, const struct outgoing *outgoing,
		  struct slice branch)
{
	enum transport_protocol transport = flow_transport(outgoing->flow);
	struct slice method = outgoing->method == SIP_METHOD_OTHER ? outgoing->method_name
								   : sip_method_name(outgoing->method);

	put_request_line(out, method, outgoing->uri);
	put(out, SLICE("Via: SIP/2.0/"));
	put(out, transport_name(transport));
	put_char(out, ' ');
	put_sent_by(out, endpoint, transport);
	put(out, SLICE(";branch="));
	put(out, branch);
	if (!transport_is_reliable(transport))
		put(out, SLICE(";rport")); /* RFC 3581 §3 */
	if (outgoing->alias)
		put(out, SLICE(";alias"));
	put(out, SLICE("\r\n"));
	put(out, outgoing->rest);
}

static void put_copies(struct writer *out, const struct sip_message *message, enum sip_header_id id)
{
	for (const struct sip_header *header = sip_message_header(message, id); header;
	     header = sip_message_next(message, header))
		put_header(out, id, header->value);
}

/* What ACK and CANCEL have in common with their INVITE, to its To. */
static void put_related(struct writer *out, const struct sip_message *invite, struct slice method,
			struct slice to)
{
	put_request_line(out, method, invite->uri_text);
	put_header(out, SIP_VIA, invite->via.text); /* "a single Via header field … equal to the top Via" */
	put_copies(out, invite, SIP_ROUTE);
	put(out, SLICE("Max-Forwards: 70\r\n"));
	put_header(out, SIP_FROM, sip_message_value(invite, SIP_FROM));
	put_header(out, SIP_TO, to);
	put_header(out, SIP_CALL_ID, invite->call_id);
	put(out, SLICE("CSeq: "));
	put_number(out, invite->cseq.number);
	put_char(out, ' ');
	put(out, method);
	put(out, SLICE("\r\n"));
}

void put_ack(struct writer *out, const struct sip_message *invite, const struct sip_message *response)
{
	put_related(out, invite, SLICE("ACK"), sip_message_value(response, SIP_TO));
	put_body(out, SLICE(""));
}

void put_cancel(struct writer *out, const struct sip_message *invite, struct slice headers)
{
	put_related(out, invite, SLICE("CANCEL"), sip_message_value(invite, SIP_TO));
	put(out, headers);
	put_body(out, SLICE(""));
}
