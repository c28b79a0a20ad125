/* The terminal: what a person types becomes commands. On a terminal with line editing, else line by line. */
#pragma once

#include "sealphone/phone.h"

/* Commands are taken from standard input from now on. ERR_IO, ERR_NOMEM. */
MUST_CHECK enum err console_open(struct phone *phone);
void console_close(struct phone *phone);
/* Standard input is readable. */
void console_read(struct phone *phone, struct now now);
