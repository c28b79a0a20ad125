/* What somebody is told who publishes a certificate, or asks for one (RFC 6072 §4, RFC 3903 §6). */
#include "world.h"

#include <string.h>

#include "auth/response.h"
#include "sip/credentials.h"

#define A_REQUEST     "Event: certificate\r\nContent-Type: application/pkcs10\r\n"
#define A_CERTIFICATE "Event: certificate\r\nContent-Type: application/pkix-cert\r\n"

static void a_refusal_says_what_was_wrong(void **state)
{
	static const struct {
		const char *headers;
		enum err err;
		const char *status, *code;
	} rows[] = {
		{ A_REQUEST, ERR_SYNTAX, "SIP/2.0 400 ", "[publish.csr]" },
		{ A_CERTIFICATE, ERR_SYNTAX, "SIP/2.0 400 ", "[publish.certificate]" },
		{ A_REQUEST, ERR_DENIED, "SIP/2.0 400 ", "[publish.csr-key]" },
		{ A_CERTIFICATE, ERR_DENIED, "SIP/2.0 403 ", "[publish.certificate-name]" },
		{ A_REQUEST, ERR_AGAIN, "SIP/2.0 503 ", "[" },
		{ A_REQUEST, ERR_NOT_FOUND, "SIP/2.0 412 ", "[" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct world *world = world_new();
		struct slice got;

		world->certify_err = rows[i].err;
		world_ask_proven(world, ALICE_PHONE, ALICE,
				 &(struct ask){ .method = "PUBLISH",
						.uri = "sips:alice@example.org",
						.from = "<sips:alice@example.org>;tag=a",
						.to = "<sips:alice@example.org>",
						.headers = rows[i].headers,
						.body = "x" });
		got = world_passed(world, ALICE_PHONE);
		assert_true(slice_find_text(got, slice_of(rows[i].status)) == 0);
		assert_true(slice_find_text(got, slice_of(rows[i].code)) < got.len);
		world_end(world);
	}
}

static const struct ask publish = {
	.method = "PUBLISH",
	.uri = "sips:alice@example.org",
	.from = "<sips:alice@example.org>;tag=a",
	.to = "<sips:alice@example.org>",
	.headers = A_CERTIFICATE,
	.body = "x",
};

/* Alice's, with a cnonce of n characters. */
static void put_long_credentials(struct world *world, struct writer *out, struct slice nonce, size_t n)
{
	char cnonce[1024];
	const struct auth_login *login = &world->phones[ALICE].login;
	unsigned char ha1[DIGEST_SIZE_MAX];
	const struct auth_exchange exchange = {
		.algorithm = DIGEST_SHA256,
		.ha1 = ha1,
		.nonce = nonce,
		.nc = SLICE("00000001"),
		.cnonce = slice_from(cnonce, n),
		.qop = SLICE("auth"),
		.method = SLICE("PUBLISH"),
		.uri = slice_of(publish.uri),
	};
	struct auth_hex response;

	assert_true(n <= sizeof cnonce);
	memset(cnonce, 'c', sizeof cnonce);
	assert_true(auth_ha1(world->crypto, DIGEST_SHA256, login, ha1));
	assert_true(auth_response(world->crypto, &exchange, &response));
	put(out, SLICE("Proxy-Authorization: Digest username=\"alice\", realm=\"example.org\", uri=\""));
	put(out, exchange.uri);
	put(out, SLICE("\", algorithm=SHA-256, qop=auth, nc=00000001, nonce=\""));
	put(out, nonce);
	put(out, SLICE("\", response=\""));
	put(out, auth_hex_slice(&response));
	put(out, SLICE("\", cnonce=\""));
	put(out, exchange.cnonce);
	put(out, SLICE("\"\r\n"));
}

/* RFC7616:3.5: our own proof repeats the cnonce. Where that leaves no room the answer goes without, and not with half a line. */
static void a_proof_for_which_there_is_no_room_is_left_out(void **state)
{
	for (size_t n = 840; n < 870; n++) {
		struct world *world = world_new();
		char buf[2048];
		struct writer out = writer_of(buf, sizeof buf);
		struct sip_message *message;
		struct sip_challenge challenge;

		world->loses_stores = true;
		world_ask(world, ALICE_PHONE, &publish, SLICE(""));
		message = world_one(world, ALICE_PHONE);
		assert_true(
			sip_challenge_parse(sip_message_value(message, SIP_PROXY_AUTHENTICATE), &challenge));
		put_long_credentials(world, &out, challenge.nonce, n);
		sip_message_free(message);
		world_ask(world, ALICE_PHONE, &publish, writer_text(&out));
		world_answer(world, &(struct answer){ .question = world->held_question,
						      .tag = 1,
						      .expires = world->now.wall + 60 });
		message = world_one(world, ALICE_PHONE);
		assert_int_equal(message->status, 200);
		assert_true(sip_message_header(message, SIP_CONTENT_LENGTH));
		sip_message_free(message);
		world_end(world);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_refusal_says_what_was_wrong),
	cmocka_unit_test(a_proof_for_which_there_is_no_room_is_left_out),
};
TEST_MAIN(tests)
