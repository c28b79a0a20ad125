#include "sdp/srtp.h"

#include <string.h>

#include "base/mem.h"
#include "base/scan.h"

static const struct {
	struct slice name;
	size_t key_len; /* master key and salt */
} suites[SDP_SUITES] = {
	/* clang-format off */
	[SDP_SUITE_NONE]              = { SLICE_INIT("none"),                     0 },
	[SDP_AES_CM_128_HMAC_SHA1_80] = { SLICE_INIT("AES_CM_128_HMAC_SHA1_80"), 16 + 14 },
	[SDP_AEAD_AES_128_GCM]        = { SLICE_INIT("AEAD_AES_128_GCM"),        16 + 12 },
	/* clang-format on */
};

/* RFC 4568 §9.1: ALPHA / DIGIT / "_", and VCHAR. */
static const struct scan_set word_set = {
	{ 0x03ff000000000000, 0x07fffffe87fffffe, 0, 0 },
};
static const struct scan_set visible_set = {
	{ 0xfffffffe00000000, 0x7fffffffffffffff, 0, 0 },
};
static const struct scan_set base64_set = {
	{ 0x23ff880000000000, 0x07fffffe07fffffe, 0, 0 },
};

struct slice sdp_suite_name(enum sdp_suite suite)
{
	return suites[suite].name;
}

size_t sdp_suite_key_len(enum sdp_suite suite)
{
	return suites[suite].key_len;
}

static enum sdp_suite suite_of(struct slice name)
{
	for (unsigned i = SDP_SUITE_NONE + 1; i < SDP_SUITES; i++)
		if (slice_eq(suites[i].name, name))
			return (enum sdp_suite)i;
	return SDP_SUITE_NONE;
}

static bool scan_blanks(struct scan *in)
{
	const char *from = in->at;

	while (scan_char(in, ' ') || scan_char(in, '\t'))
		;
	return in->at > from;
}

/*
 * lifetime = ["2^"] 1*(DIGIT). How many packets a key may protect: 2^48 at most (RFC 3711 §9.2). A lower
 * figure of the other side is for its own sending.
 */
static bool scan_lifetime(struct scan *in)
{
	uint64_t number = 0;

	if (scan_text(in, SLICE("2^")))
		return scan_number(in, 48, &number);
	return scan_number(in, (uint64_t)1 << 48, &number) && number > 0;
}

/*
 * srtp-key-info = key-salt ["|" lifetime] ["|" mki], with no MKI for us: then every packet carries it, and
 * some peers refuse it. What is behind the second bar of a key with MKI is not looked at.
 */
static enum sdp_crypto_verdict parse_key_info(struct slice info, enum sdp_suite suite,
					      struct sdp_key *ret_key)
{
	struct scan in = scan_of(info);
	struct slice text;
	size_t n;

	if (!scan_run(&in, &base64_set, &text))
		return SDP_CRYPTO_BROKEN;
	if (suite == SDP_SUITE_NONE)
		return SDP_CRYPTO_UNUSABLE;
	if (!base64_decode(text, ret_key->bytes, sizeof ret_key->bytes, &n) || n != suites[suite].key_len)
		return SDP_CRYPTO_BROKEN;
	ret_key->len = (uint8_t)n;
	if (scan_done(&in))
		return SDP_CRYPTO_USABLE;
	if (!scan_char(&in, '|'))
		return SDP_CRYPTO_BROKEN;
	if (slice_find(scan_rest(&in), ':') < scan_rest(&in).len)
		return SDP_CRYPTO_UNUSABLE;
	return scan_lifetime(&in) && scan_done(&in) ? SDP_CRYPTO_USABLE : SDP_CRYPTO_BROKEN;
}

/* key-params = key-param *(";" key-param). More than one key needs MKIs to tell them apart. */
static enum sdp_crypto_verdict parse_key_params(struct slice params, enum sdp_suite suite,
						struct sdp_key *ret_key)
{
	struct scan in = scan_of(params);
	struct slice method;

	if (!scan_run(&in, &word_set, &method) || !scan_char(&in, ':') || scan_done(&in))
		return SDP_CRYPTO_BROKEN;
	if (!slice_eq(method, SLICE("inline")) || slice_find(params, ';') < params.len)
		return SDP_CRYPTO_UNUSABLE;
	return parse_key_info(scan_rest(&in), suite, ret_key);
}

/*
 * Parameters that may be ignored: the window size hint (RFC 4568 §6.3.7), and extensions that say so by a
 * dash (§6.3.8). All others change how packets are protected (KDR, UNENCRYPTED_SRTP, UNENCRYPTED_SRTCP,
 * UNAUTHENTICATED_SRTP, FEC_ORDER, FEC_KEY) or are unknown.
 */
static bool is_harmless(struct slice param)
{
	return slice_starts(param, SLICE("WSH=")) || slice_starts(param, SLICE("-"));
}

static enum sdp_crypto_verdict parse_crypto(struct slice value, struct sdp_crypto *crypto)
{
	struct scan in = scan_of(value);
	enum sdp_crypto_verdict verdict;
	struct slice suite, params, param;
	const char *from = in.at;
	uint64_t tag;

	/* a=crypto: tag 1*WSP crypto-suite 1*WSP key-params *(1*WSP session-param) */
	if (!scan_number(&in, 999999999, &tag) || in.at - from > 9 || !scan_blanks(&in) ||
	    !scan_run(&in, &word_set, &suite) || !scan_blanks(&in) || !scan_run(&in, &visible_set, &params))
		return SDP_CRYPTO_BROKEN;
	crypto->tag = (uint32_t)tag;
	crypto->suite = suite_of(suite);
	verdict = parse_key_params(params, crypto->suite, &crypto->key);
	while (!scan_done(&in) && verdict != SDP_CRYPTO_BROKEN) {
		if (!scan_blanks(&in) || !scan_run(&in, &visible_set, &param))
			return SDP_CRYPTO_BROKEN;
		if (!is_harmless(param))
			verdict = SDP_CRYPTO_UNUSABLE;
	}
	return verdict;
}

enum sdp_crypto_verdict sdp_crypto_parse(struct slice value, struct sdp_crypto *ret_crypto)
{
	struct sdp_crypto crypto = { 0 };
	enum sdp_crypto_verdict verdict = parse_crypto(value, &crypto);

	if (verdict != SDP_CRYPTO_BROKEN)
		ret_crypto->tag = crypto.tag;
	if (verdict == SDP_CRYPTO_USABLE)
		*ret_crypto = crypto;
	mem_wipe(&crypto, sizeof crypto);
	return verdict;
}

void put_sdp_crypto(struct writer *out, const struct sdp_crypto *crypto)
{
	put(out, SLICE("a=crypto:"));
	put_number(out, crypto->tag);
	put_char(out, ' ');
	put(out, sdp_suite_name(crypto->suite));
	put(out, SLICE(" inline:"));
	put_base64(out, crypto->key.bytes, crypto->key.len);
	put(out, SLICE("\r\n"));
}
