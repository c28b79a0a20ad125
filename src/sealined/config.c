#include "sealined/config.h"

#include <unistd.h>

#include "base/ascii.h"
#include "base/mem.h"
#include "base/scan.h"
#include "crypto/identity.h"
#include "idn/idn.h"
#include "sealined/config_numbers.h"
#include "store/state.h"

enum { TEXT_MAX = 4 << 20 };

/* -- life ------------------------------------------------------------------------------------------------ */

struct config *config_new(void)
{
	AUTO(config) struct config *config = mem_new(struct config);

	if (!config)
		return NULL;
	config->refs = 1;
	config->log_level = REPORT_INFO;
	config->bans = bans_policy_default;
	limits_init(&config->limits);
	config_numbers_init(config);
	config->arena = arena_new(TEXT_MAX);
	if (!config->arena)
		return NULL;
	config->domains = arena_zalloc(config->arena, CONFIG_DOMAINS_MAX, sizeof *config->domains);
	config->of_domain = arena_zalloc(config->arena, CONFIG_DOMAINS_MAX, sizeof *config->of_domain);
	config->user_cas = arena_zalloc(config->arena, CONFIG_DOMAINS_MAX, sizeof *config->user_cas);
	if (!config->domains || !config->of_domain || !config->user_cas)
		return NULL;
	return TAKE(config);
}

struct config *config_ref(struct config *config)
{
	atomic_fetch_add_explicit(&config->refs, 1, memory_order_relaxed);
	return config;
}

void config_free(struct config *config)
{
	if (!config || atomic_fetch_sub_explicit(&config->refs, 1, memory_order_acq_rel) > 1)
		return;
	arena_free(config->arena);
	mem_free(config);
}

/* -- values ---------------------------------------------------------------------------------------------- */

static bool wrong(struct writer *why, const char *text)
{
	put(why, slice_of(text));
	return false;
}

static bool keep_text(struct config *config, struct slice text, struct slice *ret_kept, struct writer *why)
{
	return arena_copy(config->arena, text, ret_kept) == OK || wrong(why, "there is no memory for it");
}

bool config_keep_lower(struct config *config, struct slice text, struct slice *ret_kept, struct writer *why)
{
	char *copy = arena_alloc(config->arena, text.len);

	if (!copy)
		return wrong(why, "there is no memory for it");
	for (size_t i = 0; i < text.len; i++)
		copy[i] = ascii_lower(text.ptr[i]);
	*ret_kept = slice_from(copy, text.len);
	return true;
}

bool config_keep_name(struct config *config, struct slice value, struct slice *ret_name, struct writer *why)
{
	char ascii[IDENTITY_NAME_MAX + 1];
	struct writer out = writer_of(ascii, sizeof ascii);

	if (!put_ascii_domain(&out, value, why))
		return false;
	if (!identity_is_name(writer_text(&out)))
		return wrong(why, "it is no domain name");
	return config_keep_lower(config, writer_text(&out), ret_name, why);
}

/* "tls:" and its like. */
static bool scan_transport(struct scan *in, enum transport_protocol *ret_transport)
{
	for (int i = 0; i <= TRANSPORT_WS; i++) {
		struct scan ahead = *in;
		enum transport_protocol transport = (enum transport_protocol)i;

		if (!scan_text_nocase(&ahead, transport_name(transport)) || !scan_char(&ahead, ':'))
			continue;
		*in = ahead;
		*ret_transport = transport;
		return true;
	}
	return false;
}

/* [TRANSPORT:]ADDR:PORT */
static bool say_listen(struct config *config, struct slice value, struct writer *why)
{
	struct config_listener listener = { .transport = TRANSPORT_TLS };
	struct scan in = scan_of(value);

	if (config->n_listeners == CONFIG_LISTENERS_MAX)
		return wrong(why, "there are more than 16 of them");
	if (!scan_transport(&in, &listener.transport) && ascii_is_alpha(scan_peek(&in)))
		return wrong(why, "it is not of the form [TRANSPORT:]ADDRESS:PORT with tls, wss, tcp, udp or "
				  "ws and an IP address");
	if (!address_parse(scan_rest(&in), &listener.address))
		return wrong(why,
			     "it has no IP address and port, as in 192.0.2.1:5061 or [2001:db8::1]:5061");
	for (size_t i = 0; i < config->n_listeners; i++)
		if (listener.address.port > 0 &&
		    (config->listeners[i].transport == TRANSPORT_UDP) ==
			    (listener.transport == TRANSPORT_UDP) &&
		    address_eq(&config->listeners[i].address, &listener.address))
			return wrong(why, "it is there already");
	config->listeners[config->n_listeners++] = listener;
	return true;
}

static bool say_domain(struct config *config, struct slice value, struct writer *why)
{
	struct slice name;

	if (config->n_domains == CONFIG_DOMAINS_MAX)
		return wrong(why, "there are more than 1000 of them");
	if (!config_keep_name(config, value, &name, why))
		return false;
	for (size_t i = 0; i < config->n_domains; i++)
		if (slice_eq(config->domains[i].name, name))
			return wrong(why, "it is there already");
	config->domains[config->n_domains++] = (struct server_domain){ .name = name };
	return true;
}

bool config_keep_path(struct config *config, struct slice value, struct slice *ret_path, struct writer *why)
{
	struct config_path *said;

	if (value.len == 0 || value.len >= STATE_PATH_MAX || slice_find(value, '\0') < value.len)
		return wrong(why, "it is no path");
	said = arena_zalloc(config->arena, 1, sizeof *said);
	if (!said)
		return wrong(why, "there is no memory for it");
	if (!keep_text(config, value, ret_path, why))
		return false;
	*said = (struct config_path){ config->paths, *ret_path, config->saying };
	config->paths = said;
	return true;
}

static bool say_file(struct config *config, struct config_certificates *to, enum setting setting,
		     struct slice value, struct writer *why)
{
	struct slice *list = setting == SETTING_CERTIFICATE ? to->files : to->keys;
	size_t *n = setting == SETTING_CERTIFICATE ? &to->n_files : &to->n_keys;

	if (*n == CONFIG_CERTIFICATES_MAX)
		return wrong(why, "there are more than 4 of them");
	if (!config_keep_path(config, value, &list[*n], why))
		return false;
	++*n;
	return true;
}

static bool say_certificate(struct config *config, struct slice value, struct writer *why)
{
	return say_file(config, &config->certificates, SETTING_CERTIFICATE, value, why);
}

static bool say_key(struct config *config, struct slice value, struct writer *why)
{
	return say_file(config, &config->certificates, SETTING_KEY, value, why);
}

bool config_say_of_domain(struct config *config, enum setting setting, struct slice value, struct writer *why)
{
	struct config_certificates **of_domain = &config->of_domain[config->n_domains - 1];

	if (!*of_domain)
		*of_domain = arena_zalloc(config->arena, 1, sizeof **of_domain);
	if (!*of_domain)
		return wrong(why, "there is no memory for it");
	return say_file(config, *of_domain, setting, value, why);
}

static bool say_state(struct config *config, struct slice value, struct writer *why)
{
	return config_keep_path(config, value, &config->state, why);
}

static bool say_trust(struct config *config, struct slice value, struct writer *why)
{
	return config_keep_path(config, value, &config->trust, why);
}

static bool say_crl(struct config *config, struct slice value, struct writer *why)
{
	return config_keep_path(config, value, &config->crl, why);
}

static bool say_trust_anchor(struct config *config, struct slice value, struct writer *why)
{
	return config_keep_path(config, value, &config->trust_anchor, why);
}

static bool say_user(struct config *config, struct slice value, struct writer *why)
{
	if (value.len == 0 || slice_find(value, '\0') < value.len)
		return wrong(why, "it is no name of a user");
	return keep_text(config, value, &config->user, why);
}

static bool say_dns(struct config *config, struct slice value, struct writer *why)
{
	if (address_parse_ip(value, &config->dns))
		config->dns.port = 53;
	else if (!address_parse(value, &config->dns) || config->dns.port == 0)
		return wrong(why, "it is no IP address, with or without a port");
	return true;
}

static bool say_advertise(struct config *config, struct slice value, struct writer *why)
{
	return config_keep_name(config, value, &config->advertise, why);
}

static bool say_agreement(struct config *config, struct slice value, struct writer *why)
{
	static const struct slice names[] = {
		[AGREEMENT_OFFERED] = SLICE_INIT("offer"),
		[AGREEMENT_REQUIRED] = SLICE_INIT("require"),
		[AGREEMENT_REFUSED] = SLICE_INIT("refuse"),
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (slice_eq(value, names[i])) {
			config->agreement = (enum agreement)i;
			return true;
		}
	}
	return wrong(why, "it is none of offer, require, refuse");
}

static bool say_staple(struct config *config, struct slice value, struct writer *why)
{
	if (config->n_staples == CONFIG_STAPLES_MAX)
		return wrong(why, "there are more than 16 of them");
	if (!config_keep_path(config, value, &config->staples[config->n_staples], why))
		return false;
	config->n_staples++;
	return true;
}

static bool say_ocsp(struct config *config, struct slice value, struct writer *why)
{
	config->needs_staples = slice_eq(value, SLICE("require"));
	return config->needs_staples || slice_eq(value, SLICE("allow")) ||
	       wrong(why, "it is neither allow nor require");
}

static bool say_workers(struct config *config, struct slice value, struct writer *why)
{
	struct scan in = scan_of(value);
	uint64_t number;

	if (!scan_number(&in, CONFIG_WORKERS_MAX, &number) || !scan_done(&in) || number == 0)
		return wrong(why, "it is no number from 1 to 64");
	config->workers = (unsigned)number;
	return true;
}

static bool say_log_format(struct config *config, struct slice value, struct writer *why)
{
	bool json = slice_eq(value, SLICE("json"));

	if (!json && !slice_eq(value, SLICE("text")))
		return wrong(why, "it is neither text nor json");
	config->log_format = json ? LOG_JSON : LOG_TEXT;
	return true;
}

static bool say_log_level(struct config *config, struct slice value, struct writer *why)
{
	static const struct slice names[] = { SLICE_INIT("error"), SLICE_INIT("warning"), SLICE_INIT("info"),
					      SLICE_INIT("debug") };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (slice_eq(value, names[i])) {
			config->log_level = (enum report_level)i;
			return true;
		}
	}
	return wrong(why, "it is none of error, warning, info, debug");
}

/* Its keys have values, it has none. */
static bool say_section(struct config *config, struct slice value, struct writer *why)
{
	(void)config;
	(void)value;
	return wrong(why, "here stand keys of its own, each with a number");
}

/* clang-format off */
static const struct {
	struct slice name;
	bool (*say)(struct config *config, struct slice value, struct writer *why);
} settings[SETTINGS] = {
	[SETTING_LISTEN]      = { SLICE_INIT("listen"),      say_listen },
	[SETTING_DOMAINS]     = { SLICE_INIT("domains"),     say_domain },
	[SETTING_CERTIFICATE] = { SLICE_INIT("certificate"), say_certificate },
	[SETTING_KEY]         = { SLICE_INIT("key"),         say_key },
	[SETTING_ADVERTISE]   = { SLICE_INIT("advertise"),   say_advertise },
	[SETTING_WORKERS]     = { SLICE_INIT("workers"),     say_workers },
	[SETTING_LOG_FORMAT]  = { SLICE_INIT("log-format"),  say_log_format },
	[SETTING_LOG_LEVEL]   = { SLICE_INIT("log-level"),   say_log_level },
	[SETTING_STATE]       = { SLICE_INIT("state"),       say_state },
	[SETTING_TRUST]        = { SLICE_INIT("trust"),        say_trust },
	[SETTING_CRL]          = { SLICE_INIT("crl"),          say_crl },
	[SETTING_DNS]          = { SLICE_INIT("dns"),          say_dns },
	[SETTING_USER]         = { SLICE_INIT("user"),         say_user },
	[SETTING_PEERS]        = { SLICE_INIT("peers"),        NULL },
	[SETTING_TRUST_ANCHOR] = { SLICE_INIT("trust-anchor"), say_trust_anchor },
	[SETTING_AGREEMENT]    = { SLICE_INIT("security-agreement"), say_agreement },
	[SETTING_STAPLE]       = { SLICE_INIT("staple"),       say_staple },
	[SETTING_OCSP]         = { SLICE_INIT("ocsp"),         say_ocsp },
	[SETTING_MESSAGES]    = { SLICE_INIT("messages"),    say_section },
	[SETTING_REGISTRAR]   = { SLICE_INIT("registrar"),   say_section },
	[SETTING_CERTIFICATE_SERVICE] = { SLICE_INIT("certificate-service"), say_section },
};
/* clang-format on */

struct slice setting_name(enum setting setting)
{
	return settings[setting].name;
}

bool config_say(struct config *config, enum setting setting, struct slice value, struct writer *why)
{
	return settings[setting].say(config, value, why);
}

void config_unsay(struct config *config, enum setting setting)
{
	if (setting == SETTING_LISTEN)
		config->n_listeners = 0;
	if (setting == SETTING_DOMAINS) {
		config->n_domains = 0;
		mem_wipe(config->of_domain, CONFIG_DOMAINS_MAX * sizeof *config->of_domain);
		mem_wipe(config->user_cas, CONFIG_DOMAINS_MAX * sizeof *config->user_cas);
	}
	if (setting == SETTING_CERTIFICATE)
		config->certificates.n_files = 0;
	if (setting == SETTING_KEY)
		config->certificates.n_keys = 0;
}

/* -- the whole ------------------------------------------------------------------------------------------- */

static unsigned cores(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > CONFIG_WORKERS_MAX ? CONFIG_WORKERS_MAX : (unsigned)n;
}

void put_config_said(struct writer *out, const struct config *config, const struct config_place *place)
{
	if (place->line == 0)
		return;
	put(out, config->file);
	put_char(out, ':');
	put_number(out, place->line);
	put_char(out, ':');
	put_number(out, place->column);
	put(out, SLICE(": "));
}

void put_config_place(struct writer *out, const struct config *config, struct slice path)
{
	for (const struct config_path *said = config->paths; said; said = said->next)
		if (said->path.ptr == path.ptr) {
			put_config_said(out, config, &said->place);
			return;
		}
}

/* Says what is wrong with their numbers. */
static bool has_pairs(const struct config_certificates *certificates, struct writer *why)
{
	if (certificates->n_files == certificates->n_keys)
		return true;
	if (certificates->n_files > 0 && certificates->n_keys > 0)
		return wrong(why, "there is not one key for each certificate");
	return wrong(why, certificates->n_keys > 0 ? "there is a key, but no certificate"
						   : "there is a certificate, but no key");
}

static bool wrong_domain(const struct config *config, size_t domain, const char *text, struct writer *why)
{
	const struct config_certificates *own = config->of_domain[domain];

	if (own)
		put_config_place(why, config, own->n_keys > 0 ? own->keys[0] : own->files[0]);
	else
		put_config_said(why, config, &config->places[SETTING_DOMAINS]);
	put(why, SLICE("domain "));
	put(why, config->domains[domain].name);
	put(why, SLICE(": "));
	return wrong(why, text);
}

bool config_is_development(const struct config *config)
{
	for (size_t i = 0; i < config->n_domains; i++)
		if (config->of_domain[i])
			return false;
	return config->certificates.n_files == 0;
}

bool config_has_own(const struct config *config, struct slice domain)
{
	for (size_t i = 0; i < config->n_domains; i++)
		if (config->of_domain[i] && slice_eq(config->domains[i].name, domain))
			return true;
	return false;
}

static bool check_certificates(const struct config *config, struct writer *why)
{
	char text[100];
	struct writer what = writer_of(text, sizeof text - 1);

	if (!has_pairs(&config->certificates, &what)) {
		put_config_said(
			why, config,
			&config->places[config->certificates.n_keys ? SETTING_KEY : SETTING_CERTIFICATE]);
		put(why, writer_text(&what));
		return false;
	}
	for (size_t i = 0; i < config->n_domains; i++) {
		if (config->of_domain[i] && !has_pairs(config->of_domain[i], &what)) {
			text[what.len] = '\0';
			return wrong_domain(config, i, text, why);
		}
		if (!config->of_domain[i] && config->certificates.n_files == 0 &&
		    !config_is_development(config))
			return wrong_domain(config, i,
					    "it has no certificate, and there is none for all domains", why);
	}
	return true;
}

static bool find_state(struct config *config, struct writer *why)
{
	char buf[STATE_PATH_MAX];
	struct writer out = writer_of(buf, sizeof buf);

	if (config->state.len > 0)
		return true;
	if (!state_find(&out, slice_of(NULL)))
		return wrong(why, "there is no place for the state: HOME is not set; say --state DIRECTORY");
	return keep_text(config, writer_text(&out), &config->state, why);
}

static bool name_made(struct config *config, struct writer *why)
{
	char buf[STATE_PATH_MAX];
	struct writer out = writer_of(buf, sizeof buf);

	put_state_path(&out, config->state, SLICE(STATE_SERVER_CERTIFICATE));
	return keep_text(config, writer_text(&out), &config->made, why);
}

static bool numbers_fit(struct config *config, struct writer *why)
{
	for (enum setting section = SETTING_SECTIONS; section < SETTINGS; section++) {
		const char *clash = config_numbers_clash(config, section);

		if (!clash)
			continue;
		put_config_said(why, config, &config->places[section]);
		put(why, setting_name(section));
		put(why, SLICE(": "));
		return wrong(why, clash);
	}
	return true;
}

static bool peers_fit(struct config *config, struct writer *why)
{
	char buf[400];
	struct writer what = writer_of(buf, sizeof buf);

	if (config_peers_fit(config, &what))
		return true;
	put_config_said(why, config, &config->places[SETTING_PEERS]);
	put(why, SLICE("peers: "));
	put(why, writer_text(&what));
	return false;
}

bool config_complete(struct config *config, struct slice file, struct writer *why)
{
	static const struct slice loopback[] = { SLICE_INIT("127.0.0.1:5061"), SLICE_INIT("[::1]:5061") };

	config->file = file;
	if (!config_join_links(config, why) || !numbers_fit(config, why) || !find_state(config, why) ||
	    !name_made(config, why))
		return false;
	for (size_t i = 0; i < 2 && config->n_listeners == i; i++)
		if (!say_listen(config, loopback[i], why))
			return false;
	if (config->n_domains == 0 && !say_domain(config, SLICE("localhost"), why))
		return false;
	if (config->advertise.len == 0)
		config->advertise = config->domains[0].name;
	if (config->workers == 0)
		config->workers = cores();
	limits_of_bans(&config->limits, &config->bans);
	if (!peers_fit(config, why))
		return false;
	return check_certificates(config, why);
}
