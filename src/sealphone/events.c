/* What the user agent tells, shown to whom it concerns, and what follows from it. */
#include "auth/response.h"
#include "sealphone/object.h"
#include "sealphone/smime.h"
#include "sealphone/telling.h"

/* -- the account ------------------------------------------------------------------------------------- */

static bool is_once(const struct phone *phone)
{
	return phone->options->command == COMMAND_CALL || phone->options->command == COMMAND_MESSAGE;
}

static json_t *string_of_address(const struct address *address)
{
	char text[64];
	struct writer out = writer_of(text, sizeof text);

	put_address(&out, address);
	return output_string(writer_text(&out));
}

static void on_connected(struct phone *phone, const struct ua_event *event, struct now now)
{
	json_t *object = event_object("connected", event);
	struct locate_target place;
	struct flow_view hop;

	(void)now;
	if (ua_place(phone->ua, &place)) {
		object_set(object, "server", output_string(place.host));
		object_set(object, "dnssec", json_string(place.is_secure ? "secure" : "unsigned"));
	}
	if (ua_first_hop(phone->ua, &hop)) {
		object_set(object, "tls", output_string(hop.tls_version));
		object_set(object, "cipher", output_string(hop.tls_cipher));
		object_set(object, "verified", output_string(hop.verified));
		object_set(object, "address", string_of_address(&hop.peer));
	}
	output_say(&phone->output, object, "%s", "");
}

static void on_disconnected(struct phone *phone, const struct ua_event *event, struct now now)
{
	bool never = !phone->was_registered;
	bool is_end = never && (event->cause == UA_CERTIFICATE || is_once(phone));
	struct ua_event told = *event;

	phone->is_away = true;
	if (is_end)
		told.retry_in = 0;
	event_show_error(phone, &told,
			 event->cause == UA_CERTIFICATE ? "The server is not who it should be"
			 : never                        ? "The server is not reached"
							: "The server is gone");
	if (is_end)
		phone_finish(phone, exit_code_of(event->cause), now);
}

static void begin_command(struct phone *phone, struct now now)
{
	const struct options *options = phone->options;

	switch (options->command) {
	case COMMAND_CALL: phone_call(phone, options->uri, now); break;
	case COMMAND_MESSAGE: phone_message(phone, options->uri, options->text, now); break;
	case COMMAND_WATCH: phone_watch(phone, options->uri, options->text, now); break;
	default: break;
	}
	/* A call counts from when it is answered, a message ends by itself. */
	if (options->command != COMMAND_CALL && options->command != COMMAND_MESSAGE && options->duration != 0)
		phone->end_at = now.mono + options->duration;
}

static void on_registered(struct phone *phone, const struct ua_event *event, struct now now)
{
	json_t *object = event_object("registered", event);
	bool is_first = !phone->was_registered;
	struct slice aor = phone->options->aor;
	struct shown shown;

	object_set(object, "aor", output_string(aor));
	object_set(object, "expires", json_integer(event->seconds));
	output_say(&phone->output, object,
		   phone->is_away && !is_first ? "The server is back; registered as %s."
					       : "Registered as %s.",
		   show_address(&shown, aor));
	phone->was_registered = true;
	phone->is_away = false;
	if (is_first) {
		phone_enrol(phone, now);
		begin_command(phone, now);
	}
}

static void on_registration_failed(struct phone *phone, const struct ua_event *event, struct now now)
{
	event_show_error(phone, event,
			 event->cause == UA_WRONG_PASSWORD
				 ? "The password is wrong, or there is no such account"
				 : "The registration failed");
	if (event->retry_in == 0)
		phone_finish(phone, exit_code_of(event->cause), now);
}

static void on_stopped(struct phone *phone, const struct ua_event *event, struct now now)
{
	(void)event, (void)now;
	phone->has_stopped = true;
}

static void on_algorithm(struct phone *phone, const struct ua_event *event, struct now now)
{
	bool session;

	(void)now;
	if (auth_algorithm_parse(event->text, &phone->memory.least, &session) && !memory_save(&phone->memory))
		output_say(&phone->output, NULL, "%s", ""); /* it said why itself; without it we ask again */
}

static void on_proven(struct phone *phone, const struct ua_event *event, struct now now)
{
	(void)event, (void)now;
	phone->memory.was_proven = true;
	if (!memory_save(&phone->memory))
		output_say(&phone->output, NULL, "%s", ""); /* it said why itself */
}

static void on_no_memory(struct phone *phone, const struct ua_event *event, struct now now)
{
	(void)now;
	output_say(&phone->output, event_object("error", event),
		   "There was not enough memory to go on as before.");
}

/* -- what is watched -------------------------------------------------------------------------------------- */

static void on_notified(struct phone *phone, const struct ua_event *event, struct now now)
{
	json_t *object = json_pack("{s:s, s:I}", "event", "notified", "id", (json_int_t)event->id);
	struct shown peer, state;
	char text[OUTPUT_LINE_MAX / 2];
	struct writer out = writer_of(text, sizeof text);

	(void)now;
	object_set(object, "of", output_string(event->peer));
	object_set(object, "state", output_string(event->state));
	object_set(object, "expires", json_integer(event->seconds));
	object_set(object, "text", output_string(event->text));
	put_escaped(&out, event->text);
	output_say(&phone->output, object, "%s (%s): %.*s%s", show_address(&peer, event->peer),
		   show_text(&state, event->state), SLICE_FMT(writer_text(&out)),
		   out.overflow ? " (cut off)" : "");
}

static void on_watch_ended(struct phone *phone, const struct ua_event *event, struct now now)
{
	json_t *object = json_pack("{s:s, s:I}", "event", "watch-ended", "id", (json_int_t)event->id);
	struct shown why;

	event_set_cause(object, event);
	output_say(&phone->output, object, "Nothing is watched any more: %s (%s).", event_what(event->cause),
		   show_text(&why, event->text));
	if (event->id == phone->watch)
		phone->watch = 0;
	if (phone->options->command == COMMAND_WATCH)
		phone_finish(phone, exit_code_of(event->cause), now);
}

/* -- messages ---------------------------------------------------------------------------------------- */

static void on_message(struct phone *phone, const struct ua_event *event, struct now now)
{
	json_t *object = event_object("message", event);
	struct shown peer;
	char text[OUTPUT_LINE_MAX / 2], line[EVENT_TEXT_MAX];
	struct writer out = writer_of(text, sizeof text), end_to_end = writer_of(line, sizeof line);

	(void)now;
	object_set(object, "from", output_string(event->peer));
	object_set(object, "text", output_string(event->text));
	object_set(object, "secure", json_boolean(event->secure));
	object_set(object, "smime", smime_object(event->protection));
	put_escaped(&out, event->text);
	put_smime_theirs(&end_to_end, event->protection);
	output_say(&phone->output, object, "Message from %s%s: %.*s%s",
		   event->protection && event->protection->is_believed ? "" : "somebody who claims to be ",
		   show_address(&peer, event->peer), SLICE_FMT(writer_text(&out)),
		   out.overflow ? " (cut off)" : "");
	event_show_line(phone, "from end to end: ", writer_text(&end_to_end));
	smime_show_notes(&phone->output, event->protection);
}

static void on_message_sent(struct phone *phone, const struct ua_event *event, struct now now)
{
	json_t *object = event_object("message-sent", event);
	char line[EVENT_TEXT_MAX];
	struct writer end_to_end = writer_of(line, sizeof line);

	object_set(object, "smime", smime_object(event->protection));
	put_smime_ours(&end_to_end, event->protection);
	output_say(&phone->output, object, "The message has arrived.");
	event_show_line(phone, "from end to end: ", writer_text(&end_to_end));
	if (event->id == phone->message)
		phone_finish(phone, EXIT_OK, now);
}

static void on_message_failed(struct phone *phone, const struct ua_event *event, struct now now)
{
	json_t *object = event_object("message-failed", event);
	struct shown why;

	event_set_cause(object, event);
	if (event->protection)
		object_set(object, "smime", smime_object(event->protection));
	output_say(&phone->output, object, "The message has not arrived: %s (%s).", event_what(event->cause),
		   show_text(&why, event_why(event)));
	if (event->id == phone->message)
		phone_finish(phone, exit_code_of(event->cause), now);
}

/* -- protection from end to end ------------------------------------------------------------------------- */

static void on_not_taken(struct phone *phone, const struct ua_event *event, struct now now)
{
	json_t *object = event_object("not-taken", event);
	struct shown peer, method, why;

	(void)now;
	object_set(object, "from", output_string(event->peer));
	object_set(object, "method", output_string(event->state));
	event_set_cause(object, event);
	object_set(object, "smime", smime_object(event->protection));
	output_say(
		&phone->output, object,
		"A request (%s) of somebody who claims to be %s was refused, and nothing of it is shown: %s.",
		show_text(&method, event->state), show_address(&peer, event->peer),
		show_text(&why, event->text));
	smime_show_notes(&phone->output, event->protection);
}

/* Less protection than there could be takes a person's word; where nobody can be asked, that is a no. */
static void on_in_clear(struct phone *phone, const struct ua_event *event, struct now now)
{
	bool can_ask = phone->options->command == COMMAND_NONE && !phone->options->auto_answer;
	json_t *object = json_pack("{s:s, s:I}", "event", "in-clear", "id", (json_int_t)event->id);
	struct shown peer, why;

	object_set(object, "to", output_string(event->peer));
	object_set(object, "text", output_string(event->text));
	object_set(object, "asks", json_boolean(can_ask));
	output_say(&phone->output, object, "It cannot be protected on the way to %s: %s. %s",
		   show_address(&peer, event->peer), show_text(&why, event->text),
		   can_ask ? "May it go without? accept or refuse"
			   : "Without a person's word it does not go.");
	if (can_ask)
		phone->in_clear = event->id;
	else if (ua_in_clear(phone->ua, event->id, false, now) != OK)
		return; /* it is over already */
}

static void (*const handlers[])(struct phone *phone, const struct ua_event *event, struct now now) = {
	[UA_CONNECTED] = on_connected,       [UA_DISCONNECTED] = on_disconnected,
	[UA_REGISTERED] = on_registered,     [UA_REGISTRATION_FAILED] = on_registration_failed,
	[UA_STOPPED] = on_stopped,           [UA_NOTIFIED] = on_notified,
	[UA_WATCH_ENDED] = on_watch_ended,   [UA_MESSAGE] = on_message,
	[UA_MESSAGE_SENT] = on_message_sent, [UA_MESSAGE_FAILED] = on_message_failed,
	[UA_NOT_TAKEN] = on_not_taken,       [UA_IN_CLEAR] = on_in_clear,
	[UA_ALGORITHM] = on_algorithm,       [UA_PROVEN] = on_proven,
	[UA_NO_MEMORY] = on_no_memory,
};

bool phone_take_events(struct phone *phone, struct now now)
{
	struct ua_event event;
	bool any = false;

	while (ua_next_event(phone->ua, &event)) {
		if (!phone_take_certificate(phone, &event) && !phone_take_call_event(phone, &event, now))
			handlers[event.kind](phone, &event, now);
		sdp_media_wipe(&event.media);
		any = true;
	}
	return any;
}
