#include "harness.h"

#include "base/list.h"

struct item {
	int number;
	struct link link;
};

struct fixture {
	struct list list;
	struct item items[4];
};

static void fill(struct fixture *fixture)
{
	*fixture = (struct fixture){ 0 };
	list_init(&fixture->list);
	for (int i = 0; i < 4; i++) {
		fixture->items[i].number = i;
		list_append(&fixture->list, &fixture->items[i].link);
	}
}

static void an_empty_list_has_no_first(void **state)
{
	struct list list, zeroed = { 0 };

	list_init(&list);
	assert_null(list_first(&list));
	assert_null(list_take_first(&list));
	assert_null(list_first(&zeroed));
	LIST_EACH (item, &list, struct item, link)
		fail_msg("%d", item->number);
	LIST_EACH (item, &zeroed, struct item, link)
		fail_msg("%d", item->number);
}

static void appended_elements_come_in_order(void **state)
{
	struct fixture fixture;
	int expected = 0;

	fill(&fixture);
	assert_int_equal(fixture.list.n, 4);
	LIST_EACH (item, &fixture.list, struct item, link)
		assert_int_equal(item->number, expected++);
	assert_int_equal(expected, 4);
}

static void a_prepended_element_comes_first(void **state)
{
	struct fixture fixture;
	struct item item = { .number = 9 };

	fill(&fixture);
	list_prepend(&fixture.list, &item.link);
	assert_ptr_equal(list_first(&fixture.list), &item.link);
	assert_int_equal(fixture.list.n, 5);
}

static void the_body_may_remove_the_current_element(void **state)
{
	struct fixture fixture;

	fill(&fixture);
	LIST_EACH (item, &fixture.list, struct item, link)
		if (item->number % 2)
			list_remove(&fixture.list, &item->link);
	assert_int_equal(fixture.list.n, 2);
	LIST_EACH (item, &fixture.list, struct item, link)
		list_remove(&fixture.list, &item->link);
	assert_int_equal(fixture.list.n, 0);
	assert_null(list_first(&fixture.list));
}

static void break_leaves_the_loop(void **state)
{
	struct fixture fixture;
	int n = 0;

	fill(&fixture);
	LIST_EACH (item, &fixture.list, struct item, link) {
		n++;
		if (item->number == 1)
			break;
	}
	assert_int_equal(n, 2);
}

static void a_removed_link_can_be_added_again(void **state)
{
	struct fixture fixture;
	struct link *first;

	fill(&fixture);
	first = list_take_first(&fixture.list);
	assert_ptr_equal(first, &fixture.items[0].link);
	assert_false(link_is_in_list(first));
	list_remove(&fixture.list, first);
	assert_int_equal(fixture.list.n, 3);
	list_append(&fixture.list, first);
	assert_true(link_is_in_list(first));
	assert_int_equal(fixture.list.n, 4);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(an_empty_list_has_no_first),
	cmocka_unit_test(appended_elements_come_in_order),
	cmocka_unit_test(a_prepended_element_comes_first),
	cmocka_unit_test(the_body_may_remove_the_current_element),
	cmocka_unit_test(break_leaves_the_loop),
	cmocka_unit_test(a_removed_link_can_be_added_again),
};

TEST_MAIN(tests)
