#include "harness.h"

#include "typed.h"

static const struct {
	const char *label;
	const char *words[WORDS_MAX];
	enum exit_code code;
} rows[] = {
	{ "enough", { "--aor", "sips:a@b" }, EXIT_OK },
	{ "an option after the command", { "call", "bob", "--aor", "sips:a@b" }, EXIT_OK },
	{ "nobody", { "register" }, EXIT_USAGE },
	{ "no such option", { "--aor", "sips:a@b", "--password", "x" }, EXIT_USAGE },
	{ "no such command", { "--aor", "sips:a@b", "dance" }, EXIT_USAGE },
	{ "a call to nobody", { "--aor", "sips:a@b", "call" }, EXIT_USAGE },
	{ "a call to two", { "--aor", "sips:a@b", "call", "b", "c" }, EXIT_USAGE },
	{ "a message without text", { "--aor", "sips:a@b", "message", "b" }, EXIT_USAGE },
	{ "udp", { "--aor", "sips:a@b", "--transport", "udp" }, EXIT_USAGE },
	{ "no time", { "--aor", "sips:a@b", "--for", "0" }, EXIT_USAGE },
	{ "half a number", { "--aor", "sips:a@b", "--ring", "5s" }, EXIT_USAGE },
	{ "a port too large", { "--aor", "sips:a@b", "--server", "h:65536" }, EXIT_USAGE },
	{ "a name server", { "--aor", "sips:a@b", "--dns", "[::1]:5300" }, EXIT_OK },
	{ "a name server by name", { "--aor", "sips:a@b", "--dns", "ns.example" }, EXIT_USAGE },
	{ "a name server without a port", { "--aor", "sips:a@b", "--dns", "127.0.0.1:0" }, EXIT_USAGE },
	{ "so many strangers", { "--aor", "sips:a@b", "--smime-strangers", "5" }, EXIT_OK },
	{ "no strangers", { "--aor", "sips:a@b", "--smime-strangers", "0" }, EXIT_USAGE },
	{ "a policy for one", { "--aor", "sips:a@b", "--smime-for", "sips:b@b=require+cbc" }, EXIT_OK },
	{ "nothing, and that by CBC",
	  { "--aor", "sips:a@b", "--smime-for", "sips:b@b=off+cbc" },
	  EXIT_USAGE },
	{ "a word of the CA", { "--aor", "sips:a@b", "--ocsp", "require" }, EXIT_OK },
	{ "no word of the CA", { "--aor", "sips:a@b", "--ocsp", "never" }, EXIT_USAGE },
	{ "no internationalised name", { "--aor", "sips:a@\xe2\x98\x83.example" }, EXIT_USAGE },
	{ "a server with parameters", { "--aor", "sips:a@b", "--server", "h;x=y" }, EXIT_USAGE },
};

static void words_are_taken_or_refused(void **state)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct options options;

		if (parse(rows[i].words, &options) != rows[i].code)
			fail_msg("%s", rows[i].label);
	}
}

static void all_that_is_said_arrives(void **state)
{
	static const char *const words[WORDS_MAX] = { "--aor",          "sip:a@b", "--server", "[::1]:5071",
						      "--srtp=require", "--play",  "x.wav",    "--for=7",
						      "call",           "bob" };
	struct options options;

	assert_int_equal(parse(words, &options), EXIT_OK);
	assert_int_equal(options.command, COMMAND_CALL);
	assert_true(slice_eq(options.uri, SLICE("bob")));
	assert_true(slice_eq(options.server, SLICE("[::1]")));
	assert_int_equal(options.port, 5071);
	assert_int_equal(options.srtp, SDP_SRTP_REQUIRED);
	assert_int_equal(options.transport, TRANSPORT_TLS);
	assert_int_equal(options.duration, 7000);
	assert_int_equal(options.devices.source.kind, MEDIA_DEVICE_FILE);
	assert_int_equal(options.devices.sink.kind, MEDIA_DEVICE_AUTO);
}

static void a_name_server_has_a_port(void **state)
{
	static const struct {
		const char *text;
		uint16_t port;
	} cases[] = {
		{ "192.0.2.53", 53 }, { "192.0.2.53:5300", 5300 }, { "::1", 53 }, { "[::1]:5300", 5300 }
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *const words[WORDS_MAX] = { "--aor",       "sips:a@b",       "--dns",
						       cases[i].text, "--trust-anchor", "none" };
		struct options options;

		assert_int_equal(parse(words, &options), EXIT_OK);
		assert_int_equal(options.dns.port, cases[i].port);
		assert_string_equal(options.trust_anchor, "none");
	}
}

static void without_a_word_nothing_is_in_clear(void **state)
{
	static const char *const words[WORDS_MAX] = { "--aor", "sips:a@b" };
	struct options options;

	assert_int_equal(parse(words, &options), EXIT_OK);
	assert_int_equal(options.command, COMMAND_NONE);
	assert_int_equal(options.transport, TRANSPORT_TLS);
	assert_int_equal(options.srtp, SDP_SRTP_NEVER); /* no keys in sip calls */
	assert_false(options.auto_answer);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(words_are_taken_or_refused),
	cmocka_unit_test(all_that_is_said_arrives),
	cmocka_unit_test(a_name_server_has_a_port),
	cmocka_unit_test(without_a_word_nothing_is_in_clear),
};
TEST_MAIN(tests)
