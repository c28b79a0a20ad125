#include "world.h"

#include "base/arena.h"
#include "sip/frame.h"

static const struct address local = { ADDRESS_V4, 40001, { 127, 0, 0, 1 } };
static const struct address peer = { ADDRESS_V4, 5061, { 127, 0, 0, 1 } };
static const struct address their_media = { ADDRESS_V4, 20000, { 127, 0, 0, 2 } };

void world_open(struct world *world, const struct ua_config *config)
{
	struct ua_config filled = *config;
	static const uint8_t branch_key[32] = { 1 };
	struct endpoint_config endpoint = {
		.n_workers = 1,
		.limits = { .sip = sip_limits_default,
			    .flows = 4,
			    .transactions = 64,
			    .per_flow = 64,
			    .per_sender = 64,
			    .per_peer = 64,
			    .per_stranger = 64,
			    .output = 1 << 20 },
		.branch_key = branch_key,
		.sent_by = SLICE("a.invalid"),
		.level = REPORT_ERROR,
		.user = &ua_user,
	};

	*world = (struct world){ .now = { .mono = 1000000, .wall = 1700000000 } };
	world->crypto = crypto_new();
	world->random = random_new_predictable(7);
	assert_non_null(world->crypto);
	assert_non_null(world->random);
	filled.crypto = world->crypto;
	if (!filled.aor.ptr)
		filled.aor = SLICE("sips:alice@localhost");
	if (!filled.server.ptr)
		filled.server = SLICE("127.0.0.1"); /* else empty: what the DNS says */
	filled.password = SLICE("secret");
	filled.instance = SLICE("urn:uuid:f81d4fae-7dec-41d0-a765-00a0c91e6bf6");
	filled.do_register = true;
	assert_int_equal(ua_new(&filled, &world->ua), OK);
	endpoint.map_key = random_map_key(world->random);
	endpoint.random = world->random;
	endpoint.crypto = world->crypto;
	endpoint.user_self = world->ua;
	assert_int_equal(endpoint_new(&endpoint, &world->endpoint), OK);
	ua_attach(world->ua, world->endpoint);
	ua_start(world->ua, world->now);
	world_pump(world);
}

void world_close(struct world *world)
{
	endpoint_free(world->endpoint);
	ua_free(world->ua);
	for (size_t i = 0; i < world->n_sent; i++)
		sip_message_free(world->sent[i]);
	random_free(world->random);
	crypto_free(world->crypto);
}

/* -- the wire ---------------------------------------------------------------------------------------- */

static void keep(struct world *world, struct slice bytes)
{
	struct sip_fault fault;

	assert_true(world->n_sent < WORLD_SENT);
	assert_int_equal(sip_message_parse(bytes, &sip_limits_default, &world->sent[world->n_sent], &fault),
			 OK);
	if (world->sent[world->n_sent]->fault.status != 0)
		fail_msg("sent nonsense (%s): %.*s", world->sent[world->n_sent]->fault.what,
			 SLICE_FMT(bytes));
	world->n_sent++;
}

/* What was joined into one write is taken apart. */
static void keep_all(struct world *world, struct slice bytes)
{
	while (bytes.len > 0) {
		struct sip_framer framer = { 0 };
		struct sip_frame frame;

		assert_int_equal(sip_frame(&framer, bytes, &sip_limits_default, &frame), OK);
		if (frame.kind == SIP_FRAME_MESSAGE)
			keep(world, frame.bytes);
		else
			world->pings++;
		bytes = slice_sub(bytes, frame.bytes.len, bytes.len);
	}
}

static void answer_pings(struct world *world, unsigned before)
{
	if (world->pings > before && !world->is_dead)
		endpoint_input(world->endpoint, world->flow, SLICE("\r\n"), world->now);
}

static void note_connect(struct world *world, const struct action *action)
{
	const struct connect_question *connect = &action->connect;

	world->question = action->question;
	world->patience = connect->patience;
	snprintf(world->connect_to, sizeof world->connect_to, "%.*s:%u %.*s", SLICE_FMT(connect->host),
		 connect->port, SLICE_FMT(connect->domain));
}

static void note_resolve(struct world *world, const struct action *action)
{
	world->resolve = action->question;
	world->asked_type = action->resolve.type;
	snprintf(world->asked_name, sizeof world->asked_name, "%.*s", SLICE_FMT(action->resolve.name));
}

void world_pump(struct world *world)
{
	struct action action;
	unsigned pings = world->pings;

	endpoint_tick(world->endpoint, world->now);
	while (endpoint_output(world->endpoint, &action)) {
		if (action.kind == ACTION_SEND)
			keep_all(world, action.send.bytes);
		if (action.kind == ACTION_CONNECT)
			note_connect(world, &action);
		if (action.kind == ACTION_RESOLVE)
			note_resolve(world, &action);
		if (action.kind == ACTION_CLOSE)
			world->closed++;
	}
	answer_pings(world, pings);
}

static void open_flow(struct world *world, const char *verified)
{
	enum transport_protocol transport = *verified ? TRANSPORT_TLS : TRANSPORT_TCP;
	const struct flow_facts facts = {
		.event = FLOW_OPENED,
		.transport = transport,
		.outbound = true,
		.local = local,
		.peer = peer,
		.verified = slice_of(verified),
		.tls_version = *verified ? SLICE("TLSv1.3") : SLICE(""),
		.tls_cipher = *verified ? SLICE("TLS_AES_256_GCM_SHA384") : SLICE(""),
	};

	world->flow = flow_id_of(0, 1, transport, ++world->flows);
	endpoint_flow(world->endpoint, world->flow, &facts, world->now);
}

void world_connect(struct world *world, const char *verified)
{
	struct answer answer = { .question = world->question, .err = OK };

	assert_true(world->question != 0);
	world->question = 0;
	open_flow(world, verified);
	answer.flow = world->flow;
	endpoint_answer(world->endpoint, &answer, world->now);
	world_pump(world);
}

void world_refuse_connection(struct world *world, enum err err)
{
	const struct answer answer = {
		.question = world->question,
		.err = err,
		.why = SLICE("it was not to be"),
	};

	assert_true(world->question != 0);
	world->question = 0;
	endpoint_answer(world->endpoint, &answer, world->now);
	world_pump(world);
}

void world_lose_flow(struct world *world)
{
	const struct flow_facts facts = {
		.event = FLOW_LOST,
		.transport = flow_transport(world->flow),
		.outbound = true,
		.local = local,
		.peer = peer,
		.why = SLICE("the connection was reset"),
	};

	endpoint_flow(world->endpoint, world->flow, &facts, world->now);
	world->flow = 0;
	world_pump(world);
}

void world_register(struct world *world)
{
	struct ua_event event;

	world_connect(world, "localhost");
	world_answer(world, world_expect(world, SIP_REGISTER), 200, "Expires: 3600\r\n", SLICE(""));
	world_event(world, UA_REGISTERED);
	while (ua_next_event(world->ua, &event))
		continue;
}

void world_pass(struct world *world, ms_t time)
{
	ms_t until = world->now.mono + time;

	for (;;) {
		ms_t due = endpoint_due(world->endpoint);

		if (due == 0 || due > until)
			break;
		if (due > world->now.mono)
			world->now.mono = due;
		world_pump(world);
	}
	world->now.mono = until;
	world_pump(world);
}

/* -- messages ---------------------------------------------------------------------------------------- */

const struct sip_message *world_sent(struct world *world)
{
	return world->n_seen < world->n_sent ? world->sent[world->n_seen++] : NULL;
}

const struct sip_message *world_expect(struct world *world, enum sip_method method)
{
	const struct sip_message *message = world_sent(world);
	struct slice name = sip_method_name(method);

	if (!message)
		fail_msg("%.*s was not sent", SLICE_FMT(name));
	if (message->kind != SIP_REQUEST || message->method != method)
		fail_msg("not %.*s, but: %.*s", SLICE_FMT(name), SLICE_FMT(message->text));
	return message;
}

const struct sip_message *world_expect_status(struct world *world, unsigned status)
{
	const struct sip_message *message = world_sent(world);

	if (!message)
		fail_msg("%u was not sent", status);
	if (message->kind != SIP_RESPONSE || message->status != status)
		fail_msg("not %u, but: %.*s", status, SLICE_FMT(message->text));
	return message;
}

void world_expect_silence(struct world *world)
{
	const struct sip_message *message = world_sent(world);

	if (message)
		fail_msg("was sent: %.*s", SLICE_FMT(message->text));
}

void world_receive(struct world *world, const char *format, ...)
{
	char text[16384];
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	endpoint_input(world->endpoint, world->flow, slice_from(text, (size_t)n), world->now);
	world_pump(world);
}

void world_answer(struct world *world, const struct sip_message *request, unsigned status, const char *lines,
		  struct slice body)
{
	char text[16384], headers[8192];
	struct writer out = writer_of(text, sizeof text), extra = writer_of(headers, sizeof headers);
	struct sip_reply reply = { .status = status,
				   .to_tag = slice_of(world->tag ? world->tag : "bobs-tag"),
				   .body = body };

	put(&extra, slice_of(lines ? lines : ""));
	if (body.len > 0)
		put(&extra, SLICE("Content-Type: application/sdp\r\n"));
	reply.headers = writer_text(&extra);
	put_reply(&out, request, &reply);
	assert_false(out.overflow);
	endpoint_input(world->endpoint, world->flow, writer_text(&out), world->now);
	world_pump(world);
}

const struct ua_event *world_event(struct world *world, enum ua_event_kind kind)
{
	while (ua_next_event(world->ua, &world->event))
		if (world->event.kind == kind)
			return &world->event;
	fail_msg("no event %d", (int)kind);
	return NULL;
}

void world_expect_no_event(struct world *world, enum ua_event_kind kind)
{
	while (ua_next_event(world->ua, &world->event))
		if (world->event.kind == kind)
			fail_msg("event %d", (int)kind);
}

/* -- descriptions ------------------------------------------------------------------------------------ */

static void set_local(struct world *world, enum sdp_srtp_policy srtp, struct sdp_local *ret_local)
{
	sdp_local_init(ret_local);
	ret_local->address = their_media;
	ret_local->session_id = 17;
	ret_local->session_version = 1;
	ret_local->srtp = srtp;
	memset(ret_local->keys, ++world->key, sizeof ret_local->keys);
}

struct slice world_offer(struct world *world, enum sdp_srtp_policy srtp, enum sdp_direction direction,
			 char *text, size_t size)
{
	struct writer out = writer_of(text, size);
	struct sdp_local offer;

	set_local(world, srtp, &offer);
	offer.direction = direction;
	assert_int_equal(sdp_offer_build(&out, &offer), OK);
	return writer_text(&out);
}

struct slice world_sdp_answer(struct world *world, const struct sip_message *with_offer,
			      enum sdp_srtp_policy srtp, char *text, size_t size)
{
	AUTO(arena) struct arena *arena = arena_new(65536);
	struct writer out = writer_of(text, size);
	const struct sdp_session *offer;
	struct sdp_local answer;
	struct sdp_media media;

	assert_non_null(arena);
	assert_int_equal(sdp_session_parse(arena, with_offer->body, &offer), OK);
	set_local(world, srtp, &answer);
	assert_int_equal(sdp_answer_build(&out, offer, &answer, &media), SDP_OK);
	return writer_text(&out);
}

const struct sip_message *world_call(struct world *world, uint64_t *ret_call)
{
	static const struct address media = { ADDRESS_V4, 30000, { 127, 0, 0, 1 } };
	const struct sip_message *invite;
	char sdp[4096];

	assert_int_equal(ua_call(world->ua, SLICE("sips:bob@localhost"), &media, world->now, ret_call), OK);
	world_pump(world);
	invite = world_expect(world, SIP_INVITE);
	world_answer(world, invite, 200, "Contact: <sips:bob@127.0.0.2:9>\r\nAllow: INVITE, UPDATE\r\n",
		     world_sdp_answer(world, invite, SDP_SRTP_REQUIRED, sdp, sizeof sdp));
	world_expect(world, SIP_ACK);
	assert_true(world_event(world, UA_ESTABLISHED)->media.secure);
	return invite;
}
