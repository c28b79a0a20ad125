#include "sealphone/editor.h"

bool editor_open(void (*take)(const char *line))
{
	(void)take;
	return false;
}

void editor_close(void)
{
}

void editor_read(void)
{
}

void editor_hide(void)
{
}

void editor_show(void)
{
}
