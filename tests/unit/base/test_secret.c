#include "harness.h"

#include "base/secret.h"

static void keeps_a_copy_of_its_own(void **state)
{
	char password[] = "open\0sesame";
	AUTO(secret) struct secret *secret = secret_new(slice_from(password, sizeof password - 1));

	assert_non_null(secret);
	password[0] = 'x';
	assert_true(slice_eq_secret(secret_slice(secret), SLICE("open\0sesame")));
}

static void may_be_empty_or_absent(void **state)
{
	AUTO(secret) struct secret *secret = secret_new(slice_of(NULL));

	assert_non_null(secret);
	assert_int_equal(secret_slice(secret).len, 0);
	assert_int_equal(secret_slice(NULL).len, 0);
	secret_free(NULL);
}

static void a_length_that_wraps_is_refused(void **state)
{
	struct secret *secret = secret_new(slice_from("", SIZE_MAX));

	assert_null(secret);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(keeps_a_copy_of_its_own),
	cmocka_unit_test(may_be_empty_or_absent),
	cmocka_unit_test(a_length_that_wraps_is_refused),
};

TEST_MAIN(tests)
