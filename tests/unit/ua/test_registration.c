#include "auth/response.h"
#include "world.h"

/* -- a server's words -------------------------------------------------------------------------------- */

#define CHALLENGE(realm, nonce, rest)                                                       \
	"WWW-Authenticate: Digest realm=\"" realm "\", qop=\"auth\", nonce=\"" nonce "\", " \
	"algorithm=SHA-256" rest "\r\n"

static bool has_credentials(const struct sip_message *request)
{
	return sip_message_header(request, SIP_AUTHORIZATION) ||
	       sip_message_header(request, SIP_PROXY_AUTHORIZATION);
}

static void assert_value(const struct sip_message *message, enum sip_header_id id, const char *expected)
{
	struct slice value = sip_message_value(message, id);

	if (!slice_eq(value, slice_of(expected)))
		fail_msg("%.*s, not %s", SLICE_FMT(value), expected);
}

static void registers_with_its_instance_over_its_flow(void **state)
{
	struct world world;
	const struct sip_message *request;

	world_open(&world, &(struct ua_config){ 0 });
	world_connect(&world, "localhost");
	request = world_expect(&world, SIP_REGISTER);
	assert_true(slice_eq(request->uri_text, SLICE("sips:localhost"))); /* RFC3261:10.2 */
	assert_true(slice_eq(request->to.uri.text, SLICE("sips:alice@localhost")));
	assert_value(request, SIP_CONTACT,
		     "<sips:alice@127.0.0.1:40001>;reg-id=1;"
		     "+sip.instance=\"<urn:uuid:f81d4fae-7dec-41d0-a765-00a0c91e6bf6>\""); /* RFC5626:4.2 */
	assert_value(request, SIP_SUPPORTED, "path, outbound");
	assert_false(has_credentials(request));
	world_answer(&world, request, 200, "Contact: <sips:alice@127.0.0.1:40001>;expires=300\r\n",
		     SLICE(""));
	assert_int_equal(world_event(&world, UA_REGISTERED)->seconds, 300);
	assert_true(ua_is_registered(world.ua));
	world_pass(&world, 149000); /* half of its life has not passed */
	world_expect_silence(&world);
	world_pass(&world, 122000); /* nine tenths have */
	request = world_expect(&world, SIP_REGISTER);
	world_answer(&world, request, 200, NULL, SLICE(""));
	world_expect_no_event(&world, UA_REGISTERED);
	world_close(&world);
}

#define OURS     "Contact: <sips:alice@127.0.0.1:40001>"
#define INSTANCE ";+sip.instance=\"<urn:uuid:f81d4fae-7dec-41d0-a765-00a0c91e6bf6>\""
#define ANOTHERS "Contact: <sips:alice@127.0.0.9:5061>;expires=3500\r\n"

/* RFC3261:10.3 has all bindings of the account in the answer, those of other phones too. */
static const struct {
	const char *label, *lines;
	unsigned seconds;
} granted[] = {
	{ "another phone's comes last", OURS INSTANCE ";expires=600\r\n" ANOTHERS, 600 },
	{ "another phone's comes first", ANOTHERS OURS INSTANCE ";expires=600\r\n", 600 },
	{ "ours has lost its instance", ANOTHERS OURS ";expires=600\r\n" ANOTHERS, 600 },
	{ "the instance counts before the address",
	  OURS ";expires=3400\r\nContact: <sips:alice@127.0.0.1:40009>" INSTANCE ";expires=600\r\n", 600 },
	{ "ours was rewritten", "Contact: <sips:alice@192.0.2.7:1234>;expires=600\r\n", 600 },
	{ "ours was rewritten, and is one of two",
	  ANOTHERS "Contact: <sips:alice@192.0.2.7:1234>;expires=600\r\n", 600 },
	{ "another instance's alone",
	  "Expires: 500\r\nContact: <sips:alice@127.0.0.1:40001>;+sip.instance=\"<urn:uuid:0>\";expires=9\r\n",
	  500 },
};

static void lives_as_long_as_its_own_binding_was_granted(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof granted / sizeof granted[0]; i++) {
		struct world world;

		world_open(&world, &(struct ua_config){ 0 });
		world_connect(&world, "localhost");
		world_answer(&world, world_expect(&world, SIP_REGISTER), 200, granted[i].lines, SLICE(""));
		if (world_event(&world, UA_REGISTERED)->seconds != granted[i].seconds)
			fail_msg("%s: %u s", granted[i].label, world.event.seconds);
		world_close(&world);
	}
}

static void answers_its_own_realm_with_digest(void **state)
{
	struct world world;
	const struct sip_message *request;
	struct sip_credentials credentials;
	uint32_t first;

	world_open(&world, &(struct ua_config){ 0 });
	world_connect(&world, "localhost");
	request = world_expect(&world, SIP_REGISTER);
	first = request->cseq.number;
	world_answer(&world, request, 401, CHALLENGE("localhost", "abc", ""), SLICE(""));
	request = world_expect(&world, SIP_REGISTER);
	assert_int_equal(request->cseq.number, first + 1); /* RFC3261:22.2 */
	assert_true(sip_credentials_parse(sip_message_value(request, SIP_AUTHORIZATION), &credentials));
	assert_true(slice_eq(credentials.username, SLICE("alice")));
	assert_true(slice_eq(credentials.uri, SLICE("sips:localhost")));
	assert_true(slice_eq(credentials.nc, SLICE("00000001")));
	assert_true(slice_eq(world_event(&world, UA_ALGORITHM)->text, SLICE("SHA-256")));
	world_answer(&world, request, 200, NULL, SLICE(""));
	world_event(&world, UA_REGISTERED);
	world_close(&world);
}

/* RFC3261:22.3: what is between us and the registrar may ask as well, each for credentials of its own. */
static void answers_the_proxy_and_then_the_registrar(void **state)
{
	struct world world;
	const struct sip_message *request;

	world_open(&world, &(struct ua_config){ 0 });
	world_connect(&world, "localhost");
	world_answer(
		&world, world_expect(&world, SIP_REGISTER), 407,
		"Proxy-Authenticate: Digest realm=\"localhost\", nonce=\"p\", qop=\"auth\", algorithm=SHA-256\r\n",
		SLICE(""));
	request = world_expect(&world, SIP_REGISTER);
	assert_non_null(sip_message_header(request, SIP_PROXY_AUTHORIZATION));
	world_answer(&world, request, 401, CHALLENGE("localhost", "abc", ""), SLICE(""));
	request = world_expect(&world, SIP_REGISTER);
	assert_non_null(sip_message_header(request, SIP_PROXY_AUTHORIZATION));
	assert_non_null(sip_message_header(request, SIP_AUTHORIZATION));
	world_answer(&world, request, 200, NULL, SLICE(""));
	world_event(&world, UA_REGISTERED);
	world_close(&world);
}

static void a_wrong_password_is_told_and_not_tried_again(void **state)
{
	struct world world;
	const struct ua_event *event;

	world_open(&world, &(struct ua_config){ 0 });
	world_connect(&world, "localhost");
	world_answer(&world, world_expect(&world, SIP_REGISTER), 401, CHALLENGE("localhost", "abc", ""),
		     SLICE(""));
	world_answer(&world, world_expect(&world, SIP_REGISTER), 401, CHALLENGE("localhost", "def", ""),
		     SLICE(""));
	event = world_event(&world, UA_REGISTRATION_FAILED);
	assert_int_equal(event->cause, UA_WRONG_PASSWORD);
	assert_int_equal(event->retry_in, 0);
	world_pass(&world, 7200000);
	world_expect_silence(&world);
	world_close(&world);
}

static const struct {
	const char *label, *challenge;
} hostile[] = {
	{ "another realm", CHALLENGE("bank.example", "abc", "") },
	{ "another scheme", "WWW-Authenticate: Basic realm=\"localhost\"\r\n" },
	{ "an algorithm that nobody knows",
	  "WWW-Authenticate: Digest realm=\"localhost\", nonce=\"a\", qop=\"auth\", algorithm=ROT13\r\n" },
	{ "no challenge at all", "" },
};

static void a_challenge_that_is_none_of_ours_gets_no_password(void **state)
{
	for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
		struct world world;

		print_message("# %s\n", hostile[i].label);
		world_open(&world, &(struct ua_config){ 0 });
		world_connect(&world, "localhost");
		world_answer(&world, world_expect(&world, SIP_REGISTER), 401, hostile[i].challenge,
			     SLICE(""));
		world_expect_silence(&world);
		assert_int_equal(world_event(&world, UA_REGISTRATION_FAILED)->cause, UA_NOT_AUTHENTIC);
		world_close(&world);
	}
}

static void challenges_are_not_answered_for_ever(void **state)
{
	struct world world;
	const struct sip_message *request;
	int rounds = 0;

	world_open(&world, &(struct ua_config){ 0 });
	world_connect(&world, "localhost");
	while ((request = world_sent(&world)) && rounds++ < 20)
		world_answer(&world, request, 401, CHALLENGE("localhost", "abc", ", stale=true"), SLICE(""));
	assert_in_range(rounds, 2, 5);
	world_event(&world, UA_REGISTRATION_FAILED);
	world_close(&world);
}

static void a_weaker_algorithm_than_remembered_is_refused(void **state)
{
	struct world world;

	world_open(&world, &(struct ua_config){ .least = DIGEST_SHA256 });
	world_connect(&world, "localhost");
	world_answer(
		&world, world_expect(&world, SIP_REGISTER), 401,
		"WWW-Authenticate: Digest realm=\"localhost\", nonce=\"a\", qop=\"auth\", algorithm=MD5\r\n",
		SLICE(""));
	world_expect_silence(&world);
	assert_int_equal(world_event(&world, UA_REGISTRATION_FAILED)->cause, UA_NOT_AUTHENTIC);
	world_close(&world);
}

static void a_flow_that_proves_another_name_is_closed_unused(void **state)
{
	struct world world;

	world_open(&world, &(struct ua_config){ 0 });
	world_connect(&world, "other.example");
	world_expect_silence(&world);
	assert_int_equal(world.closed, 1);
	world_close(&world);
}

static void in_clear_it_registers_only_when_that_was_asked_for(void **state)
{
	const struct ua_config tls = { .aor = SLICE("sip:alice@localhost") };
	const struct ua_config tcp = { .aor = SLICE("sip:alice@localhost"), .transport = TRANSPORT_TCP };
	const struct ua_config both = { .aor = SLICE("sips:alice@localhost"), .transport = TRANSPORT_TCP };
	struct world world;
	struct ua *ua;

	assert_int_equal(ua_new(&both, &ua), ERR_DENIED);
	world_open(&world, &tls);
	world_connect(&world, ""); /* what transport/ would never do */
	world_expect_silence(&world);
	world_close(&world);

	world_open(&world, &tcp);
	world_connect(&world, "");
	world_answer(&world, world_expect(&world, SIP_REGISTER), 401, CHALLENGE("localhost", "abc", ""),
		     SLICE(""));
	assert_true(has_credentials(world_expect(&world, SIP_REGISTER)));
	world_close(&world);
}

static void a_lost_flow_is_opened_again_soon_and_then_less_often(void **state)
{
	struct world world;
	ms_t waited = 0;

	world_open(&world, &(struct ua_config){ 0 });
	world_register(&world);
	world_lose_flow(&world);
	assert_false(ua_is_registered(world.ua));
	assert_in_range(world_event(&world, UA_DISCONNECTED)->retry_in, 1, 1000);
	for (int i = 0; i < 4; i++) {
		world_pass(&world, world.event.retry_in);
		waited += world.event.retry_in;
		world_refuse_connection(&world, ERR_IO);
		assert_int_equal(world_event(&world, UA_DISCONNECTED)->cause, UA_SERVER_GONE);
		assert_true(world.event.retry_in <= 32000);
	}
	assert_true(waited <= 30000); /* four tries within half a minute */
	world_pass(&world, world.event.retry_in);
	world_register(&world);
	world_close(&world);
}

static void a_certificate_that_is_refused_is_told_as_such(void **state)
{
	struct world world;

	world_open(&world, &(struct ua_config){ 0 });
	world_refuse_connection(&world, ERR_DENIED);
	assert_int_equal(world_event(&world, UA_DISCONNECTED)->cause, UA_CERTIFICATE);
	world_expect_silence(&world);
	world_close(&world);
}

static void does_what_the_registrar_asks_for(void **state)
{
	struct world world;
	const struct sip_message *request;

	world_open(&world, &(struct ua_config){ 0 });
	world_connect(&world, "localhost");
	world_answer(&world, world_expect(&world, SIP_REGISTER), 423, "Min-Expires: 1800\r\n", SLICE(""));
	request = world_expect(&world, SIP_REGISTER);
	assert_value(request, SIP_EXPIRES, "1800"); /* RFC3261:10.2.8 */
	world_answer(&world, request, 439, NULL, SLICE(""));
	request = world_expect(&world, SIP_REGISTER);
	assert_value(request, SIP_CONTACT, "<sips:alice@127.0.0.1:40001>"); /* RFC5626:11.6 */
	world_answer(&world, request, 503, "Retry-After: 20\r\n", SLICE(""));
	assert_int_equal(world_event(&world, UA_REGISTRATION_FAILED)->retry_in, 20000);
	world_pass(&world, 19999);
	world_expect_silence(&world);
	world_pass(&world, 1);
	world_answer(&world, world_expect(&world, SIP_REGISTER), 503, "Retry-After: 86400\r\n", SLICE(""));
	assert_int_equal(world_event(&world, UA_REGISTRATION_FAILED)->retry_in, 1800000);
	world_pass(&world, 1800000);
	world_answer(&world, world_expect(&world, SIP_REGISTER), 404, NULL, SLICE(""));
	assert_int_equal(world_event(&world, UA_REGISTRATION_FAILED)->cause, UA_UNKNOWN_USER);
	assert_int_equal(world.event.retry_in, 0);
	world_close(&world);
}

/* RFC3261:8.1.3.1 a timeout "MUST be treated as if a 408 (Request Timeout) status code has been received": so what follows is the same */
static void a_timeout_that_somebody_on_the_way_tells_is_not_the_end(void **state)
{
	for (int refreshing = 0; refreshing < 2; refreshing++) {
		struct world world;
		const struct sip_message *request;

		world_open(&world, &(struct ua_config){ 0 });
		world_connect(&world, "localhost");
		request = world_expect(&world, SIP_REGISTER);
		if (refreshing) {
			world_answer(&world, request, 200, "Expires: 600\r\n", SLICE(""));
			request = NULL;
			for (int most = 600; most > 0 && !request; most--) {
				world_pass(&world, 1000);
				request = world_sent(&world);
			}
			assert_non_null(request);
		}
		world_answer(&world, request, 408, NULL, SLICE(""));
		assert_true(world_event(&world, UA_REGISTRATION_FAILED)->retry_in > 0);
		world_pass(&world, world.event.retry_in);
		world_answer(&world, world_expect(&world, SIP_REGISTER), 200, "Expires: 600\r\n", SLICE(""));
		world_event(&world, UA_REGISTERED);
		world_close(&world);
	}
}

static void a_false_proof_of_the_password_is_the_end_of_the_flow(void **state)
{
	struct world world;
	const struct sip_message *request;

	world_open(&world, &(struct ua_config){ 0 });
	world_connect(&world, "localhost");
	world_answer(&world, world_expect(&world, SIP_REGISTER), 401, CHALLENGE("localhost", "abc", ""),
		     SLICE(""));
	request = world_expect(&world, SIP_REGISTER);
	world_answer(&world, request, 200,
		     "Authentication-Info: qop=auth, rspauth=\"0000\", cnonce=\"x\", nc=00000001\r\n",
		     SLICE(""));
	assert_int_equal(world_event(&world, UA_REGISTRATION_FAILED)->cause, UA_NOT_AUTHENTIC);
	assert_int_equal(world.closed, 1);
	world_close(&world);
}

/* The line with which a server that knows the password answers the credentials. */
static const char *proof_for(const struct world *world, const struct sip_message *request)
{
	static char line[256];
	const struct auth_login login = { SLICE("alice"), SLICE("localhost"), SLICE("secret") };
	unsigned char ha1[DIGEST_SIZE_MAX];
	struct sip_credentials sent;
	struct auth_hex rspauth;

	assert_true(sip_credentials_parse(sip_message_value(request, SIP_AUTHORIZATION), &sent));
	assert_true(auth_ha1(world->crypto, DIGEST_SHA256, &login, ha1));
	assert_true(auth_rspauth(world->crypto,
				 &(struct auth_exchange){ .algorithm = DIGEST_SHA256,
							  .ha1 = ha1,
							  .nonce = sent.nonce,
							  .nc = sent.nc,
							  .cnonce = sent.cnonce,
							  .qop = sent.qop,
							  .uri = sent.uri },
				 &rspauth));
	snprintf(line, sizeof line,
		 "Authentication-Info: qop=%.*s, rspauth=\"%.*s\", cnonce=\"%.*s\", nc=%.*s\r\n",
		 SLICE_FMT(sent.qop), SLICE_FMT(auth_hex_slice(&rspauth)), SLICE_FMT(sent.cnonce),
		 SLICE_FMT(sent.nc));
	return line;
}

static void a_server_that_keeps_silent_is_judged_by_the_policy(void **state) /* RFC7616:3.5 */
{
	static const struct {
		enum ua_server_proof policy;
		bool was_proven, proves, is_accepted;
	} rows[] = {
		{ UA_PROOF_REMEMBERED, false, false, true }, { UA_PROOF_REMEMBERED, false, true, true },
		{ UA_PROOF_REMEMBERED, true, false, false }, { UA_PROOF_REMEMBERED, true, true, true },
		{ UA_PROOF_ACCEPTED, true, false, true },    { UA_PROOF_REQUIRED, false, false, false },
		{ UA_PROOF_REQUIRED, false, true, true },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct world world;
		const struct sip_message *request;
		unsigned n_proven = 0;

		world_open(&world,
			   &(struct ua_config){ .proof = rows[i].policy, .was_proven = rows[i].was_proven });
		world_connect(&world, "localhost");
		world_answer(&world, world_expect(&world, SIP_REGISTER), 401,
			     CHALLENGE("localhost", "abc", ""), SLICE(""));
		request = world_expect(&world, SIP_REGISTER);
		world_answer(&world, request, 200, rows[i].proves ? proof_for(&world, request) : NULL,
			     SLICE(""));
		do {
			assert_true(ua_next_event(world.ua, &world.event));
			n_proven += world.event.kind == UA_PROVEN;
		} while (world.event.kind != UA_REGISTERED && world.event.kind != UA_REGISTRATION_FAILED);
		assert_int_equal(n_proven, rows[i].proves && !rows[i].was_proven);
		assert_int_equal(world.event.kind == UA_REGISTERED, rows[i].is_accepted);
		if (!rows[i].is_accepted)
			assert_int_equal(world.event.cause, UA_NOT_AUTHENTIC);
		assert_int_equal(world.closed, !rows[i].is_accepted);
		world_close(&world);
	}
}

/* Who has taken the server's place may ask for no password at all. */
static void a_server_that_has_to_prove_itself_cannot_do_without_asking(void **state)
{
	struct world world;

	world_open(&world, &(struct ua_config){ .was_proven = true });
	world_connect(&world, "localhost");
	world_answer(&world, world_expect(&world, SIP_REGISTER), 200, NULL, SLICE(""));
	assert_int_equal(world_event(&world, UA_REGISTRATION_FAILED)->cause, UA_NOT_AUTHENTIC);
	world_close(&world);
}

/* The last that is said before the end. */
static void take_back(struct world *world)
{
	const struct sip_message *request = world_expect(world, SIP_REGISTER);

	assert_value(request, SIP_EXPIRES, "0");
	world_expect_no_event(world, UA_STOPPED);
	world_answer(world, request, 200, NULL, SLICE(""));
	world_event(world, UA_STOPPED);
	world_close(world);
}

static void takes_its_binding_back_when_it_stops(void **state)
{
	struct world world;

	world_open(&world, &(struct ua_config){ 0 });
	world_register(&world);
	ua_stop(world.ua, world.now);
	world_pump(&world);
	take_back(&world);
}

/* The first REGISTER, which is not answered yet. */
static const struct sip_message *stop_while_it_registers(struct world *world)
{
	const struct sip_message *request;

	world_open(world, &(struct ua_config){ 0 });
	world_connect(world, "localhost");
	request = world_expect(world, SIP_REGISTER);
	ua_stop(world->ua, world->now);
	world_pump(world);
	return request;
}

/* Who is in a hurry does not leave a binding behind that nobody is at. */
static void a_registration_that_is_under_way_is_taken_back_too(void **state)
{
	struct world world;
	const struct sip_message *request;

	(void)state;
	request = stop_while_it_registers(&world);
	world_expect_silence(&world); /* RFC3261:10.2 not before the answer to the one before */
	world_answer(&world, request, 200, NULL, SLICE(""));
	take_back(&world);
}

static void who_stops_does_not_begin_to_register(void **state)
{
	struct world world;
	const struct sip_message *request;

	(void)state;
	request = stop_while_it_registers(&world);
	world_answer(
		&world, request, 401,
		"WWW-Authenticate: Digest realm=\"localhost\", nonce=\"n1\", algorithm=SHA-256, qop=\"auth\"\r\n",
		SLICE(""));
	world_expect_silence(&world);
	world_event(&world, UA_STOPPED);
	world_close(&world);
}

static void stops_without_the_server_too(void **state)
{
	struct world world;

	world_open(&world, &(struct ua_config){ 0 });
	world_register(&world);
	ua_stop(world.ua, world.now);
	world_pump(&world);
	world_expect(&world, SIP_REGISTER);
	world_pass(&world, 2000);
	world_event(&world, UA_STOPPED);
	world_close(&world);

	world_open(&world, &(struct ua_config){ 0 });
	ua_stop(world.ua, world.now);
	world_event(&world, UA_STOPPED);
	world_close(&world);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(registers_with_its_instance_over_its_flow),
	cmocka_unit_test(lives_as_long_as_its_own_binding_was_granted),
	cmocka_unit_test(answers_its_own_realm_with_digest),
	cmocka_unit_test(answers_the_proxy_and_then_the_registrar),
	cmocka_unit_test(a_wrong_password_is_told_and_not_tried_again),
	cmocka_unit_test(a_challenge_that_is_none_of_ours_gets_no_password),
	cmocka_unit_test(challenges_are_not_answered_for_ever),
	cmocka_unit_test(a_weaker_algorithm_than_remembered_is_refused),
	cmocka_unit_test(a_flow_that_proves_another_name_is_closed_unused),
	cmocka_unit_test(in_clear_it_registers_only_when_that_was_asked_for),
	cmocka_unit_test(a_lost_flow_is_opened_again_soon_and_then_less_often),
	cmocka_unit_test(a_certificate_that_is_refused_is_told_as_such),
	cmocka_unit_test(does_what_the_registrar_asks_for),
	cmocka_unit_test(a_timeout_that_somebody_on_the_way_tells_is_not_the_end),
	cmocka_unit_test(a_false_proof_of_the_password_is_the_end_of_the_flow),
	cmocka_unit_test(a_server_that_keeps_silent_is_judged_by_the_policy),
	cmocka_unit_test(a_server_that_has_to_prove_itself_cannot_do_without_asking),
	cmocka_unit_test(takes_its_binding_back_when_it_stops),
	cmocka_unit_test(a_registration_that_is_under_way_is_taken_back_too),
	cmocka_unit_test(who_stops_does_not_begin_to_register),
	cmocka_unit_test(stops_without_the_server_too),
};
TEST_MAIN(tests)
