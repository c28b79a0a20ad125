#include "sealine/load_run.h"
#include "sip/build.h"

static void put_answering_tag(struct writer *out, const struct load_phone *phone)
{
	put(out, SLICE("a-"));
	load_put_tag(out, phone);
}

/* RFC 3261 §12: a dialog is known by its Call-ID and both tags. */
static bool is_called_in(const struct load_phone *phone, const struct sip_message *request)
{
	const struct load_called *called = &phone->called;
	char buf[LOAD_ID_MAX];
	struct writer tag = writer_of(buf, sizeof buf);

	put_answering_tag(&tag, phone);
	return called->n_call_id > 0 &&
	       slice_eq(slice_from(called->call_id, called->n_call_id), request->call_id) &&
	       slice_eq(slice_from(called->tag, called->n_tag), request->from.tag) &&
	       slice_eq(writer_text(&tag), request->to.tag);
}

/* A B2BUA makes requests of its own, with a Call-ID and a Max-Forwards of its own. */
static bool is_of_this_run(const struct load_phone *phone, const struct sip_message *request)
{
	return slice_starts(request->call_id, slice_of(phone->load->id));
}

/* What a proxy has to have done to a request before it comes here (RFC 3261 §16.6). */
static void check_forwarded(struct load_phone *phone, const struct sip_message *request)
{
	struct load_tally *tally = &phone->load->tally;
	char buf[512];
	struct writer out = writer_of(buf, sizeof buf);
	struct sip_uri contact;

	load_put_contact(&out, phone);
	if (!sip_uri_parse(writer_text(&out), &contact) || !sip_uri_eq(&contact, &request->uri))
		load_tally_violation(tally, LOAD_OTHER_URI, request->uri_text);
	if (request->max_forwards < 0 || (request->max_forwards >= 70 && is_of_this_run(phone, request)))
		load_tally_violation(tally, LOAD_MAX_FORWARDS, request->method_name);
}

static void reply(struct load_phone *phone, const struct sip_message *request, const struct sip_reply *about,
		  struct now now)
{
	char buf[LOAD_TEXT_MAX], tag_buf[LOAD_ID_MAX];
	struct writer out = writer_of(buf, sizeof buf), tag = writer_of(tag_buf, sizeof tag_buf);
	struct sip_reply filled = *about;

	put_answering_tag(&tag, phone);
	filled.to_tag = writer_text(&tag);
	put_reply(&out, request, &filled);
	load_phone_send(phone, &out, now);
	if (about->status >= 200 && phone->wire.state == LOAD_WIRE_OPEN)
		load_datagram_answer(phone, request, writer_text(&out), now);
}

static void put_dialog_headers(struct writer *out, const struct load_phone *phone,
			       const struct sip_message *request)
{
	const struct sip_header *it = sip_message_header(request, SIP_RECORD_ROUTE);

	for (; it; it = sip_message_next(request, it))
		put_header(out, SIP_RECORD_ROUTE, it->value);
	put(out, SLICE("Contact: <"));
	load_put_contact(out, phone);
	put(out, SLICE(">\r\n"));
}

/* False: its names are longer than any should be. */
static bool note_called(struct load_called *called, const struct sip_message *request)
{
	struct writer id = writer_of(called->call_id, sizeof called->call_id);
	struct writer tag = writer_of(called->tag, sizeof called->tag);

	put(&id, request->call_id);
	put(&tag, request->from.tag);
	called->n_call_id = id.len;
	called->n_tag = tag.len;
	called->cseq = request->cseq.number;
	called->is_confirmed = false;
	return !id.overflow && !tag.overflow;
}

/* Rings and answers at once; the answer is the offer with the directions and codecs that it has. */
static void answer_invite(struct load_phone *phone, const struct sip_message *request, struct now now)
{
	char buf[LOAD_TEXT_MAX / 2];
	struct writer headers = writer_of(buf, sizeof buf);

	if (!note_called(&phone->called, request)) {
		load_tally_violation(&phone->load->tally, LOAD_STRAY_REQUEST, request->call_id);
		return;
	}
	put_dialog_headers(&headers, phone, request);
	reply(phone, request, &(struct sip_reply){ .status = 180, .headers = writer_text(&headers) }, now);
	put(&headers, SLICE("Content-Type: application/sdp\r\n"));
	reply(phone, request,
	      &(struct sip_reply){ .status = 200, .headers = writer_text(&headers), .body = request->body },
	      now);
}

static void take_ack(struct load_phone *phone, const struct sip_message *request)
{
	if (!is_called_in(phone, request)) {
		load_tally_violation(&phone->load->tally, LOAD_STRAY_REQUEST, SLICE("ACK"));
		return;
	}
	phone->called.is_confirmed |= request->cseq.number == phone->called.cseq; /* RFC 3261 §13.2.2.4 */
	load_datagram_confirmed(phone);
}

/* Over UDP an ACK may be lost, and a BYE may overtake it. */
static void answer_bye(struct load_phone *phone, const struct sip_message *request, struct now now)
{
	bool is_ours = is_called_in(phone, request);

	if (!is_ours)
		load_tally_violation(&phone->load->tally, LOAD_STRAY_REQUEST, SLICE("BYE"));
	else if (!phone->called.is_confirmed && !phone->datagrams)
		load_tally_violation(&phone->load->tally, LOAD_NO_ACK, request->call_id);
	if (is_ours)
		phone->called.n_call_id = 0;
	load_datagram_confirmed(phone);
	reply(phone, request, &(struct sip_reply){ .status = is_ours ? 200 : 481 }, now);
}

void load_answer(struct load_phone *phone, const struct sip_message *request, struct now now)
{
	if (load_datagram_is_old_request(phone, request))
		return;
	switch (request->method) {
	case SIP_INVITE:
		check_forwarded(phone, request);
		answer_invite(phone, request, now);
		return;
	case SIP_ACK:
		check_forwarded(phone, request);
		take_ack(phone, request);
		return;
	case SIP_BYE:
		check_forwarded(phone, request);
		answer_bye(phone, request, now);
		return;
	case SIP_MESSAGE:
		check_forwarded(phone, request);
		if (!slice_eq(request->body, load_body))
			load_tally_violation(&phone->load->tally, LOAD_OTHER_BODY, request->body);
		reply(phone, request, &(struct sip_reply){ .status = 200 }, now);
		return;
	case SIP_OPTIONS: /* the server looks whether we are alive */
		reply(phone, request, &(struct sip_reply){ .status = 200 }, now);
		return;
	default: reply(phone, request, &(struct sip_reply){ .status = 501 }, now); return;
	}
}
