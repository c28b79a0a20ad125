#include "auth/response.h"

#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/writer.h"

#define COLON SLICE(":")

static const struct {
	struct slice name, session_name;
	struct slice nothing; /* the hash of an empty body, which is what most messages have */
} algorithms[DIGEST_ALGORITHMS] = {
	[DIGEST_MD5] = { SLICE_INIT("MD5"), SLICE_INIT("MD5-sess"),
			 SLICE_INIT("d41d8cd98f00b204e9800998ecf8427e") },
	[DIGEST_SHA256] = { SLICE_INIT("SHA-256"), SLICE_INIT("SHA-256-sess"),
			    SLICE_INIT("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") },
	[DIGEST_SHA512_256] = { SLICE_INIT("SHA-512-256"), SLICE_INIT("SHA-512-256-sess"),
				SLICE_INIT(
					"c672b8d1ef56ed28ab87c3622c5114069bdd3ad7b8f9737498d0c01ecef0967a") },
};

bool auth_algorithm_parse(struct slice token, enum digest_algorithm *ret_algorithm, bool *ret_session)
{
	/* RFC 7616 §3.3: "If this is not present, it is assumed to be "MD5"" */
	if (!token.ptr)
		token = algorithms[DIGEST_MD5].name;
	for (size_t i = 0; i < DIGEST_ALGORITHMS; i++) {
		bool session = slice_eq_nocase(token, algorithms[i].session_name);

		if (!session && !slice_eq_nocase(token, algorithms[i].name))
			continue;
		*ret_algorithm = (enum digest_algorithm)i;
		*ret_session = session;
		return true;
	}
	return false;
}

struct slice auth_algorithm_name(enum digest_algorithm algorithm, bool session)
{
	return session ? algorithms[algorithm].session_name : algorithms[algorithm].name;
}

bool auth_ha1(struct crypto *crypto, enum digest_algorithm algorithm, const struct auth_login *login,
	      unsigned char ret_ha1[DIGEST_SIZE_MAX])
{
	const struct slice a1[] = { login->username, COLON, login->realm, COLON, login->password };

	return digest(crypto, algorithm, a1, sizeof a1 / sizeof a1[0], ret_ha1);
}

static void set_hex(struct auth_hex *hex, enum digest_algorithm algorithm, const unsigned char *hash)
{
	struct writer out = writer_of(hex->text, sizeof hex->text);

	put_hex(&out, hash, digest_size(algorithm));
	hex->len = out.len;
}

/* Like digest(), in hexadecimal. */
static bool digest_hex(struct crypto *crypto, enum digest_algorithm algorithm, const struct slice parts[],
		       size_t n_parts, struct auth_hex *ret_hex)
{
	unsigned char hash[DIGEST_SIZE_MAX];

	if (!digest(crypto, algorithm, parts, n_parts, hash))
		return false;
	set_hex(ret_hex, algorithm, hash);
	mem_wipe(hash, sizeof hash);
	return true;
}

/* RFC 7616 §3.4.2; for "-sess" A1 is H(A1 of above) ":" nonce ":" cnonce. */
static bool secret_of(struct crypto *crypto, const struct auth_exchange *exchange, struct auth_hex *ret_hex)
{
	struct auth_hex ha1;
	const struct slice a1[] = { slice_from(ha1.text, 2 * digest_size(exchange->algorithm)), COLON,
				    exchange->nonce, COLON, exchange->cnonce };
	bool ok;

	if (!exchange->session) {
		set_hex(ret_hex, exchange->algorithm, exchange->ha1);
		return true;
	}
	set_hex(&ha1, exchange->algorithm, exchange->ha1);
	ok = digest_hex(crypto, exchange->algorithm, a1, sizeof a1 / sizeof a1[0], ret_hex);
	mem_wipe(&ha1, sizeof ha1);
	return ok;
}

static bool has_integrity(const struct auth_exchange *exchange)
{
	return slice_eq_nocase(exchange->qop, SLICE("auth-int"));
}

/* RFC 7616 §3.4.3 */
static bool subject_of(struct crypto *crypto, const struct auth_exchange *exchange, struct slice method,
		       struct auth_hex *ret_hex)
{
	bool integrity = has_integrity(exchange), is_empty = exchange->body.len == 0;
	struct auth_hex body;
	const struct slice a2[] = { method, COLON, exchange->uri, COLON,
				    is_empty ? algorithms[exchange->algorithm].nothing
					     : slice_from(body.text, 2 * digest_size(exchange->algorithm)) };

	if (integrity && !is_empty && !digest_hex(crypto, exchange->algorithm, &exchange->body, 1, &body))
		return false;
	return digest_hex(crypto, exchange->algorithm, a2, integrity ? 5 : 3, ret_hex);
}

static bool subjects_of(struct crypto *crypto, const struct auth_exchange *exchange,
			struct auth_a2_hashes *ret_hashes)
{
	struct auth_exchange answer = *exchange;

	answer.body = SLICE("");
	return subject_of(crypto, exchange, exchange->method, &ret_hashes->request) &&
	       subject_of(crypto, &answer, SLICE(""), &ret_hashes->answer);
}

/* Where they are kept, or are to be; NULL: nowhere, for no other request will have the same. */
static struct auth_kept_a2 *slot_of(const struct auth_exchange *exchange, bool integrity)
{
	static const struct map_key no_key = {
		0
	}; /* whoever drives out a text makes other hashes, no more */

	if (!exchange->cache || (integrity && exchange->body.len > 0) || exchange->uri.len == 0 ||
	    exchange->uri.len + exchange->method.len > AUTH_A2_KEPT_MAX)
		return NULL;
	return &exchange->cache
			->slots[(map_hash(no_key, exchange->uri) + exchange->method.len) % AUTH_A2_SLOTS];
}

static bool is_kept(const struct auth_kept_a2 *slot, const struct auth_exchange *exchange, bool integrity)
{
	return slot->algorithm == exchange->algorithm && slot->integrity == integrity &&
	       slice_eq(slice_from(slot->text, slot->uri_len), exchange->uri) &&
	       slice_eq(slice_from(slot->text + slot->uri_len, slot->method_len), exchange->method);
}

static void keep(struct auth_kept_a2 *slot, const struct auth_exchange *exchange, bool integrity)
{
	char *at = slot->text;

	slot->algorithm = exchange->algorithm;
	slot->integrity = integrity;
	slot->uri_len = slice_copy(&at, exchange->uri).len;
	slot->method_len = slice_copy(&at, exchange->method).len;
}

/* Like subjects_of(); where they are kept, or in buf. NULL if the library fails. */
static const struct auth_a2_hashes *find_subjects(struct crypto *crypto, const struct auth_exchange *exchange,
						  struct auth_a2_hashes *buf)
{
	bool integrity = has_integrity(exchange);
	struct auth_kept_a2 *slot = slot_of(exchange, integrity);

	if (!slot)
		return subjects_of(crypto, exchange, buf) ? buf : NULL;
	if (is_kept(slot, exchange, integrity))
		return &slot->hashes;
	slot->uri_len = slot->method_len = 0;
	if (!subjects_of(crypto, exchange, &slot->hashes))
		return NULL;
	keep(slot, exchange, integrity);
	return &slot->hashes;
}

/* What is hashed before H(A2), with qop or without. */
enum { PARTS_MAX = 11 };

static size_t list_parts(const struct auth_exchange *exchange, const struct auth_hex *secret,
			 struct slice ret_parts[PARTS_MAX])
{
	const struct slice parts[] = { auth_hex_slice(secret), COLON, exchange->nonce,  COLON,
				       exchange->nc,           COLON, exchange->cnonce, COLON,
				       exchange->qop,          COLON };
	size_t n = exchange->qop.ptr ? sizeof parts / sizeof parts[0] : 4;

	memcpy(ret_parts, parts, n * sizeof parts[0]);
	return n;
}

static bool respond(struct crypto *crypto, const struct auth_exchange *exchange, struct slice method,
		    struct auth_hex *ret_response)
{
	struct slice parts[PARTS_MAX];
	struct auth_hex secret, subject;
	size_t n;
	bool ok;

	if (!subject_of(crypto, exchange, method, &subject) || !secret_of(crypto, exchange, &secret))
		return false;
	n = list_parts(exchange, &secret, parts);
	parts[n++] = auth_hex_slice(&subject);
	ok = digest_hex(crypto, exchange->algorithm, parts, n, ret_response);
	mem_wipe(&secret, sizeof secret);
	return ok;
}

bool auth_response_and_rspauth(struct crypto *crypto, const struct auth_exchange *exchange,
			       struct auth_hex *ret_response, struct auth_hash *ret_rspauth)
{
	unsigned char hashes[2][DIGEST_SIZE_MAX];
	struct slice parts[PARTS_MAX];
	struct auth_a2_hashes buf;
	const struct auth_a2_hashes *subjects = find_subjects(crypto, exchange, &buf);
	struct digest_fork fork = { .start = parts };
	struct auth_hex secret;

	if (!subjects || !secret_of(crypto, exchange, &secret))
		return false;
	fork.n_start = list_parts(exchange, &secret, parts);
	fork.ends[0] = auth_hex_slice(&subjects->request);
	fork.ends[1] = auth_hex_slice(&subjects->answer);
	bool ok = digest_fork(crypto, exchange->algorithm, &fork, hashes);
	mem_wipe(&secret, sizeof secret);
	if (!ok)
		return false;
	set_hex(ret_response, exchange->algorithm, hashes[0]);
	ret_rspauth->size = (uint8_t)digest_size(exchange->algorithm);
	memcpy(ret_rspauth->bytes, hashes[1], ret_rspauth->size);
	return true;
}

bool auth_response(struct crypto *crypto, const struct auth_exchange *exchange, struct auth_hex *ret_response)
{
	return respond(crypto, exchange, exchange->method, ret_response);
}

bool auth_rspauth(struct crypto *crypto, const struct auth_exchange *exchange, struct auth_hex *ret_rspauth)
{
	return respond(crypto, exchange, SLICE(""), ret_rspauth);
}
