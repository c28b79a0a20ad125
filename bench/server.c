/* What a server does for a request besides parsing it: finding an address-of-record, checking a digest. */
#include "bench.h"

#include <stdlib.h>

#include "auth/response.h"
#include "crypto/lib.h"
#include "location/location.h"

enum { AORS_MAX = 1000000, ROUNDS = 1000000 };

static volatile size_t sink;

static struct slice name_of(size_t i)
{
	static char buf[40];

	return slice_from(buf, (size_t)snprintf(buf, sizeof buf, "%07zu@atlanta.example.com", i));
}

static void find(struct location *location, size_t i)
{
	struct aor *aor = location_find(location, name_of(i));

	if (aor)
		sink += aor->n_bindings;
	aor_unref(aor);
}

/* "1,000,000" */
static const char *number_of(size_t n, char buf[20])
{
	if (n < 1000000)
		snprintf(buf, 20, "%zu,%03zu", n / 1000, n % 1000);
	else
		snprintf(buf, 20, "%zu,%03zu,%03zu", n / 1000000, n / 1000 % 1000, n % 1000);
	return buf;
}

/* The table as it grows, asked for names without an order. */
static void bench_location(void)
{
	struct location *location = location_new(AORS_MAX, (struct map_key){ 1, 2 });
	struct account account = { .id = 1 };
	char what[80], buf[20];

	BENCH("location: write a name", ROUNDS, sink += name_of(i).len);
	for (size_t n = 1000, have = 0; n <= AORS_MAX; n *= 10) {
		for (; have < n; have++) {
			struct aor *aor = aor_new(name_of(have), 1, &account, NULL, 0);

			if (!location || !aor || location_put(location, aor) != OK)
				abort();
			aor_unref(aor);
		}
		const char *number = number_of(n, buf);

		snprintf(what, sizeof what, "location: write a name, find it in %s", number);
		BENCH(what, ROUNDS, find(location, i * 7919 % n));
		snprintf(what, sizeof what, "location: write a name, find none in %s", number);
		BENCH(what, ROUNDS, find(location, AORS_MAX + i));
	}
	location_free(location);
}

static void bench_digest(void)
{
	struct crypto *crypto = crypto_new();
	unsigned char ha1[DIGEST_SIZE_MAX] = { 1 };
	struct auth_exchange exchange = {
		.ha1 = ha1,
		.nonce = SLICE("NjVlYzM4ZTk6MjM0MWQ1ZmE5YjBjNDQ3Zg"),
		.nc = SLICE("00000007"),
		.cnonce = SLICE("4f1d8a33b0"),
		.qop = SLICE("auth"),
		.method = SLICE("REGISTER"),
		.uri = SLICE("sips:atlanta.example.com"),
	};
	struct auth_hex response;

	if (!crypto)
		abort();
	exchange.algorithm = DIGEST_SHA256;
	BENCH("digest: response by SHA-256", ROUNDS / 10,
	      sink += auth_response(crypto, &exchange, &response));
	exchange.algorithm = DIGEST_MD5;
	BENCH("digest: response by MD5", ROUNDS / 10, sink += auth_response(crypto, &exchange, &response));
	crypto_free(crypto);
}

int main(void)
{
	bench_location();
	bench_digest();
	return 0;
}
