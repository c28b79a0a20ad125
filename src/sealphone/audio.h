/* The media of the phone's calls: their ports, and what the media thread tells of them. */
#pragma once

#include "sealphone/phone.h"

/* Ports for a new call; NULL with a message shown. Give it a call, or free it with audio_drop(). */
struct session *audio_reserve(struct phone *phone);
void audio_drop(struct session *session);
struct session *audio_find(struct phone *phone, uint64_t call);

/* The call has agreed on this. */
void audio_agree(struct phone *phone, uint64_t call, const struct sdp_media *agreed);
/* Silent or not as our user wants it now, before the other side has agreed to it. */
void audio_hold(struct phone *phone, uint64_t call);
/* The call is over; MEDIA_ENDED follows if it had media. */
void audio_end(struct phone *phone, uint64_t call);
/* Whether media of some call is still to end. */
bool audio_is_ending(const struct phone *phone);
void audio_take_events(struct phone *phone, struct now now);
