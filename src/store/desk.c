#include "store/desk.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/mem.h"

enum {
	GROUP_MAX = 100, /* jobs in one commit */
	CONFLICTS_MAX = 100,
};

struct desk {
	pthread_t thread;
	pthread_mutex_t mutex; /* of waiting and ending */
	pthread_cond_t changed;
	struct list waiting;
	bool ending;
	struct store *store; /* from here on the thread's own; NULL: it has not been started */
	struct desk_user user;
};

/* -- jobs ------------------------------------------------------------------------------------------------ */

static struct job *job_of(enum job_kind kind, struct aor *wanted)
{
	struct job *job = wanted ? mem_new(struct job) : NULL;

	if (!job) {
		aor_unref(wanted);
		return NULL;
	}
	job->kind = kind;
	job->wanted = wanted;
	return job;
}

struct job *job_new_bind(struct aor *wanted)
{
	return job_of(JOB_BIND, aor_ref(wanted));
}

struct job *job_new_account(enum job_kind kind, struct slice name, const struct account *digests)
{
	static const struct account nobody;

	return job_of(kind, aor_new(name, 1, digests ? digests : &nobody, NULL, 0));
}

struct job *job_new_policy(struct slice name, struct slice lines)
{
	struct job *job = job_new_account(JOB_POLICY, name, NULL);
	char *copy = job ? mem_alloc(lines.len) : NULL;

	if (!copy) {
		job_free(job);
		return NULL;
	}
	if (lines.len > 0)
		memcpy(copy, lines.ptr, lines.len);
	job->lines = slice_from(copy, lines.len);
	return job;
}

struct job *job_new_certify(struct slice name, const struct certify *change)
{
	AUTO(certificates) struct certificates *one = NULL;
	struct job *job;

	if (change->certificate) {
		one = certificates_new(change->certificate, 1);
		if (!one)
			return NULL;
	}
	job = job_new_account(JOB_CERTIFY, name, NULL);
	if (!job)
		return NULL;
	job->change = *change;
	if (change->fingerprint.len == sizeof job->fingerprint) {
		memcpy(job->fingerprint, change->fingerprint.ptr, sizeof job->fingerprint);
		job->change.fingerprint = slice_from(job->fingerprint, sizeof job->fingerprint);
	}
	job->change.certificate = one ? one->all : NULL;
	job->wanted->certificates = TAKE(one);
	return job;
}

void job_free(struct job *job)
{
	if (!job)
		return;
	aor_unref(job->wanted);
	aor_unref(job->aor);
	mem_free((char *)job->lines.ptr);
	mem_free(job);
}

/* -- the thread
 * ------------------------------------------------------------------------------------------------------ */

static enum err bind_aor(struct desk *desk, struct job *job)
{
	TRY(desk->user.reserve(desk->user.self, job->wanted));
	job->is_reserved = true;
	TRY(store_bind(desk->store, job->wanted, &job->aor));
	/* What is published is what was decided upon, and so are its certificates. */
	AUTO(aor) struct aor *current = desk->user.find(desk->user.self, job->wanted->name);
	job->aor->certificates = current ? certificates_ref(current->certificates) : NULL;
	return OK;
}

/*
 * What is published, for a change that leaves the bindings as they are. ERR_CONFLICT if a worker has just refreshed them, or an
 * earlier job of this group is about the same account: it has to be done anew.
 */
static enum err reserve_current(struct desk *desk, struct job *job, struct aor **ret_current)
{
	AUTO(aor) struct aor *current = desk->user.find(desk->user.self, job->wanted->name);

	if (!current)
		return ERR_NOT_FOUND;
	TRY(desk->user.reserve(desk->user.self, current));
	job->is_reserved = true;
	*ret_current = TAKE(current);
	return OK;
}

static enum err certify_devices(struct desk *desk, struct job *job)
{
	AUTO(aor) struct aor *current = NULL;

	TRY(reserve_current(desk, job, &current));
	return store_certify(desk->store, current, &job->change, &job->aor);
}

static enum err change_policy(struct desk *desk, struct job *job)
{
	AUTO(aor) struct aor *current = NULL;

	TRY(reserve_current(desk, job, &current));
	return store_policy(desk->store, job->wanted->name, job->lines, current, &job->aor);
}

static enum err change_password(struct store *store, struct job *job)
{
	TRY(store_passwd(store, job->wanted->name, &job->wanted->account, &job->aor));
	job->account = job->aor->account.id;
	return OK;
}

static enum err perform(struct desk *desk, struct job *job)
{
	struct store *store = desk->store;

	switch (job->kind) {
	case JOB_BIND: return bind_aor(desk, job);
	case JOB_ADD: return store_add(store, job->wanted->name, &job->wanted->account, &job->aor);
	case JOB_PASSWD: return change_password(store, job);
	case JOB_POLICY: return change_policy(desk, job);
	case JOB_REMOVE: return store_remove(store, job->wanted->name, &job->account);
	case JOB_CERTIFY: return certify_devices(desk, job);
	}
	return ERR_SYNTAX;
}

static bool is_fault(enum err err)
{
	return err == ERR_IO || err == ERR_NOMEM;
}

/* Waits for jobs and takes up to a group of them. False: the desk is closing and all is done. */
static bool take_group(struct desk *desk, struct list *ret_group)
{
	list_init(ret_group);
	pthread_mutex_lock(&desk->mutex);
	while (!desk->waiting.n && !desk->ending)
		pthread_cond_wait(&desk->changed, &desk->mutex);
	while (desk->waiting.n && ret_group->n < GROUP_MAX)
		list_append(ret_group, list_take_first(&desk->waiting));
	pthread_mutex_unlock(&desk->mutex);
	return ret_group->n > 0;
}

static enum err write_group(struct desk *desk, struct list *group)
{
	TRY(store_begin(desk->store));
	LIST_EACH (job, group, struct job, link) {
		job->err = perform(desk, job);
		if (is_fault(job->err))
			return job->err;
	}
	return store_commit(desk->store);
}

static void fail_group(struct list *group, enum err err)
{
	LIST_EACH (job, group, struct job, link) {
		job->err = err;
		aor_unref(job->aor);
		job->aor = NULL;
	}
}

/* Makes known what has become of the job. */
static void tell(const struct desk *desk, struct job *job)
{
	const struct desk_user *user = &desk->user;

	if (job->err == OK)
		user->publish(user->self, job->wanted->name, job->aor);
	else if (job->is_reserved)
		user->release(user->self, job->wanted->name);
}

/* What is to be decided upon anew: the others of the group are published by now. */
static void add_current(const struct desk *desk, struct job *job)
{
	if (job->err != ERR_CONFLICT)
		return;
	aor_unref(job->aor);
	job->aor = desk->user.find(desk->user.self, job->wanted->name);
	if (!job->aor)
		job->err = ERR_NOT_FOUND;
}

/* Nobody decided upon a snapshot, so there is nobody to ask. What stood in its way is published by now. */
static bool is_to_be_done_anew(struct job *job)
{
	if ((job->kind != JOB_CERTIFY && job->kind != JOB_POLICY) || job->err != ERR_CONFLICT)
		return false;
	job->is_reserved = false;
	return ++job->n_conflicts < CONFLICTS_MAX;
}

static void *run(void *arg)
{
	struct desk *desk = arg;
	struct list group;

	while (take_group(desk, &group)) {
		enum err err = write_group(desk, &group);

		if (err != OK) {
			desk->user.trouble(desk->user.self,
					   err == ERR_IO ? store_trouble(desk->store) : err_text(err));
			store_rollback(desk->store);
			fail_group(&group, err);
		}
		LIST_EACH (job, &group, struct job, link)
			tell(desk, job);
		LIST_EACH (job, &group, struct job, link) {
			list_remove(&group, &job->link);
			if (is_to_be_done_anew(job)) {
				desk_post(desk, job);
				continue;
			}
			add_current(desk, job);
			desk->user.done(desk->user.self, job);
		}
	}
	return NULL;
}

/* -- life ------------------------------------------------------------------------------------------------ */

struct desk *desk_new(const struct desk_user *user)
{
	struct desk *desk = mem_new(struct desk);

	if (!desk)
		return NULL;
	desk->user = *user;
	list_init(&desk->waiting);
	pthread_mutex_init(&desk->mutex, NULL);
	pthread_cond_init(&desk->changed, NULL);
	return desk;
}

/* Signals are for the main thread. */
enum err desk_start(struct desk *desk, struct store *store)
{
	sigset_t all, before;

	desk->store = store;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int failed = pthread_create(&desk->thread, NULL, run, desk);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed)
		desk->store = NULL;
	return failed ? ERR_IO : OK;
}

static void end_thread(struct desk *desk)
{
	pthread_mutex_lock(&desk->mutex);
	desk->ending = true;
	pthread_cond_signal(&desk->changed);
	pthread_mutex_unlock(&desk->mutex);
	pthread_join(desk->thread, NULL);
	store_close(desk->store);
}

void desk_free(struct desk *desk)
{
	if (!desk)
		return;
	if (desk->store)
		end_thread(desk);
	while (desk->waiting.n)
		job_free(CONTAINER_OF(list_take_first(&desk->waiting), struct job, link));
	pthread_cond_destroy(&desk->changed);
	pthread_mutex_destroy(&desk->mutex);
	mem_free(desk);
}

void desk_post(struct desk *desk, struct job *job)
{
	pthread_mutex_lock(&desk->mutex);
	list_append(&desk->waiting, &job->link);
	pthread_cond_signal(&desk->changed);
	pthread_mutex_unlock(&desk->mutex);
}
