#include "sealphone/password.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/writer.h"
#include "net/terminal.h"

enum { PASSWORD_MAX = 1024, QUESTION_MAX = 1024 };

/* How it is spoken of. */
struct words {
	const char *question, *what, *remedy;
};

static const struct words password_words = {
	"Password of ",
	"password",
	"--password-file names a file whose first line is the password",
};
static const struct words passphrase_words = {
	"Passphrase of ",
	"passphrase",
	"name a file whose first line is the passphrase (see sealphone --help)",
};

static struct secret *complain(const struct words *words, const char *where, const char *why)
{
	fprintf(stderr, "sealphone: %s: %s; %s\n", where, why, words->remedy);
	return NULL;
}

static struct secret *secret_of_line(const struct words *words, const char *line, ssize_t n,
				     const char *where)
{
	struct secret *secret;

	if (n < 0)
		return complain(words, where, "it is too long, or was broken off");
	if (n == 0)
		return complain(words, where, "there is nothing in it");
	secret = secret_new(slice_from(line, (size_t)n));
	return secret ? secret : complain(words, where, "there is no memory");
}

/* Everything up to the first line end, from a descriptor. */
static struct secret *read_line(const struct words *words, int fd, const char *where)
{
	char line[PASSWORD_MAX + 1];
	struct secret *secret;
	size_t n = 0;

	while (n < sizeof line && read(fd, line + n, 1) == 1 && line[n] != '\n')
		n++;
	while (n > 0 && n < sizeof line && line[n - 1] == '\r')
		n--;
	secret = secret_of_line(words, line, n == sizeof line ? -1 : (ssize_t)n, where);
	mem_wipe(line, sizeof line);
	return secret;
}

static struct secret *ask(const struct words *words, struct slice whose, bool *ret_interrupted)
{
	char line[PASSWORD_MAX], text[QUESTION_MAX];
	struct writer question = writer_of(text, sizeof text);
	struct terminal terminal;
	struct secret *secret;
	ssize_t n;

	if (!terminal_silence(&terminal))
		return complain(words, words->what, "there is no terminal to ask on");
	put(&question, slice_of(words->question));
	put(&question, whose);
	put(&question, SLICE(": "));
	n = terminal_ask(&terminal, writer_text(&question), line, sizeof line);
	terminal_restore(&terminal);
	*ret_interrupted = terminal.interrupted;
	secret = terminal.interrupted ? NULL : secret_of_line(words, line, n, words->what);
	mem_wipe(line, sizeof line);
	return secret;
}

static struct secret *get(const struct words *words, const char *file, struct slice whose,
			  bool *ret_interrupted)
{
	struct secret *secret;
	int fd;

	if (!file)
		return ask(words, whose, ret_interrupted);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return complain(words, file, strerror(errno));
	secret = read_line(words, fd, file);
	close(fd);
	return secret;
}

struct secret *password_read(const char *file, struct slice aor, bool *ret_interrupted)
{
	return get(&password_words, file, aor, ret_interrupted);
}

struct secret *passphrase_read(const char *file, struct slice whose, bool *ret_interrupted)
{
	return get(&passphrase_words, file, whose, ret_interrupted);
}
