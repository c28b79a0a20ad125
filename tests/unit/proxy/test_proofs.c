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

/* Those who speak, and to whom. */
#define TO_BOB        .to = "<sip:bob@example.org>;tag=b"
#define BOB_SAYS      .from = "<sip:bob@example.org>;tag=b", .to = "<sip:alice@example.org>;tag=a"
#define CAROL_SAYS    .from = "<sip:carol@example.org>;tag=a", TO_BOB
#define EVE_SAYS      .from = "<sip:eve@example.net>;tag=a"
#define NOBODY        .from = "<sip:nobody@example.org>;tag=n"
#define REGISTER(aor) .method = "REGISTER", .uri = "sip:example.org", .to = "<sip:" aor ">"

/* result: the status that comes back, or to whom the request goes. */
struct row {
	const char *label;
	enum peer from;
	struct ask ask;
	enum route route;
	enum credentials credentials;
	const char *result;
};

/* clang-format off */
static const struct row rows[] = {
	/* out of a dialog: digest of the account that the request speaks for */
	{ "a stranger calls",                 STRANGER,    { 0 },                          NO_ROUTE,    NONE,           "407" },
	{ "alice, proven by registering only", ALICE_PHONE, { 0 },                         NO_ROUTE,    NONE,           "407" },
	{ "alice, with her password",         ALICE_PHONE, { 0 },                          NO_ROUTE,    GOOD,           "to bob" },
	{ "the same from anywhere",           STRANGER,    { 0 },                          NO_ROUTE,    GOOD,           "to bob" },
	{ "through us as outbound proxy",     ALICE_PHONE, { 0 },                          OWN,         GOOD,           "to bob" },
	{ "through our address",              ALICE_PHONE, { 0 },                          OWN_ADDRESS, GOOD,           "to bob" },
	{ "a wrong password",                 ALICE_PHONE, { 0 },                          NO_ROUTE,    WRONG_PASSWORD, "407" },
	{ "carol's under alice's name",       ALICE_PHONE, { 0 },                          NO_ROUTE,    OF_CAROL,       "403" },
	{ "an account that is not",           STRANGER,    { NOBODY },                     NO_ROUTE,    OF_NOBODY,      "407" },
	{ "a nonce of another flow",          STRANGER,    { 0 },                          NO_ROUTE,    OF_OTHER_FLOW,  "407 stale" },
	{ "the same credentials again",       ALICE_PHONE, { 0 },                          NO_ROUTE,    REPLAYED,       "407 stale" },
	{ "credentials without qop",          ALICE_PHONE, { 0 },                          NO_ROUTE,    MALFORMED,      "400" },
	{ "a sender of another domain",       STRANGER,    { EVE_SAYS },                   NO_ROUTE,    NONE,           "403" },
	{ "MESSAGE",                          STRANGER,    { .method = "MESSAGE" },        NO_ROUTE,    NONE,           "407" },
	{ "MESSAGE, proven",                  ALICE_PHONE, { .method = "MESSAGE" },        NO_ROUTE,    GOOD,           "to bob" },
	{ "SUBSCRIBE",                        STRANGER,    { .method = "SUBSCRIBE" },      NO_ROUTE,    NONE,           "407" },
	{ "SUBSCRIBE, proven",                ALICE_PHONE, { .method = "SUBSCRIBE" },      NO_ROUTE,    GOOD,           "to bob" },
	{ "REFER, proven",                    ALICE_PHONE, { .method = "REFER" },          NO_ROUTE,    GOOD,           "to bob" },
	{ "NOTIFY",                           STRANGER,    { .method = "NOTIFY" },         NO_ROUTE,    NONE,           "407" },
	{ "INFO",                             STRANGER,    { .method = "INFO" },           NO_ROUTE,    NONE,           "407" },
	{ "PUBLISH, proven",                  ALICE_PHONE, { .method = "PUBLISH" },        NO_ROUTE,    GOOD,           "to bob" },
	{ "an unknown method",                STRANGER,    { .method = "FROBNICATE" },     NO_ROUTE,    NONE,           "407" },
	{ "an unknown method, proven",        ALICE_PHONE, { .method = "FROBNICATE" },     NO_ROUTE,    GOOD,           "to bob" },
	{ "OPTIONS to bob",                   STRANGER,    { .method = "OPTIONS" },        NO_ROUTE,    NONE,           "407" },
	{ "OPTIONS to us", STRANGER, { .method = "OPTIONS", .uri = "sip:example.org" },    NO_ROUTE,    NONE,           "200" },
	{ "BYE out of nowhere",               STRANGER,    { .method = "BYE", TO_BOB },    NO_ROUTE,    NONE,           "407" },

	/* where to: only our own */
	{ "to another domain",         ALICE_PHONE, { .uri = "sip:bob@example.net" },      NO_ROUTE,    NONE,           "407" },
	{ "the same, from elsewhere",  STRANGER,    { .uri = "sip:bob@example.net", .from = "<sip:eve@example.com>;tag=e" }, NO_ROUTE, NONE, "403" },
	{ "the same, proven",          ALICE_PHONE, { .uri = "sip:bob@example.net" },      NO_ROUTE,    GOOD,           "500" },
	{ "over another proxy",        ALICE_PHONE, { 0 },                                 FOREIGN,     NONE,           "403" },
	{ "over us to another proxy",  ALICE_PHONE, { 0 },                                 OWN_THEN_FOREIGN, NONE,      "403" },
	{ "to a Contact, without Route", ALICE_PHONE, { .method = "BYE", .uri = "sip:bob@192.0.2.20", TO_BOB }, NO_ROUTE, NONE, "481" },
	{ "to nobody: no telling",     STRANGER,    { .uri = "sip:nobody@example.org" },   NO_ROUTE,    NONE,           "407" },
	{ "to nobody, proven",         ALICE_PHONE, { .uri = "sip:nobody@example.org" },   NO_ROUTE,    GOOD,           "404" },

	/* registration: the account in To */
	{ "REGISTER",                  ALICE_PHONE, { REGISTER("alice@example.org") },     NO_ROUTE,    NONE,           "401" },
	{ "REGISTER, proven",          ALICE_PHONE, { REGISTER("alice@example.org") },     NO_ROUTE,    GOOD,           "200" },
	{ "REGISTER, replayed",        ALICE_PHONE, { REGISTER("alice@example.org") },     NO_ROUTE,    REPLAYED,       "401 stale" },
	{ "REGISTER of another's",     ALICE_PHONE, { REGISTER("bob@example.org") },       NO_ROUTE,    GOOD,           "403" },
	{ "REGISTER of nobody",        ALICE_PHONE, { REGISTER("nobody@example.org") },    NO_ROUTE,    OF_NOBODY,      "401" },
	{ "REGISTER of another domain", ALICE_PHONE, { REGISTER("alice@example.net") },    NO_ROUTE,    NONE,           "404" },
	{ "REGISTER elsewhere", ALICE_PHONE, { .method = "REGISTER", .uri = "sip:example.net" }, NO_ROUTE, NONE,        "403" },

	/* in a dialog: the token, under the names that it began with, on a flow of one of its parties */
	{ "BYE of alice",              ALICE_PHONE, { .method = "BYE", TO_BOB },           TOKEN,       NONE,           "to bob" },
	{ "BYE over two Routes of ours", ALICE_PHONE, { .method = "BYE", TO_BOB },         TOKEN_TWICE, NONE,           "to bob" },
	{ "BYE of bob",                BOB_PHONE,   { .method = "BYE", BOB_SAYS },         TOKEN,       NONE,           "to alice" },
	{ "re-INVITE",                 ALICE_PHONE, { TO_BOB },                            TOKEN,       NONE,           "to bob" },
	{ "UPDATE",                    BOB_PHONE,   { .method = "UPDATE", BOB_SAYS },      TOKEN,       NONE,           "to alice" },
	{ "INFO in a dialog",          ALICE_PHONE, { .method = "INFO", TO_BOB },          TOKEN,       NONE,           "to bob" },
	{ "PRACK",                     ALICE_PHONE, { .method = "PRACK", TO_BOB },         TOKEN,       NONE,           "to bob" },
	{ "REFER in a dialog",         BOB_PHONE,   { .method = "REFER", BOB_SAYS },       TOKEN,       NONE,           "to alice" },
	{ "NOTIFY in a dialog",        BOB_PHONE,   { .method = "NOTIFY", BOB_SAYS },      TOKEN,       NONE,           "to alice" },
	{ "SUBSCRIBE in a dialog",     ALICE_PHONE, { .method = "SUBSCRIBE", TO_BOB },     TOKEN,       NONE,           "to bob" },
	{ "alice elsewhere, proven",   ALICE_OTHER, { .method = "BYE", TO_BOB },           TOKEN,       NONE,           "to bob" },
	{ "alice elsewhere, unproven", STRANGER,    { .method = "BYE", TO_BOB },           TOKEN,       NONE,           "407" },
	{ "alice elsewhere, proving",  STRANGER,    { .method = "BYE", TO_BOB },           TOKEN,       GOOD,           "to bob" },
	{ "alice under bob's name",    ALICE_PHONE, { .method = "BYE", BOB_SAYS },         TOKEN,       NONE,           "407" },
	{ "alice under carol's name",  ALICE_PHONE, { .method = "BYE", CAROL_SAYS },       TOKEN,       NONE,           "403" },
	{ "alice to another name",     ALICE_PHONE, { .method = "BYE", .to = "<sip:carol@example.org>;tag=b" }, TOKEN, NONE, "403" },
	{ "bob under alice's name",    BOB_PHONE,   { .method = "BYE", TO_BOB },           TOKEN,       NONE,           "407" },
	{ "carol",                     CAROL_PHONE, { .method = "BYE", CAROL_SAYS },       TOKEN,       NONE,           "403" },
	{ "carol as alice",            CAROL_PHONE, { .method = "BYE", TO_BOB },           TOKEN,       NONE,           "407" },
	{ "carol as alice, her own password", CAROL_PHONE, { .method = "BYE", TO_BOB },    TOKEN,       OF_CAROL,       "403" },
	{ "another domain",            STRANGER,    { .method = "BYE", EVE_SAYS, TO_BOB }, TOKEN,       NONE,           "403" },
	{ "a token that was changed",  ALICE_PHONE, { .method = "BYE", TO_BOB },           TAMPERED,    NONE,           "403" },
	{ "a token of another call",   ALICE_PHONE, { .method = "BYE", TO_BOB },           OF_OTHER_CALL, NONE,         "403" },
	{ "no dialog, but its token",  ALICE_PHONE, { .method = "MESSAGE" },               TOKEN,       NONE,           "403" },

	/* sips: every hop */
	{ "sips over TLS",             ALICE_PHONE, { .uri = "sips:bob@example.org" },     NO_ROUTE,    GOOD,           "to bob" },
	{ "sips over TCP",             CLEAR,       { .uri = "sips:bob@example.org" },     NO_ROUTE,    NONE,           "403" },
	{ "sip over TCP",              CLEAR,       { 0 },                                 NO_ROUTE,    GOOD,           "to bob" },
	{ "a sips dialog over TLS",    ALICE_PHONE, { .method = "BYE", TO_BOB },           TOKEN_SIPS,  NONE,           "to bob" },
	{ "a sips dialog over TCP",    CLEAR,       { .method = "BYE", TO_BOB },           TOKEN_SIPS,  GOOD,           "403" },
	{ "a sip dialog over TCP",     CLEAR,       { .method = "BYE", TO_BOB },           TOKEN,       GOOD,           "to bob" },

	/* ACK: the token, else dropped */
	{ "ACK of alice",              ALICE_PHONE, { .method = "ACK", TO_BOB },           TOKEN,       NONE,           "to bob" },
	{ "ACK of a stranger",         STRANGER,    { .method = "ACK", TO_BOB },           TOKEN,       NONE,           "dropped" },
	{ "ACK of carol as alice",     CAROL_PHONE, { .method = "ACK", TO_BOB },           TOKEN,       NONE,           "dropped" },
	{ "ACK of carol",              CAROL_PHONE, { .method = "ACK", CAROL_SAYS },       TOKEN,       NONE,           "dropped" },
	{ "ACK without a token",       ALICE_PHONE, { .method = "ACK", TO_BOB },           NO_ROUTE,    NONE,           "dropped" },
	{ "ACK over us without one",   ALICE_PHONE, { .method = "ACK", TO_BOB },           OWN,         NONE,           "dropped" },
	{ "ACK with a changed one",    ALICE_PHONE, { .method = "ACK", TO_BOB },           TAMPERED,    NONE,           "dropped" },

	/* CANCEL: the flow and branch of its INVITE */
	{ "CANCEL of nothing",         ALICE_PHONE, { .method = "CANCEL" },                NO_ROUTE,    NONE,           "481" },
	{ "CANCEL with a token",       ALICE_PHONE, { .method = "CANCEL", TO_BOB },        TOKEN,       NONE,           "481" },
};
/* clang-format on */

static void put_token_uri(struct world *world, struct writer *out, enum route route)
{
	const struct token token = { .flow_a = world_flow(ALICE_PHONE),
				     .account_a = world->accounts[ALICE].id,
				     .flow_b = world_flow(BOB_PHONE),
				     .account_b = world->accounts[BOB].id,
				     .sips = route == TOKEN_SIPS };
	const struct token_dialog dialog = { route == OF_OTHER_CALL ? SLICE("another") : SLICE("call"),
					     SLICE("alice@example.org"), SLICE("bob@example.org") };
	size_t at;

	put(out, SLICE("<sip:"));
	at = out->len;
	assert_true(put_token(out, world->token_mac, &token, &dialog));
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
	if (row->credentials == OF_CAROL)
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

/* The token of the row, in the dialog that it is for, from the party that it is of: after that it is remembered. */
static void show_token(struct world *world, const struct row *row)
{
	const struct row ack = {
		.from = ALICE_PHONE,
		.ask = { .method = "ACK", TO_BOB },
		.route = row->route == TOKEN_SIPS ? TOKEN_SIPS : TOKEN,
		.credentials = NONE,
	};

	play(world, &ack);
	assert_true(is_request(world_passed(world, BOB_PHONE)));
}

static void play_all(bool is_shown)
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
		if (is_shown)
			show_token(world, &rows[i]);
		play(world, &rows[i]);
		check(world, &rows[i]);
		world_end(world);
	}
}

static void nothing_passes_without_its_proof(void **state)
{
	play_all(false);
}

static void what_is_remembered_proves_nothing(void **state)
{
	play_all(true);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(what_is_remembered_proves_nothing),
	cmocka_unit_test(nothing_passes_without_its_proof),
};

TEST_MAIN(tests)
