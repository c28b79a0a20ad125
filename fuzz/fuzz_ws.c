/*
 * What a WebSocket's peer sends: taken as the request of the opening handshake, and, after its first byte, as
 * frames that arrive in pieces of the size which that byte says.
 */
#include <assert.h>
#include <stdint.h>

#include "ws/frames.h"
#include "ws/upgrade.h"

enum { MESSAGE_MAX = 2000 };

static void upgrade(struct slice text)
{
	static struct crypto *crypto;
	struct ws_upgrade upgrade;
	char answer[1000];
	struct writer out = writer_of(answer, sizeof answer);

	if (!crypto)
		crypto = crypto_new();
	if (!crypto || ws_upgrade_parse(text, &upgrade) != OK)
		return;
	assert(upgrade.length <= text.len);
	assert((upgrade.status == 101) == (upgrade.why == NULL));
	if (put_ws_upgrade(&out, crypto, &upgrade))
		assert(!out.overflow);
}

static void frames(struct slice stream, size_t piece)
{
	AUTO(ws) struct ws *ws = ws_new(MESSAGE_MAX);
	struct slice message;

	if (!ws)
		return;
	for (size_t at = 0; at < stream.len; at += piece) {
		if (ws_input(ws, slice_sub(stream, at, piece)) != OK)
			return;
		while (ws_next(ws, &message)) {
			assert(message.len > 0 && message.len <= MESSAGE_MAX);
			assert(ws_send(ws, message) != ERR_CLOSED || ws_end(ws));
		}
	}
	if (ws_close(ws) == OK)
		assert(ws_end(ws));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	upgrade(slice_from(data, size));
	if (size > 1)
		frames(slice_from(data + 1, size - 1), data[0] ? data[0] : size);
	return 0;
}
