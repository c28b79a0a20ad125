#include "ua/credentials.h"

#include "authority.h"

#define NOW 1790000000
#define DAY 86400

static const struct slice alice = SLICE_INIT("alice@a.example"), bob = SLICE_INIT("bob@b.example");

enum { NEWS_MAX = 8 };

/* A domain's CA, two phones of bob's, and a source that answers when the test says so. */
static struct crypto *crypto;
static struct authority ca;
static struct key *phone, *tablet;
static struct credentials *credentials;
static const struct now now = { .mono = 1000, .wall = NOW };

static struct world {
	enum err answer;
	unsigned asked, called;
	size_t n_news;
	struct credentials_news news[NEWS_MAX];
	struct credentials_found found; /* what there was when the waiter was called */
	bool asks_again;
} world;

static enum err on_ask(void *self, struct slice aor, struct now at)
{
	(void)self;
	(void)aor;
	(void)at;
	world.asked++;
	return world.answer;
}

static void on_news(void *self, const struct credentials_news *news)
{
	(void)self;
	assert_true(world.n_news < NEWS_MAX);
	world.news[world.n_news++] = *news;
}

static void on_come(struct credentials_waiter *waiter, struct now at)
{
	world.called++;
	credentials_of(credentials, bob, at.wall, &world.found);
	if (world.asks_again)
		assert_int_equal(credentials_want(credentials, bob, waiter, at), ERR_EXISTS);
}

static struct credentials_waiter waiter;

static int start(void **state)
{
	const struct credentials_source source = { .ask = on_ask, .tell = on_news };

	(void)state;
	world = (struct world){ .answer = OK };
	waiter = (struct credentials_waiter){ .come = on_come };
	crypto = crypto_new();
	if (authority_open(&ca, crypto, SLICE("b.example"), NOW) != 0 || key_generate(crypto, &phone) != OK ||
	    key_generate(crypto, &tablet) != OK)
		return -1;
	credentials = credentials_new(crypto, alice, &source);
	return credentials ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	credentials_free(credentials);
	authority_close(&ca);
	key_free(phone);
	key_free(tablet);
	crypto_free(crypto);
	credentials = NULL;
	phone = tablet = NULL;
	crypto = NULL;
	return 0;
}

static struct certificate *issue(const struct key *key, struct slice aor, utc_t at)
{
	return authority_issue(&ca, key, aor, at);
}

/* The domain vouches for certificates of these keys. */
static void vouch(const struct key *one, const struct key *two, struct now at)
{
	struct certificate *certificates[2];
	size_t n = 0;
	enum err err;

	if (one)
		certificates[n++] = issue(one, bob, at.wall);
	if (two)
		certificates[n++] = issue(two, bob, at.wall);
	for (size_t i = 0; i < n; i++)
		if (!certificates[i]) {
			certificate_free(certificates[1 - i < n ? 1 - i : i]);
			fail_msg("no memory");
		}
	err = credentials_vouched(credentials, bob, certificates, n, at);
	assert_int_equal(err, OK);
}

static enum credentials_state state_of_bob(utc_t at)
{
	struct credentials_found found;

	credentials_of(credentials, bob, at, &found);
	return found.state;
}

static enum err judge(const struct key *key, struct slice named, utc_t issued,
		      enum credentials_trust *ret_trust, struct verdict *ret_verdict)
{
	AUTO(certificate) struct certificate *certificate = issue(key, named, issued);
	struct credentials_question question = { .certificate = certificate, .aor = bob, .now = now };
	struct credentials_judgement judgement = { 0 };
	enum err err;

	assert_non_null(certificate);
	err = credentials_judge(credentials, &question, &judgement, ret_verdict);
	*ret_trust = judgement.trust;
	return err;
}

static void says_what_a_domain_vouches_for(void **state)
{
	(void)state;
	assert_int_equal(state_of_bob(NOW), CREDENTIALS_UNKNOWN);
	assert_int_equal(credentials_want(credentials, bob, &waiter, now), OK);
	assert_int_equal(state_of_bob(NOW), CREDENTIALS_ASKED);
	vouch(phone, tablet, now);
	assert_int_equal(world.called, 1);
	assert_int_equal(world.found.state, CREDENTIALS_KNOWN);
	assert_int_equal(world.found.n, 2);
	assert_int_equal(world.found.trust, CREDENTIALS_VOUCHED);
	assert_true(certificate_has_key(world.found.at[0], phone));
	assert_int_equal(credentials_want(credentials, bob, &waiter, now), ERR_EXISTS);
	assert_int_equal(world.asked, 1);
}

static void asks_a_domain_once_for_all_who_wait(void **state)
{
	struct credentials_waiter second = waiter, third = waiter;

	(void)state;
	assert_int_equal(credentials_want(credentials, bob, &waiter, now), OK);
	assert_int_equal(credentials_want(credentials, bob, &second, now), OK);
	assert_int_equal(credentials_want(credentials, bob, &third, now), OK);
	credentials_cease(credentials, &second);
	credentials_cease(credentials, &second);
	world.asks_again = true;
	vouch(phone, NULL, now);
	assert_int_equal(world.asked, 1);
	assert_int_equal(world.called, 2);
}

static void asks_again_when_an_answer_is_old(void **state)
{
	(void)state;
	assert_int_equal(credentials_want(credentials, bob, NULL, now), OK);
	vouch(phone, NULL, now);
	assert_int_equal(state_of_bob(NOW + 3600), CREDENTIALS_KNOWN);
	assert_int_equal(state_of_bob(NOW + 3 * 3600), CREDENTIALS_UNKNOWN);
}

static void tells_a_domain_without_certificates_from_one_that_was_not_reached(void **state)
{
	static const struct verdict gone = { .code = "test.gone", .what = "nobody answers" };

	(void)state;
	assert_int_equal(credentials_want(credentials, bob, &waiter, now), OK);
	credentials_failed(credentials, bob, &gone, now);
	assert_int_equal(world.called, 1);
	assert_int_equal(world.found.state, CREDENTIALS_FAILED);
	assert_string_equal(world.found.verdict->code, "test.gone");
	assert_int_equal(state_of_bob(NOW + 60), CREDENTIALS_UNKNOWN);
	vouch(NULL, NULL, now);
	credentials_of(credentials, bob, NOW, &world.found);
	assert_int_equal(world.found.state, CREDENTIALS_NONE);
	assert_string_equal(world.found.verdict->code, "smime.no-certificate-there");
	assert_false(world.found.was_protected);
}

static void says_at_once_that_nobody_can_be_asked(void **state)
{
	(void)state;
	world.answer = ERR_CLOSED;
	assert_int_equal(credentials_want(credentials, bob, &waiter, now), ERR_CLOSED);
	assert_int_equal(state_of_bob(NOW), CREDENTIALS_UNKNOWN);
	assert_int_equal(world.called, 0);
}

static void keeps_what_it_knows_when_a_forgery_comes(void **state)
{
	static const struct verdict forged = { .code = "test.forged", .what = "forged" };

	(void)state;
	assert_int_equal(credentials_want(credentials, bob, NULL, now), OK);
	vouch(phone, NULL, now);
	credentials_refused(credentials, bob, &forged, now);
	assert_int_equal(state_of_bob(NOW), CREDENTIALS_KNOWN);
	assert_int_equal(world.n_news, 2);
	assert_int_equal(world.news[1].kind, CREDENTIALS_PEER_REFUSED);
}

static void believes_no_signature_after_a_forgery(void **state)
{
	static const struct verdict forged = { .code = "test.forged", .what = "forged" };
	enum credentials_trust trust;
	struct verdict verdict;

	(void)state;
	assert_int_equal(credentials_want(credentials, bob, NULL, now), OK);
	credentials_refused(credentials, bob, &forged, now);
	assert_int_equal(state_of_bob(NOW), CREDENTIALS_REFUSED);
	assert_int_equal(judge(phone, bob, NOW, &trust, &verdict), ERR_DENIED);
	assert_string_equal(verdict.code, "test.forged");
}

/* What a change comes to, by the policy. */
static const struct {
	const char *label;
	enum credentials_policy policy;
	bool is_believed;
} policies[] = {
	{ "accept", CREDENTIALS_ACCEPT, true },
	{ "ask", CREDENTIALS_ASK, false },
	{ "refuse", CREDENTIALS_REFUSE, false },
};

static void tells_a_change_and_obeys_the_policy(void **state)
{
	unsigned char old[KEY_ID_SIZE], new[KEY_ID_SIZE];
	enum credentials_trust trust;
	struct verdict verdict;

	assert_true(key_id(phone, old) && key_id(tablet, new));
	for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
		if (i > 0) {
			stop(state);
			assert_int_equal(start(state), 0);
			assert_true(key_id(phone, old) && key_id(tablet, new));
		}
		credentials_set_policy(credentials, policies[i].policy);
		vouch(phone, NULL, now);
		vouch(tablet, NULL, now);
		assert_int_equal(world.n_news, 3);
		assert_int_equal(world.news[0].kind, CREDENTIALS_PEER_NEW);
		assert_int_equal(world.news[1].kind, CREDENTIALS_PEER_CHANGED);
		assert_memory_equal(world.news[1].old_key, old, sizeof old);
		assert_memory_equal(world.news[1].new_key, new, sizeof new);
		assert_int_equal(world.news[1].is_believed, policies[i].is_believed);
		assert_int_equal(world.news[2].kind, CREDENTIALS_PEER_WITHDRAWN);
		assert_memory_equal(world.news[2].old_key, old, sizeof old);
		assert_int_equal(state_of_bob(NOW),
				 policies[i].is_believed ? CREDENTIALS_KNOWN : CREDENTIALS_REFUSED);
		assert_int_equal(judge(tablet, bob, NOW, &trust, &verdict),
				 policies[i].is_believed ? OK : ERR_DENIED);
		if (!policies[i].is_believed)
			assert_string_equal(verdict.code, "smime.changed");
	}
}

static void counts_a_renewal_for_the_same_key_as_no_change(void **state)
{
	(void)state;
	credentials_set_policy(credentials, CREDENTIALS_REFUSE);
	vouch(phone, NULL, now);
	vouch(phone, NULL, (struct now){ .mono = 2000, .wall = NOW + DAY });
	assert_int_equal(world.n_news, 1);
	assert_int_equal(state_of_bob(NOW + DAY), CREDENTIALS_KNOWN);
}

static void names_a_withdrawal_of_one_device_and_of_all(void **state)
{
	enum credentials_trust trust;
	struct verdict verdict;

	(void)state;
	vouch(phone, tablet, now);
	world.n_news = 0;
	vouch(phone, NULL, now);
	assert_int_equal(world.n_news, 1);
	assert_int_equal(world.news[0].kind, CREDENTIALS_PEER_WITHDRAWN);
	assert_int_equal(judge(tablet, bob, NOW, &trust, &verdict), ERR_DENIED);
	assert_string_equal(verdict.code, "smime.withdrawn");
	assert_int_equal(judge(phone, bob, NOW, &trust, &verdict), OK);
	vouch(NULL, NULL, now);
	assert_int_equal(world.n_news, 2);
	assert_int_equal(judge(phone, bob, NOW, &trust, &verdict), ERR_DENIED);
	assert_string_equal(verdict.code, "smime.withdrawn");
}

/* An AOR is written with the escapes that a URI needs, a certificate asked for without any. */
static void knows_a_user_whose_name_needs_escapes(void **state)
{
	AUTO(certificate) struct certificate *certificate = issue(phone, SLICE("jane doe@b.example"), NOW);
	struct verdict verdict;

	(void)state;
	assert_non_null(certificate);
	assert_int_equal(credentials_are_for(certificate, SLICE("jane%20doe@b.example"), &verdict), OK);
	assert_int_equal(credentials_are_for(certificate, SLICE("jane%21doe@b.example"), &verdict),
			 ERR_DENIED);
}

/* The last resort: its issuer, where the domain was not reached, and no other key of the user is known. */
static void believes_a_trusted_issuer_when_nobody_answers(void **state)
{
	static const struct verdict gone = { .code = "test.gone", .what = "nobody answers" };
	AUTO(chain) struct chain *trusted = authority_chain(&ca, NULL);
	AUTO(anchors) struct anchors *anchors = NULL;
	enum credentials_trust trust;
	struct verdict verdict;

	(void)state;
	assert_true(trusted && anchors_new(crypto, trusted, &anchors) == OK);
	assert_int_equal(credentials_want(credentials, bob, NULL, now), OK);
	credentials_failed(credentials, bob, &gone, now);
	assert_int_equal(judge(phone, bob, NOW, &trust, &verdict), ERR_DENIED);
	assert_string_equal(verdict.code, "smime.unproven");
	credentials_set_anchors(credentials, anchors);
	assert_int_equal(judge(phone, bob, NOW, &trust, &verdict), OK);
	assert_int_equal(trust, CREDENTIALS_CA);
	vouch(tablet, NULL, now);
	assert_int_equal(judge(phone, bob, NOW, &trust, &verdict), ERR_DENIED); /* the domain knows better */
	assert_string_equal(verdict.code, "smime.not-vouched");
	credentials_set_anchors(credentials, NULL);
}

static void a_fingerprint_is_read_as_it_is_written(void **state)
{
	unsigned char key[KEY_ID_SIZE], read[KEY_ID_SIZE];
	char text[80];
	struct writer out = writer_of(text, sizeof text);

	(void)state;
	assert_true(key_id(phone, key));
	put_key_fingerprint(&out, key);
	assert_true(key_fingerprint_parse(writer_text(&out), read));
	assert_memory_equal(key, read, sizeof key);
	assert_false(key_fingerprint_parse(slice_sub(writer_text(&out), 0, 78), read));
	assert_false(key_fingerprint_parse(SLICE("12:34"), read));
}

/* The answer to a question at the terminal: believed, but not compared. */
static void believes_a_change_that_our_user_accepts(void **state)
{
	unsigned char key[KEY_ID_SIZE];
	enum credentials_trust trust;
	struct verdict verdict;

	(void)state;
	assert_true(key_id(tablet, key));
	credentials_set_policy(credentials, CREDENTIALS_ASK);
	vouch(phone, NULL, now);
	assert_int_equal(credentials_believe(credentials, bob, key), ERR_NOT_FOUND);
	vouch(tablet, NULL, now);
	assert_int_equal(judge(tablet, bob, NOW, &trust, &verdict), ERR_DENIED);
	assert_int_equal(credentials_believe(credentials, bob, key), OK);
	assert_int_equal(judge(tablet, bob, NOW, &trust, &verdict), OK);
	assert_int_equal(trust, CREDENTIALS_VOUCHED);
	assert_int_equal(state_of_bob(NOW), CREDENTIALS_KNOWN);
	assert_true(key_id(phone, key));
	assert_int_equal(credentials_believe(credentials, bob, key), ERR_NOT_FOUND); /* withdrawn */
}

static void believes_a_key_that_it_remembers_when_nobody_answers(void **state)
{
	static const struct verdict gone = { .code = "test.gone", .what = "nobody answers" };
	const struct now later = { .mono = 2000, .wall = NOW + DAY };
	struct credentials_question question = { .aor = bob, .now = later };
	struct credentials_judgement judgement;
	AUTO(certificate) struct certificate *known = NULL, *other = NULL;
	struct verdict verdict;

	(void)state;
	vouch(phone, NULL, now);
	known = issue(phone, bob, later.wall);
	other = issue(tablet, bob, later.wall);
	assert_true(known && other);
	question.certificate = known;
	assert_int_equal(credentials_judge(credentials, &question, &judgement, &verdict), ERR_AGAIN);
	assert_int_equal(credentials_want(credentials, bob, NULL, later), OK);
	assert_int_equal(credentials_judge(credentials, &question, &judgement, &verdict), ERR_AGAIN);
	credentials_failed(credentials, bob, &gone, later);
	assert_int_equal(credentials_judge(credentials, &question, &judgement, &verdict), OK);
	assert_int_equal(judgement.trust, CREDENTIALS_REMEMBERED);
	question.certificate = other;
	assert_int_equal(credentials_judge(credentials, &question, &judgement, &verdict), ERR_DENIED);
	assert_string_equal(verdict.code, "smime.changed");
}

static void judges_certificates_of_a_signer(void **state)
{
	static const struct verdict gone = { .code = "test.gone", .what = "nobody answers" };
	enum credentials_trust trust;
	struct verdict verdict;

	(void)state;
	assert_int_equal(judge(phone, bob, NOW, &trust, &verdict), ERR_AGAIN);
	assert_int_equal(judge(phone, alice, NOW, &trust, &verdict), ERR_DENIED);
	assert_string_equal(verdict.code, "smime.name-mismatch");
	assert_int_equal(credentials_want(credentials, bob, NULL, now), OK);
	credentials_failed(credentials, bob, &gone, now);
	assert_int_equal(judge(phone, bob, NOW, &trust, &verdict), ERR_DENIED);
	assert_string_equal(verdict.code, "smime.unproven");
	vouch(phone, NULL, now);
	assert_int_equal(judge(phone, bob, NOW, &trust, &verdict), OK);
	assert_int_equal(trust, CREDENTIALS_VOUCHED);
	assert_int_equal(judge(tablet, bob, NOW, &trust, &verdict), ERR_DENIED);
	assert_string_equal(verdict.code, "smime.not-vouched");
	assert_int_equal(judge(phone, bob, NOW - 40 * DAY, &trust, &verdict), ERR_DENIED);
	assert_string_equal(verdict.code, "smime.expired");
	assert_int_equal(judge(phone, bob, NOW + DAY, &trust, &verdict), ERR_DENIED);
	assert_string_equal(verdict.code, "smime.not-yet-valid");
}

static void an_answer_stands_until_a_newer_one_comes(void **state)
{
	static const struct verdict gone = { .code = "test.gone", .what = "nobody answers" };
	const struct now later = { .mono = 61000, .wall = NOW + 60 };
	enum credentials_trust trust;
	struct verdict verdict;

	(void)state;
	assert_int_equal(credentials_want_anew(credentials, bob, &waiter, now), ERR_EXISTS);
	vouch(phone, NULL, now);
	world.answer = ERR_CLOSED;
	assert_int_equal(credentials_want_anew(credentials, bob, &waiter, now), ERR_CLOSED);
	assert_int_equal(state_of_bob(NOW), CREDENTIALS_KNOWN);
	world.answer = OK;
	assert_int_equal(credentials_want_anew(credentials, bob, &waiter, now), ERR_EXISTS); /* not so soon */
	assert_int_equal(credentials_want_anew(credentials, bob, &waiter, later), OK);
	assert_int_equal(state_of_bob(later.wall), CREDENTIALS_ASKED);
	credentials_failed(credentials, bob, &gone, later);
	assert_int_equal(world.called, 1);
	assert_int_equal(world.found.state, CREDENTIALS_KNOWN);
	assert_int_equal(judge(tablet, bob, NOW, &trust, &verdict), ERR_DENIED);
	assert_string_equal(verdict.code, "smime.not-vouched");
	assert_int_equal(state_of_bob(later.wall + 10), CREDENTIALS_UNKNOWN);
}

/* A key of our own, to which a certificate comes. */
static void obtains_and_renews_our_own(void **state)
{
	struct key *key = NULL;
	struct certificate *certificate;
	struct cms_recipient own[CREDENTIALS_OWN_MAX];
	const struct verdict *verdict;

	(void)state;
	assert_int_equal(credentials_signer(credentials, NOW, own, &verdict), CREDENTIALS_UNKNOWN);
	assert_int_equal(key_generate(crypto, &key), OK);
	if (credentials_add_own(credentials, key, NULL) != OK) {
		key_free(key);
		fail_msg("no memory");
	}
	assert_int_equal(credentials_signer(credentials, NOW, own, &verdict), CREDENTIALS_ASKED);
	assert_int_equal(credentials_want(credentials, alice, &waiter, now), OK);
	assert_int_equal(world.asked, 0);
	assert_int_equal(credentials_own(credentials, own), 0);

	certificate = issue(key, alice, NOW);
	assert_non_null(certificate);
	assert_int_equal(credentials_vouched(credentials, alice, &certificate, 1, now), OK);
	assert_int_equal(world.called, 1);
	assert_int_equal(credentials_signer(credentials, NOW, own, &verdict), CREDENTIALS_KNOWN);
	assert_int_equal(credentials_own(credentials, own), 1);
	assert_true(certificate_has_key(own[0].certificate, own[0].key));
	assert_int_equal(world.n_news, 1);
	assert_int_equal(world.news[0].kind, CREDENTIALS_OWN_OBTAINED);

	certificate = issue(key, alice, NOW + DAY);
	assert_non_null(certificate);
	assert_int_equal(credentials_vouched(credentials, alice, &certificate, 1, now), OK);
	assert_int_equal(world.n_news, 2);
	assert_int_equal(world.news[1].kind, CREDENTIALS_OWN_RENEWED);

	assert_int_equal(credentials_vouched(credentials, alice, NULL, 0, now), OK);
	assert_int_equal(world.n_news, 3);
	assert_int_equal(world.news[2].kind, CREDENTIALS_OWN_FAILED);
	assert_int_equal(credentials_signer(credentials, NOW, own, &verdict), CREDENTIALS_FAILED);
	assert_string_equal(verdict->code, "smime.own-withdrawn");
	assert_int_equal(credentials_own(credentials, own), 1); /* to read with */
}

static void tells_of_another_phone_on_our_own_account(void **state)
{
	struct key *key = NULL;
	struct certificate *certificates[2];
	unsigned char id[KEY_ID_SIZE];

	(void)state;
	assert_int_equal(key_generate(crypto, &key), OK);
	if (credentials_add_own(credentials, key, NULL) != OK) {
		key_free(key);
		fail_msg("no memory");
	}
	certificates[0] = issue(key, alice, NOW);
	certificates[1] = issue(tablet, alice, NOW);
	if (!certificates[0] || !certificates[1]) {
		certificate_free(certificates[0]);
		certificate_free(certificates[1]);
		fail_msg("no memory");
	}
	assert_int_equal(credentials_vouched(credentials, alice, certificates, 2, now), OK);
	assert_int_equal(world.n_news, 2);
	assert_int_equal(world.news[1].kind, CREDENTIALS_PEER_CHANGED);
	assert_true(key_id(tablet, id));
	assert_memory_equal(world.news[1].new_key, id, sizeof id);
}

static void takes_no_certificate_of_another_key(void **state)
{
	AUTO(certificate) struct certificate *other = NULL, *named = NULL;

	(void)state;
	other = issue(tablet, alice, NOW);
	named = issue(phone, bob, NOW);
	assert_true(other && named);
	assert_int_equal(credentials_add_own(credentials, phone, other), ERR_DENIED);
	assert_int_equal(credentials_add_own(credentials, phone, named), ERR_DENIED);
}

static struct slice put_stranger(struct writer *out, unsigned number)
{
	put_number(out, number);
	put(out, SLICE("@c.example"));
	return writer_text(out);
}

static void forgets_the_one_that_was_not_needed_for_longest(void **state)
{
	char text[32];

	(void)state;
	if (harness_fails_allocations())
		return; /* thousands of them */
	vouch(phone, NULL, now);
	for (unsigned i = 0; i < CREDENTIALS_PEERS_MAX; i++) {
		struct writer out = writer_of(text, sizeof text);
		const struct credentials_known known = { .aor = put_stranger(&out, i), .is_believed = true };

		assert_int_equal(credentials_remember(credentials, &known), OK);
	}
	assert_int_equal(state_of_bob(NOW), CREDENTIALS_UNKNOWN);
}

/* Whoever writes under many names has us ask for them. */
static void forgets_strangers_without_a_key_before_whom_it_knows(void **state)
{
	static const struct verdict gone = { .code = "test.gone", .what = "nobody answers" };
	struct credentials_found found;
	char text[32];

	(void)state;
	if (harness_fails_allocations())
		return; /* thousands of them */
	vouch(phone, NULL, now);
	for (unsigned i = 0; i < CREDENTIALS_PEERS_MAX + 9; i++) {
		struct writer out = writer_of(text, sizeof text);
		struct slice aor = put_stranger(&out, i);

		assert_int_equal(credentials_want(credentials, aor, NULL, now), OK);
		credentials_failed(credentials, aor, &gone, now);
	}
	credentials_of(credentials, bob, NOW, &found);
	assert_true(found.was_protected);
}

/* A phone that was off for weeks, say. */
static void a_key_that_comes_again_is_no_other_one(void **state)
{
	unsigned char id[KEY_ID_SIZE];
	enum credentials_trust trust;
	struct verdict verdict;

	(void)state;
	assert_true(key_id(phone, id));
	credentials_set_policy(credentials, CREDENTIALS_ASK);
	vouch(phone, NULL, now);
	assert_int_equal(credentials_trust(credentials, bob, id), OK);
	vouch(NULL, NULL, now);
	world.n_news = 0;
	vouch(phone, NULL, now);
	assert_int_equal(world.n_news, 1);
	assert_int_equal(world.news[0].kind, CREDENTIALS_PEER_CHANGED);
	assert_true(world.news[0].is_believed);
	assert_memory_equal(world.news[0].old_key, id, sizeof id);
	assert_memory_equal(world.news[0].new_key, id, sizeof id);
	assert_int_equal(judge(phone, bob, NOW, &trust, &verdict), OK);
	assert_int_equal(trust, CREDENTIALS_COMPARED);
	/* and another one is no first one */
	vouch(tablet, NULL, now);
	assert_int_equal(state_of_bob(NOW), CREDENTIALS_REFUSED);
	assert_int_equal(judge(tablet, bob, NOW, &trust, &verdict), ERR_DENIED);
	assert_string_equal(verdict.code, "smime.changed");
}

/* Not by keys that were there for a moment. */
static void a_domain_cannot_have_a_change_forgotten(void **state)
{
	(void)state;
	if (harness_fails_allocations())
		return; /* thousands of them */
	vouch(phone, NULL, now);
	credentials_set_policy(credentials, CREDENTIALS_ASK);
	for (unsigned i = 0; i < 3 * CREDENTIALS_DEVICES_MAX; i++) {
		AUTO(key) struct key *key = NULL;

		assert_int_equal(key_generate(crypto, &key), OK);
		world.n_news = 0;
		vouch(key, NULL, now);
		assert_int_equal(world.news[0].kind, CREDENTIALS_PEER_CHANGED);
		assert_false(world.news[0].is_believed);
		assert_int_equal(state_of_bob(NOW), CREDENTIALS_REFUSED);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(says_what_a_domain_vouches_for, start, stop),
	cmocka_unit_test_setup_teardown(asks_a_domain_once_for_all_who_wait, start, stop),
	cmocka_unit_test_setup_teardown(asks_again_when_an_answer_is_old, start, stop),
	cmocka_unit_test_setup_teardown(tells_a_domain_without_certificates_from_one_that_was_not_reached,
					start, stop),
	cmocka_unit_test_setup_teardown(says_at_once_that_nobody_can_be_asked, start, stop),
	cmocka_unit_test_setup_teardown(keeps_what_it_knows_when_a_forgery_comes, start, stop),
	cmocka_unit_test_setup_teardown(believes_no_signature_after_a_forgery, start, stop),
	cmocka_unit_test_setup_teardown(tells_a_change_and_obeys_the_policy, start, stop),
	cmocka_unit_test_setup_teardown(counts_a_renewal_for_the_same_key_as_no_change, start, stop),
	cmocka_unit_test_setup_teardown(names_a_withdrawal_of_one_device_and_of_all, start, stop),
	cmocka_unit_test_setup_teardown(knows_a_user_whose_name_needs_escapes, start, stop),
	cmocka_unit_test_setup_teardown(believes_a_key_that_it_remembers_when_nobody_answers, start, stop),
	cmocka_unit_test_setup_teardown(believes_a_trusted_issuer_when_nobody_answers, start, stop),
	cmocka_unit_test_setup_teardown(a_fingerprint_is_read_as_it_is_written, start, stop),
	cmocka_unit_test_setup_teardown(believes_a_change_that_our_user_accepts, start, stop),
	cmocka_unit_test_setup_teardown(judges_certificates_of_a_signer, start, stop),
	cmocka_unit_test_setup_teardown(an_answer_stands_until_a_newer_one_comes, start, stop),
	cmocka_unit_test_setup_teardown(obtains_and_renews_our_own, start, stop),
	cmocka_unit_test_setup_teardown(tells_of_another_phone_on_our_own_account, start, stop),
	cmocka_unit_test_setup_teardown(takes_no_certificate_of_another_key, start, stop),
	cmocka_unit_test_setup_teardown(forgets_the_one_that_was_not_needed_for_longest, start, stop),
	cmocka_unit_test_setup_teardown(forgets_strangers_without_a_key_before_whom_it_knows, start, stop),
	cmocka_unit_test_setup_teardown(a_key_that_comes_again_is_no_other_one, start, stop),
	cmocka_unit_test_setup_teardown(a_domain_cannot_have_a_change_forgotten, start, stop),
};
TEST_MAIN(tests)
