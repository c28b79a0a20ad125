/* What the control socket tells of the server; man/sealine-control.7 is its reference. */
#include <unistd.h>

#include "sealined/announce.h"
#include "sealined/requests.h"
#include "store/state.h"

static json_t *describe_flows(const struct transport_counts *flows)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "clear", (json_int_t)flows->clear, "declared",
			 (json_int_t)flows->declared, "tls", (json_int_t)flows->tls, "account",
			 (json_int_t)flows->account, "domain", (json_int_t)flows->domain, "handshaking",
			 (json_int_t)flows->handshaking);
}

static void add_flows(struct transport_counts *sum, const struct transport_counts *more)
{
	sum->clear += more->clear;
	sum->declared += more->declared;
	sum->tls += more->tls;
	sum->account += more->account;
	sum->domain += more->domain;
	sum->handshaking += more->handshaking;
}

static json_t *describe_reasons(const struct endpoint_counts *endpoint)
{
	json_t *reasons = json_object();

	for (int i = 0; i < ENDPOINT_REASONS; i++)
		json_object_set_new(reasons, endpoint_reason_name((enum endpoint_reason)i),
				    json_integer((json_int_t)endpoint->reasons[i]));
	return reasons;
}

static json_t *describe_worker(unsigned number, const struct worker_status *status)
{
	const struct transport_counts *flows = &status->flows;
	const struct endpoint_counts *endpoint = &status->endpoint;
	json_t *worker = json_pack("{s:i, s:o}", "number", (int)number, "flows", describe_flows(flows));
	const struct {
		const char *key;
		uint64_t value;
	} figures[] = {
		{ "accepted", flows->accepted },
		{ "refused_handshakes", flows->refused_handshakes },
		{ "refused_connections", flows->refused_connections },
		{ "refused_banned", flows->refused_banned },
		{ "closed_unproven", flows->closed_unproven },
		{ "closed_banned", flows->closed_banned },
		{ "blamed", flows->blamed },
		{ "closed_blocked", flows->closed_blocked },
		{ "closed_idle", flows->closed_idle },
		{ "bytes_in", flows->bytes_in },
		{ "bytes_out", flows->bytes_out },
		{ "messages_in", endpoint->messages_in },
		{ "messages_out", endpoint->messages_out },
		{ "malformed", endpoint->malformed },
		{ "refused_sends", endpoint->refused_sends },
		{ "transactions", endpoint->servers + endpoint->clients },
	};

	for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
		json_object_set_new(worker, figures[i].key, json_integer((json_int_t)figures[i].value));
	json_object_set_new(worker, "refused", describe_reasons(endpoint));
	return worker;
}

static json_t *describe_certificate(const struct certificate *certificate, struct slice file,
				    bool development, utc_t now)
{
	unsigned char hash[CERTIFICATE_FINGERPRINT_SIZE];
	char subject[500], names[65536], hex[2 * sizeof hash]; /* names: those of hundreds of domains */
	struct writer subject_out = writer_of(subject, sizeof subject),
		      names_out = writer_of(names, sizeof names);
	struct writer hex_out = writer_of(hex, sizeof hex);

	put_certificate_subject(&subject_out, certificate);
	put_certificate_names(&names_out, certificate);
	if (certificate_fingerprint(certificate, hash))
		put_hex(&hex_out, hash, sizeof hash);
	return json_pack("{s:o, s:s%, s:s%, s:I, s:I, s:s%, s:b}", "file", daemon_json_text(file), "subject",
			 subject_out.buf, subject_out.len, "names", names_out.buf, names_out.len, "not_after",
			 (json_int_t)certificate_not_after(certificate), "days_left",
			 (json_int_t)certificate_days_left(certificate, now), "sha256", hex_out.buf,
			 hex_out.len, "development", development);
}

/* One of ours with its chain. */
static void describe_chain(const struct setup *setup, const struct chain *chain, struct slice file,
			   json_t *list, utc_t now)
{
	bool development = setup->identity.development;
	char path[STATE_PATH_MAX];
	struct writer out = writer_of(path, sizeof path);

	put_state_path(&out, setup->config->state, SLICE(STATE_CA_CERTIFICATE));
	for (size_t i = 0; i < chain_length(chain); i++)
		json_array_append_new(list,
				      describe_certificate(chain_at(chain, i),
							   development && i > 0 ? writer_text(&out) : file,
							   development, now));
}

static json_t *describe_certificates(struct daemon *daemon, const struct setup *setup, utc_t now)
{
	json_t *list = json_array();

	for (size_t i = 0; i < setup->identity.n; i++) {
		AUTO(chain) struct chain *chain = NULL;

		if (identity_chain(daemon->crypto, &setup->identity, i, &chain) == OK)
			describe_chain(setup, chain, setup->identity.pairs[i].file, list, now);
	}
	return list;
}

static json_t *describe_domains(const struct setup *setup)
{
	static const char *const md5[] = {
		[AUTH_MD5_REFUSED] = "refuse",
		[AUTH_MD5_ALLOWED] = "allow",
		[AUTH_MD5_ONLY] = "only",
	};
	json_t *domains = json_array();

	for (size_t i = 0; i < setup->config->n_domains; i++) {
		const struct server_domain *domain = &setup->config->domains[i];

		json_array_append_new(domains, json_pack("{s:o, s:s}", "name", daemon_json_text(domain->name),
							 "md5", md5[domain->md5]));
	}
	return domains;
}

static json_t *describe_peers(const struct config *config)
{
	json_t *peers = json_array();

	for (size_t i = 0; i < config->n_peers; i++) {
		const struct server_peer *peer = &config->peers[i];
		json_t *domains = json_array();

		for (size_t n = 0; n < peer->n_domains; n++)
			json_array_append_new(domains, daemon_json_text(peer->domains[n]));
		json_t *described = json_pack(
			"{s:o, s:o, s:b, s:b, s:b, s:b}", "name", daemon_json_text(peer->name), "domains",
			domains, "clear", !transport_is_secure(peer->transport), "relays", peer->relays,
			"wildcard", config->scopes[i].takes_wildcards, "pinned", peer->pin.len > 0);
		if (described && config->scopes[i].trust.len > 0)
			json_object_set_new(described, "trust", daemon_json_text(config->scopes[i].trust));
		if (described && peer->link.len > 0)
			json_object_set_new(described, "link", daemon_json_text(peer->link));
		json_array_append_new(peers, described);
	}
	return peers;
}

/* What is declared, which is all that is known of it. */
static json_t *describe_links(const struct config *config)
{
	json_t *links = json_array();

	for (size_t i = 0; i < config->links.n; i++) {
		const struct transport_link *link = &config->links.all[i];
		json_t *addresses = json_array();

		for (size_t n = 0; n < link->n_addresses; n++) {
			char text[100];
			struct writer out = writer_of(text, sizeof text);

			put_ip(&out, &link->addresses[n]);
			json_array_append_new(addresses, daemon_json_text(writer_text(&out)));
		}
		json_t *described = json_pack("{s:o, s:o, s:o, s:b}", "name", daemon_json_text(link->name),
					      "addresses", addresses, "mechanism",
					      daemon_json_text(config->link_facts[i].mechanism), "sips",
					      config->link_facts[i].has_sips);
		if (described && link->interface.len > 0)
			json_object_set_new(described, "interface", daemon_json_text(link->interface));
		json_array_append_new(links, described);
	}
	return links;
}

static json_t *describe_listeners(const struct daemon *daemon)
{
	json_t *listeners = json_array();

	for (size_t i = 0; i < daemon->n_listening; i++) {
		char text[100];
		struct writer out = writer_of(text, sizeof text);

		put_listener(&out, &daemon->listening[i]);
		json_array_append_new(listeners, daemon_json_text(writer_text(&out)));
	}
	return listeners;
}

void daemon_status(struct daemon *daemon, struct control_call *call, struct now now)
{
	AUTO(setup) struct setup *setup = crew_setup(&daemon->crew);
	struct location_counts counts = location_counts(daemon->location, now.wall);
	struct transport_counts sum = { .clear = 0 };
	json_t *workers = json_array();

	for (unsigned i = 0; i < daemon->workers.n; i++) {
		struct worker_status worker = worker_status(daemon->workers.all[i]);

		add_flows(&sum, &worker.flows);
		json_array_append_new(workers, describe_worker(i, &worker));
	}
	control_reply(call,
		      json_pack("{s:b, s:s, s:i, s:I, s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:o}",
				"ok", 1, "version", SEALINE_VERSION, "pid", (int)getpid(), "started",
				(json_int_t)daemon->started, "uptime",
				(json_int_t)((now.mono - daemon->started_mono) / 1000), "domains",
				describe_domains(setup), "listeners", describe_listeners(daemon), "peers",
				describe_peers(setup->config), "links", describe_links(setup->config),
				"accounts", (json_int_t)counts.aors, "bindings", (json_int_t)counts.bindings,
				"workers", workers, "flows", describe_flows(&sum), "certificates",
				describe_certificates(daemon, setup, now.wall)));
}
