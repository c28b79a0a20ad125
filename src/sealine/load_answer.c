#include <string.h>

#include "sealine/load_run.h"
#include "sip/build.h"

static bool is_called_in(const struct load_phone *phone, const struct sip_message *request)
{
	return phone->n_called > 0 && slice_eq(slice_from(phone->called, phone->n_called), request->call_id);
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
	if (request->max_forwards < 0 || request->max_forwards >= 70)
		load_tally_violation(tally, LOAD_MAX_FORWARDS, request->method_name);
}

static void reply(struct load_phone *phone, const struct sip_message *request, const struct sip_reply *about,
		  struct now now)
{
	char buf[LOAD_TEXT_MAX], tag_buf[LOAD_ID_MAX];
	struct writer out = writer_of(buf, sizeof buf), tag = writer_of(tag_buf, sizeof tag_buf);
	struct sip_reply filled = *about;

	put(&tag, SLICE("a-"));
	load_put_tag(&tag, phone);
	filled.to_tag = writer_text(&tag);
	put_reply(&out, request, &filled);
	load_phone_send(phone, &out, now);
	if (about->status >= 200)
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

/* Rings and answers at once; the answer is the offer with the directions and codecs that it has. */
static void answer_invite(struct load_phone *phone, const struct sip_message *request, struct now now)
{
	char buf[LOAD_TEXT_MAX / 2];
	struct writer headers = writer_of(buf, sizeof buf);

	if (request->call_id.len > sizeof phone->called) {
		load_tally_violation(&phone->load->tally, LOAD_STRAY_REQUEST, request->call_id);
		return;
	}
	memcpy(phone->called, request->call_id.ptr, request->call_id.len);
	phone->n_called = request->call_id.len;
	put_dialog_headers(&headers, phone, request);
	reply(phone, request, &(struct sip_reply){ .status = 180, .headers = writer_text(&headers) }, now);
	put(&headers, SLICE("Content-Type: application/sdp\r\n"));
	reply(phone, request,
	      &(struct sip_reply){ .status = 200, .headers = writer_text(&headers), .body = request->body },
	      now);
}

static void answer_bye(struct load_phone *phone, const struct sip_message *request, struct now now)
{
	bool is_ours = is_called_in(phone, request);

	if (!is_ours)
		load_tally_violation(&phone->load->tally, LOAD_STRAY_REQUEST, SLICE("BYE"));
	phone->n_called = 0;
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
		if (!is_called_in(phone, request))
			load_tally_violation(&phone->load->tally, LOAD_STRAY_REQUEST, SLICE("ACK"));
		load_datagram_confirmed(phone);
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
