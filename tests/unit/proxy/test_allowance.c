#include "harness.h"

#include "proxy/allowance.h"

enum { NOW = 1000 };

static struct allowance *make(struct server_config *server)
{
	struct allowance *allowance = allowance_new((struct map_key){ 0x9e3779b97f4a7c15, 2 });

	assert_non_null(allowance);
	*server = server_config_default;
	server->requests_per_second = 2;
	server->calls_max = 3;
	return allowance;
}

static void an_account_gets_a_burst_and_then_so_many_a_second(void **state)
{
	struct server_config server;
	struct allowance *allowance = make(&server);

	for (int i = 0; i < 2 * ALLOWANCE_BURST_SECONDS; i++)
		assert_non_null(allowance_take(allowance, 1, &server, NOW));
	assert_null(allowance_take(allowance, 1, &server, NOW));
	assert_non_null(allowance_take(allowance, 2, &server, NOW)); /* another one has its own */
	assert_null(allowance_take(allowance, 1, &server, NOW + 499));
	assert_non_null(allowance_take(allowance, 1, &server, NOW + 500));
	assert_null(allowance_take(allowance, 1, &server, NOW + 501));
	allowance_free(allowance);
}

static void calls_count_until_they_end(void **state)
{
	struct server_config server;
	struct allowance *allowance = make(&server);
	struct allowance_member *one = allowance_take(allowance, 1, &server, NOW);
	struct allowance_member *two = allowance_take(allowance, 2, &server, NOW);

	assert_non_null(one);
	assert_non_null(two);
	for (int i = 0; i < 3; i++)
		assert_true(allowance_begin_call(one, &server));
	assert_false(allowance_begin_call(one, &server));
	assert_true(allowance_begin_call(two, &server));
	assert_ptr_equal(allowance_take(allowance, 1, &server, NOW), one);
	allowance_end_call(one);
	assert_true(allowance_begin_call(one, &server));
	assert_false(allowance_begin_call(one, &server));
	allowance_end_call(NULL); /* one that never began */
	allowance_free(allowance);
}

static void who_is_forgotten_has_no_call(void **state)
{
	struct server_config server;
	struct allowance *allowance = make(&server);
	struct allowance_member *hundredth = NULL;

	for (account_id i = 1; i <= ALLOWANCE_ACCOUNTS_MAX; i++) {
		struct allowance_member *member = allowance_take(allowance, i, &server, NOW);

		assert_non_null(member);
		assert_true(allowance_begin_call(member, &server));
		if (i == 100)
			hundredth = member;
	}
	/* all are in the middle of something: there is no room */
	assert_null(allowance_take(allowance, ALLOWANCE_ACCOUNTS_MAX + 1, &server, NOW));
	allowance_end_call(hundredth);
	assert_non_null(allowance_take(allowance, ALLOWANCE_ACCOUNTS_MAX + 1, &server, NOW));
	assert_null(allowance_take(allowance, 100, &server, NOW));
	allowance_free(allowance);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(an_account_gets_a_burst_and_then_so_many_a_second),
	cmocka_unit_test(calls_count_until_they_end),
	cmocka_unit_test(who_is_forgotten_has_no_call),
};

TEST_MAIN(tests)
