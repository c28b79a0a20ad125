/* Noticing that a file of the configuration has changed, on a clock of our own. */
#include "harness.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sealined/files.h"

enum { LOOK = 1000, REST = 300, BEGIN = 1000 };

struct world {
	char dir[64], path[100], other[100];
	struct config *config;
	struct files *files;
	ms_t now;
};

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void name(char *path, const char *dir, const char *file)
{
	struct writer out = writer_of(path, 99);

	put(&out, slice_of(dir));
	put_char(&out, '/');
	put(&out, slice_of(file));
	path[out.len] = '\0';
}

static int make_world(void **state)
{
	static struct world world;
	char buf[200];
	struct writer why = writer_of(buf, sizeof buf);

	world = (struct world){ .now = BEGIN };
	harness_template(world.dir, sizeof world.dir, "files");
	*state = &world;
	assert_non_null(mkdtemp(world.dir));
	name(world.path, world.dir, "crl.pem");
	name(world.other, world.dir, "other.pem");
	write_text(world.path, "one");
	world.config = config_new();
	assert_non_null(world.config);
	assert_true(config_say(world.config, SETTING_CRL, slice_of(world.path), &why));
	assert_true(config_say(world.config, SETTING_STATE, slice_of(world.dir), &why));
	assert_int_equal(files_new(world.config, world.now, &world.files), OK);
	return 0;
}

static int end_world(void **state)
{
	struct world *world = *state;

	files_free(world->files);
	config_free(world->config);
	unlink(world->path);
	unlink(world->other);
	return rmdir(world->dir);
}

/* Looks when it is time to, and says whether it was seen. */
static bool look(struct world *world, ms_t wait)
{
	assert_int_equal(files_due(world->files), world->now + wait);
	assert_false(files_have_changed(world->files, world->now + wait - 1));
	world->now += wait;
	return files_have_changed(world->files, world->now);
}

static void a_file_that_stays_is_no_news(void **state)
{
	struct world *world = *state;

	for (int i = 0; i < 3; i++)
		assert_false(look(world, LOOK));
}

static void a_change_counts_once_it_rests(void **state)
{
	struct world *world = *state;

	write_text(world->path, "two, at first");
	assert_false(look(world, LOOK));
	write_text(world->path, "two, and more of it");
	assert_false(look(world, REST));
	assert_true(look(world, REST));
	assert_false(look(world, LOOK));
}

static void another_file_in_its_place_counts_even_with_the_same_size_and_text(void **state)
{
	struct world *world = *state;

	write_text(world->other, "one");
	assert_int_equal(rename(world->other, world->path), 0);
	assert_false(look(world, LOOK));
	assert_true(look(world, REST));
}

static void a_link_that_is_turned_round_counts(void **state)
{
	struct world *world = *state;

	write_text(world->other, "one");
	assert_int_equal(unlink(world->path), 0);
	assert_int_equal(symlink(world->other, world->path), 0);
	assert_false(look(world, LOOK));
	assert_true(look(world, REST));
	write_text(world->other, "what it leads to has changed");
	assert_false(look(world, LOOK));
	assert_true(look(world, REST));
}

static void a_file_that_goes_and_comes_back_counts_twice(void **state)
{
	struct world *world = *state;

	assert_int_equal(unlink(world->path), 0);
	assert_false(look(world, LOOK));
	assert_true(look(world, REST));
	assert_false(look(world, LOOK));
	write_text(world->path, "one");
	assert_false(look(world, LOOK));
	assert_true(look(world, REST));
}

static void the_state_directory_is_not_watched(void **state)
{
	struct world *world = *state;

	write_text(world->other, "something new in the directory");
	for (int i = 0; i < 3; i++)
		assert_false(look(world, LOOK));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(a_file_that_stays_is_no_news, make_world, end_world),
	cmocka_unit_test_setup_teardown(a_change_counts_once_it_rests, make_world, end_world),
	cmocka_unit_test_setup_teardown(another_file_in_its_place_counts_even_with_the_same_size_and_text,
					make_world, end_world),
	cmocka_unit_test_setup_teardown(a_link_that_is_turned_round_counts, make_world, end_world),
	cmocka_unit_test_setup_teardown(a_file_that_goes_and_comes_back_counts_twice, make_world, end_world),
	cmocka_unit_test_setup_teardown(the_state_directory_is_not_watched, make_world, end_world),
};

TEST_MAIN(tests)
