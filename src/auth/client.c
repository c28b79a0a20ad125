#include "auth/client.h"

#include <string.h>

#include "base/mem.h"
#include "sip/build.h"
#include "sip/credentials.h"

static const struct {
	enum sip_header_id challenge, credentials, info;
	unsigned status;
} sides[AUTH_SIDES] = {
	[AUTH_USER_AGENT] = { SIP_WWW_AUTHENTICATE, SIP_AUTHORIZATION, SIP_AUTHENTICATION_INFO, 401 },
	[AUTH_PROXY] = { SIP_PROXY_AUTHENTICATE, SIP_PROXY_AUTHORIZATION, SIP_PROXY_AUTHENTICATION_INFO,
			 407 },
};

const char *auth_choice_text(enum auth_choice choice)
{
	switch (choice) {
	case AUTH_ANSWER: return "the challenge is answered";
	case AUTH_PEER: return "the other end of the call asks for the password";
	case AUTH_NO_REALM: return "the server asks for credentials of another realm than the account's";
	case AUTH_UNSUPPORTED: return "the server asks for a digest algorithm that is not known here";
	case AUTH_WEAKER: return "the server asks for a weaker digest algorithm than it did before";
	case AUTH_REFUSED: return "the server refused the password";
	case AUTH_TOO_OFTEN: return "the server asks for credentials again and again";
	}
	return "unknown choice";
}

static bool set_text(struct auth_text *to, struct slice text)
{
	if (text.len > sizeof to->bytes)
		return false;
	if (text.ptr)
		memcpy(to->bytes, text.ptr, text.len);
	to->len = text.len;
	return true;
}

static struct slice text_slice(const struct auth_text *text)
{
	return slice_from(text->bytes, text->len);
}

/*
 * MD5 is weak; the two others count as equal, so that among them the server's order decides (RFC 8760 §2.4).
 */
static int strength(enum digest_algorithm algorithm)
{
	return algorithm == DIGEST_MD5 ? 0 : 1;
}

/* qop-options = quoted comma list */
static bool qop_has(struct slice options, struct slice qop)
{
	while (options.len) {
		size_t comma = slice_find(options, ',');

		if (slice_eq_nocase(slice_trim(slice_sub(options, 0, comma)), qop))
			return true;
		options = slice_sub(options, comma + 1, options.len);
	}
	return false;
}

struct candidate {
	struct sip_challenge challenge;
	enum digest_algorithm algorithm;
	bool session, integrity;
};

/* RFC 7616 §3.3: what is not understood is ignored. Where both are offered the body is covered, too, unless the client says otherwise. */
static bool is_supported(const struct auth_client *client, const struct sip_challenge *challenge,
			 struct candidate *ret_candidate)
{
	struct candidate candidate = { .challenge = *challenge };

	if (!auth_algorithm_parse(challenge->algorithm, &candidate.algorithm, &candidate.session))
		return false;
	if (challenge->charset.ptr && !slice_eq_nocase(challenge->charset, SLICE("UTF-8")))
		return false;
	bool has_auth = qop_has(challenge->qop, SLICE("auth"));
	candidate.integrity = qop_has(challenge->qop, SLICE("auth-int")) && !(client->takes_auth && has_auth);
	if (challenge->qop.ptr ? !candidate.integrity && !has_auth : candidate.session)
		return false;
	if (!challenge->nonce.len || challenge->nonce.len > AUTH_NONCE_MAX ||
	    challenge->opaque.len > AUTH_NONCE_MAX)
		return false;
	*ret_candidate = candidate;
	return true;
}

/* The strongest one, and the topmost of equals. */
static enum auth_choice choose(const struct auth_client *client, const struct sip_message *response,
			       enum sip_header_id header, struct candidate *ret_candidate)
{
	const struct sip_header *it = sip_message_header(response, header);
	enum auth_choice choice = AUTH_NO_REALM;
	struct candidate best, candidate;

	for (; it; it = sip_message_next(response, it)) {
		struct sip_challenge challenge;

		if (!sip_challenge_parse(it->value, &challenge) ||
		    !slice_eq_nocase(challenge.scheme, SLICE("Digest")) ||
		    !slice_eq(challenge.realm, client->login.realm))
			continue;
		if (choice == AUTH_NO_REALM)
			choice = AUTH_UNSUPPORTED;
		if (!is_supported(client, &challenge, &candidate))
			continue;
		if (choice == AUTH_ANSWER && strength(candidate.algorithm) <= strength(best.algorithm))
			continue;
		best = candidate;
		choice = AUTH_ANSWER;
	}
	if (choice != AUTH_ANSWER)
		return choice;
	if (strength(best.algorithm) < strength(client->weakest))
		return AUTH_WEAKER;
	*ret_candidate = best;
	return AUTH_ANSWER;
}

static bool set_space(struct auth_space *space, const struct candidate *candidate)
{
	const struct sip_challenge *challenge = &candidate->challenge;

	*space = (struct auth_space){
		.has_qop = challenge->qop.ptr != NULL,
		.session = candidate->session,
		.integrity = candidate->integrity,
		.has_opaque = challenge->opaque.ptr != NULL,
		.algorithm = candidate->algorithm,
	};
	space->is_set = set_text(&space->nonce, challenge->nonce) &&
			set_text(&space->opaque, challenge->opaque);
	return space->is_set;
}

enum auth_choice auth_client_challenge(struct auth_client *client, const struct sip_message *response,
				       unsigned rounds)
{
	enum auth_side side = response->status == sides[AUTH_PROXY].status ? AUTH_PROXY : AUTH_USER_AGENT;
	struct candidate candidate;
	enum auth_choice choice;

	if (side == AUTH_USER_AGENT && response->method != SIP_REGISTER)
		return AUTH_PEER;
	choice = choose(client, response, sides[side].challenge, &candidate);
	if (choice != AUTH_ANSWER)
		return choice;
	/* RFC 7616 §3.3: stale means that the password was right, and only the nonce was not. */
	if (rounds > 0 && !candidate.challenge.stale)
		return AUTH_REFUSED;
	if (rounds >= AUTH_ROUNDS_MAX)
		return AUTH_TOO_OFTEN;
	if (!set_space(&client->spaces[side], &candidate))
		return AUTH_UNSUPPORTED;
	if (strength(candidate.algorithm) > strength(client->weakest))
		client->weakest = candidate.algorithm;
	return AUTH_ANSWER;
}

static void set_nc(char text[8], uint32_t nc)
{
	const unsigned char bytes[] = { (unsigned char)(nc >> 24), (unsigned char)(nc >> 16),
					(unsigned char)(nc >> 8), (unsigned char)nc };
	struct writer out = writer_of(text, 8);

	put_hex(&out, bytes, sizeof bytes);
}

static void make_cnonce(struct random *random, char text[AUTH_CNONCE_LENGTH])
{
	unsigned char bytes[16];
	struct writer out = writer_of(text, AUTH_CNONCE_LENGTH);

	random_bytes(random, bytes, sizeof bytes);
	put_base64url(&out, bytes, sizeof bytes);
}

/* ha1 belongs to the caller. */
static struct auth_exchange exchange_of(const struct auth_sent *sent, bool has_qop, const unsigned char *ha1)
{
	struct auth_exchange exchange = {
		.algorithm = sent->algorithm,
		.session = sent->session,
		.ha1 = ha1,
		.nonce = text_slice(&sent->nonce),
	};

	if (has_qop) {
		exchange.qop = sent->integrity ? SLICE("auth-int") : SLICE("auth");
		exchange.nc = slice_from(sent->nc, sizeof sent->nc);
		exchange.cnonce = slice_from(sent->cnonce, sizeof sent->cnonce);
	}
	return exchange;
}

static void put_parameter(struct writer *out, const char *name, struct slice value)
{
	put(out, slice_of(name));
	put(out, SLICE("=\""));
	put(out, value); /* from a quoted-string, its escapes still in, or without any */
	put(out, SLICE("\""));
}

static void put_credentials(struct writer *out, const struct auth_client *client, enum auth_side side,
			    const struct auth_exchange *exchange, const struct auth_hex *response)
{
	const struct auth_space *space = &client->spaces[side];

	put(out, sip_header_name(sides[side].credentials));
	put(out, SLICE(": Digest username="));
	put_quoted(out, client->login.username);
	put(out, SLICE(", realm="));
	put_quoted(out, client->login.realm);
	put_parameter(out, ", nonce", exchange->nonce);
	put_parameter(out, ", uri", exchange->uri);
	put_parameter(out, ", response", auth_hex_slice(response));
	put(out, SLICE(", algorithm="));
	put(out, auth_algorithm_name(space->algorithm, space->session));
	if (space->has_qop) {
		put_parameter(out, ", cnonce", exchange->cnonce);
		put(out, SLICE(", qop="));
		put(out, exchange->qop);
		put(out, SLICE(", nc="));
		put(out, exchange->nc);
	}
	if (space->has_opaque)
		put_parameter(out, ", opaque", text_slice(&space->opaque));
	put(out, SLICE("\r\n"));
}

static bool put_side(struct writer *out, struct auth_client *client, enum auth_side side,
		     const struct auth_subject *subject, struct auth_sent *ret_sent)
{
	struct auth_space *space = &client->spaces[side];
	struct auth_sent sent = {
		.side = side,
		.session = space->session,
		.integrity = space->integrity,
		.algorithm = space->algorithm,
		.nonce = space->nonce,
	};
	unsigned char ha1[DIGEST_SIZE_MAX];
	struct auth_exchange exchange;
	struct auth_hex response;
	bool ok;

	set_nc(sent.nc, ++space->nc);
	make_cnonce(client->random, sent.cnonce);
	exchange = exchange_of(&sent, space->has_qop, ha1);
	exchange.method = subject->method;
	exchange.uri = subject->uri;
	exchange.body = subject->body;
	ok = auth_ha1(client->crypto, space->algorithm, &client->login, ha1) &&
	     auth_response(client->crypto, &exchange, &response);
	mem_wipe(ha1, sizeof ha1);
	if (!ok)
		return false;

	put_credentials(out, client, side, &exchange, &response);
	sent.is_set = space->has_qop && set_text(&sent.uri, subject->uri);
	*ret_sent = sent;
	return true;
}

bool put_authorization(struct writer *out, struct auth_client *client, const struct auth_subject *subject,
		       struct auth_sent *ret_sent)
{
	struct auth_sent sent = { 0 };

	bool is_register = slice_eq(subject->method, SLICE("REGISTER"));

	/*
	 * The registrar's challenge is the server's own; what else a request meets is for the proxy to say.
	 */
	if (client->spaces[AUTH_PROXY].is_set && !put_side(out, client, AUTH_PROXY, subject, &sent))
		return false;
	if (is_register && client->spaces[AUTH_USER_AGENT].is_set &&
	    !put_side(out, client, AUTH_USER_AGENT, subject, &sent))
		return false;
	if (ret_sent)
		*ret_sent = sent;
	return true;
}

static bool find_info(const struct sip_message *response, enum auth_side side, struct sip_auth_info *ret_info)
{
	struct slice value = sip_message_value(response, sides[side].info);

	return value.ptr && sip_auth_info_parse(value, ret_info);
}

/* Whether rspauth is the one for what was sent. False, too, if the library fails. */
static bool is_proof(struct auth_client *client, const struct auth_sent *sent,
		     const struct sip_message *response, const struct sip_auth_info *info)
{
	struct auth_exchange exchange;
	unsigned char ha1[DIGEST_SIZE_MAX];
	struct auth_hex expected;
	bool ok;

	if (!slice_eq(info->cnonce, slice_from(sent->cnonce, sizeof sent->cnonce)) ||
	    !slice_eq(info->nc, slice_from(sent->nc, sizeof sent->nc)))
		return false;
	exchange = exchange_of(sent, true, ha1);
	exchange.uri = text_slice(&sent->uri);
	exchange.qop = info->qop.ptr ? info->qop : exchange.qop;
	exchange.body = response->body;
	ok = auth_ha1(client->crypto, sent->algorithm, &client->login, ha1) &&
	     auth_rspauth(client->crypto, &exchange, &expected);
	mem_wipe(ha1, sizeof ha1);
	return ok && slice_eq_secret(auth_hex_slice(&expected), info->rspauth);
}

enum auth_proof auth_client_confirm(struct auth_client *client, const struct auth_sent *sent,
				    const struct sip_message *response)
{
	struct auth_space *space = &client->spaces[sent->side];
	struct sip_auth_info info;

	if (!sent->is_set || !find_info(response, sent->side, &info))
		return AUTH_PROOF_NONE;
	if (info.rspauth.ptr && !is_proof(client, sent, response, &info))
		return AUTH_PROOF_WRONG;
	/* the same 2xx may come again */
	if (info.nextnonce.len && !slice_eq(info.nextnonce, text_slice(&space->nonce)) &&
	    set_text(&space->nonce, info.nextnonce))
		space->nc = 0;
	return info.rspauth.ptr ? AUTH_PROOF_GOOD : AUTH_PROOF_NONE;
}
