#include <time.h>

#include "media/call.h"

enum {
	REPORT_BUFFER = 512,
	UNHEARD_US = 10 * 1000000,
	MAX_ROUND_TRIP_US = 10 * 1000000, /* more is a clock that was set */
};

/* Seconds since 1900 and their fractions (RFC 3550 §4). */
static uint64_t ntp_now(void)
{
	const uint64_t from_1900_to_1970 = 2208988800;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return ((uint64_t)now.tv_sec + from_1900_to_1970) << 32 | ((uint64_t)now.tv_nsec << 32) / 1000000000;
}

/* §6.2: five seconds, at random between half and one and a half of it, so that reports do not fall in step. */
static uint64_t next_due(uint64_t now)
{
	uint32_t random;

	media_random(&random, sizeof random);
	return now + 2500000 + random % 5000000;
}

void media_call_reports_init(struct media_call *call, uint64_t now)
{
	uint8_t random[CNAME_LEN * 3 / 4];
	struct writer out = writer_of(call->reports.cname, sizeof call->reports.cname);

	media_random(random, sizeof random);
	put_base64(&out, random, sizeof random);
	call->reports.due = next_due(now);
}

/* In units of 1/65536 s. */
static uint32_t delay_since(uint64_t then, uint64_t now)
{
	return (uint32_t)(((now - then) << 16) / 1000000);
}

void media_call_report(struct media_call *call, uint64_t now, bool bye)
{
	struct reports *reports = &call->reports;
	uint8_t buf[REPORT_BUFFER];
	struct writer out = writer_of(buf, sizeof buf - SRTP_ROOM);
	struct rtcp_compound compound = {
		.ssrc = call->out.ssrc,
		.is_sender = call->out.packets > reports->packets_at_last,
		.ntp = ntp_now(),
		.timestamp = call->out.timestamp,
		.packets = (uint32_t)call->out.packets,
		.octets = (uint32_t)call->out.bytes,
		.has_report = call->in.source.is_started,
		.cname = slice_from(reports->cname, sizeof reports->cname),
		.bye = bye,
	};

	if (compound.has_report) {
		rtp_source_report(&call->in.source, &compound.report);
		compound.report.last_sr = reports->last_sr;
		compound.report.delay = reports->last_sr ? delay_since(reports->last_sr_at, now) : 0;
	}
	reports->packets_at_last = call->out.packets;
	reports->due = next_due(now);
	if (rtcp_build(&out, &compound) == OK)
		media_call_send(call, true, buf, out.len, sizeof buf);
}

/* §6.4.1: A - LSR - DLSR; 0 if that makes no sense. */
static unsigned round_trip(const struct rtcp_report *report)
{
	uint32_t now = (uint32_t)(ntp_now() >> 16);
	uint64_t us = ((uint64_t)(now - report->last_sr - report->delay) * 1000000) >> 16;

	return report->last_sr && us < MAX_ROUND_TRIP_US ? (unsigned)us : 0;
}

/* Reports that never get further, or speak of everybody but us, mean that the other side hears nothing. */
static void look_whether_heard(struct media_call *call, const struct rtcp_compound *compound, uint64_t now)
{
	struct reports *reports = &call->reports;
	bool progress = compound->has_report &&
			(!reports->has_remote || compound->report.highest != reports->remote.highest);

	if (progress || !media_call_may_send(call)) {
		reports->heard_at = now;
		reports->is_unheard = false;
	} else if (!reports->is_unheard && now - reports->heard_at >= UNHEARD_US) {
		reports->is_unheard = true;
		media_call_tell(call, MEDIA_NOT_HEARD);
	}
}

void media_call_receive_rtcp(struct media_call *call, struct slice datagram, uint64_t now)
{
	struct reports *reports = &call->reports;
	struct rtcp_compound compound;

	if (!rtcp_parse(datagram, call->out.ssrc, &compound)) {
		call->in.refused++;
		return;
	}
	look_whether_heard(call, &compound, now);
	if (compound.is_sender) {
		reports->last_sr = (uint32_t)(compound.ntp >> 16);
		reports->last_sr_at = now;
	}
	if (compound.has_report) {
		reports->has_remote = true;
		reports->remote = compound.report;
		reports->round_trip_us = round_trip(&compound.report);
	}
	if (compound.bye)
		media_call_tell(call, MEDIA_REMOTE_BYE);
}

/* ---- figures ---------------------------------------------------------------------------------------------------- */

static unsigned units_to_us(uint32_t units, enum sdp_codec codec)
{
	return (unsigned)((uint64_t)units * 1000000 / sdp_codec_clock(codec));
}

static struct media_statistics statistics_of(const struct media_call *call)
{
	const struct incoming *in = &call->in;
	const struct reports *reports = &call->reports;

	return (struct media_statistics){
		.codec = call->agreed.codec,
		.suite = call->agreed.secure ? call->agreed.suite : SDP_SUITE_NONE,
		.remote = call->rtp.address,
		.packets_sent = call->out.packets,
		.bytes_sent = call->out.bytes,
		.packets_received = in->packets,
		.bytes_received = in->bytes,
		.packets_lost = in->lost_before + rtp_source_lost(&in->source),
		.packets_late = rtp_jitter_late(in->jitter),
		.packets_refused = in->refused,
		.auth_failures = in->auth_failures,
		.replays = in->replays,
		.jitter_us = units_to_us(rtp_source_jitter(&in->source), in->codec),
		.has_remote_report = reports->has_remote,
		.remote_lost = reports->remote.lost,
		.remote_jitter_us = units_to_us(reports->remote.jitter, call->agreed.codec),
		.round_trip_us = reports->round_trip_us,
	};
}

struct media_event media_call_event(const struct media_call *call, enum media_event_kind kind)
{
	struct media_event event = { .kind = kind, .call = call->id };

	if (kind == MEDIA_STATISTICS || kind == MEDIA_ENDED || kind == MEDIA_FAILED)
		event.statistics = statistics_of(call);
	return event;
}
