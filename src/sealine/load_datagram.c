#include "sealine/load_datagram.h"

#include <string.h>

#include "base/mem.h"
#include "sealine/load_run.h"
#include "tsx/tsx.h"

struct text {
	char *ptr;
	size_t len;
};

struct load_datagrams {
	struct tsx client;
	struct text request;
	struct {
		uint32_t cseq;
		enum sip_method method;
		unsigned status;
	} last; /* that had a final response, which may come again */
	struct {
		uint32_t cseq;
		struct text text;
	} acks[2]; /* to the last refusal of an INVITE; to the last 2xx */
	struct {
		struct text branch, response;
	} answered[2]; /* what is no INVITE; an INVITE */
	ms_t again, since,
		step; /* the 2xx to an INVITE: when it leaves again (0: never), and its first time */
};

static struct slice slice_of_text(const struct text *text)
{
	return slice_from(text->ptr, text->len);
}

static void forget(struct text *text)
{
	mem_free(text->ptr);
	*text = (struct text){ 0 };
}

/* Without memory it knows nothing. */
static void keep(struct text *text, struct slice from)
{
	forget(text);
	text->ptr = mem_alloc(from.len);
	if (!text->ptr)
		return;
	memcpy(text->ptr, from.ptr, from.len);
	text->len = from.len;
}

struct load_datagrams *load_datagrams_new(void)
{
	return mem_new(struct load_datagrams);
}

static void forget_all(struct load_datagrams *datagrams)
{
	forget(&datagrams->request);
	for (int i = 0; i < 2; i++) {
		forget(&datagrams->acks[i].text);
		forget(&datagrams->answered[i].branch);
		forget(&datagrams->answered[i].response);
	}
	*datagrams = (struct load_datagrams){ .again = 0 };
}

void load_datagrams_free(struct load_datagrams *datagrams)
{
	if (!datagrams)
		return;
	forget_all(datagrams);
	mem_free(datagrams);
}

void load_datagram_forget(struct load_phone *phone)
{
	if (phone->datagrams)
		forget_all(phone->datagrams);
}

static ms_t earlier(ms_t a, ms_t b)
{
	return !a || (b && b < a) ? b : a;
}

/* Has the phone looked at when the next of its timers is due. */
static void set_deadline(struct load_phone *phone)
{
	const struct load_datagrams *datagrams = phone->datagrams;
	ms_t due = phone->exchange.is_open ? tsx_due(&datagrams->client) : 0;

	if (phone->wire.state == LOAD_WIRE_OPEN)
		net_watch_deadline(phone->wire.watch, earlier(due, datagrams->again));
}

/* ---- sending again ---- */

static void send_again(struct load_phone *phone, const struct text *text)
{
	if (!text->ptr || phone->wire.state != LOAD_WIRE_OPEN)
		return;
	phone->load->tally.sent_again++;
	if (load_wire_send(&phone->wire, slice_of_text(text)) != OK)
		phone->load->tally.unsent++;
}

void load_datagram_request(struct load_phone *phone, struct slice text, struct now now)
{
	struct load_datagrams *datagrams = phone->datagrams;

	if (!datagrams || !phone->exchange.is_open)
		return;
	keep(&datagrams->request, text);
	tsx_init(&datagrams->client, phone->exchange.method == SIP_INVITE ? TSX_INVITE_CLIENT : TSX_CLIENT,
		 false, now.mono);
	set_deadline(phone);
}

void load_datagram_response(struct load_phone *phone, unsigned status, struct now now)
{
	if (!phone->datagrams)
		return;
	(void)tsx_step(&phone->datagrams->client, tsx_recv_event(status), now.mono);
	if (status >= 200) {
		phone->datagrams->last.cseq = phone->exchange.cseq;
		phone->datagrams->last.method = phone->exchange.method;
		phone->datagrams->last.status = status;
	}
	set_deadline(phone);
}

static void look_at_request(struct load_phone *phone, struct now now)
{
	struct load_datagrams *datagrams = phone->datagrams;
	enum tsx_event timer;

	while (phone->exchange.is_open &&
	       (timer = tsx_timer_due(&datagrams->client, now.mono)) != TSX_NO_EVENT) {
		unsigned actions = tsx_step(&datagrams->client, timer, now.mono);

		if (actions & TSX_RESEND)
			send_again(phone, &datagrams->request);
		if (actions & TSX_TELL_TIMEOUT)
			load_phone_fail(phone, LOAD_TIMEOUT, sip_method_name(phone->exchange.method), now);
	}
}

/* RFC 3261 §13.3.1.4: "an interval that starts at T1 seconds and doubles for each retransmission until it reaches T2" */
static void look_at_answer(struct load_phone *phone, struct now now)
{
	struct load_datagrams *datagrams = phone->datagrams;

	if (!datagrams->again || now.mono < datagrams->again)
		return;
	send_again(phone, &datagrams->answered[1].response);
	datagrams->step = 2 * datagrams->step < T2 ? 2 * datagrams->step : T2;
	datagrams->again = now.mono + datagrams->step;
	if (datagrams->again < datagrams->since + (ms_t)64 * T1)
		return;
	datagrams->again = 0;
	load_tally_failure(&phone->load->tally, LOAD_TIMEOUT, SLICE("ACK"));
}

void load_datagram_look(struct load_phone *phone, struct now now)
{
	if (!phone->datagrams)
		return;
	look_at_request(phone, now);
	look_at_answer(phone, now);
	set_deadline(phone);
}

/* ---- what came before ---- */

void load_datagram_ack(struct load_phone *phone, unsigned status, struct slice text)
{
	bool is_success = status < 300;

	if (!phone->datagrams)
		return;
	phone->datagrams->acks[is_success].cseq = phone->exchange.cseq;
	keep(&phone->datagrams->acks[is_success].text, text);
}

/*
 * A second final response (RFC 3261 §17.2.2: those "MUST be discarded"), but for the 2xx that a proxy passes on behind a refusal (§16.7);
 * and one that names another method than the request that its branch is of (§17.1.3).
 */
static bool is_another_response(const struct load_phone *phone, const struct sip_message *response)
{
	const struct load_datagrams *datagrams = phone->datagrams;
	bool is_late_success = response->method == SIP_INVITE && response->status < 300;

	if (phone->exchange.is_open && response->cseq.number == phone->exchange.cseq)
		return true;
	if (response->cseq.number != datagrams->last.cseq)
		return false;
	return response->method != datagrams->last.method ||
	       (response->status >= 200 && response->status != datagrams->last.status && !is_late_success);
}

/* RFC 3261 §17.1.1.2, §13.2.2.4: each final response to an INVITE gets its ACK, as often as it comes. */
bool load_datagram_is_old_response(struct load_phone *phone, const struct sip_message *response)
{
	const struct load_datagrams *datagrams = phone->datagrams;
	bool is_success = response->status < 300;
	char buf[LOAD_ID_MAX];
	struct writer branch = writer_of(buf, sizeof buf);

	load_put_branch(&branch, phone, response->cseq.number);
	if (!datagrams || response->cseq.number > phone->cseq ||
	    !slice_eq(response->via.branch, writer_text(&branch)) || is_another_response(phone, response))
		return false;
	phone->load->tally.came_again++;
	if (response->method == SIP_INVITE && response->status >= 200 &&
	    datagrams->acks[is_success].cseq == response->cseq.number)
		send_again(phone, &datagrams->acks[is_success].text);
	return true;
}

void load_datagram_answer(struct load_phone *phone, const struct sip_message *request, struct slice text,
			  struct now now)
{
	struct load_datagrams *datagrams = phone->datagrams;
	bool is_invite = request->method == SIP_INVITE;

	if (!datagrams)
		return;
	keep(&datagrams->answered[is_invite].branch, request->via.branch);
	keep(&datagrams->answered[is_invite].response, text);
	if (!is_invite)
		return;
	datagrams->since = now.mono;
	datagrams->step = T1;
	datagrams->again = now.mono + T1;
	set_deadline(phone);
}

void load_datagram_confirmed(struct load_phone *phone)
{
	if (!phone->datagrams)
		return;
	phone->datagrams->again = 0;
	set_deadline(phone);
}

/*
 * RFC 3261 §17.2.2; an INVITE that was accepted is only absorbed, since its 2xx is said again by itself (RFC 6026 §7.1). An ACK may
 * come as often as a 2xx left, and behind the BYE.
 */
bool load_datagram_is_old_request(struct load_phone *phone, const struct sip_message *request)
{
	const struct load_datagrams *datagrams = phone->datagrams;
	bool is_invite = request->method == SIP_INVITE;

	if (!datagrams)
		return false;
	if (request->method == SIP_ACK) {
		bool is_late = !datagrams->again;

		phone->load->tally.came_again += is_late;
		return is_late;
	}
	if (!datagrams->answered[is_invite].branch.ptr ||
	    !slice_eq(request->via.branch, slice_of_text(&datagrams->answered[is_invite].branch)))
		return false;
	phone->load->tally.came_again++;
	if (!is_invite)
		send_again(phone, &datagrams->answered[false].response);
	return true;
}
