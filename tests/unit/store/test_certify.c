#include "store/certify.h"

#include "harness.h"

#define NOW  1790000000
#define LATE (NOW + 100000)

static struct device_certificate certificate(uint8_t key, uint8_t fingerprint)
{
	struct device_certificate one = { .der = SLICE("der"), .expires = LATE, .until = LATE + 50 };

	one.key[0] = key;
	one.fingerprint[0] = fingerprint;
	return one;
}

/* Publishes; the list before is let go of. */
static enum err publish(struct certificates **list, struct device_certificate one, uint64_t follows,
			uint64_t tag)
{
	struct certify change = { .step = CERTIFY_KEEP, .certificate = &one, .tag = follows, .now = NOW };
	struct certificates *after = NULL;

	TRY(certify(*list, &change, tag, &after));
	certificates_unref(*list);
	*list = after;
	return OK;
}

static enum err step(struct certificates **list, const struct certify *change, uint64_t tag)
{
	struct certificates *after = NULL;

	TRY(certify(*list, change, tag, &after));
	certificates_unref(*list);
	*list = after;
	return OK;
}

static void each_key_has_one_certificate(void **state)
{
	AUTO(certificates) struct certificates *list = NULL;

	assert_int_equal(publish(&list, certificate(1, 11), 0, 1), OK);
	assert_int_equal(publish(&list, certificate(2, 22), 0, 2), OK);
	assert_int_equal(publish(&list, certificate(1, 12), 0, 3), OK);
	assert_int_equal(list->n, 2);
	assert_int_equal(list->all[1].fingerprint[0], 12);
	assert_int_equal(list->all[1].tag, 3);
	assert_null(certificates_find(list, 1, NOW));
	assert_ptr_equal(certificates_find(list, 3, NOW), &list->all[1]);
	/* another key in place of an earlier publication */
	assert_int_equal(publish(&list, certificate(3, 33), 2, 4), OK);
	assert_int_equal(list->n, 2);
	assert_int_equal(list->all[0].key[0], 1);
	assert_int_equal(list->all[1].key[0], 3);
	assert_int_equal(publish(&list, certificate(4, 44), 2, 5), ERR_NOT_FOUND);
}

static void what_has_ended_goes(void **state)
{
	AUTO(certificates) struct certificates *list = NULL;
	struct device_certificate brief = certificate(1, 11);

	brief.expires = NOW;
	assert_int_equal(publish(&list, brief, 0, 1), OK);
	assert_null(certificates_find(list, 1, NOW));
	assert_int_equal(publish(&list, certificate(2, 22), 0, 2), OK);
	assert_int_equal(list->n, 1);
	assert_int_equal(publish(&list, certificate(3, 33), 1, 3), ERR_NOT_FOUND);
}

static void the_one_published_longest_ago_makes_room(void **state)
{
	AUTO(certificates) struct certificates *list = NULL;

	for (unsigned i = 1; i <= DEVICE_CERTIFICATES_MAX + 2; i++)
		assert_int_equal(publish(&list, certificate((uint8_t)i, (uint8_t)i), 0, i), OK);
	assert_int_equal(list->n, DEVICE_CERTIFICATES_MAX);
	assert_int_equal(list->all[0].key[0], 3);
}

static void is_kept_longer_but_not_beyond_its_end_and_withdrawn(void **state)
{
	AUTO(certificates) struct certificates *list = NULL;
	struct certify change = { .step = CERTIFY_LONGER, .tag = 1, .expires = LATE + 99, .now = NOW };

	assert_int_equal(publish(&list, certificate(1, 11), 0, 1), OK);
	assert_int_equal(step(&list, &change, 2), OK);
	assert_int_equal(list->all[0].expires, LATE + 50);
	assert_int_equal(list->all[0].tag, 2);
	assert_int_equal(step(&list, &change, 3), ERR_NOT_FOUND);
	change = (struct certify){ .step = CERTIFY_DROP, .tag = 2, .now = NOW };
	assert_int_equal(step(&list, &change, 3), OK);
	assert_null(list);
	assert_int_equal(step(&list, &change, 4), ERR_NOT_FOUND);
}

static void a_revoked_key_never_comes_again(void **state)
{
	AUTO(certificates) struct certificates *list = NULL;
	struct device_certificate lost = certificate(1, 11);
	struct certify change = {
		.step = CERTIFY_REVOKE,
		.now = NOW,
		.fingerprint = slice_from(lost.fingerprint, sizeof(lost.fingerprint)),
	};

	assert_int_equal(publish(&list, lost, 0, 1), OK);
	assert_int_equal(publish(&list, certificate(2, 22), 0, 2), OK);
	assert_int_equal(step(&list, &change, 3), OK);
	assert_null(certificates_find(list, 1, NOW));
	assert_non_null(certificates_find(list, 2, NOW));
	assert_int_equal(publish(&list, certificate(1, 12), 0, 4), ERR_EXISTS);
	assert_int_equal(step(&list, &change, 5), ERR_NOT_FOUND);
	change.fingerprint = slice_of(NULL); /* all others */
	assert_int_equal(step(&list, &change, 5), OK);
	assert_int_equal(publish(&list, certificate(2, 23), 0, 6), ERR_EXISTS);
	/* remembered when it would have ended, but not without bound */
	for (unsigned i = 3; i < 3 + DEVICE_REVOKED_MAX; i++) {
		assert_int_equal(publish(&list, certificate((uint8_t)i, (uint8_t)i), 0, 10 + i), OK);
		assert_int_equal(step(&list, &change, 11 + i), OK);
	}
	assert_int_equal(list->n, DEVICE_REVOKED_MAX);
	assert_int_equal(list->all[0].key[0], 3);
}

static void what_is_revoked_now_is_not_what_is_forgotten_for_it(void **state)
{
	AUTO(certificates) struct certificates *list = NULL;
	struct device_certificate old = certificate(1, 101), lost;
	struct certify change = { .step = CERTIFY_REVOKE, .now = NOW };

	assert_int_equal(publish(&list, old, 0, 1), OK);
	for (unsigned i = 2; i < 2 + DEVICE_REVOKED_MAX; i++) {
		lost = certificate((uint8_t)i, (uint8_t)i);
		change.fingerprint = slice_from(lost.fingerprint, sizeof lost.fingerprint);
		assert_int_equal(publish(&list, lost, 0, 2 * i), OK);
		assert_int_equal(step(&list, &change, 2 * i + 1), OK);
	}
	change.fingerprint = slice_from(old.fingerprint, sizeof old.fingerprint);
	assert_int_equal(step(&list, &change, 100), OK);
	assert_int_equal(list->n, DEVICE_REVOKED_MAX);
	assert_int_equal(publish(&list, certificate(1, 102), 0, 101), ERR_EXISTS);
	assert_int_equal(publish(&list, certificate(3, 33), 0, 102), ERR_EXISTS);
	assert_int_equal(list->all[0].key[0], 3); /* the one revoked longest ago is forgotten */
}

static void tells_lists_apart_by_what_is_told(void **state)
{
	AUTO(certificates) struct certificates *list = NULL;
	AUTO(certificates) struct certificates *more = NULL;

	assert_false(certificates_differ(NULL, NOW, NULL, NOW));
	assert_int_equal(publish(&list, certificate(1, 11), 0, 1), OK);
	assert_true(certificates_differ(NULL, NOW, list, NOW));
	assert_true(certificates_differ(list, NOW, list, LATE)); /* by its time alone */
	assert_false(certificates_differ(NULL, NOW, list, LATE));
	assert_int_equal(publish(&more, certificate(1, 11), 0, 7), OK);
	assert_false(certificates_differ(list, NOW, more, NOW)); /* its tag is nobody's affair */
	assert_int_equal(publish(&more, certificate(1, 12), 0, 8), OK);
	assert_true(certificates_differ(list, NOW, more, NOW));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(each_key_has_one_certificate),
	cmocka_unit_test(what_has_ended_goes),
	cmocka_unit_test(the_one_published_longest_ago_makes_room),
	cmocka_unit_test(is_kept_longer_but_not_beyond_its_end_and_withdrawn),
	cmocka_unit_test(a_revoked_key_never_comes_again),
	cmocka_unit_test(what_is_revoked_now_is_not_what_is_forgotten_for_it),
	cmocka_unit_test(tells_lists_apart_by_what_is_told),
};
TEST_MAIN(tests)
