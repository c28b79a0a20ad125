/* Datagrams on a media port: RTP with events and the jitter buffer behind it, or RTCP. */
#include <stddef.h>
#include <stdint.h>

#include "rtp/jitter.h"
#include "rtp/packet.h"
#include "rtp/rtcp.h"
#include "rtp/source.h"
#include "rtp/telephone_event.h"

static void play(struct rtp_jitter *jitter, const struct rtp_packet *rtp)
{
	const struct rtp_jitter_packet packet = {
		.timestamp = rtp->timestamp,
		.span = (uint32_t)rtp->payload.len,
		.payload = rtp->payload,
	};
	struct rtp_jitter_packet played;

	(void)rtp_jitter_put(jitter, &packet);
	(void)rtp_jitter_get(jitter, &played);
}

/* The input is a row of datagrams, each behind its length. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rtp_jitter *jitter = rtp_jitter_new(8000);
	struct rtp_event_receiver receiver = { 0 };
	struct rtp_source source;

	rtp_source_init(&source, 1);
	while (jitter && size > 1 && data[0] < size) {
		struct slice datagram = slice_from(data + 1, data[0]);
		struct rtcp_compound compound;
		struct rtp_packet rtp;

		if (rtp_is_rtcp(datagram)) {
			(void)rtcp_parse(datagram, 1, &compound);
		} else if (rtp_parse(datagram, &rtp) && rtp_source_add(&source, rtp.sequence)) {
			rtp_source_time(&source, rtp.timestamp, 0);
			rtp_event_receive(&receiver, rtp.timestamp, rtp.payload);
			play(jitter, &rtp);
		}
		size -= (size_t)data[0] + 1;
		data += data[0] + 1;
	}
	rtp_jitter_free(jitter);
	return 0;
}
