/*
 * The branches that we write: unique in space and time, and a check under a key that only our workers know,
 * so that a response that comes back to another worker can be told from a made-up one and handed to the
 * worker that waits for it.
 *
 *	"z9hG4bK" base64url( worker (1 byte) | counter (8) | HMAC of both (16) ) [ "." loop ]
 *
 * What stands behind the dot is the proxy's: the same for every request that it would route in the same way, so that
 * it knows one that comes back unchanged (RFC 5393 §4.2.1).
 */
#include <string.h>

#include "endpoint/state.h"

static const struct slice magic_cookie = SLICE_INIT("z9hG4bK");

enum { PLAIN_SIZE = 9, CHECK_SIZE = 16 };

bool branch_make(struct endpoint *endpoint, struct slice loop, char buf[BRANCH_SIZE_MAX],
		 struct slice *ret_branch)
{
	unsigned char bytes[PLAIN_SIZE + CHECK_SIZE] = { 0 };
	struct slice plain = slice_from(bytes, PLAIN_SIZE);
	struct writer out = writer_of(buf, BRANCH_SIZE_MAX);

	endpoint->branch_counter++;
	bytes[0] = (unsigned char)endpoint->worker;
	memcpy(bytes + 1, &endpoint->branch_counter, 8);
	if (!mac_make(endpoint->branch_mac, &plain, 1, bytes + PLAIN_SIZE, CHECK_SIZE))
		return false;
	put(&out, magic_cookie);
	put_base64url(&out, bytes, sizeof(bytes));
	if (loop.len > 0)
		put_char(&out, '.');
	put(&out, loop);
	*ret_branch = writer_text(&out);
	return !out.overflow;
}

bool branch_worker(const struct endpoint *endpoint, struct slice branch, unsigned *ret_worker)
{
	unsigned char bytes[PLAIN_SIZE + CHECK_SIZE] = { 0 };
	struct slice plain = slice_from(bytes, PLAIN_SIZE);
	size_t n;

	if (branch.len < BRANCH_SIZE || !slice_starts(branch, magic_cookie) ||
	    (branch.len > BRANCH_SIZE && branch.ptr[BRANCH_SIZE] != '.') ||
	    !base64_decode(slice_sub(branch, magic_cookie.len, BRANCH_SIZE - magic_cookie.len), bytes,
			   sizeof(bytes), &n) ||
	    n != sizeof(bytes))
		return false;
	if (!mac_check(endpoint->branch_mac, &plain, 1, slice_from(bytes + PLAIN_SIZE, CHECK_SIZE)))
		return false;
	*ret_worker = bytes[0];
	return true;
}

bool endpoint_via_loop(const struct endpoint *endpoint, const struct sip_via *via, struct slice *ret_loop)
{
	unsigned worker;

	if (!via_is_ours(endpoint, via) || !branch_worker(endpoint, via->branch, &worker))
		return false;
	*ret_loop = slice_sub(via->branch, BRANCH_SIZE + 1, via->branch.len);
	return true;
}
