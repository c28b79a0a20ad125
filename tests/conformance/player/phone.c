#include "phone.h"

#include <string.h>

#include "base/mem.h"
#include "sip/build.h"

static struct slice text_of(const struct text *text)
{
	return slice_from(text->bytes, text->len);
}

static bool keep(struct text *to, struct slice text)
{
	if (text.len > sizeof(to->bytes))
		return false;
	if (text.len)
		memmove(to->bytes, text.ptr, text.len);
	to->len = text.len;
	return true;
}

/* -- life ------------------------------------------------------------------------------------------------ */

void phone_init(struct phone *phone, struct slice name, unsigned number)
{
	*phone = (struct phone){ .name = name, .number = number };
	phone->account = slice_sub(name, 0, slice_find(name, '.'));
	phone->domain = SLICE(WORLD_DOMAIN);
}

void phone_know_account(struct phone *phone, struct crypto *crypto, struct random *random)
{
	phone->has_account = true;
	phone->auth = (struct auth_client){
		.crypto = crypto,
		.random = random,
		.login = { phone->account, SLICE(WORLD_DOMAIN), phone->account },
	};
}

void phone_disconnect(struct phone *phone)
{
	while (phone->n_inbox > 0)
		sip_message_free(phone->inbox[--phone->n_inbox]);
	phone->flow = phone->other_flow = 0;
}

void phone_fini(struct phone *phone)
{
	phone_disconnect(phone);
	while (phone->n_taken > 0)
		sip_message_free(phone->taken[--phone->n_taken]);
}

struct address phone_address(const struct phone *phone)
{
	return (struct address){
		.family = ADDRESS_V4,
		.port = 5061,
		.ip = { 192, 0, 2, (uint8_t)phone->number },
	};
}

/* -- what stands in its messages ------------------------------------------------------------------------- */

/* "with Body: what" is no header field. */
static bool is_body(const struct clause *clause)
{
	return slice_eq(clause->name, SLICE("Body"));
}

static const struct clause *find_clause(const struct pattern *pattern, struct slice name)
{
	for (size_t i = 0; i < pattern->n_clauses; i++)
		if (slice_eq_nocase(pattern->clauses[i].name, name))
			return &pattern->clauses[i];
	return NULL;
}

/* The header line, unless the scenario says something else of it. */
static void put_line(struct writer *out, const struct pattern *pattern, const char *name, struct slice value)
{
	if (find_clause(pattern, slice_of(name)))
		return;
	put(out, slice_of(name));
	put(out, SLICE(": "));
	put(out, value);
	put(out, SLICE("\r\n"));
}

/* "$path" is the one that it has got. */
static void put_given(struct writer *out, const struct phone *phone, const struct pattern *pattern)
{
	for (size_t i = 0; i < pattern->n_clauses; i++) {
		if (pattern->clauses[i].absent || is_body(&pattern->clauses[i]))
			continue;
		put(out, pattern->clauses[i].name);
		put(out, SLICE(": "));
		if (slice_eq(pattern->clauses[i].value, SLICE("$path")))
			put(out, text_of(&phone->path));
		else
			put(out, pattern->clauses[i].value);
		put(out, SLICE("\r\n"));
	}
}

static struct slice body_of(const struct pattern *pattern)
{
	const struct clause *body = find_clause(pattern, SLICE("Body"));

	return body ? body->value : SLICE("");
}

static void put_end(struct writer *out, const struct pattern *pattern)
{
	if (body_of(pattern).len > 0) {
		put_body(out, body_of(pattern));
		return;
	}
	put_line(out, pattern, "Content-Length", SLICE("0"));
	put(out, SLICE("\r\n"));
}

static void put_branch_via(struct writer *out, const struct phone *phone, const char *branch)
{
	struct address address = phone_address(phone);

	put(out, SLICE("SIP/2.0/"));
	put(out, transport_name(flow_transport(phone->flow)));
	put_char(out, ' ');
	put_address(out, &address);
	put(out, SLICE(";branch="));
	put(out, slice_of(branch));
}

static void new_branch(struct phone *phone, char branch[64])
{
	snprintf(branch, 64, "z9hG4bK-%.*s-%u", SLICE_FMT(phone->name), ++phone->n_branches);
}

static void put_contact(struct writer *out, const struct phone *phone, bool sips)
{
	struct address address = phone_address(phone);

	put(out, sips ? SLICE("<sips:") : SLICE("<sip:"));
	put(out, phone->account);
	put_char(out, '@');
	put_ip(out, &address);
	put_char(out, '>');
}

static void put_own_address(struct writer *out, const struct phone *phone, bool sips)
{
	put(out, sips ? SLICE("<sips:") : SLICE("<sip:"));
	put(out, phone->account);
	put_char(out, '@');
	put(out, phone->domain);
	put_char(out, '>');
}

static bool has_contact(struct slice method)
{
	enum sip_method id = sip_method_of(method);

	return id == SIP_INVITE || id == SIP_SUBSCRIBE || id == SIP_NOTIFY || id == SIP_REFER ||
	       id == SIP_UPDATE;
}

/* -- requests -------------------------------------------------------------------------------------------- */

/* From and To of a request that begins something; of REGISTER both are the account. */
static void put_new_parties(struct writer *out, const struct phone *phone,
			    const struct phone_request *request)
{
	bool sips = slice_starts(text_of(&request->uri), SLICE("sips:"));
	bool registers = slice_eq(request->pattern.method, SLICE("REGISTER"));
	char buf[512];
	struct writer value = writer_of(buf, sizeof(buf));

	put_own_address(&value, phone, sips);
	if (registers)
		put_line(out, &request->pattern, "To", writer_text(&value));
	put(&value, SLICE(";tag="));
	put(&value, phone->name);
	put_line(out, &request->pattern, "From", writer_text(&value));
	if (registers)
		return;
	value.len = 0;
	put_char(&value, '<');
	put(&value, text_of(&request->uri));
	put_char(&value, '>');
	put_line(out, &request->pattern, "To", writer_text(&value));
}

static void put_cseq(struct writer *out, const struct phone_request *request)
{
	char buf[64];
	struct writer value = writer_of(buf, sizeof(buf));

	put_number(&value, request->cseq);
	put_char(&value, ' ');
	put(&value, request->pattern.method);
	put_line(out, &request->pattern, "CSeq", writer_text(&value));
}

static void put_credentials(struct writer *out, struct phone *phone, const struct phone_request *request)
{
	struct auth_subject subject = { .method = request->pattern.method, .uri = text_of(&request->uri) };

	subject.body = body_of(&request->pattern);
	if (!phone->has_account || request->no_credentials || slice_eq(subject.method, SLICE("ACK")))
		return;
	if (!put_authorization(out, &phone->auth, &subject, NULL))
		out->overflow = true;
}

static void put_request(struct writer *out, struct phone *phone, const struct phone_request *request)
{
	char buf[512];
	struct writer value = writer_of(buf, sizeof(buf));
	bool sips = slice_starts(text_of(&request->uri), SLICE("sips:")) ||
		    (request->in_dialog && phone->dialog.sips);

	put_request_line(out, request->pattern.method, text_of(&request->uri));
	put_branch_via(&value, phone, request->branch);
	put_line(out, &request->pattern, "Via", writer_text(&value));
	put_line(out, &request->pattern, "Max-Forwards", SLICE("70"));
	if (request->in_dialog) {
		if (!find_clause(&request->pattern, SLICE("Route")))
			put(out, text_of(&phone->dialog.routes));
		put_line(out, &request->pattern, "From", text_of(&phone->dialog.local));
		put_line(out, &request->pattern, "To", text_of(&phone->dialog.remote));
	} else {
		put_new_parties(out, phone, request);
	}
	put_line(out, &request->pattern, "Call-ID", text_of(&request->call_id));
	put_cseq(out, request);
	value.len = 0;
	put_contact(&value, phone, sips);
	if (has_contact(request->pattern.method))
		put_line(out, &request->pattern, "Contact", writer_text(&value));
	put_given(out, phone, &request->pattern);
	put_credentials(out, phone, request);
	put_end(out, &request->pattern);
}

static bool send_request(struct phone *phone, struct world *world, struct phone_request *request)
{
	char buf[MESSAGE_MAX];
	struct writer out = writer_of(buf, sizeof(buf));

	put_request(&out, phone, request);
	if (out.overflow || !phone->flow || !keep(&request->sent, writer_text(&out)))
		return false;
	phone->last = *request;
	if (slice_eq(request->pattern.method, SLICE("INVITE")))
		phone->invite = *request;
	world_input(world, phone->flow, writer_text(&out));
	return true;
}

static bool begin_request(struct phone *phone, struct phone_request *request)
{
	char call_id[128];

	if (slice_eq(request->pattern.method, SLICE("REGISTER"))) {
		request->cseq = ++phone->register_cseq;
		snprintf(call_id, sizeof(call_id), "register-%.*s", SLICE_FMT(phone->name));
	} else {
		request->cseq = 1;
		snprintf(call_id, sizeof(call_id), "%.*s-%u", SLICE_FMT(phone->name), ++phone->n_calls);
	}
	return keep(&request->call_id, slice_of(call_id)) && keep(&request->uri, request->pattern.uri);
}

/* Without a URI: a request in the dialog. Its ACK has the number of its INVITE (RFC 3261 §13.2.2.4). */
static bool continue_dialog(struct phone *phone, struct phone_request *request)
{
	bool is_ack = slice_eq(request->pattern.method, SLICE("ACK"));

	if (phone->dialog.target.len == 0)
		return false;
	request->in_dialog = true;
	request->cseq = is_ack ? phone->dialog.invite_cseq : ++phone->dialog.cseq;
	request->call_id = phone->dialog.call_id;
	request->uri = phone->dialog.target;
	if (slice_eq(request->pattern.method, SLICE("INVITE")))
		phone->dialog.invite_cseq = request->cseq;
	return true;
}

static bool cancel(struct phone *phone, struct world *world, const struct pattern *pattern)
{
	struct phone_request request = phone->invite;

	if (request.sent.len == 0)
		return false;
	request.pattern = *pattern;
	request.no_credentials = true;
	return send_request(phone, world, &request);
}

bool phone_request(struct phone *phone, struct world *world, const struct pattern *pattern)
{
	struct phone_request request = { .pattern = *pattern, .no_credentials = pattern->no_credentials };

	if (slice_eq(pattern->method, SLICE("CANCEL")) && pattern->uri.len == 0)
		return cancel(phone, world, pattern);
	if (!(pattern->uri.len > 0 ? begin_request(phone, &request) : continue_dialog(phone, &request)))
		return false;
	new_branch(phone, request.branch);
	return send_request(phone, world, &request);
}

bool phone_register(struct phone *phone, struct world *world, struct slice contact)
{
	char buf[512];
	struct writer value = writer_of(buf, sizeof(buf));
	bool sips = slice_starts(contact, SLICE("sips:"));
	struct phone_request request = {
		.pattern = { .method = SLICE("REGISTER"),
			     .uri = sips ? SLICE("sips:" WORLD_DOMAIN) : SLICE("sip:" WORLD_DOMAIN) },
	};

	if (contact.len > 0) {
		put_char(&value, '<');
		put(&value, contact);
		put_char(&value, '>');
	} else {
		put_contact(&value, phone, false);
	}
	/* The text is used up by the time that this function returns. */
	request.pattern.clauses[request.pattern.n_clauses++] = (struct clause){
		.name = SLICE("Contact"), .value = writer_text(&value)
	};
	if (!begin_request(phone, &request))
		return false;
	new_branch(phone, request.branch);
	return send_request(phone, world, &request);
}

bool phone_repeat(struct phone *phone, struct world *world)
{
	struct text sent = phone->last.sent;

	if (sent.len == 0 || !phone->flow)
		return false;
	world_input(world, phone->flow, text_of(&sent));
	return true;
}

/* -- responses ------------------------------------------------------------------------------------------- */

static bool is_answerable(const struct sip_message *message, struct slice method)
{
	if (message->kind != SIP_REQUEST || message->method == SIP_ACK)
		return false;
	return method.len == 0 ? message->method != SIP_CANCEL : slice_eq(message->method_name, method);
}

/* The newest request of that method; of any but CANCEL if it is not said. NULL if there is none. */
static const struct sip_message *find_request(const struct phone *phone, struct slice method)
{
	for (size_t i = phone->n_taken; i-- > 0;)
		if (is_answerable(phone->taken[i], method))
			return phone->taken[i];
	return NULL;
}

static void put_copies(struct writer *out, const struct pattern *pattern, const struct sip_message *request,
		       enum sip_header_id id)
{
	if (find_clause(pattern, sip_header_name(id)))
		return;
	for (const struct sip_header *header = sip_message_header(request, id); header;
	     header = sip_message_next(request, header))
		put_header(out, id, header->value);
}

static void put_to(struct writer *out, const struct phone *phone, const struct pattern *pattern,
		   const struct sip_message *request)
{
	char buf[1024];
	struct writer value = writer_of(buf, sizeof(buf));

	put(&value, sip_message_value(request, SIP_TO));
	if (!request->to.tag.ptr && pattern->status > 100) {
		put(&value, SLICE(";tag="));
		put(&value, phone->name);
	}
	put_line(out, pattern, "To", writer_text(&value));
}

/* RFC 3261 §12.1.1: the side that was called. */
static bool enter_dialog_as_callee(struct phone *phone, const struct sip_message *request)
{
	struct phone_dialog *dialog = &phone->dialog;
	char buf[TEXT_MAX];
	struct writer out = writer_of(buf, sizeof(buf));
	struct sip_address contact;
	struct slice value;
	struct sip_values it = sip_values_of(request, SIP_RECORD_ROUTE);

	if (!sip_address_parse(sip_message_value(request, SIP_CONTACT), &contact))
		return false;
	while (sip_values_next(&it, &value))
		put_header(&out, SIP_ROUTE, value);
	if (!keep(&dialog->routes, writer_text(&out)) || !keep(&dialog->target, contact.uri.text) ||
	    !keep(&dialog->call_id, request->call_id) ||
	    !keep(&dialog->remote, sip_message_value(request, SIP_FROM)))
		return false;
	out.len = 0;
	put(&out, sip_message_value(request, SIP_TO));
	if (!request->to.tag.ptr) {
		put(&out, SLICE(";tag="));
		put(&out, phone->name);
	}
	dialog->cseq = 100;
	dialog->invite_cseq = request->cseq.number;
	dialog->sips = request->uri.scheme == SIP_SCHEME_SIPS;
	return keep(&dialog->local, writer_text(&out));
}

bool phone_respond(struct phone *phone, struct world *world, const struct pattern *pattern)
{
	const struct sip_message *request = find_request(phone, pattern->method);
	char buf[MESSAGE_MAX], contact[512];
	struct writer out = writer_of(buf, sizeof(buf)), value = writer_of(contact, sizeof(contact));
	bool establishes;

	if (!request || !phone->flow)
		return false;
	establishes = request->method == SIP_INVITE && pattern->status > 100 && pattern->status < 300;
	put_status_line(&out, pattern->status, slice_of(NULL));
	put_copies(&out, pattern, request, SIP_VIA);
	put_copies(&out, pattern, request, SIP_FROM);
	put_to(&out, phone, pattern, request);
	put_copies(&out, pattern, request, SIP_CALL_ID);
	put_copies(&out, pattern, request, SIP_CSEQ);
	put_copies(&out, pattern, request, SIP_RECORD_ROUTE);
	put_contact(&value, phone, request->uri.scheme == SIP_SCHEME_SIPS);
	if (establishes)
		put_line(&out, pattern, "Contact", writer_text(&value));
	put_given(&out, phone, pattern);
	put_end(&out, pattern);
	if (out.overflow || (establishes && !request->to.tag.ptr && !enter_dialog_as_callee(phone, request)))
		return false;
	world_input(world, phone->flow, writer_text(&out));
	return true;
}

/* -- what comes ------------------------------------------------------------------------------------------ */

/* RFC 3261 §12.1.2: the side that called. The route set is reversed. */
static void enter_dialog_as_caller(struct phone *phone, const struct sip_message *response)
{
	struct phone_dialog *dialog = &phone->dialog;
	struct slice routes[16], value;
	size_t n = 0;
	char buf[TEXT_MAX];
	struct writer out = writer_of(buf, sizeof(buf));
	struct sip_address contact;
	struct sip_values it = sip_values_of(response, SIP_RECORD_ROUTE);

	if (!sip_address_parse(sip_message_value(response, SIP_CONTACT), &contact))
		return;
	while (n < 16 && sip_values_next(&it, &value))
		routes[n++] = value;
	while (n > 0)
		put_header(&out, SIP_ROUTE, routes[--n]);
	if (!keep(&dialog->routes, writer_text(&out)) || !keep(&dialog->target, contact.uri.text) ||
	    !keep(&dialog->call_id, response->call_id) ||
	    !keep(&dialog->local, sip_message_value(response, SIP_FROM)) ||
	    !keep(&dialog->remote, sip_message_value(response, SIP_TO)))
		return;
	dialog->sips = slice_starts(text_of(&phone->invite.uri), SLICE("sips:"));
	dialog->cseq = dialog->invite_cseq = response->cseq.number;
}

/* RFC 3261 §17.1.1.3 */
static void acknowledge(struct phone *phone, struct world *world, const struct sip_message *response)
{
	struct sip_message *invite;
	struct sip_fault fault;
	char buf[MESSAGE_MAX];
	struct writer out = writer_of(buf, sizeof(buf));

	if (sip_message_parse(text_of(&phone->invite.sent), &sip_limits_default, &invite, &fault) != OK)
		return;
	put_request_line(&out, SLICE("ACK"), invite->uri_text);
	put_header(&out, SIP_VIA, sip_message_value(invite, SIP_VIA));
	put(&out, SLICE("Max-Forwards: 70\r\n"));
	put_header(&out, SIP_FROM, sip_message_value(invite, SIP_FROM));
	put_header(&out, SIP_TO, sip_message_value(response, SIP_TO));
	put_header(&out, SIP_CALL_ID, invite->call_id);
	put(&out, SLICE("CSeq: "));
	put_number(&out, invite->cseq.number);
	put(&out, SLICE(" ACK\r\n"));
	put_body(&out, SLICE(""));
	sip_message_free(invite);
	world_input(world, phone->flow, writer_text(&out));
}

/*
 * A challenge to its own account is answered, if the scenario did not forbid it and it is not refused again.
 */
static bool answer_challenge(struct phone *phone, struct world *world, const struct sip_message *response)
{
	struct phone_request request = phone->last;

	if ((response->status != 401 && response->status != 407) || !phone->has_account ||
	    request.no_credentials || !slice_eq(response->call_id, text_of(&request.call_id)) ||
	    response->cseq.number != request.cseq ||
	    auth_client_challenge(&phone->auth, response, request.rounds) != AUTH_ANSWER)
		return false;
	request.rounds++;
	request.cseq++;
	if (request.in_dialog)
		phone->dialog.cseq = request.cseq;
	if (slice_eq(request.pattern.method, SLICE("REGISTER")))
		phone->register_cseq = request.cseq;
	new_branch(phone, request.branch);
	return send_request(phone, world, &request);
}

static bool receive_response(struct phone *phone, struct world *world, const struct sip_message *response)
{
	if (response->cseq.method != SIP_INVITE)
		return answer_challenge(phone, world, response);
	if (response->status >= 300 && phone->flow)
		acknowledge(phone, world, response);
	if (answer_challenge(phone, world, response))
		return true;
	if (response->status > 100 && response->status < 300 && !phone->invite.in_dialog)
		enter_dialog_as_caller(phone, response);
	return false;
}

bool phone_receive(struct phone *phone, struct world *world, struct slice bytes)
{
	struct sip_message *message;
	struct sip_fault fault;

	if (sip_message_parse(bytes, &sip_limits_default, &message, &fault) != OK)
		return false; /* a pong */
	if (message->kind == SIP_RESPONSE && receive_response(phone, world, message)) {
		sip_message_free(message);
		return true;
	}
	if (message->kind == SIP_REQUEST && message->method == SIP_REGISTER &&
	    !keep(&phone->path, sip_message_value(message, SIP_PATH)))
		phone->path.len = 0;
	if (phone->n_inbox == INBOX_MAX)
		sip_message_free(message);
	else
		phone->inbox[phone->n_inbox++] = message;
	return false;
}

const struct sip_message *phone_take(struct phone *phone)
{
	struct sip_message *message = phone->n_inbox > 0 ? phone->inbox[0] : NULL;

	if (!message)
		return NULL;
	phone->n_inbox--;
	memmove(phone->inbox, phone->inbox + 1, phone->n_inbox * sizeof(phone->inbox[0]));
	if (phone->n_taken == TAKEN_MAX) {
		sip_message_free(phone->taken[0]);
		phone->n_taken--;
		memmove(phone->taken, phone->taken + 1, phone->n_taken * sizeof(phone->taken[0]));
	}
	phone->taken[phone->n_taken++] = message;
	return message;
}
