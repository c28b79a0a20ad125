/*
 * The values of digest authentication: H(A1), response and rspauth (RFC 7616 §3.4, RFC 8760, RFC 3261 §22.4).
 * Pure functions of their input; who may do what is decided in auth/server.h and auth/client.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "crypto/digest.h"

/* A hash as it is written in a header field: lower-case hexadecimal. */
struct auth_hex {
	char text[2 * DIGEST_SIZE_MAX];
	size_t len;
};

static inline struct slice auth_hex_slice(const struct auth_hex *hex)
{
	return slice_from(hex->text, hex->len);
}

/*
 * "MD5", "SHA-256", "SHA-512-256", each also with "-sess" (RFC 7616 §3.3); an absent token is MD5. Case is
 * ignored. False for any other.
 */
bool auth_algorithm_parse(struct slice token, enum digest_algorithm *ret_algorithm, bool *ret_session);
struct slice auth_algorithm_name(enum digest_algorithm algorithm, bool session);

struct auth_login {
	struct slice username, realm, password;
};

/*
 * H(username ":" realm ":" password), digest_size() bytes: as good as the password in that realm, and what is
 * stored in its place (RFC 7616 §5.13). False only if the library fails.
 */
MUST_CHECK bool auth_ha1(struct crypto *crypto, enum digest_algorithm algorithm,
			 const struct auth_login *login, unsigned char ret_ha1[DIGEST_SIZE_MAX]);

/* H(A2) of a request, and of an answer to it that has no body. */
struct auth_a2_hashes {
	struct auth_hex request, answer;
};

/*
 * Those of what was asked for lately. They are no secret, and the REGISTERs of one domain have the same ones. A few slots, of which a
 * method with its URI has one; another for it drives it out. Belongs to the caller, who zeroes it to begin.
 */
enum { AUTH_A2_KEPT_MAX = 72, AUTH_A2_SLOTS = 16 };

struct auth_kept_a2 {
	enum digest_algorithm algorithm;
	bool integrity;
	size_t uri_len, method_len; /* of the text; 0: the slot is empty */
	char text[AUTH_A2_KEPT_MAX];
	struct auth_a2_hashes hashes;
};

struct auth_a2_cache {
	struct auth_kept_a2 slots[AUTH_A2_SLOTS];
};

/* What is hashed, each part as it stands between the quotes of the header field. */
struct auth_exchange {
	enum digest_algorithm algorithm;
	bool session;             /* "-sess": A1 takes nonce and cnonce in */
	const unsigned char *ha1; /* of auth_ha1() */
	struct slice nonce, nc, cnonce;
	struct slice qop; /* "auth", "auth-int", or absent for the form of RFC 2069 */
	struct slice method, uri;
	struct slice body;           /* for auth-int */
	struct auth_a2_cache *cache; /* NULL: nothing is kept */
};

/* The hash of one, as bytes; size 0: there is none. */
struct auth_hash {
	unsigned char bytes[DIGEST_SIZE_MAX];
	uint8_t size;
};

/* What the credentials must carry (RFC 7616 §3.4.1). False only if the library fails. */
MUST_CHECK bool auth_response(struct crypto *crypto, const struct auth_exchange *exchange,
			      struct auth_hex *ret_response);
/*
 * What the server proves itself with in Authentication-Info (RFC 7616 §3.5): the same without the method; the
 * body is the response's.
 */
MUST_CHECK bool auth_rspauth(struct crypto *crypto, const struct auth_exchange *exchange,
			     struct auth_hex *ret_rspauth);
/*
 * Both for credentials with a qop, of which most of what is hashed is the same: the response, and the rspauth of an answer without a
 * body. False only if the library fails.
 */
MUST_CHECK bool auth_response_and_rspauth(struct crypto *crypto, const struct auth_exchange *exchange,
					  struct auth_hex *ret_response, struct auth_hash *ret_rspauth);
