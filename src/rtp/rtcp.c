#include "rtp/rtcp.h"

enum {
	VERSION = 2,
	PADDING_BIT = 0x20,
	COUNT = 0x1f,

	SR = 200,
	RR = 201,
	SDES = 202,
	BYE = 203,

	SDES_CNAME = 1,
	SENDER_INFO = 20,
	REPORT_BLOCK = 24,
};

/* One packet of a compound: its header taken apart, and what follows the header. */
struct part {
	uint8_t type, count;
	const uint8_t *body;
	size_t len;
};

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put32(struct writer *out, uint32_t number)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		put_char(out, (char)(number >> shift));
}

/* ---- parsing
 * -------------------------------------------------------------------------------------------------- */

/* Padding only in the last packet of a compound (§6.4.1). */
static bool next_part(struct slice *rest, struct part *ret_part)
{
	const uint8_t *at = (const uint8_t *)rest->ptr;
	size_t len, padding = 0;

	if (rest->len < 4 || at[0] >> 6 != VERSION)
		return false;
	len = 4 * ((size_t)(at[2] << 8 | at[3]) + 1);
	if (len > rest->len)
		return false;
	if (at[0] & PADDING_BIT) {
		padding = at[len - 1];
		if (len != rest->len || padding == 0 || padding % 4 || padding > len - 4)
			return false;
	}
	*ret_part = (struct part){ at[1], at[0] & COUNT, at + 4, len - 4 - padding };
	*rest = slice_sub(*rest, len, rest->len);
	return true;
}

static struct rtcp_report parse_report(const uint8_t *at)
{
	uint32_t lost = get32(at + 4) & 0xffffff;

	return (struct rtcp_report){
		.ssrc = get32(at),
		.fraction_lost = at[4],
		.lost = lost & 0x800000 ? (int32_t)lost - 0x1000000 : (int32_t)lost,
		.highest = get32(at + 8),
		.jitter = get32(at + 12),
		.last_sr = get32(at + 16),
		.delay = get32(at + 20),
	};
}

static bool parse_reports(const struct part *part, uint32_t report_on, struct rtcp_compound *compound)
{
	size_t before = 4 + (part->type == SR ? SENDER_INFO : 0);

	if (part->len < before + REPORT_BLOCK * (size_t)part->count)
		return false;
	compound->ssrc = get32(part->body);
	if (part->type == SR) {
		compound->is_sender = true;
		compound->ntp = (uint64_t)get32(part->body + 4) << 32 | get32(part->body + 8);
		compound->timestamp = get32(part->body + 12);
		compound->packets = get32(part->body + 16);
		compound->octets = get32(part->body + 20);
	}
	for (size_t i = 0; i < part->count; i++) {
		struct rtcp_report report = parse_report(part->body + before + REPORT_BLOCK * i);

		if (report.ssrc != report_on)
			continue;
		compound->has_report = true;
		compound->report = report;
	}
	return true;
}

/* One chunk: SSRC, items, and zeros to the next 32 bits (§6.5). Advances *at. */
static bool parse_chunk(const struct part *part, size_t *at, struct rtcp_compound *compound)
{
	size_t i = *at + 4;
	bool is_sender;

	if (i > part->len)
		return false;
	is_sender = get32(part->body + *at) == compound->ssrc;
	while (i < part->len && part->body[i] != 0) {
		if (i + 2 > part->len || i + 2 + part->body[i + 1] > part->len)
			return false;
		if (part->body[i] == SDES_CNAME && is_sender)
			compound->cname = slice_from(part->body + i + 2, part->body[i + 1]);
		i += 2 + (size_t)part->body[i + 1];
	}
	if (i == part->len)
		return false;
	*at = (i / 4 + 1) * 4;
	return true;
}

static bool parse_sdes(const struct part *part, struct rtcp_compound *compound)
{
	size_t at = 0;

	for (size_t i = 0; i < part->count; i++)
		if (!parse_chunk(part, &at, compound))
			return false;
	return true;
}

static bool parse_bye(const struct part *part, struct rtcp_compound *compound)
{
	if (part->len < 4 * (size_t)part->count)
		return false;
	for (size_t i = 0; i < part->count; i++)
		if (get32(part->body + 4 * i) == compound->ssrc)
			compound->bye = true;
	return true;
}

bool rtcp_parse(struct slice datagram, uint32_t report_on, struct rtcp_compound *ret_compound)
{
	struct rtcp_compound compound = { 0 };
	struct slice rest = datagram;
	struct part part;
	bool ok;

	/* §6.1: "The first RTCP packet in the compound packet MUST always be a report packet". */
	if (!next_part(&rest, &part) || (part.type != SR && part.type != RR))
		return false;
	ok = parse_reports(&part, report_on, &compound);
	while (ok && rest.len) {
		ok = next_part(&rest, &part);
		if (!ok)
			break;
		switch (part.type) {
		case SDES: ok = parse_sdes(&part, &compound); break;
		case BYE: ok = parse_bye(&part, &compound); break;
		default: break;
		}
	}
	if (ok)
		*ret_compound = compound;
	return ok;
}

/* ---- building
 * ------------------------------------------------------------------------------------------------- */

/* len: of what follows the header, in bytes. */
static void put_header(struct writer *out, uint8_t type, unsigned count, size_t len)
{
	put32(out,
	      (uint32_t)VERSION << 30 | (uint32_t)count << 24 | (uint32_t)type << 16 | (uint32_t)(len / 4));
}

static void put_report(struct writer *out, const struct rtcp_report *report)
{
	put32(out, report->ssrc);
	put32(out, (uint32_t)report->fraction_lost << 24 | ((uint32_t)report->lost & 0xffffff));
	put32(out, report->highest);
	put32(out, report->jitter);
	put32(out, report->last_sr);
	put32(out, report->delay);
}

static void put_reports(struct writer *out, const struct rtcp_compound *compound)
{
	size_t len = 4;

	if (compound->is_sender)
		len += SENDER_INFO;
	if (compound->has_report)
		len += REPORT_BLOCK;
	put_header(out, compound->is_sender ? SR : RR, compound->has_report, len);
	put32(out, compound->ssrc);
	if (compound->is_sender) {
		put32(out, (uint32_t)(compound->ntp >> 32));
		put32(out, (uint32_t)compound->ntp);
		put32(out, compound->timestamp);
		put32(out, compound->packets);
		put32(out, compound->octets);
	}
	if (compound->has_report)
		put_report(out, &compound->report);
}

static void put_sdes(struct writer *out, const struct rtcp_compound *compound)
{
	struct slice cname = slice_sub(compound->cname, 0, 255);
	size_t items = 2 + cname.len;
	size_t zeros = 4 - items % 4; /* at least one ends the list */

	put_header(out, SDES, 1, 4 + items + zeros);
	put32(out, compound->ssrc);
	put_char(out, SDES_CNAME);
	put_char(out, (char)cname.len);
	put(out, cname);
	for (size_t i = 0; i < zeros; i++)
		put_char(out, '\0');
}

enum err rtcp_build(struct writer *out, const struct rtcp_compound *compound)
{
	put_reports(out, compound);
	put_sdes(out, compound);
	if (compound->bye) {
		put_header(out, BYE, 1, 4);
		put32(out, compound->ssrc);
	}
	return out->overflow ? ERR_LIMIT : OK;
}
