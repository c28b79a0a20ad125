/* How the flow to the server comes about when nobody says where the server is: by the DNS, target after target. */
#include "../locate/zone.h"
#include "world.h"

enum { MESSAGE_MAX = 4096 };

static const char zone[] = "_sips._tcp.example.org SRV 1 0 5071 a.example.org\n"
			   "_sips._tcp.example.org SRV 2 0 5072 b.example.org\n"
			   "_sip._tcp.example.org SRV 1 0 5070 b.example.org\n"
			   "a.example.org A 192.0.2.1\n"
			   "b.example.org A 192.0.2.2\n";

/* A user agent that was told of no server. */
static void open_world(struct world *world, const char *aor, enum transport_protocol transport)
{
	world_open(world,
		   &(struct ua_config){ .aor = slice_of(aor), .server = SLICE(""), .transport = transport });
}

/* The DNS answers until a connection is asked for or it is over. */
static void answer_all(struct world *world, enum dns_type forged)
{
	while (world->resolve != 0) {
		char message[MESSAGE_MAX];
		struct writer out = writer_of(message, sizeof message);
		struct dns_question question = { slice_of(world->asked_name), world->asked_type };
		struct answer answer = { .question = world->resolve, .dns.is_secure = true };

		if (question.type == forged) {
			answer.err = answer.dns.err = ERR_DENIED;
			answer.dns.why = SLICE("signature crypto failed");
		} else {
			put_response(&out, zone, &question);
			assert_false(out.overflow);
			answer.dns.message = writer_text(&out);
		}
		world->resolve = 0;
		endpoint_answer(world->endpoint, &answer, world->now);
		world_pump(world);
	}
}

static void connects_to_where_the_dns_says_and_wants_the_domain_proven(void **state)
{
	struct locate_target place;
	struct world world;

	open_world(&world, "sips:alice@example.org", TRANSPORT_TLS);
	assert_int_equal(world.question, 0);
	assert_false(ua_place(world.ua, &place));
	answer_all(&world, 0);
	assert_string_equal(world.connect_to, "192.0.2.1:5071 example.org");
	assert_in_range(world.patience, 1, 10000); /* there is another one */
	world_connect(&world, "example.org");
	world_expect(&world, SIP_REGISTER);
	assert_true(ua_place(world.ua, &place));
	assert_true(place.is_secure && slice_eq(place.host, SLICE("a.example.org")));
	world_close(&world);
}

static void asks_for_the_records_of_its_transport(void **state)
{
	struct world world;

	open_world(&world, "sip:alice@example.org", TRANSPORT_TCP);
	answer_all(&world, 0);
	assert_string_equal(world.connect_to, "192.0.2.2:5070 ");
	assert_int_equal(world.patience, 0); /* the only one */
	world_close(&world);
}

static void goes_from_target_to_target(void **state)
{
	struct world world;

	open_world(&world, "sips:alice@example.org", TRANSPORT_TLS);
	answer_all(&world, 0);
	world_refuse_connection(&world, ERR_IO);
	answer_all(&world, 0);
	assert_string_equal(world.connect_to, "192.0.2.2:5072 example.org");
	assert_int_equal(world.patience, 0);
	world_expect_no_event(&world, UA_DISCONNECTED);
	world_connect(&world, "example.org");
	world_expect(&world, SIP_REGISTER);
	world_close(&world);
}

static void tells_of_the_target_that_was_not_who_it_should_be(void **state)
{
	static const struct {
		enum err first, second;
		enum ua_cause cause;
	} cases[] = {
		{ ERR_IO, ERR_IO, UA_SERVER_GONE },
		{ ERR_DENIED, ERR_IO, UA_CERTIFICATE },
		{ ERR_IO, ERR_DENIED, UA_CERTIFICATE },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct world world;

		open_world(&world, "sips:alice@example.org", TRANSPORT_TLS);
		answer_all(&world, 0);
		world_refuse_connection(&world, cases[i].first);
		answer_all(&world, 0);
		world_refuse_connection(&world, cases[i].second);
		assert_int_equal(world_event(&world, UA_DISCONNECTED)->cause, cases[i].cause);
		assert_true(slice_eq(world.event.text, SLICE("it was not to be")));
		assert_true(world.event.retry_in > 0);
		world_close(&world);
	}
}

/* RFC3263:4.3 */
static void leaves_a_server_that_does_not_register_us(void **state)
{
	for (int lost = 0; lost < 2; lost++) { /* by the connection, or by a 503 */
		struct world world;
		const struct sip_message *request;

		open_world(&world, "sips:alice@example.org", TRANSPORT_TLS);
		answer_all(&world, 0);
		world_connect(&world, "example.org");
		request = world_expect(&world, SIP_REGISTER);
		if (!lost) {
			world_answer(&world, request, 503, "Retry-After: 600\r\n", SLICE(""));
			assert_int_equal(world.closed, 1);
		}
		world_lose_flow(&world);
		answer_all(&world, 0);
		world_expect_no_event(&world, UA_DISCONNECTED);
		assert_string_equal(world.connect_to, "192.0.2.2:5072 example.org");
		world_connect(&world, "example.org");
		world_answer(&world, world_expect(&world, SIP_REGISTER), 503, "Retry-After: 600\r\n",
			     SLICE(""));
		assert_int_equal(world_event(&world, UA_REGISTRATION_FAILED)->retry_in, 600000);
		world_close(&world);
	}
}

static void begins_anew_when_the_flow_is_lost(void **state)
{
	struct world world;

	open_world(&world, "sips:alice@example.org", TRANSPORT_TLS);
	answer_all(&world, 0);
	world_refuse_connection(&world, ERR_IO);
	answer_all(&world, 0);
	world_connect(&world, "example.org");
	world_expect(&world, SIP_REGISTER);
	world_lose_flow(&world);
	world_pass(&world, world_event(&world, UA_DISCONNECTED)->retry_in);
	answer_all(&world, 0);
	assert_string_equal(world.connect_to, "192.0.2.1:5071 example.org");
	world_close(&world);
}

static void tells_a_forged_answer_as_such(void **state)
{
	struct world world;

	open_world(&world, "sips:alice@example.org", TRANSPORT_TLS);
	answer_all(&world, DNS_SRV);
	assert_int_equal(world.question, 0);
	assert_int_equal(world_event(&world, UA_DISCONNECTED)->cause, UA_BOGUS_DNS);
	assert_true(slice_find_text(world.event.text, SLICE("DNSSEC")) < world.event.text.len);
	assert_true(world.event.retry_in > 0);
	world_close(&world);
}

static void asks_nobody_if_it_was_told(void **state)
{
	struct locate_target place;
	struct world world;

	world_open(&world, &(struct ua_config){ .server = SLICE("pbx.example.org"), .port = 5099 });
	assert_string_equal(world.connect_to, "pbx.example.org:5099 localhost");
	assert_int_equal(world.resolve, 0);
	world_connect(&world, "localhost");
	assert_false(ua_place(world.ua, &place));
	world_close(&world);
}

static void forgets_the_question_when_it_stops(void **state)
{
	struct world world;

	open_world(&world, "sips:alice@example.org", TRANSPORT_TLS);
	ua_stop(world.ua, world.now);
	answer_all(&world, 0);
	assert_int_equal(world.question, 0);
	world_event(&world, UA_STOPPED);
	world_close(&world);
}

/* RFC3261:8.1.2, RFC5626:4.2.1 */
static void reaches_its_domain_by_an_outbound_proxy(void **state)
{
	const struct sip_message *message;
	struct world world;

	world_open(&world, &(struct ua_config){ .aor = SLICE("sips:alice@home.example"),
						.server = SLICE(""),
						.proxy = SLICE("Example.org"),
						.transport = TRANSPORT_TLS });
	answer_all(&world, 0);
	assert_string_equal(world.connect_to, "192.0.2.1:5071 example.org");
	world_connect(&world, "example.org");
	message = world_expect(&world, SIP_REGISTER);
	assert_true(slice_eq(message->uri_text, SLICE("sips:home.example")));
	assert_true(slice_eq(sip_message_value(message, SIP_ROUTE), SLICE("<sips:example.org;lr>")));
	world_close(&world);
}

/* The account's domain is not who it asked for. */
static void sends_nothing_to_who_is_not_the_outbound_proxy(void **state)
{
	struct world world;

	world_open(&world, &(struct ua_config){ .aor = SLICE("sips:alice@home.example"),
						.proxy = SLICE("example.org"),
						.transport = TRANSPORT_TLS });
	world_connect(&world, "home.example");
	world_expect_silence(&world);
	world_close(&world);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(reaches_its_domain_by_an_outbound_proxy),
	cmocka_unit_test(sends_nothing_to_who_is_not_the_outbound_proxy),
	cmocka_unit_test(connects_to_where_the_dns_says_and_wants_the_domain_proven),
	cmocka_unit_test(asks_for_the_records_of_its_transport),
	cmocka_unit_test(goes_from_target_to_target),
	cmocka_unit_test(tells_of_the_target_that_was_not_who_it_should_be),
	cmocka_unit_test(leaves_a_server_that_does_not_register_us),
	cmocka_unit_test(begins_anew_when_the_flow_is_lost),
	cmocka_unit_test(tells_a_forged_answer_as_such),
	cmocka_unit_test(asks_nobody_if_it_was_told),
	cmocka_unit_test(forgets_the_question_when_it_stops),
};

TEST_MAIN(tests)
