#include "transport/worker.h"

#include <pthread.h>
#include <signal.h>

#include "base/arena.h"
#include "base/mem.h"
#include "net/net.h"
#include "net/socket.h"
#include "transport/mailbox.h"

enum {
	LISTENERS_MAX = 16,
	WAIT_S = 1, /* for the worker's next turn */
};

struct pending_listener {
	enum transport_protocol protocol;
	int fd;
};

struct worker {
	struct worker_config config;
	struct net *net;
	struct mailbox *mailbox;
	struct desk *desk;
	struct pending_listener listeners[LISTENERS_MAX];
	size_t n_listeners;
	pthread_t thread;
	bool started;

	/* orders and what became of them */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool ready, ended, drain, stop, count;
	unsigned reloads, reloaded; /* how often it was told to, and which of these it has done */
	bool idle;                  /* while it drains: nothing is under way here */
	enum err err;
	struct worker_status status;

	/* the thread's own */
	struct worker_parts parts;
	struct transport *transport;
};

/* -- life ------------------------------------------------------------------------------------------------ */

struct worker *worker_new(const struct worker_config *config)
{
	struct worker *worker = mem_new(struct worker);
	pthread_condattr_t by_monotonic;

	if (!worker)
		return NULL;
	worker->config = *config;
	pthread_mutex_init(&worker->mutex, NULL);
	pthread_condattr_init(&by_monotonic);
	/* the wall clock may be set while we wait */
	pthread_condattr_setclock(&by_monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&worker->changed, &by_monotonic);
	pthread_condattr_destroy(&by_monotonic);
	worker->net = net_new(config->limits.flows + LISTENERS_MAX +
			      16); /* the DNS has its own descriptors */
	worker->mailbox = worker->net ? mailbox_new(worker->net) : NULL;
	if (!worker->mailbox) {
		worker_free(worker);
		return NULL;
	}
	return worker;
}

void worker_free(struct worker *worker)
{
	if (!worker)
		return;
	for (size_t i = 0; i < worker->n_listeners; i++)
		socket_close(worker->listeners[i].fd);
	mailbox_free(worker->mailbox);
	net_free(worker->net);
	pthread_cond_destroy(&worker->changed);
	pthread_mutex_destroy(&worker->mutex);
	mem_free(worker);
}

enum err worker_add_listener(struct worker *worker, enum transport_protocol protocol, int listener)
{
	if (worker->n_listeners == LISTENERS_MAX)
		return ERR_LIMIT;
	worker->listeners[worker->n_listeners++] = (struct pending_listener){ protocol, listener };
	return OK;
}

void worker_set_desk(struct worker *worker, struct desk *desk)
{
	worker->desk = desk;
}

/* -- the services of its transport ----------------------------------------------------------------------- */

static enum err look_up(void *self, struct slice aor, struct aor **ret_aor)
{
	struct worker *worker = self;
	bool is_complete = location_is_complete(worker->config.location);
	struct aor *found = location_find(worker->config.location, aor);

	if (!found)
		return is_complete ? ERR_NOT_FOUND : ERR_AGAIN;
	*ret_aor = found;
	return OK;
}

static enum err store(void *self, uint64_t question, const struct store_question *store, struct aor **ret_aor)
{
	struct worker *worker = self;
	struct job *job;

	/* Where something has come between, the store's thread has to see to it. */
	if (!store->durable && location_refresh(worker->config.location, store->wanted) == OK) {
		*ret_aor = aor_ref(store->wanted);
		return OK;
	}
	job = job_new_bind(store->wanted);
	if (!job)
		return ERR_NOMEM;
	job->worker = worker->config.number;
	job->question = question;
	desk_post(worker->desk, job);
	return OK;
}

static enum err certify_device(void *self, uint64_t question, const struct certify_question *certify,
			       struct now now)
{
	struct worker *worker = self;
	struct job *job;

	if (!worker->config.user->certify)
		return ERR_IO;
	TRY(worker->config.user->certify(worker->config.user_self, &worker->parts, certify, now.wall, &job));
	job->worker = worker->config.number;
	job->question = question;
	desk_post(worker->desk, job);
	return OK;
}

static enum err vouch(void *self, const struct vouch_question *vouch, struct slice *ret_entity)
{
	struct worker *worker = self;

	if (!worker->config.user->vouch)
		return ERR_IO;
	return worker->config.user->vouch(worker->config.user_self, &worker->parts, vouch, ret_entity);
}

static enum err resolve(void *self, uint64_t question, const struct dns_question *resolve)
{
	struct worker *worker = self;

	return worker->config.user->resolve(worker->config.user_self, &worker->parts, question, resolve);
}

static void post(void *self, struct letter *letter)
{
	struct worker *worker = self;
	const struct workers *workers = worker->config.workers;

	if (letter->to < workers->n)
		worker_post(workers->all[letter->to], letter);
	else
		letter_free(letter);
}

static void report(void *self, const struct report *report)
{
	struct worker *worker = self;

	worker->config.user->report(worker->config.user_self, report);
}

/* -- the thread ------------------------------------------------------------------------------------------ */

static enum err open_transport(struct worker *worker)
{
	struct transport_config config = {
		.net = worker->net,
		.endpoint = worker->parts.endpoint,
		.worker = worker->config.number,
		.start = worker->config.start,
		.map_key = worker->parts.map_key,
		.links = worker->parts.links,
		.limits = worker->config.limits,
		.services = { .self = worker,
			      .lookup = look_up,
			      .store = store,
			      .certify = certify_device,
			      .vouch = vouch,
			      .resolve = resolve,
			      .post = post,
			      .report = report },
		.crypto = worker->parts.crypto,
		.server = worker->parts.server,
		.client = worker->parts.client,
		.bans = worker->config.bans,
	};

	config.limits.idle_proven = worker->parts.idle_proven;
	worker->transport = transport_new(&config);
	if (!worker->transport)
		return ERR_NOMEM;
	while (worker->n_listeners > 0) {
		const struct pending_listener *listener = &worker->listeners[worker->n_listeners - 1];

		TRY(transport_listen(worker->transport, listener->protocol, listener->fd));
		worker->n_listeners--;
	}
	return OK;
}

/* The newest one, unless it was withdrawn. */
static void tell_published(const struct job *job, struct answer *answer)
{
	const struct certificates *all = job->aor->certificates;
	const struct device_certificate *last = all ? &all->all[all->n - 1] : NULL;

	if (job->change.step == CERTIFY_DROP || !last)
		return;
	answer->tag = last->tag;
	answer->expires = last->expires;
	answer->fingerprint = slice_from(last->fingerprint, sizeof last->fingerprint);
}

static void empty_mailbox(struct worker *worker, struct now now)
{
	struct letter *letter;
	struct job *job;

	while ((letter = mailbox_take(worker->mailbox)))
		endpoint_letter(worker->parts.endpoint, letter, now);
	while ((job = mailbox_take_job(worker->mailbox))) {
		struct answer answer = { .question = job->question, .err = job->err, .aor = job->aor };

		if (job->kind == JOB_CERTIFY && job->err == OK)
			tell_published(job, &answer);
		transport_answer(worker->transport, &answer, now);
		job_free(job);
	}
}

static void count(struct worker *worker)
{
	worker->status.flows = transport_counts(worker->transport);
	worker->status.endpoint = endpoint_counts(worker->parts.endpoint);
	worker->count = false;
	pthread_cond_broadcast(&worker->changed);
}

static void change_over(struct worker *worker, unsigned reloads, struct now now)
{
	worker->config.user->reload(worker->config.user_self, &worker->parts, now);
	transport_set_tls(worker->transport, worker->parts.server, worker->parts.client, now);
	transport_set_links(worker->transport, worker->parts.links, now);
	transport_set_idle_proven(worker->transport, worker->parts.idle_proven);
	/* some flows may have ended by this, and nothing else may happen for long */
	transport_perform(worker->transport, now);
	pthread_mutex_lock(&worker->mutex);
	worker->reloaded = reloads;
	pthread_cond_broadcast(&worker->changed);
	pthread_mutex_unlock(&worker->mutex);
}

/* Follows the orders that other threads have left. False: it is time to end. */
static bool follow_orders(struct worker *worker, struct now now)
{
	pthread_mutex_lock(&worker->mutex);
	unsigned reloads = worker->reloads;
	bool reload = reloads != worker->reloaded, drain = worker->drain, stop = worker->stop;
	worker->idle = drain && endpoint_counts(worker->parts.endpoint).pending == 0;
	if (worker->count)
		count(worker);
	pthread_mutex_unlock(&worker->mutex);
	if (reload)
		change_over(worker, reloads, now);
	if (drain)
		transport_deafen(worker->transport);
	return !stop;
}

/* Answers of the DNS; another question may be answered at once, from its cache. */
static void take_answers(struct worker *worker, struct now now)
{
	const struct worker_user *user = worker->config.user;
	struct answer answer;

	while (user->next_answer(worker->config.user_self, &worker->parts, &answer)) {
		transport_answer(worker->transport, &answer, now);
		transport_perform(worker->transport, now);
	}
}

static ms_t earlier(ms_t a, ms_t b)
{
	return a && (!b || a < b) ? a : b;
}

static ms_t next_turn(const struct worker *worker)
{
	return earlier(endpoint_due(worker->parts.endpoint), transport_due(worker->transport));
}

static void run(struct worker *worker)
{
	struct net_event event;
	struct now now;

	do {
		worker->config.user->waits(worker->config.user_self);
		net_wait(worker->net, next_turn(worker));
		now = net_now(worker->net);
		while (net_next(worker->net, &event))
			transport_event(worker->transport, &event, now);
		empty_mailbox(worker, now);
		endpoint_tick(worker->parts.endpoint, now);
		transport_perform(worker->transport, now);
		take_answers(worker, now);
	} while (follow_orders(worker, now));
}

static void tell_ready(struct worker *worker, enum err err)
{
	pthread_mutex_lock(&worker->mutex);
	worker->err = err;
	worker->ready = true;
	pthread_cond_broadcast(&worker->changed);
	pthread_mutex_unlock(&worker->mutex);
}

static void tell_ended(struct worker *worker)
{
	pthread_mutex_lock(&worker->mutex);
	worker->ended = true;
	pthread_cond_broadcast(&worker->changed);
	pthread_mutex_unlock(&worker->mutex);
}

static void *thread(void *arg)
{
	struct worker *worker = arg;

	worker->parts.net = worker->net;
	enum err err = worker->config.user->open(worker->config.user_self, worker->config.number,
						 &worker->parts);

	if (err == OK) {
		err = open_transport(worker);
		tell_ready(worker, err);
		if (err == OK)
			run(worker);
		transport_free(worker->transport);
		worker->config.user->close(worker->config.user_self, &worker->parts);
	} else {
		tell_ready(worker, err);
	}
	arena_free_spares();
	tell_ended(worker);
	return NULL;
}

/* Signals are for the main thread. */
static enum err start_thread(struct worker *worker)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int failed = pthread_create(&worker->thread, NULL, thread, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed ? ERR_IO : OK;
}

enum err worker_start(struct worker *worker)
{
	TRY(start_thread(worker));
	worker->started = true;
	pthread_mutex_lock(&worker->mutex);
	while (!worker->ready)
		pthread_cond_wait(&worker->changed, &worker->mutex);
	enum err err = worker->err;
	pthread_mutex_unlock(&worker->mutex);
	return err;
}

void worker_join(struct worker *worker)
{
	if (worker->started)
		pthread_join(worker->thread, NULL);
	worker->started = false;
}

/* -- from other threads ---------------------------------------------------------------------------------- */

void worker_post(struct worker *worker, struct letter *letter)
{
	mailbox_post(worker->mailbox, letter);
}

void worker_post_job(struct worker *worker, struct job *job)
{
	mailbox_post_job(worker->mailbox, job);
}

static void order(struct worker *worker, bool *what)
{
	pthread_mutex_lock(&worker->mutex);
	*what = true;
	pthread_mutex_unlock(&worker->mutex);
	net_wake(worker->net);
}

void worker_reload(struct worker *worker)
{
	pthread_mutex_lock(&worker->mutex);
	worker->reloads++;
	pthread_mutex_unlock(&worker->mutex);
	net_wake(worker->net);
}

/* Until something has changed: false if nothing does by then. The mutex is held. */
static bool wait_until(struct worker *worker, const struct timespec *until)
{
	return !worker->ended && pthread_cond_timedwait(&worker->changed, &worker->mutex, until) == 0;
}

static struct timespec end_of_wait(void)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += WAIT_S;
	return until;
}

void worker_await_reload(struct worker *worker)
{
	const struct timespec until = end_of_wait();

	pthread_mutex_lock(&worker->mutex);
	while (worker->reloaded != worker->reloads && wait_until(worker, &until))
		;
	pthread_mutex_unlock(&worker->mutex);
}

void worker_drain(struct worker *worker)
{
	order(worker, &worker->drain);
}

bool worker_is_idle(struct worker *worker)
{
	pthread_mutex_lock(&worker->mutex);
	bool idle = worker->idle || worker->ended;
	pthread_mutex_unlock(&worker->mutex);
	return idle;
}

void worker_stop(struct worker *worker)
{
	order(worker, &worker->stop);
}

struct worker_status worker_status(struct worker *worker)
{
	const struct timespec until = end_of_wait();

	order(worker, &worker->count);
	pthread_mutex_lock(&worker->mutex);
	while (worker->count && wait_until(worker, &until))
		;
	struct worker_status status = worker->status;
	pthread_mutex_unlock(&worker->mutex);
	return status;
}
