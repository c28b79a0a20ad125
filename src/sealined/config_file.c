/* The file: its root, and what stands there. Domains are read by config_domain.c. */
#include "base/secret.h"
#include "file/file.h"
#include "sealined/config_numbers.h"
#include "sealined/config_reading.h"

enum { FILE_MAX = 1 << 20 };

/* -- peers and links: each a name with a mapping ------------------------------------------------------------ */

/* What such a section is made of. */
struct named {
	const char *what_is_name, *what_is_section;
	size_t n_keys;
	struct slice (*name)(size_t key);
	bool (*is_list)(size_t key);
	bool (*begin)(struct config *config, struct slice name, struct writer *why);
	bool (*say)(struct config *config, size_t key, struct slice value, struct writer *why);
	bool (*end)(struct config *config, struct writer *why);
};

enum { NAMED_KEYS_MAX = PEER_SETTINGS };

static struct slice peer_key(size_t key)
{
	return peer_setting_name((enum peer_setting)key);
}

static bool is_list_of_peer(size_t key)
{
	return key == PEER_DOMAINS || key == PEER_FROM || key == PEER_EDGE_FOR || key == PEER_EXCEPTIONS;
}

static bool say_of_peer(struct config *config, size_t key, struct slice value, struct writer *why)
{
	return config_say_of_peer(config, (enum peer_setting)key, value, why);
}

static const struct named peers = {
	.what_is_name = "here stands the name of a peer, and its keys below it",
	.what_is_section = "here stand the names of peers, each with keys below it",
	.n_keys = PEER_SETTINGS,
	.name = peer_key,
	.is_list = is_list_of_peer,
	.begin = config_begin_peer,
	.say = say_of_peer,
	.end = config_end_peer,
};

static struct slice link_key(size_t key)
{
	return link_setting_name((enum link_setting)key);
}

static bool is_list_of_link(size_t key)
{
	return key == LINK_ADDRESSES;
}

static bool say_of_link(struct config *config, size_t key, struct slice value, struct writer *why)
{
	return config_say_of_link(config, (enum link_setting)key, value, why);
}

static const struct named links = {
	.what_is_name = "here stands the name of a link, and its keys below it",
	.what_is_section = "here stand the names of links, each with keys below it",
	.n_keys = LINK_SETTINGS,
	.name = link_key,
	.is_list = is_list_of_link,
	.begin = config_begin_link,
	.say = say_of_link,
	.end = config_end_link,
};

static bool say_one(struct config_reading *reading, size_t key, const yaml_node_t *node)
{
	char text[200];
	struct writer what = writer_of(text, sizeof text);

	if (node->type != YAML_SCALAR_NODE)
		return reading_wrong_at(reading, node->start_mark,
					"here stands a single value, not a list or a mapping");
	reading_note_place(reading, node);
	if (!reading->named->say(reading->config, key, reading_text(node), &what))
		return reading_wrong_value(reading, node, reading_text(node), writer_text(&what));
	return true;
}

static bool say_named_key(struct config_reading *reading, size_t which, const yaml_node_t *key,
			  const yaml_node_t *value)
{
	(void)key;
	if (!reading->named->is_list(which) || value->type != YAML_SEQUENCE_NODE)
		return say_one(reading, which, value);
	for (const yaml_node_item_t *item = value->data.sequence.items.start;
	     item < value->data.sequence.items.top; item++)
		if (!say_one(reading, which, yaml_document_get_node(&reading->document, *item)))
			return false;
	return true;
}

static bool say_named(struct config_reading *reading, const yaml_node_t *name, const yaml_node_t *value)
{
	const struct named *named = reading->named;
	struct slice names[NAMED_KEYS_MAX];
	const struct reading_keys keys = { names, named->n_keys, say_named_key };
	char text[200];
	struct writer what = writer_of(text, sizeof text);

	for (size_t i = 0; i < named->n_keys; i++)
		names[i] = named->name(i);
	if (name->type != YAML_SCALAR_NODE || value->type != YAML_MAPPING_NODE)
		return reading_wrong_at(reading, name->start_mark, named->what_is_name);
	if (!named->begin(reading->config, reading_text(name), &what))
		return reading_wrong_value(reading, name, reading_text(name), writer_text(&what));
	if (!reading_walk_keys(reading, value, &keys))
		return false;
	if (!named->end(reading->config, &what))
		return reading_wrong_value(reading, name, reading_text(name), writer_text(&what));
	return true;
}

static bool say_all_named(struct config_reading *reading, const struct named *named,
			  const yaml_node_t *mapping)
{
	if (mapping->type != YAML_MAPPING_NODE)
		return reading_wrong_at(reading, mapping->start_mark, named->what_is_section);
	reading->named = named;
	for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
	     pair < mapping->data.mapping.pairs.top; pair++)
		if (!say_named(reading, yaml_document_get_node(&reading->document, pair->key),
			       yaml_document_get_node(&reading->document, pair->value)))
			return false;
	return true;
}

/* -- sections of numbers --------------------------------------------------------------------------------- */

static bool say_number(struct config_reading *reading, size_t which, const yaml_node_t *key,
		       const yaml_node_t *value)
{
	char text[200];
	struct writer what = writer_of(text, sizeof text);

	(void)key;
	if (value->type != YAML_SCALAR_NODE)
		return reading_wrong_at(reading, value->start_mark, "here stands a single number");
	if (!config_number_say(reading->config, reading->section, which, reading_text(value), &what))
		return reading_wrong_value(reading, value, reading_text(value), writer_text(&what));
	return true;
}

static bool say_section(struct config_reading *reading, enum setting section, const yaml_node_t *node)
{
	struct slice names[CONFIG_NUMBERS_MAX];
	struct reading_keys keys = { names, config_number_names(section, names), say_number };

	if (node->type != YAML_MAPPING_NODE)
		return reading_wrong_at(reading, node->start_mark,
					"here stand keys of its own, each with a number");
	reading->section = section;
	return reading_walk_keys(reading, node, &keys);
}

/* -- the whole ------------------------------------------------------------------------------------------- */

static bool say_list(struct config_reading *reading, enum setting setting, const yaml_node_t *list)
{
	if (list->type != YAML_SEQUENCE_NODE)
		return reading_wrong_at(reading, list->start_mark,
					"here stands a list: each entry on a line of its own after a dash");
	if (list->data.sequence.items.start == list->data.sequence.items.top)
		return reading_wrong_at(reading, list->start_mark,
					"the list is empty: leave the key out for what is usual");
	for (const yaml_node_item_t *item = list->data.sequence.items.start;
	     item < list->data.sequence.items.top; item++) {
		const yaml_node_t *node = yaml_document_get_node(&reading->document, *item);

		if (!(setting == SETTING_DOMAINS ? config_say_domain(reading, node)
						 : reading_say(reading, setting, node)))
			return false;
	}
	return true;
}

static bool say_limit(struct config_reading *reading, size_t which, const yaml_node_t *key,
		      const yaml_node_t *value)
{
	char text[100];
	struct writer what = writer_of(text, sizeof text);

	(void)key;
	if (value->type != YAML_SCALAR_NODE)
		return reading_wrong_at(reading, value->start_mark, "here stands a number");
	return limits_say(&reading->config->limits, (enum limit)which, reading_text(value), &what) ||
	       reading_wrong_value(reading, value, reading_text(value), writer_text(&what));
}

static bool say_limits(struct config_reading *reading, const yaml_node_t *node)
{
	struct slice names[LIMITS];
	struct reading_keys keys = { names, LIMITS, say_limit };

	if (node->type != YAML_MAPPING_NODE)
		return reading_wrong_at(
			reading, node->start_mark,
			"here stand names and numbers, as in \"connections-per-source: 100\"");
	for (int i = 0; i < LIMITS; i++)
		names[i] = limit_name((enum limit)i);
	return reading_walk_keys(reading, node, &keys);
}

static bool say_exempt(struct config_reading *reading, const yaml_node_t *node)
{
	struct bans_policy *bans = &reading->config->bans;

	if (node->type != YAML_SCALAR_NODE || bans->n_exempt == BANS_EXEMPT_MAX)
		return reading_wrong_at(reading, node->start_mark,
					"here stand at most 64 addresses or networks");
	if (!prefix_parse(reading_text(node), &bans->exempt[bans->n_exempt]))
		return reading_wrong_value(reading, node, reading_text(node),
					   SLICE("it is no IP address or network, as in 192.0.2.0/24"));
	bans->n_exempt++;
	return true;
}

/* -- groups and suites of TLS: in the file alone ----------------------------------------------------------- */

enum { TLS_GROUPS, TLS_SUITES, TLS_KEYS };

static bool say_tls_key(struct config_reading *reading, size_t which, const yaml_node_t *key,
			const yaml_node_t *list)
{
	struct tls_policy *policy = &reading->config->tls;

	(void)key;
	if (list->type != YAML_SEQUENCE_NODE)
		return reading_wrong_at(reading, list->start_mark,
					"here stands a list of names, the best first");
	for (const yaml_node_item_t *item = list->data.sequence.items.start;
	     item < list->data.sequence.items.top; item++) {
		const yaml_node_t *node = yaml_document_get_node(&reading->document, *item);
		const char *why = NULL;

		if (node->type != YAML_SCALAR_NODE)
			return reading_wrong_at(reading, node->start_mark, "here stands a single name");
		if (!(which == TLS_GROUPS ? tls_policy_add_group
					  : tls_policy_add_suite)(policy, reading_text(node), &why))
			return reading_wrong_value(reading, node, reading_text(node), slice_of(why));
	}
	return true;
}

static bool say_tls(struct config_reading *reading, const yaml_node_t *node)
{
	static const struct slice names[] = {
		[TLS_GROUPS] = SLICE_INIT("groups"), [TLS_SUITES] = SLICE_INIT("suites")
	};
	static const struct reading_keys keys = { names, TLS_KEYS, say_tls_key };
	const char *why = NULL;

	if (node->type != YAML_MAPPING_NODE)
		return reading_wrong_at(reading, node->start_mark,
					"here stand groups and suites, each with a list");
	return reading_walk_keys(reading, node, &keys) && (tls_policy_is_whole(&reading->config->tls, &why) ||
							   reading_wrong_at(reading, node->start_mark, why));
}

/* In place of the defaults: who names some names all. */
static bool say_never_ban(struct config_reading *reading, const yaml_node_t *list)
{
	reading->config->bans.n_exempt = 0;
	if (list->type != YAML_SEQUENCE_NODE)
		return reading_wrong_at(reading, list->start_mark,
					"here stands a list of addresses and networks");
	for (const yaml_node_item_t *item = list->data.sequence.items.start;
	     item < list->data.sequence.items.top; item++)
		if (!say_exempt(reading, yaml_document_get_node(&reading->document, *item)))
			return false;
	return true;
}

/* The keys that are no options as well. */
enum { KEY_LIMITS = SETTINGS, KEY_NEVER_BAN, KEY_TLS, KEY_LINKS, ROOT_KEYS };

static bool say_key(struct config_reading *reading, size_t which, const yaml_node_t *key,
		    const yaml_node_t *value)
{
	enum setting setting = (enum setting)which;

	if (which == KEY_LIMITS)
		return say_limits(reading, value);
	if (which == KEY_NEVER_BAN)
		return say_never_ban(reading, value);
	if (which == KEY_TLS)
		return say_tls(reading, value);
	if (which == KEY_LINKS)
		return say_all_named(reading, &links, value);
	reading->config->places[setting] = (struct config_place){ key->start_mark.line + 1,
								  key->start_mark.column + 1 };
	if (setting == SETTING_LISTEN || setting == SETTING_DOMAINS)
		return say_list(reading, setting, value);
	if (setting == SETTING_PEERS)
		return say_all_named(reading, &peers, value);
	if (setting == SETTING_CERTIFICATE || setting == SETTING_KEY || setting == SETTING_STAPLE)
		return reading_say_files(reading, setting, value, reading_say);
	return setting >= SETTING_SECTIONS ? say_section(reading, setting, value)
					   : reading_say(reading, setting, value);
}

static bool say_root(struct config_reading *reading)
{
	const yaml_node_t *root = yaml_document_get_root_node(&reading->document);
	struct slice names[ROOT_KEYS] = {
		[KEY_LIMITS] = SLICE("limits"),
		[KEY_NEVER_BAN] = SLICE("never-ban"),
		[KEY_TLS] = SLICE("tls"),
		[KEY_LINKS] = SLICE("links"),
	};
	struct reading_keys keys = { names, ROOT_KEYS, say_key };

	if (!root) /* nothing but comments */
		return true;
	if (root->type != YAML_MAPPING_NODE)
		return reading_wrong_at(reading, root->start_mark,
					"here stand keys and values, as in \"state: /var/lib/sealine\"");
	for (int i = 0; i < SETTINGS; i++)
		names[i] = setting_name((enum setting)i);
	return reading_walk_keys(reading, root, &keys);
}

bool config_parse(struct config *config, struct slice file, struct slice text, struct writer *why)
{
	struct config_reading reading = { .config = config, .file = file, .why = why };
	yaml_parser_t parser;

	if (!reading_is_plain(&reading, text) || !reading_open(&parser, text))
		return false;
	bool ok = yaml_parser_load(&parser, &reading.document);
	if (ok) {
		ok = say_root(&reading);
		config->saying = (struct config_place){ 0, 0 }; /* options stand nowhere */
		yaml_document_delete(&reading.document);
	} else {
		reading_wrong_grammar(&reading, &parser);
	}
	yaml_parser_delete(&parser);
	return ok;
}

bool config_read(struct config *config, struct slice file, struct writer *why)
{
	AUTO(secret) struct secret *text = NULL;
	enum err err = file_read(file, FILE_MAX, &text);

	if (err == OK)
		return config_parse(config, file, secret_slice(text), why);
	put(why, file);
	put(why, SLICE(": "));
	put(why, err == ERR_NOT_FOUND ? SLICE("there is no such file")
		 : err == ERR_DENIED  ? SLICE("it may not be read")
		 : err == ERR_LIMIT   ? SLICE("it is larger than a configuration can be")
				      : SLICE("it cannot be read"));
	return false;
}
