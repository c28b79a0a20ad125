#include "play.h"

#include "base/ascii.h"
#include "base/mem.h"
#include "phone.h"

enum { PHONES_MAX = 12 };

struct play {
	struct world world;
	struct phone *phones[PHONES_MAX];
	size_t n_phones;
	struct writer *log;
	unsigned line;
};

/* -- what happened --------------------------------------------------------------------------------------- */

/* The text is without control characters. */
static void note(struct play *play, struct slice name, const char *what, struct slice text)
{
	char time[32];

	snprintf(time, sizeof(time), "%9.3fs ", (double)(play->world.now.mono - 1) / 1000);
	put(play->log, slice_of(time));
	put(play->log, name);
	put(play->log, slice_of(what));
	put(play->log, text);
	put_char(play->log, '\n');
}

/* Always false. */
static bool fails(struct play *play, struct slice name, const char *what, struct slice text)
{
	put(play->log, SLICE("line "));
	put_number(play->log, play->line);
	put(play->log, SLICE(": "));
	put(play->log, name);
	put(play->log, slice_of(what));
	put(play->log, text);
	put_char(play->log, '\n');
	return false;
}

static struct slice start_line(struct slice bytes)
{
	return slice_sub(bytes, 0, slice_find(bytes, '\r'));
}

/* -- phones ---------------------------------------------------------------------------------------------- */

static struct phone *find_phone_on(struct play *play, flow_id flow)
{
	for (size_t i = 0; i < play->n_phones; i++)
		if (play->phones[i]->flow == flow || play->phones[i]->other_flow == flow)
			return play->phones[i];
	return NULL;
}

/* It speaks where it was spoken to last. */
static void take_flow(struct phone *phone, flow_id flow)
{
	if (phone->flow == flow)
		return;
	phone->other_flow = phone->flow;
	phone->flow = flow;
}

static void on_sent(void *self, flow_id flow, struct slice bytes)
{
	struct play *play = self;
	struct phone *phone = find_phone_on(play, flow);

	if (!phone)
		return;
	note(play, phone->name, " <- ", start_line(bytes));
	take_flow(phone, flow);
	phone_receive(phone, &play->world, bytes);
}

static void on_closed(void *self, flow_id flow, const char *why)
{
	struct play *play = self;
	struct phone *phone = find_phone_on(play, flow);

	if (!phone)
		return;
	note(play, phone->name, " is closed: ", slice_of(why));
	if (phone->other_flow == flow) {
		phone->other_flow = 0;
		return;
	}
	phone->flow = 0;
	phone->closed = why;
}

static void on_reported(void *self, const struct report *report)
{
	struct play *play = self;

	note(play, slice_of(report->event), "", report->text);
}

static struct phone *find_phone(struct play *play, struct slice name);

static void on_connected(void *self, struct slice name, flow_id flow)
{
	struct phone *phone = find_phone(self, name);

	if (phone)
		take_flow(phone, flow);
}

static const struct world_user user = {
	.sent = on_sent, .closed = on_closed, .reported = on_reported, .connected = on_connected
};

static bool knows_account(const struct play *play, struct slice account)
{
	for (size_t i = 0; i < play->world.n_accounts; i++)
		if (slice_eq(play->world.accounts[i].name, account))
			return true;
	return false;
}

/* Made when it is first spoken of. */
static struct phone *find_phone(struct play *play, struct slice name)
{
	struct worker *worker = &play->world.workers[0];
	struct phone *phone;

	for (size_t i = 0; i < play->n_phones; i++)
		if (slice_eq(play->phones[i]->name, name))
			return play->phones[i];
	phone = play->n_phones < PHONES_MAX ? mem_new(struct phone) : NULL;
	if (!phone)
		return NULL;
	play->phones[play->n_phones++] = phone;
	phone_init(phone, name, (unsigned)play->n_phones);
	if (knows_account(play, phone->account))
		phone_know_account(phone, worker->crypto, worker->random);
	return phone;
}

static void connect_phone(struct play *play, struct phone *phone, unsigned worker,
			  enum transport_protocol transport)
{
	phone->closed = NULL;
	phone->flow = world_connect(&play->world, worker, transport, phone_address(phone));
}

/* -- what is expected ------------------------------------------------------------------------------------ */

/* Whether the text is the pattern, in which "*" stands for anything. */
static bool is_like(struct slice pattern, struct slice text)
{
	size_t star = slice_find(pattern, '*');
	struct slice rest = slice_sub(pattern, star + 1, pattern.len);

	if (star == pattern.len)
		return slice_eq(pattern, text);
	if (!slice_starts(text, slice_sub(pattern, 0, star)))
		return false;
	for (size_t skip = star; skip <= text.len; skip++)
		if (is_like(rest, slice_sub(text, skip, text.len)))
			return true;
	return false;
}

static bool is_named(const struct sip_header *header, struct slice name)
{
	enum sip_header_id id = sip_header_of(name);

	return id != SIP_HEADER_OTHER ? header->id == id : slice_eq_nocase(header->name, name);
}

static bool meets_clause(const struct sip_message *message, const struct clause *clause)
{
	for (size_t i = 0; i < message->n_headers; i++) {
		const struct sip_header *header = &message->headers[i];

		if (is_named(header, clause->name) &&
		    (clause->absent || is_like(clause->value, header->value)))
			return !clause->absent;
	}
	return clause->absent;
}

static bool check_headers(struct play *play, const struct sip_message *message, const struct pattern *pattern)
{
	for (size_t i = 0; i < pattern->n_clauses; i++) {
		const struct clause *clause = &pattern->clauses[i];

		if (meets_clause(message, clause))
			continue;
		put(play->log, message->text);
		if (clause->absent)
			return fails(play, clause->name, " should not be there", SLICE(""));
		return fails(play, clause->name, " should be ", clause->value);
	}
	return true;
}

static bool is_message(const struct sip_message *message, const struct pattern *pattern)
{
	if (pattern->status)
		return message->kind == SIP_RESPONSE && message->status == pattern->status &&
		       (pattern->method.len == 0 || slice_eq(message->cseq.method_name, pattern->method));
	return message->kind == SIP_REQUEST && slice_eq(message->method_name, pattern->method) &&
	       (pattern->uri.len == 0 || is_like(pattern->uri, message->uri_text));
}

static bool expect_closed(struct play *play, struct phone *phone)
{
	if (!phone->closed)
		return fails(play, phone->name, " is still connected", SLICE(""));
	phone->closed = NULL;
	return true;
}

static bool expect(struct play *play, struct phone *phone, const struct pattern *pattern)
{
	const struct sip_message *message;

	if (pattern->closed)
		return expect_closed(play, phone);
	message = phone_take(phone);
	if (!message)
		return fails(play, phone->name, " gets nothing", SLICE(""));
	if (!is_message(message, pattern))
		return fails(play, phone->name, " instead gets ", start_line(message->text));
	return check_headers(play, message, pattern);
}

/* Nobody has got anything that the scenario has not spoken of. */
static bool expect_nothing(struct play *play)
{
	for (size_t i = 0; i < play->n_phones; i++) {
		struct phone *phone = play->phones[i];

		if (phone->n_inbox > 0)
			return fails(play, phone->name, " before this gets ",
				     start_line(phone->inbox[0]->text));
		if (phone->closed)
			return fails(play, phone->name, " before this is closed: ", slice_of(phone->closed));
	}
	return true;
}

/* -- steps ----------------------------------------------------------------------------------------------- */

/* TLS, if the step does not say it. */
static bool transport_of(struct play *play, const struct step *step, enum transport_protocol *ret_transport)
{
	enum transport_protocol transport = TRANSPORT_TLS;

	if (step->transport.len > 0)
		while (transport <= TRANSPORT_WS && !slice_eq(transport_name(transport), step->transport))
			transport++;
	*ret_transport = transport;
	return transport <= TRANSPORT_WS || fails(play, step->transport, " is no transport", SLICE(""));
}

static bool play_connect(struct play *play, struct phone *phone, const struct step *step)
{
	enum transport_protocol transport;

	if (!transport_of(play, step, &transport))
		return false;
	if (phone->flow)
		world_lose(&play->world, phone->flow);
	phone_disconnect(phone);
	connect_phone(play, phone, step->worker, transport);
	return true;
}

static bool play_serve(struct play *play, struct phone *phone, const struct step *step)
{
	const struct phone *at = step->at.len > 0 ? find_phone(play, step->at) : phone;

	if (!at || !world_serve(&play->world, &(struct world_server){ .name = phone->name,
								      .domain = step->domain,
								      .proves = step->proves,
								      .address = phone_address(at) }))
		return fails(play, phone->name, " is one server too many", SLICE(""));
	phone->serves = true;
	phone->domain = step->domain;
	return true;
}

static bool play_refuse(struct play *play, struct phone *phone, const struct step *step)
{
	enum transport_protocol transport;

	if (!transport_of(play, step, &transport))
		return false;
	for (size_t i = 0; i < play->world.n_servers; i++)
		if (slice_eq(play->world.servers[i].name, phone->name))
			play->world.servers[i].refused |= step->transport.len > 0 ? 1U << transport : ~0U;
	return phone->serves || fails(play, phone->name, " serves no domain", SLICE(""));
}

static void play_prove(struct play *play, struct phone *phone, const struct step *step)
{
	if (phone->flow)
		world_lose(&play->world, phone->flow);
	phone_disconnect(phone);
	if (slice_find(step->domain, '@') < step->domain.len) {
		phone->flow = world_connect_user(&play->world, phone_address(phone), step->domain);
		return;
	}
	phone->domain = step->domain;
	phone->flow = world_connect_proven(&play->world, phone_address(phone), step->domain);
}

static bool is_connected_by(enum step_kind kind)
{
	return kind == STEP_CONNECT || kind == STEP_SERVE || kind == STEP_PROVE;
}

static bool play_send(struct play *play, struct phone *phone, const struct step *step)
{
	for (size_t i = 0; i < step->n_messages; i++) {
		const struct pattern *pattern = &step->messages[i];

		if (!(pattern->status ? phone_respond(phone, &play->world, pattern)
				      : phone_request(phone, &play->world, pattern)))
			return fails(play, phone->name, " cannot send that now", SLICE(""));
	}
	return true;
}

static bool play_expect(struct play *play, struct phone *phone, const struct step *step)
{
	for (size_t i = 0; i < step->n_messages; i++)
		if (!expect(play, phone, &step->messages[i]))
			return false;
	return true;
}

static bool play_register(struct play *play, struct phone *phone, const struct step *step)
{
	static const struct pattern ok = { .status = 200, .method = SLICE_INIT("REGISTER") };

	if (!phone_register(phone, &play->world, step->uri))
		return fails(play, phone->name, " cannot register now", SLICE(""));
	return expect(play, phone, &ok);
}

/* The lines without what indents them, each with CRLF, and an empty one. */
static bool play_raw(struct play *play, struct phone *phone, const struct step *step)
{
	char buf[MESSAGE_MAX];
	struct writer out = writer_of(buf, sizeof(buf));
	struct slice rest = step->raw;

	while (rest.len > 0) {
		size_t n = slice_find(rest, '\n');

		put(&out, slice_trim(slice_sub(rest, 0, n)));
		put(&out, SLICE("\r\n"));
		rest = slice_sub(rest, n + 1, rest.len);
	}
	put(&out, SLICE("\r\n"));
	if (out.overflow || !phone->flow)
		return fails(play, phone->name, " cannot send that now", SLICE(""));
	world_input(&play->world, phone->flow, writer_text(&out));
	return true;
}

static bool play_restart(struct play *play)
{
	for (size_t i = 0; i < play->n_phones; i++)
		phone_disconnect(play->phones[i]);
	return world_restart(&play->world) || fails(play, SLICE("the server"), " does not start", SLICE(""));
}

static bool play_phone(struct play *play, const struct step *step)
{
	struct phone *phone = find_phone(play, step->name);

	if (!phone)
		return fails(play, step->name, " is one name too many", SLICE(""));
	if (!phone->flow && !phone->closed && phone->n_taken == 0 && !phone->serves &&
	    !is_connected_by(step->kind))
		connect_phone(play, phone, 0, TRANSPORT_TLS);
	switch (step->kind) {
	case STEP_CONNECT: return play_connect(play, phone, step);
	case STEP_REGISTER: return play_register(play, phone, step);
	case STEP_SERVE: return play_serve(play, phone, step);
	case STEP_REFUSE: return play_refuse(play, phone, step);
	case STEP_PROVE: play_prove(play, phone, step); return true;
	case STEP_SEND: return play_send(play, phone, step);
	case STEP_EXPECT: return play_expect(play, phone, step);
	case STEP_RAW: return play_raw(play, phone, step);
	case STEP_LOSE:
		if (phone->flow)
			world_lose(&play->world, phone->flow);
		phone_disconnect(phone);
		return true;
	default: /* STEP_REPEAT */
		return phone_repeat(phone, &play->world) ||
		       fails(play, phone->name, " has nothing to repeat", SLICE(""));
	}
}

static bool play_step(struct play *play, const struct step *step)
{
	play->line = step->line;
	if (step->kind != STEP_EXPECT && !expect_nothing(play))
		return false;
	switch (step->kind) {
	case STEP_NOTHING: return true;
	case STEP_PASS: world_pass(&play->world, step->time); return true;
	case STEP_POLICY:
		return world_say_policy(&play->world, step->name, step->raw) ||
		       fails(play, step->name, " cannot have that policy: ", step->raw);
	case STEP_RESTART: return play_restart(play);
	case STEP_STAPLES: play->world.server.needs_staples = true; return true;
	default: return play_phone(play, step);
	}
}

/* -- the whole ------------------------------------------------------------------------------------------- */

static bool set_up(struct play *play, const struct scenario *scenario)
{
	static const struct slice names[] = { SLICE_INIT("alice"), SLICE_INIT("bob"), SLICE_INIT("carol"),
					      SLICE_INIT("dave") };

	if (!world_init(&play->world, scenario->n_workers, &user, play))
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!world_add_account(&play->world, names[i]))
			return false;
	return true;
}

/* When everybody is gone and every timer has run, nothing may be left. */
static bool clean_up(struct play *play)
{
	for (size_t i = 0; i < play->n_phones; i++) {
		struct phone *phone = play->phones[i];

		if (phone->flow)
			world_lose(&play->world, phone->flow);
		phone_disconnect(phone);
	}
	world_lose_all(&play->world);
	world_pass(&play->world, 600000);
	for (unsigned i = 0; i < play->world.n_workers; i++) {
		struct endpoint_counts counts = endpoint_counts(play->world.workers[i].endpoint);

		if (counts.servers || counts.clients || counts.flows)
			return fails(play, SLICE("at the end"), " transactions or flows are left", SLICE(""));
	}
	return true;
}

static bool play_all(struct play *play, const struct scenario *scenario)
{
	if (!set_up(play, scenario))
		return fails(play, SLICE("the server"), " does not start", SLICE(""));
	for (size_t i = 0; i < scenario->n_steps; i++)
		if (!play_step(play, &scenario->steps[i]))
			return false;
	return expect_nothing(play) && clean_up(play);
}

bool play(const struct scenario *scenario, struct writer *log)
{
	struct play *play = mem_new(struct play);
	bool passes;

	if (!play)
		return false;
	play->log = log;
	passes = play_all(play, scenario);
	world_fini(&play->world);
	for (size_t i = 0; i < play->n_phones; i++) {
		phone_fini(play->phones[i]);
		mem_free(play->phones[i]);
	}
	mem_free(play);
	return passes;
}
