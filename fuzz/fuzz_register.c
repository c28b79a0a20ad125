/*
 * The header lines of a REGISTER: whatever they say, the list that comes out is within bounds, and current; and a GRUU that is
 * given out for an address leads back to it.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "crypto/lib.h"
#include "registrar/registrar.h"
#include "sip/fields.h"

enum { NOW = 1000 };

static struct gruu_maker gruus;

static const struct binding bindings[] = {
	{ .contact = SLICE_INIT("sip:a@192.0.2.1"),
	  .call_id = SLICE_INIT("1"),
	  .cseq = 4,
	  .expires = NOW + 60 },
	{ .contact = SLICE_INIT("sip:a@192.0.2.2"),
	  .instance = SLICE_INIT("urn:uuid:1"),
	  .reg_id = 1,
	  .expires = NOW + 60 },
	{ .contact = SLICE_INIT("sip:a@192.0.2.3"), .expires = NOW },
};

static struct sip_message *parse(struct slice headers)
{
	static char buf[16384];
	struct writer out = writer_of(buf, sizeof buf);
	struct sip_message *message;
	struct sip_fault fault;

	put(&out,
	    SLICE("REGISTER sips:a.example SIP/2.0\r\nVia: SIP/2.0/TLS a.example;branch=z9hG4bK1\r\n"
		  "From: <sip:a@a.example>;tag=1\r\nTo: <sip:a@a.example>\r\nCall-ID: 1\r\nCSeq: 5 REGISTER\r\n"));
	put(&out, headers);
	put(&out, SLICE("\r\nContent-Length: 0\r\n\r\n"));
	if (out.overflow || sip_message_parse(writer_text(&out), &sip_limits_default, &message, &fault) != OK)
		return NULL;
	return message;
}

/* What is given out for the phone of this AOR, if the URI is one, means that phone alone. */
static void check_temporary(const struct sip_uri *uri)
{
	char name_buf[1024], gruu_buf[2048], again_buf[1024];
	struct writer name = writer_of(name_buf, sizeof name_buf), out = writer_of(gruu_buf, sizeof gruu_buf),
		      again = writer_of(again_buf, sizeof again_buf);
	struct sip_uri parsed;
	struct gruu gruu;

	if (uri->scheme != SIP_SCHEME_SIP && uri->scheme != SIP_SCHEME_SIPS)
		return;
	put_aor(&name, uri);
	if (name.overflow ||
	    !put_temporary_gruu(&out, &gruus, SLICE("sips:"), writer_text(&name), &bindings[1]))
		return;
	assert(!out.overflow && sip_uri_parse(writer_text(&out), &parsed));
	gruu = gruu_parse(&gruus, &parsed, &again);
	assert(gruu.kind == GRUU_TEMPORARY && slice_eq(writer_text(&again), writer_text(&name)));
	assert(gruu_means(&gruu, &gruus, &bindings[1]) && !gruu_means(&gruu, &gruus, &bindings[0]));
}

/* The URIs as those of requests. */
static void read_gruus(const struct sip_message *request)
{
	struct sip_values contacts = sip_values_of(request, SIP_CONTACT);
	struct sip_address contact;
	struct slice value;

	while (sip_values_next(&contacts, &value)) {
		char buf[1024];
		struct writer name = writer_of(buf, sizeof buf);

		if (!sip_contact_parse(value, &contact))
			continue;
		const struct gruu gruu = gruu_parse(&gruus, &contact.uri, &name);
		for (size_t i = 0; i < sizeof bindings / sizeof bindings[0]; i++)
			if (gruu_means(&gruu, &gruus, &bindings[i]))
				assert(gruu.kind == GRUU_NONE || bindings[i].instance.len > 0);
		check_temporary(&contact.uri);
	}
}

static void decide(const struct sip_message *request, struct arena *arena)
{
	const struct aor aor = {
		.name = SLICE("a@a.example"), .version = 1, .bindings = bindings, .n_bindings = 3
	};
	const struct registrar_question question = { .policy = &registrar_policy_default,
						     .request = request,
						     .aor = &aor,
						     .now = NOW,
						     .flow = 1,
						     .secure = true,
						     .gruus = &gruus };
	struct registrar_decision decision;
	static char buf[65536];
	struct writer out = writer_of(buf, sizeof buf);

	if (registrar_decide(&question, arena, &decision) != OK)
		return;
	if (decision.kind == REGISTRAR_REFUSE)
		assert(decision.refusal.status >= 400 && decision.refusal.code && decision.refusal.warning);
	if (decision.kind == REGISTRAR_STORE)
		assert(decision.n_bindings <= registrar_policy_default.bindings_max);
	for (size_t i = 0; i < decision.n_bindings; i++)
		assert(decision.bindings[i].expires > NOW);
	put_registrar_ok(&out, &question);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sip_message *request = parse(slice_from(data, size));
	struct arena *arena = arena_new(256 * 1024);

	if (!gruus.seal && !gruu_maker_init(&gruus, crypto_new(), SLICE("0123456789abcdef0123456789abcdef")))
		abort();
	if (request && arena && !request->fault.status) {
		read_gruus(request);
		decide(request, arena);
	}
	arena_free(arena);
	sip_message_free(request);
	return 0;
}
