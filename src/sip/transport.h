/* The transports of SIP (RFC 3261 §18, RFC 7118) and what sets them apart. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

enum transport_protocol { TRANSPORT_TLS, TRANSPORT_TCP, TRANSPORT_UDP, TRANSPORT_WSS, TRANSPORT_WS };

/* "TLS", "TCP" …: as in a Via. */
struct slice transport_name(enum transport_protocol transport);
/* Whether bytes on it are encrypted. */
static inline bool transport_is_secure(enum transport_protocol transport)
{
	return transport == TRANSPORT_TLS || transport == TRANSPORT_WSS;
}
/* Whether it delivers what it takes, so that transactions need not repeat themselves (RFC 3261 §17). */
static inline bool transport_is_reliable(enum transport_protocol transport)
{
	return transport != TRANSPORT_UDP;
}
/* Whether it is a stream of bytes, in which Content-Length separates messages (RFC 3261 §18.3; RFC 7118 §5). */
static inline bool transport_is_stream(enum transport_protocol transport)
{
	return transport == TRANSPORT_TLS || transport == TRANSPORT_TCP;
}
