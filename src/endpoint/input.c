/*
 * From bytes to messages: framing, parsing, and what is said to a peer that does not speak SIP (RFC 3261
 * §18.3).
 */
#include <string.h>

#include "base/ascii.h"
#include "base/mem.h"
#include "endpoint/state.h"
#include "endpoint/stun.h"
#include "sip/lex.h"

/* -- Via: received and rport ----------------------------------------------------------------------------- */

/* Where a parameter ends that begins before at: at the next semicolon that is not in a quoted string. */
static const char *param_end(const char *at, const char *end, bool has_quotes)
{
	const char *semicolon;
	bool quoted = false;

	if (!has_quotes) {
		semicolon = memchr(at, ';', (size_t)(end - at));
		return semicolon ? semicolon : end;
	}
	for (; at < end && (quoted || *at != ';'); at++) {
		if (*at == '"')
			quoted = !quoted;
		else if (quoted && *at == '\\' && at + 1 < end)
			at++;
	}
	return at;
}

/* The two parameters that we write ourselves; what a peer put there counts for nothing. */
static bool is_ours(struct slice param)
{
	struct scan in = scan_of(param);
	struct slice name;

	return scan_separator(&in, ';') && scan_token(&in, &name) &&
	       (slice_eq_nocase(name, SLICE("received")) || slice_eq_nocase(name, SLICE("rport")));
}

void put_received_via(struct writer *out, const struct sip_via *via, const struct address *peer)
{
	const char *at = via->params.ptr, *end = at + via->params.len;
	bool has_quotes = slice_find(via->params, '"') < via->params.len;
	struct address sent_by;

	put(out, slice_from(via->text.ptr, via->text.len - via->params.len));
	while (at < end) {
		const char *next = param_end(at + 1, end, has_quotes);
		struct slice param = slice_from(at, (size_t)(next - at));

		if (!is_ours(param))
			put(out, param);
		at = next;
	}
	if (!via->has_rport && address_parse_ip(via->host, &sent_by) && address_eq_ip(&sent_by, peer))
		return;
	put(out, SLICE(";received="));
	put_ip(out, peer);
	if (via->has_rport) {
		put(out, SLICE(";rport="));
		put_number(out, peer->port);
	}
}

/* -- what is wrong with a message ------------------------------------------------------------------------ */

static void report_fault(struct endpoint *endpoint, const struct flow *flow, const struct sip_fault *fault)
{
	char buf[256];
	struct writer out = writer_of(buf, sizeof(buf));

	endpoint->counts.malformed++;
	if (flow_transport(flow->id) != TRANSPORT_UDP)
		endpoint_blame(endpoint, flow->id, MISDEED_MALFORMED);
	if (!endpoint_reports(endpoint, REPORT_WARNING))
		return;
	put_fact(&out, "what", slice_of(fault->what));
	if (fault->name.len)
		put_fact(&out, "header", fault->name);
	put(&out, SLICE(" at="));
	put_number(&out, fault->at);
	endpoint_report(endpoint, &(struct report){
					  .level = REPORT_WARNING,
					  .event = "message.malformed",
					  .flow = flow->id,
					  .text = writer_text(&out),
				  });
}

/* RFC 3261 §21.4.1: "The Reason-Phrase SHOULD identify the syntax problem in more detail". */
static void put_reason(struct writer *out, const struct sip_fault *fault)
{
	put(out, sip_reason_phrase(fault->status));
	put(out, SLICE(" - "));
	put(out, slice_of(fault->what));
	put(out, SLICE(" ("));
	for (size_t i = 0; i < fault->name.len; i++)
		if (ascii_is_alnum(fault->name.ptr[i]) || fault->name.ptr[i] == '-')
			put_char(out, fault->name.ptr[i]);
	put(out, fault->name.len ? SLICE(", byte ") : SLICE("byte "));
	put_number(out, fault->at);
	put_char(out, ')');
}

static void refuse(struct endpoint *endpoint, const struct flow *flow, const struct sip_message *message,
		   const struct sip_fault *fault)
{
	char buf[256];
	struct writer reason = writer_of(buf, sizeof(buf));

	report_fault(endpoint, flow, fault);
	if (!message || !sip_message_can_be_answered(message))
		return;
	put_reason(&reason, fault);
	server_answer(endpoint, flow, message,
		      &(struct sip_reply){ .status = fault->status, .reason = writer_text(&reason) });
}

/* Who asks and cannot be answered learns it from the end of the stream; others wait for nothing. */
static bool is_left_waiting(const struct sip_message *message)
{
	return message->kind == SIP_REQUEST && message->method != SIP_ACK &&
	       !sip_message_can_be_answered(message);
}

/* -- messages -------------------------------------------------------------------------------------------- */

/* Hands a response to the worker that wrote the branch. */
static void forward_response(struct endpoint *endpoint, flow_id from, struct sip_message *response)
{
	unsigned worker;
	struct letter *letter = NULL;

	if (branch_worker(endpoint, response->via.branch, &worker) && worker != endpoint->worker &&
	    worker < endpoint->n_workers)
		letter = letter_new(&(struct letter){
			.kind = LETTER_RESPONSE,
			.from = endpoint->worker,
			.to = worker,
			.flow = from,
			.message = response,
		});
	if (letter) {
		outbox_post(endpoint, letter);
		return;
	}
	endpoint->counts.stray_responses++;
	sip_message_free(response);
}

static void receive(struct endpoint *endpoint, struct flow *flow, struct sip_message *message, struct now now)
{
	report_passing(endpoint, "message.in", flow->id, message);
	if (message->kind == SIP_REQUEST) {
		server_receive(endpoint, flow, message, now);
	} else if (!via_is_ours(endpoint, &message->via)) {
		/* RFC 3261 §18.1.2: "MUST be silently discarded" */
		endpoint->counts.stray_responses++;
		sip_message_free(message);
	} else if (client_receive(endpoint, flow->id, message, now)) {
		sip_message_free(message);
	} else {
		forward_response(endpoint, flow->id, message);
	}
}

/* Of what is too long or cannot be framed the beginning is answered, if it can be. */
static void refuse_beginning(struct endpoint *endpoint, const struct flow *flow, struct slice beginning,
			     const struct sip_fault *fault)
{
	struct sip_message *message = NULL;
	struct sip_fault ignored;

	if (sip_message_parse(beginning, &endpoint->limits.sip, &message, &ignored) != OK)
		message = NULL;
	refuse(endpoint, flow, message, fault);
	sip_message_free(message);
}

/* One complete message. */
static void parse(struct endpoint *endpoint, struct flow *flow, struct slice text, struct now now)
{
	struct sip_message *message;
	struct sip_fault fault;
	enum err err = sip_message_parse(text, &endpoint->limits.sip, &message, &fault);

	endpoint->counts.messages_in++;
	if (err == ERR_NOMEM) {
		endpoint->counts.dropped_no_memory++;
	} else if (err == ERR_LIMIT) {
		fault.at = endpoint->limits.sip.message;
		refuse_beginning(endpoint, flow, slice_sub(text, 0, fault.at), &fault);
	} else if (err != OK) {
		report_fault(endpoint, flow, &fault);
		if (transport_is_stream(flow_transport(flow->id)))
			flow_close(endpoint, flow, "not SIP");
	} else if (message->fault.status) {
		refuse(endpoint, flow, message, &message->fault);
		if (is_left_waiting(message) && transport_is_stream(flow_transport(flow->id)))
			flow_close(endpoint, flow, "a request that cannot be answered");
		sip_message_free(message);
	} else {
		receive(endpoint, flow, message, now);
	}
}

/* -- streams --------------------------------------------------------------------------------------------- */

/* What cannot be framed cannot be skipped: the header is answered if it can be, and the stream ends. */
static void end_stream(struct endpoint *endpoint, struct flow *flow, struct slice header_area,
		       const struct sip_fault *fault)
{
	refuse_beginning(endpoint, flow, header_area, fault);
	flow_close(endpoint, flow, "malformed stream");
}

static void answer_ping(struct endpoint *endpoint, const struct flow *flow)
{
	struct sending pong = { .flow = flow->id, .bytes = SLICE("\r\n") };

	if (send_on(endpoint, &pong) != OK)
		endpoint->counts.dropped_no_memory++;
}

/* One CRLF: the answer to a ping of ours; where none is due, half of one of theirs, whose halves came apart. */
static void take_line_end(struct endpoint *endpoint, struct flow *flow, struct now now)
{
	if (flow->pings > 0) {
		flow->pings--;
		endpoint->user->pong(endpoint->self, flow->id, now);
		return;
	}
	if (flow->half_ping)
		answer_ping(endpoint, flow);
	flow->half_ping = !flow->half_ping;
}

static void take_frame(struct endpoint *endpoint, struct flow *flow, const struct sip_frame *frame,
		       struct now now)
{
	if (frame->kind == SIP_FRAME_PONG) {
		take_line_end(endpoint, flow, now);
		return;
	}
	flow->half_ping = false;
	if (frame->kind == SIP_FRAME_PING) /* RFC 5626 §3.5.1 */
		answer_ping(endpoint, flow);
	else
		parse(endpoint, flow, frame->bytes, now);
}

/* Takes the complete messages off the front of unread. */
static void take_frames(struct endpoint *endpoint, struct flow *flow, struct slice *unread, struct now now)
{
	while (unread->len > 0 && !flow->why) {
		struct sip_frame frame;
		enum err err = sip_frame(&flow->framer, *unread, &endpoint->limits.sip, &frame);

		if (err == ERR_MORE)
			return;
		if (err != OK) {
			end_stream(endpoint, flow, frame.bytes, &frame.fault);
			return;
		}
		flow->framer = (struct sip_framer){ 0 };
		*unread = slice_sub(*unread, frame.bytes.len, unread->len);
		take_frame(endpoint, flow, &frame, now);
	}
}

/* Makes room for n unread bytes. */
static bool make_room(struct flow *flow, size_t n)
{
	size_t size = flow->unread_size ? flow->unread_size : 512;
	char *unread;

	if (n <= flow->unread_size)
		return true;
	while (size < n)
		size *= 2;
	unread = mem_resize(flow->unread, size);
	if (!unread)
		return false;
	flow->unread = unread;
	flow->unread_size = size;
	return true;
}

/* Keeps what is left for the next time; nothing is kept of a stream that ends, or between messages. */
static bool keep_unread(struct flow *flow, struct slice unread)
{
	if (unread.len == 0 || flow->why) {
		mem_free(flow->unread);
		flow->unread = NULL;
		flow->n_unread = flow->unread_size = 0;
		return true;
	}
	if (flow->n_unread == 0 && !make_room(flow, unread.len))
		return false;
	memmove(flow->unread, unread.ptr, unread.len);
	flow->n_unread = unread.len;
	return true;
}

/*
 * The framer refuses a message that is too long, so no more than one and what came with its end is ever kept.
 */
static void stream_input(struct endpoint *endpoint, struct flow *flow, struct slice bytes, struct now now)
{
	struct slice unread = bytes;

	if (flow->n_unread > 0) {
		if (!make_room(flow, flow->n_unread + bytes.len)) {
			flow_close(endpoint, flow, "out of memory");
			return;
		}
		memcpy(flow->unread + flow->n_unread, bytes.ptr, bytes.len);
		flow->n_unread += bytes.len;
		unread = slice_from(flow->unread, flow->n_unread);
	}
	take_frames(endpoint, flow, &unread, now);
	if (!keep_unread(flow, unread))
		flow_close(endpoint, flow, "out of memory");
}

/* -- datagrams ------------------------------------------------------------------------------------------- */

/* RFC 5626 §5.4: a keep-alive over UDP, to be answered on the port on which SIP is spoken. */
static void answer_stun(struct endpoint *endpoint, const struct flow *flow, struct slice request)
{
	char buf[STUN_ANSWER_MAX];
	struct writer out = writer_of(buf, sizeof buf);
	struct sending answer = { .flow = flow->id };

	put_stun_answer(&out, request, &flow->view.peer);
	answer.bytes = writer_text(&out);
	if (out.len > 0 && !out.overflow && send_on(endpoint, &answer) != OK)
		endpoint->counts.dropped_no_memory++;
}

static void datagram_input(struct endpoint *endpoint, struct flow *flow, struct slice bytes, struct now now)
{
	if (stun_is(bytes))
		answer_stun(endpoint, flow, bytes);
	else if (slice_trim(bytes).len > 0)
		parse(endpoint, flow, bytes, now);
}

void endpoint_input(struct endpoint *endpoint, flow_id from, struct slice bytes, struct now now)
{
	struct flow *flow = flow_find(endpoint, from);

	endpoint->heard = flow;
	if (!flow)
		outbox_close(endpoint, from, "unknown connection");
	else if (bytes.len > 0 && !flow->why && transport_is_stream(flow_transport(from)))
		stream_input(endpoint, flow, bytes, now);
	else if (bytes.len > 0 && !flow->why)
		datagram_input(endpoint, flow, bytes, now);
	endpoint_settle(endpoint, now);
}
