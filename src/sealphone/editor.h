/*
 * The line that is being typed at a terminal, with its history, by libedit (editor.c). There is one terminal, so there is one of these. A
 * phone that is built without (-Dterminal=false) has editor_none.c, and lines come as the terminal itself lets them be typed.
 */
#pragma once

#include <stdbool.h>

/* take is called with each line, which is its for that long, or with NULL at the end of what is typed. False: there is no editor. */
bool editor_open(void (*take)(const char *line));
void editor_close(void);
/* Standard input is readable. */
void editor_read(void);
/* Around whatever else is printed. */
void editor_hide(void);
void editor_show(void);
