/*
 * The two orders about user certificates (RFC 6072) that a worker may give: to issue one, and to vouch for those that a
 * NOTIFY tells of. What is made, and what is signed, is decided here.
 */
#include "base/mem.h"
#include "crypto/identity.h"
#include "crypto/user_certificate.h"
#include "mime/smime.h"
#include "signer/order.h"
#include "signer/private.h"
#include "sip/uri.h"

enum {
	AOR_MAX = 1024,
	HOUR_S = 3600,
	SKEW_S = 600, /* how far the Date of a NOTIFY may be from our clock */
};

/* -- issuing ----------------------------------------------------------------------------------------------------- */

static bool count(struct counter *counter, uint32_t most, utc_t now)
{
	if (counter->hour != now / HOUR_S)
		*counter = (struct counter){ .hour = now / HOUR_S };
	if (counter->n >= most)
		return false;
	counter->n++;
	return true;
}

/* A worker in other hands could go on issuing for as long as it likes: it shall not be many. */
static bool is_within_limits(struct signer *signer, struct slice aor, utc_t now)
{
	uint64_t at = map_hash(signer->counter_key, aor) % SIGNER_COUNTERS;

	return count(&signer->counters[at], SIGNER_ISSUED_PER_ACCOUNT, now) &&
	       count(&signer->overall, SIGNER_ISSUED_PER_HOUR, now);
}

/* Plain, in the one way in which an account is written: what a worker escapes, or writes in capitals, makes no other one of it. */
static void put_account(struct writer *out, struct slice aor)
{
	size_t at = slice_find(aor, '@');

	put_plain_aor(out, slice_sub(aor, 0, at));
	put_lower(out, slice_sub(aor, at, aor.len));
}

enum err answer_make_user(struct signer *signer, const struct signer_message *message, struct slice text,
			  struct answer *answer)
{
	struct held *issuer = signer->has_issuer ? signer_find(signer, signer->issuer) : NULL;
	struct slice aor = slice_sub(text, 0, slice_find(text, '\0'));
	struct slice der = slice_sub(text, aor.len + 1, text.len);
	AUTO(csr) struct csr *csr = NULL;
	AUTO(certificate) struct certificate *made = NULL;
	char plain[AOR_MAX];
	struct writer out = writer_of(plain, sizeof(plain));

	if (!issuer || !issuer->chain)
		return ERR_NOT_FOUND;
	put_account(&out, aor);
	if (out.overflow)
		return ERR_LIMIT;
	TRY(csr_parse(signer->crypto, der, &csr));
	if (!is_within_limits(signer, writer_text(&out), message->now))
		return ERR_AGAIN;
	TRY(certificate_make_user(
		signer->crypto, &(struct user_certificate_request){ csr, writer_text(&out), message->now },
		(struct certificate_issuer){ chain_at(issuer->chain, 0), issuer->key }, &made));
	return put_certificate_der(&answer->out, made);
}

/* -- vouching ------------------------------------------------------------------------------------------------------ */

/* Each of them names the account, and nobody else's certificate is told under its name. */
static enum err check_certificates(struct signer *signer, const struct order_notify *notify)
{
	char plain[AOR_MAX];
	struct writer out = writer_of(plain, sizeof(plain));
	struct verdict verdict;

	put_plain_aor(&out, writer_text(&notify->aor));
	if (out.overflow)
		return ERR_DENIED;
	for (size_t i = 0; i < notify->n_certificates; i++) {
		AUTO(certificate) struct certificate *one = NULL;

		TRY(certificate_parse_der(signer->crypto, notify->certificates[i], &one));
		TRY(certificate_is_for_user(one, writer_text(&out), &verdict));
	}
	return OK;
}

enum err answer_vouch(struct signer *signer, const struct signer_request *request,
		      const struct signer_message *message, struct slice text, struct answer *answer)
{
	struct held *held = signer_find(signer, request->key);
	AUTO(secret) struct secret *entity = NULL;
	struct order_notify notify;
	struct verdict verdict;

	if (!held || !held->chain)
		return ERR_NOT_FOUND;
	if (!order_is_notify(text, &notify) || notify.date > message->now + SKEW_S ||
	    notify.date < message->now - SKEW_S)
		return ERR_DENIED;
	TRY(identity_check(chain_at(held->chain, 0), notify.domain, &verdict));
	TRY(check_certificates(signer, &notify));
	TRY(smime_sign_clear(signer->crypto,
			     &(struct cms_signer){
				     .certificate = chain_at(held->chain, 0),
				     .key = held->key,
				     .chain = held->chain,
				     .now = message->now,
			     },
			     signer->random, text, &entity));
	put(&answer->out, secret_slice(entity));
	return answer->out.overflow ? ERR_LIMIT : OK;
}
