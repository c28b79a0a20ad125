/*
 * What a CA says of a certificate today, stapled to the handshake (RFC 6960, RFC 6066 §8, RFC 8446 §4.4.2.1): shown by a server
 * that has it, and judged by a client whenever it is there; whether it has to be there is said by the certificate (RFC 7633) or by
 * the configuration.
 */
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "crypto/openssl.h"
#include "tls/private.h"

enum {
	CLOCK_SKEW = 300,          /* seconds that a CA's clock may be ahead of ours */
	SECURITY_BITS_MIN = 112,   /* of signatures and keys, as of those in the chain */
	LIFE_WITHOUT_END = 86400,  /* of a response that does not say when the next one comes */
	FEATURE_STATUS_REQUEST = 5 /* RFC 7633 §4: the number of the TLS extension */
};

/* -- the words --------------------------------------------------------------------------------------------- */

static const struct verdict missing = {
	.code = "ocsp.missing",
	.what = "the server has to show a fresh word of its CA with the certificate (OCSP), and has shown none: {expected}",
	.section = "RFC 7633 §4.3.3",
	.remedy = "have the server staple an OCSP response of its CA",
};

static const struct verdict malformed = {
	.code = "ocsp.malformed",
	.what = "the OCSP response that is stapled cannot be read: {found}",
	.section = "RFC 6960 §4.2.1",
	.remedy = "have the server fetch a response of its CA in DER form",
};

static const struct verdict unsuccessful = {
	.code = "ocsp.unsuccessful",
	.what = "the OCSP response that is stapled says nothing of the certificate but: {found}",
	.section = "RFC 6960 §2.3",
	.remedy = "have the server ask its CA again, and staple no answer of this kind",
};

static const struct verdict of_another = {
	.code = "ocsp.other-certificate",
	.what = "the OCSP response that is stapled is not about the certificate {expected}",
	.section = "RFC 6960 §3.2",
	.remedy = "have the server staple the response for the certificate that it shows",
};

static const struct verdict not_signed = {
	.code = "ocsp.bad-signature",
	.what = "the OCSP response that is stapled was not signed by the CA of the certificate, nor by whom that has appointed for it",
	.section = "RFC 6960 §4.2.2.2",
	.remedy = "nobody but an attacker or a broken server sends this: look at who answers on that address",
};

static const struct verdict weak = {
	.code = "ocsp.weak",
	.what = "the signature of the OCSP response that is stapled is too weak: {found}",
	.section = "RFC 9325 §4.5",
	.remedy = "have the CA sign its responses with SHA-256",
};

static const struct verdict revoked = {
	.code = "ocsp.revoked",
	.what = "the certificate {expected} was revoked by its CA{found}",
	.section = "RFC 6960 §2.2",
	.remedy = "do not trust who shows it; its rightful owner has to renew it",
};

static const struct verdict unknown = {
	.code = "ocsp.unknown",
	.what = "the CA says that it does not know the certificate {expected}",
	.section = "RFC 6960 §2.2",
	.remedy = "do not trust who shows it; its rightful owner has to ask the CA why",
};

static const struct verdict stale = {
	.code = "ocsp.stale",
	.what = "the OCSP response that is stapled is good {found} only, and it is now another time",
	.section = "RFC 6960 §4.2.2.1",
	.remedy = "have the server fetch one anew in time; if it is good, set the clock of this machine",
};

static enum err deny(const struct verdict *template, struct slice found, struct verdict *ret_verdict)
{
	*ret_verdict = *template;
	verdict_text_set(&ret_verdict->found, found);
	return ERR_DENIED;
}

/* With the subject of the certificate. */
static enum err deny_of(const struct verdict *template, X509 *leaf, struct slice found,
			struct verdict *ret_verdict)
{
	const struct certificate certificate = { leaf };
	char buf[VERDICT_TEXT_MAX];
	struct writer out = writer_of(buf, sizeof buf);

	put_certificate_subject(&out, &certificate);
	(void)deny(template, found, ret_verdict);
	verdict_text_set(&ret_verdict->expected, writer_text(&out));
	return ERR_DENIED;
}

/* -- who has signed it ------------------------------------------------------------------------------------- */

/* It is in no chain that OpenSSL has judged by its security level. */
static bool is_strong(X509 *responder)
{
	int bits;

	return X509_get_signature_info(responder, NULL, NULL, &bits, NULL) == 1 &&
	       bits >= SECURITY_BITS_MIN &&
	       EVP_PKEY_get_security_bits(X509_get0_pubkey(responder)) >= SECURITY_BITS_MIN;
}

/* RFC 6960 §4.2.2.2: "issued directly by the CA", with id-kp-OCSPSigning, and valid now. */
static bool is_appointed(X509 *responder, X509 *issuer, utc_t now)
{
	const uint32_t usage = X509_get_extended_key_usage(responder);

	return is_strong(responder) && X509_check_issued(issuer, responder) == X509_V_OK &&
	       X509_verify(responder, X509_get0_pubkey(issuer)) == 1 && usage != UINT32_MAX &&
	       usage & XKU_OCSP_SIGN &&
	       ASN1_TIME_cmp_time_t(X509_get0_notBefore(responder), (time_t)now) <= 0 &&
	       ASN1_TIME_cmp_time_t(X509_get0_notAfter(responder), (time_t)now) >= 0;
}

/* Those that may sign: with OCSP_TRUSTOTHER and OCSP_NOINTERN OpenSSL looks for the signer among them, and nowhere else. */
static STACK_OF(X509) * signers_of(OCSP_BASICRESP *basic, X509 *issuer, utc_t now)
{
	const STACK_OF(X509) *shown = OCSP_resp_get0_certs(basic);
	STACK_OF(X509) *signers = sk_X509_new_null();
	bool ok = signers && sk_X509_push(signers, issuer) > 0;

	for (int i = 0; ok && i < sk_X509_num(shown); i++)
		if (is_appointed(sk_X509_value(shown, i), issuer, now))
			ok = sk_X509_push(signers, sk_X509_value(shown, i)) > 0;
	if (ok)
		return signers;
	sk_X509_free(signers);
	return NULL;
}

/* RFC 4055 §3.1: SHA-1, where the parameters name none. */
static int pss_hash_of(const X509_ALGOR *algorithm)
{
	RSA_PSS_PARAMS *params;
	const void *value;
	int type, hash = NID_sha1;

	X509_ALGOR_get0(NULL, &type, &value, algorithm);
	params = type == V_ASN1_SEQUENCE ? ASN1_item_unpack(value, ASN1_ITEM_rptr(RSA_PSS_PARAMS)) : NULL;
	if (params && params->hashAlgorithm)
		hash = OBJ_obj2nid(params->hashAlgorithm->algorithm);
	RSA_PSS_PARAMS_free(params);
	return hash;
}

/*
 * Whoever finds two texts with one hash has the CA sign the harmless one, and shows its signature with the other. The signatures
 * that hash in their own way (Ed25519) are strong.
 */
static enum err check_hash(const OCSP_BASICRESP *basic, struct verdict *ret_verdict)
{
	const X509_ALGOR *algorithm = OCSP_resp_get0_tbs_sigalg(basic);
	int nid = OBJ_obj2nid(algorithm->algorithm), hash = NID_undef, key;
	const EVP_MD *md;

	if (nid == NID_rsassaPss)
		hash = pss_hash_of(algorithm);
	else if (OBJ_find_sigid_algs(nid, &hash, &key) == 1 && hash == NID_undef)
		return OK;
	md = EVP_get_digestbynid(hash);
	if (md && EVP_MD_get_size(md) * 8 / 2 >= SECURITY_BITS_MIN)
		return OK;
	return deny(&weak, slice_of(OBJ_nid2ln(nid == NID_rsassaPss ? hash : nid)), ret_verdict);
}

static enum err check_signature(OCSP_BASICRESP *basic, X509 *issuer, utc_t now, struct verdict *ret_verdict)
{
	STACK_OF(X509) *signers = signers_of(basic, issuer, now);
	int rc;

	if (!signers)
		return ERR_NOMEM;
	rc = OCSP_basic_verify(basic, signers, NULL, OCSP_TRUSTOTHER | OCSP_NOINTERN);
	sk_X509_free(signers);
	return rc == 1 ? check_hash(basic, ret_verdict) : deny(&not_signed, SLICE(""), ret_verdict);
}

/* -- what it says ------------------------------------------------------------------------------------------ */

/* The digest in which a response names a certificate is its own choice (RFC 6960 §4.1.1). */
static bool is_about(OCSP_SINGLERESP *single, X509 *leaf, X509 *issuer)
{
	OCSP_CERTID *theirs = (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(single), *ours;
	ASN1_OBJECT *digest = NULL;
	const EVP_MD *md;
	bool is_same;

	if (OCSP_id_get0_info(NULL, &digest, NULL, NULL, theirs) != 1)
		return false;
	md = EVP_get_digestbyobj(digest);
	ours = md ? OCSP_cert_to_id(md, leaf, issuer) : NULL;
	is_same = ours && OCSP_id_cmp(ours, theirs) == 0;
	OCSP_CERTID_free(ours);
	return is_same;
}

static OCSP_SINGLERESP *find(OCSP_BASICRESP *basic, X509 *leaf, X509 *issuer)
{
	for (int i = 0; i < OCSP_resp_count(basic); i++)
		if (is_about(OCSP_resp_get0(basic, i), leaf, issuer))
			return OCSP_resp_get0(basic, i);
	return NULL;
}

static bool seconds_of(const ASN1_GENERALIZEDTIME *time, utc_t *ret_seconds)
{
	struct tm tm;

	if (!time || ASN1_TIME_to_tm(time, &tm) != 1)
		return false;
	*ret_seconds = timegm(&tm);
	return true;
}

static void put_day(struct writer *out, utc_t time)
{
	char text[40];
	time_t seconds = (time_t)time;
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		put(out, slice_from(text, strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &tm)));
}

static enum err check_times(utc_t from, utc_t until, utc_t now, struct verdict *ret_verdict)
{
	char buf[120];
	struct writer out = writer_of(buf, sizeof buf);

	if (from <= now + CLOCK_SKEW && until >= now)
		return OK;
	put(&out, SLICE("from "));
	put_day(&out, from);
	put(&out, SLICE(" until "));
	put_day(&out, until);
	return deny(&stale, writer_text(&out), ret_verdict);
}

static enum err check_status(OCSP_SINGLERESP *single, X509 *leaf, utc_t now, utc_t *ret_until,
			     struct verdict *ret_verdict)
{
	ASN1_GENERALIZEDTIME *when = NULL, *this_update = NULL, *next_update = NULL;
	utc_t from = 0, until = 0, at = 0;
	char buf[80];
	struct writer since = writer_of(buf, sizeof buf);
	int status = OCSP_single_get0_status(single, NULL, &when, &this_update, &next_update);

	if (!seconds_of(this_update, &from) || (next_update && !seconds_of(next_update, &until)))
		return deny(&malformed, SLICE("its times"), ret_verdict);
	if (status == V_OCSP_CERTSTATUS_REVOKED) {
		if (seconds_of(when, &at)) {
			put(&since, SLICE(" on "));
			put_day(&since, at);
		}
		return deny_of(&revoked, leaf, writer_text(&since), ret_verdict);
	}
	if (status != V_OCSP_CERTSTATUS_GOOD)
		return deny_of(&unknown, leaf, SLICE(""), ret_verdict);
	*ret_until = next_update ? until : from + LIFE_WITHOUT_END;
	return check_times(from, *ret_until, now, ret_verdict);
}

static enum err judge_basic(OCSP_BASICRESP *basic, const struct ocsp_question *question, utc_t *ret_until,
			    struct verdict *ret_verdict)
{
	OCSP_SINGLERESP *single = find(basic, question->leaf, question->issuer);

	if (!single)
		return deny_of(&of_another, question->leaf, SLICE(""), ret_verdict);
	TRY(check_signature(basic, question->issuer, question->now, ret_verdict));
	return check_status(single, question->leaf, question->now, ret_until, ret_verdict);
}

enum err tls_ocsp_judge(struct slice der, const struct ocsp_question *question, utc_t *ret_until,
			struct verdict *ret_verdict)
{
	const unsigned char *at = (const unsigned char *)der.ptr;
	OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)der.len);
	OCSP_BASICRESP *basic = NULL;
	enum err err;

	if (!response || at != (const unsigned char *)der.ptr + der.len) {
		err = deny(&malformed, SLICE("it is none"), ret_verdict);
	} else if (OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
		err = deny(&unsuccessful, slice_of(OCSP_response_status_str(OCSP_response_status(response))),
			   ret_verdict);
	} else {
		basic = OCSP_response_get1_basic(response);
		err = basic ? judge_basic(basic, question, ret_until, ret_verdict)
			    : deny(&malformed, SLICE("it is of another kind"), ret_verdict);
	}
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(response);
	ERR_clear_error();
	return err;
}

/* -- a client ---------------------------------------------------------------------------------------------- */

/* RFC 7633 §4: its owner asked for it, that nobody may leave the response out who has stolen the key. */
bool tls_must_staple(const struct certificate *leaf)
{
	TLS_FEATURE *features = X509_get_ext_d2i(leaf->x509, NID_tlsfeature, NULL, NULL);
	bool must = false;

	for (int i = 0; i < sk_ASN1_INTEGER_num(features); i++)
		must |= ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i)) == FEATURE_STATUS_REQUEST;
	TLS_FEATURE_free(features);
	ERR_clear_error();
	return must;
}

static enum err judge_absence(const struct tls_conn *conn, const struct certificate *leaf,
			      struct verdict *ret_verdict)
{
	const bool must = tls_must_staple(leaf);

	if (!must && !conn->context->needs_staples)
		return OK;
	*ret_verdict = missing;
	verdict_text_set(&ret_verdict->expected, must ? SLICE("the certificate itself demands it")
						      : SLICE("the configuration demands it"));
	return ERR_DENIED;
}

static enum err judge_server(struct tls_conn *conn, struct verdict *ret_verdict)
{
	STACK_OF(X509) *chain = SSL_get0_verified_chain(conn->ssl);
	struct certificate leaf = { SSL_get0_peer_certificate(conn->ssl) };
	const unsigned char *der = NULL;
	const long n = SSL_get_tlsext_status_ocsp_resp(conn->ssl, &der);

	/* What the DNS says of its key is all that is asked of such a server. */
	if (!leaf.x509 || tls_dane_names_server(conn))
		return OK;
	if (n <= 0 || !der)
		return judge_absence(conn, &leaf, ret_verdict);
	struct ocsp_question question = {
		.leaf = leaf.x509,
		.issuer = sk_X509_num(chain) > 1 ? sk_X509_value(chain, 1) : leaf.x509,
		.now = conn->now.wall,
	};
	return tls_ocsp_judge(slice_from(der, (size_t)n), &question, &conn->staple_until, ret_verdict);
}

/* The server's certificate has been judged. A session that goes on was judged by what is kept of it (session.c). */
static int on_staple(SSL *ssl, void *arg)
{
	struct tls_conn *conn = SSL_get_app_data(ssl);

	(void)arg;
	if (SSL_session_reused(ssl) || !conn->verdict)
		return 1;
	enum err err = judge_server(conn, conn->verdict);
	conn->is_judged |= err == ERR_DENIED;
	return err == OK ? 1 : err == ERR_DENIED ? 0 : -1;
}

void tls_ocsp_hear(SSL_CTX *ctx)
{
	SSL_CTX_set_tlsext_status_type(ctx, TLSEXT_STATUSTYPE_ocsp);
	SSL_CTX_set_tlsext_status_cb(ctx, on_staple);
}

void tls_client_need_staples(struct tls_context *context)
{
	context->needs_staples = true;
}

/* -- a server ---------------------------------------------------------------------------------------------- */

static const struct staple *staple_of(const struct tls_context *context, const X509 *leaf, utc_t now)
{
	for (size_t i = 0; leaf && i < context->n_staples; i++)
		if (X509_cmp(context->staples[i].leaf, leaf) == 0 && context->staples[i].until >= now)
			return &context->staples[i];
	return NULL;
}

static int on_staple_wanted(SSL *ssl, void *arg)
{
	const struct tls_conn *conn = SSL_get_app_data(ssl);
	const struct staple *staple = staple_of(arg, SSL_get_certificate(ssl), conn->now.wall);
	unsigned char *copy = staple ? OPENSSL_memdup(staple->der, staple->len) : NULL;

	if (!copy)
		return SSL_TLSEXT_ERR_NOACK;
	SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)staple->len); /* takes it over */
	return SSL_TLSEXT_ERR_OK;
}

void tls_ocsp_tell(SSL_CTX *ctx, struct tls_context *context)
{
	SSL_CTX_set_tlsext_status_cb(ctx, on_staple_wanted);
	SSL_CTX_set_tlsext_status_arg(ctx, context);
}

enum err tls_staple_check(const struct chain *chain, struct slice der, utc_t now, utc_t *ret_until,
			  struct verdict *ret_verdict)
{
	const struct ocsp_question question = {
		.leaf = certificate_openssl(chain_at(chain, 0)),
		.issuer = certificate_openssl(chain_at(chain, chain_length(chain) > 1 ? 1 : 0)),
		.now = now,
	};

	return tls_ocsp_judge(der, &question, ret_until, ret_verdict);
}

enum err tls_server_staple(struct tls_context *context, const struct chain *chain, struct slice der,
			   utc_t until)
{
	struct staple *staples = mem_resize(context->staples, (context->n_staples + 1) * sizeof *staples);
	struct staple staple = { .leaf = certificate_openssl(chain_at(chain, 0)), .until = until };

	if (!staples)
		return ERR_NOMEM;
	context->staples = staples;
	staple.der = mem_alloc(der.len);
	if (!staple.der)
		return ERR_NOMEM;
	memcpy(staple.der, der.ptr, der.len);
	staple.len = der.len;
	X509_up_ref(staple.leaf);
	staples[context->n_staples++] = staple;
	return OK;
}

void tls_staples_free(struct tls_context *context)
{
	for (size_t i = 0; i < context->n_staples; i++) {
		X509_free(context->staples[i].leaf);
		mem_free(context->staples[i].der);
	}
	mem_free(context->staples);
}
