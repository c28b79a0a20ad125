#include "sealined/config.h"

enum { WORD_MAX = 30, NEAR = 2 };

static size_t least(size_t a, size_t b, size_t c)
{
	size_t least_ab = a < b ? a : b;

	return least_ab < c ? least_ab : c;
}

/*
 * The least number of letters put in, left out, changed, or swapped with their neighbour that makes one
 * word the other (Damerau 1964, no letter touched twice).
 */
static size_t distance(struct slice a, struct slice b)
{
	size_t d[WORD_MAX + 1][WORD_MAX + 1];

	for (size_t i = 0; i <= a.len; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= b.len; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		for (size_t j = 1; j <= b.len; j++) {
			bool same = a.ptr[i - 1] == b.ptr[j - 1];

			d[i][j] = least(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + !same);
			if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1])
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1, d[i][j]);
		}
	}
	return d[a.len][b.len];
}

struct slice nearest_name(struct slice word, const struct slice names[], size_t n)
{
	struct slice nearest = slice_of(NULL);
	size_t best = NEAR + 1;

	for (size_t i = 0; i < n && word.len <= WORD_MAX; i++) {
		size_t far = names[i].len <= WORD_MAX ? distance(word, names[i]) : best;

		if (far < best) {
			best = far;
			nearest = names[i];
		}
	}
	return nearest;
}
