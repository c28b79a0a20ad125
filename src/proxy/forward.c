#include "proxy/forward.h"

#include "proxy/agreement.h"
#include "proxy/assertion.h"
#include "proxy/edge.h"
#include "sip/build.h"
#include "sip/credentials.h"
#include "sip/lex.h"

enum { HOPS_DEFAULT = 70, NAME_MAX = 512, URI_SIZE = SCRATCH_SIZE / 8 };

/* -- what is left out ------------------------------------------------------------------------------------------ */

/*
 * Whether it says realm="…" of ours. What does is no digest for others, however the rest of it reads: in a value that keeps to the grammar
 * this stands in no quoted string, whose quotes it would end, and is the realm. That spares parsing what nearly all are.
 */
static bool names_our_realm(const struct core *core, struct slice value)
{
	static const struct slice before = SLICE_INIT("realm=\"");
	size_t at = slice_find_text(value, before);
	struct slice rest = slice_sub(value, at + before.len, value.len);

	return at > 0 && at < value.len && !lex_is(value.ptr[at - 1], LEX_TOKEN) &&
	       core_domain(core, slice_sub(rest, 0, slice_find(rest, '"')));
}

/* An escape could hide that a realm is ours, and of what is no digest we cannot tell. */
static bool is_digest_for_others(const struct core *core, struct slice scheme, struct slice realm)
{
	return slice_eq_nocase(scheme, SLICE("Digest")) && slice_find(realm, '\\') == realm.len &&
	       !core_domain(core, realm);
}

/*
 * A challenge for a realm of ours that a phone made would have the caller's phone hand its credentials to it.
 */
bool forward_keeps_challenge(const struct core *core, const struct sip_header *header)
{
	struct sip_challenge challenge;

	return !names_our_realm(core, header->value) && sip_challenge_parse(header->value, &challenge) &&
	       is_digest_for_others(core, challenge.scheme, challenge.realm);
}

static bool is_foreign_credentials(const struct core *core, struct slice value)
{
	struct sip_credentials credentials;

	return !names_our_realm(core, value) && sip_credentials_parse(value, &credentials) &&
	       is_digest_for_others(core, credentials.scheme, credentials.realm);
}

struct request_filter {
	const struct core *core;
	bool keeps_assertion;
	struct slice
		proof; /* within the credentials that proved the sender, which are for a realm of ours; or empty */
};

static bool stands_in(struct slice part, struct slice whole)
{
	return part.len > 0 && part.ptr >= whole.ptr && part.ptr < whole.ptr + whole.len;
}

/* Credentials for our realms are for us alone (RFC 3261 §22.3). */
static bool keep_credentials(const struct sip_header *header, void *arg)
{
	const struct request_filter *filter = arg;

	return !stands_in(filter->proof, header->value) &&
	       is_foreign_credentials(filter->core, header->value);
}

static bool keep_assertion(const struct sip_header *header, void *arg)
{
	const struct request_filter *filter = arg;

	(void)header;
	return filter->keeps_assertion;
}

static bool keep_demand(const struct sip_header *header, void *arg)
{
	const struct request_filter *filter = arg;

	return !agreement_owns(filter->core, header);
}

/* An assertion (RFC 3325 §5) of before there was a standard for it, which still has believers. */
static bool keep_unknown(const struct sip_header *header, void *arg)
{
	(void)arg;
	return !slice_eq_nocase(header->name, SLICE("Remote-Party-ID"));
}

static bool keep_challenge(const struct sip_header *header, void *arg)
{
	return forward_keeps_challenge(arg, header);
}

/* Max-Breadth and Route are written anew. */
static sip_keep *const in_request[SIP_HEADERS] = {
	[SIP_AUTHORIZATION] = keep_credentials,
	[SIP_PROXY_AUTHORIZATION] = keep_credentials,
	[SIP_P_ASSERTED_IDENTITY] = keep_assertion,
	[SIP_P_PREFERRED_IDENTITY] = sip_keep_not,
	[SIP_MAX_BREADTH] = sip_keep_not,
	[SIP_ROUTE] = sip_keep_not,
	[SIP_REQUIRE] = keep_demand,
	[SIP_PROXY_REQUIRE] = keep_demand,
	[SIP_SECURITY_CLIENT] = keep_demand,
	[SIP_SECURITY_VERIFY] = keep_demand,
	[SIP_HEADER_OTHER] = keep_unknown,
};

/* Identities that a phone asserts are not proven (RFC 3325 §5). */
#define IN_ANY_RESPONSE                                                                      \
	[SIP_P_ASSERTED_IDENTITY] = sip_keep_not, [SIP_P_PREFERRED_IDENTITY] = sip_keep_not, \
	[SIP_HEADER_OTHER] = keep_unknown

/* RFC 7615 §4: Proxy-Authentication-Info is between the caller and us. */
static sip_keep *const in_response[SIP_HEADERS] = {
	IN_ANY_RESPONSE,
	[SIP_WWW_AUTHENTICATE] = keep_challenge,
	[SIP_PROXY_AUTHENTICATE] = keep_challenge,
	[SIP_PROXY_AUTHENTICATION_INFO] = sip_keep_not,
};

static sip_keep *const in_success_of_home[SIP_HEADERS] = {
	IN_ANY_RESPONSE,
	[SIP_WWW_AUTHENTICATE] = keep_challenge,
	[SIP_PROXY_AUTHENTICATE] = keep_challenge,
};

static sip_keep *const without_challenges[SIP_HEADERS] = {
	IN_ANY_RESPONSE,
	[SIP_WWW_AUTHENTICATE] = sip_keep_not,
	[SIP_PROXY_AUTHENTICATE] = sip_keep_not,
	[SIP_PROXY_AUTHENTICATION_INFO] = sip_keep_not,
};

static struct sip_edits response_edits(struct core *core, sip_keep *const *keep)
{
	return (struct sip_edits){ .max_forwards = -1, .keep = keep, .keep_arg = core };
}

struct sip_edits forward_response_edits(struct core *core)
{
	return response_edits(core, in_response);
}

struct sip_edits forward_success_edits(struct core *core, account_id sender)
{
	return response_edits(core, edge_is_phone(sender) ? in_success_of_home : in_response);
}

struct sip_edits forward_challenge_edits(struct core *core, struct slice challenges)
{
	struct sip_edits edits = response_edits(core, without_challenges);

	edits.top = challenges;
	return edits;
}

/* -- what is put on --------------------------------------------------------------------------------------------- */

/*
 * RFC 3261 §16.6 step 4: what may begin a dialog or is its own subscription. RFC 6665 §4.3: "any dialog-establishing
 * NOTIFY requests", too, which have a To tag: the subscriber takes its route set from them.
 */
static bool forms_dialog(const struct context *context)
{
	const struct sip_message *request = context->request;

	if (request->to.tag.ptr)
		return request->method == SIP_NOTIFY && context->in_dialog;
	switch (request->method) {
	case SIP_INVITE:
	case SIP_SUBSCRIBE:
	case SIP_REFER:
	case SIP_NOTIFY: return true;
	default: return false;
	}
}

/* How one side of a dialog reaches us. */
struct side {
	enum transport_protocol transport;
	bool says_tls; /* its own Contact has transport=tls: it needs that here as well */
	bool is_path;  /* for home: "the first node MUST include an "ob" URI parameter" (RFC 5626 §5.1) */
};

bool forward_says_tls(const struct sip_uri *contact)
{
	struct slice transport;

	return sip_param_find(contact->params, SLICE("transport"), &transport) &&
	       slice_eq_nocase(transport, SLICE("tls"));
}

static struct side side_of_caller(const struct sip_message *request, flow_id flow)
{
	struct side side = { .transport = flow_transport(flow) };
	struct sip_address contact;

	side.says_tls = sip_address_parse(sip_message_value(request, SIP_CONTACT), &contact) &&
			forward_says_tls(&contact.uri);
	return side;
}

/* Within a dialog the Request-URI is the Contact of the target. */
static struct side side_of_target(const struct context *context, const struct target *target)
{
	return (struct side){
		.transport = flow_transport(target->flow),
		.says_tls = context->in_dialog ? forward_says_tls(&context->request->uri) : target->says_tls,
	};
}

/*
 * RFC 5630 §5.3: "proxies MUST NOT use the "transport=tls" parameter". In a sip URI it is written to those only who use
 * it themselves: they take a URI without it for UDP. All others stay on their connection, or find TLS by RFC 3263.
 */
static struct slice transport_param(const struct side *side, bool sips)
{
	switch (side->transport) {
	case TRANSPORT_TLS: return side->says_tls && !sips ? SLICE(";transport=tls") : SLICE("");
	case TRANSPORT_TCP: return SLICE(";transport=tcp");
	case TRANSPORT_WSS:
	case TRANSPORT_WS: return SLICE(";transport=ws");
	default: return SLICE("");
	}
}

/*
 * "<sip:USER@name;lr>" as that side reaches us; the user may be empty. Who is behind a declared link knows that from his
 * configuration; a sips URI says for all others what it means to them, which is TLS.
 */
static void put_route(struct writer *out, const struct core *core, struct slice user, bool sips,
		      const struct side *way)
{
	const struct side over_tls = { .transport = TRANSPORT_TLS };
	const struct side *side = sips && !transport_is_secure(way->transport) ? &over_tls : way;
	uint16_t port = core->server->ports[side->transport];

	put(out, sips ? SLICE("<sips:") : SLICE("<sip:"));
	put(out, user);
	if (user.len > 0)
		put_char(out, '@');
	put(out, core->server->advertise);
	if (port) {
		put_char(out, ':');
		put_number(out, port);
	}
	put(out, SLICE(";lr"));
	put(out, transport_param(side, sips));
	if (side->is_path)
		put(out, SLICE(";ob"));
	put_char(out, '>');
}

void put_route_to_us(struct writer *out, const struct core *core, const struct server *server)
{
	const struct side side = side_of_caller(server->request, server->flow);

	put_route(out, core, slice_of(NULL), server->request->uri.scheme == SIP_SCHEME_SIPS, &side);
}

void put_path(struct writer *out, const struct context *context, struct slice token)
{
	const struct side side = { .transport = TRANSPORT_TLS, .is_path = true };

	put(out, SLICE("Path: "));
	put_route(out, context->core, token, context->request->uri.scheme == SIP_SCHEME_SIPS, &side);
	put(out, SLICE("\r\n"));
}

static void put_record_route(struct writer *out, const struct core *core, struct slice token, bool sips,
			     const struct side *side)
{
	put(out, SLICE("Record-Route: "));
	put_route(out, core, token, sips, side);
	put(out, SLICE("\r\n"));
}

static bool has_room_for(const struct sip_uri *uri)
{
	return uri->user.len + sizeof "@" - 1 + uri->host.len <= NAME_MAX;
}

bool forward_has_room_for_names(const struct context *context)
{
	const struct sip_message *request = context->request;

	return !(forms_dialog(context) || request->method == SIP_REGISTER) ||
	       (has_room_for(&request->from.uri) && has_room_for(&request->to.uri));
}

/* That of the dialog which the request begins. */
static bool put_new_token(struct writer *out, const struct context *context, const struct target *target)
{
	const struct sip_message *request = context->request;
	const struct token token = {
		.flow_a = context->server->flow,
		.account_a = edge_party(context),
		.flow_b = target->flow,
		.account_b = target->account,
		.sips = request->uri.scheme == SIP_SCHEME_SIPS,
		.tls_b = target->require.level == REQUIRE_TLS,
		.least = context->least,
	};
	char name_a[NAME_MAX], name_b[NAME_MAX];
	struct writer a = writer_of(name_a, sizeof name_a), b = writer_of(name_b, sizeof name_b);
	struct token_dialog dialog;

	put_aor(&a, &request->from.uri);
	put_aor(&b, &request->to.uri);
	dialog = (struct token_dialog){ request->call_id, writer_text(&a), writer_text(&b) };
	if (a.overflow || b.overflow || !put_token(out, context->core->token_mac, &token, &dialog))
		return false;
	token_remember(context->core->tokens, writer_text(out), &dialog, &token);
	return true;
}

/* One where both sides reach us in the same way, else one for each (RFC 5658 §3.2), the next hop's on top. */
static bool put_record_routes(struct writer *out, const struct context *context, const struct target *target)
{
	const struct sip_message *request = context->request;
	struct side from = side_of_caller(request, context->server->flow),
		    to = side_of_target(context, target);
	bool sips = context->in_dialog ? context->claim.token.sips : request->uri.scheme == SIP_SCHEME_SIPS;
	char buf[TOKEN_LENGTH];
	struct writer text = writer_of(buf, sizeof buf);

	/* within a dialog the token of the Route stays good in both directions */
	if (context->in_dialog)
		put(&text, context->routes.user);
	else if (!put_new_token(&text, context, target))
		return false;
	put_record_route(out, context->core, writer_text(&text), sips, &to);
	if (from.transport != to.transport || from.says_tls != to.says_tls)
		put_record_route(out, context->core, writer_text(&text), sips, &from);
	return !text.overflow;
}

/* RFC 5393 §5.3.3: "All proxied requests MUST contain a single Max-Breadth header field value." */
static void put_breadth(struct writer *out, unsigned breadth)
{
	put(out, SLICE("Max-Breadth: "));
	put_number(out, breadth);
	put(out, SLICE("\r\n"));
}

static bool put_top(struct writer *out, const struct context *context, const struct target *target)
{
	if (forms_dialog(context) && !put_record_routes(out, context, target))
		return false;
	/* other REGISTERs than those of phones whose edge we are are not passed on */
	if (context->request->method == SIP_REGISTER && !put_edge_path(out, context, target))
		return false;
	put_breadth(out, context->breadth);
	put_assertion(out, context, target);
	put_without_agreement(out, context->core, context->request);
	return true;
}

static int hops_left(const struct sip_message *request)
{
	return request->max_forwards < 0 ? HOPS_DEFAULT : request->max_forwards - 1;
}

/* RFC 3261 §16.6 step 2, RFC 5630 §5.3 */
static void put_target_uri(struct writer *out, const struct target *target)
{
	static const size_t sips_length = sizeof "sips" - 1;
	struct sip_uri contact = target->uri;

	if (!target->binding) {
		put(out, contact.text);
		return;
	}
	if (target->to_sip) {
		put(out, SLICE("sip"));
		contact.text = slice_sub(contact.text, sips_length, contact.text.len);
	}
	put_request_uri(out, &contact);
}

/* -- the way ------------------------------------------------------------------------------------------------------ */

static bool is_strict(struct slice route, struct sip_address *ret_route)
{
	struct slice lr;

	return sip_address_parse(route, ret_route) &&
	       !sip_param_find(ret_route->uri.params, SLICE("lr"), &lr);
}

/*
 * The Request-URI, and the lines of Route, with which the request leaves. RFC 3261 §16.6 step 6: where the next hop is a strict
 * router, that is the Request-URI, and "the proxy MUST place the Request-URI into the Route header field as the last value".
 * (A Path has loose routers only.) False: what is secure would go to a sip URI.
 */
static bool put_way(struct writer *uri, struct writer *routes, const struct context *context,
		    const struct target *target)
{
	struct sip_values it = context->routes.others;
	struct sip_address strict;
	struct slice value;
	bool is_first = !target->path.len, changes_places = false;

	if (target->path.len)
		put_header(routes, SIP_ROUTE, target->path);
	while (sip_values_next(&it, &value)) {
		if (is_first && is_strict(value, &strict))
			changes_places = true;
		else
			put_header(routes, SIP_ROUTE, value);
		is_first = false;
	}
	if (!changes_places) {
		put_target_uri(uri, target);
		return true;
	}
	put_request_uri(uri, &strict.uri);
	put(routes, SLICE("Route: <"));
	put_target_uri(routes, target);
	put(routes, SLICE(">\r\n"));
	return strict.uri.scheme == SIP_SCHEME_SIPS || context->request->uri.scheme != SIP_SCHEME_SIPS;
}

/* -- sending ---------------------------------------------------------------------------------------------------- */

/* A request as it leaves, in the making: what struct outgoing has of it. Both in core->scratch. */
struct leaving {
	struct writer uri, rest;
};

static struct leaving leaving_of(const struct core *core)
{
	return (struct leaving){ writer_of(core->scratch, URI_SIZE),
				 writer_of(core->scratch + URI_SIZE, SCRATCH_SIZE - URI_SIZE) };
}

/*
 * The second part of the branch. RFC 5393 §4.1: "A SIP proxy forwarding a request to only one location MAY perform loop detection but
 * is not required to". Within a dialog there is one, and what comes back from there ends by Max-Forwards.
 */
static bool make_loop(const struct context *context, char buf[ENDPOINT_LOOP_SIZE], struct slice *ret_loop)
{
	*ret_loop = slice_from(buf, context->in_dialog ? 0 : ENDPOINT_LOOP_SIZE);
	return context->in_dialog || check_make_loop(context->core, context->request, buf);
}

enum err forward_request(struct context *context, const struct target *target, void *user, struct now now,
			 struct client **ret_client)
{
	struct core *core = context->core;
	const struct sip_message *request = context->request;
	struct leaving out = leaving_of(core);
	struct request_filter filter = { core, assertion_is_kept(context, target),
					 context->credentials.scheme };
	char buf[ENDPOINT_LOOP_SIZE];
	struct slice loop;

	if (!make_loop(context, buf, &loop) || !put_top(&out.rest, context, target) ||
	    !put_way(&out.uri, &out.rest, context, target))
		return ERR_DENIED;
	put_forwarded(&out.rest, request,
		      &(struct sip_edits){
			      .via = context->server->via,
			      .max_forwards = hops_left(request),
			      .keep = in_request,
			      .keep_arg = &filter,
		      });
	if (out.uri.overflow || out.rest.overflow)
		return ERR_LIMIT;
	return endpoint_request(
		core->endpoint,
		&(struct outgoing){
			.method = request->method,
			.method_name = request->method_name,
			.uri = writer_text(&out.uri),
			.rest = writer_text(&out.rest),
			.flow = target->flow,
			.require = target->require,
			.user = user,
			.alias = target->is_outside && flow_transport(target->flow) == TRANSPORT_TLS,
			.any_size = target->any_size,
			.loop = loop,
		},
		now, ret_client);
}

bool forward_ack(const struct context *context, struct slice via, const struct target *target, struct now now)
{
	struct core *core = context->core;
	const struct sip_message *ack = context->request;
	struct leaving out = leaving_of(core);
	struct request_filter filter = { .core = core };

	put_breadth(&out.rest, check_breadth(ack));
	if (!put_way(&out.uri, &out.rest, context, target))
		return true;
	put_forwarded(&out.rest, ack,
		      &(struct sip_edits){
			      .via = via,
			      .max_forwards = hops_left(ack),
			      .keep = in_request,
			      .keep_arg = &filter,
		      });
	if (out.uri.overflow || out.rest.overflow)
		return true;
	return endpoint_send(core->endpoint,
			     &(struct outgoing){
				     .method = SIP_ACK,
				     .uri = writer_text(&out.uri),
				     .rest = writer_text(&out.rest),
				     .flow = target->flow,
				     .require = target->require,
			     },
			     now);
}
