#include "sealine/output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/writer.h"
#include "idn/idn.h"

enum {
	ESCAPED_MAX = 4000, /* a byte may become four */
	REAL_DIGITS = 12,   /* that are known of a number: 0.9996 and not 0.99960000000000004 */
};

bool complain(const char *format, ...)
{
	va_list arguments;

	fputs("sealine: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return false;
}

bool complain_of(enum err err)
{
	return complain("%s; nothing was changed", err_text(err));
}

bool print_json(json_t *object)
{
	int failed = object ? json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS))
			    : -1;

	json_decref(object);
	if (!object)
		return complain_of(ERR_NOMEM);
	if (failed == 0)
		putchar('\n');
	return failed == 0;
}

json_t *json_of_text(struct slice text)
{
	json_t *string = json_stringn(text.ptr ? text.ptr : "", text.len);
	struct writer out;
	char *escaped;

	if (string)
		return string;
	escaped = mem_alloc(4 * text.len);
	if (!escaped)
		return NULL;
	out = writer_of(escaped, 4 * text.len);
	put_escaped(&out, text);
	string = json_stringn(escaped, out.len);
	mem_free(escaped);
	return string;
}

struct slice text_member(const json_t *object, const char *name)
{
	const json_t *member = json_object_get(object, name);

	return slice_from(json_is_string(member) ? json_string_value(member) : "",
			  json_string_length(member));
}

void print_each(const json_t *list, void (*print)(const json_t *one))
{
	for (size_t i = 0; i < json_array_size(list); i++)
		print(json_array_get(list, i));
}

void print_escaped(struct slice text)
{
	char buf[ESCAPED_MAX];
	struct writer out = writer_of(buf, sizeof buf);

	put_escaped(&out, slice_sub(text, 0, ESCAPED_MAX / 4));
	fwrite(buf, 1, out.len, stdout);
}

void print_domain_of(struct slice text)
{
	char buf[ESCAPED_MAX];
	struct writer out = writer_of(buf, sizeof buf);

	print_escaped(text);
	put_unicode_beside(&out, text);
	fwrite(buf, 1, out.len, stdout);
}

bool output_is_written(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	return complain("standard output: %s; the report is not complete", strerror(errno));
}
