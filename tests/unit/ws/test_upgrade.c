#include "ws/upgrade.h"

#include "harness.h"

#include <string.h>

#define START "GET / HTTP/1.1\r\n"
#define HOST  "Host: sip.example.org\r\n"
#define ASK   "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define KEY   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define SIP   "Sec-WebSocket-Protocol: sip\r\n"
#define V13   "Sec-WebSocket-Version: 13\r\n"

static const struct {
	const char *label, *text;
	unsigned status;
} cases[] = {
	{ "the least", START HOST ASK KEY SIP V13 "\r\n", 101 },
	{ "what a browser sends",
	  "GET /ws HTTP/1.1\r\nhost: h:8443\r\nUser-Agent: x\r\nConnection: keep-alive, Upgrade\r\n"
	  "upgrade: WebSocket\r\nOrigin: https://example.org\r\n" KEY V13
	  "Sec-WebSocket-Protocol: chat, sip\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
	  101 },
	{ "protocols on two lines", START HOST ASK KEY "Sec-WebSocket-Protocol: chat\r\n" SIP V13 "\r\n",
	  101 },
	{ "an empty body", START HOST ASK KEY SIP V13 "Content-Length: 0\r\n\r\n", 101 },
	{ "a page is asked for", START HOST "\r\n", 426 },
	{ "another upgrade", START HOST "Upgrade: h2c\r\nConnection: Upgrade\r\n" KEY SIP V13 "\r\n", 426 },
	{ "an old version", START HOST ASK KEY SIP "Sec-WebSocket-Version: 8\r\n\r\n", 426 },
	{ "no version", START HOST ASK KEY SIP "\r\n", 426 },
	{ "no Connection", START HOST "Upgrade: websocket\r\n" KEY SIP V13 "\r\n", 400 },
	{ "no Host", START ASK KEY SIP V13 "\r\n", 400 },
	{ "no key", START HOST ASK SIP V13 "\r\n", 400 },
	{ "a short key", START HOST ASK SIP V13 "Sec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n\r\n", 400 },
	{ "the key twice", START HOST ASK KEY KEY SIP V13 "\r\n", 400 },
	{ "no protocol", START HOST ASK KEY V13 "\r\n", 400 },
	{ "another protocol", START HOST ASK KEY V13 "Sec-WebSocket-Protocol: sipping\r\n\r\n", 400 },
	{ "a body", START HOST ASK KEY SIP V13 "Content-Length: 3\r\n\r\n", 400 },
	{ "a chunked body", START HOST ASK KEY SIP V13 "Transfer-Encoding: chunked\r\n\r\n", 400 },
	{ "POST", "POST / HTTP/1.1\r\n" HOST ASK KEY SIP V13 "\r\n", 405 },
	{ "HTTP/1.0", "GET / HTTP/1.0\r\n" HOST ASK KEY SIP V13 "\r\n", 505 },
	{ "SIP", "OPTIONS sip:a@b SIP/2.0\r\nVia: x\r\n\r\n", 400 },
	{ "no version in the first line", "GET /\r\n" HOST "\r\n", 400 },
	{ "a folded line", START HOST " more\r\n" ASK KEY SIP V13 "\r\n", 400 },
	{ "a blank before the colon", START "Host : a\r\n" ASK KEY SIP V13 "\r\n", 400 },
	{ "a lone LF", START "Host: a\nX: y\r\n" ASK KEY SIP V13 "\r\n", 400 },
	{ "nothing but an end", "\r\n\r\n", 400 },
};

static void judges_requests_as_rfc_6455_and_7118_say(void **state)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ws_upgrade upgrade;

		assert_int_equal(ws_upgrade_parse(slice_of(cases[i].text), &upgrade), OK);
		if (upgrade.status != cases[i].status)
			fail_msg("%s: %u (%s)", cases[i].label, upgrade.status,
				 upgrade.why ? upgrade.why : "");
		assert_int_equal(upgrade.length, strlen(cases[i].text));
		assert_true((upgrade.why == NULL) == (upgrade.status == 101));
	}
}

static void waits_until_the_request_is_complete(void **state)
{
	static const char text[] = START HOST ASK KEY SIP V13 "Origin: https://a.example\r\n\r\nFRAME";
	size_t length = sizeof text - 1 - strlen("FRAME");
	struct ws_upgrade upgrade;

	for (size_t n = 0; n < length; n++)
		assert_int_equal(ws_upgrade_parse(slice_from(text, n), &upgrade), ERR_MORE);
	assert_int_equal(ws_upgrade_parse(slice_of(text), &upgrade), OK);
	assert_int_equal(upgrade.status, 101);
	assert_int_equal(upgrade.length, length);
	assert_true(slice_eq(upgrade.origin, SLICE("https://a.example")));
}

static void refuses_a_header_without_an_end(void **state)
{
	static char text[WS_REQUEST_MAX + 4];
	struct writer out = writer_of(text, sizeof text);
	struct ws_upgrade upgrade;

	put(&out, slice_of(START));
	while (out.len < WS_REQUEST_MAX)
		put_char(&out, 'a');
	put(&out, SLICE("\r\n\r\n"));
	assert_false(out.overflow);
	assert_int_equal(ws_upgrade_parse(slice_from(text, WS_REQUEST_MAX - 1), &upgrade), ERR_MORE);
	assert_int_equal(ws_upgrade_parse(slice_from(text, WS_REQUEST_MAX), &upgrade), OK);
	assert_int_equal(upgrade.status, 431);
	assert_int_equal(ws_upgrade_parse(slice_from(text, sizeof text), &upgrade), OK);
	assert_int_equal(upgrade.status, 431);
}

static void answers_with_the_accept_value_of_the_rfc(void **state)
{
	AUTO(crypto) struct crypto *crypto = crypto_new();
	struct ws_upgrade upgrade;
	char text[500];
	struct writer out = writer_of(text, sizeof text);

	assert_non_null(crypto);
	assert_int_equal(ws_upgrade_parse(SLICE(START HOST ASK KEY SIP V13 "\r\n"), &upgrade), OK);
	assert_true(put_ws_upgrade(&out, crypto, &upgrade));
	assert_false(out.overflow);
	/* RFC 6455 §1.3 */
	assert_true(slice_eq(
		writer_text(&out),
		SLICE("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
		      "Sec-WebSocket-Protocol: sip\r\n\r\n")));
}

static void says_what_is_wrong(void **state)
{
	AUTO(crypto) struct crypto *crypto = crypto_new();

	assert_non_null(crypto);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ws_upgrade upgrade;
		char text[500];
		struct writer out = writer_of(text, sizeof text);

		assert_int_equal(ws_upgrade_parse(slice_of(cases[i].text), &upgrade), OK);
		if (upgrade.status == 101)
			continue;
		assert_true(put_ws_upgrade(&out, crypto, &upgrade));
		assert_false(out.overflow);
		assert_true(slice_starts(writer_text(&out), SLICE("HTTP/1.1 4")) ||
			    slice_starts(writer_text(&out), SLICE("HTTP/1.1 505 ")));
		assert_true(slice_find_text(writer_text(&out), slice_of(upgrade.why)) < out.len);
		bool names_version = slice_find_text(writer_text(&out), SLICE("Sec-WebSocket-Version: 13")) <
				     out.len;
		assert_true(names_version == (upgrade.status == 426));
		/* RFC 9110 §7.8: whoever sends Upgrade says so in Connection */
		bool offers = slice_find_text(writer_text(&out),
					      SLICE("\r\nConnection: upgrade\r\nUpgrade: websocket\r\n")) <
			      out.len;
		assert_true(offers == (upgrade.status == 426));
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(judges_requests_as_rfc_6455_and_7118_say),
	cmocka_unit_test(waits_until_the_request_is_complete),
	cmocka_unit_test(refuses_a_header_without_an_end),
	cmocka_unit_test(answers_with_the_accept_value_of_the_rfc),
	cmocka_unit_test(says_what_is_wrong),
};
TEST_MAIN(tests)
