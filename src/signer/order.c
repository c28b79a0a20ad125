#include "signer/order.h"

#include <stdint.h>

#include "base/scan.h"

enum {
	PAD_SIZE = 64, /* RFC 8446 §4.4.3: "A string that consists of octet 32 (0x20) repeated 64 times" */
	HASH_SHA256_SIZE = 32,
	HASH_SHA384_SIZE = 48,

	RANDOMS_SIZE = 64,   /* the client's and the server's */
	CURVE_HEAD_SIZE = 4, /* curve type, named curve, length of the point */
	CURVE_NAMED = 3,

	MESSAGE_HEAD_SIZE = 4, /* RFC 5246 §7.4: type and length */
};

static uint8_t byte_at(struct slice text, size_t at)
{
	return (uint8_t)text.ptr[at];
}

/* RFC 8446 §4.4.3; the hash is that of the cipher suite, SHA-256 or SHA-384. */
static bool is_certificate_verify(struct slice text)
{
	static const struct slice contexts[] = {
		SLICE_INIT("TLS 1.3, server CertificateVerify"),
		SLICE_INIT("TLS 1.3, client CertificateVerify"),
	};

	for (size_t i = 0; i < PAD_SIZE; i++)
		if (i >= text.len || text.ptr[i] != ' ')
			return false;
	text = slice_sub(text, PAD_SIZE, text.len);
	for (size_t i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++) {
		size_t hash = text.len - contexts[i].len - 1;

		if (text.len > contexts[i].len && slice_starts(text, contexts[i]) &&
		    text.ptr[contexts[i].len] == '\0')
			return hash == HASH_SHA256_SIZE || hash == HASH_SHA384_SIZE;
	}
	return false;
}

/* RFC 8422 §5.4: both randoms, then ServerECDHParams with a named curve and a point of its size. */
static bool is_server_key_exchange(struct slice text)
{
	static const struct {
		unsigned group; /* RFC 8422 §5.1.1 */
		size_t point;
	} groups[] = { { 23, 65 }, { 24, 97 }, { 25, 133 }, { 29, 32 }, { 30, 56 } };
	unsigned group;

	if (text.len < RANDOMS_SIZE + CURVE_HEAD_SIZE || byte_at(text, RANDOMS_SIZE) != CURVE_NAMED)
		return false;
	group = (unsigned)byte_at(text, RANDOMS_SIZE + 1) << 8 | byte_at(text, RANDOMS_SIZE + 2);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (groups[i].group == group)
			return byte_at(text, RANDOMS_SIZE + 3) == groups[i].point &&
			       text.len == RANDOMS_SIZE + CURVE_HEAD_SIZE + groups[i].point;
	return false;
}

/* RFC 5246 §7.3: from the ClientHello to the ClientKeyExchange, whole, in their order, some of them not always there. */
static bool is_transcript(struct slice text)
{
	static const uint8_t order[] = {
		1 /* client_hello */,        2 /* server_hello */,         11 /* certificate */,
		22 /* certificate_status */, 12 /* server_key_exchange */, 13 /* certificate_request */,
		14 /* server_hello_done */,  11 /* certificate */,         16 /* client_key_exchange */,
	};
	const size_t n = sizeof(order) / sizeof(order[0]);
	size_t at = 0, last = n;

	while (text.len) {
		size_t len;

		if (text.len < MESSAGE_HEAD_SIZE)
			return false;
		len = (size_t)byte_at(text, 1) << 16 | (size_t)byte_at(text, 2) << 8 | byte_at(text, 3);
		if (len > text.len - MESSAGE_HEAD_SIZE || (last == n && byte_at(text, 0) != order[0]))
			return false;
		while (at < n && order[at] != byte_at(text, 0))
			at++;
		if (at == n)
			return false;
		last = at++;
		text = slice_sub(text, MESSAGE_HEAD_SIZE + len, text.len);
	}
	return last == n - 1;
}

bool order_is_handshake(struct slice text)
{
	return is_certificate_verify(text) || is_server_key_exchange(text) || is_transcript(text);
}
