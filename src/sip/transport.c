#include "sip/transport.h"

struct slice transport_name(enum transport_protocol transport)
{
	static const struct slice names[] = {
		[TRANSPORT_TLS] = SLICE_INIT("TLS"), [TRANSPORT_TCP] = SLICE_INIT("TCP"),
		[TRANSPORT_UDP] = SLICE_INIT("UDP"), [TRANSPORT_WSS] = SLICE_INIT("WSS"),
		[TRANSPORT_WS] = SLICE_INIT("WS"),
	};

	return names[transport];
}
