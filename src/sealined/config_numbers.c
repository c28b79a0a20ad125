#include "sealined/config_numbers.h"

#include "base/scan.h"

enum { MINUTE = 60, HOUR = 3600, DAY = 24 * HOUR };

/* messages */
enum { MESSAGE, HEADER, HEADER_FIELDS, URI, VALUES, PARAMETERS, BODY_PARTS, NESTING };

/* registrar */
enum { EXPIRES_MIN, EXPIRES_DEFAULT, EXPIRES_MAX, FLOW_TIMER, SERVICE_ROUTE };

/* certificate service */
enum { PER_MINUTE };

/* A section may have as many keys as this table has columns. */
static const struct number {
	struct slice name;
	uint32_t usual, min, max;
} numbers[CONFIG_SECTIONS][CONFIG_NUMBERS_MAX] = {
	/* clang-format off */
	[SETTING_MESSAGES - SETTING_SECTIONS] = {
		[MESSAGE]         = { SLICE_INIT("message"),         65536, 4096, 65536 },
		[HEADER]          = { SLICE_INIT("header"),          16384, 2048, 65536 },
		[HEADER_FIELDS]   = { SLICE_INIT("header-fields"),     128,   32,  1000 },
		[URI]             = { SLICE_INIT("uri"),              2048,  256,  8192 },
		[VALUES]          = { SLICE_INIT("values"),             64,    8,  1000 },
		[PARAMETERS]      = { SLICE_INIT("parameters"),         64,    8,    64 },
		[BODY_PARTS]      = { SLICE_INIT("body-parts"),         32,    1,  1000 },
		[NESTING]         = { SLICE_INIT("nesting"),             4,    1,    16 },
	},
	[SETTING_REGISTRAR - SETTING_SECTIONS] = {
		/* RFC 3261 §10.3 step 7: what lasts an hour or more may not be refused as too brief */
		[EXPIRES_MIN]     = { SLICE_INIT("expires-min"),        60,    1,  HOUR },
		[EXPIRES_DEFAULT] = { SLICE_INIT("expires-default"),   600,    1,   DAY },
		[EXPIRES_MAX]     = { SLICE_INIT("expires-max"),      HOUR,   60,   DAY },
		[FLOW_TIMER]      = { SLICE_INIT("flow-timer"),        120,   15,  HOUR },
		[SERVICE_ROUTE]   = { SLICE_INIT("service-route"),       0,    0,     1 }, /* no, yes */
	},
	[SETTING_CERTIFICATE_SERVICE - SETTING_SECTIONS] = {
		[PER_MINUTE]      = { SLICE_INIT("per-minute"),        600,    1, 100000 },
	},
	/* clang-format on */
};

static const struct number *number_of(enum setting section, size_t which)
{
	return &numbers[section - SETTING_SECTIONS][which];
}

size_t config_number_names(enum setting section, struct slice ret_names[CONFIG_NUMBERS_MAX])
{
	size_t n = 0;

	if (section < SETTING_SECTIONS)
		return 0;
	for (; n < CONFIG_NUMBERS_MAX && number_of(section, n)->name.len > 0; n++)
		ret_names[n] = number_of(section, n)->name;
	return n;
}

void config_numbers_init(struct config *config)
{
	for (size_t section = 0; section < CONFIG_SECTIONS; section++)
		for (size_t i = 0; i < CONFIG_NUMBERS_MAX; i++)
			config->numbers[section][i] = numbers[section][i].usual;
}

/* A number that can only be 0 or 1. */
static bool say_whether(struct config *config, enum setting section, size_t which, struct slice value,
			struct writer *why)
{
	bool yes = slice_eq(value, SLICE("yes"));

	if (yes || slice_eq(value, SLICE("no"))) {
		config->numbers[section - SETTING_SECTIONS][which] = yes;
		return true;
	}
	put(why, SLICE("it is neither yes nor no"));
	return false;
}

bool config_number_say(struct config *config, enum setting section, size_t which, struct slice value,
		       struct writer *why)
{
	const struct number *number = number_of(section, which);
	struct scan in = scan_of(value);
	uint64_t said;

	if (number->max == 1)
		return say_whether(config, section, which, value, why);
	if (scan_number(&in, number->max, &said) && scan_done(&in) && said >= number->min) {
		config->numbers[section - SETTING_SECTIONS][which] = (uint32_t)said;
		return true;
	}
	put(why, SLICE("it is no number from "));
	put_number(why, number->min);
	put(why, SLICE(" to "));
	put_number(why, number->max);
	return false;
}

static const uint32_t *section_of(const struct config *config, enum setting section)
{
	return config->numbers[section - SETTING_SECTIONS];
}

const char *config_numbers_clash(const struct config *config, enum setting section)
{
	const uint32_t *said = section_of(config, section);

	if (section == SETTING_MESSAGES && said[HEADER] > said[MESSAGE])
		return "header is larger than message";
	if (section == SETTING_REGISTRAR && said[EXPIRES_MIN] > said[EXPIRES_DEFAULT])
		return "expires-default is below expires-min";
	if (section == SETTING_REGISTRAR && said[EXPIRES_DEFAULT] > said[EXPIRES_MAX])
		return "expires-default is above expires-max";
	return NULL;
}

struct sip_limits config_sip_limits(const struct config *config)
{
	const uint32_t *said = section_of(config, SETTING_MESSAGES);

	return (struct sip_limits){
		.message = said[MESSAGE],
		.header_area = said[HEADER],
		.headers = said[HEADER_FIELDS],
		.uri = said[URI],
		.values = said[VALUES],
		.params = said[PARAMETERS],
		.body_parts = said[BODY_PARTS],
		.nesting = said[NESTING],
	};
}

void config_set_registrar(const struct config *config, struct registrar_policy *policy)
{
	const uint32_t *said = section_of(config, SETTING_REGISTRAR);

	policy->expires_min = said[EXPIRES_MIN];
	policy->expires_default = said[EXPIRES_DEFAULT];
	policy->expires_max = said[EXPIRES_MAX];
	policy->flow_timer = said[FLOW_TIMER];
	policy->service_route = said[SERVICE_ROUTE];
}

ms_t config_silence(const struct config *config)
{
	const ms_t usual = transport_limits_default.idle_proven;
	const ms_t registered = 1000 * ((ms_t)section_of(config, SETTING_REGISTRAR)[EXPIRES_MAX] + MINUTE);

	return registered > usual ? registered : usual;
}

void config_set_certificate_service(const struct config *config, struct server_config *server)
{
	server->certificates_per_minute = section_of(config, SETTING_CERTIFICATE_SERVICE)[PER_MINUTE];
}
