#include <systemd/sd-daemon.h>

#include "crypto/identity.h"
#include "sealined/config_numbers.h"
#include "sealined/daemon.h"
#include "sealined/identity_roles.h"

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
	const char *setting = !same_listeners(old, new)                         ? "listen"
			      : old->workers != new->workers                    ? "workers"
			      : !slice_eq(old->state, new->state)               ? "state"
			      : !slice_eq(old->user, new->user)                 ? "user"
			      : !slice_eq(old->advertise, new->advertise)       ? "advertise"
			      : old->log_format != new->log_format              ? "log-format"
			      : old->log_level != new->log_level                ? "log-level"
			      : !address_eq(&old->dns, &new->dns)               ? "dns"
			      : !slice_eq(old->trust_anchor, new->trust_anchor) ? "trust-anchor"
			      : !same_limits(old, new)                          ? "messages"
										: NULL;

	struct slice limit = limits_fixed_change(&old->limits, &new->limits);

	if (!setting && limit.len == 0)
		return true;
	put(why, SLICE("a change of "));
	if (!setting)
		put(why, SLICE("limits: "));
	put(why, setting ? slice_of(setting) : limit);
	put(why, SLICE(" needs a restart"));
	return false;
}

/* Takes the configuration over. */
static struct setup *make_setup(struct daemon *daemon, const struct setup *old, struct config *config,
				utc_t now, struct writer *why)
{
	AUTO(config) struct config *owned = config;
	struct identity_source source = daemon_source(daemon, config, now);
	struct identity identity;
	bool made;

	daemon->awaited = 0;
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

/* Takes the setup over. Whoever hears that it has changed finds all workers with it. */
static void change_to(struct daemon *daemon, struct setup *setup)
{
	crew_change(&daemon->crew, setup);
	for (size_t i = 0; i < daemon->workers.n; i++)
		worker_reload(daemon->workers.all[i]);
	for (size_t i = 0; i < daemon->workers.n; i++)
		worker_await_reload(daemon->workers.all[i]);
}

/* The signing process reads the file: we may not. */
static struct config *load_config(struct daemon *daemon, struct writer *why)
{
	AUTO(secret) struct secret *text = NULL;

	if (!daemon->options->file.len)
		return options_load(daemon->options, why);
	enum err err = signer_tell_text(&daemon->signer, &text);
	if (err == OK)
		return options_load_text(daemon->options, secret_slice(text), why);
	put(why, daemon->options->file);
	put(why, SLICE(": "));
	put(why, err == ERR_NOT_FOUND ? SLICE("there is no such file")
		 : err == ERR_DENIED  ? SLICE("it may not be read, or there is a private key in it")
		 : err == ERR_LIMIT   ? SLICE("it is larger than a configuration can be")
				      : SLICE("it cannot be read"));
	return NULL;
}

static bool reload(struct daemon *daemon, struct now now, struct writer *why)
{
	AUTO(setup) struct setup *old = crew_setup(&daemon->crew);
	AUTO(files) struct files *files = NULL;
	/* The signing process forgets what the change before this one replaced, and what was not taken. */
	enum err err = identity_settle(&old->identity, &daemon->signer);
	if (err != OK) {
		put(why, slice_of(err_text(err)));
		return false;
	}
	struct config *config = load_config(daemon, why);

	if (!config)
		return false;
	if (files_new(config, now.mono, &files) != OK) {
		put(why, slice_of(err_text(ERR_NOMEM)));
		config_free(config);
		return false;
	}
	struct setup *setup = make_setup(daemon, old, config, now.wall, why);
	if (!setup)
		return false;
	files_free(daemon->files);
	daemon->files = TAKE(files);
	daemon_warn(daemon, setup, now.wall);
	bans_set_policy(daemon->bans, &setup->config->bans);
	change_to(daemon, setup);
	return true;
}

bool daemon_reload(struct daemon *daemon, struct writer *why)
{
	struct now now = net_now(daemon->net);
	struct log_text text;

	/* Who watches over us was told that we end, and is not to hear that we are ready. */
	if (daemon->state != SERVING) {
		put(why, SLICE("the server is about to end, and takes no other configuration any more"));
		return false;
	}
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)now.mono * 1000);
	bool ok = reload(daemon, now, why);
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

/* Who has roots alone cannot follow such a one; many a private CA has no intermediates, and then all is well. */
static void warn_of_chain(const struct identity_source *source, const struct identity *identity, size_t n,
			  const struct anchors *anchors)
{
	char text[1000];
	struct writer why = writer_of(text, sizeof text);
	struct log_text file, shown;

	if (!identity_is_complete(source, identity, n, anchors, &why))
		log_event(
			REPORT_WARNING, "certificate.incomplete",
			" file=\"%s\" why=\"%s; add the certificates of the CAs behind ours, or name the root in trust\"",
			log_text(&file, identity->pairs[n].file), log_text(&shown, writer_text(&why)));
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

/* A response lives for days: it is renewed by whatever writes the file. */
static void warn_of_staple(const struct identity_pair *pair, utc_t now)
{
	struct log_text file;

	if (pair->staple && pair->staple_until < now)
		log_event(
			REPORT_ERROR, "staple.ended",
			" file=\"%s\" why=\"the OCSP response is over, and is not shown any more%s; fetch one anew from the CA\"",
			log_text(&file, pair->staple_file),
			pair->must_staple ? "; phones and servers refuse our certificate without" : "");
	else if (!pair->staple && pair->must_staple)
		log_event(
			REPORT_ERROR, "staple.missing",
			" file=\"%s\" why=\"the certificate says that it is not to be believed without an OCSP response (RFC 7633); fetch one from the CA, and name its file in staple\"",
			log_text(&file, pair->file));
}

/* Past its end newer ones may have been kept from us, so that no certificate of its CA counts: that is told before. */
static void warn_of_lists(const struct daemon *daemon, const struct setup *setup, utc_t now)
{
	const struct secret *revoked = setup->identity.revoked;
	utc_t until = revoked ? tls_revocations_end(secret_slice(revoked)) : 0;
	int before = daemon->warned > 0 ? identity_alarm(until, daemon->warned) : 0;
	struct log_text file;

	if (until && identity_alarm(until, now) > before)
		log_event(
			until < now ? REPORT_ERROR : REPORT_WARNING, "crl.ends",
			" file=\"%s\" days_left=%lld why=\"past its end all certificates of its CA are refused; get the present list\"",
			log_text(&file, setup->config->crl), (long long)((until - now) / 86400));
}

static void warn_of_ends(struct daemon *daemon, const struct setup *setup, utc_t now)
{
	warn_of_lists(daemon, setup, now);
	for (size_t i = 0; !setup->identity.development && i < setup->identity.n; i++) {
		AUTO(chain) struct chain *chain = NULL;

		warn_of_staple(&setup->identity.pairs[i], now);

		if (identity_chain(daemon->crypto, &setup->identity, i, &chain) == OK)
			warn_of_end(daemon, &setup->identity.pairs[i], chain_at(chain, 0), now);
	}
	daemon->warned = now;
}

/* NULL without memory. All CAs of a system are many, so they are read once for all certificates. */
static struct anchors *anchors_of_identity(const struct identity_source *source,
					   const struct identity *identity)
{
	struct anchors *anchors = NULL;

	return identity_anchors(source, identity, &anchors) == OK ? anchors : NULL;
}

void daemon_warn(struct daemon *daemon, const struct setup *setup, utc_t now)
{
	struct identity_source source = daemon_source(daemon, setup->config, now);
	AUTO(anchors) struct anchors *anchors = anchors_of_identity(&source, &setup->identity);
	char text[1000];
	struct writer remark = writer_of(text, sizeof text);
	struct log_text shown;

	for (size_t i = 0; i < setup->identity.n; i++) {
		AUTO(chain) struct chain *chain = NULL;

		if (identity_chain(daemon->crypto, &setup->identity, i, &chain) == OK)
			warn_of_names(setup, &setup->identity.pairs[i], chain_at(chain, 0));
		warn_of_chain(&source, &setup->identity, i, anchors);
	}
	put_identity_remark(&remark, daemon->crypto, &setup->identity, setup->config);
	if (remark.len > 0)
		log_event(REPORT_WARNING, "certificate.no-vouching", " why=\"%s\"",
			  log_text(&shown, writer_text(&remark)));
	daemon->warned = 0;
	warn_of_ends(daemon, setup, now);
}

/* -- what changes by itself ------------------------------------------------------------------------------ */

/*
 * Nobody looks on here, so a chain that peers could follow is not exchanged for one that they cannot. (Nor for one that our own
 * lists revoke.) Who wants that tells us to reload.
 */
static bool is_as_complete(struct daemon *daemon, const struct setup *old, const struct setup *new, utc_t now,
			   struct writer *why)
{
	struct identity_source source = daemon_source(daemon, new->config, now);
	AUTO(anchors) struct anchors *now_believed = anchors_of_identity(&source, &new->identity);
	AUTO(anchors) struct anchors *believed = anchors_of_identity(&source, &old->identity);
	char text[1000];

	for (size_t i = 0; i < new->identity.n; i++) {
		struct writer of_new = writer_of(text, sizeof text), nobody = writer_of(NULL, 0);

		if (identity_is_complete(&source, &new->identity, i, now_believed, &of_new) ||
		    !identity_is_complete(&source, &old->identity, i, believed, &nobody))
			continue;
		put(why, new->identity.pairs[i].file);
		put(why, SLICE(": "));
		put(why, writer_text(&of_new));
		put(why, SLICE("; that of the one before was complete"));
		return false;
	}
	return true;
}

/* The same configuration with other certificates. False: why is a sentence, and nothing has changed. */
static bool exchange(struct daemon *daemon, utc_t now, struct writer *why)
{
	AUTO(setup) struct setup *old = crew_setup(&daemon->crew);

	/* The signing process forgets what was not taken, and what the exchange before this one replaced. */
	enum err err = identity_settle(&old->identity, &daemon->signer);
	if (err != OK) {
		put(why, slice_of(err_text(err)));
		return false;
	}
	AUTO(setup) struct setup *setup = make_setup(daemon, old, config_ref(old->config), now, why);
	if (!setup || !is_as_complete(daemon, old, setup, now, why))
		return false;
	daemon_warn(daemon, setup, now);
	change_to(daemon, TAKE(setup));
	return true;
}

static bool has_come(const struct daemon *daemon, utc_t now)
{
	return daemon->awaited > 0 && daemon->awaited <= now;
}

void daemon_watch(struct daemon *daemon, struct now now)
{
	char text[1000];
	struct writer why = writer_of(text, sizeof text);
	struct log_text shown;

	if (daemon->state != SERVING)
		return;
	if (!files_have_changed(daemon->files, now.mono) && !has_come(daemon, now.wall))
		return;
	if (exchange(daemon, now.wall, &why))
		log_event(REPORT_INFO, "certificates.changed", "%s", "");
	else
		log_event(REPORT_ERROR, "certificates.refused", " why=\"%s; the old ones stay\"",
			  log_text(&shown, writer_text(&why)));
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
	struct identity_source source = daemon_source(daemon, setup->config, now.wall);
	if (!development_make(&source, &made, &why))
		log_event(REPORT_ERROR, "certificate.failed", " why=\"%s\"",
			  log_text(&shown, writer_text(&why)));
	else if (made && exchange(daemon, now.wall, &why))
		log_event(REPORT_INFO, "certificate.renewed", "%s", "");
	else if (made)
		log_event(REPORT_ERROR, "certificate.failed", " why=\"%s; the old one stays\"",
			  log_text(&shown, writer_text(&why)));
}
