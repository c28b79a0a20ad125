#include "harness.h"

#include <string.h>

#include "auth/server.h"
#include "base/writer.h"

/* A server, an account, and a client that computes its credentials with the functions of auth/response.h. */
struct world {
	struct crypto *crypto;
	struct auth_server *server;
	struct auth_realm realm;
	struct auth_used used;
	struct auth_own_proof proof; /* of the last attempt */
	unsigned char sha256[DIGEST_SIZE_MAX], md5[DIGEST_SIZE_MAX];
	struct auth_hashes hashes;
	char nonce[AUTH_NONCE_LENGTH];
};

static const struct auth_login login = { { "alice", 5 }, { "example.org", 11 }, { "secret", 6 } };

enum { FLOW = 77, NOW = 1700000000 };

static int setup(void **state)
{
	struct world *world = test_calloc(1, sizeof *world);

	*state = world;
	world->crypto = crypto_new();
	if (!world->crypto ||
	    auth_server_new(world->crypto, SLICE("0123456789abcdef0123456789abcdef"), &world->server) != OK ||
	    !auth_ha1(world->crypto, DIGEST_SHA256, &login, world->sha256) ||
	    !auth_ha1(world->crypto, DIGEST_MD5, &login, world->md5))
		return -1;
	world->realm = (struct auth_realm){ .name = SLICE("example.org"), .lifetime = 3600 };
	world->hashes.ha1[DIGEST_SHA256] = world->sha256;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	auth_server_free(world->server);
	crypto_free(world->crypto);
	test_free(world);
	return 0;
}

static struct slice challenge(struct world *world, struct writer *out, bool stale)
{
	const struct auth_challenge wanted = { SIP_WWW_AUTHENTICATE, &world->realm, FLOW, stale, NULL };
	struct slice text, nonce;

	assert_true(put_challenge(out, world->server, &wanted, NOW));
	text = writer_text(out);
	nonce = slice_sub(text, slice_find_text(text, SLICE("nonce=\"")) + 7, AUTH_NONCE_LENGTH);
	memcpy(world->nonce, nonce.ptr, nonce.len);
	return text;
}

/* What may be wrong with the credentials; a NULL means what a right client says. */
struct variant {
	const char *username, *password, *method, *uri, *algorithm, *qop, *nc, *nonce, *extra, *body;
	bool no_cnonce;
};

#define OR(a, b) slice_of((a) ? (a) : (b))

static void put_credentials(struct world *world, struct writer *out, const struct variant *variant)
{
	const struct auth_login used = { OR(variant->username, "alice"), SLICE("example.org"),
					 OR(variant->password, "secret") };
	struct auth_exchange exchange = {
		.nonce = variant->nonce ? slice_of(variant->nonce)
					: slice_from(world->nonce, AUTH_NONCE_LENGTH),
		.nc = OR(variant->nc, "00000001"),
		.cnonce = SLICE("c0ffee"),
		.qop = OR(variant->qop, "auth"),
		.method = OR(variant->method, "REGISTER"),
		.uri = OR(variant->uri, "sip:example.org"),
		.body = slice_of(variant->body),
	};
	struct slice algorithm = OR(variant->algorithm, "SHA-256");
	unsigned char ha1[DIGEST_SIZE_MAX];
	struct auth_hex response;

	if (!auth_algorithm_parse(algorithm, &exchange.algorithm, &exchange.session))
		exchange.algorithm = DIGEST_SHA256;
	assert_true(auth_ha1(world->crypto, exchange.algorithm, &used, ha1));
	exchange.ha1 = ha1;
	if (exchange.qop.len == 0)
		exchange.qop.ptr = NULL;
	assert_true(auth_response(world->crypto, &exchange, &response));

	put(out, SLICE("Digest username=\""));
	put(out, used.username);
	put(out, SLICE("\", realm=\"example.org\", nonce=\""));
	put(out, exchange.nonce);
	put(out, SLICE("\", uri=\""));
	put(out, exchange.uri);
	put(out, SLICE("\", response=\""));
	put(out, auth_hex_slice(&response));
	put(out, SLICE("\", algorithm="));
	put(out, algorithm);
	if (exchange.qop.len) {
		put(out, SLICE(", qop="));
		put(out, exchange.qop);
	}
	if (exchange.nc.len) {
		put(out, SLICE(", nc="));
		put(out, exchange.nc);
	}
	if (!variant->no_cnonce)
		put(out, SLICE(", cnonce=\"c0ffee\""));
	put(out, slice_of(variant->extra));
}

static struct sip_message *parse_request(struct slice headers)
{
	char buf[8192];
	struct writer out = writer_of(buf, sizeof buf);
	struct sip_message *message;
	struct sip_fault fault;

	put(&out, SLICE("REGISTER sip:example.org SIP/2.0\r\n"
			"Via: SIP/2.0/TLS a.example.org;branch=z9hG4bK1\r\n"
			"From: <sip:alice@example.org>;tag=1\r\nTo: <sip:alice@example.org>\r\n"
			"Call-ID: 1\r\nCSeq: 1 REGISTER\r\nMax-Forwards: 70\r\n"));
	put(&out, headers);
	put(&out, SLICE("Content-Length: 0\r\n\r\n"));
	assert_int_equal(sip_message_parse(writer_text(&out), &sip_limits_default, &message, &fault), OK);
	assert_int_equal(message->fault.status, 0);
	return message;
}

/* The verdict on one request; on_flow and at say where and when it arrives. */
static enum auth_verdict judge(struct world *world, const struct variant *variant, uint64_t on_flow, utc_t at)
{
	char buf[4096];
	struct writer out = writer_of(buf, sizeof buf);
	struct sip_credentials credentials;
	struct sip_message *request;
	enum auth_verdict verdict;

	put(&out, SLICE("Authorization: "));
	put_credentials(world, &out, variant);
	put(&out, SLICE("\r\n"));
	request = parse_request(writer_text(&out));
	verdict = auth_find(request, SIP_AUTHORIZATION, world->realm.name, &credentials);
	if (verdict == AUTH_OK) {
		const struct auth_attempt attempt = {
			.request = request,
			.credentials = &credentials,
			.realm = &world->realm,
			.flow = on_flow,
			.hashes = slice_eq(credentials.username, SLICE("alice")) ? &world->hashes : NULL,
			.used = &world->used,
			.proof = &world->proof,
		};
		world->proof = (struct auth_own_proof){ 0 };
		verdict = auth_check(world->server, &attempt, at);
	}
	sip_message_free(request);
	return verdict;
}

static const struct {
	const char *label;
	struct variant variant;
	uint64_t on_flow;
	utc_t after;
	enum auth_verdict verdict;
} cases[] = {
	{ "right", { 0 }, FLOW, 0, AUTH_OK },
	{ "right, much later", { 0 }, FLOW, 3600, AUTH_OK },
	{ "an equivalent uri", { .uri = "sip:EXAMPLE.org" }, FLOW, 0, AUTH_OK },
	{ "a higher count", { .nc = "0000000a" }, FLOW, 0, AUTH_OK },
	{ "a count of eight digits", { .nc = "10000000" }, FLOW, 0, AUTH_OK },
	{ "the clock was set back a little", { 0 }, FLOW, -5, AUTH_OK },
	{ "unknown parameters", { .extra = ", foo=\"bar\"" }, FLOW, 0, AUTH_OK },
	{ "an algorithm in lower case", { .algorithm = "sha-256" }, FLOW, 0, AUTH_OK },

	{ "auth-int", { .qop = "auth-int" }, FLOW, 0, AUTH_OK },
	{ "auth-int with an altered body", { .qop = "auth-int", .body = "v=0" }, FLOW, 0, AUTH_WRONG },

	{ "wrong password", { .password = "guess" }, FLOW, 0, AUTH_WRONG },
	{ "unknown user", { .username = "mallory" }, FLOW, 0, AUTH_WRONG },
	{ "another's name, own password", { .username = "bob" }, FLOW, 0, AUTH_WRONG },
	{ "credentials of another method", { .method = "INVITE" }, FLOW, 0, AUTH_WRONG },
	{ "unknown user, stale nonce", { .username = "mallory" }, FLOW + 1, 0, AUTH_WRONG },

	{ "another flow", { 0 }, FLOW + 1, 0, AUTH_STALE },
	{ "too old", { 0 }, FLOW, 3601, AUTH_STALE },
	{ "the clock was set back too far", { 0 }, FLOW, -6, AUTH_STALE },
	{ "the clock was set back far", { 0 }, FLOW, -60, AUTH_STALE },
	{ "a nonce of the client's own",
	  { .nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093" },
	  FLOW,
	  0,
	  AUTH_STALE },

	{ "MD5 where it is not offered", { .algorithm = "MD5" }, FLOW, 0, AUTH_ALGORITHM },
	{ "SHA-512-256, never offered", { .algorithm = "SHA-512-256" }, FLOW, 0, AUTH_ALGORITHM },
	{ "a session", { .algorithm = "SHA-256-sess" }, FLOW, 0, AUTH_ALGORITHM },
	{ "an unknown algorithm", { .algorithm = "SHA-384" }, FLOW, 0, AUTH_ALGORITHM },

	{ "a uri of something else", { .uri = "sip:other.example.org" }, FLOW, 0, AUTH_MALFORMED },
	{ "a uri that is none", { .uri = "*" }, FLOW, 0, AUTH_MALFORMED },
	{ "no qop", { .qop = "" }, FLOW, 0, AUTH_MALFORMED },
	{ "a qop that nobody knows", { .qop = "auth-conf" }, FLOW, 0, AUTH_MALFORMED },
	{ "no nc", { .nc = "" }, FLOW, 0, AUTH_MALFORMED },
	{ "nc zero", { .nc = "00000000" }, FLOW, 0, AUTH_MALFORMED },
	{ "a short nc", { .nc = "1" }, FLOW, 0, AUTH_MALFORMED },
	{ "an nc that is not hexadecimal", { .nc = "0000000g" }, FLOW, 0, AUTH_MALFORMED },
	{ "no cnonce", { .no_cnonce = true }, FLOW, 0, AUTH_MALFORMED },
	{ "an empty user name", { .username = "" }, FLOW, 0, AUTH_MALFORMED },
	{ "a parameter twice", { .extra = ", nc=00000001" }, FLOW, 0, AUTH_MALFORMED },
};

static void judges_credentials(void **state)
{
	struct world *world = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char buf[1024];
		struct writer out = writer_of(buf, sizeof buf);
		enum auth_verdict verdict;

		challenge(world, &out, false);
		verdict = judge(world, &cases[i].variant, cases[i].on_flow, NOW + cases[i].after);
		if (verdict != cases[i].verdict)
			fail_msg("%s: %s", cases[i].label, auth_verdict_text(verdict));
		/* nothing is proven in return to who has proven nothing */
		assert_int_equal(world->proof.rspauth.size, verdict == AUTH_OK ? 32 : 0);
	}
}

static void a_replay_is_refused_and_the_next_count_is_not(void **state)
{
	struct world *world = *state;
	char buf[1024];
	struct writer out = writer_of(buf, sizeof buf);

	challenge(world, &out, false);
	assert_int_equal(judge(world, &(struct variant){ 0 }, FLOW, NOW), AUTH_OK);
	assert_int_equal(judge(world, &(struct variant){ 0 }, FLOW, NOW), AUTH_REPLAY);
	assert_int_equal(judge(world, &(struct variant){ .nc = "00000003" }, FLOW, NOW), AUTH_OK);
	assert_int_equal(judge(world, &(struct variant){ .nc = "00000002" }, FLOW, NOW), AUTH_OK);
	assert_int_equal(judge(world, &(struct variant){ .nc = "00000002" }, FLOW, NOW), AUTH_REPLAY);
}

/* Its serial and its age are known, its tag is not; and what a flow knows is of no use on another one, or in another realm. */
static void a_nonce_in_use_cannot_be_forged(void **state)
{
	struct world *world = *state;
	char buf[1024], kept[AUTH_NONCE_LENGTH];
	struct writer out = writer_of(buf, sizeof buf);

	challenge(world, &out, false);
	assert_int_equal(judge(world, &(struct variant){ 0 }, FLOW, NOW), AUTH_OK);
	memcpy(kept, world->nonce, sizeof kept);
	for (size_t i = 22; i < sizeof kept; i++) { /* base64 of the tag */
		world->nonce[i] = kept[i] == 'A' ? 'B' : 'A';
		assert_int_equal(judge(world, &(struct variant){ .nc = "00000002" }, FLOW, NOW), AUTH_STALE);
		world->nonce[i] = kept[i];
	}
	assert_int_equal(judge(world, &(struct variant){ .nc = "00000002" }, FLOW + 1, NOW), AUTH_STALE);
	assert_int_equal(judge(world, &(struct variant){ .nc = "00000002" }, FLOW, NOW + 3601), AUTH_STALE);
	assert_int_equal(judge(world, &(struct variant){ .nc = "00000002" }, FLOW, NOW), AUTH_OK);
	/* the realm's name in other letters is the same to auth_find(), and another one to the nonce */
	world->realm.name = SLICE("Example.org");
	assert_int_equal(judge(world, &(struct variant){ .nc = "00000003" }, FLOW, NOW), AUTH_STALE);
}

/* What was asked for is known when the answer comes, on its flow alone; the next challenge drives it out, and it stays good. */
static void a_challenge_is_remembered_by_its_flow(void **state)
{
	struct world *world = *state;
	struct auth_challenge wanted = { SIP_WWW_AUTHENTICATE, &world->realm, FLOW, false,
					 &world->used.known };
	char buf[1024];
	struct writer out = writer_of(buf, sizeof buf);

	challenge(world, &out, false);
	assert_true(put_challenge(&out, world->server, &wanted, NOW));
	assert_false(slice_eq(slice_from(world->used.known.text, AUTH_NONCE_LENGTH),
			      slice_from(world->nonce, AUTH_NONCE_LENGTH)));
	assert_int_equal(judge(world, &(struct variant){ 0 }, FLOW, NOW), AUTH_OK);
	out.len = 0;
	assert_true(put_challenge(&out, world->server, &wanted, NOW));
	memcpy(world->nonce, world->used.known.text, AUTH_NONCE_LENGTH);
	assert_true(slice_find_text(writer_text(&out), slice_from(world->nonce, AUTH_NONCE_LENGTH)) <
		    out.len);
	assert_int_equal(world->used.windows.n, 1);
	assert_int_equal(judge(world, &(struct variant){ 0 }, FLOW + 1, NOW), AUTH_STALE);
	assert_int_equal(judge(world, &(struct variant){ 0 }, FLOW, NOW + 3601), AUTH_STALE);
	assert_int_equal(judge(world, &(struct variant){ 0 }, FLOW, NOW), AUTH_OK);
	assert_int_equal(judge(world, &(struct variant){ 0 }, FLOW, NOW), AUTH_REPLAY);
}

static void a_wrong_answer_uses_no_count_up(void **state)
{
	struct world *world = *state;
	char buf[1024];
	struct writer out = writer_of(buf, sizeof buf);

	challenge(world, &out, false);
	assert_int_equal(judge(world, &(struct variant){ .password = "guess" }, FLOW, NOW), AUTH_WRONG);
	assert_int_equal(world->used.windows.n, 0);
	assert_int_equal(world->used.known.realm_len, 0);
	assert_int_equal(judge(world, &(struct variant){ 0 }, FLOW, NOW), AUTH_OK);
}

static void md5_is_offered_last_and_taken_only_where_it_is_allowed(void **state)
{
	struct world *world = *state;
	char buf[1024];
	struct writer out = writer_of(buf, sizeof buf);
	struct slice text;

	text = challenge(world, &out, false);
	assert_true(slice_find_text(text, SLICE("MD5")) == text.len);

	world->realm.md5 = AUTH_MD5_ALLOWED;
	out.len = 0;
	text = challenge(world, &out, true);
	assert_true(slice_find_text(text, SLICE("algorithm=SHA-256")) <
		    slice_find_text(text, SLICE("algorithm=MD5")));
	assert_true(slice_find_text(text, SLICE("algorithm=MD5")) < text.len);
	assert_true(slice_find_text(text, SLICE("stale=true")) < text.len);
	/* RFC8760: an account that was made before MD5 was allowed has no such hash */
	assert_int_equal(judge(world, &(struct variant){ .algorithm = "MD5" }, FLOW, NOW), AUTH_ALGORITHM);
	world->hashes.ha1[DIGEST_MD5] = world->md5;
	assert_int_equal(judge(world, &(struct variant){ .algorithm = "MD5" }, FLOW, NOW), AUTH_OK);

	world->realm.md5 = AUTH_MD5_ONLY;
	out.len = 0;
	text = challenge(world, &out, false);
	assert_true(slice_find_text(text, SLICE("SHA-256")) == text.len);
	assert_true(slice_find_text(text, SLICE("algorithm=MD5")) < text.len);
	assert_int_equal(judge(world, &(struct variant){ 0 }, FLOW, NOW), AUTH_ALGORITHM);
}

static void only_the_integrity_that_a_domain_wants_is_taken(void **state)
{
	struct world *world = *state;
	char buf[1024];
	struct writer out = writer_of(buf, sizeof buf);
	struct slice text;

	world->realm.integrity = AUTH_INTEGRITY_REFUSED;
	text = challenge(world, &out, false);
	assert_true(slice_find_text(text, SLICE("auth-int")) == text.len);
	assert_int_equal(judge(world, &(struct variant){ .qop = "auth-int" }, FLOW, NOW), AUTH_ALGORITHM);
	assert_int_equal(judge(world, &(struct variant){ 0 }, FLOW, NOW), AUTH_OK);

	world->realm.integrity = AUTH_INTEGRITY_REQUIRED;
	out.len = 0;
	text = challenge(world, &out, false);
	assert_true(slice_find_text(text, SLICE("qop=\"auth-int\"")) < text.len);
	assert_int_equal(judge(world, &(struct variant){ .nc = "00000002" }, FLOW, NOW), AUTH_ALGORITHM);
	assert_int_equal(judge(world, &(struct variant){ .qop = "auth-int", .nc = "00000003" }, FLOW, NOW),
			 AUTH_OK);
}

static void what_a_domain_asks_for_is_offered_strongest_first(void **state)
{
	struct world *world = *state;
	const struct variant stronger = { .algorithm = "SHA-512-256" };
	char buf[2048];
	struct writer out = writer_of(buf, sizeof buf);
	unsigned char sha512_256[DIGEST_SIZE_MAX];
	struct slice text;

	world->realm.sha = AUTH_OFFER(DIGEST_SHA512_256, false) | AUTH_OFFER(DIGEST_SHA256, false) |
			   AUTH_OFFER(DIGEST_SHA256, true);
	world->realm.md5 = AUTH_MD5_ALLOWED;
	text = challenge(world, &out, false);
	assert_true(slice_find_text(text, SLICE("algorithm=SHA-512-256,")) <
		    slice_find_text(text, SLICE("algorithm=SHA-256,")));
	assert_true(slice_find_text(text, SLICE("algorithm=SHA-256,")) <
		    slice_find_text(text, SLICE("algorithm=SHA-256-sess,")));
	assert_true(slice_find_text(text, SLICE("algorithm=SHA-256-sess,")) <
		    slice_find_text(text, SLICE("algorithm=MD5,")));
	assert_int_equal(judge(world, &stronger, FLOW, NOW), AUTH_ALGORITHM); /* no such hash is stored */
	assert_true(auth_ha1(world->crypto, DIGEST_SHA512_256, &login, sha512_256));
	world->hashes.ha1[DIGEST_SHA512_256] = sha512_256;
	assert_int_equal(judge(world, &stronger, FLOW, NOW), AUTH_OK);
	assert_int_equal(
		judge(world, &(struct variant){ .algorithm = "SHA-256-sess", .nc = "00000002" }, FLOW, NOW),
		AUTH_OK);
	assert_int_equal(judge(world, &(struct variant){ .algorithm = "SHA-512-256-sess" }, FLOW, NOW),
			 AUTH_ALGORITHM);
}

static void credentials_for_other_realms_are_passed_over(void **state)
{
	struct world *world = *state;
	struct sip_credentials credentials;
	struct sip_message *request = parse_request(SLICE(
		"Authorization: Digest username=\"a\", realm=\"example.net\", nonce=\"n\", uri=\"sip:x\", response=\"r\"\r\n"
		"Authorization: Basic YTpi\r\n"));

	assert_int_equal(auth_find(request, SIP_AUTHORIZATION, world->realm.name, &credentials), AUTH_ABSENT);
	assert_int_equal(auth_find(request, SIP_PROXY_AUTHORIZATION, world->realm.name, &credentials),
			 AUTH_ABSENT);
	sip_message_free(request);
}

static void credentials_twice_for_one_realm_are_malformed(void **state)
{
	struct world *world = *state;
	char buf[4096];
	struct writer out = writer_of(buf, sizeof buf);
	struct sip_credentials credentials;
	struct sip_message *request;

	memset(world->nonce, 'A', sizeof world->nonce);
	for (int i = 0; i < 2; i++) {
		put(&out, SLICE("Authorization: "));
		put_credentials(world, &out, &(struct variant){ 0 });
		put(&out, SLICE("\r\n"));
	}
	request = parse_request(writer_text(&out));
	assert_int_equal(auth_find(request, SIP_AUTHORIZATION, world->realm.name, &credentials),
			 AUTH_MALFORMED);
	sip_message_free(request);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(judges_credentials, setup, teardown),
	cmocka_unit_test_setup_teardown(a_replay_is_refused_and_the_next_count_is_not, setup, teardown),
	cmocka_unit_test_setup_teardown(a_nonce_in_use_cannot_be_forged, setup, teardown),
	cmocka_unit_test_setup_teardown(a_challenge_is_remembered_by_its_flow, setup, teardown),
	cmocka_unit_test_setup_teardown(a_wrong_answer_uses_no_count_up, setup, teardown),
	cmocka_unit_test_setup_teardown(md5_is_offered_last_and_taken_only_where_it_is_allowed, setup,
					teardown),
	cmocka_unit_test_setup_teardown(only_the_integrity_that_a_domain_wants_is_taken, setup, teardown),
	cmocka_unit_test_setup_teardown(what_a_domain_asks_for_is_offered_strongest_first, setup, teardown),
	cmocka_unit_test_setup_teardown(credentials_for_other_realms_are_passed_over, setup, teardown),
	cmocka_unit_test_setup_teardown(credentials_twice_for_one_realm_are_malformed, setup, teardown),
};

TEST_MAIN(tests)
