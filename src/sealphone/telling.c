#include "sealphone/telling.h"

#include "endpoint/refusal.h"
#include "idn/idn.h"
#include "sealphone/object.h"

const char *show_text(struct shown *shown, struct slice text)
{
	struct writer out = writer_of(shown->text, sizeof shown->text - 1);

	put_escaped(&out, text);
	shown->text[out.len] = '\0';
	return shown->text;
}

const char *show_address(struct shown *shown, struct slice address)
{
	struct writer out = writer_of(shown->text, sizeof shown->text - 1);

	put_escaped(&out, address);
	put_unicode_beside(&out, address);
	shown->text[out.len] = '\0';
	return shown->text;
}

json_t *event_object(const char *name, const struct ua_event *event)
{
	bool is_message = event->kind == UA_MESSAGE || event->kind == UA_MESSAGE_SENT ||
			  event->kind == UA_MESSAGE_FAILED;
	json_t *object = json_pack("{s:s}", "event", name);

	if (event->id != 0)
		object_set(object, is_message ? "id" : "call", json_integer((json_int_t)event->id));
	return object;
}

struct slice event_why(const struct ua_event *event)
{
	struct slice text;

	refusal_code_of(event->text, &text);
	return text;
}

void event_set_cause(json_t *object, const struct ua_event *event)
{
	struct slice text, code = refusal_code_of(event->text, &text);

	object_set(object, "cause", json_string(ua_cause_name(event->cause)));
	if (event->status != 0)
		object_set(object, "status", json_integer(event->status));
	object_set(object, "text", output_string(text));
	if (event->verdict)
		object_set(object, "verdict", object_of_verdict(event->verdict));
	else
		object_set_some(object, "code", code);
}

static const char *const ended_texts[] = {
	[UA_HUNG_UP] = "The call is over",
	[UA_HUNG_UP_THERE] = "The call is over",
	[UA_MOVED] = "The call has moved",
	[UA_BUSY] = "Busy",
	[UA_DECLINED] = "Declined",
	[UA_NO_ANSWER] = "No answer",
	[UA_CANCELLED] = "Cancelled",
	[UA_UNKNOWN_USER] = "There is no such user",
	[UA_UNAVAILABLE] = "The other side cannot be reached now",
	[UA_WRONG_PASSWORD] = "The password is wrong",
	[UA_NOT_AUTHENTIC] = "The server asked for what it has no right to",
	[UA_CERTIFICATE] = "The server is not who it should be",
	[UA_BOGUS_DNS] = "The DNS is not to be trusted",
	[UA_NOT_SECURE] = "The call cannot be had securely, and was not made otherwise",
	[UA_NOT_ACCEPTABLE] = "The two phones have nothing in common",
	[UA_SERVER_GONE] = "The server is gone",
	[UA_TIMEOUT] = "Nobody answered the request",
	[UA_REFUSED] = "Refused",
	[UA_FAILED] = "The call failed",
};

const char *event_what(enum ua_cause cause)
{
	return ended_texts[cause];
}

/* What to do about it, where no verdict says so. */
static const char *const remedies[UA_FAILED + 1] = {
	[UA_WRONG_PASSWORD] = "see whether address and password are right, or have the password set anew",
	[UA_NOT_AUTHENTIC] =
		"do not trust this server with the password before its administrator has explained that",
	[UA_SERVER_GONE] = "see whether the server runs, and name it with --server if it is elsewhere",
	[UA_TIMEOUT] = "see whether that is the address of a SIP server",
};

static void put_remedy(struct writer *out, const struct ua_event *event)
{
	if (event->verdict && event->verdict->remedy) {
		put(out, SLICE("; "));
		put_verdict_remedy(out, event->verdict);
	} else if (event->retry_in == 0 && remedies[event->cause]) {
		put(out, SLICE("; "));
		put(out, slice_of(remedies[event->cause]));
	}
}

void event_show_error(struct phone *phone, const struct ua_event *event, const char *what)
{
	json_t *object = json_pack("{s:s}", "event", "error");
	struct shown why;
	char remedy[EVENT_TEXT_MAX];
	struct writer advice = writer_of(remedy, sizeof remedy);

	event_set_cause(object, event);
	put_remedy(&advice, event);
	if (event->retry_in != 0)
		object_set(object, "retry_ms", json_integer((json_int_t)event->retry_in));
	if (event->retry_in != 0)
		output_say(&phone->output, object, "%s: %s%.*s. Next try in %.0f s.", what,
			   show_text(&why, event_why(event)), SLICE_FMT(writer_text(&advice)),
			   (double)(event->retry_in + 999) / 1000);
	else
		output_say(&phone->output, object, "%s: %s%.*s.", what, show_text(&why, event_why(event)),
			   SLICE_FMT(writer_text(&advice)));
}

void event_show_line(struct phone *phone, const char *what, struct slice text)
{
	if (!phone->output.json)
		output_say(&phone->output, NULL, "  %s%.*s", what, SLICE_FMT(text));
}
