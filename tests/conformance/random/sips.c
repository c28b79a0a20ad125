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
 * is overloaded, and a third one that is somebody else. Our server is reloaded and restarted. A run is one such life of some twenty steps.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../player/phone.h"

enum {
	PHONES = 10,
	OURS = 7,
	CALLS_KEPT = 512,
	FAR_KEPT = 256,
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

struct life {
	struct world world;
	struct phone phones[PHONES];
	struct begun calls[CALLS_KEPT];
	size_t n_calls;
	flow_id far[FAR_KEPT]; /* that lead to who has proven to be the other domain */
	size_t n_far;
	uint64_t random, seed;
	uint64_t n_sent, n_sips, n_wrong;
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
};
#define FAR "b.example"
static const struct slice accounts[] = { SLICE_INIT("alice"), SLICE_INIT("bob"), SLICE_INIT("carol"),
					 SLICE_INIT(FAR) };
enum { ACCOUNTS = 3 };

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

/* Whether the other end is one of the call: of the other domain each of our workers has connections of its own. */
static bool is_of(const struct life *life, flow_id flow, const struct begun *call)
{
	const struct phone *phone = phone_on(life, flow);

	for (size_t i = 0; i < FAR_KEPT; i++)
		if (life->far[i] == flow)
			return slice_eq(call->to, SLICE(FAR));
	return phone && phone->has_account &&
	       (slice_eq(phone->account, call->from) || slice_eq(phone->account, call->to));
}

static void check_request(struct life *life, flow_id flow, const struct sip_message *request)
{
	const struct begun *call = find_call(life, request->call_id);
	bool says_sips = request->uri.scheme == SIP_SCHEME_SIPS;

	if (!says_sips && !(call && call->sips))
		return;
	life->n_sips++;
	if (!transport_is_secure(flow_transport(flow)))
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
	if (!transport_is_secure(flow_transport(flow)) && response->status < 400)
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

static void on_connected(void *self, struct slice name, flow_id flow)
{
	struct life *life = self;

	for (size_t i = OURS; i < PHONES; i++) {
		struct phone *phone = &life->phones[i];

		if (!slice_eq(phone->name, name))
			continue;
		phone->other_flow = phone->flow;
		phone->flow = flow;
		if (slice_eq(phone->account, SLICE("far")))
			life->far[life->n_far++ % FAR_KEPT] = flow;
	}
}

static const struct world_user user = {
	.sent = on_sent, .closed = on_closed, .reported = on_reported, .connected = on_connected
};

/* -- steps --------------------------------------------------------------------------------------------------------- */

static void step_connect(struct life *life, struct phone *phone)
{
	static const enum transport_protocol transports[] = { TRANSPORT_TLS, TRANSPORT_TLS, TRANSPORT_TLS,
							      TRANSPORT_WSS, TRANSPORT_TCP, TRANSPORT_TCP,
							      TRANSPORT_UDP };

	if (phone->flow)
		world_lose(&life->world, phone->flow);
	phone_disconnect(phone);
	phone->flow = world_connect(&life->world, pick(life, WORKERS), transports[pick(life, 7)],
				    phone_address(phone));
}

/* A server of the other domain is not there, or is again. */
static void step_far(struct life *life)
{
	struct world_server *server = &life->world.servers[pick(life, 2)];

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
static void step_call(struct life *life, struct phone *phone)
{
	static const struct slice uris[][2] = {
		{ SLICE_INIT("sip:alice@example.org"), SLICE_INIT("sips:alice@example.org") },
		{ SLICE_INIT("sip:bob@example.org"), SLICE_INIT("sips:bob@example.org") },
		{ SLICE_INIT("sip:carol@example.org"), SLICE_INIT("sips:carol@example.org") },
		{ SLICE_INIT("sip:x@" FAR), SLICE_INIT("sips:x@" FAR) },
	};
	unsigned called = pick(life, 4);
	bool sips = pick(life, 3) > 0;
	struct begun *call = &life->calls[life->n_calls++ % CALLS_KEPT];
	struct pattern pattern = { .method = pick(life, 4) ? SLICE("INVITE") : SLICE("MESSAGE"),
				   .uri = uris[called][sips] };

	if (pick(life, 6) == 0)
		pattern.clauses[pattern.n_clauses++] = (struct clause){
			.name = SLICE("Route"),
			.value = pick(life, 2) ? SLICE("<sip:sip.example.org;lr>")
					       : SLICE("<sip:sip.example.org;lr>, <sip:transit.example;lr>"),
		};
	if (!phone->flow)
		step_connect(life, phone);
	*call = (struct begun){ .sips = sips, .from = phone->account, .to = accounts[called] };
	snprintf(call->call_id, sizeof call->call_id, "%.*s-%u", SLICE_FMT(phone->name), phone->n_calls + 1);
	(void)phone_request(phone, &life->world, &pattern);
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
		step_far(life);
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

static bool serve(struct life *life, struct phone *phone)
{
	phone->serves = true;
	phone->domain = SLICE(FAR);
	return world_serve(&life->world,
			   &(struct world_server){ .name = phone->name,
						   .domain = SLICE(FAR),
						   .proves = slice_eq(phone->account, SLICE("far"))
								     ? SLICE(FAR)
								     : SLICE("near.example"),
						   .address = phone_address(phone) });
}

static bool begin_world(struct life *life)
{
	if (!world_init(&life->world, WORKERS, &user, life))
		return false;
	for (size_t i = 0; i < ACCOUNTS; i++)
		if (!world_add_account(&life->world, accounts[i]))
			return false;
	for (size_t i = 0; i < PHONES; i++) {
		phone_init(&life->phones[i], names[i], (unsigned)i + 1);
		if (i >= OURS && !serve(life, &life->phones[i]))
			return false;
		if (i < OURS - 1)
			phone_know_account(&life->phones[i], life->world.workers[0].crypto,
					   life->world.workers[0].random);
	}
	memset(life->calls, 0, sizeof life->calls);
	life->n_calls = 0;
	memset(life->far, 0, sizeof life->far);
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
	printf("1..1\n%s 1 - %" PRIu64 " lives from seed %" PRIu64 ": %" PRIu64 " messages left, %" PRIu64
	       " of them under sips, %" PRIu64 " where they should not%s\n",
	       ok ? "ok" : "not ok", n_runs, seed, life->n_sent, life->n_sips, life->n_wrong,
	       unchecked ? " (the check is taken out, so there have to be some)" : "");
	free(life);
	return ok ? 0 : 1;
}
