/*
 * Credentials that a peer sends: found, judged, and never right, since the hash is nobody's; with the right hash, and
 * the nonce "ours" for one of ours, good once; challenges on the other side.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "auth/client.h"
#include "auth/server.h"

static struct sip_message *parse(struct slice start, struct slice header, struct slice value)
{
	static char buf[16384];
	struct writer out = writer_of(buf, sizeof buf);
	struct sip_message *message;
	struct sip_fault fault;

	put(&out, start);
	put(&out, SLICE("Via: SIP/2.0/TLS a.example;branch=z9hG4bK1\r\nFrom: <sip:a@a.example>;tag=1\r\n"
			"To: <sip:a@a.example>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n"));
	put(&out, header);
	put(&out, value);
	put(&out, SLICE("\r\nContent-Length: 0\r\n\r\n"));
	if (out.overflow || sip_message_parse(writer_text(&out), &sip_limits_default, &message, &fault) != OK)
		return NULL;
	return message;
}

static const struct slice realm_name = SLICE_INIT("a.example");
static char challenges[1024];

/* That of the challenge that was made at the start. */
static struct slice our_nonce(void)
{
	static const struct slice before = SLICE_INIT("nonce=\"");
	struct slice text = slice_of(challenges);

	return slice_sub(text, slice_find_text(text, before) + before.len, AUTH_NONCE_LENGTH);
}

/* What no peer can do who does not know the password. */
static void judge_right(struct crypto *crypto, struct auth_server *server, struct auth_attempt attempt)
{
	struct sip_credentials credentials = *attempt.credentials;
	struct auth_own_proof proof;
	struct auth_hex response;
	bool is_ours = slice_eq(credentials.nonce, SLICE("ours"));

	if (is_ours)
		credentials.nonce = our_nonce();
	struct auth_exchange exchange = { .ha1 = attempt.hashes->ha1[DIGEST_SHA256],
					  .nonce = credentials.nonce,
					  .nc = credentials.nc,
					  .cnonce = credentials.cnonce,
					  .qop = credentials.qop,
					  .method = SLICE("REGISTER"),
					  .uri = credentials.uri };
	if (!auth_algorithm_parse(credentials.algorithm, &exchange.algorithm, &exchange.session))
		return;
	if (!auth_response(crypto, &exchange, &response))
		abort();
	credentials.response = auth_hex_slice(&response);
	attempt.credentials = &credentials;
	attempt.proof = &proof;
	assert(auth_has_own_nonce(server, &attempt) == is_ours);
	if (auth_check(server, &attempt, 1000) == AUTH_OK)
		assert(is_ours && auth_check(server, &attempt, 1000) == AUTH_REPLAY);
}

static void judge(struct crypto *crypto, struct auth_server *server, struct slice value)
{
	static const unsigned char ha1[DIGEST_SIZE_MAX] = { 1, 2, 3 };
	const struct auth_hashes hashes = { { [DIGEST_SHA256] = ha1, [DIGEST_MD5] = ha1 } };
	const struct auth_realm realm = { .name = realm_name, .md5 = AUTH_MD5_ALLOWED, .lifetime = 60 };
	struct auth_used used = { 0 };
	struct sip_credentials credentials;
	struct sip_message *request = parse(SLICE("REGISTER sip:a.example SIP/2.0\r\n"),
					    SLICE("Authorization: "), value);

	if (request && !request->fault.status &&
	    auth_find(request, SIP_AUTHORIZATION, realm.name, &credentials) == AUTH_OK) {
		const struct auth_attempt attempt = { .request = request,
						      .credentials = &credentials,
						      .realm = &realm,
						      .hashes = &hashes,
						      .used = &used };

		assert(auth_check(server, &attempt, 1000) != AUTH_OK);
		judge_right(crypto, server, attempt);
	}
	sip_message_free(request);
}

static void answer(struct auth_client client, struct slice value)
{
	const struct auth_subject subject = { SLICE("REGISTER"), SLICE("sip:a.example"), { 0 } };
	struct sip_message *response = parse(SLICE("SIP/2.0 401 Unauthorized\r\n"),
					     SLICE("WWW-Authenticate: "), value);
	char buf[4096];
	struct writer out = writer_of(buf, sizeof buf);

	if (response && auth_client_challenge(&client, response, 0) == AUTH_ANSWER) {
		assert(put_authorization(&out, &client, &subject, NULL));
		assert(out.len > 0);
	}
	sip_message_free(response);
}

static void make_nonce(struct auth_server *server)
{
	const struct auth_realm realm = { .name = realm_name, .lifetime = 60 };
	const struct auth_challenge challenge = { .header = SIP_WWW_AUTHENTICATE, .realm = &realm };
	struct writer out = writer_of(challenges, sizeof challenges - 1);

	if (!put_challenge(&out, server, &challenge, 1000))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct crypto *crypto;
	static struct random *random;
	static struct auth_server *server;

	if (!crypto) {
		crypto = crypto_new();
		random = random_new_predictable(1);
		if (!crypto || !random ||
		    auth_server_new(crypto, SLICE("0123456789abcdef0123456789abcdef"), &server) != OK)
			abort();
		make_nonce(server);
	}
	judge(crypto, server, slice_from(data, size));
	answer((struct auth_client){ .crypto = crypto,
				     .random = random,
				     .login = { SLICE("a"), SLICE("a.example"), SLICE("p") } },
	       slice_from(data, size));
	return 0;
}
