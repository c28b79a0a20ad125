#include "proxy/agreement.h"

#include "proxy/peer.h"
#include "sip/build.h"

#define SEC_AGREE SLICE("sec-agree")

/* RFC 3329 §2.3.1: "The server's list MUST NOT depend on the contents of the client's list". */
#define MECHANISMS SLICE("tls")

static bool is_demand(const struct sip_header *header)
{
	return header->id == SIP_REQUIRE || header->id == SIP_PROXY_REQUIRE;
}

/* Takes the first of a list of option-tags. */
static bool take_tag(struct slice *list, struct slice *ret_tag)
{
	size_t comma = slice_find(*list, ',');

	if (!list->len)
		return false;
	*ret_tag = slice_trim(slice_sub(*list, 0, comma));
	*list = slice_sub(*list, comma + 1, list->len);
	return true;
}

static bool has_agreement(struct slice list)
{
	struct slice tag;

	while (take_tag(&list, &tag))
		if (slice_eq_nocase(tag, SEC_AGREE))
			return true;
	return false;
}

static bool is_asked_for(const struct sip_message *request)
{
	return sip_message_lists(request, SIP_REQUIRE, SEC_AGREE) ||
	       sip_message_lists(request, SIP_PROXY_REQUIRE, SEC_AGREE);
}

bool agreement_owns(const struct core *core, const struct sip_header *header)
{
	if (core->server->agreement == AGREEMENT_REFUSED)
		return false;
	return header->id == SIP_SECURITY_CLIENT || header->id == SIP_SECURITY_VERIFY ||
	       (is_demand(header) && has_agreement(header->value));
}

/* "it MUST remove the "sec-agree" value …, and then remove the header fields if no values remain" */
void put_without_agreement(struct writer *out, const struct core *core, const struct sip_message *request)
{
	if (core->server->agreement == AGREEMENT_REFUSED || !is_asked_for(request))
		return;
	for (size_t i = 0; i < request->n_headers; i++) {
		const struct sip_header *header = &request->headers[i];
		struct slice list = header->value, tag;

		if (!is_demand(header) || !has_agreement(list))
			continue;
		while (take_tag(&list, &tag))
			if (!slice_eq_nocase(tag, SEC_AGREE))
				put_header(out, header->id, tag);
	}
}

static size_t count_vias(const struct sip_message *request)
{
	struct sip_values it = sip_values_of(request, SIP_VIA);
	struct slice via;
	size_t n = 0;

	while (sip_values_next(&it, &via))
		n++;
	return n;
}

/* "both lists have to contain the same security mechanisms in the same order"; ours has one, without parameters. */
static bool has_our_list(const struct sip_message *request, struct slice *ret_list)
{
	const struct sip_header *header = sip_message_header(request, SIP_SECURITY_VERIFY);

	*ret_list = header ? slice_trim(header->value) : slice_of(NULL);
	return header && !sip_message_next(request, header) && slice_eq_nocase(*ret_list, MECHANISMS);
}

static bool refuse(enum refused why, struct slice found, struct writer *headers, struct refusal *ret_refusal)
{
	*ret_refusal = proxy_refusals[why];
	ret_refusal->expected = MECHANISMS;
	ret_refusal->found = found;
	if (why != REFUSED_AGREEMENT_HOP) {
		put(headers, SLICE("Security-Server: "));
		put(headers, MECHANISMS);
		put(headers, SLICE("\r\n"));
		put_header(headers, SIP_REQUIRE, SEC_AGREE);
	}
	ret_refusal->headers = writer_text(headers);
	return false;
}

bool agreement_check(const struct core *core, const struct server *server, struct writer *headers,
		     struct refusal *ret_refusal)
{
	const struct sip_message *request = server->request;
	bool is_secure = transport_is_secure(flow_transport(server->flow));
	bool is_asked = is_asked_for(request);
	struct slice list, none = { 0 };

	if (core->server->agreement == AGREEMENT_REFUSED ||
	    (!is_asked && (is_secure || core->server->agreement == AGREEMENT_OFFERED)) ||
	    (!is_asked && peer_is_in_clear(core, server->flow)))
		return true;
	if (count_vias(request) > 1) /* §2.3.2: "the server is not the first-hop SIP entity" */
		return refuse(REFUSED_AGREEMENT_HOP, none, headers, ret_refusal);
	if (!is_secure && (is_asked || sip_message_lists(request, SIP_SUPPORTED, SEC_AGREE)))
		return refuse(REFUSED_AGREEMENT_CLEAR, none, headers, ret_refusal);
	if (!is_secure)
		return refuse(REFUSED_AGREEMENT_LACKING, none, headers, ret_refusal);
	if (has_our_list(request, &list))
		return true;
	return refuse(list.len ? REFUSED_AGREEMENT_ALTERED : REFUSED_AGREEMENT_UNSHOWN, list, headers,
		      ret_refusal);
}
