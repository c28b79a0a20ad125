#include "harness.h"

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/random.h"
#include "sealphone/wallet.h"

static char directory[64];
static struct crypto *crypto;
static struct random *dice;
static struct memory memory;
static struct credentials *credentials;

static int begin(void)
{
	static const struct credentials_source nobody = { .ask = NULL };

	credentials = credentials_new(crypto, SLICE("alice@localhost"), &nobody);
	return credentials ? 0 : -1;
}

static int setup(void **state)
{
	(void)state;
	snprintf(directory, sizeof directory, "/tmp/sealine-wallet-XXXXXX");
	crypto = crypto_new();
	dice = random_new_predictable(1);
	if (!crypto || !dice || !mkdtemp(directory) ||
	    !memory_open(directory, SLICE("alice@localhost"), dice, &memory))
		return -1;
	return begin();
}

static int drop(const char *path, const struct stat *about, int kind, struct FTW *where)
{
	(void)about;
	(void)kind;
	(void)where;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	credentials_free(credentials);
	random_free(dice);
	crypto_free(crypto);
	credentials = NULL;
	return nftw(directory, drop, 8, FTW_DEPTH | FTW_PHYS);
}

static void again(void)
{
	credentials_free(credentials);
	credentials = NULL;
	assert_int_equal(begin(), 0);
}

static void count(void *arg, const struct credentials_known *known)
{
	unsigned *n = arg;

	assert_true(known->is_believed && known->is_compared && !known->is_withdrawn);
	assert_true(slice_eq(known->aor, SLICE("bob@localhost")));
	assert_int_equal(known->first_seen, 1790000000);
	++*n;
}

static void a_key_is_made_once_and_for_us_alone(void **state)
{
	unsigned char first[KEY_ID_SIZE], second[KEY_ID_SIZE];
	char path[600];
	struct stat about;

	(void)state;
	assert_true(wallet_load(crypto, &memory, credentials));
	assert_null(credentials_own_key(credentials));
	assert_true(wallet_make_key(crypto, &memory, credentials));
	assert_true(key_id(credentials_own_key(credentials), first));
	snprintf(path, sizeof path, "%s/alice@localhost=key.pem", directory);
	assert_int_equal(stat(path, &about), 0);
	assert_int_equal(about.st_mode & 0777, 0600);
	again();
	assert_true(wallet_load(crypto, &memory, credentials));
	assert_true(wallet_make_key(crypto, &memory, credentials));
	assert_true(key_id(credentials_own_key(credentials), second));
	assert_memory_equal(first, second, sizeof first);
}

static void who_was_seen_is_known_the_next_time(void **state)
{
	const struct credentials_known bob = { .aor = SLICE("bob@localhost"),
					       .key = { 1, 2, 3 },
					       .first_seen = 1790000000,
					       .is_believed = true };
	unsigned n = 0;

	(void)state;
	assert_int_equal(credentials_remember(credentials, &bob), OK);
	assert_int_equal(credentials_trust(credentials, SLICE("carol@localhost"), NULL), ERR_NOT_FOUND);
	assert_int_equal(credentials_trust(credentials, bob.aor, bob.key), OK);
	assert_true(wallet_save(&memory, credentials));
	again();
	assert_true(wallet_load(crypto, &memory, credentials));
	credentials_each(credentials, count, &n);
	assert_int_equal(n, 1);
	assert_int_equal(credentials_forget(credentials, bob.aor), OK);
	assert_int_equal(credentials_forget(credentials, bob.aor), ERR_NOT_FOUND);
}

static void what_is_not_ours_is_refused(void **state)
{
	static const char *const names[] = { "known.json", "key.pem" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char path[600];
		FILE *file;

		snprintf(path, sizeof path, "%s/alice@localhost=%s", directory, names[i]);
		file = fopen(path, "we");
		assert_non_null(file);
		fputs("nonsense", file);
		fclose(file);
		assert_false(wallet_load(crypto, &memory, credentials));
		unlink(path);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(a_key_is_made_once_and_for_us_alone, setup, teardown),
	cmocka_unit_test_setup_teardown(who_was_seen_is_known_the_next_time, setup, teardown),
	cmocka_unit_test_setup_teardown(what_is_not_ours_is_refused, setup, teardown),
};
TEST_MAIN(tests)
