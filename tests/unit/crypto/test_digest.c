#include <openssl/evp.h>

#include "crypto/digest.h"

#include "harness.h"

#include <string.h>

#include "base/writer.h"

static const struct {
	const char *label;
	enum digest_algorithm algorithm;
	struct slice parts[3];
	const char *hex;
} digest_cases[] = {
	/* RFC 1321 §A.5 */
	{ "MD5 of nothing", DIGEST_MD5, { SLICE_INIT("") }, "d41d8cd98f00b204e9800998ecf8427e" },
	{ "MD5 of abc", DIGEST_MD5, { SLICE_INIT("abc") }, "900150983cd24fb0d6963f7d28e17f72" },
	{ "MD5 of abc in parts",
	  DIGEST_MD5,
	  { SLICE_INIT("a"), SLICE_INIT(""), SLICE_INIT("bc") },
	  "900150983cd24fb0d6963f7d28e17f72" },
	/* RFC 6234 §8.5 and FIPS 180-4's examples */
	{ "SHA-256 of abc",
	  DIGEST_SHA256,
	  { SLICE_INIT("abc") },
	  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "SHA-512/256 of abc",
	  DIGEST_SHA512_256,
	  { SLICE_INIT("abc") },
	  "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23" },
	/* RFC 7616 §3.9.1: A1 of its example */
	{ "SHA-256 of a user's A1",
	  DIGEST_SHA256,
	  { SLICE_INIT("Mufasa:http-auth@example.org"), SLICE_INIT(":"), SLICE_INIT("Circle of Life") },
	  "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232" },
};

static void hashes_as_the_standards_say(void **state)
{
	AUTO(crypto) struct crypto *crypto = crypto_new();
	unsigned char hash[DIGEST_SIZE_MAX];
	char hex[2 * DIGEST_SIZE_MAX];

	assert_non_null(crypto);
	for (size_t i = 0; i < sizeof(digest_cases) / sizeof(digest_cases[0]); i++) {
		enum digest_algorithm algorithm = digest_cases[i].algorithm;
		struct writer out = writer_of(hex, sizeof(hex));

		assert_true(digest(crypto, algorithm, digest_cases[i].parts, 3, hash));
		put_hex(&out, hash, digest_size(algorithm));
		if (!slice_eq(writer_text(&out), slice_of(digest_cases[i].hex)))
			fail_msg("%s: %.*s", digest_cases[i].label, SLICE_FMT(writer_text(&out)));
	}
}

static void hashes_by_sha1_as_fips_180_says(void **state)
{
	AUTO(crypto) struct crypto *crypto = crypto_new();
	unsigned char hash[DIGEST_SHA1_SIZE];
	char hex[2 * DIGEST_SHA1_SIZE];
	struct writer out = writer_of(hex, sizeof(hex));

	assert_non_null(crypto);
	assert_true(digest_sha1(crypto, SLICE("abc"), hash));
	put_hex(&out, hash, sizeof(hash));
	assert_true(slice_eq(writer_text(&out), SLICE("a9993e364706816aba3e25717850c26c9cd0d89d")));
}

static void hashes_nothing_when_there_are_no_parts(void **state)
{
	AUTO(crypto) struct crypto *crypto = crypto_new();
	unsigned char of_none[DIGEST_SIZE_MAX], of_empty[DIGEST_SIZE_MAX];
	struct slice empty = { NULL, 0 };

	assert_non_null(crypto);
	assert_true(digest(crypto, DIGEST_SHA256, NULL, 0, of_none));
	assert_true(digest(crypto, DIGEST_SHA256, &empty, 1, of_empty));
	assert_memory_equal(of_none, of_empty, DIGEST_SIZE_MAX);
}

/* Short parts are joined before they are hashed, long ones are not: nobody can tell. */
static void parts_are_hashed_as_one_text_whatever_their_length(void **state)
{
	AUTO(crypto) struct crypto *crypto = crypto_new();
	AUTO(mac) struct mac *mac = NULL;
	char text[900];

	assert_non_null(crypto);
	mac = mac_new(crypto, SLICE("0123456789abcdef0123456789abcdef"));
	assert_non_null(mac);
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)('a' + i % 26);
	for (size_t n = 380; n <= sizeof text; n += n < 420 ? 1 : 120) {
		struct slice whole = slice_from(text, n);
		const struct slice parts[] = { slice_sub(whole, 0, 7), slice_sub(whole, 7, 0),
					       slice_sub(whole, 7, n - 8), slice_sub(whole, n - 1, 1) };
		unsigned char expected[DIGEST_SIZE_MAX], hash[DIGEST_SIZE_MAX], tag[MAC_SIZE_MAX];

		assert_int_equal(EVP_Digest(text, n, expected, NULL, EVP_sha256(), NULL), 1);
		assert_true(digest(crypto, DIGEST_SHA256, parts, 4, hash));
		assert_memory_equal(hash, expected, sizeof hash);
		assert_true(mac_make(mac, &whole, 1, tag, sizeof tag));
		assert_true(mac_check(mac, parts, 4, slice_from(tag, sizeof tag)));
	}
}

/* RFC 4231 §4; keys and data in hexadecimal */
static const struct {
	const char *label, *key, *data, *tag;
} mac_cases[] = {
	{ "test case 1", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
	  "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
	{ "test case 2", "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
	  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	{ "test case 3", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
	  "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
	{ "test case 4", "0102030405060708090a0b0c0d0e0f10111213141516171819",
	  "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
	  "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
	{ "test case 5, truncated", "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c",
	  "546573742057697468205472756e636174696f6e", "a3b6167473100ee06e0c796c2955552b" },
};

static struct slice from_hex(const char *hex, unsigned char buf[64])
{
	size_t n = 0;

	assert_true(hex_decode(slice_of(hex), buf, 64, &n));
	return slice_from(buf, n);
}

static void keyed_checks_follow_rfc_4231(void **state)
{
	AUTO(crypto) struct crypto *crypto = crypto_new();

	assert_non_null(crypto);
	for (size_t i = 0; i < sizeof(mac_cases) / sizeof(mac_cases[0]); i++) {
		unsigned char key[64], data[64], tag[64], made[MAC_SIZE_MAX];
		AUTO(mac) struct mac *mac = mac_new(crypto, from_hex(mac_cases[i].key, key));
		struct slice text = from_hex(mac_cases[i].data, data),
			     wanted = from_hex(mac_cases[i].tag, tag);
		struct slice parts[2] = { slice_sub(text, 0, 3), slice_sub(text, 3, text.len) };

		assert_non_null(mac);
		for (int again = 0; again < 2; again++) {
			assert_true(mac_make(mac, parts, 2, made, wanted.len));
			if (!slice_eq(slice_from(made, wanted.len), wanted))
				fail_msg("%s", mac_cases[i].label);
			assert_true(mac_check(mac, &text, 1, wanted));
		}
	}
}

static void a_changed_text_tag_or_length_is_refused(void **state)
{
	AUTO(crypto) struct crypto *crypto = crypto_new();
	struct slice text = SLICE("sip:alice@a.example"), other = SLICE("sip:alicf@a.example");
	unsigned char tag[MAC_SIZE_MAX];

	assert_non_null(crypto);
	AUTO(mac) struct mac *mac = mac_new(crypto, SLICE("key"));
	AUTO(mac) struct mac *other_mac = mac_new(crypto, SLICE("kez"));

	assert_non_null(mac);
	assert_non_null(other_mac);
	assert_true(mac_make(mac, &text, 1, tag, sizeof(tag)));
	assert_true(mac_check(mac, &text, 1, slice_from(tag, sizeof(tag))));
	assert_true(mac_check(mac, &text, 1, slice_from(tag, 16)));
	assert_false(mac_check(mac, &text, 1, slice_from(tag, 15)));
	assert_false(mac_check(mac, &text, 1, slice_from(tag, 0)));
	assert_false(mac_check(mac, &other, 1, slice_from(tag, sizeof(tag))));
	assert_false(mac_check(other_mac, &text, 1, slice_from(tag, sizeof(tag))));
	tag[15] ^= 1;
	assert_false(mac_check(mac, &text, 1, slice_from(tag, 16)));
}

/* Below and above what is joined, and with the end in the block of the start and behind it. */
static void two_texts_that_begin_alike_are_hashed_like_any(void **state)
{
	static char text[1000];
	static const size_t lengths[] = { 0, 1, 60, 63, 64, 135, 399, 401, 900 };
	AUTO(crypto) struct crypto *crypto = crypto_new();

	assert_non_null(crypto);
	for (size_t i = 0; i < DIGEST_ALGORITHMS * sizeof lengths / sizeof lengths[0]; i++) {
		enum digest_algorithm algorithm = (enum digest_algorithm)(i % DIGEST_ALGORITHMS);
		const struct slice start[] = { slice_from(text, lengths[i / DIGEST_ALGORITHMS]), SLICE(":") };
		const struct digest_fork fork = { start, 2, { SLICE("one end"), SLICE("") } };
		const struct slice first[] = { start[0], start[1], fork.ends[0] };
		unsigned char both[2][DIGEST_SIZE_MAX], one[DIGEST_SIZE_MAX], other[DIGEST_SIZE_MAX];

		assert_true(digest_fork(crypto, algorithm, &fork, both));
		assert_true(digest(crypto, algorithm, first, 3, one));
		assert_true(digest(crypto, algorithm, start, 2, other));
		assert_memory_equal(both[0], one, digest_size(algorithm));
		assert_memory_equal(both[1], other, digest_size(algorithm));
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(two_texts_that_begin_alike_are_hashed_like_any),
	cmocka_unit_test(hashes_as_the_standards_say),
	cmocka_unit_test(hashes_by_sha1_as_fips_180_says),
	cmocka_unit_test(hashes_nothing_when_there_are_no_parts),
	cmocka_unit_test(parts_are_hashed_as_one_text_whatever_their_length),
	cmocka_unit_test(keyed_checks_follow_rfc_4231),
	cmocka_unit_test(a_changed_text_tag_or_length_is_refused),
};

TEST_MAIN(tests)
