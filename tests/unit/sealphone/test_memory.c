#include "harness.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sealphone/memory.h"

static char directory[64];

static int setup(void **state)
{
	harness_template(directory, sizeof directory, "memory");
	return mkdtemp(directory) ? 0 : -1;
}

static int teardown(void **state)
{
	char path[128];

	snprintf(path, sizeof path, "%s/deep/er/alice@localhost.json", directory);
	unlink(path);
	snprintf(path, sizeof path, "%s/deep/er/=2e.=2f@localhost.json", directory);
	unlink(path);
	snprintf(path, sizeof path, "%s/deep/er", directory);
	rmdir(path);
	snprintf(path, sizeof path, "%s/deep", directory);
	rmdir(path);
	return rmdir(directory);
}

static void what_is_learned_is_there_the_next_time(void **state)
{
	AUTO(random) struct random *random = random_new_predictable(1);
	struct memory first, second;
	char path[128];
	struct stat about;

	assert_non_null(random);
	snprintf(path, sizeof path, "%s/deep/er", directory);
	assert_true(memory_open(path, SLICE("alice@localhost"), random, &first));
	assert_int_equal(first.least, DIGEST_MD5);
	assert_memory_equal(first.instance, "urn:uuid:", 9);
	assert_int_equal(strlen(first.instance), 9 + 36);
	assert_int_equal(first.instance[9 + 14], '4'); /* RFC4122:4.4 */
	first.least = DIGEST_SHA256;
	assert_true(memory_save(&first));
	assert_true(memory_open(path, SLICE("alice@localhost"), random, &second));
	assert_int_equal(second.least, DIGEST_SHA256);
	assert_string_equal(second.instance, first.instance);
	assert_int_equal(stat(first.path, &about), 0);
	assert_int_equal(about.st_mode & 0777, 0600);
	assert_int_equal(stat(path, &about), 0);
	assert_int_equal(about.st_mode & 0777, 0700);
}

static void an_account_is_no_path(void **state)
{
	AUTO(random) struct random *random = random_new_predictable(1);
	struct memory memory;
	char path[128];

	assert_non_null(random);
	snprintf(path, sizeof path, "%s/deep/er", directory);
	assert_true(memory_open(path, SLICE("../@localhost"), random, &memory));
	assert_string_equal(memory.path + strlen(path), "/=2e.=2f@localhost.json");
}

static void a_file_that_is_not_ours_is_left_alone(void **state)
{
	AUTO(random) struct random *random = random_new_predictable(1);
	struct memory memory;
	char path[128];
	FILE *file;

	assert_non_null(random);
	snprintf(path, sizeof path, "%s/deep/er", directory);
	assert_true(memory_open(path, SLICE("alice@localhost"), random, &memory));
	file = fopen(memory.path, "w");
	assert_non_null(file);
	fputs("{ \"instance\": 5 }\n", file);
	fclose(file);
	assert_false(memory_open(path, SLICE("alice@localhost"), random, &memory));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(what_is_learned_is_there_the_next_time, setup, teardown),
	cmocka_unit_test_setup_teardown(an_account_is_no_path, setup, teardown),
	cmocka_unit_test_setup_teardown(a_file_that_is_not_ours_is_left_alone, setup, teardown),
};
TEST_MAIN(tests)
