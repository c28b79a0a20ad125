/*
 * What goes from the main thread to the media thread (letters) and back (events). Each direction is a queue under a
 * lock of its own, with a descriptor that is readable while it is not empty. For the files of this room.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/list.h"
#include "media/event.h"
#include "media/media.h"

enum letter_kind { LETTER_START, LETTER_UPDATE, LETTER_DTMF, LETTER_STATISTICS, LETTER_STOP };

struct letter {
	struct link link;
	enum letter_kind kind;
	uint64_t call;
	char digit;                   /* LETTER_DTMF */
	struct sdp_media agreed;      /* LETTER_START, LETTER_UPDATE */
	struct media_port *port;      /* LETTER_START: owned */
	struct media_devices devices; /* LETTER_START: the texts are owned */
};

/* NULL without memory. */
struct letter *letter_new(enum letter_kind kind, uint64_t call);
/* Wipes the keys and frees what was not taken out. */
void letter_free(struct letter *letter);
OWN(letter)

struct letters {
	pthread_mutex_t lock;
	int fd;
	struct list list;
	bool is_closing;
};

MUST_CHECK enum err letters_init(struct letters *letters);
/* Frees the letters that were not read; accepts a zeroed one. */
void letters_fini(struct letters *letters);
/* The letter is owned by the queue from here on. */
void letters_post(struct letters *letters, struct letter *letter);
/* The last thing that is posted. */
void letters_close(struct letters *letters);
/* The oldest letter, or NULL. */
struct letter *letters_take(struct letters *letters, bool *ret_is_closing);

enum {
	EVENTS_KEPT = 128,
	EVENTS_RESERVED = 32, /* places that only the last event of a call may take */
};

/* A ring that never allocates: who does not take his events loses the newest of them, but not a call's last. */
struct events {
	pthread_mutex_t lock;
	int fd;
	size_t first, n;
	struct media_event ring[EVENTS_KEPT];
};

MUST_CHECK enum err events_init(struct events *events);
void events_fini(struct events *events);
void events_post(struct events *events, const struct media_event *event);
bool events_take(struct events *events, struct media_event *ret_event);
