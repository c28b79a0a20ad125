#include "sealined/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/scan.h"

enum { LINE_MAX_SIZE = 4096 }; /* also PIPE_BUF: up to there lines of several threads do not mix in a pipe */

/* Of a thread that gathers its lines. */
static _Thread_local struct {
	bool is_on;
	size_t n;
	char lines[LINE_MAX_SIZE];
} gathered;

static enum log_format format_now;
static enum report_level level_now = REPORT_INFO;

static const char *const level_names[] = {
	[REPORT_ERROR] = "error",
	[REPORT_WARNING] = "warning",
	[REPORT_INFO] = "info",
	[REPORT_DEBUG] = "debug",
};

void log_set(enum log_format format, enum report_level level)
{
	format_now = format;
	level_now = level;
}

enum report_level log_level(void)
{
	return level_now;
}

/* Our escapes are those of JSON, but for \xHH, which stays as it is read. */
static void put_json_value(struct writer *out, struct slice value)
{
	put_char(out, '"');
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] == '\\' && i + 1 < value.len) {
			put(out, value.ptr[i + 1] == 'x' ? SLICE("\\\\") : SLICE("\\"));
			put_char(out, value.ptr[++i]);
		} else {
			put_char(out, value.ptr[i]);
		}
	}
	put_char(out, '"');
}

/* key=value or key="value with \" in it" */
static bool scan_field(struct scan *in, struct slice *ret_key, struct slice *ret_value)
{
	while (scan_char(in, ' '))
		;
	if (!scan_until(in, '=', ret_key) || !scan_char(in, '='))
		return false;
	if (!scan_char(in, '"')) {
		if (!scan_until(in, ' ', ret_value)) {
			*ret_value = scan_rest(in);
			in->at = in->end;
		}
		return true;
	}
	const char *from = in->at;
	while (!scan_done(in) && scan_peek(in) != '"')
		in->at += scan_peek(in) == '\\' && in->at + 1 < in->end ? 2 : 1;
	*ret_value = scan_since(in, from);
	return scan_char(in, '"');
}

static void put_json_member(struct writer *out, struct slice key, struct slice value)
{
	put(out, SLICE(",\""));
	put(out, key);
	put(out, SLICE("\":"));
	put_json_value(out, value);
}

static struct slice flow_text(char buf[20], flow_id flow)
{
	return slice_from(buf, (size_t)snprintf(buf, 20, "%" PRIx64, flow));
}

enum { CALL_ID_MAX = 300 };

/* Escaped, and no more of it than leaves the fields behind it their place. */
static struct slice call_id_of(const struct report *report, char buf[CALL_ID_MAX])
{
	struct writer out = writer_of(buf, CALL_ID_MAX);

	put_escaped(&out, report->call_id);
	return writer_text(&out);
}

static void put_json(struct writer *out, const struct report *report)
{
	struct scan in = scan_of(report->text);
	char buf[20], call_id[CALL_ID_MAX];
	struct slice key, value;

	put(out, SLICE("\"level\":\""));
	put(out, slice_of(level_names[report->level]));
	put(out, SLICE("\",\"event\":\""));
	put(out, slice_of(report->event));
	put_char(out, '"');
	if (report->flow)
		put_json_member(out, SLICE("flow"), flow_text(buf, report->flow));
	if (report->call_id.len > 0)
		put_json_member(out, SLICE("call_id"), call_id_of(report, call_id));
	while (scan_field(&in, &key, &value))
		put_json_member(out, key, value);
}

static void put_text(struct writer *out, const struct report *report)
{
	char buf[20], call_id[CALL_ID_MAX];

	put(out, slice_of(level_names[report->level]));
	put_char(out, ' ');
	put(out, slice_of(report->event));
	if (report->flow) {
		put(out, SLICE(" flow="));
		put(out, flow_text(buf, report->flow));
	}
	if (report->call_id.len > 0) {
		put(out, SLICE(" call_id=\""));
		put(out, call_id_of(report, call_id));
		put_char(out, '"');
	}
	put(out, report->text);
}

void put_log_line(struct writer *out, enum log_format format, const struct report *report)
{
	if (format == LOG_JSON)
		put_json(out, report);
	else
		put_text(out, report);
}

/* "2026-11-27T17:03:59"; each thread keeps that of the second. */
static struct slice text_of_second(time_t second)
{
	static _Thread_local time_t last = -1;
	static _Thread_local char text[40];
	static _Thread_local size_t n;
	struct tm parts;

	if (second != last) {
		gmtime_r(&second, &parts);
		n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
		last = second;
	}
	return slice_from(text, n);
}

static void put_time(struct writer *out)
{
	struct timespec now;
	char text[10];

	clock_gettime(CLOCK_REALTIME, &now);
	put(out, text_of_second(now.tv_sec));
	size_t n = (size_t)snprintf(text, sizeof text, ".%03ldZ", now.tv_nsec / 1000000);
	put(out, slice_from(text, n));
}

/* In one piece, so that lines of several threads do not mix. */
static void write_all(struct slice lines)
{
	if (write(STDERR_FILENO, lines.ptr, lines.len) < 0)
		return; /* there is nobody to tell */
}

void log_gather(void)
{
	gathered.is_on = true;
}

void log_write_gathered(void)
{
	if (gathered.n > 0)
		write_all(slice_from(gathered.lines, gathered.n));
	gathered.n = 0;
}

static void write_or_gather(struct slice line, enum report_level level)
{
	if (gathered.n + line.len > sizeof gathered.lines)
		log_write_gathered();
	if (!gathered.is_on) {
		write_all(line);
		return;
	}
	memcpy(gathered.lines + gathered.n, line.ptr, line.len);
	gathered.n += line.len;
	if (level <= REPORT_WARNING)
		log_write_gathered();
}

void log_report(const struct report *report)
{
	char line[LINE_MAX_SIZE];
	struct writer out = writer_of(line, sizeof line - 2);
	bool json = format_now == LOG_JSON;

	if (report->level > log_level())
		return;
	put(&out, json ? SLICE("{\"ts\":\"") : SLICE(""));
	put_time(&out);
	put(&out, json ? SLICE("\",") : SLICE(" "));
	put_log_line(&out, format_now, report);
	out.size = sizeof line;
	put(&out, json ? SLICE("}\n") : SLICE("\n"));
	write_or_gather(writer_text(&out), report->level);
}

void log_event(enum report_level level, const char *event, const char *fields, ...)
{
	char text[LINE_MAX_SIZE - 300];
	va_list args;

	if (level > log_level())
		return;
	va_start(args, fields);
	int n = vsnprintf(text, sizeof text, fields, args);
	va_end(args);
	size_t len = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
	log_report(&(struct report){ .level = level, .event = event, .text = slice_from(text, len) });
}

const char *log_text(struct log_text *room, struct slice text)
{
	struct writer out = writer_of(room->text, sizeof room->text - 1);

	put_escaped(&out, slice_sub(text, 0, out.size)); /* a run that does not fit would be left out whole */
	room->text[out.len] = '\0';
	return room->text;
}
