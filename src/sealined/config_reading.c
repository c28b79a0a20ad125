#include "sealined/config_reading.h"

/* -- what is wrong --------------------------------------------------------------------------------------- */

bool reading_wrong_at(const struct config_reading *reading, yaml_mark_t mark, const char *text)
{
	put(reading->why, reading->file);
	put_char(reading->why, ':');
	put_number(reading->why, mark.line + 1);
	put_char(reading->why, ':');
	put_number(reading->why, mark.column + 1);
	put(reading->why, SLICE(": "));
	put(reading->why, slice_of(text));
	return false;
}

static void put_text_quoted(struct writer *out, struct slice text)
{
	put_char(out, '"');
	put_escaped(out, slice_sub(text, 0, 100));
	put_char(out, '"');
}

static bool unknown_key(const struct config_reading *reading, const yaml_node_t *node, struct slice key,
			struct slice nearest)
{
	reading_wrong_at(reading, node->start_mark, "there is no key ");
	put_text_quoted(reading->why, key);
	if (nearest.len > 0) {
		put(reading->why, SLICE("; is "));
		put_text_quoted(reading->why, nearest);
		put(reading->why, SLICE(" meant?"));
	}
	return false;
}

static bool twice(const struct config_reading *reading, const yaml_node_t *node, struct slice key,
		  size_t line)
{
	reading_wrong_at(reading, node->start_mark, "the key ");
	put_text_quoted(reading->why, key);
	put(reading->why, SLICE(" is given twice, first on line "));
	put_number(reading->why, line);
	return false;
}

bool reading_wrong_value(const struct config_reading *reading, const yaml_node_t *node, struct slice value,
			 struct slice what)
{
	reading_wrong_at(reading, node->start_mark, "");
	put_text_quoted(reading->why, value);
	put(reading->why, SLICE(": "));
	put(reading->why, what);
	return false;
}

/* -- nodes ----------------------------------------------------------------------------------------------- */

struct slice reading_text(const yaml_node_t *node)
{
	return slice_from(node->data.scalar.value, node->data.scalar.length);
}

void reading_note_place(struct config_reading *reading, const yaml_node_t *node)
{
	reading->config->saying = (struct config_place){ node->start_mark.line + 1,
							 node->start_mark.column + 1 };
}

bool reading_say(struct config_reading *reading, enum setting setting, const yaml_node_t *node)
{
	char text[200];
	struct writer what = writer_of(text, sizeof text);

	if (node->type != YAML_SCALAR_NODE)
		return reading_wrong_at(reading, node->start_mark,
					"here stands a single value, not a list or a mapping");
	reading_note_place(reading, node);
	if (!config_say(reading->config, setting, reading_text(node), &what))
		return reading_wrong_value(reading, node, reading_text(node), writer_text(&what));
	return true;
}

enum { KEYS_MAX = 32 };

bool reading_walk_keys(struct config_reading *reading, const yaml_node_t *mapping,
		       const struct reading_keys *keys)
{
	size_t lines[KEYS_MAX] = { 0 };

	for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
	     pair < mapping->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = yaml_document_get_node(&reading->document, pair->key);
		const yaml_node_t *value = yaml_document_get_node(&reading->document, pair->value);
		size_t which = 0;

		if (key->type != YAML_SCALAR_NODE)
			return reading_wrong_at(reading, key->start_mark, "here stands the name of a key");
		struct slice name = reading_text(key);
		while (which < keys->n && !slice_eq(keys->names[which], name))
			which++;
		if (which == keys->n)
			return unknown_key(reading, key, name, nearest_name(name, keys->names, keys->n));
		if (lines[which] > 0)
			return twice(reading, key, name, lines[which]);
		lines[which] = key->start_mark.line + 1;
		if (!keys->each(reading, which, key, value))
			return false;
	}
	return true;
}

/* -- files: one, or a list of them ------------------------------------------------------------------------ */

bool reading_say_files(struct config_reading *reading, enum setting setting, const yaml_node_t *node,
		       bool (*each)(struct config_reading *reading, enum setting setting,
				    const yaml_node_t *node))
{
	if (!node)
		return true;
	if (node->type != YAML_SEQUENCE_NODE)
		return each(reading, setting, node);
	for (const yaml_node_item_t *item = node->data.sequence.items.start;
	     item < node->data.sequence.items.top; item++)
		if (!each(reading, setting, yaml_document_get_node(&reading->document, *item)))
			return false;
	return true;
}

/* -- what YAML allows and we do not: only the events tell of it ------------------------------------------ */

bool reading_wrong_grammar(const struct config_reading *reading, const yaml_parser_t *parser)
{
	if (parser->error == YAML_MEMORY_ERROR)
		return reading_wrong_at(reading, parser->mark, "there is not enough memory");
	reading_wrong_at(reading, parser->problem_mark,
			 parser->problem ? parser->problem : "this is no YAML");
	if (parser->context) {
		put(reading->why, SLICE(" ("));
		put(reading->why, slice_of(parser->context));
		put(reading->why, SLICE(")"));
	}
	return false;
}

static bool is_plain(const struct config_reading *reading, const yaml_event_t *event, bool *seen)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return reading_wrong_at(reading, event->start_mark, "aliases (*) are not used here");
	case YAML_DOCUMENT_START_EVENT:
		if (*seen)
			return reading_wrong_at(reading, event->start_mark,
						"there is a second document in the file");
		*seen = true;
		break;
	case YAML_SCALAR_EVENT:
		anchor = event->data.scalar.anchor;
		tag = event->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = event->data.sequence_start.anchor;
		tag = event->data.sequence_start.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = event->data.mapping_start.anchor;
		tag = event->data.mapping_start.tag;
		break;
	default: break;
	}
	if (anchor)
		return reading_wrong_at(reading, event->start_mark, "anchors (&) are not used here");
	return !tag || reading_wrong_at(reading, event->start_mark, "tags (!) are not used here");
}

bool reading_open(yaml_parser_t *parser, struct slice text)
{
	if (!yaml_parser_initialize(parser))
		return false;
	yaml_parser_set_input_string(parser, (const unsigned char *)text.ptr, text.len);
	return true;
}

bool reading_is_plain(const struct config_reading *reading, struct slice text)
{
	yaml_parser_t parser;
	bool ok = true, ended = false, seen = false;

	if (!reading_open(&parser, text))
		return false;
	while (ok && !ended) {
		yaml_event_t event;

		if (!yaml_parser_parse(&parser, &event)) {
			ok = reading_wrong_grammar(reading, &parser);
			break;
		}
		ok = is_plain(reading, &event, &seen);
		ended = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return ok;
}
