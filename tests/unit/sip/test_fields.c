#include "harness.h"

#include "sip/fields.h"

#define N(array) (sizeof(array) / sizeof(array)[0])

static void assert_text(struct slice actual, const char *expected)
{
	if (!slice_eq(actual, slice_of(expected)))
		fail_msg("\"%.*s\" is not \"%s\"", SLICE_FMT(actual), expected);
}

/* A value and the number in it, or -1. */
struct row {
	const char *text;
	int64_t number;
};

static int64_t delta(struct slice text)
{
	uint32_t seconds;

	return sip_delta_parse(text, &seconds) ? (int64_t)seconds : -1;
}

static int64_t q(struct slice text)
{
	uint16_t thousandths;

	return sip_q_parse(text, &thousandths) ? thousandths : -1;
}

static int64_t retry_after(struct slice text)
{
	uint32_t seconds;

	return sip_retry_after_parse(text, &seconds) ? (int64_t)seconds : -1;
}

static int64_t rseq(struct slice text)
{
	uint32_t number;

	return sip_rseq_parse(text, &number) ? (int64_t)number : -1;
}

static void check_rows(int64_t (*number)(struct slice), const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (number(slice_of(rows[i].text)) != rows[i].number)
			fail_msg("\"%s\" is %lld", rows[i].text, (long long)number(slice_of(rows[i].text)));
}

#define CHECK(number, ...)                                              \
	do {                                                            \
		static const struct row rows[] = { __VA_ARGS__ };       \
		check_rows(number, rows, sizeof rows / sizeof rows[0]); \
	} while (0)

static void seconds_fit_into_32_bits(void **state)
{
	CHECK(delta, { "0", 0 }, { "3600", 3600 }, { "4294967295", 4294967295 }, { "4294967296", -1 },
	      { "0007", 7 }, { "", -1 }, { "-1", -1 }, { "1 ", -1 }, { "1.5", -1 });
}

static void q_has_three_decimals_at_most(void **state)
{
	CHECK(q, { "0", 0 }, { "1", 1000 }, { "0.", 0 }, { "0.5", 500 }, { "0.33", 330 }, { "0.999", 999 },
	      { "1.000", 1000 }, { "1.001", -1 }, { "0.1234", -1 }, { "2", -1 }, { ".5", -1 }, { "", -1 },
	      { "0,5", -1 });
}

static void retry_after_may_carry_a_comment_and_parameters(void **state)
{
	CHECK(retry_after, { "120", 120 }, { "18000;duration=3600", 18000 },
	      { "120 (I'm in a meeting)", 120 }, { "120 (a(b)) ;duration=1", 120 }, { "120 (open", -1 },
	      { "soon", -1 }, { "1;", -1 });
}

static void rseq_is_not_zero(void **state)
{
	CHECK(rseq, { "1", 1 }, { "4294967295", 4294967295 }, { "0", -1 }, { "4294967296", -1 }, { "x", -1 });
}

static void a_media_type_is_compared_without_case(void **state)
{
	struct sip_media_type type;

	assert_true(sip_media_type_parse(SLICE("Application/SDP;charset=\"utf-8\""), &type));
	assert_true(sip_media_type_is(&type, SLICE("application"), SLICE("sdp")));
	assert_false(sip_media_type_is(&type, SLICE("application"), SLICE("sd")));
	assert_text(type.params, ";charset=\"utf-8\"");
	assert_true(sip_media_type_parse(SLICE("multipart / mixed ; boundary=7a9cbec02ceef655"), &type));
	assert_false(sip_media_type_parse(SLICE("application"), &type));
	assert_false(sip_media_type_parse(SLICE("application/"), &type));
	assert_false(sip_media_type_parse(SLICE("a/b;x=1;X=2"), &type));
	assert_false(sip_media_type_parse(SLICE("a/b, c/d"), &type));
}

static void events_may_have_an_id(void **state)
{
	struct sip_event event;

	assert_true(sip_event_parse(SLICE("refer;id=93809824"), &event));
	assert_text(event.package, "refer");
	assert_text(event.id, "93809824");
	assert_true(sip_event_parse(SLICE("presence.winfo"), &event));
	assert_null(event.id.ptr);
	assert_false(sip_event_parse(SLICE(""), &event));
	assert_false(sip_event_parse(SLICE("a;id=1;id=2"), &event));
}

static void subscriptions_have_a_state(void **state)
{
	struct sip_subscription_state subscription;

	assert_true(sip_subscription_state_parse(SLICE("terminated;reason=noresource;retry-after=5"),
						 &subscription));
	assert_text(subscription.state, "terminated");
	assert_text(subscription.reason, "noresource");
	assert_false(subscription.has_expires);
	assert_true(sip_subscription_state_parse(SLICE("active; expires=60"), &subscription));
	assert_true(subscription.has_expires);
	assert_int_equal(subscription.expires, 60);
	assert_false(sip_subscription_state_parse(SLICE("active;expires=(depends)"), &subscription));
	assert_false(sip_subscription_state_parse(SLICE("active;expires=x"), &subscription));
	assert_false(sip_subscription_state_parse(SLICE(";expires=1"), &subscription));
}

static void rack_names_the_response_and_the_request(void **state)
{
	static const char *const bad[] = {
		"", "1", "1 2", "0 2 INVITE", "1 2 INVITE x", "4294967296 1 INVITE", "1 2147483648 INVITE"
	};
	struct sip_rack rack;

	assert_true(sip_rack_parse(SLICE("776656 1 INVITE"), &rack));
	assert_int_equal(rack.rseq, 776656);
	assert_int_equal(rack.cseq.number, 1);
	assert_int_equal(rack.cseq.method, SIP_INVITE);
	for (size_t i = 0; i < N(bad); i++)
		assert_false(sip_rack_parse(slice_of(bad[i]), &rack));
}

static void session_expires_may_name_the_refresher(void **state)
{
	struct sip_session_expires expires;

	assert_true(sip_session_expires_parse(SLICE("4000;refresher=UAC"), &expires));
	assert_int_equal(expires.seconds, 4000);
	assert_int_equal(expires.refresher, SIP_REFRESHER_UAC);
	assert_true(sip_session_expires_parse(SLICE("90 ; refresher=uas"), &expires));
	assert_int_equal(expires.refresher, SIP_REFRESHER_UAS);
	assert_true(sip_session_expires_parse(SLICE("90"), &expires));
	assert_int_equal(expires.refresher, SIP_REFRESHER_NONE);
	assert_false(sip_session_expires_parse(SLICE("90;refresher=me"), &expires));
	assert_false(sip_session_expires_parse(SLICE("x"), &expires));
}

static void replaces_names_a_dialog(void **state)
{
	static const char *const bad[] = {
		"",
		"a@b",
		"a@b;to-tag=1",
		"a@b;from-tag=1",
		"a@b;to-tag;from-tag=1",
		"a@b;to-tag=1;to-tag=2;from-tag=3",
	};
	struct sip_replaces replaces;

	assert_true(sip_replaces_parse(SLICE("12adf2f34456gs5;to-tag=12345;from-tag=54321"), &replaces));
	assert_text(replaces.call_id, "12adf2f34456gs5");
	assert_text(replaces.to_tag, "12345");
	assert_text(replaces.from_tag, "54321");
	assert_false(replaces.early_only);
	assert_true(sip_replaces_parse(SLICE("a@b;from-tag=r33th4x0r;to-tag=ff87ff;early-only"), &replaces));
	assert_true(replaces.early_only);
	for (size_t i = 0; i < N(bad); i++)
		assert_false(sip_replaces_parse(slice_of(bad[i]), &replaces));
}

static void a_body_may_be_optional(void **state)
{
	static const struct {
		const char *label, *headers;
		bool is_optional;
	} rows[] = {
		{ "none", "Content-Length: 0\r\n\r\n", true },
		{ "as it is by default", "Content-Length: 2\r\n\r\nhi", false },
		{ "said so", "Content-Disposition: render;handling=optional\r\n\r\nhi", true },
		{ "in capitals, with others", "Content-Disposition: x; a=b ; Handling = OPTIONAL\r\n\r\nhi",
		  true },
		{ "required", "Content-Disposition: session;handling=required\r\n\r\nhi", false },
		{ "another", "Content-Disposition: session;handling=perhaps\r\n\r\nhi", false },
		{ "elsewhere", "Content-Disposition: handling\r\n\r\nhi", false },
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct sip_message *message;
		struct sip_fault fault;
		char text[256];

		snprintf(text, sizeof text, "OPTIONS sip:a SIP/2.0\r\n%s", rows[i].headers);
		assert_int_equal(sip_message_parse(slice_of(text), &sip_limits_default, &message, &fault),
				 OK);
		if (sip_body_is_optional(message) != rows[i].is_optional)
			fail_msg("%s", rows[i].label);
		sip_message_free(message);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(seconds_fit_into_32_bits),
	cmocka_unit_test(q_has_three_decimals_at_most),
	cmocka_unit_test(retry_after_may_carry_a_comment_and_parameters),
	cmocka_unit_test(rseq_is_not_zero),
	cmocka_unit_test(a_media_type_is_compared_without_case),
	cmocka_unit_test(events_may_have_an_id),
	cmocka_unit_test(subscriptions_have_a_state),
	cmocka_unit_test(rack_names_the_response_and_the_request),
	cmocka_unit_test(session_expires_may_name_the_refresher),
	cmocka_unit_test(replaces_names_a_dialog),
	cmocka_unit_test(a_body_may_be_optional),
};

TEST_MAIN(tests)
