#include "base/writer.h"
#include "sealine/load_run.h"
#include "sip/build.h"
#include "sip/uri.h"

const struct slice load_body = SLICE_INIT("The quick brown fox jumps over the lazy dog.");

static const struct slice description = SLICE_INIT("v=0\r\n"
						   "o=- 1 1 IN IP4 127.0.0.1\r\n"
						   "s=-\r\n"
						   "c=IN IP4 127.0.0.1\r\n"
						   "t=0 0\r\n"
						   "m=audio 40000 RTP/AVP 0\r\n"
						   "a=sendrecv\r\n");

static void put_id(struct writer *out, const struct load_phone *phone, uint32_t number)
{
	put(out, slice_of(phone->load->id));
	put_char(out, '-');
	put_number(out, phone->number);
	put_char(out, '-');
	put_number(out, number);
}

void load_put_branch(struct writer *out, const struct load_phone *phone, uint32_t cseq)
{
	put(out, SLICE("z9hG4bK"));
	put_id(out, phone, cseq);
}

void load_put_call_id(struct writer *out, const struct load_phone *phone)
{
	put_id(out, phone, phone->call);
}

void load_put_tag(struct writer *out, const struct load_phone *phone)
{
	put_id(out, phone, phone->call);
}

static void put_scheme(struct writer *out, const struct load_phone *phone)
{
	put(out, phone->account->sips ? SLICE("sips:") : SLICE("sip:"));
}

void load_put_contact(struct writer *out, const struct load_phone *phone)
{
	put_scheme(out, phone);
	put(out, phone->account->user);
	put_char(out, '@');
	put_address(out, &phone->wire.local);
	if (!phone->account->sips && phone->load->options->transport == TRANSPORT_TCP)
		put(out, SLICE(";transport=tcp"));
}

static void put_account(struct writer *out, const struct load_phone *phone,
			const struct load_account *account)
{
	put_scheme(out, phone);
	put(out, account->user);
	put_char(out, '@');
	put(out, account->domain);
}

void load_put_from(struct writer *out, const struct load_phone *phone)
{
	put_account(out, phone, phone->account);
}

/* Whom a request is for: the user behind us, ourselves, or the server. */
static void put_uri(struct writer *out, const struct load_phone *phone, enum sip_method method)
{
	if (phone->load->options->mode->in_pairs && method != SIP_REGISTER) {
		put_account(out, phone, phone->account + 1);
	} else {
		put_scheme(out, phone);
		put(out, phone->account->domain);
	}
}

void load_put_to(struct writer *out, const struct load_phone *phone, enum sip_method method)
{
	if (method == SIP_REGISTER)
		put_account(out, phone, phone->account);
	else
		put_uri(out, phone, method);
}

/* What differs between requests in a dialog and out of one. */
struct parts {
	enum sip_method method;
	struct slice uri, routes; /* routes: whole lines */
	struct slice to;          /* empty: the Request-URI, or for REGISTER ourselves */
	bool has_own_branch;      /* the ACK to a 2xx is a transaction of its own (RFC 3261 §13.2.2.4) */
};

static void put_via(struct writer *out, const struct load_phone *phone, bool has_own_branch)
{
	put(out, SLICE("Via: SIP/2.0/"));
	put(out, transport_name(phone->load->options->transport));
	put_char(out, ' ');
	put_address(out, &phone->wire.local);
	put(out, SLICE(";branch="));
	load_put_branch(out, phone, phone->exchange.cseq);
	if (has_own_branch)
		put(out, SLICE("-ack"));
	put(out, SLICE(";rport\r\nMax-Forwards: 70\r\n"));
}

static void put_to(struct writer *out, const struct load_phone *phone, const struct parts *parts)
{
	put(out, SLICE("To: "));
	if (parts->to.len > 0) {
		put(out, parts->to);
	} else {
		put_char(out, '<');
		load_put_to(out, phone, parts->method);
		put_char(out, '>');
	}
	put(out, SLICE("\r\n"));
}

/* From the start line to CSeq. */
static void put_common(struct writer *out, const struct load_phone *phone, const struct parts *parts)
{
	put_request_line(out, sip_method_name(parts->method), parts->uri);
	put_via(out, phone, parts->has_own_branch);
	put(out, parts->routes);
	put(out, SLICE("From: <"));
	load_put_from(out, phone);
	put(out, SLICE(">;tag="));
	load_put_tag(out, phone);
	put(out, SLICE("\r\n"));
	put_to(out, phone, parts);
	put(out, SLICE("Call-ID: "));
	load_put_call_id(out, phone);
	put(out, SLICE("\r\nCSeq: "));
	put_number(out, phone->exchange.cseq);
	put_char(out, ' ');
	put(out, sip_method_name(parts->method));
	put(out, SLICE("\r\n"));
}

static void put_contact_line(struct writer *out, const struct load_phone *phone)
{
	put(out, SLICE("Contact: <"));
	load_put_contact(out, phone);
	put(out, SLICE(">\r\n"));
}

static struct slice body_of(enum sip_method method)
{
	switch (method) {
	case SIP_INVITE: return description;
	case SIP_MESSAGE: return load_body;
	default: return SLICE("");
	}
}

/* What only some methods have. */
static void put_rest(struct writer *out, const struct load_phone *phone, enum sip_method method)
{
	switch (method) {
	case SIP_REGISTER:
		put_contact_line(out, phone);
		put(out, SLICE("Expires: "));
		put_number(out, phone->exchange.removes ? 0 : LOAD_EXPIRES); /* RFC 3261 §10.2.2 */
		put(out, SLICE("\r\n"));
		break;
	case SIP_INVITE:
		put_contact_line(out, phone);
		put(out, SLICE("Content-Type: application/sdp\r\n"));
		break;
	case SIP_MESSAGE: put(out, SLICE("Content-Type: text/plain\r\n")); break;
	default: break;
	}
	put_body(out, body_of(method));
}

static struct parts parts_of_dialog(const struct load_dialog *dialog, enum sip_method method)
{
	return (struct parts){
		.method = method,
		.uri = slice_from(dialog->uri, dialog->n_uri),
		.routes = slice_from(dialog->routes, dialog->n_routes),
		.to = slice_from(dialog->to, dialog->n_to),
	};
}

static struct parts parts_out_of_dialog(const struct load_phone *phone, enum sip_method method,
					struct writer *uri)
{
	put_uri(uri, phone, method);
	return (struct parts){ .method = method, .uri = writer_text(uri) };
}

static bool copy(char *to, size_t size, size_t *ret_n, struct slice text)
{
	struct writer out = writer_of(to, size);

	put(&out, text);
	*ret_n = out.len;
	return !out.overflow;
}

/* Those of an INVITE are kept for its ACK. */
static bool put_credentials(struct writer *out, struct load_phone *phone, const struct auth_subject *subject)
{
	struct load_dialog *dialog = phone->dialog;
	size_t before = out->len;

	if (!put_authorization(out, &phone->auth, subject, &phone->exchange.sent))
		return false;
	return phone->exchange.method != SIP_INVITE ||
	       copy(dialog->credentials, sizeof dialog->credentials, &dialog->n_credentials,
		    slice_sub(writer_text(out), before, out->len - before));
}

void load_send_request(struct load_phone *phone, enum sip_method method, struct now now)
{
	char buf[LOAD_TEXT_MAX], uri_buf[512];
	struct writer out = writer_of(buf, sizeof buf), uri = writer_of(uri_buf, sizeof uri_buf);
	struct parts parts = method == SIP_BYE ? parts_of_dialog(phone->dialog, method)
					       : parts_out_of_dialog(phone, method, &uri);
	struct auth_subject subject = { .method = sip_method_name(method),
					.uri = parts.uri,
					.body = body_of(method) };

	phone->exchange.method = method;
	phone->exchange.cseq = ++phone->cseq;
	phone->exchange.is_open = true;
	put_common(&out, phone, &parts);
	if (!put_credentials(&out, phone, &subject) || uri.overflow)
		out.overflow = true;
	put_rest(&out, phone, method);
	load_phone_send(phone, &out, now);
	load_datagram_request(phone, writer_text(&out), now);
}

void load_send_ack(struct load_phone *phone, const struct sip_message *response, struct now now)
{
	char buf[LOAD_TEXT_MAX], uri_buf[512];
	struct writer out = writer_of(buf, sizeof buf), uri = writer_of(uri_buf, sizeof uri_buf);
	bool is_success = response->status < 300;
	struct parts parts;

	if (is_success) {
		parts = parts_of_dialog(phone->dialog, SIP_ACK);
		parts.has_own_branch = true;
	} else {
		parts = parts_out_of_dialog(phone, SIP_ACK, &uri); /* RFC 3261 §17.1.1.3 */
		parts.to = response->to.text;
	}
	put_common(&out, phone, &parts);
	if (is_success) /* RFC 3261 §13.2.2.4: "The ACK MUST contain the same credentials as the INVITE." */
		put(&out, slice_from(phone->dialog->credentials, phone->dialog->n_credentials));
	put_body(&out, SLICE(""));
	load_phone_send(phone, &out, now);
	load_datagram_ack(phone, response->status, writer_text(&out));
}

/* RFC 3261 §16.6: "The URI placed in the Record-Route header field value MUST contain an lr parameter." */
static bool is_strict(struct slice route)
{
	struct sip_address address;
	struct slice lr;

	return sip_address_parse(route, &address) && !sip_param_find(address.uri.params, SLICE("lr"), &lr);
}

static bool copy_request_uri(struct load_dialog *dialog, const struct sip_uri *uri)
{
	struct writer out = writer_of(dialog->uri, sizeof dialog->uri);

	put_request_uri(&out, uri);
	dialog->n_uri = out.len;
	return !out.overflow;
}

/* A strict router takes the Request-URI for itself, and finds the remote target behind the other routes (RFC 3261 §12.2.1.1). */
static bool begin_with_strict(struct load_dialog *dialog, struct slice route, struct writer *routes)
{
	struct sip_address address;

	put(routes, SLICE("Route: <"));
	put(routes, slice_from(dialog->uri, dialog->n_uri));
	put(routes, SLICE(">\r\n"));
	return sip_address_parse(route, &address) && copy_request_uri(dialog, &address.uri);
}

/* Record-Route turned round (RFC 3261 §12.1.2), behind the remote target. */
static bool take_routes(struct load_phone *phone, const struct sip_message *response)
{
	struct load_dialog *dialog = phone->dialog;
	struct sip_values it = sip_values_of(response, SIP_RECORD_ROUTE);
	struct writer out = writer_of(dialog->routes, sizeof dialog->routes);
	struct slice routes[8], value, strict = slice_of(NULL);
	size_t n = 0;

	while (sip_values_next(&it, &value)) {
		if (n == sizeof routes / sizeof routes[0])
			return false;
		routes[n++] = value;
		if (is_strict(value))
			strict = value;
	}
	if (strict.ptr)
		load_tally_violation(&phone->load->tally, LOAD_STRICT_ROUTE, strict);
	bool begins_strict = n > 0 && is_strict(routes[n - 1]);
	for (size_t i = begins_strict ? n - 1 : n; i > 0; i--)
		put_header(&out, SIP_ROUTE, routes[i - 1]);
	if (begins_strict && !begin_with_strict(dialog, routes[n - 1], &out))
		return false;
	dialog->n_routes = out.len;
	return !out.overflow;
}

bool load_dialog_begin(struct load_phone *phone, const struct sip_message *response)
{
	struct load_dialog *dialog = phone->dialog;
	struct sip_address contact;

	return sip_address_parse(sip_message_value(response, SIP_CONTACT), &contact) &&
	       copy_request_uri(dialog, &contact.uri) &&
	       copy(dialog->to, sizeof dialog->to, &dialog->n_to, response->to.text) &&
	       take_routes(phone, response);
}
