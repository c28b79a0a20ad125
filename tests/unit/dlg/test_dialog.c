#include "harness.h"

#include "base/writer.h"
#include "dlg/dialog.h"

/* What differs from one case to the next; absent lines are left out. */
struct shape {
	const char *uri, *contact, *routes; /* routes: complete lines */
	unsigned status;                    /* 0: a request */
	const char *to_tag;
};

static struct sip_message *parse(const struct shape *shape)
{
	char text[2048];
	struct sip_message *message = NULL;
	struct sip_fault fault;
	int n;

	if (shape->status)
		n = snprintf(text, sizeof text, "SIP/2.0 %u OK\r\n", shape->status);
	else
		n = snprintf(text, sizeof text, "INVITE %s SIP/2.0\r\nMax-Forwards: 70\r\n", shape->uri);
	n += snprintf(text + n, sizeof text - (size_t)n,
		      "Via: SIP/2.0/TLS a.example;branch=z9hG4bK1\r\n"
		      "From: \"A\" <sips:alice@a.example>;tag=from\r\nTo: <sips:bob@b.example>%s%s\r\n"
		      "Call-ID: c1\r\nCSeq: 7 INVITE\r\n%s%s%s%sContent-Length: 0\r\n\r\n",
		      shape->to_tag ? ";tag=" : "", shape->to_tag ? shape->to_tag : "",
		      shape->routes ? shape->routes : "", shape->contact ? "Contact: " : "",
		      shape->contact ? shape->contact : "", shape->contact ? "\r\n" : "");
	assert_int_equal(
		sip_message_parse(slice_from(text, (size_t)n), &sip_limits_default, &message, &fault), OK);
	return message;
}

static const struct dlg_sent sent = {
	.call_id = { "c1", 2 },
	.from_tag = { "from", 4 },
	.from = { "<sips:alice@a.example>;tag=from", 31 },
	.cseq = 7,
	.secure = true,
};

static void assert_headers(const struct dlg *dlg, const char *expected)
{
	char text[2048];
	struct writer out = writer_of(text, sizeof text - 1);

	put_dlg_headers(&out, dlg);
	text[out.len] = '\0';
	assert_string_equal(text, expected);
}

static void assert_slice(struct slice text, const char *expected)
{
	assert_true(slice_eq(text, slice_of(expected)));
}

static void a_caller_takes_the_route_set_in_reverse(void **state)
{
	AUTO(sip_message)
	struct sip_message *response = parse(&(struct shape){
		.status = 200,
		.to_tag = "to",
		.contact = "<sips:bob@192.0.2.9:4711>",
		.routes =
			"Record-Route: <sips:p2.example;lr>\r\nRecord-Route: <sips:p1.example;lr>;x=y\r\n" });
	AUTO(dlg) struct dlg *dlg = NULL;

	assert_int_equal(dlg_new_uac(&sent, response, &dlg), OK); /* RFC3261:12.1.2 */
	assert_int_equal(dlg->state, DLG_CONFIRMED);
	assert_int_equal(dlg->local_cseq, 7);
	assert_int_equal(dlg->remote_cseq, 0);
	assert_slice(dlg->remote_tag, "to");
	assert_slice(dlg_request_uri(dlg), "sips:bob@192.0.2.9:4711");
	assert_headers(dlg, "Route: <sips:p1.example;lr>;x=y, <sips:p2.example;lr>\r\n"
			    "From: <sips:alice@a.example>;tag=from\r\nTo: <sips:bob@b.example>;tag=to\r\n"
			    "Call-ID: c1\r\nMax-Forwards: 70\r\n");
}

static void a_callee_takes_the_route_set_as_it_stands(void **state)
{
	AUTO(sip_message)
	struct sip_message *request = parse(
		&(struct shape){ .uri = "sips:bob@192.0.2.9",
				 .contact = "<sips:alice@192.0.2.1>",
				 .routes = "Record-Route: <sips:p2.example;lr>, <sips:p1.example;lr>\r\n" });
	AUTO(dlg) struct dlg *dlg = NULL;

	assert_int_equal(dlg_new_uas(request, SLICE("mine"), true, &dlg), OK); /* RFC3261:12.1.1 */
	assert_int_equal(dlg->state, DLG_EARLY);
	assert_int_equal(dlg->remote_cseq, 7);
	assert_int_equal(dlg->local_cseq, 0);
	assert_headers(dlg,
		       "Route: <sips:p2.example;lr>, <sips:p1.example;lr>\r\n"
		       "From: <sips:bob@b.example>;tag=mine\r\nTo: \"A\" <sips:alice@a.example>;tag=from\r\n"
		       "Call-ID: c1\r\nMax-Forwards: 70\r\n");
	dlg_confirm_uas(dlg);
	assert_int_equal(dlg->state, DLG_CONFIRMED);
}

static void a_strict_router_gets_the_request_uri_and_the_target_goes_last(void **state)
{
	/* the example of RFC3261:12.2.1.1 */
	AUTO(sip_message)
	struct sip_message *request = parse(&(struct shape){
		.uri = "sip:us@us.example",
		.contact = "<sip:user@remoteua>",
		.routes = "Record-Route: <sip:proxy1;method=INVITE;transport=tcp?Subject=x>,<sip:proxy2>,"
			  "<sip:proxy3;lr>,<sip:proxy4>\r\n" });
	AUTO(dlg) struct dlg *dlg = NULL;

	assert_int_equal(dlg_new_uas(request, SLICE("mine"), false, &dlg), OK);
	assert_slice(dlg_request_uri(dlg), "sip:proxy1;transport=tcp");
	assert_headers(dlg,
		       "Route: <sip:proxy2>, <sip:proxy3;lr>, <sip:proxy4>, <sip:user@remoteua>\r\n"
		       "From: <sips:bob@b.example>;tag=mine\r\nTo: \"A\" <sips:alice@a.example>;tag=from\r\n"
		       "Call-ID: c1\r\nMax-Forwards: 70\r\n");
}

static const struct {
	const char *label;
	struct shape shape;
	enum err err;
} bad_ways[] = {
	{ "no Contact", { .status = 200, .to_tag = "t" }, ERR_SYNTAX },
	{ "a Contact that is none", { .status = 200, .to_tag = "t", .contact = "<sips:" }, ERR_SYNTAX },
	{ "a tel Contact", { .status = 200, .to_tag = "t", .contact = "<tel:+1>" }, ERR_SYNTAX },
	{ "a sip Contact", { .status = 200, .to_tag = "t", .contact = "<sip:bob@b>" }, ERR_DENIED },
	{ "a sip hop",
	  { .status = 200,
	    .to_tag = "t",
	    .contact = "<sips:bob@b>",
	    .routes = "Record-Route: <sips:p1;lr>, <sip:p2;lr>\r\n" },
	  ERR_DENIED },
	{ "a route that is none",
	  { .status = 200, .to_tag = "t", .contact = "<sips:bob@b>", .routes = "Record-Route: nonsense\r\n" },
	  ERR_SYNTAX },
};

static void a_secure_dialog_is_made_by_a_sips_way_only(void **state)
{
	for (size_t i = 0; i < sizeof bad_ways / sizeof bad_ways[0]; i++) {
		AUTO(sip_message) struct sip_message *response = parse(&bad_ways[i].shape);
		struct dlg *dlg = NULL;
		enum err err = dlg_new_uac(&sent, response, &dlg);

		if (err != bad_ways[i].err)
			fail_msg("%s: %s", bad_ways[i].label, err_text(err));
	}
}

static void a_dialog_that_is_not_secure_may_go_by_any_way(void **state)
{
	AUTO(sip_message) struct sip_message *response = parse(&bad_ways[4].shape);
	AUTO(dlg) struct dlg *dlg = NULL;
	struct dlg_sent plain = sent;

	plain.secure = false;
	assert_int_equal(dlg_new_uac(&plain, response, &dlg), OK);
	assert_false(dlg->sips_contact);
}

static const struct {
	const char *label;
	struct shape shape;
	bool secure, sips;
} contacts[] = {
	{ "sips throughout", { .uri = "sips:b@b", .contact = "<sips:a@a>" }, true, true },
	{ "a sips Contact", { .uri = "sip:b@b", .contact = "<sips:a@a>" }, false, true },
	{ "a sips top route",
	  { .uri = "sip:b@b", .contact = "<sip:a@a>", .routes = "Record-Route: <sips:p;lr>\r\n" },
	  false,
	  true },
	{ "a sip top route before a sips Contact",
	  { .uri = "sip:b@b", .contact = "<sips:a@a>", .routes = "Record-Route: <sip:p;lr>\r\n" },
	  false,
	  false },
	{ "sip throughout", { .uri = "sip:b@b", .contact = "<sip:a@a>" }, false, false },
};

static void a_callee_answers_sips_with_a_sips_contact(void **state)
{
	for (size_t i = 0; i < sizeof contacts / sizeof contacts[0]; i++) { /* RFC3261:12.1.1 */
		AUTO(sip_message) struct sip_message *request = parse(&contacts[i].shape);
		AUTO(dlg) struct dlg *dlg = NULL;

		assert_int_equal(dlg_new_uas(request, SLICE("t"), contacts[i].secure, &dlg), OK);
		if (dlg->sips_contact != contacts[i].sips)
			fail_msg("%s", contacts[i].label);
	}
}

static void too_many_routes_are_refused(void **state)
{
	char routes[1600] = "Record-Route: <sips:p;lr>";
	size_t at = strlen(routes);

	for (int i = 0; i < DLG_MAX_ROUTES; i++, at += 14)
		memcpy(routes + at, ", <sips:pp;lr>", 15);
	memcpy(routes + at, "\r\n", 3);
	AUTO(sip_message)
	struct sip_message *response = parse(
		&(struct shape){ .status = 200, .to_tag = "t", .contact = "<sips:b@b>", .routes = routes });
	struct dlg *dlg = NULL;

	assert_int_equal(dlg_new_uac(&sent, response, &dlg), ERR_LIMIT);
}

static void the_2xx_of_an_early_dialog_sets_its_way_anew(void **state)
{
	AUTO(sip_message)
	struct sip_message *ringing = parse(&(struct shape){ .status = 180,
							     .to_tag = "to",
							     .contact = "<sips:old@b>",
							     .routes = "Record-Route: <sips:p;lr>\r\n" });
	AUTO(sip_message)
	struct sip_message *ok = parse(
		&(struct shape){ .status = 200, .to_tag = "to", .contact = "<sips:new@b>" });
	AUTO(sip_message)
	struct sip_message *other = parse(
		&(struct shape){ .status = 200, .to_tag = "fork", .contact = "<sips:new@b>" });
	AUTO(sip_message)
	struct sip_message *lower = parse(
		&(struct shape){ .status = 200, .to_tag = "to", .contact = "<sip:new@b>" });
	AUTO(dlg) struct dlg *dlg = NULL;

	assert_int_equal(dlg_new_uac(&sent, ringing, &dlg), OK);
	assert_int_equal(dlg->state, DLG_EARLY);
	assert_true(dlg_has_response(dlg, ok));
	assert_false(dlg_has_response(dlg, other));
	assert_int_equal(dlg_confirm_uac(dlg, lower), ERR_DENIED);
	assert_slice(dlg->target, "sips:old@b");
	assert_int_equal(dlg->state, DLG_EARLY);
	assert_int_equal(dlg_confirm_uac(dlg, ok), OK); /* RFC3261:13.2.2.4 */
	assert_int_equal(dlg->state, DLG_CONFIRMED);
	assert_slice(dlg->target, "sips:new@b");
	assert_headers(dlg, "From: <sips:alice@a.example>;tag=from\r\nTo: <sips:bob@b.example>;tag=to\r\n"
			    "Call-ID: c1\r\nMax-Forwards: 70\r\n");
}

static void requests_must_come_in_order(void **state)
{
	AUTO(sip_message)
	struct sip_message *request = parse(&(struct shape){ .uri = "sip:b@b", .contact = "<sip:a@a>" });
	AUTO(sip_message)
	struct sip_message *again = parse(
		&(struct shape){ .uri = "sip:b@b", .contact = "<sip:a@a>", .to_tag = "mine" });
	AUTO(sip_message)
	struct sip_message *other = parse(
		&(struct shape){ .uri = "sip:b@b", .contact = "<sip:a@a>", .to_tag = "other" });
	AUTO(dlg) struct dlg *dlg = NULL;

	assert_int_equal(dlg_new_uas(request, SLICE("mine"), false, &dlg), OK);
	assert_true(dlg_has_request(dlg, again));
	assert_false(dlg_has_request(dlg, other));
	assert_false(dlg_receive(dlg, again)); /* RFC3261:12.2.2: the number is that of the INVITE */
	again->cseq.number = 9;
	assert_true(dlg_receive(dlg, again)); /* a gap is no error */
	again->cseq.number = 8;
	assert_false(dlg_receive(dlg, again));
	assert_int_equal(dlg->remote_cseq, 9);
}

static void a_refresh_moves_the_target_but_not_off_sips(void **state)
{
	AUTO(sip_message)
	struct sip_message *request = parse(&(struct shape){ .uri = "sips:b@b", .contact = "<sips:a@h1>" });
	AUTO(sip_message)
	struct sip_message *moved = parse(&(struct shape){ .uri = "sips:b@b", .contact = "<sips:a@h2>" });
	AUTO(sip_message)
	struct sip_message *lower = parse(&(struct shape){ .uri = "sips:b@b", .contact = "<sip:a@h3>" });
	AUTO(sip_message) struct sip_message *silent = parse(&(struct shape){ .uri = "sips:b@b" });
	AUTO(dlg) struct dlg *dlg = NULL;

	assert_int_equal(dlg_new_uas(request, SLICE("t"), true, &dlg), OK);
	assert_int_equal(dlg_refresh_target(dlg, moved), OK);
	assert_slice(dlg->target, "sips:a@h2");
	assert_int_equal(dlg_refresh_target(dlg, lower), ERR_DENIED);
	assert_int_equal(dlg_refresh_target(dlg, silent), OK);
	assert_slice(dlg->target, "sips:a@h2");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_caller_takes_the_route_set_in_reverse),
	cmocka_unit_test(a_callee_takes_the_route_set_as_it_stands),
	cmocka_unit_test(a_strict_router_gets_the_request_uri_and_the_target_goes_last),
	cmocka_unit_test(a_secure_dialog_is_made_by_a_sips_way_only),
	cmocka_unit_test(a_dialog_that_is_not_secure_may_go_by_any_way),
	cmocka_unit_test(a_callee_answers_sips_with_a_sips_contact),
	cmocka_unit_test(too_many_routes_are_refused),
	cmocka_unit_test(the_2xx_of_an_early_dialog_sets_its_way_anew),
	cmocka_unit_test(requests_must_come_in_order),
	cmocka_unit_test(a_refresh_moves_the_target_but_not_off_sips),
};
TEST_MAIN(tests)
