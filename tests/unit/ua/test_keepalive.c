#include "world.h"

static void register_with(struct world *world, const char *lines)
{
	world_connect(world, "localhost");
	world_answer(world, world_expect(world, SIP_REGISTER), 200, lines, SLICE(""));
	world_event(world, UA_REGISTERED);
}

static const struct {
	const char *label, *lines;
	unsigned configured;
	ms_t least, most; /* between two pings */
} bounds[] = {
	{ "nobody says anything", "Expires: 86400\r\n", 0, 96000, 120000 },
	{ "the server does", "Expires: 86400\r\nFlow-Timer: 30\r\n", 0, 24000, 30000 },
	{ "the server asks for less than we do", "Expires: 86400\r\nFlow-Timer: 840\r\n", 0, 96000, 120000 },
	{ "the server asks for too much", "Expires: 86400\r\nFlow-Timer: 0\r\n", 0, 4000, 5000 },
	{ "our user asks for more", "Expires: 86400\r\nFlow-Timer: 30\r\n", 10, 8000, 10000 },
};

static void pings_between_80_and_100_percent_of_the_bound(void **state) /* RFC5626:4.4.1 */
{
	for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
		struct world world;

		world_open(&world, &(struct ua_config){ .keepalive = bounds[i].configured });
		register_with(&world, bounds[i].lines);
		for (unsigned n = 0; n < 20; n++) {
			ms_t from = world.now.mono;

			world_pass(&world, bounds[i].least - 1);
			if (world.pings != n)
				fail_msg("%s: too early", bounds[i].label);
			while (world.pings == n && world.now.mono < from + bounds[i].most)
				world_pass(&world, 1);
			if (world.pings != n + 1)
				fail_msg("%s: too late", bounds[i].label);
		}
		assert_int_equal(world.closed, 0);
		world_close(&world);
	}
}

static void a_server_that_is_dead_without_a_word_is_noticed(void **state)
{
	struct world world;
	const struct ua_event *event;

	world_open(&world, &(struct ua_config){ 0 });
	world_register(&world);
	world_pass(&world, 600000);
	assert_int_equal(world.closed, 0);
	world.is_dead = true;
	unsigned before = world.pings;
	for (int most = 200000; world.pings == before && most > 0; most--)
		world_pass(&world, 1);
	assert_int_not_equal(world.pings, before);
	world_pass(&world, 9990);
	assert_int_equal(world.closed, 0);
	world_pass(&world, 20); /* RFC5626:4.4.1: 10 seconds */
	assert_int_equal(world.closed, 1);
	world_lose_flow(&world);
	event = world_event(&world, UA_DISCONNECTED);
	assert_int_equal(event->cause, UA_SERVER_GONE);
	assert_true(event->retry_in > 0 && event->retry_in <= 1000);
	world.is_dead = false;
	world_pass(&world, 1000);
	world_register(&world);
	world_pass(&world, 119000);
	assert_int_equal(world.closed, 1);
	world_close(&world);
}

static const struct {
	const char *label, *lines;
	unsigned configured;
	bool answers; /* there is a sign that it does */
} silences[] = {
	{ "nobody says anything", "Expires: 86400\r\n", 0, false },
	{ "another extension", "Expires: 86400\r\nRequire: path\r\n", 0, false },
	{ "it is registered by outbound", "Expires: 86400\r\nRequire: path, outbound\r\n", 0, true },
	{ "the server wants pings", "Expires: 86400\r\nFlow-Timer: 120\r\n", 0, true },
	{ "our user does", "Expires: 86400\r\n", 120, true },
};

/* RFC5626:4.4 many servers answer no pings */
static void silence_counts_where_an_answer_may_be_expected(void **state)
{
	for (size_t i = 0; i < sizeof silences / sizeof silences[0]; i++) {
		struct world world;

		world_open(&world, &(struct ua_config){ .keepalive = silences[i].configured });
		world.is_dead = true;
		register_with(&world, silences[i].lines);
		world_pass(&world, 131000);
		if (world.closed != (silences[i].answers ? 1 : 0))
			fail_msg("%s: closed %u", silences[i].label, world.closed);
		if (!silences[i].answers) {
			world_pass(&world, 3600000);
			assert_in_range(world.pings, 25, 38);
			assert_int_equal(world.closed, 0);
			assert_true(ua_is_registered(world.ua));
		}
		world_close(&world);
	}
}

static void
a_flow_that_never_comes_to_a_registration_is_tried_less_and_less_often(void **state) /* RFC5626:4.5 */
{
	struct world world;
	ms_t last = 0;

	world_open(&world, &(struct ua_config){ 0 });
	for (int i = 0; i < 6; i++) {
		const struct ua_event *event;

		world_connect(&world, "localhost");
		world_expect(&world, SIP_REGISTER);
		world_lose_flow(&world);
		event = world_event(&world, UA_DISCONNECTED);
		assert_true(event->retry_in >= last);
		last = event->retry_in;
		world_pass(&world, last);
	}
	assert_true(last >= 30000);
	world_close(&world);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(pings_between_80_and_100_percent_of_the_bound),
	cmocka_unit_test(a_server_that_is_dead_without_a_word_is_noticed),
	cmocka_unit_test(silence_counts_where_an_answer_may_be_expected),
	cmocka_unit_test(a_flow_that_never_comes_to_a_registration_is_tried_less_and_less_often),
};

TEST_MAIN(tests)
