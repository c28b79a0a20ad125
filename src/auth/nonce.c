#include "auth/nonce.h"

#include <string.h>

#include "base/big_endian.h"

enum {
	CLAIM_SIZE = 16, /* made, serial */
	TAG_SIZE = AUTH_NONCE_SIZE - CLAIM_SIZE,
};

/* What the check is over; the parts before the realm have a fixed length. */
struct claim {
	unsigned char flow[8];
	struct slice parts[4];
};

static void set_claim(struct claim *claim, const unsigned char bytes[CLAIM_SIZE],
		      const struct auth_scope *scope)
{
	write_u64(claim->flow, scope->flow);
	claim->parts[0] = SLICE("nonce");
	claim->parts[1] = slice_from(bytes, CLAIM_SIZE);
	claim->parts[2] = slice_from(claim->flow, sizeof claim->flow);
	claim->parts[3] = scope->realm;
}

bool put_auth_nonce(struct writer *out, struct mac *mac, const struct auth_nonce *nonce,
		    const struct auth_scope *scope)
{
	unsigned char bytes[AUTH_NONCE_SIZE];
	struct claim claim;

	write_u64(bytes, (uint64_t)nonce->made);
	write_u64(bytes + 8, nonce->serial);
	set_claim(&claim, bytes, scope);
	if (!mac_make(mac, claim.parts, 4, bytes + CLAIM_SIZE, TAG_SIZE))
		return false;
	put_base64url(out, bytes, sizeof bytes);
	return true;
}

static bool read_nonce(struct slice text, unsigned char ret_bytes[AUTH_NONCE_SIZE])
{
	size_t n;

	return text.len == AUTH_NONCE_LENGTH && base64_decode(text, ret_bytes, AUTH_NONCE_SIZE, &n) &&
	       n == AUTH_NONCE_SIZE;
}

static bool is_ours(struct mac *mac, const unsigned char bytes[AUTH_NONCE_SIZE],
		    const struct auth_scope *scope)
{
	struct claim claim;

	set_claim(&claim, bytes, scope);
	return mac_check(mac, claim.parts, 4, slice_from(bytes + CLAIM_SIZE, TAG_SIZE));
}

static bool is_known(const struct auth_known_nonce *known, struct slice text, const struct auth_scope *scope)
{
	return known->realm_len > 0 && known->flow == scope->flow &&
	       slice_eq(slice_from(known->realm, known->realm_len), scope->realm) &&
	       slice_eq_secret(slice_from(known->text, AUTH_NONCE_LENGTH), text);
}

void auth_nonce_remember(struct auth_known_nonce *known, struct slice text, const struct auth_scope *scope,
			 const struct auth_nonce *nonce)
{
	if (scope->realm.len == 0 || scope->realm.len > sizeof known->realm || text.len != AUTH_NONCE_LENGTH)
		return;
	known->nonce = *nonce;
	known->flow = scope->flow;
	memcpy(known->text, text.ptr, AUTH_NONCE_LENGTH);
	known->realm_len = (uint8_t)scope->realm.len;
	memcpy(known->realm, scope->realm.ptr, scope->realm.len);
}

bool auth_nonce_check_again(struct mac *mac, struct slice text, const struct auth_scope *scope,
			    struct auth_known_nonce *known, struct auth_nonce *ret_nonce)
{
	if (is_known(known, text, scope)) {
		*ret_nonce = known->nonce;
		return true;
	}
	if (!auth_nonce_check(mac, text, scope, ret_nonce))
		return false;
	auth_nonce_remember(known, text, scope, ret_nonce);
	return true;
}

bool auth_nonce_check(struct mac *mac, struct slice text, const struct auth_scope *scope,
		      struct auth_nonce *ret_nonce)
{
	unsigned char bytes[AUTH_NONCE_SIZE];

	if (!read_nonce(text, bytes) || !is_ours(mac, bytes, scope))
		return false;
	*ret_nonce = (struct auth_nonce){ (utc_t)read_u64(bytes), read_u64(bytes + 8) };
	return true;
}
