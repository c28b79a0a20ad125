#include "rtp/packet.h"

enum {
	VERSION = 2,
	PADDING_BIT = 0x20,
	EXTENSION_BIT = 0x10,
	CSRC_COUNT = 0x0f,
	MARKER_BIT = 0x80,
};

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static void put16(struct writer *out, unsigned number)
{
	put_char(out, (char)(number >> 8));
	put_char(out, (char)number);
}

static void put32(struct writer *out, uint32_t number)
{
	put16(out, number >> 16);
	put16(out, number & 0xffff);
}

bool rtp_is_rtcp(struct slice datagram)
{
	uint8_t type = datagram.len > 1 ? (uint8_t)datagram.ptr[1] : 0;

	return type >= 192 && type <= 223;
}

/* Bytes of the header with CSRCs and extension, or 0 if the datagram ends before it. */
static size_t header_len(const uint8_t *at, size_t n)
{
	size_t len = RTP_HEADER + 4 * (size_t)(at[0] & CSRC_COUNT);

	if (len > n)
		return 0;
	if (at[0] & EXTENSION_BIT) {
		if (len + 4 > n)
			return 0;
		len += 4 + 4 * (size_t)get16(at + len + 2);
	}
	return len <= n ? len : 0;
}

bool rtp_parse(struct slice datagram, struct rtp_packet *ret_packet)
{
	const uint8_t *at = (const uint8_t *)datagram.ptr;
	size_t header, padding = 0;

	if (datagram.len < RTP_HEADER || at[0] >> 6 != VERSION)
		return false;
	header = header_len(at, datagram.len);
	if (header == 0)
		return false;
	if (at[0] & PADDING_BIT) {
		padding = at[datagram.len - 1];
		if (padding == 0 || padding > datagram.len - header)
			return false;
	}
	*ret_packet = (struct rtp_packet){
		.payload_type = at[1] & 0x7f,
		.marker = at[1] & MARKER_BIT,
		.sequence = get16(at + 2),
		.timestamp = get32(at + 4),
		.ssrc = get32(at + 8),
		.payload = slice_sub(datagram, header, datagram.len - header - padding),
	};
	return true;
}

enum err rtp_build(struct writer *out, const struct rtp_packet *packet)
{
	put_char(out, (char)(VERSION << 6));
	put_char(out, (char)((packet->marker ? MARKER_BIT : 0) | packet->payload_type));
	put16(out, packet->sequence);
	put32(out, packet->timestamp);
	put32(out, packet->ssrc);
	put(out, packet->payload);
	return out->overflow ? ERR_LIMIT : OK;
}
