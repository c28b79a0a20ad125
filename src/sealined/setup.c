#include "sealined/setup.h"

#include "base/mem.h"
#include "sealined/config_numbers.h"

/*
 * What a URI without a port means (RFC 3261 §19.1.2, RFC 7118 §5.2.2). For a secure WebSocket that depends on the
 * scheme, so its port is always written.
 */
static uint16_t written_port(enum transport_protocol transport, uint16_t port)
{
	static const uint16_t defaults[] = {
		[TRANSPORT_TLS] = 5061,
		[TRANSPORT_TCP] = 5060,
		[TRANSPORT_UDP] = 5060,
		[TRANSPORT_WS] = 80,
	};

	return port == defaults[transport] ? 0 : port;
}

/* The addresses that somebody may write instead of our name; the unspecified one is no address. */
static void name_addresses(struct setup *setup)
{
	static const struct address nowhere;
	const struct config *config = setup->config;

	for (size_t i = 0; i < config->n_listeners; i++) {
		struct address address = config->listeners[i].address;
		struct writer out = writer_of(setup->name_texts[i], sizeof setup->name_texts[i]);

		if (memcmp(address.ip, nowhere.ip, sizeof address.ip) == 0)
			continue;
		put_host(&out, &address);
		setup->names[setup->server.n_names++] = writer_text(&out);
	}
	setup->server.names = setup->names;
}

struct setup *setup_new(struct config *config, struct identity *identity,
			const uint16_t ports[TRANSPORT_WS + 1])
{
	struct setup *setup = mem_new(struct setup);

	if (!setup) {
		identity_fini(identity);
		config_free(config);
		return NULL;
	}
	setup->refs = 1;
	setup->config = config;
	setup->identity = *identity;
	setup->server = server_config_default;
	setup->server.domains = config->domains;
	setup->server.n_domains = config->n_domains;
	setup->server.advertise = config->advertise;
	setup->server.agreement = config->agreement;
	setup->server.needs_staples = config->needs_staples;
	setup->server.registrar.refuses_agreement = config->agreement == AGREEMENT_REFUSED;
	limits_of_server(&config->limits, &setup->server);
	setup->server.peers = config->peers;
	setup->server.n_peers = config->n_peers;
	config_set_registrar(config, &setup->server.registrar);
	config_set_certificate_service(config, &setup->server);
	for (int i = 0; i <= TRANSPORT_WS; i++)
		setup->server.ports[i] = written_port((enum transport_protocol)i, ports[i]);
	name_addresses(setup);
	return setup;
}

struct setup *setup_ref(struct setup *setup)
{
	atomic_fetch_add_explicit(&setup->refs, 1, memory_order_relaxed);
	return setup;
}

void setup_free(struct setup *setup)
{
	if (!setup || atomic_fetch_sub_explicit(&setup->refs, 1, memory_order_acq_rel) > 1)
		return;
	identity_fini(&setup->identity); /* knows how many there are from the configuration */
	config_free(setup->config);
	mem_free(setup);
}
