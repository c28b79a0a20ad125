/* Nothing is relayed or acted on without a named proof: who may send what, row by row. */
#include "world.h"

#include "proxy/token.h"

enum route {
	NO_ROUTE,
	OWN,
	OWN_ADDRESS,
	TOKEN,
	TOKEN_SIPS,
	TOKEN_TWICE,
	TAMPERED,
	OF_OTHER_CALL,
	FOREIGN,
	OWN_THEN_FOREIGN
};
enum credentials { NONE, GOOD, WRONG_PASSWORD, OF_CAROL, OF_NOBODY, OF_OTHER_FLOW, REPLAYED, MALFORMED };

#define IN_DIALOG "<sip:bob@example.org>;tag=b"

/* result: the status that comes back, or to whom the request goes. */
static const struct row {
	const char *label;
	enum peer from;
	struct ask ask;
	enum route route;
	enum credentials credentials;
	const char *result;
} rows[] = {
	/* out of a dialog: digest of the account that the request speaks for */
	{ "a stranger calls", STRANGER, { 0 }, NO_ROUTE, NONE, "407" },
	{ "alice calls, proven on the flow by her registration only",
	  ALICE_PHONE,
	  { 0 },
	  NO_ROUTE,
	  NONE,
	  "407" },
	{ "alice calls with her password", ALICE_PHONE, { 0 }, NO_ROUTE, GOOD, "to bob" },
	{ "alice calls with her password from anywhere", STRANGER, { 0 }, NO_ROUTE, GOOD, "to bob" },
	{ "alice calls through her outbound proxy, us", ALICE_PHONE, { 0 }, OWN, GOOD, "to bob" },
	{ "alice calls through our address", ALICE_PHONE, { 0 }, OWN_ADDRESS, GOOD, "to bob" },
	{ "a wrong password", ALICE_PHONE, { 0 }, NO_ROUTE, WRONG_PASSWORD, "407" },
	{ "carol's password under alice's name", ALICE_PHONE, { 0 }, NO_ROUTE, OF_CAROL, "403" },
	{ "an account that is not",
	  STRANGER,
	  { .from = "<sip:nobody@example.org>;tag=n" },
	  NO_ROUTE,
	  OF_NOBODY,
	  "407" },
	{ "credentials for a nonce of another flow", STRANGER, { 0 }, NO_ROUTE, OF_OTHER_FLOW, "407 stale" },
	{ "the same credentials again", ALICE_PHONE, { 0 }, NO_ROUTE, REPLAYED, "407 stale" },
	{ "credentials without qop", ALICE_PHONE, { 0 }, NO_ROUTE, MALFORMED, "400" },
	{ "a sender of another domain",
	  STRANGER,
	  { .from = "<sip:eve@example.net>;tag=e" },
	  NO_ROUTE,
	  NONE,
	  "403" },
	{ "an anonymous sender",
	  ALICE_PHONE,
	  { .from = "<sip:anonymous@anonymous.invalid>;tag=x" },
	  NO_ROUTE,
	  NONE,
	  "403" },
	{ "MESSAGE", STRANGER, { .method = "MESSAGE" }, NO_ROUTE, NONE, "407" },
	{ "MESSAGE, proven", ALICE_PHONE, { .method = "MESSAGE" }, NO_ROUTE, GOOD, "to bob" },
	{ "SUBSCRIBE", STRANGER, { .method = "SUBSCRIBE" }, NO_ROUTE, NONE, "407" },
	{ "SUBSCRIBE, proven", ALICE_PHONE, { .method = "SUBSCRIBE" }, NO_ROUTE, GOOD, "to bob" },
	{ "REFER, proven", ALICE_PHONE, { .method = "REFER" }, NO_ROUTE, GOOD, "to bob" },
	{ "NOTIFY", STRANGER, { .method = "NOTIFY" }, NO_ROUTE, NONE, "407" },
	{ "INFO", STRANGER, { .method = "INFO" }, NO_ROUTE, NONE, "407" },
	{ "PUBLISH, proven", ALICE_PHONE, { .method = "PUBLISH" }, NO_ROUTE, GOOD, "to bob" },
	{ "a method that nobody knows", STRANGER, { .method = "FROBNICATE" }, NO_ROUTE, NONE, "407" },
	{ "a method that nobody knows, proven",
	  ALICE_PHONE,
	  { .method = "FROBNICATE" },
	  NO_ROUTE,
	  GOOD,
	  "to bob" },
	{ "OPTIONS to bob", STRANGER, { .method = "OPTIONS" }, NO_ROUTE, NONE, "407" },
	{ "OPTIONS to the server itself",
	  STRANGER,
	  { .method = "OPTIONS", .uri = "sip:example.org" },
	  NO_ROUTE,
	  NONE,
	  "200" },
	{ "BYE out of nowhere", STRANGER, { .method = "BYE", .to = IN_DIALOG }, NO_ROUTE, NONE, "407" },

	/* where to: only our own */
	{ "to another domain", ALICE_PHONE, { .uri = "sip:bob@example.net" }, NO_ROUTE, NONE, "403" },
	{ "to another domain, proven", ALICE_PHONE, { .uri = "sip:bob@example.net" }, NO_ROUTE, GOOD, "403" },
	{ "over another proxy", ALICE_PHONE, { 0 }, FOREIGN, NONE, "403" },
	{ "over us to another proxy", ALICE_PHONE, { 0 }, OWN_THEN_FOREIGN, NONE, "403" },
	{ "in a dialog, to a Contact, without its Route",
	  ALICE_PHONE,
	  { .method = "BYE", .uri = "sip:bob@192.0.2.20", .to = IN_DIALOG },
	  NO_ROUTE,
	  NONE,
	  "481" },
	{ "to nobody, unproven: no telling",
	  STRANGER,
	  { .uri = "sip:nobody@example.org" },
	  NO_ROUTE,
	  NONE,
	  "407" },
	{ "to nobody, proven", ALICE_PHONE, { .uri = "sip:nobody@example.org" }, NO_ROUTE, GOOD, "404" },

	/* registration: the account in To */
	{ "REGISTER",
	  ALICE_PHONE,
	  { .method = "REGISTER", .uri = "sip:example.org", .to = "<sip:alice@example.org>" },
	  NO_ROUTE,
	  NONE,
	  "401" },
	{ "REGISTER, proven",
	  ALICE_PHONE,
	  { .method = "REGISTER", .uri = "sip:example.org", .to = "<sip:alice@example.org>" },
	  NO_ROUTE,
	  GOOD,
	  "200" },
	{ "REGISTER of another's",
	  ALICE_PHONE,
	  { .method = "REGISTER", .uri = "sip:example.org", .to = "<sip:bob@example.org>" },
	  NO_ROUTE,
	  GOOD,
	  "403" },
	{ "REGISTER of nobody",
	  ALICE_PHONE,
	  { .method = "REGISTER", .uri = "sip:example.org", .to = "<sip:nobody@example.org>" },
	  NO_ROUTE,
	  OF_NOBODY,
	  "401" },
	{ "REGISTER elsewhere",
	  ALICE_PHONE,
	  { .method = "REGISTER", .uri = "sip:example.net", .to = "<sip:alice@example.net>" },
	  NO_ROUTE,
	  NONE,
	  "403" },
	{ "REGISTER here of another domain",
	  ALICE_PHONE,
	  { .method = "REGISTER", .uri = "sip:example.org", .to = "<sip:alice@example.net>" },
	  NO_ROUTE,
	  NONE,
	  "404" },
	{ "REGISTER, replayed",
	  ALICE_PHONE,
	  { .method = "REGISTER", .uri = "sip:example.org", .to = "<sip:alice@example.org>" },
	  NO_ROUTE,
	  REPLAYED,
	  "401 stale" },

	/* in a dialog: the token, on a flow of one of its parties */
	{ "BYE of alice", ALICE_PHONE, { .method = "BYE", .to = IN_DIALOG }, TOKEN, NONE, "to bob" },
	{ "BYE of alice, two Routes of ours",
	  ALICE_PHONE,
	  { .method = "BYE", .to = IN_DIALOG },
	  TOKEN_TWICE,
	  NONE,
	  "to bob" },
	{ "BYE of bob",
	  BOB_PHONE,
	  { .method = "BYE", .to = "<sip:alice@example.org>;tag=a" },
	  TOKEN,
	  NONE,
	  "to alice" },
	{ "re-INVITE", ALICE_PHONE, { .to = IN_DIALOG }, TOKEN, NONE, "to bob" },
	{ "UPDATE",
	  BOB_PHONE,
	  { .method = "UPDATE", .to = "<sip:alice@example.org>;tag=a" },
	  TOKEN,
	  NONE,
	  "to alice" },
	{ "INFO in a dialog", ALICE_PHONE, { .method = "INFO", .to = IN_DIALOG }, TOKEN, NONE, "to bob" },
	{ "PRACK", ALICE_PHONE, { .method = "PRACK", .to = IN_DIALOG }, TOKEN, NONE, "to bob" },
	{ "REFER in a dialog",
	  BOB_PHONE,
	  { .method = "REFER", .to = "<sip:alice@example.org>;tag=a" },
	  TOKEN,
	  NONE,
	  "to alice" },
	{ "NOTIFY in a dialog",
	  BOB_PHONE,
	  { .method = "NOTIFY", .to = "<sip:alice@example.org>;tag=a" },
	  TOKEN,
	  NONE,
	  "to alice" },
	{ "SUBSCRIBE in a dialog",
	  ALICE_PHONE,
	  { .method = "SUBSCRIBE", .to = IN_DIALOG },
	  TOKEN,
	  NONE,
	  "to bob" },
	{ "alice on another connection, proven there",
	  ALICE_OTHER,
	  { .method = "BYE", .to = IN_DIALOG },
	  TOKEN,
	  NONE,
	  "to bob" },
	{ "alice on another connection, not yet proven",
	  STRANGER,
	  { .method = "BYE", .to = IN_DIALOG },
	  TOKEN,
	  NONE,
	  "407" },
	{ "alice on another connection, proving herself",
	  STRANGER,
	  { .method = "BYE", .to = IN_DIALOG },
	  TOKEN,
	  GOOD,
	  "to bob" },
	{ "carol with a token of alice and bob",
	  CAROL_PHONE,
	  { .method = "BYE", .from = "<sip:carol@example.org>;tag=a", .to = IN_DIALOG },
	  TOKEN,
	  NONE,
	  "407" },
	{ "carol with a token of alice and bob, and her password",
	  CAROL_PHONE,
	  { .method = "BYE", .from = "<sip:carol@example.org>;tag=a", .to = IN_DIALOG },
	  TOKEN,
	  GOOD,
	  "403" },
	{ "carol as alice with a token of alice and bob",
	  CAROL_PHONE,
	  { .method = "BYE", .to = IN_DIALOG },
	  TOKEN,
	  OF_CAROL,
	  "403" },
	{ "a stranger of another domain with a token",
	  STRANGER,
	  { .method = "BYE", .from = "<sip:eve@example.net>;tag=a", .to = IN_DIALOG },
	  TOKEN,
	  NONE,
	  "403" },
	{ "a token that was changed",
	  ALICE_PHONE,
	  { .method = "BYE", .to = IN_DIALOG },
	  TAMPERED,
	  NONE,
	  "403" },
	{ "a token of another call",
	  ALICE_PHONE,
	  { .method = "BYE", .to = IN_DIALOG },
	  OF_OTHER_CALL,
	  NONE,
	  "403" },
	{ "a token that was changed, and a password", ALICE_PHONE, { 0 }, TAMPERED, NONE, "403" },

	/* sips: every hop */
	{ "sips over TLS", ALICE_PHONE, { .uri = "sips:bob@example.org" }, NO_ROUTE, GOOD, "to bob" },
	{ "sips over TCP", CLEAR, { .uri = "sips:bob@example.org" }, NO_ROUTE, NONE, "403" },
	{ "sip over TCP", CLEAR, { 0 }, NO_ROUTE, GOOD, "to bob" },
	{ "sips in a dialog over TCP",
	  CLEAR,
	  { .method = "BYE", .uri = "sips:bob@192.0.2.20", .to = IN_DIALOG },
	  TOKEN,
	  NONE,
	  "403" },
	{ "a dialog under sips",
	  ALICE_PHONE,
	  { .method = "BYE", .to = IN_DIALOG },
	  TOKEN_SIPS,
	  NONE,
	  "to bob" },

	/* ACK: the token, else dropped */
	{ "ACK of alice", ALICE_PHONE, { .method = "ACK", .to = IN_DIALOG }, TOKEN, NONE, "to bob" },
	{ "ACK of a stranger", STRANGER, { .method = "ACK", .to = IN_DIALOG }, TOKEN, NONE, "dropped" },
	{ "ACK of carol", CAROL_PHONE, { .method = "ACK", .to = IN_DIALOG }, TOKEN, NONE, "dropped" },
	{ "ACK without a token",
	  ALICE_PHONE,
	  { .method = "ACK", .to = IN_DIALOG },
	  NO_ROUTE,
	  NONE,
	  "dropped" },
	{ "ACK over us without a token",
	  ALICE_PHONE,
	  { .method = "ACK", .to = IN_DIALOG },
	  OWN,
	  NONE,
	  "dropped" },
	{ "ACK with a token that was changed",
	  ALICE_PHONE,
	  { .method = "ACK", .to = IN_DIALOG },
	  TAMPERED,
	  NONE,
	  "dropped" },

	/* CANCEL: the flow and branch of its INVITE */
	{ "CANCEL of nothing", ALICE_PHONE, { .method = "CANCEL" }, NO_ROUTE, NONE, "481" },
	{ "CANCEL of nothing with a token", ALICE_PHONE, { .method = "CANCEL" }, TOKEN, NONE, "481" },
};

static void put_token_uri(struct world *world, struct writer *out, enum route route)
{
	const struct token token = { .flow_a = world_flow(ALICE_PHONE),
				     .account_a = world->accounts[ALICE].id,
				     .flow_b = world_flow(BOB_PHONE),
				     .account_b = world->accounts[BOB].id,
				     .sips = route == TOKEN_SIPS };
	size_t at;

	put(out, SLICE("<sip:"));
	at = out->len;
	assert_true(put_token(out, world->token_mac, &token,
			      route == OF_OTHER_CALL ? SLICE("another") : SLICE("call")));
	if (route == TAMPERED)
		out->buf[at + 30] = out->buf[at + 30] == 'A' ? 'B' : 'A';
	put(out, SLICE("@sip.example.org;transport=tls;lr>"));
}

static void put_route(struct world *world, struct writer *out, enum route route)
{
	switch (route) {
	case NO_ROUTE: return;
	case OWN: put(out, SLICE("Route: <sip:example.org;lr>\r\n")); return;
	case OWN_ADDRESS: put(out, SLICE("Route: <sip:192.0.2.1:5061;lr>\r\n")); return;
	case FOREIGN: put(out, SLICE("Route: <sip:p.example.net;lr>\r\n")); return;
	case OWN_THEN_FOREIGN:
		put(out, SLICE("Route: <sip:example.org;lr>, <sip:p.example.net;lr>\r\n"));
		return;
	default: break;
	}
	put(out, SLICE("Route: "));
	put_token_uri(world, out, route);
	if (route == TOKEN_TWICE) {
		put(out, SLICE(", "));
		put_token_uri(world, out, route);
	}
	put(out, SLICE("\r\n"));
}

/* Whose password the credentials are made with. */
static enum who who_of(struct world *world, const struct row *row)
{
	struct slice from = slice_of(row->ask.from);

	if (row->credentials == OF_CAROL || slice_find_text(from, SLICE("carol")) < from.len)
		return CAROL;
	if (row->credentials == WRONG_PASSWORD)
		world->phones[ALICE].login.password = SLICE("guess");
	if (row->credentials == OF_NOBODY)
		world->phones[ALICE].login.username = SLICE("nobody");
	return ALICE;
}

static void play(struct world *world, const struct row *row)
{
	enum who who = who_of(world, row);
	char route[1024], credentials[2048];
	struct writer route_out = writer_of(route, sizeof route);
	struct writer out = writer_of(credentials, sizeof credentials);
	struct ask ask = row->ask;

	put_route(world, &route_out, row->route);
	put_char(&route_out, '\0');
	ask.headers = route;
	if (row->credentials == NONE) {
		world_ask(world, row->from, &ask, SLICE(""));
		return;
	}
	enum peer asks_first = row->credentials == OF_OTHER_FLOW ? ALICE_PHONE : row->from;
	struct slice first;

	world_ask(world, asks_first, &ask, SLICE(""));
	first = world_passed(world, asks_first);
	if (slice_find_text(first, SLICE("-Authenticate: ")) == first.len) {
		/* refused before anybody asked for a proof: that is the answer */
		world->n_passed[asks_first] = first.len;
		return;
	}
	world->n_passed[asks_first] = first.len;
	world_challenged(world, asks_first, who);
	if (row->credentials == MALFORMED)
		world->phones[who].spaces[AUTH_PROXY].has_qop = false;
	world_put_credentials(world, &out, who, &ask);
	world_ask(world, row->from, &ask, writer_text(&out));
	if (row->credentials == REPLAYED) {
		for (enum peer peer = 0; peer < PEERS; peer++)
			world_passed(world, peer);
		world_ask(world, row->from, &ask, writer_text(&out));
	}
}

static bool is_final(struct slice text, const char *status)
{
	char line[32];
	size_t at = slice_find_text(
		text, slice_from(line, (size_t)snprintf(line, sizeof line, "SIP/2.0 %.3s ", status)));

	return at < text.len;
}

static bool is_request(struct slice text)
{
	return text.len > 0 && !slice_starts(text, SLICE("SIP/2.0"));
}

/* Where the request went: "to bob", "to alice", "dropped", or the status that came back. */
static void check(struct world *world, const struct row *row)
{
	struct slice expected = slice_of(row->result);
	bool to_bob = slice_eq(expected, SLICE("to bob")), to_alice = slice_eq(expected, SLICE("to alice"));
	struct slice at_sender = slice_from(world->passed[row->from], world->n_passed[row->from]);
	struct slice at_bob = slice_from(world->passed[BOB_PHONE], world->n_passed[BOB_PHONE]);
	struct slice at_alice = slice_from(world->passed[ALICE_PHONE], world->n_passed[ALICE_PHONE]);
	bool is_status = !to_bob && !to_alice && !slice_eq(expected, SLICE("dropped"));

	if (is_request(at_bob) != to_bob || is_request(at_alice) != to_alice)
		fail_msg("%s: relayed wrongly; to the sender:\n%.*s", row->label, SLICE_FMT(at_sender));
	if (is_status && !is_final(at_sender, row->result))
		fail_msg("%s: %.*s", row->label, SLICE_FMT(at_sender));
	if (slice_ends(expected, SLICE("stale")) &&
	    slice_find_text(at_sender, SLICE("stale=true")) == at_sender.len)
		fail_msg("%s: not stale: %.*s", row->label, SLICE_FMT(at_sender));
	for (enum peer peer = 0; peer < PEERS; peer++)
		if (peer != row->from && peer != ALICE_PHONE && peer != BOB_PHONE &&
		    world->n_passed[peer] > 0)
			fail_msg("%s: something went to an outsider", row->label);
}

static void nothing_passes_without_its_proof(void **state)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct world *world = world_new();

		world_bind(world, ALICE, ALICE_PHONE, "sip:alice@192.0.2.10", 1000);
		world_bind(world, BOB, BOB_PHONE,
			   slice_starts(slice_of(rows[i].ask.uri), SLICE("sips")) ? "sips:bob@192.0.2.20"
										  : "sip:bob@192.0.2.20",
			   1000);
		world_bind(world, CAROL, CAROL_PHONE, "sip:carol@192.0.2.30", 1000);
		assert_true(endpoint_flow_prove(world->endpoint, world_flow(ALICE_OTHER),
						world->accounts[ALICE].id));
		play(world, &rows[i]);
		check(world, &rows[i]);
		world_end(world);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(nothing_passes_without_its_proof),
};

TEST_MAIN(tests)
