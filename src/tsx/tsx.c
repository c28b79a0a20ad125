#include "tsx/tsx.h"

#include <stddef.h>

#include "tsx/table.h"

#define NEVER UINT64_MAX

enum { N_RUNNING = sizeof((struct tsx *)NULL)->timers };

static const struct {
	const struct tsx_rule (*table)[TSX_EVENTS]; /* by state */
	enum tsx_state first;
	unsigned starts;
} machines[TSX_MACHINES] = {
	[TSX_INVITE_CLIENT] = { tsx_invite_client_table, TSX_CALLING, TIMER(A) | TIMER(B) },
	[TSX_CLIENT] = { tsx_client_table, TSX_TRYING, TIMER(E) | TIMER(F) },
	[TSX_INVITE_SERVER] = { tsx_invite_server_table, TSX_PROCEEDING, TIMER(100) },
	[TSX_SERVER] = { tsx_server_table, TSX_TRYING, TIMER(100) | TIMER(EXPIRY) },
};

/* clang-format off */
/* RFC 3261 table 4 with the lines that RFC 6026 §8.11 adds; for A, E and G the first value. */
static const struct {
	ms_t unreliable, reliable;
} values[TSX_EVENTS] = {
	[TSX_TIMER_EXPIRY] = { 64 * T1, 64 * T1 },
	[TSX_TIMER_CANCEL] = { 64 * T1, 64 * T1 },
	[TSX_TIMER_A]      = { T1,      NEVER   },
	[TSX_TIMER_B]      = { 64 * T1, 64 * T1 },
	[TSX_TIMER_D]      = { 32000,   0       },
	[TSX_TIMER_E]      = { T1,      NEVER   },
	[TSX_TIMER_F]      = { 64 * T1, 64 * T1 },
	[TSX_TIMER_G]      = { T1,      NEVER   },
	[TSX_TIMER_H]      = { 64 * T1, 64 * T1 },
	[TSX_TIMER_I]      = { T4,      0       },
	[TSX_TIMER_J]      = { 64 * T1, 0       },
	[TSX_TIMER_K]      = { T4,      0       },
	[TSX_TIMER_L]      = { 64 * T1, 64 * T1 },
	[TSX_TIMER_M]      = { 64 * T1, 64 * T1 },
};
/* clang-format on */

static const struct tsx_rule *rule_for(const struct tsx *tsx, enum tsx_event event)
{
	return &machines[tsx->machine].table[tsx->state][event];
}

static ms_t smaller(ms_t a, ms_t b)
{
	return a < b ? a : b;
}

/* How long the timer runs; fired: the event that starts it, so a retransmission timer that starts itself has
 * fired. */
static ms_t duration(const struct tsx *tsx, enum tsx_event timer, enum tsx_event fired)
{
	/* §17.2.1: unless a response comes within 200 ms. RFC 4320 §4.1: when timer E is reset to T2 = T1 +
	 * 2*T1 + 4*T1. */
	if (timer == TSX_TIMER_100)
		return tsx->machine == TSX_INVITE_SERVER ? 200 : 7 * T1;
	if (timer != fired)
		return tsx->reliable ? values[timer].reliable : values[timer].unreliable;
	if (timer == TSX_TIMER_A)
		return 2 * tsx->interval; /* "intervals that double after each transmission" */
	if (timer == TSX_TIMER_E && tsx->state == TSX_PROCEEDING)
		return T2; /* "Timer E MUST be reset with a value of T2 seconds" */
	return smaller(2 * tsx->interval, T2);
}

static void stop(struct tsx *tsx, enum tsx_event timer)
{
	for (size_t i = 0; i < N_RUNNING; i++)
		if (tsx->timers[i] == timer)
			tsx->timers[i] = TSX_NO_EVENT;
}

static void run(struct tsx *tsx, enum tsx_event timer, ms_t due)
{
	size_t i = 0;

	while (tsx->timers[i] != TSX_NO_EVENT)
		i++;
	tsx->timers[i] = (uint8_t)timer;
	tsx->due[i] = due;
}

/* The first of some TIMER() bits. */
static enum tsx_event first_of(unsigned timers)
{
	return (enum tsx_event)__builtin_ctz(timers);
}

/* Returns the one of them that fires at once, if there is one. */
static enum tsx_event start(struct tsx *tsx, unsigned timers, enum tsx_event fired, ms_t now)
{
	for (; timers; timers &= timers - 1) {
		enum tsx_event timer = first_of(timers);
		ms_t length = duration(tsx, timer, fired);

		if (length == 0)
			return timer;
		if (length == NEVER)
			continue;
		if (timer == TSX_TIMER_A || timer == TSX_TIMER_E || timer == TSX_TIMER_G)
			tsx->interval = (uint16_t)length;
		stop(tsx, timer);
		run(tsx, timer, now + length);
	}
	return TSX_NO_EVENT;
}

static void enter(struct tsx *tsx, enum tsx_state state)
{
	if (tsx->state == state)
		return;
	tsx->state = state; /* the only line that writes the state */
	for (size_t i = 0; i < N_RUNNING; i++)
		if (rule_for(tsx, tsx->timers[i])->next == TSX_NONE)
			tsx->timers[i] = TSX_NO_EVENT;
}

void tsx_init(struct tsx *tsx, enum tsx_machine machine, bool reliable, ms_t now)
{
	*tsx = (struct tsx){ .machine = machine, .reliable = reliable };
	enter(tsx, machines[machine].first);
	start(tsx, machines[machine].starts, TSX_NO_EVENT, now);
}

unsigned tsx_step(struct tsx *tsx, enum tsx_event event, ms_t now)
{
	unsigned actions = 0;

	while (event != TSX_NO_EVENT) {
		const struct tsx_rule *rule = rule_for(tsx, event);

		stop(tsx, event); /* a timer has fired */
		if (rule->next == TSX_NONE)
			break;
		enter(tsx, rule->next);
		for (unsigned stops = rule->stops; stops; stops &= stops - 1)
			stop(tsx, first_of(stops));
		actions |= rule->actions;
		event = start(tsx, rule->starts, event, now);
	}
	return actions;
}

/* The place of the running timer that is due first; N_RUNNING if none runs. */
static size_t earliest(const struct tsx *tsx)
{
	size_t found = N_RUNNING;

	for (size_t i = 0; i < N_RUNNING; i++)
		if (tsx->timers[i] != TSX_NO_EVENT && (found == N_RUNNING || tsx->due[i] < tsx->due[found]))
			found = i;
	return found;
}

ms_t tsx_due(const struct tsx *tsx)
{
	size_t i = earliest(tsx);

	return i < N_RUNNING ? tsx->due[i] : 0;
}

enum tsx_event tsx_timer_due(const struct tsx *tsx, ms_t now)
{
	size_t i = earliest(tsx);

	return i < N_RUNNING && tsx->due[i] <= now ? tsx->timers[i] : TSX_NO_EVENT;
}

enum tsx_event tsx_recv_event(unsigned status)
{
	return status < 200 ? TSX_RECV_1XX : status < 300 ? TSX_RECV_2XX : TSX_RECV_FAILURE;
}

enum tsx_event tsx_send_event(unsigned status)
{
	return status < 200 ? TSX_SEND_1XX : status < 300 ? TSX_SEND_2XX : TSX_SEND_FAILURE;
}
