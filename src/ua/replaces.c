#include "ua/replaces.h"

#include "sip/fields.h"
#include "ua/arrival.h"
#include "ua/fork.h"

enum { AOR_MAX = 512 };

static bool names(const struct sip_replaces *replaces, const struct dlg *dialog)
{
	return slice_eq(replaces->call_id, dialog->call_id) &&
	       slice_eq(replaces->to_tag, dialog->local_tag) &&
	       slice_eq(replaces->from_tag, dialog->remote_tag);
}

static struct call *find(const struct ua *ua, const struct sip_replaces *replaces)
{
	LIST_EACH (call, &ua->calls, struct call, link) {
		if (call->dialog && names(replaces, call->dialog))
			return call;
		LIST_EACH (fork, &call->forks, struct fork, link)
			if (names(replaces, fork->dialog))
				return call;
	}
	return NULL;
}

/* The same address-of-record, which the server has seen to; or the signature, if there is one. */
static bool is_peer(const struct call *call, const struct server *server)
{
	char one[AOR_MAX], two[AOR_MAX];
	struct writer ours = writer_of(one, sizeof one), theirs = writer_of(two, sizeof two);
	struct sip_uri peer, from;

	if (!sip_uri_parse(call->peer, &peer) || !sip_uri_parse(arrival_from(call->ua, server), &from))
		return false;
	put_aor(&ours, &peer);
	put_aor(&theirs, &from);
	return !ours.overflow && !theirs.overflow && slice_eq(writer_text(&ours), writer_text(&theirs));
}

/* Whom the servers on the way cannot listen to is not replaced by somebody whom they can. */
static bool is_less_protected(const struct call *call, const struct server *server)
{
	const struct ua_protection *protection = arrival_protection(call->ua, server);

	return call->is_sealed && !(protection && ua_protection_is_good(protection));
}

struct objection {
	bool holds;
	struct ua_fault fault;
};

/* RFC 3891 §3, then what this phone adds; the first that holds counts. */
static struct ua_fault judge(const struct call *call, const struct server *server, bool early_only)
{
	bool is_secure = server->request->uri.scheme == SIP_SCHEME_SIPS;
	const struct objection objections[] = {
		{ call->state == CALL_ENDED, { 603, 399, SLICE("the call to be replaced is over") } },
		{ early_only && call->state >= CALL_ANSWERED && call->state != CALL_LEAVING,
		  { 486, 399, SLICE("the call to be replaced was answered") } },
		{ call->state != CALL_UP && call->state != CALL_CALLING,
		  { 481, 399, SLICE("there is no call that could be replaced") } },
		{ call->ua->transfers == UA_TRANSFERS_NEVER,
		  { 603, 399, SLICE("this phone lets nobody replace its calls") } },
		{ call->secure && !is_secure,
		  { 603, 399, SLICE("a sips call is not replaced by a sip one") } },
		{ is_less_protected(call, server),
		  { 603, 399,
		    SLICE("a call that is protected from end to end is not replaced by one that is not") } },
		{ call->ua->transfers == UA_TRANSFERS_PEER && !is_peer(call, server),
		  { 603, 399, SLICE("only who is in the call may replace it") } },
	};

	for (size_t i = 0; i < sizeof objections / sizeof objections[0]; i++)
		if (objections[i].holds)
			return objections[i].fault;
	return (struct ua_fault){ .status = 0 };
}

struct ua_fault replaces_find(const struct ua *ua, const struct server *server,
			      struct replacement *ret_replacement)
{
	const struct sip_header *header = sip_message_header(server->request, SIP_REPLACES);
	struct sip_replaces replaces;
	struct ua_fault fault;
	struct call *call;

	*ret_replacement = (struct replacement){ .call = NULL };
	if (!header)
		return (struct ua_fault){ .status = 0 };
	if (!sip_replaces_parse(header->value, &replaces))
		return (struct ua_fault){ 400, 399, SLICE("Replaces is malformed") };
	call = find(ua, &replaces);
	if (!call)
		return (struct ua_fault){ 481, 399, SLICE("there is no such call to be replaced") };
	fault = judge(call, server, replaces.early_only);
	if (fault.status == 0)
		*ret_replacement = (struct replacement){
			.call = call,
			.consented = ua->transfers == UA_TRANSFERS_ALLOW || is_peer(call, server),
		};
	return fault;
}
