/* What the user agent tells, shown to whom it concerns, and what follows from it. */
#include "auth/response.h"
#include "endpoint/refusal.h"
#include "idn/idn.h"
#include "sealphone/audio.h"
#include "sealphone/object.h"
#include "sealphone/phone.h"
#include "sealphone/report.h"
#include "sealphone/smime.h"

enum { TEXT_MAX = 2048 };

/* Text from others as a C string that may be printed. */
struct shown {
	char text[TEXT_MAX];
};

static const char *show(struct shown *shown, struct slice text)
{
	struct writer out = writer_of(shown->text, sizeof shown->text - 1);

	put_escaped(&out, text);
	shown->text[out.len] = '\0';
	return shown->text;
}

/* The same of an address, with its domain in letters beside it where it is internationalised. */
static const char *show_address(struct shown *shown, struct slice address)
{
	struct writer out = writer_of(shown->text, sizeof shown->text - 1);

	put_escaped(&out, address);
	put_unicode_beside(&out, address);
	shown->text[out.len] = '\0';
	return shown->text;
}

/* The object that each event begins with. */
static json_t *event_of(const char *name, const struct ua_event *event)
{
	bool is_message = event->kind == UA_MESSAGE || event->kind == UA_MESSAGE_SENT ||
			  event->kind == UA_MESSAGE_FAILED;
	json_t *object = json_pack("{s:s}", "event", name);

	if (event->id != 0)
		object_set(object, is_message ? "id" : "call", json_integer((json_int_t)event->id));
	return object;
}

/* Why, in words; a server of our make ends them with the code of its verdict. */
static struct slice why_of(const struct ua_event *event)
{
	struct slice text;

	refusal_code_of(event->text, &text);
	return text;
}

static void set_cause(json_t *object, const struct ua_event *event)
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

static void show_error(struct phone *phone, const struct ua_event *event, const char *what)
{
	json_t *object = json_pack("{s:s}", "event", "error");
	struct shown why;
	char remedy[TEXT_MAX];
	struct writer advice = writer_of(remedy, sizeof remedy);

	set_cause(object, event);
	put_remedy(&advice, event);
	if (event->retry_in != 0)
		object_set(object, "retry_ms", json_integer((json_int_t)event->retry_in));
	if (event->retry_in != 0)
		output_say(&phone->output, object, "%s: %s%.*s. Next try in %.0f s.", what,
			   show(&why, why_of(event)), SLICE_FMT(writer_text(&advice)),
			   (double)(event->retry_in + 999) / 1000);
	else
		output_say(&phone->output, object, "%s: %s%.*s.", what, show(&why, why_of(event)),
			   SLICE_FMT(writer_text(&advice)));
}

/* Below what people are told; machines have it in the object. */
static void show_line(struct phone *phone, const char *what, struct slice text)
{
	if (!phone->output.json)
		output_say(&phone->output, NULL, "  %s%.*s", what, SLICE_FMT(text));
}

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
	json_t *object = event_of("connected", event);
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
	show_error(phone, &told,
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
	json_t *object = event_of("registered", event);
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
	show_error(phone, event,
		   event->cause == UA_WRONG_PASSWORD ? "The password is wrong, or there is no such account"
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
	output_say(&phone->output, event_of("error", event),
		   "There was not enough memory to go on as before.");
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

/* -- calls ------------------------------------------------------------------------------------------- */

/* A call that is to take another one's place (RFC 3891). */
static void on_replacing(struct phone *phone, const struct ua_event *event, struct now now)
{
	if (event->consented) {
		phone_replace(phone, event->id, event->other, now);
		return;
	}
	phone->asking = event->id;
	phone->replaced = event->other;
	output_say(&phone->output, json_pack("{s:s, s:I}", "event", "consent", "call", (json_int_t)event->id),
		   "May it take the other call's place? accept or refuse");
}

static void on_referred(struct phone *phone, const struct ua_event *event, struct now now)
{
	json_t *object = event_of("referred", event);
	struct shown peer, target;

	object_set(object, "from", output_string(event->peer));
	object_set(object, "target", output_string(event->text));
	output_say(&phone->output, object, "The other side, who claims to be %s, wants us to call %s%s",
		   show_address(&peer, event->peer), show_address(&target, event->text),
		   event->consented ? "." : "; accept or refuse");
	if (event->consented) {
		phone_follow(phone, event->id, now);
		return;
	}
	phone->asking = event->id;
	output_say(&phone->output, json_pack("{s:s, s:I}", "event", "consent", "call", (json_int_t)event->id),
		   "%s", "");
}

static void on_transfer(struct phone *phone, const struct ua_event *event, struct now now)
{
	json_t *object = event_of("transfer", event);
	struct shown why;

	(void)now;
	object_set(object, "status", json_integer(event->status));
	object_set(object, "text", output_string(event->text));
	output_say(&phone->output, object, "The transfer is on its way (%u %s).", event->status,
		   show(&why, event->text));
}

static void on_transferred(struct phone *phone, const struct ua_event *event, struct now now)
{
	(void)now;
	output_say(&phone->output, event_of("transferred", event), "The other side was transferred.");
}

static void on_transfer_failed(struct phone *phone, const struct ua_event *event, struct now now)
{
	json_t *object = event_of("transfer-failed", event);
	struct shown why;

	(void)now;
	set_cause(object, event);
	output_say(&phone->output, object, "The other side was not transferred: %s (%s).",
		   ended_texts[event->cause], show(&why, event->text));
}

static void on_incoming(struct phone *phone, const struct ua_event *event, struct now now)
{
	const struct options *options = phone->options;
	json_t *object = event_of("incoming", event);
	bool answers = options->command == COMMAND_ANSWER || options->auto_answer;
	struct shown peer;

	object_set(object, "from", output_string(event->peer));
	object_set(object, "secure", json_boolean(event->secure));
	if (event->protection)
		object_set(object, "smime", smime_object(event->protection));
	if (event->other != 0)
		object_set(object, "replaces", json_integer((json_int_t)event->other));
	output_say(&phone->output, object, "A call from %s%s%s.",
		   event->protection && event->protection->is_believed ? "" : "somebody who claims to be ",
		   show_address(&peer, event->peer),
		   event->other != 0 ? ", in the place of another call"
		   : answers         ? ""
				     : "; answer or reject");
	if (event->other != 0) {
		on_replacing(phone, event, now);
		return;
	}
	if (phone->current != 0 || (options->command != COMMAND_NONE && !answers)) {
		if (ua_reject(phone->ua, event->id, 486, now) != OK)
			return; /* it is over already */
		return;
	}
	phone->current = event->id;
	if (answers)
		phone_answer(phone, event->id, now);
}

static void on_incoming_refused(struct phone *phone, const struct ua_event *event, struct now now)
{
	json_t *object = event_of("incoming-refused", event);
	struct shown peer, why;

	(void)now;
	object_set(object, "from", output_string(event->peer));
	set_cause(object, event);
	if (event->protection)
		object_set(object, "smime", smime_object(event->protection));
	output_say(&phone->output, object, "A call from somebody who claims to be %s was refused: %s.",
		   show_address(&peer, event->peer), show(&why, why_of(event)));
	smime_show_notes(&phone->output, event->protection);
}

/* Media before the answer: of a file, which is said once, whoever has not answered hears nothing. */
static void agree_early(struct phone *phone, const struct ua_event *event)
{
	struct sdp_media media = event->media;
	struct ua_call_view call;

	if (phone->options->devices.source.kind == MEDIA_DEVICE_FILE &&
	    ua_call_view(phone->ua, event->id, &call))
		media.on_hold = !call.incoming;
	audio_agree(phone, event->id, &media);
	sdp_media_wipe(&media);
}

static void on_ringing(struct phone *phone, const struct ua_event *event, struct now now)
{
	(void)now;
	output_say(&phone->output, event_of("ringing", event), "It rings there.");
	if (event->has_media && !phone->is_following)
		agree_early(phone, event);
}

static void on_progress(struct phone *phone, const struct ua_event *event, struct now now)
{
	json_t *object = event_of("progress", event);

	(void)now;
	if (event->status != 0)
		object_set(object, "status", json_integer(event->status));
	output_say(&phone->output, object, "The call proceeds.");
	if (event->has_media && !phone->is_following)
		agree_early(phone, event);
}

static json_t *established_object(const struct ua_event *event, const struct security_report *report,
				  const struct ua_call_view *call)
{
	json_t *object = event_of("established", event), *lines = json_array();

	for (size_t i = 0; i < report->n; i++)
		json_array_append_new(lines, output_string(report->lines[i]));
	object_set(object, "peer", output_string(event->peer));
	object_set(object, "secure", json_boolean(event->secure));
	object_set(object, "tls", output_string(report->tls));
	object_set(object, "cipher", output_string(report->cipher));
	object_set(object, "verified", output_string(report->verified));
	object_set(object, "beyond", output_string(report->beyond));
	object_set(object, "dnssec", output_string(report->dnssec));
	object_set(object, "srtp", output_string(report->srtp));
	object_set(object, "codec", output_string(report->codec));
	object_set(object, "sealed", json_boolean(call->sealed));
	object_set(object, "smime", smime_object(call->theirs));
	object_set(object, "smime_sent", smime_object(call->ours));
	object_set(object, "report", lines);
	return object;
}

static void on_established(struct phone *phone, const struct ua_event *event, struct now now)
{
	const struct options *options = phone->options;
	struct ua_call_view call;
	struct security_report report;
	struct shown peer;

	if (!ua_call_view(phone->ua, event->id, &call))
		return; /* and ended already */
	report_make(&report, phone->ua, &call, &event->media);
	output_say(&phone->output, established_object(event, &report, &call), "The call with %s stands.",
		   show_address(&peer, event->peer));
	if (!phone->output.json)
		for (size_t i = 0; i < report.n; i++)
			output_say(&phone->output, NULL, "  %.*s", SLICE_FMT(report.lines[i]));
	smime_show_notes(&phone->output, call.theirs);
	if (phone->is_following && event->id == phone->current) {
		audio_end(phone, phone->aside); /* what it plays and records goes on in the new call */
		ua_hangup(phone->ua, phone->aside, now);
		phone->is_following = false;
	}
	audio_agree(phone, event->id, &event->media);
	if (options->command == COMMAND_CALL && options->duration != 0)
		phone->end_at = now.mono + options->duration;
}

static void on_media(struct phone *phone, const struct ua_event *event, struct now now)
{
	json_t *object = event_of("media", event);
	struct slice direction = sdp_direction_name(event->media.direction);
	struct ua_call_view call = { .on_hold = false };

	(void)now;
	if (!ua_call_view(phone->ua, event->id, &call))
		call.on_hold = false;
	object_set(object, "state", json_string("changed"));
	object_set(object, "direction", output_string(direction));
	object_set(object, "held", json_boolean(event->media.remote_on_hold));
	object_set(object, "on_hold", json_boolean(call.on_hold));
	output_say(&phone->output, object, "%s",
		   event->media.remote_on_hold ? "The other side has put us on hold."
		   : call.on_hold              ? "The other side is on hold."
					       : "The call goes on.");
	audio_agree(phone, event->id, &event->media);
}

static void on_media_refused(struct phone *phone, const struct ua_event *event, struct now now)
{
	(void)now;
	show_error(phone, event, "The change was not accepted");
}

static void on_ended(struct phone *phone, const struct ua_event *event, struct now now)
{
	json_t *object = event_of("ended", event);
	enum exit_code code = exit_code_of(event->cause);
	struct shown why;

	set_cause(object, event);
	object_set(object, "seconds", json_integer(event->seconds));
	if (event->protection)
		object_set(object, "smime", smime_object(event->protection));
	output_say(&phone->output, object, "%s (%s).", ended_texts[event->cause], show(&why, why_of(event)));
	if (event->protection && event->protection->is_broken) {
		char line[TEXT_MAX];
		struct writer end_to_end = writer_of(line, sizeof line);

		put_smime_theirs(&end_to_end, event->protection);
		show_line(phone, "from end to end: ", writer_text(&end_to_end));
		smime_show_notes(&phone->output, event->protection);
	}
	audio_end(phone, event->id);
	if (event->id == phone->aside) {
		phone->aside = 0;
		phone->is_following = false;
	}
	if (event->id != phone->current)
		return;
	phone->current = phone->aside;
	phone->aside = 0;
	phone->is_following = false;
	if (phone->current != 0) {
		output_say(&phone->output, NULL, "The other call is still there.");
		return;
	}
	if (phone->options->command != COMMAND_CALL)
		return;
	if (code == EXIT_OK && phone->is_away)
		code = EXIT_NETWORK; /* the other side could not be told yet */
	phone_finish(phone, code, now);
}

static void on_refer_refused(struct phone *phone, const struct ua_event *event, struct now now)
{
	json_t *object = event_of("refer-refused", event);
	struct shown peer, target;

	(void)now;
	object_set(object, "from", output_string(event->peer));
	object_set(object, "target", output_string(event->text));
	output_say(&phone->output, object, "Somebody who claims to be %s wanted us to call %s; we refused.",
		   show_address(&peer, event->peer), show_address(&target, event->text));
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
		   show(&state, event->state), SLICE_FMT(writer_text(&out)),
		   out.overflow ? " (cut off)" : "");
}

static void on_watch_ended(struct phone *phone, const struct ua_event *event, struct now now)
{
	json_t *object = json_pack("{s:s, s:I}", "event", "watch-ended", "id", (json_int_t)event->id);
	struct shown why;

	set_cause(object, event);
	output_say(&phone->output, object, "Nothing is watched any more: %s (%s).", ended_texts[event->cause],
		   show(&why, event->text));
	if (event->id == phone->watch)
		phone->watch = 0;
	if (phone->options->command == COMMAND_WATCH)
		phone_finish(phone, exit_code_of(event->cause), now);
}

/* -- messages ---------------------------------------------------------------------------------------- */

static void on_message(struct phone *phone, const struct ua_event *event, struct now now)
{
	json_t *object = event_of("message", event);
	struct shown peer;
	char text[OUTPUT_LINE_MAX / 2], line[TEXT_MAX];
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
	show_line(phone, "from end to end: ", writer_text(&end_to_end));
	smime_show_notes(&phone->output, event->protection);
}

static void on_message_sent(struct phone *phone, const struct ua_event *event, struct now now)
{
	json_t *object = event_of("message-sent", event);
	char line[TEXT_MAX];
	struct writer end_to_end = writer_of(line, sizeof line);

	object_set(object, "smime", smime_object(event->protection));
	put_smime_ours(&end_to_end, event->protection);
	output_say(&phone->output, object, "The message has arrived.");
	show_line(phone, "from end to end: ", writer_text(&end_to_end));
	if (event->id == phone->message)
		phone_finish(phone, EXIT_OK, now);
}

static void on_message_failed(struct phone *phone, const struct ua_event *event, struct now now)
{
	json_t *object = event_of("message-failed", event);
	struct shown why;

	set_cause(object, event);
	if (event->protection)
		object_set(object, "smime", smime_object(event->protection));
	output_say(&phone->output, object, "The message has not arrived: %s (%s).", ended_texts[event->cause],
		   show(&why, why_of(event)));
	if (event->id == phone->message)
		phone_finish(phone, exit_code_of(event->cause), now);
}

/* -- protection from end to end ------------------------------------------------------------------------- */

static void on_not_taken(struct phone *phone, const struct ua_event *event, struct now now)
{
	json_t *object = event_of("not-taken", event);
	struct shown peer, method, why;

	(void)now;
	object_set(object, "from", output_string(event->peer));
	object_set(object, "method", output_string(event->state));
	set_cause(object, event);
	object_set(object, "smime", smime_object(event->protection));
	output_say(
		&phone->output, object,
		"A request (%s) of somebody who claims to be %s was refused, and nothing of it is shown: %s.",
		show(&method, event->state), show_address(&peer, event->peer), show(&why, event->text));
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
		   show_address(&peer, event->peer), show(&why, event->text),
		   can_ask ? "May it go without? accept or refuse"
			   : "Without a person's word it does not go.");
	if (can_ask)
		phone->in_clear = event->id;
	else if (ua_in_clear(phone->ua, event->id, false, now) != OK)
		return; /* it is over already */
}

static void (*const handlers[])(struct phone *phone, const struct ua_event *event, struct now now) = {
	[UA_CONNECTED] = on_connected,
	[UA_DISCONNECTED] = on_disconnected,
	[UA_REGISTERED] = on_registered,
	[UA_REGISTRATION_FAILED] = on_registration_failed,
	[UA_STOPPED] = on_stopped,
	[UA_INCOMING] = on_incoming,
	[UA_INCOMING_REFUSED] = on_incoming_refused,
	[UA_RINGING] = on_ringing,
	[UA_PROGRESS] = on_progress,
	[UA_ESTABLISHED] = on_established,
	[UA_MEDIA] = on_media,
	[UA_MEDIA_REFUSED] = on_media_refused,
	[UA_ENDED] = on_ended,
	[UA_NOTIFIED] = on_notified,
	[UA_WATCH_ENDED] = on_watch_ended,
	[UA_MESSAGE] = on_message,
	[UA_MESSAGE_SENT] = on_message_sent,
	[UA_MESSAGE_FAILED] = on_message_failed,
	[UA_NOT_TAKEN] = on_not_taken,
	[UA_IN_CLEAR] = on_in_clear,
	[UA_REFERRED] = on_referred,
	[UA_REFER_REFUSED] = on_refer_refused,
	[UA_TRANSFER] = on_transfer,
	[UA_TRANSFERRED] = on_transferred,
	[UA_TRANSFER_FAILED] = on_transfer_failed,
	[UA_ALGORITHM] = on_algorithm,
	[UA_PROVEN] = on_proven,
	[UA_NO_MEMORY] = on_no_memory,
};

bool phone_take_events(struct phone *phone, struct now now)
{
	struct ua_event event;
	bool any = false;

	while (ua_next_event(phone->ua, &event)) {
		if (!phone_take_certificate(phone, &event))
			handlers[event.kind](phone, &event, now);
		sdp_media_wipe(&event.media);
		any = true;
	}
	return any;
}
