#include "tsx/key.h"

static const struct slice magic_cookie = SLICE_INIT("z9hG4bK");

/* Length and text, so that no choice of texts makes two keys alike. */
static void put_part(struct writer *out, struct slice text)
{
	put_number(out, text.len);
	put_char(out, ':');
	put(out, text);
}

/* "BRANCH METHOD": a branch has no blank in it. */
void put_tsx_client_key(struct writer *out, struct slice branch, struct slice method)
{
	put(out, branch);
	put_char(out, ' ');
	put(out, method);
}

/* "METHOD HOST " and the port in two bytes, then the branch: neither a method nor a host has a blank in it. */
static void put_cookie_key(struct writer *out, const struct sip_via *via, struct slice method)
{
	put(out, method);
	put_char(out, ' ');
	put_lower(out, via->host); /* compared without regard to case (RFC 3261 §19.1.4) */
	put_char(out, ' ');
	put(out, slice_from(&via->port, sizeof via->port));
	put(out, via->branch);
}

/* Without the cookie it begins "LENGTH:", which no method does: it is not like one with. */
void put_tsx_server_key(struct writer *out, const struct sip_message *request, struct slice method)
{
	if (slice_starts(request->via.branch, magic_cookie)) {
		put_cookie_key(out, &request->via, method);
		return;
	}
	put_part(out, method);
	put_part(out, request->uri_text);
	put_part(out, request->from.tag);
	put_part(out, request->call_id);
	put_number(out, request->cseq.number);
	put_char(out, ':');
	put_part(out, request->via.text);
	if (sip_method_of(method) != SIP_INVITE)
		put_part(out, request->to.tag);
}
