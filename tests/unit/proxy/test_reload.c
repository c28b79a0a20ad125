/* The configuration is replaced while requests are under way: what is tried next is so by the new one. */
#include "call.h"

/* A configuration with one peer, of which nothing is left when it is freed. */
struct setup {
	struct server_config server;
	struct server_peer peer;
	struct slice domain, edge_for;
	char texts[256];
};

static struct slice keep(struct writer *out, const char *text)
{
	size_t from = out->len;

	put(out, slice_of(text));
	return slice_from(out->buf + from, out->len - from);
}

static struct setup *setup_with(struct world *world, const char *domain, const char *host)
{
	struct setup *setup = test_calloc(1, sizeof *setup);
	struct writer out = writer_of(setup->texts, sizeof setup->texts);

	setup->server = world->server;
	setup->server.peers = &setup->peer;
	setup->server.n_peers = 1;
	setup->domain = keep(&out, domain);
	setup->edge_for = keep(&out, "example.org");
	setup->peer = (struct server_peer){
		.domains = &setup->domain,
		.n_domains = 1,
		.host = keep(&out, host),
		.proves = keep(&out, "proven.example"),
		.edge_for = &setup->edge_for,
		.n_edge_for = 1,
	};
	core_reconfigure(world->core, &setup->server);
	return setup;
}

/* Bob has a phone here, and one behind an edge. */
static void add_edge(struct world *world, uint16_t q, const char *instance)
{
	world_bind(world, BOB, BOB_PHONE, "sip:bob@192.0.2.20", 1000);
	world_bind(world, BOB, BOB_OTHER, "sip:bob@192.0.2.21", q);
	for (size_t i = 0; i < 2; i++)
		world->accounts[BOB].bindings[i].instance = slice_of(instance);
	world->accounts[BOB].bindings[1].path = SLICE("<sips:token@edge.example;lr>");
	world->accounts[BOB].bindings[1].expires -= 100;
}

static const struct {
	const char *label, *instance, *first, *result;
	uint16_t q;
	bool is_kept; /* the edge is one in the new configuration, too */
} edges[] = {
	{ "the next target", "", "486 Busy Here", "SIP/2.0 486 ", 500, true },
	{ "the next target, gone", "", "486 Busy Here", "SIP/2.0 486 ", 500, false },
	{ "another flow of the phone", "urn:x", "430 Flow Failed", "SIP/2.0 480 ", 1000, true },
	{ "another flow of the phone, gone", "urn:x", "430 Flow Failed", "SIP/2.0 480 ", 1000, false },
};

static void a_phone_behind_an_edge_is_reached_as_the_configuration_is_when_its_turn_comes(void **state)
{
	for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
		struct world *world = world_new();
		struct setup *before = setup_with(world, "edge.example", ""), *after;
		struct sip_message *at_bob;
		struct slice got;

		add_edge(world, edges[i].q, edges[i].instance);
		world_ask_proven(world, ALICE_PHONE, ALICE, &invite);
		at_bob = world_one(world, BOB_PHONE);
		(void)world_passed(world, ALICE_PHONE);
		after = setup_with(world, edges[i].is_kept ? "edge.example" : "other.example", "");
		test_free(before);
		world_respond(world, BOB_PHONE, at_bob, edges[i].first, "");
		got = world_passed(world, ALICE_PHONE);
		if (!has(got, edges[i].result))
			fail_msg("%s: %.*s", edges[i].label, SLICE_FMT(got));
		assert_int_equal(world_passed(world, BOB_OTHER).len, 0); /* the flow proves no edge */
		sip_message_free(at_bob);
		world_end(world);
		test_free(after);
	}
}

#define XS_64  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define XS_512 XS_64 XS_64 XS_64 XS_64 XS_64 XS_64 XS_64 XS_64

static flow_id open_over_udp(struct world *world)
{
	struct flow_facts facts = { .event = FLOW_OPENED, .transport = TRANSPORT_UDP, .outbound = true };
	flow_id flow = flow_id_of(0, START, TRANSPORT_UDP, 100);

	assert_true(address_parse(SLICE("192.0.2.50:5060"), &facts.peer));
	endpoint_flow(world->endpoint, flow, &facts, world->now);
	world_answer(world, &(struct answer){ .flow = flow });
	return flow;
}

static void a_peer_that_refuses_tcp_is_gone_to_as_the_configuration_is_then(void **state)
{
	static const struct ask ask = { .method = "MESSAGE",
					.uri = "sip:x@far.example",
					.to = "<sip:x@far.example>",
					.headers = "X-Large: " XS_512 XS_512 XS_512 "\r\n" };
	struct world *world = world_new();
	struct setup *before = setup_with(world, "far.example", "192.0.2.50"), *after;
	flow_id flow;

	before->peer.transport = TRANSPORT_UDP;
	world->loses_dns = true;
	world_ask_proven(world, ALICE_PHONE, ALICE, &ask);
	flow = open_over_udp(world); /* it is too large, and TCP is tried */
	assert_int_equal(world_passed(world, ALICE_PHONE).len, 0);
	after = setup_with(world, "other.example", "");
	test_free(before);
	world->loses_dns = false;
	world_answer(world, &(struct answer){ .err = ERR_IO });
	assert_has(world_passed(world, ALICE_PHONE), "SIP/2.0 500 ");
	endpoint_flow(
		world->endpoint, flow,
		&(struct flow_facts){ .event = FLOW_LOST, .transport = TRANSPORT_UDP, .outbound = true },
		world->now);
	world_end(world);
	test_free(after);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_phone_behind_an_edge_is_reached_as_the_configuration_is_when_its_turn_comes),
	cmocka_unit_test(a_peer_that_refuses_tcp_is_gone_to_as_the_configuration_is_then),
};

TEST_MAIN(tests)
