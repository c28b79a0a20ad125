#include "sealine/password.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/mem.h"
#include "crypto/random.h"
#include "sealine/output.h"

/* A terminal that does not show what is typed, and how it was before. */
struct quiet_terminal {
	int fd;
	struct termios before;
	sigset_t mask; /* of the signals that are kept waiting meanwhile */
	struct sigaction actions[4];
};

static const int interrupts[4] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
static volatile sig_atomic_t interrupted;

static void note_interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

/* From here to restore_terminal() an interrupt is only noted, so that the echo is never left off. */
static bool silence_terminal(struct quiet_terminal *terminal)
{
	struct sigaction note = { .sa_handler = note_interrupt };
	struct termios silent;
	sigset_t blocked;

	terminal->fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (terminal->fd < 0 || tcgetattr(terminal->fd, &terminal->before) != 0) {
		if (terminal->fd >= 0)
			close(terminal->fd);
		return false;
	}
	sigemptyset(&blocked);
	for (size_t i = 0; i < 4; i++) {
		sigaddset(&blocked, interrupts[i]);
		sigaction(interrupts[i], &note, &terminal->actions[i]);
	}
	sigprocmask(SIG_BLOCK, &blocked, &terminal->mask);
	silent = terminal->before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(terminal->fd, TCSAFLUSH, &silent);
	return true;
}

static void restore_terminal(struct quiet_terminal *terminal)
{
	tcsetattr(terminal->fd, TCSAFLUSH, &terminal->before);
	sigprocmask(SIG_SETMASK, &terminal->mask, NULL);
	for (size_t i = 0; i < 4; i++)
		sigaction(interrupts[i], &terminal->actions[i], NULL);
	close(terminal->fd);
}

/* A line of at most size bytes without its end. mask: the signals let in while it waits, NULL on a file. -1: none. */
static ssize_t read_line(int fd, char *line, size_t size, const sigset_t *mask)
{
	size_t n = 0;

	for (;;) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		char c;
		ssize_t got;

		if (mask && ppoll(&ready, 1, NULL, mask) < 0)
			return -1;
		got = read(fd, &c, 1);
		if (got < 0 || (got == 0 && n == 0))
			return -1;
		if (got == 0 || c == '\n')
			break;
		if (n == size)
			return -1;
		line[n++] = c;
	}
	return (ssize_t)(n > 0 && line[n - 1] == '\r' ? n - 1 : n);
}

bool password_is_good(struct slice password)
{
	for (size_t i = 0; i < password.len; i++)
		if ((unsigned char)password.ptr[i] < 0x20 || password.ptr[i] == 0x7f)
			return false;
	return password.len > 0 && password.len <= PASSWORD_MAX;
}

static struct secret *secret_of_line(const char *line, ssize_t n)
{
	struct slice password = slice_from(line, n < 0 ? 0 : (size_t)n);
	struct secret *secret = NULL;

	if (!password_is_good(password))
		(void)complain(
			"that cannot be a password; give one line of 1 to %d bytes without control characters",
			PASSWORD_MAX);
	else if (!(secret = secret_new(password)))
		(void)complain_of(ERR_NOMEM);
	return secret;
}

static struct secret *ask_once(struct quiet_terminal *terminal, const char *question, const char *whose)
{
	char line[PASSWORD_MAX];
	struct secret *secret = NULL;
	ssize_t n;

	dprintf(terminal->fd, "%s%s: ", question, whose);
	n = read_line(terminal->fd, line, sizeof line, &terminal->mask);
	dprintf(terminal->fd, "\n");
	if (!interrupted)
		secret = secret_of_line(line, n);
	mem_wipe(line, sizeof line);
	return secret;
}

struct secret *password_ask(const char *whose, bool *ret_interrupted)
{
	struct quiet_terminal terminal;
	struct secret *first, *second = NULL;
	bool same = false;

	if (!silence_terminal(&terminal)) {
		(void)complain(
			"there is no terminal to ask for the password on; use --password-stdin or --generate");
		return NULL;
	}
	first = ask_once(&terminal, "Password for ", whose);
	if (first)
		second = ask_once(&terminal, "Once more", "");
	restore_terminal(&terminal);
	*ret_interrupted = interrupted;
	if (second) {
		same = slice_eq_secret(secret_slice(first), secret_slice(second));
		if (!same)
			(void)complain("the two passwords differ; nothing was changed, try again");
	}
	secret_free(second);
	if (same)
		return first;
	secret_free(first);
	return NULL;
}

struct secret *password_read(void)
{
	char line[PASSWORD_MAX];
	struct secret *secret = secret_of_line(line, read_line(STDIN_FILENO, line, sizeof line, NULL));

	mem_wipe(line, sizeof line);
	return secret;
}

struct secret *password_make(struct crypto *crypto)
{
	static const char letters[32] = { "abcdefghijkmnpqrstuvwxyz23456789" }; /* without l, o, 0 and 1 */
	AUTO(random) struct random *random = random_new(crypto);
	unsigned char bytes[24] = { 0 };
	struct secret *secret = random ? secret_new(slice_from(bytes, sizeof bytes)) : NULL;

	if (!secret) {
		(void)complain_of(ERR_NOMEM);
		return NULL;
	}
	random_bytes(random, bytes, sizeof bytes);
	for (size_t i = 0; i < sizeof bytes; i++)
		secret->bytes[i] = (unsigned char)letters[bytes[i] % 32];
	mem_wipe(bytes, sizeof bytes);
	return secret;
}
