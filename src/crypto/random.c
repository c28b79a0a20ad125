#include "crypto/random.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "base/mem.h"
#include "crypto/private.h"

#define BUFFER_SIZE 2048 /* so many cost OpenSSL about as much as a few: it asks getpid() each time */

struct random {
	OSSL_LIB_CTX *lib; /* NULL: predictable */
	uint64_t seed, counter;
	size_t left; /* unused bytes at the end of the buffer */
	unsigned char buffer[BUFFER_SIZE];
};

/* The n-th block is the hash of n under the seed. */
static void refill_predictable(struct random *random)
{
	struct map_key key = { random->seed, ~random->seed };

	for (size_t at = 0; at < BUFFER_SIZE; at += sizeof(uint64_t)) {
		uint64_t counter = random->counter++;
		uint64_t block = map_hash(key, slice_from(&counter, sizeof(counter)));

		memcpy(random->buffer + at, &block, sizeof(block));
	}
}

static bool refill(struct random *random)
{
	if (!random->lib)
		refill_predictable(random);
	else if (RAND_bytes_ex(random->lib, random->buffer, BUFFER_SIZE, 0) != 1)
		return false;
	random->left = BUFFER_SIZE;
	return true;
}

struct random *random_new(struct crypto *crypto)
{
	AUTO(random) struct random *random = mem_new(struct random);

	if (!random)
		return NULL;
	random->lib = crypto->lib;
	if (!refill(random)) /* so that a machine without randomness is noticed at the start */
		return NULL;
	return TAKE(random);
}

struct random *random_new_predictable(uint64_t seed)
{
	struct random *random = mem_new(struct random);

	if (random)
		random->seed = seed;
	return random;
}

void random_free(struct random *random)
{
	if (!random)
		return;
	mem_wipe(random, sizeof(*random));
	mem_free(random);
}

void random_bytes(struct random *random, void *buf, size_t n)
{
	unsigned char *to = buf;

	while (n) {
		if (!random->left && !refill(random))
			abort(); /* without randomness nothing here is safe to go on with */
		size_t step = n < random->left ? n : random->left;
		unsigned char *from = random->buffer + BUFFER_SIZE - random->left;

		memcpy(to, from, step);
		mem_wipe(from, step);
		random->left -= step;
		to += step;
		n -= step;
	}
}

struct map_key random_map_key(struct random *random)
{
	struct map_key key;

	random_bytes(random, &key, sizeof(key));
	return key;
}
