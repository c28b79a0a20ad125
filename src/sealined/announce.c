#include "sealined/announce.h"

#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "sealined/daemon.h"

void put_listener(struct writer *out, const struct listening *listening)
{
	put_lower(out, transport_name(listening->transport));
	put_char(out, ':');
	put_address(out, &listening->address);
}

static void put_listening(struct writer *out, const struct daemon *daemon)
{
	for (size_t i = 0; i < daemon->n_listening; i++) {
		put(out, i > 0 ? SLICE(",") : SLICE(""));
		put_listener(out, &daemon->listening[i]);
	}
}

static void put_domains(struct writer *out, const struct config *config)
{
	for (size_t i = 0; i < config->n_domains; i++) {
		put(out, i > 0 ? SLICE(",") : SLICE(""));
		put(out, config->domains[i].name);
	}
}

/* Each clear transport that is listened on, once. */
static void announce_clear(const struct daemon *daemon)
{
	unsigned told = 0;

	for (size_t i = 0; i < daemon->n_listening; i++) {
		enum transport_protocol transport = daemon->listening[i].transport;

		if (transport_is_secure(transport) || told >> transport & 1)
			continue;
		told |= 1U << transport;
		log_event(REPORT_WARNING, "about.clear",
			  " text=\"whatever comes over %.*s can be read and changed by all on the way\"",
			  SLICE_FMT(transport_name(transport)));
	}
}

/* What the configuration excepts from the rules, each time we start. */
static void announce_peers(const struct config *config)
{
	for (size_t i = 0; i < config->n_peers; i++) {
		const struct server_peer *peer = &config->peers[i];
		struct log_text name;

		log_text(&name, peer->name);
		if (!transport_is_secure(peer->transport) && peer->link.len == 0)
			log_event(
				REPORT_WARNING, "about.peer",
				" peer=\"%s\" text=\"what goes to it or comes from it over %.*s can be read and changed by all on the way, and its address is all that it proves; sips requests do not go there\"",
				name.text, SLICE_FMT(transport_name(peer->transport)));
		if (config->scopes[i].takes_wildcards)
			log_event(
				REPORT_WARNING, "about.peer",
				" peer=\"%s\" text=\"a wildcard in its certificate is taken for its domains, against RFC 5922; sips requests neither go there by it nor come from there\"",
				name.text);
		if (peer->relays)
			log_event(REPORT_WARNING, "about.peer",
				  " peer=\"%s\" text=\"what comes from it may go on to other domains\"",
				  name.text);
		if (peer->in_trust_domain)
			log_event(
				REPORT_WARNING, "about.peer",
				" peer=\"%s\" text=\"it is told who our senders are, and believed who its own are (RFC 3325)\"",
				name.text);
	}
}

/* What others protect, by the word of the configuration. */
static void announce_links(const struct config *config)
{
	for (size_t i = 0; i < config->links.n; i++) {
		const struct transport_link *link = &config->links.all[i];
		struct log_text interface;

		log_event(
			REPORT_WARNING, "about.link",
			" link=%.*s mechanism=%.*s interface=\"%s\" text=\"what runs over it is in clear, and protected by what the configuration declares, which nothing proves; %s\"",
			SLICE_FMT(link->name), SLICE_FMT(config->link_facts[i].mechanism),
			log_text(&interface, link->interface.len > 0 ? link->interface : SLICE("any")),
			config->link_facts[i].has_sips ? "it may carry sips requests"
						       : "it carries no sips requests");
	}
}

void announce_ready(const struct daemon *daemon)
{
	const struct setup *setup = daemon->crew.setup;
	const struct config *config = setup->config;
	char listen[1000], domains[2000];
	struct writer listen_out = writer_of(listen, sizeof listen),
		      domains_out = writer_of(domains, sizeof domains);
	struct log_text dir;
	put_listening(&listen_out, daemon);
	put_domains(&domains_out, config);
	log_text(&dir, config->state);
	log_event(
		REPORT_INFO, "about.protected",
		" text=\"every hop over TLS%s, with the certificate of %.*s%s; nothing is relayed without a proof of who asks\"",
		config->links.n > 0 ? ", but for the links that are declared" : "",
		SLICE_FMT(config->advertise),
		setup->identity.development ? ", made by our own development CA: see sealine ca export" : "");
	log_event(
		REPORT_INFO, "about.not-protected",
		" text=\"what phones do with a message once they have it; sound, where the phones do not encrypt it\"");
	announce_clear(daemon);
	if (geteuid() == 0)
		log_event(REPORT_INFO, "about.root",
			  " text=\"it runs as root, which it has no need of: see --user in sealined(8)\"");
	announce_peers(config);
	announce_links(config);
	for (size_t i = 0; i < config->n_domains; i++)
		if (config->domains[i].md5 != AUTH_MD5_REFUSED)
			log_event(REPORT_WARNING, "about.md5",
				  " domain=%.*s text=\"accounts of this domain may use MD5 digests\"",
				  SLICE_FMT(config->domains[i].name));
	if (daemon->n_read == 0)
		log_event(
			REPORT_INFO, "about.accounts",
			" text=\"there is no account yet; add one: sealine user add alice@%.*s --generate --state %s\"",
			SLICE_FMT(config->domains[0].name), dir.text);
	log_event(REPORT_INFO, "ready", " listen=%.*s domain=%.*s state=\"%s\" workers=%zu version=%s",
		  SLICE_FMT(writer_text(&listen_out)), SLICE_FMT(writer_text(&domains_out)), dir.text,
		  daemon->workers.n, SEALINE_VERSION);
	sd_notifyf(0, "READY=1\nSTATUS=Serving %.*s", SLICE_FMT(writer_text(&domains_out)));
}

void announce_listening(const struct daemon *daemon)
{
	char listen[1000];
	struct writer out = writer_of(listen, sizeof listen);

	put_listening(&out, daemon);
	log_event(
		REPORT_INFO, "listening",
		" listen=%.*s text=\"whoever comes before all accounts are read is told when to come again\"",
		SLICE_FMT(writer_text(&out)));
}
