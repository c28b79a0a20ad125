#include "sdp/offer_answer.h"

#include <string.h>

#include "base/mem.h"
#include "sdp/remote.h"

/* The numbers that we give to codecs when we are first to name them; 101 is where old phones look. */
static const struct sdp_payloads our_payloads = {
	/* clang-format off */
	.of = {
		[SDP_OPUS]                = 96,
		[SDP_PCMA]                = 8,
		[SDP_PCMU]                = 0,
		[SDP_TELEPHONE_EVENT]     = 101,
		[SDP_TELEPHONE_EVENT_48K] = 97,
	},
	/* clang-format on */
};

/* The crypto lines of our offers: tag is place + 1. */
static const enum sdp_suite offered_suites[] = { SDP_AES_CM_128_HMAC_SHA1_80, SDP_AEAD_AES_128_GCM };

enum { N_OFFERED_SUITES = sizeof offered_suites / sizeof offered_suites[0] };

void sdp_local_init(struct sdp_local *local)
{
	*local = (struct sdp_local){
		.codecs = { SDP_OPUS, SDP_PCMA, SDP_PCMU },
		.n_codecs = 3,
		.direction = SDP_SENDRECV,
		.ptime = 20,
		.srtp = SDP_SRTP_REQUIRED,
	};
}

/* ---- policy
 * ------------------------------------------------------------------------------------------------- */

/* What is encrypted stays encrypted, whatever the policy became. */
static enum sdp_srtp_policy policy_of(const struct sdp_local *local)
{
	return local->current && local->current->secure ? SDP_SRTP_REQUIRED : local->srtp;
}

static bool is_secure_profile(enum sdp_profile profile)
{
	return profile == SDP_RTP_SAVP || profile == SDP_RTP_SAVPF;
}

static enum sdp_profile offered_profile(const struct sdp_local *local)
{
	if (local->current)
		return local->current->profile;
	return policy_of(local) == SDP_SRTP_REQUIRED ? SDP_RTP_SAVP : SDP_RTP_AVP;
}

static bool has_codec(const struct sdp_local *local, enum sdp_codec codec)
{
	for (size_t i = 0; i < local->n_codecs; i++)
		if (local->codecs[i] == codec)
			return true;
	return false;
}

/* The numbers under which we offer to receive. */
static struct sdp_payloads offered_payloads(const struct sdp_local *local)
{
	struct sdp_payloads payloads = local->current ? local->current->recv : our_payloads;

	for (unsigned codec = 0; codec < SDP_AUDIO_CODECS; codec++)
		if (!has_codec(local, (enum sdp_codec)codec))
			payloads.of[codec] = SDP_NO_PAYLOAD;
	if (payloads.of[SDP_OPUS] == SDP_NO_PAYLOAD)
		payloads.of[SDP_TELEPHONE_EVENT_48K] = SDP_NO_PAYLOAD;
	return payloads;
}

static struct sdp_key our_key(const struct sdp_local *local, enum sdp_suite suite)
{
	struct sdp_key key = { .len = (uint8_t)sdp_suite_key_len(suite) };

	memcpy(key.bytes, local->keys[suite], key.len);
	return key;
}

/* ---- writing
 * ------------------------------------------------------------------------------------------------ */

static void put_connection(struct writer *out, const struct address *address)
{
	put(out, address->family == ADDRESS_V6 ? SLICE("IN IP6 ") : SLICE("IN IP4 "));
	put_ip(out, address);
	put(out, SLICE("\r\n"));
}

/* All that stands before the first m= line. */
static void put_head(struct writer *out, const struct sdp_local *local)
{
	put(out, SLICE("v=0\r\no=- "));
	put_number(out, local->session_id);
	put_char(out, ' ');
	put_number(out, local->session_version);
	put_char(out, ' ');
	put_connection(out, &local->address);
	put(out, SLICE("s=-\r\nc="));
	put_connection(out, &local->address);
	put(out, SLICE("t=0 0\r\n"));
}

static void put_rtpmap(struct writer *out, enum sdp_codec codec, uint8_t payload)
{
	put(out, SLICE("a=rtpmap:"));
	put_number(out, payload);
	put_char(out, ' ');
	put(out, sdp_codec_name(codec));
	put_char(out, '/');
	put_number(out, sdp_codec_clock(codec));
	put(out, codec == SDP_OPUS ? SLICE("/2\r\n") : SLICE("\r\n"));
	if (codec == SDP_PCMA || codec == SDP_PCMU)
		return;
	put(out, SLICE("a=fmtp:"));
	put_number(out, payload);
	put(out, codec == SDP_OPUS ? SLICE(" useinbandfec=1\r\n") : SLICE(" 0-15\r\n"));
}

/* Our m= line and its attributes but for the keys. */
struct stream {
	enum sdp_profile profile;
	enum sdp_codec order[SDP_CODECS];
	size_t n_order;
	struct sdp_payloads payloads;
	enum sdp_direction direction;
	bool rtcp_mux;
};

static void put_stream(struct writer *out, const struct sdp_local *local, const struct stream *stream)
{
	put(out, SLICE("m=audio "));
	put_number(out, local->address.port);
	put_char(out, ' ');
	put(out, sdp_profile_name(stream->profile));
	for (size_t i = 0; i < stream->n_order; i++) {
		put_char(out, ' ');
		put_number(out, stream->payloads.of[stream->order[i]]);
	}
	put(out, SLICE("\r\n"));
	for (size_t i = 0; i < stream->n_order; i++)
		put_rtpmap(out, stream->order[i], stream->payloads.of[stream->order[i]]);
	put(out, SLICE("a=ptime:"));
	put_number(out, local->ptime);
	put(out, SLICE("\r\na="));
	put(out, sdp_direction_name(stream->direction));
	put(out, SLICE("\r\n"));
	if (stream->rtcp_mux)
		put(out, SLICE("a=rtcp-mux\r\n"));
}

/* Puts the codecs that have a number into order: the given ones first, then the telephone events. */
static void order_codecs(struct stream *stream, const enum sdp_codec *codecs, size_t n_codecs)
{
	static const enum sdp_codec events[] = { SDP_TELEPHONE_EVENT_48K, SDP_TELEPHONE_EVENT };

	for (size_t i = 0; i < n_codecs; i++)
		if (stream->payloads.of[codecs[i]] != SDP_NO_PAYLOAD)
			stream->order[stream->n_order++] = codecs[i];
	for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
		if (stream->payloads.of[events[i]] != SDP_NO_PAYLOAD)
			stream->order[stream->n_order++] = events[i];
}

static void put_offered_cryptos(struct writer *out, const struct sdp_local *local)
{
	for (uint32_t i = 0; i < N_OFFERED_SUITES; i++) {
		struct sdp_crypto crypto = { i + 1, offered_suites[i], our_key(local, offered_suites[i]) };

		put_sdp_crypto(out, &crypto);
		mem_wipe(&crypto, sizeof crypto);
	}
}

enum err sdp_offer_build(struct writer *out, const struct sdp_local *local)
{
	struct stream stream = {
		.profile = offered_profile(local),
		.payloads = offered_payloads(local),
		.direction = local->direction,
		.rtcp_mux = true,
	};
	size_t n = local->current ? local->current->n_sections : 1;
	size_t ours = local->current ? local->current->section : 0;

	order_codecs(&stream, local->codecs, local->n_codecs);
	if (stream.n_order == 0 || stream.order[0] >= SDP_AUDIO_CODECS)
		return ERR_NOT_FOUND;
	put_head(out, local);
	for (size_t i = 0; i < n; i++) {
		/* RFC 3264 §8: a line once there stays; those that were refused stay refused. */
		if (i != ours) {
			put(out, SLICE("m=audio 0 RTP/AVP 0\r\n"));
			continue;
		}
		put_stream(out, local, &stream);
		if (policy_of(local) != SDP_SRTP_NEVER)
			put_offered_cryptos(out, local);
	}
	return out->overflow ? ERR_LIMIT : OK;
}

/* ---- keys
 * --------------------------------------------------------------------------------------------------- */

static enum sdp_verdict take_keys(const struct sdp_crypto *crypto, const struct sdp_local *local,
				  struct sdp_media *media)
{
	media->secure = true;
	media->suite = crypto->suite;
	media->remote_key = crypto->key;
	media->local_key = our_key(local, crypto->suite);
	/* RFC 4568 §6.1: each direction has its own key. Ours come back only from a mirror. */
	if (memcmp(media->remote_key.bytes, media->local_key.bytes, media->local_key.len) == 0)
		return SDP_BAD_CRYPTO;
	return SDP_OK;
}

/* Keys for our answer to an offer; without SDP_OK's secure flag the stream is in clear. */
static enum sdp_verdict answer_keys(const struct sdp_local *local, const struct sdp_remote *remote,
				    struct sdp_media *media)
{
	enum sdp_srtp_policy policy = policy_of(local);
	bool asked = is_secure_profile(remote->profile);

	if (policy == SDP_SRTP_NEVER)
		return asked ? SDP_ENCRYPTION_DENIED : SDP_OK;
	if (remote->crypto.suite != SDP_SUITE_NONE)
		return take_keys(&remote->crypto, local, media);
	if (asked || (policy == SDP_SRTP_REQUIRED && remote->n_cryptos > 0))
		return SDP_NO_SUITE;
	return policy == SDP_SRTP_REQUIRED ? SDP_NOT_ENCRYPTED : SDP_OK;
}

/* Keys from the answer to our offer: one of our lines, by its tag, or none where that is allowed. */
static enum sdp_verdict accept_keys(const struct sdp_local *local, const struct sdp_remote *remote,
				    struct sdp_media *media)
{
	enum sdp_srtp_policy policy = policy_of(local);
	const struct sdp_crypto *crypto = &remote->crypto;

	if (remote->n_cryptos == 0)
		return policy == SDP_SRTP_REQUIRED ? SDP_NOT_ENCRYPTED : SDP_OK;
	if (policy == SDP_SRTP_NEVER || remote->n_cryptos > 1)
		return SDP_BAD_CRYPTO;
	if (crypto->suite == SDP_SUITE_NONE)
		return SDP_NO_SUITE;
	if (crypto->tag < 1 || crypto->tag > N_OFFERED_SUITES ||
	    offered_suites[crypto->tag - 1] != crypto->suite)
		return SDP_BAD_CRYPTO;
	return take_keys(crypto, local, media);
}

/* ---- agreeing
 * ----------------------------------------------------------------------------------------------- */

static enum sdp_direction mirror(enum sdp_direction direction)
{
	return (enum sdp_direction)((direction & SDP_SENDONLY ? SDP_RECVONLY : 0) |
				    (direction & SDP_RECVONLY ? SDP_SENDONLY : 0));
}

/* All that is agreed on but for codecs and keys. */
static enum sdp_verdict agree(const struct sdp_local *local, const struct sdp_remote *remote,
			      struct sdp_media *media)
{
	if (remote->address.family != local->address.family && !remote->is_null_address)
		return SDP_BAD_ADDRESS;
	media->profile = remote->profile;
	media->remote = remote->address;
	media->rtcp_mux = remote->rtcp_mux;
	media->remote_rtcp = remote->rtcp_mux ? remote->address : remote->rtcp;
	media->remote_on_hold = remote->is_null_address || !(remote->direction & SDP_RECVONLY);
	media->direction = (enum sdp_direction)(local->direction & mirror(remote->direction));
	if (remote->is_null_address)
		media->direction &= SDP_RECVONLY;
	media->ptime = remote->ptime;
	return SDP_OK;
}

/* The codecs of the answer among those that we offered; we send the one that it names first. */
static enum sdp_verdict accept_codecs(const struct sdp_local *local, const struct sdp_remote *remote,
				      struct sdp_media *media)
{
	struct sdp_payloads offered = offered_payloads(local);
	bool found = false;

	for (unsigned codec = 0; codec < SDP_CODECS; codec++) {
		bool both = offered.of[codec] != SDP_NO_PAYLOAD &&
			    remote->payloads.of[codec] != SDP_NO_PAYLOAD;

		media->recv.of[codec] = both ? offered.of[codec] : SDP_NO_PAYLOAD;
		media->send.of[codec] = both ? remote->payloads.of[codec] : SDP_NO_PAYLOAD;
	}
	for (size_t i = 0; i < remote->n_codecs && !found; i++) {
		media->codec = remote->codecs[i];
		found = media->send.of[media->codec] != SDP_NO_PAYLOAD;
	}
	return found ? SDP_OK : SDP_NO_CODEC;
}

/*
 * The first codec of the offer that we have, alone: so the other side cannot change codecs in mid-stream, and
 * what is said of the call stays true. Numbers are those of the offer, both ways (RFC 3264 §6.1).
 */
static enum sdp_verdict answer_codecs(const struct sdp_local *local, const struct sdp_remote *remote,
				      struct sdp_media *media)
{
	bool found = false;

	for (size_t i = 0; i < remote->n_codecs && !found; i++) {
		media->codec = remote->codecs[i];
		found = has_codec(local, media->codec);
	}
	if (!found)
		return SDP_NO_CODEC;
	for (unsigned codec = 0; codec < SDP_CODECS; codec++) {
		bool wanted = codec == media->codec || codec == SDP_TELEPHONE_EVENT ||
			      (codec == SDP_TELEPHONE_EVENT_48K && media->codec == SDP_OPUS);

		media->recv.of[codec] = wanted ? remote->payloads.of[codec] : SDP_NO_PAYLOAD;
	}
	media->send = media->recv;
	return SDP_OK;
}

/* ---- the answer that we give
 * -------------------------------------------------------------------------------- */

/* One section of an offer as the stream of the call: what it comes to, and the tag of the chosen key. */
static enum sdp_verdict answer_section(const struct sdp_session *offer, size_t index,
				       const struct sdp_local *local, struct sdp_media *media,
				       uint32_t *ret_tag)
{
	const struct sdp_section *section = &offer->sections[index];
	struct sdp_remote remote = { 0 };
	enum sdp_verdict verdict = sdp_remote_read(offer, section, &remote);

	if (verdict == SDP_OK)
		verdict = agree(local, &remote, media);
	if (verdict == SDP_OK)
		verdict = answer_codecs(local, &remote, media);
	if (verdict == SDP_OK)
		verdict = answer_keys(local, &remote, media);
	media->n_sections = (uint8_t)offer->n_sections;
	media->section = (uint8_t)index;
	*ret_tag = remote.crypto.tag;
	mem_wipe(&remote, sizeof remote);
	return verdict;
}

/* The first section that we can take; the verdict on the first audio section if there is none. */
static enum sdp_verdict choose_section(const struct sdp_session *offer, const struct sdp_local *local,
				       struct sdp_media *media, uint32_t *ret_tag)
{
	enum sdp_verdict first = SDP_NO_AUDIO;

	if (local->current) {
		if (offer->n_sections < local->current->n_sections)
			return SDP_NOT_OUR_OFFER;
		return answer_section(offer, local->current->section, local, media, ret_tag);
	}
	for (size_t i = 0; i < offer->n_sections; i++) {
		enum sdp_verdict verdict;

		memset(media, 0, sizeof *media);
		verdict = answer_section(offer, i, local, media, ret_tag);
		if (verdict == SDP_OK)
			return SDP_OK;
		if (first == SDP_NO_AUDIO)
			first = verdict;
	}
	return first;
}

static void put_answered_section(struct writer *out, const struct sdp_local *local,
				 const struct sdp_media *media, uint32_t tag)
{
	struct stream stream = {
		.profile = media->profile,
		.payloads = media->recv,
		.direction = media->direction,
		.rtcp_mux = media->rtcp_mux,
	};
	struct sdp_crypto crypto = { tag, media->suite, media->local_key };

	order_codecs(&stream, &media->codec, 1);
	put_stream(out, local, &stream);
	if (media->secure)
		put_sdp_crypto(out, &crypto);
	mem_wipe(&crypto, sizeof crypto);
}

/* RFC 3264 §6: "a port number of zero"; the rest of the line as it came. */
static void put_refused_section(struct writer *out, const struct sdp_section *section)
{
	put(out, SLICE("m="));
	put(out, section->media);
	put(out, SLICE(" 0 "));
	put(out, section->proto);
	put_char(out, ' ');
	put(out, section->formats[0]);
	put(out, SLICE("\r\n"));
}

enum sdp_verdict sdp_answer_build(struct writer *out, const struct sdp_session *offer,
				  const struct sdp_local *local, struct sdp_media *ret_media)
{
	struct sdp_media media = { 0 };
	uint32_t tag = 0;
	enum sdp_verdict verdict = choose_section(offer, local, &media, &tag);

	if (verdict == SDP_OK) {
		put_head(out, local);
		for (size_t i = 0; i < offer->n_sections; i++) {
			if (i == media.section)
				put_answered_section(out, local, &media, tag);
			else
				put_refused_section(out, &offer->sections[i]);
		}
		verdict = out->overflow ? SDP_TOO_LARGE : SDP_OK;
	}
	if (verdict == SDP_OK)
		*ret_media = media;
	sdp_media_wipe(&media);
	return verdict;
}

/* ---- the answer that we get
 * --------------------------------------------------------------------------------- */

/* RFC 3264 §6: as many lines as were offered, and those that we switched off still off. */
static bool has_our_lines(const struct sdp_session *answer, size_t n, size_t ours)
{
	if (answer->n_sections != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (i != ours && answer->sections[i].port != 0)
			return false;
	return true;
}

static enum sdp_verdict accept_section(const struct sdp_session *answer, const struct sdp_local *local,
				       struct sdp_media *media)
{
	const struct sdp_section *section = &answer->sections[media->section];
	struct sdp_remote remote = { 0 };
	enum sdp_verdict verdict = sdp_remote_read(answer, section, &remote);

	if (verdict == SDP_OK && remote.profile != offered_profile(local))
		verdict = SDP_NOT_OUR_OFFER;
	if (verdict == SDP_OK)
		verdict = agree(local, &remote, media);
	if (verdict == SDP_OK)
		verdict = accept_codecs(local, &remote, media);
	if (verdict == SDP_OK)
		verdict = accept_keys(local, &remote, media);
	mem_wipe(&remote, sizeof remote);
	return verdict;
}

enum sdp_verdict sdp_answer_accept(const struct sdp_session *answer, const struct sdp_local *local,
				   struct sdp_media *ret_media)
{
	struct sdp_media media = {
		.n_sections = local->current ? local->current->n_sections : 1,
		.section = local->current ? local->current->section : 0,
	};
	enum sdp_verdict verdict = SDP_NOT_OUR_OFFER;

	if (has_our_lines(answer, media.n_sections, media.section))
		verdict = accept_section(answer, local, &media);
	if (verdict == SDP_OK)
		*ret_media = media;
	sdp_media_wipe(&media);
	return verdict;
}
