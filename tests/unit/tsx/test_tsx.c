#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/scan.h"
#include "tsx/tsx.h"

/* -- every cell of every table against the RFC's words (figures.txt) ------------------------------------- */

static const char *const machine_names[TSX_MACHINES] = {
	[TSX_INVITE_CLIENT] = "INVITE client",
	[TSX_CLIENT] = "client",
	[TSX_INVITE_SERVER] = "INVITE server",
	[TSX_SERVER] = "server",
};

static const char *const state_names[TSX_STATES] = {
	[TSX_NONE] = "none",           [TSX_CALLING] = "Calling",
	[TSX_TRYING] = "Trying",       [TSX_PROCEEDING] = "Proceeding",
	[TSX_ACCEPTED] = "Accepted",   [TSX_COMPLETED] = "Completed",
	[TSX_CONFIRMED] = "Confirmed", [TSX_TERMINATED] = "Terminated",
};

static const char *const event_names[TSX_EVENTS] = {
	[TSX_NO_EVENT] = "none",         [TSX_RECV_1XX] = "1xx",           [TSX_RECV_2XX] = "2xx",
	[TSX_RECV_FAILURE] = "300-699",  [TSX_CANCEL] = "cancel",          [TSX_RECV_REQUEST] = "request",
	[TSX_RECV_ACK] = "ACK",          [TSX_SEND_1XX] = "send 1xx",      [TSX_SEND_2XX] = "send 2xx",
	[TSX_SEND_FAILURE] = "send 3-6", [TSX_FLOW_LOST] = "flow lost",    [TSX_TIMER_100] = "timer 100",
	[TSX_TIMER_EXPIRY] = "expiry",   [TSX_TIMER_CANCEL] = "cancelled", [TSX_TIMER_A] = "timer A",
	[TSX_TIMER_B] = "timer B",       [TSX_TIMER_D] = "timer D",        [TSX_TIMER_E] = "timer E",
	[TSX_TIMER_F] = "timer F",       [TSX_TIMER_G] = "timer G",        [TSX_TIMER_H] = "timer H",
	[TSX_TIMER_I] = "timer I",       [TSX_TIMER_J] = "timer J",        [TSX_TIMER_K] = "timer K",
	[TSX_TIMER_L] = "timer L",       [TSX_TIMER_M] = "timer M",
};

static const struct {
	const char *name;
	unsigned bits;
} action_names[] = {
	{ "-", 0 },
	{ "resend", TSX_RESEND },
	{ "send", TSX_SEND },
	{ "send 100", TSX_SEND_100 },
	{ "send ACK", TSX_SEND_ACK },
	{ "send CANCEL", TSX_SEND_CANCEL },
	{ "pass up", TSX_PASS_UP },
	{ "pass up, send ACK", TSX_PASS_UP | TSX_SEND_ACK },
	{ "tell timeout", TSX_TELL_TIMEOUT },
	{ "tell lost", TSX_TELL_LOST },
};

#define MAX_FILE (1 << 20)

static char file_text[MAX_FILE];

/* The whole file; absent if it cannot be read. */
static struct slice read_file(const char *root, const char *path)
{
	char full[4096];
	FILE *file;
	size_t n;

	snprintf(full, sizeof full, "%s/%s", root, path);
	file = fopen(full, "rb");
	if (!file)
		return slice_from(NULL, 0);
	n = fread(file_text, 1, sizeof file_text, file);
	fclose(file);
	return slice_from(file_text, n);
}

static const char *project_root(void)
{
	const char *root = getenv("SEALINE_ROOT");

	return root ? root : ".";
}

static size_t index_of(const char *const names[], size_t n, struct slice name)
{
	for (size_t i = 0; i < n; i++)
		if (slice_eq(slice_of(names[i]), name))
			return i;
	fail_msg("figures.txt: what is \"%.*s\"?", SLICE_FMT(name));
	return 0;
}

static unsigned actions_of(struct slice name)
{
	for (size_t i = 0; i < sizeof action_names / sizeof action_names[0]; i++)
		if (slice_eq(slice_of(action_names[i].name), name))
			return action_names[i].bits;
	fail_msg("figures.txt: what is \"%.*s\"?", SLICE_FMT(name));
	return 0;
}

/* A transition, or (machine is TSX_MACHINES) a timer that takes no time over a reliable transport. */
struct row {
	size_t machine, state, event, next;
	unsigned actions;
	struct slice rfc, sentence;
};

static void take_cells(struct scan *in, struct slice cells[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert_true(scan_until(in, '|', &cells[i]) && scan_char(in, '|'));
		cells[i] = slice_trim(cells[i]);
	}
}

/* The next line that is neither empty nor a comment. */
static bool next_row(struct scan *in, struct row *ret_row)
{
	struct slice line, cell[6];

	do {
		if (!scan_line(in, &line))
			return false;
		line = slice_trim(line);
	} while (line.len == 0 || line.ptr[0] == '#');

	struct scan at = scan_of(line);
	take_cells(&at, cell, 1);
	if (slice_eq(cell[0], SLICE("reliable"))) {
		take_cells(&at, cell, 2);
		*ret_row = (struct row){
			.machine = TSX_MACHINES,
			.event = index_of(event_names, TSX_EVENTS, cell[0]),
			.rfc = cell[1],
			.sentence = slice_trim(scan_rest(&at)),
		};
		return true;
	}
	take_cells(&at, cell + 1, 5);
	*ret_row = (struct row){
		.machine = index_of(machine_names, TSX_MACHINES, cell[0]),
		.state = index_of(state_names, TSX_STATES, cell[1]),
		.event = index_of(event_names, TSX_EVENTS, cell[2]),
		.next = index_of(state_names, TSX_STATES, cell[3]),
		.actions = actions_of(cell[4]),
		.rfc = cell[5],
		.sentence = slice_trim(scan_rest(&at)),
	};
	return true;
}

struct figures {
	struct row cells[TSX_MACHINES][TSX_STATES][TSX_EVENTS];
	bool takes_no_time[TSX_EVENTS]; /* the timer, over a reliable transport */
};

static struct figures read_figures(void)
{
	struct slice text = read_file(project_root(), "tests/unit/tsx/figures.txt");
	struct figures figures = { 0 };
	struct scan in = scan_of(text);
	struct row row;

	assert_true(text.len > 0);
	while (next_row(&in, &row))
		if (row.machine == TSX_MACHINES)
			figures.takes_no_time[row.event] = true;
		else
			figures.cells[row.machine][row.state][row.event] = row;
	return figures;
}

/* Where the figures lead: over a reliable transport on through the states that a timer ends at once. */
static size_t follow(const struct figures *figures, bool reliable, const struct tsx *from, size_t event,
		     unsigned *ret_actions)
{
	const struct row *cell = &figures->cells[from->machine][from->state][event];
	size_t state = cell->next ? cell->next : from->state;

	*ret_actions = cell->actions;
	for (size_t timer = TSX_TIMER_100; reliable && state != from->state && timer < TSX_EVENTS; timer++) {
		cell = &figures->cells[from->machine][state][timer];
		if (!figures->takes_no_time[timer] || !cell->next)
			continue;
		*ret_actions |= cell->actions;
		return cell->next;
	}
	return state;
}

static void check_cell(const struct figures *figures, bool reliable, const struct tsx *from, size_t event)
{
	struct tsx tsx = *from;
	unsigned expected, actions = tsx_step(&tsx, (enum tsx_event)event, 1000);
	size_t next = follow(figures, reliable, from, event, &expected);

	if (tsx.state != next || actions != expected)
		fail_msg("%s in %s on %s over %s: goes to %s with actions %x", machine_names[from->machine],
			 state_names[from->state], event_names[event],
			 reliable ? "a reliable transport" : "UDP", state_names[tsx.state], actions);
}

static void does_what_the_figures_say_and_nothing_else(void **state)
{
	struct figures figures = read_figures();

	for (size_t cell = 0; cell < 2 * TSX_MACHINES * TSX_STATES * TSX_EVENTS; cell++) {
		struct tsx from = {
			.reliable = cell % 2,
			.machine = (enum tsx_machine)(cell / 2 % TSX_MACHINES),
			.state = (enum tsx_state)(cell / 2 / TSX_MACHINES % TSX_STATES),
			.interval = T1,
		};
		size_t event = cell / 2 / TSX_MACHINES / TSX_STATES;

		if (from.state != TSX_NONE && event != TSX_NO_EVENT)
			check_cell(&figures, from.reliable, &from, event);
	}
}

/* Without white space and the page breaks that cut sentences in two. */
static size_t squeeze(struct slice text, char *buf)
{
	struct scan in = scan_of(text);
	struct slice line;
	size_t n = 0;

	while (!scan_done(&in)) {
		if (!scan_line(&in, &line)) {
			line = scan_rest(&in);
			in.at = in.end;
		}
		if (slice_starts(line, SLICE("RFC ")) || slice_find_text(line, SLICE("[Page ")) < line.len)
			continue;
		for (size_t i = 0; i < line.len; i++)
			if (!ascii_is_space(line.ptr[i]) && line.ptr[i] != '\f')
				buf[n++] = line.ptr[i];
	}
	return n;
}

static void the_figures_quote_the_rfcs_word_for_word(void **state)
{
	static const char *const rfcs[] = { "3261", "4320", "6026" };
	static char figures[MAX_FILE], rfc[MAX_FILE];
	const char *shared = getenv("SEALINE_SHARED");
	char path[64], root[4096];
	struct row row;

	struct slice text = read_file(project_root(), "tests/unit/tsx/figures.txt");
	size_t n_figures = text.len;
	assert_non_null(text.ptr);
	memcpy(figures, text.ptr, text.len);
	snprintf(root, sizeof root, "%s%s", shared ? shared : project_root(), shared ? "" : "/../shared");

	for (size_t i = 0; i < sizeof rfcs / sizeof rfcs[0]; i++) {
		struct scan in = scan_of(slice_from(figures, n_figures));

		snprintf(path, sizeof path, "rfc/rfc%s.txt", rfcs[i]);
		text = read_file(root, path);
		if (text.len == 0) {
			test_skip("the_figures_quote_the_rfcs_word_for_word",
				  "the texts of the RFCs are not there");
			return;
		}
		size_t n_rfc = squeeze(text, rfc);
		while (next_row(&in, &row)) {
			char quote[2048];
			size_t n_quote;

			if (!slice_eq(row.rfc, slice_of(rfcs[i])))
				continue;
			n_quote = squeeze(row.sentence, quote);
			if (slice_find_text(slice_from(rfc, n_rfc), slice_from(quote, n_quote)) == n_rfc)
				fail_msg("RFC %s does not say: %.*s", rfcs[i], SLICE_FMT(row.sentence));
		}
	}
}

/* -- timers ---------------------------------------------------------------------------------------------- */

/* Lets the timers fire until the end; writes when they did, relative to start, at most max. */
static size_t run_timers(struct tsx *tsx, ms_t start, ms_t when[], size_t max)
{
	size_t n = 0;

	while (tsx_due(tsx)) {
		ms_t due = tsx_due(tsx);

		assert_int_equal(tsx_timer_due(tsx, due - 1), TSX_NO_EVENT);
		tsx_step(tsx, tsx_timer_due(tsx, due), due);
		assert_true(n < max);
		when[n++] = due - start;
	}
	return n;
}

static const struct {
	const char *label;
	enum tsx_machine machine;
	bool reliable;
	enum tsx_event events[3]; /* at 100 ms, 200 ms, 300 ms after the start */
	enum tsx_state ends;
	ms_t fires[16]; /* when, after the start; 0 ends the list */
} timer_cases[] = {
	/* RFC3261:17.1.1.2 */
	{ "INVITE over UDP, nobody answers",
	  TSX_INVITE_CLIENT,
	  false,
	  { 0 },
	  TSX_TERMINATED,
	  { 500, 1500, 3500, 7500, 15500, 31500, 32000 } },
	{ "INVITE over TLS, nobody answers", TSX_INVITE_CLIENT, true, { 0 }, TSX_TERMINATED, { 32000 } },
	{ "INVITE rings for ever", TSX_INVITE_CLIENT, false, { TSX_RECV_1XX }, TSX_PROCEEDING, { 0 } },
	{ "INVITE accepted", TSX_INVITE_CLIENT, true, { TSX_RECV_2XX }, TSX_TERMINATED, { 32100 } },
	{ "INVITE accepted over UDP", TSX_INVITE_CLIENT, false, { TSX_RECV_2XX }, TSX_TERMINATED, { 32100 } },
	{ "INVITE rings, then accepted",
	  TSX_INVITE_CLIENT,
	  false,
	  { TSX_RECV_1XX, TSX_RECV_2XX },
	  TSX_TERMINATED,
	  { 32200 } },
	{ "INVITE rings, then refused over UDP",
	  TSX_INVITE_CLIENT,
	  false,
	  { TSX_RECV_1XX, TSX_RECV_FAILURE },
	  TSX_TERMINATED,
	  { 32200 } },
	{ "INVITE cancelled over UDP, no final response",
	  TSX_INVITE_CLIENT,
	  false,
	  { TSX_RECV_1XX, TSX_CANCEL },
	  TSX_TERMINATED,
	  { 32200 } },
	{ "INVITE refused over UDP",
	  TSX_INVITE_CLIENT,
	  false,
	  { TSX_RECV_FAILURE },
	  TSX_TERMINATED,
	  { 32100 } },
	{ "INVITE refused over TLS", TSX_INVITE_CLIENT, true, { TSX_RECV_FAILURE }, TSX_TERMINATED, { 0 } },
	{ "INVITE cancelled, no final response",
	  TSX_INVITE_CLIENT,
	  true,
	  { TSX_RECV_1XX, TSX_CANCEL },
	  TSX_TERMINATED,
	  { 32200 } },
	/* RFC3261:17.1.2.2 */
	{ "BYE over UDP, nobody answers",
	  TSX_CLIENT,
	  false,
	  { 0 },
	  TSX_TERMINATED,
	  { 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500, 32000 } },
	{ "BYE over UDP, only 100",
	  TSX_CLIENT,
	  false,
	  { TSX_RECV_1XX },
	  TSX_TERMINATED,
	  { 500, 4500, 8500, 12500, 16500, 20500, 24500, 28500, 32000 } },
	{ "BYE over TLS, nobody answers", TSX_CLIENT, true, { 0 }, TSX_TERMINATED, { 32000 } },
	{ "BYE over TLS, only 100", TSX_CLIENT, true, { TSX_RECV_1XX }, TSX_TERMINATED, { 32000 } },
	{ "BYE answered over UDP", TSX_CLIENT, false, { TSX_RECV_2XX }, TSX_TERMINATED, { 5100 } },
	{ "BYE refused over UDP", TSX_CLIENT, false, { TSX_RECV_FAILURE }, TSX_TERMINATED, { 5100 } },
	{ "BYE answered over UDP after a 100",
	  TSX_CLIENT,
	  false,
	  { TSX_RECV_1XX, TSX_RECV_2XX },
	  TSX_TERMINATED,
	  { 5200 } },
	{ "BYE refused over UDP after a 100",
	  TSX_CLIENT,
	  false,
	  { TSX_RECV_1XX, TSX_RECV_FAILURE },
	  TSX_TERMINATED,
	  { 5200 } },
	{ "BYE refused over TLS", TSX_CLIENT, true, { TSX_RECV_FAILURE }, TSX_TERMINATED, { 0 } },
	{ "BYE answered over TLS", TSX_CLIENT, true, { TSX_RECV_2XX }, TSX_TERMINATED, { 0 } },
	/* RFC3261:17.2.1 */
	{ "INVITE not answered at all", TSX_INVITE_SERVER, true, { 0 }, TSX_PROCEEDING, { 200 } },
	{ "INVITE answered with 180", TSX_INVITE_SERVER, true, { TSX_SEND_1XX }, TSX_PROCEEDING, { 0 } },
	{ "INVITE refused over UDP, no ACK",
	  TSX_INVITE_SERVER,
	  false,
	  { TSX_SEND_FAILURE },
	  TSX_TERMINATED,
	  { 600, 1600, 3600, 7600, 11600, 15600, 19600, 23600, 27600, 31600, 32100 } },
	{ "INVITE refused over TLS, no ACK",
	  TSX_INVITE_SERVER,
	  true,
	  { TSX_SEND_FAILURE },
	  TSX_TERMINATED,
	  { 32100 } },
	{ "INVITE refused over UDP, ACK",
	  TSX_INVITE_SERVER,
	  false,
	  { TSX_SEND_FAILURE, TSX_RECV_ACK },
	  TSX_TERMINATED,
	  { 5200 } },
	{ "INVITE refused over TLS, ACK",
	  TSX_INVITE_SERVER,
	  true,
	  { TSX_SEND_FAILURE, TSX_RECV_ACK },
	  TSX_TERMINATED,
	  { 0 } },
	{ "INVITE answered with 200",
	  TSX_INVITE_SERVER,
	  true,
	  { TSX_SEND_2XX, TSX_RECV_ACK },
	  TSX_TERMINATED,
	  { 32100 } },
	{ "INVITE answered with 200 over UDP",
	  TSX_INVITE_SERVER,
	  false,
	  { TSX_SEND_2XX },
	  TSX_TERMINATED,
	  { 32100 } },
	/* RFC3261:17.2.2, RFC4320:4.1 */
	{ "BYE not answered at all over UDP", TSX_SERVER, false, { 0 }, TSX_TERMINATED, { 3500, 32000 } },
	{ "BYE refused over UDP", TSX_SERVER, false, { TSX_SEND_FAILURE }, TSX_TERMINATED, { 32100 } },
	{ "BYE refused over TLS", TSX_SERVER, true, { TSX_SEND_FAILURE }, TSX_TERMINATED, { 0 } },
	{ "BYE answered with 100, then 200, over UDP",
	  TSX_SERVER,
	  false,
	  { TSX_SEND_1XX, TSX_SEND_2XX },
	  TSX_TERMINATED,
	  { 32200 } },
	{ "BYE answered with 100, then refused, over UDP",
	  TSX_SERVER,
	  false,
	  { TSX_SEND_1XX, TSX_SEND_FAILURE },
	  TSX_TERMINATED,
	  { 32200 } },
	{ "BYE not answered at all", TSX_SERVER, true, { 0 }, TSX_TERMINATED, { 3500, 32000 } },
	{ "BYE answered with 200 over UDP", TSX_SERVER, false, { TSX_SEND_2XX }, TSX_TERMINATED, { 32100 } },
	{ "BYE answered with 100, then 200, over TLS",
	  TSX_SERVER,
	  true,
	  { TSX_SEND_1XX, TSX_SEND_2XX },
	  TSX_TERMINATED,
	  { 0 } },
};

static void keeps_the_times_of_table_4(void **state)
{
	for (size_t i = 0; i < sizeof timer_cases / sizeof timer_cases[0]; i++) {
		struct tsx tsx;
		ms_t when[16] = { 0 };

		tsx_init(&tsx, timer_cases[i].machine, timer_cases[i].reliable, 5000);
		for (ms_t j = 0; j < 3 && timer_cases[i].events[j]; j++)
			tsx_step(&tsx, timer_cases[i].events[j], 5100 + j * 100);
		run_timers(&tsx, 5000, when, 16);
		if (memcmp(when, timer_cases[i].fires, sizeof when) != 0 || tsx.state != timer_cases[i].ends)
			fail_msg("%s: ends in %s, first timer at %lu", timer_cases[i].label,
				 state_names[tsx.state], when[0]);
	}
}

static void sends_100_only_when_the_transaction_user_is_slow(void **state)
{
	struct tsx tsx;

	tsx_init(&tsx, TSX_INVITE_SERVER, true, 1000);
	assert_int_equal(tsx_timer_due(&tsx, 1200), TSX_TIMER_100);
	assert_int_equal(tsx_step(&tsx, TSX_TIMER_100, 1200), TSX_SEND_100);
	assert_int_equal(tsx_due(&tsx), 0);
}

static void takes_overdue_timers_in_their_order(void **state)
{
	struct tsx tsx;

	tsx_init(&tsx, TSX_INVITE_CLIENT, false, 1000);
	assert_int_equal(tsx_timer_due(&tsx, 90000), TSX_TIMER_A);
	tsx_step(&tsx, TSX_TIMER_A, 90000);
	assert_int_equal(tsx_timer_due(&tsx, 90000), TSX_TIMER_B);
}

static void tells_responses_by_their_class(void **state)
{
	assert_int_equal(tsx_recv_event(199), TSX_RECV_1XX);
	assert_int_equal(tsx_recv_event(200), TSX_RECV_2XX);
	assert_int_equal(tsx_recv_event(299), TSX_RECV_2XX);
	assert_int_equal(tsx_recv_event(300), TSX_RECV_FAILURE);
	assert_int_equal(tsx_send_event(100), TSX_SEND_1XX);
	assert_int_equal(tsx_send_event(199), TSX_SEND_1XX);
	assert_int_equal(tsx_send_event(200), TSX_SEND_2XX);
	assert_int_equal(tsx_send_event(299), TSX_SEND_2XX);
	assert_int_equal(tsx_send_event(300), TSX_SEND_FAILURE);
	assert_int_equal(tsx_send_event(699), TSX_SEND_FAILURE);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(does_what_the_figures_say_and_nothing_else),
	cmocka_unit_test(the_figures_quote_the_rfcs_word_for_word),
	cmocka_unit_test(keeps_the_times_of_table_4),
	cmocka_unit_test(sends_100_only_when_the_transaction_user_is_slow),
	cmocka_unit_test(takes_overdue_timers_in_their_order),
	cmocka_unit_test(tells_responses_by_their_class),
};

TEST_MAIN(tests)
