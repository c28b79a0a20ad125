/* What the tool prints: reports on standard output, as text or JSON; what went wrong on standard error. */
#pragma once

#include <stdbool.h>

#include <jansson.h>

#include "base/err.h"
#include "base/slice.h"

/* "sealine: " and a sentence that says what happened, with whom or what, and what to do; always returns false. */
bool complain(const char *format, ...) PRINTF_LIKE(1, 2);

/* For memory and other things that nothing can be done about. */
bool complain_of(enum err err);

/*
 * Prints the object on a line of its own and gives it back; a NULL object, for want of memory, or a standard output that
 * takes no more is complained of. Later prints cost nothing once one has failed.
 */
bool print_json(json_t *object);

/* Text from a message or a peer as a JSON string; what is not UTF-8 is escaped as in logs. NULL without memory. */
json_t *json_of_text(struct slice text);

/* The member of an object as text, empty if it is none; good as long as the object. */
struct slice text_member(const json_t *object, const char *name);

/* Calls print() for each element of a list, in order. */
void print_each(const json_t *list, void (*print)(const json_t *one));

/* Prints text from a peer, escaped, cut at 1,000 bytes. */
void print_escaped(struct slice text);

/* Prints an address or a domain, and beside it in letters what is internationalised. */
void print_domain_of(struct slice text);

/* Whether all of standard output was written; complains if not. */
bool output_is_written(void);
