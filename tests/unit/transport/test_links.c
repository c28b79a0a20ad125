/* Declared links (transport_set_links()). */
#include "stage.h"

/* Loopback stands for the link; "sealine-none" is an interface that there is not. */
static const struct address link_addresses[] = { { .family = ADDRESS_V4, .ip = { 127, 0, 0, 1 } } };
static const struct transport_link by_any[] = { { SLICE_INIT("vault"), link_addresses, 1, SLICE_INIT("") } };
static const struct transport_link by_loopback[] = { { SLICE_INIT("vault"), link_addresses, 1,
						       SLICE_INIT("lo") } };
static const struct transport_link by_none[] = { { SLICE_INIT("vault"), link_addresses, 1,
						   SLICE_INIT("sealine-none") } };
static const struct transport_link renamed[] = { { SLICE_INIT("wire"), link_addresses, 1,
						   SLICE_INIT("lo") } };

static void set_links(struct end *end, const struct transport_link *link)
{
	transport_set_links(end->transport, (struct transport_links){ link, link ? 1 : 0 },
			    net_now(end->net));
}

static void a_connection_over_a_declared_link_is_shown_as_such(void **state)
{
	const struct flow_view *view;

	raise_curtain(TRANSPORT_TCP);
	set_links(&near_end, by_any);
	set_links(&far_end, by_loopback);
	dial(TRANSPORT_TCP, "127.0.0.1", "");
	UNTIL(far_end.opened == 1);
	view = endpoint_flow_view(near_end.endpoint, near_end.flow);
	assert_non_null(view);
	assert_true(slice_eq(view->link, SLICE("vault")) && view->verified.len == 0);
	view = endpoint_flow_view(far_end.endpoint, far_end.flow);
	assert_non_null(view);
	assert_true(slice_eq(view->link, SLICE("vault")) && view->verified.len == 0);
	ask();
	UNTIL(near_end.responses == 1);
	assert_int_equal(transport_counts(near_end.transport).declared, 1);
	assert_int_equal(transport_counts(near_end.transport).clear, 0);
}

static void nothing_of_a_link_goes_by_another_interface(void **state)
{
	raise_curtain(TRANSPORT_TCP);
	set_links(&near_end, by_none);
	dial(TRANSPORT_TCP, "127.0.0.1", "");
	assert_int_equal(near_end.err, ERR_IO);
	assert_int_equal(transport_counts(far_end.transport).accepted, 0);
	set_links(&near_end, NULL);
	set_links(&far_end, by_none);
	dial(TRANSPORT_TCP, "127.0.0.1", "");
	UNTIL(near_end.lost == 1 && transport_counts(far_end.transport).refused_connections == 1);
	assert_int_equal(far_end.opened, 0);
}

static void a_link_that_is_declared_otherwise_ends_its_connections(void **state)
{
	static const struct {
		const struct transport_link *before, *after;
		bool ends;
	} rows[] = {
		{ by_loopback, by_loopback, false }, { by_loopback, by_any, true },
		{ by_loopback, renamed, true },      { by_loopback, NULL, true },
		{ NULL, by_loopback, true },         { NULL, NULL, false },
	};

	for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
		raise_curtain(TRANSPORT_TCP);
		set_links(&near_end, rows[row].before);
		dial(TRANSPORT_TCP, "127.0.0.1", "");
		assert_int_equal(near_end.err, OK);
		UNTIL(far_end.opened == 1);
		set_links(&near_end, rows[row].after);
		if (rows[row].ends) {
			UNTIL(near_end.lost == 1);
			assert_string_equal(near_end.why, "its link is declared otherwise now");
		} else {
			ask();
			UNTIL(near_end.responses == 1);
		}
		assert_int_equal(stage_tear_down(state), 0);
	}
}

static void a_connection_over_tls_is_known_by_its_certificate_alone(void **state)
{
	const struct flow_view *view;

	raise_curtain(TRANSPORT_TLS);
	set_links(&near_end, by_loopback);
	dial(TRANSPORT_TLS, "127.0.0.1", "localhost");
	assert_int_equal(near_end.err, OK);
	view = endpoint_flow_view(near_end.endpoint, near_end.flow);
	assert_non_null(view);
	assert_true(slice_eq(view->verified, SLICE("localhost")) && view->link.len == 0);
}

static const struct CMUnitTest tests[] = {
	play(a_connection_over_a_declared_link_is_shown_as_such),
	play(nothing_of_a_link_goes_by_another_interface),
	play(a_link_that_is_declared_otherwise_ends_its_connections),
	play(a_connection_over_tls_is_known_by_its_certificate_alone),
};
TEST_MAIN(tests)
