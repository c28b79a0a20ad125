/*
 * The header lines of a REGISTER: whatever they say, the list that comes out is within bounds, and current.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "registrar/registrar.h"

enum { NOW = 1000 };

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

static void decide(const struct sip_message *request, struct arena *arena)
{
	const struct aor aor = { .version = 1, .bindings = bindings, .n_bindings = 3 };
	const struct registrar_question question = { .policy = &registrar_policy_default,
						     .request = request,
						     .aor = &aor,
						     .now = NOW,
						     .flow = 1,
						     .secure = true };
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

	if (request && arena && !request->fault.status)
		decide(request, arena);
	arena_free(arena);
	sip_message_free(request);
	return 0;
}
