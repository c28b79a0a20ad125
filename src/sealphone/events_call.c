/* What the user agent tells of calls, shown to whom it concerns, and what follows from it. */
#include "sealphone/audio.h"
#include "sealphone/object.h"
#include "sealphone/report.h"
#include "sealphone/smime.h"
#include "sealphone/telling.h"

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
	json_t *object = event_object("referred", event);
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
	json_t *object = event_object("transfer", event);
	struct shown why;

	(void)now;
	object_set(object, "status", json_integer(event->status));
	object_set(object, "text", output_string(event->text));
	output_say(&phone->output, object, "The transfer is on its way (%u %s).", event->status,
		   show_text(&why, event->text));
}

static void on_transferred(struct phone *phone, const struct ua_event *event, struct now now)
{
	(void)now;
	output_say(&phone->output, event_object("transferred", event), "The other side was transferred.");
}

static void on_transfer_failed(struct phone *phone, const struct ua_event *event, struct now now)
{
	json_t *object = event_object("transfer-failed", event);
	struct shown why;

	(void)now;
	event_set_cause(object, event);
	output_say(&phone->output, object, "The other side was not transferred: %s (%s).",
		   event_what(event->cause), show_text(&why, event->text));
}

static void on_incoming(struct phone *phone, const struct ua_event *event, struct now now)
{
	const struct options *options = phone->options;
	json_t *object = event_object("incoming", event);
	bool answers = options->command == COMMAND_ANSWER || options->auto_answer;
	bool is_busy = phone->current != 0 || (options->command != COMMAND_NONE && !answers);
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
		   event->other != 0    ? ", in the place of another call"
		   : answers || is_busy ? ""
					: "; answer or reject");
	if (event->other != 0) {
		on_replacing(phone, event, now);
		return;
	}
	if (is_busy) {
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
	json_t *object = event_object("incoming-refused", event);
	struct shown peer, why;

	(void)now;
	object_set(object, "from", output_string(event->peer));
	event_set_cause(object, event);
	if (event->protection)
		object_set(object, "smime", smime_object(event->protection));
	output_say(&phone->output, object, "A call from somebody who claims to be %s was refused: %s.",
		   show_address(&peer, event->peer), show_text(&why, event_why(event)));
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
	output_say(&phone->output, event_object("ringing", event), "It rings there.");
	if (event->has_media && !phone->is_following)
		agree_early(phone, event);
}

static void on_progress(struct phone *phone, const struct ua_event *event, struct now now)
{
	json_t *object = event_object("progress", event);

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
	json_t *object = event_object("established", event), *lines = json_array();

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
		/* what it plays and records goes on in the new call */
		phone_hangup(phone, phone->aside, now);
		phone->is_following = false;
	}
	audio_agree(phone, event->id, &event->media);
	if (options->command == COMMAND_CALL && options->duration != 0)
		phone->end_at = now.mono + options->duration;
}

static void on_media(struct phone *phone, const struct ua_event *event, struct now now)
{
	json_t *object = event_object("media", event);
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
	event_show_error(phone, event, "The change was not accepted");
	audio_hold(phone, event->id);
}

static void on_ended(struct phone *phone, const struct ua_event *event, struct now now)
{
	json_t *object = event_object("ended", event);
	enum exit_code code = exit_code_of(event->cause);
	struct shown why;

	event_set_cause(object, event);
	object_set(object, "seconds", json_integer(event->seconds));
	if (event->protection)
		object_set(object, "smime", smime_object(event->protection));
	output_say(&phone->output, object, "%s (%s).", event_what(event->cause),
		   show_text(&why, event_why(event)));
	if (event->protection && event->protection->is_broken) {
		char line[EVENT_TEXT_MAX];
		struct writer end_to_end = writer_of(line, sizeof line);

		put_smime_theirs(&end_to_end, event->protection);
		event_show_line(phone, "from end to end: ", writer_text(&end_to_end));
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
	json_t *object = event_object("refer-refused", event);
	struct shown peer, target;

	(void)now;
	object_set(object, "from", output_string(event->peer));
	object_set(object, "target", output_string(event->text));
	output_say(&phone->output, object, "Somebody who claims to be %s wanted us to call %s; we refused.",
		   show_address(&peer, event->peer), show_address(&target, event->text));
}

static void (*const handlers[])(struct phone *phone, const struct ua_event *event, struct now now) = {
	[UA_INCOMING] = on_incoming,
	[UA_INCOMING_REFUSED] = on_incoming_refused,
	[UA_RINGING] = on_ringing,
	[UA_PROGRESS] = on_progress,
	[UA_ESTABLISHED] = on_established,
	[UA_MEDIA] = on_media,
	[UA_MEDIA_REFUSED] = on_media_refused,
	[UA_ENDED] = on_ended,
	[UA_REFERRED] = on_referred,
	[UA_REFER_REFUSED] = on_refer_refused,
	[UA_TRANSFER] = on_transfer,
	[UA_TRANSFERRED] = on_transferred,
	[UA_TRANSFER_FAILED] = on_transfer_failed,
};

bool phone_take_call_event(struct phone *phone, const struct ua_event *event, struct now now)
{
	if (event->kind >= sizeof handlers / sizeof handlers[0] || !handlers[event->kind])
		return false;
	handlers[event->kind](phone, event, now);
	return true;
}
