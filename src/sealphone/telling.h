/* How events are told, of whatever they are: what all their objects and sentences have in common. */
#pragma once

#include "sealphone/phone.h"

enum { EVENT_TEXT_MAX = 2048 };

/* Text from others as a C string that may be printed. */
struct shown {
	char text[EVENT_TEXT_MAX];
};
const char *show_text(struct shown *shown, struct slice text);
/* The same of an address, with its domain in letters beside it where it is internationalised. */
const char *show_address(struct shown *shown, struct slice address);

/* The object that each event begins with. */
json_t *event_object(const char *name, const struct ua_event *event);
/* What has happened, for people: "Busy". */
const char *event_what(enum ua_cause cause);
/* Why, in words; a server of our make ends them with the code of its verdict. */
struct slice event_why(const struct ua_event *event);
/* Of what has failed: cause, status, text, and the verdict or its code. */
void event_set_cause(json_t *object, const struct ua_event *event);

/* What it means for the account or the watch, why, what to do about it, and when it is tried again. */
void event_show_error(struct phone *phone, const struct ua_event *event, const char *what);
/* Below what people are told; machines have it in the object. */
void event_show_line(struct phone *phone, const char *what, struct slice text);
