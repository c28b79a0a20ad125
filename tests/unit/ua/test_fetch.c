/* Certificates come by NOTIFY, and what is done to a NOTIFY on its way is noticed: ua/vouching, ua/fetch, ua/enrolment. */
#include "world.h"

#include "crypto/cms.h"
#include "crypto/user_certificate.h"
#include "mime/smime.h"
#include "sip/date.h"
#include "ua/credentials.h"

#define DAY 86400

#ifdef SEALINE_OOM
enum { STEP = 5 }; /* what each attack does is asked by the ordinary builds */
#else
enum { STEP = 1 };
#endif

enum { TEXT_SIZE = 16384, PEM_SIZE = 8192 };

/* A domain with a CA that the phone trusts, and another one with its own certificate by the same CA; bob's two phones. */
static struct crypto *crypto;
static struct key *ca_key, *domain_key, *other_key, *phone, *tablet;
static struct certificate *ca, *domain, *other;
static struct chain *trusted;
static struct anchors *anchors;
static struct random *dice;
static struct world world;

#define WALL 1700000000

static struct certificate *make_domain(const struct key *key, struct slice name)
{
	struct certificate_request request = { .key = key, .names = &name, .n_names = 1, .now = WALL };
	struct certificate *certificate = NULL;

	return certificate_make(crypto, &request, (struct certificate_issuer){ ca, ca_key }, &certificate) ==
			       OK
		       ? certificate
		       : NULL;
}

static struct certificate *issue(const struct key *key, struct slice aor, utc_t at)
{
	struct user_certificate_request request = { .aor = aor, .now = at };
	struct certificate *certificate = NULL;
	AUTO(secret) struct secret *der = NULL;
	AUTO(csr) struct csr *csr = NULL;

	if (csr_make(crypto, key, aor, &der) != OK || csr_parse(crypto, secret_slice(der), &csr) != OK)
		return NULL;
	request.csr = csr;
	return certificate_make_user(crypto, &request, (struct certificate_issuer){ ca, ca_key },
				     &certificate) == OK
		       ? certificate
		       : NULL;
}

static int start(void **state)
{
	char pem[PEM_SIZE];
	struct writer out = writer_of(pem, sizeof pem);
	struct key **const keys[] = { &ca_key, &domain_key, &other_key, &phone, &tablet };

	(void)state;
	crypto = crypto_new();
	dice = crypto ? random_new_predictable(7) : NULL;
	if (!crypto || !dice)
		return -1;
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (key_generate(crypto, keys[i]) != OK)
			return -1;
	if (certificate_make_ca(crypto, ca_key, SLICE("test CA"), WALL, &ca) != OK)
		return -1;
	domain = make_domain(domain_key, SLICE("localhost"));
	other = make_domain(other_key, SLICE("other.example"));
	if (!domain || !other || put_certificate_pem(&out, ca) != OK ||
	    chain_parse_pem(crypto, writer_text(&out), &trusted) != OK ||
	    anchors_new(crypto, trusted, &anchors) != OK)
		return -1;
	world_open(&world, &(struct ua_config){ .anchors = anchors });
	world_register(&world);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	world_close(&world);
	anchors_free(anchors);
	chain_free(trusted);
	certificate_free(ca);
	certificate_free(domain);
	certificate_free(other);
	key_free(ca_key);
	key_free(domain_key);
	key_free(other_key);
	key_free(phone);
	key_free(tablet);
	random_free(dice);
	crypto_free(crypto);
	return 0;
}

/* What a NOTIFY is like; what is not set is as it should be. */
struct notice {
	const struct key *keys[2];  /* of the certificates in it */
	const char *whose;          /* certificates they are */
	const char *from;           /* the signed From; NULL: as asked */
	const char *call_id, *cseq; /* the signed ones */
	const struct certificate *signer;
	const struct key *signer_key;
	utc_t issued, date; /* seconds from now */
	bool unsigned_;     /* the signature is taken off */
	bool swap;          /* a bit of the first certificate is turned over after it was signed */
	const char *state;
};

static void put_list(struct writer *out, const struct notice *notice, struct slice fragment)
{
	put(out, SLICE("Content-Type: multipart/mixed;boundary=list\r\n\r\n--list\r\n"
		       "Content-Type: message/sipfrag\r\n\r\n"));
	put(out, fragment);
	for (size_t i = 0; i < 2 && notice->keys[i]; i++) {
		AUTO(certificate)
		struct certificate *one = issue(notice->keys[i], slice_of(notice->whose),
						world.now.wall + notice->issued);
		char pem[PEM_SIZE];
		struct writer text = writer_of(pem, sizeof pem);
		unsigned char der[PEM_SIZE];
		size_t n, from, to;

		assert_non_null(one);
		assert_int_equal(put_certificate_pem(&text, one), OK);
		from = slice_find(writer_text(&text), '\n') + 1;
		to = slice_find_text(writer_text(&text), SLICE("-----END"));
		text.len = 0;
		for (size_t at = from; at < to; at++)
			if (pem[at] != '\n')
				pem[text.len++] = pem[at];
		assert_true(base64_decode(writer_text(&text), der, sizeof der, &n));
		put(out, SLICE("\r\n--list\r\nContent-Type: application/pkix-cert\r\n"
			       "Content-Transfer-Encoding: binary\r\n\r\n"));
		put(out, slice_from(der, n));
	}
	put(out, SLICE("\r\n--list--\r\n"));
}

static void put_fragment(struct writer *out, const struct notice *notice, const struct sip_message *subscribe)
{
	char number[16];
	struct writer cseq = writer_of(number, sizeof number);

	put_number(&cseq, world.cseq);
	put(out, SLICE("From: <"));
	put(out, notice->from ? slice_of(notice->from) : subscribe->to.uri.text);
	put(out, SLICE(">;tag=theirs\r\nTo: "));
	put(out, subscribe->from.text);
	put(out, SLICE("\r\nCall-ID: "));
	put(out, notice->call_id ? slice_of(notice->call_id) : subscribe->call_id);
	put(out, SLICE("\r\nCSeq: "));
	put(out, notice->cseq ? slice_of(notice->cseq) : writer_text(&cseq));
	put(out, SLICE(" NOTIFY\r\nDate: "));
	put_date(out, world.now.wall + notice->date);
	put(out, SLICE("\r\nEvent: certificate\r\n"));
}

/* The entity, header and all. */
static struct secret *make_body(const struct notice *notice, const struct sip_message *subscribe)
{
	const struct cms_signer signer = { .certificate = notice->signer ? notice->signer : domain,
					   .key = notice->signer_key ? notice->signer_key : domain_key,
					   .now = world.now.wall };
	char fragment[2048], list[TEXT_SIZE];
	struct writer tie = writer_of(fragment, sizeof fragment), out = writer_of(list, sizeof list);
	struct secret *entity = NULL;

	put_fragment(&tie, notice, subscribe);
	put_list(&out, notice, writer_text(&tie));
	assert_false(out.overflow);
	if (notice->unsigned_)
		entity = secret_new(writer_text(&out));
	else if (smime_sign_clear(crypto, &signer, dice, writer_text(&out), &entity) != OK)
		entity = NULL;
	assert_non_null(entity);
	if (notice->swap) {
		size_t at = slice_find_text(secret_slice(entity), SLICE("application/pkix-cert")) + 200;

		entity->bytes[at] ^= 1;
	}
	return entity;
}

static void notify(const struct notice *notice, const struct sip_message *subscribe)
{
	AUTO(secret) struct secret *entity = NULL;
	char text[2 * TEXT_SIZE];
	struct writer out = writer_of(text, sizeof text);
	struct slice whole, type;
	size_t end;
	static unsigned branch;

	world.cseq++;
	entity = make_body(notice, subscribe);
	whole = secret_slice(entity);
	end = slice_find_text(whole, SLICE("\r\n\r\n"));
	type = slice_sub(whole, 0, end);
	put(&out,
	    SLICE("NOTIFY sips:alice@127.0.0.1:40001 SIP/2.0\r\nVia: SIP/2.0/TLS localhost;branch=z9hG4bKf"));
	put_number(&out, ++branch);
	put(&out, SLICE("\r\nMax-Forwards: 70\r\nFrom: <"));
	put(&out, subscribe->to.uri.text);
	put(&out, SLICE(">;tag=theirs\r\nTo: "));
	put(&out, subscribe->from.text);
	put(&out, SLICE("\r\nCall-ID: "));
	put(&out, subscribe->call_id);
	put(&out, SLICE("\r\nCSeq: "));
	put_number(&out, world.cseq);
	put(&out, SLICE(" NOTIFY\r\nContact: <sips:service@127.0.0.2:9>\r\nEvent: certificate\r\n"
			"Subscription-State: "));
	put(&out, slice_of(notice->state ? notice->state : "active;expires=3600"));
	put(&out, SLICE("\r\n"));
	put(&out, type);
	put(&out, SLICE("\r\n"));
	put_body(&out, slice_sub(whole, end + 4, whole.len));
	assert_false(out.overflow);
	endpoint_input(world.endpoint, world.flow, writer_text(&out), world.now);
	world_pump(&world);
	world_expect_status(&world, 200);
}

static unsigned called;

static void on_come(struct credentials_waiter *waiter, struct now now)
{
	(void)waiter;
	(void)now;
	called++;
}

static struct credentials_waiter waiter = { .come = on_come };

static const struct sip_message *want(const char *aor)
{
	const struct sip_message *subscribe;

	called = 0;
	assert_int_equal(credentials_want(ua_credentials(world.ua), slice_of(aor), &waiter, world.now), OK);
	world_pump(&world);
	subscribe = world_expect(&world, SIP_SUBSCRIBE);
	world_answer(&world, subscribe, 200, "Expires: 3600\r\n", SLICE(""));
	world.cseq = 0;
	return subscribe;
}

static struct credentials_found found_of(const char *aor)
{
	struct credentials_found found;

	credentials_of(ua_credentials(world.ua), slice_of(aor), world.now.wall, &found);
	return found;
}

static void certificates_come_with_the_signature_of_their_domain(void **state)
{
	const struct notice two = { .keys = { phone, tablet }, .whose = "bob@localhost" };
	const struct sip_message *subscribe = want("bob@localhost");
	struct credentials_found found;

	(void)state;
	assert_true(slice_eq(subscribe->uri_text, SLICE("sips:bob@localhost")));
	assert_true(slice_eq(sip_message_value(subscribe, SIP_EVENT), SLICE("certificate")));
	assert_true(slice_eq(sip_message_value(subscribe, SIP_ACCEPT), SLICE("multipart/signed")));
	notify(&two, subscribe);
	assert_int_equal(called, 1);
	found = found_of("bob@localhost");
	assert_int_equal(found.state, CREDENTIALS_KNOWN);
	assert_int_equal(found.n, 2);
	assert_true(certificate_has_key(found.at[0], phone));
	world_event(&world, UA_CERTIFICATE_NEW);
	assert_true(slice_eq(world.event.peer, SLICE("bob@localhost")));
	assert_int_equal(world.event.text.len, 79);
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
	{ "a certificate has expired", { .issued = -40 * DAY }, false, "vouching.expired" },
	{ "it is of yesterday", { .date = -DAY }, false, "vouching.stale" },
};

static void whatever_is_done_to_them_on_the_way_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i += STEP) {
		struct notice notice = attacks[i].notice;
		const struct sip_message *subscribe;
		struct credentials_found found;

		notice.keys[0] = phone;
		if (!notice.whose)
			notice.whose = "bob@localhost";
		if (attacks[i].is_by_other) {
			notice.signer = other;
			notice.signer_key = other_key;
		}
		subscribe = want("bob@localhost");
		notify(&notice, subscribe);
		found = found_of("bob@localhost");
		if (called != 1 || found.state != CREDENTIALS_REFUSED || found.n != 0)
			fail_msg("%s: believed", attacks[i].label);
		world_event(&world, UA_CERTIFICATE_REFUSED);
		if (strcmp(world.event.verdict->code, attacks[i].code) != 0)
			fail_msg("%s: %s", attacks[i].label, world.event.verdict->code);
		stop(state);
		assert_int_equal(start(state), 0);
	}
}

static void a_stranger_that_nobody_trusts_vouches_for_nobody(void **state)
{
	const struct slice name = SLICE("localhost");
	const struct certificate_request request = {
		.key = other_key, .names = &name, .n_names = 1, .now = WALL
	};
	struct notice notice = { .keys = { phone }, .whose = "bob@localhost", .signer_key = other_key };
	AUTO(certificate) struct certificate *its_ca = NULL, *its_own = NULL;

	(void)state;
	assert_int_equal(certificate_make_ca(crypto, tablet, SLICE("stranger"), WALL, &its_ca), OK);
	assert_int_equal(
		certificate_make(crypto, &request, (struct certificate_issuer){ its_ca, tablet }, &its_own),
		OK);
	notice.signer = its_own;
	notify(&notice, want("bob@localhost"));
	assert_int_equal(found_of("bob@localhost").state, CREDENTIALS_REFUSED);
	world_event(&world, UA_CERTIFICATE_REFUSED);
	assert_string_equal(world.event.verdict->code, "vouching.not-trusted");
}

static void a_withdrawal_and_a_change_are_heard_of(void **state)
{
	const struct notice two = { .keys = { phone, tablet }, .whose = "bob@localhost" };
	const struct notice one = { .keys = { tablet }, .whose = "bob@localhost" };
	const struct notice none = { .whose = "bob@localhost" };
	const struct sip_message *subscribe = want("bob@localhost");

	(void)state;
	notify(&one, subscribe);
	world_event(&world, UA_CERTIFICATE_NEW);
	notify(&two, subscribe);
	world_event(&world, UA_CERTIFICATE_CHANGED);
	assert_true(world.event.consented);
	assert_int_equal(world.event.state.len, 79);
	notify(&one, subscribe);
	world_event(&world, UA_CERTIFICATE_WITHDRAWN);
	notify(&none, subscribe);
	world_event(&world, UA_CERTIFICATE_WITHDRAWN);
	assert_int_equal(found_of("bob@localhost").state, CREDENTIALS_NONE);
	assert_true(found_of("bob@localhost").was_protected);
}

static void no_certificate_service_is_said(void **state)
{
	const struct sip_message *subscribe;

	(void)state;
	called = 0;
	assert_int_equal(
		credentials_want(ua_credentials(world.ua), SLICE("bob@localhost"), &waiter, world.now), OK);
	world_pump(&world);
	subscribe = world_expect(&world, SIP_SUBSCRIBE);
	world_answer(&world, subscribe, 489, NULL, SLICE(""));
	assert_int_equal(called, 1);
	assert_int_equal(found_of("bob@localhost").state, CREDENTIALS_FAILED);
	assert_string_equal(found_of("bob@localhost").verdict->code, "smime.no-service");
}

static void nobody_waits_for_longer_than_half_a_minute(void **state)
{
	(void)state;
	want("bob@localhost");
	world_pass(&world, 33000);
	assert_int_equal(called, 1);
	assert_int_equal(found_of("bob@localhost").state, CREDENTIALS_FAILED);
	assert_string_equal(found_of("bob@localhost").verdict->code, "smime.no-answer");
}

static const struct sip_message *enrol(struct key **ret_key)
{
	const struct sip_message *publish;

	assert_int_equal(key_generate(crypto, ret_key), OK);
	assert_int_equal(credentials_add_own(ua_credentials(world.ua), *ret_key, NULL), OK);
	ua_enrol(world.ua, world.now);
	world_pump(&world);
	publish = world_expect(&world, SIP_PUBLISH);
	return publish;
}

static void our_own_is_asked_for_and_renewed_in_time(void **state)
{
	const struct sip_message *publish, *subscribe;
	struct notice notice = { .whose = "alice@localhost" };
	struct cms_recipient own;
	const struct verdict *why;
	struct key *key = NULL;
	AUTO(csr) struct csr *csr = NULL;

	(void)state;
	publish = enrol(&key);
	assert_true(slice_eq(publish->uri_text, SLICE("sips:alice@localhost")));
	assert_true(slice_eq(sip_message_value(publish, SIP_EVENT), SLICE("certificate")));
	assert_true(slice_eq(sip_message_value(publish, SIP_CONTENT_TYPE), SLICE("application/pkcs10")));
	assert_int_equal(csr_parse(crypto, publish->body, &csr), OK);
	world_answer(&world, publish, 200, "SIP-ETag: one\r\nExpires: 2592000\r\n", SLICE(""));
	subscribe = world_expect(&world, SIP_SUBSCRIBE);
	world_answer(&world, subscribe, 200, "Expires: 3600\r\n", SLICE(""));
	world.cseq = 0;
	notice.keys[0] = key;
	notify(&notice, subscribe);
	assert_int_equal(credentials_signer(ua_credentials(world.ua), world.now.wall, &own, &why),
			 CREDENTIALS_KNOWN);
	world_event(&world, UA_CERTIFICATE_OBTAINED);
	/* two thirds of 30 days and an hour, and then a minute */
	world.now.wall += 20 * DAY;
	ua_enrol(world.ua, world.now);
	world_pump(&world);
	world_expect(&world, SIP_PUBLISH);
}

static void a_refusal_is_told_and_stops_nothing(void **state)
{
	const struct sip_message *publish;
	struct key *key = NULL;
	struct cms_recipient own;
	const struct verdict *why;

	(void)state;
	publish = enrol(&key);
	world_answer(&world, publish, 489, NULL, SLICE(""));
	world_event(&world, UA_CERTIFICATE_FAILED);
	assert_string_equal(world.event.verdict->code, "smime.not-enrolled");
	assert_int_equal(credentials_signer(ua_credentials(world.ua), world.now.wall, &own, &why),
			 CREDENTIALS_FAILED);
	assert_true(ua_is_registered(world.ua));
}

/* A server that does not know PUBLISH, and says nothing, holds up a call for four seconds. */
static void nobody_waits_long_for_our_own(void **state)
{
	const struct verdict *why;
	struct cms_recipient own;
	struct key *key = NULL;

	(void)state;
	called = 0;
	enrol(&key);
	assert_int_equal(
		credentials_want(ua_credentials(world.ua), SLICE("alice@localhost"), &waiter, world.now), OK);
	world_pass(&world, 3900);
	assert_int_equal(called, 0);
	world_pass(&world, 200);
	assert_int_equal(called, 1);
	assert_int_equal(credentials_signer(ua_credentials(world.ua), world.now.wall, &own, &why),
			 CREDENTIALS_FAILED);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(certificates_come_with_the_signature_of_their_domain, start, stop),
	cmocka_unit_test_setup_teardown(whatever_is_done_to_them_on_the_way_is_named, start, stop),
	cmocka_unit_test_setup_teardown(a_stranger_that_nobody_trusts_vouches_for_nobody, start, stop),
	cmocka_unit_test_setup_teardown(a_withdrawal_and_a_change_are_heard_of, start, stop),
	cmocka_unit_test_setup_teardown(no_certificate_service_is_said, start, stop),
	cmocka_unit_test_setup_teardown(nobody_waits_for_longer_than_half_a_minute, start, stop),
	cmocka_unit_test_setup_teardown(our_own_is_asked_for_and_renewed_in_time, start, stop),
	cmocka_unit_test_setup_teardown(nobody_waits_long_for_our_own, start, stop),
	cmocka_unit_test_setup_teardown(a_refusal_is_told_and_stops_nothing, start, stop),
};
TEST_MAIN(tests)
