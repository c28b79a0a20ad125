#include <string.h>

#include "media/call.h"

enum {
	DATAGRAMS_A_TURN = 32,    /* then others have their turn */
	RELEARN_US = 2 * 1000000, /* silence after which another source may take over */
};

/*
 * Where the other side really is. Behind a NAT the signalled address may be none that we can send to, so we
 * answer where packets come from (RFC 4961), but only with proof:
 *
 * - Under SRTP the proof is the packet: it was authenticated and is no replay. The first source stays the
 *   destination for as long as it is heard, so that somebody on the way who is quick to copy a packet cannot
 *   draw the stream to himself; after two seconds of silence the next authenticated source counts (the other
 *   side has moved to another network).
 * - In clear there is no proof, and whoever guesses a port could take the call over. So packets count only
 *   from the signalled IP address, and no more than the port is learnt. Who has to call through a NAT that
 *   changes addresses needs SRTP or a server that corrects the description.
 */
static bool learn(struct destination *to, bool secure, const struct address *from, uint64_t now)
{
	if (!secure && !address_eq_ip(&to->address, from))
		return false;
	if (address_eq(&to->address, from)) {
		to->is_learnt = true;
	} else if (!to->is_learnt || now - to->last > RELEARN_US) {
		to->address = *from;
		to->is_learnt = true;
	} else {
		return secure;
	}
	to->last = now;
	return true;
}

/* Of the payload type in this agreement; SDP_CODECS if it has none. */
static enum sdp_codec codec_of(const struct media_call *call, uint8_t payload_type)
{
	unsigned codec = 0;

	while (codec < SDP_CODECS && call->agreed.recv.of[codec] != payload_type)
		codec++;
	return (enum sdp_codec)codec;
}

/* Another SSRC: what came before is counted and over. */
static void change_source(struct incoming *in, uint32_t ssrc, enum sdp_codec codec)
{
	in->lost_before += rtp_source_lost(&in->source);
	rtp_source_init(&in->source, ssrc);
	in->event = (struct rtp_event_receiver){ 0 };
	in->codec = codec;
	rtp_jitter_reset(in->jitter, sdp_codec_clock(codec));
}

static void change_codec(struct incoming *in, enum sdp_codec codec)
{
	in->codec = codec;
	rtp_source_clock_changed(&in->source);
	rtp_jitter_reset(in->jitter, sdp_codec_clock(codec));
}

static void receive_event(struct media_call *call, const struct rtp_packet *packet)
{
	struct media_event event = media_call_event(call, MEDIA_DIGIT);

	event.digit = rtp_event_receive(&call->in.event, packet->timestamp, packet->payload);
	if (event.digit)
		events_post(call->events, &event);
}

static void receive_audio(struct media_call *call, const struct rtp_packet *packet, enum sdp_codec codec,
			  uint64_t now)
{
	struct rtp_jitter_packet audio = {
		.timestamp = packet->timestamp,
		.span = codec_span(codec, packet->payload),
		.payload = packet->payload,
	};

	if (audio.span == 0) {
		call->in.refused++;
		return;
	}
	rtp_source_time(&call->in.source, packet->timestamp,
			(uint32_t)(now * (sdp_codec_clock(codec) / 1000) / 1000));
	/* What the buffer does not take is late, and counted there, or a duplicate. */
	(void)rtp_jitter_put(call->in.jitter, &audio);
}

static void count(struct media_call *call, const struct rtp_packet *packet, uint64_t now)
{
	call->in.packets++;
	call->in.bytes += packet->payload.len;
	call->in.last = now;
	if (call->in.was_heard && !call->in.is_silent)
		return;
	call->in.was_heard = true;
	call->in.is_silent = false;
	media_call_tell(call, MEDIA_RECEIVING);
}

/* A packet in clear or that has been authenticated. */
static void receive_rtp(struct media_call *call, struct slice datagram, const struct address *from,
			uint64_t now)
{
	struct incoming *in = &call->in;
	struct rtp_packet packet;
	enum sdp_codec codec;

	if (!rtp_parse(datagram, &packet) || packet.ssrc == call->out.ssrc ||
	    (codec = codec_of(call, packet.payload_type)) == SDP_CODECS ||
	    !learn(&call->rtp, call->agreed.secure, from, now)) {
		in->refused++;
		return;
	}
	count(call, &packet, now);
	if (!in->source.is_started || in->source.ssrc != packet.ssrc)
		change_source(in, packet.ssrc, codec < SDP_AUDIO_CODECS ? codec : call->agreed.codec);
	else if (codec < SDP_AUDIO_CODECS && codec != in->codec)
		change_codec(in, codec);
	if (!rtp_source_add(&in->source, packet.sequence) || !media_call_may_receive(call))
		return;
	if (codec >= SDP_AUDIO_CODECS)
		receive_event(call, &packet);
	else
		receive_audio(call, &packet, codec, now);
}

/* Takes the protection off; false for a packet that is to be forgotten. Such packets never end a call. */
static bool unprotect(struct media_call *call, bool is_rtcp, void *buf, size_t *len)
{
	switch (media_srtp_unprotect(&call->srtp, is_rtcp, buf, len)) {
	case MEDIA_SRTP_OK: return true;
	case MEDIA_SRTP_REPLAYED: call->in.replays++; return false;
	default: call->in.auth_failures++; return false;
	}
}

struct datagram {
	uint8_t bytes[MEDIA_MAX_DATAGRAM];
	size_t len;
	struct address from;
	bool at_rtcp_socket;
};

static void receive_rtcp(struct media_call *call, const struct datagram *datagram, uint64_t now)
{
	struct destination *to = datagram->at_rtcp_socket ? &call->rtcp : &call->rtp;

	if (learn(to, call->agreed.secure, &datagram->from, now))
		media_call_receive_rtcp(call, slice_from(datagram->bytes, datagram->len), now);
	else
		call->in.refused++;
}

static void receive_datagram(struct media_call *call, struct datagram *datagram, uint64_t now)
{
	bool is_rtcp = rtp_is_rtcp(slice_from(datagram->bytes, datagram->len));
	bool fits = datagram->at_rtcp_socket ? is_rtcp : !is_rtcp || call->agreed.rtcp_mux;

	if (!fits) {
		call->in.refused++;
		return;
	}
	if (call->agreed.secure && !unprotect(call, is_rtcp, datagram->bytes, &datagram->len))
		return;
	if (is_rtcp)
		receive_rtcp(call, datagram, now);
	else
		receive_rtp(call, slice_from(datagram->bytes, datagram->len), &datagram->from, now);
}

void media_call_receive(struct media_call *call, int fd, uint64_t now)
{
	struct datagram datagram = { .at_rtcp_socket = fd == call->port->rtcp };

	for (int i = 0; i < DATAGRAMS_A_TURN; i++) {
		ssize_t n = media_port_receive(fd, datagram.bytes, sizeof datagram.bytes, &datagram.from);

		if (n < 0)
			return;
		datagram.len = (size_t)n;
		receive_datagram(call, &datagram, now);
	}
}

void media_call_forget_source(struct media_call *call)
{
	change_source(&call->in, 0, call->in.codec);
}

/* ---- playing ---------------------------------------------------------------------------------------------------- */

static void append_silence(struct incoming *in, size_t n)
{
	memset(in->pcm + in->n_pcm, 0, n * sizeof in->pcm[0]);
	in->n_pcm += n;
}

/* Adds the next of what the jitter buffer has, at least one sample. */
static void decode_next(struct media_call *call)
{
	struct incoming *in = &call->in;
	struct rtp_jitter_packet packet;
	size_t n, ratio = AUDIO_RATE / sdp_codec_clock(in->codec);

	switch (rtp_jitter_get(in->jitter, &packet)) {
	case RTP_JITTER_PACKET:
		n = codec_decode(call->codec, in->codec, packet.payload, in->pcm + in->n_pcm);
		break;
	case RTP_JITTER_LOST:
		n = codec_conceal(call->codec, in->codec, packet.span * ratio, packet.payload,
				  in->pcm + in->n_pcm);
		break;
	default: append_silence(in, AUDIO_FRAME - in->n_pcm); return;
	}
	if (n == 0)
		append_silence(in, packet.span * ratio);
	in->n_pcm += n;
}

void media_call_play(struct media_call *call, int16_t pcm[AUDIO_FRAME])
{
	struct incoming *in = &call->in;

	while (in->n_pcm < AUDIO_FRAME)
		decode_next(call);
	memcpy(pcm, in->pcm, AUDIO_FRAME * sizeof *pcm);
	in->n_pcm -= AUDIO_FRAME;
	memmove(in->pcm, in->pcm + AUDIO_FRAME, in->n_pcm * sizeof in->pcm[0]);
}
