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
	for (size_t n; template.len; template = slice_sub(template, n, template.len)) {
		n = slice_find(template, '{');
		if (n > 0) {
			put(out, slice_sub(template, 0, n));
			continue;
		}
		n = put_if(out, template, SLICE("{peer}"), &verdict->peer);
		if (!n)
			n = put_if(out, template, SLICE("{expected}"), &verdict->expected);
		if (!n)
			n = put_if(out, template, SLICE("{found}"), &verdict->found);
		if (!n) {
			put_char(out, *template.ptr);
			n = 1;
		}
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

void put_verdict_advice(struct writer *out, const struct verdict *verdict)
{
	put_verdict(out, verdict);
	if (!verdict->remedy)
		return;
	put(out, SLICE("; "));
	put_verdict_remedy(out, verdict);
}

/* -- for the log ------------------------------------------------------------------------------------------------- */

static void put_key(struct writer *out, const char *key)
{
	put_char(out, ' ');
	put(out, slice_of(key));
	put(out, SLICE("=\""));
}

static void put_template_field(struct writer *out, const char *key, const char *template,
			       const struct verdict *verdict)
{
	if (!template)
		return;
	put_key(out, key);
	put_template(out, slice_of(template), verdict);
	put_char(out, '"');
}

static void put_text_field(struct writer *out, const char *key, const struct verdict_text *text)
{
	if (!text->len)
		return;
	put_key(out, key);
	put_escaped(out, verdict_text(text));
	put_char(out, '"');
}

void put_verdict_fields(struct writer *out, const struct verdict *verdict)
{
	if (verdict->code) {
		put(out, SLICE(" code="));
		put(out, slice_of(verdict->code));
	}
	put_template_field(out, "why", verdict->what, verdict);
	put_template_field(out, "section", verdict->section, verdict);
	put_text_field(out, "peer", &verdict->peer);
	put_text_field(out, "expected", &verdict->expected);
	put_text_field(out, "found", &verdict->found);
	put_template_field(out, "remedy", verdict->remedy, verdict);
}
