/*
 * The terminal of this process, for a line that is typed without being shown.
 *
 * The struct belongs to the caller. Between terminal_silence() and terminal_restore() the signals that end a program
 * (SIGINT, SIGTERM, SIGHUP, SIGQUIT) are held back, so that nothing leaves the terminal without its echo; one that comes
 * ends the waiting instead. For a program that has no other thread yet.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <termios.h>

#include "base/err.h"
#include "base/slice.h"

struct terminal {
	int fd, signals;
	bool interrupted; /* one of the signals came: the program has to end */
	struct termios before;
	sigset_t mask;
};

/* Turns the echo off. False: there is no terminal, and nothing to restore. */
MUST_CHECK bool terminal_silence(struct terminal *terminal);
void terminal_restore(struct terminal *terminal);

/*
 * Shows the question and waits for a line, which is put into buf without its end; buf is the caller's to wipe. Returns
 * its length; -1 if it is longer than size, or ended before its first byte, or if we were interrupted.
 */
ssize_t terminal_ask(struct terminal *terminal, struct slice question, char *buf, size_t size);
