/*
 * A SIP message that comes protected: as it stands, and, where the input has a line "--inside--", what stands before it as the
 * outside and what follows as what was protected (which a fuzzer could never encrypt by itself).
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "crypto/user_certificate.h"
#include "ua/arrival.h"
#include "ua/state.h"
#include "ua/tunnel.h"

enum { NOW = 1790000000 };

static struct ua *ua;

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct slice marker = SLICE_INIT("\n--inside--\n");
	struct slice text = slice_from(data, size);
	size_t at = slice_find_text(text, marker);
	struct sip_message *message;
	struct sip_fault fault;

	begin();
	if (sip_message_parse(slice_sub(text, 0, at < size ? at + 1 : size), &sip_limits_default, &message,
			      &fault) != OK)
		return 0;
	if (message->fault.status == 0 && at < size)
		look_inside(message, slice_sub(text, at + marker.len, size));
	else if (message->fault.status == 0)
		open_it(message);
	sip_message_free(message);
	return 0;
}
