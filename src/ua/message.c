#include "ua/message.h"

#include "ua/arrival.h"
#include "ua/departure.h"
#include "ua/enclosed.h"
#include "ua/exchange.h"

enum { LINES_MAX = 2048 };

void message_take(struct ua *ua, struct server *server, struct now now)
{
	const struct sip_message *request = server->request;

	ua_reply(ua, server, 200, SLICE(""), now);
	ua_tell(ua, &(struct ua_event){
			    .kind = UA_MESSAGE,
			    .id = ++ua->next_id,
			    .peer = arrival_from(ua, server),
			    .text = request->body,
			    .secure = request->uri.scheme == SIP_SCHEME_SIPS,
			    .protection = arrival_protection(ua, server),
		    });
}

/* -- ours -------------------------------------------------------------------------------------------- */

/*
 * RFC 3261 §23.2: the other side cannot read it as it was. It is tried again with more protection, or to another certificate; never with less
 * unless our user says so.
 */
static bool try_otherwise(struct exchange *exchange, const struct sip_message *response, struct now now)
{
	struct ua *ua = exchange->ua;
	unsigned status = response->status;
	AUTO(chain) struct chain *enclosed = NULL;
	bool may_again;

	if (exchange->is_anonymous || (status != 415 && status != 493 && status != 488))
		return false;
	if (!exchange->is_again)
		enclosed = enclosed_read(ua, response);
	if (exchange->how.is_encrypted)
		may_again = enclosed_is_news(ua, enclosed, exchange->uri, now);
	else
		may_again = !exchange->is_again && (enclosed || enclosed_wants_protection(response));
	if (may_again && departure_again(exchange, TAKE(enclosed), now))
		return true;
	return exchange->how.is_encrypted && departure_ask(exchange, ua_why_of(response), now);
}

static void on_response(struct exchange *exchange, const struct sip_message *response, struct now now)
{
	struct ua_event event = {
		.id = exchange->id,
		.status = response->status,
		.peer = exchange->uri,
		.protection = &exchange->how,
	};

	if (response->status < 200 || try_otherwise(exchange, response, now))
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

static void put_lines(struct writer *out, struct ua *ua, const struct departure_plan *message)
{
	put_ua_identity(out, ua, message->uri, message->is_anonymous);
	put(out, SLICE("Content-Type: text/plain;charset=utf-8\r\n"));
	put_ua_agent(out);
}

enum err message_send(struct ua *ua, const struct departure_plan *message, const struct ua_protection *how,
		      struct now now)
{
	char lines[LINES_MAX];
	struct writer out = writer_of(lines, sizeof lines);
	struct exchange_plan plan = {
		.user = &message_user,
		.id = message->id,
		.method = SIP_MESSAGE,
		.uri = message->uri,
		.body = message->text,
		.protect_for = message->is_protected ? message->uri : SLICE(""),
		.also = message->also,
		.is_again = message->is_again,
		.is_anonymous = message->is_anonymous,
	};
	struct exchange *exchange;

	put_lines(&out, ua, message);
	if (out.overflow)
		return ERR_LIMIT;
	plan.lines = writer_text(&out);
	TRY(exchange_start(ua, &plan, now, &exchange));
	if (!message->is_protected)
		exchange->how = *how;
	return OK;
}

enum err ua_message(struct ua *ua, struct slice uri, struct slice text, struct now now, uint64_t *ret_message)
{
	struct departure_plan plan = { .uri = uri, .text = text, .is_anonymous = ua->is_anonymous };
	struct sip_uri parsed;

	if (!ua_can_reach(uri, &parsed))
		return ERR_SYNTAX;
	if (parsed.scheme == SIP_SCHEME_SIPS && !transport_is_secure(ua->transport))
		return ERR_DENIED;
	if (text.len > UA_MAX_MESSAGE)
		return ERR_LIMIT;
	plan.id = ++ua->next_id;
	TRY(departure_begin(ua, &plan, now));
	*ret_message = plan.id;
	return OK;
}
