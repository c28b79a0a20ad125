#include "crypto/random.h"

#include "harness.h"

#include <string.h>

static void the_same_seed_gives_the_same_bytes_whatever_the_sizes(void **state)
{
	AUTO(random) struct random *one = random_new_predictable(7);
	AUTO(random) struct random *other = random_new_predictable(7);
	unsigned char at_once[2000], in_steps[2000];

	assert_non_null(one);
	assert_non_null(other);
	random_bytes(one, at_once, sizeof(at_once));
	for (size_t at = 0, step = 1; at < sizeof(in_steps); at += step, step = step % 7 + 1) {
		if (step > sizeof(in_steps) - at)
			step = sizeof(in_steps) - at;
		random_bytes(other, in_steps + at, step);
	}
	assert_memory_equal(at_once, in_steps, sizeof(at_once));
}

static void another_seed_gives_other_bytes(void **state)
{
	AUTO(random) struct random *one = random_new_predictable(7);
	AUTO(random) struct random *other = random_new_predictable(8);
	unsigned char a[16], b[16];

	assert_non_null(one);
	assert_non_null(other);
	random_bytes(one, a, sizeof(a));
	random_bytes(other, b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
}

static void real_randomness_does_not_repeat(void **state)
{
	AUTO(crypto) struct crypto *crypto = crypto_new();
	unsigned char pieces[100][16], large[4096] = { 0 }, zeros[16] = { 0 };

	assert_non_null(crypto);
	AUTO(random) struct random *random = random_new(crypto);

	assert_non_null(random);
	for (size_t i = 0; i < 100; i++) {
		random_bytes(random, pieces[i], 16);
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(pieces[i], pieces[k], 16);
	}
	random_bytes(random, large, sizeof(large));
	assert_memory_not_equal(large + sizeof(large) - 16, zeros, 16);
}

static void makes_keys_for_tables(void **state)
{
	AUTO(random) struct random *random = random_new_predictable(1);

	assert_non_null(random);
	struct map_key one = random_map_key(random), other = random_map_key(random);

	assert_memory_not_equal(&one, &other, sizeof(one));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_same_seed_gives_the_same_bytes_whatever_the_sizes),
	cmocka_unit_test(another_seed_gives_other_bytes),
	cmocka_unit_test(real_randomness_does_not_repeat),
	cmocka_unit_test(makes_keys_for_tables),
};

TEST_MAIN(tests)
