/* Connections whose stream is a WebSocket (RFC 7118). */
#include "stage.h"

#include <sys/socket.h>

#include "base/mem.h"

#define UPGRADE                                                                              \
	"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"       \
	"Sec-WebSocket-Protocol: sip\r\n\r\n"

static void send_all(int fd, struct slice text)
{
	assert_int_equal(send(fd, text.ptr, text.len, MSG_NOSIGNAL), text.len);
}

/* A frame whose mask is zero is its own text. */
static void send_frame(int fd, char opcode, struct slice payload)
{
	char header[8] = { (char)(0x80 | opcode), (char)(0x80 | 126), (char)(payload.len >> 8),
			   (char)payload.len };

	if (payload.len < 126) {
		header[1] = (char)(0x80 | payload.len);
		memset(header + 2, 0, 6);
	}
	send_all(fd, slice_from(header, payload.len < 126 ? 6 : 8));
	send_all(fd, payload);
}

/* Whether what the peer has got so far contains the text. */
static struct slice options(void)
{
	return SLICE("OPTIONS sip:b@localhost SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK1\r\n"
		     "Max-Forwards: 70\r\nFrom: <sip:a@localhost>;tag=1\r\nTo: <sip:b@localhost>\r\n"
		     "Call-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n");
}

static int web_peer(void)
{
	n_heard = 0;
	int fd = raw_peer();
	send_all(fd, SLICE(UPGRADE));
	UNTIL(hears(fd, SLICE("Sec-WebSocket-Protocol: sip\r\n\r\n")));
	assert_true(slice_starts(slice_from(heard, n_heard), SLICE("HTTP/1.1 101 ")));
	n_heard = 0;
	return fd;
}

static const struct visit visits[] = {
	{ "a check of the port", TRANSPORT_WS, "", false, false },
	{ "the same, in a hurry", TRANSPORT_WS, "", true, false },
	{ "half a request", TRANSPORT_WS, "GET / ", false, true },
};

static void bans_nobody_who_only_looks_whether_the_port_is_open(void **state)
{
	play_visits(visits, sizeof visits / sizeof *visits, state);
}

static void carries_a_message_in_a_frame_each_way(void **state)
{
	const struct flow_view *view;

	raise_curtain(TRANSPORT_WS);
	int fd = web_peer();
	assert_int_equal(far_end.opened, 1);
	view = endpoint_flow_view(far_end.endpoint, far_end.flow);
	assert_non_null(view);
	assert_int_equal(view->transport, TRANSPORT_WS);
	send_frame(fd, 1, options());
	UNTIL(hears(fd, SLICE("\r\n\r\n")));
	assert_int_equal(far_end.requests, 1);
	assert_true(slice_starts(slice_from(heard, n_heard), SLICE("\x81\x7e")));
	assert_true(slice_starts(slice_from(heard + 4, n_heard - 4), SLICE("SIP/2.0 200 OK\r\n")));
	send_frame(fd, 9, SLICE("ping"));
	UNTIL(hears(fd, SLICE("\x8a\x04ping")));
	socket_close(fd);
	UNTIL(far_end.lost == 1);
}

static void hears_frames_that_come_with_the_request(void **state)
{
	char text[2000];
	struct writer out = writer_of(text, sizeof text);

	raise_curtain(TRANSPORT_WS);
	put(&out, SLICE(UPGRADE));
	put(&out, SLICE("\x81\xfe"));
	put_char(&out, (char)(options().len >> 8));
	put_char(&out, (char)options().len);
	put(&out, SLICE("\0\0\0\0"));
	put(&out, options());
	int fd = raw_peer();
	for (size_t i = 0; i < out.len; i += 100) {
		send_all(fd, slice_sub(writer_text(&out), i, 100));
		turn(&far_end);
	}
	UNTIL(far_end.requests == 1);
	socket_close(fd);
}

static void explains_itself_to_a_browser_that_only_looks(void **state)
{
	raise_curtain(TRANSPORT_WS);
	n_heard = 0;
	int fd = raw_peer();
	send_all(fd, SLICE("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
	UNTIL(hears(fd, SLICE("HTTP/1.1 426 ")));
	UNTIL(is_closed(fd));
	socket_close(fd);
	assert_int_equal(far_end.opened, 0);
	assert_int_equal(transport_counts(far_end.transport).refused_handshakes, 1);
}

static void waits_for_the_request_only_so_long(void **state)
{
	limits.handshake = 50;
	raise_curtain(TRANSPORT_WS);
	int fd = raw_peer();
	send_all(fd, SLICE("GET / HTTP/1.1\r\n"));
	UNTIL(is_closed(fd));
	socket_close(fd);
	assert_int_equal(far_end.opened, 0);
	assert_int_equal(transport_counts(far_end.transport).refused_handshakes, 1);
}

static void closes_a_websocket_with_the_code_that_says_why(void **state)
{
	raise_curtain(TRANSPORT_WS);
	int fd = web_peer();
	send_frame(fd, 1, SLICE("caf\xe9 x"));
	UNTIL(hears(fd, SLICE("\x88\x02\x03\xef")));
	UNTIL(far_end.lost == 1);
	assert_string_equal(far_end.why, "a text message was not UTF-8");
	socket_close(fd);
	fd = web_peer();
	endpoint_flow_close(far_end.endpoint, far_end.flow, "the test is over");
	UNTIL(hears(fd, SLICE("\x88\x02\x03\xe8")));
	UNTIL(far_end.lost == 2);
	assert_string_equal(far_end.why, "the test is over");
	socket_close(fd);
}

static const struct CMUnitTest tests[] = {
	play(bans_nobody_who_only_looks_whether_the_port_is_open),
	play(carries_a_message_in_a_frame_each_way),
	play(hears_frames_that_come_with_the_request),
	play(explains_itself_to_a_browser_that_only_looks),
	play(waits_for_the_request_only_so_long),
	play(closes_a_websocket_with_the_code_that_says_why),
};
TEST_MAIN(tests)
