#include "proxy/registration.h"

#include "proxy/forward.h"
#include "proxy/gate.h"
#include "proxy/report.h"

enum { CONFLICTS_MAX = 8, ADDRESS_MAX = 64, ROUTE_MAX = 512 };

static bool is_gone(const void *arg, flow_id flow)
{
	return !core_flow_is_alive(arg, flow);
}

/* RFC 3608 §6.1: by which way the phone is to send its requests; a sips phone by sips. */
static struct slice service_route(const struct context *context, struct writer out)
{
	const struct server *server = context->server;

	if (!context->core->server->registrar.service_route)
		return slice_of(NULL);
	put_route_to_us(&out, context->core, server);
	return writer_text(&out);
}

/* From where it came, for who looks at the binding: the other end of a flow is always the same. */
static struct slice received(const struct context *context, const struct aor *aor, struct writer out)
{
	const struct flow_view *view;

	for (size_t i = 0; i < aor->n_bindings; i++)
		if (aor->bindings[i].flow == context->server->flow)
			return aor->bindings[i].received;
	view = endpoint_flow_view(context->core->endpoint, context->server->flow);
	if (view)
		put_address(&out, &view->peer);
	return writer_text(&out);
}

static struct registrar_question question_of(const struct context *context, const struct aor *aor,
					     struct now now)
{
	const struct core *core = context->core;
	flow_id flow = context->server->flow;

	return (struct registrar_question){
		.policy = &core->server->registrar,
		.request = context->server->request,
		.aor = aor,
		.now = now.wall,
		.flow = flow,
		.secure = transport_is_secure(flow_transport(flow)),
		.gruus = &core->gruus,
		.is_gone = is_gone,
		.arg = core,
	};
}

static void answer_ok(struct context *context, struct registrar_question *question, struct now now)
{
	struct core *core = context->core;
	struct writer headers = writer_of(core->scratch, SCRATCH_SIZE / 2);
	char route[ROUTE_MAX];

	question->date = core_date(core, now);
	question->service_route = service_route(context, writer_of(route, ROUTE_MAX));
	put_registrar_ok(&headers, question);
	put_gate_proof(&headers, context, SLICE(""), now);
	if (headers.overflow) {
		context_refuse(context, &proxy_refusals[REFUSED_INTERNAL], now);
		return;
	}
	endpoint_respond(core->endpoint, context->server,
			 &(struct sip_reply){ .status = 200, .headers = writer_text(&headers) }, now);
}

static void store(struct context *context, const struct registrar_question *question,
		  const struct registrar_decision *decision, struct now now)
{
	AUTO(aor)
	struct aor *wanted = aor_change(question->aor, decision->bindings, decision->n_bindings);
	const struct store_question change = { .wanted = wanted, .durable = decision->durable };

	context->question.kind = CONTEXT_STORE;
	if (!wanted || endpoint_store(context->core->endpoint, &context->question, &change) != OK)
		context_refuse(context, &proxy_refusals[REFUSED_OVERLOAD], now);
}

void registration_decide(struct context *context, struct aor *aor, struct now now)
{
	struct core *core = context->core;
	struct registrar_question question = question_of(context, aor, now);
	struct registrar_decision decision;
	char address[ADDRESS_MAX];

	question.received = received(context, aor, writer_of(address, ADDRESS_MAX));
	arena_reset(core->arena);
	if (registrar_decide(&question, core->arena, &decision) != OK) {
		context_refuse(context, &proxy_refusals[REFUSED_OVERLOAD], now);
		return;
	}
	switch (decision.kind) {
	case REGISTRAR_REFUSE: context_refuse(context, &decision.refusal, now); return;
	case REGISTRAR_QUERY: answer_ok(context, &question, now); return;
	case REGISTRAR_STORE: store(context, &question, &decision, now); return;
	}
}

void registration_answer(struct context *context, const struct answer *answer, struct now now)
{
	struct registrar_question question;

	if (answer->err == ERR_CONFLICT && answer->aor && context->n_conflicts++ < CONFLICTS_MAX) {
		if (gate_holds(context, answer->aor, now))
			registration_decide(context, answer->aor, now);
		return;
	}
	if (answer->err == ERR_NOT_FOUND) {
		context_refuse(context, &proxy_refusals[REFUSED_ACCOUNT_GONE], now);
		return;
	}
	if (answer->err != OK) {
		context_refuse(context, &proxy_refusals[REFUSED_STORE], now);
		return;
	}
	question = question_of(context, answer->aor, now);
	report_registered(context, answer->aor, now);
	answer_ok(context, &question, now);
}
