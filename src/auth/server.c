#include "auth/server.h"

#include "base/ascii.h"
#include "base/mem.h"
#include "sip/build.h"

enum { CLOCK_SLACK = 5 /* seconds that the wall clock may be set back without annoying anyone */ };

struct auth_server {
	struct crypto *crypto;
	struct mac *mac;
	uint64_t serial;
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
	AUTO(auth_server) struct auth_server *server = mem_new(struct auth_server);

	if (!server)
		return ERR_NOMEM;
	server->crypto = crypto;
	server->mac = mac_new(crypto, key);
	if (!server->mac)
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

/* The algorithms that a challenge may name, strongest first (RFC 8760 §2.3). */
static const enum digest_algorithm offers[] = { DIGEST_SHA256, DIGEST_MD5 };

static bool is_offered(const struct auth_realm *realm, enum digest_algorithm algorithm)
{
	switch (algorithm) {
	case DIGEST_SHA256: return realm->md5 != AUTH_MD5_ONLY;
	case DIGEST_MD5: return realm->md5 != AUTH_MD5_REFUSED;
	default: return false;
	}
}

static bool put_one_challenge(struct writer *out, const struct auth_challenge *challenge, struct slice nonce,
			      enum digest_algorithm algorithm)
{
	char buf[512];
	struct writer value = writer_of(buf, sizeof buf);

	put(&value, SLICE("Digest realm="));
	put_quoted(&value, challenge->realm->name);
	put(&value, SLICE(", nonce=\""));
	put(&value, nonce);
	put(&value, SLICE("\", algorithm="));
	put(&value, auth_algorithm_name(algorithm, false));
	put(&value, SLICE(", qop=\"auth\""));
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
	for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++)
		if (is_offered(challenge->realm, offers[i]) &&
		    !put_one_challenge(out, challenge, writer_text(&nonce), offers[i]))
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

/* What qop=auth needs; an escape in the user name would be a name that no AOR has. */
static bool is_complete(const struct sip_credentials *credentials)
{
	return credentials->username.len &&
	       slice_find(credentials->username, '\\') == credentials->username.len &&
	       credentials->nonce.ptr && credentials->uri.len && credentials->response.len &&
	       credentials->cnonce.len && slice_eq_nocase(credentials->qop, SLICE("auth")) &&
	       nc_of(credentials->nc) != 0;
}

enum auth_verdict auth_find(const struct sip_message *request, enum sip_header_id header, struct slice realm,
			    struct sip_credentials *ret_credentials)
{
	const struct sip_header *it = sip_message_header(request, header);
	struct sip_credentials found = { 0 };

	for (; it; it = sip_message_next(request, it)) {
		struct sip_credentials credentials;

		if (!sip_credentials_parse(it->value, &credentials))
			return AUTH_MALFORMED;
		if (!slice_eq_nocase(credentials.scheme, SLICE("Digest")) ||
		    !slice_eq_nocase(credentials.realm, realm))
			continue;
		if (found.scheme.ptr)
			return AUTH_MALFORMED;
		found = credentials;
	}
	if (!found.scheme.ptr)
		return AUTH_ABSENT;
	if (!is_complete(&found))
		return AUTH_MALFORMED;
	*ret_credentials = found;
	return AUTH_OK;
}

/* RFC 3261 §22.4, RFC 7616 §3.4.6: the credentials are for this very request. */
static bool is_for_request(const struct sip_credentials *credentials, const struct sip_message *request)
{
	struct sip_uri uri;

	return slice_eq(credentials->uri, request->uri_text) ||
	       (sip_uri_parse(credentials->uri, &uri) && sip_uri_eq(&uri, &request->uri));
}

/*
 * The hash that is compared with when there is no account or no such hash of it: nobody knows its password.
 */
static bool make_dummy(struct auth_server *server, const struct auth_attempt *attempt,
		       unsigned char ret_ha1[DIGEST_SIZE_MAX])
{
	const struct slice parts[] = { SLICE("dummy"), attempt->credentials->username };

	return mac_make(server->mac, parts, 2, ret_ha1, DIGEST_SIZE_MAX);
}

static struct auth_exchange exchange_of(const struct auth_attempt *attempt, enum digest_algorithm algorithm,
					const unsigned char *ha1)
{
	const struct sip_credentials *credentials = attempt->credentials;

	return (struct auth_exchange){
		.algorithm = algorithm,
		.ha1 = ha1,
		.nonce = credentials->nonce,
		.nc = credentials->nc,
		.cnonce = credentials->cnonce,
		.qop = credentials->qop,
		.method = attempt->request->method_name,
		.uri = credentials->uri,
	};
}

/* The algorithm if it is one that put_challenge() offers. */
static bool offered_algorithm(const struct auth_attempt *attempt, enum digest_algorithm *ret_algorithm)
{
	enum digest_algorithm algorithm;
	bool session;

	if (!auth_algorithm_parse(attempt->credentials->algorithm, &algorithm, &session) || session)
		return false;
	if (!is_offered(attempt->realm, algorithm))
		return false;
	*ret_algorithm = algorithm;
	return true;
}

/* AUTH_OK, AUTH_WRONG or AUTH_FAULT; takes as long for a user that does not exist. */
static enum auth_verdict check_response(struct auth_server *server, const struct auth_attempt *attempt,
					enum digest_algorithm algorithm)
{
	const unsigned char *known = attempt->hashes ? attempt->hashes->ha1[algorithm] : NULL;
	unsigned char dummy[DIGEST_SIZE_MAX];
	struct auth_exchange exchange;
	struct auth_hex expected;

	if (!make_dummy(server, attempt, dummy))
		return AUTH_FAULT;
	exchange = exchange_of(attempt, algorithm, known ? known : dummy);
	if (!auth_response(server->crypto, &exchange, &expected))
		return AUTH_FAULT;
	if (!slice_eq_secret(auth_hex_slice(&expected), attempt->credentials->response) || !known)
		return AUTH_WRONG;
	return AUTH_OK;
}

/* The response is right: is the nonce good, and used for the first time with this count? */
static enum auth_verdict check_nonce(struct auth_server *server, const struct auth_attempt *attempt,
				     utc_t now)
{
	const struct auth_scope scope = { attempt->flow, attempt->realm->name };
	struct auth_nonce nonce;

	if (!auth_nonce_check(server->mac, attempt->credentials->nonce, &scope, &nonce))
		return AUTH_STALE;
	if (nonce.made > now + CLOCK_SLACK || now - nonce.made > attempt->realm->lifetime)
		return AUTH_STALE;
	switch (auth_windows_take(attempt->windows, nonce.serial, nc_of(attempt->credentials->nc))) {
	case AUTH_COUNT_NEW: return AUTH_OK;
	case AUTH_COUNT_FORGOTTEN: return AUTH_STALE;
	case AUTH_COUNT_USED: break;
	}
	return AUTH_REPLAY;
}

enum auth_verdict auth_check(struct auth_server *server, const struct auth_attempt *attempt, utc_t now)
{
	enum digest_algorithm algorithm;
	enum auth_verdict verdict;

	if (!is_for_request(attempt->credentials, attempt->request))
		return AUTH_MALFORMED;
	if (!offered_algorithm(attempt, &algorithm))
		return AUTH_ALGORITHM;
	verdict = check_response(server, attempt, algorithm);
	return verdict == AUTH_OK ? check_nonce(server, attempt, now) : verdict;
}

bool put_auth_info(struct writer *out, struct auth_server *server, const struct auth_attempt *attempt)
{
	const struct sip_credentials *credentials = attempt->credentials;
	struct auth_exchange exchange;
	enum digest_algorithm algorithm;
	struct auth_hex rspauth;

	if (!offered_algorithm(attempt, &algorithm))
		return false;
	exchange = exchange_of(attempt, algorithm, attempt->hashes->ha1[algorithm]);
	if (!auth_rspauth(server->crypto, &exchange, &rspauth))
		return false;
	put(out, SLICE("Authentication-Info: qop=auth, rspauth=\""));
	put(out, auth_hex_slice(&rspauth));
	put(out, SLICE("\", cnonce=\""));
	put(out, credentials->cnonce);
	put(out, SLICE("\", nc="));
	put(out, credentials->nc);
	put(out, SLICE("\r\n"));
	return true;
}
