#include "ws/frames.h"

#include <string.h>

#include <wslay/wslay.h>

#include "base/list.h"
#include "base/mem.h"

struct message {
	struct link link;
	size_t len; /* the bytes follow */
};

struct buffer {
	char *bytes;
	size_t n, size;
};

struct ws {
	wslay_event_context_ptr context;
	size_t message_max;
	struct slice input;   /* what wslay has not fetched yet */
	bool is_control;      /* the frame that is being read */
	struct buffer joined; /* the message so far */
	struct buffer output;
	struct list messages;
	struct message *given; /* by ws_next() */
	bool out_of_memory;
	bool closed_by_us;
};

/* -- memory ---------------------------------------------------------------------------------------------- */

static bool append(struct buffer *buffer, const void *bytes, size_t n)
{
	size_t size = buffer->size ? buffer->size : 512;

	while (size < buffer->n + n)
		size *= 2;
	if (size > buffer->size) {
		char *more = mem_resize(buffer->bytes, size);

		if (!more)
			return false;
		buffer->bytes = more;
		buffer->size = size;
	}
	if (n > 0)
		memcpy(buffer->bytes + buffer->n, bytes, n);
	buffer->n += n;
	return true;
}

/* Between messages nothing is kept: most connections are silent most of the time. */
static void empty(struct buffer *buffer)
{
	mem_free(buffer->bytes);
	*buffer = (struct buffer){ 0 };
}

/* -- what wslay calls ------------------------------------------------------------------------------------ */

static ssize_t give_input(wslay_event_context_ptr context, uint8_t *buf, size_t len, int flags, void *arg)
{
	struct ws *ws = arg;
	struct slice piece = slice_sub(ws->input, 0, len);

	(void)flags;
	if (piece.len == 0 || ws->out_of_memory) {
		wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	memcpy(buf, piece.ptr, piece.len);
	ws->input = slice_sub(ws->input, piece.len, ws->input.len);
	return (ssize_t)piece.len;
}

static ssize_t take_output(wslay_event_context_ptr context, const uint8_t *data, size_t len, int flags,
			   void *arg)
{
	struct ws *ws = arg;

	(void)flags;
	if (!append(&ws->output, data, len)) {
		ws->out_of_memory = true;
		wslay_event_set_error(context, WSLAY_ERR_CALLBACK_FAILURE);
		return -1;
	}
	return (ssize_t)len;
}

static void begin_frame(wslay_event_context_ptr context,
			const struct wslay_event_on_frame_recv_start_arg *frame, void *arg)
{
	struct ws *ws = arg;

	(void)context;
	ws->is_control = wslay_is_ctrl_frame(frame->opcode);
}

/* wslay compares the length of each frame with the maximum, but not that of all fragments together. */
static void take_chunk(wslay_event_context_ptr context,
		       const struct wslay_event_on_frame_recv_chunk_arg *chunk, void *arg)
{
	struct ws *ws = arg;

	if (ws->is_control)
		return;
	if (ws->joined.n + chunk->data_length > ws->message_max) {
		ws->out_of_memory |= wslay_event_queue_close(context, WSLAY_CODE_MESSAGE_TOO_BIG, NULL, 0) ==
				     WSLAY_ERR_NOMEM;
		wslay_event_shutdown_read(context);
	} else if (!append(&ws->joined, chunk->data, chunk->data_length)) {
		ws->out_of_memory = true;
	}
}

static void end_message(wslay_event_context_ptr context, const struct wslay_event_on_msg_recv_arg *end,
			void *arg)
{
	struct ws *ws = arg;
	struct message *message;

	if (wslay_is_ctrl_frame(end->opcode) || ws->joined.n == 0 || ws->out_of_memory ||
	    !wslay_event_get_read_enabled(context))
		return;
	message = mem_alloc(sizeof *message + ws->joined.n);
	if (message) {
		*message = (struct message){ .len = ws->joined.n };
		memcpy(message + 1, ws->joined.bytes, ws->joined.n);
		list_append(&ws->messages, &message->link);
	} else {
		ws->out_of_memory = true;
	}
	empty(&ws->joined);
}

/* -- life ------------------------------------------------------------------------------------------------ */

struct ws *ws_new(size_t message_max)
{
	static const struct wslay_event_callbacks callbacks = {
		.recv_callback = give_input,
		.send_callback = take_output,
		.on_frame_recv_start_callback = begin_frame,
		.on_frame_recv_chunk_callback = take_chunk,
		.on_msg_recv_callback = end_message,
	};
	struct ws *ws = mem_new(struct ws);

	if (!ws)
		return NULL;
	ws->message_max = message_max;
	list_init(&ws->messages);
	if (wslay_event_context_server_init(&ws->context, &callbacks, ws) != 0) {
		mem_free(ws);
		return NULL;
	}
	/* We join the fragments: wslay would keep each of them in an allocation of its own. */
	wslay_event_config_set_no_buffering(ws->context, 1);
	wslay_event_config_set_max_recv_msg_length(ws->context, message_max);
	return ws;
}

void ws_free(struct ws *ws)
{
	struct link *link;

	if (!ws)
		return;
	while ((link = list_take_first(&ws->messages)))
		mem_free(CONTAINER_OF(link, struct message, link));
	wslay_event_context_free(ws->context);
	mem_free(ws->given);
	empty(&ws->joined);
	empty(&ws->output);
	mem_free(ws);
}

/* -- in -------------------------------------------------------------------------------------------------- */

static enum err flush(struct ws *ws)
{
	if (wslay_event_want_write(ws->context) && wslay_event_send(ws->context) != 0)
		return ERR_NOMEM;
	return ws->out_of_memory ? ERR_NOMEM : OK;
}

enum err ws_input(struct ws *ws, struct slice bytes)
{
	ws->input = bytes;
	/* WSLAY_ERR_CALLBACK_FAILURE: a bad frame header, for which it has queued a close without a code. */
	if (wslay_event_recv(ws->context) == WSLAY_ERR_NOMEM)
		return ERR_NOMEM;
	ws->input = slice_of(NULL);
	return flush(ws);
}

bool ws_next(struct ws *ws, struct slice *ret_message)
{
	struct link *link = list_take_first(&ws->messages);

	mem_free(TAKE(ws->given));
	if (!link)
		return false;
	ws->given = CONTAINER_OF(link, struct message, link);
	*ret_message = slice_from(ws->given + 1, ws->given->len);
	return true;
}

const char *ws_end(const struct ws *ws)
{
	if (wslay_event_get_read_enabled(ws->context) && !ws->closed_by_us)
		return NULL;
	if (wslay_event_get_close_received(ws->context))
		return "the peer closed the WebSocket";
	if (ws->closed_by_us)
		return "we closed the WebSocket";
	switch (wslay_event_get_status_code_sent(ws->context)) {
	case WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA: return "a text message was not UTF-8";
	case WSLAY_CODE_MESSAGE_TOO_BIG: return "a message was longer than allowed";
	default: return "it broke the WebSocket protocol";
	}
}

/* -- out ------------------------------------------------------------------------------------------------- */

/* The bytes that may follow the first one of a sequence: how many, and from where to where the second may be. */
struct sequence {
	unsigned n;
	unsigned char from, to;
};

/* RFC 3629 §4 */
static struct sequence sequence_of(unsigned char first)
{
	if (first < 0x80)
		return (struct sequence){ 0, 0, 0 };
	if (first >= 0xc2 && first <= 0xdf)
		return (struct sequence){ 1, 0x80, 0xbf };
	if (first >= 0xe0 && first <= 0xef)
		return (struct sequence){ 2, first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf };
	if (first >= 0xf0 && first <= 0xf4)
		return (struct sequence){ 3, first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf };
	return (struct sequence){ 1, 1, 0 }; /* no second byte is right */
}

static bool is_utf8(struct slice text)
{
	const unsigned char *at = (const unsigned char *)text.ptr, *end = at + text.len;

	while (at < end) {
		struct sequence sequence = sequence_of(*at++);

		if ((size_t)(end - at) < sequence.n)
			return false;
		for (unsigned i = 0; i < sequence.n; i++, at++)
			if (i == 0 ? *at < sequence.from || *at > sequence.to : (*at & 0xc0) != 0x80)
				return false;
	}
	return true;
}

enum err ws_send(struct ws *ws, struct slice message)
{
	struct wslay_event_msg msg = {
		.opcode = is_utf8(message) ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME,
		.msg = (const uint8_t *)message.ptr,
		.msg_length = message.len,
	};
	int result = wslay_event_queue_msg(ws->context, &msg);

	if (result == WSLAY_ERR_NO_MORE_MSG)
		return ERR_CLOSED;
	return result == 0 ? flush(ws) : ERR_NOMEM;
}

enum err ws_close(struct ws *ws)
{
	int result = wslay_event_queue_close(ws->context, WSLAY_CODE_NORMAL_CLOSURE, NULL, 0);

	ws->closed_by_us = true;
	if (result == WSLAY_ERR_NO_MORE_MSG)
		return OK;
	return result == 0 ? flush(ws) : ERR_NOMEM;
}

struct slice ws_output(const struct ws *ws)
{
	return slice_from(ws->output.bytes, ws->output.n);
}

void ws_forget_output(struct ws *ws)
{
	empty(&ws->output);
}
