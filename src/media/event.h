/* What the media thread tells: see media/media.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "sdp/media.h"

enum media_event_kind {
	MEDIA_STARTED,   /* sockets, codecs and devices are in use */
	MEDIA_RECEIVING, /* the first (authenticated) packet came, or the first after MEDIA_NOT_RECEIVING */
	MEDIA_NOT_RECEIVING, /* for 5 s nothing came although it should: we hear nothing */
	MEDIA_NOT_HEARD,     /* for 10 s the other side's RTCP has said that nothing reaches it */
	MEDIA_DIGIT,         /* the other side pressed a key: digit */
	MEDIA_NO_DIGIT,      /* a digit of ours that is not sent: digit, text */
	MEDIA_PLAYED,        /* the file to play is at its end */
	MEDIA_RECORDING,     /* what is heard is written to the file of that number: media_recording_path() */
	MEDIA_NO_DEVICE,  /* no sound card where one was hoped for, or it is gone: text; the call goes on */
	MEDIA_NO_RECORD,  /* the recording ends here, e.g. because the disk is full: text; the call goes on */
	MEDIA_STATISTICS, /* was asked for */
	MEDIA_REMOTE_BYE, /* the other side's RTCP said BYE */
	MEDIA_FAILED,     /* text says why; the call's media is gone, no MEDIA_ENDED follows */
	MEDIA_ENDED,      /* after media_stop(): statistics are the last ones */
	MEDIA_EVENTS
};

struct media_statistics {
	enum sdp_codec codec;
	enum sdp_suite suite;
	struct address remote;             /* where we send to now */
	uint64_t packets_sent, bytes_sent; /* bytes: payload without headers */
	uint64_t packets_received, bytes_received;
	int64_t packets_lost;     /* RFC 3550 §6.4.1: may be negative after duplicates */
	uint64_t packets_late;    /* came after their turn to be played */
	uint64_t packets_refused; /* malformed, unknown payload type, or from a source that is not the peer's
				   */
	uint64_t auth_failures, replays; /* SRTP packets that were dropped silently */
	unsigned jitter_us;              /* RFC 3550 §6.4.1 */
	bool has_remote_report;          /* the next three come from the other side's RTCP */
	int64_t remote_lost;
	unsigned remote_jitter_us;
	unsigned round_trip_us; /* 0 if not known */
};

enum { MEDIA_MAX_TEXT = 200 };

struct media_event {
	enum media_event_kind kind;
	uint64_t call;
	char digit;
	unsigned recording;                 /* MEDIA_RECORDING: its number */
	char text[MEDIA_MAX_TEXT];          /* NUL-terminated sentence, or empty */
	struct media_statistics statistics; /* with MEDIA_STATISTICS, MEDIA_ENDED and MEDIA_FAILED */
};

/* "started", "not-receiving", …: for logs and --json. */
const char *media_event_name(enum media_event_kind kind);
