/*
 * Credentials that a peer sends: found, judged, and never right, since the hash is nobody's; challenges on
 * the other side.
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

static void judge(struct auth_server *server, struct slice value)
{
	static const unsigned char ha1[DIGEST_SIZE_MAX] = { 1, 2, 3 };
	const struct auth_hashes hashes = { { [DIGEST_SHA256] = ha1, [DIGEST_MD5] = ha1 } };
	const struct auth_realm realm = { .name = SLICE("a.example"),
					  .md5 = AUTH_MD5_ALLOWED,
					  .lifetime = 60 };
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
	}
	judge(server, slice_from(data, size));
	answer((struct auth_client){ .crypto = crypto,
				     .random = random,
				     .login = { SLICE("a"), SLICE("a.example"), SLICE("p") } },
	       slice_from(data, size));
	return 0;
}
