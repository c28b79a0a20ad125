#include "sealined/crew.h"

#include <unistd.h>

#include "base/mem.h"
#include "crypto/random.h"
#include "dns/dns.h"
#include "proxy/core.h"
#include "sealined/config_numbers.h"
#include "sealined/identity_roles.h"
#include "sealined/log.h"
#include "sealined/service.h"
#include "store/state.h"

/* Routers that drop questions they do not know are common; with three of them unanswered a call still begins. */
enum { DNS_PATIENCE_MS = 4000 };

enum { OUTPUT_MAX = 16 << 20 }; /* bytes */

/* One worker's own. */
struct member {
	struct crew *crew;
	struct setup *setup;
	struct crypto *crypto;
	struct signer_client signer;
	struct random *random;
	struct core *core;
	struct dns *dns;
	char *vouched; /* SERVICE_ENTITY_MAX bytes, for one signed entity */
};

/* -- the crew -------------------------------------------------------------------------------------------- */

static bool derive(struct mac *mac, struct slice label, uint8_t key[32])
{
	return mac_make(mac, &label, 1, key, 32);
}

static void write_sent_by(struct crew *crew)
{
	const struct server_config *server = &crew->setup->server;
	struct writer out = writer_of(crew->sent_by, sizeof crew->sent_by - 1);

	put(&out, server->advertise);
	crew->sent_by[out.len] = '\0';
}

bool crew_init(struct crew *crew, struct crypto *crypto, struct slice secret, struct setup *setup)
{
	AUTO(mac) struct mac *mac = mac_new(crypto, secret);

	pthread_mutex_init(&crew->mutex, NULL);
	crew->setup = setup;
	write_sent_by(crew);
	crew->tickets = tls_ticket_keys_new();
	return mac && crew->tickets && derive(mac, SLICE("sealine nonce"), crew->nonce_key) &&
	       derive(mac, SLICE("sealine flow token"), crew->token_key) &&
	       derive(mac, SLICE("sealine branch"), crew->branch_key);
}

void crew_fini(struct crew *crew)
{
	setup_free(crew->setup);
	tls_ticket_keys_free(crew->tickets);
	pthread_mutex_destroy(&crew->mutex);
	mem_wipe(crew, sizeof *crew);
}

struct setup *crew_setup(struct crew *crew)
{
	pthread_mutex_lock(&crew->mutex);
	struct setup *setup = setup_ref(crew->setup);
	pthread_mutex_unlock(&crew->mutex);
	return setup;
}

void crew_change(struct crew *crew, struct setup *setup)
{
	pthread_mutex_lock(&crew->mutex);
	struct setup *before = crew->setup;
	crew->setup = setup;
	pthread_mutex_unlock(&crew->mutex);
	setup_free(before);
}

/* -- a worker's parts, on its thread --------------------------------------------------------------------- */

static enum err make_roles(struct member *member, const struct setup *setup, struct identity_roles *ret_roles)
{
	struct identity_roles roles;
	struct verdict verdict;

	TRY(identity_serve(member->crypto, &setup->identity, &member->signer.signer, &roles, &verdict));
	enum err err = tls_server_resume(roles.server, member->crew->tickets);
	if (err == OK)
		err = tls_server_sign_together(roles.server);
	if (err == OK)
		*ret_roles = roles;
	else
		identity_roles_fini(&roles);
	return err;
}

static enum err make_core(struct member *member, struct map_key map_key)
{
	const struct crew *crew = member->crew;
	struct core_config config = {
		.crypto = member->crypto,
		.nonce_key = slice_from(crew->nonce_key, sizeof crew->nonce_key),
		.token_key = slice_from(crew->token_key, sizeof crew->token_key),
		.map_key = map_key,
		.start = crew->start,
		.server = &member->setup->server,
	};

	return core_new(&config, &member->core);
}

static enum err make_endpoint(struct member *member, unsigned number, struct worker_parts *parts)
{
	const struct crew *crew = member->crew;
	struct endpoint_config config = {
		.worker = number,
		.n_workers = crew->n_workers,
		.map_key = parts->map_key,
		.branch_key = crew->branch_key,
		.random = member->random,
		.crypto = member->crypto,
		.sent_by = slice_of(crew->sent_by),
		.ports = member->setup->server.ports,
		.level = log_level(),
		.user = &core_user,
		.user_self = member->core,
	};

	limits_of_endpoint(&member->setup->config->limits, &config.limits);
	config.limits.output = OUTPUT_MAX;
	config.limits.flows = member->setup->config->limits.values[LIMIT_CONNECTIONS] +
			      transport_limits_default.associations;
	config.limits.sip = config_sip_limits(member->setup->config);
	TRY(endpoint_new(&config, &parts->endpoint));
	core_attach(member->core, parts->endpoint);
	return OK;
}

/* Of Debian's dns-root-data: the key of the root, kept up to date with the system. */
#define ROOT_ANCHOR "/usr/share/dns/root.key"

/* A machine without the root's key cannot check anything: nothing counts as signed then. */
static const char *anchors_of(const struct config *config, char path[STATE_PATH_MAX])
{
	struct writer out = writer_of(path, STATE_PATH_MAX - 1);

	if (config->trust_anchor.len == 0)
		return access(ROOT_ANCHOR, R_OK) == 0 ? ROOT_ANCHOR : NULL;
	if (slice_eq(config->trust_anchor, SLICE("none")))
		return NULL;
	put(&out, config->trust_anchor);
	path[out.len] = '\0';
	return path;
}

static enum err make_dns(const struct config *config, struct net *net, struct dns **ret_dns)
{
	char path[STATE_PATH_MAX];
	const struct dns_config dns = {
		.net = net,
		.server = config->dns,
		.anchors = anchors_of(config, path),
		.patience = DNS_PATIENCE_MS,
	};

	return dns_new(&dns, ret_dns);
}

bool crew_can_resolve(const struct config *config, struct writer *why)
{
	AUTO(net) struct net *net = net_new(1);
	AUTO(dns) struct dns *dns = NULL;
	char path[STATE_PATH_MAX];
	enum err err = net ? make_dns(config, net, &dns) : ERR_NOMEM;

	if (err == OK)
		return true;
	if (err == ERR_SYNTAX) {
		put_config_place(why, config, config->trust_anchor);
		put(why, slice_of(anchors_of(config, path)));
		put(why, SLICE(": it cannot be read, or is no trust anchor: DS or DNSKEY records"));
	} else {
		put(why, slice_of(err_text(err)));
	}
	return false;
}

static enum err make_parts(struct member *member, unsigned number, struct worker_parts *parts)
{
	const struct crew *crew = member->crew;
	struct identity_roles roles;

	member->crypto = crypto_new();
	member->random = member->crypto ? random_new(member->crypto) : NULL;
	if (!member->random)
		return ERR_NOMEM;
	parts->crypto = member->crypto;
	parts->map_key = random_map_key(member->random);
	TRY(make_core(member, parts->map_key));
	TRY(make_dns(member->setup->config, parts->net, &member->dns));
	TRY(make_endpoint(member, number, parts));
	signer_client_init(&member->signer, crew->signer->fds[1 + number]);
	member->vouched = mem_alloc(SERVICE_ENTITY_MAX);
	if (!member->vouched)
		return ERR_NOMEM;
	TRY(make_roles(member, member->setup, &roles));
	parts->server = roles.server;
	parts->client = roles.client;
	parts->links = member->setup->config->links;
	parts->idle_proven = config_silence(member->setup->config);
	return OK;
}

static void crew_close(void *self, struct worker_parts *parts)
{
	struct member *member = parts->own;

	(void)self;
	tls_context_free(parts->server);
	tls_context_free(parts->client);
	dns_free(member->dns);
	endpoint_free(parts->endpoint);
	core_free(member->core);
	random_free(member->random);
	crypto_free(member->crypto);
	setup_free(member->setup);
	mem_free(member->vouched);
	mem_free(member);
	log_write_gathered();
}

static enum err crew_open(void *self, unsigned number, struct worker_parts *ret_parts)
{
	struct member *member = mem_new(struct member);
	struct worker_parts parts = { .net = ret_parts->net, .own = member };

	if (!member)
		return ERR_NOMEM;
	member->crew = self;
	member->setup = crew_setup(self);
	enum err err = make_parts(member, number, &parts);
	if (err != OK) {
		crew_close(self, &parts);
		return err;
	}
	*ret_parts = parts;
	log_gather();
	return OK;
}

static void crew_reload(void *self, struct worker_parts *parts, struct now now)
{
	struct member *member = parts->own;
	struct setup *setup = crew_setup(self);
	struct identity_roles roles;

	(void)now;
	enum err err = make_roles(member, setup, &roles);
	if (err != OK) {
		log_event(REPORT_ERROR, "reload.failed", " why=\"%s\"", err_text(err));
		setup_free(setup);
		return;
	}
	core_reconfigure(member->core, &setup->server);
	tls_context_free(parts->server);
	tls_context_free(parts->client);
	parts->server = roles.server;
	parts->client = roles.client;
	parts->links = setup->config->links;
	parts->idle_proven = config_silence(setup->config);
	/* what the transport has of the old ones it does not look at any more: the new ones are set at once */
	setup_free(member->setup);
	member->setup = setup;
}

static void crew_report(void *self, const struct report *report)
{
	(void)self;
	log_report(report);
}

static void crew_waits(void *self)
{
	(void)self;
	log_write_gathered();
}

static enum err crew_certify(void *self, struct worker_parts *parts, const struct certify_question *certify,
			     utc_t now, struct job **ret_job)
{
	struct member *member = parts->own;

	(void)self;
	return service_certify(&(struct service){ member->crypto, &member->signer, &member->setup->identity },
			       certify, now, ret_job);
}

static enum err crew_vouch(void *self, struct worker_parts *parts, const struct vouch_question *vouch,
			   struct slice *ret_entity)
{
	struct member *member = parts->own;
	struct writer out = writer_of(member->vouched, SERVICE_ENTITY_MAX);

	(void)self;
	TRY(service_vouch(&(struct service){ member->crypto, &member->signer, &member->setup->identity },
			  vouch, &out));
	*ret_entity = writer_text(&out);
	return OK;
}

static enum err crew_resolve(void *self, struct worker_parts *parts, uint64_t question,
			     const struct dns_question *resolve)
{
	struct member *member = parts->own;

	(void)self;
	return dns_ask(member->dns, question, resolve);
}

static bool crew_next_answer(void *self, struct worker_parts *parts, struct answer *ret_answer)
{
	struct member *member = parts->own;

	(void)self;
	*ret_answer = (struct answer){ .err = OK };
	if (!dns_next(member->dns, &ret_answer->question, &ret_answer->dns))
		return false;
	ret_answer->err = ret_answer->dns.err;
	return true;
}

const struct worker_user crew_user = {
	.open = crew_open,
	.reload = crew_reload,
	.close = crew_close,
	.report = crew_report,
	.resolve = crew_resolve,
	.certify = crew_certify,
	.vouch = crew_vouch,
	.next_answer = crew_next_answer,
	.waits = crew_waits,
};
