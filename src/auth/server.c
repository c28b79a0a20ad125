#include "auth/server.h"

#include "base/ascii.h"
#include "base/mem.h"
#include "sip/build.h"

enum { CLOCK_SLACK = 5 /* seconds that the wall clock may be set back without annoying anyone */ };

struct auth_server {
	struct crypto *crypto;
	struct mac *mac;
	uint64_t serial;
	struct auth_a2_cache a2_cache;
	/* What is compared with when there is no account or no such hash of it: nobody knows its password. */
	unsigned char dummy[DIGEST_SIZE_MAX];
};

const char *auth_verdict_text(enum auth_verdict verdict)
{
	switch (verdict) {
	case AUTH_OK: return "proven";
	case AUTH_ABSENT: return "no credentials";
	case AUTH_STALE: return "the nonce is of another flow or too old";
	case AUTH_REPLAY: return "the nonce count was used before";
	case AUTH_WRONG: return "wrong password or unknown user";
	case AUTH_ALGORITHM: return "the digest algorithm is not accepted here";
	case AUTH_MALFORMED: return "malformed credentials";
	case AUTH_FAULT: return "the digest could not be computed";
	}
	return "unknown verdict";
}

enum err auth_server_new(struct crypto *crypto, struct slice key, struct auth_server **ret_server)
{
	static const struct slice dummy = SLICE_INIT("dummy");
	AUTO(auth_server) struct auth_server *server = mem_new(struct auth_server);

	if (!server)
		return ERR_NOMEM;
	server->crypto = crypto;
	server->mac = mac_new(crypto, key);
	if (!server->mac || !mac_make(server->mac, &dummy, 1, server->dummy, sizeof server->dummy))
		return ERR_NOMEM;
	*ret_server = TAKE(server);
	return OK;
}

void auth_server_free(struct auth_server *server)
{
	if (!server)
		return;
	mac_free(server->mac);
	mem_free(server);
}

struct offer {
	enum digest_algorithm algorithm;
	bool session;
};

/* What a challenge may name, strongest first (RFC 8760 §2.3). */
static const struct offer offers[] = {
	{ DIGEST_SHA512_256, false }, { DIGEST_SHA512_256, true }, { DIGEST_SHA256, false },
	{ DIGEST_SHA256, true },      { DIGEST_MD5, false },
};

static bool is_offered(const struct auth_realm *realm, const struct offer *offer)
{
	unsigned sha = realm->sha ? realm->sha : AUTH_OFFER(DIGEST_SHA256, false);

	if (offer->algorithm == DIGEST_MD5)
		return !offer->session && realm->md5 != AUTH_MD5_REFUSED;
	return realm->md5 != AUTH_MD5_ONLY && (sha & AUTH_OFFER(offer->algorithm, offer->session));
}

void put_auth_offers(struct writer *out, const struct auth_realm *realm)
{
	size_t before = out->len;

	for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
		if (!is_offered(realm, &offers[i]))
			continue;
		if (out->len > before)
			put(out, SLICE(", "));
		put(out, auth_algorithm_name(offers[i].algorithm, offers[i].session));
	}
}

static bool takes_qop(const struct auth_realm *realm, bool integrity)
{
	return realm->integrity != (integrity ? AUTH_INTEGRITY_REFUSED : AUTH_INTEGRITY_REQUIRED);
}

static bool put_one_challenge(struct writer *out, const struct auth_challenge *challenge, struct slice nonce,
			      const struct offer *offer)
{
	static const char *const qops[] = {
		[AUTH_INTEGRITY_OFFERED] = "auth,auth-int",
		[AUTH_INTEGRITY_REFUSED] = "auth",
		[AUTH_INTEGRITY_REQUIRED] = "auth-int",
	};
	char buf[512];
	struct writer value = writer_of(buf, sizeof buf);

	put(&value, SLICE("Digest realm="));
	put_quoted(&value, challenge->realm->name);
	put(&value, SLICE(", nonce=\""));
	put(&value, nonce);
	put(&value, SLICE("\", algorithm="));
	put(&value, auth_algorithm_name(offer->algorithm, offer->session));
	put(&value, SLICE(", qop=\""));
	put(&value, slice_of(qops[challenge->realm->integrity]));
	put_char(&value, '"');
	if (challenge->stale)
		put(&value, SLICE(", stale=true"));
	put_header(out, challenge->header, writer_text(&value));
	return !value.overflow;
}

bool put_challenge(struct writer *out, struct auth_server *server, const struct auth_challenge *challenge,
		   utc_t now)
{
	const struct auth_scope scope = { challenge->flow, challenge->realm->name };
	const struct auth_nonce made = { now, ++server->serial };
	char buf[AUTH_NONCE_LENGTH];
	struct writer nonce = writer_of(buf, sizeof buf);

	if (!put_auth_nonce(&nonce, server->mac, &made, &scope))
		return false;
	if (challenge->known)
		auth_nonce_remember(challenge->known, writer_text(&nonce), &scope, &made);
	for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++)
		if (is_offered(challenge->realm, &offers[i]) &&
		    !put_one_challenge(out, challenge, writer_text(&nonce), &offers[i]))
			return false;
	return true;
}

/* nc-value = 8LHEX (RFC 7616 §3.4); upper case is taken too. 0: malformed. */
static uint32_t nc_of(struct slice text)
{
	uint32_t nc = 0;

	if (text.len != 8)
		return 0;
	for (size_t i = 0; i < text.len; i++) {
		int digit = ascii_hex(text.ptr[i]);

		if (digit < 0)
			return 0;
		nc = nc << 4 | (uint32_t)digit;
	}
	return nc;
}

static bool has_integrity(const struct sip_credentials *credentials)
{
	return slice_eq_nocase(credentials->qop, SLICE("auth-int"));
}

/* What qop needs; an escape in the user name would be a name that no AOR has. */
static bool is_complete(const struct sip_credentials *credentials)
{
	return credentials->username.len &&
	       slice_find(credentials->username, '\\') == credentials->username.len &&
	       credentials->nonce.ptr && credentials->uri.len && credentials->response.len &&
	       credentials->cnonce.len &&
	       (slice_eq_nocase(credentials->qop, SLICE("auth")) || has_integrity(credentials)) &&
	       nc_of(credentials->nc) != 0;
}

enum auth_verdict auth_find(const struct sip_message *request, enum sip_header_id header, struct slice realm,
			    struct sip_credentials *ret_credentials)
{
	const struct sip_header *it = sip_message_header(request, header);
	struct sip_credentials read[2]; /* those that were found, and those that may be others */
	size_t n = 0;

	for (; it; it = sip_message_next(request, it)) {
		if (!sip_credentials_parse(it->value, &read[n]))
			return AUTH_MALFORMED;
		if (!slice_eq_nocase(read[n].scheme, SLICE("Digest")) ||
		    !slice_eq_nocase(read[n].realm, realm))
			continue;
		if (++n > 1)
			return AUTH_MALFORMED;
	}
	if (n == 0)
		return AUTH_ABSENT;
	if (!is_complete(&read[0]))
		return AUTH_MALFORMED;
	*ret_credentials = read[0];
	return AUTH_OK;
}

/* RFC 3261 §22.4, RFC 7616 §3.4.6: the credentials are for this very request. */
static bool is_for_request(const struct sip_credentials *credentials, const struct sip_message *request)
{
	struct sip_uri uri;

	return slice_eq(credentials->uri, request->uri_text) ||
	       (sip_uri_parse(credentials->uri, &uri) && sip_uri_eq(&uri, &request->uri));
}

/* ha1 belongs to the caller. */
static struct auth_exchange exchange_of(struct auth_server *server, const struct auth_attempt *attempt,
					const struct offer *offer, const unsigned char *ha1)
{
	const struct sip_credentials *credentials = attempt->credentials;

	return (struct auth_exchange){
		.algorithm = offer->algorithm,
		.session = offer->session,
		.ha1 = ha1,
		.nonce = credentials->nonce,
		.nc = credentials->nc,
		.cnonce = credentials->cnonce,
		.qop = credentials->qop,
		.method = attempt->request->method_name,
		.uri = credentials->uri,
		.body = attempt->request->body,
		.cache = &server->a2_cache,
	};
}

/* The algorithm, if it and the qop are ones that put_challenge() offers. */
static bool find_offer(const struct auth_attempt *attempt, struct offer *ret_offer)
{
	struct offer offer;

	if (!auth_algorithm_parse(attempt->credentials->algorithm, &offer.algorithm, &offer.session))
		return false;
	if (!is_offered(attempt->realm, &offer) ||
	    !takes_qop(attempt->realm, has_integrity(attempt->credentials)))
		return false;
	*ret_offer = offer;
	return true;
}

/*
 * AUTH_OK, AUTH_WRONG or AUTH_FAULT, and AUTH_ALGORITHM where the account has no hash for it; takes as long for a
 * user that does not exist. What is right is then proven by us as well, so both are hashed together.
 */
static enum auth_verdict check_response(struct auth_server *server, const struct auth_attempt *attempt,
					const struct offer *offer, struct auth_hash *ret_rspauth)
{
	const unsigned char *known = attempt->hashes ? attempt->hashes->ha1[offer->algorithm] : NULL;
	struct auth_exchange exchange = exchange_of(server, attempt, offer, known ? known : server->dummy);
	struct auth_hex expected;

	if (!auth_response_and_rspauth(server->crypto, &exchange, &expected, ret_rspauth))
		return AUTH_FAULT;
	if (!slice_eq_secret(auth_hex_slice(&expected), attempt->credentials->response) || !known)
		return attempt->hashes && !known ? AUTH_ALGORITHM : AUTH_WRONG;
	return AUTH_OK;
}

bool auth_has_own_nonce(struct auth_server *server, const struct auth_attempt *attempt)
{
	const struct auth_scope scope = { attempt->flow, attempt->realm->name };
	struct auth_nonce nonce;

	return auth_nonce_check(server->mac, attempt->credentials->nonce, &scope, &nonce);
}

/* The response is right: is the nonce good, and used for the first time with this count? */
static enum auth_verdict check_nonce(struct auth_server *server, const struct auth_attempt *attempt,
				     utc_t now, utc_t *ret_made)
{
	const struct auth_scope scope = { attempt->flow, attempt->realm->name };
	struct auth_nonce nonce;

	if (!auth_nonce_check_again(server->mac, attempt->credentials->nonce, &scope, &attempt->used->known,
				    &nonce))
		return AUTH_STALE;
	if (nonce.made > now + CLOCK_SLACK || now - nonce.made > attempt->realm->lifetime)
		return AUTH_STALE;
	switch (auth_windows_take(&attempt->used->windows, nonce.serial, nc_of(attempt->credentials->nc))) {
	case AUTH_COUNT_NEW: *ret_made = nonce.made; return AUTH_OK;
	case AUTH_COUNT_FORGOTTEN: return AUTH_STALE;
	case AUTH_COUNT_USED: break;
	}
	return AUTH_REPLAY;
}

enum auth_verdict auth_check(struct auth_server *server, const struct auth_attempt *attempt, utc_t now)
{
	struct auth_own_proof proof;
	struct offer offer;
	enum auth_verdict verdict;

	if (!is_for_request(attempt->credentials, attempt->request))
		return AUTH_MALFORMED;
	if (!find_offer(attempt, &offer))
		return AUTH_ALGORITHM;
	proof.algorithm = offer.algorithm;
	verdict = check_response(server, attempt, &offer, &proof.rspauth);
	if (verdict == AUTH_OK)
		verdict = check_nonce(server, attempt, now, &proof.nonce_made);
	if (verdict == AUTH_OK)
		*attempt->proof = proof;
	return verdict;
}

static bool put_next_nonce(struct writer *out, struct auth_server *server, const struct auth_attempt *attempt,
			   utc_t now)
{
	const struct auth_scope scope = { attempt->flow, attempt->realm->name };
	const struct auth_nonce made = { now, ++server->serial };
	bool ok;

	put(out, SLICE("nextnonce=\""));
	ok = put_auth_nonce(out, server->mac, &made, &scope);
	put(out, SLICE("\", "));
	return ok;
}

/* qop=auth-int covers the body of the response as well; most have none. */
static bool put_rspauth(struct writer *out, struct auth_server *server, const struct auth_proving *proving)
{
	const struct auth_attempt *attempt = proving->attempt;
	const struct auth_hash *known = &attempt->proof->rspauth;
	struct auth_exchange exchange;
	struct auth_hex rspauth;
	struct offer offer;

	if (proving->body.len == 0 || !has_integrity(attempt->credentials)) {
		put_hex(out, known->bytes, known->size);
		return true;
	}
	if (!find_offer(attempt, &offer))
		return false;
	exchange = exchange_of(server, attempt, &offer, attempt->hashes->ha1[offer.algorithm]);
	exchange.body = proving->body;
	if (!exchange.ha1 || !auth_rspauth(server->crypto, &exchange, &rspauth))
		return false;
	put(out, auth_hex_slice(&rspauth));
	return true;
}

bool put_auth_info(struct writer *out, struct auth_server *server, const struct auth_proving *proving,
		   utc_t now)
{
	const struct auth_attempt *attempt = proving->attempt;
	const struct sip_credentials *credentials = attempt->credentials;
	bool is_worn = now - attempt->proof->nonce_made >= AUTH_NEXT_NONCE_AGE;

	/* the credentials were not looked at: the sender is proven by something else */
	if (attempt->proof->rspauth.size == 0)
		return false;
	put(out, sip_header_name(proving->header));
	put(out, SLICE(": "));
	if (is_worn && !put_next_nonce(out, server, attempt, now))
		return false;
	put(out, SLICE("qop="));
	put(out, credentials->qop);
	put(out, SLICE(", rspauth=\""));
	if (!put_rspauth(out, server, proving))
		return false;
	put(out, SLICE("\", cnonce=\""));
	put(out, credentials->cnonce);
	put(out, SLICE("\", nc="));
	put(out, credentials->nc);
	put(out, SLICE("\r\n"));
	return true;
}
