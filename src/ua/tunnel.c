#include "ua/tunnel.h"

#include "base/mem.h"
#include "sip/build.h"
#include "sip/date.h"
#include "sip/fields.h"

/* -- header fields ------------------------------------------------------------------------------------- */

/* What a field's copy inside is for. */
enum role {
	ROLE_NONE,     /* not looked at: changed on the way by right, or of no end-to-end meaning */
	ROLE_IDENTITY, /* has rules of its own; outside it goes on saying which dialog and transaction it is */
	ROLE_COMPARED,  /* a difference is told */
	ROLE_COUNTS,    /* and what stands inside is taken */
	ROLE_PROTECTED, /* and what stands only outside is not taken at all: it makes the phone do something */
	ROLE_BODY,      /* describes the body */
};

/* RFC 3261 §23.4.1.1, §23.4.1.2; the headers of other RFCs as their meaning has it. */
static const uint8_t roles[SIP_HEADERS] = {
	/* clang-format off */
	[SIP_FROM]                = ROLE_IDENTITY,
	[SIP_TO]                  = ROLE_IDENTITY,
	[SIP_CALL_ID]             = ROLE_IDENTITY,
	[SIP_CSEQ]                = ROLE_IDENTITY,
	[SIP_DATE]                = ROLE_IDENTITY,
	[SIP_ACCEPT]              = ROLE_COMPARED,
	[SIP_ALLOW]               = ROLE_COMPARED,
	[SIP_EXPIRES]             = ROLE_COMPARED,
	[SIP_IN_REPLY_TO]         = ROLE_COMPARED,
	[SIP_ORGANIZATION]        = ROLE_COMPARED,
	[SIP_RACK]                = ROLE_COMPARED,
	[SIP_REQUIRE]             = ROLE_COMPARED,
	[SIP_RSEQ]                = ROLE_COMPARED,
	[SIP_SUPPORTED]           = ROLE_COMPARED,
	[SIP_USER_AGENT]          = ROLE_COMPARED,
	[SIP_CONTACT]             = ROLE_COUNTS,
	[SIP_REPLY_TO]            = ROLE_COUNTS,
	[SIP_SUBJECT]             = ROLE_COUNTS,
	[SIP_REFER_SUB]           = ROLE_PROTECTED,
	[SIP_REFER_TO]            = ROLE_PROTECTED,
	[SIP_REFERRED_BY]         = ROLE_PROTECTED,
	[SIP_REPLACES]            = ROLE_PROTECTED,
	[SIP_CONTENT_DISPOSITION] = ROLE_BODY,
	[SIP_CONTENT_ENCODING]    = ROLE_BODY,
	[SIP_CONTENT_LANGUAGE]    = ROLE_BODY,
	[SIP_CONTENT_TYPE]        = ROLE_BODY,
	[SIP_MIME_VERSION]        = ROLE_BODY,
	/* clang-format on */
};

static enum role role_of(const struct sip_header *header)
{
	/* of MIME, and no header field of SIP */
	if (header->id == SIP_HEADER_OTHER &&
	    slice_eq_nocase(header->name, SLICE("Content-Transfer-Encoding")))
		return ROLE_BODY;
	return (enum role)roles[header->id];
}

/* -- writing ------------------------------------------------------------------------------------------- */

static struct slice take_line(struct slice *lines)
{
	struct slice line = slice_sub(*lines, 0, slice_find(*lines, '\n') + 1);

	*lines = slice_sub(*lines, line.len, lines->len);
	return line;
}

static enum role role_of_line(struct slice line)
{
	struct sip_header header = { .name = slice_sub(line, 0, slice_find(line, ':')) };

	header.id = sip_header_of(header.name);
	return role_of(&header);
}

/* What describes a sender's abilities is of no use inside, and would make each message larger. */
static bool is_worth(enum role role)
{
	return role != ROLE_NONE && role != ROLE_COMPARED;
}

static void put_worthy(struct writer *out, struct slice lines)
{
	while (lines.len > 0) {
		struct slice line = take_line(&lines);

		if (is_worth(role_of_line(line)))
			put(out, line);
	}
}

void put_tunnel(struct writer *out, const struct tunnel_order *order)
{
	put(out, SLICE("Content-Type: message/sipfrag;version=2.0\r\n\r\n"));
	put(out, order->start);
	put_worthy(out, order->identity);
	put_worthy(out, order->lines);
	put(out, SLICE("\r\n"));
	put(out, order->body);
}

void put_tunnel_outside(struct writer *out, const struct tunnel_order *order)
{
	struct slice lines = order->lines;

	while (lines.len > 0) {
		struct slice line = take_line(&lines);

		if (role_of_line(line) != ROLE_BODY)
			put(out, line);
	}
}

/* -- reading ------------------------------------------------------------------------------------------- */

bool tunnel_is_one(const struct mime_entity *entity)
{
	return sip_media_type_is(&entity->type, SLICE("message"), SLICE("sip")) ||
	       sip_media_type_is(&entity->type, SLICE("message"), SLICE("sipfrag"));
}

static struct slice first_line(struct slice text)
{
	return slice_sub(text, 0, slice_find(text, '\n') + 1);
}

/* A start line is the one that has the version in it where a header field has its colon (RFC 3261 §7). */
static bool is_start_line(struct slice line)
{
	struct slice bare = slice_trim(line);

	return slice_starts(bare, SLICE("SIP/2.0 ")) ||
	       (slice_ends(bare, SLICE(" SIP/2.0")) && slice_find(bare, ' ') < slice_find(bare, ':'));
}

static bool has_empty_line(struct slice text)
{
	for (size_t at = 0; at < text.len; at += slice_find(slice_sub(text, at, text.len), '\n') + 1)
		if (slice_starts(slice_sub(text, at, text.len), SLICE("\r\n")))
			return true;
	return false;
}

/* Written out as a whole message, so that there is one parser for all of SIP. A Via is nobody's business in there. */
static void put_whole(struct writer *out, struct slice text, const struct sip_message *outside,
		      bool has_start)
{
	struct slice start = first_line(has_start ? text : outside->text);

	put(out, start);
	put(out, SLICE("Via: SIP/2.0/TLS inside.invalid\r\n"));
	put(out, has_start ? slice_sub(text, start.len, text.len) : text);
	if (!has_empty_line(
		    text)) /* RFC 3420 §2: a fragment without a body may end with its last header field */
		put(out, SLICE("\r\n"));
}

enum err tunnel_parse(const struct mime_entity *entity, const struct sip_message *outside,
		      struct tunnel *ret_tunnel, const char **ret_why)
{
	struct slice text = entity->body;
	bool has_start = is_start_line(first_line(text));
	size_t size = text.len + outside->text.len + 64;
	struct writer out = writer_of(mem_alloc(size), size);
	struct sip_message *message;
	struct sip_fault fault;
	enum err err;

	*ret_why = "it is larger than a SIP message may be";
	if (!out.buf)
		return ERR_NOMEM;
	put_whole(&out, text, outside, has_start);
	err = sip_message_parse(writer_text(&out), &sip_limits_default, &message, &fault);
	mem_wipe(out.buf, out.len);
	mem_free(out.buf);
	if (err != OK) {
		if (err == ERR_SYNTAX)
			*ret_why = fault.what;
		return err;
	}
	if (message->fault.status != 0) {
		*ret_why = message->fault.what;
		sip_message_free(message);
		return ERR_SYNTAX;
	}
	*ret_tunnel = (struct tunnel){ message, has_start };
	return OK;
}

void tunnel_fini(struct tunnel *tunnel)
{
	sip_message_free(tunnel->message);
	tunnel->message = NULL;
}

/* -- comparing ----------------------------------------------------------------------------------------- */

static void add(struct tunnel_findings *findings, const struct tunnel_difference *difference)
{
	if (findings->n < TUNNEL_DIFFERENCES_MAX)
		findings->at[findings->n++] = *difference;
	findings->is_breach = findings->is_breach || difference->is_breach;
}

static bool same_text(struct slice a, struct slice b)
{
	return a.len == b.len && slice_eq(a, b);
}

/* Whoever does not want to be known to those on the way (RFC 3261 §23.4.3, RFC 3323 §4.1.1.3). */
static bool is_anonymous(const struct sip_uri *uri)
{
	return slice_eq_nocase(uri->user, SLICE("anonymous")) && slice_ends(uri->host, SLICE(".invalid"));
}

static void compare_addresses(struct tunnel_findings *findings, enum sip_header_id id,
			      const struct sip_address *inside, const struct sip_address *outside)
{
	bool is_same = sip_uri_eq(&inside->uri, &outside->uri) ||
		       (id == SIP_FROM && is_anonymous(&outside->uri));

	if (!same_text(inside->tag, outside->tag))
		add(findings,
		    &(struct tunnel_difference){
			    .name = sip_header_name(id),
			    .what = "it was protected for another dialog than the one it came in (tag "
				    "{inside}, outside {outside})",
			    .is_breach = true,
			    .inside = inside->tag,
			    .outside = outside->tag,
		    });
	if (!is_same)
		add(findings, &(struct tunnel_difference){
				      .name = sip_header_name(id),
				      .what = "somebody on the way has changed it from {inside} to {outside}",
				      .inside = inside->uri.text,
				      .outside = outside->uri.text,
			      });
}

static void compare_identifiers(struct tunnel_findings *findings, const struct sip_message *inside,
				const struct sip_message *outside)
{
	if (!slice_eq(inside->call_id, outside->call_id))
		add(findings, &(struct tunnel_difference){
				      .name = sip_header_name(SIP_CALL_ID),
				      .what = "it was protected for another dialog than the one it came in "
					      "({inside}, outside {outside})",
				      .is_breach = true,
				      .inside = inside->call_id,
				      .outside = outside->call_id,
			      });
	if (inside->cseq.number != outside->cseq.number ||
	    !slice_eq(inside->cseq.method_name, outside->cseq.method_name))
		add(findings, &(struct tunnel_difference){
				      .name = sip_header_name(SIP_CSEQ),
				      .what = "it was protected for another request than the one it came in "
					      "({inside}, outside {outside})",
				      .is_breach = true,
				      .inside = sip_message_value(inside, SIP_CSEQ),
				      .outside = sip_message_value(outside, SIP_CSEQ),
			      });
}

static struct slice status_of(const struct sip_message *message)
{
	return slice_trim(first_line(message->text));
}

static void compare_starts(struct tunnel_findings *findings, const struct tunnel *tunnel,
			   const struct sip_message *outside)
{
	const struct sip_message *inside = tunnel->message;

	if (inside->kind == outside->kind &&
	    (inside->kind == SIP_REQUEST || inside->status == outside->status))
		return;
	add(findings,
	    &(struct tunnel_difference){
		    .name = SLICE("status"),
		    .what = "it was protected for another response than the one it came in ({inside}, "
			    "outside {outside})",
		    .is_breach = true,
		    .inside = status_of(inside),
		    .outside = status_of(outside),
	    });
}

static bool is_near(utc_t date, utc_t now)
{
	return date <= now + TUNNEL_WINDOW && now <= date + TUNNEL_WINDOW;
}

static void compare_dates(struct tunnel_findings *findings, const struct sip_message *inside,
			  const struct sip_message *outside, utc_t now)
{
	struct tunnel_difference difference = {
		.name = sip_header_name(SIP_DATE),
		.inside = sip_message_value(inside, SIP_DATE),
		.outside = sip_message_value(outside, SIP_DATE),
	};
	utc_t date, other;

	if (!sip_date_parse(difference.inside, &date)) {
		difference.what = "it does not say when it was protected, so that it may be an old one";
		difference.is_breach = true;
	} else if (!is_near(date, now)) {
		difference.what = "it was protected at another time ({inside}): an old message that was sent "
				  "again, or a clock that is wrong";
		difference.is_breach = true;
	} else if (!sip_date_parse(difference.outside, &other) || other != date) {
		difference.what = "somebody on the way has changed it from {inside} to {outside}";
	} else {
		return;
	}
	add(findings, &difference);
}

/* Contact's parameters are for the way; the URI is where later requests go. */
static bool same_value(enum sip_header_id id, struct slice inside, struct slice outside)
{
	struct sip_address a, b;

	if (id == SIP_CONTACT && sip_contact_parse(inside, &a) && sip_contact_parse(outside, &b))
		return a.is_star == b.is_star && (a.is_star || sip_uri_eq(&a.uri, &b.uri));
	return slice_eq(inside, outside);
}

static void compare_others(struct tunnel_findings *findings, const struct sip_message *inside,
			   const struct sip_message *outside)
{
	for (int id = 0; id < SIP_HEADERS; id++) {
		struct tunnel_difference difference = {
			.name = sip_header_name((enum sip_header_id)id),
			.inside = sip_message_value(inside, (enum sip_header_id)id),
			.outside = sip_message_value(outside, (enum sip_header_id)id),
		};

		if (roles[id] != ROLE_COMPARED && roles[id] != ROLE_COUNTS && roles[id] != ROLE_PROTECTED)
			continue;
		if (!difference.outside.ptr)
			continue; /* for the two ends only (§23.4.1.2) */
		if (difference.inside.ptr) {
			if (same_value((enum sip_header_id)id, difference.inside, difference.outside))
				continue;
			difference.what = "somebody on the way has changed it from {inside} to {outside}";
		} else if (roles[id] == ROLE_PROTECTED) {
			difference.what = "somebody on the way has added it ({outside}); it is ignored";
		} else {
			continue;
		}
		add(findings, &difference);
	}
}

void tunnel_compare(const struct tunnel *tunnel, const struct sip_message *outside, utc_t now,
		    struct tunnel_findings *ret_findings)
{
	const struct sip_message *inside = tunnel->message;

	*ret_findings = (struct tunnel_findings){ .n = 0 };
	compare_starts(ret_findings, tunnel, outside);
	compare_identifiers(ret_findings, inside, outside);
	compare_addresses(ret_findings, SIP_FROM, &inside->from, &outside->from);
	compare_addresses(ret_findings, SIP_TO, &inside->to, &outside->to);
	compare_dates(ret_findings, inside, outside, now);
	compare_others(ret_findings, inside, outside);
}

static void put_text(struct writer *out, struct slice text)
{
	if (text.len > 0)
		put_escaped(out, text);
	else
		put(out, SLICE("nothing"));
}

void put_tunnel_difference(struct writer *out, const struct tunnel_difference *difference)
{
	struct slice rest = slice_of(difference->what);

	put(out, difference->name);
	put(out, SLICE(": "));
	while (rest.len > 0) {
		size_t brace = slice_find(rest, '{');

		put(out, slice_sub(rest, 0, brace));
		rest = slice_sub(rest, brace, rest.len);
		if (slice_starts(rest, SLICE("{inside}")))
			put_text(out, difference->inside);
		else if (rest.len > 0)
			put_text(out, difference->outside);
		rest = slice_sub(rest, slice_find(rest, '}') + 1, rest.len);
	}
}

/* -- joining ------------------------------------------------------------------------------------------- */

static void put_field(struct writer *out, const struct sip_header *header)
{
	put(out, header->name);
	put(out, SLICE(": "));
	put(out, header->value);
	put(out, SLICE("\r\n"));
}

static bool is_kept(const struct sip_header *header, const struct sip_message *inside)
{
	switch (role_of(header)) {
	case ROLE_BODY: return false;
	case ROLE_PROTECTED: return !inside;
	case ROLE_COUNTS: return !inside || !sip_message_header(inside, header->id);
	default: return header->id != SIP_CONTENT_LENGTH;
	}
}

/* Start line and header of the outside but for what counts inside. */
static void put_outside(struct writer *out, const struct sip_message *outside,
			const struct sip_message *inside)
{
	put(out, first_line(outside->text));
	for (size_t i = 0; i < outside->n_headers; i++)
		if (is_kept(&outside->headers[i], inside))
			put_field(out, &outside->headers[i]);
}

static enum err finish(struct writer *out, struct slice body, struct sip_message **ret_message)
{
	struct sip_message *message;
	struct sip_fault fault;
	enum err err = ERR_LIMIT;

	put_body(out, body);
	if (!out->overflow)
		err = sip_message_parse(writer_text(out), &sip_limits_default, &message, &fault);
	mem_wipe(out->buf, out->len);
	mem_free(out->buf);
	if (err == OK && message->fault.status != 0) {
		sip_message_free(message);
		err = ERR_SYNTAX;
	}
	if (err == OK)
		*ret_message = message;
	return err;
}

enum err tunnel_join(const struct tunnel *tunnel, const struct sip_message *outside,
		     struct sip_message **ret_message)
{
	const struct sip_message *inside = tunnel->message;
	size_t size = 2 * (inside->text.len + outside->text.len) + 64;
	struct writer out = writer_of(mem_alloc(size), size);

	if (!out.buf)
		return ERR_NOMEM;
	put_outside(&out, outside, inside);
	for (size_t i = 0; i < inside->n_headers; i++) {
		const struct sip_header *header = &inside->headers[i];
		enum role role = role_of(header);

		if (role == ROLE_COUNTS || role == ROLE_PROTECTED || role == ROLE_BODY)
			put_field(&out, header);
	}
	return finish(&out, inside->body, ret_message);
}

enum err tunnel_replace(const struct mime_entity *entity, struct slice content,
			const struct sip_message *outside, struct sip_message **ret_message)
{
	size_t size = 2 * outside->text.len + entity->text.len + content.len + 64;
	struct writer out = writer_of(mem_alloc(size), size);

	if (!out.buf)
		return ERR_NOMEM;
	put_outside(&out, outside, NULL);
	put(&out, SLICE("Content-Type: "));
	put(&out, entity->type.type);
	put_char(&out, '/');
	put(&out, entity->type.subtype);
	put(&out, entity->type.params);
	put(&out, SLICE("\r\n"));
	return finish(&out, content, ret_message);
}

enum err tunnel_strip(const struct sip_message *outside, struct sip_message **ret_message)
{
	size_t size = 2 * outside->text.len + 64;
	struct writer out = writer_of(mem_alloc(size), size);

	if (!out.buf)
		return ERR_NOMEM;
	put_outside(&out, outside, NULL);
	return finish(&out, SLICE(""), ret_message);
}
