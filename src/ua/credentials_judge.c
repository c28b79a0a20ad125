/* Whether a signer's certificate is to be believed (RFC 8591 §4.4.1, §8). */
#include "crypto/user_certificate.h"
#include "sip/uri.h"
#include "ua/credentials_private.h"

static const struct verdict expired = {
	.code = "smime.expired",
	.what = "the certificate of {peer} that this was signed with has expired",
	.section = "RFC 5280 §6.1.3",
	.remedy = "ask {peer} to renew it; if it is good, set the clock of this machine",
};
static const struct verdict not_yet_valid = {
	.code = "smime.not-yet-valid",
	.what = "the certificate of {peer} that this was signed with is not valid yet",
	.section = "RFC 5280 §6.1.3",
	.remedy = "set the clock of this machine, or that of {peer}",
};
static const struct verdict withdrawn = {
	.code = "smime.withdrawn",
	.what = "the certificate with the key {found} was withdrawn by the domain of {peer}",
	.section = "RFC 6072 §6.8",
	.remedy = "do not trust it: a phone of {peer} may be lost; ask {peer} by another way",
};
static const struct verdict not_vouched = {
	.code = "smime.not-vouched",
	.what = "the domain of {peer} does not vouch for the certificate with the key {found}",
	.section = "RFC 6072 §6.8",
	.remedy = "do not trust it to come from {peer}; ask {peer} by another way",
};
static const struct verdict changed = {
	.code = "smime.changed",
	.what = "this was signed with the key {found}, but {peer} was known by {expected}",
	.section = "RFC 8591 §6",
	.remedy = "compare the new fingerprint with {peer} by voice, then: sealphone cert trust {peer}",
};
static const struct verdict unproven = {
	.code = "smime.unproven",
	.what = "nobody says whether the key {found} is that of {peer}: {expected}",
	.section = "RFC 8591 §8",
	.remedy = "compare the fingerprint with {peer} by voice, then: sealphone cert trust {peer}",
};

static enum err deny(const struct verdict *template, struct slice aor, const unsigned char id[KEY_ID_SIZE],
		     struct verdict *ret_verdict)
{
	char buf[VERDICT_TEXT_MAX];
	struct writer found = writer_of(buf, sizeof buf);

	put_key_fingerprint(&found, id);
	*ret_verdict = *template;
	verdict_text_set(&ret_verdict->peer, aor);
	verdict_text_set(&ret_verdict->found, writer_text(&found));
	return ERR_DENIED;
}

/* The key by which the AOR was known before, for a sentence. */
static enum err deny_change(const struct peer *peer, const unsigned char id[KEY_ID_SIZE],
			    struct verdict *ret_verdict)
{
	char buf[VERDICT_TEXT_MAX];
	struct writer expected = writer_of(buf, sizeof buf);

	for (size_t i = 0; i < peer->n_keys && expected.len == 0; i++)
		if (peer->keys[i].is_believed)
			put_key_fingerprint(&expected, peer->keys[i].id);
	deny(&changed, peer->aor, id, ret_verdict);
	verdict_text_set(&ret_verdict->expected, writer_text(&expected));
	return ERR_DENIED;
}

static enum err believe(enum credentials_trust trust, struct credentials_judgement *judgement)
{
	judgement->trust = trust;
	return OK;
}

/* The domain has said which keys there are; our user may have been more careful. */
static enum err judge_known(const struct peer *peer, const struct peer_key *key,
			    struct credentials_judgement *judgement, struct verdict *ret_verdict)
{
	if (!key || !key->certificate)
		return deny(&not_vouched, peer->aor, judgement->key, ret_verdict);
	if (!key->is_believed)
		return deny_change(peer, judgement->key, ret_verdict);
	return believe(key->is_compared ? CREDENTIALS_COMPARED : CREDENTIALS_VOUCHED, judgement);
}

/* Whether a CA that we trust has issued it (RFC 8591 §8); ERR_DENIED, ERR_NOMEM. */
static enum err judge_issuer(const struct credentials *credentials,
			     const struct credentials_question *question)
{
	const struct anchors_question leads = {
		.certificate = question->certificate,
		.others = question->others,
		.now = question->now.wall,
		.is_user = true,
	};
	struct verdict why;

	return credentials->anchors ? anchors_check(credentials->anchors, &leads, &why) : ERR_DENIED;
}

/* Nobody could be asked: what was believed before is still the best that we know, and then a CA's word. */
static enum err judge_unasked(const struct credentials *credentials,
			      const struct credentials_question *question,
			      struct credentials_judgement *judgement, struct verdict *ret_verdict)
{
	const struct peer *peer = peer_find(credentials, question->aor);
	const struct peer_key *key = peer_key_find(peer, judgement->key);
	char buf[VERDICT_TEXT_MAX];
	struct writer why = writer_of(buf, sizeof buf);
	enum err err;

	if (key && key->is_believed)
		return believe(key->is_compared ? CREDENTIALS_COMPARED : CREDENTIALS_REMEMBERED, judgement);
	if (peer_has_believed(peer))
		return deny_change(peer, judgement->key, ret_verdict);
	err = judge_issuer(credentials, question);
	if (err != ERR_DENIED)
		return err == OK ? believe(CREDENTIALS_CA, judgement) : err;
	put_verdict(&why, peer_verdict(peer));
	deny(&unproven, peer->aor, judgement->key, ret_verdict);
	verdict_text_set(&ret_verdict->expected, writer_text(&why));
	return ERR_DENIED;
}

static enum err judge_key(const struct credentials *credentials, const struct credentials_question *question,
			  struct credentials_judgement *judgement, struct verdict *ret_verdict)
{
	const struct peer *peer = peer_find(credentials, question->aor);
	const struct peer_key *key = peer ? peer_key_find(peer, judgement->key) : NULL;

	if (!peer)
		return ERR_AGAIN;
	if (question->may_wait && !(key && key->certificate) &&
	    peer_can_be_asked_anew(credentials, peer, question->now.wall))
		return ERR_AGAIN;
	if (key && key->is_withdrawn)
		return deny(&withdrawn, peer->aor, judgement->key, ret_verdict);
	switch (peer_state(peer, question->now.wall)) {
	case CREDENTIALS_UNKNOWN:
	case CREDENTIALS_ASKED: return ERR_AGAIN;
	case CREDENTIALS_KNOWN: return judge_known(peer, key, judgement, ret_verdict);
	case CREDENTIALS_NONE: return deny(&not_vouched, peer->aor, judgement->key, ret_verdict);
	case CREDENTIALS_REFUSED: *ret_verdict = *peer_verdict(peer); return ERR_DENIED;
	case CREDENTIALS_FAILED: return judge_unasked(credentials, question, judgement, ret_verdict);
	}
	return ERR_DENIED;
}

enum err credentials_are_for(const struct certificate *certificate, struct slice aor,
			     struct verdict *ret_verdict)
{
	char plain[CREDENTIALS_AOR_MAX];
	struct writer out = writer_of(plain, sizeof plain);

	put_plain_aor(&out, aor);
	return out.overflow ? ERR_LIMIT
			    : certificate_is_for_user(certificate, writer_text(&out), ret_verdict);
}

enum err credentials_judge(const struct credentials *credentials, const struct credentials_question *question,
			   struct credentials_judgement *ret_judgement, struct verdict *ret_verdict)
{
	const struct certificate *certificate = question->certificate;
	struct credentials_judgement judgement = { 0 };

	TRY(credentials_are_for(certificate, question->aor, ret_verdict));
	if (!certificate_key_id(certificate, judgement.key))
		return ERR_NOMEM;
	if (certificate_not_after(certificate) < question->now.wall)
		return deny(&expired, question->aor, judgement.key, ret_verdict);
	if (certificate_not_before(certificate) > question->now.wall)
		return deny(&not_yet_valid, question->aor, judgement.key, ret_verdict);
	TRY(judge_key(credentials, question, &judgement, ret_verdict));
	*ret_judgement = judgement;
	return OK;
}
