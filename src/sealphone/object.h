/* The JSON objects of events, piece by piece: each of these accepts NULL, which is an object that there was no memory for. */
#pragma once

#include <jansson.h>

#include "base/slice.h"
#include "base/verdict.h"

/* The value is taken over. */
void object_set(json_t *object, const char *key, json_t *value);
/* Text from others; nothing if it is empty. */
void object_set_some(json_t *object, const char *key, struct slice text);
/* A verdict as the server's log has it. */
json_t *object_of_verdict(const struct verdict *verdict);
