#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mem.h"
#include "sealine/accounts.h"
#include "sealine/command.h"
#include "sealine/output.h"
#include "sealine/password.h"

enum {
	ACCOUNTS_MAX = 1000000,
	BUFFER_SIZE = 65536, /* more than any line */
	WHY_MAX = 300,
};

/* A file being read: the accounts found so far, and what was wrong. */
struct reading {
	struct crypto *crypto;
	struct arena *names;
	struct entry *entries;
	size_t n_entries, room;
	size_t line, n_bad;
	bool md5, as_json;
	json_t *refused; /* for the report */
};

static void reading_fini(struct reading *reading)
{
	for (size_t i = 0; i < reading->n_entries; i++)
		entry_fini(&reading->entries[i]);
	mem_free(reading->entries);
	arena_free(reading->names);
	crypto_free(reading->crypto);
	json_decref(reading->refused);
}

static bool reading_init(struct reading *reading, const struct invocation *invocation)
{
	*reading = (struct reading){
		.crypto = crypto_new(),
		.names = arena_new((size_t)ACCOUNTS_MAX * STORE_NAME_MAX),
		.md5 = invocation->flags & FLAG_MD5,
		.as_json = invocation->flags & FLAG_JSON,
		.refused = json_array(),
	};
	return (reading->crypto && reading->names && reading->refused) || complain_of(ERR_NOMEM);
}

static bool grow(struct reading *reading)
{
	size_t room = reading->room ? 2 * reading->room : 1024;
	struct entry *entries;

	if (reading->n_entries < reading->room)
		return true;
	if (room > 2 * (size_t)ACCOUNTS_MAX)
		return complain("there are more than %d accounts; split the file", ACCOUNTS_MAX);
	entries = mem_zalloc(room, sizeof *entries);
	if (!entries)
		return complain_of(ERR_NOMEM);
	for (size_t i = 0; i < reading->n_entries; i++) {
		entries[i] = reading->entries[i];
		entry_fini(&reading->entries[i]);
	}
	mem_free(reading->entries);
	reading->entries = entries;
	reading->room = room;
	return true;
}

/* Counts and tells a line that was not taken; aor is empty where there is none. */
static void refuse_line(struct reading *reading, size_t line, struct slice aor, struct slice why)
{
	reading->n_bad++;
	json_array_append_new(reading->refused, json_pack("{s:I, s:o, s:o}", "line", (json_int_t)line, "aor",
							  json_of_text(aor), "message", json_of_text(why)));
	if (!reading->as_json)
		(void)complain("line %zu: %.*s%s%.*s", line, SLICE_FMT(aor), aor.len ? ": " : "",
			       SLICE_FMT(why));
}

/* Whether it is one of an account, whose name is written; else says what is wrong with it. */
static bool check_line(struct slice line, size_t tab, struct writer *name, struct writer *why)
{
	if (tab == line.len) {
		put(why, SLICE("there is no tab; write the address, a tab, the password"));
		return false;
	}
	if (!entry_name(name, slice_sub(line, 0, tab), why)) {
		put(why, SLICE("; write one like alice@example.org"));
		return false;
	}
	if (!password_is_good(slice_sub(line, tab + 1, line.len))) {
		put(why,
		    SLICE("this cannot be a password; write one of 1 to 1024 bytes without control characters"));
		return false;
	}
	return true;
}

/* aor TAB password. False: there is no going on; a malformed line is only counted. */
static bool take_line(struct reading *reading, struct slice line)
{
	size_t tab = slice_find(line, '\t');
	char buf[STORE_NAME_MAX], text[WHY_MAX];
	struct writer name = writer_of(buf, sizeof buf), why = writer_of(text, sizeof text);
	struct entry entry = { .line = ++reading->line };

	if (!check_line(line, tab, &name, &why)) {
		refuse_line(reading, reading->line, slice_from(NULL, 0), writer_text(&why));
		return true;
	}
	if (!grow(reading))
		return false;
	if (arena_copy(reading->names, writer_text(&name), &entry.name) != OK)
		return complain_of(ERR_NOMEM);
	if (!entry_digest(reading->crypto, slice_sub(line, tab + 1, line.len), reading->md5, &entry))
		return false;
	reading->entries[reading->n_entries++] = entry;
	return true;
}

/* Takes the complete lines off the front of the text; the rest, at the end of the file, is one too. */
static bool take_lines(struct reading *reading, struct slice *text, bool at_end)
{
	while (text->len > 0) {
		size_t n = slice_find(*text, '\n');
		struct slice line = slice_sub(*text, 0, n);

		if (n == text->len && !at_end)
			return true;
		if (slice_ends(line, SLICE("\r")))
			line.len--;
		if (!take_line(reading, line))
			return false;
		*text = slice_sub(*text, n + 1, text->len);
	}
	return true;
}

static bool read_lines(struct reading *reading, const char *name, int fd, char *buf, size_t size)
{
	size_t n = 0;
	ssize_t got;

	do {
		struct slice text;

		got = read(fd, buf + n, size - n);
		if (got < 0)
			return complain("%s: %s; nothing was changed", name, strerror(errno));
		text = slice_from(buf, n + (size_t)got);
		if (!take_lines(reading, &text, got == 0))
			return false;
		memmove(buf, text.ptr, text.len);
		n = text.len;
		if (n == size)
			return complain("line %zu is too long; write one account a line", reading->line + 1);
	} while (got > 0);
	return true;
}

static bool read_file(struct reading *reading, const char *name)
{
	char *buf = mem_alloc(BUFFER_SIZE);
	bool is_input = strcmp(name, "-") == 0;
	int fd = is_input ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		ok = complain("%s: %s; give the name of a file that can be read, or - for standard input",
			      name, strerror(errno));
	else if (!buf)
		ok = complain_of(ERR_NOMEM);
	else
		ok = read_lines(reading, is_input ? "standard input" : name, fd, buf, BUFFER_SIZE);
	if (buf)
		mem_wipe(buf, BUFFER_SIZE);
	mem_free(buf);
	if (fd > STDIN_FILENO)
		close(fd);
	return ok;
}

static void note_refused(void *self, const struct entry *entry, struct slice why)
{
	refuse_line(self, entry->line, entry->name, why);
}

static bool add_all(struct reading *reading, const struct invocation *invocation, size_t *ret_added)
{
	struct import import = { reading->entries, reading->n_entries, note_refused, reading, 0 };
	struct accounts accounts;
	bool ok = accounts_open(&accounts, invocation->state, true) && accounts_import(&accounts, &import);

	accounts_close(&accounts);
	*ret_added = import.added;
	return ok;
}

static bool print_report(const struct reading *reading, size_t added)
{
	if (reading->as_json)
		return print_json(
			json_pack("{s:I, s:O}", "added", (json_int_t)added, "refused", reading->refused));
	printf("%zu accounts added, %zu lines refused\n", added, reading->n_bad);
	return true;
}

enum exit_code user_import_run(const struct invocation *invocation)
{
	struct reading reading;
	size_t added = 0;
	bool ok = reading_init(&reading, invocation) && read_file(&reading, invocation->arguments[0]);

	if (ok && reading.n_bad == 0)
		ok = add_all(&reading, invocation, &added);
	ok = ok && print_report(&reading, added) && reading.n_bad == 0;
	reading_fini(&reading);
	return ok ? EXIT_OK : EXIT_FOUND;
}
