/* Calls from alice to bob's phones, in the world of one worker. */
#pragma once

#include <string.h>

#include "world.h"

/* An INVITE to bob with alice's Contact. */
extern const struct ask invite;

/* A world in which bob has one phone; what it was sent of alice's INVITE, which the caller frees. */
struct world *call(struct sip_message **ret_at_bob);
/* The same with two phones, the first with a q of 1. */
struct world *fork_call(const char *contact, const char *other_contact, uint16_t other_q);

bool has(struct slice text, const char *needle);
size_t count(struct slice text, const char *needle);

#define assert_has(text, needle)                                                   \
	do {                                                                       \
		struct slice text_ = (text);                                       \
		if (!has(text_, needle))                                           \
			fail_msg("no \"%s\" in:\n%.*s", needle, SLICE_FMT(text_)); \
	} while (0)
#define assert_lacks(text, needle)                                                \
	do {                                                                      \
		struct slice text_ = (text);                                      \
		if (has(text_, needle))                                           \
			fail_msg("a \"%s\" in:\n%.*s", needle, SLICE_FMT(text_)); \
	} while (0)
