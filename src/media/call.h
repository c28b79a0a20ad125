/*
 * The media of one call, on the media thread: sending (call.c), receiving (receive.c), RTCP and figures (report.c).
 * Time is handed in, in µs of the monotonic clock. For the files of this room.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "media/codec.h"
#include "media/device.h"
#include "media/mailbox.h"
#include "media/port.h"
#include "media/recording.h"
#include "media/srtp.h"
#include "rtp/jitter.h"
#include "rtp/packet.h"
#include "rtp/source.h"
#include "rtp/telephone_event.h"

enum { MAX_DIGITS = 32, MAX_PTIME_FRAMES = 3, CNAME_LEN = 16 };

/* What we send. */
struct outgoing {
	uint32_t ssrc;
	uint16_t sequence;
	uint32_t timestamp; /* of the next frame */
	bool is_talking;    /* the next packet is not the first of a spurt */
	int16_t pcm[MAX_PTIME_FRAMES * AUDIO_FRAME];
	size_t n_pcm;
	uint32_t pcm_timestamp; /* of pcm's beginning */

	char digits[MAX_DIGITS]; /* waiting */
	size_t n_digits;
	struct rtp_event_sender event;
	unsigned pause; /* frames before the next digit */

	uint64_t packets, bytes;
	uint64_t since; /* when sending last began */
};

/* What we receive. */
struct incoming {
	struct rtp_source source; /* of the current SSRC; is_started false before the first packet */
	enum sdp_codec codec;     /* of the last packet */
	struct rtp_jitter *jitter;
	struct rtp_event_receiver event;
	int16_t pcm[AUDIO_FRAME + CODEC_MAX_SPAN]; /* decoded, not yet played */
	size_t n_pcm;

	uint64_t packets, bytes, refused, auth_failures, replays;
	int64_t lost_before; /* by sources before the current one */
	uint64_t last;       /* when a packet came */
	bool is_silent;      /* MEDIA_NOT_RECEIVING was told */
	bool was_heard;      /* MEDIA_RECEIVING was told */
};

/* Where a stream of ours goes: as signalled, then as learnt (see receive.c). */
struct destination {
	struct address address;
	bool is_learnt;
	uint64_t last; /* when a packet came from there */
};

struct reports {
	uint64_t due;
	uint64_t packets_at_last; /* sent by us before our last report */
	char cname[CNAME_LEN];    /* RFC 7022 §4.2: random for each call */
	uint32_t last_sr;         /* middle of the NTP time of the other side's last SR */
	uint64_t last_sr_at;
	bool has_remote;
	struct rtcp_report remote; /* what the other side said last of our stream */
	unsigned round_trip_us;
	uint64_t heard_at; /* when its reports last showed progress */
	bool is_unheard;   /* MEDIA_NOT_HEARD was told */
};

struct media_call {
	uint64_t id;
	struct events *events;
	struct media_port *port;
	struct sdp_media agreed;
	struct media_srtp srtp;
	struct codec *codec;
	struct source *source;
	struct sink *sink;
	struct wav_writer *record;
	uint64_t started;
	struct outgoing out;
	struct incoming in;
	struct destination rtp, rtcp;
	struct reports reports;
};

/* Takes what it needs out of the order. text says what went wrong. */
MUST_CHECK enum err media_call_new(struct order *order, struct events *events, uint64_t now,
				   struct media_call **ret_call, char text[MEDIA_MAX_TEXT]);
/* Closes all, wipes the keys; says nothing to anybody. */
void media_call_free(struct media_call *call);
OWN(media_call)

MUST_CHECK enum err media_call_update(struct media_call *call, const struct sdp_media *agreed, uint64_t now);
void media_call_digit(struct media_call *call, char digit);
/* Every 20 ms: sends a frame, plays a frame, and looks whether something is due. */
void media_call_tick(struct media_call *call, uint64_t now);
/* One of its sockets is readable. */
void media_call_receive(struct media_call *call, int fd, uint64_t now);
/* Says BYE to the other side. */
void media_call_bye(struct media_call *call, uint64_t now);

/* Fills kind and call, and figures where the kind has them. */
struct media_event media_call_event(const struct media_call *call, enum media_event_kind kind);
void media_call_tell(struct media_call *call, enum media_event_kind kind);

/* ---- between the files ------------------------------------------------------------------------------------------ */

bool media_call_may_send(const struct media_call *call);
bool media_call_may_receive(const struct media_call *call);
/* Protects and sends; size is the room in buf. */
void media_call_send(struct media_call *call, bool is_rtcp, void *buf, size_t len, size_t size);

/* receive.c: the payload types have another meaning from here on. */
void media_call_forget_source(struct media_call *call);
/* receive.c: a frame of what was received, concealed or silent. */
void media_call_play(struct media_call *call, int16_t pcm[AUDIO_FRAME]);

/* report.c */
void media_call_reports_init(struct media_call *call, uint64_t now);
void media_call_report(struct media_call *call, uint64_t now, bool bye);
void media_call_receive_rtcp(struct media_call *call, struct slice datagram, uint64_t now);
