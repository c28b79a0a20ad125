#include "endpoint/stun.h"

enum {
	HEADER_SIZE = 20,
	COOKIE = 0x2112a442,
	BINDING_REQUEST = 0x0001,
	BINDING_SUCCESS = 0x0101,
	BINDING_ERROR = 0x0111,
	ERROR_CODE = 0x0009,
	UNKNOWN_ATTRIBUTES = 0x000a,
	XOR_MAPPED_ADDRESS = 0x0020,
	OPTIONAL = 0x8000, /* attributes from here on need not be understood (RFC 5389 §15) */
	UNKNOWN_MAX = 8,   /* that are named in an answer */
};

static unsigned read16(struct slice bytes, size_t at)
{
	return (unsigned)(unsigned char)bytes.ptr[at] << 8 | (unsigned char)bytes.ptr[at + 1];
}

static void put16(struct writer *out, unsigned value)
{
	put_char(out, (char)(value >> 8));
	put_char(out, (char)value);
}

static void put32(struct writer *out, unsigned value)
{
	put16(out, value >> 16);
	put16(out, value & 0xffff);
}

/* RFC 5389 §6 */
bool stun_is(struct slice datagram)
{
	return datagram.len >= HEADER_SIZE && (datagram.ptr[0] & 0xc0) == 0 &&
	       (read16(datagram, 4) << 16 | read16(datagram, 6)) == COOKIE && read16(datagram, 2) % 4 == 0 &&
	       read16(datagram, 2) == datagram.len - HEADER_SIZE;
}

static size_t padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* Those of RFC 5389 §15 that may stand in a request; we ask for no proof and look into none of them. */
static bool is_known(unsigned type)
{
	static const unsigned known[] = { 0x0001, 0x0006, 0x0008, 0x0014, 0x0015 };

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (known[i] == type)
			return true;
	return type >= OPTIONAL;
}

/* Walks the attributes; false if they do not fill the message. */
static bool find_unknown(struct slice datagram, unsigned ret_unknown[UNKNOWN_MAX], size_t *ret_n)
{
	size_t at = HEADER_SIZE, n = 0;

	while (datagram.len - at >= 4) {
		unsigned type = read16(datagram, at);
		size_t size = 4 + padded(read16(datagram, at + 2));

		if (size > datagram.len - at)
			return false;
		if (!is_known(type) && n < UNKNOWN_MAX)
			ret_unknown[n++] = type;
		at += size;
	}
	*ret_n = n;
	return at == datagram.len;
}

/* The type, a length, the cookie, and the transaction of the request. */
static void put_head(struct writer *out, unsigned type, size_t length, struct slice request)
{
	put16(out, type);
	put16(out, (unsigned)length);
	put(out, slice_sub(request, 4, HEADER_SIZE - 4));
}

/* RFC 5389 §15.2: the address, combined with the cookie and the transaction, so that no NAT rewrites it. */
static void put_mapped_address(struct writer *out, const struct address *peer, struct slice request)
{
	bool is_v4 = peer->family == ADDRESS_V4;
	size_t n = is_v4 ? 4 : 16;

	put16(out, XOR_MAPPED_ADDRESS);
	put16(out, (unsigned)(4 + n));
	put16(out, is_v4 ? 1 : 2);
	put16(out, peer->port ^ (COOKIE >> 16));
	for (size_t i = 0; i < n; i++)
		put_char(out, (char)(peer->ip[i] ^ (unsigned char)request.ptr[4 + i]));
}

static void put_error(struct writer *out, struct slice request, const unsigned unknown[], size_t n)
{
	static const struct slice phrase = SLICE_INIT("Unknown Attribute   "); /* of 17, padded */
	const size_t phrase_len = 17;

	put_head(out, BINDING_ERROR, 4 + 4 + phrase.len + 4 + padded(2 * n), request);
	put16(out, ERROR_CODE);
	put16(out, (unsigned)(4 + phrase_len));
	put32(out, 4 << 8 | 20);
	put(out, phrase);
	put16(out, UNKNOWN_ATTRIBUTES);
	put16(out, (unsigned)(2 * n));
	for (size_t i = 0; i < n; i++)
		put16(out, unknown[i]);
	if (n % 2)
		put16(out, 0);
}

void put_stun_answer(struct writer *out, struct slice datagram, const struct address *peer)
{
	unsigned unknown[UNKNOWN_MAX];
	size_t n;

	if (!stun_is(datagram) || read16(datagram, 0) != BINDING_REQUEST ||
	    !find_unknown(datagram, unknown, &n))
		return;
	if (n > 0) {
		put_error(out, datagram, unknown, n);
		return;
	}
	put_head(out, BINDING_SUCCESS, peer->family == ADDRESS_V4 ? 12 : 24, datagram);
	put_mapped_address(out, peer, datagram);
}
