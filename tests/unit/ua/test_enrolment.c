/* Our own certificate: asked for, renewed, brought along, told of: ua/enrolment. */
#include "domain.h"

#include "crypto/user_certificate.h"

static const struct sip_message *enrol(struct key **ret_key)
{
	const struct sip_message *publish;

	assert_int_equal(key_generate(domain.crypto, ret_key), OK);
	assert_int_equal(credentials_add_own(ua_credentials(domain.world.ua), *ret_key, NULL), OK);
	ua_enrol(domain.world.ua, domain.world.now);
	world_pump(&domain.world);
	publish = world_expect(&domain.world, SIP_PUBLISH);
	return publish;
}

/* The domain accepts it, and tells of the certificates in the notice. */
static void be_granted(const struct sip_message *publish, const struct notice *notice)
{
	world_answer(&domain.world, publish, 200, "SIP-ETag: one\r\nExpires: 2592000\r\n", SLICE(""));
	domain_notify(notice, domain_subscribed());
}

static enum credentials_state signer_state(void)
{
	struct cms_recipient own;
	const struct verdict *why;

	return credentials_signer(ua_credentials(domain.world.ua), domain.world.now.wall, &own, &why);
}

static void our_own_is_asked_for(void **state)
{
	const struct sip_message *publish;
	struct notice notice = { .whose = "alice@localhost" };
	struct key *key = NULL;
	AUTO(csr) struct csr *csr = NULL;

	(void)state;
	publish = enrol(&key);
	assert_true(slice_eq(publish->uri_text, SLICE("sips:alice@localhost")));
	assert_true(slice_eq(sip_message_value(publish, SIP_EVENT), SLICE("certificate")));
	assert_true(slice_eq(sip_message_value(publish, SIP_CONTENT_TYPE), SLICE("application/pkcs10")));
	assert_int_equal(csr_parse(domain.crypto, publish->body, &csr), OK);
	notice.keys[0] = key;
	be_granted(publish, &notice);
	assert_int_equal(signer_state(), CREDENTIALS_KNOWN);
	world_event(&domain.world, UA_CERTIFICATE_OBTAINED);
	/* registered again, when two thirds of 30 days and an hour are over */
	domain.world.now.wall += 20 * DOMAIN_DAY;
	ua_enrol(domain.world.ua, domain.world.now);
	world_pump(&domain.world);
	world_expect(&domain.world, SIP_PUBLISH);
}

/* Registered all the time: the certificate that comes is one of which two thirds are over in five minutes. */
static void our_own_is_renewed_by_a_timer(void **state)
{
	struct notice notice = { .whose = "alice@localhost", .issued = 1500 - 20 * DOMAIN_DAY };
	const struct sip_message *publish;
	struct key *key = NULL;

	(void)state;
	publish = enrol(&key);
	notice.keys[0] = key;
	be_granted(publish, &notice);
	world_event(&domain.world, UA_CERTIFICATE_OBTAINED);
	world_pass(&domain.world, 359999);
	world_expect_silence(&domain.world);
	world_pass(&domain.world, 1); /* and a minute */
	domain.world.now.wall += 360;
	publish = world_expect(&domain.world, SIP_PUBLISH);
	assert_true(slice_eq(sip_message_value(publish, SIP_CONTENT_TYPE), SLICE("application/pkcs10")));
	assert_int_equal(signer_state(), CREDENTIALS_KNOWN); /* the old one does until there is another */
	world_answer(&domain.world, publish, 200, "SIP-ETag: two\r\nExpires: 2592000\r\n", SLICE(""));
	world_expect_silence(&domain.world); /* the subscription is there already */
}

/* A key and a certificate of the CA for alice, which our phone has been given. */
static struct chain *bring_along(void)
{
	struct key *key = NULL;
	struct chain *chain = NULL;
	AUTO(certificate) struct certificate *own = NULL;
	enum err err = key_generate(domain.crypto, &key);

	if (err == OK)
		own = authority_issue(&domain.ca, key, SLICE("alice@localhost"), domain.world.now.wall);
	chain = own ? authority_chain(&domain.ca, own) : NULL;
	err = chain ? credentials_add_imported(ua_credentials(domain.world.ua), key, chain) : ERR_NOMEM;
	if (err != OK) {
		chain_free(chain);
		key_free(key);
	}
	assert_int_equal(err, OK);
	return chain;
}

static void one_that_was_brought_along_is_published_as_it_is(void **state)
{
	struct notice notice = { .whose = "alice@localhost" };
	const struct chain *chain = bring_along();
	const struct sip_message *publish;
	char der[4096];
	struct writer out = writer_of(der, sizeof der);

	(void)state;
	assert_int_equal(signer_state(), CREDENTIALS_KNOWN); /* nobody has to be asked for it */
	assert_ptr_equal(credentials_own_chain(ua_credentials(domain.world.ua)), chain);
	ua_enrol(domain.world.ua, domain.world.now);
	world_pump(&domain.world);
	publish = world_expect(&domain.world, SIP_PUBLISH);
	assert_true(slice_eq(sip_message_value(publish, SIP_CONTENT_TYPE), SLICE("application/pkix-cert")));
	assert_int_equal(put_certificate_der(&out, chain_at(chain, 0)), OK);
	assert_true(slice_eq(publish->body, writer_text(&out)));
	notice.certificates = chain_at(chain, 0);
	be_granted(publish, &notice);
	world_event(&domain.world, UA_CERTIFICATE_OBTAINED);
	assert_int_equal(signer_state(), CREDENTIALS_KNOWN);
}

/* It is not ours to renew. */
static void one_that_was_brought_along_and_is_over_is_said(void **state)
{
	(void)state;
	bring_along();
	domain.world.now.wall += 31 * DOMAIN_DAY;
	ua_enrol(domain.world.ua, domain.world.now);
	world_pump(&domain.world);
	world_expect_silence(&domain.world);
	world_event(&domain.world, UA_CERTIFICATE_FAILED);
	assert_string_equal(domain.world.event.verdict->code, "smime.imported-expired");
	assert_int_equal(signer_state(), CREDENTIALS_FAILED);
}

/* Another certificate for its key, which the domain has issued of old, does not take its place. */
static void one_that_was_brought_along_stays(void **state)
{
	struct notice notice = { .whose = "alice@localhost" };
	const struct chain *chain = bring_along();

	(void)state;
	notice.keys[0] = credentials_own_key(ua_credentials(domain.world.ua));
	notice.issued = -DOMAIN_DAY;
	ua_enrol(domain.world.ua, domain.world.now);
	world_pump(&domain.world);
	be_granted(world_expect(&domain.world, SIP_PUBLISH), &notice);
	world_expect_no_event(&domain.world, UA_CERTIFICATE_OBTAINED);
	assert_ptr_equal(credentials_own_chain(ua_credentials(domain.world.ua)), chain);
	assert_int_equal(signer_state(), CREDENTIALS_KNOWN);
}

static void a_refusal_is_told_and_stops_nothing(void **state)
{
	const struct sip_message *publish;
	struct key *key = NULL;
	struct cms_recipient own;
	const struct verdict *why;

	(void)state;
	publish = enrol(&key);
	world_answer(&domain.world, publish, 489, NULL, SLICE(""));
	world_event(&domain.world, UA_CERTIFICATE_FAILED);
	assert_string_equal(domain.world.event.verdict->code, "smime.not-enrolled");
	assert_int_equal(
		credentials_signer(ua_credentials(domain.world.ua), domain.world.now.wall, &own, &why),
		CREDENTIALS_FAILED);
	assert_true(ua_is_registered(domain.world.ua));
}

static void what_may_be_had_later_is_asked_for_again(void **state)
{
	static const unsigned statuses[] = { 408, 500, 503 };

	(void)state;
	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
		const struct sip_message *publish;
		struct key *key = NULL;

		if (i == 0)
			publish = enrol(&key);
		else
			publish = world_expect(&domain.world, SIP_PUBLISH);
		world_answer(&domain.world, publish, statuses[i], NULL, SLICE(""));
		world_event(&domain.world, UA_CERTIFICATE_FAILED);
		world_pass(&domain.world, 600000);
	}
	world_expect(&domain.world, SIP_PUBLISH);
}

/* A server that does not know PUBLISH, and says nothing, holds up a call for four seconds. */
static void nobody_waits_long_for_our_own(void **state)
{
	const struct verdict *why;
	struct cms_recipient own;
	struct key *key = NULL;

	(void)state;
	domain.called = 0;
	enrol(&key);
	assert_int_equal(credentials_want(ua_credentials(domain.world.ua), SLICE("alice@localhost"),
					  &domain.waiter, domain.world.now),
			 OK);
	world_pass(&domain.world, 3900);
	assert_int_equal(domain.called, 0);
	world_pass(&domain.world, 200);
	assert_int_equal(domain.called, 1);
	assert_int_equal(
		credentials_signer(ua_credentials(domain.world.ua), domain.world.now.wall, &own, &why),
		CREDENTIALS_FAILED);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(our_own_is_asked_for, domain_setup, domain_teardown),
	cmocka_unit_test_setup_teardown(our_own_is_renewed_by_a_timer, domain_setup, domain_teardown),
	cmocka_unit_test_setup_teardown(one_that_was_brought_along_is_published_as_it_is, domain_setup,
					domain_teardown),
	cmocka_unit_test_setup_teardown(one_that_was_brought_along_and_is_over_is_said, domain_setup,
					domain_teardown),
	cmocka_unit_test_setup_teardown(one_that_was_brought_along_stays, domain_setup, domain_teardown),
	cmocka_unit_test_setup_teardown(what_may_be_had_later_is_asked_for_again, domain_setup,
					domain_teardown),
	cmocka_unit_test_setup_teardown(nobody_waits_long_for_our_own, domain_setup, domain_teardown),
	cmocka_unit_test_setup_teardown(a_refusal_is_told_and_stops_nothing, domain_setup, domain_teardown),
};
TEST_MAIN(tests)
