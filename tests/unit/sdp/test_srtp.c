#include "sdp/srtp.h"

#include "harness.h"

#include <string.h>

/* Thirty bytes 1..30 (or 28 for GCM) in base64. */
#define KEY30 "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0e"
#define KEY28 "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHA=="
#define CM    "AES_CM_128_HMAC_SHA1_80"
#define GCM   "AEAD_AES_128_GCM"

static const struct {
	const char *label, *value;
	enum sdp_crypto_verdict verdict;
} cases[] = {
	{ "CM", "1 " CM " inline:" KEY30, SDP_CRYPTO_USABLE },
	{ "GCM", "2 " GCM " inline:" KEY28, SDP_CRYPTO_USABLE },
	{ "lifetime as a power", "1 " CM " inline:" KEY30 "|2^20", SDP_CRYPTO_USABLE },
	{ "lifetime as a number", "1 " CM " inline:" KEY30 "|1066", SDP_CRYPTO_USABLE },
	{ "window size hint", "1 " CM " inline:" KEY30 " WSH=64", SDP_CRYPTO_USABLE },
	{ "extension that may be ignored", "1 " CM " inline:" KEY30 " -FUTURE=1", SDP_CRYPTO_USABLE },
	{ "blanks and tabs", "1 \t" CM "  inline:" KEY30 "\tWSH=64", SDP_CRYPTO_USABLE },
	{ "largest tag", "999999999 " CM " inline:" KEY30, SDP_CRYPTO_USABLE },

	{ "other suite", "1 F8_128_HMAC_SHA1_80 inline:" KEY30, SDP_CRYPTO_UNUSABLE },
	{ "short tag suite", "1 AES_CM_128_HMAC_SHA1_32 inline:" KEY30, SDP_CRYPTO_UNUSABLE },
	{ "suite in lower case", "1 aes_cm_128_hmac_sha1_80 inline:" KEY30, SDP_CRYPTO_UNUSABLE },
	{ "MKI", "1 " CM " inline:" KEY30 "|1:4", SDP_CRYPTO_UNUSABLE },
	{ "lifetime and MKI", "1 " CM " inline:" KEY30 "|2^20|1:4", SDP_CRYPTO_UNUSABLE },
	{ "two keys", "1 " CM " inline:" KEY30 "|1:4;inline:" KEY30 "|2:4", SDP_CRYPTO_UNUSABLE },
	{ "other key method", "1 " CM " other:" KEY30, SDP_CRYPTO_UNUSABLE },
	{ "no encryption", "1 " CM " inline:" KEY30 " UNENCRYPTED_SRTP", SDP_CRYPTO_UNUSABLE },
	{ "no encryption of RTCP", "1 " CM " inline:" KEY30 " UNENCRYPTED_SRTCP", SDP_CRYPTO_UNUSABLE },
	{ "no authentication", "1 " CM " inline:" KEY30 " WSH=64 UNAUTHENTICATED_SRTP", SDP_CRYPTO_UNUSABLE },
	{ "key derivation rate", "1 " CM " inline:" KEY30 " KDR=1", SDP_CRYPTO_UNUSABLE },
	{ "FEC", "1 " CM " inline:" KEY30 " FEC_ORDER=FEC_SRTP", SDP_CRYPTO_UNUSABLE },
	{ "extension that must be known", "1 " CM " inline:" KEY30 " FUTURE=1", SDP_CRYPTO_UNUSABLE },

	{ "empty", "", SDP_CRYPTO_BROKEN },
	{ "no tag", CM " inline:" KEY30, SDP_CRYPTO_BROKEN },
	{ "tag too long", "1000000000 " CM " inline:" KEY30, SDP_CRYPTO_BROKEN },
	{ "tag too long with zeros", "0000000001 " CM " inline:" KEY30, SDP_CRYPTO_BROKEN },
	{ "no key", "1 " CM, SDP_CRYPTO_BROKEN },
	{ "empty key", "1 " CM " inline:", SDP_CRYPTO_BROKEN },
	{ "key too short", "1 " CM " inline:" KEY28, SDP_CRYPTO_BROKEN },
	{ "key too long", "1 " GCM " inline:" KEY30, SDP_CRYPTO_BROKEN },
	{ "not base64", "1 " CM " inline:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0?", SDP_CRYPTO_BROKEN },
	{ "URL alphabet", "1 " CM " inline:_QIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0e", SDP_CRYPTO_BROKEN },
	{ "empty lifetime", "1 " CM " inline:" KEY30 "|", SDP_CRYPTO_BROKEN },
	{ "no packet at all", "1 " CM " inline:" KEY30 "|0", SDP_CRYPTO_BROKEN },
	{ "lifetime too long", "1 " CM " inline:" KEY30 "|2^49", SDP_CRYPTO_BROKEN },
	{ "blank at the end", "1 " CM " inline:" KEY30 " ", SDP_CRYPTO_BROKEN },
};

static void takes_what_it_can_do_and_no_more(void **state)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sdp_crypto crypto = { 0 };
		enum sdp_crypto_verdict verdict = sdp_crypto_parse(slice_of(cases[i].value), &crypto);

		if (verdict != cases[i].verdict)
			fail_msg("%s: %d", cases[i].label, verdict);
	}
}

static void reads_tag_suite_and_key(void **state)
{
	struct sdp_crypto crypto = { 0 };

	assert_int_equal(sdp_crypto_parse(SLICE("7 " GCM " inline:" KEY28), &crypto), SDP_CRYPTO_USABLE);
	assert_int_equal(crypto.tag, 7);
	assert_int_equal(crypto.suite, SDP_AEAD_AES_128_GCM);
	assert_int_equal(crypto.key.len, 28);
	for (int i = 0; i < 28; i++)
		assert_int_equal(crypto.key.bytes[i], i + 1);
}

static void writes_what_it_reads(void **state)
{
	char text[200];
	struct writer out = writer_of(text, sizeof text);
	struct sdp_crypto crypto = { 0 };

	assert_int_equal(sdp_crypto_parse(SLICE("3 " CM " inline:" KEY30 "|2^31 WSH=128"), &crypto),
			 SDP_CRYPTO_USABLE);
	put_sdp_crypto(&out, &crypto);
	assert_true(slice_eq(writer_text(&out), SLICE("a=crypto:3 " CM " inline:" KEY30 "\r\n")));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(takes_what_it_can_do_and_no_more),
	cmocka_unit_test(reads_tag_suite_and_key),
	cmocka_unit_test(writes_what_it_reads),
};

TEST_MAIN(tests)
