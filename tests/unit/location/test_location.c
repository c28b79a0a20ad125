#include "harness.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "location/location.h"

enum { MANY = 500 };

static const struct map_key key = { 3, 4 };

static enum err put_aor_named(struct location *location, const char *name, uint64_t version, utc_t expires)
{
	struct account account = { .id = 1 };
	struct binding binding = { .contact = SLICE("sip:a@192.0.2.1"), .expires = expires };
	AUTO(aor) struct aor *aor = aor_new(slice_of(name), version, &account, &binding, expires > 0);

	return aor ? location_put(location, aor) : ERR_NOMEM;
}

static void finds_the_newest_snapshot(void **state)
{
	AUTO(location) struct location *location = location_new(100, key);

	assert_non_null(location);
	assert_null(location_find(location, SLICE("a@b")));
	assert_int_equal(put_aor_named(location, "a@b", 1, 0), OK);
	AUTO(aor) struct aor *before = location_find(location, SLICE("a@b"));
	assert_non_null(before);
	assert_int_equal(put_aor_named(location, "a@b", 2, 100), OK);
	AUTO(aor) struct aor *after = location_find(location, SLICE("a@b"));
	assert_true(after->version == 2);
	assert_true(before->version == 1); /* what somebody holds does not change under him */
	assert_int_equal(before->n_bindings, 0);
	location_remove(location, SLICE("a@b"));
	location_remove(location, SLICE("a@b"));
	assert_null(location_find(location, SLICE("a@b")));
	assert_int_equal(after->n_bindings, 1);
}

static void is_complete_only_once_it_is_said(void **state)
{
	AUTO(location) struct location *location = location_new(100, key);

	assert_non_null(location);
	assert_false(location_is_complete(location));
	location_complete(location);
	assert_true(location_is_complete(location));
}

static void counts_what_has_not_expired(void **state)
{
	AUTO(location) struct location *location = location_new(100, key);

	assert_non_null(location);
	assert_int_equal(put_aor_named(location, "a@b", 1, 0), OK);
	assert_int_equal(put_aor_named(location, "b@b", 1, 100), OK);
	assert_int_equal(put_aor_named(location, "c@b", 1, 101), OK);
	struct location_counts counts = location_counts(location, 100);
	assert_int_equal(counts.aors, 3);
	assert_int_equal(counts.bindings, 1);
}

static void lists_in_order_page_by_page(void **state)
{
	AUTO(location) struct location *location = location_new(MANY, key);
	struct aor *aors[300];
	char name[20];
	size_t n;

	assert_non_null(location);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "user%03d@b", i);
		assert_int_equal(put_aor_named(location, name, 1, 0), OK);
	}
	assert_int_equal(location_list(location, SLICE(""), 300, aors, &n), OK);
	assert_int_equal(n, 300);
	bool ordered = slice_eq(aors[0]->name, SLICE("user000@b")) &&
		       slice_eq(aors[299]->name, SLICE("user299@b"));
	for (size_t i = 0; i < n; i++)
		aor_unref(aors[i]);
	assert_true(ordered);
	assert_int_equal(location_list(location, SLICE("user299@b"), 300, aors, &n), OK);
	assert_int_equal(n, 200);
	ordered = slice_eq(aors[0]->name, SLICE("user300@b"));
	for (size_t i = 0; i < n; i++)
		aor_unref(aors[i]);
	assert_true(ordered);
}

struct reader {
	struct location *location;
	_Atomic bool stop;
	unsigned backwards;
};

static void *read_often(void *arg)
{
	struct reader *reader = arg;
	uint64_t seen = 0;

	while (!atomic_load(&reader->stop)) {
		AUTO(aor) struct aor *aor = location_find(reader->location, SLICE("a@b"));

		if (!aor)
			continue;
		reader->backwards += aor->version < seen;
		seen = aor->version;
	}
	return NULL;
}

static void is_read_while_it_is_written(void **state)
{
	struct reader reader = { .location = location_new(100, key) };
	pthread_t thread;

	assert_non_null(reader.location);
	assert_int_equal(pthread_create(&thread, NULL, read_often, &reader), 0);
	enum err err = OK;
	for (unsigned i = 1; i <= MANY && err == OK; i++)
		err = put_aor_named(reader.location, "a@b", i, i);
	atomic_store(&reader.stop, true);
	pthread_join(thread, NULL);
	location_free(reader.location);
	assert_int_equal(err, OK);
	assert_int_equal(reader.backwards, 0);
}

static struct aor *refreshed(uint64_t version, uint32_t refreshes, utc_t expires)
{
	struct account account = { .id = 1 };
	struct binding binding = { .contact = SLICE("sip:a@192.0.2.1"), .expires = expires };
	struct aor *aor = aor_new(SLICE("a@b"), version, &account, &binding, 1);

	assert_non_null(aor);
	aor->refreshes = refreshes;
	return aor;
}

static enum err refresh(struct location *location, uint64_t version, uint32_t refreshes, utc_t expires)
{
	AUTO(aor) struct aor *aor = refreshed(version, refreshes, expires);

	return location_refresh(location, aor);
}

static enum err reserve(struct location *location, uint64_t version, uint32_t refreshes)
{
	AUTO(aor) struct aor *aor = refreshed(version, refreshes, 0);

	return location_reserve(location, aor);
}

static void a_refresh_is_lost_to_nobody(void **state)
{
	AUTO(location) struct location *location = location_new(100, key);

	assert_non_null(location);
	assert_int_equal(refresh(location, 1, 0, 5), ERR_NOT_FOUND);
	assert_int_equal(put_aor_named(location, "a@b", 7, 100), OK);
	assert_int_equal(refresh(location, 6, 0, 200), ERR_CONFLICT);
	assert_int_equal(refresh(location, 7, 0, 200), OK);
	assert_int_equal(refresh(location, 7, 0, 300), ERR_CONFLICT); /* decided on what it was before */
	assert_int_equal(refresh(location, 7, 1, 400), OK);
	AUTO(aor) struct aor *aor = location_find(location, SLICE("a@b"));
	assert_non_null(aor);
	assert_int_equal(aor->bindings[0].expires, 400);
	assert_int_equal(aor->refreshes, 2);
}

static void what_is_being_written_does_not_change_meanwhile(void **state)
{
	AUTO(location) struct location *location = location_new(100, key);

	assert_non_null(location);
	assert_int_equal(reserve(location, 1, 0), ERR_NOT_FOUND);
	location_release(location, SLICE("a@b"));
	assert_int_equal(put_aor_named(location, "a@b", 7, 100), OK);
	assert_int_equal(reserve(location, 7, 1), ERR_CONFLICT);
	assert_int_equal(reserve(location, 7, 0), OK);
	assert_int_equal(reserve(location, 7, 0), ERR_CONFLICT);
	assert_int_equal(refresh(location, 7, 0, 200), ERR_CONFLICT);
	location_release(location, SLICE("a@b"));
	assert_int_equal(refresh(location, 7, 0, 200), OK);
	assert_int_equal(reserve(location, 7, 1), OK);
	assert_int_equal(put_aor_named(location, "a@b", 8, 300), OK); /* it is written */
	assert_int_equal(refresh(location, 8, 0, 400), OK);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(finds_the_newest_snapshot),
	cmocka_unit_test(is_complete_only_once_it_is_said),
	cmocka_unit_test(counts_what_has_not_expired),
	cmocka_unit_test(lists_in_order_page_by_page),
	cmocka_unit_test(is_read_while_it_is_written),
	cmocka_unit_test(a_refresh_is_lost_to_nobody),
	cmocka_unit_test(what_is_being_written_does_not_change_meanwhile),
};
TEST_MAIN(tests)
