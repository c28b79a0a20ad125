#include "base/scan.h"

#include <string.h>

#include "base/ascii.h"

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
