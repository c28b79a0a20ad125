#include "net/net.h"

#include "harness.h"

#include <sys/socket.h>
#include <unistd.h>

#include "net/socket.h"

enum { MANY = 300 }; /* more than one turn tells */

struct fixture {
	struct net *net;
	int pairs[MANY][2];
	struct net_watch *watches[MANY]; /* of the first of each pair, for reading; owner is the pair */
	size_t n;
};

static bool open_pair(struct fixture *fixture)
{
	int *pair = fixture->pairs[fixture->n];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0)
		return false;
	if (net_watch_new(fixture->net, pair[0], NET_READABLE, pair, &fixture->watches[fixture->n]) == OK) {
		fixture->n++;
		return true;
	}
	socket_close(pair[0]);
	socket_close(pair[1]);
	return false;
}

static int set_up(void **state)
{
	static struct fixture fixture;

	fixture = (struct fixture){ .net = net_new(MANY) };
	*state = &fixture;
	assert_non_null(fixture.net);
	assert_true(open_pair(&fixture));
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < fixture->n; i++) {
		if (fixture->watches[i])
			net_watch_close(fixture->watches[i]);
		socket_close(fixture->pairs[i][1]);
	}
	net_free(fixture->net);
	return 0;
}

static ms_t soon(const struct fixture *fixture)
{
	return net_now(fixture->net).mono + 20;
}

static void the_end_of_one_that_waits_for_nothing_does_not_end_each_wait(void **state)
{
	struct fixture *fixture = *state;
	struct net_event event;
	ms_t due;

	net_watch_set(fixture->watches[0], 0);
	socket_close(fixture->pairs[0][1]);
	fixture->pairs[0][1] = -1;
	net_wait(fixture->net, soon(fixture));
	assert_false(net_next(fixture->net, &event));
	due = soon(fixture);
	net_wait(fixture->net, due);
	assert_true(net_now(fixture->net).mono >= due);

	net_watch_set(fixture->watches[0], NET_READABLE); /* and now that it matters it is told again */
	net_wait(fixture->net, soon(fixture) + 5000);
	assert_true(net_next(fixture->net, &event));
	assert_int_equal(event.ready, NET_READABLE);
}

static void the_end_is_told_to_one_that_waits_to_write(void **state)
{
	struct fixture *fixture = *state;
	struct net_event event;

	net_watch_set(fixture->watches[0], NET_WRITABLE);
	socket_close(fixture->pairs[0][1]);
	fixture->pairs[0][1] = -1;
	net_wait(fixture->net, soon(fixture) + 5000);
	assert_true(net_next(fixture->net, &event));
	assert_int_equal(event.ready, NET_WRITABLE);
}

static void one_that_is_closed_says_nothing_and_its_number_can_be_watched_again(void **state)
{
	struct fixture *fixture = *state;
	struct net_event event;
	int old = fixture->pairs[0][0], next[2];

	assert_int_equal(write(fixture->pairs[0][1], "x", 1), 1);
	net_wait(fixture->net, soon(fixture) + 5000);
	net_watch_close(TAKE(fixture->watches[0]));
	assert_false(net_next(fixture->net, &event));

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, next), 0);
	assert_int_equal(next[0], old);
	if (net_watch_new(fixture->net, old, NET_WRITABLE, next, &fixture->watches[0]) == OK) {
		net_wait(fixture->net, soon(fixture) + 5000);
		assert_true(net_next(fixture->net, &event));
		assert_ptr_equal(event.owner, next);
	} else {
		socket_close(old);
	}
	socket_close(next[1]);
}

static void many_that_come_at_once_are_all_told_within_two_turns(void **state)
{
	struct fixture *fixture = *state;
	bool is_told[MANY] = { false };
	struct net_event event;
	size_t n = 0;

	while (fixture->n < MANY)
		assert_true(open_pair(fixture));
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(write(fixture->pairs[i][1], "x", 1), 1);
	for (int turn = 0; turn < 2; turn++) {
		net_wait(fixture->net, soon(fixture) + 5000);
		while (net_next(fixture->net, &event)) {
			size_t i = (size_t)((int(*)[2])event.owner - fixture->pairs);

			n += !is_told[i];
			is_told[i] = true;
		}
		assert_true(turn > 0 || n < MANY);
	}
	assert_int_equal(n, MANY);
}

/* What a connection costs: nothing is told to the kernel that it knows. */
static void the_kernel_is_told_of_a_change_only(void **state)
{
	struct fixture *fixture = *state;
	struct net_watch *watch = fixture->watches[0];

	/* It would be an error of ours, and end the program, to tell of a descriptor that is closed. */
	assert_int_equal(close(fixture->pairs[0][0]), 0);
	net_watch_set(watch, NET_READABLE);
	net_watch_free(TAKE(fixture->watches[0]));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(the_end_of_one_that_waits_for_nothing_does_not_end_each_wait, set_up,
					tear_down),
	cmocka_unit_test_setup_teardown(the_end_is_told_to_one_that_waits_to_write, set_up, tear_down),
	cmocka_unit_test_setup_teardown(one_that_is_closed_says_nothing_and_its_number_can_be_watched_again,
					set_up, tear_down),
	cmocka_unit_test_setup_teardown(many_that_come_at_once_are_all_told_within_two_turns, set_up,
					tear_down),
	cmocka_unit_test_setup_teardown(the_kernel_is_told_of_a_change_only, set_up, tear_down),
};

TEST_MAIN(tests)
