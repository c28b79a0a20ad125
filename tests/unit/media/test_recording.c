#include "media/recording.h"

#include "harness.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "media/media.h"

static const struct {
	const char *asked, *second, *third;
} names[] = {
	{ "heard.wav", "heard-2.wav", "heard-3.wav" },
	{ "heard", "heard-2", "heard-3" },
	{ ".heard", ".heard-2", ".heard-3" },
	{ "a.b.wav", "a.b-2.wav", "a.b-3.wav" },
};

static void expect_recording(const char *dir, const char *asked, const char *name)
{
	char path[100], wanted[100], found[MEDIA_PATH_MAX];
	struct wav_writer *writer = NULL;
	unsigned number;
	enum err err;

	snprintf(path, sizeof path, "%s/%s", dir, asked);
	snprintf(wanted, sizeof wanted, "%s/%s", dir, name);
	err = recording_open(path, &number, &writer);
	assert_int_equal(err, OK);
	assert_int_equal(media_recording_path(path, number, found), OK);
	assert_true(wav_writer_close(writer));
	assert_string_equal(found, wanted);
}

static void each_has_its_own_file(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *const expected[] = { names[i].asked, names[i].second, names[i].third };
		char dir[50], path[100];

		harness_template(dir, sizeof dir, "re.cording");
		assert_non_null(mkdtemp(dir));
		for (size_t n = 0; n < 3; n++)
			expect_recording(dir, names[i].asked, expected[n]);
		for (size_t n = 0; n < 3; n++) {
			snprintf(path, sizeof path, "%s/%s", dir, expected[n]);
			assert_int_equal(unlink(path), 0);
		}
		rmdir(dir);
	}
}

static void says_where_it_cannot_be_written(void **state)
{
	static char path[MEDIA_PATH_MAX + 1];
	struct wav_writer *writer = NULL;
	unsigned number;

	(void)state;
	memset(path, 'x', sizeof path - 1);
	assert_int_equal(recording_open(path, &number, &writer), ERR_LIMIT);
	assert_int_equal(recording_open("/nonexistent/x.wav", &number, &writer), ERR_NOT_FOUND);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(each_has_its_own_file),
	cmocka_unit_test(says_where_it_cannot_be_written),
};

TEST_MAIN(tests)
