#include "sdp/remote.h"

#include <string.h>

#include "base/mem.h"
#include "base/scan.h"

enum { MAX_CRYPTOS = 32 }; /* lines of one section; the search for equal tags is quadratic */

static bool parse_profile(struct slice proto, enum sdp_profile *ret_profile)
{
	for (unsigned i = 0; i < SDP_PROFILES; i++) {
		if (!slice_eq(proto, sdp_profile_name((enum sdp_profile)i)))
			continue;
		*ret_profile = (enum sdp_profile)i;
		return true;
	}
	return false;
}

static bool is_null_ip(const struct address *address)
{
	static const uint8_t zero[sizeof address->ip];

	return memcmp(address->ip, zero, address->family == ADDRESS_V4 ? 4 : sizeof zero) == 0;
}

/*
 * RFC 3605: rtcp-attribute = "a=rtcp:" port [nettype SP addrtype SP connection-address]; port + 1 without it. Where RTCP comes on
 * RTP's port (RFC 5761), the last port does as well as any.
 */
static bool read_rtcp(const struct sdp_section *section, struct sdp_remote *remote)
{
	const struct sdp_attribute *attribute = sdp_attribute_find(&section->attributes, SLICE("rtcp"));
	struct scan in;
	uint64_t port = (uint64_t)remote->address.port + 1;

	remote->rtcp = remote->address;
	if (attribute) {
		in = scan_of(attribute->value);
		if (!scan_number(&in, UINT16_MAX, &port) || port == 0)
			return false;
		/* Another host for RTCP than for RTP is not followed: there is no stream there to prove it.
		 */
		if (!scan_done(&in) && !scan_text(&in, SLICE(" IN IP")))
			return false;
	}
	remote->rtcp.port = port <= UINT16_MAX ? (uint16_t)port : 0;
	return remote->rtcp_mux || remote->rtcp.port != 0;
}

static enum sdp_verdict read_address(const struct sdp_session *session, const struct sdp_section *section,
				     struct sdp_remote *remote)
{
	remote->address = section->connection.text.ptr ? section->connection.address
						       : session->connection.address;
	if (remote->address.family == ADDRESS_NONE || section->n_ports != 1)
		return SDP_BAD_ADDRESS;
	remote->address.port = section->port;
	remote->is_null_address = is_null_ip(&remote->address);
	remote->rtcp_mux = sdp_attribute_find(&section->attributes, SLICE("rtcp-mux")) != NULL;
	if (!read_rtcp(section, remote))
		return SDP_BAD_ATTRIBUTE;
	return SDP_OK;
}

/* How many of the four directions stand in the list; the last of them is returned. */
static unsigned find_direction(const struct sdp_attributes *attributes, enum sdp_direction *ret_direction)
{
	unsigned n = 0;

	for (size_t i = 0; i < attributes->n; i++) {
		for (unsigned d = SDP_INACTIVE; d <= SDP_SENDRECV; d++) {
			if (!slice_eq(attributes->list[i].name, sdp_direction_name((enum sdp_direction)d)))
				continue;
			*ret_direction = (enum sdp_direction)d;
			n++;
		}
	}
	return n;
}

/* RFC 8866 §6.7: the section's, else the session's, else sendrecv; only one of them. */
static bool read_direction(const struct sdp_session *session, const struct sdp_section *section,
			   struct sdp_remote *remote)
{
	unsigned n;

	remote->direction = SDP_SENDRECV;
	n = find_direction(&section->attributes, &remote->direction);
	if (n == 0)
		n = find_direction(&session->attributes, &remote->direction);
	return n <= 1;
}

/* What it likes to receive (RFC 8866 §6.4). We send whole frames of 20 ms, at most three in a packet. */
static bool read_ptime(const struct sdp_section *section, struct sdp_remote *remote)
{
	const struct sdp_attribute *attribute = sdp_attribute_find(&section->attributes, SLICE("ptime"));
	struct scan in;
	uint64_t ptime;

	remote->ptime = 20;
	if (!attribute)
		return true;
	in = scan_of(attribute->value);
	if (!scan_number(&in, 1000, &ptime))
		return false;
	if (ptime == 40 || ptime == 60)
		remote->ptime = (unsigned)ptime;
	return true;
}

/* encoding-name "/" clock-rate ["/" channels] (RFC 8866 §6.6); SDP_CODECS for one that we do not know. */
static enum sdp_codec codec_of(struct slice encoding)
{
	static const struct {
		struct slice encoding;
		enum sdp_codec codec;
	} known[] = {
		/* clang-format off */
		{ SLICE_INIT("opus/48000/2"),            SDP_OPUS                },
		{ SLICE_INIT("PCMA/8000"),               SDP_PCMA                },
		{ SLICE_INIT("PCMA/8000/1"),             SDP_PCMA                },
		{ SLICE_INIT("PCMU/8000"),               SDP_PCMU                },
		{ SLICE_INIT("PCMU/8000/1"),             SDP_PCMU                },
		{ SLICE_INIT("telephone-event/8000"),    SDP_TELEPHONE_EVENT     },
		{ SLICE_INIT("telephone-event/8000/1"),  SDP_TELEPHONE_EVENT     },
		{ SLICE_INIT("telephone-event/48000"),   SDP_TELEPHONE_EVENT_48K },
		{ SLICE_INIT("telephone-event/48000/1"), SDP_TELEPHONE_EVENT_48K },
		/* clang-format on */
	};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (slice_eq_nocase(encoding, known[i].encoding))
			return known[i].codec;
	return SDP_CODECS;
}

/* The payload type of a format; false for one that RTP cannot carry beside RTCP (RFC 5761 §4). */
static bool parse_payload(struct scan *in, uint8_t *ret_payload)
{
	uint64_t number;

	if (!scan_number(in, 127, &number) || (number >= 64 && number <= 95))
		return false;
	*ret_payload = (uint8_t)number;
	return true;
}

/* By a=rtpmap, or by the static numbers of RFC 3551 §6. */
static enum sdp_codec codec_of_payload(const struct sdp_section *section, uint8_t payload)
{
	for (size_t i = 0; i < section->attributes.n; i++) {
		const struct sdp_attribute *attribute = &section->attributes.list[i];
		struct scan in = scan_of(attribute->value);
		uint8_t mapped;

		if (!slice_eq(attribute->name, SLICE("rtpmap")) || !parse_payload(&in, &mapped) ||
		    mapped != payload || !scan_char(&in, ' '))
			continue;
		return codec_of(scan_rest(&in));
	}
	if (payload == 0)
		return SDP_PCMU;
	return payload == 8 ? SDP_PCMA : SDP_CODECS;
}

/* The formats that we know too. Of two numbers for one codec the first counts. */
static enum sdp_verdict read_codecs(const struct sdp_section *section, struct sdp_remote *remote)
{
	memset(&remote->payloads, SDP_NO_PAYLOAD, sizeof remote->payloads);
	for (size_t i = 0; i < section->n_formats; i++) {
		struct scan in = scan_of(section->formats[i]);
		enum sdp_codec codec;
		uint8_t payload;

		if (!parse_payload(&in, &payload) || !scan_done(&in))
			continue;
		codec = codec_of_payload(section, payload);
		if (codec == SDP_CODECS || remote->payloads.of[codec] != SDP_NO_PAYLOAD)
			continue;
		remote->payloads.of[codec] = payload;
		if (codec < SDP_AUDIO_CODECS)
			remote->codecs[remote->n_codecs++] = codec;
	}
	return remote->n_codecs ? SDP_OK : SDP_NO_CODEC;
}

/* RFC 4568 §4.1: "The tag MUST be unique among all crypto attributes for a given media line." */
static bool has_tag_before(const struct sdp_attributes *attributes, size_t at, uint32_t tag)
{
	struct sdp_crypto other = { 0 };
	bool found = false;

	for (size_t i = 0; i < at && !found; i++)
		found = slice_eq(attributes->list[i].name, SLICE("crypto")) &&
			sdp_crypto_parse(attributes->list[i].value, &other) != SDP_CRYPTO_BROKEN &&
			other.tag == tag;
	mem_wipe(&other, sizeof other);
	return found;
}

/*
 * Reads all crypto lines; GCM is best, of two lines for a suite the first. A malformed one condemns the
 * description: falling back to the next line, or to none, is what somebody who damages it would want.
 */
static enum sdp_verdict read_cryptos(const struct sdp_section *section, struct sdp_remote *remote)
{
	const struct sdp_attributes *attributes = &section->attributes;
	struct sdp_crypto crypto = { 0 };
	enum sdp_verdict verdict = SDP_OK;

	for (size_t i = 0; i < attributes->n && verdict == SDP_OK; i++) {
		enum sdp_crypto_verdict line;

		if (!slice_eq(attributes->list[i].name, SLICE("crypto")))
			continue;
		if (remote->n_cryptos++ == MAX_CRYPTOS)
			verdict = SDP_BAD_CRYPTO;
		line = sdp_crypto_parse(attributes->list[i].value, &crypto);
		if (line == SDP_CRYPTO_BROKEN || has_tag_before(attributes, i, crypto.tag))
			verdict = SDP_BAD_CRYPTO;
		else if (line == SDP_CRYPTO_USABLE && crypto.suite > remote->crypto.suite)
			remote->crypto = crypto;
	}
	mem_wipe(&crypto, sizeof crypto);
	return verdict;
}

enum sdp_verdict sdp_remote_read(const struct sdp_session *session, const struct sdp_section *section,
				 struct sdp_remote *ret_remote)
{
	enum sdp_verdict verdict;

	memset(ret_remote, 0, sizeof *ret_remote);
	if (!slice_eq(section->media, SLICE("audio")) || section->port == 0)
		return SDP_NO_AUDIO;
	if (!parse_profile(section->proto, &ret_remote->profile))
		return SDP_BAD_PROFILE;
	verdict = read_address(session, section, ret_remote);
	if (verdict != SDP_OK)
		return verdict;
	if (!read_direction(session, section, ret_remote) || !read_ptime(section, ret_remote))
		return SDP_BAD_ATTRIBUTE;
	verdict = read_codecs(section, ret_remote);
	return verdict == SDP_OK ? read_cryptos(section, ret_remote) : verdict;
}
