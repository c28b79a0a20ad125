#include "proxy/demands.h"

#include "proxy/refusals.h"
#include "sip/build.h"
#include "sip/fields.h"

#define ACCEPT_SMIME "Accept: application/pkcs7-mime, multipart/signed\r\n"

enum auth_md5 demands_md5(const struct server_domain *domain, struct now now)
{
	return domain->md5_until && now.wall >= domain->md5_until ? AUTH_MD5_REFUSED : domain->md5;
}

bool demands_take_digest(struct context *context, const struct aor *aor, struct now now)
{
	const struct account_policy *policy = &aor->account.policy;
	struct slice said = context->credentials.algorithm;
	enum digest_algorithm algorithm = context->proof.algorithm;

	if (algorithm >= policy->least &&
	    (algorithm != DIGEST_MD5 || !policy->md5_until || now.wall < policy->md5_until))
		return true;
	context_refuse_as(context, REFUSED_WEAK_DIGEST, said.len > 0 ? said : SLICE("MD5"), slice_of(NULL),
			  now);
	return false;
}

/* -- protection ----------------------------------------------------------------------------------------------- */

/* What somebody hears or reads, or is sent elsewhere by. What else there is says nothing, or is judged by its own rules. */
static bool is_protected_method(const struct sip_message *request)
{
	return request->method == SIP_INVITE || request->method == SIP_MESSAGE ||
	       request->method == SIP_REFER;
}

/* RFC 8551 §3.2, RFC 3261 §23: by its type, for nobody on the way can look inside. */
static bool has_smime_body(const struct sip_message *request)
{
	struct sip_media_type type;

	if (request->body.len == 0 ||
	    !sip_media_type_parse(sip_message_value(request, SIP_CONTENT_TYPE), &type))
		return false;
	return sip_media_type_is(&type, SLICE("application"), SLICE("pkcs7-mime")) ||
	       sip_media_type_is(&type, SLICE("multipart"), SLICE("signed"));
}

static enum protection protection_of(const struct sip_message *request)
{
	if (request->uri.scheme != SIP_SCHEME_SIPS)
		return PROTECTION_DIGEST;
	return has_smime_body(request) ? PROTECTION_SMIME : PROTECTION_SIPS;
}

/* What the user agents would act on or show: a description, a message, a digit. Without a body there is nothing to protect. */
static bool says_something(const struct sip_message *request)
{
	switch (request->method) {
	case SIP_MESSAGE:
	case SIP_REFER: return true;
	case SIP_INVITE:
	case SIP_ACK:
	case SIP_UPDATE:
	case SIP_PRACK:
	case SIP_INFO: return request->body.len > 0;
	default: return false;
	}
}

bool demands_allow_within(const struct token *token, const struct sip_message *request)
{
	bool is_sips = token->sips || request->uri.scheme == SIP_SCHEME_SIPS;

	switch (says_something(request) ? token->least : PROTECTION_DIGEST) {
	case PROTECTION_SIPS: return is_sips;
	case PROTECTION_SMIME: return is_sips && has_smime_body(request);
	default: return true;
	}
}

bool demands_let_within(struct context *context, struct now now)
{
	const struct token *token = &context->claim.token;

	if (demands_allow_within(token, context->request))
		return true;
	if (token->least == PROTECTION_SMIME)
		context_refuse_as(context, REFUSED_WITHIN_SMIME, slice_of(NULL), SLICE(ACCEPT_SMIME), now);
	else
		context_refuse(context, &proxy_refusals[REFUSED_WITHIN_SIPS], now);
	return false;
}

static struct slice domain_of(struct slice aor)
{
	return slice_sub(aor, slice_find(aor, '@') + 1, aor.len);
}

static enum protection greater(enum protection a, enum protection b)
{
	return a > b ? a : b;
}

bool demands_let_out(struct context *context, struct now now)
{
	const struct server_domain *domain;
	enum protection needed;

	if (!context->sender)
		return true;
	domain = core_domain(context->core, domain_of(context->sender->name));
	needed = greater(domain ? domain->out : PROTECTION_DIGEST, context->sender->account.policy.out);
	context->least = greater(context->least, needed);
	if (!is_protected_method(context->request) || protection_of(context->request) >= needed)
		return true;
	context_refuse_as(context, needed == PROTECTION_SIPS ? REFUSED_OUT_SIPS : REFUSED_OUT_SMIME,
			  slice_of(NULL), slice_of(NULL), now);
	return false;
}

bool demands_allow_in(struct context *context, const struct aor *called)
{
	const struct server_domain *domain = core_domain(context->core, domain_of(called->name));
	enum protection needed = greater(domain ? domain->in : PROTECTION_DIGEST, called->account.policy.in);

	context->least = greater(context->least, needed);
	return !is_protected_method(context->request) || protection_of(context->request) >= needed;
}

bool demands_let_in(struct context *context, const struct aor *called, struct now now)
{
	if (demands_allow_in(context, called))
		return true;
	if (context->request->uri.scheme != SIP_SCHEME_SIPS)
		context_refuse(context, &proxy_refusals[REFUSED_IN_SIPS], now);
	else
		context_refuse_as(context, REFUSED_IN_SMIME, slice_of(NULL), SLICE(ACCEPT_SMIME), now);
	return false;
}
