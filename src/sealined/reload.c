#include <systemd/sd-daemon.h>

#include "crypto/identity.h"
#include "sealined/config_numbers.h"
#include "sealined/daemon.h"

enum {
	RENEWAL_MS = 3600 * 1000,
};

static bool same_limits(const struct config *a, const struct config *b)
{
	const struct sip_limits of_a = config_sip_limits(a), of_b = config_sip_limits(b);

	return memcmp(&of_a, &of_b, sizeof of_a) == 0;
}

static bool same_listeners(const struct config *a, const struct config *b)
{
	bool same = a->n_listeners == b->n_listeners;

	for (size_t i = 0; same && i < a->n_listeners; i++)
		same = a->listeners[i].transport == b->listeners[i].transport &&
		       address_eq(&a->listeners[i].address, &b->listeners[i].address);
	return same;
}

/* What was decided once for all, and would silently stay as it is. */
static bool may_change(const struct config *old, const struct config *new, struct writer *why)
{
	const char *setting = !same_listeners(old, new)                   ? "listen"
			      : old->workers != new->workers              ? "workers"
			      : !slice_eq(old->state, new->state)         ? "state"
			      : !slice_eq(old->user, new->user)           ? "user"
			      : !slice_eq(old->advertise, new->advertise) ? "advertise"
			      : old->log_format != new->log_format        ? "log-format"
			      : old->log_level != new->log_level          ? "log-level"
			      : !same_limits(old, new)                    ? "messages"
									  : NULL;

	if (!setting)
		return true;
	put(why, SLICE("a change of "));
	put(why, slice_of(setting));
	put(why, SLICE(" needs a restart"));
	return false;
}

/* Takes the configuration over. */
static struct setup *make_setup(struct daemon *daemon, const struct setup *old, struct config *config,
				struct writer *why)
{
	AUTO(config) struct config *owned = config;
	struct identity_source source = daemon_source(daemon, config);
	struct identity identity;
	bool made;

	if (!may_change(old->config, config, why))
		return NULL;
	if (config_is_development(config) && !development_make(&source, &made, why))
		return NULL;
	if (!identity_load(&source, &identity, why))
		return NULL;
	if (!users_make(&source, &identity, why)) {
		identity_fini(&identity);
		return NULL;
	}
	uint16_t ports[TRANSPORT_WS + 1] = { 0 };
	for (size_t i = daemon->n_listening; i-- > 0;)
		ports[daemon->listening[i].transport] = daemon->listening[i].address.port;
	struct setup *setup = setup_new(TAKE(owned), &identity, ports);
	if (!setup)
		put(why, slice_of(err_text(ERR_NOMEM)));
	return setup;
}

static bool reload(struct daemon *daemon, struct writer *why)
{
	AUTO(setup) struct setup *old = crew_setup(&daemon->crew);
	struct config *config = options_load(daemon->options, why);
	struct setup *setup = config ? make_setup(daemon, old, config, why) : NULL;

	if (!setup)
		return false;
	daemon_warn(daemon, setup, net_now(daemon->net).wall);
	bans_set_policy(daemon->bans, &setup->config->bans);
	crew_change(&daemon->crew, setup);
	for (size_t i = 0; i < daemon->workers.n; i++)
		worker_reload(daemon->workers.all[i]);
	return true;
}

bool daemon_reload(struct daemon *daemon, struct writer *why)
{
	struct log_text text;

	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
		   (unsigned long long)net_now(daemon->net).mono * 1000);
	bool ok = reload(daemon, why);
	sd_notify(0, "READY=1");
	if (ok)
		log_event(REPORT_INFO, "reloaded", "%s", "");
	else
		log_event(REPORT_ERROR, "reload.failed", " why=\"%s; the old configuration stays\"",
			  log_text(&text, writer_text(why)));
	return ok;
}

/* A domain that has no certificate of its own is not always among the names of the common one. */
static void warn_of_names(const struct setup *setup, const struct identity_pair *pair,
			  const struct certificate *own)
{
	const struct config *config = setup->config;
	struct verdict verdict;

	for (size_t i = 0; pair->domain.len == 0 && i < config->n_domains; i++) {
		struct slice name = config->domains[i].name;

		if (!config_has_own(config, name) && identity_check(own, name, &verdict) != OK)
			log_event(
				REPORT_WARNING, "certificate.no-proof",
				" domain=%.*s why=\"the certificate does not prove this domain: its phones will refuse us "
				"(RFC 5922)\"",
				SLICE_FMT(name));
	}
}

/* Once at each step on the way to the end. */
static void warn_of_end(const struct daemon *daemon, const struct identity_pair *pair,
			const struct certificate *own, utc_t now)
{
	utc_t until = certificate_not_after(own);
	int before = daemon->warned > 0 ? identity_alarm(until, daemon->warned) : 0;
	struct log_text file;

	if (identity_alarm(until, now) > before)
		log_event(
			until < now ? REPORT_ERROR : REPORT_WARNING, "certificate.ends",
			" file=\"%s\" days_left=%lld why=\"phones refuse a server whose certificate has expired\"",
			log_text(&file, pair->file), (long long)certificate_days_left(own, now));
}

static void warn_of_ends(struct daemon *daemon, const struct setup *setup, utc_t now)
{
	for (size_t i = 0; !setup->identity.development && i < setup->identity.n; i++) {
		AUTO(chain) struct chain *chain = NULL;

		if (identity_chain(daemon->crypto, &setup->identity, i, &chain) == OK)
			warn_of_end(daemon, &setup->identity.pairs[i], chain_at(chain, 0), now);
	}
	daemon->warned = now;
}

void daemon_warn(struct daemon *daemon, const struct setup *setup, utc_t now)
{
	char text[1000];
	struct writer remark = writer_of(text, sizeof text);
	struct log_text shown;

	for (size_t i = 0; i < setup->identity.n; i++) {
		AUTO(chain) struct chain *chain = NULL;

		if (identity_chain(daemon->crypto, &setup->identity, i, &chain) == OK)
			warn_of_names(setup, &setup->identity.pairs[i], chain_at(chain, 0));
	}
	put_identity_remark(&remark, daemon->crypto, &setup->identity, setup->config);
	if (remark.len > 0)
		log_event(REPORT_WARNING, "certificate.no-vouching", " why=\"%s\"",
			  log_text(&shown, writer_text(&remark)));
	daemon->warned = 0;
	warn_of_ends(daemon, setup, now);
}

void daemon_renew(struct daemon *daemon, struct now now)
{
	AUTO(setup) struct setup *setup = crew_setup(&daemon->crew);
	char text[1000];
	struct writer why = writer_of(text, sizeof text);
	struct log_text shown;
	bool made = false;

	if (now.mono < daemon->renewal)
		return;
	daemon->renewal = now.mono + RENEWAL_MS;
	warn_of_ends(daemon, setup, now.wall);
	if (!setup->identity.development)
		return;
	struct identity_source source = daemon_source(daemon, setup->config);
	if (!development_make(&source, &made, &why))
		log_event(REPORT_ERROR, "certificate.failed", " why=\"%s\"",
			  log_text(&shown, writer_text(&why)));
	else if (made && daemon_reload(daemon, &why))
		log_event(REPORT_INFO, "certificate.renewed", "%s", "");
}
