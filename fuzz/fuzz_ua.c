/*
 * The phone's user agent between a person, a server and other phones who do anything in any order: the input is a
 * script of commands, responses and requests. Whatever happens, no sips call of ours has media in clear, and no password
 * answers another realm.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "crypto/anchors.h"
#include "crypto/lib.h"
#include "endpoint/endpoint.h"
#include "sdp/offer_answer.h"
#include "sip/frame.h"
#include "ua/ua.h"

enum { KEPT = 8, STEPS_MAX = 200 };

struct stage {
	const uint8_t *at, *end; /* the script */
	struct random *random;
	struct ua *ua;
	struct endpoint *endpoint;
	struct now now;
	flow_id flow;
	uint32_t flows;
	uint64_t question;
	struct sip_message *sent[KEPT]; /* the latest messages of ours */
	size_t n_sent;
	char text[32768], body[4096];
};

static struct crypto *crypto;
static struct anchors *anchors;

static unsigned next(struct stage *stage)
{
	return stage->at < stage->end ? *stage->at++ : 0;
}

/* -- what we send --------------------------------------------------------------------------------------- */

static bool contains(struct slice text, const char *part)
{
	return slice_find_text(text, slice_of(part)) < text.len;
}

static void judge(const struct sip_message *message)
{
	const enum sip_header_id headers[] = { SIP_AUTHORIZATION, SIP_PROXY_AUTHORIZATION };

	assert(message->fault.status == 0);
	if (message->kind == SIP_REQUEST && message->uri.scheme == SIP_SCHEME_SIPS &&
	    message->to.tag.len == 0)
		assert(!contains(message->body, "RTP/AVP "));
	for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
		struct slice credentials = sip_message_value(message, headers[i]);

		if (credentials.len > 0)
			assert(contains(credentials, "realm=\"localhost\""));
	}
}

static void keep(struct stage *stage, struct slice bytes)
{
	struct sip_message **slot = &stage->sent[stage->n_sent++ % KEPT];
	struct sip_fault fault;

	sip_message_free(*slot);
	*slot = NULL;
	if (sip_message_parse(bytes, &sip_limits_default, slot, &fault) == OK)
		judge(*slot);
}

static void keep_all(struct stage *stage, struct slice bytes)
{
	while (bytes.len > 0) {
		struct sip_framer framer = { 0 };
		struct sip_frame frame;

		if (sip_frame(&framer, bytes, &sip_limits_default, &frame) != OK)
			return;
		if (frame.kind == SIP_FRAME_MESSAGE)
			keep(stage, frame.bytes);
		bytes = slice_sub(bytes, frame.bytes.len, bytes.len);
	}
}

static void pump(struct stage *stage)
{
	struct action action;

	endpoint_tick(stage->endpoint, stage->now);
	while (endpoint_output(stage->endpoint, &action)) {
		if (action.kind == ACTION_SEND)
			keep_all(stage, action.send.bytes);
		if (action.kind == ACTION_CONNECT)
			stage->question = action.question;
	}
}

/* -- the server and the other phones ------------------------------------------------------------------- */

static const char *const lines[] = {
	"",
	"Contact: <sips:bob@127.0.0.2:9>\r\n",
	"Contact: <sip:bob@127.0.0.2:9>\r\n",
	"Contact: <sips:bob@127.0.0.2:9>\r\nAllow: INVITE, UPDATE\r\nSession-Expires: 90;refresher=uac\r\n",
	"Contact: <sips:bob@127.0.0.2:9>\r\nSession-Expires: 90\r\nSupported: timer\r\n",
	"Contact: <sips:bob@127.0.0.2:9>\r\nRequire: 100rel\r\n",
	"Contact: <sips:bob@127.0.0.2:9>\r\nRecord-Route: <sips:a@localhost;lr>, <sip:b.example>\r\n",
	"WWW-Authenticate: Digest realm=\"localhost\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256\r\n",
	"Proxy-Authenticate: Digest realm=\"localhost\", nonce=\"p\", qop=\"auth\", stale=true\r\n",
	"WWW-Authenticate: Digest realm=\"other\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256\r\n",
	"Expires: 3600\r\nMin-Expires: 900\r\nRetry-After: 5\r\nWarning: 399 x \"why\"\r\n",
	"RAck: 1 1 INVITE\r\n",
	"Replaces: a;to-tag=b;from-tag=c\r\n",
	"Refer-To: <sip:x@y>\r\n",
	"Refer-To: <sips:x@y?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>\r\nReferred-By: <sips:z@y>\r\n",
	"Contact: <sips:n@127.0.0.2:9>\r\nEvent: reg\r\nSubscription-State: active;expires=60\r\n",
	"Contact: <sips:n@127.0.0.2:9>\r\nEvent: reg\r\nSubscription-State: terminated;reason=timeout\r\n",
	"Event: refer\r\nSubscription-State: active;expires=60\r\n",
	"Event: refer;id=2\r\nSubscription-State: terminated;reason=noresource\r\n",
	"Contact: <sips:bob@127.0.0.2:9>\r\nRequire: 100rel\r\nRSeq: 1\r\n",
	"Contact: <sips:bob@127.0.0.2:9>\r\nRequire: 100rel\r\nRSeq: 2\r\n",
	"Contact: <sips:bob@127.0.0.2:9>\r\nMin-SE: 2000\r\n",
	"Contact: <sips:c@127.0.0.2:9>\r\nEvent: certificate\r\nSubscription-State: active;expires=60\r\n",
	"Contact: <sips:c@127.0.0.2:9>\r\nEvent: certificate\r\nSubscription-State: terminated;reason=rejected\r\n",
};
static const unsigned statuses[] = { 100, 180, 183, 200, 202, 302, 401, 404, 407, 408, 422,
				     423, 439, 481, 486, 487, 488, 491, 500, 503, 603 };
static const char *const methods[] = { "INVITE",  "ACK",     "BYE",       "UPDATE", "PRACK", "CANCEL",
				       "OPTIONS", "MESSAGE", "SUBSCRIBE", "NOTIFY", "REFER", "INFO" };

static void set_local(struct stage *stage, struct sdp_local *local)
{
	sdp_local_init(local);
	local->address = (struct address){ ADDRESS_V4, 20000, { 127, 0, 0, 2 } };
	local->session_id = 17;
	local->session_version = 1;
	local->srtp = (enum sdp_srtp_policy)(next(stage) % 3);
	memset(local->keys, 5, sizeof local->keys);
}

/* An offer, an answer to the message's, nonsense, or nothing. */
static struct slice describe(struct stage *stage, const struct sip_message *message)
{
	AUTO(arena) struct arena *arena = arena_new(65536);
	struct writer out = writer_of(stage->body, sizeof stage->body);
	const struct sdp_session *offer;
	struct sdp_local local;
	struct sdp_media media;
	unsigned how = next(stage) % 5;

	set_local(stage, &local);
	if (how == 0 || !arena)
		return SLICE("");
	if (how == 4)
		return next(stage) % 2 ? SLICE("SIP/2.0 200 OK\r\n") : SLICE("SIP/2.0 180 Ringing\r\n");
	if (how == 1)
		return SLICE("v=0\r\no=- 1 1 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\n"
			     "m=audio 20000 RTP/AVP 8\r\n");
	if (how == 2 && sdp_offer_build(&out, &local) == OK)
		return writer_text(&out);
	if (message && sdp_session_parse(arena, message->body, &offer) == OK &&
	    sdp_answer_build(&out, offer, &local, &media) == SDP_OK)
		return writer_text(&out);
	return SLICE("v=1\r\n");
}

static void receive(struct stage *stage, const struct writer *out)
{
	if (stage->flow != 0 && !out->overflow)
		endpoint_input(stage->endpoint, stage->flow, writer_text(out), stage->now);
}

static void respond(struct stage *stage)
{
	const struct sip_message *request = stage->sent[next(stage) % KEPT];
	struct writer out = writer_of(stage->text, sizeof stage->text);
	char extra[1024];
	struct writer headers = writer_of(extra, sizeof extra);
	struct sip_reply reply = {
		.status = statuses[next(stage) % (sizeof statuses / sizeof statuses[0])],
		.to_tag = next(stage) % 4 == 0 ? SLICE("other") : SLICE("theirs"),
	};

	if (!request || request->kind != SIP_REQUEST)
		return;
	put(&headers, slice_of(lines[next(stage) % (sizeof lines / sizeof lines[0])]));
	reply.body = describe(stage, request);
	if (reply.body.len > 0)
		put(&headers, SLICE("Content-Type: application/sdp\r\n"));
	reply.headers = writer_text(&headers);
	put_reply(&out, request, &reply);
	receive(stage, &out);
}

/* Our end and theirs of the dialog that a message of ours belongs to; others begin one. */
static void put_ends(struct stage *stage, struct writer *out, const struct sip_message *message,
		     bool in_dialog)
{
	bool ours = message && message->kind == SIP_REQUEST;

	if (!message || !in_dialog) {
		put(out,
		    SLICE("From: <sips:bob@localhost>;tag=theirs\r\nTo: <sips:alice@localhost>\r\nCall-ID: c"));
		put_number(out, next(stage) % 4);
		put(out, SLICE("\r\n"));
		return;
	}
	put_header(out, SIP_FROM, ours ? message->to.text : message->from.text);
	if (ours && message->to.tag.len == 0) {
		out->len -= 2; /* the line end */
		put(out, SLICE(";tag=theirs\r\n"));
	}
	put_header(out, SIP_TO, ours ? message->from.text : message->to.text);
	put_header(out, SIP_CALL_ID, message->call_id);
}

/* One that names a call of ours by a message of ours in it (RFC 3891). */
static void put_replaces(struct stage *stage, struct writer *out)
{
	const struct sip_message *message = stage->sent[next(stage) % KEPT];
	bool ours;

	if (!message || next(stage) % 8 != 0)
		return;
	ours = message->kind == SIP_REQUEST;
	put(out, SLICE("Replaces: "));
	put(out, message->call_id);
	put(out, SLICE(";to-tag="));
	put(out, ours ? message->from.tag : message->to.tag);
	put(out, SLICE(";from-tag="));
	put(out, ours ? SLICE("theirs") : message->from.tag);
	put(out, SLICE("\r\n"));
}

static void request(struct stage *stage)
{
	const struct sip_message *message = stage->sent[next(stage) % KEPT];
	const char *method = methods[next(stage) % (sizeof methods / sizeof methods[0])];
	struct writer out = writer_of(stage->text, sizeof stage->text);
	struct slice body;
	unsigned cseq = next(stage) % 16;
	bool sips = next(stage) % 4 != 0;

	put_request_line(&out, slice_of(method),
			 sips ? SLICE("sips:alice@127.0.0.1:40001") : SLICE("sip:alice@127.0.0.1:40001"));
	put(&out, SLICE("Via: SIP/2.0/TLS localhost;branch=z9hG4bK"));
	put_number(&out, next(stage) % 8);
	put(&out, SLICE("\r\nMax-Forwards: 70\r\n"));
	put_ends(stage, &out, message, next(stage) % 4 != 0);
	put(&out, SLICE("CSeq: "));
	put_number(&out, cseq);
	put_char(&out, ' ');
	put(&out, slice_of(method));
	put(&out, SLICE("\r\n"));
	put(&out, slice_of(lines[next(stage) % (sizeof lines / sizeof lines[0])]));
	put_replaces(stage, &out);
	body = describe(stage, message);
	if (body.len > 0)
		put(&out, next(stage) % 8 == 0 ? SLICE("Content-Type: text/plain\r\n")
					       : SLICE("Content-Type: application/sdp\r\n"));
	put_body(&out, body);
	receive(stage, &out);
}

/* -- the network ----------------------------------------------------------------------------------------- */

static void connect_flow(struct stage *stage)
{
	struct flow_facts facts = {
		.event = FLOW_OPENED,
		.transport = TRANSPORT_TLS,
		.outbound = true,
		.local = { ADDRESS_V4, 40001, { 127, 0, 0, 1 } },
		.peer = { ADDRESS_V4, 5061, { 127, 0, 0, 1 } },
		.verified = next(stage) % 8 == 0 ? SLICE("other") : SLICE("localhost"),
		.tls_version = SLICE("TLSv1.3"),
		.tls_cipher = SLICE("TLS_AES_256_GCM_SHA384"),
	};
	struct answer answer = { .question = stage->question, .err = OK };

	if (stage->question == 0)
		return;
	stage->question = 0;
	if (next(stage) % 4 == 0) {
		answer.err = next(stage) % 2 ? ERR_IO : ERR_DENIED;
	} else {
		stage->flow = flow_id_of(0, 1, TRANSPORT_TLS, ++stage->flows);
		endpoint_flow(stage->endpoint, stage->flow, &facts, stage->now);
		answer.flow = stage->flow;
	}
	endpoint_answer(stage->endpoint, &answer, stage->now);
}

static void lose(struct stage *stage)
{
	const struct flow_facts facts = { .event = FLOW_LOST, .transport = TRANSPORT_TLS, .outbound = true };

	if (stage->flow != 0)
		endpoint_flow(stage->endpoint, stage->flow, &facts, stage->now);
	stage->flow = 0;
}

static void pass(struct stage *stage)
{
	static const ms_t steps[] = { 1, 500, 4000, 32000, 60000, 600000 };
	ms_t until = stage->now.mono + steps[next(stage) % 6];

	for (int i = 0; i < 100; i++) {
		ms_t due = endpoint_due(stage->endpoint);

		if (due == 0 || due > until)
			break;
		if (due > stage->now.mono)
			stage->now.mono = due;
		pump(stage);
	}
	stage->now.mono = until;
}

/* -- the person -------------------------------------------------------------------------------------------- */

static void command(struct stage *stage)
{
	static const struct address media = { ADDRESS_V4, 30000, { 127, 0, 0, 1 } };
	struct slice uri = next(stage) % 3 ? SLICE("sips:bob@localhost") : SLICE("sip:bob@localhost");
	uint64_t id = 1 + next(stage) % 8, made;
	enum err err = OK;

	switch (next(stage) % 14) {
	case 12: err = ua_watch(stage->ua, uri, SLICE("reg"), stage->now, &made); break;
	case 13: err = ua_unwatch(stage->ua, id, stage->now); break;
	case 8: err = ua_transfer(stage->ua, id, uri, stage->now); break;
	case 9: err = ua_transfer_to(stage->ua, id, 1 + next(stage) % 8, stage->now); break;
	case 10: err = ua_follow(stage->ua, id, &media, stage->now, &made); break;
	case 11: err = ua_stay(stage->ua, id, stage->now); break;
	case 0:
	case 1: err = ua_call(stage->ua, uri, &media, stage->now, &made); break;
	case 2:
	case 3: err = ua_answer(stage->ua, id, &media, stage->now); break;
	case 4: err = ua_reject(stage->ua, id, 486, stage->now); break;
	case 5: ua_hangup(stage->ua, id, stage->now); break;
	case 6: err = ua_hold(stage->ua, id, next(stage) % 2, stage->now); break;
	default: err = ua_message(stage->ua, uri, SLICE("hello"), stage->now, &made); break;
	}
	(void)err;
}

static void listen_to(struct stage *stage)
{
	struct ua_call_view view;
	struct ua_event event;

	while (ua_next_event(stage->ua, &event))
		if (event.kind == UA_ESTABLISHED && ua_call_view(stage->ua, event.id, &view))
			assert(!view.secure || event.media.secure);
}

static void play(struct stage *stage)
{
	for (int i = 0; i < STEPS_MAX && stage->at < stage->end; i++) {
		switch (next(stage) % 16) {
		case 0:
		case 1:
		case 2: command(stage); break;
		case 3:
		case 4:
		case 5:
		case 6:
		case 7: respond(stage); break;
		case 8:
		case 9:
		case 10: request(stage); break;
		case 11: pass(stage); break;
		case 12: connect_flow(stage); break;
		case 13: lose(stage); break;
		case 14: listen_to(stage); break;
		default:
			if (next(stage) == 255)
				ua_stop(stage->ua, stage->now);
			break;
		}
		pump(stage);
	}
}

static bool give_key(struct ua *ua)
{
	struct key *key;

	if (key_generate(crypto, &key) != OK)
		return false;
	if (credentials_add_own(ua_credentials(ua), key, NULL) == OK)
		return true;
	key_free(key);
	return false;
}

static bool open_stage(struct stage *stage)
{
	static const uint8_t branch_key[32] = { 1 };
	const unsigned srtp = next(stage), transfers = next(stage), how = next(stage);
	const bool with_keys = how / 2 % 2; /* certificates are asked for: our own, and those of others */
	const struct ua_config config = {
		.crypto = crypto,
		.aor = SLICE("sips:alice@localhost"),
		.password = SLICE("secret"),
		.server = SLICE("127.0.0.1"), /* fuzz_dns has the search for it */
		.instance = SLICE("urn:uuid:f81d4fae-7dec-41d0-a765-00a0c91e6bf6"),
		.srtp = (enum sdp_srtp_policy)(srtp % 3),
		.transfers = (enum ua_transfers)(transfers % 4),
		.session = how % 2 * 90,
		.anchors = with_keys ? anchors : NULL,
		.smime = with_keys ? UA_SMIME_PREFER : UA_SMIME_OFF,
		.do_register = true,
	};
	struct endpoint_config endpoint = {
		.n_workers = 1,
		.limits = { .sip = sip_limits_default,
			    .flows = 4,
			    .transactions = 64,
			    .per_flow = 32,
			    .per_sender = 32,
			    .per_peer = 32,
			    .per_stranger = 32,
			    .output = 1 << 20 },
		.branch_key = branch_key,
		.sent_by = SLICE("a.invalid"),
		.random = stage->random,
		.crypto = crypto,
		.level = REPORT_ERROR,
		.user = &ua_user,
	};

	if (ua_new(&config, &stage->ua) != OK || (with_keys && !give_key(stage->ua)))
		return false;
	endpoint.user_self = stage->ua;
	if (endpoint_new(&endpoint, &stage->endpoint) != OK)
		return false;
	ua_attach(stage->ua, stage->endpoint);
	ua_start(stage->ua, stage->now);
	pump(stage);
	return true;
}

/* A CA whose domains could vouch for certificates. */
static void make_anchors(void)
{
	AUTO(certificate) struct certificate *ca = NULL;
	AUTO(chain) struct chain *trusted = NULL;
	AUTO(key) struct key *key = NULL;
	char pem[4096];
	struct writer out = writer_of(pem, sizeof pem);

	if (key_generate(crypto, &key) != OK ||
	    certificate_make_ca(crypto, key, SLICE("fuzz CA"), 1700000000, &ca) != OK ||
	    put_certificate_pem(&out, ca) != OK ||
	    chain_parse_pem(crypto, writer_text(&out), &trusted) != OK ||
	    anchors_new(crypto, trusted, &anchors) != OK)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stage stage;

	if (!crypto) {
		crypto = crypto_new();
		make_anchors();
	}
	memset(&stage, 0, sizeof stage);
	stage.at = data;
	stage.end = data + size;
	stage.now = (struct now){ .mono = 1000000, .wall = 1700000000 };
	stage.random = random_new_predictable(7);
	if (crypto && stage.random && open_stage(&stage))
		play(&stage);
	endpoint_free(stage.endpoint);
	ua_free(stage.ua);
	for (size_t i = 0; i < KEPT; i++)
		sip_message_free(stage.sent[i]);
	random_free(stage.random);
	return 0;
}
