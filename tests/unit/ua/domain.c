#include "domain.h"

#include "crypto/cms.h"
#include "mime/smime.h"
#include "sip/date.h"

#define WALL 1700000000

enum { TEXT_SIZE = 16384 };

struct domain domain;

static void on_come(struct credentials_waiter *waiter, struct now now)
{
	(void)waiter;
	(void)now;
	domain.called++;
}

int domain_setup(void **state)
{
	struct key **const keys[] = { &domain.key, &domain.other_key, &domain.phone, &domain.tablet };
	AUTO(chain) struct chain *trusted = NULL;

	(void)state;
	domain = (struct domain){ .crypto = crypto_new(), .waiter.come = on_come };
	domain.dice = domain.crypto ? random_new_predictable(7) : NULL;
	if (!domain.dice)
		return -1;
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (key_generate(domain.crypto, keys[i]) != OK)
			return -1;
	if (authority_open(&domain.ca, domain.crypto, SLICE("test CA"), WALL) != 0)
		return -1;
	domain.certificate = authority_issue_domain(&domain.ca, domain.key, SLICE("localhost"), WALL);
	domain.other = authority_issue_domain(&domain.ca, domain.other_key, SLICE("other.example"), WALL);
	trusted = authority_chain(&domain.ca, NULL);
	if (!domain.certificate || !domain.other || !trusted ||
	    anchors_new(domain.crypto, trusted, &domain.anchors) != OK)
		return -1;
	world_open(&domain.world, &(struct ua_config){ .anchors = domain.anchors });
	world_register(&domain.world);
	return 0;
}

int domain_teardown(void **state)
{
	(void)state;
	world_close(&domain.world);
	anchors_free(domain.anchors);
	authority_close(&domain.ca);
	certificate_free(domain.certificate);
	certificate_free(domain.other);
	key_free(domain.key);
	key_free(domain.other_key);
	key_free(domain.phone);
	key_free(domain.tablet);
	random_free(domain.dice);
	crypto_free(domain.crypto);
	return 0;
}

static void put_part(struct writer *out, const struct certificate *certificate)
{
	put(out, SLICE("\r\n--list\r\nContent-Type: application/pkix-cert\r\n"
		       "Content-Transfer-Encoding: binary\r\n\r\n"));
	assert_int_equal(put_certificate_der(out, certificate), OK);
}

static void put_list(struct writer *out, const struct notice *notice, struct slice fragment)
{
	put(out, SLICE("Content-Type: multipart/mixed;boundary=list\r\n\r\n--list\r\n"
		       "Content-Type: message/sipfrag\r\n\r\n"));
	put(out, fragment);
	for (size_t i = 0; i < DEVICE_CERTIFICATES_MAX && notice->keys[i]; i++) {
		AUTO(certificate)
		struct certificate *one = authority_issue(&domain.ca, notice->keys[i],
							  slice_of(notice->whose),
							  domain.world.now.wall + notice->issued);

		assert_non_null(one);
		put_part(out, one);
	}
	if (notice->certificates)
		put_part(out, notice->certificates);
	put(out, SLICE("\r\n--list--\r\n"));
}

static void put_fragment(struct writer *out, const struct notice *notice, const struct sip_message *subscribe)
{
	char number[16];
	struct writer cseq = writer_of(number, sizeof number);

	put_number(&cseq, domain.world.cseq);
	put(out, SLICE("From: <"));
	put(out, notice->from ? slice_of(notice->from) : subscribe->to.uri.text);
	put(out, SLICE(">;tag=theirs\r\nTo: "));
	put(out, subscribe->from.text);
	put(out, SLICE("\r\nCall-ID: "));
	put(out, notice->call_id ? slice_of(notice->call_id) : subscribe->call_id);
	put(out, SLICE("\r\nCSeq: "));
	put(out, notice->cseq ? slice_of(notice->cseq) : writer_text(&cseq));
	put(out, SLICE(" NOTIFY\r\nDate: "));
	put_date(out, domain.world.now.wall + notice->date);
	put(out, SLICE("\r\nEvent: certificate\r\n"));
}

/* The entity, header and all. */
static struct secret *make_body(const struct notice *notice, const struct sip_message *subscribe)
{
	const struct cms_signer signer = { .certificate = notice->signer ? notice->signer
									 : domain.certificate,
					   .key = notice->signer_key ? notice->signer_key : domain.key,
					   .now = domain.world.now.wall };
	char fragment[2048], list[TEXT_SIZE];
	struct writer tie = writer_of(fragment, sizeof fragment), out = writer_of(list, sizeof list);
	struct secret *entity = NULL;

	put_fragment(&tie, notice, subscribe);
	put_list(&out, notice, writer_text(&tie));
	assert_false(out.overflow);
	if (notice->unsigned_)
		entity = secret_new(writer_text(&out));
	else if (smime_sign_clear(domain.crypto, &signer, domain.dice, writer_text(&out), &entity) != OK)
		entity = NULL;
	assert_non_null(entity);
	if (notice->swap) {
		size_t at = slice_find_text(secret_slice(entity), SLICE("application/pkix-cert")) + 200;

		entity->bytes[at] ^= 1;
	}
	return entity;
}

void domain_notify(const struct notice *notice, const struct sip_message *subscribe)
{
	AUTO(secret) struct secret *entity = NULL;
	char text[2 * TEXT_SIZE];
	struct writer out = writer_of(text, sizeof text);
	struct slice whole, type;
	size_t end;
	static unsigned branch;

	domain.world.cseq++;
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
	put_number(&out, domain.world.cseq);
	put(&out, SLICE(" NOTIFY\r\nContact: <sips:service@127.0.0.2:9>\r\nEvent: certificate\r\n"
			"Subscription-State: "));
	put(&out, slice_of(notice->state ? notice->state : "active;expires=3600"));
	put(&out, SLICE("\r\n"));
	put(&out, type);
	put(&out, SLICE("\r\n"));
	put_body(&out, slice_sub(whole, end + 4, whole.len));
	assert_false(out.overflow);
	endpoint_input(domain.world.endpoint, domain.world.flow, writer_text(&out), domain.world.now);
	world_pump(&domain.world);
	world_expect_status(&domain.world, 200);
}

const struct sip_message *domain_subscribed(void)
{
	const struct sip_message *subscribe = world_expect(&domain.world, SIP_SUBSCRIBE);

	world_answer(&domain.world, subscribe, 200, "Expires: 3600\r\n", SLICE(""));
	domain.world.cseq = 0;
	return subscribe;
}

const struct sip_message *domain_want(const char *aor)
{
	domain.called = 0;
	assert_int_equal(credentials_want(ua_credentials(domain.world.ua), slice_of(aor), &domain.waiter,
					  domain.world.now),
			 OK);
	world_pump(&domain.world);
	return domain_subscribed();
}

struct credentials_found domain_found(const char *aor)
{
	struct credentials_found found;

	credentials_of(ua_credentials(domain.world.ua), slice_of(aor), domain.world.now.wall, &found);
	return found;
}
