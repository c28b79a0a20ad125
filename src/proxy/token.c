#include "proxy/token.h"

enum {
	VERSION = 1,
	CLAIMS_SIZE = 34, /* version, level, two flows, two accounts */
	TAG_SIZE = 16,
	TOKEN_SIZE = CLAIMS_SIZE + TAG_SIZE,
};

static unsigned char *write_u64(unsigned char *to, uint64_t value)
{
	for (size_t i = 0; i < 8; i++)
		*to++ = (unsigned char)(value >> (56 - 8 * i));
	return to;
}

static const unsigned char *read_u64(const unsigned char *from, uint64_t *ret_value)
{
	uint64_t value = 0;

	for (size_t i = 0; i < 8; i++)
		value = value << 8 | *from++;
	*ret_value = value;
	return from;
}

bool put_token(struct writer *out, struct mac *mac, const struct token *token, struct slice call_id)
{
	unsigned char bytes[TOKEN_SIZE] = { VERSION, token->sips }, *at = bytes + 2;
	const struct slice parts[] = { slice_from(bytes, CLAIMS_SIZE), call_id };

	at = write_u64(at, token->flow_a);
	at = write_u64(at, token->flow_b);
	at = write_u64(at, (uint64_t)token->account_a);
	write_u64(at, (uint64_t)token->account_b);
	if (!mac_make(mac, parts, 2, bytes + CLAIMS_SIZE, TAG_SIZE))
		return false;
	put_base64url(out, bytes, sizeof bytes);
	return true;
}

bool token_parse(struct mac *mac, struct slice text, struct slice call_id, struct token *ret_token)
{
	unsigned char bytes[TOKEN_SIZE] = { 0 };
	const struct slice parts[] = { slice_from(bytes, CLAIMS_SIZE), call_id };
	const unsigned char *at = bytes + 2;
	uint64_t account_a, account_b;
	struct token token;
	size_t n;

	if (text.len != TOKEN_LENGTH || !base64_decode(text, bytes, sizeof bytes, &n) || n != TOKEN_SIZE)
		return false;
	if (!mac_check(mac, parts, 2, slice_from(bytes + CLAIMS_SIZE, TAG_SIZE)) || bytes[0] != VERSION)
		return false;
	at = read_u64(at, &token.flow_a);
	at = read_u64(at, &token.flow_b);
	at = read_u64(at, &account_a);
	read_u64(at, &account_b);
	token.account_a = (account_id)account_a;
	token.account_b = (account_id)account_b;
	token.sips = bytes[1];
	*ret_token = token;
	return true;
}
