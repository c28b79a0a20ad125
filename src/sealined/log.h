/*
 * The log: one line an event on standard error, `ts level event key=value …` (logfmt) or one JSON object a
 * line. From any thread. A line is one write, or, of a thread that gathers them, a part of one.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/slice.h"
#include "base/writer.h"
#include "endpoint/action.h"

enum log_format { LOG_TEXT, LOG_JSON };

/* Before any thread starts. */
void log_set(enum log_format format, enum report_level level);
enum report_level log_level(void);

void log_report(const struct report *report);
/*
 * From here on the lines of this thread are gathered, as many as a pipe takes in one piece, until log_write_gathered() or
 * one that is a warning or worse, which is written at once behind them. So they may stand behind later ones of other threads.
 */
void log_gather(void);
/* Before the thread waits for something, and before it ends. */
void log_write_gathered(void);
/*
 * The fields, " key=value key=\"…\"", are formatted like printf; text that comes from elsewhere goes
 * through log_text().
 */
void log_event(enum report_level level, const char *event, const char *fields, ...) PRINTF_LIKE(3, 4);

/* Room for one escaped text; what is too long is cut. */
struct log_text {
	char text[600];
};
/* Escaped for a field in quotes, NUL-terminated; points into room. */
const char *log_text(struct log_text *room, struct slice text);

/*
 * The line without its time and its end, as it is written in a format; for tests and for the writer of the
 * log itself.
 */
void put_log_line(struct writer *out, enum log_format format, const struct report *report);
