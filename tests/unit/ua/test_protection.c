/* What leaves one phone protected, and how it arrives at another when somebody on the way has touched it. */
#include "pair.h"

#include "authority.h"
#include "base/mem.h"
#include "ua/arrival.h"
#include "ua/state.h"

static struct pair pair;

static int prefer(void **state)
{
	pair_open(&pair, UA_SMIME_PREFER, UA_SMIME_PREFER, true);
	*state = &pair;
	return 0;
}

static int require(void **state)
{
	pair_open(&pair, UA_SMIME_REQUIRE, UA_SMIME_REQUIRE, true);
	*state = &pair;
	return 0;
}

static int strangers(void **state)
{
	pair_open(&pair, UA_SMIME_PREFER, UA_SMIME_PREFER, false);
	*state = &pair;
	return 0;
}

static int strict_strangers(void **state)
{
	pair_open(&pair, UA_SMIME_REQUIRE, UA_SMIME_REQUIRE, false);
	*state = &pair;
	return 0;
}

static int teardown(void **state)
{
	pair_close(*state);
	return 0;
}

static uint64_t send_message(struct world *world)
{
	uint64_t id = 0;

	assert_int_equal(
		ua_message(world->ua, SLICE("sips:bob@localhost"), SLICE("at nine"), world->now, &id), OK);
	world_pump(world);
	return id;
}

static bool contains(const struct sip_message *message, const char *text)
{
	return slice_find_text(message->text, slice_of(text)) < message->text.len;
}

/* -- MESSAGE --------------------------------------------------------------------------------------------- */

static void a_message_is_signed_and_encrypted(void **state)
{
	struct pair *p = *state;
	uint64_t id = send_message(&p->alice);
	const struct sip_message *sent = pair_carry(&p->alice, &p->bob, NULL);
	const struct ua_event *event;

	assert_true(contains(sent, "Content-Type: application/pkcs7-mime;smime-type=authEnveloped-data"));
	assert_true(contains(sent, "Content-Disposition: attachment;handling=required;filename=smime.p7m"));
	assert_true(contains(sent, "Content-Transfer-Encoding: binary"));
	assert_true(contains(sent, "Date: Tue, 14 Nov 2023 22:13:20 GMT"));
	assert_false(contains(sent, "at nine"));
	assert_false(contains(sent, "text/plain"));
	event = world_event(&p->bob, UA_MESSAGE);
	assert_true(slice_eq(event->text, SLICE("at nine")));
	assert_true(slice_eq(event->peer, SLICE("sips:alice@localhost")));
	assert_true(ua_protection_is_good(event->protection));
	assert_true(slice_eq(verdict_text(&event->protection->signer), SLICE("alice@localhost")));
	assert_string_equal(event->protection->cipher, "AES-128-GCM");
	assert_string_equal(event->protection->trust, "vouched");
	assert_int_equal(event->protection->notes_len, 0);
	assert_int_equal(pair_carry(&p->bob, &p->alice, NULL)->status, 200);
	event = world_event(&p->alice, UA_MESSAGE_SENT);
	assert_int_equal(event->id, id);
	assert_true(event->protection->is_encrypted && event->protection->is_signed);
	assert_int_equal(event->protection->n_recipients, 1);
}

static void a_challenged_message_is_signed_anew(void **state)
{
	struct pair *p = *state;
	const struct sip_message *sent;

	send_message(&p->alice);
	sent = world_expect(&p->alice, SIP_MESSAGE);
	world_answer(&p->alice, sent, 407,
		     "Proxy-Authenticate: Digest realm=\"localhost\", nonce=\"n\", algorithm=SHA-256, "
		     "qop=\"auth\"\r\n",
		     SLICE(""));
	assert_true(contains(pair_carry(&p->alice, &p->bob, NULL), "CSeq: 2 MESSAGE"));
	assert_true(ua_protection_is_good(world_event(&p->bob, UA_MESSAGE)->protection));
}

/* taken: it is shown, with what the sender has signed; else it is refused with the status, and the verdict's code told */
static const struct {
	const char *label;
	struct edit edits[3];
	const char *note; /* a part of it */
	unsigned refused;
	const char *code;
} attacks[] = {
	{ .label = "From",
	  .edits = { { "From: <sips:alice@", "From: <sips:carol@" } },
	  .note = "From: somebody" },
	{ .label = "To",
	  .edits = { { "To: <sips:bob@localhost>", "To: <sips:bert@localhost>" } },
	  .note = "To: somebody" },
	{ .label = "Date", .edits = { { "22:13:20 GMT", "22:13:21 GMT" } }, .note = "Date: somebody" },
	{ .label = "no Date", .edits = { { "Date: ", "Dote: " } }, .note = "Date: somebody" },
	{ .label = "Call-ID",
	  .edits = { { "Call-ID: ", "Call-ID: x" } },
	  .note = "Call-ID: it was protected for another dialog",
	  .refused = 403,
	  .code = "smime.header-mismatch" },
	{ .label = "CSeq",
	  .edits = { { "CSeq: 1", "CSeq: 2" } },
	  .note = "CSeq: it was protected for another request",
	  .refused = 403,
	  .code = "smime.header-mismatch" },
	{ .label = "From's tag",
	  .edits = { { ">;tag=", ">;tag=x" } },
	  .note = "From: it was protected for another dialog",
	  .refused = 403,
	  .code = "smime.header-mismatch" },
	{ .label = "not what it says",
	  .edits = { { "smime-type=authEnveloped-data", "smime-type=signed-data" } },
	  .refused = 400,
	  .code = "smime.malformed" },
};

static void who_changes_a_message_on_the_way_is_noticed(void **state)
{
	struct pair *p = *state;

	for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i += ROWS_STEP(4)) {
		const struct ua_protection *protection;

		send_message(&p->alice);
		pair_carry(&p->alice, &p->bob, attacks[i].edits);
		protection = world_event(&p->bob, attacks[i].refused ? UA_NOT_TAKEN : UA_MESSAGE)->protection;
		if (attacks[i].note && slice_find_text(ua_protection_notes(protection),
						       slice_of(attacks[i].note)) == protection->notes_len)
			fail_msg("%s: %.*s", attacks[i].label, SLICE_FMT(ua_protection_notes(protection)));
		if (attacks[i].refused) {
			assert_int_equal(p->bob.event.status, attacks[i].refused);
			assert_string_equal(protection->verdict.code, attacks[i].code);
		} else {
			assert_true(slice_eq(p->bob.event.peer, SLICE("sips:alice@localhost")));
			assert_true(ua_protection_is_good(protection));
		}
		while (world_sent(&p->bob))
			continue;
	}
}

static void a_message_that_comes_again_is_refused(void **state)
{
	struct pair *p = *state;
	const struct sip_message *sent;

	send_message(&p->alice);
	sent = pair_carry(&p->alice, &p->bob, NULL);
	world_event(&p->bob, UA_MESSAGE);
	pair_repeat(sent, &p->bob);
	assert_string_equal(world_event(&p->bob, UA_NOT_TAKEN)->protection->verdict.code, "smime.replay");
	assert_int_equal(p->bob.event.status, 403);
	p->bob.now.wall += 86400;
	pair_repeat(sent, &p->bob);
	assert_string_equal(world_event(&p->bob, UA_NOT_TAKEN)->protection->verdict.code,
			    "smime.header-mismatch");
	assert_true(slice_find_text(ua_protection_notes(p->bob.event.protection),
				    SLICE("an old message that was sent again")) <
		    p->bob.event.protection->notes_len);
}

/* What is left when all protection is taken off is a message as anybody could have sent it. */
static void receive_plain(struct world *world)
{
	world_receive(
		world,
		"MESSAGE sips:bob@127.0.0.1:40001 SIP/2.0\r\nVia: SIP/2.0/TLS localhost;branch=z9hG4bKm\r\n"
		"Max-Forwards: 70\r\nFrom: <sips:alice@localhost>;tag=t\r\nTo: <sips:bob@localhost>\r\n"
		"Call-ID: m1\r\nCSeq: 1 MESSAGE\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi");
}

static void a_message_without_protection_is_shown_as_such(void **state)
{
	struct pair *p = *state;

	receive_plain(&p->bob);
	assert_null(world_event(&p->bob, UA_MESSAGE)->protection);
}

static void a_message_without_protection_is_not_shown_where_that_is_required(void **state)
{
	struct pair *p = *state;
	const struct sip_message *response;

	receive_plain(&p->bob);
	assert_string_equal(world_event(&p->bob, UA_NOT_TAKEN)->protection->verdict.code,
			    "smime.unprotected");
	response = world_expect_status(&p->bob, 415);
	assert_true(slice_starts(sip_message_value(response, SIP_ACCEPT), SLICE("application/pkcs7-mime")));
	assert_true(contains(response, "signed and encrypted from end to end"));
	assert_true(contains(response, "application/pkcs7-mime;smime-type=certs-only")); /* RFC3261:23.2 */
	world_expect_no_event(&p->bob, UA_MESSAGE);
}

/* For one contact, whose phone reads nothing better; the others get AES-GCM. */
static void a_contact_may_be_written_to_by_aes_cbc(void **state)
{
	struct pair *p = *state;
	struct ua *ua = p->alice.ua;
	const struct ua_protection *protection;
	const struct sip_message *sent;

	assert_int_equal(contacts_set(ua_contacts(ua), SLICE("bob@localhost"),
				      (struct contact_policy){ UA_SMIME_PREFER, true }),
			 OK);
	send_message(&p->alice);
	assert_int_equal(contacts_unset(ua_contacts(ua), SLICE("bob@localhost")), OK);
	sent = pair_carry(&p->alice, &p->bob, NULL);
	assert_true(contains(sent, "Content-Type: application/pkcs7-mime;smime-type=enveloped-data"));
	protection = world_event(&p->bob, UA_MESSAGE)->protection;
	assert_string_equal(protection->cipher, "AES-128-CBC");
	assert_true(protection->is_weak && protection->is_believed);
	send_message(&p->alice);
	assert_true(contains(world_expect(&p->alice, SIP_MESSAGE), "smime-type=authEnveloped-data"));
}

/* What of it would be shown: 1 if it is what was written, 0 if nothing. */
static size_t open_altered(struct pair *p, const struct sip_message *altered)
{
	const struct sip_message *opened;
	struct arrival arrival;
	bool is_good;

	replay_fini(&p->bob.ua->replay);
	assert_true(arrival_begin(p->bob.ua, altered, p->bob.now, &arrival, &opened));
	is_good = arrival.ua && ua_protection_is_good(&arrival.protection);
	if (is_good) {
		assert_true(slice_eq(opened->body, SLICE("at nine")));
		assert_true(slice_starts(sip_message_value(opened, SIP_CONTENT_TYPE), SLICE("text/plain")));
		assert_true(
			slice_eq(slice_from(arrival.from, arrival.from_len), SLICE("sips:alice@localhost")));
		assert_true(slice_eq(verdict_text(&arrival.protection.signer), SLICE("alice@localhost")));
	}
	if (arrival.ua && arrival.protection.is_broken) {
		assert_int_equal(opened->body.len, 0);
		assert_true(arrival.protection.has_verdict);
	}
	arrival_end(p->bob.ua, &arrival);
	return is_good;
}

/* Every byte of a protected message, one bit of it turned over: it is noticed, or what is shown is what was written. */
static void whatever_bit_is_turned_over_nothing_else_is_shown(void **state)
{
	struct pair *p = *state;
	const struct sip_message *sent;
	char bytes[8192];
	size_t shown = 0, in_body = 0;

	send_message(&p->alice);
	sent = world_expect(&p->alice, SIP_MESSAGE);
	assert_true(sent->text.len <= sizeof bytes);
	memcpy(bytes, sent->text.ptr, sent->text.len);
	for (size_t i = 0; i < sent->text.len; i++) {
		struct sip_message *altered;
		struct sip_fault fault;
		size_t n = 0;
		enum err err;

		bytes[i] = (char)(bytes[i] ^ 1 << i % 8);
		err = sip_message_parse(slice_from(bytes, sent->text.len), &sip_limits_default, &altered,
					&fault);
		assert_int_not_equal(err, ERR_NOMEM);
		if (err == OK) {
			n = altered->fault.status == 0 ? open_altered(p, altered) : 0;
			sip_message_free(altered);
		}
		bytes[i] = (char)(bytes[i] ^ 1 << i % 8);
		shown += n;
		in_body += i >= sent->text.len - sent->body.len ? n : 0;
	}
	assert_true(shown > 50 && shown < sent->text.len / 2); /* Via, User-Agent and the like */
	/* what is there for alice's own key only, so that she can read it again */
	assert_true(in_body < 200);
}

/* -- certificates that are still to come ------------------------------------------------------------------ */

static void a_message_waits_for_the_certificate_of_its_reader(void **state)
{
	struct pair *p = *state;

	send_message(&p->alice);
	world_expect_silence(&p->alice);
	assert_int_equal(p->asked, 1);
	pair_acquaint(&p->alice, &p->bob, "bob@localhost");
	pair_carry(&p->alice, &p->bob, NULL); /* who has to ask for alice's now */
	assert_int_equal(p->asked, 2);
	world_expect_no_event(&p->bob, UA_MESSAGE);
	pair_acquaint(&p->bob, &p->alice, "alice@localhost");
	assert_true(ua_protection_is_good(world_event(&p->bob, UA_MESSAGE)->protection));
	assert_int_equal(pair_carry(&p->bob, &p->alice, NULL)->status, 200);
}

/* His domain tells of whatever certificates his phones have published. */
static void a_phone_that_cannot_be_encrypted_to_does_not_keep_the_others_from_reading(void **state)
{
	struct pair *p = *state;
	struct cms_recipient own[CREDENTIALS_OWN_MAX];
	struct certificate *both[2];
	AUTO(key) struct key *key = NULL;
	AUTO(chain) struct chain *bobs = NULL;
	struct authority ca;
	char pem[4096];
	struct writer out = writer_of(pem, sizeof pem);
	enum err err;

	assert_int_equal(credentials_own(p->bob.ua->credentials, own), 1);
	assert_int_equal(put_certificate_pem(&out, own[0].certificate), OK);
	assert_int_equal(chain_parse_pem(p->alice.crypto, writer_text(&out), &bobs), OK);
	assert_int_equal(authority_open(&ca, p->alice.crypto, SLICE("CA"), p->alice.now.wall), 0);
	assert_int_equal(key_generate(p->alice.crypto, &key), OK);
	both[0] = authority_issue_domain(&ca, key, SLICE("localhost"),
					 p->alice.now.wall); /* signs, no more */
	authority_close(&ca);
	assert_non_null(both[0]);
	assert_int_equal(certificate_copy(chain_at(bobs, 0), &both[1]), OK);
	err = credentials_vouched(p->alice.ua->credentials, SLICE("bob@localhost"), both, 2, p->alice.now);
	assert_int_equal(err, OK);
	send_message(&p->alice);
	pair_acquaint(&p->bob, &p->alice, "alice@localhost");
	pair_carry(&p->alice, &p->bob, NULL);
	assert_true(ua_protection_is_good(world_event(&p->bob, UA_MESSAGE)->protection));
	assert_int_equal(pair_carry(&p->bob, &p->alice, NULL)->status, 200);
	assert_int_equal(world_event(&p->alice, UA_MESSAGE_SENT)->protection->n_recipients, 1);
}

/* He has asked for it since his domain was asked, and the NOTIFY is still on its way. */
static void who_has_got_a_certificate_just_now_is_asked_about_once_more(void **state)
{
	struct pair *p = *state;

	pair_acquaint(&p->alice, &p->bob, "bob@localhost");
	assert_int_equal(
		credentials_vouched(p->bob.ua->credentials, SLICE("alice@localhost"), NULL, 0, p->bob.now),
		OK);
	send_message(&p->alice);
	pair_carry(&p->alice, &p->bob, NULL);
	assert_int_equal(p->asked, 1);
	world_expect_no_event(&p->bob, UA_MESSAGE);
	pair_acquaint(&p->bob, &p->alice, "alice@localhost");
	assert_true(ua_protection_is_good(world_event(&p->bob, UA_MESSAGE)->protection));
	assert_int_equal(pair_carry(&p->bob, &p->alice, NULL)->status, 200);
}

static void who_is_not_vouched_for_is_asked_about_once_a_minute(void **state)
{
	struct pair *p = *state;

	pair_acquaint(&p->alice, &p->bob, "bob@localhost");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(credentials_vouched(p->bob.ua->credentials, SLICE("alice@localhost"), NULL,
						     0, p->bob.now),
				 OK);
		send_message(&p->alice);
		pair_carry(&p->alice, &p->bob, NULL);
		assert_int_equal(p->asked, 1);
		if (i == 0)
			assert_int_equal(credentials_vouched(p->bob.ua->credentials, SLICE("alice@localhost"),
							     NULL, 0, p->bob.now),
					 OK);
		assert_false(world_event(&p->bob, UA_MESSAGE)->protection->is_believed);
		assert_string_equal(p->bob.event.protection->verdict.code, "smime.not-vouched");
		pair_carry(&p->bob, &p->alice, NULL);
	}
}

static void who_has_none_is_written_to_in_clear_and_that_is_said(void **state)
{
	struct pair *p = *state;
	const struct sip_message *sent;

	send_message(&p->alice);
	assert_int_equal(
		credentials_vouched(p->alice.ua->credentials, SLICE("bob@localhost"), NULL, 0, p->alice.now),
		OK);
	world_pump(&p->alice);
	sent = world_expect(&p->alice, SIP_MESSAGE);
	assert_true(slice_eq(sent->body, SLICE("at nine")));
	world_answer(&p->alice, sent, 200, NULL, SLICE(""));
	assert_false(world_event(&p->alice, UA_MESSAGE_SENT)->protection->is_encrypted);
	assert_true(p->alice.event.protection->has_verdict);
}

static void nothing_leaves_in_clear_where_protection_is_required(void **state)
{
	struct pair *p = *state;

	send_message(&p->alice);
	assert_int_equal(
		credentials_vouched(p->alice.ua->credentials, SLICE("bob@localhost"), NULL, 0, p->alice.now),
		OK);
	world_pump(&p->alice);
	world_expect_silence(&p->alice);
	assert_int_equal(world_event(&p->alice, UA_MESSAGE_FAILED)->cause, UA_NOT_SECURE);
	assert_true(p->alice.event.protection->has_verdict);
}

static void who_was_protected_before_is_asked_about_when_the_domain_forgets(void **state)
{
	struct pair *p = *state;
	uint64_t id;

	assert_int_equal(
		credentials_vouched(p->alice.ua->credentials, SLICE("bob@localhost"), NULL, 0, p->alice.now),
		OK);
	id = send_message(&p->alice);
	world_expect_silence(&p->alice);
	assert_int_equal(world_event(&p->alice, UA_IN_CLEAR)->id, id);
	assert_int_equal(ua_in_clear(p->alice.ua, id, false, p->alice.now), OK);
	world_pump(&p->alice);
	world_expect_silence(&p->alice);
	assert_int_equal(world_event(&p->alice, UA_MESSAGE_FAILED)->cause, UA_NOT_SECURE);
}

/* Each that is unknown has us ask a domain: so many a minute, and the others are shown for what they are. */
static void strangers_do_not_have_us_ask_without_end(void **state)
{
	struct pair *p = *state;

	quota_init(&p->bob.ua->strangers, 60, 1, p->bob.now.mono);
	assert_true(quota_take(&p->bob.ua->strangers, 60, p->bob.now.mono)); /* by somebody else */
	pair_acquaint(&p->alice, &p->bob, "bob@localhost");
	send_message(&p->alice);
	pair_carry(&p->alice, &p->bob, NULL);
	assert_int_equal(p->asked, 0);
	assert_string_equal(world_event(&p->bob, UA_MESSAGE)->protection->verdict.code,
			    "smime.too-many-strangers");
	assert_false(p->bob.event.protection->is_believed);
	pair_carry(&p->bob, &p->alice, NULL);
	p->bob.now.mono += 60000;
	send_message(&p->alice);
	pair_carry(&p->alice, &p->bob, NULL);
	assert_int_equal(p->asked, 1);
}

/* -- phones that cannot read it --------------------------------------------------------------------------- */

static void less_protection_needs_consent(void **state)
{
	struct pair *p = *state;
	static const unsigned statuses[] = { 415, 493, 488 };

	for (size_t i = 0; i < 3; i++) {
		uint64_t id = send_message(&p->alice);
		const struct sip_message *sent;

		world_answer(&p->alice, world_expect(&p->alice, SIP_MESSAGE), statuses[i], NULL, SLICE(""));
		world_expect_silence(&p->alice);
		assert_int_equal(world_event(&p->alice, UA_IN_CLEAR)->id, id);
		assert_int_equal(ua_in_clear(p->alice.ua, id, true, p->alice.now), OK);
		world_pump(&p->alice);
		sent = world_expect(&p->alice, SIP_MESSAGE);
		assert_true(slice_eq(sent->body, SLICE("at nine")));
		world_answer(&p->alice, sent, 200, NULL, SLICE(""));
		assert_false(world_event(&p->alice, UA_MESSAGE_SENT)->protection->is_encrypted);
		assert_int_equal(ua_in_clear(p->alice.ua, id, true, p->alice.now), ERR_NOT_FOUND);
	}
}

static void consent_that_nobody_gives_is_none(void **state)
{
	struct pair *p = *state;

	send_message(&p->alice);
	world_answer(&p->alice, world_expect(&p->alice, SIP_MESSAGE), 415, NULL, SLICE(""));
	world_event(&p->alice, UA_IN_CLEAR);
	world_pass(&p->alice, 60000);
	assert_int_equal(world_event(&p->alice, UA_MESSAGE_FAILED)->cause, UA_NOT_SECURE);
}

static void who_requires_protection_is_not_asked(void **state)
{
	struct pair *p = *state;

	send_message(&p->alice);
	world_answer(&p->alice, world_expect(&p->alice, SIP_MESSAGE), 415, NULL, SLICE(""));
	assert_int_equal(world_event(&p->alice, UA_MESSAGE_FAILED)->cause, UA_NOT_ACCEPTABLE);
	world_expect_silence(&p->alice);
}

static void who_wants_more_protection_gets_it(void **state)
{
	struct pair *p = *state;

	send_message(&p->alice);
	credentials_failed(p->alice.ua->credentials, SLICE("bob@localhost"),
			   &(struct verdict){ .code = "x", .what = "it could not be asked" }, p->alice.now);
	world_pump(&p->alice);
	pair_acquaint(&p->alice, &p->bob, "bob@localhost");
	world_answer(&p->alice, world_expect(&p->alice, SIP_MESSAGE), 415,
		     "Accept: application/pkcs7-mime\r\n", SLICE(""));
	assert_true(contains(world_expect(&p->alice, SIP_MESSAGE), "authEnveloped-data"));
}

static void what_is_for_another_key_is_answered_with_our_certificate(void **state)
{
	struct pair *p = *state;
	const struct sip_message *response;

	pair_acquaint(&p->alice, &p->alice, "alice@localhost");
	assert_int_equal(ua_message(p->alice.ua, SLICE("sips:alice@localhost"), SLICE("to myself"),
				    p->alice.now, &(uint64_t){ 0 }),
			 OK);
	pair_carry(&p->alice, &p->bob,
		   (const struct edit[]){ { "MESSAGE sips:alice@", "MESSAGE sips:bob@" }, { NULL, NULL } });
	response = world_expect_status(&p->bob, 493);
	assert_true(contains(response, "application/pkcs7-mime;smime-type=certs-only"));
	assert_true(response->body.len > 200);
	assert_true(world_event(&p->bob, UA_NOT_TAKEN)->protection->is_broken);
}

/* -- calls ------------------------------------------------------------------------------------------------ */

static const struct address media_a = { ADDRESS_V4, 30000, { 127, 0, 0, 1 } };
static const struct address media_b = { ADDRESS_V4, 30002, { 127, 0, 0, 1 } };

/* Alice calls; bob's phone rings. */
static uint64_t call_bob(struct pair *p, uint64_t *ret_incoming)
{
	uint64_t id;

	assert_int_equal(ua_call(p->alice.ua, SLICE("sips:bob@localhost"), &media_a, p->alice.now, &id), OK);
	pair_carry(&p->alice, &p->bob, NULL);
	*ret_incoming = world_event(&p->bob, UA_INCOMING)->id;
	pair_carry(&p->bob, &p->alice, NULL); /* 180 */
	world_event(&p->alice, UA_RINGING);
	return id;
}

static void answer(struct pair *p, uint64_t incoming, const struct edit *edits)
{
	assert_int_equal(ua_answer(p->bob.ua, incoming, &media_b, p->bob.now), OK);
	pair_carry(&p->bob, &p->alice, edits);
}

static struct ua_call_view view_of(const struct world *world, uint64_t id)
{
	struct ua_call_view view;

	assert_true(ua_call_view(world->ua, id, &view));
	return view;
}

static void a_call_is_described_under_protection_either_way(void **state)
{
	struct pair *p = *state;
	uint64_t incoming, id = call_bob(p, &incoming);
	const struct sip_message *sent;

	assert_true(ua_protection_is_good(p->bob.event.protection));
	answer(p, incoming, NULL);
	assert_true(world_event(&p->alice, UA_ESTABLISHED)->media.secure);
	pair_carry(&p->alice, &p->bob, NULL);
	assert_true(world_event(&p->bob, UA_ESTABLISHED)->media.secure);
	for (size_t i = 0; i < p->alice.n_sent; i++)
		assert_false(contains(p->alice.sent[i], "a=crypto") || contains(p->alice.sent[i], "m=audio"));
	for (size_t i = 0; i < p->bob.n_sent; i++)
		assert_false(contains(p->bob.sent[i], "a=crypto") || contains(p->bob.sent[i], "m=audio"));
	assert_true(view_of(&p->alice, id).sealed && view_of(&p->bob, incoming).sealed);
	assert_true(ua_protection_is_good(view_of(&p->alice, id).theirs));
	assert_true(view_of(&p->bob, incoming).ours->is_encrypted);
	assert_int_equal(view_of(&p->bob, incoming).ours->n_recipients,
			 1); /* alice's, which her offer came with, too */

	/* and so is what changes it, from either side */
	assert_int_equal(ua_hold(p->bob.ua, incoming, true, p->bob.now), OK);
	sent = pair_carry(&p->bob, &p->alice, NULL);
	assert_true(contains(sent, "authEnveloped-data"));
	assert_true(world_event(&p->alice, UA_MEDIA)->media.remote_on_hold);
	assert_true(contains(pair_carry(&p->alice, &p->bob, NULL), "authEnveloped-data"));
	world_event(&p->bob, UA_MEDIA);
	pair_carry(&p->bob, &p->alice, NULL);
	assert_int_equal(ua_transfer(p->alice.ua, id, SLICE("sips:carol@localhost"), p->alice.now), OK);
	pair_carry(&p->alice, &p->bob, NULL);
	assert_true(slice_eq(world_event(&p->bob, UA_REFERRED)->text, SLICE("sips:carol@localhost")));
}

static void a_transfer_that_was_changed_on_the_way_goes_where_it_was_meant_to(void **state)
{
	struct pair *p = *state;
	uint64_t incoming, id = call_bob(p, &incoming);

	answer(p, incoming, NULL);
	pair_carry(&p->alice, &p->bob, NULL);
	assert_int_equal(ua_transfer(p->alice.ua, id, SLICE("sips:carol@localhost"), p->alice.now), OK);
	pair_carry(&p->alice, &p->bob,
		   (const struct edit[]){ { "Refer-To: <sips:carol", "Refer-To: <sips:mallory" },
					  { NULL, NULL } });
	assert_true(slice_eq(world_event(&p->bob, UA_REFERRED)->text, SLICE("sips:carol@localhost")));
}

/* As long as may stand in a certificate. */
#define TEN "0123456789"
#define LONG                                                                                                \
	TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN \
		"@localhost"

static int open_with_long_name(void **state)
{
	pair_open_strangers(&pair, LONG);
	*state = &pair;
	return 0;
}

static void who_has_a_long_name_is_asked_about_by_all_of_it(void **state)
{
	struct pair *p = *state;
	uint64_t id;

	pair_acquaint(&p->alice, &p->bob, "bob@localhost");
	send_message(&p->alice);
	pair_carry(&p->alice, &p->bob, NULL);
	pair_acquaint(&p->bob, &p->alice, LONG);
	assert_true(ua_protection_is_good(world_event(&p->bob, UA_MESSAGE)->protection));
	assert_int_equal(pair_carry(&p->bob, &p->alice, NULL)->status, 200);

	assert_int_equal(ua_call(p->bob.ua, SLICE("sips:" LONG), &media_b, p->bob.now, &id), OK);
	pair_carry(&p->bob, &p->alice, NULL);
	id = world_event(&p->alice, UA_INCOMING)->id;
	pair_carry(&p->alice, &p->bob, NULL); /* 180 */
	assert_int_equal(ua_answer(p->alice.ua, id, &media_a, p->alice.now), OK);
	pair_carry(&p->alice, &p->bob, NULL);
	assert_true(world_event(&p->bob, UA_ESTABLISHED)->media.secure);
}

static void an_answer_without_protection_ends_a_protected_call(void **state)
{
	struct pair *p = *state;
	const struct sip_message *invite;
	char sdp[4096];
	uint64_t id;

	assert_int_equal(ua_call(p->alice.ua, SLICE("sips:bob@localhost"), &media_a, p->alice.now, &id), OK);
	world_pump(&p->alice);
	invite = world_expect(&p->alice, SIP_INVITE);
	world_answer(&p->alice, invite, 200, "Contact: <sips:bob@127.0.0.2:9>\r\n",
		     world_offer(&p->alice, SDP_SRTP_REQUIRED, SDP_SENDRECV, sdp, sizeof sdp));
	assert_int_equal(world_event(&p->alice, UA_ENDED)->cause, UA_NOT_SECURE);
	world_expect(&p->alice, SIP_ACK);
	world_expect(&p->alice, SIP_BYE);
}

static void an_answer_that_was_altered_ends_the_call(void **state)
{
	struct pair *p = *state;
	uint64_t incoming;

	call_bob(p, &incoming);
	answer(p, incoming,
	       (const struct edit[]){
		       { "Content-Type: application/pkcs7-mime", "Content-Type: application/pkcs7-mame" },
		       { NULL, NULL } });
	assert_int_equal(world_event(&p->alice, UA_ENDED)->cause, UA_NOT_SECURE);
	assert_true(p->alice.event.protection == NULL || p->alice.event.protection->has_verdict);
}

static void nobody_changes_a_protected_call_without_protection(void **state)
{
	struct pair *p = *state;
	uint64_t incoming, id = call_bob(p, &incoming);
	const struct sip_message *invite;
	char sdp[4096];
	struct slice offer = world_offer(&p->bob, SDP_SRTP_REQUIRED, SDP_SENDRECV, sdp, sizeof sdp);

	answer(p, incoming, NULL);
	invite = pair_carry(&p->alice, &p->bob, NULL); /* the ACK, which has all that an attacker needs */
	world_receive(
		&p->bob,
		"INVITE sips:bob@127.0.0.1:40001 SIP/2.0\r\nVia: SIP/2.0/TLS localhost;branch=z9hG4bKevil\r\n"
		"Max-Forwards: 70\r\nFrom: %.*s\r\nTo: %.*s\r\nCall-ID: %.*s\r\nCSeq: 900 INVITE\r\n"
		"Contact: <sips:mallory@127.0.0.1:666>\r\nContent-Type: application/sdp\r\n"
		"Content-Length: %zu\r\n\r\n%.*s",
		SLICE_FMT(sip_message_value(invite, SIP_FROM)), SLICE_FMT(sip_message_value(invite, SIP_TO)),
		SLICE_FMT(invite->call_id), offer.len, SLICE_FMT(offer));
	world_expect_status(&p->bob, 488);
	assert_string_equal(world_event(&p->bob, UA_NOT_TAKEN)->protection->verdict.code,
			    "smime.unprotected");
	assert_true(slice_eq(p->bob.event.state, SLICE("INVITE")));
	assert_true(view_of(&p->alice, id).established);
}

static void a_call_is_not_taken_without_protection_where_that_is_required(void **state)
{
	struct pair *p = *state;
	uint64_t id;

	p->alice.ua->smime = UA_SMIME_OFF;
	assert_int_equal(ua_call(p->alice.ua, SLICE("sips:bob@localhost"), &media_a, p->alice.now, &id), OK);
	pair_carry(&p->alice, &p->bob, NULL);
	world_event(&p->bob, UA_INCOMING_REFUSED);
	assert_int_equal(pair_carry(&p->bob, &p->alice, NULL)->status, 488);
	assert_int_equal(world_event(&p->alice, UA_ENDED)->cause, UA_NOT_ACCEPTABLE);
}

static void a_call_waits_for_certificates_on_either_side(void **state)
{
	struct pair *p = *state;
	uint64_t id;

	assert_int_equal(ua_call(p->alice.ua, SLICE("sips:bob@localhost"), &media_a, p->alice.now, &id), OK);
	world_pump(&p->alice);
	world_expect_silence(&p->alice);
	pair_acquaint(&p->alice, &p->bob, "bob@localhost");
	pair_carry(&p->alice, &p->bob, NULL);
	world_expect_no_event(&p->bob, UA_INCOMING);
	pair_acquaint(&p->bob, &p->alice, "alice@localhost");
	assert_true(ua_protection_is_good(world_event(&p->bob, UA_INCOMING)->protection));
}

static void a_call_that_waits_can_be_given_up(void **state)
{
	struct pair *p = *state;
	uint64_t id;

	assert_int_equal(ua_call(p->alice.ua, SLICE("sips:bob@localhost"), &media_a, p->alice.now, &id), OK);
	ua_hangup(p->alice.ua, id, p->alice.now);
	world_pump(&p->alice);
	assert_int_equal(world_event(&p->alice, UA_ENDED)->cause, UA_CANCELLED);
	pair_acquaint(&p->alice, &p->bob, "bob@localhost");
	world_expect_silence(&p->alice);
}

static void a_caller_who_gives_up_early_is_answered(void **state)
{
	struct pair *p = *state;
	uint64_t id;

	assert_int_equal(ua_call(p->alice.ua, SLICE("sips:bob@localhost"), &media_a, p->alice.now, &id), OK);
	pair_acquaint(&p->alice, &p->bob, "bob@localhost");
	pair_carry(&p->alice, &p->bob, NULL); /* bob's phone asks for alice's certificate */
	world_answer(&p->alice, p->alice.sent[p->alice.n_seen - 1], 100, NULL, SLICE(""));
	ua_hangup(p->alice.ua, id, p->alice.now);
	pair_carry(&p->alice, &p->bob, NULL);
	world_expect_status(&p->bob, 200);
	world_expect_status(&p->bob, 487);
	pair_acquaint(&p->bob, &p->alice, "alice@localhost");
	world_expect_no_event(&p->bob, UA_INCOMING);
}

/* Whoever waits for an answer to it cannot hear one any more. */
static void what_waits_for_certificates_ends_with_its_flow(void **state)
{
	struct pair *p = *state;
	uint64_t id;

	assert_int_equal(ua_call(p->alice.ua, SLICE("sips:bob@localhost"), &media_a, p->alice.now, &id), OK);
	pair_acquaint(&p->alice, &p->bob, "bob@localhost");
	pair_carry(&p->alice, &p->bob, NULL); /* bob's phone asks for alice's certificate */
	world_lose_flow(&p->bob);
	pair_acquaint(&p->bob, &p->alice, "alice@localhost");
	world_expect_no_event(&p->bob, UA_INCOMING);
	assert_int_equal(endpoint_counts(p->bob.endpoint).servers, 0);
}

static void a_call_in_clear_needs_consent_after_a_protected_one_was_refused(void **state)
{
	struct pair *p = *state;
	const struct sip_message *invite;
	uint64_t id;

	assert_int_equal(ua_call(p->alice.ua, SLICE("sips:bob@localhost"), &media_a, p->alice.now, &id), OK);
	world_pump(&p->alice);
	invite = world_expect(&p->alice, SIP_INVITE);
	world_answer(&p->alice, invite, 415, NULL, SLICE(""));
	world_expect(&p->alice, SIP_ACK);
	assert_int_equal(world_event(&p->alice, UA_IN_CLEAR)->id, id);
	world_expect_silence(&p->alice);
	world_pass(&p->alice, 50000);
	assert_int_equal(ua_in_clear(p->alice.ua, id, true, p->alice.now), OK);
	world_pump(&p->alice);
	invite = world_expect(&p->alice, SIP_INVITE);
	assert_true(contains(invite, "application/sdp"));
	assert_false(view_of(&p->alice, id).sealed);
	world_answer(&p->alice, invite, 180, "Contact: <sips:bob@127.0.0.2:9>\r\n", SLICE(""));
	world_pass(&p->alice, 59999); /* it rings as long as any other, however long our user has thought */
	world_expect_silence(&p->alice);
	world_pass(&p->alice, 1);
	world_expect(&p->alice, SIP_CANCEL);
}

#define PREFER(test)    cmocka_unit_test_setup_teardown(test, prefer, teardown)
#define REQUIRE(test)   cmocka_unit_test_setup_teardown(test, require, teardown)
#define STRANGERS(test) cmocka_unit_test_setup_teardown(test, strangers, teardown)

static const struct CMUnitTest tests[] = {
	PREFER(a_message_is_signed_and_encrypted),
	PREFER(a_contact_may_be_written_to_by_aes_cbc),
	PREFER(a_challenged_message_is_signed_anew),
	PREFER(who_changes_a_message_on_the_way_is_noticed),
	PREFER(a_message_that_comes_again_is_refused),
	PREFER(a_message_without_protection_is_shown_as_such),
	REQUIRE(a_message_without_protection_is_not_shown_where_that_is_required),
	REQUIRE(whatever_bit_is_turned_over_nothing_else_is_shown),
	STRANGERS(a_phone_that_cannot_be_encrypted_to_does_not_keep_the_others_from_reading),
	STRANGERS(a_message_waits_for_the_certificate_of_its_reader),
	STRANGERS(who_has_got_a_certificate_just_now_is_asked_about_once_more),
	STRANGERS(who_is_not_vouched_for_is_asked_about_once_a_minute),
	STRANGERS(who_has_none_is_written_to_in_clear_and_that_is_said),
	STRANGERS(strangers_do_not_have_us_ask_without_end),
	cmocka_unit_test_setup_teardown(nothing_leaves_in_clear_where_protection_is_required,
					strict_strangers, teardown),
	PREFER(who_was_protected_before_is_asked_about_when_the_domain_forgets),
	PREFER(less_protection_needs_consent),
	PREFER(consent_that_nobody_gives_is_none),
	REQUIRE(who_requires_protection_is_not_asked),
	STRANGERS(who_wants_more_protection_gets_it),
	PREFER(what_is_for_another_key_is_answered_with_our_certificate),
	PREFER(a_call_is_described_under_protection_either_way),
	PREFER(a_transfer_that_was_changed_on_the_way_goes_where_it_was_meant_to),
	cmocka_unit_test_setup_teardown(who_has_a_long_name_is_asked_about_by_all_of_it, open_with_long_name,
					teardown),
	PREFER(an_answer_without_protection_ends_a_protected_call),
	PREFER(an_answer_that_was_altered_ends_the_call),
	PREFER(nobody_changes_a_protected_call_without_protection),
	REQUIRE(a_call_is_not_taken_without_protection_where_that_is_required),
	STRANGERS(a_call_waits_for_certificates_on_either_side),
	STRANGERS(a_call_that_waits_can_be_given_up),
	STRANGERS(a_caller_who_gives_up_early_is_answered),
	STRANGERS(what_waits_for_certificates_ends_with_its_flow),
	PREFER(a_call_in_clear_needs_consent_after_a_protected_one_was_refused),
};
TEST_MAIN(tests)
