/* An IP address and port as values, and their text forms; nothing here knows a socket. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/writer.h"

enum address_family { ADDRESS_NONE, ADDRESS_V4, ADDRESS_V6 };

struct address {
	uint8_t family; /* enum address_family */
	uint16_t port;
	uint8_t ip[16]; /* network byte order; the first 4 for IPv4. An IPv4-mapped IPv6 address is stored as
			   IPv4 */
};

/* IPv4address, or IPv6address with or without brackets (RFC 3261 §25.1); no name, no zone, no port. */
bool address_parse_ip(struct slice text, struct address *ret_address);
/* "1.2.3.4:5061", "[::1]:5061". The port is required. */
bool address_parse(struct slice text, struct address *ret_address);

bool address_eq(const struct address *a, const struct address *b);    /* ip and port */
bool address_eq_ip(const struct address *a, const struct address *b); /* ip only */
bool address_is_loopback(const struct address *address);

void put_ip(struct writer *out, const struct address *address);      /* 1.2.3.4 or ::1, RFC 5952 */
void put_host(struct writer *out, const struct address *address);    /* 1.2.3.4 or [::1] */
void put_address(struct writer *out, const struct address *address); /* host:port */
