#include "ua/refer.h"

#include "base/mem.h"
#include "sip/fields.h"
#include "ua/call.h"

enum { LINES_MAX = 512, EXPIRES = 180, UNDECIDED_MS = 60000 };

/* -- NOTIFY ------------------------------------------------------------------------------------------ */

static void notify_response(struct exchange *exchange, const struct sip_message *response, struct now now)
{
	(void)exchange, (void)response, (void)now; /* who does not want to know it (481) has it his way */
}

static void notify_failed(struct exchange *exchange, enum ua_cause cause, struct slice why, struct now now)
{
	(void)exchange, (void)cause, (void)why, (void)now;
}

static const struct exchange_user notify_user = { notify_response, notify_failed };

/* RFC 3515 §2.4.5: a status line is all that is told of the new call; a final one ends the subscription. */
static void notify(struct call *call, unsigned status, const char *reason, struct now now)
{
	const struct referral *referral = &call->refer;
	char text[LINES_MAX], fragment[128];
	struct writer out = writer_of(text, sizeof text), body = writer_of(fragment, sizeof fragment);
	struct call_request request = { .user = &notify_user, .method = SIP_NOTIFY };
	struct exchange *exchange;

	if (referral->is_silent)
		return;
	put(&out, SLICE("Event: refer"));
	if (referral->n > 1) { /* §2.4.6 */
		put(&out, SLICE(";id="));
		put_number(&out, referral->cseq);
	}
	put(&out, SLICE("\r\nSubscription-State: "));
	if (status < 200) {
		put(&out, SLICE("active;expires="));
		put_number(&out, EXPIRES);
	} else {
		put(&out, SLICE("terminated;reason="));
		put(&out, slice_of(reason));
	}
	put(&out, SLICE("\r\nContent-Type: message/sipfrag;version=2.0\r\n"));
	put_call_contact(&out, call, call->dialog->sips_contact);
	put_status_line(&body, status, slice_from(NULL, 0));
	request.lines = writer_text(&out);
	request.body = writer_text(&body);
	if (out.overflow || call_send(call, &request, now, &exchange) != OK)
		return; /* the other side gives up waiting by itself */
}

static void finish(struct call *call, unsigned status, const char *reason, struct now now)
{
	notify(call, status, reason, now);
	ua_clear_timer(call->ua, &call->refer.timer);
	call->refer.state = REFER_NONE;
}

void refer_progress(struct call *call, unsigned status, struct now now)
{
	struct call *referrer = call->referrer;

	if (!referrer)
		return;
	if (status != 0 && status < 200) {
		notify(referrer, status, "", now);
		return;
	}
	finish(referrer, status != 0 ? status : 503, "noresource", now);
	call->referrer = NULL;
	referrer->refs--;
}

/* -- what is wanted ---------------------------------------------------------------------------------- */

void refer_fini(struct referral *referral)
{
	mem_free(referral->text);
	referral->text = NULL;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undoes escapes; what would end a header line is dropped with its whole text. */
static struct slice put_unescaped(struct writer *out, struct slice text)
{
	size_t from = out->len;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '%' && i + 2 < text.len) {
			c = (char)(hex_value(text.ptr[i + 1]) * 16 + hex_value(text.ptr[i + 2]));
			i += 2;
		}
		if (c <= ' ' || c == 0x7f) {
			out->len = from;
			break;
		}
		put_char(out, c);
	}
	return slice_from(out->buf + from, out->len - from);
}

/* The value of Replaces among a URI's headers; absent if there is none. All others are not for others to set (RFC 3261
 * §19.1.5). */
static struct slice find_replaces(struct slice headers)
{
	while (headers.len > 0) {
		struct slice one = slice_sub(headers, 0, slice_find(headers, '&'));
		size_t equals = slice_find(one, '=');

		if (slice_eq_nocase(slice_sub(one, 0, equals), SLICE("Replaces")))
			return slice_sub(one, equals + 1, one.len);
		headers = slice_sub(headers, one.len + 1, headers.len);
	}
	return slice_from(NULL, 0);
}

static enum err keep(struct referral *referral, const struct sip_message *request,
		     const struct sip_address *target)
{
	struct slice uri = target->uri.text, by = sip_message_value(request, SIP_REFERRED_BY);
	struct sip_address referrer;
	size_t size = uri.len + by.len + 1;
	struct writer out = writer_of(mem_alloc(size), size);
	size_t at;

	if (!out.buf)
		return ERR_NOMEM;
	refer_fini(referral);
	referral->text = out.buf;
	put(&out, slice_sub(uri, 0, uri.len - (target->uri.headers.len ? target->uri.headers.len + 1 : 0)));
	referral->uri = writer_text(&out);
	referral->replaces = put_unescaped(&out, find_replaces(target->uri.headers));
	at = out.len;
	if (sip_address_parse(by, &referrer))
		put(&out, referrer.uri.text);
	referral->by = slice_from(out.buf + at, out.len - at);
	return out.overflow ? ERR_SYNTAX : OK;
}

void put_refer_lines(struct writer *out, const struct referral *referral)
{
	if (referral->replaces.len > 0)
		put_header(out, SIP_REPLACES, referral->replaces);
	if (referral->by.len > 0) {
		put(out, SLICE("Referred-By: <"));
		put(out, referral->by);
		put(out, SLICE(">\r\n"));
	}
}

static void tell(struct ua *ua, enum ua_event_kind kind, struct call *call, const struct sip_message *request,
		 struct slice target)
{
	ua_tell(ua, &(struct ua_event){
			    .kind = kind,
			    .id = call ? call->id : 0,
			    .peer = request->from.uri.text,
			    .text = target,
			    .consented = kind == UA_REFERRED && ua->transfers != UA_TRANSFERS_ASK,
		    });
}

static const struct ua_fault no_target = { 400, 399, SLICE_INIT("there has to be a Refer-To with a URI") };
static const struct ua_fault not_sip = { 603, 399, SLICE_INIT("this phone calls sip and sips URIs only") };
static const struct ua_fault lower = { 603, 399, SLICE_INIT("a sips call is not transferred to a sip URI") };
static const struct ua_fault never = { 603, 399, SLICE_INIT("this phone is not transferred by others") };
static const struct ua_fault not_now = {
	603, 399, SLICE_INIT("there is no established call to be transferred, or it is being transferred")
};

/* NULL: nothing is wrong with it. */
static const struct ua_fault *judge(const struct call *call, const struct sip_message *request,
				    struct sip_address *ret_target)
{
	const struct sip_header *header = sip_message_header(request, SIP_REFER_TO);
	struct slice ignored;
	struct sip_uri *uri = &ret_target->uri;

	if (!header || !sip_address_parse(header->value, ret_target))
		return &no_target;
	if ((uri->scheme != SIP_SCHEME_SIP && uri->scheme != SIP_SCHEME_SIPS) ||
	    sip_param_find(uri->params, SLICE("method"), &ignored))
		return &not_sip;
	if (!call || call->ua->transfers == UA_TRANSFERS_NEVER)
		return &never;
	if (call->secure && uri->scheme != SIP_SCHEME_SIPS)
		return &lower;
	if (call->state != CALL_UP || call->refer.state != REFER_NONE)
		return &not_now;
	return NULL;
}

static void refuse(struct ua *ua, struct server *server, const struct ua_fault *fault,
		   const struct sip_address *target, struct now now)
{
	ua_refuse(ua, server, fault, now);
	if (fault != &no_target)
		tell(ua, UA_REFER_REFUSED, NULL, server->request, target->uri.text);
}

void refer_refuse_stranger(struct ua *ua, struct server *server, struct now now)
{
	struct sip_address target;
	const struct ua_fault *fault = judge(NULL, server->request, &target);

	refuse(ua, server, fault, &target, now);
}

/* RFC 4488 §4: "no implicit subscription is created" for who asks for none. */
static bool is_silent(const struct sip_message *request)
{
	bool wanted;

	return sip_refer_sub_parse(sip_message_value(request, SIP_REFER_SUB), &wanted) && !wanted;
}

void refer_take(struct call *call, struct server *server, struct now now)
{
	const struct sip_message *request = server->request;
	struct ua *ua = call->ua;
	struct sip_address target;
	const struct ua_fault *fault = judge(call, request, &target);
	char lines[LINES_MAX];
	struct writer out = writer_of(lines, sizeof lines);

	if (fault) {
		refuse(ua, server, fault, &target, now);
		return;
	}
	if (keep(&call->refer, request, &target) != OK) {
		ua_reply(ua, server, 500, SLICE(""), now);
		return;
	}
	call->refer.is_silent = is_silent(request);
	put_call_contact(&out, call, call->dialog->sips_contact);
	if (call->refer.is_silent)
		put_header(&out, SIP_REFER_SUB, SLICE("false"));
	ua_reply(ua, server, 202, writer_text(&out), now);
	call->refer.state = REFER_ASKED;
	call->refer.cseq = request->cseq.number;
	call->refer.n++;
	ua_set_timer(ua, &call->refer.timer, UA_TIMER_REFER, now.mono + UNDECIDED_MS);
	notify(call, 100, "", now); /* RFC 3515 §2.4.4: at once */
	tell(ua, UA_REFERRED, call, request, call->refer.uri);
}

/* -- what our user says ------------------------------------------------------------------------------ */

static struct call *find_asked(const struct ua *ua, uint64_t id)
{
	struct call *call = call_find(ua, id);

	return call && call->refer.state == REFER_ASKED ? call : NULL;
}

enum err ua_follow(struct ua *ua, uint64_t id, const struct address *media, struct now now,
		   uint64_t *ret_call)
{
	struct call *call = find_asked(ua, id);
	struct call_begin begin = { .media = media };
	enum err err;

	if (!call)
		return ERR_NOT_FOUND;
	begin.uri = call->refer.uri;
	begin.referrer = call;
	/* what was said under encryption does not go on without */
	begin.must_encrypt = call->description.has_media && call->description.media.secure;
	ua_clear_timer(ua, &call->refer.timer);
	call->refer.state = REFER_FOLLOWED;
	err = caller_begin(ua, &begin, now, ret_call);
	if (err != OK)
		finish(call, 503, "noresource", now);
	return err;
}

enum err ua_stay(struct ua *ua, uint64_t id, struct now now)
{
	struct call *call = find_asked(ua, id);

	if (!call)
		return ERR_NOT_FOUND;
	finish(call, 603, "rejected", now);
	return OK;
}

void refer_due(struct call *call, struct now now)
{
	if (call->refer.state == REFER_ASKED)
		finish(call, 603, "rejected", now);
}
