#include "dlg/dialog.h"

#include "base/mem.h"
#include "dlg/routes.h"
#include "sip/build.h"

struct dlg_identity {
	size_t len;
	char text[];
};

/* The texts that never change, in one allocation. */
struct parts {
	struct slice call_id, local_tag, remote_tag, local, remote;
	struct slice local_suffix; /* ";tag=…" for a local value that lacks it, or empty */
};

static struct slice append(struct writer *out, struct slice text)
{
	size_t from = out->len;

	put(out, text);
	return slice_from(out->buf + from, out->len - from);
}

static enum err set_identity(struct dlg *dlg, const struct parts *parts)
{
	size_t size = parts->call_id.len + parts->local_tag.len + parts->remote_tag.len + parts->local.len +
		      parts->remote.len + sizeof ";tag=" + parts->local_suffix.len;
	struct writer out;

	dlg->identity = mem_zalloc(1, sizeof *dlg->identity + size);
	if (!dlg->identity)
		return ERR_NOMEM;
	dlg->identity->len = size;
	out = writer_of(dlg->identity->text, size);
	dlg->call_id = append(&out, parts->call_id);
	dlg->local_tag = append(&out, parts->local_tag);
	dlg->remote_tag = append(&out, parts->remote_tag);
	dlg->remote = append(&out, parts->remote);
	dlg->local = append(&out, parts->local);
	if (parts->local_suffix.len > 0) {
		put(&out, SLICE(";tag="));
		put(&out, parts->local_suffix);
		dlg->local.len += sizeof ";tag=" - 1 + parts->local_suffix.len;
	}
	return OK;
}

static enum err set_target(struct dlg *dlg, struct slice uri)
{
	char *text = mem_alloc(uri.len);

	if (!text)
		return ERR_NOMEM;
	memcpy(text, uri.ptr, uri.len);
	mem_free(dlg->target_text);
	dlg->target_text = text;
	dlg->target = slice_from(text, uri.len);
	return OK;
}

/* The first Contact; ERR_NOT_FOUND if there is none. RFC 3261 §12.1: "a SIP or SIPS URI". */
static enum err find_contact(const struct sip_message *message, struct sip_address *ret_contact)
{
	struct sip_values values = sip_values_of(message, SIP_CONTACT);
	struct slice value;

	if (!sip_values_next(&values, &value))
		return ERR_NOT_FOUND;
	if (!sip_address_parse(value, ret_contact))
		return ERR_SYNTAX;
	if (ret_contact->uri.scheme != SIP_SCHEME_SIP && ret_contact->uri.scheme != SIP_SCHEME_SIPS)
		return ERR_SYNTAX;
	return OK;
}

/* Target and route set together, so that a refusal of one leaves both as they were. */
static enum err set_way(struct dlg *dlg, const struct sip_message *message, enum dlg_route_order order)
{
	AUTO(dlg_routes) struct dlg_routes *routes = NULL;
	struct sip_address contact;
	enum err err = find_contact(message, &contact);

	if (err != OK)
		return err == ERR_NOT_FOUND ? ERR_SYNTAX : err;
	if (dlg->secure && contact.uri.scheme != SIP_SCHEME_SIPS)
		return ERR_DENIED;
	TRY(dlg_routes_new(message, order, &routes));
	if (dlg->secure && !dlg_routes_are_sips(routes))
		return ERR_DENIED;
	TRY(set_target(dlg, contact.uri.text));
	dlg_routes_free(dlg->routes);
	dlg->routes = TAKE(routes);
	return OK;
}

enum err dlg_new_uac(const struct dlg_sent *sent, const struct sip_message *response, struct dlg **ret_dlg)
{
	AUTO(dlg) struct dlg *dlg = mem_new(struct dlg);
	const struct parts parts = {
		.call_id = sent->call_id,
		.local_tag = sent->from_tag,
		.remote_tag = response->to.tag,
		.local = sent->from,
		.remote = response->to.text,
	};

	if (!dlg)
		return ERR_NOMEM;
	dlg->state = response->status < 200 ? DLG_EARLY : DLG_CONFIRMED;
	dlg->secure = sent->secure;
	dlg->sips_contact = sent->secure;
	dlg->local_cseq = sent->cseq;
	TRY(set_identity(dlg, &parts));
	TRY(set_way(dlg, response, DLG_REVERSED));
	*ret_dlg = TAKE(dlg);
	return OK;
}

/* RFC 3261 §12.1.1: sips "in the Request-URI or in the top Record-Route header field value, if there was any,
 * or the Contact header field if there was no Record-Route". */
static bool wants_sips_contact(const struct dlg *dlg)
{
	if (dlg->secure)
		return true;
	if (dlg->routes)
		return dlg_routes_begin_with_sips(dlg->routes);
	return slice_starts_nocase(dlg->target, SLICE("sips:"));
}

enum err dlg_new_uas(const struct sip_message *request, struct slice local_tag, bool secure,
		     struct dlg **ret_dlg)
{
	AUTO(dlg) struct dlg *dlg = mem_new(struct dlg);
	const struct parts parts = {
		.call_id = request->call_id,
		.local_tag = local_tag,
		.remote_tag = request->from.tag,
		.local = request->to.text,
		.local_suffix = request->to.tag.len > 0 ? SLICE("") : local_tag,
		.remote = request->from.text,
	};

	if (!dlg)
		return ERR_NOMEM;
	dlg->state = DLG_EARLY;
	dlg->secure = secure;
	dlg->remote_cseq = request->cseq.number;
	TRY(set_identity(dlg, &parts));
	TRY(set_way(dlg, request, DLG_AS_WRITTEN));
	dlg->sips_contact = wants_sips_contact(dlg);
	*ret_dlg = TAKE(dlg);
	return OK;
}

void dlg_free(struct dlg *dlg)
{
	if (!dlg)
		return;
	mem_free(dlg->identity);
	dlg_routes_free(dlg->routes);
	mem_free(dlg->target_text);
	mem_free(dlg);
}

bool dlg_has_request(const struct dlg *dlg, const struct sip_message *request)
{
	return slice_eq(dlg->call_id, request->call_id) && slice_eq(dlg->local_tag, request->to.tag) &&
	       slice_eq(dlg->remote_tag, request->from.tag);
}

bool dlg_has_response(const struct dlg *dlg, const struct sip_message *response)
{
	return slice_eq(dlg->call_id, response->call_id) && slice_eq(dlg->local_tag, response->from.tag) &&
	       slice_eq(dlg->remote_tag, response->to.tag);
}

enum err dlg_confirm_uac(struct dlg *dlg, const struct sip_message *response)
{
	TRY(set_way(dlg, response, DLG_REVERSED));
	dlg->state = DLG_CONFIRMED;
	return OK;
}

void dlg_confirm_uas(struct dlg *dlg)
{
	dlg->state = DLG_CONFIRMED;
}

bool dlg_receive(struct dlg *dlg, const struct sip_message *request)
{
	if (dlg->remote_cseq != 0 && request->cseq.number <= dlg->remote_cseq)
		return false;
	dlg->remote_cseq = request->cseq.number;
	return true;
}

enum err dlg_refresh_target(struct dlg *dlg, const struct sip_message *message)
{
	struct sip_address contact;
	enum err err = find_contact(message, &contact);

	if (err == ERR_NOT_FOUND)
		return OK;
	TRY(err);
	if (dlg->secure && contact.uri.scheme != SIP_SCHEME_SIPS)
		return ERR_DENIED;
	return set_target(dlg, contact.uri.text);
}

struct slice dlg_request_uri(const struct dlg *dlg)
{
	struct slice strict = dlg_routes_strict_uri(dlg->routes);

	return strict.len > 0 ? strict : dlg->target;
}

void put_dlg_headers(struct writer *out, const struct dlg *dlg)
{
	put_dlg_routes(out, dlg->routes, dlg->target);
	put_header(out, SIP_FROM, dlg->local);
	put_header(out, SIP_TO, dlg->remote);
	put_header(out, SIP_CALL_ID, dlg->call_id);
	put(out, SLICE("Max-Forwards: 70\r\n"));
}
