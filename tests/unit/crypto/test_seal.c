#include "harness.h"

#include "base/writer.h"
#include "crypto/seal.h"

static struct crypto *crypto;
static struct seal *seal;

static int start(void **state)
{
	(void)state;
	crypto = crypto_new();
	seal = crypto ? seal_new(crypto, SLICE("0123456789abcdef0123456789abcdef")) : NULL;
	return seal ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	seal_free(seal);
	crypto_free(crypto);
	return 0;
}

static void opens_what_it_closed(void **state)
{
	unsigned char sealed[6 + SEAL_OVERHEAD], again[6 + SEAL_OVERHEAD];
	char text[6];

	(void)state;
	assert_true(seal_close(seal, SLICE("alice"), SLICE("secret"), sealed));
	assert_true(seal_close(seal, SLICE("alice"), SLICE("secret"), again));
	assert_memory_not_equal(sealed, again, sizeof sealed);
	assert_true(seal_open(seal, SLICE("alice"), slice_from(sealed, sizeof sealed), text));
	assert_memory_equal(text, "secret", 6);
}

static void opens_nothing_else(void **state)
{
	AUTO(seal) struct seal *other = seal_new(crypto, SLICE("another key of thirty-two bytes!"));
	unsigned char sealed[6 + SEAL_OVERHEAD];
	struct slice all = slice_from(sealed, sizeof sealed);
	char text[sizeof sealed];

	(void)state;
	assert_true(seal_close(seal, SLICE("alice"), SLICE("secret"), sealed));
	assert_non_null(other);
	assert_false(seal_open(other, SLICE("alice"), all, text));
	assert_false(seal_open(seal, SLICE("bob"), all, text));
	for (size_t i = 0; i < sizeof sealed; i++) {
		sealed[i] ^= 1;
		assert_false(seal_open(seal, SLICE("alice"), all, text));
		sealed[i] ^= 1;
		assert_false(seal_open(seal, SLICE("alice"), slice_sub(all, 0, i), text));
	}
	assert_true(seal_open(seal, SLICE("alice"), all, text));
}

static size_t unhex(const char *hex, unsigned char *buf, size_t size)
{
	size_t n = 0;

	assert_true(hex_decode(slice_of(hex), buf, size, &n));
	return n;
}

/* McGrew and Viega, The Galois/Counter Mode of Operation, test case 16. */
static void is_aes_256_gcm(void **state)
{
	unsigned char key[32], context[20], sealed[100], wanted[60], text[100];
	AUTO(seal) struct seal *known = NULL;
	size_t n;

	(void)state;
	unhex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", key, sizeof key);
	unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2", context, sizeof context);
	unhex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
	      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
	      wanted, sizeof wanted);
	n = unhex("cafebabefacedbaddecaf888"
		  "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
		  "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
		  "76fc6ece0f4e1768cddf8853bb2d551b",
		  sealed, sizeof sealed);
	known = seal_new(crypto, slice_from(key, sizeof key));
	assert_non_null(known);
	assert_true(seal_open(known, slice_from(context, sizeof context), slice_from(sealed, n), text));
	assert_memory_equal(text, wanted, sizeof wanted);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(opens_what_it_closed, start, stop),
	cmocka_unit_test_setup_teardown(opens_nothing_else, start, stop),
	cmocka_unit_test_setup_teardown(is_aes_256_gcm, start, stop),
};
TEST_MAIN(tests)
