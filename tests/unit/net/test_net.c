#include "net/net.h"

#include "harness.h"

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "net/socket.h"

/* Takes the place of the C library's, for libuv too: after so many looks at it the clock is 10 ms ahead. 0: never. */
static int looks_until_ahead;

int clock_that_jumps(clockid_t clock, struct timespec *ret_time) __asm__("clock_gettime");

int clock_that_jumps(clockid_t clock, struct timespec *ret_time)
{
	long rc = syscall(SYS_clock_gettime, clock, ret_time);

	if (looks_until_ahead == 1)
		ret_time->tv_nsec += 10000000;
	else if (looks_until_ahead > 1)
		looks_until_ahead--;
	if (ret_time->tv_nsec >= 1000000000) {
		ret_time->tv_sec++;
		ret_time->tv_nsec -= 1000000000;
	}
	return (int)rc;
}

struct fixture {
	struct net *net;
	int pair[2];
	struct net_watch *watch; /* of pair[0], for reading; owner is the fixture */
};

static int set_up(void **state)
{
	static struct fixture fixture;

	fixture = (struct fixture){ .net = net_new(4), .pair = { -1, -1 } };
	*state = &fixture;
	assert_non_null(fixture.net);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fixture.pair), 0);
	assert_int_equal(net_watch_new(fixture.net, fixture.pair[0], NET_READABLE, &fixture, &fixture.watch),
			 OK);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	net_watch_free(fixture->watch);
	socket_close(fixture->pair[0]);
	socket_close(fixture->pair[1]);
	net_free(fixture->net);
	return 0;
}

static ms_t soon(const struct fixture *fixture)
{
	return net_now(fixture->net).mono + 20;
}

/* Waits up to 5 seconds for the next event. */
static struct net_event wait_for_event(struct net *net)
{
	struct net_event event;
	ms_t due = net_now(net).mono + 5000;

	do {
		net_wait(net, due);
		if (net_next(net, &event))
			return event;
	} while (net_now(net).mono < due);
	fail_msg("no event came");
	return event;
}

static void assert_quiet(struct fixture *fixture)
{
	struct net_event event;

	net_wait(fixture->net, soon(fixture));
	assert_false(net_next(fixture->net, &event));
}

static void tells_what_is_readable_until_it_is_read(void **state)
{
	struct fixture *fixture = *state;
	struct net_event event;
	char byte;

	assert_quiet(fixture);
	assert_int_equal(write(fixture->pair[1], "x", 1), 1);
	for (int i = 0; i < 2; i++) {
		event = wait_for_event(fixture->net);
		assert_int_equal(event.kind, NET_READY);
		assert_ptr_equal(event.owner, fixture);
		assert_int_equal(event.ready, NET_READABLE);
	}
	assert_int_equal(read(fixture->pair[0], &byte, 1), 1);
	assert_quiet(fixture);
}

static void tells_end_of_file_as_readable(void **state)
{
	struct fixture *fixture = *state;

	socket_close(fixture->pair[1]);
	fixture->pair[1] = -1;
	assert_int_equal(wait_for_event(fixture->net).ready, NET_READABLE);
	assert_int_equal(wait_for_event(fixture->net).ready, NET_READABLE);
}

static void waits_for_what_it_is_told_to(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(write(fixture->pair[1], "x", 1), 1);
	net_watch_set(fixture->watch, 0);
	assert_quiet(fixture);
	net_watch_set(fixture->watch, NET_WRITABLE);
	assert_int_equal(wait_for_event(fixture->net).ready, NET_WRITABLE);
	net_watch_set(fixture->watch, NET_READABLE | NET_WRITABLE);
	assert_int_equal(wait_for_event(fixture->net).ready, NET_READABLE | NET_WRITABLE);
}

static void an_event_for_what_nobody_wants_any_more_is_dropped(void **state)
{
	struct fixture *fixture = *state;
	struct net_event event;

	assert_int_equal(write(fixture->pair[1], "x", 1), 1);
	net_wait(fixture->net, soon(fixture));
	net_watch_set(fixture->watch, NET_WRITABLE);
	assert_false(net_next(fixture->net, &event));
}

static void an_event_of_a_freed_watch_never_comes(void **state)
{
	struct fixture *fixture = *state;
	struct net_watch *other;
	struct net_event event;

	assert_int_equal(net_watch_new(fixture->net, fixture->pair[1], NET_WRITABLE, &other, &other), OK);
	assert_int_equal(write(fixture->pair[1], "x", 1), 1);
	net_wait(fixture->net, soon(fixture));
	net_watch_free(fixture->watch);
	fixture->watch = NULL;
	assert_true(net_next(fixture->net, &event));
	assert_ptr_equal(event.owner, &other);
	assert_false(net_next(fixture->net, &event));
	net_watch_free(other);
}

static void a_descriptor_may_be_closed_and_its_number_watched_again_at_once(void **state)
{
	struct fixture *fixture = *state;
	int old = fixture->pair[0];

	net_watch_free(fixture->watch);
	fixture->watch = NULL;
	socket_close(fixture->pair[0]);
	socket_close(fixture->pair[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fixture->pair), 0);
	assert_int_equal(fixture->pair[0], old);
	assert_int_equal(net_watch_new(fixture->net, old, NET_READABLE, fixture, &fixture->watch), OK);
	assert_int_equal(write(fixture->pair[1], "x", 1), 1);
	assert_int_equal(wait_for_event(fixture->net).ready, NET_READABLE);
}

static void a_deadline_comes_once_and_can_be_moved(void **state)
{
	struct fixture *fixture = *state;
	ms_t due = soon(fixture);
	struct net_event event;

	net_watch_deadline(fixture->watch, due);
	event = wait_for_event(fixture->net);
	assert_int_equal(event.ready, NET_DEADLINE);
	assert_ptr_equal(event.owner, fixture);
	assert_true(net_now(fixture->net).mono >= due);
	assert_quiet(fixture);

	net_watch_deadline(fixture->watch, soon(fixture));
	net_watch_deadline(fixture->watch, 0);
	assert_quiet(fixture);
}

static void returns_when_it_is_due(void **state)
{
	struct fixture *fixture = *state;
	ms_t due = soon(fixture);

	net_wait(fixture->net, due);
	assert_true(net_now(fixture->net).mono >= due);
	assert_true(net_now(fixture->net).mono < due + 2000);
	net_wait(fixture->net, 1); /* long past */
	assert_true(net_now(fixture->net).wall > 1700000000);
}

static void *wake_it(void *arg)
{
	net_wake(arg);
	net_wake(arg);
	return NULL;
}

static void another_thread_can_wake_it(void **state)
{
	struct fixture *fixture = *state;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, wake_it, fixture->net), 0);
	net_wait(fixture->net, 0);
	pthread_join(thread, NULL);
	assert_int_equal(wait_for_event(fixture->net).kind, NET_WOKEN);
}

static void a_signal_is_an_event(void **state)
{
	struct fixture *fixture = *state;
	struct net_event event;

	assert_int_equal(net_signal(fixture->net, SIGUSR1), OK);
	assert_int_equal(raise(SIGUSR1), 0);
	event = wait_for_event(fixture->net);
	assert_int_equal(event.kind, NET_SIGNAL);
	assert_int_equal(event.signal, SIGUSR1);
}

static void refuses_more_than_its_maximum(void **state)
{
	struct fixture *fixture = *state;
	struct net_watch *watches[3], *another;
	int fds[2];

	assert_int_equal(net_watch_new(fixture->net, fixture->pair[1], 0, NULL, &watches[0]), OK);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(net_watch_new(fixture->net, fds[0], 0, NULL, &watches[1]), OK);
	assert_int_equal(net_watch_new(fixture->net, fds[1], 0, NULL, &watches[2]), OK);
	assert_int_equal(net_watch_new(fixture->net, 0, 0, NULL, &another), ERR_LIMIT);
	for (size_t i = 0; i < 3; i++)
		net_watch_free(watches[i]);
	socket_close(fds[0]);
	socket_close(fds[1]);
}

static void a_descriptor_that_cannot_be_waited_on_is_an_error(void **state)
{
	struct fixture *fixture = *state;
	struct net_watch *watch;

	assert_int_equal(net_watch_new(fixture->net, 9999, NET_READABLE, NULL, &watch), ERR_IO);
	assert_int_equal(net_watch_new(fixture->net, fixture->pair[0], NET_READABLE, NULL, &watch), ERR_IO);
}

static void finds_the_addresses_of_a_name(void **state)
{
	struct fixture *fixture = *state;
	struct net_lookup *lookup;
	struct net_event event;

	assert_int_equal(net_lookup_new(fixture->net, &(struct net_name){ SLICE("localhost"), 5061 },
					net_now(fixture->net).mono + 5000, fixture, &lookup),
			 OK);
	event = wait_for_event(fixture->net);
	assert_int_equal(event.kind, NET_FOUND);
	assert_ptr_equal(event.owner, fixture);
	assert_int_equal(event.err, OK);
	assert_true(event.n_addresses >= 1);
	assert_true(address_is_loopback(&event.addresses[0]));
	assert_int_equal(event.addresses[0].port, 5061);
	assert_quiet(fixture);
}

static void a_lookup_past_its_deadline_is_told_once(void **state)
{
	struct fixture *fixture = *state;
	struct net_lookup *lookup;
	struct net_event event;

	assert_int_equal(net_lookup_new(fixture->net, &(struct net_name){ SLICE("192.0.2.1"), 5061 }, 1,
					fixture, &lookup),
			 OK);
	net_wait(fixture->net, 1);
	assert_true(net_next(fixture->net, &event));
	assert_int_equal(event.kind, NET_FOUND);
	assert_true(event.err == ERR_AGAIN || event.err == OK); /* the resolver may have been as fast */
	assert_quiet(fixture);
	assert_quiet(fixture);
}

static void a_lookup_that_was_given_up_says_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct net_lookup *lookup;

	assert_int_equal(net_lookup_new(fixture->net, &(struct net_name){ SLICE("localhost"), 1 },
					soon(fixture) + 5000, NULL, &lookup),
			 OK);
	net_lookup_free(lookup);
	assert_quiet(fixture);
	assert_int_equal(
		net_lookup_new(fixture->net, &(struct net_name){ SLICE("a\0b"), 1 }, 1, NULL, &lookup),
		ERR_SYNTAX);
	assert_int_equal(net_lookup_new(fixture->net, &(struct net_name){ SLICE(""), 1 }, 1, NULL, &lookup),
			 ERR_SYNTAX);
}

/* The loop looks at the clock again before it waits, and its timers run before that too. */
static void does_not_wait_when_it_comes_due_on_the_way(void **state)
{
	struct fixture *fixture = *state;

	alarm(20); /* it would wait for ever */
	for (int looks = 1; looks < 6; looks++) {
		net_wait(fixture->net, 1); /* takes the time of day */
		ms_t due = net_now(fixture->net).mono + 5;
		looks_until_ahead = looks;
		net_wait(fixture->net, due);
		looks_until_ahead = 0;
		assert_true(net_now(fixture->net).mono >= due);
	}
	alarm(0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(does_not_wait_when_it_comes_due_on_the_way, set_up, tear_down),
	cmocka_unit_test_setup_teardown(tells_what_is_readable_until_it_is_read, set_up, tear_down),
	cmocka_unit_test_setup_teardown(tells_end_of_file_as_readable, set_up, tear_down),
	cmocka_unit_test_setup_teardown(waits_for_what_it_is_told_to, set_up, tear_down),
	cmocka_unit_test_setup_teardown(an_event_for_what_nobody_wants_any_more_is_dropped, set_up,
					tear_down),
	cmocka_unit_test_setup_teardown(an_event_of_a_freed_watch_never_comes, set_up, tear_down),
	cmocka_unit_test_setup_teardown(a_descriptor_may_be_closed_and_its_number_watched_again_at_once,
					set_up, tear_down),
	cmocka_unit_test_setup_teardown(a_deadline_comes_once_and_can_be_moved, set_up, tear_down),
	cmocka_unit_test_setup_teardown(returns_when_it_is_due, set_up, tear_down),
	cmocka_unit_test_setup_teardown(another_thread_can_wake_it, set_up, tear_down),
	cmocka_unit_test_setup_teardown(a_signal_is_an_event, set_up, tear_down),
	cmocka_unit_test_setup_teardown(refuses_more_than_its_maximum, set_up, tear_down),
	cmocka_unit_test_setup_teardown(a_descriptor_that_cannot_be_waited_on_is_an_error, set_up, tear_down),
	cmocka_unit_test_setup_teardown(finds_the_addresses_of_a_name, set_up, tear_down),
	cmocka_unit_test_setup_teardown(a_lookup_past_its_deadline_is_told_once, set_up, tear_down),
	cmocka_unit_test_setup_teardown(a_lookup_that_was_given_up_says_nothing, set_up, tear_down),
};

TEST_MAIN(tests)
