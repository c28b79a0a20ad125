#include "net/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

bool terminal_silence(struct terminal *terminal)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct termios silent;
	sigset_t held;

	*terminal = (struct terminal){ .fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY), .signals = -1 };
	sigemptyset(&held);
	for (size_t i = 0; i < sizeof ending / sizeof ending[0]; i++)
		sigaddset(&held, ending[i]);
	if (terminal->fd < 0 || tcgetattr(terminal->fd, &terminal->before) != 0 ||
	    (terminal->signals = signalfd(-1, &held, SFD_CLOEXEC)) < 0) {
		if (terminal->fd >= 0)
			close(terminal->fd);
		return false;
	}
	sigprocmask(SIG_BLOCK, &held, &terminal->mask);
	silent = terminal->before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(terminal->fd, TCSAFLUSH, &silent);
	return true;
}

void terminal_restore(struct terminal *terminal)
{
	tcsetattr(terminal->fd, TCSAFLUSH, &terminal->before);
	sigprocmask(SIG_SETMASK, &terminal->mask, NULL);
	close(terminal->signals);
	close(terminal->fd);
}

/* One byte of what is typed; false at its end, and when a signal has come, which is taken. */
static bool next_byte(struct terminal *terminal, char *ret_byte)
{
	struct pollfd ready[] = { { .fd = terminal->fd, .events = POLLIN },
				  { .fd = terminal->signals, .events = POLLIN } };
	struct signalfd_siginfo signal;

	while (poll(ready, 2, -1) < 0)
		if (errno != EINTR) /* the process was stopped for a while */
			return false;
	if (ready[1].revents & POLLIN)
		terminal->interrupted = read(terminal->signals, &signal, sizeof signal) > 0;
	return !terminal->interrupted && read(terminal->fd, ret_byte, 1) == 1;
}

ssize_t terminal_ask(struct terminal *terminal, struct slice question, char *buf, size_t size)
{
	size_t n = 0;
	char byte = '\0';
	bool goes_on;

	dprintf(terminal->fd, "%.*s", SLICE_FMT(question));
	while ((goes_on = next_byte(terminal, &byte)) && byte != '\n' && n < size)
		buf[n++] = byte;
	dprintf(terminal->fd, "\n");
	if (terminal->interrupted || (goes_on && byte != '\n') || (!goes_on && n == 0))
		return -1;
	return (ssize_t)(n > 0 && buf[n - 1] == '\r' ? n - 1 : n);
}
