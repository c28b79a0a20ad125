#include "base/mem.h"
#include "base/scan.h"
#include "sealine/load_run.h"
#include "sip/build.h"
#include "sip/fields.h"
#include "sip/info.h"
#include "tsx/tsx.h"

static const struct load_mode *mode_of(const struct load_phone *phone)
{
	return phone->load->options->mode;
}

/* ---- states ---- */

/* The only place where the state and what is counted of it change. */
static void enter(struct load_phone *phone, enum load_state state, ms_t until)
{
	struct load *load = phone->load;

	list_remove(&load->ready, &phone->link);
	load->n_busy -= phone->state == LOAD_BUSY;
	load->n_leaving -= phone->state == LOAD_LEAVING;
	phone->state = state;
	phone->until = until;
	load->n_busy += state == LOAD_BUSY;
	load->n_leaving += state == LOAD_LEAVING;
	if (state == LOAD_READY)
		list_append(&load->ready, &phone->link);
}

/*
 * When what begins now has failed. Over UDP that is for the transaction to say (RFC 3261 §17, timers B and F); and a phone in a storm
 * has the patience of one.
 */
static ms_t due(const struct load_phone *phone, struct now now)
{
	bool is_patient = phone->datagrams || mode_of(phone)->at_once;

	return now.mono + (is_patient ? (ms_t)64 * T1 : LOAD_ANSWER_MS);
}

static void note_tried(struct load_phone *phone)
{
	phone->load->n_tried += !phone->was_tried;
	phone->was_tried = true;
}

/* Connected, and registered if it has to be. */
static void settle(struct load_phone *phone)
{
	const struct load_mode *mode = mode_of(phone);
	bool is_called = mode->in_pairs && phone->number % 2;
	bool only_holds = mode->method == SIP_METHOD_OTHER || mode->at_once;

	note_tried(phone);
	enter(phone, is_called || only_holds ? LOAD_ANSWERING : LOAD_READY, 0);
}

static void hang_up(struct load_phone *phone)
{
	load_wire_close(&phone->wire);
	phone->exchange.is_open = false;
	phone->is_registered = false;
	phone->called.n_call_id = 0;
	load_datagram_forget(phone);
}

/* A phone in a storm does not give up; how long it was told to wait, or a second, and a part of one of its own. */
static void rest(struct load_phone *phone, ms_t pause, struct now now)
{
	ms_t own = mode_of(phone)->at_once ? phone->number * 7919 % LOAD_PAUSE_MS : 0;

	enter(phone, LOAD_RESTING, now.mono + (pause ? pause : LOAD_PAUSE_MS) + own);
}

/* When all is measured; a binding that is there still stays. */
static void go(struct load_phone *phone)
{
	phone->load->n_left += phone->is_registered;
	hang_up(phone);
	enter(phone, LOAD_OFF, 0);
}

static void fail(struct load_phone *phone, enum load_failure failure, struct slice about, ms_t pause,
		 struct now now)
{
	struct load_tally *tally = &phone->load->tally;

	if (phone->load->phase == LOAD_CLEANING) {
		go(phone);
		return;
	}
	if (mode_of(phone)->at_once && phone->state == LOAD_BUSY)
		load_tally_retry(tally, failure, about);
	else
		load_tally_failure(tally, failure, about);
	if (failure != LOAD_REFUSED || mode_of(phone)->connects)
		hang_up(phone);
	note_tried(phone);
	rest(phone, pause, now);
}

void load_phone_fail(struct load_phone *phone, enum load_failure failure, struct slice about, struct now now)
{
	fail(phone, failure, about, 0, now);
}

static void done(struct load_phone *phone)
{
	struct load *load = phone->load;

	if (!phone->is_in) { /* a storm's phone that was in, lost its connection and came back is not another one */
		load->tally.done++;
		if (phone->exchange.method != SIP_BYE)
			load_tally_time(&load->tally, load_clock() - phone->begun);
	}
	phone->is_in = mode_of(phone)->at_once;
	if (mode_of(phone)->connects && !mode_of(phone)->at_once) {
		hang_up(phone);
		enter(phone, LOAD_READY, 0);
		return;
	}
	settle(phone);
}

/* ---- beginning ---- */

static void connect_wire(struct load_phone *phone, struct now now)
{
	enum err err = load_wire_connect(&phone->wire, &phone->load->target, phone);

	if (err != OK)
		load_phone_fail(phone, LOAD_CONNECT, load_wire_reason(err), now);
}

/* There is a connection: what it was opened for. */
static void go_on(struct load_phone *phone, struct now now)
{
	const struct load_mode *mode = mode_of(phone);

	phone->exchange.rounds = 0;
	if (phone->state == LOAD_BUSY)
		load_send_request(phone, mode->method, now);
	else if (mode->registers && !phone->is_registered)
		load_send_request(phone, SIP_REGISTER, now);
	else
		settle(phone);
}

void load_phones_make_ready(struct load *load)
{
	for (size_t i = 0; i < load->n_phones; i++)
		enter(&load->phones[i], LOAD_READY, 0);
}

void load_phone_open(struct load_phone *phone, struct now now)
{
	enter(phone, LOAD_OPENING, due(phone, now));
	if (phone->wire.state == LOAD_WIRE_OPEN)
		go_on(phone, now);
	else
		connect_wire(phone, now);
}

void load_phone_begin(struct load_phone *phone, struct now now)
{
	const struct load_mode *mode = mode_of(phone);

	enter(phone, LOAD_BUSY, due(phone, now));
	phone->begun = load_clock();
	if (mode->method != SIP_REGISTER || phone->load->options->new_call_id)
		phone->call++;
	if (phone->load->options->challenged || mode->connects)
		for (int side = 0; side < AUTH_SIDES; side++)
			phone->auth.spaces[side].is_set = false;
	if (mode->connects)
		connect_wire(phone, now);
	else
		go_on(phone, now);
}

/* After a rest; a storm's operation goes on. */
static void try_again(struct load_phone *phone, struct now now)
{
	if (mode_of(phone)->at_once) {
		enter(phone, LOAD_BUSY, due(phone, now));
		connect_wire(phone, now);
	} else if (mode_of(phone)->connects) {
		enter(phone, LOAD_READY, 0);
	} else {
		load_phone_open(phone, now);
	}
}

static bool has_to_renew(const struct load_phone *phone, struct now now)
{
	bool is_free = phone->state == LOAD_READY || phone->state == LOAD_ANSWERING;

	return is_free && phone->is_registered && mode_of(phone)->registers && now.mono >= phone->renews &&
	       phone->load->phase < LOAD_CLEANING;
}

/* ---- leaving ---- */

static void take_back(struct load_phone *phone, struct now now)
{
	phone->exchange.rounds = 0;
	phone->exchange.removes = true;
	load_send_request(phone, SIP_REGISTER, now);
}

/* Who has just begun to register waits for what becomes of it (RFC 3261 §10.2), and takes it back then. */
void load_phone_leave(struct load_phone *phone, struct now now)
{
	bool is_open = phone->wire.state == LOAD_WIRE_OPEN;
	bool registers = is_open && phone->exchange.is_open && phone->exchange.method == SIP_REGISTER;

	if (!registers && !(is_open && phone->is_registered)) {
		go(phone);
		return;
	}
	enter(phone, LOAD_LEAVING, now.mono + LOAD_LEAVE_MS);
	if (!registers)
		take_back(phone, now);
}

void load_phone_look(struct load_phone *phone, struct now now)
{
	if (has_to_renew(phone, now)) {
		phone->is_registered = false;
		load_phone_open(phone, now);
		return;
	}
	if (!phone->until || now.mono < phone->until)
		return;
	if (phone->state == LOAD_RESTING) {
		phone->until = 0;
		if (phone->load->phase < LOAD_DRAINING)
			try_again(phone, now);
		return;
	}
	load_phone_fail(
		phone, LOAD_TIMEOUT,
		phone->exchange.is_open ? sip_method_name(phone->exchange.method) : SLICE("connecting"), now);
}

void load_phone_fini(struct load_phone *phone)
{
	hang_up(phone);
	list_remove(&phone->load->ready, &phone->link);
	load_datagrams_free(phone->datagrams);
	mem_free(phone->dialog);
}

/* ---- responses ---- */

static bool is_expected(const struct load_phone *phone, const struct sip_message *response)
{
	char buf[LOAD_ID_MAX];
	struct writer branch = writer_of(buf, sizeof buf);

	load_put_branch(&branch, phone, phone->exchange.cseq);
	return phone->exchange.is_open && response->method == phone->exchange.method &&
	       slice_eq(response->via.branch, writer_text(&branch));
}

static void call_answered(struct load_phone *phone, const struct sip_message *response, struct now now)
{
	load_tally_time(&phone->load->tally, load_clock() - phone->begun);
	if (!load_dialog_begin(phone, response)) {
		load_tally_violation(&phone->load->tally, LOAD_MALFORMED,
				     SLICE("200 without a Contact of use"));
		load_phone_fail(phone, LOAD_LOST, SLICE("a dialog that cannot be ended"), now);
		return;
	}
	load_send_ack(phone, response, now);
	phone->exchange.rounds = 0;
	if (phone->state == LOAD_BUSY)
		load_send_request(phone, SIP_BYE, now);
}

static void registered(struct load_phone *phone, const struct sip_message *response, struct now now)
{
	if (phone->exchange.removes) {
		phone->is_registered = load_lists_binding(phone, response);
		return;
	}
	phone->is_registered = true;
	/* a tenth of the time is left for an answer */
	phone->renews = now.mono + (ms_t)load_check_binding(phone, response) * 900;
}

static void succeed(struct load_phone *phone, const struct sip_message *response, struct now now)
{
	if (phone->exchange.method == SIP_INVITE) {
		call_answered(phone, response, now);
		return;
	}
	if (phone->exchange.method == SIP_REGISTER)
		registered(phone, response, now);
	if (phone->state == LOAD_LEAVING && !phone->exchange.removes)
		take_back(phone, now);
	else if (phone->state == LOAD_LEAVING)
		go(phone);
	else if (phone->state == LOAD_BUSY)
		done(phone);
	else
		settle(phone);
}

static void put_refusal(struct writer *out, const struct load_phone *phone,
			const struct sip_message *response, struct slice why)
{
	put_number(out, response->status);
	put_char(out, ' ');
	put(out, slice_sub(response->reason, 0, 100));
	put(out, SLICE(" to "));
	put(out, sip_method_name(phone->exchange.method));
	put(out, why.len > 0 ? SLICE(", ") : SLICE(""));
	put(out, why);
}

/* What a server says of its reasons (RFC 3261 §20.43). */
static struct slice warning_of(const struct sip_message *response)
{
	struct sip_values it = sip_values_of(response, SIP_WARNING);
	struct sip_warning warning;
	struct slice value;

	if (!sip_values_next(&it, &value) || !sip_warning_parse(value, &warning))
		return slice_of(NULL);
	return slice_sub(warning.text, 0, 150);
}

static void refuse(struct load_phone *phone, const struct sip_message *response, struct slice why,
		   struct now now)
{
	struct slice value = sip_message_value(response, SIP_RETRY_AFTER);
	char buf[TALLY_TEXT_MAX];
	struct writer about = writer_of(buf, sizeof buf);
	uint32_t seconds;

	put_refusal(&about, phone, response, why);
	if (!value.ptr || !sip_retry_after_parse(value, &seconds))
		seconds = 0;
	fail(phone, LOAD_REFUSED, writer_text(&about), (ms_t)seconds * 1000, now);
}

static void challenged(struct load_phone *phone, const struct sip_message *response, struct now now)
{
	enum auth_choice choice = auth_client_challenge(&phone->auth, response, phone->exchange.rounds);

	if (choice != AUTH_ANSWER) {
		refuse(phone, response, slice_of(auth_choice_text(choice)), now);
		return;
	}
	phone->exchange.rounds++;
	load_send_request(phone, phone->exchange.method, now);
}

static void take_response(struct load_phone *phone, const struct sip_message *response, struct now now)
{
	struct load_exchange *exchange = &phone->exchange;

	if (!is_expected(phone, response)) {
		if (load_datagram_is_old_response(phone, response))
			return;
		load_tally_violation(&phone->load->tally, LOAD_STRAY_RESPONSE, response->call_id);
		return;
	}
	load_check_response(phone, response);
	exchange->is_open = response->status < 200;
	load_datagram_response(phone, response->status, now);
	if (exchange->is_open)
		return;
	if (exchange->method == SIP_INVITE && response->status >= 300)
		load_send_ack(phone, response, now);
	if (auth_client_confirm(&phone->auth, &exchange->sent, response) == AUTH_PROOF_WRONG)
		load_tally_violation(&phone->load->tally, LOAD_FALSE_PROOF, phone->account->user);
	if (response->status < 300)
		succeed(phone, response, now);
	else if (response->status == 401 || response->status == 407)
		challenged(phone, response, now);
	else
		refuse(phone, response, warning_of(response), now);
}

/* ---- bytes ---- */

static void take_message(struct load_phone *phone, struct slice bytes, struct now now)
{
	AUTO(sip_message) struct sip_message *message = NULL;
	struct load_tally *tally = &phone->load->tally;
	struct sip_fault fault;
	enum err err = sip_message_parse(bytes, &sip_limits_default, &message, &fault);

	if (err == ERR_NOMEM)
		load_phone_fail(phone, LOAD_LOST, load_wire_reason(err), now);
	else if (err != OK)
		load_tally_violation(tally, LOAD_NOT_SIP, slice_sub(bytes, 0, 100));
	else if (message->fault.status)
		load_tally_violation(tally, LOAD_MALFORMED, slice_of(message->fault.what));
	else if (message->kind == SIP_REQUEST)
		load_answer(phone, message, now);
	else
		take_response(phone, message, now);
}

/* A message each (RFC 3261 §18.3); nothing but ends of lines is there to keep a way open. */
static void take_datagram(struct load_phone *phone, struct slice bytes, struct now now)
{
	if (slice_trim(bytes).len > 0)
		take_message(phone, bytes, now);
}

/* False: the connection is gone, or another one. */
static bool take_frames(struct load_phone *phone, struct slice *bytes, struct now now)
{
	struct sip_frame frame;
	enum err err = OK;

	while (bytes->len > 0) {
		err = sip_frame(&phone->wire.framer, *bytes, &sip_limits_default, &frame);
		if (err != OK)
			break;
		phone->wire.framer = (struct sip_framer){ .need = 0 };
		*bytes = slice_sub(*bytes, frame.bytes.len, bytes->len);
		if (frame.kind == SIP_FRAME_MESSAGE)
			take_message(phone, frame.bytes, now);
		if (phone->wire.state != LOAD_WIRE_OPEN)
			return false;
	}
	if (err == OK || err == ERR_MORE)
		return true;
	load_tally_violation(&phone->load->tally, LOAD_NOT_SIP,
			     frame.fault.what ? slice_of(frame.fault.what) : slice_sub(*bytes, 0, 100));
	load_phone_fail(phone, LOAD_LOST, SLICE("what follows cannot be understood"), now);
	return false;
}

static void hear(struct load_phone *phone, struct now now)
{
	bool more = true;

	while (more) {
		struct slice bytes;
		enum err err = load_wire_read(&phone->wire, phone->load->buf, LOAD_BUFFER_SIZE, &bytes,
					      &more);

		if (err == ERR_AGAIN)
			return;
		if (err == OK && phone->wire.is_datagram) {
			take_datagram(phone, bytes, now);
			return;
		}
		if (err == OK && !take_frames(phone, &bytes, now))
			return;
		if (err == OK)
			err = load_wire_keep(&phone->wire, bytes);
		if (err != OK) {
			load_phone_fail(phone, LOAD_LOST, load_wire_reason(err), now);
			return;
		}
	}
}

void load_phone_send(struct load_phone *phone, const struct writer *message, struct now now)
{
	enum err err = ERR_LIMIT;

	if (phone->wire.state != LOAD_WIRE_OPEN)
		return; /* that is counted already */
	if (!message->overflow)
		err = load_wire_send(&phone->wire, writer_text(message));
	if (err == ERR_AGAIN) {
		phone->load->tally.unsent++; /* as good as lost on its way */
		return;
	}
	if (err != OK)
		load_phone_fail(phone, LOAD_LOST, load_wire_reason(err), now);
}

static void proceed(struct load_phone *phone, struct now now)
{
	bool was_connecting = phone->wire.state == LOAD_WIRE_CONNECTING;
	char buf[TALLY_TEXT_MAX];
	struct writer why = writer_of(buf, sizeof buf);
	enum err err = load_wire_proceed(&phone->wire, &phone->load->target, now, &why);

	if (err == OK) {
		phone->load->tally.resumed += load_wire_is_resumed(&phone->wire);
		go_on(phone, now);
	} else if (err != ERR_AGAIN) {
		load_phone_fail(phone,
				was_connecting && phone->wire.state == LOAD_WIRE_CONNECTING ? LOAD_CONNECT
											    : LOAD_HANDSHAKE,
				writer_text(&why), now);
	}
}

void load_phone_event(struct load_phone *phone, unsigned ready, struct now now)
{
	if (phone->wire.state != LOAD_WIRE_OPEN) {
		proceed(phone, now);
		return;
	}
	if (ready & NET_WRITABLE) {
		enum err err = load_wire_flush(&phone->wire);

		if (err != OK) {
			load_phone_fail(phone, LOAD_LOST, load_wire_reason(err), now);
			return;
		}
	}
	if (ready & NET_READABLE)
		hear(phone, now);
	if (ready & NET_DEADLINE)
		load_datagram_look(phone, now);
}
