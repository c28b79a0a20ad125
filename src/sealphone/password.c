#include "sealphone/password.h"

#include <errno.h>
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "base/mem.h"

enum { PASSWORD_MAX = 1024 };

static struct secret *complain(const char *where, const char *why)
{
	fprintf(stderr, "sealphone: %s: %s\n", where, why);
	return NULL;
}

/* Everything up to the first line end, from a descriptor. */
static struct secret *read_line(int fd, const char *where)
{
	char line[PASSWORD_MAX];
	struct secret *secret;
	size_t n = 0;

	while (n < sizeof line && read(fd, line + n, 1) == 1 && line[n] != '\n')
		n++;
	while (n > 0 && n < sizeof line && line[n - 1] == '\r')
		n--;
	if (n == 0 || n == sizeof line) {
		mem_wipe(line, sizeof line);
		return complain(where, n == 0 ? "there is no password" : "the password is too long");
	}
	secret = secret_new(slice_from(line, n));
	mem_wipe(line, sizeof line);
	return secret ? secret : complain(where, "there is no memory");
}

static struct secret *ask(struct slice aor)
{
	struct termios before, silent;
	struct secret *secret;
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);

	if (fd < 0 || tcgetattr(fd, &before) != 0) {
		if (fd >= 0)
			close(fd);
		return complain("password", "there is no terminal to ask on; use --password-file");
	}
	dprintf(fd, "Password of %.*s: ", SLICE_FMT(aor));
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(fd, TCSAFLUSH, &silent);
	secret = read_line(fd, "password");
	tcsetattr(fd, TCSAFLUSH, &before);
	dprintf(fd, "\n");
	close(fd);
	return secret;
}

struct secret *password_read(const char *file, struct slice aor)
{
	struct secret *secret;
	int fd;

	if (!file)
		return ask(aor);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return complain(file, strerror(errno));
	secret = read_line(fd, file);
	close(fd);
	return secret;
}
