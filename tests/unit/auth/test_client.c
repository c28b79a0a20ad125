#include "harness.h"

#include <string.h>

#include "auth/client.h"
#include "auth/server.h"
#include "base/writer.h"

struct world {
	struct crypto *crypto;
	struct random *random;
	struct auth_server *server;
	struct auth_client client;
};

static int setup(void **state)
{
	struct world *world = test_calloc(1, sizeof *world);

	*state = world;
	world->crypto = crypto_new();
	world->random = random_new_predictable(1);
	if (!world->crypto || !world->random ||
	    auth_server_new(world->crypto, SLICE("0123456789abcdef0123456789abcdef"), &world->server) != OK)
		return -1;
	world->client = (struct auth_client){
		.crypto = world->crypto,
		.random = world->random,
		.login = { SLICE("alice"), SLICE("example.org"), SLICE("secret") },
	};
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	auth_server_free(world->server);
	random_free(world->random);
	crypto_free(world->crypto);
	test_free(world);
	return 0;
}

static struct sip_message *parse(const char *start, const char *method, struct slice headers)
{
	char buf[8192];
	struct writer out = writer_of(buf, sizeof buf);
	struct sip_message *message;
	struct sip_fault fault;

	put(&out, slice_of(start));
	put(&out,
	    SLICE("\r\nVia: SIP/2.0/TLS a.example.org;branch=z9hG4bK1\r\nFrom: <sip:alice@example.org>;tag=1\r\n"
		  "To: <sip:alice@example.org>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 "));
	put(&out, slice_of(method));
	put(&out, SLICE("\r\n"));
	put(&out, headers);
	put(&out, SLICE("Content-Length: 0\r\n\r\n"));
	assert_int_equal(sip_message_parse(writer_text(&out), &sip_limits_default, &message, &fault), OK);
	return message;
}

#define REALM "Digest realm=\"example.org\", nonce=\"n1\", "

static const struct {
	const char *label;
	unsigned status;
	const char *method, *headers;
	unsigned rounds;
	enum auth_choice choice;
	enum digest_algorithm algorithm;
} cases[] = {
	{ "plain", 401, "REGISTER", "WWW-Authenticate: " REALM "qop=\"auth\", algorithm=SHA-256\r\n", 0,
	  AUTH_ANSWER, DIGEST_SHA256 },
	{ "a proxy", 407, "INVITE", "Proxy-Authenticate: " REALM "qop=\"auth\", algorithm=SHA-256\r\n", 0,
	  AUTH_ANSWER, DIGEST_SHA256 },
	{ "no algorithm, no qop", 401, "REGISTER",
	  "WWW-Authenticate: Digest realm=\"example.org\", nonce=\"n1\"\r\n", 0, AUTH_ANSWER, DIGEST_MD5 },
	{ "strongest first", 401, "REGISTER",
	  "WWW-Authenticate: " REALM "qop=\"auth\", algorithm=SHA-256\r\nWWW-Authenticate: " REALM
	  "qop=\"auth\", algorithm=MD5\r\n",
	  0, AUTH_ANSWER, DIGEST_SHA256 },
	{ "strongest last", 401, "REGISTER",
	  "WWW-Authenticate: " REALM "qop=\"auth\", algorithm=MD5\r\nWWW-Authenticate: " REALM
	  "qop=\"auth\", algorithm=SHA-256\r\n",
	  0, AUTH_ANSWER, DIGEST_SHA256 },
	{ "the topmost of equals", 401, "REGISTER",
	  "WWW-Authenticate: " REALM "qop=\"auth\", algorithm=SHA-512-256\r\nWWW-Authenticate: " REALM
	  "qop=\"auth\", algorithm=SHA-256\r\n",
	  0, AUTH_ANSWER, DIGEST_SHA512_256 },
	{ "an unknown algorithm is passed over", 401, "REGISTER",
	  "WWW-Authenticate: " REALM "qop=\"auth\", algorithm=SHA-384\r\nWWW-Authenticate: " REALM
	  "qop=\"auth\", algorithm=MD5\r\n",
	  0, AUTH_ANSWER, DIGEST_MD5 },
	{ "one qop of two", 401, "REGISTER",
	  "WWW-Authenticate: " REALM "qop=\"auth-int , auth\", algorithm=SHA-256\r\n", 0, AUTH_ANSWER,
	  DIGEST_SHA256 },
	{ "stale in the second round", 401, "REGISTER",
	  "WWW-Authenticate: " REALM "qop=\"auth\", algorithm=SHA-256, stale=TRUE\r\n", 1, AUTH_ANSWER,
	  DIGEST_SHA256 },

	{ "another realm", 401, "REGISTER",
	  "WWW-Authenticate: Digest realm=\"evil.example\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256\r\n",
	  0, AUTH_NO_REALM, 0 },
	{ "no challenge at all", 401, "REGISTER", "", 0, AUTH_NO_REALM, 0 },
	{ "the wrong header field", 401, "REGISTER", "Proxy-Authenticate: " REALM "qop=\"auth\"\r\n", 0,
	  AUTH_NO_REALM, 0 },
	{ "another scheme", 401, "REGISTER", "WWW-Authenticate: Basic realm=\"example.org\"\r\n", 0,
	  AUTH_NO_REALM, 0 },
	{ "401 to an INVITE", 401, "INVITE", "WWW-Authenticate: " REALM "qop=\"auth\", algorithm=SHA-256\r\n",
	  0, AUTH_PEER, 0 },
	{ "only an unknown algorithm", 401, "REGISTER",
	  "WWW-Authenticate: " REALM "qop=\"auth\", algorithm=SHA-384\r\n", 0, AUTH_UNSUPPORTED, 0 },
	{ "only an unknown qop", 401, "REGISTER",
	  "WWW-Authenticate: " REALM "qop=\"foo\", algorithm=SHA-256\r\n", 0, AUTH_UNSUPPORTED, 0 },
	{ "another charset", 401, "REGISTER",
	  "WWW-Authenticate: " REALM "qop=\"auth\", algorithm=SHA-256, charset=UTF-16\r\n", 0,
	  AUTH_UNSUPPORTED, 0 },
	{ "an empty nonce", 401, "REGISTER",
	  "WWW-Authenticate: Digest realm=\"example.org\", nonce=\"\", qop=\"auth\"\r\n", 0, AUTH_UNSUPPORTED,
	  0 },
	{ "refused", 401, "REGISTER", "WWW-Authenticate: " REALM "qop=\"auth\", algorithm=SHA-256\r\n", 1,
	  AUTH_REFUSED, 0 },
	{ "stale without end", 401, "REGISTER",
	  "WWW-Authenticate: " REALM "qop=\"auth\", algorithm=SHA-256, stale=true\r\n", AUTH_ROUNDS_MAX,
	  AUTH_TOO_OFTEN, 0 },
};

static void chooses_which_challenge_to_answer(void **state)
{
	struct world *world = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct auth_client client = world->client;
		enum auth_side side = cases[i].status == 407 ? AUTH_PROXY : AUTH_USER_AGENT;
		char start[64];
		struct sip_message *response;
		enum auth_choice choice;

		snprintf(start, sizeof start, "SIP/2.0 %u No", cases[i].status);
		response = parse(start, cases[i].method, slice_of(cases[i].headers));
		choice = auth_client_challenge(&client, response, cases[i].rounds);
		sip_message_free(response);
		if (choice != cases[i].choice)
			fail_msg("%s: %s", cases[i].label, auth_choice_text(choice));
		assert_int_equal(client.spaces[side].is_set, choice == AUTH_ANSWER);
		if (choice == AUTH_ANSWER && client.spaces[side].algorithm != cases[i].algorithm)
			fail_msg("%s: another algorithm", cases[i].label);
	}
}

static void never_answers_more_weakly_than_before(void **state)
{
	struct world *world = *state;
	struct sip_message *strong = parse(
		"SIP/2.0 401 No", "REGISTER",
		SLICE("WWW-Authenticate: " REALM "qop=\"auth\", algorithm=SHA-256\r\n"));
	struct sip_message *weak = parse("SIP/2.0 401 No", "REGISTER",
					 SLICE("WWW-Authenticate: " REALM "qop=\"auth\", algorithm=MD5\r\n"));

	assert_int_equal(auth_client_challenge(&world->client, weak, 0), AUTH_ANSWER);
	assert_int_equal(auth_client_challenge(&world->client, strong, 0), AUTH_ANSWER);
	assert_int_equal(auth_client_challenge(&world->client, weak, 0), AUTH_WEAKER);
	sip_message_free(strong);
	sip_message_free(weak);
}

/* A 401 of our server for the flow. */
static void take_challenge(struct world *world, const struct auth_realm *realm, uint64_t flow)
{
	const struct auth_challenge challenge = { SIP_WWW_AUTHENTICATE, realm, flow, false, NULL };
	char buf[1024];
	struct writer out = writer_of(buf, sizeof buf);
	struct sip_message *response;

	assert_true(put_challenge(&out, world->server, &challenge, 1000));
	response = parse("SIP/2.0 401 Unauthorized", "REGISTER", writer_text(&out));
	assert_int_equal(auth_client_challenge(&world->client, response, 0), AUTH_ANSWER);
	sip_message_free(response);
}

static utc_t answered_at = 1001; /* when the server reads and answers */

/* One REGISTER with credentials, judged by our server; info is what the server proves itself with. */
static enum auth_verdict exchange(struct world *world, const struct auth_realm *realm, struct auth_used *used,
				  struct auth_sent *ret_sent, struct writer *info)
{
	const struct auth_subject subject = { SLICE("REGISTER"), SLICE("sips:example.org"), { 0 } };
	enum digest_algorithm algorithm = world->client.spaces[AUTH_USER_AGENT].algorithm;
	unsigned char ha1[DIGEST_SIZE_MAX];
	struct auth_hashes hashes = { 0 };
	struct sip_credentials credentials;
	char buf[2048];
	struct writer out = writer_of(buf, sizeof buf);
	struct auth_own_proof proof = { 0 };
	struct auth_attempt attempt = { .credentials = &credentials,
					.realm = realm,
					.flow = 5,
					.hashes = &hashes,
					.used = used,
					.proof = &proof };
	struct sip_message *request;
	enum auth_verdict verdict;

	assert_true(auth_ha1(world->crypto, algorithm, &world->client.login, ha1));
	hashes.ha1[algorithm] = ha1;
	assert_true(put_authorization(&out, &world->client, &subject, ret_sent));
	request = parse("REGISTER sips:example.org SIP/2.0", "REGISTER", writer_text(&out));
	attempt.request = request;
	verdict = auth_find(request, SIP_AUTHORIZATION, realm->name, &credentials);
	assert_int_equal(verdict, AUTH_OK);
	verdict = auth_check(world->server, &attempt, answered_at);
	if (verdict == AUTH_OK && info)
		assert_true(put_auth_info(info, world->server,
					  &(struct auth_proving){ SIP_AUTHENTICATION_INFO, &attempt, { 0 } },
					  answered_at));
	sip_message_free(request);
	return verdict;
}

static void client_and_server_prove_themselves_to_each_other(void **state)
{
	struct world *world = *state;
	const struct auth_realm realm = { .name = SLICE("example.org"), .lifetime = 60 };
	struct auth_used used = { 0 };
	struct auth_sent sent;
	char buf[1024];

	take_challenge(world, &realm, 5);
	for (int i = 0; i < 3; i++) {
		struct writer info = writer_of(buf, sizeof buf);
		struct sip_message *ok;

		assert_int_equal(exchange(world, &realm, &used, &sent, &info), AUTH_OK);
		ok = parse("SIP/2.0 200 OK", "REGISTER", writer_text(&info));
		assert_int_equal(auth_client_confirm(&world->client, &sent, ok), AUTH_PROOF_GOOD);
		sip_message_free(ok);
	}
	assert_int_equal(world->client.spaces[AUTH_USER_AGENT].nc, 3);
}

/* A nonce that has been about for a minute is replaced by the answer, and the next request needs no challenge. */
static void a_worn_nonce_is_replaced_without_a_challenge(void **state)
{
	struct world *world = *state;
	const struct auth_realm realm = { .name = SLICE("example.org"), .lifetime = 3600 };
	struct auth_used used = { 0 };
	struct auth_text first;
	struct auth_sent sent;
	char buf[1024];

	take_challenge(world, &realm, 5);
	first = world->client.spaces[AUTH_USER_AGENT].nonce;
	for (int i = 0; i < 2; i++) {
		struct writer info = writer_of(buf, sizeof buf);
		struct auth_text *nonce = &world->client.spaces[AUTH_USER_AGENT].nonce;
		struct sip_message *ok;

		answered_at = 1000 + AUTH_NEXT_NONCE_AGE - 1 + i;
		assert_int_equal(exchange(world, &realm, &used, &sent, &info), AUTH_OK);
		ok = parse("SIP/2.0 200 OK", "REGISTER", writer_text(&info));
		/* the same answer twice changes nothing more */
		assert_int_equal(auth_client_confirm(&world->client, &sent, ok), AUTH_PROOF_GOOD);
		assert_int_equal(auth_client_confirm(&world->client, &sent, ok), AUTH_PROOF_GOOD);
		sip_message_free(ok);
		assert_int_equal(memcmp(nonce->bytes, first.bytes, first.len) != 0, i == 1);
	}
	assert_int_equal(world->client.spaces[AUTH_USER_AGENT].nc, 0);
	assert_int_equal(exchange(world, &realm, &used, &sent, NULL), AUTH_OK);
	answered_at = 1001;
}

static const struct {
	unsigned sha;
	enum auth_integrity integrity;
	const char *algorithm;
	bool covers_body, takes_auth;
} asked[] = {
	{ 0, AUTH_INTEGRITY_OFFERED, "SHA-256", true, false },
	{ 0, AUTH_INTEGRITY_REFUSED, "SHA-256", false, false },
	{ 0, AUTH_INTEGRITY_REQUIRED, "SHA-256", true, false },
	{ AUTH_OFFER(DIGEST_SHA256, true), AUTH_INTEGRITY_REFUSED, "SHA-256-sess", false, false },
	{ AUTH_OFFER(DIGEST_SHA256, true), AUTH_INTEGRITY_OFFERED, "SHA-256-sess", true, false },
	{ AUTH_OFFER(DIGEST_SHA512_256, false) | AUTH_OFFER(DIGEST_SHA256, false), AUTH_INTEGRITY_REFUSED,
	  "SHA-512-256", false, false },
	{ AUTH_OFFER(DIGEST_SHA512_256, true), AUTH_INTEGRITY_REQUIRED, "SHA-512-256-sess", true, false },
	{ 0, AUTH_INTEGRITY_OFFERED, "SHA-256", false, true },
	{ 0, AUTH_INTEGRITY_REQUIRED, "SHA-256", true, true },
};

static void whatever_a_realm_asks_for_is_answered_and_proven_in_return(void **state)
{
	struct world *world = *state;

	for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
		const struct auth_realm realm = { .name = SLICE("example.org"),
						  .sha = asked[i].sha,
						  .integrity = asked[i].integrity,
						  .lifetime = 60 };
		const struct auth_space *space = &world->client.spaces[AUTH_USER_AGENT];
		struct auth_used used = { 0 };
		struct auth_sent sent;
		char buf[1024];
		struct writer info = writer_of(buf, sizeof buf);
		struct sip_message *ok;

		world->client.takes_auth = asked[i].takes_auth;
		take_challenge(world, &realm, 5);
		assert_true(slice_eq(auth_algorithm_name(space->algorithm, space->session),
				     slice_of(asked[i].algorithm)));
		assert_int_equal(space->integrity, asked[i].covers_body);
		assert_int_equal(exchange(world, &realm, &used, &sent, &info), AUTH_OK);
		ok = parse("SIP/2.0 200 OK", "REGISTER", writer_text(&info));
		assert_int_equal(auth_client_confirm(&world->client, &sent, ok), AUTH_PROOF_GOOD);
		sip_message_free(ok);
	}
}

static void a_server_that_does_not_know_the_secret_is_noticed(void **state)
{
	struct world *world = *state;
	const struct auth_realm realm = { .name = SLICE("example.org"), .lifetime = 60 };
	struct auth_used used = { 0 };
	struct auth_sent sent;
	char buf[1024];
	struct writer info = writer_of(buf, sizeof buf);
	struct sip_message *ok;
	size_t at;

	take_challenge(world, &realm, 5);
	assert_int_equal(exchange(world, &realm, &used, &sent, &info), AUTH_OK);
	at = slice_find_text(writer_text(&info), SLICE("rspauth=\"")) + 9;
	buf[at] = buf[at] == '0' ? '1' : '0';
	ok = parse("SIP/2.0 200 OK", "REGISTER", writer_text(&info));
	assert_int_equal(auth_client_confirm(&world->client, &sent, ok), AUTH_PROOF_WRONG);
	sip_message_free(ok);

	ok = parse("SIP/2.0 200 OK", "REGISTER", SLICE(""));
	assert_int_equal(auth_client_confirm(&world->client, &sent, ok), AUTH_PROOF_NONE);
	sip_message_free(ok);
}

/* RFC 7616 §3.5: cnonce and nc are those of the request; else a proof of another exchange would do. */
static void a_proof_for_another_request_is_none(void **state)
{
	static const char *const parameters[] = { "cnonce=\"", "nc=" };
	struct world *world = *state;
	const struct auth_realm realm = { .name = SLICE("example.org"), .lifetime = 60 };

	for (size_t i = 0; i < 2; i++) {
		struct auth_used used = { 0 };
		struct auth_sent sent;
		char buf[1024];
		struct writer info = writer_of(buf, sizeof buf);
		struct sip_message *ok;
		size_t at;

		take_challenge(world, &realm, 5);
		assert_int_equal(exchange(world, &realm, &used, &sent, &info), AUTH_OK);
		at = slice_find_text(writer_text(&info), slice_of(parameters[i])) + strlen(parameters[i]);
		assert_true(at < info.len);
		buf[at] = buf[at] == '0' ? '1' : '0';
		ok = parse("SIP/2.0 200 OK", "REGISTER", writer_text(&info));
		assert_int_equal(auth_client_confirm(&world->client, &sent, ok), AUTH_PROOF_WRONG);
		sip_message_free(ok);
	}
}

static void answers_with_what_it_was_given_and_a_count_of_eight_digits(void **state)
{
	static const char *const challenges[] = { "", ", opaque=\"o1\"" };
	struct world *world = *state;
	const struct auth_subject subject = { SLICE("REGISTER"), SLICE("sips:example.org"), { 0 } };

	for (size_t i = 0; i < 2; i++) {
		char header[256], buf[2048];
		struct writer out = writer_of(buf, sizeof buf);
		struct sip_message *response;
		struct slice text;

		snprintf(header, sizeof header,
			 "WWW-Authenticate: " REALM "qop=\"auth\", algorithm=SHA-256%s\r\n", challenges[i]);
		response = parse("SIP/2.0 401 No", "REGISTER", slice_of(header));
		assert_int_equal(auth_client_challenge(&world->client, response, 0), AUTH_ANSWER);
		sip_message_free(response);
		world->client.spaces[AUTH_USER_AGENT].nc = 0x123456ff;
		assert_true(put_authorization(&out, &world->client, &subject, NULL));
		text = writer_text(&out);
		assert_true(slice_find_text(text, SLICE("nc=12345700")) < text.len);
		assert_int_equal(slice_find_text(text, SLICE("opaque=\"o1\"")) < text.len, i == 1);
		assert_int_equal(slice_find_text(text, SLICE("opaque")) < text.len, i == 1);
	}
}

/* Another request was challenged meanwhile: by another nonce at least, or for what the server was just told to ask for. */
static void a_proof_is_by_the_challenge_that_was_answered(void **state)
{
	static const struct auth_realm others[] = {
		{ .name = SLICE_INIT("example.org"), .lifetime = 60 },
		{ .name = SLICE_INIT("example.org"),
		  .lifetime = 60,
		  .sha = AUTH_OFFER(DIGEST_SHA512_256, false) },
		{ .name = SLICE_INIT("example.org"), .lifetime = 60, .sha = AUTH_OFFER(DIGEST_SHA256, true) },
		{ .name = SLICE_INIT("example.org"), .lifetime = 60, .integrity = AUTH_INTEGRITY_REFUSED },
	};
	struct world *world = *state;
	const struct auth_realm realm = { .name = SLICE("example.org"), .lifetime = 60 };

	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		struct auth_used used = { 0 };
		struct auth_sent sent;
		char buf[1024];
		struct writer info = writer_of(buf, sizeof buf);
		struct sip_message *ok;

		take_challenge(world, &realm, 5);
		assert_int_equal(exchange(world, &realm, &used, &sent, &info), AUTH_OK);
		take_challenge(world, &others[i], 5);
		ok = parse("SIP/2.0 200 OK", "REGISTER", writer_text(&info));
		assert_int_equal(auth_client_confirm(&world->client, &sent, ok), AUTH_PROOF_GOOD);
		sip_message_free(ok);
	}
}

static void keeps_its_nonce_if_the_next_one_is_too_long(void **state)
{
	struct world *world = *state;
	const struct auth_realm realm = { .name = SLICE("example.org"), .lifetime = 60 };
	struct auth_used used = { 0 };
	struct auth_sent sent;
	char buf[AUTH_NONCE_MAX + 64];
	struct writer info = writer_of(buf, sizeof buf);
	struct sip_message *ok;
	size_t length;

	take_challenge(world, &realm, 5);
	length = world->client.spaces[AUTH_USER_AGENT].nonce.len;
	assert_int_equal(exchange(world, &realm, &used, &sent, NULL), AUTH_OK);
	put(&info, SLICE("Authentication-Info: nextnonce=\""));
	for (size_t i = 0; i <= AUTH_NONCE_MAX; i++)
		put_char(&info, 'n');
	put(&info, SLICE("\"\r\n"));
	ok = parse("SIP/2.0 200 OK", "REGISTER", writer_text(&info));
	assert_int_equal(auth_client_confirm(&world->client, &sent, ok), AUTH_PROOF_NONE);
	sip_message_free(ok);
	assert_int_equal(world->client.spaces[AUTH_USER_AGENT].nonce.len, length);
	assert_int_equal(world->client.spaces[AUTH_USER_AGENT].nc, 1);
}

static void takes_the_next_nonce_over(void **state)
{
	struct world *world = *state;
	const struct auth_realm realm = { .name = SLICE("example.org"), .lifetime = 60 };
	struct auth_used used = { 0 };
	struct auth_sent sent;
	struct sip_message *ok;

	take_challenge(world, &realm, 5);
	assert_int_equal(exchange(world, &realm, &used, &sent, NULL), AUTH_OK);
	ok = parse("SIP/2.0 200 OK", "REGISTER", SLICE("Authentication-Info: nextnonce=\"n2\"\r\n"));
	assert_int_equal(auth_client_confirm(&world->client, &sent, ok), AUTH_PROOF_NONE);
	sip_message_free(ok);
	assert_int_equal(world->client.spaces[AUTH_USER_AGENT].nonce.len, 2);
	assert_int_equal(world->client.spaces[AUTH_USER_AGENT].nc, 0);
}

static void credentials_for_the_registrar_go_with_no_other_request(void **state)
{
	struct world *world = *state;
	const struct auth_realm realm = { .name = SLICE("example.org"), .lifetime = 60 };
	const struct auth_subject subject = { SLICE("INVITE"), SLICE("sips:bob@example.org"), { 0 } };
	char buf[2048];
	struct writer out = writer_of(buf, sizeof buf);

	take_challenge(world, &realm, 5);
	assert_true(put_authorization(&out, &world->client, &subject, NULL));
	assert_int_equal(out.len, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(chooses_which_challenge_to_answer, setup, teardown),
	cmocka_unit_test_setup_teardown(never_answers_more_weakly_than_before, setup, teardown),
	cmocka_unit_test_setup_teardown(client_and_server_prove_themselves_to_each_other, setup, teardown),
	cmocka_unit_test_setup_teardown(a_worn_nonce_is_replaced_without_a_challenge, setup, teardown),
	cmocka_unit_test_setup_teardown(whatever_a_realm_asks_for_is_answered_and_proven_in_return, setup,
					teardown),
	cmocka_unit_test_setup_teardown(a_server_that_does_not_know_the_secret_is_noticed, setup, teardown),
	cmocka_unit_test_setup_teardown(a_proof_for_another_request_is_none, setup, teardown),
	cmocka_unit_test_setup_teardown(answers_with_what_it_was_given_and_a_count_of_eight_digits, setup,
					teardown),
	cmocka_unit_test_setup_teardown(a_proof_is_by_the_challenge_that_was_answered, setup, teardown),
	cmocka_unit_test_setup_teardown(keeps_its_nonce_if_the_next_one_is_too_long, setup, teardown),
	cmocka_unit_test_setup_teardown(takes_the_next_nonce_over, setup, teardown),
	cmocka_unit_test_setup_teardown(credentials_for_the_registrar_go_with_no_other_request, setup,
					teardown),
};

TEST_MAIN(tests)
