#include "proxy/gate.h"

#include <string.h>

#include "base/verdict.h"
#include "proxy/assertion.h"
#include "proxy/certified.h"
#include "proxy/demands.h"
#include "proxy/edge.h"
#include "proxy/peer.h"
#include "proxy/report.h"
#include "sip/build.h"
#include "sip/identity.h"

enum { NAME_MAX = 512, UNANSWERED_REPORTED = 2, UNANSWERED_FREE = 10 };

static bool is_register(const struct context *context)
{
	return context->server->request->method == SIP_REGISTER;
}

/* Whom the request speaks for, if it says so. */
static const struct sip_uri *identity_of(const struct context *context)
{
	const struct sip_message *request = context->server->request;

	return is_register(context) ? &request->to.uri : &request->from.uri;
}

/* Where its realm is one of ours; in lower case. */
static bool realm_of(const struct context *context, struct now now, struct auth_realm *ret_realm)
{
	const struct server_domain *domain = core_domain(context->core, assertion_domain(context));

	if (!domain)
		return false;
	*ret_realm = (struct auth_realm){
		.name = domain->name,
		.md5 = demands_md5(domain, now),
		.sha = domain->sha,
		.integrity = domain->integrity,
		.lifetime = context->core->server->nonce_lifetime,
	};
	return true;
}

/* context->credentials: parsed once for all that is done with them. */
static enum auth_verdict find_credentials(struct context *context, const struct auth_realm *realm)
{
	if (context->credentials.scheme.ptr)
		return AUTH_OK;
	return auth_find(context->server->request,
			 is_register(context) ? SIP_AUTHORIZATION : SIP_PROXY_AUTHORIZATION, realm->name,
			 &context->credentials);
}

/*
 * A source address in a datagram proves nothing, so what comes over UDP is held against nobody; and what comes by an edge not against
 * the edge, which brings many.
 */
static void blame(const struct context *context, enum misdeed misdeed)
{
	if (flow_transport(context->server->flow) != TRANSPORT_UDP && edge_of_sender(context).len == 0)
		endpoint_blame(context->core->endpoint, context->server->flow, misdeed);
}

/*
 * A phone that only knows MD5 says nothing when it is asked for SHA-256: somebody has to be told. Whoever goes on
 * asking and never answers is looking for something.
 */
static void count_unanswered(struct context *context, const struct auth_realm *realm)
{
	struct flow_state *state = core_flow_state(context->core, context->server->flow);

	if (!state)
		return;
	state->n_unanswered++;
	if (state->n_unanswered == UNANSWERED_REPORTED && is_register(context) && realm->md5 != AUTH_MD5_ONLY)
		report_unanswered(context);
	if (state->n_unanswered > UNANSWERED_FREE)
		blame(context, MISDEED_PROBING);
}

static void challenge(struct context *context, const struct auth_realm *realm, bool stale, struct now now)
{
	struct core *core = context->core;
	struct flow_state *state = core_flow_state(core, context->server->flow);
	const struct auth_challenge wanted = {
		.header = is_register(context) ? SIP_WWW_AUTHENTICATE : SIP_PROXY_AUTHENTICATE,
		.realm = realm,
		.flow = context->server->flow,
		.stale = stale,
		.known = state ? &state->used.known : NULL,
	};
	char buf[2048];
	struct writer headers = writer_of(buf, sizeof buf);

	if (!put_challenge(&headers, core->auth, &wanted, now.wall)) {
		context_refuse(context, &proxy_refusals[REFUSED_INTERNAL], now);
		return;
	}
	if (realm->md5 == AUTH_MD5_REFUSED)
		put(&headers, core->no_md5);
	report_challenge(context, realm, stale);
	endpoint_respond(core->endpoint, context->server,
			 &(struct sip_reply){
				 .status = is_register(context) ? 401 : 407,
				 .headers = writer_text(&headers),
			 },
			 now);
}

/* -- another domain ---------------------------------------------------------------------------------------------- */

static const struct verdict not_shown = {
	.code = "domain.no-certificate",
	.what = "the sender is of {expected}, and the connection has no certificate that proves it",
	.section = "RFC 5922 §7.4",
	.remedy = "ask {expected} to have its server show its certificate when it connects",
};

static const struct verdict not_proven = {
	.code = "domain.unproven",
	.what = "the sender is of {expected}, and the certificate of the connection proves nothing: {found}",
	.section = "RFC 5922 §7.4",
	.remedy = "ask {expected} for a certificate of a CA that is trusted here, or trust its CA",
};

static const struct verdict other_proven = {
	.code = "domain.mismatch",
	.what = "the certificate of the connection names {found}, the sender is of {expected}",
	.section = "RFC 5922 §7.4",
	.remedy = "ask {expected} to add that name to its certificate",
};

static const struct verdict other_link = {
	.code = "domain.not-by-link",
	.what = "{expected} is declared to come over the link {found}, and this did not",
	.remedy =
		"send it over the link; if the link has other addresses or another interface now, declare them",
};

static const struct verdict not_ours = {
	.code = "domain.relay",
	.what = "what comes from {expected} is not passed on to other domains",
	.section = "RFC 3261 §26.3.2.2",
	.remedy = "send it to the server of the domain that it is for",
};

static void refuse_domain(struct context *context, const struct verdict *template, struct slice found,
			  struct now now)
{
	struct verdict verdict = *template;

	verdict_text_set(&verdict.expected, assertion_domain(context));
	verdict_text_set(&verdict.found, found);
	blame(context, MISDEED_RELAYING);
	context_refuse(context, &(struct refusal){ .status = 403, .verdict = &verdict }, now);
}

static bool is_relaying_peer(const struct context *context)
{
	const struct server_peer *peer = peer_of(context->core, assertion_domain(context));

	return peer && peer->relays;
}

bool gate_may_relay(const struct context *context)
{
	return context->account > 0 || (context->account < 0 && is_relaying_peer(context));
}

/* Nobody from outside has us relay to third parties, but a peer that may. */
static bool is_for_us(const struct context *context)
{
	return context->in_dialog || (!context->routes.leads_elsewhere &&
				      (is_relaying_peer(context) ||
				       core_domain(context->core, context->server->request->uri.host)));
}

static bool prove_domain(struct context *context, struct now now)
{
	struct core *core = context->core;
	flow_id flow = context->server->flow;
	struct slice domain = assertion_domain(context);
	const struct server_peer *peer = peer_of(core, domain);
	bool sips = context->server->request->uri.scheme == SIP_SCHEME_SIPS;
	const struct flow_view *view = endpoint_flow_view(core->endpoint, flow);

	if (!view) {
		context_refuse(context, &proxy_refusals[REFUSED_INTERNAL], now);
		return false;
	}
	const struct server_peer *linked = peer_of_link(core, domain);
	if (linked && !peer_proves(core, flow, domain, sips)) {
		refuse_domain(context, &other_link, linked->link, now);
		return false;
	}
	if (!peer_proves(core, flow, domain, sips) && view->verified.len == 0) {
		refuse_domain(context, view->unproven.len > 0 ? &not_proven : &not_shown, view->unproven,
			      now);
		return false;
	}
	if (!peer_proves(core, flow, domain, sips)) {
		refuse_domain(context, &other_proven, view->verified, now);
		return false;
	}
	if (!is_for_us(context)) {
		refuse_domain(context, &not_ours, slice_of(NULL), now);
		return false;
	}
	if (peer)
		endpoint_flow_is_peer(core->endpoint, flow);
	context->is_asserted = peer && peer->in_trust_domain;
	context->account = core_domain_party(core, domain);
	return context->account != 0;
}

/* -- accounts of ours ---------------------------------------------------------------------------------------------- */

/* The account that the credentials are for, whether there is one or not. */
static void put_claimed(struct writer *out, const struct sip_credentials *credentials,
			const struct auth_realm *realm)
{
	put(out, credentials->username);
	put_char(out, '@');
	put(out, realm->name);
}

/* How long the sender has to wait. Whoever has proven himself on the flow does not suffer for what others did. */
static ms_t wait_of(const struct context *context, struct slice claimed, struct now now)
{
	const struct flow_view *view = endpoint_flow_view(context->core->endpoint, context->server->flow);

	if (!view || view->n_accounts > 0)
		return 0;
	return backoff_wait_for(context->core->backoff, &view->peer, claimed, now.mono);
}

static void put_off(struct context *context, ms_t wait, struct now now)
{
	struct refusal refusal = proxy_refusals[REFUSED_BACKED_OFF];

	refusal.retry_after = (uint32_t)((wait + 999) / 1000);
	endpoint_count(context->core->endpoint, REASON_BACKED_OFF);
	context_refuse(context, &refusal, now);
}

static void ask_account(struct context *context, const struct auth_realm *realm, struct now now)
{
	char buf[NAME_MAX];
	struct writer name = writer_of(buf, sizeof buf);

	put_claimed(&name, &context->credentials, realm);
	ms_t wait = wait_of(context, writer_text(&name), now);
	context->question.kind = CONTEXT_SENDER;
	if (name.overflow)
		context_refuse(context, &proxy_refusals[REFUSED_USERNAME_SIZE], now);
	else if (wait > 0)
		put_off(context, wait, now);
	else if (endpoint_lookup(context->core->endpoint, &context->question, writer_text(&name)) != OK)
		context_refuse(context, &proxy_refusals[REFUSED_OVERLOAD], now);
}

static void challenge_anew(struct context *context, const struct auth_realm *realm, struct now now)
{
	count_unanswered(context, realm);
	challenge(context, realm, false, now);
}

/* Without credentials: whom the certificate of the connection names, if there is one, else somebody to be asked who he is. */
static void ask_certified(struct context *context, const struct auth_realm *realm, struct now now)
{
	char buf[NAME_MAX];
	struct writer name = writer_of(buf, sizeof buf);

	context->question.kind = CONTEXT_CERTIFIED;
	if (!certified_claims(context, realm->name, &name))
		challenge_anew(context, realm, now);
	else if (endpoint_lookup(context->core->endpoint, &context->question, writer_text(&name)) != OK)
		context_refuse(context, &proxy_refusals[REFUSED_OVERLOAD], now);
}

bool gate_ask(struct context *context, struct now now)
{
	struct auth_realm realm;

	if (!realm_of(context, now, &realm))
		return prove_domain(context, now);
	switch (find_credentials(context, &realm)) {
	case AUTH_OK: ask_account(context, &realm, now); break;
	case AUTH_ABSENT: ask_certified(context, &realm, now); break;
	default: context_refuse(context, &proxy_refusals[REFUSED_CREDENTIALS], now); break;
	}
	return false;
}

static struct auth_hashes hashes_of(const struct account *account)
{
	return (struct auth_hashes){
		.ha1 = {
			[DIGEST_MD5] = account->has_md5 ? account->md5 : NULL,
			[DIGEST_SHA256] = account->has_sha256 ? account->sha256 : NULL,
			[DIGEST_SHA512_256] = account->has_sha512_256 ? account->sha512_256 : NULL,
		},
	};
}

/* As nearly all are written: what reads the same is the same, and nothing has to be put in order. */
static bool reads_as(const struct sip_uri *uri, struct slice aor)
{
	const char *at = aor.ptr + uri->user.len;

	return aor.len == uri->user.len + 1 + uri->host.len && *at == '@' &&
	       slice_eq(slice_from(aor.ptr, uri->user.len), uri->user) &&
	       slice_eq(slice_from(at + 1, uri->host.len), uri->host);
}

/* The account speaks for itself, and under the names that its policy gives it; in a dialog the token says who may speak under which name. */
static bool may_speak_for(const struct context *context, const struct aor *aor)
{
	char buf[NAME_MAX];
	struct writer name = writer_of(buf, sizeof buf);

	if (context->in_dialog || assertion_is_anonymous(context->server->request) ||
	    reads_as(identity_of(context), aor->name))
		return true;
	put_aor(&name, identity_of(context));
	return !name.overflow && (slice_eq(writer_text(&name), aor->name) ||
				  (!is_register(context) &&
				   account_list_has(aor->account.policy.identities, writer_text(&name))));
}

static void forgive(const struct context *context, struct slice account)
{
	const struct flow_view *view = endpoint_flow_view(context->core->endpoint, context->server->flow);

	if (view)
		backoff_succeeded(context->core->backoff, &view->peer, account);
}

/*
 * RFC 3323 §5: what is critical and more than we can do is refused; and nobody is unnamed who has not asked for that.
 * What we can do is to name him to nobody outside of our trust domain.
 */
static bool is_privacy_granted(struct context *context, struct now now)
{
	const struct sip_message *request = context->server->request;
	unsigned privacy = assertion_privacy(request);

	if (context->in_dialog || is_register(context))
		return true;
	if (privacy & SIP_PRIVACY_CRITICAL && privacy & ~(unsigned)(SIP_PRIVACY_CRITICAL | SIP_PRIVACY_ID))
		context_refuse(context, &proxy_refusals[REFUSED_PRIVACY], now);
	else if (assertion_is_anonymous(request) && (!privacy || privacy & SIP_PRIVACY_NONE))
		context_refuse(context, &proxy_refusals[REFUSED_ANONYMOUS], now);
	else
		return true;
	return false;
}

/* The realm is that of the account, whatever name it uses. */
static void note_domain(const struct context *context)
{
	struct flow_state *state = core_flow_state(context->core, context->server->flow);

	if (state)
		state->domain = core_domain_party(context->core, assertion_domain(context));
}

/* False if the flow has too many. That of an edge is shared by many phones: there only the request is proven. */
static bool prove_flow(struct context *context, const struct aor *aor, struct now now)
{
	struct core *core = context->core;
	flow_id flow = context->server->flow;

	if (edge_of_sender(context).len > 0) {
		forgive(context, aor->name);
		endpoint_flow_is_peer(core->endpoint, flow);
		return true;
	}
	if (endpoint_flow_has(core->endpoint, flow, aor->account.id))
		return true;
	forgive(context, aor->name);
	if (!endpoint_flow_prove(core->endpoint, flow, aor->account.id)) {
		context_refuse(context, &proxy_refusals[REFUSED_ACCOUNTS], now);
		return false;
	}
	note_domain(context);
	report_flow_proven(core, flow, aor->name);
	return true;
}

/* The account in To says who may register it; the answer comes in gate_answer_registered(). */
static void ask_registered(struct context *context, struct now now)
{
	char buf[NAME_MAX];
	struct writer name = writer_of(buf, sizeof buf);

	put_aor(&name, identity_of(context));
	context->question.kind = CONTEXT_REGISTERED;
	if (name.overflow)
		context_refuse(context, &proxy_refusals[REFUSED_TO_OTHER], now);
	else if (endpoint_lookup(context->core->endpoint, &context->question, writer_text(&name)) != OK)
		context_refuse(context, &proxy_refusals[REFUSED_OVERLOAD], now);
}

/* By digest or by certificate: that it is this account is known. */
static bool prove(struct context *context, struct aor *aor, struct now now)
{
	bool may_speak = may_speak_for(context, aor);

	if (!is_privacy_granted(context, now))
		return false;
	if (!may_speak && !is_register(context)) {
		context_refuse(context, &proxy_refusals[REFUSED_FROM_OTHER], now);
		return false;
	}
	if (!prove_flow(context, aor, now))
		return false;
	context->account = aor->account.id;
	aor_unref(context->sender);
	context->sender = aor_ref(aor);
	if (!may_speak)
		ask_registered(context, now);
	return may_speak;
}

bool gate_answer_certified(struct context *context, const struct answer *answer, struct now now)
{
	struct flow_state *state = core_flow_state(context->core, context->server->flow);
	struct auth_realm realm;

	if (!state || (answer->err != OK && answer->err != ERR_NOT_FOUND) ||
	    !realm_of(context, now, &realm)) {
		context_refuse(context, &proxy_refusals[REFUSED_INTERNAL], now);
		return false;
	}
	if (answer->err != OK || !certified_suffices(context, answer->aor)) {
		challenge_anew(context, &realm, now);
		return false;
	}
	state->n_unanswered = 0;
	return prove(context, answer->aor, now);
}

static bool lets_register(struct context *context, const struct aor *aor, struct now now)
{
	if (aor && account_list_has(aor->account.policy.registrants, context->sender->name))
		return true;
	context_refuse(context, &proxy_refusals[REFUSED_TO_OTHER], now);
	return false;
}

/* What reaches him now goes over this flow, which stands for him as if he had registered himself. */
bool gate_answer_registered(struct context *context, const struct answer *answer, struct now now)
{
	struct aor *aor = answer->err == OK ? answer->aor : NULL;

	return lets_register(context, aor, now) && prove_flow(context, aor, now);
}

/* Of what is not stored all bytes are zero. */
static bool is_same_password(const struct account *a, const struct account *b)
{
	return a->id == b->id && memcmp(a->sha256, b->sha256, sizeof a->sha256) == 0 &&
	       memcmp(a->sha512_256, b->sha512_256, sizeof a->sha512_256) == 0 &&
	       memcmp(a->md5, b->md5, sizeof a->md5) == 0;
}

bool gate_holds(struct context *context, const struct aor *aor, struct now now)
{
	const struct aor *sender = context->sender;
	struct auth_realm realm;

	if (!slice_eq(sender->name, aor->name))
		return lets_register(context, aor, now);
	if (context->credentials.scheme.ptr ? is_same_password(&sender->account, &aor->account)
					    : certified_suffices(context, aor))
		return true;
	if (realm_of(context, now, &realm))
		challenge(context, &realm, false, now);
	else
		context_refuse(context, &proxy_refusals[REFUSED_INTERNAL], now);
	return false;
}

/*
 * A guess. Over UDP it counts only with a nonce of ours in it: who has that sits where he says. The same is done
 * whether there is such an account or not, and whether it has a hash for the algorithm or not.
 */
static void note_guess(const struct context *context, const struct auth_attempt *attempt, struct now now)
{
	struct core *core = context->core;
	char buf[NAME_MAX];
	struct writer name = writer_of(buf, sizeof buf);
	const struct flow_view *view = endpoint_flow_view(core->endpoint, attempt->flow);

	endpoint_count(core->endpoint, REASON_WRONG_CREDENTIALS);
	if (!view || (view->transport == TRANSPORT_UDP && !auth_has_own_nonce(core->auth, attempt)))
		return;
	put_claimed(&name, attempt->credentials, attempt->realm);
	backoff_failed(core->backoff, &view->peer, writer_text(&name), now.mono);
	if (edge_of_sender(context).len == 0)
		endpoint_blame(core->endpoint, attempt->flow, MISDEED_CREDENTIALS);
}

bool gate_answer(struct context *context, const struct answer *answer, struct now now)
{
	struct flow_state *state = core_flow_state(context->core, context->server->flow);
	struct aor *aor = answer->err == OK ? answer->aor : NULL;
	struct auth_hashes hashes;
	struct auth_realm realm;
	enum auth_verdict verdict;

	if (!state || (answer->err != OK && answer->err != ERR_NOT_FOUND) ||
	    !realm_of(context, now, &realm) || find_credentials(context, &realm) != AUTH_OK) {
		context_refuse(context, &proxy_refusals[REFUSED_INTERNAL], now);
		return false;
	}
	state->n_unanswered = 0;
	if (aor)
		hashes = hashes_of(&aor->account);
	/* Without an account it takes as long, and is never right. */
	const struct auth_attempt attempt = {
		.request = context->server->request,
		.credentials = &context->credentials,
		.realm = &realm,
		.flow = context->server->flow,
		.hashes = aor ? &hashes : NULL,
		.used = &state->used,
		.proof = &context->proof,
	};
	verdict = auth_check(context->core->auth, &attempt, now.wall);
	if (aor && verdict == AUTH_OK)
		return demands_take_digest(context, aor, now) &&
		       certified_allows_password(context, aor, now) && prove(context, aor, now);

	report_auth_failed(context, context->credentials.username, verdict);
	if (verdict == AUTH_WRONG || verdict == AUTH_ALGORITHM)
		note_guess(context, &attempt, now);
	if (verdict == AUTH_REPLAY)
		endpoint_count(context->core->endpoint, REASON_REPLAY);
	if (verdict == AUTH_MALFORMED)
		context_refuse(context, &proxy_refusals[REFUSED_DIGEST_URI], now);
	else if (verdict == AUTH_FAULT)
		context_refuse(context, &proxy_refusals[REFUSED_INTERNAL], now);
	else
		challenge(context, &realm, auth_verdict_is_stale(verdict), now);
	return false;
}

void put_gate_proof(struct writer *out, struct context *context, struct slice body, struct now now)
{
	struct auth_hashes hashes;
	struct auth_realm realm;
	size_t before = out->len;

	if (!context->sender || !context->server || !realm_of(context, now, &realm) ||
	    find_credentials(context, &realm) != AUTH_OK)
		return;
	hashes = hashes_of(&context->sender->account);
	const struct auth_attempt attempt = {
		.request = context->server->request,
		.credentials = &context->credentials,
		.realm = &realm,
		.flow = context->server->flow,
		.hashes = &hashes,
		.proof = &context->proof,
	};
	const struct auth_proving proving = {
		.header = is_register(context) ? SIP_AUTHENTICATION_INFO : SIP_PROXY_AUTHENTICATION_INFO,
		.attempt = &attempt,
		.body = body,
	};
	/* whole or not at all: half a line would run into the next one */
	if (!put_auth_info(out, context->core->auth, &proving, now.wall) || out->overflow)
		out->len = before;
}
