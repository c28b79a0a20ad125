/*
 * The document of the registration-event package, application/reginfo+xml (RFC 3680 §5). A contact is known by its
 * instance and reg-id where it has them (RFC 5626 §6: a new URI of theirs is the same binding), else by its URI; that is
 * also its id in the document.
 */
#include "base/scan.h"
#include "event/package.h"
#include "registrar/gruu.h"
#include "sip/lex.h"

enum {
	EXPIRES_DEFAULT = 3761, /* RFC 3680 §4.4 */
	EXPIRES_MAX = 7200,
	THROTTLE_MS = 5000, /* RFC 3680 §4.10: "SHOULD NOT … more than once every 5 seconds" */
	PER_ACCOUNT = 16,
};

/* What happened to a contact (§4.7.1). */
enum contact_event { NOTHING, REGISTERED, REFRESHED, SHORTENED, EXPIRED, UNREGISTERED };

static const char *const event_names[] = {
	[REGISTERED] = "registered", [REFRESHED] = "refreshed",       [SHORTENED] = "shortened",
	[EXPIRED] = "expired",       [UNREGISTERED] = "unregistered",
};

/* -- what has changed ------------------------------------------------------------------------------------------ */

static bool is_same_contact(const struct binding *a, const struct binding *b)
{
	if (a->reg_id && b->reg_id)
		return a->reg_id == b->reg_id && slice_eq(a->instance, b->instance);
	return !a->reg_id && !b->reg_id && slice_eq(a->contact, b->contact);
}

/* The contact as it is in the snapshot, if it has not ended by then; or NULL. */
static const struct binding *find_alive(const struct aor *aor, const struct binding *contact, utc_t wall)
{
	for (size_t i = 0; aor && i < aor->n_bindings; i++)
		if (aor->bindings[i].expires > wall && is_same_contact(&aor->bindings[i], contact))
			return &aor->bindings[i];
	return NULL;
}

/* Of one that is there now. To who is told all, every contact is a new one. */
static enum contact_event event_of(const struct event_state *state, const struct binding *contact)
{
	const struct binding *before = find_alive(state->before, contact, state->wall_before);

	if (!before)
		return REGISTERED;
	if (contact->cseq != before->cseq || !slice_eq(contact->call_id, before->call_id))
		return REFRESHED;
	if (contact->expires == before->expires)
		return NOTHING;
	return contact->expires < before->expires ? SHORTENED : REFRESHED;
}

/* Of one that was there; NOTHING if it still is. */
static enum contact_event end_of(const struct event_state *state, const struct binding *contact)
{
	if (contact->expires <= state->wall_before || find_alive(state->now, contact, state->wall))
		return NOTHING;
	return contact->expires <= state->wall ? EXPIRED : UNREGISTERED;
}

static size_t count_alive(const struct aor *aor, utc_t wall)
{
	size_t n = 0;

	for (size_t i = 0; i < aor->n_bindings; i++)
		n += aor->bindings[i].expires > wall;
	return n;
}

static bool has_changed(const struct event_state *state)
{
	if (!state->before)
		return true;
	for (size_t i = 0; i < state->before->n_bindings; i++)
		if (end_of(state, &state->before->bindings[i]))
			return true;
	if (state->now == state->before)
		return false;
	for (size_t i = 0; i < state->now->n_bindings; i++)
		if (state->now->bindings[i].expires > state->wall &&
		    event_of(state, &state->now->bindings[i]))
			return true;
	return false;
}

/* -- writing ---------------------------------------------------------------------------------------------------- */

/* Text of an element or attribute; what XML 1.0 cannot hold, and bytes that no parser of ours has understood, become "?". */
static void put_xml(struct writer *out, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		switch (c) {
		case '&': put(out, SLICE("&amp;")); break;
		case '<': put(out, SLICE("&lt;")); break;
		case '>': put(out, SLICE("&gt;")); break;
		case '"': put(out, SLICE("&quot;")); break;
		default: put_char(out, c < ' ' || c >= 0x7f ? '?' : (char)c);
		}
	}
}

static void put_attribute(struct writer *out, const char *name, struct slice value)
{
	put_char(out, ' ');
	put(out, slice_of(name));
	put(out, SLICE("=\""));
	put_xml(out, value);
	put_char(out, '"');
}

static void put_count(struct writer *out, const char *name, uint64_t value)
{
	put_char(out, ' ');
	put(out, slice_of(name));
	put(out, SLICE("=\""));
	put_number(out, value);
	put_char(out, '"');
}

static void put_id(struct writer *out, const struct binding *contact)
{
	put(out, SLICE(" id=\""));
	put_xml(out, contact->reg_id ? contact->instance : contact->contact);
	if (contact->reg_id) {
		put(out, SLICE(" "));
		put_number(out, contact->reg_id);
	}
	put_char(out, '"');
}

static void put_q(struct writer *out, uint16_t q)
{
	const char digits[] = { (char)('0' + q / 100), (char)('0' + q / 10 % 10), (char)('0' + q % 10) };

	if (q < 1000) {
		put(out, SLICE(" q=\"0."));
		put(out, slice_from(digits, sizeof digits));
		put_char(out, '"');
	}
}

/* "contact header field parameters that are not specified in RFC 3261" (§5.1) */
static void put_params(struct writer *out, struct slice params)
{
	struct scan in = scan_of(params);
	struct lex_param param;

	while (scan_separator(&in, ';') && scan_param(&in, &param)) {
		put(out, SLICE("<unknown-param"));
		put_attribute(out, "name", param.name);
		put_char(out, '>');
		put_xml(out, lex_unquoted(param.value));
		put(out, SLICE("</unknown-param>\n"));
	}
}

/* RFC 5628 §5.1; the temporary ones are the phone's own affair. */
static void put_gruu(struct writer *out, struct slice aor, const struct binding *contact)
{
	char buf[1024];
	struct writer uri = writer_of(buf, sizeof buf);

	put_public_gruu(&uri, gruu_scheme(contact), aor, contact->instance);
	if (contact->instance.len == 0 || uri.overflow)
		return;
	put(out, SLICE("<gr:pub-gruu"));
	put_attribute(out, "uri", writer_text(&uri));
	put(out, SLICE("/>\n"));
}

static void put_contact(struct writer *out, const struct event_state *state, const struct binding *contact,
			enum contact_event event)
{
	bool ended = event == EXPIRED || event == UNREGISTERED;

	put(out, SLICE("<contact"));
	put_id(out, contact);
	put_attribute(out, "state", ended ? SLICE("terminated") : SLICE("active"));
	put_attribute(out, "event", slice_of(event_names[event]));
	if (!ended)
		put_count(out, "expires", (uint64_t)(contact->expires - state->wall));
	put_q(out, contact->q);
	put_attribute(out, "callid", contact->call_id);
	put_count(out, "cseq", contact->cseq);
	put(out, SLICE(">\n<uri>"));
	put_xml(out, contact->contact);
	put(out, SLICE("</uri>\n"));
	put_params(out, contact->params);
	put_gruu(out, state->now->name, contact);
	put(out, SLICE("</contact>\n"));
}

static void put_contacts(struct writer *out, const struct event_state *state)
{
	const struct aor *before = state->before;

	for (size_t i = 0; before && i < before->n_bindings; i++) {
		enum contact_event event = end_of(state, &before->bindings[i]);

		if (event)
			put_contact(out, state, &before->bindings[i], event);
	}
	for (size_t i = 0; i < state->now->n_bindings; i++) {
		const struct binding *contact = &state->now->bindings[i];
		enum contact_event event = contact->expires > state->wall ? event_of(state, contact)
									  : NOTHING;

		if (event)
			put_contact(out, state, contact, event);
	}
}

/* §4.7.1: "init" where nobody is registered, "terminated" when the last one has just gone. */
static struct slice registration_state(const struct event_state *state)
{
	if (count_alive(state->now, state->wall))
		return SLICE("active");
	if (state->before && count_alive(state->before, state->wall_before))
		return SLICE("terminated");
	return SLICE("init");
}

static void put_document(struct writer *out, const struct event_state *state)
{
	put(out, SLICE("<?xml version=\"1.0\"?>\n<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" "
		       "xmlns:gr=\"urn:ietf:params:xml:ns:gruuinfo\""));
	put_count(out, "version", state->version);
	put_attribute(out, "state", state->before ? SLICE("partial") : SLICE("full"));
	put(out, SLICE(">\n<registration aor=\"sip:"));
	put_xml(out, state->now->name);
	put_char(out, '"');
	put_attribute(out, "id", state->now->name);
	put_attribute(out, "state", registration_state(state));
	put(out, SLICE(">\n"));
	put_contacts(out, state);
	put(out, SLICE("</registration>\n</reginfo>\n"));
}

const struct event_package event_reg = {
	.name = SLICE_INIT("reg"),
	.format = SLICE_INIT("application/reginfo+xml"),
	.expires_default = EXPIRES_DEFAULT,
	.expires_max = EXPIRES_MAX,
	.throttle = THROTTLE_MS,
	.per_account = PER_ACCOUNT,
	.has_changed = has_changed,
	.put_document = put_document,
};
