#include "transport/private.h"

void websocket_begin(struct wire *wire, struct now now)
{
	wire_lose(wire,
		  &(struct wire_end){ .level = REPORT_WARNING,
				      .err = ERR_IO,
				      .why = SLICE("built without WebSocket (-Dserver=false)") },
		  now);
}

bool websocket_hear(struct wire *wire, struct slice bytes, struct now now)
{
	(void)wire, (void)bytes, (void)now;
	return false;
}

void websocket_send(struct wire *wire, struct slice message, struct now now)
{
	(void)wire, (void)message, (void)now;
}

bool websocket_close(struct wire *wire, struct now now)
{
	(void)wire, (void)now;
	return true;
}

void websocket_fini(struct wire *wire)
{
	(void)wire;
}
