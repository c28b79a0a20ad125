/* What somebody is told who publishes a certificate, or asks for one (RFC 6072 §4, RFC 3903 §6). */
#include "world.h"

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

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_refusal_says_what_was_wrong),
};
TEST_MAIN(tests)
