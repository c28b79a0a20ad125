#include "harness.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"

static void every_error_has_a_text_of_its_own(void **state)
{
	for (enum err a = OK; a <= ERR_IO; a++) {
		assert_string_not_equal(err_text(a), "unknown error");
		for (enum err b = OK; b < a; b++)
			assert_string_not_equal(err_text(a), err_text(b));
	}
}

static enum err pass_up(enum err err)
{
	TRY(err);
	return ERR_EXISTS;
}

static void try_leaves_with_the_error_and_only_then(void **state)
{
	assert_int_equal(pass_up(ERR_IO), ERR_IO);
	assert_int_equal(pass_up(OK), ERR_EXISTS);
}

static void what_the_kernel_says_of_a_file_is_one_of_ours(void **state)
{
	static const struct {
		int error;
		enum err err;
	} rows[] = {
		{ ENOENT, ERR_NOT_FOUND }, { ENOTDIR, ERR_NOT_FOUND },
		{ EACCES, ERR_DENIED },    { EPERM, ERR_DENIED },
		{ EROFS, ERR_DENIED },     { ENAMETOOLONG, ERR_LIMIT },
		{ ENOMEM, ERR_NOMEM },     { EIO, ERR_IO },
		{ ENOSPC, ERR_IO },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(err_of_file(rows[i].error), rows[i].err);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(every_error_has_a_text_of_its_own),
	cmocka_unit_test(try_leaves_with_the_error_and_only_then),
	cmocka_unit_test(what_the_kernel_says_of_a_file_is_one_of_ours),
};

TEST_MAIN(tests)
