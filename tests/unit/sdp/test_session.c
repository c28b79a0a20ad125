#include "sdp/session.h"

#include "harness.h"

#include "base/writer.h"

#define HEAD       "v=0\r\no=alice 1 2 IN IP4 192.0.2.1\r\ns=-\r\n"
#define CONNECTION "c=IN IP4 192.0.2.1\r\n"
#define TIME       "t=0 0\r\n"

static void takes_a_description_apart(void **state)
{
	struct arena *arena = arena_new(65536);
	const struct sdp_session *session;
	const struct sdp_section *section;

	assert_non_null(arena);
	assert_int_equal(
		sdp_session_parse(
			arena,
			SLICE("v=0\r\no=alice 2890844526 18446744073709551615 IN IP4 host.example\r\n"
			      "s=A call\r\ni=about\r\nu=http://example.com\r\ne=a@example.com\r\n"
			      "p=+1 617\r\nc=IN IP4 192.0.2.1\r\nb=AS:64\r\nt=0 0\r\n"
			      "r=7d 1h 0 25h\r\nz=0 1\r\nk=prompt\r\na=tool:x y\r\na=recvonly\r\n"
			      "m=audio 49170/2 RTP/AVP 0 96\r\ni=voice\r\nc=IN IP6 2001:db8::1\r\n"
			      "b=AS:64\r\na=rtpmap:96 opus/48000/2\r\nm=video 0 RTP/AVP 31\n"),
			&session),
		OK);
	assert_int_equal(session->session_id, 2890844526);
	assert_true(session->session_version == UINT64_MAX);
	assert_int_equal(session->connection.address.family, ADDRESS_V4);
	assert_int_equal(session->attributes.n, 2);
	assert_true(slice_eq(sdp_attribute_find(&session->attributes, SLICE("tool"))->value, SLICE("x y")));
	assert_null(sdp_attribute_find(&session->attributes, SLICE("recvonly"))->value.ptr);
	assert_null(sdp_attribute_find(&session->attributes, SLICE("Tool")));
	assert_int_equal(session->n_sections, 2);

	section = &session->sections[0];
	assert_true(slice_eq(section->media, SLICE("audio")));
	assert_int_equal(section->port, 49170);
	assert_int_equal(section->n_ports, 2);
	assert_true(slice_eq(section->proto, SLICE("RTP/AVP")));
	assert_int_equal(section->n_formats, 2);
	assert_true(slice_eq(section->formats[1], SLICE("96")));
	assert_int_equal(section->connection.address.family, ADDRESS_V6);
	assert_int_equal(section->attributes.n, 1);
	assert_int_equal(session->sections[1].port, 0);
	arena_free(arena);
}

static const struct {
	const char *label, *text;
	enum err err;
} cases[] = {
	{ "least", HEAD TIME, OK },
	{ "bare LF", "v=0\no=a 1 2 IN IP4 h\ns=-\nt=0 0\n", OK },
	{ "blank as name of the session", "v=0\r\no=a 1 2 IN IP4 h\r\ns= \r\nt=0 0\r\n", OK },
	{ "two times", HEAD TIME TIME, OK },
	{ "empty", "", ERR_SYNTAX },
	{ "other version", "v=1\r\no=a 1 2 IN IP4 h\r\ns=-\r\nt=0 0\r\n", ERR_SYNTAX },
	{ "no origin", "v=0\r\ns=-\r\nt=0 0\r\n", ERR_SYNTAX },
	{ "origin cut short", "v=0\r\no=a 1 2 IN IP4\r\ns=-\r\nt=0 0\r\n", ERR_SYNTAX },
	{ "version beyond 64 bits", "v=0\r\no=a 1 18446744073709551616 IN IP4 h\r\ns=-\r\nt=0 0\r\n",
	  ERR_SYNTAX },
	{ "no session name", "v=0\r\no=a 1 2 IN IP4 h\r\nt=0 0\r\n", ERR_SYNTAX },
	{ "empty session name", "v=0\r\no=a 1 2 IN IP4 h\r\ns=\r\nt=0 0\r\n", ERR_SYNTAX },
	{ "no time", HEAD CONNECTION, ERR_SYNTAX },
	{ "time without end", HEAD "t=0\r\n", ERR_SYNTAX },
	{ "wrong order", HEAD TIME CONNECTION, ERR_SYNTAX },
	{ "two connections for the session", HEAD CONNECTION CONNECTION TIME, ERR_SYNTAX },
	{ "connection of two fields", HEAD "c=IN IP4\r\n" TIME, ERR_SYNTAX },
	{ "last line open", HEAD "t=0 0", ERR_SYNTAX },
	{ "empty line", HEAD TIME "\r\n", ERR_SYNTAX },
	{ "no equals sign", HEAD TIME "a:sendrecv\r\n", ERR_SYNTAX },
	{ "unknown line", HEAD TIME "y=1\r\n", ERR_SYNTAX },
	{ "CR inside", HEAD TIME "a=x:1\r2\r\n", ERR_SYNTAX },
	{ "attribute with empty name", HEAD TIME "a=:x\r\n", ERR_SYNTAX },
	{ "attribute with empty value", HEAD TIME "a=x:\r\n", ERR_SYNTAX },
	{ "attribute name with a blank", HEAD TIME "a=x y:1\r\n", ERR_SYNTAX },
	{ "media", HEAD TIME "m=audio 1 RTP/AVP 0\r\n", OK },
	{ "media lists of connections", HEAD TIME "m=audio 1 RTP/AVP 0\r\n" CONNECTION CONNECTION, OK },
	{ "port out of range", HEAD TIME "m=audio 65536 RTP/AVP 0\r\n", ERR_SYNTAX },
	{ "no format", HEAD TIME "m=audio 1 RTP/AVP\r\n", ERR_SYNTAX },
	{ "two blanks", HEAD TIME "m=audio  1 RTP/AVP 0\r\n", ERR_SYNTAX },
	{ "blank at the end", HEAD TIME "m=audio 1 RTP/AVP 0 \r\n", ERR_SYNTAX },
	{ "proto ends in a slash", HEAD TIME "m=audio 1 RTP/ 0\r\n", ERR_SYNTAX },
	{ "attribute before bandwidth", HEAD TIME "m=audio 1 RTP/AVP 0\r\na=x\r\nb=AS:1\r\n", ERR_SYNTAX },
	{ "no ports", HEAD TIME "m=audio 1/0 RTP/AVP 0\r\n", ERR_SYNTAX },
};

static void is_strict(void **state)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct arena *arena = arena_new(65536);
		const struct sdp_session *session;
		enum err err;

		assert_non_null(arena);
		err = sdp_session_parse(arena, slice_of(cases[i].text), &session);
		arena_free(arena);
		if (err != cases[i].err)
			fail_msg("%s: %s", cases[i].label, err_text(err));
	}
}

static void refuses_a_nul(void **state)
{
	struct arena *arena = arena_new(65536);
	const struct sdp_session *session;

	assert_non_null(arena);
	assert_int_equal(sdp_session_parse(arena, SLICE(HEAD TIME "a=x:1\0002\r\n"), &session), ERR_SYNTAX);
	arena_free(arena);
}

static const struct {
	const char *label, *connection;
	enum address_family family;
} connections[] = {
	{ "IPv4", "IN IP4 192.0.2.1", ADDRESS_V4 },
	{ "IPv6", "IN IP6 2001:db8::1", ADDRESS_V6 },
	{ "null", "IN IP4 0.0.0.0", ADDRESS_V4 },
	{ "name", "IN IP4 media.example.com", ADDRESS_NONE },
	{ "IPv4 multicast", "IN IP4 224.2.1.1/127", ADDRESS_NONE },
	{ "IPv4 multicast without ttl", "IN IP4 224.2.1.1", ADDRESS_NONE },
	{ "IPv6 multicast", "IN IP6 ff15::101", ADDRESS_NONE },
	{ "family does not fit", "IN IP6 192.0.2.1", ADDRESS_NONE },
	{ "family does not fit either", "IN IP4 2001:db8::1", ADDRESS_NONE },
	{ "brackets", "IN IP6 [2001:db8::1]", ADDRESS_NONE },
	{ "other network", "ATM NSAP 47.0091", ADDRESS_NONE },
};

static void knows_unicast_addresses(void **state)
{
	for (size_t i = 0; i < sizeof connections / sizeof connections[0]; i++) {
		struct arena *arena = arena_new(65536);
		const struct sdp_session *session;
		char text[200];
		int family;

		assert_non_null(arena);
		snprintf(text, sizeof text, HEAD "c=%s\r\n" TIME, connections[i].connection);
		assert_int_equal(sdp_session_parse(arena, slice_of(text), &session), OK);
		family = session->connection.address.family;
		arena_free(arena);
		if (family != (int)connections[i].family)
			fail_msg("%s: family %d", connections[i].label, family);
	}
}

/* A description with that line n times after its head. */
static enum err parse_repeated(const char *line, size_t n)
{
	static char text[2 * SDP_MAX_TEXT];
	struct writer out = writer_of(text, sizeof text);
	struct arena *arena = arena_new(65536);
	const struct sdp_session *session;
	enum err err;

	assert_non_null(arena);
	put(&out, SLICE(HEAD TIME));
	for (size_t i = 0; i < n; i++)
		put(&out, slice_of(line));
	put(&out, SLICE("\r\n"));
	out.len -= 2;
	err = sdp_session_parse(arena, writer_text(&out), &session);
	arena_free(arena);
	return err;
}

static void keeps_its_limits(void **state)
{
	char formats[200];
	struct writer out = writer_of(formats, sizeof formats);

	assert_int_equal(parse_repeated("m=audio 1 RTP/AVP 0\r\n", SDP_MAX_SECTIONS), OK);
	assert_int_equal(parse_repeated("m=audio 1 RTP/AVP 0\r\n", SDP_MAX_SECTIONS + 1), ERR_LIMIT);
	assert_int_equal(parse_repeated("a=x\r\n", SDP_MAX_ATTRIBUTES), OK);
	assert_int_equal(parse_repeated("a=x\r\n", SDP_MAX_ATTRIBUTES + 1), ERR_LIMIT);
	assert_int_equal(parse_repeated("a=x\r\n", SDP_MAX_TEXT / 5), ERR_LIMIT);

	put(&out, SLICE("m=audio 1 RTP/AVP"));
	for (int i = 0; i < SDP_MAX_FORMATS; i++)
		put(&out, SLICE(" 0"));
	put(&out, SLICE("\r\n\0"));
	assert_int_equal(parse_repeated(formats, 1), OK);
	out.len -= 3;
	put(&out, SLICE(" 0\r\n\0"));
	assert_int_equal(parse_repeated(formats, 1), ERR_LIMIT);
}

static void says_when_the_arena_is_full(void **state)
{
	struct arena *arena = arena_new(64);
	const struct sdp_session *session;

	assert_non_null(arena);
	assert_int_equal(sdp_session_parse(arena, SLICE(HEAD TIME "a=x\r\na=y\r\n"), &session), ERR_NOMEM);
	arena_free(arena);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(takes_a_description_apart),
	cmocka_unit_test(is_strict),
	cmocka_unit_test(refuses_a_nul),
	cmocka_unit_test(knows_unicast_addresses),
	cmocka_unit_test(keeps_its_limits),
	cmocka_unit_test(says_when_the_arena_is_full),
};

TEST_MAIN(tests)
