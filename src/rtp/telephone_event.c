#include "rtp/telephone_event.h"

#include <string.h>

static const char digits[] = "0123456789*#ABCD";

enum {
	END_BIT = 0x80,
	VOLUME_BITS = 0x3f,
	OUR_VOLUME = 10,   /* -10 dBm0 */
	LATE_MAX = 480000, /* 10 s on the clock of Opus: beyond that the other side counts anew */
	END_PACKETS = 3,   /* RFC 4733 §2.5.1.4: the final packet "SHOULD be sent a total of three times" */
};

bool rtp_event_parse(struct slice payload, struct rtp_event *ret_event)
{
	const uint8_t *at = (const uint8_t *)payload.ptr;

	if (payload.len != RTP_EVENT_PAYLOAD)
		return false;
	*ret_event = (struct rtp_event){
		.event = at[0],
		.end = at[1] & END_BIT,
		.volume = at[1] & VOLUME_BITS,
		.duration = (uint16_t)(at[2] << 8 | at[3]),
	};
	return true;
}

void rtp_event_build(const struct rtp_event *event, uint8_t ret_payload[RTP_EVENT_PAYLOAD])
{
	ret_payload[0] = event->event;
	ret_payload[1] = (uint8_t)((event->end ? END_BIT : 0) | (event->volume & VOLUME_BITS));
	ret_payload[2] = (uint8_t)(event->duration >> 8);
	ret_payload[3] = (uint8_t)event->duration;
}

int rtp_event_of_digit(char digit)
{
	const char *at;

	if (digit >= 'a' && digit <= 'd')
		digit = (char)(digit - 'a' + 'A');
	at = digit ? strchr(digits, digit) : NULL;
	return at ? (int)(at - digits) : -1;
}

char rtp_event_digit(uint8_t event)
{
	return event < sizeof digits - 1 ? digits[event] : '\0';
}

void rtp_event_sender_start(struct rtp_event_sender *sender, uint8_t event, uint32_t timestamp,
			    uint32_t length)
{
	*sender = (struct rtp_event_sender){
		.is_active = true,
		.event = event,
		.timestamp = timestamp,
		.length = length < UINT16_MAX ? length : UINT16_MAX,
	};
}

bool rtp_event_sender_step(struct rtp_event_sender *sender, uint32_t step,
			   struct rtp_event_packet *ret_packet)
{
	bool first = sender->elapsed == 0;

	if (!sender->is_active)
		return false;
	sender->elapsed = sender->elapsed + step < sender->length ? sender->elapsed + step : sender->length;
	if (sender->elapsed == sender->length)
		sender->n_ends++;
	sender->is_active = sender->n_ends < END_PACKETS;
	*ret_packet = (struct rtp_event_packet){
		.marker = first,
		.timestamp = sender->timestamp,
		.event = {
			.event = sender->event,
			.end = sender->n_ends > 0,
			.volume = OUR_VOLUME,
			.duration = (uint16_t)sender->elapsed,
		},
	};
	return true;
}

/*
 * RFC 4733 §2.5.2.3: what lasts longer than a packet can say goes on in a segment of its own, and "the absence of a gap"
 * tells that from the same key pressed again.
 */
static bool is_further_segment(const struct rtp_event_receiver *receiver, uint32_t timestamp,
			       const struct rtp_event *event)
{
	return !receiver->has_ended && event->event == receiver->last &&
	       timestamp - receiver->last_timestamp == UINT16_MAX;
}

char rtp_event_receive(struct rtp_event_receiver *receiver, uint32_t timestamp, struct slice payload)
{
	struct rtp_event event;
	int32_t age;
	bool is_known;

	if (!rtp_event_parse(payload, &event) || !rtp_event_digit(event.event))
		return '\0';
	age = (int32_t)(receiver->last_timestamp - timestamp);
	/* One that comes late, after a newer event has begun, was heard before or is not worth a wrong order. */
	if (receiver->has_last && age > 0 && age <= LATE_MAX)
		return '\0';
	is_known = receiver->has_last && (age == 0 || is_further_segment(receiver, timestamp, &event));
	*receiver = (struct rtp_event_receiver){
		.has_last = true,
		.has_ended = event.end || (receiver->has_last && age == 0 && receiver->has_ended),
		.last = event.event,
		.last_timestamp = timestamp,
	};
	return is_known ? '\0' : rtp_event_digit(event.event);
}
