#include "endpoint/letter.h"

#include <string.h>

#include "base/mem.h"

/* Copies the text to *at and moves that on. */
static struct slice copy_text(char **at, struct slice text)
{
	struct slice copy = slice_from(*at, text.len);

	if (text.len)
		memcpy(*at, text.ptr, text.len);
	*at += text.len;
	return copy;
}

struct letter *letter_new(const struct letter *facts)
{
	struct letter *letter = mem_alloc(sizeof(*letter) + facts->require.domain.len + facts->text.len +
					  facts->transaction.len);
	char *at = (char *)(letter + 1);

	if (!letter)
		return NULL;
	*letter = *facts;
	letter->link = (struct link){ 0 };
	letter->require.domain = copy_text(&at, facts->require.domain);
	letter->text = copy_text(&at, facts->text);
	letter->transaction = copy_text(&at, facts->transaction);
	return letter;
}

void letter_free(struct letter *letter)
{
	if (!letter)
		return;
	sip_message_free(letter->message);
	mem_free(letter);
}
