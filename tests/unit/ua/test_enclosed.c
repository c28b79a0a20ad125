/* A refusal that brings a certificate, and what that is worth (RFC 3261 §23.2). */
#include "authority.h"
#include "pair.h"

#include "ua/state.h"

static struct pair pair;

static const struct address media = { ADDRESS_V4, 30000, { 127, 0, 0, 1 } };

/* Bob takes nothing that is not protected. */
static int strangers(void **state)
{
	pair_open(&pair, UA_SMIME_PREFER, UA_SMIME_REQUIRE, false);
	pair_acquaint(&pair.bob, &pair.alice, "alice@localhost");
	*state = &pair;
	return 0;
}

static int acquainted(void **state)
{
	pair_open(&pair, UA_SMIME_PREFER, UA_SMIME_REQUIRE, true);
	*state = &pair;
	return 0;
}

static int teardown(void **state)
{
	pair_close(*state);
	return 0;
}

static bool is_sealed(const struct sip_message *message)
{
	return slice_find_text(message->text, SLICE("smime-type=authEnveloped-data")) < message->text.len;
}

static uint64_t send_message(struct pair *p)
{
	uint64_t id = 0;

	assert_int_equal(
		ua_message(p->alice.ua, SLICE("sips:bob@localhost"), SLICE("at nine"), p->alice.now, &id),
		OK);
	world_pump(&p->alice);
	return id;
}

static void domain_is_silent(struct pair *p)
{
	credentials_failed(p->alice.ua->credentials, SLICE("bob@localhost"),
			   &(struct verdict){ .code = "x", .what = "it could not be asked" }, p->alice.now);
	world_pump(&p->alice);
}

/* A certificate with bob's name for that key; with another CA than his. */
static struct certificate *issue_for_bob(struct authority *ca, struct world *world, const struct key *key)
{
	struct certificate *certificate;

	assert_int_equal(authority_open(ca, world->crypto, SLICE("another CA"), world->now.wall), 0);
	certificate = authority_issue(ca, key, SLICE("bob@localhost"), world->now.wall);
	assert_non_null(certificate);
	return certificate;
}

static void refuse_with(struct world *world, const struct sip_message *request, unsigned status,
			const struct certificate *certificate)
{
	AUTO(secret) struct secret *der = NULL;
	char text[8192], lines[256];
	struct writer out = writer_of(text, sizeof text);
	struct sip_reply reply = { .status = status, .to_tag = SLICE("x") };
	int n = snprintf(lines, sizeof lines,
			 "Content-Type: application/pkcs7-mime;smime-type=certs-only;name=smime.p7c\r\n");

	assert_int_equal(cms_certificates(world->crypto, &certificate, 1, &der), OK);
	reply.headers = slice_from(lines, (size_t)n);
	reply.body = secret_slice(der);
	put_reply(&out, request, &reply);
	assert_false(out.overflow);
	endpoint_input(world->endpoint, world->flow, writer_text(&out), world->now);
	world_pump(world);
}

/* -- where the domain cannot be asked --------------------------------------------------------------------------- */

static void a_key_that_is_remembered_can_be_written_to(void **state)
{
	struct pair *p = *state;
	struct credentials_known known = { .aor = SLICE("bob@localhost"), .is_believed = true };
	const struct sip_message *sent;
	uint64_t id;

	assert_true(key_id(credentials_own_key(p->bob.ua->credentials), known.key));
	assert_int_equal(credentials_remember(p->alice.ua->credentials, &known), OK);
	id = send_message(p);
	domain_is_silent(p);
	assert_int_equal(world_event(&p->alice, UA_IN_CLEAR)->id, id);
	assert_int_equal(ua_in_clear(p->alice.ua, id, true, p->alice.now), OK);
	pair_carry(&p->alice, &p->bob, NULL);
	world_event(&p->bob, UA_NOT_TAKEN);
	assert_int_equal(pair_carry(&p->bob, &p->alice, NULL)->status, 415);
	sent = pair_carry(&p->alice, &p->bob, NULL);
	assert_true(is_sealed(sent));
	assert_true(ua_protection_is_good(world_event(&p->bob, UA_MESSAGE)->protection));
	assert_int_equal(pair_carry(&p->bob, &p->alice, NULL)->status, 200);
	assert_int_equal(world_event(&p->alice, UA_MESSAGE_SENT)->id, id);
	assert_int_equal(p->alice.event.protection->n_recipients, 1);
}

/* A challenge in between changes nothing. */
static void one_of_a_ca_that_is_trusted_can_be_written_to(void **state)
{
	struct pair *p = *state;
	const struct key *key = credentials_own_key(p->bob.ua->credentials);
	struct authority ca;
	AUTO(certificate) struct certificate *certificate = issue_for_bob(&ca, &p->alice, key);
	AUTO(chain) struct chain *trusted = authority_chain(&ca, NULL);
	AUTO(anchors) struct anchors *anchors = NULL;
	const struct sip_message *sent;

	authority_close(&ca);
	assert_true(trusted && anchors_new(p->alice.crypto, trusted, &anchors) == OK);
	credentials_set_anchors(p->alice.ua->credentials, anchors);
	send_message(p);
	domain_is_silent(p);
	refuse_with(&p->alice, world_expect(&p->alice, SIP_MESSAGE), 415, certificate);
	sent = world_expect(&p->alice, SIP_MESSAGE);
	assert_true(is_sealed(sent));
	world_answer(&p->alice, sent, 407,
		     "Proxy-Authenticate: Digest realm=\"localhost\", nonce=\"n\", algorithm=SHA-256, "
		     "qop=\"auth\"\r\n",
		     SLICE(""));
	sent = world_expect(&p->alice, SIP_MESSAGE);
	assert_true(is_sealed(sent));
	world_answer(&p->alice, sent, 200, NULL, SLICE(""));
	assert_true(world_event(&p->alice, UA_MESSAGE_SENT)->protection->is_encrypted);
	credentials_set_anchors(p->alice.ua->credentials, NULL);
}

static void what_nobody_vouches_for_is_not_written_to(void **state)
{
	struct pair *p = *state;

	send_message(p);
	domain_is_silent(p);
	pair_carry(&p->alice, &p->bob, NULL);
	assert_int_equal(pair_carry(&p->bob, &p->alice, NULL)->status, 415);
	world_expect_silence(&p->alice);
	assert_int_equal(world_event(&p->alice, UA_MESSAGE_FAILED)->cause, UA_NOT_SECURE);
}

static void who_wants_no_protection_does_not_get_it(void **state)
{
	struct pair *p = *state;

	p->alice.ua->smime = UA_SMIME_OFF;
	send_message(p);
	pair_carry(&p->alice, &p->bob, NULL);
	assert_int_equal(pair_carry(&p->bob, &p->alice, NULL)->status, 415);
	world_expect_silence(&p->alice);
	assert_int_equal(world_event(&p->alice, UA_MESSAGE_FAILED)->cause, UA_NOT_ACCEPTABLE);
}

/* -- where it can ------------------------------------------------------------------------------------------------- */

/* The domain is asked once more, and says what it said; then our user is asked. */
static void one_that_the_domain_does_not_know_is_not_written_to(void **state)
{
	struct pair *p = *state;
	const struct key *key = credentials_own_key(p->alice.ua->credentials);
	struct authority ca;
	AUTO(certificate) struct certificate *swapped = issue_for_bob(&ca, &p->alice, key);
	const struct sip_message *sent;
	uint64_t id = send_message(p);

	authority_close(&ca);
	refuse_with(&p->alice, world_expect(&p->alice, SIP_MESSAGE), 493, swapped);
	world_expect_silence(&p->alice);
	assert_int_equal(p->asked, 1);
	pair_acquaint(&p->alice, &p->bob, "bob@localhost");
	sent = world_expect(&p->alice, SIP_MESSAGE);
	assert_true(is_sealed(sent));
	refuse_with(&p->alice, sent, 493, swapped);
	world_expect_silence(&p->alice);
	assert_int_equal(p->asked, 1);
	assert_int_equal(world_event(&p->alice, UA_IN_CLEAR)->id, id);
	assert_int_equal(p->alice.event.protection->n_recipients, 1);
}

/* Alice knows bob by a key that he has no more. */
static void know_by_an_old_key(struct pair *p)
{
	struct authority ca;
	struct certificate *old;
	struct key *key;

	assert_int_equal(key_generate(p->alice.crypto, &key), OK);
	old = issue_for_bob(&ca, &p->alice, key);
	authority_close(&ca);
	key_free(key);
	assert_int_equal(
		credentials_vouched(p->alice.ua->credentials, SLICE("bob@localhost"), &old, 1, p->alice.now),
		OK);
}

static void news_of_a_key_has_the_domain_asked_and_the_message_sent_again(void **state)
{
	struct pair *p = *state;

	know_by_an_old_key(p);
	send_message(p);
	pair_carry(&p->alice, &p->bob, NULL);
	assert_true(world_event(&p->bob, UA_NOT_TAKEN)->protection->is_broken);
	assert_int_equal(pair_carry(&p->bob, &p->alice, NULL)->status, 493);
	world_expect_silence(&p->alice);
	assert_int_equal(p->asked, 1);
	pair_acquaint(&p->alice, &p->bob, "bob@localhost");
	pair_carry(&p->alice, &p->bob, NULL);
	assert_true(ua_protection_is_good(world_event(&p->bob, UA_MESSAGE)->protection));
}

/* -- calls -------------------------------------------------------------------------------------------------------- */

static uint64_t call_bob(struct pair *p)
{
	uint64_t id;

	assert_int_equal(ua_call(p->alice.ua, SLICE("sips:bob@localhost"), &media, p->alice.now, &id), OK);
	world_pump(&p->alice);
	return id;
}

static void a_call_that_has_to_be_protected_is_made_again_so(void **state)
{
	struct pair *p = *state;

	call_bob(p);
	domain_is_silent(p);
	assert_false(is_sealed(pair_carry(&p->alice, &p->bob, NULL)));
	pair_acquaint(&p->alice, &p->bob, "bob@localhost");
	assert_int_equal(pair_carry(&p->bob, &p->alice, NULL)->status, 488);
	assert_int_equal(pair_carry(&p->alice, &p->bob, NULL)->method, SIP_ACK);
	assert_true(is_sealed(pair_carry(&p->alice, &p->bob, NULL)));
	assert_true(ua_protection_is_good(world_event(&p->bob, UA_INCOMING)->protection));
}

static void a_call_that_cannot_be_protected_as_it_has_to_be_ends(void **state)
{
	struct pair *p = *state;

	call_bob(p);
	domain_is_silent(p);
	pair_carry(&p->alice, &p->bob, NULL);
	assert_int_equal(pair_carry(&p->bob, &p->alice, NULL)->status, 488);
	world_expect(&p->alice, SIP_ACK);
	world_expect_silence(&p->alice);
	assert_int_equal(world_event(&p->alice, UA_ENDED)->cause, UA_NOT_SECURE);
}

static void news_of_a_key_has_the_call_made_again(void **state)
{
	struct pair *p = *state;

	know_by_an_old_key(p);
	call_bob(p);
	pair_carry(&p->alice, &p->bob, NULL);
	assert_int_equal(pair_carry(&p->bob, &p->alice, NULL)->status, 493);
	pair_carry(&p->alice, &p->bob, NULL); /* ACK */
	world_expect_silence(&p->alice);
	pair_acquaint(&p->alice, &p->bob, "bob@localhost");
	assert_true(is_sealed(pair_carry(&p->alice, &p->bob, NULL)));
	assert_true(ua_protection_is_good(world_event(&p->bob, UA_INCOMING)->protection));
}

/* A domain that has no certificate any more does not have a call made in clear that left protected. */
static void a_call_that_was_refused_is_not_made_in_clear_without_consent(void **state)
{
	struct pair *p = *state;
	uint64_t id;

	know_by_an_old_key(p);
	id = call_bob(p);
	pair_carry(&p->alice, &p->bob, NULL);
	pair_carry(&p->bob, &p->alice, NULL);
	pair_carry(&p->alice, &p->bob, NULL); /* ACK */
	assert_int_equal(
		credentials_vouched(p->alice.ua->credentials, SLICE("bob@localhost"), NULL, 0, p->alice.now),
		OK);
	world_pump(&p->alice);
	world_expect_silence(&p->alice);
	assert_int_equal(world_event(&p->alice, UA_IN_CLEAR)->id, id);
}

#define STRANGERS(test)  cmocka_unit_test_setup_teardown(test, strangers, teardown)
#define ACQUAINTED(test) cmocka_unit_test_setup_teardown(test, acquainted, teardown)

/* The first of them take each way through the code that allocates. */
enum { WHERE_ALLOCATIONS_FAIL = 3 };

static const struct CMUnitTest tests[] = {
	STRANGERS(a_key_that_is_remembered_can_be_written_to),
	STRANGERS(a_call_that_has_to_be_protected_is_made_again_so),
	ACQUAINTED(news_of_a_key_has_the_call_made_again),
	STRANGERS(one_of_a_ca_that_is_trusted_can_be_written_to),
	STRANGERS(what_nobody_vouches_for_is_not_written_to),
	STRANGERS(who_wants_no_protection_does_not_get_it),
	ACQUAINTED(one_that_the_domain_does_not_know_is_not_written_to),
	ACQUAINTED(news_of_a_key_has_the_domain_asked_and_the_message_sent_again),
	STRANGERS(a_call_that_cannot_be_protected_as_it_has_to_be_ends),
	ACQUAINTED(a_call_that_was_refused_is_not_made_in_clear_without_consent),
};
TEST_MAIN_FIRST(tests, WHERE_ALLOCATIONS_FAIL)
