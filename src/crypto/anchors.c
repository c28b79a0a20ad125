#include "crypto/anchors.h"

#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "crypto/identity.h"
#include "crypto/private.h"

enum { CHAIN_DEPTH = 10 /* certificates between anchor and leaf */ };

struct anchors {
	struct crypto *crypto;
	X509_STORE *store;
};

/* -- the words --------------------------------------------------------------------------------------------- */

static const struct verdict unknown_ca = {
	.code = "certificate.unknown-ca",
	.what = "the certificate {found}, leads to no CA that is trusted here",
	.section = "RFC 5280 §6.1",
	.remedy = "trust the CA of the server if you know it, or have the server send its whole chain",
};

static const struct verdict self_signed = {
	.code = "certificate.self-signed",
	.what = "the certificate {found} is signed by itself and not trusted here",
	.section = "RFC 5280 §6.1",
	.remedy = "trust it as a CA if you know it, or have it issued by one that is trusted",
};

static const struct verdict expired = {
	.code = "certificate.expired",
	.what = "the certificate {found} has expired, it is now {expected}",
	.section = "RFC 5280 §6.1.3",
	.remedy = "renew the certificate; if it is good, set the clock of this machine",
};

static const struct verdict not_yet_valid = {
	.code = "certificate.not-yet-valid",
	.what = "the certificate {found} is not valid yet, it is now {expected}",
	.section = "RFC 5280 §6.1.3",
	.remedy = "set the clock of this machine, or that of the machine which issued the certificate",
};

static const struct verdict weak = {
	.code = "certificate.weak",
	.what = "the certificate {found} has a key or a signature that is too weak",
	.section = "RFC 9325 §4.5",
	.remedy = "have it issued anew with ECDSA P-256 or RSA from 2048 bits, and SHA-256",
};

static const struct verdict bad_signature = {
	.code = "certificate.bad-signature",
	.what = "the signature of the certificate {found} is wrong",
	.section = "RFC 5280 §6.1.3",
	.remedy = "nobody but an attacker or a broken server sends this: look at who answers on that address",
};

static const struct verdict bad_chain = {
	.code = "certificate.bad-chain",
	.what = "the certificate chain is not valid: {found}",
	.section = "RFC 5280 §6.1",
	.remedy = "have the server send its certificate with the chain up to a CA that is trusted",
};

static const struct verdict not_a_ca = {
	.code = "certificate.not-a-ca",
	.what = "the certificate {found} has issued another one, but is no CA's",
	.section = "RFC 5280 §4.2.1.9",
	.remedy = "nobody but an attacker or a broken CA does this: look at who answers on that address",
};

static const struct verdict path_too_long = {
	.code = "certificate.path-too-long",
	.what = "the certificate chain is longer than its CAs or we allow: {found}",
	.section = "RFC 5280 §6.1.4",
	.remedy = "have the certificate issued by a CA nearer to the one that is trusted",
};

static const struct verdict out_of_bounds = {
	.code = "certificate.name-constraints",
	.what = "the CA of the certificate may not issue for its names: {found}",
	.section = "RFC 5280 §4.2.1.10",
	.remedy =
		"have it issued by a CA that may; if that surprises you, look at who answers on that address",
};

static const struct verdict not_understood = {
	.code = "certificate.critical-extension",
	.what = "the certificate {found} says something that must not be ignored, and we do not understand it",
	.section = "RFC 5280 §4.2",
	.remedy = "have it issued without that critical extension",
};

static const struct verdict revoked = {
	.code = "certificate.revoked",
	.what = "the certificate {found} was revoked by its CA",
	.section = "RFC 5280 §6.3",
	.remedy = "do not trust who shows it; its rightful owner has to renew it",
};

static const struct verdict bad_list = {
	.code = "certificate.crl",
	.what = "the list of what the CA has revoked is of no use: {found}",
	.section = "RFC 5280 §6.3.3",
	.remedy = "get the present list of that CA, and have it renewed before it ends",
};

static const struct {
	int error;
	const struct verdict *verdict;
} chain_verdicts[] = {
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, &unknown_ca },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, &unknown_ca },
	{ X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, &unknown_ca },
	{ X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, &unknown_ca },
	{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, &self_signed },
	{ X509_V_ERR_CERT_HAS_EXPIRED, &expired },
	{ X509_V_ERR_CERT_NOT_YET_VALID, &not_yet_valid },
	{ X509_V_ERR_EE_KEY_TOO_SMALL, &weak },
	{ X509_V_ERR_CA_KEY_TOO_SMALL, &weak },
	{ X509_V_ERR_CA_MD_TOO_WEAK, &weak },
	{ X509_V_ERR_CERT_SIGNATURE_FAILURE, &bad_signature },
	{ X509_V_ERR_INVALID_CA, &not_a_ca },
	{ X509_V_ERR_PATH_LENGTH_EXCEEDED, &path_too_long },
	{ X509_V_ERR_CERT_CHAIN_TOO_LONG, &path_too_long },
	{ X509_V_ERR_PERMITTED_VIOLATION, &out_of_bounds },
	{ X509_V_ERR_EXCLUDED_VIOLATION, &out_of_bounds },
	{ X509_V_ERR_UNSUPPORTED_NAME_SYNTAX, &out_of_bounds }, /* a sip URI below constraints on URIs */
	{ X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, &not_understood },
	{ X509_V_ERR_CERT_REVOKED, &revoked },
	{ X509_V_ERR_CRL_HAS_EXPIRED, &bad_list },
	{ X509_V_ERR_CRL_NOT_YET_VALID, &bad_list },
	{ X509_V_ERR_CRL_SIGNATURE_FAILURE, &bad_list },
};

static const struct verdict *chain_verdict(int error)
{
	for (size_t i = 0; i < sizeof(chain_verdicts) / sizeof(chain_verdicts[0]); i++)
		if (chain_verdicts[i].error == error)
			return chain_verdicts[i].verdict;
	return &bad_chain;
}

static void put_time(struct writer *out, utc_t time)
{
	char text[sizeof("2026-01-01 00:00:00 UTC") + 8];
	time_t seconds = (time_t)time;
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		put(out, slice_from(text, strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm)));
}

/* Whether it needs OpenSSL's words for what is wrong. */
static bool is_general(const struct verdict *verdict)
{
	return verdict == &bad_chain || verdict == &path_too_long || verdict == &out_of_bounds ||
	       verdict == &bad_list;
}

/* Which certificate of the chain it is, and what about it matters for the error. */
static void put_culprit(struct writer *out, X509_STORE_CTX *store)
{
	int depth = X509_STORE_CTX_get_error_depth(store), error = X509_STORE_CTX_get_error(store);
	struct certificate culprit = { X509_STORE_CTX_get_current_cert(store) };

	if (is_general(chain_verdict(error))) {
		put(out, slice_of(X509_verify_cert_error_string(error)));
		put(out, SLICE(": "));
	}
	if (!culprit.x509)
		return;
	put_certificate_subject(out, &culprit);
	if (depth > 0) {
		put(out, SLICE(" at depth "));
		put_number(out, (uint64_t)depth);
	}
	if (chain_verdict(error) == &unknown_ca) {
		put(out, SLICE(", issued by "));
		put_certificate_issuer(out, &culprit);
	} else if (error == X509_V_ERR_CERT_HAS_EXPIRED) {
		put(out, SLICE(" (until "));
		put_time(out, certificate_not_after(&culprit));
		put_char(out, ')');
	} else if (error == X509_V_ERR_CERT_NOT_YET_VALID) {
		put(out, SLICE(" (from "));
		put_time(out, certificate_not_before(&culprit));
		put_char(out, ')');
	}
}

static void explain_chain(X509_STORE_CTX *store, utc_t now, struct verdict *ret_verdict)
{
	char buf[VERDICT_TEXT_MAX], time[32];
	struct writer found = writer_of(buf, sizeof(buf)), expected = writer_of(time, sizeof(time));

	*ret_verdict = *chain_verdict(X509_STORE_CTX_get_error(store));
	put_culprit(&found, store);
	put_time(&expected, now);
	verdict_text_set(&ret_verdict->found, writer_text(&found));
	verdict_text_set(&ret_verdict->expected, writer_text(&expected));
}

/* RFC 5280 §4.2.1.12 for the certificate and those between it and the trust anchor. */
static enum err check_usages(X509_STORE_CTX *store, struct verdict *ret_verdict)
{
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(store);
	int n = sk_X509_num(chain);

	for (int i = 0; i == 0 || i < n - 1; i++) {
		struct certificate certificate = { sk_X509_value(chain, i) };

		TRY(identity_check_usage(&certificate, i > 0, ret_verdict));
	}
	return OK;
}

/* Of all CAs above the certificate, that of the anchor too, as OpenSSL has it for other names. */
static bool check_names(X509_STORE_CTX *store)
{
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(store);
	const struct certificate leaf = { sk_X509_value(chain, 0) };

	for (int i = 1; i < sk_X509_num(chain); i++) {
		const struct certificate issuer = { sk_X509_value(chain, i) };

		if (identity_is_within(&leaf, &issuer))
			continue;
		X509_STORE_CTX_set_error(store, X509_V_ERR_PERMITTED_VIOLATION);
		X509_STORE_CTX_set_error_depth(store, 0);
		X509_STORE_CTX_set_current_cert(store, leaf.x509);
		return false;
	}
	return true;
}

/* -- the judgement ----------------------------------------------------------------------------------------- */

bool anchors_verify(X509_STORE_CTX *store)
{
	return X509_verify_cert(store) == 1 && check_names(store);
}

enum err anchors_judge(X509_STORE_CTX *store, utc_t now, struct verdict *ret_verdict)
{
	if (!anchors_verify(store)) {
		explain_chain(store, now, ret_verdict);
		return ERR_DENIED;
	}
	if (check_usages(store, ret_verdict) != OK) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_INVALID_PURPOSE);
		return ERR_DENIED;
	}
	return OK;
}

enum err anchors_of(struct crypto *crypto, X509_STORE *store, struct anchors **ret_anchors)
{
	struct anchors *anchors = mem_new(struct anchors);

	if (!anchors)
		return ERR_NOMEM;
	X509_STORE_up_ref(store);
	anchors->crypto = crypto;
	anchors->store = store;
	*ret_anchors = anchors;
	return OK;
}

enum err anchors_new(struct crypto *crypto, const struct chain *chain, struct anchors **ret_anchors)
{
	X509_STORE *store = X509_STORE_new();
	enum err err = store ? OK : ERR_NOMEM;

	for (size_t i = 0; err == OK && i < chain_length(chain); i++)
		if (X509_STORE_add_cert(store, chain->at[i].x509) != 1)
			err = ERR_NOMEM;
	if (err == OK)
		err = anchors_of(crypto, store, ret_anchors);
	X509_STORE_free(store);
	return err;
}

void anchors_free(struct anchors *anchors)
{
	if (!anchors)
		return;
	X509_STORE_free(anchors->store);
	mem_free(anchors);
}

/* What came along, for OpenSSL; the certificates stay whose they are. */
static STACK_OF(X509) * stack_of(const struct chain *others)
{
	STACK_OF(X509) *stack = sk_X509_new_null();
	bool ok = stack != NULL;

	for (size_t i = 0; ok && others && i < others->n; i++)
		ok = sk_X509_push(stack, others->at[i].x509) > 0;
	if (ok)
		return stack;
	sk_X509_free(stack);
	return NULL;
}

static bool set_up(X509_STORE_CTX *ctx, const struct anchors *anchors,
		   const struct anchors_question *question, STACK_OF(X509) * others)
{
	X509_VERIFY_PARAM *param;

	if (X509_STORE_CTX_init(ctx, anchors->store, question->certificate->x509, others) != 1)
		return false;
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, (time_t)question->now);
	X509_VERIFY_PARAM_set_depth(param, CHAIN_DEPTH);
	X509_VERIFY_PARAM_set_auth_level(param, 2); /* as for TLS */
	return X509_STORE_CTX_set_purpose(ctx, question->is_user ? X509_PURPOSE_SMIME_SIGN
								 : X509_PURPOSE_ANY) == 1;
}

static enum err judge(X509_STORE_CTX *ctx, const struct anchors_question *question,
		      struct verdict *ret_verdict)
{
	if (!question->is_user)
		return anchors_judge(ctx, question->now, ret_verdict);
	if (anchors_verify(ctx))
		return OK;
	explain_chain(ctx, question->now, ret_verdict);
	return ERR_DENIED;
}

enum err anchors_check(const struct anchors *anchors, const struct anchors_question *question,
		       struct verdict *ret_verdict)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new_ex(anchors->crypto->lib, NULL);
	STACK_OF(X509) *others = stack_of(question->others);
	enum err err = ERR_NOMEM;

	if (ctx && others && set_up(ctx, anchors, question, others))
		err = judge(ctx, question, ret_verdict);
	X509_STORE_CTX_free(ctx);
	sk_X509_free(others);
	ERR_clear_error();
	return err;
}
