/* Certificates come by NOTIFY, and what is done to a NOTIFY on its way is noticed: ua/vouching, ua/fetch. */
#include "domain.h"

static void certificates_come_with_the_signature_of_their_domain(void **state)
{
	const struct notice two = { .keys = { domain.phone, domain.tablet }, .whose = "bob@localhost" };
	const struct sip_message *subscribe = domain_want("bob@localhost");
	struct credentials_found found;

	(void)state;
	assert_true(slice_eq(subscribe->uri_text, SLICE("sips:bob@localhost")));
	assert_true(slice_eq(sip_message_value(subscribe, SIP_EVENT), SLICE("certificate")));
	assert_true(slice_eq(sip_message_value(subscribe, SIP_ACCEPT), SLICE("multipart/signed")));
	domain_notify(&two, subscribe);
	assert_int_equal(domain.called, 1);
	found = domain_found("bob@localhost");
	assert_int_equal(found.state, CREDENTIALS_KNOWN);
	assert_int_equal(found.n, 2);
	assert_true(certificate_has_key(found.at[0], domain.phone));
	world_event(&domain.world, UA_CERTIFICATE_NEW);
	assert_true(slice_eq(domain.world.event.peer, SLICE("bob@localhost")));
	assert_int_equal(domain.world.event.text.len, 79);
}

static void all_phones_that_a_domain_tells_of_are_known(void **state)
{
	struct key *keys[DEVICE_CERTIFICATES_MAX];
	struct notice notice = { .whose = "bob@localhost" };

	(void)state;
	for (size_t i = 0; i < DEVICE_CERTIFICATES_MAX; i++) {
		assert_int_equal(key_generate(domain.crypto, &keys[i]), OK);
		notice.keys[i] = keys[i];
	}
	domain_notify(&notice, domain_want("bob@localhost"));
	assert_int_equal(domain_found("bob@localhost").state, CREDENTIALS_KNOWN);
	assert_int_equal(domain_found("bob@localhost").n, DEVICE_CERTIFICATES_MAX);
	for (size_t i = 0; i < DEVICE_CERTIFICATES_MAX; i++)
		key_free(keys[i]);
}

/* What somebody on the way may do, and what the phone says to it. */
static const struct {
	const char *label;
	struct notice notice;
	bool is_by_other;
	const char *code;
} attacks[] = {
	{ "the signature is taken off", { .unsigned_ = true }, false, "vouching.not-signed" },
	{ "another domain has signed", { .state = NULL }, true, "vouching.other-domain" },
	{ "a certificate is altered", { .swap = true }, false, "smime.altered" },
	{ "it was made for another subscription", { .call_id = "other" }, false, "vouching.replayed" },
	{ "an older one is sent again", { .cseq = "99" }, false, "vouching.replayed" },
	{ "that of another user is sent",
	  { .whose = "carol@localhost", .from = "sips:carol@localhost" },
	  false,
	  "vouching.other-user" },
	{ "the domain lists another user's", { .whose = "carol@localhost" }, false, "vouching.other-user" },
	{ "a certificate has expired", { .issued = -40 * DOMAIN_DAY }, false, "vouching.expired" },
	{ "it is of yesterday", { .date = -DOMAIN_DAY }, false, "vouching.stale" },
};

static void whatever_is_done_to_them_on_the_way_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i += ROWS_STEP(5)) {
		struct notice notice = attacks[i].notice;
		const struct sip_message *subscribe;
		struct credentials_found found;

		notice.keys[0] = domain.phone;
		if (!notice.whose)
			notice.whose = "bob@localhost";
		if (attacks[i].is_by_other) {
			notice.signer = domain.other;
			notice.signer_key = domain.other_key;
		}
		subscribe = domain_want("bob@localhost");
		domain_notify(&notice, subscribe);
		found = domain_found("bob@localhost");
		if (domain.called != 1 || found.state != CREDENTIALS_REFUSED || found.n != 0)
			fail_msg("%s: believed", attacks[i].label);
		world_event(&domain.world, UA_CERTIFICATE_REFUSED);
		if (strcmp(domain.world.event.verdict->code, attacks[i].code) != 0)
			fail_msg("%s: %s", attacks[i].label, domain.world.event.verdict->code);
		domain_teardown(state);
		assert_int_equal(domain_setup(state), 0);
	}
}

static void a_stranger_that_nobody_trusts_vouches_for_nobody(void **state)
{
	struct notice notice = { .keys = { domain.phone },
				 .whose = "bob@localhost",
				 .signer_key = domain.other_key };
	const utc_t wall = domain.world.now.wall;
	struct certificate *its_own = NULL;
	struct authority stranger;

	(void)state;
	if (authority_open(&stranger, domain.crypto, SLICE("stranger"), wall) == 0)
		its_own = authority_issue_domain(&stranger, domain.other_key, SLICE("localhost"), wall);
	authority_close(&stranger);
	assert_non_null(its_own);
	notice.signer = its_own;
	domain_notify(&notice, domain_want("bob@localhost"));
	certificate_free(its_own);
	assert_int_equal(domain_found("bob@localhost").state, CREDENTIALS_REFUSED);
	world_event(&domain.world, UA_CERTIFICATE_REFUSED);
	assert_string_equal(domain.world.event.verdict->code, "vouching.not-trusted");
}

static void a_withdrawal_and_a_change_are_heard_of(void **state)
{
	const struct notice two = { .keys = { domain.phone, domain.tablet }, .whose = "bob@localhost" };
	const struct notice one = { .keys = { domain.tablet }, .whose = "bob@localhost" };
	const struct notice none = { .whose = "bob@localhost" };
	const struct sip_message *subscribe = domain_want("bob@localhost");

	(void)state;
	domain_notify(&one, subscribe);
	world_event(&domain.world, UA_CERTIFICATE_NEW);
	domain_notify(&two, subscribe);
	world_event(&domain.world, UA_CERTIFICATE_CHANGED);
	assert_true(domain.world.event.consented);
	assert_int_equal(domain.world.event.state.len, 79);
	domain_notify(&one, subscribe);
	world_event(&domain.world, UA_CERTIFICATE_WITHDRAWN);
	domain_notify(&none, subscribe);
	world_event(&domain.world, UA_CERTIFICATE_WITHDRAWN);
	assert_int_equal(domain_found("bob@localhost").state, CREDENTIALS_NONE);
	assert_true(domain_found("bob@localhost").was_protected);
}

static void no_certificate_service_is_said(void **state)
{
	const struct sip_message *subscribe;

	(void)state;
	domain.called = 0;
	assert_int_equal(credentials_want(ua_credentials(domain.world.ua), SLICE("bob@localhost"),
					  &domain.waiter, domain.world.now),
			 OK);
	world_pump(&domain.world);
	subscribe = world_expect(&domain.world, SIP_SUBSCRIBE);
	world_answer(&domain.world, subscribe, 489, NULL, SLICE(""));
	assert_int_equal(domain.called, 1);
	assert_int_equal(domain_found("bob@localhost").state, CREDENTIALS_FAILED);
	assert_string_equal(domain_found("bob@localhost").verdict->code, "smime.no-service");
}

static void nobody_waits_for_longer_than_half_a_minute(void **state)
{
	(void)state;
	domain_want("bob@localhost");
	world_pass(&domain.world, 33000);
	assert_int_equal(domain.called, 1);
	assert_int_equal(domain_found("bob@localhost").state, CREDENTIALS_FAILED);
	assert_string_equal(domain_found("bob@localhost").verdict->code, "smime.no-answer");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(certificates_come_with_the_signature_of_their_domain, domain_setup,
					domain_teardown),
	cmocka_unit_test_setup_teardown(all_phones_that_a_domain_tells_of_are_known, domain_setup,
					domain_teardown),
	cmocka_unit_test_setup_teardown(whatever_is_done_to_them_on_the_way_is_named, domain_setup,
					domain_teardown),
	cmocka_unit_test_setup_teardown(a_stranger_that_nobody_trusts_vouches_for_nobody, domain_setup,
					domain_teardown),
	cmocka_unit_test_setup_teardown(a_withdrawal_and_a_change_are_heard_of, domain_setup,
					domain_teardown),
	cmocka_unit_test_setup_teardown(no_certificate_service_is_said, domain_setup, domain_teardown),
	cmocka_unit_test_setup_teardown(nobody_waits_for_longer_than_half_a_minute, domain_setup,
					domain_teardown),
};
TEST_MAIN(tests)
