/* What a certificate NOTIFY is signed over (docs/smime.md), read with the parsers that its reader has. */
#include "base/scan.h"
#include "mime/multipart.h"
#include "signer/order.h"
#include "sip/address.h"
#include "sip/date.h"

/* "Name: value CRLF" */
static bool scan_field(struct scan *in, struct slice name, struct slice *ret_value)
{
	struct slice rest;
	size_t n;

	if (!scan_text(in, name) || !scan_text(in, SLICE(": ")))
		return false;
	rest = scan_rest(in);
	n = slice_find_text(rest, SLICE("\r\n"));
	if (n == 0 || n == rest.len)
		return false;
	*ret_value = slice_sub(rest, 0, n);
	in->at += n + 2;
	return slice_find(*ret_value, '\n') == n && slice_find(*ret_value, '\r') == n;
}

/* Whose certificates are told; it is a user of a domain. */
static bool read_from(struct slice value, struct order_notify *ret_notify)
{
	struct sip_address from;

	if (!sip_address_parse(value, &from) || !from.uri.user.ptr ||
	    (from.uri.scheme != SIP_SCHEME_SIP && from.uri.scheme != SIP_SCHEME_SIPS))
		return false;
	ret_notify->domain = from.uri.host;
	put_aor(&ret_notify->aor, &from.uri);
	return !ret_notify->aor.overflow;
}

static bool is_of_package(struct slice event)
{
	static const struct slice name = SLICE_INIT("certificate");

	return slice_eq(event, name) || (slice_starts(event, name) && event.ptr[name.len] == ';');
}

static bool read_fragment(struct slice text, struct order_notify *ret_notify)
{
	struct slice from, to, call_id, cseq, date, event;
	struct sip_address address;
	struct scan in = scan_of(text);

	return scan_field(&in, SLICE("From"), &from) && scan_field(&in, SLICE("To"), &to) &&
	       scan_field(&in, SLICE("Call-ID"), &call_id) && scan_field(&in, SLICE("CSeq"), &cseq) &&
	       scan_field(&in, SLICE("Date"), &date) && scan_field(&in, SLICE("Event"), &event) &&
	       scan_done(&in) && read_from(from, ret_notify) && sip_address_parse(to, &address) &&
	       slice_ends(cseq, SLICE(" NOTIFY")) && sip_date_parse(date, &ret_notify->date) &&
	       is_of_package(event);
}

/* The next part, of that type and without any other header field than Content-Type and, binary, the encoding. */
static bool read_part(struct multipart *parts, struct slice headers, struct slice *ret_body)
{
	struct mime_entity entity;
	struct slice part;

	if (multipart_next(parts, &part) != OK || mime_entity_parse(part, &entity) != OK ||
	    !slice_eq(entity.headers, headers))
		return false;
	*ret_body = entity.body;
	return true;
}

/* What stands around the parts is signed like them: a field, a parameter or a text there would be our word as well. */
static bool has_bare_head(const struct mime_entity *entity, const struct multipart *parts)
{
	struct scan in = scan_of(entity->headers);

	return scan_text(&in, SLICE("Content-Type: multipart/mixed;boundary=\"")) &&
	       scan_text(&in, parts->boundary) && scan_text(&in, SLICE("\"\r\n")) && scan_done(&in) &&
	       parts->rest.ptr == entity->body.ptr + sizeof("--\r\n") - 1 + parts->boundary.len;
}

/* end: of the last part. */
static bool has_bare_end(const char *end, struct slice text, const struct multipart *parts)
{
	struct scan in = scan_of(slice_from(end, (size_t)(text.ptr + text.len - end)));

	return scan_text(&in, SLICE("\r\n--")) && scan_text(&in, parts->boundary) &&
	       scan_text(&in, SLICE("--\r\n")) && scan_done(&in);
}

bool order_is_notify(struct slice text, struct order_notify *ret_notify)
{
	static const struct slice fragment = SLICE_INIT("Content-Type: message/sipfrag\r\n"),
				  certificate = SLICE_INIT("Content-Type: application/pkix-cert\r\n"
							   "Content-Transfer-Encoding: binary\r\n");
	struct mime_entity entity;
	struct multipart parts;
	struct slice body;

	ret_notify->aor = writer_of(ret_notify->buf, sizeof(ret_notify->buf));
	ret_notify->n_certificates = 0;
	if (mime_entity_parse(text, &entity) != OK ||
	    !sip_media_type_is(&entity.type, SLICE("multipart"), SLICE("mixed")) ||
	    multipart_begin(&entity, &parts) != OK || !has_bare_head(&entity, &parts) ||
	    !read_part(&parts, fragment, &body) || !read_fragment(body, ret_notify))
		return false;
	while (parts.rest.ptr) {
		if (ret_notify->n_certificates == ORDER_CERTIFICATES_MAX ||
		    !read_part(&parts, certificate, &body))
			return false;
		ret_notify->certificates[ret_notify->n_certificates++] = body;
	}
	return has_bare_end(body.ptr + body.len, text, &parts);
}
