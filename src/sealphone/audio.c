#include "sealphone/audio.h"

static json_t *about(uint64_t call, const char *state)
{
	return json_pack("{s:s, s:I, s:s}", "event", "media", "call", (json_int_t)call, "state", state);
}

struct session *audio_find(struct phone *phone, uint64_t call)
{
	for (int i = 0; i < PHONE_SESSIONS; i++)
		if (phone->sessions[i].call == call)
			return &phone->sessions[i];
	return NULL;
}

struct session *audio_reserve(struct phone *phone)
{
	struct session *session = audio_find(phone, 0);
	struct address local;

	if (!ua_local_address(phone->ua, &local)) {
		output_say(&phone->output,
			   json_pack("{s:s, s:s}", "event", "error", "text",
				     "there is no connection to the server"),
			   "There is no connection to the server now; status says when there is one.");
		return NULL;
	}
	if (!session || media_port_open(&local, MEDIA_RANGE, &session->port) != OK) {
		output_say(&phone->output,
			   json_pack("{s:s, s:s}", "event", "error", "text", "no ports are free for media"),
			   "No ports are free for media.");
		return NULL;
	}
	session->started = false;
	return session;
}

void audio_drop(struct session *session)
{
	media_port_free(session->port);
	*session = (struct session){ .call = 0 };
}

static enum err begin_or_change(struct phone *phone, struct session *session, const struct sdp_media *media)
{
	enum err err;

	if (session->started)
		return media_update(phone->media, session->call, media);
	err = media_start(phone->media, session->call, session->port, media, &phone->options->devices);
	session->port = NULL;
	session->started = err == OK;
	return err;
}

void audio_agree(struct phone *phone, uint64_t call, const struct sdp_media *agreed)
{
	struct session *session = audio_find(phone, call);
	struct sdp_media media = *agreed;

	/* who is aside hears nothing of us, whatever he has agreed to */
	if (call == phone->aside && !phone->is_following)
		media.on_hold = true;
	if (session && begin_or_change(phone, session, &media) != OK)
		output_say(&phone->output, about(call, "failed"), "There is no memory for the call's media.");
	sdp_media_wipe(&media);
}

void audio_hold(struct phone *phone, uint64_t call)
{
	struct sdp_media media;

	if (!ua_call_media(phone->ua, call, &media))
		return;
	audio_agree(phone, call, &media);
	sdp_media_wipe(&media);
}

void audio_end(struct phone *phone, uint64_t call)
{
	struct session *session = audio_find(phone, call);

	if (!session)
		return;
	if (!session->started || media_stop(phone->media, call) != OK)
		audio_drop(session);
}

bool audio_is_ending(const struct phone *phone)
{
	for (int i = 0; i < PHONE_SESSIONS; i++)
		if (phone->sessions[i].started)
			return true;
	return false;
}

static void show_statistics(struct phone *phone, const struct media_event *event)
{
	const struct media_statistics *s = &event->statistics;
	uint64_t refused = s->packets_refused + s->auth_failures + s->replays;
	json_t *object = json_pack(
		"{s:s, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "event", "media", "call",
		(json_int_t)event->call, "state", media_event_name(event->kind), "packets_sent",
		(json_int_t)s->packets_sent, "packets_received", (json_int_t)s->packets_received,
		"packets_lost", (json_int_t)s->packets_lost, "packets_late", (json_int_t)s->packets_late,
		"packets_refused", (json_int_t)refused, "remote_lost",
		(json_int_t)(s->has_remote_report ? s->remote_lost : 0), "jitter_ms", s->jitter_us / 1000.0);

	if (object && event->text[0])
		json_object_set_new(object, "text", output_string(slice_of(event->text)));
	output_say(&phone->output, object,
		   "Media: %llu packets sent, %llu received, %lld lost, jitter %.1f ms%s%s.",
		   (unsigned long long)s->packets_sent, (unsigned long long)s->packets_received,
		   (long long)s->packets_lost, s->jitter_us / 1000.0, event->text[0] ? "; " : "",
		   event->text);
}

static void show_recording(struct phone *phone, const struct media_event *event)
{
	json_t *object = about(event->call, media_event_name(event->kind));
	char path[MEDIA_PATH_MAX];

	/* it was opened under that name, so it fits */
	if (media_recording_path(phone->options->devices.record, event->recording, path) != OK)
		path[0] = '\0';
	if (object)
		json_object_set_new(object, "file", output_string(slice_of(path)));
	output_say(&phone->output, object, "What we hear is written to %s.", path);
}

static void show(struct phone *phone, const struct media_event *event)
{
	json_t *object = about(event->call, media_event_name(event->kind));
	const struct output *output = &phone->output;

	switch (event->kind) {
	case MEDIA_STARTED: output_say(output, object, "%s", ""); break;
	case MEDIA_RECEIVING: output_say(output, object, "We hear the other side."); break;
	case MEDIA_NOT_RECEIVING:
		output_say(output, object, "Nothing is heard of the other side, although it should be.");
		break;
	case MEDIA_NOT_HEARD:
		output_say(output, object, "The other side reports that it does not hear us.");
		break;
	case MEDIA_DIGIT:
		if (object)
			json_object_set_new(object, "digit", json_stringn(&event->digit, 1));
		output_say(output, object, "The other side pressed %c.", event->digit);
		break;
	case MEDIA_PLAYED: output_say(output, object, "All of the file was played."); break;
	case MEDIA_REMOTE_BYE: output_say(output, object, "%s", ""); break;
	default:
		if (object)
			json_object_set_new(object, "text", output_string(slice_of(event->text)));
		output_say(output, object, "Media: %s.", event->text);
		break;
	}
}

void audio_take_events(struct phone *phone, struct now now)
{
	struct media_event event;

	while (media_next_event(phone->media, &event)) {
		struct session *session = audio_find(phone, event.call);

		if (event.kind == MEDIA_ENDED || event.kind == MEDIA_FAILED || event.kind == MEDIA_STATISTICS)
			show_statistics(phone, &event);
		else if (event.kind == MEDIA_RECORDING)
			show_recording(phone, &event);
		else
			show(phone, &event);
		if (session && (event.kind == MEDIA_ENDED || event.kind == MEDIA_FAILED))
			audio_drop(session);
		if (event.kind == MEDIA_FAILED) { /* a call without media is none */
			ua_hangup(phone->ua, event.call, now);
			if (phone->options->command != COMMAND_NONE)
				phone_finish(phone, EXIT_FAILED, now);
		}
	}
}
