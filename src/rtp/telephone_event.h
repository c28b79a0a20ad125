/*
 * DTMF digits as RTP events (RFC 4733 §2): the payload, the sender's timing, and the receiver's memory. Pure;
 * the structs are the caller's. Time is counted in timestamp units of the event's clock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum { RTP_EVENT_PAYLOAD = 4 };

struct rtp_event {
	uint8_t event; /* 0-9, * 10, # 11, A-D 12-15 */
	bool end;
	uint8_t volume;    /* -dBm0, 0..63 */
	uint16_t duration; /* timestamp units */
};

bool rtp_event_parse(struct slice payload, struct rtp_event *ret_event);
void rtp_event_build(const struct rtp_event *event, uint8_t ret_payload[RTP_EVENT_PAYLOAD]);

/* '0'..'9' '*' '#' 'A'..'D' (either case) to 0..15; -1 for others. */
int rtp_event_of_digit(char digit);
/* '\0' if the event is not a DTMF digit. */
char rtp_event_digit(uint8_t event);

/* One digit being sent. Zeroed: none. */
struct rtp_event_sender {
	bool is_active;
	uint8_t event;
	uint32_t timestamp; /* of the whole event: its beginning */
	uint32_t elapsed, length;
	unsigned n_ends; /* end packets that went out */
};

/* What to put on the wire for this packet time. */
struct rtp_event_packet {
	bool marker;
	uint32_t timestamp;
	struct rtp_event event;
};

/* length: how long the digit lasts, in timestamp units. */
void rtp_event_sender_start(struct rtp_event_sender *sender, uint8_t event, uint32_t timestamp,
			    uint32_t length);
/* One packet time has passed: fills the packet for it; the end is sent three times. False when nothing is
 * being sent. */
bool rtp_event_sender_step(struct rtp_event_sender *sender, uint32_t step,
			   struct rtp_event_packet *ret_packet);

/* The last event heard. Zeroed: none. */
struct rtp_event_receiver {
	bool has_last, has_ended;
	uint8_t last;
	uint32_t last_timestamp; /* of its last segment */
};

/* '\0', or the digit if this packet is the first heard of a new event (repetitions, further segments and its end are
 * the same event). */
char rtp_event_receive(struct rtp_event_receiver *receiver, uint32_t timestamp, struct slice payload);
