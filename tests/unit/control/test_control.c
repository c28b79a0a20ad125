#include "harness.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "control/control.h"
#include "net/socket.h"

enum { SECONDS = 5 };

/* A server in a thread of its own that echoes "echo", is silent on "silence", and refuses the rest. */
struct server {
	pthread_t thread;
	struct net *net;
	struct control *control;
	_Atomic bool stop;
	char path[100];
};

static void answer(struct control_call *call)
{
	if (slice_eq(call->name, SLICE("echo"))) {
		json_t *text = json_object_get(call->request, "text");

		control_reply(call, json_pack("{s:b, s:O}", "ok", 1, "text", text));
	} else if (!slice_eq(call->name, SLICE("silence"))) {
		control_refuse(call, "unknown", "there is no such request");
	}
}

static void *serve(void *arg)
{
	struct server *server = arg;
	struct control_call *call;
	struct net_event event;

	while (!atomic_load(&server->stop)) {
		net_wait(server->net, 0);
		while (net_next(server->net, &event))
			if (event.kind == NET_READY)
				control_event(server->control, &event, net_now(server->net));
		while ((call = control_next(server->control)))
			answer(call);
	}
	return NULL;
}

static void start(struct server *server, const char *name)
{
	*server = (struct server){ .net = net_new(100) };
	assert_non_null(server->net);
	harness_template(server->path, sizeof server->path, name);
	unlink(server->path); /* of a run that ended with an allocation that failed */
	if (control_new(server->net, slice_of(server->path), &server->control) != OK) {
		net_free(server->net);
		fail_msg("the server does not start");
	}
	assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void stop(struct server *server)
{
	atomic_store(&server->stop, true);
	net_wake(server->net);
	pthread_join(server->thread, NULL);
	control_free(server->control);
	net_free(server->net);
}

static void carries_requests_of_any_size(void **state)
{
	static const size_t sizes[] = { 0, 1, 65000, 65536, 1000000 };
	struct server server;

	start(&server, "sizes");
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		char *text = mem_zalloc(1, sizes[i] + 1);
		json_t *reply = NULL;
		enum err err = ERR_NOMEM;

		if (text) {
			memset(text, 'x', sizes[i]);
			json_t *request = json_pack("{s:s, s:s}", "request", "echo", "text", text);
			err = control_ask(slice_of(server.path), request, SECONDS * 1000, &reply);
			json_decref(request);
		}
		bool same = err == OK && json_is_true(json_object_get(reply, "ok")) &&
			    json_string_length(json_object_get(reply, "text")) == sizes[i];
		json_decref(reply);
		mem_free(text);
		if (!same)
			stop(&server);
		assert_int_equal(err, OK);
		assert_true(same);
	}
	stop(&server);
}

static const struct {
	const char *label, *line, *error;
} bad_lines[] = {
	{ "no JSON", "hello\n", "\"syntax\"" },
	{ "an empty line", "\n", "\"syntax\"" },
	{ "no object", "[1]\n", "\"syntax\"" },
	{ "no name", "{\"aor\":\"a@b\"}\n", "\"syntax\"" },
	{ "a name that is no text", "{\"request\":7}\n", "\"syntax\"" },
	{ "a name twice", "{\"request\":\"echo\",\"request\":\"echo\"}\n", "\"syntax\"" },
	{ "an unknown name", "{\"request\":\"dance\"}\n", "\"unknown\"" },
	{ "two requests at once", "{\"request\":\"dance\"}\n{\"request\":\"dance\"}\n", "\"unknown\"" },
};

/* Sends the line and reads what comes until the other side closes or enough lines are there. */
static size_t exchange(const char *path, const char *line, char *buf, size_t size)
{
	size_t n = 0, lines = 0, wanted = 0;
	int fd;

	for (const char *at = line; *at; at++)
		wanted += *at == '\n';
	if (socket_connect_unix(slice_of(path), &fd) != OK)
		return 0;
	ssize_t written = write(fd, line, strlen(line));
	while (written > 0 && n < size && lines < wanted) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

		if (poll(&poll_fd, 1, SECONDS * 1000) <= 0)
			break;
		ssize_t got = read(fd, buf + n, size - n);
		if (got <= 0)
			break;
		for (ssize_t i = 0; i < got; i++)
			lines += buf[n + (size_t)i] == '\n';
		n += (size_t)got;
	}
	socket_close(fd);
	return n;
}

static void explains_what_is_malformed(void **state)
{
	struct server server;
	char buf[1000];

	start(&server, "bad");
	for (size_t i = 0; i < sizeof bad_lines / sizeof *bad_lines; i++) {
		size_t n = exchange(server.path, bad_lines[i].line, buf, sizeof buf);
		struct slice reply = slice_from(buf, n);
		bool refused = slice_starts(reply, SLICE("{\"ok\":false")) &&
			       slice_find_text(reply, slice_of(bad_lines[i].error)) < n;

		if (!refused)
			stop(&server);
		print_message("# %s: %.*s\n", bad_lines[i].label, SLICE_FMT(slice_trim(reply)));
		assert_true(refused);
	}
	stop(&server);
}

static void answers_who_has_closed_his_end_already(void **state)
{
	struct server server;
	char buf[100];
	int fd = -1;

	start(&server, "half");
	enum err err = socket_connect_unix(slice_of(server.path), &fd);
	ssize_t n = -1;
	if (err == OK && write(fd, "{\"request\":\"dance\"}\n", 20) == 20 && shutdown(fd, SHUT_WR) == 0) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

		poll(&poll_fd, 1, SECONDS * 1000);
		n = read(fd, buf, sizeof buf);
	}
	socket_close(fd);
	stop(&server);
	assert_int_equal(err, OK);
	assert_true(n > 0);
}

static void gives_up_on_a_server_that_is_silent_or_not_there(void **state)
{
	json_t *request = json_pack("{s:s}", "request", "silence"), *reply = NULL;
	struct server server;

	start(&server, "silent");
	enum err silent = control_ask(slice_of(server.path), request, 50, &reply);
	stop(&server);
	enum err absent = control_ask(slice_of(server.path), request, 50, &reply);
	json_decref(request);
	assert_int_equal(silent, ERR_AGAIN);
	assert_int_equal(absent, ERR_NOT_FOUND);
}

static void lets_only_its_owner_in(void **state)
{
	struct server server;
	struct stat found;

	start(&server, "mode");
	int failed = stat(server.path, &found);
	stop(&server);
	assert_int_equal(failed, 0);
	assert_int_equal(found.st_mode & 0777, 0600);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(carries_requests_of_any_size),
	cmocka_unit_test(explains_what_is_malformed),
	cmocka_unit_test(answers_who_has_closed_his_end_already),
	cmocka_unit_test(gives_up_on_a_server_that_is_silent_or_not_there),
	cmocka_unit_test(lets_only_its_owner_in),
};
TEST_MAIN(tests)
