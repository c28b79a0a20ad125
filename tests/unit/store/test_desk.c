#include "harness.h"

#include <pthread.h>

#include "directory.h"
#include "location/location.h"
#include "store/desk.h"

enum { REGISTRARS = 4, REGISTERS = 25 };

/* What has come back from the desk, under a lock of its own. */
struct done {
	struct location *location;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct list jobs[REGISTRARS];
	unsigned troubles;
};

static const struct map_key key = { 1, 2 };

static void publish(void *self, struct slice name, struct aor *aor)
{
	struct done *done = self;

	if (!aor)
		location_remove(done->location, name);
	else if (location_put(done->location, aor) != OK)
		done->troubles++;
}

static enum err reserve(void *self, const struct aor *wanted)
{
	const struct done *done = self;

	return location_reserve(done->location, wanted);
}

static void release(void *self, struct slice name)
{
	const struct done *done = self;

	location_release(done->location, name);
}

static struct aor *find(void *self, struct slice name)
{
	const struct done *done = self;

	return location_find(done->location, name);
}

static void take_back(void *self, struct job *job)
{
	struct done *done = self;

	pthread_mutex_lock(&done->mutex);
	list_append(&done->jobs[job->worker], &job->link);
	pthread_cond_broadcast(&done->changed);
	pthread_mutex_unlock(&done->mutex);
}

static void trouble(void *self, const char *text)
{
	struct done *done = self;

	done->troubles++;
}

static struct job *await(struct done *done, unsigned worker)
{
	pthread_mutex_lock(&done->mutex);
	while (!done->jobs[worker].n)
		pthread_cond_wait(&done->changed, &done->mutex);
	struct job *job = CONTAINER_OF(list_take_first(&done->jobs[worker]), struct job, link);
	pthread_mutex_unlock(&done->mutex);
	return job;
}

/* Without its thread. */
static struct desk *make(struct done *done)
{
	struct desk_user user = {
		.self = done,
		.reserve = reserve,
		.release = release,
		.find = find,
		.publish = publish,
		.done = take_back,
		.trouble = trouble,
	};

	*done = (struct done){ .location = location_new(1000, key) };
	assert_non_null(done->location);
	pthread_mutex_init(&done->mutex, NULL);
	pthread_cond_init(&done->changed, NULL);
	for (int i = 0; i < REGISTRARS; i++)
		list_init(&done->jobs[i]);
	return desk_new(&user);
}

static struct desk *start(struct done *done, struct slice dir)
{
	char buf[200];
	struct writer why = writer_of(buf, sizeof buf);
	AUTO(store) struct store *store = NULL;
	AUTO(desk) struct desk *desk = make(done);

	assert_non_null(desk);
	assert_int_equal(store_open(dir, &why, &store), OK);
	assert_int_equal(desk_start(desk, store), OK);
	(void)TAKE(store);
	return TAKE(desk);
}

static struct job *ask(struct desk *desk, struct done *done, struct job *job)
{
	assert_non_null(job);
	desk_post(desk, job);
	return await(done, 0);
}

static void publishes_an_account_and_takes_it_back(void **state)
{
	struct account digests = { .has_sha256 = true, .sha256 = { 1, 2, 3 } };
	struct done done;
	struct directory dir;

	struct desk *desk = start(&done, directory_make(&dir, "desk"));
	struct job *job = ask(desk, &done, job_new_account(JOB_ADD, SLICE("a@b"), &digests));
	assert_int_equal(job->err, OK);
	job_free(job);
	struct aor *aor = location_find(done.location, SLICE("a@b"));
	assert_non_null(aor);
	assert_memory_equal(aor->account.sha256, digests.sha256, 32);

	job = ask(desk, &done, job_new_account(JOB_ADD, SLICE("a@b"), &digests));
	assert_int_equal(job->err, ERR_EXISTS);
	job_free(job);
	job = ask(desk, &done, job_new_account(JOB_PASSWD, SLICE("a@b"), &digests));
	assert_int_equal(job->err, OK);
	assert_int_equal(job->account, aor->account.id);
	job_free(job);
	job = ask(desk, &done, job_new_account(JOB_REMOVE, SLICE("a@b"), NULL));
	assert_int_equal(job->err, OK);
	assert_int_equal(job->account, aor->account.id);
	job_free(job);
	assert_null(location_find(done.location, SLICE("a@b")));
	aor_unref(aor);
	desk_free(desk);
	assert_int_equal(done.troubles, 0);
	location_free(done.location);
	directory_empty(&dir);
}

/* What a registrar would want on top of that snapshot. */
static struct aor *change_of(const struct aor *aor, const struct binding *bindings, size_t n)
{
	struct aor *wanted = aor_change(aor, bindings, n);

	assert_non_null(wanted);
	return wanted;
}

/* A refresh has come while the change was on its way: it is decided anew, on what there is now. */
static void a_change_on_an_older_snapshot_is_a_conflict(void **state)
{
	struct account digests = { .has_sha256 = true };
	struct binding binding = { .contact = SLICE("sip:x"), .expires = 100, .stored = 500 };
	struct done done;
	struct directory dir;

	struct desk *desk = start(&done, directory_make(&dir, "older"));
	job_free(ask(desk, &done, job_new_account(JOB_ADD, SLICE("a@b"), &digests)));
	struct aor *before = location_find(done.location, SLICE("a@b"));
	assert_non_null(before);
	struct aor *wanted = change_of(before, &binding, 1);
	struct job *job = ask(desk, &done, job_new_bind(wanted));
	assert_int_equal(job->err, OK);
	job_free(job);
	aor_unref(wanted);
	aor_unref(before);

	before = location_find(done.location, SLICE("a@b"));
	struct aor *moved = change_of(before, before->bindings, 1);
	assert_int_equal(location_refresh(done.location, moved), OK);
	wanted = change_of(before, &binding, 1);
	job = ask(desk, &done, job_new_bind(wanted));
	assert_int_equal(job->err, ERR_CONFLICT);
	assert_ptr_equal(job->aor, moved);
	job_free(job);
	aor_unref(wanted);
	wanted = change_of(moved, &binding, 1);
	job = ask(desk, &done, job_new_bind(wanted));
	assert_int_equal(job->err, OK);
	assert_int_equal(job->aor->refreshes, 0);
	job_free(job);
	aor_unref(wanted);
	aor_unref(moved);
	aor_unref(before);
	desk_free(desk);
	location_free(done.location);
	directory_empty(&dir);
}

struct registrar {
	struct desk *desk;
	struct done *done;
	unsigned number;
	unsigned failed;
};

/* Adds one more binding to what there is, deciding again as long as somebody else was faster. */
static void register_once(struct registrar *registrar)
{
	for (;;) {
		struct aor *aor = location_find(registrar->done->location, SLICE("a@b"));
		struct binding bindings[64] = { { .expires = 0 } };
		size_t n = 0;

		for (; n < aor->n_bindings; n++)
			bindings[n] = aor->bindings[n];
		bindings[n % 60].contact = SLICE("sip:x");
		bindings[0].cseq++;
		struct aor *wanted = aor_change(aor, bindings, (n + 1) % 60);
		struct job *job = wanted ? job_new_bind(wanted) : NULL;
		aor_unref(wanted);
		aor_unref(aor);
		if (!job) {
			registrar->failed++;
			return;
		}
		job->worker = registrar->number;
		desk_post(registrar->desk, job);
		job = await(registrar->done, registrar->number);
		enum err err = job->err;
		job_free(job);
		if (err == ERR_CONFLICT)
			continue;
		registrar->failed += err != OK;
		return;
	}
}

static void *register_often(void *arg)
{
	for (int i = 0; i < REGISTERS; i++)
		register_once(arg);
	return NULL;
}

static void loses_no_update_of_many_registrars(void **state)
{
	struct account digests = { .has_sha256 = true };
	struct registrar registrars[REGISTRARS];
	pthread_t threads[REGISTRARS];
	struct done done;
	struct directory dir;
	unsigned failed = 0;

	struct desk *desk = start(&done, directory_make(&dir, "many"));
	job_free(ask(desk, &done, job_new_account(JOB_ADD, SLICE("a@b"), &digests)));
	struct aor *aor = location_find(done.location, SLICE("a@b"));
	assert_non_null(aor);
	aor_unref(aor);
	for (unsigned i = 0; i < REGISTRARS; i++) {
		registrars[i] = (struct registrar){ .desk = desk, .done = &done, .number = i };
		assert_int_equal(pthread_create(&threads[i], NULL, register_often, &registrars[i]), 0);
	}
	for (unsigned i = 0; i < REGISTRARS; i++) {
		pthread_join(threads[i], NULL);
		failed += registrars[i].failed;
	}
	assert_int_equal(failed, 0);
	aor = location_find(done.location, SLICE("a@b"));
	assert_int_equal((uint32_t)aor->version - 1, REGISTRARS * REGISTERS);
	assert_int_equal(aor->n_bindings, REGISTRARS * REGISTERS % 60);
	aor_unref(aor);
	desk_free(desk);
	location_free(done.location);
	directory_empty(&dir);
}

static void does_what_is_queued_before_it_closes(void **state)
{
	struct account digests = { .has_sha256 = true };
	struct done done;
	struct directory dir;
	char name[20];

	struct desk *desk = start(&done, directory_make(&dir, "closes"));
	for (int i = 0; i < 250; i++) {
		snprintf(name, sizeof name, "user%d@b", i);
		struct job *job = job_new_account(JOB_ADD, slice_of(name), &digests);
		assert_non_null(job);
		desk_post(desk, job);
	}
	desk_free(desk);
	assert_int_equal(done.jobs[0].n, 250);
	LIST_EACH (job, &done.jobs[0], struct job, link) {
		list_remove(&done.jobs[0], &job->link);
		assert_int_equal(job->err, OK);
		job_free(job);
	}
	assert_int_equal(location_counts(done.location, 0).aors, 250);
	location_free(done.location);
	directory_empty(&dir);
}

static struct job *job_of_certificate(uint8_t number)
{
	struct device_certificate one = { .der = SLICE("der"), .expires = 2000, .until = 3000 };

	one.key[0] = number;
	return job_new_certify(SLICE("a@b"),
			       &(struct certify){ .step = CERTIFY_KEEP, .certificate = &one, .now = 1000 });
}

static struct job *job_of_binding(const struct aor *aor)
{
	static const struct binding phone = { .contact = SLICE_INIT("sips:a@192.0.2.1"), .expires = 2000 };

	AUTO(aor) struct aor *wanted = change_of(aor, &phone, 1);

	return job_new_bind(wanted);
}

static void certificates_and_bindings_change_without_each_other(void **state)
{
	struct account digests = { .has_sha256 = true, .sha256 = { 1 } };
	struct done done;
	struct directory dir;

	struct desk *desk = start(&done, directory_make(&dir, "desk"));
	job_free(ask(desk, &done, job_new_account(JOB_ADD, SLICE("a@b"), &digests)));
	struct job *job = ask(desk, &done, job_of_certificate(1));
	assert_int_equal(job->err, OK);
	assert_int_equal(job->aor->certificates->n, 1);
	job_free(job);
	/* at once: one of the two may have to wait for the other, and neither is lost */
	struct aor *aor = location_find(done.location, SLICE("a@b"));
	assert_non_null(aor);
	struct job *bind = job_of_binding(aor), *certify = job_of_certificate(2);
	assert_true(bind && certify);
	desk_post(desk, bind);
	desk_post(desk, certify);
	for (int i = 0; i < 2; i++) {
		job = await(&done, 0);
		assert_int_equal(job->err, OK);
		job_free(job);
	}
	aor_unref(aor);
	job = ask(desk, &done, job_new_account(JOB_PASSWD, SLICE("a@b"), &digests));
	assert_int_equal(job->err, OK);
	assert_int_equal(job->aor->n_bindings, 0);
	assert_int_equal(job->aor->certificates->n, 2);
	job_free(job);
	job_free(ask(desk, &done, job_new_account(JOB_REMOVE, SLICE("a@b"), NULL)));
	job = ask(desk, &done, job_of_certificate(3));
	assert_int_equal(job->err, ERR_NOT_FOUND);
	job_free(job);
	desk_free(desk);
	location_free(done.location);
	directory_empty(&dir);
}

static void jobs_wait_until_it_is_started(void **state)
{
	struct account digests = { .has_sha256 = true };
	char buf[200];
	struct writer why = writer_of(buf, sizeof buf);
	struct done done;
	struct directory dir;
	struct job *job = job_new_account(JOB_ADD, SLICE("a@b"), &digests);
	AUTO(store) struct store *store = NULL;

	directory_make(&dir, "desk");
	AUTO(desk) struct desk *desk = make(&done);
	assert_non_null(desk);
	assert_non_null(job);
	desk_post(desk, job);
	assert_int_equal(done.jobs[0].n, 0);
	assert_int_equal(store_open(slice_of(dir.path), &why, &store), OK);
	assert_int_equal(desk_start(desk, store), OK);
	(void)TAKE(store);
	job = await(&done, 0);
	assert_int_equal(job->err, OK);
	job_free(job);
	desk_free(TAKE(desk));
	location_free(done.location);
	directory_empty(&dir);
}

static void one_that_was_never_started_forgets_its_jobs(void **state)
{
	struct job *job = job_new_account(JOB_REMOVE, SLICE("a@b"), NULL);
	struct done done;
	AUTO(desk) struct desk *desk = make(&done);

	assert_non_null(desk);
	assert_non_null(job);
	desk_post(desk, job);
	desk_free(TAKE(desk));
	location_free(done.location);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(publishes_an_account_and_takes_it_back),
	cmocka_unit_test(a_change_on_an_older_snapshot_is_a_conflict),
	cmocka_unit_test(loses_no_update_of_many_registrars),
	cmocka_unit_test(does_what_is_queued_before_it_closes),
	cmocka_unit_test(jobs_wait_until_it_is_started),
	cmocka_unit_test(one_that_was_never_started_forgets_its_jobs),
	cmocka_unit_test(certificates_and_bindings_change_without_each_other),
};
TEST_MAIN(tests)
