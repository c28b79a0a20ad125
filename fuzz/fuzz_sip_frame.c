/*
 * A stream: cut into frames as a whole, and as two pieces (the first byte says where). Both ways have to agree, and a
 * message that a frame holds has to end where the frame does.
 */
#include <assert.h>
#include <stdint.h>

#include "sip/frame.h"

/* What came out of a stream. */
struct outcome {
	size_t taken, n_messages;
	enum err err;
};

static void check_message(struct slice frame)
{
	struct sip_message *message;
	struct sip_fault fault;

	if (sip_message_parse(frame, &sip_limits_default, &message, &fault) != OK)
		return;
	if (message->fault.status == 0)
		assert(message->body.ptr + message->body.len == message->text.ptr + message->text.len);
	sip_message_free(message);
}

static void take_frames(struct sip_framer *framer, struct slice stream, struct outcome *outcome)
{
	for (;;) {
		struct slice unread = slice_sub(stream, outcome->taken, stream.len);
		struct sip_frame frame;

		outcome->err = sip_frame(framer, unread, &sip_limits_default, &frame);
		if (outcome->err != OK)
			return;
		assert(frame.bytes.len > 0 && frame.bytes.len <= unread.len);
		outcome->taken += frame.bytes.len;
		if (frame.kind == SIP_FRAME_MESSAGE) {
			outcome->n_messages++;
			check_message(frame.bytes);
		}
		*framer = (struct sip_framer){ 0 };
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sip_framer framer = { 0 }, framer_split = { 0 };
	struct outcome whole = { 0 }, split = { 0 };
	struct slice stream;

	if (size < 1)
		return 0;
	stream = slice_from(data + 1, size - 1);
	take_frames(&framer, stream, &whole);
	take_frames(&framer_split, slice_sub(stream, 0, data[0] * stream.len / 256), &split);
	if (split.err == ERR_MORE)
		take_frames(&framer_split, stream, &split);
	assert(split.err == whole.err || split.err == ERR_LIMIT || split.err == ERR_SYNTAX);
	assert(split.err != whole.err || split.n_messages == whole.n_messages);
	return 0;
}
