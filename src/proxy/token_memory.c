#include "proxy/token_memory.h"

#include <string.h>

#include "base/mem.h"

enum {
	PLACES_BITS = 10, /* 256 kB, of which memory is taken as they are used */
	PLACES = 1 << PLACES_BITS,
	DIALOG_MAX = 136,
};

struct place {
	struct token token;
	uint16_t call_id, name_a, name_b; /* how long they are, one behind the other in dialog */
	char text[TOKEN_LENGTH];          /* begins with a zero: nothing yet */
	char dialog[DIALOG_MAX];
};

struct token_memory {
	struct place places[PLACES];
};

struct token_memory *token_memory_new(void)
{
	return mem_new(struct token_memory);
}

void token_memory_free(struct token_memory *memory)
{
	mem_free(memory);
}

/*
 * By Fibonacci hashing of what calls differ in, how their Call-IDs begin, and of what the branches of a fork do, the flow of b. Who has his calls
 * meet in one place makes us check their tokens, no more.
 */
static size_t place_of(struct slice text, struct slice call_id)
{
	enum { FLOW_B_AT = 16 }; /* most of it, in base64 */
	uint64_t start = 0, flow_b;

	memcpy(&start, call_id.ptr, call_id.len < sizeof start ? call_id.len : sizeof start);
	memcpy(&flow_b, text.ptr + FLOW_B_AT, sizeof flow_b);
	return (start ^ flow_b) * 0x9e3779b97f4a7c15 >> (64 - PLACES_BITS);
}

void token_remember(struct token_memory *memory, struct slice text, const struct token_dialog *dialog,
		    const struct token *token)
{
	struct place *place = &memory->places[place_of(text, dialog->call_id)];
	struct writer out = writer_of(place->dialog, sizeof place->dialog);

	put(&out, dialog->call_id);
	put(&out, dialog->name_a);
	put(&out, dialog->name_b);
	*place->text = '\0';
	if (out.overflow)
		return;
	memcpy(place->text, text.ptr, TOKEN_LENGTH);
	place->call_id = (uint16_t)dialog->call_id.len;
	place->name_a = (uint16_t)dialog->name_a.len;
	place->name_b = (uint16_t)dialog->name_b.len;
	place->token = *token;
}

static bool is_of(const struct place *place, const struct token_dialog *dialog)
{
	const char *call_id = place->dialog, *name_a = call_id + place->call_id,
		   *name_b = name_a + place->name_a;

	return slice_eq(dialog->call_id, slice_from(call_id, place->call_id)) &&
	       slice_eq(dialog->name_a, slice_from(name_a, place->name_a)) &&
	       slice_eq(dialog->name_b, slice_from(name_b, place->name_b));
}

/* That somebody's dialog is remembered may be seen in how long this takes; how much of its token somebody has guessed may not. */
bool token_recall(const struct token_memory *memory, struct slice text, const struct token_dialog *dialog,
		  struct token *ret_token)
{
	const struct place *place;

	if (text.len != TOKEN_LENGTH)
		return false;
	place = &memory->places[place_of(text, dialog->call_id)];
	if (!is_of(place, dialog) || !slice_eq_secret(slice_from(place->text, TOKEN_LENGTH), text))
		return false;
	*ret_token = place->token;
	return true;
}
