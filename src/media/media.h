/*
 * The phone's media thread: RTP sockets, SRTP, codecs and audio devices of all its calls.
 *
 * The main thread and the media thread share nothing. Commands are orders that are copied or handed over;
 * what happens comes back as events, which are taken with media_next_event() when media_fd() is readable.
 * All functions below are for one thread, the one that called media_new().
 *
 * Audio is 16-bit mono at 48 kHz inside, in frames of 20 ms by the thread's own clock; a device or file at
 * another rate is resampled.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/err.h"
#include "base/own.h"
#include "base/time.h"
#include "media/event.h"
#include "sdp/media.h"

struct media;
struct media_port;

/* Whether the file can be played: OK, ERR_SYNTAX if it is no WAV file of 16-bit PCM, mono or stereo; else why it cannot be read. */
MUST_CHECK enum err media_check_file(const char *path);

/* The thread runs when this returns. ERR_NOMEM, ERR_IO (no thread, no descriptor). */
MUST_CHECK enum err media_new(struct media **ret_media);
/* Ends all calls, closes their files, and waits for the thread. */
void media_free(struct media *media);
OWN(media)

/* Becomes readable when there are events; for polling only, not to be read or closed. */
int media_fd(const struct media *media);
/* Takes the oldest event; false if there is none. Event text belongs to the event. */
bool media_next_event(struct media *media, struct media_event *ret_event);

/* The ports that are tried, RTP on an even one and RTCP on the next (RFC 3550 §11). */
struct media_range {
	uint16_t first, last;
};

#define MEDIA_RANGE ((struct media_range){ 10000, 20000 })

/*
 * Two bound sockets at the local IP address (its port is ignored), beginning at a random place in the range.
 * ERR_LIMIT if no pair in the range is free, ERR_IO if the address is not ours, ERR_NOMEM.
 */
MUST_CHECK enum err media_port_open(const struct address *local, struct media_range range,
				    struct media_port **ret_port);
/* Closes them; for ports that were not handed to media_start(). */
void media_port_free(struct media_port *port);
OWN(media_port)

/* The local address with the RTP port, for the description that is sent. */
struct address media_port_address(const struct media_port *port);

enum media_device_kind {
	MEDIA_DEVICE_NULL, /* silence; what is heard is dropped */
	MEDIA_DEVICE_TONE, /* 440 Hz; source only */
	MEDIA_DEVICE_FILE, /* a WAV file that is played once, then silence; source only */
	MEDIA_DEVICE_ALSA, /* a PCM of that name; the call fails if it cannot be opened */
	MEDIA_DEVICE_AUTO  /* ALSA's "default"; MEDIA_NO_DEVICE is told and NULL taken if it cannot be opened
			    */
};

struct media_device {
	enum media_device_kind kind;
	const char *name; /* path or PCM name; borrowed for the call of media_start() */
};

struct media_devices {
	struct media_device source, sink;
	const char *record; /* WAV file that what is heard is written to, or NULL; borrowed likewise */
};

enum { MEDIA_PATH_MAX = 4096 };

/*
 * The files that are recorded to one after the other: path itself (number 1), then name-2.wav, name-3.wav and so on. ERR_LIMIT: it
 * is too long.
 */
MUST_CHECK enum err media_recording_path(const char *path, unsigned number, char ret_path[MEDIA_PATH_MAX]);

/*
 * Begins to send and receive under a number of the caller's choice that no other call has, and which its events will bear. The port is
 * owned by the media thread from here on, on errors too. Takes a copy of agreed; the caller wipes his.
 * ERR_NOMEM. What goes wrong later (a file that does not open) is told by MEDIA_FAILED.
 */
MUST_CHECK enum err media_start(struct media *media, uint64_t call, struct media_port *port,
				const struct sdp_media *agreed, const struct media_devices *devices);

/* A new agreement: hold, resume, other codec, other address, other keys. Ignored if the call is not there. */
MUST_CHECK enum err media_update(struct media *media, uint64_t call, const struct sdp_media *agreed);

/*
 * Sends a digit (0-9 * # A-D; others are ERR_SYNTAX) as RFC 4733 events, after those still being sent. MEDIA_NO_DIGIT: it is not, since the
 * other side takes none, or too many wait.
 */
MUST_CHECK enum err media_dtmf(struct media *media, uint64_t call, char digit);

/* Asks for a MEDIA_STATISTICS event. */
MUST_CHECK enum err media_ask_statistics(struct media *media, uint64_t call);

/* Sends RTCP BYE, closes sockets and files, wipes keys; MEDIA_ENDED follows. ERR_NOMEM. */
MUST_CHECK enum err media_stop(struct media *media, uint64_t call);
