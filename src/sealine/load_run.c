#include "sealine/load_run.h"

#include <signal.h>
#include <sys/resource.h>
#include <time.h>

#include "sealine/output.h"

enum {
	OPENING_MAX = 64, /* connections begun at once, so that the server's queue holds them */
	STORM_STEP =
		32,    /* connections begun in one turn: none waits for this program to say its first word */
	LOOK_MS = 100, /* between looks at who takes too long */
	PROGRESS_MS = 1000,  /* between lines for the terminal */
	SETTLE_MS = 60000,   /* how long users may take to get ready … */
	SETTLE_EACH_MS = 10, /* … and each of them besides */
	CLEAN_MS = 10000,    /* the same, for taking bindings back */
	CLEAN_EACH_MS = 1,
};

uint64_t load_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static double own_cpu(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void look_at_server(const struct load *load, struct load_process *ret_process)
{
	*ret_process = (struct load_process){ .n = 0 };
	if (load->options->server)
		(void)load_process_look(load->options->server, ret_process);
}

static void enter_phase(struct load *load, enum load_phase phase, struct now now)
{
	load->phase = phase;
	load->phase_began = now.mono;
}

/* ---- settling ---- */

/* How many connections there may be by now. */
static size_t may_be_opened(const struct load *load, struct now now)
{
	ms_t ramp = load->options->ramp, passed = now.mono - load->phase_began;

	if (!ramp || passed >= ramp)
		return load->accounts.n;
	return (size_t)(load->accounts.n * passed / ramp);
}

static void open_more(struct load *load, struct now now)
{
	size_t n = may_be_opened(load, now);

	/* who tries again is not counted: they could be so many for ever */
	while (load->n_opened < n && load->n_opened - load->n_tried < OPENING_MAX)
		load_phone_open(&load->phones[load->n_opened++], now);
}

static size_t n_usable(const struct load *load)
{
	size_t n = 0;

	for (size_t i = 0; i < load->accounts.n; i++)
		n += load->phones[i].state == LOAD_READY || load->phones[i].state == LOAD_ANSWERING;
	return n;
}

static ms_t settle_limit(const struct load *load)
{
	ms_t usual = SETTLE_MS + (ms_t)load->accounts.n * SETTLE_EACH_MS;

	return load->options->ramp + (load->options->settle ? load->options->settle : usual);
}

static void start(struct load *load, struct now now)
{
	look_at_server(load, &load->at_start);
	load->own_at_start = own_cpu();
	load->started = load_clock();
	enter_phase(load, LOAD_RUNNING, now);
}

static void complain_of_time(const struct load *load)
{
	const char *failure = load->tally.first_failure;

	(void)complain("load: only %zu of %zu users were ready after %llu s, nothing was measured; %s",
		       n_usable(load), load->accounts.n, (unsigned long long)settle_limit(load) / 1000,
		       *failure ? failure : "take fewer, or give them more time with --settle");
}

/* Begins to measure when all users have tried; or ends, as nothing can be measured. */
static void look_who_settled(struct load *load, struct now now)
{
	bool is_late = now.mono - load->phase_began >= settle_limit(load);
	bool is_ready = load->n_tried == load->accounts.n;

	if (!load->is_interrupted && is_ready && n_usable(load) > 0) {
		start(load, now);
		return;
	}
	if (!load->is_interrupted && !is_ready && !is_late)
		return;
	load_end_progress();
	if (load->is_interrupted)
		(void)complain("load: interrupted before anything was measured");
	else if (is_ready)
		(void)complain("load: no user could %s; %s",
			       load->options->mode->registers ? "register" : "connect",
			       load->tally.first_failure);
	else
		complain_of_time(load);
	enter_phase(load, LOAD_CLEANING, now);
}

/* ---- running ---- */

static void begin_one(struct load *load, struct now now)
{
	struct link *link = list_first(&load->ready);

	if (!link) {
		load->tally.missed++;
		return;
	}
	load->n_begun++;
	load_phone_begin(CONTAINER_OF(link, struct load_phone, link), now);
}

/* How many operations should have begun by now: the first at once, and none when the time for it is over. */
static uint64_t due(const struct load *load)
{
	uint64_t passed = load_clock() - load->started, end = (uint64_t)load->options->duration * 1000;
	uint64_t by_rate = 1 + load->options->rate * (passed < end ? passed : end - 1) / 1000000;

	return by_rate < load->options->count ? by_rate : load->options->count;
}

static void begin_more(struct load *load, struct now now)
{
	size_t n = load->options->mode->at_once ? STORM_STEP : load->n_phones;

	if (load->options->rate) {
		while (load->n_begun + load->tally.missed < due(load))
			begin_one(load, now);
		return;
	}
	while (n-- > 0 && load->n_begun < load->options->count && list_first(&load->ready))
		begin_one(load, now);
}

/* All users, each once. */
static uint64_t in_storm(const struct load *load)
{
	return load->n_phones < load->options->count ? load->n_phones : load->options->count;
}

/* Whether nothing new is to be begun. */
static bool is_enough(const struct load *load, struct now now)
{
	if (load->is_interrupted || now.mono - load->phase_began >= load->options->duration)
		return true;
	if (load->options->mode->at_once)
		return load->tally.done == in_storm(load);
	return load->n_begun + load->tally.missed >= load->options->count;
}

static void finish(struct load *load, struct now now)
{
	load->ended = load_clock();
	load->own_at_end = own_cpu();
	look_at_server(load, &load->at_end);
	for (size_t i = 0; i < load->accounts.n; i++)
		load->n_held += load->phones[i].wire.state == LOAD_WIRE_OPEN;
	if (load->options->mode->at_once)
		for (uint64_t i = load->tally.done; i < in_storm(load); i++)
			load_tally_failure(&load->tally, LOAD_TIMEOUT, SLICE("back in time"));
	enter_phase(load, LOAD_CLEANING, now);
}

/* ---- cleaning up: nothing of it is measured ---- */

static void end(struct load *load, struct now now)
{
	for (size_t i = 0; i < load->accounts.n; i++)
		load->n_left += load->phones[i].is_registered;
	enter_phase(load, LOAD_OVER, now);
	load_end_progress();
	if (load->n_left > 0 && !load->options->keep_bindings)
		(void)complain(
			"load: %zu of %zu users could not take their bindings back; these end by themselves within %d s",
			load->n_left, load->accounts.n, LOAD_EXPIRES);
}

static void clean_up(struct load *load, struct now now)
{
	bool is_late = now.mono - load->phase_began >= CLEAN_MS + (ms_t)load->accounts.n * CLEAN_EACH_MS;

	if (load->options->keep_bindings || load->is_hurried || is_late) {
		end(load, now);
		return;
	}
	while (load->n_asked < load->accounts.n && load->n_leaving < OPENING_MAX)
		load_phone_leave(&load->phones[load->n_asked++], now);
	if (load->n_asked == load->accounts.n && load->n_leaving == 0)
		end(load, now);
}

/* ---- the loop ---- */

static void look_at_phones(struct load *load, struct now now)
{
	load->next_look = now.mono + LOOK_MS;
	for (size_t i = 0; i < load->accounts.n; i++)
		load_phone_look(&load->phones[i], now);
	if (now.mono >= load->next_line) {
		load->next_line = now.mono + PROGRESS_MS;
		load_print_progress(load);
	}
}

static void turn(struct load *load, struct now now)
{
	if (now.mono >= load->next_look)
		look_at_phones(load, now);
	switch (load->phase) {
	case LOAD_SETTLING:
		open_more(load, now);
		look_who_settled(load, now);
		return;
	case LOAD_RUNNING:
		begin_more(load, now);
		if (is_enough(load, now))
			enter_phase(load, LOAD_DRAINING, now);
		return;
	case LOAD_DRAINING:
		if (load->n_busy == 0 || load->is_hurried)
			finish(load, now);
		return;
	case LOAD_CLEANING: clean_up(load, now); return;
	case LOAD_OVER: return;
	}
}

static ms_t next_turn(const struct load *load)
{
	ms_t now = net_now(load->net).mono;

	if (load->phase == LOAD_SETTLING && load->options->ramp)
		return now + 1;
	if ((load->phase == LOAD_DRAINING && load->n_busy == 0) ||
	    (load->phase == LOAD_CLEANING && load->n_leaving == 0))
		return now; /* nothing will come that the end has to wait for */
	bool begins_more = load->options->rate || list_first(&load->ready);

	return load->phase == LOAD_RUNNING && begins_more ? now + 1 : load->next_look;
}

static void take_event(struct load *load, const struct net_event *event, struct now now)
{
	if (event->kind == NET_READY)
		load_phone_event(event->owner, event->ready, now);
	if (event->kind != NET_SIGNAL)
		return;
	load->is_hurried = load->is_interrupted || load->phase == LOAD_CLEANING;
	load->is_interrupted = true;
}

bool load_run(struct load *load)
{
	const struct load_mode *mode = load->options->mode;
	struct now now = net_now(load->net);
	struct net_event event;

	look_at_server(load, &load->before);
	if (load->options->server && load->before.n == 0)
		return complain(
			"load: there is no process %d to be looked at; give the server's with --server-pid",
			(int)load->options->server);
	load->next_look = now.mono;
	enter_phase(load, LOAD_SETTLING, now);
	if (mode->connects) {
		load_phones_make_ready(load);
		start(load, now);
	}
	while (load->phase != LOAD_OVER) {
		net_wait(load->net, next_turn(load));
		now = net_now(load->net);
		while (net_next(load->net, &event))
			take_event(load, &event, now);
		turn(load, now);
	}
	return load->ended > 0;
}
