#include "registrar/registrar.h"

#include <string.h>

#include "registrar/contact.h"
#include "registrar/refusals.h"
#include "sip/build.h"
#include "sip/fields.h"

enum {
	HOUR = 3600,
	USER_AGENT_MAX = 128,
	REFUSAL_HEADERS_MAX = 1024,
	NUMBER_MAX = 20,
	AOR_NAME_MAX = 1024,
};

const struct registrar_policy registrar_policy_default = {
	.expires_min = 60,
	.expires_default = 600,
	.expires_max = 3600,
	.bindings_max = 10,
	.flow_timer = 120,
};

/* One decision in the making. */
struct work {
	const struct registrar_question *question;
	const struct sip_message *request;
	struct arena *arena;
	struct registrar_decision *decision;
	bool has_outbound_path; /* where a contact asks for it */
	struct slice path;

	struct slice expires; /* the header field's value; absent: none */
	uint32_t expires_seconds;
	struct given *contacts;    /* the first, which leads to the others */
	size_t n_contacts, n_kept; /* those with an expiration above zero */
	bool has_star;
};

/* A Contact value of the request. */
struct given {
	struct given *next;
	struct slice value;
	enum err err; /* of registrar_contact_parse() */
	struct registrar_contact contact;
};

static const struct slice nothing = { 0 };

/* ERR_DENIED means within this file: the refusal stands in the decision. found may be empty. */
static enum err refuse(struct work *work, enum refused why, struct slice found)
{
	struct slice headers = work->decision->refusal.headers, expected = work->decision->refusal.expected;

	work->decision->kind = REGISTRAR_REFUSE;
	work->decision->refusal = registrar_refusals[why];
	work->decision->refusal.found = found;
	work->decision->refusal.expected = expected;
	work->decision->refusal.headers = headers;
	return ERR_DENIED;
}

/* What the refusal is about to name. */
static enum err expect_number(struct work *work, uint64_t number)
{
	char *buf = arena_alloc(work->arena, NUMBER_MAX);
	struct writer out;

	if (!buf)
		return ERR_NOMEM;
	out = writer_of(buf, NUMBER_MAX);
	put_number(&out, number);
	work->decision->refusal.expected = writer_text(&out);
	return OK;
}

static enum err open_headers(struct work *work, struct writer *ret_out)
{
	char *buf = arena_alloc(work->arena, REFUSAL_HEADERS_MAX);

	if (!buf)
		return ERR_NOMEM;
	*ret_out = writer_of(buf, REFUSAL_HEADERS_MAX);
	return OK;
}

/* -- what the request as a whole must be -------------------------------------------------------------------- */

/* RFC 3261 §10.3 step 2, §8.2.2.3 */
static enum err check_require(struct work *work)
{
	struct sip_values it = sip_values_of(work->request, SIP_REQUIRE);
	struct slice token;
	struct writer out;

	while (sip_values_next(&it, &token)) {
		if (slice_eq_nocase(token, SLICE("path")) || slice_eq_nocase(token, SLICE("outbound")) ||
		    slice_eq_nocase(token, SLICE("gruu")) ||
		    (!work->question->policy->refuses_agreement &&
		     slice_eq_nocase(token, SLICE("sec-agree"))))
			continue;
		TRY(open_headers(work, &out));
		put_header(&out, SIP_UNSUPPORTED, token);
		work->decision->refusal.headers = writer_text(&out);
		return refuse(work, REFUSED_EXTENSION, token);
	}
	return OK;
}

/* RFC 3261 §8.2.3 */
static enum err check_body(struct work *work)
{
	struct writer out;

	if (sip_body_is_optional(work->request))
		return OK;
	TRY(open_headers(work, &out));
	put_nothing_accepted(&out, work->request);
	work->decision->refusal.headers = writer_text(&out);
	return refuse(work, REFUSED_BODY, nothing);
}

/* RFC 3327 §5.3: a Path that the phone does not know of was put there behind its back. */
static enum err check_path(struct work *work)
{
	struct sip_values it = sip_values_of(work->request, SIP_PATH);
	struct sip_address address;
	struct slice value, lr;
	struct writer out;
	char *buf;

	if (!sip_message_header(work->request, SIP_PATH))
		return OK;
	if (!sip_message_lists(work->request, SIP_SUPPORTED, SLICE("path"))) {
		TRY(open_headers(work, &out));
		put_header(&out, SIP_UNSUPPORTED, SLICE("path"));
		work->decision->refusal.headers = writer_text(&out);
		return refuse(work, REFUSED_PATH_SUPPORT, nothing);
	}

	buf = arena_alloc(work->arena, REGISTRAR_PATH_MAX);
	if (!buf)
		return ERR_NOMEM;
	out = writer_of(buf, REGISTRAR_PATH_MAX);
	while (sip_values_next(&it, &value)) {
		if (!sip_address_parse(value, &address) ||
		    !sip_param_find(address.uri.params, SLICE("lr"), &lr)) /* RFC 3327 §4: "MUST" */
			return refuse(work, REFUSED_PATH, value);
		if (out.len)
			put(&out, SLICE(", "));
		put(&out, value);
	}
	if (out.overflow) {
		TRY(expect_number(work, REGISTRAR_PATH_MAX));
		return refuse(work, REFUSED_PATH_SIZE, nothing);
	}
	work->path = writer_text(&out);
	return OK;
}

/* RFC 3261 §10.3 step 6 */
static enum err check_star(struct work *work)
{
	if (work->n_contacts > 1)
		return refuse(work, REFUSED_STAR, nothing);
	if (!work->expires.ptr || work->expires_seconds != 0)
		return refuse(work, REFUSED_STAR_EXPIRES, nothing);
	return OK;
}

/* -- one contact ---------------------------------------------------------------------------------------------- */

/* RFC 3261 §10.3 step 7; ret_expires 0 means removal. */
static enum err choose_expires(struct work *work, const struct registrar_contact *contact,
			       uint32_t *ret_expires)
{
	const struct registrar_policy *policy = work->question->policy;
	uint32_t expires = policy->expires_default;
	struct writer out;

	if (contact->has_expires)
		expires = contact->expires;
	else if (work->expires.ptr)
		expires = work->expires_seconds;

	if (expires > 0 && expires < HOUR && expires < policy->expires_min) {
		TRY(open_headers(work, &out));
		put(&out, SLICE("Min-Expires: "));
		put_number(&out, policy->expires_min);
		put(&out, SLICE("\r\n"));
		work->decision->refusal.headers = writer_text(&out);
		TRY(expect_number(work, policy->expires_min));
		return refuse(work, REFUSED_BRIEF,
			      contact->has_expires ? contact->expires_text : work->expires);
	}
	*ret_expires = expires < policy->expires_max ? expires : policy->expires_max;
	return OK;
}

static bool is_sips_address(struct slice value)
{
	struct sip_address address;

	return sip_address_parse(value, &address) && address.uri.scheme == SIP_SCHEME_SIPS;
}

/* RFC 5630 §5.2: a SIPS Contact only where Request-URI, Contacts and Path are SIPS, and the way here was. */
static enum err check_sips(struct work *work)
{
	static const enum sip_header_id fields[] = { SIP_CONTACT, SIP_PATH };
	struct slice value;

	if (work->request->uri.scheme != SIP_SCHEME_SIPS)
		return refuse(work, REFUSED_SIPS_URI, nothing);
	for (size_t i = 0; i < 2; i++) {
		struct sip_values it = sip_values_of(work->request, fields[i]);

		while (sip_values_next(&it, &value))
			if (!is_sips_address(value))
				return refuse(work, REFUSED_SIPS_MIXED, value);
	}
	if (!work->question->secure)
		return refuse(work, REFUSED_SIPS_CLEAR, nothing);
	return OK;
}

/* RFC 5626 §6: one that stays, and has a reg-id, is the only one that stays. */
static enum err check_reg_id(struct work *work, struct registrar_contact *contact, bool stays)
{
	if (!contact->reg_id)
		return OK;
	if (!work->has_outbound_path) {
		if (sip_message_lists(work->request, SIP_SUPPORTED, SLICE("outbound")))
			return refuse(work, REFUSED_FIRST_HOP, nothing);
		contact->reg_id = 0;
		return OK;
	}
	if (stays && work->n_kept > 1)
		return refuse(work, REFUSED_REG_ID, nothing);
	return OK;
}

/* A contact that this very request named before; the others have texts of the snapshot. */
static bool is_of_this_request(const struct work *work, const struct binding *binding)
{
	return binding->call_id.ptr == work->request->call_id.ptr;
}

/* RFC 3261 §10.3 steps 6 and 7: of the requests with one Call-ID the later one counts. */
static enum err check_order(struct work *work, const struct binding *binding)
{
	if (!slice_eq(binding->call_id, work->request->call_id) || work->request->cseq.number > binding->cseq)
		return OK;
	TRY(expect_number(work, binding->cseq));
	return refuse(work, REFUSED_ORDER, sip_message_value(work->request, SIP_CSEQ));
}

/*
 * RFC 5627 §5.1: a contact that is the address itself, or a GRUU of it, "would cause a routing loop".
 */
static enum err check_no_loop(struct work *work, const struct registrar_contact *contact)
{
	const struct registrar_question *question = work->question;
	const struct sip_uri *uri = &contact->address.uri, *to = &work->request->to.uri;
	char buf[AOR_NAME_MAX];
	struct writer name = writer_of(buf, sizeof buf);
	struct gruu gruu = { .kind = GRUU_NONE };
	struct slice gr;

	if (question->gruus && sip_param_find(uri->params, SLICE("gr"), &gr))
		gruu = gruu_parse(question->gruus, uri, &name);
	if (sip_uri_eq(uri, to) ||
	    (gruu.kind == GRUU_TEMPORARY && slice_eq(writer_text(&name), question->aor->name)))
		return refuse(work, REFUSED_LOOP, contact->address.text);
	return OK;
}

static enum err make_binding(struct work *work, const struct registrar_contact *contact, uint32_t expires,
			     struct binding *ret_binding)
{
	const struct registrar_question *question = work->question;
	struct slice params;

	TRY(registrar_contact_params(contact, work->arena, &params));
	*ret_binding = (struct binding){
		.contact = contact->address.uri.text,
		.params = params,
		.instance = contact->instance,
		.reg_id = contact->reg_id,
		.call_id = work->request->call_id,
		.cseq = work->request->cseq.number,
		.q = contact->q,
		.expires = question->now + expires,
		.flow = question->flow,
		.secure = question->secure,
		.path = work->path,
		.user_agent = slice_sub(sip_message_value(work->request, SIP_USER_AGENT), 0, USER_AGENT_MAX),
		.received = question->received,
	};
	return OK;
}

/* Whether the disk has all that matters of it after a restart. */
static bool is_stored(const struct binding *old, const struct binding *fresh)
{
	return fresh->expires <= old->stored && fresh->reg_id == old->reg_id && fresh->q == old->q &&
	       fresh->secure == old->secure && slice_eq(fresh->contact, old->contact) &&
	       slice_eq(fresh->params, old->params) && slice_eq(fresh->instance, old->instance) &&
	       slice_eq(fresh->call_id, old->call_id) && slice_eq(fresh->path, old->path) &&
	       slice_eq(fresh->user_agent, old->user_agent);
}

static void put_binding(struct registrar_decision *decision, size_t at, const struct binding *fresh)
{
	struct binding *binding = &decision->bindings[at];
	bool is_new = at == decision->n_bindings, changes = is_new || !is_stored(binding, fresh);
	utc_t stored = changes ? fresh->expires + REGISTRAR_SLACK : binding->stored;

	decision->n_bindings += is_new;
	decision->n_added += is_new;
	decision->n_refreshed += !is_new;
	decision->durable |= changes;
	*binding = *fresh;
	binding->stored = stored;
}

/* -- the list of bindings ------------------------------------------------------------------------------------- */

/* Its place in the list, or the end of the list. */
static size_t find_binding(const struct registrar_decision *decision, const struct registrar_contact *contact)
{
	size_t i = 0;

	while (i < decision->n_bindings && !registrar_contact_is(contact, &decision->bindings[i]))
		i++;
	return i;
}

static void remove_binding(struct registrar_decision *decision, size_t at)
{
	decision->n_bindings--;
	memmove(&decision->bindings[at], &decision->bindings[at + 1],
		(decision->n_bindings - at) * sizeof decision->bindings[0]);
}

/* Brings the list up to date with one contact. */
static enum err apply_contact(struct work *work, struct given *given)
{
	struct registrar_decision *decision = work->decision;
	struct registrar_contact *contact = &given->contact;
	struct binding fresh;
	uint32_t expires = 0;
	size_t at;

	switch (given->err) {
	case OK: break;
	case ERR_DENIED: return refuse(work, REFUSED_SCHEME, given->value);
	default: return refuse(work, REFUSED_CONTACT, given->value);
	}
	TRY(choose_expires(work, contact, &expires));
	TRY(check_reg_id(work, contact, expires > 0));
	if (expires)
		TRY(check_no_loop(work, contact));
	if (expires && contact->address.uri.scheme == SIP_SCHEME_SIPS)
		TRY(check_sips(work));
	/* our policy: who asks for sips and gets sip would believe to be reached under sips (RFC 5630 §5.1.1.1) */
	if (expires && contact->address.uri.scheme == SIP_SCHEME_SIP &&
	    work->request->uri.scheme == SIP_SCHEME_SIPS)
		return refuse(work, REFUSED_SIP_CONTACT, given->value);

	at = find_binding(decision, contact);
	if (at < decision->n_bindings && !is_of_this_request(work, &decision->bindings[at]))
		TRY(check_order(work, &decision->bindings[at]));
	if (!expires) {
		if (at == decision->n_bindings)
			return OK;
		remove_binding(decision, at);
		decision->n_removed++;
		return OK;
	}
	TRY(make_binding(work, contact, expires, &fresh));
	put_binding(decision, at, &fresh);
	return OK;
}

/* The bindings that have not ended, in an array with room for n_more. */
static enum err copy_current(struct work *work, size_t n_more)
{
	const struct aor *aor = work->question->aor;
	struct registrar_decision *decision = work->decision;

	decision->bindings = arena_alloc(work->arena,
					 (aor->n_bindings + n_more + 1) * sizeof decision->bindings[0]);
	if (!decision->bindings)
		return ERR_NOMEM;
	for (size_t i = 0; i < aor->n_bindings; i++)
		if (aor->bindings[i].expires > work->question->now)
			decision->bindings[decision->n_bindings++] = aor->bindings[i];
	return OK;
}

/* Too many: those whose flow is gone make room, oldest first. */
static enum err check_limit(struct work *work)
{
	const struct registrar_question *question = work->question;
	struct registrar_decision *decision = work->decision;

	for (size_t i = 0;
	     i < decision->n_bindings && decision->n_bindings > question->policy->bindings_max;) {
		if (question->is_gone && question->is_gone(question->arg, decision->bindings[i].flow))
			remove_binding(decision, i);
		else
			i++;
	}
	if (decision->n_bindings <= question->policy->bindings_max)
		return OK;
	TRY(expect_number(work, question->policy->bindings_max));
	return refuse(work, REFUSED_FULL, nothing);
}

static enum err apply_star(struct work *work)
{
	struct registrar_decision *decision = work->decision;

	for (size_t i = 0; i < decision->n_bindings; i++)
		TRY(check_order(work, &decision->bindings[i]));
	decision->n_removed = decision->n_bindings;
	decision->n_bindings = 0;
	return OK;
}

/* Takes each Contact apart, once for all that is asked of it. */
static enum err read_contacts(struct work *work)
{
	struct sip_values it = sip_values_of(work->request, SIP_CONTACT);
	bool removes = work->expires.ptr && work->expires_seconds == 0, has_reg_id = false;
	struct given **at = &work->contacts;
	struct slice value;

	for (; sip_values_next(&it, &value); at = &(*at)->next) {
		struct given *given = arena_alloc(work->arena, sizeof *given);
		const struct registrar_contact *contact;

		if (!given)
			return ERR_NOMEM;
		contact = &given->contact;
		if (work->n_contacts++ == REGISTRAR_BINDINGS_MAX) {
			TRY(expect_number(work, REGISTRAR_BINDINGS_MAX));
			return refuse(work, REFUSED_TOO_MANY, nothing);
		}
		given->next = NULL;
		given->value = value;
		given->err = registrar_contact_parse(value, &given->contact);
		*at = given;
		work->has_star |= slice_eq(value, SLICE("*"));
		if (given->err != OK)
			continue;
		work->n_kept += contact->has_expires ? contact->expires != 0 : !removes;
		has_reg_id |= contact->reg_id != 0;
	}
	work->has_outbound_path = has_reg_id && registrar_has_outbound_path(work->request);
	return OK;
}

static enum err apply(struct work *work)
{
	TRY(check_require(work));
	TRY(check_body(work));
	TRY(read_contacts(work));
	TRY(copy_current(work, work->n_contacts));
	if (work->has_star) {
		TRY(check_star(work));
		return apply_star(work);
	}
	if (work->n_contacts == 0)
		return OK;
	TRY(check_path(work));
	for (struct given *given = work->contacts; given; given = given->next)
		TRY(apply_contact(work, given));
	return check_limit(work);
}

enum err registrar_decide(const struct registrar_question *question, struct arena *arena,
			  struct registrar_decision *ret_decision)
{
	struct registrar_decision decision = { .kind = REGISTRAR_QUERY };
	struct work work = {
		.question = question,
		.request = question->request,
		.arena = arena,
		.decision = &decision,
		.expires = sip_message_value(question->request, SIP_EXPIRES),
	};
	enum err err;

	work.expires_seconds = work.expires.ptr ? registrar_expires(work.expires) : 0;
	err = apply(&work);
	if (err != OK && err != ERR_DENIED)
		return err;
	if (err == OK && decision.n_added + decision.n_refreshed + decision.n_removed > 0)
		decision.kind = REGISTRAR_STORE;
	decision.durable |= decision.n_removed > 0 || decision.n_bindings < question->aor->n_bindings;
	*ret_decision = decision;
	return OK;
}

/* -- the 200 -------------------------------------------------------------------------------------------------- */

void put_registrar_q(struct writer *out, uint16_t q)
{
	const char digits[] = { (char)('0' + q / 100), (char)('0' + q / 10 % 10), (char)('0' + q % 10) };

	if (q >= 1000)
		return;
	put(out, SLICE(";q=0."));
	put(out, slice_from(digits, sizeof digits));
}

/* RFC 5627 §5.2 */
static void put_gruus(struct writer *out, const struct registrar_question *question,
		      const struct binding *binding)
{
	struct slice scheme = gruu_scheme(binding);
	size_t before;

	put(out, SLICE(";pub-gruu=\""));
	put_public_gruu(out, scheme, question->aor->name, binding->instance);
	put(out, SLICE("\""));
	before = out->len;
	put(out, SLICE(";temp-gruu=\""));
	if (put_temporary_gruu(out, question->gruus, scheme, question->aor->name, binding))
		put(out, SLICE("\""));
	else
		out->len = before;
}

static bool wants_gruus(const struct registrar_question *question)
{
	return question->gruus && sip_message_lists(question->request, SIP_SUPPORTED, SLICE("gruu"));
}

static void put_contact(struct writer *out, const struct registrar_question *question,
			const struct binding *binding)
{
	put(out, SLICE("Contact: <"));
	put(out, binding->contact);
	put(out, SLICE(">"));
	put(out, binding->params);
	put_registrar_q(out, binding->q);
	if (binding->instance.len > 0 && wants_gruus(question))
		put_gruus(out, question, binding);
	put(out, SLICE(";expires="));
	put_number(out, (uint64_t)(binding->expires - question->now));
	put(out, SLICE("\r\n"));
}

/* RFC 5626 §6: the phone asked for outbound, and this REGISTER made a binding by its rules. */
static bool applied_outbound(const struct sip_message *request)
{
	struct sip_values it = sip_values_of(request, SIP_CONTACT);
	struct registrar_contact contact;
	struct slice value;

	if (!sip_message_lists(request, SIP_SUPPORTED, SLICE("outbound")) ||
	    !registrar_has_outbound_path(request))
		return false;
	while (sip_values_next(&it, &value))
		if (registrar_contact_parse(value, &contact) == OK && contact.reg_id)
			return true;
	return false;
}

void put_registrar_ok(struct writer *out, const struct registrar_question *question)
{
	const struct aor *aor = question->aor;
	struct sip_values paths = sip_values_of(question->request, SIP_PATH);
	struct slice path;

	for (size_t i = 0; i < aor->n_bindings; i++)
		if (aor->bindings[i].expires > question->now)
			put_contact(out, question, &aor->bindings[i]);
	while (sip_values_next(&paths, &path))
		put_header(out, SIP_PATH, path);
	if (question->service_route.len > 0)
		put_header(out, SIP_SERVICE_ROUTE, question->service_route);
	if (applied_outbound(question->request)) {
		put_header(out, SIP_REQUIRE, SLICE("outbound"));
		put(out, SLICE("Flow-Timer: "));
		put_number(out, question->policy->flow_timer);
		put(out, SLICE("\r\n"));
	}
	put(out, SLICE("Supported: path, outbound\r\nDate: "));
	put(out, question->date);
	put(out, SLICE("\r\n"));
}
