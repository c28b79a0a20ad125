/* Where sound comes from and goes to, a frame of 20 ms at a time, never waiting. For the files of this room. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/own.h"
#include "media/audio.h"
#include "media/event.h"
#include "media/media.h"

struct source;
struct sink;

/*
 * text: why it could not be opened, as a sentence; also set, with OK, when MEDIA_DEVICE_AUTO came down to silence.
 * ERR_NOMEM, or whatever the file or device said.
 */
MUST_CHECK enum err source_open(const struct media_device *device, struct source **ret_source,
				char text[MEDIA_MAX_TEXT]);
void source_free(struct source *source);
OWN(source)

enum source_result {
	SOURCE_SOUND,
	SOURCE_ENDED, /* once: the file has no more; silence from here on */
	SOURCE_GONE,  /* once: the device failed; silence from here on */
};

/* Always fills the frame. */
enum source_result source_read(struct source *source, int16_t pcm[AUDIO_FRAME]);
/* Whether it has to be read even when nobody wants the sound. */
bool source_is_live(const struct source *source);

MUST_CHECK enum err sink_open(const struct media_device *device, struct sink **ret_sink,
			      char text[MEDIA_MAX_TEXT]);
void sink_free(struct sink *sink);
OWN(sink)

/* False once: the device failed, and nothing is heard from here on. */
bool sink_write(struct sink *sink, const int16_t pcm[AUDIO_FRAME]);
