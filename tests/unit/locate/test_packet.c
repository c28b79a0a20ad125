#include "locate/packet.h"

#include "harness.h"
#include "zone.h"

static const struct dns_question srv_of_example = { SLICE_INIT("_sips._tcp.Example.org"), DNS_SRV };

/* -- whole messages ---------------------------------------------------------------------------------------------- */

/* A response with one SRV record, whose owner is a pointer to the question's name; the target follows. */
#define HEADER(flags, rcode, questions, answers) "\x12\x34" flags rcode "\0" questions "\0" answers "\0\0\0\0"
#define QUESTION                \
	"\x05_sips\x04_tcp\x07" \
	"EXAMPLE\x03org\0\0\x21\0\x01"
#define SRV_UP_TO(length) "\xc0\x0c\0\x21\0\x01\0\0\0\x10\0" length "\0\x01\0\x02\x13\xc7"

#define LABEL_OF_63 "a23456789012345678901234567890123456789012345678901234567890123"

/* clang-format off */
static const struct {
	const char *label;
	struct slice message;
	bool opens, has_record;
	const char *target;
} messages[] = {
	{ "a compressed name", SLICE_INIT(HEADER("\x84", "\0", "\1", "\1") QUESTION SRV_UP_TO("\x0a") "\1a\xc0\x17"), true, true, "a.example.org" },
	{ "a label of 63", SLICE_INIT(HEADER("\x84", "\0", "\1", "\1") QUESTION SRV_UP_TO("\x47") "\x3f" LABEL_OF_63 "\0"), true, true, LABEL_OF_63 },
	{ "an uncompressed one", SLICE_INIT(HEADER("\x84", "\0", "\1", "\1") QUESTION SRV_UP_TO("\x09") "\1B\0"), true, true, "b" },
	{ "the root", SLICE_INIT(HEADER("\x84", "\0", "\1", "\1") QUESTION SRV_UP_TO("\x07") "\0"), true, true, "" },
	{ "no such name", SLICE_INIT(HEADER("\x84", "\3", "\1", "\0") QUESTION), true, false, NULL },
	{ "empty", SLICE_INIT(""), false, false, NULL },
	{ "half a header", SLICE_INIT("\x12\x34\x84\0\0\1"), false, false, NULL },
	{ "a query", SLICE_INIT(HEADER("\x04", "\0", "\1", "\1") QUESTION SRV_UP_TO("\x09") "\1b\0"), false, false, NULL },
	{ "a failure of the server", SLICE_INIT(HEADER("\x84", "\2", "\1", "\0") QUESTION), false, false, NULL },
	{ "a question that is not there", SLICE_INIT(HEADER("\x84", "\0", "\2", "\0") QUESTION), false, false, NULL },
	{ "a record that is not there", SLICE_INIT(HEADER("\x84", "\0", "\1", "\1") QUESTION), true, false, NULL },
	{ "half a record", SLICE_INIT(HEADER("\x84", "\0", "\1", "\1") QUESTION "\xc0\x0c\0\x21\0\x01"), true, false, NULL },
	{ "RDATA over the end", SLICE_INIT(HEADER("\x84", "\0", "\1", "\1") QUESTION SRV_UP_TO("\x0b") "\1b\0"), true, false, NULL },
	{ "a pointer to itself", SLICE_INIT(HEADER("\x84", "\0", "\1", "\1") QUESTION SRV_UP_TO("\x08") "\xc0\x38"), true, true, NULL },
	{ "a pointer ahead", SLICE_INIT(HEADER("\x84", "\0", "\1", "\1") QUESTION SRV_UP_TO("\x08") "\xc0\xff"), true, true, NULL },
	{ "half a pointer", SLICE_INIT(HEADER("\x84", "\0", "\1", "\1") QUESTION SRV_UP_TO("\x07") "\xc0"), true, true, NULL },
	{ "a label of a kind that is not", SLICE_INIT(HEADER("\x84", "\0", "\1", "\1") QUESTION SRV_UP_TO("\x09") "\x41" "b\0"), true, true, NULL },
	{ "a name that does not end", SLICE_INIT(HEADER("\x84", "\0", "\1", "\1") QUESTION SRV_UP_TO("\x08") "\1b"), true, true, NULL },
	{ "something behind the name", SLICE_INIT(HEADER("\x84", "\0", "\1", "\1") QUESTION SRV_UP_TO("\x0a") "\1b\0x"), true, true, NULL },
	{ "too little for numbers", SLICE_INIT(HEADER("\x84", "\0", "\1", "\1") QUESTION "\xc0\x0c\0\x21\0\x01\0\0\0\x10\0\4\0\1\0\2"), true, true, NULL },
};
/* clang-format on */

static void reads_messages_and_nothing_beyond(void **state)
{
	for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
		struct packet packet;
		struct rdata rdata;
		struct srv srv;

		print_message("# %s\n", messages[i].label);
		assert_int_equal(packet_open(&packet, messages[i].message, &srv_of_example),
				 messages[i].opens);
		if (!messages[i].opens)
			continue;
		assert_int_equal(packet_next(&packet, &rdata), messages[i].has_record);
		if (!messages[i].has_record)
			continue;
		assert_int_equal(packet_srv(&packet, &rdata, &srv), messages[i].target != NULL);
		if (messages[i].target) {
			assert_true(slice_eq(name_text(&srv.target), slice_of(messages[i].target)));
			assert_int_equal(srv.priority, 1);
			assert_int_equal(srv.weight, 2);
			assert_int_equal(srv.port, 5063);
		}
	}
}

static void marks_names_that_no_host_has(void **state)
{
	static const struct slice message = SLICE_INIT(HEADER("\x84", "\0", "\1", "\1")
							       QUESTION SRV_UP_TO("\x0a") "\2b\n\0");
	struct packet packet;
	struct rdata rdata;
	struct srv srv;

	assert_true(packet_open(&packet, message, &srv_of_example) && packet_next(&packet, &rdata) &&
		    packet_srv(&packet, &rdata, &srv));
	assert_true(srv.target.is_odd);
}

/* -- names ---------------------------------------------------------------------------------------------------------- */

static void takes_domain_names_only(void **state)
{
	/* clang-format off */
	static const struct { const char *text, *name; } cases[] = {
		{ "Example.ORG",                                                       "example.org" },
		{ "_sips._tcp.example.org.",                                           "_sips._tcp.example.org" },
		{ "localhost",                                                         "localhost" },
		{ "a23456789012345678901234567890123456789012345678901234567890123.x", "a23456789012345678901234567890123456789012345678901234567890123.x" },
		{ "a234567890123456789012345678901234567890123456789012345678901234.x", NULL },
		{ "",                                                                  NULL },
		{ ".",                                                                 NULL },
		{ "a..b",                                                              NULL },
		{ ".a",                                                                NULL },
		{ "a..",                                                               NULL },
		{ "a b",                                                               NULL },
		{ "[::1]",                                                             NULL },
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct name name;

		print_message("# \"%s\"\n", cases[i].text);
		assert_int_equal(name_set(&name, slice_of(cases[i].text)), cases[i].name != NULL);
		if (cases[i].name)
			assert_true(slice_eq(name_text(&name), slice_of(cases[i].name)));
	}
}

static void takes_names_as_long_as_the_dns_has(void **state)
{
	char text[PACKET_NAME_MAX + 1];
	struct name name;

	for (size_t i = 0; i < sizeof text; i++)
		text[i] = i % 50 == 49 ? '.' : 'a';
	assert_true(name_set(&name, slice_from(text, PACKET_NAME_MAX)));
	assert_int_equal(name.len, PACKET_NAME_MAX);
	assert_false(name_set(&name, slice_from(text, PACKET_NAME_MAX + 1)));
}

/* -- records ---------------------------------------------------------------------------------------------------------- */

static const char zone[] = "example.org A 192.0.2.1\n"
			   "example.org AAAA 2001:db8::1\n"
			   "example.org A 192.0.2.2\n"
			   "example.org NAPTR 10 20 s SIPS+D2T !a!b! _sips._tcp.example.org\n"
			   "round.example CNAME about.example\n"
			   "about.example CNAME round.example\n"
			   "alias.example CNAME example.org\n";

static struct packet opened(const char *name, enum dns_type type, bool ok)
{
	static char message[4096];
	struct writer out = writer_of(message, sizeof message);
	struct dns_question question = { slice_of(name), type };
	struct packet packet;

	put_response(&out, zone, &question);
	assert_int_equal(packet_open(&packet, writer_text(&out), &question), ok);
	return packet;
}

static void reads_the_records_of_the_type(void **state)
{
	struct packet packet = opened("example.org", DNS_A, true);
	struct address address, expected;
	struct rdata rdata;

	assert_true(packet_next(&packet, &rdata) && packet_address(&packet, &rdata, &address));
	assert_true(address_parse_ip(SLICE("192.0.2.1"), &expected) && address_eq(&address, &expected));
	assert_true(packet_next(&packet, &rdata) && packet_address(&packet, &rdata, &address));
	assert_true(address_parse_ip(SLICE("192.0.2.2"), &expected) && address_eq(&address, &expected));
	assert_false(packet_next(&packet, &rdata));
	rdata.len = 3;
	assert_false(packet_address(&packet, &rdata, &address));

	packet = opened("example.org", DNS_AAAA, true);
	assert_true(packet_next(&packet, &rdata) && packet_address(&packet, &rdata, &address));
	assert_true(address_parse_ip(SLICE("2001:db8::1"), &expected) && address_eq(&address, &expected));
}

static void reads_a_naptr_record(void **state)
{
	struct packet packet = opened("example.org", DNS_NAPTR, true);
	struct rdata rdata;
	struct naptr naptr;

	assert_true(packet_next(&packet, &rdata) && packet_naptr(&packet, &rdata, &naptr));
	assert_int_equal(naptr.order, 10);
	assert_int_equal(naptr.preference, 20);
	assert_true(slice_eq(naptr.flags, SLICE("s")));
	assert_true(slice_eq(naptr.services, SLICE("SIPS+D2T")));
	assert_true(slice_eq(naptr.regexp, SLICE("!a!b!")));
	assert_true(slice_eq(name_text(&naptr.replacement), SLICE("_sips._tcp.example.org")));
	for (size_t cut = 1; cut <= rdata.len; cut++) {
		struct rdata shorter = { rdata.at, rdata.len - cut };

		assert_false(packet_naptr(&packet, &shorter, &naptr));
	}
}

static void follows_aliases_but_not_in_circles(void **state)
{
	struct packet packet = opened("alias.example", DNS_A, true);
	struct rdata rdata;

	/* put_response() goes through the zone once; what the alias leads to stands above it */
	assert_true(slice_eq(name_text(&packet.owner), SLICE("example.org")));
	assert_false(packet_next(&packet, &rdata));
	(void)opened("round.example", DNS_A, false);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(reads_messages_and_nothing_beyond),
	cmocka_unit_test(marks_names_that_no_host_has),
	cmocka_unit_test(takes_domain_names_only),
	cmocka_unit_test(takes_names_as_long_as_the_dns_has),
	cmocka_unit_test(reads_the_records_of_the_type),
	cmocka_unit_test(reads_a_naptr_record),
	cmocka_unit_test(follows_aliases_but_not_in_circles),
};

TEST_MAIN(tests)
