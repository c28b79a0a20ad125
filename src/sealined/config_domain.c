/* One entry of `domains`: a name, or a mapping of the domain's own keys. */
#include "sealined/config_reading.h"
#include "sip/date.h"

/* The domain that is being read. */
struct domain_nodes {
	const yaml_node_t *name, *certificates, *keys,
		*user_ca; /* the files are said when the name is known */
	struct server_domain domain;
};

static bool say_of_domain(struct config_reading *reading, enum setting setting, const yaml_node_t *node)
{
	char text[200];
	struct writer what = writer_of(text, sizeof text);

	if (node->type != YAML_SCALAR_NODE)
		return reading_wrong_at(reading, node->start_mark, "here stands the path of a file");
	reading_note_place(reading, node);
	if (!config_say_of_domain(reading->config, setting, reading_text(node), &what))
		return reading_wrong_value(reading, node, reading_text(node), writer_text(&what));
	return true;
}

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
	DOMAIN_CLIENT_CERTIFICATE,
	DOMAIN_USER_CA,
	DOMAIN_KEYS
};

/* The keys whose value is one of some words. */
static const struct {
	struct slice words[3]; /* by what they mean */
	const char *what;
} words_of[DOMAIN_KEYS] = {
	[DOMAIN_MD5] = { { [AUTH_MD5_REFUSED] = SLICE_INIT("refuse"),
			   [AUTH_MD5_ALLOWED] = SLICE_INIT("allow"),
			   [AUTH_MD5_ONLY] = SLICE_INIT("only") },
			 "md5 is one of refuse, allow, only" },
	[DOMAIN_INTEGRITY] = { { [AUTH_INTEGRITY_OFFERED] = SLICE_INIT("offer"),
				 [AUTH_INTEGRITY_REFUSED] = SLICE_INIT("refuse"),
				 [AUTH_INTEGRITY_REQUIRED] = SLICE_INIT("require") },
			       "integrity is one of offer, refuse, require" },
	[DOMAIN_SIPS] = { { SLICE_INIT("allow"), SLICE_INIT("require") }, "sips is one of allow, require" },
	[DOMAIN_MODE] = { { SLICE_INIT("proxy"), SLICE_INIT("redirect") }, "mode is proxy or redirect" },
	[DOMAIN_REDIRECTIONS] = { { SLICE_INIT("pass"), SLICE_INIT("follow") },
				  "redirections is one of pass, follow" },
};

static bool say_word(struct config_reading *reading, size_t which, const yaml_node_t *value)
{
	const struct slice *words = words_of[which].words;
	struct server_domain *domain = &reading->domain->domain;
	struct slice text = value->type == YAML_SCALAR_NODE ? reading_text(value) : slice_of(NULL);
	size_t n = 0;

	while (n < sizeof words_of->words / sizeof *words && (text.len == 0 || !slice_eq(text, words[n])))
		n++;
	if (n == sizeof words_of->words / sizeof *words)
		return reading_wrong_at(reading, value->start_mark, words_of[which].what);
	switch (which) {
	case DOMAIN_MD5: domain->md5 = (enum auth_md5)n; break;
	case DOMAIN_INTEGRITY: domain->integrity = (enum auth_integrity)n; break;
	case DOMAIN_SIPS: domain->require_sips = n == 1; break;
	case DOMAIN_MODE: domain->redirects = n == 1; break;
	default: domain->follows = n == 1; break;
	}
	return true;
}

static bool say_md5_until(struct config_reading *reading, const yaml_node_t *value)
{
	if (value->type == YAML_SCALAR_NODE &&
	    sip_day_parse(reading_text(value), &reading->domain->domain.md5_until))
		return true;
	return reading_wrong_at(reading, value->start_mark, "md5-until is a day like 2027-01-31");
}

static bool say_protection(struct config_reading *reading, const yaml_node_t *value, enum protection *to)
{
	if (value->type == YAML_SCALAR_NODE && protection_parse(reading_text(value), to))
		return true;
	return reading_wrong_at(reading, value->start_mark, "it is one of digest, sips, smime");
}

static bool say_client_certificate(struct config_reading *reading, const yaml_node_t *value)
{
	if (value->type == YAML_SCALAR_NODE &&
	    client_certificate_parse(reading_text(value), &reading->domain->domain.certificate))
		return true;
	return reading_wrong_at(reading, value->start_mark,
				"client-certificate is one of no, either, beside, instead");
}

static bool say_user_ca(struct config_reading *reading, const yaml_node_t *node)
{
	struct config *config = reading->config;
	char text[200];
	struct writer what = writer_of(text, sizeof text);

	if (!node)
		return true;
	if (node->type != YAML_SCALAR_NODE)
		return reading_wrong_at(reading, node->start_mark, "here stands the path of a file");
	reading_note_place(reading, node);
	return config_keep_path(config, reading_text(node), &config->user_cas[config->n_domains - 1],
				&what) ||
	       reading_wrong_value(reading, node, reading_text(node), writer_text(&what));
}

static bool say_digest(struct config_reading *reading, const yaml_node_t *value)
{
	enum digest_algorithm algorithm;
	bool session, is_word = value->type == YAML_SCALAR_NODE && reading_text(value).len > 0;

	if (!is_word || !auth_algorithm_parse(reading_text(value), &algorithm, &session) ||
	    algorithm == DIGEST_MD5)
		return reading_wrong_at(
			reading, value->start_mark,
			"digest is a list of SHA-512-256 and SHA-256, each also with -sess behind it; MD5 has "
			"a key of its own");
	reading->domain->domain.sha |= AUTH_OFFER(algorithm, session);
	return true;
}

static bool say_digests(struct config_reading *reading, const yaml_node_t *list)
{
	if (list->type != YAML_SEQUENCE_NODE)
		return say_digest(reading, list);
	for (const yaml_node_item_t *item = list->data.sequence.items.start;
	     item < list->data.sequence.items.top; item++)
		if (!say_digest(reading, yaml_document_get_node(&reading->document, *item)))
			return false;
	return true;
}

static bool say_domain_key(struct config_reading *reading, size_t which, const yaml_node_t *key,
			   const yaml_node_t *value)
{
	(void)key;
	switch (which) {
	case DOMAIN_NAME: reading->domain->name = value; return true;
	case DOMAIN_MD5_UNTIL: return say_md5_until(reading, value);
	case DOMAIN_CALLS_IN: return say_protection(reading, value, &reading->domain->domain.in);
	case DOMAIN_CALLS_OUT: return say_protection(reading, value, &reading->domain->domain.out);
	case DOMAIN_DIGEST: return say_digests(reading, value);
	case DOMAIN_MD5:
	case DOMAIN_INTEGRITY:
	case DOMAIN_SIPS:
	case DOMAIN_MODE:
	case DOMAIN_REDIRECTIONS: return say_word(reading, which, value);
	case DOMAIN_CLIENT_CERTIFICATE: return say_client_certificate(reading, value);
	case DOMAIN_USER_CA: reading->domain->user_ca = value; return true;
	case DOMAIN_CERTIFICATE: reading->domain->certificates = value; return true;
	default: reading->domain->keys = value; return true;
	}
}

bool config_say_domain(struct config_reading *reading, const yaml_node_t *node)
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
		[DOMAIN_CLIENT_CERTIFICATE] = SLICE_INIT("client-certificate"),
		[DOMAIN_USER_CA] = SLICE_INIT("user-ca"),
	};
	static const struct reading_keys keys = { names, DOMAIN_KEYS, say_domain_key };
	struct config *config = reading->config;
	struct domain_nodes nodes = { .name = node, .domain = { .md5 = AUTH_MD5_REFUSED } };

	if (node->type == YAML_MAPPING_NODE) {
		nodes.name = NULL;
		reading->domain = &nodes;
		bool ok = reading_walk_keys(reading, node, &keys);
		reading->domain = NULL;
		if (!ok)
			return false;
	}
	if (!nodes.name)
		return reading_wrong_at(reading, node->start_mark, "the domain has no \"name\"");
	if (!reading_say(reading, SETTING_DOMAINS, nodes.name))
		return false;
	nodes.domain.name = config->domains[config->n_domains - 1].name;
	config->domains[config->n_domains - 1] = nodes.domain;
	return reading_say_files(reading, SETTING_CERTIFICATE, nodes.certificates, say_of_domain) &&
	       reading_say_files(reading, SETTING_KEY, nodes.keys, say_of_domain) &&
	       say_user_ca(reading, nodes.user_ca);
}
