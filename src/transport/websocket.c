/*
 * A connection whose stream is a WebSocket (RFC 7118): first the opening handshake, then each message of
 * the peer is a SIP message.
 */
#include "base/mem.h"
#include "transport/private.h"
#include "ws/frames.h"
#include "ws/upgrade.h"

enum { ANSWER_MAX = 1000 };

void websocket_begin(struct wire *wire, struct now now)
{
	wire->request = mem_alloc(WS_REQUEST_MAX);
	if (wire->request)
		wire_wait_for_request(wire);
	else
		wire_lose(wire,
			  &(struct wire_end){ .level = REPORT_WARNING,
					      .err = ERR_NOMEM,
					      .why = SLICE("no memory for it") },
			  now);
}

/* What the frames have left to be written. False: the wire is gone. */
static bool queue_output(struct wire *wire, struct now now)
{
	bool alive = wire_queue(wire, ws_output(wire->ws), now);

	if (alive)
		ws_forget_output(wire->ws);
	return alive;
}

static bool out_of_memory(struct wire *wire, struct now now)
{
	wire_lose(wire,
		  &(struct wire_end){ .level = REPORT_WARNING,
				      .err = ERR_NOMEM,
				      .why = SLICE("no memory for its messages") },
		  now);
	return false;
}

static bool hear_frames(struct wire *wire, struct slice bytes, struct now now)
{
	struct slice message;

	if (ws_input(wire->ws, bytes) != OK)
		return out_of_memory(wire, now);
	while (ws_next(wire->ws, &message))
		endpoint_input(wire->transport->config.endpoint, wire->id, message, now);
	if (!queue_output(wire, now))
		return false;
	if (!ws_end(wire->ws))
		return true;
	wire_finish(wire, ws_end(wire->ws), now);
	return false;
}

/* -- the opening handshake ------------------------------------------------------------------------------- */

static void report_upgrade(const struct wire *wire, const struct ws_upgrade *upgrade)
{
	char text[500];
	struct writer out = writer_of(text, sizeof text);

	if (!transport_reports(wire->transport, REPORT_INFO))
		return;
	put(&out, SLICE(" origin=\""));
	put_escaped(&out, upgrade->origin);
	put(&out, SLICE("\""));
	transport_report(wire->transport, &(struct report){ .level = REPORT_INFO,
							    .event = "websocket.opened",
							    .flow = wire->id,
							    .text = writer_text(&out) });
}

/* False: the wire is gone, or only waits until it is told so. */
static bool answer(struct wire *wire, const struct ws_upgrade *upgrade, struct now now)
{
	char text[ANSWER_MAX];
	struct writer out = writer_of(text, sizeof text);

	if (upgrade->status == 101)
		wire->ws = ws_new(wire->transport->config.limits.message);
	if ((upgrade->status == 101 && !wire->ws) ||
	    !put_ws_upgrade(&out, wire->transport->config.crypto, upgrade))
		return out_of_memory(wire, now);
	if (!wire_queue(wire, writer_text(&out), now))
		return false;
	if (upgrade->status != 101) {
		wire_finish(wire, upgrade->why, now);
		return false;
	}
	wire_open(wire, now);
	report_upgrade(wire, upgrade);
	return true;
}

/* The request may come in pieces, and frames right behind it. */
static bool hear_request(struct wire *wire, struct slice bytes, struct now now)
{
	struct slice fits = slice_sub(bytes, 0, WS_REQUEST_MAX - wire->n_request);
	struct ws_upgrade upgrade;

	memcpy(wire->request + wire->n_request, fits.ptr, fits.len);
	wire->n_request += fits.len;
	if (ws_upgrade_parse(slice_from(wire->request, wire->n_request), &upgrade) != OK)
		return true;
	char *request = TAKE(wire->request);
	struct slice behind = slice_sub(slice_from(request, wire->n_request), upgrade.length, WS_REQUEST_MAX);
	bool goes_on = answer(wire, &upgrade, now) && hear_frames(wire, behind, now) &&
		       hear_frames(wire, slice_sub(bytes, fits.len, bytes.len), now);
	mem_free(request);
	return goes_on;
}

/* -- an open one ----------------------------------------------------------------------------------------- */

bool websocket_hear(struct wire *wire, struct slice bytes, struct now now)
{
	return wire->ws ? hear_frames(wire, bytes, now) : hear_request(wire, bytes, now);
}

void websocket_send(struct wire *wire, struct slice message, struct now now)
{
	if (ws_send(wire->ws, message) == OK)
		(void)queue_output(wire, now);
	else
		(void)out_of_memory(wire, now);
}

bool websocket_close(struct wire *wire, struct now now)
{
	return ws_close(wire->ws) == OK ? queue_output(wire, now) : out_of_memory(wire, now);
}

void websocket_fini(struct wire *wire)
{
	ws_free(wire->ws);
	mem_free(wire->request);
}
