#include "proxy/token_checks.h"

#include <string.h>

#include "base/mem.h"
#include "base/writer.h"

enum {
	PLACES_BITS = 10, /* 192 kB, of which memory is taken as they are used */
	PLACES = 1 << PLACES_BITS,
	TEXT_MAX = 174,
};

struct place {
	unsigned char check[TOKEN_CHECK_SIZE];
	uint16_t len; /* 0: nothing yet */
	char text[TEXT_MAX];
};

struct token_checks {
	struct mac *mac;
	struct place places[PLACES];
};

static const size_t n_parts = sizeof((struct token_signed *)NULL)->parts / sizeof(struct slice);

struct token_checks *token_checks_new(struct mac *mac)
{
	struct token_checks *checks = mem_new(struct token_checks);

	if (checks)
		checks->mac = mac;
	return checks;
}

void token_checks_free(struct token_checks *checks)
{
	mem_free(checks);
}

/* Fibonacci hashing. Who chooses his numbers so that they meet makes us hash, no more. */
static struct place *place_of(struct token_checks *checks, uint64_t number)
{
	return &checks->places[number * 0x9e3779b97f4a7c15U >> (64 - PLACES_BITS)];
}

static bool remembers(const struct place *place, const struct token_signed *over)
{
	struct slice rest = slice_from(place->text, place->len);

	for (size_t i = 0; i < n_parts; i++) {
		if (!slice_starts(rest, over->parts[i]))
			return false;
		rest = slice_sub(rest, over->parts[i].len, rest.len);
	}
	return rest.len == 0;
}

static void remember(struct place *place, const struct token_signed *over,
		     const unsigned char check[TOKEN_CHECK_SIZE])
{
	struct writer text = writer_of(place->text, sizeof place->text);

	for (size_t i = 0; i < n_parts; i++)
		put(&text, over->parts[i]);
	place->len = text.overflow ? 0 : (uint16_t)text.len;
	memcpy(place->check, check, TOKEN_CHECK_SIZE);
}

bool token_check_make(struct token_checks *checks, const struct token_signed *over,
		      unsigned char ret_check[TOKEN_CHECK_SIZE])
{
	if (!mac_make(checks->mac, over->parts, n_parts, ret_check, TOKEN_CHECK_SIZE))
		return false;
	remember(place_of(checks, over->number), over, ret_check);
	return true;
}

/* What is remembered may be seen in how long this takes; the check may not, so it is compared in constant time. */
bool token_check_is(struct token_checks *checks, const struct token_signed *over,
		    const unsigned char check[TOKEN_CHECK_SIZE])
{
	struct place *place = place_of(checks, over->number);
	const struct slice shown = slice_from(check, TOKEN_CHECK_SIZE);

	if (remembers(place, over))
		return slice_eq_secret(slice_from(place->check, TOKEN_CHECK_SIZE), shown);
	if (!mac_check(checks->mac, over->parts, n_parts, shown))
		return false;
	remember(place, over, check);
	return true;
}
