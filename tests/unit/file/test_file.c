#include "harness.h"

#include <sys/stat.h>

#include "../store/directory.h"
#include "file/file.h"

static void reads_what_it_wrote_and_keeps_it_private(void **state)
{
	AUTO(secret) struct secret *text = NULL;
	struct directory dir;
	struct stat found;
	char path[200];

	directory_make(&dir, "files");
	snprintf(path, sizeof path, "%s/key", dir.path);
	assert_int_equal(file_read(slice_of(path), 100, &text), ERR_NOT_FOUND);
	assert_int_equal(file_replace(slice_of(path), SLICE("first")), OK);
	assert_int_equal(file_replace(slice_of(path), SLICE("the second")), OK);
	assert_int_equal(stat(path, &found), 0);
	assert_int_equal(found.st_mode & 0777, 0600);
	assert_int_equal(file_read(slice_of(path), 9, &text), ERR_LIMIT);
	assert_int_equal(file_read(slice_of(path), 10, &text), OK);
	assert_true(slice_eq(secret_slice(text), SLICE("the second")));
	assert_int_equal(file_replace(SLICE("/nonexistent/key"), SLICE("x")), ERR_NOT_FOUND);
	directory_empty(&dir);
}

static void leaves_what_was_there_when_it_cannot_write(void **state)
{
	AUTO(secret) struct secret *text = NULL;
	struct directory dir;
	char path[200], fresh[200];

	directory_make(&dir, "file-left");
	snprintf(path, sizeof path, "%s/key", dir.path);
	snprintf(fresh, sizeof fresh, "%s/key.new", dir.path);
	assert_int_equal(file_replace(slice_of(path), SLICE("first")), OK);
	assert_int_equal(symlink("/nonexistent/elsewhere", fresh), 0); /* it follows none */
	assert_int_not_equal(file_replace(slice_of(path), SLICE("second")), OK);
	unlink(fresh);
	assert_int_equal(file_read(slice_of(path), 10, &text), OK);
	assert_true(slice_eq(secret_slice(text), SLICE("first")));
	directory_empty(&dir);
}

static void is_of_no_use_for_what_is_no_file(void **state)
{
	AUTO(secret) struct secret *text = NULL;

	assert_int_equal(file_read(SLICE("/tmp"), 100, &text), ERR_IO);
	assert_int_equal(file_read(SLICE(""), 100, &text), ERR_LIMIT);
	assert_int_equal(file_read(SLICE("/tmp/\0x"), 100, &text), ERR_LIMIT);
	assert_int_equal(file_replace(SLICE("/tmp/\0x"), SLICE("x")), ERR_LIMIT);
}

/* "<(…)" of the shell is such a path. */
static void reads_a_pipe_to_its_end(void **state)
{
	AUTO(secret) struct secret *text = NULL;
	char path[40];
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fds[0]);
	assert_int_equal(write(fds[1], "in two ", 7), 7);
	assert_int_equal(write(fds[1], "pieces", 6), 6);
	close(fds[1]);
	assert_int_equal(file_read(slice_of(path), 100, &text), ERR_IO);
	assert_int_equal(file_read_any(slice_of(path), 13, &text), OK);
	assert_true(slice_eq(secret_slice(text), SLICE("in two pieces")));
	close(fds[0]);
}

static void reads_no_more_of_a_pipe_than_it_may(void **state)
{
	AUTO(secret) struct secret *text = NULL;

	assert_int_equal(file_read_any(SLICE("/dev/zero"), 100, &text), ERR_LIMIT);
	assert_int_equal(file_read_any(SLICE("/dev/zero"), SIZE_MAX, &text), ERR_LIMIT);
	assert_int_equal(file_read_any(SLICE("/tmp"), 100, &text), ERR_IO);
	assert_int_equal(file_read_any(SLICE("/nonexistent"), 100, &text), ERR_NOT_FOUND);
	assert_null(text);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(reads_a_pipe_to_its_end),
	cmocka_unit_test(reads_no_more_of_a_pipe_than_it_may),
	cmocka_unit_test(reads_what_it_wrote_and_keeps_it_private),
	cmocka_unit_test(leaves_what_was_there_when_it_cannot_write),
	cmocka_unit_test(is_of_no_use_for_what_is_no_file),
};
TEST_MAIN(tests)
