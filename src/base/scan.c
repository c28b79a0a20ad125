#include "base/scan.h"

#include <string.h>

#include "base/ascii.h"

bool scan_char(struct scan *in, char c)
{
	if (in->at == in->end || *in->at != c)
		return false;
	in->at++;
	return true;
}

bool scan_text(struct scan *in, struct slice text)
{
	if (!slice_starts(scan_rest(in), text))
		return false;
	in->at += text.len;
	return true;
}

bool scan_text_nocase(struct scan *in, struct slice text)
{
	if (!slice_starts_nocase(scan_rest(in), text))
		return false;
	in->at += text.len;
	return true;
}

bool scan_run(struct scan *in, const struct scan_set *set, struct slice *ret_run)
{
	const char *from = in->at;

	while (in->at < in->end && scan_set_has(set, *in->at))
		in->at++;
	if (in->at == from)
		return false;
	*ret_run = scan_since(in, from);
	return true;
}

bool scan_number(struct scan *in, uint64_t max, uint64_t *ret_number)
{
	const char *at = in->at;
	uint64_t number = 0;

	while (at < in->end && ascii_is_digit(*at) && at - in->at < 20) {
		uint64_t digit = (uint64_t)(*at - '0');

		if (number > (max - digit) / 10 || digit > max)
			return false;
		number = number * 10 + digit;
		at++;
	}
	if (at == in->at || (at < in->end && ascii_is_digit(*at)))
		return false;
	in->at = at;
	*ret_number = number;
	return true;
}

bool scan_until(struct scan *in, char c, struct slice *ret_text)
{
	struct slice rest = scan_rest(in);
	size_t n = slice_find(rest, c);

	if (n == rest.len)
		return false;
	in->at += n;
	*ret_text = slice_sub(rest, 0, n);
	return true;
}

bool scan_line(struct scan *in, struct slice *ret_line)
{
	struct slice rest = scan_rest(in);
	size_t n = slice_find(rest, '\n');

	if (n == rest.len)
		return false;
	in->at += n + 1;
	if (n > 0 && rest.ptr[n - 1] == '\r')
		n--;
	*ret_line = slice_sub(rest, 0, n);
	return true;
}
