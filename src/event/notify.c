/* NOTIFYs and what comes back (RFC 6665 §4.2.2). */
#include "base/mem.h"
#include "event/state.h"
#include "sip/build.h"
#include "sip/date.h"

/* RFC 5630 §5.3: transport=tls is for those only who use it themselves. */
static bool says_tls(const struct dlg *dialog)
{
	struct slice transport;
	struct sip_uri target;

	return sip_uri_parse(dialog->target, &target) &&
	       sip_param_find(target.params, SLICE("transport"), &transport) &&
	       slice_eq_nocase(transport, SLICE("tls"));
}

static struct slice transport_param(const struct subscription *subscription)
{
	const struct dlg *dialog = subscription->dialog;

	switch (flow_transport(subscription->flow)) {
	case TRANSPORT_TLS:
		return says_tls(dialog) && !dialog->sips_contact ? SLICE(";transport=tls") : SLICE("");
	case TRANSPORT_TCP: return SLICE(";transport=tcp");
	case TRANSPORT_WSS:
	case TRANSPORT_WS: return SLICE(";transport=ws");
	default: return SLICE("");
	}
}

void put_notifier_contact(struct writer *out, const struct subscription *subscription)
{
	const struct notifier_place *place = &subscription->notifier->place;
	enum transport_protocol transport = flow_transport(subscription->flow);
	bool sips = subscription->dialog->sips_contact;

	put(out, sips ? SLICE("Contact: <sips:") : SLICE("Contact: <sip:"));
	put(out, place->host);
	if (place->ports[transport]) {
		put_char(out, ':');
		put_number(out, place->ports[transport]);
	}
	put(out, transport_param(subscription));
	put(out, SLICE(">\r\n"));
}

/* RFC 6665 §4.1.3, §8.2.3 */
static void put_subscription_state(struct writer *out, const struct subscription *subscription,
				   struct now now)
{
	put(out, SLICE("Subscription-State: "));
	if (subscription->reason) {
		put(out, SLICE("terminated;reason="));
		put(out, slice_of(subscription->reason));
	} else {
		put(out, SLICE("active;expires="));
		put_number(out, (subscription->ends - now.mono + 999) / 1000);
	}
	put(out, SLICE("\r\n"));
}

static void put_event(struct writer *out, const struct subscription *subscription)
{
	put(out, SLICE("Event: "));
	put(out, subscription->package->name);
	if (subscription->id_len) {
		put(out, SLICE(";id="));
		put(out, slice_from(subscription->id, subscription->id_len));
	}
	put(out, SLICE("\r\n"));
}

static void put_headers(struct writer *out, struct subscription *subscription, struct now now)
{
	put_dlg_headers(out, subscription->dialog);
	put(out, SLICE("CSeq: "));
	put_number(out, subscription->dialog->local_cseq);
	put(out, SLICE(" NOTIFY\r\n"));
	put_notifier_contact(out, subscription);
	put_event(out, subscription);
	put_subscription_state(out, subscription, now);
}

/* -- what comes back ----------------------------------------------------------------------------------------------- */

/* RFC 6665 §4.2.2: answers after which "the notifier MUST remove" the subscription; others say nothing of it. */
static bool ends_subscription(unsigned status)
{
	switch (status) {
	case 404:
	case 405:
	case 410:
	case 416:
	case 480:
	case 481:
	case 482:
	case 483:
	case 484:
	case 485:
	case 489:
	case 501:
	case 604: return true;
	default: return false;
	}
}

static void on_response(struct client *client, const struct sip_message *response, struct now now)
{
	struct subscription *subscription = client->user;

	(void)now;
	if (!subscription)
		return;
	subscription->dialled = 0;
	if (ends_subscription(response->status))
		subscription->reason = "rejected";
}

/* Timer F, or no way to the subscriber. What another domain did not get since its flow was lost, it is told on the next one. */
static void on_failed(struct client *client, enum client_failure why, struct now now)
{
	struct subscription *subscription = client->user;

	if (!subscription)
		return;
	if (why == CLIENT_FLOW_LOST && subscription->domain.len > 0 && !subscription->reason) {
		subscription->wants_all = true;
		subscription_dial_later(subscription, now);
	} else {
		subscription->reason = "noresource";
	}
}

/* The last mention of the NOTIFY is that of a subscription that has ended. */
static void on_gone(struct client *client)
{
	struct subscription *subscription = client->user;

	if (!subscription)
		return;
	subscription->client = NULL;
	if (subscription->reason)
		subscription_free(subscription);
}

static const struct client_owner owner = { on_response, on_failed, on_gone };

/* -- sending ------------------------------------------------------------------------------------------------------- */

/* A dialog under SIPS, or a subscriber who is reached under SIPS: then nobody else is told. */
static struct requirement requirement_of(const struct subscription *subscription)
{
	bool is_sips = slice_starts_nocase(dlg_request_uri(subscription->dialog), SLICE("sips:"));

	if (!subscription->dialog->secure && !is_sips)
		return (struct requirement){ .level = REQUIRE_NOTHING };
	if (subscription->domain.len > 0)
		return (struct requirement){ .level = REQUIRE_DOMAIN, .domain = subscription->domain };
	return (struct requirement){ .level = REQUIRE_ACCOUNT, .account = subscription->watcher };
}

static bool put_notify(struct writer *out, struct subscription *subscription, const struct event_state *state,
		       struct now now)
{
	const struct event_package *package = subscription->package;
	size_t size = EVENT_SCRATCH / 2;
	struct writer document = writer_of(subscription->notifier->scratch + size, size);

	*out = writer_of(subscription->notifier->scratch, size);
	put_headers(out, subscription, now);
	if (state->now) {
		package->put_document(&document, state);
		put_header(out, SIP_CONTENT_TYPE, package->format);
	}
	put_body(out, writer_text(&document));
	return !out->overflow && !document.overflow;
}

static void remember(struct subscription *subscription, struct aor *now_known, struct now now)
{
	struct aor *told = now_known ? aor_ref(now_known) : NULL;

	aor_unref(subscription->told);
	subscription->told = told;
	subscription->told_at = now.wall;
	subscription->notified = now.mono;
	subscription->wants_all = false;
	if (told)
		subscription->version++;
}

static bool send_it(struct subscription *subscription, struct slice text, struct now now)
{
	return endpoint_request(subscription->notifier->endpoint,
				&(struct outgoing){
					.method = SIP_NOTIFY,
					.uri = dlg_request_uri(subscription->dialog),
					.rest = text,
					.flow = subscription->flow,
					.require = requirement_of(subscription),
					.user = subscription,
					.owner = &owner,
				},
				now, &subscription->client) == OK;
}

/* -- what the domain signs ----------------------------------------------------------------------------------------- */

/* RFC 6072 §6.7, docs/smime.md: what ties the document to this very NOTIFY. */
static void put_fragment(struct writer *out, const struct subscription *subscription, struct now now)
{
	const struct dlg *dialog = subscription->dialog;

	put_header(out, SIP_FROM, dialog->local);
	put_header(out, SIP_TO, dialog->remote);
	put_header(out, SIP_CALL_ID, dialog->call_id);
	put(out, SLICE("CSeq: "));
	put_number(out, dialog->local_cseq);
	put(out, SLICE(" NOTIFY\r\nDate: "));
	put_date(out, now.wall);
	put(out, SLICE("\r\n"));
	put_event(out, subscription);
}

static bool ask_to_vouch(struct subscription *subscription, struct event_state *state, struct now now)
{
	struct notifier *notifier = subscription->notifier;
	size_t size = EVENT_SCRATCH / 2, at = slice_find(subscription->name, '@');
	struct writer fragment = writer_of(notifier->scratch + size, size),
		      entity = writer_of(notifier->scratch, size);

	put_fragment(&fragment, subscription, now);
	state->fragment = writer_text(&fragment);
	state->random = endpoint_random(notifier->endpoint);
	subscription->package->put_document(&entity, state);
	if (fragment.overflow || entity.overflow)
		return false;
	aor_unref(subscription->vouching);
	subscription->vouching = state->now ? aor_ref((struct aor *)state->now) : NULL;
	subscription->vouched_at = now.wall;
	subscription->question.kind = NOTIFIER_VOUCHED;
	return endpoint_vouch(notifier->endpoint, &subscription->question,
			      &(struct vouch_question){
				      .domain = slice_sub(subscription->name, at + 1, subscription->name.len),
				      .entity = writer_text(&entity),
			      }) == OK;
}

/* The header lines of the entity are of the NOTIFY, and what follows the empty line is its body. */
static bool put_vouched(struct writer *out, struct subscription *subscription, struct slice entity,
			struct now now)
{
	size_t end = slice_find_text(entity, SLICE("\r\n\r\n"));

	*out = writer_of(subscription->notifier->scratch, EVENT_SCRATCH);
	put_headers(out, subscription, now);
	put(out, SLICE("Date: "));
	put_date(out, subscription->vouched_at);
	put(out, SLICE("\r\nContent-Disposition: signal\r\n")); /* RFC 6072 §6.4 */
	put(out, slice_sub(entity, 0, end + 2));
	put_body(out, slice_sub(entity, end + 4, entity.len));
	return !out->overflow;
}

static void report_unvouched(const struct subscription *subscription, enum err err)
{
	char buf[600];
	struct writer text = writer_of(buf, sizeof buf);

	put(&text, SLICE(" aor=\""));
	put_escaped(&text, subscription->name);
	put(&text, SLICE("\" why=\""));
	put(&text, err == ERR_CLOSED      ? SLICE("the signing process does not answer")
		   : err == ERR_NOT_FOUND ? SLICE("no certificate of ours proves the domain")
					  : SLICE("the domain's key cannot sign messages"));
	put_char(&text, '"');
	endpoint_report(subscription->notifier->endpoint, &(struct report){
								  .level = REPORT_WARNING,
								  .event = "certificate.not-vouched",
								  .flow = subscription->flow,
								  .call_id = subscription->dialog->call_id,
								  .text = writer_text(&text),
							  });
}

/* Without its signature nothing may be told, not even that there is nothing. */
static bool end_unvouched(struct subscription *subscription, struct now now)
{
	const struct event_state nothing = { .name = subscription->name };
	struct writer out;

	subscription->reason = "noresource";
	return put_notify(&out, subscription, &nothing, now) && send_it(subscription, writer_text(&out), now);
}

bool notify_vouched(struct subscription *subscription, const struct answer *answer, struct now now)
{
	struct writer out;

	if (answer->err != OK) {
		report_unvouched(subscription, answer->err);
		return end_unvouched(subscription, now);
	}
	if (!subscription->reason && now.mono >= subscription->ends)
		subscription->reason = "timeout"; /* it took so long to sign */
	if (!put_vouched(&out, subscription, answer->entity, now) ||
	    !send_it(subscription, writer_text(&out), now))
		return false;
	remember(subscription, subscription->vouching, now);
	return true;
}

/* -- both ways ----------------------------------------------------------------------------------------------------- */

bool notify_send(struct subscription *subscription, struct aor *now_known, struct now now)
{
	struct event_state state = {
		.name = subscription->name,
		.now = now_known,
		.before = subscription->wants_all ? NULL : subscription->told,
		.wall = now.wall,
		.wall_before = subscription->told_at,
		.version = subscription->version,
	};
	struct writer out;

	subscription->dialog->local_cseq++;
	if (subscription->package->is_vouched)
		return ask_to_vouch(subscription, &state, now);
	if (!put_notify(&out, subscription, &state, now) || !send_it(subscription, writer_text(&out), now))
		return false;
	remember(subscription, now_known, now);
	return true;
}
