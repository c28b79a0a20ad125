#include "tsx/key.h"

static const struct slice magic_cookie = SLICE_INIT("z9hG4bK");

/* Length and text, so that no choice of texts makes two keys alike. */
static void put_part(struct writer *out, struct slice text)
{
	put_number(out, text.len);
	put_char(out, ':');
	put(out, text);
}

/* Hosts are compared without regard to case (RFC 3261 §19.1.4). */
static void put_host_part(struct writer *out, struct slice host)
{
	put_number(out, host.len);
	put_char(out, ':');
	put_lower(out, host);
}

void put_tsx_client_key(struct writer *out, struct slice branch, struct slice method)
{
	put_part(out, method);
	put(out, branch);
}

void put_tsx_server_key(struct writer *out, const struct sip_message *request, struct slice method)
{
	put_part(out, method);
	if (slice_starts(request->via.branch, magic_cookie)) {
		put_host_part(out, request->via.host);
		put_number(out, request->via.port);
		put_char(out, ':');
		put(out, request->via.branch);
		return;
	}
	put_part(out, request->uri_text);
	put_part(out, request->from.tag);
	put_part(out, request->call_id);
	put_number(out, request->cseq.number);
	put_char(out, ':');
	put_part(out, request->via.text);
	if (sip_method_of(method) != SIP_INVITE)
		put_part(out, request->to.tag);
}
