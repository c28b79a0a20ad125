#include "sealined/service.h"

#include "crypto/user_certificate.h"
#include "sip/uri.h"

enum { AOR_MAX = 1024 };

/* -- what is published --------------------------------------------------------------------------------------------- */

static enum err fill(const struct certificate *certificate, const struct certify_question *question,
		     struct slice der, struct device_certificate *ret_device)
{
	struct device_certificate device = {
		.der = der,
		.until = certificate_not_after(certificate),
		.expires = question->expires,
	};

	if (device.expires > device.until)
		device.expires = device.until;
	if (!certificate_key_id(certificate, device.key) ||
	    !certificate_fingerprint(certificate, device.fingerprint))
		return ERR_NOMEM;
	*ret_device = device;
	return OK;
}

/* A certificate from elsewhere: for this account, and valid now. Who issued it is for those to judge who rely on it. */
static enum err check_own(const struct certificate *certificate, struct slice aor, utc_t now)
{
	char plain[AOR_MAX];
	struct writer out = writer_of(plain, sizeof plain);
	struct verdict verdict;

	put_plain_aor(&out, aor);
	if (out.overflow)
		return ERR_LIMIT;
	if (certificate_not_before(certificate) > now || certificate_not_after(certificate) <= now)
		return ERR_DENIED;
	return certificate_is_for_user(certificate, writer_text(&out), &verdict);
}

static enum err keep(const struct service *service, const struct certify_question *question, utc_t now,
		     struct job **ret_job)
{
	AUTO(certificate) struct certificate *certificate = NULL;
	char room[DEVICE_CERTIFICATE_SIZE];
	struct writer out = writer_of(room, sizeof room);
	struct device_certificate device;

	if (question->kind == CERTIFY_REQUEST)
		TRY(signer_make_user(service->signer, question->aor, question->body, &out));
	else
		put(&out, question->body);
	if (out.overflow)
		return ERR_LIMIT;
	TRY(certificate_parse_der(service->crypto, writer_text(&out), &certificate));
	if (question->kind == CERTIFY_OWN)
		TRY(check_own(certificate, question->aor, now));
	TRY(fill(certificate, question, writer_text(&out), &device));
	*ret_job = job_new_certify(question->aor, &(struct certify){ .step = CERTIFY_KEEP,
								     .certificate = &device,
								     .tag = question->tag,
								     .now = now });
	return *ret_job ? OK : ERR_NOMEM;
}

enum err service_certify(const struct service *service, const struct certify_question *question, utc_t now,
			 struct job **ret_job)
{
	struct certify change = {
		.step = question->kind == CERTIFY_EXTEND ? CERTIFY_LONGER : CERTIFY_DROP,
		.tag = question->tag,
		.expires = question->expires,
		.now = now,
	};

	if (question->kind == CERTIFY_REQUEST || question->kind == CERTIFY_OWN)
		return keep(service, question, now, ret_job);
	*ret_job = job_new_certify(question->aor, &change);
	return *ret_job ? OK : ERR_NOMEM;
}

/* -- what is vouched for ------------------------------------------------------------------------------------------- */

enum err service_vouch(const struct service *service, const struct vouch_question *question,
		       struct writer *out)
{
	const struct identity_pair *pair;

	TRY(identity_voucher(service->crypto, service->identity, question->domain, &pair));
	return signer_vouch(service->signer, pair->key, question->entity, out);
}
