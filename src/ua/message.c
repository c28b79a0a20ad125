#include "ua/message.h"

#include "sip/fields.h"
#include "ua/exchange.h"

enum { LINES_MAX = 2048 };

void message_take(struct ua *ua, struct server *server, struct now now)
{
	const struct sip_message *request = server->request;
	struct sip_media_type type;

	if (!sip_media_type_parse(sip_message_value(request, SIP_CONTENT_TYPE), &type) ||
	    !sip_media_type_is(&type, SLICE("text"), SLICE("plain")) ||
	    sip_message_header(request, SIP_CONTENT_ENCODING)) {
		ua_reply(ua, server, 415, SLICE("Accept: text/plain\r\n"), now);
		return;
	}
	ua_reply(ua, server, 200, SLICE(""), now);
	ua_tell(ua, &(struct ua_event){
			    .kind = UA_MESSAGE,
			    .id = ++ua->next_id,
			    .peer = request->from.uri.text,
			    .text = request->body,
			    .secure = request->uri.scheme == SIP_SCHEME_SIPS,
		    });
}

static void on_response(struct exchange *exchange, const struct sip_message *response, struct now now)
{
	struct ua_event event = { .id = exchange->id, .status = response->status };

	(void)now;
	if (response->status < 200)
		return;
	event.kind = response->status < 300 ? UA_MESSAGE_SENT : UA_MESSAGE_FAILED;
	event.cause = response->status < 300 ? UA_CAUSE_NONE : ua_cause_by(response);
	event.text = ua_why_of(response);
	ua_tell(exchange->ua, &event);
}

static void on_failed(struct exchange *exchange, enum ua_cause cause, struct slice why, struct now now)
{
	(void)now;
	ua_tell(exchange->ua,
		&(struct ua_event){
			.kind = UA_MESSAGE_FAILED, .id = exchange->id, .cause = cause, .text = why });
}

static const struct exchange_user message_user = { on_response, on_failed };

static void put_lines(struct writer *out, struct ua *ua, struct slice uri)
{
	struct ua_token call_id = ua_token_make(ua), tag = ua_token_make(ua);

	put(out, SLICE("From: <"));
	put(out, ua->aor);
	put(out, SLICE(">;tag="));
	put(out, ua_token(&tag));
	put(out, SLICE("\r\nTo: <"));
	put(out, uri);
	put(out, SLICE(">\r\n"));
	put_header(out, SIP_CALL_ID, ua_token(&call_id));
	put(out, SLICE("Max-Forwards: 70\r\nContent-Type: text/plain;charset=utf-8\r\n"));
	put_ua_agent(out);
}

enum err ua_message(struct ua *ua, struct slice uri, struct slice text, struct now now, uint64_t *ret_message)
{
	char lines[LINES_MAX];
	struct writer out = writer_of(lines, sizeof lines);
	struct exchange_plan plan = {
		.user = &message_user, .method = SIP_MESSAGE, .uri = uri, .body = text
	};
	struct exchange *exchange;
	struct sip_uri parsed;

	if (!ua_can_reach(uri, &parsed))
		return ERR_SYNTAX;
	if (parsed.scheme == SIP_SCHEME_SIPS && !transport_is_secure(ua->transport))
		return ERR_DENIED;
	if (text.len > UA_MAX_MESSAGE)
		return ERR_LIMIT;
	put_lines(&out, ua, uri);
	if (out.overflow)
		return ERR_LIMIT;
	plan.lines = writer_text(&out);
	plan.id = ++ua->next_id;
	TRY(exchange_start(ua, &plan, now, &exchange));
	*ret_message = plan.id;
	return OK;
}
