#include "sealphone/output.h"

#include <stdarg.h>

#include "base/mem.h"

json_t *output_string(struct slice text)
{
	json_t *string = json_stringn(text.len > 0 ? text.ptr : "", text.len);
	size_t size = 4 * text.len; /* each byte as \xHH */
	struct writer out;

	if (string)
		return string;
	out = writer_of(mem_alloc(size), size);
	if (!out.buf)
		return NULL;
	put_escaped(&out, text);
	string = json_stringn(out.buf, out.len);
	mem_free(out.buf);
	return string;
}

static void write_line(struct slice text)
{
	fwrite(text.ptr, 1, text.len, stdout);
	fputc('\n', stdout);
	fflush(stdout);
}

/* JSON in ASCII still may have DEL in its strings, and nowhere else. */
static void write_json(struct slice text)
{
	size_t at;

	while ((at = slice_find(text, 0x7f)) < text.len) {
		fwrite(text.ptr, 1, at, stdout);
		fputs("\\u007f", stdout);
		text = slice_sub(text, at + 1, text.len);
	}
	write_line(text);
}

void output_show(const struct output *output, json_t *event, struct slice sentence)
{
	char *text = output->json
			     ? json_dumps(event, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(6))
			     : NULL;

	if (output->before)
		output->before();
	if (text)
		write_json(slice_of(text));
	else if (!output->json && sentence.len > 0)
		write_line(sentence);
	if (output->after)
		output->after();
	free(text);
	json_decref(event);
}

void output_say(const struct output *output, json_t *event, const char *format, ...)
{
	char text[OUTPUT_LINE_MAX];
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	if (n < 0)
		n = 0;
	output_show(output, event, slice_from(text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1));
}
