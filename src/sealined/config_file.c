/*
 * The file, by libyaml's document interface: every node knows its line and column. Every scalar is text
 * here, typed by config_say(). YAML's cleverness is refused: anchors, aliases, tags, merge keys, a key
 * given twice, a second document.
 */
#include <yaml.h>

#include "base/secret.h"
#include "sealined/config_numbers.h"
#include "sip/date.h"
#include "store/state.h"

enum { FILE_MAX = 1 << 20 };

struct reading {
	struct config *config;
	struct slice file;
	yaml_document_t document;
	struct writer *why;

	/* of the domain that is being read */
	const yaml_node_t *domain_name, *domain_certificates, *domain_keys;
	struct server_domain domain;

	enum setting section; /* of the number that is being read */
};

/* -- what is wrong --------------------------------------------------------------------------------------- */

/* FILE:LINE:COLUMN: before whatever the caller has to say. Returns false, so that callers can return it. */
static bool wrong_at(const struct reading *reading, yaml_mark_t mark, const char *text)
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

static bool unknown_key(const struct reading *reading, const yaml_node_t *node, struct slice key,
			struct slice nearest)
{
	wrong_at(reading, node->start_mark, "there is no key ");
	put_text_quoted(reading->why, key);
	if (nearest.len > 0) {
		put(reading->why, SLICE("; is "));
		put_text_quoted(reading->why, nearest);
		put(reading->why, SLICE(" meant?"));
	}
	return false;
}

static bool twice(const struct reading *reading, const yaml_node_t *node, struct slice key, size_t line)
{
	wrong_at(reading, node->start_mark, "the key ");
	put_text_quoted(reading->why, key);
	put(reading->why, SLICE(" is given twice, first on line "));
	put_number(reading->why, line);
	return false;
}

static bool wrong_value(const struct reading *reading, const yaml_node_t *node, struct slice value,
			struct slice what)
{
	wrong_at(reading, node->start_mark, "");
	put_text_quoted(reading->why, value);
	put(reading->why, SLICE(": "));
	put(reading->why, what);
	return false;
}

/* -- nodes ----------------------------------------------------------------------------------------------- */

static struct slice scalar_text(const yaml_node_t *node)
{
	return slice_from(node->data.scalar.value, node->data.scalar.length);
}

/* Where the value stands that is said next. */
static void note_place(struct reading *reading, const yaml_node_t *node)
{
	reading->config->saying = (struct config_place){ node->start_mark.line + 1,
							 node->start_mark.column + 1 };
}

static bool say(struct reading *reading, enum setting setting, const yaml_node_t *node)
{
	char text[200];
	struct writer what = writer_of(text, sizeof text);

	if (node->type != YAML_SCALAR_NODE)
		return wrong_at(reading, node->start_mark,
				"here stands a single value, not a list or a mapping");
	note_place(reading, node);
	if (!config_say(reading->config, setting, scalar_text(node), &what))
		return wrong_value(reading, node, scalar_text(node), writer_text(&what));
	return true;
}

/* Walks the keys of a mapping, each known and given once; each() is told of the n-th name of the list. */
struct keys {
	const struct slice *names;
	size_t n;
	bool (*each)(struct reading *reading, size_t which, const yaml_node_t *key, const yaml_node_t *value);
};

enum { KEYS_MAX = 32 };

static bool walk_keys(struct reading *reading, const yaml_node_t *mapping, const struct keys *keys)
{
	size_t lines[KEYS_MAX] = { 0 };

	for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
	     pair < mapping->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = yaml_document_get_node(&reading->document, pair->key);
		const yaml_node_t *value = yaml_document_get_node(&reading->document, pair->value);
		size_t which = 0;

		if (key->type != YAML_SCALAR_NODE)
			return wrong_at(reading, key->start_mark, "here stands the name of a key");
		struct slice name = scalar_text(key);
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

static bool say_of_domain(struct reading *reading, enum setting setting, const yaml_node_t *node)
{
	char text[200];
	struct writer what = writer_of(text, sizeof text);

	if (node->type != YAML_SCALAR_NODE)
		return wrong_at(reading, node->start_mark, "here stands the path of a file");
	note_place(reading, node);
	if (!config_say_of_domain(reading->config, setting, scalar_text(node), &what))
		return wrong_value(reading, node, scalar_text(node), writer_text(&what));
	return true;
}

/* each(): say() or say_of_domain(). No node: nothing was said. */
static bool say_files(struct reading *reading, enum setting setting, const yaml_node_t *node,
		      bool (*each)(struct reading *reading, enum setting setting, const yaml_node_t *node))
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

/* -- domains: each a name, or a mapping ------------------------------------------------------------------- */

enum {
	DOMAIN_NAME,
	DOMAIN_MD5,
	DOMAIN_MD5_UNTIL,
	DOMAIN_CALLS_IN,
	DOMAIN_CALLS_OUT,
	DOMAIN_DIGEST,
	DOMAIN_INTEGRITY,
	DOMAIN_SIPS,
	DOMAIN_CERTIFICATE,
	DOMAIN_KEY,
	DOMAIN_MODE,
	DOMAIN_REDIRECTIONS,
	DOMAIN_KEYS
};

/* The n-th of the words, if the node is one of them. */
static bool find_word(const yaml_node_t *node, const struct slice words[], size_t n_words, size_t *ret_n)
{
	struct slice text = node->type == YAML_SCALAR_NODE ? scalar_text(node) : slice_of(NULL);

	for (size_t i = 0; i < n_words; i++) {
		if (!slice_eq(text, words[i]))
			continue;
		*ret_n = i;
		return true;
	}
	return false;
}

static bool say_md5(struct reading *reading, const yaml_node_t *value)
{
	static const struct slice words[] = {
		[AUTH_MD5_REFUSED] = SLICE_INIT("refuse"),
		[AUTH_MD5_ALLOWED] = SLICE_INIT("allow"),
		[AUTH_MD5_ONLY] = SLICE_INIT("only"),
	};
	size_t n;

	if (!find_word(value, words, sizeof words / sizeof *words, &n))
		return wrong_at(reading, value->start_mark, "md5 is one of refuse, allow, only");
	reading->domain.md5 = (enum auth_md5)n;
	return true;
}

static bool say_integrity(struct reading *reading, const yaml_node_t *value)
{
	static const struct slice words[] = {
		[AUTH_INTEGRITY_OFFERED] = SLICE_INIT("offer"),
		[AUTH_INTEGRITY_REFUSED] = SLICE_INIT("refuse"),
		[AUTH_INTEGRITY_REQUIRED] = SLICE_INIT("require"),
	};
	size_t n;

	if (!find_word(value, words, sizeof words / sizeof *words, &n))
		return wrong_at(reading, value->start_mark, "integrity is one of offer, refuse, require");
	reading->domain.integrity = (enum auth_integrity)n;
	return true;
}

static bool say_mode(struct reading *reading, const yaml_node_t *value)
{
	static const struct slice words[] = { SLICE_INIT("proxy"), SLICE_INIT("redirect") };
	size_t n;

	if (!find_word(value, words, sizeof words / sizeof *words, &n))
		return wrong_at(reading, value->start_mark, "mode is proxy or redirect");
	reading->domain.redirects = n == 1;
	return true;
}

static bool say_redirections(struct reading *reading, const yaml_node_t *value)
{
	static const struct slice words[] = { SLICE_INIT("pass"), SLICE_INIT("follow") };
	size_t n;

	if (!find_word(value, words, sizeof words / sizeof *words, &n))
		return wrong_at(reading, value->start_mark, "redirections is one of pass, follow");
	reading->domain.follows = n == 1;
	return true;
}

static bool say_sips(struct reading *reading, const yaml_node_t *value)
{
	static const struct slice words[] = { SLICE_INIT("allow"), SLICE_INIT("require") };
	size_t n;

	if (!find_word(value, words, sizeof words / sizeof *words, &n))
		return wrong_at(reading, value->start_mark, "sips is one of allow, require");
	reading->domain.require_sips = n == 1;
	return true;
}

static bool say_md5_until(struct reading *reading, const yaml_node_t *value)
{
	if (value->type == YAML_SCALAR_NODE && sip_day_parse(scalar_text(value), &reading->domain.md5_until))
		return true;
	return wrong_at(reading, value->start_mark, "md5-until is a day like 2027-01-31");
}

static bool say_protection(struct reading *reading, const yaml_node_t *value, enum protection *to)
{
	if (value->type == YAML_SCALAR_NODE && protection_parse(scalar_text(value), to))
		return true;
	return wrong_at(reading, value->start_mark, "it is one of digest, sips, smime");
}

static bool say_digest(struct reading *reading, const yaml_node_t *value)
{
	enum digest_algorithm algorithm;
	bool session, is_word = value->type == YAML_SCALAR_NODE && scalar_text(value).len > 0;

	if (!is_word || !auth_algorithm_parse(scalar_text(value), &algorithm, &session) ||
	    algorithm == DIGEST_MD5)
		return wrong_at(
			reading, value->start_mark,
			"digest is a list of SHA-512-256 and SHA-256, each also with -sess behind it; MD5 has "
			"a key of its own");
	reading->domain.sha |= AUTH_OFFER(algorithm, session);
	return true;
}

static bool say_digests(struct reading *reading, const yaml_node_t *list)
{
	if (list->type != YAML_SEQUENCE_NODE)
		return say_digest(reading, list);
	for (const yaml_node_item_t *item = list->data.sequence.items.start;
	     item < list->data.sequence.items.top; item++)
		if (!say_digest(reading, yaml_document_get_node(&reading->document, *item)))
			return false;
	return true;
}

static bool say_domain_key(struct reading *reading, size_t which, const yaml_node_t *key,
			   const yaml_node_t *value)
{
	(void)key;
	switch (which) {
	case DOMAIN_NAME: reading->domain_name = value; return true;
	case DOMAIN_MD5: return say_md5(reading, value);
	case DOMAIN_MD5_UNTIL: return say_md5_until(reading, value);
	case DOMAIN_CALLS_IN: return say_protection(reading, value, &reading->domain.in);
	case DOMAIN_CALLS_OUT: return say_protection(reading, value, &reading->domain.out);
	case DOMAIN_DIGEST: return say_digests(reading, value);
	case DOMAIN_INTEGRITY: return say_integrity(reading, value);
	case DOMAIN_SIPS: return say_sips(reading, value);
	case DOMAIN_CERTIFICATE: reading->domain_certificates = value; return true;
	case DOMAIN_MODE: return say_mode(reading, value);
	case DOMAIN_REDIRECTIONS: return say_redirections(reading, value);
	default: reading->domain_keys = value; return true;
	}
}

static bool say_domain(struct reading *reading, const yaml_node_t *node)
{
	static const struct slice names[] = {
		[DOMAIN_NAME] = SLICE_INIT("name"),
		[DOMAIN_MD5] = SLICE_INIT("md5"),
		[DOMAIN_MD5_UNTIL] = SLICE_INIT("md5-until"),
		[DOMAIN_CALLS_IN] = SLICE_INIT("calls-in"),
		[DOMAIN_CALLS_OUT] = SLICE_INIT("calls-out"),
		[DOMAIN_DIGEST] = SLICE_INIT("digest"),
		[DOMAIN_INTEGRITY] = SLICE_INIT("integrity"),
		[DOMAIN_SIPS] = SLICE_INIT("sips"),
		[DOMAIN_CERTIFICATE] = SLICE_INIT("certificate"),
		[DOMAIN_KEY] = SLICE_INIT("key"),
		[DOMAIN_MODE] = SLICE_INIT("mode"),
		[DOMAIN_REDIRECTIONS] = SLICE_INIT("redirections"),
	};
	static const struct keys keys = { names, DOMAIN_KEYS, say_domain_key };
	struct config *config = reading->config;

	reading->domain_name = node;
	reading->domain_certificates = reading->domain_keys = NULL;
	reading->domain = (struct server_domain){ .md5 = AUTH_MD5_REFUSED };
	if (node->type == YAML_MAPPING_NODE) {
		reading->domain_name = NULL;
		if (!walk_keys(reading, node, &keys))
			return false;
	}
	if (!reading->domain_name)
		return wrong_at(reading, node->start_mark, "the domain has no \"name\"");
	if (!say(reading, SETTING_DOMAINS, reading->domain_name))
		return false;
	reading->domain.name = config->domains[config->n_domains - 1].name;
	config->domains[config->n_domains - 1] = reading->domain;
	return say_files(reading, SETTING_CERTIFICATE, reading->domain_certificates, say_of_domain) &&
	       say_files(reading, SETTING_KEY, reading->domain_keys, say_of_domain);
}

/* -- peers: each a name with a mapping -------------------------------------------------------------------- */

static bool say_of_peer(struct reading *reading, enum peer_setting setting, const yaml_node_t *node)
{
	char text[200];
	struct writer what = writer_of(text, sizeof text);

	if (node->type != YAML_SCALAR_NODE)
		return wrong_at(reading, node->start_mark,
				"here stands a single value, not a list or a mapping");
	if (!config_say_of_peer(reading->config, setting, scalar_text(node), &what))
		return wrong_value(reading, node, scalar_text(node), writer_text(&what));
	return true;
}

static bool say_peer_key(struct reading *reading, size_t which, const yaml_node_t *key,
			 const yaml_node_t *value)
{
	enum peer_setting setting = (enum peer_setting)which;
	bool is_list = setting == PEER_DOMAINS || setting == PEER_FROM || setting == PEER_EXCEPTIONS;

	(void)key;
	if (!is_list || value->type != YAML_SEQUENCE_NODE)
		return say_of_peer(reading, setting, value);
	for (const yaml_node_item_t *item = value->data.sequence.items.start;
	     item < value->data.sequence.items.top; item++)
		if (!say_of_peer(reading, setting, yaml_document_get_node(&reading->document, *item)))
			return false;
	return true;
}

static bool say_peer(struct reading *reading, const yaml_node_t *name, const yaml_node_t *value)
{
	struct slice names[PEER_SETTINGS];
	const struct keys keys = { names, PEER_SETTINGS, say_peer_key };
	char text[200];
	struct writer what = writer_of(text, sizeof text);

	for (int i = 0; i < PEER_SETTINGS; i++)
		names[i] = peer_setting_name((enum peer_setting)i);
	if (name->type != YAML_SCALAR_NODE || value->type != YAML_MAPPING_NODE)
		return wrong_at(reading, name->start_mark,
				"here stands the name of a peer, and its keys below it");
	if (!config_begin_peer(reading->config, scalar_text(name), &what))
		return wrong_value(reading, name, scalar_text(name), writer_text(&what));
	if (!walk_keys(reading, value, &keys))
		return false;
	if (!config_end_peer(reading->config, &what))
		return wrong_value(reading, name, scalar_text(name), writer_text(&what));
	return true;
}

static bool say_peers(struct reading *reading, const yaml_node_t *mapping)
{
	if (mapping->type != YAML_MAPPING_NODE)
		return wrong_at(reading, mapping->start_mark,
				"here stand the names of peers, each with keys below it");
	for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
	     pair < mapping->data.mapping.pairs.top; pair++)
		if (!say_peer(reading, yaml_document_get_node(&reading->document, pair->key),
			      yaml_document_get_node(&reading->document, pair->value)))
			return false;
	return true;
}

/* -- sections of numbers --------------------------------------------------------------------------------- */

static bool say_number(struct reading *reading, size_t which, const yaml_node_t *key,
		       const yaml_node_t *value)
{
	char text[200];
	struct writer what = writer_of(text, sizeof text);

	(void)key;
	if (value->type != YAML_SCALAR_NODE)
		return wrong_at(reading, value->start_mark, "here stands a single number");
	if (!config_number_say(reading->config, reading->section, which, scalar_text(value), &what))
		return wrong_value(reading, value, scalar_text(value), writer_text(&what));
	return true;
}

static bool say_section(struct reading *reading, enum setting section, const yaml_node_t *node)
{
	struct slice names[CONFIG_NUMBERS_MAX];
	struct keys keys = { names, config_number_names(section, names), say_number };

	if (node->type != YAML_MAPPING_NODE)
		return wrong_at(reading, node->start_mark, "here stand keys of its own, each with a number");
	reading->section = section;
	return walk_keys(reading, node, &keys);
}

/* -- the whole ------------------------------------------------------------------------------------------- */

static bool say_list(struct reading *reading, enum setting setting, const yaml_node_t *list)
{
	if (list->type != YAML_SEQUENCE_NODE)
		return wrong_at(reading, list->start_mark,
				"here stands a list: each entry on a line of its own after a dash");
	for (const yaml_node_item_t *item = list->data.sequence.items.start;
	     item < list->data.sequence.items.top; item++) {
		const yaml_node_t *node = yaml_document_get_node(&reading->document, *item);

		if (!(setting == SETTING_DOMAINS ? say_domain(reading, node) : say(reading, setting, node)))
			return false;
	}
	return true;
}

static bool say_limit(struct reading *reading, size_t which, const yaml_node_t *key, const yaml_node_t *value)
{
	char text[100];
	struct writer what = writer_of(text, sizeof text);

	(void)key;
	if (value->type != YAML_SCALAR_NODE)
		return wrong_at(reading, value->start_mark, "here stands a number");
	return limits_say(&reading->config->limits, (enum limit)which, scalar_text(value), &what) ||
	       wrong_value(reading, value, scalar_text(value), writer_text(&what));
}

static bool say_limits(struct reading *reading, const yaml_node_t *node)
{
	struct slice names[LIMITS];
	struct keys keys = { names, LIMITS, say_limit };

	if (node->type != YAML_MAPPING_NODE)
		return wrong_at(reading, node->start_mark,
				"here stand names and numbers, as in \"connections-per-source: 100\"");
	for (int i = 0; i < LIMITS; i++)
		names[i] = limit_name((enum limit)i);
	return walk_keys(reading, node, &keys);
}

static bool say_exempt(struct reading *reading, const yaml_node_t *node)
{
	struct bans_policy *bans = &reading->config->bans;

	if (node->type != YAML_SCALAR_NODE || bans->n_exempt == BANS_EXEMPT_MAX)
		return wrong_at(reading, node->start_mark, "here stand at most 64 addresses or networks");
	if (!prefix_parse(scalar_text(node), &bans->exempt[bans->n_exempt]))
		return wrong_value(reading, node, scalar_text(node),
				   SLICE("it is no IP address or network, as in 192.0.2.0/24"));
	bans->n_exempt++;
	return true;
}

/* -- groups and suites of TLS: in the file alone ----------------------------------------------------------- */

enum { TLS_GROUPS, TLS_SUITES, TLS_KEYS };

static bool say_tls_key(struct reading *reading, size_t which, const yaml_node_t *key,
			const yaml_node_t *list)
{
	struct tls_policy *policy = &reading->config->tls;

	(void)key;
	if (list->type != YAML_SEQUENCE_NODE)
		return wrong_at(reading, list->start_mark, "here stands a list of names, the best first");
	for (const yaml_node_item_t *item = list->data.sequence.items.start;
	     item < list->data.sequence.items.top; item++) {
		const yaml_node_t *node = yaml_document_get_node(&reading->document, *item);
		const char *why = NULL;

		if (node->type != YAML_SCALAR_NODE)
			return wrong_at(reading, node->start_mark, "here stands a single name");
		if (!(which == TLS_GROUPS ? tls_policy_add_group
					  : tls_policy_add_suite)(policy, scalar_text(node), &why))
			return wrong_value(reading, node, scalar_text(node), slice_of(why));
	}
	return true;
}

static bool say_tls(struct reading *reading, const yaml_node_t *node)
{
	static const struct slice names[] = {
		[TLS_GROUPS] = SLICE_INIT("groups"), [TLS_SUITES] = SLICE_INIT("suites")
	};
	static const struct keys keys = { names, TLS_KEYS, say_tls_key };
	const char *why = NULL;

	if (node->type != YAML_MAPPING_NODE)
		return wrong_at(reading, node->start_mark, "here stand groups and suites, each with a list");
	return walk_keys(reading, node, &keys) &&
	       (tls_policy_is_whole(&reading->config->tls, &why) || wrong_at(reading, node->start_mark, why));
}

/* In place of the defaults: who names some names all. */
static bool say_never_ban(struct reading *reading, const yaml_node_t *list)
{
	reading->config->bans.n_exempt = 0;
	if (list->type != YAML_SEQUENCE_NODE)
		return wrong_at(reading, list->start_mark, "here stands a list of addresses and networks");
	for (const yaml_node_item_t *item = list->data.sequence.items.start;
	     item < list->data.sequence.items.top; item++)
		if (!say_exempt(reading, yaml_document_get_node(&reading->document, *item)))
			return false;
	return true;
}

/* The keys that are no options as well. */
enum { KEY_LIMITS = SETTINGS, KEY_NEVER_BAN, KEY_TLS, ROOT_KEYS };

static bool say_key(struct reading *reading, size_t which, const yaml_node_t *key, const yaml_node_t *value)
{
	enum setting setting = (enum setting)which;

	if (which == KEY_LIMITS)
		return say_limits(reading, value);
	if (which == KEY_NEVER_BAN)
		return say_never_ban(reading, value);
	if (which == KEY_TLS)
		return say_tls(reading, value);
	reading->config->places[setting] = (struct config_place){ key->start_mark.line + 1,
								  key->start_mark.column + 1 };
	if (setting == SETTING_LISTEN || setting == SETTING_DOMAINS)
		return say_list(reading, setting, value);
	if (setting == SETTING_PEERS)
		return say_peers(reading, value);
	if (setting == SETTING_CERTIFICATE || setting == SETTING_KEY)
		return say_files(reading, setting, value, say);
	return setting >= SETTING_SECTIONS ? say_section(reading, setting, value)
					   : say(reading, setting, value);
}

static bool say_root(struct reading *reading)
{
	const yaml_node_t *root = yaml_document_get_root_node(&reading->document);
	struct slice names[ROOT_KEYS] = {
		[KEY_LIMITS] = SLICE("limits"),
		[KEY_NEVER_BAN] = SLICE("never-ban"),
		[KEY_TLS] = SLICE("tls"),
	};
	struct keys keys = { names, ROOT_KEYS, say_key };

	if (!root) /* nothing but comments */
		return true;
	if (root->type != YAML_MAPPING_NODE)
		return wrong_at(reading, root->start_mark,
				"here stand keys and values, as in \"state: /var/lib/sealine\"");
	for (int i = 0; i < SETTINGS; i++)
		names[i] = setting_name((enum setting)i);
	return walk_keys(reading, root, &keys);
}

/* -- what YAML allows and we do not: only the events tell of it ------------------------------------------ */

static bool wrong_grammar(const struct reading *reading, const yaml_parser_t *parser)
{
	if (parser->error == YAML_MEMORY_ERROR)
		return wrong_at(reading, parser->mark, "there is not enough memory");
	wrong_at(reading, parser->problem_mark, parser->problem ? parser->problem : "this is no YAML");
	if (parser->context) {
		put(reading->why, SLICE(" ("));
		put(reading->why, slice_of(parser->context));
		put(reading->why, SLICE(")"));
	}
	return false;
}

static bool is_plain(const struct reading *reading, const yaml_event_t *event, bool *seen)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	switch (event->type) {
	case YAML_ALIAS_EVENT: return wrong_at(reading, event->start_mark, "aliases (*) are not used here");
	case YAML_DOCUMENT_START_EVENT:
		if (*seen)
			return wrong_at(reading, event->start_mark, "there is a second document in the file");
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
		return wrong_at(reading, event->start_mark, "anchors (&) are not used here");
	return !tag || wrong_at(reading, event->start_mark, "tags (!) are not used here");
}

static bool open_parser(yaml_parser_t *parser, struct slice text)
{
	if (!yaml_parser_initialize(parser))
		return false;
	yaml_parser_set_input_string(parser, (const unsigned char *)text.ptr, text.len);
	return true;
}

static bool check_events(const struct reading *reading, struct slice text)
{
	yaml_parser_t parser;
	bool ok = true, ended = false, seen = false;

	if (!open_parser(&parser, text))
		return false;
	while (ok && !ended) {
		yaml_event_t event;

		if (!yaml_parser_parse(&parser, &event)) {
			ok = wrong_grammar(reading, &parser);
			break;
		}
		ok = is_plain(reading, &event, &seen);
		ended = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return ok;
}

bool config_parse(struct config *config, struct slice file, struct slice text, struct writer *why)
{
	struct reading reading = { .config = config, .file = file, .why = why };
	yaml_parser_t parser;

	if (!check_events(&reading, text) || !open_parser(&parser, text))
		return false;
	bool ok = yaml_parser_load(&parser, &reading.document);
	if (ok) {
		ok = say_root(&reading);
		config->saying = (struct config_place){ 0, 0 }; /* options stand nowhere */
		yaml_document_delete(&reading.document);
	} else {
		wrong_grammar(&reading, &parser);
	}
	yaml_parser_delete(&parser);
	return ok;
}

bool config_read(struct config *config, struct slice file, struct writer *why)
{
	AUTO(secret) struct secret *text = NULL;
	enum err err = state_read(file, FILE_MAX, &text);

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
