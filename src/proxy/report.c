#include "proxy/report.h"

enum { TEXT_MAX = 2560 };

/* One report in the making: begin(), the pairs, end(). */
struct line {
	struct core *core;
	struct report report;
	struct writer out;
	char buf[TEXT_MAX];
};

/* False if nobody wants it. */
static bool begin(struct line *line, struct core *core, enum report_level level, const char *event)
{
	if (!endpoint_reports(core->endpoint, level))
		return false;
	line->core = core;
	line->report = (struct report){ .level = level, .event = event };
	line->out = writer_of(line->buf, sizeof line->buf);
	return true;
}

static void add_key(struct line *line, const char *name)
{
	put_char(&line->out, ' ');
	put(&line->out, slice_of(name));
	put_char(&line->out, '=');
}

static void add_text(struct line *line, const char *name, struct slice value)
{
	add_key(line, name);
	put_char(&line->out, '"');
	put_escaped(&line->out, value);
	put_char(&line->out, '"');
}

static void add_number(struct line *line, const char *name, uint64_t value)
{
	add_key(line, name);
	put_number(&line->out, value);
}

static void add_aor(struct line *line, const char *name, const struct sip_uri *uri)
{
	char buf[512];
	struct writer out = writer_of(buf, sizeof buf);

	put_aor(&out, uri);
	add_text(line, name, writer_text(&out));
}

static void end(struct line *line, flow_id flow, struct slice call_id)
{
	line->report.flow = flow;
	line->report.call_id = call_id;
	line->report.text = writer_text(&line->out);
	endpoint_report(line->core->endpoint, &line->report);
}

void report_flow_proven(struct core *core, flow_id flow, struct slice aor)
{
	struct line line;

	if (!begin(&line, core, REPORT_INFO, "flow.proven"))
		return;
	add_text(&line, "account", aor);
	end(&line, flow, SLICE(""));
}

void report_auth_failed(const struct context *context, struct slice username, enum auth_verdict verdict)
{
	const struct sip_message *request = context->server->request;
	bool harmless = auth_verdict_is_stale(verdict) || verdict == AUTH_ABSENT;
	struct line line;

	if (!begin(&line, context->core, harmless ? REPORT_DEBUG : REPORT_WARNING, "auth.failed"))
		return;
	add_text(&line, "user", username);
	add_text(&line, "method", request->method_name);
	add_text(&line, "why", slice_of(auth_verdict_text(verdict)));
	end(&line, context->server->flow, request->call_id);
}

void report_unanswered(const struct context *context)
{
	const struct sip_message *request = context->server->request;
	struct line line;

	if (!begin(&line, context->core, REPORT_WARNING, "auth.unanswered"))
		return;
	add_aor(&line, "aor", &request->to.uri);
	add_text(&line, "user_agent", sip_message_value(request, SIP_USER_AGENT));
	add_text(
		&line, "why",
		SLICE("the phone does not answer a challenge with SHA-256; one that knows only MD5 needs a domain "
		      "with \"md5: allow\", or \"md5: only\" if it gives up when SHA-256 is offered first"));
	end(&line, context->server->flow, request->call_id);
}

void report_challenge(const struct context *context, const struct auth_realm *realm, bool stale)
{
	char buf[100];
	struct writer algorithms = writer_of(buf, sizeof buf);
	const struct sip_message *request = context->server->request;
	struct line line;

	if (!begin(&line, context->core, REPORT_DEBUG, "auth.challenge"))
		return;
	add_text(&line, "realm", realm->name);
	put_auth_offers(&algorithms, realm);
	add_text(&line, "algorithms", writer_text(&algorithms));
	add_text(&line, "method", request->method_name);
	if (stale)
		add_text(&line, "stale", SLICE("true"));
	end(&line, context->server->flow, request->call_id);
}

/* The binding that this very request left behind, or NULL. */
static const struct binding *binding_of(const struct sip_message *request, const struct aor *aor)
{
	for (size_t i = 0; i < aor->n_bindings; i++)
		if (aor->bindings[i].cseq == request->cseq.number &&
		    slice_eq(aor->bindings[i].call_id, request->call_id))
			return &aor->bindings[i];
	return NULL;
}

void report_registered(const struct context *context, const struct aor *aor, struct now now)
{
	const struct sip_message *request = context->server->request;
	const struct binding *binding = binding_of(request, aor);
	struct line line;

	if (!begin(&line, context->core, REPORT_INFO, binding ? "register.ok" : "register.removed"))
		return;
	add_text(&line, "aor", aor->name);
	add_text(&line, "contact", sip_message_value(request, SIP_CONTACT));
	if (binding && binding->expires > now.wall)
		add_number(&line, "expires", (uint64_t)(binding->expires - now.wall));
	add_number(&line, "bindings", aor->n_bindings);
	add_text(&line, "user_agent", sip_message_value(request, SIP_USER_AGENT));
	end(&line, context->server->flow, request->call_id);
}

void report_published(const struct context *context, const struct answer *answer, struct now now)
{
	struct line line;

	if (!begin(&line, context->core, REPORT_INFO,
		   answer->fingerprint.len ? "certificate.published" : "certificate.withdrawn"))
		return;
	add_text(&line, "aor", context->sender->name);
	if (answer->fingerprint.len) {
		add_key(&line, "sha256");
		put_hex(&line.out, (const unsigned char *)answer->fingerprint.ptr, answer->fingerprint.len);
		add_number(&line, "expires", (uint64_t)(answer->expires - now.wall));
	}
	end(&line, context->server->flow, context->server->request->call_id);
}

/* What a phone meets every day is information; a refusal of permission someone may want to look at. */
static enum report_level level_of(unsigned status)
{
	if (status >= 500 && status < 600)
		return REPORT_ERROR;
	return status == 403 || status == 400 ? REPORT_WARNING : REPORT_INFO;
}

static void add_request(struct line *line, const struct sip_message *request)
{
	if (request->method == SIP_REGISTER) {
		add_aor(line, "aor", &request->to.uri);
		add_text(line, "contact", sip_message_value(request, SIP_CONTACT));
		return;
	}
	add_text(line, "method", request->method_name);
	add_text(line, "uri", request->uri_text);
	add_aor(line, "from", &request->from.uri);
}

void report_refused(struct core *core, const struct server *server, const struct refusal *refusal)
{
	const struct sip_message *request = server->request;
	struct verdict verdict;
	struct line line;

	if (!begin(&line, core, level_of(refusal->status),
		   request->method == SIP_REGISTER ? "register.refused" : "request.refused"))
		return;
	add_number(&line, "status", refusal->status);
	add_request(&line, request);
	refusal_verdict(refusal, &verdict);
	put_verdict_fields(&line.out, &verdict);
	end(&line, server->flow, request->call_id);
}

void report_ack_dropped(struct core *core, flow_id from, const struct sip_message *ack, const char *why)
{
	struct line line;

	if (!begin(&line, core, REPORT_DEBUG, "ack.dropped"))
		return;
	add_text(&line, "why", slice_of(why));
	end(&line, from, ack->call_id);
}

/* -- calls ------------------------------------------------------------------------------------------------------- */

static bool begins_call(const struct context *context)
{
	return context->server && context->server->request->method == SIP_INVITE &&
	       !context->server->request->to.tag.ptr;
}

static bool begin_call(struct line *line, const struct context *context, const char *event)
{
	const struct sip_message *request;

	if (!begins_call(context) || !begin(line, context->core, REPORT_INFO, event))
		return false;
	request = context->server->request;
	add_aor(line, "from", &request->from.uri);
	add_aor(line, "to", &request->uri);
	return true;
}

static void end_call(struct line *line, const struct context *context)
{
	end(line, context->server->flow, context->server->request->call_id);
}

void report_call_started(const struct context *context)
{
	struct line line;

	if (!begin_call(&line, context, "call.started"))
		return;
	add_text(&line, "scheme",
		 context->server->request->uri.scheme == SIP_SCHEME_SIPS ? SLICE("sips") : SLICE("sip"));
	add_number(&line, "phones", context->n_targets);
	end_call(&line, context);
}

void report_call_answered(const struct context *context)
{
	struct line line;

	if (begin_call(&line, context, "call.answered"))
		end_call(&line, context);
}

void report_call_failed(const struct context *context)
{
	struct line line;

	if (!begin_call(&line, context, "call.failed"))
		return;
	add_number(&line, "status", context->best);
	end_call(&line, context);
}

void report_call_ended(const struct context *context)
{
	const struct sip_message *request = context->server->request;
	struct line line;

	if (request->method != SIP_BYE || !begin(&line, context->core, REPORT_INFO, "call.ended"))
		return;
	add_aor(&line, "by", &request->from.uri);
	end_call(&line, context);
}
