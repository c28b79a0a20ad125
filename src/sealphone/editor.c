#include "sealphone/editor.h"

#include <editline/readline.h>
#include <stdio.h>
#include <stdlib.h>

static const char prompt[] = "> ";

static struct {
	void (*take)(const char *line);
	bool has_line; /* one was taken; the prompt is to be shown again */
} editor;

static void on_line(char *line)
{
	editor.has_line = line != NULL;
	if (line && line[0])
		add_history(line);
	editor.take(line);
	free(line); /* readline's, not ours */
}

bool editor_open(void (*take)(const char *line))
{
	editor.take = take;
	rl_callback_handler_install(prompt, on_line);
	return true;
}

void editor_close(void)
{
	editor_hide();
	rl_callback_handler_remove();
}

void editor_read(void)
{
	rl_callback_read_char();
	if (editor.has_line) /* libedit would show its prompt with the next key only */
		rl_callback_handler_install(prompt, on_line);
	editor.has_line = false;
}

void editor_hide(void)
{
	fputs("\r\033[K", stdout);
}

void editor_show(void)
{
	rl_forced_update_display();
}
