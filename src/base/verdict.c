#include "base/verdict.h"

#include <string.h>

void verdict_text_set(struct verdict_text *to, struct slice text)
{
	static const struct slice dots = SLICE_INIT("...");
	struct slice kept = slice_sub(text, 0, VERDICT_TEXT_MAX);
	size_t end = kept.len < text.len ? kept.len - dots.len : kept.len;

	if (end)
		memcpy(to->bytes, kept.ptr, end);
	if (end < kept.len)
		memcpy(to->bytes + end, dots.ptr, dots.len);
	to->len = (uint8_t)kept.len;
}

/* Writes the value if the template continues with the placeholder; returns the bytes of the template used up.
 */
static size_t put_if(struct writer *out, struct slice rest, struct slice placeholder,
		     const struct verdict_text *value)
{
	if (!slice_starts(rest, placeholder))
		return 0;
	put_escaped(out, verdict_text(value));
	return placeholder.len;
}

static void put_template(struct writer *out, struct slice template, const struct verdict *verdict)
{
	while (template.len) {
		size_t n = slice_find(template, '{');

		put(out, slice_sub(template, 0, n));
		template = slice_sub(template, n, template.len);
		n = put_if(out, template, SLICE("{peer}"), &verdict->peer);
		if (!n)
			n = put_if(out, template, SLICE("{expected}"), &verdict->expected);
		if (!n)
			n = put_if(out, template, SLICE("{found}"), &verdict->found);
		if (!n && template.len) {
			put_char(out, *template.ptr);
			n = 1;
		}
		template = slice_sub(template, n, template.len);
	}
}

void put_verdict(struct writer *out, const struct verdict *verdict)
{
	put_template(out, slice_of(verdict->what), verdict);
	if (!verdict->section)
		return;
	put(out, SLICE(" ("));
	put(out, slice_of(verdict->section));
	put_char(out, ')');
}

void put_verdict_remedy(struct writer *out, const struct verdict *verdict)
{
	put_template(out, slice_of(verdict->remedy), verdict);
}
