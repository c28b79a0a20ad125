/*
 * What the phone shows: sentences for people, or with --json one object a line. Text that came from others is
 * escaped for a terminal.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/slice.h"
#include "base/writer.h"

struct output {
	bool json;
	void (*before)(void); /* called around each line if set: the line that is being typed makes room */
	void (*after)(void);
};

enum { OUTPUT_LINE_MAX = 20000 };

/* A JSON string of text from others; what is not UTF-8 is escaped. NULL without memory. */
json_t *output_string(struct slice text);

/* The event (taken over, may be NULL without memory) or, for people, the sentence; an empty one is not shown. */
void output_show(const struct output *output, json_t *event, struct slice sentence);
/* A sentence as with printf; arguments from others were escaped before. */
void output_say(const struct output *output, json_t *event, const char *format, ...) PRINTF_LIKE(3, 4);
