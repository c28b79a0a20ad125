#include "world.h"

#include <assert.h>
#include <string.h>

static const uint8_t branch_key[32] = "the key of the branches";
static const struct server_domain domains[] = {
	{ .name = SLICE_INIT(WORLD_DOMAIN) },
	{ .name = SLICE_INIT("moved.example"), .redirects = true },
	{ .name = SLICE_INIT("followed.example"), .follows = true },
};

/* What the configuration says of others; the addresses are those that phones have. */
static const struct slice trunk[] = { SLICE_INIT("trunk.example"), SLICE_INIT("pstn.example") };
static const struct slice transit[] = { SLICE_INIT("transit.example") };
static const struct slice trusted[] = { SLICE_INIT("trusted.example") };
static const struct slice clear[] = { SLICE_INIT("clear.example") };
static const struct slice datagrams[] = { SLICE_INIT("datagrams.example") };
static const struct address clear_addresses[] = { { .family = ADDRESS_V4, .ip = { 192, 0, 2, 1 } } };
static const struct address datagrams_addresses[] = { { .family = ADDRESS_V4, .ip = { 192, 0, 2, 2 } } };
static const struct slice farm[] = { SLICE_INIT("farm.example") };
static const struct server_identity farm_identities[] = {
	{ SLICE_INIT("farm.example"), SLICE_INIT("farm.example"), SLICE_INIT("farm.example/farm:sip") },
};
static const struct slice own[] = { SLICE_INIT("own.example") };
static const struct server_identity own_identities[] = {
	{ SLICE_INIT("own.example"), SLICE_INIT("own.example/own"), SLICE_INIT("own.example/own") },
};
static const struct slice home[] = { SLICE_INIT("home.example") };
static const struct slice edge[] = { SLICE_INIT("edge.example") };
static const struct slice gate[] = { SLICE_INIT("gate.example") };
static const struct slice edge_for[] = { SLICE_INIT(WORLD_DOMAIN) };
static const struct slice vault[] = { SLICE_INIT("vault.example") };
static const struct slice wire[] = { SLICE_INIT("wire.example") };
static const struct slice stray[] = { SLICE_INIT("stray.example") };

/* The links that are declared; over TCP, what has the address runs over it. */
static const struct {
	struct slice name;
	struct address address;
} links[] = {
	{ SLICE_INIT("vault"), { .family = ADDRESS_V4, .ip = { 192, 0, 2, 1 } } },
};

static const struct server_peer peers[] = {
	{ .name = SLICE_INIT("trunk"),
	  .domains = trunk,
	  .n_domains = 2,
	  .proves = SLICE_INIT("sbc.example") },
	{ .name = SLICE_INIT("home"), .domains = home, .n_domains = 1, .registers = true },
	{ .name = SLICE_INIT("edge"),
	  .domains = edge,
	  .n_domains = 1,
	  .edge_for = edge_for,
	  .n_edge_for = 1 },
	{ .name = SLICE_INIT("gate"),
	  .domains = gate,
	  .n_domains = 1,
	  .proves = SLICE_INIT("border.example"),
	  .edge_for = edge_for,
	  .n_edge_for = 1 },
	{ .name = SLICE_INIT("farm"),
	  .domains = farm,
	  .n_domains = 1,
	  .identities = farm_identities,
	  .n_identities = 1 },
	{ .name = SLICE_INIT("own"),
	  .domains = own,
	  .n_domains = 1,
	  .identities = own_identities,
	  .n_identities = 1 },
	{ .name = SLICE_INIT("transit"), .domains = transit, .n_domains = 1, .relays = true, .routes = true },
	{ .name = SLICE_INIT("trusted"), .domains = trusted, .n_domains = 1, .in_trust_domain = true },
	{ .name = SLICE_INIT("clear"),
	  .domains = clear,
	  .n_domains = 1,
	  .host = SLICE_INIT("192.0.2.1"),
	  .transport = TRANSPORT_TCP,
	  .addresses = clear_addresses,
	  .n_addresses = 1 },
	{ .name = SLICE_INIT("datagrams"),
	  .domains = datagrams,
	  .n_domains = 1,
	  .host = SLICE_INIT("192.0.2.2"),
	  .transport = TRANSPORT_UDP,
	  .addresses = datagrams_addresses,
	  .n_addresses = 1 },
	{ .name = SLICE_INIT("vault"),
	  .domains = vault,
	  .n_domains = 1,
	  .host = SLICE_INIT("192.0.2.1"),
	  .transport = TRANSPORT_TCP,
	  .link = SLICE_INIT("vault"),
	  .link_has_sips = true },
	{ .name = SLICE_INIT("wire"),
	  .domains = wire,
	  .n_domains = 1,
	  .host = SLICE_INIT("192.0.2.1"),
	  .transport = TRANSPORT_TCP,
	  .link = SLICE_INIT("vault") },
	/* where its link does not lead: a configuration cannot say that */
	{ .name = SLICE_INIT("stray"),
	  .domains = stray,
	  .n_domains = 1,
	  .host = SLICE_INIT("192.0.2.2"),
	  .transport = TRANSPORT_TCP,
	  .link = SLICE_INIT("vault"),
	  .link_has_sips = true },
};

/* -- the store ------------------------------------------------------------------------------------------- */

bool world_add_account(struct world *world, struct slice name)
{
	struct world_account *account = &world->accounts[world->n_accounts];
	const struct auth_login login = { .username = name, .realm = SLICE(WORLD_DOMAIN), .password = name };
	struct account stored = { .id = (account_id)world->n_accounts + 1, .has_sha256 = true };
	struct writer out;
	char text[256];

	if (world->n_accounts == ACCOUNTS_MAX ||
	    !auth_ha1(world->workers[0].crypto, DIGEST_SHA256, &login, stored.sha256))
		return false;
	out = writer_of(text, sizeof(text));
	put(&out, name);
	put(&out, SLICE("@" WORLD_DOMAIN));
	account->name = name;
	account->aor = aor_new(writer_text(&out), 1, &stored, NULL, 0);
	world->n_accounts += account->aor != NULL;
	return account->aor != NULL;
}

/* Each is there in every domain of the server. */
static struct world_account *account_of(struct world *world, struct slice aor)
{
	for (size_t i = 0; i < world->n_accounts; i++)
		if (slice_eq(world->accounts[i].name, slice_sub(aor, 0, slice_find(aor, '@'))))
			return &world->accounts[i];
	return NULL;
}

static void look_up(struct world *world, struct worker *worker, const struct action *action)
{
	struct world_account *account = account_of(world, action->lookup.aor);
	struct answer answer = {
		.question = action->question,
		.err = account ? OK : ERR_NOT_FOUND,
		.aor = account ? account->aor : NULL,
	};

	endpoint_answer(worker->endpoint, &answer, world->now);
}

bool world_say_policy(struct world *world, struct slice name, struct slice line)
{
	struct world_account *known = account_of(world, name);
	struct account account;
	char text[200];
	struct writer why = writer_of(text, sizeof text);
	struct aor *aor;

	if (!known)
		return false;
	account = known->aor->account;
	if (!account_policy_say(&account.policy, line, &why))
		return false;
	aor = aor_new(known->aor->name, known->aor->version + 1, &account, known->aor->bindings,
		      known->aor->n_bindings);
	if (!aor)
		return false;
	aor_unref(known->aor);
	known->aor = aor;
	return true;
}

static enum err store(struct world_account *account, const struct aor *wanted)
{
	struct aor *aor;

	if (wanted->version != account->aor->version)
		return ERR_CONFLICT;
	aor = aor_new(account->aor->name, account->aor->version + 1, &account->aor->account, wanted->bindings,
		      wanted->n_bindings);
	if (!aor)
		return ERR_IO;
	aor_unref(account->aor);
	account->aor = aor;
	return OK;
}

static void commit(struct world *world, struct worker *worker, const struct action *action)
{
	struct world_account *account = account_of(world, action->store.wanted->name);
	struct answer answer = { .question = action->question, .err = ERR_NOT_FOUND };

	if (account) {
		answer.err = store(account, action->store.wanted);
		answer.aor = account->aor;
	}
	endpoint_answer(worker->endpoint, &answer, world->now);
}

/* -- other domains --------------------------------------------------------------------------------------- */

bool world_serve(struct world *world, const struct world_server *server)
{
	if (world->n_servers == SERVERS_MAX)
		return false;
	world->servers[world->n_servers++] = *server;
	return true;
}

static void put_u16(struct writer *out, unsigned value)
{
	put_char(out, (char)(value >> 8));
	put_char(out, (char)value);
}

static void put_name(struct writer *out, struct slice name)
{
	while (name.len > 0) {
		size_t dot = slice_find(name, '.');

		put_char(out, (char)dot);
		put(out, slice_sub(name, 0, dot));
		name = slice_sub(name, dot + 1, name.len);
	}
	put_char(out, '\0');
}

/* RFC 1035 §4.1.3; the owner is the name of the question. */
static void put_a(struct writer *out, const struct address *address)
{
	put_u16(out, 0xc00c);
	put_u16(out, DNS_A);
	put_u16(out, 1);
	put_u16(out, 0);
	put_u16(out, 300);
	put_u16(out, 4);
	put(out, slice_from(address->ip, 4));
}

/* The DNS has only addresses: for each domain those of its servers, as they were named. */
static void resolve(struct world *world, struct worker *worker, const struct action *action)
{
	char buf[1024];
	struct writer out = writer_of(buf, sizeof(buf));
	struct answer answer = { .question = action->question };
	unsigned n = 0;

	for (size_t i = 0; i < world->n_servers; i++)
		n += action->resolve.type == DNS_A &&
		     slice_eq(world->servers[i].domain, action->resolve.name);
	put_u16(&out, 0);
	put_u16(&out, 0x8180); /* a response, without an error */
	put_u16(&out, 1);
	put_u16(&out, n);
	put_u16(&out, 0);
	put_u16(&out, 0);
	put_name(&out, action->resolve.name);
	put_u16(&out, action->resolve.type);
	put_u16(&out, 1);
	for (size_t i = 0; n > 0 && i < world->n_servers; i++)
		if (slice_eq(world->servers[i].domain, action->resolve.name))
			put_a(&out, &world->servers[i].address);
	answer.dns.message = writer_text(&out);
	endpoint_answer(worker->endpoint, &answer, world->now);
}

static const struct world_server *find_server(const struct world *world,
					      const struct connect_question *connect)
{
	struct address address;

	if (!address_parse_ip(connect->host, &address))
		return NULL;
	for (size_t i = 0; i < world->n_servers; i++)
		if (address_eq_ip(&world->servers[i].address, &address) &&
		    (slice_eq(world->servers[i].domain, connect->domain) ||
		     slice_eq(world->servers[i].proves, connect->domain) ||
		     !transport_is_secure(connect->transport)))
			return &world->servers[i];
	return NULL;
}

/* What the transport sees to (transport/links.c). */
static struct slice link_of(enum transport_protocol transport, const struct address *peer)
{
	for (size_t i = 0; i < sizeof links / sizeof *links; i++)
		if (transport == TRANSPORT_TCP && address_eq_ip(&links[i].address, peer))
			return links[i].name;
	return SLICE("");
}

static flow_id open_flow(struct world *world, unsigned worker, const struct flow_facts *facts)
{
	flow_id flow = flow_id_of(worker, world->start, facts->transport, ++world->workers[worker].n_flows);

	endpoint_flow(world->workers[worker].endpoint, flow, facts, world->now);
	return flow;
}

static void connect_to(struct world *world, struct worker *worker, const struct action *action)
{
	const struct world_server *server = find_server(world, &action->connect);
	bool is_listening = server && !(server->refused & 1U << action->connect.transport);
	struct answer answer = { .question = action->question,
				 .err = ERR_IO,
				 .why = SLICE("nobody listens there") };
	struct flow_facts facts = {
		.event = FLOW_OPENED,
		.transport = action->connect.transport,
		.outbound = true,
		.verified = action->connect.domain,
	};

	if (transport_is_secure(action->connect.transport))
		facts.tls_version = SLICE("TLSv1.3");
	if (is_listening && action->connect.domain.len > 0 &&
	    !slice_eq(server->proves, action->connect.domain)) {
		answer.err = ERR_DENIED;
		answer.why = SLICE("the certificate names another domain");
	} else if (is_listening) {
		facts.peer = server->address;
		facts.peer.port = action->connect.port;
		facts.link = link_of(facts.transport, &facts.peer);
		answer.err = OK;
		answer.flow = open_flow(world, (unsigned)(worker - world->workers), &facts);
		world->user->connected(world->self, server->name, answer.flow);
	}
	endpoint_answer(worker->endpoint, &answer, world->now);
}

/* -- actions --------------------------------------------------------------------------------------------- */

/* The world's domain is believed without a signature. */
static void vouch(struct world *world, struct worker *worker, const struct action *action)
{
	char buf[4096];
	struct writer out = writer_of(buf, sizeof(buf));
	struct answer answer = { .question = action->question, .err = OK };

	if (!slice_eq(action->vouch.domain, SLICE(WORLD_DOMAIN)))
		answer.err = ERR_NOT_FOUND;
	put(&out, SLICE("Content-Type: multipart/signed;boundary=\"world\"\r\n\r\n--world\r\n"));
	put(&out, action->vouch.entity);
	put(&out, SLICE("\r\n--world--\r\n"));
	answer.entity = writer_text(&out);
	endpoint_answer(worker->endpoint, &answer, world->now);
}

static void perform(struct world *world, struct worker *worker, const struct action *action)
{
	switch (action->kind) {
	case ACTION_SEND: world->user->sent(world->self, action->send.flow, action->send.bytes); break;
	case ACTION_CLOSE:
		world->user->closed(world->self, action->close.flow, action->close.why);
		world_lose(world, action->close.flow);
		break;
	case ACTION_LOOKUP: look_up(world, worker, action); break;
	case ACTION_STORE: commit(world, worker, action); break;
	case ACTION_CERTIFY: /* scenarios have no bodies */
		endpoint_answer(worker->endpoint,
				&(struct answer){ .question = action->question, .err = ERR_IO }, world->now);
		break;
	case ACTION_VOUCH: vouch(world, worker, action); break;
	case ACTION_POST:
		endpoint_letter(world->workers[action->post->to].endpoint, action->post, world->now);
		break;
	case ACTION_REPORT: world->user->reported(world->self, &action->report); break;
	case ACTION_BLAME: break;
	case ACTION_RESOLVE: resolve(world, worker, action); break;
	case ACTION_CONNECT: connect_to(world, worker, action); break;
	}
}

static void settle(struct world *world)
{
	struct action action;
	bool again = true;

	while (again) {
		again = false;
		for (unsigned i = 0; i < world->n_workers; i++)
			while (endpoint_output(world->workers[i].endpoint, &action)) {
				perform(world, &world->workers[i], &action);
				again = true;
			}
	}
}

/* -- life ------------------------------------------------------------------------------------------------ */

static bool start_worker(struct world *world, unsigned i)
{
	struct worker *worker = &world->workers[i];
	struct core_config core = {
		.crypto = worker->crypto,
		.nonce_key = SLICE("the key of the nonces, 32 bytes."),
		.token_key = SLICE("the key of the tokens, 32 bytes."),
		.start = world->start,
		.server = &world->server,
	};
	struct endpoint_config endpoint = {
		.worker = i,
		.n_workers = world->n_workers,
		.limits = { .sip = sip_limits_default,
			    .flows = 1000,
			    .transactions = 1000,
			    .per_flow = 100,
			    .per_sender = 100,
			    .per_peer = 200,
			    .per_stranger = 16,
			    .output = 1 << 24 },
		.branch_key = branch_key,
		.random = worker->random,
		.crypto = worker->crypto,
		.sent_by = SLICE("sip." WORLD_DOMAIN),
		.level = REPORT_INFO,
		.user = &core_user,
	};

	if (core_new(&core, &worker->core) != OK)
		return false;
	endpoint.user_self = worker->core;
	if (endpoint_new(&endpoint, &worker->endpoint) != OK)
		return false;
	core_attach(worker->core, worker->endpoint);
	return true;
}

static void stop_worker(struct worker *worker)
{
	endpoint_free(worker->endpoint);
	core_free(worker->core);
	worker->endpoint = NULL;
	worker->core = NULL;
	worker->n_flows = 0;
}

bool world_init(struct world *world, unsigned n_workers, const struct world_user *user, void *self)
{
	*world = (struct world){
		.n_workers = n_workers,
		.now = { .mono = 1, .wall = 1700000000 },
		.start = 1,
		.user = user,
		.self = self,
		.server = server_config_default,
	};
	world->server.domains = domains;
	world->server.n_domains = sizeof(domains) / sizeof(domains[0]);
	world->server.peers = peers;
	world->server.agreement = AGREEMENT_OFFERED;
	world->server.n_peers = sizeof(peers) / sizeof(peers[0]);
	world->server.advertise = SLICE("sip." WORLD_DOMAIN);
	for (unsigned i = 0; i < n_workers; i++) {
		world->workers[i].crypto = crypto_new();
		world->workers[i].random = random_new_predictable(i);
		if (!world->workers[i].crypto || !world->workers[i].random || !start_worker(world, i))
			return false;
	}
	return true;
}

void world_fini(struct world *world)
{
	for (unsigned i = 0; i < world->n_workers; i++) {
		stop_worker(&world->workers[i]);
		random_free(world->workers[i].random);
		crypto_free(world->workers[i].crypto);
	}
	for (size_t i = 0; i < world->n_accounts; i++)
		aor_unref(world->accounts[i].aor);
}

bool world_restart(struct world *world)
{
	world->start++;
	for (unsigned i = 0; i < world->n_workers; i++)
		stop_worker(&world->workers[i]);
	for (unsigned i = 0; i < world->n_workers; i++)
		if (!start_worker(world, i))
			return false;
	return true;
}

/* -- events ---------------------------------------------------------------------------------------------- */

static struct endpoint *owner(struct world *world, flow_id flow)
{
	assert(flow_worker(flow) < world->n_workers);
	return world->workers[flow_worker(flow)].endpoint;
}

flow_id world_connect(struct world *world, unsigned worker, enum transport_protocol transport,
		      struct address peer)
{
	struct flow_facts facts = { .event = FLOW_OPENED, .transport = transport, .peer = peer };
	flow_id flow;

	if (transport_is_secure(transport))
		facts.tls_version = SLICE("TLSv1.3");
	facts.link = link_of(transport, &peer);
	flow = open_flow(world, worker, &facts);
	settle(world);
	return flow;
}

flow_id world_connect_proven(struct world *world, struct address peer, struct slice domain)
{
	struct flow_facts facts = {
		.event = FLOW_OPENED, .peer = peer, .verified = domain, .tls_version = SLICE("TLSv1.3")
	};
	flow_id flow = open_flow(world, 0, &facts);

	settle(world);
	return flow;
}

flow_id world_connect_user(struct world *world, struct address peer, struct slice user)
{
	static const unsigned char key[32] = { 1 };
	struct flow_facts facts = { .event = FLOW_OPENED,
				    .peer = peer,
				    .user = user,
				    .user_key = slice_from(key, sizeof key),
				    .tls_version = SLICE("TLSv1.3") };
	flow_id flow = open_flow(world, 0, &facts);

	settle(world);
	return flow;
}

void world_lose(struct world *world, flow_id flow)
{
	struct flow_facts facts = { .event = FLOW_LOST, .transport = flow_transport(flow) };
	const struct flow_view *view = endpoint_flow_view(owner(world, flow), flow);

	facts.outbound = view && view->outbound;
	endpoint_flow(owner(world, flow), flow, &facts, world->now);
	settle(world);
}

void world_lose_all(struct world *world)
{
	for (unsigned i = 0; i < world->n_workers; i++) {
		struct worker *worker = &world->workers[i];

		for (uint32_t n = 1; n <= worker->n_flows; n++) {
			for (int transport = 0; transport <= TRANSPORT_WS; transport++) {
				flow_id flow = flow_id_of(i, world->start, (enum transport_protocol)transport,
							  n);

				if (endpoint_flow_view(worker->endpoint, flow))
					world_lose(world, flow);
			}
		}
	}
}

void world_input(struct world *world, flow_id flow, struct slice bytes)
{
	endpoint_input(owner(world, flow), flow, bytes, world->now);
	settle(world);
}

/* When the first of the workers has something to do; 0: never. */
static ms_t next_due(const struct world *world)
{
	ms_t first = 0;

	for (unsigned i = 0; i < world->n_workers; i++) {
		ms_t due = endpoint_due(world->workers[i].endpoint);

		if (due && (!first || due < first))
			first = due;
	}
	return first;
}

static void advance(struct world *world, ms_t to)
{
	static const ms_t second = 1000;

	if (to <= world->now.mono)
		return;
	world->now.wall += (utc_t)(to / second - world->now.mono / second);
	world->now.mono = to;
}

void world_pass(struct world *world, ms_t time)
{
	ms_t end = world->now.mono + time;

	for (ms_t due = next_due(world); due && due <= end; due = next_due(world)) {
		advance(world, due);
		for (unsigned i = 0; i < world->n_workers; i++)
			endpoint_tick(world->workers[i].endpoint, world->now);
		settle(world);
	}
	advance(world, end);
}
