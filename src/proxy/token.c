#include "proxy/token.h"

#include "base/big_endian.h"

enum {
	VERSION = 1,
	CLAIMS_SIZE = 34, /* version, level, two flows, two accounts */
	TAG_SIZE = 16,
	TOKEN_SIZE = CLAIMS_SIZE + TAG_SIZE,
	LEVEL_SIPS = 1,
	LEVEL_TLS_B = 2,
	LEVEL_LEAST = 4, /* times the enum protection, in two bits */
	PATH_VERSION = 2,
	PATH_CLAIMS_SIZE = 25, /* version, flow, phone, home */
	PATH_TOKEN_SIZE = PATH_CLAIMS_SIZE + TAG_SIZE,
};

static unsigned char level_of(const struct token *token)
{
	return (unsigned char)((token->sips ? LEVEL_SIPS : 0) | (token->tls_b ? LEVEL_TLS_B : 0) |
			       LEVEL_LEAST * (unsigned)token->least);
}

/* Texts of any length stand under the check with their lengths before them. */
struct signed_parts {
	unsigned char lengths[24];
	struct slice parts[5];
};

static void set_parts(struct signed_parts *to, const unsigned char claims[CLAIMS_SIZE],
		      const struct token_dialog *dialog)
{
	unsigned char *at = to->lengths;

	at = write_u64(at, dialog->call_id.len);
	at = write_u64(at, dialog->name_a.len);
	write_u64(at, dialog->name_b.len);
	to->parts[0] = slice_from(claims, CLAIMS_SIZE);
	to->parts[1] = slice_from(to->lengths, sizeof to->lengths);
	to->parts[2] = dialog->call_id;
	to->parts[3] = dialog->name_a;
	to->parts[4] = dialog->name_b;
}

bool put_token(struct writer *out, struct mac *mac, const struct token *token,
	       const struct token_dialog *dialog)
{
	unsigned char bytes[TOKEN_SIZE] = { VERSION, level_of(token) }, *at = bytes + 2;
	struct signed_parts parts = { 0 };

	at = write_u64(at, token->flow_a);
	at = write_u64(at, token->flow_b);
	at = write_u64(at, (uint64_t)token->account_a);
	write_u64(at, (uint64_t)token->account_b);
	set_parts(&parts, bytes, dialog);
	if (!mac_make(mac, parts.parts, 5, bytes + CLAIMS_SIZE, TAG_SIZE))
		return false;
	put_base64url(out, bytes, sizeof bytes);
	return true;
}

bool token_parse(struct mac *mac, struct slice text, const struct token_dialog *dialog,
		 struct token *ret_token)
{
	unsigned char bytes[TOKEN_SIZE] = { 0 };
	const unsigned char *at = bytes + 2;
	struct signed_parts parts = { 0 };
	struct token token;
	size_t n;

	if (text.len != TOKEN_LENGTH || !base64_decode(text, bytes, sizeof bytes, &n) || n != TOKEN_SIZE)
		return false;
	set_parts(&parts, bytes, dialog);
	if (!mac_check(mac, parts.parts, 5, slice_from(bytes + CLAIMS_SIZE, TAG_SIZE)) || bytes[0] != VERSION)
		return false;
	token.flow_a = read_u64(at);
	token.flow_b = read_u64(at + 8);
	token.account_a = (account_id)read_u64(at + 16);
	token.account_b = (account_id)read_u64(at + 24);
	token.sips = bytes[1] & LEVEL_SIPS;
	token.tls_b = bytes[1] & LEVEL_TLS_B;
	token.least = (enum protection)(bytes[1] / LEVEL_LEAST);
	*ret_token = token;
	return true;
}

/* What is under the check. The label keeps it apart from the tokens of dialogs. */
static void set_path_parts(struct slice parts[2], const unsigned char claims[PATH_CLAIMS_SIZE])
{
	parts[0] = SLICE("path ");
	parts[1] = slice_from(claims, PATH_CLAIMS_SIZE);
}

bool put_path_token(struct writer *out, struct mac *mac, const struct path_token *token)
{
	unsigned char bytes[PATH_TOKEN_SIZE] = { PATH_VERSION }, *at = bytes + 1;
	struct slice parts[2];

	at = write_u64(at, token->flow);
	at = write_u64(at, (uint64_t)token->phone);
	write_u64(at, (uint64_t)token->home);
	set_path_parts(parts, bytes);
	if (!mac_make(mac, parts, 2, bytes + PATH_CLAIMS_SIZE, TAG_SIZE))
		return false;
	put_base64url(out, bytes, sizeof bytes);
	return true;
}

bool path_token_parse(struct mac *mac, struct slice text, struct path_token *ret_token)
{
	unsigned char bytes[PATH_TOKEN_SIZE] = { 0 };
	const unsigned char *at = bytes + 1;
	struct path_token token;
	struct slice parts[2];
	size_t n;

	if (text.len != PATH_TOKEN_LENGTH || !base64_decode(text, bytes, sizeof bytes, &n) ||
	    n != PATH_TOKEN_SIZE)
		return false;
	set_path_parts(parts, bytes);
	if (!mac_check(mac, parts, 2, slice_from(bytes + PATH_CLAIMS_SIZE, TAG_SIZE)) ||
	    bytes[0] != PATH_VERSION)
		return false;
	token.flow = read_u64(at);
	token.phone = (account_id)read_u64(at + 8);
	token.home = (account_id)read_u64(at + 16);
	*ret_token = token;
	return true;
}
