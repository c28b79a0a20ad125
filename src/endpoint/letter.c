#include "endpoint/letter.h"

#include <string.h>

#include "base/mem.h"

struct letter *letter_new(const struct letter *facts)
{
	struct letter *letter = mem_alloc(sizeof(*letter) + facts->require.domain.len + facts->text.len +
					  facts->transaction.len);
	char *at;

	if (!letter)
		return NULL;
	at = (char *)(letter + 1);
	*letter = *facts;
	letter->link = (struct link){ 0 };
	letter->require.domain = slice_copy(&at, facts->require.domain);
	letter->text = slice_copy(&at, facts->text);
	letter->transaction = slice_copy(&at, facts->transaction);
	return letter;
}

void letter_free(struct letter *letter)
{
	if (!letter)
		return;
	sip_message_free(letter->message);
	mem_free(letter);
}
