/*
 * A SIP message that comes protected: as it stands, and, where the input has a line "--inside--", what stands before it as the
 * outside and what follows as what was protected (which a fuzzer could never encrypt by itself). With a line "--signed--" it is
 * a NOTIFY of the domain's certificate service, and what follows is what the domain has signed.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "crypto/user_certificate.h"
#include "mime/smime.h"
#include "ua/arrival.h"
#include "ua/state.h"
#include "ua/tunnel.h"
#include "ua/vouching.h"

enum { NOW = 1790000000 };

static struct ua *ua;

/* The domain, whom our user trusts, and its key. */
static struct {
	struct crypto *crypto;
	struct random *random;
	struct key *key;
	struct certificate *certificate;
	struct anchors *anchors;
} domain;

static void make_own(struct crypto *crypto)
{
	struct certificate *ca, *certificate;
	struct secret *der;
	struct csr *csr;
	struct key *key;

	if (key_generate(crypto, &key) != OK ||
	    certificate_make_ca(crypto, key, SLICE("fuzz CA"), NOW, &ca) != OK ||
	    csr_make(crypto, key, SLICE("bob@b.example"), &der) != OK ||
	    csr_parse(crypto, secret_slice(der), &csr) != OK)
		abort();
	struct user_certificate_request request = { csr, SLICE("bob@b.example"), NOW };
	if (certificate_make_user(crypto, &request, (struct certificate_issuer){ ca, key }, &certificate) !=
		    OK ||
	    credentials_add_own(ua->credentials, key, certificate) != OK)
		abort();
	csr_free(csr);
	secret_free(der);
	certificate_free(ca);
}

/* A CA that is trusted, and the certificate of the domain from it. */
static void make_domain(struct crypto *crypto)
{
	const struct slice name = SLICE("b.example");
	struct certificate_request request = { .names = &name, .n_names = 1, .now = NOW };
	struct certificate *ca;
	struct key *ca_key;
	struct chain *trusted;
	char pem[4096];
	struct writer out = writer_of(pem, sizeof pem);

	domain.crypto = crypto;
	domain.random = random_new_predictable(7);
	if (!domain.random || key_generate(crypto, &ca_key) != OK ||
	    key_generate(crypto, &domain.key) != OK ||
	    certificate_make_ca(crypto, ca_key, SLICE("fuzz CA"), NOW, &ca) != OK)
		abort();
	request.key = domain.key;
	if (certificate_make(crypto, &request, (struct certificate_issuer){ ca, ca_key },
			     &domain.certificate) != OK ||
	    put_certificate_pem(&out, ca) != OK ||
	    chain_parse_pem(crypto, writer_text(&out), &trusted) != OK ||
	    anchors_new(crypto, trusted, &domain.anchors) != OK)
		abort();
	chain_free(trusted);
	certificate_free(ca);
	key_free(ca_key);
}

/* Once. */
static void begin(void)
{
	struct ua_config config = {
		.aor = SLICE("sips:bob@b.example"),
		.transport = TRANSPORT_TLS,
		.password = SLICE("x"),
	};

	if (ua)
		return;
	config.crypto = crypto_new();
	if (!config.crypto || ua_new(&config, &ua) != OK)
		abort();
	make_own(config.crypto);
	make_domain(config.crypto);
}

/* What is joined is a good message, and nothing stands in it that was said to be ignored. */
static void check_joined(const struct tunnel *tunnel, const struct sip_message *outside)
{
	struct sip_message *joined;

	if (tunnel_join(tunnel, outside, &joined) != OK)
		return;
	if (joined->fault.status != 0 || !slice_eq(joined->call_id, outside->call_id) ||
	    (sip_message_header(joined, SIP_REFER_TO) && !sip_message_header(tunnel->message, SIP_REFER_TO)))
		__builtin_trap();
	sip_message_free(joined);
}

static void look_inside(const struct sip_message *outside, struct slice inside)
{
	struct tunnel_findings findings;
	struct mime_entity entity;
	struct tunnel tunnel;
	const char *why;
	char text[65536];
	struct writer out = writer_of(text, sizeof text);

	if (mime_entity_parse(inside, &entity) != OK || tunnel_parse(&entity, outside, &tunnel, &why) != OK)
		return;
	tunnel_compare(&tunnel, outside, NOW, &findings);
	for (size_t i = 0; i < findings.n; i++)
		put_tunnel_difference(&out, &findings.at[i]);
	check_joined(&tunnel, outside);
	tunnel_fini(&tunnel);
}

/* Nobody is believed here, so nothing may come out as if somebody were. */
static void open_it(const struct sip_message *message)
{
	const struct now now = { .mono = 1000, .wall = NOW };
	const struct sip_message *opened;
	struct arrival arrival;

	if (!arrival_begin(ua, message, now, &arrival, &opened))
		return;
	if (arrival.ua && (ua_protection_is_good(&arrival.protection) ||
			   (arrival.protection.is_broken && opened->body.len > 0)))
		__builtin_trap();
	arrival_end(ua, &arrival);
}

/* The NOTIFY of the same dialog with this entity. */
static struct sip_message *notify_of(const struct sip_message *outside, struct slice entity)
{
	static char text[131072];
	struct writer out = writer_of(text, sizeof text);
	size_t end = slice_find_text(entity, SLICE("\r\n\r\n"));
	struct sip_message *notify;
	struct sip_fault fault;

	put_request_line(&out, SLICE("NOTIFY"), SLICE("sips:bob@192.0.2.9:5061"));
	put(&out, SLICE("Via: SIP/2.0/TLS b.example;branch=z9hG4bKx\r\nMax-Forwards: 70\r\n"));
	put_header(&out, SIP_FROM, outside->from.text);
	put_header(&out, SIP_TO, outside->to.text);
	put_header(&out, SIP_CALL_ID, outside->call_id);
	put(&out, SLICE("CSeq: "));
	put_number(&out, outside->cseq.number);
	put(&out, SLICE(" NOTIFY\r\n"));
	put(&out, slice_sub(entity, 0, end));
	put(&out, SLICE("\r\n"));
	put_body(&out, slice_sub(entity, end + 4, entity.len));
	if (out.overflow || sip_message_parse(writer_text(&out), &sip_limits_default, &notify, &fault) != OK)
		return NULL;
	return notify;
}

/* What comes out is vouched for: certificates of that user that are valid. */
static void read_vouching(const struct sip_message *notify)
{
	const struct vouching_question question = { .crypto = domain.crypto,
						    .anchors = domain.anchors,
						    .notify = notify,
						    .aor = SLICE("bob@b.example"),
						    .now = NOW };
	struct vouched vouched = { .n = 0 };
	struct verdict verdict;
	enum err err = vouching_read(&question, &vouched, &verdict);

	if (err == ERR_DENIED && (!verdict.code || vouched.n > 0))
		__builtin_trap();
	for (size_t i = 0; i < vouched.n; i++) {
		if (credentials_are_for(vouched.at[i], question.aor, &verdict) != OK ||
		    certificate_not_after(vouched.at[i]) < NOW)
			__builtin_trap();
		certificate_free(vouched.at[i]);
	}
}

static void sign_and_read(const struct sip_message *outside, struct slice list)
{
	const struct cms_signer signer = { .certificate = domain.certificate, .key = domain.key, .now = NOW };
	struct sip_message *notify = NULL;
	struct secret *entity;

	if (smime_sign_clear(domain.crypto, &signer, domain.random, list, &entity) != OK)
		return;
	notify = notify_of(outside, secret_slice(entity));
	if (notify && notify->fault.status == 0)
		read_vouching(notify);
	sip_message_free(notify);
	secret_free(entity);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		struct slice marker;
		void (*play)(const struct sip_message *outside, struct slice rest);
	} plays[] = { { SLICE_INIT("\n--inside--\n"), look_inside },
		      { SLICE_INIT("\n--signed--\n"), sign_and_read } };
	struct slice text = slice_from(data, size);
	size_t at = size, i = sizeof plays / sizeof plays[0];
	struct sip_message *message;
	struct sip_fault fault;

	begin();
	while (at == size && i-- > 0)
		at = slice_find_text(text, plays[i].marker);
	if (sip_message_parse(slice_sub(text, 0, at < size ? at + 1 : size), &sip_limits_default, &message,
			      &fault) != OK)
		return 0;
	if (message->fault.status == 0 && at < size)
		plays[i].play(message, slice_sub(text, at + plays[i].marker.len, size));
	else if (message->fault.status == 0)
		open_it(message);
	sip_message_free(message);
	return 0;
}
