/*
 * The branches that we write: unique in space and time, and a check under a key that only our workers know,
 * so that a response that comes back to another worker can be told from a made-up one and handed to the
 * worker that waits for it.
 *
 *	"z9hG4bK" base64url( worker (1 byte) | counter (8, its lowest first) | check (16) ) [ "." loop ]
 *
 * The checks of two counters, an even one and the odd one behind it, are the halves of one HMAC of the worker and what
 * they have in common: so each of the two knows as little of the other as any other bytes of an HMAC, and half as many
 * are made. An ACK to a 2xx, which nobody answers, has no check; its counters are others.
 *
 * What stands behind the dot is the proxy's: the same for every request that it would route in the same way, so that
 * it knows one that comes back unchanged (RFC 5393 §4.2.1).
 */
#include <endian.h>
#include <string.h>

#include "endpoint/state.h"

static const struct slice magic_cookie = SLICE_INIT("z9hG4bK");

enum { COUNTER_SIZE = 8, PLAIN_SIZE = 1 + COUNTER_SIZE, CHECK_SIZE = BRANCH_CHECKS_SIZE / 2 };

static void write_counter(unsigned char to[COUNTER_SIZE], uint64_t counter)
{
	const uint64_t lowest_first = htole64(counter);

	memcpy(to, &lowest_first, COUNTER_SIZE);
}

static uint64_t read_counter(const unsigned char from[COUNTER_SIZE])
{
	uint64_t lowest_first;

	memcpy(&lowest_first, from, COUNTER_SIZE);
	return le64toh(lowest_first);
}

/* Both checks of the pair of counters that the counter is one of. */
static bool make_checks(struct mac *mac, unsigned char worker, uint64_t counter,
			unsigned char ret_checks[BRANCH_CHECKS_SIZE])
{
	uint64_t pair = counter / 2;
	const struct slice parts[] = { slice_from(&worker, 1), slice_from(&pair, sizeof(pair)) };

	return mac_make(mac, parts, 2, ret_checks, BRANCH_CHECKS_SIZE);
}

static unsigned char *check_of(unsigned char checks[BRANCH_CHECKS_SIZE], uint64_t counter)
{
	return checks + counter % 2 * CHECK_SIZE;
}

bool branch_make(struct endpoint *endpoint, struct slice loop, char buf[BRANCH_SIZE_MAX],
		 struct slice *ret_branch)
{
	unsigned char bytes[PLAIN_SIZE + CHECK_SIZE] = { (unsigned char)endpoint->worker };
	struct writer out = writer_of(buf, BRANCH_SIZE_MAX);
	uint64_t counter = endpoint->branch_counter;

	/* those of an odd counter are there, made with the even one before */
	if (counter % 2 == 0 &&
	    !make_checks(endpoint->branch_mac, bytes[0], counter, endpoint->branch_checks))
		return false;
	endpoint->branch_counter++;
	write_counter(bytes + 1, counter);
	memcpy(bytes + PLAIN_SIZE, check_of(endpoint->branch_checks, counter), CHECK_SIZE);
	put(&out, magic_cookie);
	put_base64url(&out, bytes, sizeof(bytes));
	if (loop.len > 0)
		put_char(&out, '.');
	put(&out, loop);
	*ret_branch = writer_text(&out);
	return !out.overflow;
}

struct slice branch_of_ack(struct endpoint *endpoint, char buf[BRANCH_SIZE_MAX])
{
	unsigned char bytes[PLAIN_SIZE] = { (unsigned char)endpoint->worker };
	struct writer out = writer_of(buf, BRANCH_SIZE_MAX);

	write_counter(bytes + 1, endpoint->ack_counter++);
	put(&out, magic_cookie);
	put_base64url(&out, bytes, sizeof(bytes));
	return writer_text(&out);
}

bool branch_worker(const struct endpoint *endpoint, struct slice branch, unsigned *ret_worker)
{
	unsigned char bytes[PLAIN_SIZE + CHECK_SIZE] = { 0 }, checks[BRANCH_CHECKS_SIZE];
	uint64_t counter;
	size_t n;

	if (branch.len < BRANCH_SIZE || !slice_starts(branch, magic_cookie) ||
	    (branch.len > BRANCH_SIZE && branch.ptr[BRANCH_SIZE] != '.') ||
	    !base64_decode(slice_sub(branch, magic_cookie.len, BRANCH_SIZE - magic_cookie.len), bytes,
			   sizeof(bytes), &n) ||
	    n != sizeof(bytes))
		return false;
	counter = read_counter(bytes + 1);
	if (!make_checks(endpoint->branch_mac, bytes[0], counter, checks) ||
	    !slice_eq_secret(slice_from(bytes + PLAIN_SIZE, CHECK_SIZE),
			     slice_from(check_of(checks, counter), CHECK_SIZE)))
		return false;
	*ret_worker = bytes[0];
	return true;
}

/* The lowest 46 bits of the counter are in the eight characters behind the first of the base64, behind two of the worker. */
uint64_t branch_number(struct slice branch)
{
	struct slice text = slice_sub(branch, magic_cookie.len + 1, 8);
	uint64_t bits = 0;

	if (text.len < 8)
		return 0;
	for (size_t i = 0; i < 8; i++)
		bits = bits << 6 | base64_value(text.ptr[i]);
	return be64toh(bits << 18);
}

bool endpoint_via_loop(const struct endpoint *endpoint, const struct sip_via *via, struct slice *ret_loop)
{
	unsigned worker;

	if (!via_is_ours(endpoint, via) || !branch_worker(endpoint, via->branch, &worker))
		return false;
	*ret_loop = slice_sub(via->branch, BRANCH_SIZE + 1, via->branch.len);
	return true;
}
