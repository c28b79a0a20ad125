#include "sealphone/console.h"

#include <unistd.h>

#include "sealphone/audio.h"
#include "sealphone/editor.h"

enum { LINE_SIZE = 4096 };

/* The editor calls back without an argument: there is one terminal, and one phone at it. */
static struct {
	struct phone *phone;
	struct now now;
	bool is_edited;       /* the line that is typed; else */
	char line[LINE_SIZE]; /* it comes as it is */
	size_t len;
	bool is_too_long; /* what comes up to its end is dropped */
} console;

/* -- commands ---------------------------------------------------------------------------------------- */

static void refuse(struct phone *phone, const char *why)
{
	output_say(&phone->output, json_pack("{s:s, s:s}", "event", "error", "text", why), "%s", why);
}

static struct slice next_word(struct slice *line)
{
	struct slice rest = slice_trim(*line);
	struct slice word = slice_sub(rest, 0, slice_find(rest, ' '));

	*line = slice_trim(slice_sub(rest, word.len, rest.len));
	return word;
}

static bool is_on_hold(const struct phone *phone)
{
	struct ua_call_view call;

	return ua_call_view(phone->ua, phone->current, &call) && call.on_hold;
}

static void do_call(struct phone *phone, struct slice rest, struct now now)
{
	if (rest.len == 0)
		refuse(phone, "Call whom?");
	else if (phone->aside != 0)
		refuse(phone, "There are two calls already; hangup ends one.");
	else if (phone->current != 0 && !is_on_hold(phone))
		refuse(phone, "There is a call already; hangup ends it, and hold makes room for another.");
	else
		phone_call(phone, rest, now);
}

static void do_answer(struct phone *phone, struct slice rest, struct now now)
{
	(void)rest;
	phone_answer(phone, phone->current, now);
}

static void do_reject(struct phone *phone, struct slice rest, struct now now)
{
	unsigned status = slice_eq(rest, SLICE("busy")) ? 486 : 603;

	if (ua_reject(phone->ua, phone->current, status, now) != OK)
		refuse(phone, "No call waits for an answer.");
}

static void do_hangup(struct phone *phone, struct slice rest, struct now now)
{
	(void)rest;
	if (phone->current == 0)
		refuse(phone, "There is no call.");
	phone_hangup(phone, phone->current, now);
}

static void hold(struct phone *phone, bool is_hold, struct now now)
{
	switch (phone_hold(phone, phone->current, is_hold, now)) {
	case OK: break;
	case ERR_NOT_FOUND: refuse(phone, "There is no call that stands."); break;
	case ERR_AGAIN: refuse(phone, "The call is being changed just now; try again."); break;
	case ERR_CLOSED: refuse(phone, "The server is gone; the call cannot be changed now."); break;
	default: refuse(phone, "There is no memory."); break;
	}
}

static void do_hold(struct phone *phone, struct slice rest, struct now now)
{
	(void)rest;
	hold(phone, true, now);
}

static void do_resume(struct phone *phone, struct slice rest, struct now now)
{
	(void)rest;
	hold(phone, false, now);
}

static void do_transfer(struct phone *phone, struct slice rest, struct now now)
{
	phone_transfer(phone, rest, now);
}

static void do_swap(struct phone *phone, struct slice rest, struct now now)
{
	(void)rest;
	phone_swap(phone, now);
}

static void do_accept(struct phone *phone, struct slice rest, struct now now)
{
	(void)rest;
	phone_consent(phone, true, now);
}

static void do_refuse(struct phone *phone, struct slice rest, struct now now)
{
	(void)rest;
	phone_consent(phone, false, now);
}

static void do_dtmf(struct phone *phone, struct slice rest, struct now now)
{
	const struct session *session = phone->current != 0 ? audio_find(phone, phone->current) : NULL;

	(void)now;
	if (!session || !session->started) {
		refuse(phone, "There is no call that stands.");
		return;
	}
	for (size_t i = 0; i < rest.len; i++)
		if (media_dtmf(phone->media, phone->current, rest.ptr[i]) != OK)
			refuse(phone, "A digit is one of 0-9, *, #, A-D.");
}

static void do_message(struct phone *phone, struct slice rest, struct now now)
{
	struct slice whom = next_word(&rest);

	if (rest.len == 0)
		refuse(phone, "Say whom, and what.");
	else
		phone_message(phone, whom, rest, now);
}

/* A call or message that is, or is not, to say who we are, whatever --anonymous says. */
static void run_as(struct phone *phone, bool is_anonymous, struct slice rest, struct now now)
{
	struct slice word = next_word(&rest);

	ua_set_anonymous(phone->ua, is_anonymous);
	if (slice_eq(word, SLICE("call")))
		do_call(phone, rest, now);
	else if (slice_eq(word, SLICE("message")))
		do_message(phone, rest, now);
	else
		refuse(phone, "Only call WHOM and message WHOM TEXT can be said so.");
	ua_set_anonymous(phone->ua, phone->options->anonymous);
}

static void do_anonymously(struct phone *phone, struct slice rest, struct now now)
{
	run_as(phone, true, rest, now);
}

static void do_openly(struct phone *phone, struct slice rest, struct now now)
{
	run_as(phone, false, rest, now);
}

static void do_watch(struct phone *phone, struct slice rest, struct now now)
{
	struct slice whom = next_word(&rest);

	phone_watch(phone, whom, rest, now);
}

static void do_unwatch(struct phone *phone, struct slice rest, struct now now)
{
	(void)rest;
	if (ua_unwatch(phone->ua, phone->watch, now) != OK)
		refuse(phone, "Nothing is watched.");
}

static void do_status(struct phone *phone, struct slice rest, struct now now)
{
	bool registered = ua_is_registered(phone->ua);
	struct ua_call_view call = { .established = false };
	bool has_call = ua_call_view(phone->ua, phone->current, &call);
	char peer[1024];
	struct writer out = writer_of(peer, sizeof peer);

	(void)rest;
	put_escaped(&out, call.peer);
	output_say(&phone->output,
		   json_pack("{s:s, s:b, s:b, s:b, s:b, s:b}", "event", "status", "registered", registered,
			     "call", has_call, "established", call.established, "on_hold", call.on_hold,
			     "aside", phone->aside != 0),
		   "%s as %.*s. %s%.*s%s", registered ? "Registered" : "Not registered",
		   SLICE_FMT(phone->options->aor), has_call ? "Call with " : "No call",
		   SLICE_FMT(writer_text(&out)),
		   !has_call          ? "."
		   : call.on_hold     ? ", on hold."
		   : call.established ? "."
				      : ", ringing.");
	if (has_call && call.established && media_ask_statistics(phone->media, phone->current) != OK)
		refuse(phone, "There is no memory.");
	(void)now;
}

static void do_quit(struct phone *phone, struct slice rest, struct now now)
{
	(void)rest;
	phone_finish(phone, EXIT_OK, now);
}

static void do_help(struct phone *phone, struct slice rest, struct now now)
{
	static const char text[] =
		"call WHOM, answer, reject [busy], hangup, hold, resume, swap, transfer [WHOM], "
		"accept, refuse, dtmf DIGITS, message WHOM TEXT, anonymously|openly call|message ..., watch [WHOM [PACKAGE]], unwatch, status, quit";

	(void)rest, (void)now;
	output_say(&phone->output, json_pack("{s:s, s:s}", "event", "help", "text", text), "%s", text);
}

/* clang-format off */
static const struct {
	const char *word;
	void (*run)(struct phone *phone, struct slice rest, struct now now);
} commands[] = {
	{ "call",    do_call },    { "answer",  do_answer },  { "reject", do_reject }, { "hangup", do_hangup },
	{ "hold",    do_hold },    { "resume",  do_resume },  { "dtmf",   do_dtmf },   { "message", do_message },
	{ "swap",    do_swap },    { "transfer", do_transfer }, { "accept", do_accept }, { "refuse", do_refuse },
	{ "watch",   do_watch },   { "unwatch", do_unwatch },
	{ "anonymously", do_anonymously }, { "openly", do_openly },
	{ "status",  do_status },  { "quit",    do_quit },    { "help",   do_help },
};
/* clang-format on */

static void run_line(struct slice line)
{
	struct phone *phone = console.phone;
	struct slice word = next_word(&line);

	if (word.len == 0)
		return;
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		if (slice_eq(word, slice_of(commands[i].word))) {
			commands[i].run(phone, line, console.now);
			return;
		}
	}
	refuse(phone, "No such command; help lists them.");
}

/* -- the terminal ------------------------------------------------------------------------------------ */

static void take_line(const char *line)
{
	struct output *output = &console.phone->output;

	if (!line) { /* end of input */
		phone_finish(console.phone, EXIT_OK, console.now);
		return;
	}
	output->before = NULL; /* the line has been sent off; nothing is being typed */
	output->after = NULL;
	run_line(slice_of(line));
	output->before = editor_hide;
	output->after = editor_show;
}

static void read_plain(struct phone *phone)
{
	ssize_t n = read(STDIN_FILENO, console.line + console.len, sizeof console.line - console.len);
	size_t end;

	if (n <= 0) {
		console_close(phone);
		phone_finish(phone, EXIT_OK, console.now);
		return;
	}
	console.len += (size_t)n;
	while ((end = slice_find(slice_from(console.line, console.len), '\n')) < console.len) {
		if (!console.is_too_long)
			run_line(slice_from(console.line, end));
		console.is_too_long = false;
		console.len -= end + 1;
		memmove(console.line, console.line + end + 1, console.len);
	}
	if (console.len < sizeof console.line)
		return;
	if (!console.is_too_long)
		refuse(phone, "No command is that long; nothing was done.");
	console.is_too_long = true;
	console.len = 0;
}

enum err console_open(struct phone *phone)
{
	bool is_terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && !phone->options->json;

	console.phone = phone;
	TRY(net_watch_new(phone->net, STDIN_FILENO, NET_READABLE, &phone->input_watch, &phone->input_watch));
	console.is_edited = is_terminal && editor_open(take_line);
	if (!console.is_edited)
		return OK;
	phone->output.before = editor_hide;
	phone->output.after = editor_show;
	return OK;
}

void console_close(struct phone *phone)
{
	net_watch_free(phone->input_watch);
	phone->input_watch = NULL;
	phone->output.before = NULL;
	phone->output.after = NULL;
	if (console.is_edited)
		editor_close();
	console.is_edited = false;
}

void console_read(struct phone *phone, struct now now)
{
	console.now = now;
	if (console.is_edited)
		editor_read();
	else
		read_plain(phone);
}
