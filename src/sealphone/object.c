#include "sealphone/object.h"

#include "sealphone/output.h"

enum { VERDICT_JSON_MAX = 2560 };

void object_set(json_t *object, const char *key, json_t *value)
{
	if (object)
		json_object_set_new(object, key, value);
	else
		json_decref(value);
}

void object_set_some(json_t *object, const char *key, struct slice text)
{
	if (text.len > 0)
		object_set(object, key, output_string(text));
}

json_t *object_of_verdict(const struct verdict *verdict)
{
	json_t *object = json_pack("{s:s?}", "code", verdict->code);
	char buf[VERDICT_JSON_MAX];
	struct writer why = writer_of(buf, sizeof buf), remedy;

	put_verdict(&why, verdict);
	remedy = writer_of(buf + why.len, sizeof buf - why.len);
	put_verdict_remedy(&remedy, verdict);
	object_set_some(object, "why", writer_text(&why));
	object_set_some(object, "section", slice_of(verdict->section));
	object_set_some(object, "peer", verdict_text(&verdict->peer));
	object_set_some(object, "expected", verdict_text(&verdict->expected));
	object_set_some(object, "found", verdict_text(&verdict->found));
	object_set_some(object, "remedy", writer_text(&remedy));
	return object;
}
