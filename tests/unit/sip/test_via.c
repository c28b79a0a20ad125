#include "harness.h"

#include "sip/via.h"

static void assert_text(struct slice actual, const char *expected)
{
	if (!slice_eq(actual, slice_of(expected)))
		fail_msg("\"%.*s\" is not \"%s\"", SLICE_FMT(actual), expected);
}

static void all_parts_of_a_via_are_told_apart(void **state)
{
	struct scan in = scan_of(
		SLICE("SIP/2.0/TLS pbx.example:5061;branch=z9hG4bK1;rport=4711;received=2001:db8::1;"
		      "maddr=[::1];ttl=16;x=\"y,z\" , SIP/2.0/UDP b"));
	struct sip_via via;

	assert_true(sip_via_scan(&in, &via));
	assert_text(via.transport, "TLS");
	assert_text(via.host, "pbx.example");
	assert_int_equal(via.port, 5061);
	assert_text(via.branch, "z9hG4bK1");
	assert_true(via.has_rport);
	assert_int_equal(via.rport, 4711);
	assert_text(via.received, "2001:db8::1");
	assert_text(via.maddr, "[::1]");
	assert_int_equal(via.text.len, scan_offset(&in) - 1); /* without the white space behind it */
	assert_true(slice_starts(via.params, SLICE(";branch=")) &&
		    slice_ends(via.params, SLICE("x=\"y,z\"")));
	assert_int_equal(scan_peek(&in), ',');
}

static const struct {
	const char *label, *text;
	bool ok;
	size_t broken_at;
} via_cases[] = {
	{ "plain", "SIP/2.0/TLS a.example;branch=z9hG4bK1", true, 0 },
	{ "white space all over",
	  "SIP  /   2.0\r\n /UDP\r\n    192.0.2.2 : 5060 ;\r\n  branch  =   390skdjuw", true, 0 },
	{ "white space behind the protocol's version", "SIP/2.0/ \r\n TLS a", true, 0 },
	{ "no parameters", "SIP/2.0/TCP sip33.example.com", true, 0 },
	{ "unknown transport", "SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en", true, 0 },
	{ "rport without value", "SIP/2.0/TLS a;rport", true, 0 },
	{ "IPv6", "SIP/2.0/TLS [2001:db8::9:1]:5061;received=[2001:db8::1]", true, 0 },
	{ "odd branch", "SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~", true, 0 },
	{ "empty", "", false, 0 },
	{ "no transport", "SIP/2.0 a.example", false, 7 },
	{ "no white space before the host", "SIP/2.0/TLS", false, 11 },
	{ "no host", "SIP/2.0/TLS ;branch=x", false, 12 },
	{ "port out of range", "SIP/2.0/TLS a.example:65536;branch=z9hG4bK1", false, 22 },
	{ "branch twice", "SIP/2.0/TLS a.example;branch=z9hG4bK1;branch=x", false, 38 },
	{ "branch empty", "SIP/2.0/TLS a;branch=", false, 21 },
	{ "branch quoted", "SIP/2.0/TLS a;branch=\"x\"", false, 21 },
	{ "rport out of range", "SIP/2.0/TLS a;rport=70000", false, 20 },
	{ "received a name", "SIP/2.0/TLS a;received=b.example", false, 23 },
	{ "ttl out of range", "SIP/2.0/TLS a;ttl=256", false, 18 },
	{ "empty parameter", "SIP/2.0/UDP 192.0.2.15;;,;,,", false, 23 }, /* RFC4475:3.1.2.1 */
	{ "bare CR", "SIP/2.0/TLS\ra", false, 11 },
};

static void vias_are_read_strictly(void **state)
{
	for (size_t i = 0; i < sizeof via_cases / sizeof via_cases[0]; i++) {
		struct scan in = scan_of(slice_of(via_cases[i].text));
		struct sip_via via;
		bool ok = sip_via_scan(&in, &via) && scan_done(&in);

		if (ok != via_cases[i].ok || (!ok && scan_offset(&in) != via_cases[i].broken_at))
			fail_msg("%s: %d at %zu", via_cases[i].label, ok, scan_offset(&in));
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(all_parts_of_a_via_are_told_apart),
	cmocka_unit_test(vias_are_read_strictly),
};

TEST_MAIN(tests)
