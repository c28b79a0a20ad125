#include "base/address.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/scan.h"

static const uint8_t v4_mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static size_t ip_len(const struct address *address)
{
	return address->family == ADDRESS_V4 ? 4 : 16;
}

static bool parse_v4(const char *text, struct address *address)
{
	address->family = ADDRESS_V4;
	return inet_pton(AF_INET, text, address->ip) == 1;
}

static bool parse_v6(const char *text, struct address *address)
{
	address->family = ADDRESS_V6;
	if (inet_pton(AF_INET6, text, address->ip) != 1)
		return false;
	if (memcmp(address->ip, v4_mapped, sizeof v4_mapped) == 0) {
		address->family = ADDRESS_V4;
		memmove(address->ip, address->ip + sizeof v4_mapped, 4);
		memset(address->ip + 4, 0, sizeof address->ip - 4);
	}
	return true;
}

bool address_parse_ip(struct slice text, struct address *ret_address)
{
	struct address address = { 0 };
	bool in_brackets = slice_starts(text, SLICE("[")) && slice_ends(text, SLICE("]"));
	char cstr[INET6_ADDRSTRLEN];

	if (in_brackets)
		text = slice_sub(text, 1, text.len - 2);
	if (text.len >= sizeof cstr || slice_find(text, '\0') < text.len)
		return false;
	if (text.len)
		memcpy(cstr, text.ptr, text.len);
	cstr[text.len] = '\0';
	if (!parse_v6(cstr, &address) && (in_brackets || !parse_v4(cstr, &address)))
		return false;
	*ret_address = address;
	return true;
}

/* Offset of the colon before the port: the one after the bracket, or the only one. */
static size_t port_colon(struct slice text)
{
	size_t bracket = slice_find(text, ']');

	return bracket < text.len ? bracket + 1 : slice_find(text, ':');
}

bool address_parse(struct slice text, struct address *ret_address)
{
	size_t colon = port_colon(text);
	struct scan port = scan_of(slice_sub(text, colon, text.len));
	struct address address;
	uint64_t number;

	if (!address_parse_ip(slice_sub(text, 0, colon), &address))
		return false;
	if (!scan_char(&port, ':') || !scan_number(&port, UINT16_MAX, &number) || !scan_done(&port))
		return false;
	address.port = (uint16_t)number;
	*ret_address = address;
	return true;
}

bool address_eq(const struct address *a, const struct address *b)
{
	return a->port == b->port && address_eq_ip(a, b);
}

bool address_eq_ip(const struct address *a, const struct address *b)
{
	return a->family == b->family && (a->family == ADDRESS_NONE || memcmp(a->ip, b->ip, ip_len(a)) == 0);
}

bool address_is_loopback(const struct address *address)
{
	static const uint8_t v6_loopback[16] = { [15] = 1 };

	switch (address->family) {
	case ADDRESS_V4: return address->ip[0] == 127;
	case ADDRESS_V6: return memcmp(address->ip, v6_loopback, sizeof v6_loopback) == 0;
	default: return false;
	}
}

static char *write_octet(char *to, unsigned octet)
{
	if (octet >= 100)
		*to++ = (char)('0' + octet / 100);
	if (octet >= 10)
		*to++ = (char)('0' + octet / 10 % 10);
	*to++ = (char)('0' + octet % 10);
	return to;
}

/* In every message several times, so not by inet_ntop(), which is a sprintf(). */
static void put_ipv4(struct writer *out, const uint8_t ip[4])
{
	char text[sizeof "255.255.255.255"], *end = write_octet(text, ip[0]);

	for (int i = 1; i < 4; i++) {
		*end++ = '.';
		end = write_octet(end, ip[i]);
	}
	put(out, slice_from(text, (size_t)(end - text)));
}

void put_ip(struct writer *out, const struct address *address)
{
	char cstr[INET6_ADDRSTRLEN];

	switch (address->family) {
	case ADDRESS_V4: put_ipv4(out, address->ip); return;
	case ADDRESS_V6:
		inet_ntop(AF_INET6, address->ip, cstr, sizeof cstr);
		put(out, slice_of(cstr));
		return;
	default: return;
	}
}

void put_host(struct writer *out, const struct address *address)
{
	bool in_brackets = address->family == ADDRESS_V6;

	if (in_brackets)
		put_char(out, '[');
	put_ip(out, address);
	if (in_brackets)
		put_char(out, ']');
}

void put_address(struct writer *out, const struct address *address)
{
	put_host(out, address);
	put_char(out, ':');
	put_number(out, address->port);
}
