/*
 * The configuration's YAML document as those who read it see it (config_file.c, config_domain.c): mappings whose keys
 * are known and given once, lists, and single values. Every scalar is text here, typed by whoever knows its meaning.
 * YAML's cleverness is refused: anchors, aliases, tags, merge keys, a key given twice, a second document.
 *
 * Functions that return bool return false when something is wrong; `why` then begins with FILE:LINE:COLUMN. They are
 * libyaml's document interface underneath: every node knows its line and column.
 */
#pragma once

#include <yaml.h>

#include "sealined/config.h"

struct domain_nodes; /* config_domain.c */
struct named;

struct config_reading {
	struct config *config;
	struct slice file;
	yaml_document_t document;
	struct writer *why;
	struct domain_nodes *domain; /* that is being read */
	enum setting section;        /* of the number that is being read */
	const struct named *named;   /* whose names are being read; config_file.c */
};

/* -- the text, before its document ----------------------------------------------------------------------- */

/* A parser over the text; false: no memory. yaml_parser_delete() is the caller's. */
MUST_CHECK bool reading_open(yaml_parser_t *parser, struct slice text);

/* Whether the text is YAML without what is refused; only the events tell of it. */
MUST_CHECK bool reading_is_plain(const struct config_reading *reading, struct slice text);

/* What the parser has found wrong. Returns false. */
bool reading_wrong_grammar(const struct config_reading *reading, const yaml_parser_t *parser);

/* -- what is wrong, and where: each returns false, so that callers can return it -------------------------- */

bool reading_wrong_at(const struct config_reading *reading, yaml_mark_t mark, const char *text);
bool reading_wrong_value(const struct config_reading *reading, const yaml_node_t *node, struct slice value,
			 struct slice what);

/* -- nodes ----------------------------------------------------------------------------------------------- */

/* Of a scalar; lives as long as the document. */
struct slice reading_text(const yaml_node_t *node);

/* Where the value stands that is said next. */
void reading_note_place(struct config_reading *reading, const yaml_node_t *node);

/* Says the one value that stands in the node. */
MUST_CHECK bool reading_say(struct config_reading *reading, enum setting setting, const yaml_node_t *node);

/* A file, or a list of them: each() is told of every one. No node: nothing was said. */
MUST_CHECK bool reading_say_files(struct config_reading *reading, enum setting setting,
				  const yaml_node_t *node,
				  bool (*each)(struct config_reading *reading, enum setting setting,
					       const yaml_node_t *node));

/* The keys that a mapping may have; each() is told of the n-th name, at most once. */
struct reading_keys {
	const struct slice *names;
	size_t n; /* at most 32 */
	bool (*each)(struct config_reading *reading, size_t which, const yaml_node_t *key,
		     const yaml_node_t *value);
};

MUST_CHECK bool reading_walk_keys(struct config_reading *reading, const yaml_node_t *mapping,
				  const struct reading_keys *keys);

/* One entry of `domains`: a name, or a mapping of the domain's own keys. In config_domain.c. */
MUST_CHECK bool config_say_domain(struct config_reading *reading, const yaml_node_t *node);
