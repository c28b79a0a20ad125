#include "ua/fetch.h"

#include "ua/enrolment.h"
#include "ua/subscription.h"
#include "ua/vouching.h"

enum { URI_MAX = CREDENTIALS_AOR_MAX + 8, FINGERPRINT_SIZE = KEY_ID_SIZE / 2 * 5 };

static const struct verdict no_service = {
	.code = "smime.no-service",
	.what = "the domain of {peer} does not say which certificates there are: {found}",
	.section = "RFC 6072 §6",
	.remedy = "ask its administrator for a server with a certificate service",
};
static const struct verdict no_user = {
	.code = "smime.no-user",
	.what = "the domain of {peer} knows nobody of that name: {found}",
	.section = "RFC 6072 §6.8",
	.remedy = "look whether the address is written as it should be",
};
static const struct verdict no_answer = {
	.code = "smime.no-answer",
	.what = "the domain of {peer} could not be asked for certificates: {found}",
	.section = "RFC 6665 §4.1.2.4",
	.remedy = "try again later",
};

static const struct verdict *verdict_of(unsigned status)
{
	switch (status) {
	case 404:
	case 410:
	case 604: return &no_user;
	case 403:
	case 405:
	case 406:
	case 489:
	case 501: return &no_service;
	default: return &no_answer;
	}
}

static struct slice aor_of(const struct subscription *sub)
{
	return slice_sub(sub->uri, slice_find(sub->uri, ':') + 1, sub->uri.len);
}

static void fail(struct ua *ua, struct slice aor, unsigned status, struct slice why, struct now now)
{
	char buf[VERDICT_TEXT_MAX];
	struct writer found = writer_of(buf, sizeof buf);
	struct verdict verdict = *verdict_of(status);

	if (status != 0) {
		put_number(&found, status);
		put_char(&found, ' ');
	}
	put(&found, why);
	verdict_text_set(&verdict.peer, aor);
	verdict_text_set(&verdict.found, writer_text(&found));
	credentials_failed(ua->credentials, aor, &verdict, now);
}

static void on_notified(struct subscription *sub, const struct sip_message *notify, struct now now)
{
	struct ua *ua = sub->ua;
	struct slice aor = aor_of(sub);
	const struct vouching_question question = {
		.crypto = ua->auth.crypto,
		.anchors = ua->anchors,
		.notify = notify,
		.aor = aor,
		.now = now.wall,
	};
	struct vouched vouched = { .n = 0 };
	struct verdict verdict;
	enum err err = vouching_read(&question, &vouched, &verdict);

	if (err == OK)
		err = credentials_vouched(ua->credentials, aor, vouched.at, vouched.n, now);
	else if (err == ERR_DENIED)
		credentials_refused(ua->credentials, aor, &verdict, now);
	if (err != OK && err != ERR_DENIED)
		fail(ua, aor, 0, SLICE("there is no memory"), now);
	if (slice_eq(aor, credentials_aor(ua->credentials)))
		enrolment_told(ua, now);
}

static void on_ended(struct subscription *sub, unsigned status, struct slice why, struct now now)
{
	credentials_lapse(sub->ua->credentials, aor_of(sub));
	fail(sub->ua, aor_of(sub), status, why, now);
}

static const struct subscription_user fetch_user = { on_notified, on_ended };

/* The oldest one ends, where there are too many: who is written to again is asked for again. */
static void make_room(struct ua *ua, struct now now)
{
	struct subscription *oldest = NULL;
	size_t n = 0;

	LIST_EACH (sub, &ua->subscriptions, struct subscription, link) {
		if (sub->user != &fetch_user || sub->state == SUB_OVER || sub->state == SUB_ENDING)
			continue;
		n++;
		if (!oldest && !slice_eq(aor_of(sub), credentials_aor(ua->credentials)))
			oldest = sub;
	}
	if (n < FETCH_MAX || !oldest)
		return;
	credentials_lapse(ua->credentials, aor_of(oldest));
	subscription_leave(oldest, now);
}

enum err fetch_ask(void *self, struct slice aor, struct now now)
{
	struct ua *ua = self;
	char uri[URI_MAX];
	struct writer out = writer_of(uri, sizeof uri);
	struct subscription_plan plan = { .package = SLICE("certificate"),
					  .accept = SLICE("multipart/signed"),
					  .user = &fetch_user };
	struct subscription *sub;

	if (!ua->anchors)
		return ERR_CLOSED;
	put(&out, SLICE("sips:"));
	put(&out, aor);
	if (out.overflow)
		return ERR_LIMIT;
	plan.uri = writer_text(&out);
	sub = subscription_find(ua, &fetch_user, plan.uri);
	if (sub)
		subscription_leave(sub, now); /* it has told nothing for long */
	make_room(ua, now);
	return subscription_begin(ua, &plan, now, &sub);
}

enum err fetch_own(struct ua *ua, struct now now)
{
	char uri[URI_MAX];
	struct writer out = writer_of(uri, sizeof uri);

	put(&out, SLICE("sips:"));
	put(&out, credentials_aor(ua->credentials));
	if (subscription_find(ua, &fetch_user, writer_text(&out)))
		return OK;
	return fetch_ask(ua, credentials_aor(ua->credentials), now);
}

/* -- news ------------------------------------------------------------------------------------------------------ */

/* clang-format off */
static const enum ua_event_kind kinds[] = {
	[CREDENTIALS_OWN_OBTAINED]   = UA_CERTIFICATE_OBTAINED,
	[CREDENTIALS_OWN_RENEWED]    = UA_CERTIFICATE_RENEWED,
	[CREDENTIALS_OWN_FAILED]     = UA_CERTIFICATE_FAILED,
	[CREDENTIALS_PEER_NEW]       = UA_CERTIFICATE_NEW,
	[CREDENTIALS_PEER_CHANGED]   = UA_CERTIFICATE_CHANGED,
	[CREDENTIALS_PEER_WITHDRAWN] = UA_CERTIFICATE_WITHDRAWN,
	[CREDENTIALS_PEER_REFUSED]   = UA_CERTIFICATE_REFUSED,
};
/* clang-format on */

void fetch_tell(void *self, const struct credentials_news *news)
{
	char old[FINGERPRINT_SIZE], new[FINGERPRINT_SIZE];
	struct writer from = writer_of(old, sizeof old), to = writer_of(new, sizeof new);

	if (news->has_old)
		put_key_fingerprint(&from, news->old_key);
	if (news->has_new)
		put_key_fingerprint(&to, news->new_key);
	ua_tell(self, &(struct ua_event){
			      .kind = kinds[news->kind],
			      .peer = news->aor,
			      .state = writer_text(&from),
			      .text = writer_text(&to),
			      .consented = news->is_believed,
			      .verdict = news->verdict,
		      });
}
