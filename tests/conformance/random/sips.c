/*
 * Random lives of phones against the server's core and endpoints, and one assertion on every byte that leaves: what belongs
 * to sips leaves on a flow that is safe for it. What is safe is decided here anew, from what this program did: the endpoint's
 * own judgement is what is tested.
 *
 *	sips RUNS [SEED]            nothing may be wrong
 *	sips RUNS [SEED] unchecked  built without the check of endpoint/send.c: something has to be found
 *
 * Six phones of three accounts and one of nobody connect over all transports to two workers, register under sip and sips, lose
 * their flows, call, fork, redirect, refer, answer, cancel, take each other's dialogs over, and send in them what they should
 * not, by Routes of their own as well. Another domain has two servers, of which now one and now the other refuses, breaks off or
 * is overloaded, and a third one that is somebody else; it also connects to us and says alias (RFC 5923), as somebody does who proves another
 * name. One of alice's phones is behind an edge proxy (RFC 5626), and we are the edge proxy of dave's; vault is behind a declared link.
 * Our server is reloaded and restarted. A run is one such life of some twenty steps.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../player/phone.h"

enum {
	PHONES = 16,
	OURS = 7,     /* the phones of our accounts, and mallory */
	DIALLED = 10, /* before it, and behind ours: servers of the other domain, which only we connect to */
	EDGE = DIALLED, /* from here on they connect to us, too, but for home */
	FAR_IN,
	NEAR_IN,
	HOME,
	DAVE,
	VAULT,
	CALLS_KEPT = 512,
	KNOWN_KEPT = 512,
	RUNS_PER_WORLD = 100,
	STEPS_MIN = 12,
	STEPS_MORE = 20,
	WORKERS = 2
};

/* A call or message that was begun. */
struct begun {
	char call_id[64];
	bool sips;
	struct slice from, to; /* accounts */
};

/* What is known of a flow, whoever has opened it. */
struct known {
	flow_id flow;
	struct slice account; /* whose it may be, of either side of a call */
	enum way { WAY_OF_OURS, WAY_OF_THEIRS, WAY_EDGE, WAY_LINK, WAYS } way;
};

struct life {
	struct world world;
	struct phone phones[PHONES];
	struct begun calls[CALLS_KEPT];
	size_t n_calls;
	struct known known[KNOWN_KEPT];
	size_t n_known;
	uint64_t random, seed;
	uint64_t n_sent, n_sips, n_wrong;
	uint64_t n_by[WAYS]; /* requests under sips over known flows */
	bool is_quiet;
};

static const struct slice names[PHONES] = {
	SLICE_INIT("alice.desk"),
	SLICE_INIT("alice.car"),
	SLICE_INIT("bob.desk"),
	SLICE_INIT("bob.sofa"),
	SLICE_INIT("carol.desk"),
	SLICE_INIT("carol.pad"),
	SLICE_INIT("mallory"),
	/* servers of another domain; the last one has a certificate for something else */
	SLICE_INIT("far.one"),
	SLICE_INIT("far.two"),
	SLICE_INIT("near"),
	/* alice's, behind an edge proxy, whose connection it is */
	SLICE_INIT("alice.edge"),
	/* what they open: the other domain's server, and the somebody else's, who would like to have its requests */
	SLICE_INIT("far.in"),
	SLICE_INIT("near.in"),
	/* the server of home.example, and a phone of it of which we are the edge proxy */
	SLICE_INIT("home"),
	SLICE_INIT("dave"),
	/* over a declared link, which may carry sips for vault.example, and none for wire.example */
	SLICE_INIT("vault"),
};
#define FAR "b.example"
static const struct slice accounts[] = { SLICE_INIT("alice"), SLICE_INIT("bob"), SLICE_INIT("carol") };
enum { ACCOUNTS = 3 };

/* Whom a call is for, and whose flows it may then use. */
static const struct {
	struct slice uris[2]; /* under sip and sips */
	struct slice account;
} called[] = {
	{ { SLICE_INIT("sip:alice@example.org"), SLICE_INIT("sips:alice@example.org") },
	  SLICE_INIT("alice") },
	{ { SLICE_INIT("sip:bob@example.org"), SLICE_INIT("sips:bob@example.org") }, SLICE_INIT("bob") },
	{ { SLICE_INIT("sip:carol@example.org"), SLICE_INIT("sips:carol@example.org") },
	  SLICE_INIT("carol") },
	{ { SLICE_INIT("sip:x@" FAR), SLICE_INIT("sips:x@" FAR) }, SLICE_INIT(FAR) },
	{ { SLICE_INIT("sip:x@vault.example"), SLICE_INIT("sips:x@vault.example") }, SLICE_INIT("vault") },
	{ { SLICE_INIT("sip:x@wire.example"), SLICE_INIT("sips:x@wire.example") }, SLICE_INIT("wire") },
	{ { SLICE_INIT("sip:x@home.example"), SLICE_INIT("sips:x@home.example") }, SLICE_INIT("home") },
};
enum { CALLED = sizeof called / sizeof *called };

/* xorshift64*: the same lives for the same seed, everywhere. */
static unsigned pick(struct life *life, unsigned n)
{
	life->random ^= life->random >> 12;
	life->random ^= life->random << 25;
	life->random ^= life->random >> 27;
	return (unsigned)((life->random * 0x2545f4914f6cdd1dULL >> 33) % n);
}

/* -- the assertion ----------------------------------------------------------------------------------------------- */

static const struct begun *find_call(const struct life *life, struct slice call_id)
{
	for (size_t i = 0; i < CALLS_KEPT; i++)
		if (slice_eq(slice_of(life->calls[i].call_id), call_id))
			return &life->calls[i];
	return NULL;
}

static const struct phone *phone_on(const struct life *life, flow_id flow)
{
	for (size_t i = 0; i < PHONES; i++)
		if (life->phones[i].flow == flow)
			return &life->phones[i];
	return NULL;
}

static void wrong(struct life *life, const char *what, const struct sip_message *message)
{
	if (life->n_wrong++ == 0 && !life->is_quiet)
		printf("# seed %" PRIu64 ": %s\n# %.*s\n", life->seed, what, (int)message->text.len,
		       message->text.ptr);
}

static const struct known *find_known(const struct life *life, flow_id flow)
{
	for (size_t i = 0; i < KNOWN_KEPT; i++)
		if (flow && life->known[i].flow == flow)
			return &life->known[i];
	return NULL;
}

static bool is_party(const struct begun *call, struct slice account)
{
	return slice_eq(account, call->from) || slice_eq(account, call->to);
}

/* Whether the other end is one of the call: of another domain each of our workers has connections of its own. */
static bool is_of(const struct life *life, flow_id flow, const struct begun *call)
{
	const struct known *known = find_known(life, flow);
	const struct phone *phone = phone_on(life, flow);

	if (known)
		return is_party(call, known->account);
	return phone && (phone->has_account || phone == &life->phones[DAVE]) &&
	       is_party(call, phone->account);
}

/* Over TLS, or over the link that may carry it: nothing else has a known flow in clear. */
static bool is_safe(const struct life *life, flow_id flow, const struct begun *call)
{
	const struct known *known = find_known(life, flow);

	return transport_is_secure(flow_transport(flow)) ||
	       (call && known && known->way == WAY_LINK && is_party(call, known->account));
}

static void check_request(struct life *life, flow_id flow, const struct sip_message *request)
{
	const struct begun *call = find_call(life, request->call_id);
	bool says_sips = request->uri.scheme == SIP_SCHEME_SIPS;

	if (!says_sips && !(call && call->sips))
		return;
	life->n_sips++;
	if (find_known(life, flow))
		life->n_by[find_known(life, flow)->way]++;
	if (!is_safe(life, flow, call))
		wrong(life, "a sips request leaves in clear", request);
	if (call && !is_of(life, flow, call))
		wrong(life, "a sips request leaves to somebody else", request);
	if (call && !request->to.tag.ptr && says_sips != call->sips)
		wrong(life, "the scheme has changed on the way", request);
}

/* In clear there is nothing of a sips call but our own word on a request that came so: a refusal, and the 200 to its CANCEL. */
static void check_response(struct life *life, flow_id flow, const struct sip_message *response)
{
	const struct begun *call = find_call(life, response->call_id);

	if (!call || !call->sips || response->cseq.method == SIP_CANCEL)
		return;
	life->n_sips++;
	if (!is_safe(life, flow, call) && response->status < 400)
		wrong(life, "a response to a sips request leaves in clear", response);
	if (!is_of(life, flow, call) && response->status < 400)
		wrong(life, "a response to a sips request leaves to somebody else", response);
}

static void check(struct life *life, flow_id flow, struct slice bytes)
{
	struct sip_message *message;
	struct sip_fault fault;

	life->n_sent++;
	if (sip_message_parse(bytes, &sip_limits_default, &message, &fault) != OK)
		return; /* a pong */
	if (message->kind == SIP_REQUEST)
		check_request(life, flow, message);
	else
		check_response(life, flow, message);
	sip_message_free(message);
}

/* -- what the world tells ---------------------------------------------------------------------------------------- */

static void on_sent(void *self, flow_id flow, struct slice bytes)
{
	struct life *life = self;

	check(life, flow, bytes);
	for (size_t i = 0; i < PHONES; i++)
		if (life->phones[i].flow == flow || (flow && life->phones[i].other_flow == flow))
			phone_receive(&life->phones[i], &life->world, bytes);
}

static void on_closed(void *self, flow_id flow, const char *why)
{
	struct life *life = self;

	(void)why;
	for (size_t i = 0; i < PHONES; i++)
		if (life->phones[i].flow == flow)
			phone_disconnect(&life->phones[i]);
}

static void on_reported(void *self, const struct report *report)
{
	(void)self, (void)report;
}

/* Whose a flow to or from it is, once its certificate or its link is seen to. */
static struct slice account_behind(const struct phone *phone)
{
	if (slice_eq(phone->account, SLICE("far")))
		return SLICE(FAR);
	return slice_eq(phone->account, SLICE("near")) ? SLICE("nobody") : phone->account;
}

static void know(struct life *life, flow_id flow, const struct phone *phone, enum way way)
{
	struct known *known = &life->known[life->n_known++ % KNOWN_KEPT];

	*known = (struct known){ flow, account_behind(phone), way };
	if (phone == &life->phones[EDGE])
		known->way = WAY_EDGE;
	if (phone == &life->phones[VAULT] && flow_transport(flow) == TRANSPORT_TCP)
		known->way = WAY_LINK;
}

static void on_connected(void *self, struct slice name, flow_id flow)
{
	struct life *life = self;

	for (size_t i = OURS; i < PHONES; i++) {
		struct phone *phone = &life->phones[i];

		if (!slice_eq(phone->name, name))
			continue;
		phone->other_flow = phone->flow;
		phone->flow = flow;
		know(life, flow, phone, WAY_OF_OURS);
	}
}

static const struct world_user user = {
	.sent = on_sent, .closed = on_closed, .reported = on_reported, .connected = on_connected
};

/* -- steps --------------------------------------------------------------------------------------------------------- */

/* What those connect by that have proven something before they say a word, or are behind the link. */
static bool connect_proven(struct life *life, size_t i)
{
	static const struct slice proven[PHONES] = {
		[EDGE] = SLICE_INIT("edge.example"),
		[FAR_IN] = SLICE_INIT(FAR),
		[NEAR_IN] = SLICE_INIT("near.example"),
	};
	struct phone *phone = &life->phones[i];

	if (i == VAULT)
		phone->flow = world_connect(&life->world, pick(life, WORKERS), TRANSPORT_TCP,
					    phone_address(phone));
	else if (proven[i].len > 0)
		phone->flow = world_connect_proven(&life->world, phone_address(phone), proven[i]);
	else
		return false;
	know(life, phone->flow, phone, WAY_OF_THEIRS);
	return true;
}

static void step_connect(struct life *life, struct phone *phone)
{
	static const enum transport_protocol transports[] = { TRANSPORT_TLS, TRANSPORT_TLS, TRANSPORT_TLS,
							      TRANSPORT_WSS, TRANSPORT_TCP, TRANSPORT_TCP,
							      TRANSPORT_UDP };

	if (phone->flow)
		world_lose(&life->world, phone->flow);
	phone_disconnect(phone);
	if (!connect_proven(life, (size_t)(phone - life->phones)))
		phone->flow = world_connect(&life->world, pick(life, WORKERS), transports[pick(life, 7)],
					    phone_address(phone));
}

/* A server of the other domain is not there, or is again. */
static void step_far(struct life *life)
{
	struct world_server *server = &life->world.servers[pick(life, (unsigned)life->world.n_servers)];

	server->refused = server->refused ? 0 : ~0U;
}

static void step_register(struct life *life, struct phone *phone)
{
	static const struct slice contacts[] = { SLICE_INIT("sips:x@192.0.2.77"),
						 SLICE_INIT("sips:x@192.0.2.78"),
						 SLICE_INIT("sip:x@192.0.2.77"),
						 SLICE_INIT("sip:x@192.0.2.79;transport=tls") };

	if (!phone->flow)
		step_connect(life, phone);
	(void)phone_register(phone, &life->world, contacts[pick(life, 4)]);
}

static void step_lose(struct life *life, struct phone *phone)
{
	if (!phone->flow)
		return;
	world_lose(&life->world, phone->flow);
	phone_disconnect(phone);
}

/* The phone's next Call-ID is known beforehand, so that the first byte can be judged. */
static void begin_call(struct life *life, const struct phone *phone, struct slice to, bool sips)
{
	struct begun *call = &life->calls[life->n_calls++ % CALLS_KEPT];

	*call = (struct begun){ .sips = sips, .from = account_behind(phone), .to = to };
	snprintf(call->call_id, sizeof call->call_id, "%.*s-%u", SLICE_FMT(phone->name), phone->n_calls + 1);
}

static void step_call(struct life *life, struct phone *phone)
{
	unsigned whom = pick(life, CALLED);
	bool sips = pick(life, 3) > 0;
	struct pattern pattern = { .method = pick(life, 4) ? SLICE("INVITE") : SLICE("MESSAGE"),
				   .uri = called[whom].uris[sips] };

	if (pick(life, 6) == 0)
		pattern.clauses[pattern.n_clauses++] = (struct clause){
			.name = SLICE("Route"),
			.value = pick(life, 2) ? SLICE("<sip:sip.example.org;lr>")
					       : SLICE("<sip:sip.example.org;lr>, <sip:transit.example;lr>"),
		};
	if (!phone->flow)
		step_connect(life, phone);
	/* all that dave says goes home */
	begin_call(life, phone, phone == &life->phones[DAVE] ? SLICE("home") : called[whom].account, sips);
	(void)phone_request(phone, &life->world, &pattern);
}

/* -- what those do that are behind something ----------------------------------------------------------------------- */

static void register_by(struct life *life, struct phone *phone, struct slice uri, struct slice path)
{
	struct pattern pattern = { .method = SLICE("REGISTER"), .uri = uri };

	pattern.clauses[pattern.n_clauses++] = (struct clause){ .name = SLICE("Supported"),
								.value = SLICE("path, outbound") };
	pattern.clauses[pattern.n_clauses++] = (struct clause){
		.name = SLICE("Contact"),
		.value = pick(life, 3) ? SLICE("<sips:x@192.0.2.70>;+sip.instance=\"<urn:uuid:1>\";reg-id=1")
				       : SLICE("<sip:x@192.0.2.71>"),
	};
	if (path.len > 0)
		pattern.clauses[pattern.n_clauses++] = (struct clause){ .name = SLICE("Path"),
									.value = path };
	(void)phone_request(phone, &life->world, &pattern);
}

/* A request of another domain's server that would have ours over the connection that it has opened. */
static void step_alias(struct life *life, struct phone *phone)
{
	unsigned whom = pick(life, ACCOUNTS);
	bool sips = pick(life, 3) > 0;
	char via[100];
	struct pattern pattern = { .method = SLICE("MESSAGE"), .uri = called[whom].uris[sips] };

	snprintf(via, sizeof via, "SIP/2.0/TLS " FAR ";branch=z9hG4bK-%.*s-a%u;alias", SLICE_FMT(phone->name),
		 phone->n_branches);
	pattern.clauses[pattern.n_clauses++] = (struct clause){ .name = SLICE("Via"),
								.value = slice_of(via) };
	begin_call(life, phone, called[whom].account, sips);
	(void)phone_request(phone, &life->world, &pattern);
}

/* home has something for dave, for whom it knows the Path. */
static void step_by_path(struct life *life, struct phone *phone)
{
	bool sips = pick(life, 3) > 0;
	struct pattern pattern = { .method = pick(life, 2) ? SLICE("INVITE") : SLICE("MESSAGE"),
				   .uri = sips ? SLICE("sips:x@192.0.2.70") : SLICE("sip:x@192.0.2.71") };

	pattern.clauses[pattern.n_clauses++] = (struct clause){ .name = SLICE("Route"),
								.value = SLICE("$path") };
	if (phone->path.len == 0)
		return;
	begin_call(life, phone, SLICE("dave"), sips);
	(void)phone_request(phone, &life->world, &pattern);
}

/* What it does in the place of registering and calling. */
static void step_behind(struct life *life, size_t i)
{
	struct phone *phone = &life->phones[i];

	if (i == HOME) {
		if (phone->flow && pick(life, 4))
			step_by_path(life, phone);
		else
			step_far(life);
		return;
	}
	if (!phone->flow || pick(life, 6) == 0)
		step_connect(life, phone);
	if (i == FAR_IN || i == NEAR_IN)
		step_alias(life, phone);
	else if (i == EDGE && pick(life, 2))
		register_by(life, phone, SLICE("sips:" WORLD_DOMAIN),
			    SLICE("<sips:token@edge.example;lr;ob>"));
	else if (i == DAVE && pick(life, 2))
		register_by(life, phone, SLICE("sips:home.example"), SLICE(""));
	else
		step_call(life, phone);
}

static void step_respond(struct life *life, struct phone *phone)
{
	static const unsigned statuses[] = { 100, 180, 183, 200, 200, 200, 200,
					     302, 302, 416, 480, 486, 503, 603 };
	struct pattern pattern = { .status = statuses[pick(life, 14)] };

	if (pattern.status == 302)
		pattern.clauses[pattern.n_clauses++] = (struct clause){
			.name = SLICE("Contact"),
			.value = pick(life, 2) ? SLICE("<sip:carol@example.org>")
					       : SLICE("<sips:carol@example.org>"),
		};
	if (pattern.status == 480)
		pattern.clauses[pattern.n_clauses++] = (struct clause){
			.name = SLICE("Warning"), .value = SLICE("380 x \"SIPS Not Allowed\"")
		};
	(void)phone_respond(phone, &life->world, &pattern);
}

/* Makes sip: of the first sips: in a text of the dialog. */
static void lower(struct text *text)
{
	struct slice all = slice_from(text->bytes, text->len);
	size_t at = slice_find_text(all, SLICE("sips:"));

	if (at == all.len)
		return;
	memmove(text->bytes + at + 3, text->bytes + at + 4, text->len - at - 4);
	text->len--;
}

static void step_in_dialog(struct life *life, struct phone *phone)
{
	static const struct slice methods[] = { SLICE_INIT("ACK"),    SLICE_INIT("ACK"),
						SLICE_INIT("INVITE"), SLICE_INIT("UPDATE"),
						SLICE_INIT("PRACK"),  SLICE_INIT("REFER"),
						SLICE_INIT("INFO"),   SLICE_INIT("BYE") };
	struct pattern pattern = { .method = methods[pick(life, 8)] };

	if (!phone->flow)
		step_connect(life, phone);
	switch (pick(life, 8)) {
	case 0: lower(&phone->dialog.target); break;
	case 1: lower(&phone->dialog.routes); break;
	default: break;
	}
	if (slice_eq(pattern.method, SLICE("REFER")))
		pattern.clauses[pattern.n_clauses++] = (struct clause){
			.name = SLICE("Refer-To"), .value = SLICE("<sip:carol@example.org>")
		};
	(void)phone_request(phone, &life->world, &pattern);
}

/* The other phone of the account takes its dialog over, and registers to have it. */
static void step_take_over(struct life *life, size_t i)
{
	struct phone *from = &life->phones[i], *to = &life->phones[i ^ 1];

	if (i >= OURS - 1)
		return;
	to->dialog = from->dialog;
	step_lose(life, from);
	step_register(life, to);
}

static void step_server(struct life *life)
{
	static const struct server_domain domains[2][1] = {
		{ { .name = SLICE_INIT(WORLD_DOMAIN) } },
		{ { .name = SLICE_INIT(WORLD_DOMAIN), .require_sips = true } },
	};

	if (pick(life, 3)) { /* a reload */
		life->world.server.domains = domains[pick(life, 2)];
		life->world.server.n_domains = 1;
		return;
	}
	for (size_t i = 0; i < PHONES; i++)
		phone_disconnect(&life->phones[i]);
	if (!world_restart(&life->world))
		abort();
}

static void read_all(struct life *life)
{
	for (size_t i = 0; i < PHONES; i++)
		while (phone_take(&life->phones[i]))
			;
}

static void step(struct life *life)
{
	static const struct pattern cancel = { .method = SLICE_INIT("CANCEL") };
	size_t i = pick(life, PHONES);
	struct phone *phone = &life->phones[i];
	unsigned what = pick(life, 40);

	if (i >= OURS && (what < 9 || (what >= 11 && what < 17) || !phone->flow)) {
		if (i < DIALLED)
			step_far(life);
		else
			step_behind(life, i);
		read_all(life);
		return;
	}
	if (what < 3)
		step_connect(life, phone);
	else if (what < 9)
		step_register(life, phone);
	else if (what < 11)
		step_lose(life, phone);
	else if (what < 17)
		step_call(life, phone);
	else if (what < 26)
		step_respond(life, phone);
	else if (what < 34)
		step_in_dialog(life, phone);
	else if (what < 36)
		step_take_over(life, i);
	else if (what < 37)
		(void)(phone->flow && phone_request(phone, &life->world, &cancel));
	else if (what < 39)
		world_pass(&life->world, 1 + pick(life, 40000));
	else
		step_server(life);
	read_all(life);
}

/* -- lives ----------------------------------------------------------------------------------------------------------- */

/* Where the DNS, or a peer, says that a server is, and what its certificate names. */
static const struct {
	struct slice domain, proves;
} serving[PHONES] = {
	[OURS] = { SLICE_INIT(FAR), SLICE_INIT(FAR) },
	[OURS + 1] = { SLICE_INIT(FAR), SLICE_INIT(FAR) },
	[OURS + 2] = { SLICE_INIT(FAR), SLICE_INIT("near.example") },
	[EDGE] = { SLICE_INIT("edge.example"), SLICE_INIT("edge.example") },
	[HOME] = { SLICE_INIT("home.example"), SLICE_INIT("home.example") },
	[VAULT] = { SLICE_INIT("vault.example"), SLICE_INIT("vault.example") },
};

static bool serve(struct life *life, size_t i)
{
	struct phone *phone = &life->phones[i];

	phone->serves = true;
	if (i != EDGE) /* what comes by it is alice's */
		phone->domain = serving[i].domain;
	return world_serve(&life->world, &(struct world_server){ .name = phone->name,
								 .domain = serving[i].domain,
								 .proves = serving[i].proves,
								 .address = phone_address(phone) });
}

/* Of 192.0.2.0/24. What a server opens comes from where it listens, and whoever would be taken for it has found a way to be there. */
static unsigned number_of(size_t i)
{
	if (i == VAULT)
		return 1; /* where the link leads */
	return 11 + (unsigned)(i == FAR_IN || i == NEAR_IN ? i - FAR_IN + OURS : i);
}

/* Our phones, and alice's behind an edge, know a password. */
static bool begin_phone(struct life *life, size_t i)
{
	struct phone *phone = &life->phones[i];

	phone_init(phone, names[i], number_of(i));
	if (i < OURS - 1 || i == EDGE)
		phone_know_account(phone, life->world.workers[0].crypto, life->world.workers[0].random);
	if (i == FAR_IN)
		phone->domain = SLICE(FAR);
	if (i == NEAR_IN)
		phone->domain = SLICE("near.example");
	if (i == DAVE)
		phone->domain = SLICE("home.example");
	return serving[i].domain.len == 0 || serve(life, i);
}

static bool begin_world(struct life *life)
{
	if (!world_init(&life->world, WORKERS, &user, life))
		return false;
	for (size_t i = 0; i < ACCOUNTS; i++)
		if (!world_add_account(&life->world, accounts[i]))
			return false;
	for (size_t i = 0; i < PHONES; i++)
		if (!begin_phone(life, i))
			return false;
	memset(life->calls, 0, sizeof life->calls);
	life->n_calls = 0;
	memset(life->known, 0, sizeof life->known);
	return true;
}

static void end_world(struct life *life)
{
	for (size_t i = 0; i < PHONES; i++)
		phone_fini(&life->phones[i]);
	world_fini(&life->world);
}

static void live(struct life *life, uint64_t seed)
{
	unsigned n_steps;

	life->seed = seed;
	life->random = (seed + 1) * 0x9e3779b97f4a7c15ULL;
	n_steps = STEPS_MIN + pick(life, STEPS_MORE);
	for (unsigned i = 0; i < n_steps; i++)
		step(life);
}

static bool run(struct life *life, uint64_t n_runs, uint64_t seed)
{
	for (uint64_t i = 0; i < n_runs; i++) {
		if (i % RUNS_PER_WORLD == 0) {
			if (i > 0)
				end_world(life);
			if (!begin_world(life))
				return false;
		}
		live(life, seed + i);
	}
	end_world(life);
	return true;
}

int main(int argc, char **argv)
{
	uint64_t n_runs = argc > 1 ? strtoull(argv[1], NULL, 10) : 0,
		 seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	bool unchecked = argc > 3 && slice_eq(slice_of(argv[3]), SLICE("unchecked"));
	struct life *life = calloc(1, sizeof *life);
	bool ok;

	if (!life || n_runs == 0 || (argc > 3 && !unchecked)) {
		fprintf(stderr, "usage: %s RUNS [SEED [unchecked]]\n", argv[0]);
		free(life);
		return 2;
	}
	life->is_quiet = unchecked;
	ok = run(life, n_runs, seed) && (life->n_wrong > 0) == unchecked && life->n_sips > 0;
	for (enum way way = 0; way < WAYS; way++)
		ok = ok && life->n_by[way] > 0;
	printf("1..1\n%s 1 - %" PRIu64 " lives from seed %" PRIu64 ": %" PRIu64 " messages left, %" PRIu64
	       " of them under sips, %" PRIu64 " where they should not%s\n",
	       ok ? "ok" : "not ok", n_runs, seed, life->n_sent, life->n_sips, life->n_wrong,
	       unchecked ? " (the check is taken out, so there have to be some)" : "");
	printf("# requests under sips: %" PRIu64 " over connections to other domains, %" PRIu64
	       " over their own (alias), %" PRIu64 " by an edge proxy, %" PRIu64 " over a link\n",
	       life->n_by[WAY_OF_OURS], life->n_by[WAY_OF_THEIRS], life->n_by[WAY_EDGE],
	       life->n_by[WAY_LINK]);
	free(life);
	return ok ? 0 : 1;
}
