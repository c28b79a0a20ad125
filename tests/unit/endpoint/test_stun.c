#include "harness.h"

#include "endpoint/stun.h"

#define COOKIE      "\x21\x12\xa4\x42"
#define TRANSACTION "\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"

static void check(struct slice request, const char *from, struct slice answer)
{
	char buf[STUN_ANSWER_MAX];
	struct writer out = writer_of(buf, sizeof buf);
	struct address peer;

	assert_true(address_parse(slice_of(from), &peer));
	put_stun_answer(&out, request, &peer);
	assert_false(out.overflow);
	assert_int_equal(out.len, answer.len);
	assert_memory_equal(out.buf, answer.ptr, answer.len);
}

/* The answers of RFC 5769 §2.2 and §2.3, without the attributes that need a password. */
static void a_request_is_answered_with_where_it_came_from(void **state) /* RFC5389:15.2 */
{
	check(SLICE("\x00\x01\x00\x00" COOKIE TRANSACTION), "192.0.2.1:32853",
	      SLICE("\x01\x01\x00\x0c" COOKIE TRANSACTION
		    "\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43"));
	check(SLICE("\x00\x01\x00\x00" COOKIE TRANSACTION), "[2001:db8:1234:5678:11:2233:4455:6677]:32853",
	      SLICE("\x01\x01\x00\x18" COOKIE TRANSACTION "\x00\x20\x00\x14\x00\x02\xa1\x47"
		    "\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9"));
}

static void what_need_not_be_understood_is_passed_over(void **state)
{
	check(SLICE("\x00\x01\x00\x0c" COOKIE TRANSACTION "\x80\x22\x00\x03"
		    "abc\0"
		    "\x00\x06\x00\x00"),
	      "192.0.2.1:32853",
	      SLICE("\x01\x01\x00\x0c" COOKIE TRANSACTION
		    "\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43"));
}

static void what_has_to_be_understood_and_is_not_is_named(void **state) /* RFC5389:7.3.1 */
{
	check(SLICE("\x00\x01\x00\x04" COOKIE TRANSACTION "\x00\x24\x00\x00"), "192.0.2.1:32853",
	      SLICE("\x01\x11\x00\x24" COOKIE TRANSACTION "\x00\x09\x00\x15\x00\x00\x04\x14"
		    "Unknown Attribute   "
		    "\x00\x0a\x00\x02\x00\x24\x00\x00"));
}

static void what_is_no_binding_request_gets_no_answer(void **state)
{
	static const struct slice datagrams[] = {
		SLICE_INIT(""),
		SLICE_INIT("\x00\x01\x00\x00" COOKIE "short"),
		SLICE_INIT("\x00\x01\x00\x00\x21\x12\xa4\x43" TRANSACTION),
		SLICE_INIT("\x00\x01\x00\x04" COOKIE TRANSACTION),
		SLICE_INIT("\x00\x01\x00\x02" COOKIE TRANSACTION "ab"),
		SLICE_INIT("\x01\x01\x00\x00" COOKIE TRANSACTION),
		SLICE_INIT("\x00\x11\x00\x00" COOKIE TRANSACTION),
		SLICE_INIT("\x00\x01\x00\x04" COOKIE TRANSACTION "\x80\x22\x00\x04"),
		SLICE_INIT("OPTIONS sip:example.org SIP/2.0\r\n\r\n"),
	};

	for (size_t i = 0; i < sizeof datagrams / sizeof datagrams[0]; i++)
		check(datagrams[i], "192.0.2.1:5060", SLICE(""));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_request_is_answered_with_where_it_came_from),
	cmocka_unit_test(what_need_not_be_understood_is_passed_over),
	cmocka_unit_test(what_has_to_be_understood_and_is_not_is_named),
	cmocka_unit_test(what_is_no_binding_request_gets_no_answer),
};

TEST_MAIN(tests)
