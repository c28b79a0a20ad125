#include "rtp/jitter.h"

#include <string.h>

#include "base/mem.h"

enum {
	SLOTS = 64,

	FRAME_MS = 20,
	START_MS = 40,     /* held before the first packet is played */
	MAX_MS = 200,      /* held at most */
	SPARE_MS = 40,     /* how early all packets of a window came, for the delay to be too long */
	JUMP_MS = 2000,    /* farther away than that it is another stream */
	MAX_CONCEALED = 5, /* frames of guesswork before silence */
	WINDOW = 200,      /* gets between two looks at the spare delay: 4 s */
};

struct slot {
	struct rtp_jitter_packet packet; /* payload points to bytes */
	uint8_t bytes[RTP_JITTER_MAX_PAYLOAD];
};

struct rtp_jitter {
	uint32_t frame, start, max, spare, jump; /* the times above in timestamp units */
	bool is_playing;
	uint32_t next;        /* timestamp that is to be played next */
	unsigned n_waited;    /* gets since the first packet of a start came */
	unsigned n_concealed; /* in a row */
	unsigned n_gets;      /* in this window */
	uint32_t least;       /* by which a packet of this window came before its turn */
	uint32_t owed;        /* delay that the last late packet showed to be missing */
	uint64_t late;

	struct slot slots[SLOTS];
	struct slot *order[SLOTS]; /* the first n hold packets, oldest first; the rest are free */
	size_t n;
};

struct rtp_jitter *rtp_jitter_new(unsigned clock)
{
	struct rtp_jitter *jitter = mem_new(struct rtp_jitter);

	if (!jitter)
		return NULL;
	for (size_t i = 0; i < SLOTS; i++)
		jitter->order[i] = &jitter->slots[i];
	rtp_jitter_reset(jitter, clock);
	return jitter;
}

void rtp_jitter_free(struct rtp_jitter *jitter)
{
	mem_free(jitter);
}

/* Serial number arithmetic, as for sequence numbers: how far a lies after b. */
static int32_t after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

static const struct rtp_jitter_packet *oldest(const struct rtp_jitter *jitter)
{
	return &jitter->order[0]->packet;
}

/* Time between what is to be played next and the end of the newest packet. */
static uint32_t held(const struct rtp_jitter *jitter)
{
	const struct rtp_jitter_packet *newest;
	int32_t span;

	if (jitter->n == 0)
		return 0;
	newest = &jitter->order[jitter->n - 1]->packet;
	span = after(newest->timestamp + newest->span,
		     jitter->is_playing ? jitter->next : oldest(jitter)->timestamp);
	return span > 0 ? (uint32_t)span : 0;
}

/* Takes out the oldest packet; its slot goes to the end of the free ones. */
static struct slot *take_oldest(struct rtp_jitter *jitter)
{
	struct slot *slot = jitter->order[0];

	memmove(&jitter->order[0], &jitter->order[1], (SLOTS - 1) * sizeof jitter->order[0]);
	jitter->order[SLOTS - 1] = slot;
	jitter->n--;
	return slot;
}

static void stop_playing(struct rtp_jitter *jitter)
{
	jitter->is_playing = false;
	jitter->n_waited = 0;
	jitter->n_concealed = 0;
	jitter->owed = 0;
}

static void skip_to(struct rtp_jitter *jitter, uint32_t next)
{
	jitter->next = next;
	while (jitter->n && after(oldest(jitter)->timestamp, next) < 0)
		take_oldest(jitter);
}

void rtp_jitter_reset(struct rtp_jitter *jitter, unsigned clock)
{
	uint32_t per_ms = clock / 1000;

	jitter->frame = FRAME_MS * per_ms;
	jitter->start = START_MS * per_ms;
	jitter->max = MAX_MS * per_ms;
	jitter->spare = SPARE_MS * per_ms;
	jitter->jump = JUMP_MS * per_ms;
	jitter->n = 0;
	jitter->n_gets = 0;
	jitter->least = UINT32_MAX;
	stop_playing(jitter);
}

/* ---- in
 * ---------------------------------------------------------------------------------------------------------
 */

/* Where in the order the packet belongs; false if it is there already. */
static bool find_place(const struct rtp_jitter *jitter, uint32_t timestamp, size_t *ret_place)
{
	size_t place = jitter->n;

	while (place > 0 && after(jitter->order[place - 1]->packet.timestamp, timestamp) >= 0)
		place--;
	if (place < jitter->n && jitter->order[place]->packet.timestamp == timestamp)
		return false;
	*ret_place = place;
	return true;
}

static void insert(struct rtp_jitter *jitter, const struct rtp_jitter_packet *packet, size_t place)
{
	struct slot *slot = jitter->order[jitter->n];

	memmove(&jitter->order[place + 1], &jitter->order[place],
		(jitter->n - place) * sizeof jitter->order[0]);
	jitter->order[place] = slot;
	jitter->n++;
	slot->packet = *packet;
	slot->packet.payload.ptr = (const char *)slot->bytes;
	memcpy(slot->bytes, packet->payload.ptr, packet->payload.len);
}

/* A timestamp from elsewhere: the other side began a new stream, and nothing of the old one is of use. */
static bool is_jump(const struct rtp_jitter *jitter, uint32_t timestamp)
{
	int32_t distance;

	if (!jitter->is_playing && jitter->n == 0)
		return false;
	distance = after(timestamp, jitter->is_playing ? jitter->next : oldest(jitter)->timestamp);
	return distance > (int32_t)jitter->jump || distance < -(int32_t)jitter->jump;
}

/* margin: how long before its turn a packet came. What comes too late is lost, but teaches how long to wait. */
static bool is_in_time(struct rtp_jitter *jitter, int32_t margin)
{
	if (margin < 0) {
		jitter->late++;
		jitter->owed = 0u - (uint32_t)margin;
		return false;
	}
	if ((uint32_t)margin < jitter->least)
		jitter->least = (uint32_t)margin;
	return true;
}

bool rtp_jitter_put(struct rtp_jitter *jitter, const struct rtp_jitter_packet *packet)
{
	size_t place;

	if (packet->payload.len == 0 || packet->payload.len > RTP_JITTER_MAX_PAYLOAD || packet->span == 0 ||
	    packet->span > jitter->max)
		return false;
	if (is_jump(jitter, packet->timestamp)) {
		jitter->n = 0;
		stop_playing(jitter);
	}
	if (jitter->is_playing && !is_in_time(jitter, after(packet->timestamp, jitter->next)))
		return false;
	if (!find_place(jitter, packet->timestamp, &place))
		return false;
	if (jitter->n == SLOTS) {
		take_oldest(jitter);
		place -= place > 0;
	}
	insert(jitter, packet, place);
	return true;
}

/* ---- out
 * -------------------------------------------------------------------------------------------------------- */

/* Whether enough is there to begin, or the wait for more has been long enough. */
static bool may_start(struct rtp_jitter *jitter)
{
	if (jitter->n == 0)
		return false;
	return held(jitter) >= jitter->start || ++jitter->n_waited > START_MS / FRAME_MS;
}

/* Less delay: at once when more than the most is held, by a frame when it was not needed for a whole window. */
static void shorten(struct rtp_jitter *jitter)
{
	uint32_t level = held(jitter);

	if (level > jitter->max)
		skip_to(jitter, jitter->next + (level - jitter->max));
	if (++jitter->n_gets < WINDOW)
		return;
	if (jitter->least != UINT32_MAX && jitter->least > jitter->spare)
		skip_to(jitter, jitter->next + jitter->frame);
	jitter->n_gets = 0;
	jitter->least = UINT32_MAX;
}

/* More delay, a frame at a time, after packets that came late: next stays where it is, and the frame is made up. */
static bool lengthen(struct rtp_jitter *jitter, struct rtp_jitter_packet *ret_packet)
{
	if (jitter->owed == 0 || held(jitter) + jitter->frame > jitter->max) {
		jitter->owed = 0;
		return false;
	}
	jitter->owed -= jitter->owed < jitter->frame ? jitter->owed : jitter->frame;
	*ret_packet = (struct rtp_jitter_packet){ .timestamp = jitter->next, .span = jitter->frame };
	return true;
}

/* Nothing is held: the frame that is made up is delay gained, because what comes later is still played in
 * full. */
static enum rtp_jitter_result run_dry(struct rtp_jitter *jitter, struct rtp_jitter_packet *ret_packet)
{
	if (++jitter->n_concealed > MAX_CONCEALED) {
		stop_playing(jitter);
		return RTP_JITTER_EMPTY;
	}
	*ret_packet = (struct rtp_jitter_packet){ .timestamp = jitter->next, .span = jitter->frame };
	return RTP_JITTER_LOST;
}

/* Later packets are there, the next one is not. */
static enum rtp_jitter_result bridge_gap(struct rtp_jitter *jitter, uint32_t gap,
					 struct rtp_jitter_packet *ret_packet)
{
	uint32_t span = gap < jitter->frame ? gap : jitter->frame;

	*ret_packet = (struct rtp_jitter_packet){ .timestamp = jitter->next, .span = span };
	if (span == gap)
		ret_packet->payload = oldest(jitter)->payload;
	jitter->next += span;
	return RTP_JITTER_LOST;
}

enum rtp_jitter_result rtp_jitter_get(struct rtp_jitter *jitter, struct rtp_jitter_packet *ret_packet)
{
	int32_t gap;

	if (!jitter->is_playing) {
		if (!may_start(jitter))
			return RTP_JITTER_EMPTY;
		jitter->is_playing = true;
		jitter->next = oldest(jitter)->timestamp;
	}
	shorten(jitter);
	if (jitter->n == 0)
		return run_dry(jitter, ret_packet);
	if (lengthen(jitter, ret_packet))
		return RTP_JITTER_LOST;

	/* What was made up while nothing came stands for as much of this gap, or has become delay. */
	gap = after(oldest(jitter)->timestamp, jitter->next);
	for (; gap > 0 && jitter->n_concealed > 0; jitter->n_concealed--) {
		jitter->next += (uint32_t)gap < jitter->frame ? (uint32_t)gap : jitter->frame;
		gap = after(oldest(jitter)->timestamp, jitter->next);
	}
	jitter->n_concealed = 0;
	if (gap > 0)
		return bridge_gap(jitter, (uint32_t)gap, ret_packet);

	*ret_packet = take_oldest(jitter)->packet;
	jitter->next = ret_packet->timestamp + ret_packet->span;
	return RTP_JITTER_PACKET;
}

unsigned rtp_jitter_delay(const struct rtp_jitter *jitter)
{
	return held(jitter) * FRAME_MS / jitter->frame;
}

uint64_t rtp_jitter_late(const struct rtp_jitter *jitter)
{
	return jitter->late;
}
