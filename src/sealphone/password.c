#include "sealphone/password.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/writer.h"
#include "net/terminal.h"

enum { PASSWORD_MAX = 1024, QUESTION_MAX = 1024 };

static struct secret *complain(const char *where, const char *why)
{
	fprintf(stderr, "sealphone: %s: %s; --password-file names a file whose first line is the password\n",
		where, why);
	return NULL;
}

static struct secret *secret_of_line(const char *line, ssize_t n, const char *where)
{
	struct secret *secret;

	if (n < 0)
		return complain(where, "the password is too long, or was broken off");
	if (n == 0)
		return complain(where, "there is no password");
	secret = secret_new(slice_from(line, (size_t)n));
	return secret ? secret : complain(where, "there is no memory");
}

/* Everything up to the first line end, from a descriptor. */
static struct secret *read_line(int fd, const char *where)
{
	char line[PASSWORD_MAX + 1];
	struct secret *secret;
	size_t n = 0;

	while (n < sizeof line && read(fd, line + n, 1) == 1 && line[n] != '\n')
		n++;
	while (n > 0 && n < sizeof line && line[n - 1] == '\r')
		n--;
	secret = secret_of_line(line, n == sizeof line ? -1 : (ssize_t)n, where);
	mem_wipe(line, sizeof line);
	return secret;
}

static struct secret *ask(struct slice aor, bool *ret_interrupted)
{
	char line[PASSWORD_MAX], text[QUESTION_MAX];
	struct writer question = writer_of(text, sizeof text);
	struct terminal terminal;
	struct secret *secret;
	ssize_t n;

	if (!terminal_silence(&terminal))
		return complain("password", "there is no terminal to ask on");
	put(&question, SLICE("Password of "));
	put(&question, aor);
	put(&question, SLICE(": "));
	n = terminal_ask(&terminal, writer_text(&question), line, sizeof line);
	terminal_restore(&terminal);
	*ret_interrupted = terminal.interrupted;
	secret = terminal.interrupted ? NULL : secret_of_line(line, n, "password");
	mem_wipe(line, sizeof line);
	return secret;
}

struct secret *password_read(const char *file, struct slice aor, bool *ret_interrupted)
{
	struct secret *secret;
	int fd;

	if (!file)
		return ask(aor, ret_interrupted);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return complain(file, strerror(errno));
	secret = read_line(fd, file);
	close(fd);
	return secret;
}
