#include "harness.h"

#include "base/address.h"

/* clang-format off */
static const struct {
	const char *label, *text;
	const char *ip;   /* as written back; NULL = refused */
	enum address_family family;
} ip_rows[] = {
	{ "v4",                        "192.0.2.7",            "192.0.2.7",         ADDRESS_V4 },
	{ "v4 least",                  "0.0.0.0",              "0.0.0.0",           ADDRESS_V4 },
	{ "v4 most",                   "255.255.255.255",      "255.255.255.255",   ADDRESS_V4 },
	{ "v4 octet out of range",     "192.0.2.256",          NULL,                ADDRESS_NONE },
	{ "v4 leading zero",           "192.0.2.07",           NULL,                ADDRESS_NONE },
	{ "v4 three parts",            "192.0.2",              NULL,                ADDRESS_NONE },
	{ "v4 five parts",             "192.0.2.1.1",          NULL,                ADDRESS_NONE },
	{ "v4 in brackets",            "[192.0.2.7]",          NULL,                ADDRESS_NONE },
	{ "v4 hexadecimal",            "0xc0.0.2.7",           NULL,                ADDRESS_NONE },
	{ "v4 with a blank",           " 192.0.2.7",           NULL,                ADDRESS_NONE },
	{ "v6",                        "2001:db8::1",          "2001:db8::1",       ADDRESS_V6 },
	{ "v6 in brackets",            "[2001:db8::1]",        "2001:db8::1",       ADDRESS_V6 },
	{ "v6 loopback",               "::1",                  "::1",               ADDRESS_V6 },
	{ "v6 any",                    "::",                   "::",                ADDRESS_V6 },
	{ "v6 RFC 5952 lower case",    "2001:DB8::ABCD",       "2001:db8::abcd",    ADDRESS_V6 },
	{ "v6 RFC 5952 zeros",         "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", ADDRESS_V6 },
	{ "v6 that is v4",             "::ffff:192.0.2.7",     "192.0.2.7",         ADDRESS_V4 },
	{ "v6 that is v4, bracketed",  "[::ffff:c000:207]",    "192.0.2.7",         ADDRESS_V4 },
	{ "v6 longest text",           "1111:2222:3333:4444:5555:6666:255.255.255.255",
	                               "1111:2222:3333:4444:5555:6666:ffff:ffff",   ADDRESS_V6 },
	{ "v6 half a bracket",         "[::1",                 NULL,                ADDRESS_NONE },
	{ "v6 other half",             "::1]",                 NULL,                ADDRESS_NONE },
	{ "v6 two gaps",               "1::2::3",              NULL,                ADDRESS_NONE },
	{ "v6 nine groups",            "1:2:3:4:5:6:7:8:9",    NULL,                ADDRESS_NONE },
	{ "v6 zone",                   "fe80::1%eth0",         NULL,                ADDRESS_NONE },
	{ "a name",                    "sip.example.org",      NULL,                ADDRESS_NONE },
	{ "empty",                     "",                     NULL,                ADDRESS_NONE },
	{ "empty brackets",            "[]",                   NULL,                ADDRESS_NONE },
	{ "one bracket",               "[",                    NULL,                ADDRESS_NONE },
	{ "too long",                  "1111:2222:3333:4444:5555:6666:255.255.255.2555555", NULL, ADDRESS_NONE },
};

static const struct {
	const char *label, *text;
	const char *back; /* as written back; NULL = refused */
} address_rows[] = {
	{ "v4",                    "192.0.2.7:5061",           "192.0.2.7:5061" },
	{ "v6",                    "[2001:DB8::1]:5061",       "[2001:db8::1]:5061" },
	{ "v6 that is v4",         "[::ffff:192.0.2.7]:65535", "192.0.2.7:65535" },
	{ "port 0",                "127.0.0.1:0",              "127.0.0.1:0" },
	{ "no port",               "192.0.2.7",                NULL },
	{ "empty port",            "192.0.2.7:",               NULL },
	{ "port out of range",     "192.0.2.7:65536",          NULL },
	{ "text after the port",   "192.0.2.7:5061x",          NULL },
	{ "negative port",         "192.0.2.7:-1",             NULL },
	{ "v6 without brackets",   "2001:db8::1:5061",         NULL },
	{ "v6 without port",       "[::1]",                    NULL },
	{ "text after bracket",    "[::1]x:5061",              NULL },
	{ "no address",            ":5061",                    NULL },
	{ "empty",                 "",                         NULL },
};
/* clang-format on */

static void ip_texts_are_read_strictly_and_written_canonically(void **state)
{
	for (size_t i = 0; i < sizeof ip_rows / sizeof ip_rows[0]; i++) {
		struct address address = { 0 };
		char buf[64];
		struct writer out = writer_of(buf, sizeof buf);
		bool ok = address_parse_ip(slice_of(ip_rows[i].text), &address);

		if (ok != (ip_rows[i].ip != NULL))
			fail_msg("%s", ip_rows[i].label);
		assert_int_equal(address.family, ip_rows[i].family);
		assert_int_equal(address.port, 0);
		put_ip(&out, &address);
		if (!slice_eq(writer_text(&out), slice_of(ip_rows[i].ip)))
			fail_msg("%s: %.*s", ip_rows[i].label, SLICE_FMT(writer_text(&out)));
	}
}

static void an_address_needs_its_port(void **state)
{
	for (size_t i = 0; i < sizeof address_rows / sizeof address_rows[0]; i++) {
		struct address address;
		char buf[64];
		struct writer out = writer_of(buf, sizeof buf);

		if (address_parse(slice_of(address_rows[i].text), &address))
			put_address(&out, &address);
		if (!slice_eq(writer_text(&out), slice_of(address_rows[i].back)))
			fail_msg("%s: %.*s", address_rows[i].label, SLICE_FMT(writer_text(&out)));
	}
}

static void a_nul_does_not_end_the_text(void **state)
{
	struct address address;

	assert_false(address_parse_ip(SLICE("192.0.2.7\0"), &address));
	assert_false(address_parse_ip(SLICE("192.0.2.7\0x"), &address));
}

static struct address parsed(const char *text)
{
	struct address address = { 0 };

	assert_true(address_parse(slice_of(text), &address));
	return address;
}

static void equality_looks_at_family_ip_and_port(void **state)
{
	struct address a = parsed("192.0.2.7:1"), same = parsed("[::ffff:192.0.2.7]:1");
	struct address other_port = parsed("192.0.2.7:2"), other_ip = parsed("192.0.2.8:1");
	struct address v6 = parsed("[c000:207::]:1"), none = { 0 };

	assert_true(address_eq(&a, &same));
	assert_false(address_eq(&a, &other_port));
	assert_true(address_eq_ip(&a, &other_port));
	assert_false(address_eq(&a, &other_ip));
	assert_false(address_eq_ip(&a, &v6));
	assert_false(address_eq_ip(&a, &none));
	assert_true(address_eq(&none, &none));
}

static void loopback_is_127_and_1(void **state)
{
	static const struct {
		const char *text;
		bool loopback;
	} rows[] = {
		{ "127.0.0.1:1", true },  { "127.255.0.9:1", true },        { "128.0.0.1:1", false },
		{ "[::1]:1", true },      { "[::ffff:127.0.0.1]:1", true }, { "[::2]:1", false },
		{ "[7f00::1]:1", false },
	};
	struct address none = { 0 };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct address address = parsed(rows[i].text);

		if (address_is_loopback(&address) != rows[i].loopback)
			fail_msg("%s", rows[i].text);
	}
	assert_false(address_is_loopback(&none));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(ip_texts_are_read_strictly_and_written_canonically),
	cmocka_unit_test(an_address_needs_its_port),
	cmocka_unit_test(a_nul_does_not_end_the_text),
	cmocka_unit_test(equality_looks_at_family_ip_and_port),
	cmocka_unit_test(loopback_is_127_and_1),
};

TEST_MAIN(tests)
