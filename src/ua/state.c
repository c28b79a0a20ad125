#include "ua/state.h"

#include "sip/lex.h"

struct ua_token ua_token_make(struct ua *ua)
{
	struct ua_token token;
	uint8_t bytes[UA_TOKEN_SIZE / 4 * 3];
	struct writer out = writer_of(token.text, sizeof token.text);

	random_bytes(endpoint_random(ua->endpoint), bytes, sizeof bytes);
	put_base64url(&out, bytes, sizeof bytes);
	return token;
}

void ua_set_timer(struct ua *ua, struct timer *timer, enum ua_timer kind, ms_t due)
{
	timer->kind = (int)kind;
	if (timers_set(endpoint_timers(ua->endpoint), timer, due) != OK)
		ua->events.lost = true;
}

void ua_clear_timer(struct ua *ua, struct timer *timer)
{
	timers_clear(endpoint_timers(ua->endpoint), timer);
}

void ua_tell(struct ua *ua, const struct ua_event *event)
{
	ua_queue_put(&ua->events, event);
}

static void put_contact(struct writer *out, const struct ua *ua, struct slice user, bool sips)
{
	put(out, sips ? SLICE("<sips:") : SLICE("<sip:"));
	put(out, user);
	put_char(out, '@');
	put_address(out, &ua->local);
	if (ua->transport ==
	    TRANSPORT_TCP) /* RFC 5630 §5.1.1: "UAs MUST NOT use the "transport=tls" parameter" */
		put(out, SLICE(";transport=tcp"));
	put_char(out, '>');
}

void put_ua_contact(struct writer *out, const struct ua *ua, bool sips)
{
	put_contact(out, ua, ua->user, sips);
}

void put_ua_contact_of_nobody(struct writer *out, const struct ua *ua, bool sips)
{
	put_contact(out, ua, SLICE(UA_NOBODY), sips);
}

void put_ua_from(struct writer *out, const struct ua *ua, bool is_anonymous)
{
	if (is_anonymous) {
		put(out, SLICE("\"Anonymous\" <sip:" UA_NOBODY "@anonymous.invalid>"));
		return;
	}
	put_char(out, '<');
	put(out, ua->aor);
	put_char(out, '>');
}

void put_ua_privacy(struct writer *out, bool is_anonymous)
{
	if (is_anonymous)
		put(out, SLICE("Privacy: id\r\n"));
}

void put_ua_abilities(struct writer *out, bool reliable)
{
	put(out, SLICE("Allow: " UA_ALLOW "\r\nSupported: timer, outbound, replaces, norefersub"));
	put(out, reliable ? SLICE(", 100rel\r\n") : SLICE("\r\n"));
}

void put_ua_identity(struct writer *out, struct ua *ua, struct slice to, bool is_anonymous)
{
	struct ua_token call_id = ua_token_make(ua), tag = ua_token_make(ua);

	put(out, SLICE("From: "));
	put_ua_from(out, ua, is_anonymous);
	put(out, SLICE(";tag="));
	put(out, ua_token(&tag));
	put(out, SLICE("\r\nTo: <"));
	put(out, to);
	put(out, SLICE(">\r\n"));
	put_header(out, SIP_CALL_ID, ua_token(&call_id));
	put(out, SLICE("Max-Forwards: 70\r\n"));
	put_ua_privacy(out, is_anonymous);
}

void put_ua_agent(struct writer *out)
{
	put(out, SLICE("User-Agent: sealphone\r\n"));
}

void put_ua_line(struct writer *out, struct slice name, uint64_t number)
{
	put(out, name);
	put(out, SLICE(": "));
	put_number(out, number);
	put(out, SLICE("\r\n"));
}

void put_ua_warning(struct writer *out, unsigned code, struct slice text)
{
	put(out, SLICE("Warning: "));
	put_number(out, code);
	put(out, SLICE(" sealphone "));
	put_quoted(out, text);
	put(out, SLICE("\r\n"));
}

void ua_reply(struct ua *ua, struct server *server, unsigned status, struct slice headers, struct now now)
{
	const struct sip_reply reply = { .status = status, .headers = headers };

	endpoint_respond(ua->endpoint, server, &reply, now);
}

void ua_refuse(struct ua *ua, struct server *server, const struct ua_fault *fault, struct now now)
{
	char line[512];
	struct writer out = writer_of(line, sizeof line);

	put_ua_warning(&out, fault->warning, fault->text);
	ua_reply(ua, server, fault->status, out.overflow ? SLICE("") : writer_text(&out), now);
}

enum ua_cause ua_cause_of(unsigned status)
{
	switch (status) {
	case 404:
	case 410:
	case 604: return UA_UNKNOWN_USER;
	case 408: return UA_NO_ANSWER;
	case 415:
	case 488:
	case 606: return UA_NOT_ACCEPTABLE;
	case 480: return UA_UNAVAILABLE;
	case 486:
	case 600: return UA_BUSY;
	case 487: return UA_CANCELLED;
	case 603: return UA_DECLINED;
	default: return UA_REFUSED;
	}
}

enum ua_cause ua_cause_by(const struct sip_message *response)
{
	if (response->status == 480 && slice_starts(sip_message_value(response, SIP_WARNING), SLICE("380 ")))
		return UA_NOT_SECURE;
	return ua_cause_of(response->status);
}

bool ua_may_pass(unsigned status)
{
	return status == 408 || (status >= 500 && status < 600);
}

/* warning-value = warn-code SP warn-agent SP warn-text, the last a quoted-string (RFC 3261 §20.43) */
struct slice ua_why_of(const struct sip_message *response)
{
	struct slice warning = sip_message_value(response, SIP_WARNING);
	struct scan in = scan_of(slice_sub(warning, slice_find(warning, '"'), warning.len));
	struct slice text;

	return scan_quoted(&in, &text) ? lex_unquoted(text) : response->reason;
}

bool ua_can_reach(struct slice text, struct sip_uri *ret_uri)
{
	return sip_uri_parse(text, ret_uri) && ret_uri->headers.len == 0 &&
	       (ret_uri->scheme == SIP_SCHEME_SIP || ret_uri->scheme == SIP_SCHEME_SIPS);
}
