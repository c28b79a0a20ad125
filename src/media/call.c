#include "media/call.h"

#include <string.h>

#include "base/mem.h"

enum {
	DIGIT_FRAMES = 5, /* 100 ms, and as long a pause */
	US_PER_SECOND = 1000000,
	SILENT_US = 5 * US_PER_SECOND,
	LOST_MAX = 2900, /* packets; with more of them missing it would be another stream (RFC 3550 §A.1) */
};

/* ---- events ----------------------------------------------------------------------------------------------------- */

void media_call_tell(struct media_call *call, enum media_event_kind kind)
{
	struct media_event event = media_call_event(call, kind);

	events_post(call->events, &event);
}

static void tell_text(struct media_call *call, enum media_event_kind kind, const char *text)
{
	struct media_event event = media_call_event(call, kind);

	snprintf(event.text, sizeof event.text, "%s", text);
	events_post(call->events, &event);
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

/* Where it is recorded is told: the file may have another name than was asked for. */
static enum err open_record(struct media_call *call, const char *path, char text[MEDIA_MAX_TEXT])
{
	struct media_event event = media_call_event(call, MEDIA_RECORDING);
	enum err err = recording_open(path, &event.recording, &call->record);

	if (err == OK)
		events_post(call->events, &event);
	else
		snprintf(text, MEDIA_MAX_TEXT, "the recording cannot be begun (%s): %s", err_text(err), path);
	return err;
}

/* Devices and files; a missing card that was only hoped for is told. */
static enum err open_devices(struct media_call *call, const struct media_devices *devices,
			     char text[MEDIA_MAX_TEXT])
{
	TRY(source_open(&devices->source, &call->source, text));
	if (text[0])
		tell_text(call, MEDIA_NO_DEVICE, text);
	TRY(sink_open(&devices->sink, &call->sink, text));
	if (text[0])
		tell_text(call, MEDIA_NO_DEVICE, text);
	return devices->record ? open_record(call, devices->record, text) : OK;
}

static void init_outgoing(struct outgoing *out)
{
	media_random(&out->ssrc, sizeof out->ssrc);
	media_random(&out->timestamp, sizeof out->timestamp);
	media_random(&out->sequence, sizeof out->sequence);
	/* Away from the wrap: until the first packet has come the receiver cannot know it (RFC 3711 §3.3.1). */
	out->sequence &= 0x7fff;
}

enum err media_call_new(struct order *order, struct events *events, uint64_t now,
			struct media_call **ret_call, char text[MEDIA_MAX_TEXT])
{
	AUTO(media_call) struct media_call *call = mem_new(struct media_call);

	snprintf(text, MEDIA_MAX_TEXT, "%s", err_text(ERR_NOMEM));
	if (!call)
		return ERR_NOMEM;
	call->id = order->call;
	call->events = events;
	call->port = TAKE(order->port);
	call->started = now;
	init_outgoing(&call->out);
	call->in.jitter = rtp_jitter_new(AUDIO_RATE);
	call->codec = codec_new();
	if (!call->in.jitter || !call->codec)
		return ERR_NOMEM;
	TRY(open_devices(call, &order->devices, text));
	media_call_reports_init(call, now);
	snprintf(text, MEDIA_MAX_TEXT, "the SRTP keys could not be used");
	TRY(media_call_update(call, &order->agreed, now));
	*ret_call = TAKE(call);
	return OK;
}

void media_call_free(struct media_call *call)
{
	if (!call)
		return;
	media_port_free(call->port);
	media_srtp_fini(&call->srtp);
	codec_free(call->codec);
	source_free(call->source);
	sink_free(call->sink);
	wav_writer_close(call->record);
	rtp_jitter_free(call->in.jitter);
	sdp_media_wipe(&call->agreed);
	mem_free(call);
}

/* ---- agreements ------------------------------------------------------------------------------------------------- */

static bool same_key(const struct sdp_media *a, const struct sdp_media *b, const struct sdp_key *key_a,
		     const struct sdp_key *key_b)
{
	return a->secure && b->secure && a->suite == b->suite && key_a->len == key_b->len &&
	       memcmp(key_a->bytes, key_b->bytes, key_a->len) == 0;
}

/*
 * With a new key the rollover counter begins at zero, and the first packets are read by nobody: the other side learns of the key later. Who
 * did not see the numbers wrap among these would never read one again (RFC 4568 §6.4), so that they wrap before, as if packets had been lost.
 */
static void wrap_early(struct outgoing *out)
{
	if (out->sequence > UINT16_MAX - LOST_MAX)
		out->sequence = 0;
}

/*
 * A key that did not change keeps its context, because its packet counters go on (RFC 4568 §6.4). From a secure call
 * the way back to clear is closed here too, whatever an agreement says.
 */
static enum err update_keys(struct media_call *call, const struct sdp_media *agreed)
{
	const struct sdp_media *old = &call->agreed;

	if (!agreed->secure)
		return old->secure ? ERR_DENIED : OK;
	if (!same_key(old, agreed, &old->local_key, &agreed->local_key)) {
		TRY(media_srtp_set_out(&call->srtp, agreed->suite, &agreed->local_key));
		wrap_early(&call->out);
	}
	if (!same_key(old, agreed, &old->remote_key, &agreed->remote_key))
		TRY(media_srtp_set_in(&call->srtp, agreed->suite, &agreed->remote_key));
	return OK;
}

/* A new signalled address counts; what was learnt of an old one that stays is kept. */
static void update_destination(struct destination *to, const struct address *old, const struct address *new)
{
	if (to->address.family != ADDRESS_NONE && address_eq(old, new))
		return;
	*to = (struct destination){ .address = *new };
}

enum err media_call_update(struct media_call *call, const struct sdp_media *agreed, uint64_t now)
{
	bool was_sending = media_call_may_send(call), was_receiving = media_call_may_receive(call);

	TRY(update_keys(call, agreed));
	update_destination(&call->rtp, &call->agreed.remote, &agreed->remote);
	update_destination(&call->rtcp, &call->agreed.remote_rtcp, &agreed->remote_rtcp);
	if (memcmp(&call->agreed.recv, &agreed->recv, sizeof agreed->recv) != 0)
		media_call_forget_source(call);
	if (call->agreed.codec != agreed->codec || call->agreed.ptime != agreed->ptime)
		call->out.n_pcm = 0;
	call->agreed = *agreed;

	if (media_call_may_send(call) && !was_sending) {
		call->out.is_talking = false;
		call->out.since = call->reports.heard_at = now;
		call->reports.is_unheard = false;
	}
	if (media_call_may_receive(call) && !was_receiving) {
		call->in.last = now;
		call->in.is_silent = false;
	}
	return OK;
}

static bool is_reachable(const struct address *address)
{
	static const uint8_t zero[sizeof address->ip];

	return address->family != ADDRESS_NONE && address->port != 0 &&
	       memcmp(address->ip, zero, sizeof zero) != 0;
}

bool media_call_may_send(const struct media_call *call)
{
	return call->agreed.direction & SDP_SENDONLY && is_reachable(&call->rtp.address);
}

bool media_call_may_receive(const struct media_call *call)
{
	return call->agreed.direction & SDP_RECVONLY;
}

/* ---- sending ---------------------------------------------------------------------------------------------------- */

void media_call_send(struct media_call *call, bool is_rtcp, void *buf, size_t len, size_t size)
{
	bool own_socket = is_rtcp && !call->agreed.rtcp_mux;
	const struct destination *to = own_socket ? &call->rtcp : &call->rtp;

	if (len + SRTP_ROOM > size || !is_reachable(&to->address))
		return;
	if (call->agreed.secure && !media_srtp_protect(&call->srtp, is_rtcp, buf, &len))
		return;
	media_port_send(own_socket ? call->port->rtcp : call->port->rtp, &to->address, slice_from(buf, len));
}

static void send_packet(struct media_call *call, struct rtp_packet packet)
{
	uint8_t buf[RTP_HEADER + CODEC_MAX_PAYLOAD + SRTP_ROOM];
	struct writer out = writer_of(buf, sizeof buf - SRTP_ROOM);

	packet.ssrc = call->out.ssrc;
	packet.sequence = call->out.sequence++;
	if (rtp_build(&out, &packet) != OK)
		return;
	call->out.packets++;
	call->out.bytes += packet.payload.len;
	media_call_send(call, false, buf, out.len, sizeof buf);
}

/* Collects frames until a packet is full. */
static void send_audio(struct media_call *call, const int16_t *pcm)
{
	uint8_t payload[CODEC_MAX_PAYLOAD];
	struct outgoing *out = &call->out;
	size_t full = (size_t)call->agreed.ptime / AUDIO_FRAME_MS * AUDIO_FRAME, n;

	if (full == 0 || full > sizeof out->pcm / sizeof out->pcm[0])
		full = AUDIO_FRAME;
	if (out->n_pcm == 0)
		out->pcm_timestamp = out->timestamp;
	memcpy(out->pcm + out->n_pcm, pcm, AUDIO_FRAME * sizeof *pcm);
	out->n_pcm += AUDIO_FRAME;
	if (out->n_pcm < full)
		return;
	n = codec_encode(call->codec, call->agreed.codec, out->pcm, out->n_pcm, payload);
	out->n_pcm = 0;
	if (n == 0)
		return;
	send_packet(call, (struct rtp_packet){
				  .payload_type = call->agreed.send.of[call->agreed.codec],
				  .marker = !out->is_talking,
				  .timestamp = out->pcm_timestamp,
				  .payload = slice_from(payload, n),
			  });
	out->is_talking = true;
}

/* The events on the clock of the voice where both were agreed on (RFC 7587 §6.1, RFC 4733 §2.5.1.2). */
static enum sdp_codec event_codec(const struct media_call *call)
{
	if (call->agreed.codec == SDP_OPUS && call->agreed.send.of[SDP_TELEPHONE_EVENT_48K] != SDP_NO_PAYLOAD)
		return SDP_TELEPHONE_EVENT_48K;
	return SDP_TELEPHONE_EVENT;
}

static void tell_unsent(struct media_call *call, char digit, const char *why)
{
	struct media_event event = media_call_event(call, MEDIA_NO_DIGIT);

	event.digit = digit;
	snprintf(event.text, sizeof event.text, "the digit %c is not sent, since %s", digit, why);
	events_post(call->events, &event);
}

void media_call_digit(struct media_call *call, char digit)
{
	struct outgoing *out = &call->out;

	if (call->agreed.send.of[event_codec(call)] == SDP_NO_PAYLOAD)
		tell_unsent(call, digit, "the other side takes none");
	else if (out->n_digits == MAX_DIGITS)
		tell_unsent(call, digit, "too many wait before it");
	else
		out->digits[out->n_digits++] = digit;
}

/* Whether an event took the place of this frame's sound. */
static bool send_event(struct media_call *call)
{
	struct outgoing *out = &call->out;
	enum sdp_codec codec = event_codec(call);
	uint32_t step = sdp_codec_clock(codec) / 1000 * AUDIO_FRAME_MS;
	uint8_t payload[RTP_EVENT_PAYLOAD];
	struct rtp_event_packet packet;

	if (call->agreed.send.of[codec] == SDP_NO_PAYLOAD) { /* not any more: what waits is for nobody */
		out->n_digits = 0;
		out->event.is_active = false;
		return false;
	}
	if (out->pause > 0)
		out->pause--;
	if (!out->event.is_active && out->n_digits > 0 && out->pause == 0) {
		rtp_event_sender_start(&out->event, (uint8_t)rtp_event_of_digit(out->digits[0]),
				       out->timestamp, DIGIT_FRAMES * step);
		memmove(out->digits, out->digits + 1, --out->n_digits);
	}
	if (!rtp_event_sender_step(&out->event, step, &packet))
		return false;
	if (!out->event.is_active)
		out->pause = DIGIT_FRAMES;
	rtp_event_build(&packet.event, payload);
	send_packet(call, (struct rtp_packet){
				  .payload_type = call->agreed.send.of[codec],
				  .marker = packet.marker,
				  .timestamp = packet.timestamp,
				  .payload = slice_from(payload, sizeof payload),
			  });
	out->n_pcm = 0;
	out->is_talking = false;
	return true;
}

static void tick_sending(struct media_call *call)
{
	bool may_send = media_call_may_send(call);
	enum source_result result = SOURCE_SOUND;
	int16_t pcm[AUDIO_FRAME];

	if ((may_send && !call->agreed.on_hold) || source_is_live(call->source))
		result = source_read(call->source, pcm);
	if (call->agreed.on_hold)
		memset(pcm, 0, sizeof pcm); /* nobody on hold listens in at our microphone */
	if (may_send && !send_event(call))
		send_audio(call, pcm);
	call->out.timestamp += sdp_codec_clock(call->agreed.codec) / 1000 * AUDIO_FRAME_MS;
	if (result == SOURCE_ENDED)
		media_call_tell(call, MEDIA_PLAYED);
	if (result == SOURCE_GONE)
		tell_text(call, MEDIA_NO_DEVICE, "the microphone does not work any more");
}

/* ---- playing ---------------------------------------------------------------------------------------------------- */

static void record(struct media_call *call, const int16_t *pcm)
{
	enum err err;

	if (!call->record)
		return;
	err = wav_writer_write(call->record, pcm, AUDIO_FRAME);
	if (err == OK)
		return;
	wav_writer_close(call->record);
	call->record = NULL;
	tell_text(call, MEDIA_NO_RECORD,
		  err == ERR_LIMIT ? "the recording is as long as a WAV file can be"
				   : "the recording cannot be written to any more");
}

static void tick_playing(struct media_call *call)
{
	int16_t pcm[AUDIO_FRAME];

	media_call_play(call, pcm);
	record(call, pcm);
	if (!sink_write(call->sink, pcm))
		tell_text(call, MEDIA_NO_DEVICE, "the loudspeaker does not work any more");
}

static void look_for_silence(struct media_call *call, uint64_t now)
{
	if (!media_call_may_receive(call) || call->in.is_silent || now - call->in.last < SILENT_US)
		return;
	call->in.is_silent = true;
	media_call_tell(call, MEDIA_NOT_RECEIVING);
}

void media_call_tick(struct media_call *call, uint64_t now)
{
	tick_sending(call);
	tick_playing(call);
	look_for_silence(call, now);
	if (now >= call->reports.due)
		media_call_report(call, now, false);
}

void media_call_bye(struct media_call *call, uint64_t now)
{
	media_call_report(call, now, true);
}
