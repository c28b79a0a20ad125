#include "world.h"

#include <string.h>

#include "base/mem.h"

static const uint8_t branch_key[32] = "the key of the branches";
#define TOKEN_KEY SLICE("the key of the tokens, 32 bytes.")
#define NONCE_KEY SLICE("the key of the nonces, 32 bytes.")

static const struct server_domain domains[] = { { .name = SLICE_INIT("example.org") } };
static const struct slice names[] = { SLICE_INIT("192.0.2.1"), SLICE_INIT("[2001:db8::1]") };

flow_id world_flow(enum peer peer)
{
	return flow_id_of(0, START, peer == CLEAR ? TRANSPORT_TCP : TRANSPORT_TLS, (uint32_t)peer + 1);
}

static enum peer peer_of(flow_id flow)
{
	enum peer peer = 0;

	while (peer < PEERS && world_flow(peer) != flow)
		peer++;
	assert_true(peer < PEERS);
	return peer;
}

/* -- what the world does with actions ------------------------------------------------------------------------------ */

static struct world_account *account_of(struct world *world, struct slice name)
{
	for (size_t i = 0; i < ACCOUNTS; i++)
		if (slice_eq(world->accounts[i].name, name))
			return &world->accounts[i];
	return NULL;
}

static void answer_with(struct world *world, uint64_t question, struct world_account *account, enum err err)
{
	struct answer answer = { .question = question, .err = err };

	if (account) {
		answer.aor = aor_new(account->name, account->version, &account->account, account->bindings,
				     account->n_bindings);
		if (!answer.aor)
			answer.err = ERR_NOMEM;
	}
	endpoint_answer(world->endpoint, &answer, world->now);
	aor_unref(answer.aor);
}

static struct slice keep_text(struct writer *out, struct slice text)
{
	size_t from = out->len;

	put(out, text);
	return slice_from(out->buf + from, out->len - from);
}

static void store(struct world *world, const struct action *action)
{
	struct world_account *account = account_of(world, action->store.wanted->name);

	assert_non_null(account);
	assert_true(action->store.wanted->n_bindings <= BINDINGS_MAX);
	if (world->loses_stores) {
		world->held_question = action->question;
		return;
	}
	if (world->store_err != OK) {
		answer_with(world, action->question, NULL, world->store_err);
		return;
	}
	if (world->n_conflicts > 0 || action->store.wanted->version != account->version) {
		world->n_conflicts -= world->n_conflicts > 0;
		answer_with(world, action->question, account, ERR_CONFLICT);
		return;
	}
	account->version++;
	account->n_bindings = action->store.wanted->n_bindings;
	for (size_t i = 0; i < account->n_bindings; i++) {
		struct binding *binding = &account->bindings[i];
		char copy[sizeof account->texts[i]];
		struct writer out = writer_of(copy, sizeof copy);
		ptrdiff_t moved;

		*binding = action->store.wanted->bindings[i];
		binding->contact = keep_text(&out, binding->contact);
		binding->params = keep_text(&out, binding->params);
		binding->instance = keep_text(&out, binding->instance);
		binding->call_id = keep_text(&out, binding->call_id);
		binding->path = keep_text(&out, binding->path);
		binding->user_agent = keep_text(&out, binding->user_agent);
		binding->received = keep_text(&out, binding->received);
		assert_false(out.overflow);
		memcpy(account->texts[i], copy, sizeof copy);
		moved = account->texts[i] - copy;
		binding->contact.ptr += moved;
		binding->params.ptr += moved;
		binding->instance.ptr += moved;
		binding->call_id.ptr += moved;
		binding->path.ptr += moved;
		binding->user_agent.ptr += moved;
		binding->received.ptr += moved;
	}
	answer_with(world, action->question, account, OK);
}

static void answer_lookup(struct world *world, uint64_t question, struct slice aor)
{
	struct world_account *account = account_of(world, aor);

	if (account == &world->accounts[BOB] && world->bob_err != OK)
		answer_with(world, question, NULL, world->bob_err);
	else
		answer_with(world, question, account, account ? OK : ERR_NOT_FOUND);
}

static void lookup(struct world *world, const struct action *action)
{
	if (!world->holds_answers) {
		answer_lookup(world, action->question, action->lookup.aor);
		return;
	}
	world->held_question = action->question;
	snprintf(world->held_aor, sizeof world->held_aor, "%.*s", SLICE_FMT(action->lookup.aor));
}

static void pass(struct world *world, const struct action *action)
{
	enum peer to = peer_of(action->send.flow);
	struct slice bytes = action->send.bytes;

	assert_false(world->closed[to]);
	assert_true(world->n_passed[to] + bytes.len <= PASSED_MAX);
	memcpy(world->passed[to] + world->n_passed[to], bytes.ptr, bytes.len);
	world->n_passed[to] += bytes.len;
}

static void note(struct world *world, const struct report *report)
{
	struct writer out = writer_of(world->log, sizeof world->log);

	out.len = world->n_log;
	put(&out, slice_of(report->event));
	put(&out, report->text);
	put_char(&out, '\n');
	world->n_log = out.len;
}

static void settle(struct world *world)
{
	struct action action;

	while (endpoint_output(world->endpoint, &action)) {
		switch (action.kind) {
		case ACTION_SEND: pass(world, &action); break;
		case ACTION_CLOSE: world_lose(world, peer_of(action.close.flow)); break;
		case ACTION_LOOKUP: lookup(world, &action); break;
		case ACTION_STORE: store(world, &action); break;
		case ACTION_BLAME: world->n_blamed++; break;
		case ACTION_REPORT: note(world, &action.report); break;
		case ACTION_POST: letter_free(action.post); break;
		case ACTION_CERTIFY:
			if (world->loses_stores) {
				world->held_question = action.question;
				break;
			}
			endpoint_answer(
				world->endpoint,
				&(struct answer){ .question = action.question,
						  .err = world->certify_err ? world->certify_err : ERR_IO },
				world->now);
			break;
		case ACTION_VOUCH:
		case ACTION_RESOLVE:
		case ACTION_CONNECT: /* in this world there is nobody else */
			if (world->loses_dns) {
				world->held_question = action.question;
				break;
			}
			endpoint_answer(world->endpoint,
					&(struct answer){ .question = action.question,
							  .err = ERR_IO,
							  .dns.err = ERR_IO },
					world->now);
			break;
		}
	}
}

/* -- life ----------------------------------------------------------------------------------------------------------- */

static void open_flow(struct world *world, enum peer peer)
{
	struct flow_facts facts = { .event = FLOW_OPENED, .transport = flow_transport(world_flow(peer)) };

	assert_true(address_parse(SLICE("192.0.2.99:1234"), &facts.peer));
	assert_true(address_parse(SLICE("192.0.2.1:5061"), &facts.local));
	endpoint_flow(world->endpoint, world_flow(peer), &facts, world->now);
}

static void make_account(struct world *world, enum who who)
{
	static const struct slice aors[] = { SLICE_INIT("alice@example.org"), SLICE_INIT("bob@example.org"),
					     SLICE_INIT("carol@example.org") };
	static const struct slice users[] = { SLICE_INIT("alice"), SLICE_INIT("bob"), SLICE_INIT("carol") };
	struct world_account *account = &world->accounts[who];
	const struct auth_login login = { users[who], SLICE("example.org"), users[who] };
	unsigned char md5[DIGEST_SIZE_MAX];

	account->name = aors[who];
	account->id = account->account.id = (account_id)who + 1;
	account->version = 1;
	account->account.has_sha256 = account->account.has_md5 = true;
	assert_true(auth_ha1(world->crypto, DIGEST_SHA256, &login, account->account.sha256));
	assert_true(auth_ha1(world->crypto, DIGEST_MD5, &login, md5));
	memcpy(account->account.md5, md5, sizeof account->account.md5);
	world->phones[who] = (struct auth_client){ .crypto = world->crypto,
						   .random = world->random,
						   .login = login };
}

static void make_endpoint(struct world *world)
{
	const struct core_config core = { .crypto = world->crypto,
					  .nonce_key = NONCE_KEY,
					  .token_key = TOKEN_KEY,
					  .start = START,
					  .server = &world->server };
	const struct endpoint_config endpoint = {
		.n_workers = 1,
		.limits = { .sip = sip_limits_default,
			    .flows = 100,
			    .transactions = 1000,
			    .per_flow = 100,
			    .per_sender = 100,
			    .per_peer = 200,
			    .per_stranger = 16,
			    .output = 1 << 20 },
		.branch_key = branch_key,
		.random = world->random,
		.crypto = world->crypto,
		.sent_by = SLICE("sip.example.org"),
		.level = REPORT_INFO,
		.user = &core_user,
	};
	struct endpoint_config with_user = endpoint;

	assert_int_equal(core_new(&core, &world->core), OK);
	with_user.user_self = world->core;
	assert_int_equal(endpoint_new(&with_user, &world->endpoint), OK);
	core_attach(world->core, world->endpoint);
}

struct world *world_new(void)
{
	struct world *world = test_calloc(1, sizeof *world);

	world->now = (struct now){ 1000, 1700000000 };
	world->crypto = crypto_new();
	world->random = random_new_predictable(5);
	assert_true(world->crypto && world->random);
	world->token_mac = mac_new(world->crypto, TOKEN_KEY);
	assert_non_null(world->token_mac);
	world->server = server_config_default;
	world->server.domains = domains;
	world->server.n_domains = 1;
	world->server.advertise = SLICE("sip.example.org");
	world->server.names = names;
	world->server.n_names = sizeof names / sizeof names[0];
	make_endpoint(world);
	for (enum who who = 0; who < ACCOUNTS; who++)
		make_account(world, who);
	for (enum peer peer = 0; peer < PEERS; peer++)
		open_flow(world, peer);
	return world;
}

void world_free(struct world *world)
{
	endpoint_free(world->endpoint);
	core_free(world->core);
	mac_free(world->token_mac);
	random_free(world->random);
	crypto_free(world->crypto);
	test_free(world);
}

void world_end(struct world *world)
{
	struct endpoint_counts counts;

	for (enum peer peer = 0; peer < PEERS; peer++)
		if (!world->closed[peer])
			world_lose(world, peer);
	world_pass(world, 600000);
	counts = endpoint_counts(world->endpoint);
	assert_int_equal(counts.servers, 0);
	assert_int_equal(counts.clients, 0);
	assert_int_equal(counts.flows, 0);
	world_free(world);
}

void world_bind(struct world *world, enum who who, enum peer peer, const char *contact, uint16_t q)
{
	struct world_account *account = &world->accounts[who];
	struct binding *binding = &account->bindings[account->n_bindings++];

	*binding = (struct binding){
		.contact = slice_of(contact),
		.call_id = SLICE("bound"),
		.cseq = 1,
		.q = q,
		.expires = world->now.wall + 600,
		.flow = world_flow(peer),
		.secure = transport_is_secure(flow_transport(world_flow(peer))),
	};
	account->version++;
	assert_true(endpoint_flow_prove(world->endpoint, world_flow(peer), account->id));
}

void world_lose(struct world *world, enum peer peer)
{
	const struct flow_facts facts = { .event = FLOW_LOST, .transport = flow_transport(world_flow(peer)) };

	world->closed[peer] = true;
	endpoint_flow(world->endpoint, world_flow(peer), &facts, world->now);
	settle(world);
}

void world_release(struct world *world)
{
	answer_lookup(world, world->held_question, slice_of(world->held_aor));
	settle(world);
}

void world_answer(struct world *world, const struct answer *answer)
{
	struct answer to_held = *answer;

	to_held.question = world->held_question;
	endpoint_answer(world->endpoint, &to_held, world->now);
	settle(world);
}

void world_pass(struct world *world, ms_t ms)
{
	ms_t end = world->now.mono + ms, due;

	while ((due = endpoint_due(world->endpoint)) && due <= end) {
		ms_t at = due > world->now.mono ? due : world->now.mono;

		world->now.wall += (utc_t)((at - world->now.mono) / 1000);
		world->now.mono = at;
		endpoint_tick(world->endpoint, world->now);
		settle(world);
	}
	world->now.wall += (utc_t)((end - world->now.mono) / 1000);
	world->now.mono = end;
}

/* -- talking -------------------------------------------------------------------------------------------------------- */

void world_feed(struct world *world, enum peer from, struct slice bytes)
{
	endpoint_input(world->endpoint, world_flow(from), bytes, world->now);
	settle(world);
}

#define OR(text, otherwise) slice_of((text) ? (text) : (otherwise))

void world_ask(struct world *world, enum peer from, const struct ask *ask, struct slice more_headers)
{
	char buf[8192];
	struct writer out = writer_of(buf, sizeof buf);

	put(&out, OR(ask->method, "INVITE"));
	put_char(&out, ' ');
	put(&out, OR(ask->uri, "sip:bob@example.org"));
	put(&out, SLICE(" SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.99:1234;branch=z9hG4bK-test-"));
	put_number(&out, ++world->n_sent);
	put(&out, SLICE(";rport\r\nFrom: "));
	put(&out, OR(ask->from, "<sip:alice@example.org>;tag=a"));
	put(&out, SLICE("\r\nTo: "));
	put(&out, OR(ask->to, "<sip:bob@example.org>"));
	put(&out, SLICE("\r\nCall-ID: "));
	put(&out, OR(ask->call_id, "call"));
	put(&out, SLICE("\r\nCSeq: "));
	put_number(&out, ask->cseq ? ask->cseq : world->n_sent);
	put_char(&out, ' ');
	put(&out, OR(ask->method, "INVITE"));
	put(&out, SLICE("\r\n"));
	if (ask->max_forwards >= 0) {
		put(&out, SLICE("Max-Forwards: "));
		put_number(&out, ask->max_forwards ? (unsigned)ask->max_forwards - 1 : 70);
		put(&out, SLICE("\r\n"));
	}
	put(&out, slice_of(ask->headers));
	put(&out, more_headers);
	put(&out, SLICE("Content-Length: "));
	put_number(&out, slice_of(ask->body).len);
	put(&out, SLICE("\r\n\r\n"));
	put(&out, slice_of(ask->body));
	assert_false(out.overflow);
	world_feed(world, from, writer_text(&out));
}

struct slice world_passed(struct world *world, enum peer to)
{
	struct slice text = slice_from(world->passed[to], world->n_passed[to]);

	world->n_passed[to] = 0;
	return text;
}

struct sip_message *world_one(struct world *world, enum peer to)
{
	struct sip_message *message = NULL;
	struct sip_fault fault;
	struct slice text = world_passed(world, to);

	if (text.len == 0)
		fail_msg("nothing was sent");
	if (slice_find_text(text, SLICE("\r\n\r\nSIP/2.0")) < text.len)
		fail_msg("more than one message:\n%.*s", SLICE_FMT(text));
	if (sip_message_parse(text, &sip_limits_default, &message, &fault) != OK)
		fail_msg("not parsed:\n%.*s", SLICE_FMT(text));
	assert_int_equal(message->fault.status, 0);
	return message;
}

void world_challenged(struct world *world, enum peer to, enum who who)
{
	struct sip_message *response = world_one(world, to);

	assert_true(response->status == 401 || response->status == 407);
	assert_int_equal(auth_client_challenge(&world->phones[who], response, 0), AUTH_ANSWER);
	sip_message_free(response);
}

void world_put_credentials(struct world *world, struct writer *out, enum who who, const struct ask *ask)
{
	const struct auth_subject subject = { OR(ask->method, "INVITE"), OR(ask->uri, "sip:bob@example.org"),
					      slice_of(ask->body) };

	assert_true(put_authorization(out, &world->phones[who], &subject, NULL));
}

void world_ask_proven(struct world *world, enum peer from, enum who who, const struct ask *ask)
{
	char buf[2048];
	struct writer out = writer_of(buf, sizeof buf);

	world_ask(world, from, ask, SLICE(""));
	world_challenged(world, from, who);
	world_put_credentials(world, &out, who, ask);
	world_ask(world, from, ask, writer_text(&out));
}

void world_respond(struct world *world, enum peer from, const struct sip_message *request, const char *status,
		   const char *headers)
{
	char buf[8192];
	struct writer out = writer_of(buf, sizeof buf);

	put(&out, SLICE("SIP/2.0 "));
	put(&out, slice_of(status));
	put(&out, SLICE("\r\n"));
	for (size_t i = 0; i < request->n_headers; i++) {
		const struct sip_header *header = &request->headers[i];

		if (header->id != SIP_VIA && header->id != SIP_FROM && header->id != SIP_TO &&
		    header->id != SIP_CALL_ID && header->id != SIP_CSEQ && header->id != SIP_RECORD_ROUTE)
			continue;
		put(&out, header->name);
		put(&out, SLICE(": "));
		put(&out, header->value);
		if (header->id == SIP_TO && !request->to.tag.ptr)
			put(&out, SLICE(";tag=callee"));
		put(&out, SLICE("\r\n"));
	}
	put(&out, slice_of(headers));
	put(&out, SLICE("Content-Length: 0\r\n\r\n"));
	assert_false(out.overflow);
	world_feed(world, from, writer_text(&out));
}

struct slice world_log(const struct world *world)
{
	return slice_from(world->log, world->n_log);
}
