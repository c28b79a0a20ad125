/* What other phones may send under protection, though ours writes it otherwise or not at all. */
#include "pair.h"

#include "base/mem.h"
#include "mime/smime.h"
#include "ua/arrival.h"
#include "ua/state.h"

static struct pair pair;

static const struct address media_a = { ADDRESS_V4, 30000, { 127, 0, 0, 1 } };
static const struct address media_b = { ADDRESS_V4, 30002, { 127, 0, 0, 1 } };

#define ALTERNATIVE "Content-Type: multipart/alternative;boundary=b\r\n"

static int setup(void **state)
{
	pair_open(&pair, UA_SMIME_PREFER, UA_SMIME_PREFER, true);
	*state = &pair;
	return 0;
}

static int teardown(void **state)
{
	pair_close(*state);
	return 0;
}

static bool contains(struct slice text, const char *what)
{
	return slice_find_text(text, slice_of(what)) < text.len;
}

/* -- messages in several forms ------------------------------------------------------------------------------ */

#define MESSAGE_START "MESSAGE sips:bob@127.0.0.1:40001 SIP/2.0\r\n"
#define MESSAGE_WAY   "Via: SIP/2.0/TLS localhost;branch=z9hG4bKm\r\nMax-Forwards: 70\r\n"
#define MESSAGE_LINES \
	"From: <sips:alice@localhost>;tag=t\r\nTo: <sips:bob@localhost>\r\nCall-ID: m1\r\nCSeq: 1 MESSAGE\r\n"

static void the_best_form_of_a_protected_message_is_shown(void **state)
{
	struct pair *p = *state;
	const struct pair_letter letter = {
		.start = MESSAGE_START,
		.way = MESSAGE_WAY,
		.lines = MESSAGE_LINES ALTERNATIVE,
		.body = SLICE("--b\r\nContent-Type: text/plain\r\n\r\nat nine\r\n"
			      "--b\r\nContent-Type: text/html\r\n\r\n<b>at nine</b>\r\n--b--\r\n"),
	};

	pair_seal(&p->alice, &p->bob, &letter);
	assert_true(slice_eq(world_event(&p->bob, UA_MESSAGE)->text, SLICE("at nine")));
	assert_true(ua_protection_is_good(p->bob.event.protection));
	world_expect_status(&p->bob, 200);
}

static void a_protected_message_in_no_form_that_is_understood_is_refused(void **state)
{
	struct pair *p = *state;
	const struct pair_letter letter = {
		.start = MESSAGE_START,
		.way = MESSAGE_WAY,
		.lines = MESSAGE_LINES ALTERNATIVE,
		.body = SLICE("--b\r\nContent-Type: text/html\r\n\r\n<b>at nine</b>\r\n--b--\r\n"),
	};

	pair_seal(&p->alice, &p->bob, &letter);
	assert_true(slice_starts(sip_message_value(world_expect_status(&p->bob, 415), SIP_ACCEPT),
				 SLICE("text/plain, multipart/alternative")));
	world_expect_no_event(&p->bob, UA_MESSAGE);
}

/* Carol has taken off what only she could open, and seals to bob what alice has signed for her. */
static void a_message_that_was_written_to_somebody_else_is_told_as_such(void **state)
{
	struct pair *p = *state;
	const struct pair_letter letter = {
		.start = MESSAGE_START,
		.way = MESSAGE_WAY,
		.lines = "From: <sips:alice@localhost>;tag=t\r\nTo: <sips:carol@localhost>\r\nCall-ID: m1\r\n"
			 "CSeq: 1 MESSAGE\r\nContent-Type: text/plain\r\n",
		.body = SLICE("at nine"),
	};

	pair_seal(&p->alice, &p->bob, &letter);
	assert_true(slice_eq(world_event(&p->bob, UA_MESSAGE)->text, SLICE("at nine")));
	assert_true(contains(ua_protection_notes(p->bob.event.protection),
			     "To: it was written to sips:carol@localhost, and somebody has passed it on"));
	world_expect_status(&p->bob, 200);
}

/* As phones of others sign: the body alone, so that what stands around it is anybody's. */
static struct secret *sign_body(const struct pair *p, const char *text)
{
	struct cms_recipient own[CREDENTIALS_OWN_MAX];
	struct secret *entity;

	assert_int_equal(credentials_own(p->alice.ua->credentials, own), 1);
	const struct cms_signer signer = { .certificate = own[0].certificate,
					   .key = own[0].key,
					   .now = p->alice.now.wall };
	assert_int_equal(smime_sign_clear(p->alice.ua->auth.crypto, &signer,
					  endpoint_random(p->alice.endpoint), slice_of(text), &entity),
			 OK);
	return entity;
}

static void receive_body(struct pair *p, const struct secret *entity, const char *from, unsigned n)
{
	struct slice text = secret_slice(entity);
	size_t end = slice_find_text(text, SLICE("\r\n\r\n")) + 2;
	char bytes[8192];
	struct writer out = writer_of(bytes, sizeof bytes);

	put(&out, SLICE(MESSAGE_START "Max-Forwards: 70\r\nVia: SIP/2.0/TLS localhost;branch=z9hG4bKb"));
	put_number(&out, n);
	put(&out, SLICE("\r\nTo: <sips:bob@localhost>\r\nCSeq: 1 MESSAGE\r\nFrom: "));
	put(&out, slice_of(from));
	put(&out, SLICE(";tag=t\r\nCall-ID: b"));
	put_number(&out, n);
	put(&out, SLICE("\r\n"));
	put(&out, slice_sub(text, 0, end));
	put_body(&out, slice_sub(text, end + 2, text.len));
	assert_false(out.overflow);
	endpoint_input(p->bob.endpoint, p->bob.flow, writer_text(&out), p->bob.now);
	world_pump(&p->bob);
}

static void a_signed_body_is_taken_once_however_its_sender_is_written(void **state)
{
	static const char *const again[] = { "<sips:alice@localhost>", "<sip:alice@localhost>",
					     "<sips:alice@LOCALHOST;a=b>", "Alice <sips:%61lice@localhost>" };
	struct pair *p = *state;
	AUTO(secret) struct secret *entity = sign_body(p, "Content-Type: text/plain\r\n\r\nat nine");

	receive_body(p, entity, "<sips:alice@localhost>", 0);
	assert_true(slice_eq(world_event(&p->bob, UA_MESSAGE)->text, SLICE("at nine")));
	assert_true(p->bob.event.protection->is_believed);
	world_expect_status(&p->bob, 200);
	for (unsigned i = 0; i < sizeof again / sizeof again[0]; i++) {
		receive_body(p, entity, again[i], i + 1);
		world_expect_status(&p->bob, 403);
		assert_string_equal(world_event(&p->bob, UA_NOT_TAKEN)->protection->verdict.code,
				    "smime.replay");
	}
}

/* A message of alice as it left, as one part among others. */
static void receive_among(struct pair *p, const char *type, const char *before, const char *after)
{
	char bytes[16384];
	struct writer out = writer_of(bytes, sizeof bytes);
	const struct sip_message *sent;
	char body[8192];
	struct writer parts = writer_of(body, sizeof body);

	assert_int_equal(ua_message(p->alice.ua, SLICE("sips:bob@localhost"), SLICE("at nine"), p->alice.now,
				    &(uint64_t){ 0 }),
			 OK);
	world_pump(&p->alice);
	sent = world_expect(&p->alice, SIP_MESSAGE);
	put(&parts, slice_of(before));
	put(&parts, SLICE("--b\r\nContent-Type: "));
	put(&parts, sip_message_value(sent, SIP_CONTENT_TYPE));
	put(&parts, SLICE("\r\nContent-Transfer-Encoding: binary\r\n\r\n"));
	put(&parts, sent->body);
	put(&parts, slice_of(after));
	put(&parts, SLICE("\r\n--b--\r\n"));
	for (size_t i = 0; i < sent->n_headers; i++) {
		const struct sip_header *header = &sent->headers[i];

		if (i == 0)
			put(&out, slice_sub(sent->text, 0, slice_find(sent->text, '\n') + 1));
		if (slice_starts(header->name, SLICE("Content-")))
			continue;
		put(&out, header->name);
		put(&out, SLICE(": "));
		put(&out, header->value);
		put(&out, SLICE("\r\n"));
	}
	put(&out, SLICE("Content-Type: "));
	put(&out, slice_of(type));
	put(&out, SLICE(";boundary=b\r\n"));
	put_body(&out, writer_text(&parts));
	assert_false(out.overflow || parts.overflow);
	endpoint_input(p->bob.endpoint, p->bob.flow, writer_text(&out), p->bob.now);
	world_pump(&p->bob);
}

static void the_protected_one_of_several_forms_is_opened(void **state)
{
	struct pair *p = *state;

	receive_among(p, "multipart/alternative", "--b\r\nContent-Type: text/plain\r\n\r\nI am encrypted\r\n",
		      "");
	assert_true(slice_eq(world_event(&p->bob, UA_MESSAGE)->text, SLICE("at nine")));
	assert_true(ua_protection_is_good(p->bob.event.protection));
	world_expect_status(&p->bob, 200);
}

/* RFC8591:12 and EFAIL: what stands beside a protected part is none of it, and is not shown with it. */
static void what_stands_beside_a_protected_part_is_not_shown(void **state)
{
	struct pair *p = *state;

	receive_among(p, "multipart/mixed", "",
		      "\r\n--b\r\nContent-Type: text/plain\r\n"
		      "Content-Disposition: render;handling=optional\r\n\r\nhttp://evil/");
	assert_true(slice_eq(world_event(&p->bob, UA_MESSAGE)->text, SLICE("at nine")));
	world_expect_status(&p->bob, 200);
	receive_among(p, "multipart/mixed", "", "\r\n--b\r\nContent-Type: text/plain\r\n\r\nhttp://evil/");
	world_expect_status(&p->bob, 415);
	world_expect_no_event(&p->bob, UA_MESSAGE);
}

static void a_form_in_clear_that_somebody_adds_is_shown_as_such(void **state)
{
	struct pair *p = *state;

	receive_among(p, "multipart/alternative", "", "\r\n--b\r\nContent-Type: text/plain\r\n\r\nat ten");
	assert_true(slice_eq(world_event(&p->bob, UA_MESSAGE)->text, SLICE("at ten")));
	assert_null(p->bob.event.protection);
}

/* -- requests in a call ---------------------------------------------------------------------------------------- */

struct dialog {
	struct pair *pair;
	uint64_t alices, bobs; /* the call */
	char lines[1024];      /* From, To and Call-ID of alice's requests */
	char replaces[512];    /* the same for Replaces, as bob sees the call */
	unsigned number;
};

/* They talk, under protection. */
static void begin(struct pair *p, struct dialog *ret_dialog)
{
	struct dialog dialog = { .pair = p, .number = 900 };
	const struct sip_message *ack;

	assert_int_equal(
		ua_call(p->alice.ua, SLICE("sips:bob@localhost"), &media_a, p->alice.now, &dialog.alices),
		OK);
	pair_carry(&p->alice, &p->bob, NULL);
	dialog.bobs = world_event(&p->bob, UA_INCOMING)->id;
	pair_carry(&p->bob, &p->alice, NULL); /* 180 */
	assert_int_equal(ua_answer(p->bob.ua, dialog.bobs, &media_b, p->bob.now), OK);
	pair_carry(&p->bob, &p->alice, NULL);
	world_event(&p->alice, UA_ESTABLISHED);
	ack = pair_carry(&p->alice, &p->bob, NULL);
	world_event(&p->bob, UA_ESTABLISHED);
	snprintf(dialog.lines, sizeof dialog.lines, "From: %.*s\r\nTo: %.*s\r\nCall-ID: %.*s\r\n",
		 SLICE_FMT(sip_message_value(ack, SIP_FROM)), SLICE_FMT(sip_message_value(ack, SIP_TO)),
		 SLICE_FMT(ack->call_id));
	snprintf(dialog.replaces, sizeof dialog.replaces, "Replaces: %.*s;to-tag=%.*s;from-tag=%.*s\r\n",
		 SLICE_FMT(ack->call_id), SLICE_FMT(ack->to.tag), SLICE_FMT(ack->from.tag));
	*ret_dialog = dialog;
}

/* A request of alice in the dialog, as she does not write it herself. */
static void send_in(struct dialog *dialog, const char *method, const char *more, struct slice body,
		    bool is_open)
{
	char start[128], way[256], lines[2048];
	const struct pair_letter letter = { start, way, lines, body, is_open };

	snprintf(start, sizeof start, "%s sips:bob@127.0.0.1:40001 SIP/2.0\r\n", method);
	snprintf(way, sizeof way, "Via: SIP/2.0/TLS localhost;branch=z9hG4bK%u\r\nMax-Forwards: 70\r\n",
		 dialog->number);
	snprintf(lines, sizeof lines, "%sCSeq: %u %s\r\nContact: <sips:alice@127.0.0.1:40001>\r\n%s",
		 dialog->lines, dialog->number, method, more);
	dialog->number++;
	pair_seal(&dialog->pair->alice, &dialog->pair->bob, &letter);
}

static void an_update_is_taken_under_protection_and_answered_so(void **state)
{
	struct pair *p = *state;
	const struct sip_message *response;
	struct dialog dialog;
	char sdp[4096];

	begin(p, &dialog);
	send_in(&dialog, "UPDATE", "Content-Type: application/sdp\r\n",
		world_offer(&p->alice, SDP_SRTP_REQUIRED, SDP_SENDONLY, sdp, sizeof sdp), false);
	response = world_expect_status(&p->bob, 200);
	assert_true(contains(response->text, "smime-type=authEnveloped-data"));
	assert_false(contains(response->text, "m=audio"));
	assert_true(world_event(&p->bob, UA_MEDIA)->media.remote_on_hold);
}

/* RFC3261:14.1, RFC3311:5.2: after a failure the session goes on as if the change had not been asked for. */
static void a_change_whose_answer_cannot_be_protected_changes_nothing(void **state)
{
	static const char *const methods[] = { "UPDATE", "INVITE" };
	struct pair *p = *state;
	struct dialog dialog;
	char sdp[4096];

	begin(p, &dialog);
	/* the domain takes bob's certificate back: he can still read, but not sign */
	assert_int_equal(
		credentials_vouched(p->bob.ua->credentials, SLICE("bob@localhost"), NULL, 0, p->bob.now), OK);
	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
		send_in(&dialog, methods[i], "Content-Type: application/sdp\r\n",
			world_offer(&p->alice, SDP_SRTP_REQUIRED, SDP_SENDONLY, sdp, sizeof sdp), false);
		world_expect_status(&p->bob, 500);
		world_expect_no_event(&p->bob, UA_MEDIA);
	}
}

/* Of each kind that could change something: without protection it is refused and told, and the call stays as it is. */
static const struct {
	const char *method, *lines;
	bool has_offer;
	struct slice body;
} unprotected[] = {
	{ "UPDATE", "Content-Type: application/sdp\r\n", true, SLICE_INIT("") },
	{ "PRACK", "RAck: 1 1 INVITE\r\nContent-Type: application/sdp\r\n", true, SLICE_INIT("") },
	{ "INFO", "Content-Type: application/dtmf-relay\r\n", false, SLICE_INIT("Signal=1\r\n") },
	{ "REFER", "Refer-To: <sips:mallory@localhost>\r\n", false, SLICE_INIT("") },
	{ "MESSAGE", "Content-Type: text/plain\r\n", false, SLICE_INIT("hang up") },
};

static void nothing_in_a_protected_call_is_taken_without_protection(void **state)
{
	struct pair *p = *state;
	struct dialog dialog;
	struct ua_call_view view;
	char sdp[4096];
	struct slice offer = world_offer(&p->alice, SDP_SRTP_REQUIRED, SDP_SENDONLY, sdp, sizeof sdp);

	begin(p, &dialog);
	for (size_t i = 0; i < sizeof unprotected / sizeof unprotected[0]; i++) {
		send_in(&dialog, unprotected[i].method, unprotected[i].lines,
			unprotected[i].has_offer ? offer : unprotected[i].body, true);
		assert_string_equal(world_event(&p->bob, UA_NOT_TAKEN)->protection->verdict.code,
				    "smime.unprotected");
		assert_true(slice_eq(p->bob.event.state, slice_of(unprotected[i].method)));
		world_expect_status(&p->bob, slice_eq(p->bob.event.state, SLICE("MESSAGE")) ? 415 : 488);
	}
	world_expect_no_event(&p->bob, UA_MEDIA);
	assert_true(ua_call_view(p->bob.ua, dialog.bobs, &view));
	assert_true(view.established && view.sealed);
}

/* An INVITE of alice that is to take the place of the call. */
static void replace(struct dialog *dialog, bool is_open, const struct edit *edits)
{
	char sdp[4096], way[256], lines[2048];
	const struct pair_letter letter = {
		.start = "INVITE sips:bob@127.0.0.1:40001 SIP/2.0\r\n",
		.way = way,
		.lines = lines,
		.body = world_offer(&dialog->pair->alice, SDP_SRTP_REQUIRED, SDP_SENDRECV, sdp, sizeof sdp),
		.is_open = is_open,
	};

	snprintf(way, sizeof way, "Via: SIP/2.0/TLS localhost;branch=z9hG4bK%u\r\nMax-Forwards: 70\r\n",
		 dialog->number);
	snprintf(
		lines, sizeof lines,
		"From: <sips:alice@localhost>;tag=new\r\nTo: <sips:bob@localhost>\r\nCall-ID: another-%u\r\n"
		"CSeq: 1 INVITE\r\nContact: <sips:alice@127.0.0.1:40001>\r\n%sContent-Type: application/sdp\r\n",
		dialog->number++, dialog->replaces);
	pair_seal_and_edit(&dialog->pair->alice, &dialog->pair->bob, &letter, edits);
}

static void a_protected_call_is_replaced_under_protection_only(void **state)
{
	/* as who keeps the names of callers to himself writes it; the one inside counts */
	static const struct edit renamed[] = { { "<sips:alice@localhost>;tag=new",
						 "<sip:anonymous@anonymous.invalid>;tag=new" },
					       { NULL, NULL } };
	struct pair *p = *state;
	struct dialog dialog;
	struct ua_call_view view;

	begin(p, &dialog);
	replace(&dialog, true, NULL);
	world_expect_status(&p->bob, 603);
	world_expect_no_event(&p->bob, UA_INCOMING);
	assert_true(ua_call_view(p->bob.ua, dialog.bobs, &view));
	assert_true(view.established && view.sealed);
	replace(&dialog, false, renamed);
	world_expect_status(&p->bob, 180);
	assert_int_equal(world_event(&p->bob, UA_INCOMING)->other, dialog.bobs);
	assert_true(p->bob.event.consented && ua_protection_is_good(p->bob.event.protection));
}

static void an_info_is_opened_and_answered_as_what_it_is(void **state)
{
	struct pair *p = *state;
	const struct sip_message *response;
	struct dialog dialog;

	begin(p, &dialog);
	send_in(&dialog, "INFO", "Content-Type: application/dtmf-relay\r\n", SLICE("Signal=1\r\n"), false);
	response = world_expect_status(&p->bob, 405);
	assert_true(contains(sip_message_value(response, SIP_ALLOW), "UPDATE"));
	world_expect_no_event(&p->bob, UA_NOT_TAKEN);
}

/* RFC3261:23.4: of what has no body the header fields are protected. */
static void a_refer_names_who_is_meant_inside(void **state)
{
	struct pair *p = *state;
	struct dialog dialog;

	begin(p, &dialog);
	send_in(&dialog, "REFER", "Refer-To: <sips:carol@localhost>\r\n", SLICE(""), false);
	world_expect_status(&p->bob, 202);
	assert_true(slice_eq(world_event(&p->bob, UA_REFERRED)->text, SLICE("sips:carol@localhost")));
}

/* -- before a call stands -------------------------------------------------------------------------------------- */

#define INVITE_START "INVITE sips:bob@127.0.0.1:40001 SIP/2.0\r\n"
#define INVITE_WAY   "Via: SIP/2.0/TLS localhost;branch=z9hG4bKi\r\nMax-Forwards: 70\r\n"
#define CALL_LINES \
	"From: <sips:alice@localhost>;tag=t\r\nCall-ID: i1\r\nContact: <sips:alice@127.0.0.1:40001>\r\n"
#define INVITE_LINES CALL_LINES "To: <sips:bob@localhost>\r\nCSeq: 1 INVITE\r\n"

/* A request in the dialog that bob's response has made. */
struct next {
	const char *method, *lines;
	struct slice body;
	bool is_open;
};

static void go_on(struct pair *p, const struct sip_message *response, const struct next *next)
{
	char start[128], way[256], lines[2048];
	const struct pair_letter letter = { start, way, lines, next->body, next->is_open };
	bool is_ack = slice_eq(slice_of(next->method), SLICE("ACK"));

	snprintf(start, sizeof start, "%s sips:bob@127.0.0.1:40001 SIP/2.0\r\n", next->method);
	snprintf(way, sizeof way, "Via: SIP/2.0/TLS localhost;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\n",
		 next->method);
	snprintf(lines, sizeof lines, CALL_LINES "To: %.*s\r\nCSeq: %d %s\r\n%s",
		 SLICE_FMT(sip_message_value(response, SIP_TO)), is_ack ? 1 : 2, next->method, next->lines);
	pair_seal(&p->alice, &p->bob, &letter);
}

/* Alice calls without an offer: only her header fields are protected. Bob's 200 has the offer, and the ACK the answer. */
static const struct sip_message *call_without_offer(struct pair *p)
{
	const struct pair_letter invite = { INVITE_START, INVITE_WAY, INVITE_LINES, SLICE(""), false };
	const struct sip_message *response;
	uint64_t id;

	pair_seal(&p->alice, &p->bob, &invite);
	id = world_event(&p->bob, UA_INCOMING)->id;
	assert_true(ua_protection_is_good(p->bob.event.protection));
	world_expect_status(&p->bob, 180);
	assert_int_equal(ua_answer(p->bob.ua, id, &media_b, p->bob.now), OK);
	world_pump(&p->bob);
	response = world_expect_status(&p->bob, 200);
	assert_true(contains(response->text, "smime-type=authEnveloped-data"));
	assert_false(contains(response->text, "m=audio"));
	return response;
}

/* What the phone of the reader would answer to a protected offer. */
static struct slice answer_to(struct world *reader, const struct sip_message *offer, char *sdp, size_t size)
{
	const struct sip_message *opened;
	struct arrival arrival;
	struct slice answer;

	assert_true(arrival_begin(reader->ua, offer, reader->now, &arrival, &opened));
	assert_true(ua_protection_is_good(&arrival.protection));
	answer = world_sdp_answer(reader, opened, SDP_SRTP_REQUIRED, sdp, size);
	arrival_end(reader->ua, &arrival);
	return answer;
}

static void an_ack_answers_under_protection(void **state)
{
	struct pair *p = *state;
	const struct sip_message *response = call_without_offer(p);
	char sdp[4096];

	go_on(p, response,
	      &(struct next){ "ACK", "Content-Type: application/sdp\r\n",
			      answer_to(&p->alice, response, sdp, sizeof sdp), false });
	assert_true(world_event(&p->bob, UA_ESTABLISHED)->media.secure);
}

static void an_ack_that_answers_without_protection_ends_the_call(void **state)
{
	struct pair *p = *state;
	const struct sip_message *response = call_without_offer(p);
	char sdp[4096];

	go_on(p, response,
	      &(struct next){ "ACK", "Content-Type: application/sdp\r\n",
			      answer_to(&p->alice, response, sdp, sizeof sdp), true });
	assert_int_equal(world_event(&p->bob, UA_ENDED)->cause, UA_NOT_SECURE);
	world_expect(&p->bob, SIP_BYE);
}

static void a_prack_may_come_protected(void **state)
{
	struct pair *p = *state;
	char sdp[4096], rack[64];
	struct pair_letter invite = { INVITE_START, INVITE_WAY "Require: 100rel\r\n",
				      INVITE_LINES "Content-Type: application/sdp\r\n", SLICE(""), false };
	const struct sip_message *ringing;

	invite.body = world_offer(&p->alice, SDP_SRTP_REQUIRED, SDP_SENDRECV, sdp, sizeof sdp);
	pair_seal(&p->alice, &p->bob, &invite);
	ringing = world_expect_status(&p->bob, 180);
	snprintf(rack, sizeof rack, "RAck: %.*s 1 INVITE\r\n",
		 SLICE_FMT(sip_message_value(ringing, SIP_RSEQ)));
	go_on(p, ringing, &(struct next){ "PRACK", rack, SLICE(""), false });
	world_expect_status(&p->bob, 200);
	world_pass(&p->bob, 5000);
	world_expect_silence(&p->bob); /* what was acknowledged is not sent again */
}

/* -- provisional responses ----------------------------------------------------------------------------------------- */

/* Alice calls; what bob's phone answers is up to the test. */
static const struct sip_message *call(struct pair *p, char *sdp, size_t size, struct slice *ret_answer)
{
	const struct sip_message *invite;
	uint64_t id;

	assert_int_equal(ua_call(p->alice.ua, SLICE("sips:bob@localhost"), &media_a, p->alice.now, &id), OK);
	world_pump(&p->alice);
	invite = world_expect(&p->alice, SIP_INVITE);
	*ret_answer = answer_to(&p->bob, invite, sdp, size);
	return invite;
}

static void describe(struct pair *p, const struct sip_message *invite, const char *more, struct slice answer,
		     bool is_open)
{
	char way[512], lines[2048];
	const struct pair_letter letter = { "SIP/2.0 183 Session Progress\r\n", way, lines, answer, is_open };

	snprintf(way, sizeof way, "Via: %.*s\r\n%s", SLICE_FMT(sip_message_value(invite, SIP_VIA)), more);
	snprintf(lines, sizeof lines,
		 "From: %.*s\r\nTo: %.*s;tag=x\r\nCall-ID: %.*s\r\nCSeq: %.*s\r\n"
		 "Contact: <sips:bob@127.0.0.2:9>\r\nContent-Type: application/sdp\r\n",
		 SLICE_FMT(sip_message_value(invite, SIP_FROM)), SLICE_FMT(sip_message_value(invite, SIP_TO)),
		 SLICE_FMT(invite->call_id), SLICE_FMT(sip_message_value(invite, SIP_CSEQ)));
	pair_seal(&p->bob, &p->alice, &letter);
}

static void a_protected_answer_may_come_early(void **state)
{
	struct pair *p = *state;
	char sdp[4096];
	struct slice answer;
	const struct sip_message *invite = call(p, sdp, sizeof sdp, &answer);

	describe(p, invite, "", answer, false);
	assert_true(world_event(&p->alice, UA_PROGRESS)->has_media);
	assert_true(p->alice.event.media.secure);
}

static void an_early_answer_without_protection_has_no_sound(void **state)
{
	struct pair *p = *state;
	char sdp[4096];
	struct slice answer;
	const struct sip_message *invite = call(p, sdp, sizeof sdp, &answer);

	describe(p, invite, "", answer, true);
	assert_false(world_event(&p->alice, UA_PROGRESS)->has_media);
}

#define RELIABLE "Require: 100rel\r\nRSeq: 1\r\n"

static void a_protected_answer_may_come_reliably(void **state)
{
	struct pair *p = *state;
	char sdp[4096];
	struct slice answer;
	const struct sip_message *invite = call(p, sdp, sizeof sdp, &answer);

	describe(p, invite, RELIABLE, answer, false);
	assert_true(world_event(&p->alice, UA_PROGRESS)->media.secure);
	world_expect(&p->alice, SIP_PRACK);
}

static void a_reliable_answer_without_protection_ends_the_call(void **state)
{
	struct pair *p = *state;
	char sdp[4096];
	struct slice answer;
	const struct sip_message *invite = call(p, sdp, sizeof sdp, &answer);

	describe(p, invite, RELIABLE, answer, true);
	world_expect(&p->alice, SIP_PRACK);
	world_expect(&p->alice, SIP_CANCEL);
}

#define WITH_PAIR(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* The first of them take each way through the code that allocates. */
enum { WHERE_ALLOCATIONS_FAIL = 5 };

static const struct CMUnitTest tests[] = {
	WITH_PAIR(the_best_form_of_a_protected_message_is_shown),
	WITH_PAIR(the_protected_one_of_several_forms_is_opened),
	WITH_PAIR(an_update_is_taken_under_protection_and_answered_so),
	WITH_PAIR(a_change_whose_answer_cannot_be_protected_changes_nothing),
	WITH_PAIR(an_ack_answers_under_protection),
	WITH_PAIR(a_protected_answer_may_come_reliably),
	WITH_PAIR(a_protected_message_in_no_form_that_is_understood_is_refused),
	WITH_PAIR(a_message_that_was_written_to_somebody_else_is_told_as_such),
	WITH_PAIR(a_signed_body_is_taken_once_however_its_sender_is_written),
	WITH_PAIR(what_stands_beside_a_protected_part_is_not_shown),
	WITH_PAIR(a_form_in_clear_that_somebody_adds_is_shown_as_such),
	WITH_PAIR(nothing_in_a_protected_call_is_taken_without_protection),
	WITH_PAIR(a_protected_call_is_replaced_under_protection_only),
	WITH_PAIR(an_info_is_opened_and_answered_as_what_it_is),
	WITH_PAIR(a_refer_names_who_is_meant_inside),
	WITH_PAIR(an_ack_that_answers_without_protection_ends_the_call),
	WITH_PAIR(a_prack_may_come_protected),
	WITH_PAIR(a_protected_answer_may_come_early),
	WITH_PAIR(an_early_answer_without_protection_has_no_sound),
	WITH_PAIR(a_reliable_answer_without_protection_ends_the_call),
};
TEST_MAIN_FIRST(tests, WHERE_ALLOCATIONS_FAIL)
