#include "ua/departure.h"

#include "base/mem.h"
#include "ua/call.h"
#include "ua/enclosed.h"
#include "ua/protect.h"

enum { UNDECIDED_MS = 60000 };

/* -- life -------------------------------------------------------------------------------------------- */

static struct departure *departure_new(struct ua *ua, const struct departure_plan *plan)
{
	struct departure *departure = mem_new(struct departure);
	char *at;

	if (!departure)
		return NULL;
	departure->texts = mem_alloc(plan->uri.len + plan->text.len + 1);
	if (!departure->texts) {
		mem_free(departure);
		return NULL;
	}
	at = departure->texts;
	departure->uri = slice_copy(&at, plan->uri);
	departure->text = slice_copy(&at, plan->text);
	departure->ua = ua;
	departure->id = plan->id;
	departure->is_again = plan->is_again;
	departure->is_anonymous = plan->is_anonymous;
	list_append(&ua->departures, &departure->link);
	return departure;
}

static void departure_free(struct departure *departure)
{
	struct ua *ua = departure->ua;

	credentials_cease(ua->credentials, &departure->waiter);
	list_remove(&ua->departures, &departure->link);
	mem_wipe(departure->texts, departure->uri.len + departure->text.len);
	mem_free(departure->texts);
	chain_free(departure->enclosed);
	mem_free(departure);
}

void departures_free(struct ua *ua)
{
	LIST_EACH (departure, &ua->departures, struct departure, link)
		departure_free(departure);
}

/* -- how it leaves ----------------------------------------------------------------------------------- */

static void fail(struct departure *departure, enum ua_cause cause, struct slice why,
		 const struct ua_protection *how)
{
	ua_tell(departure->ua, &(struct ua_event){
				       .kind = UA_MESSAGE_FAILED,
				       .id = departure->id,
				       .cause = cause,
				       .text = why,
				       .peer = departure->uri,
				       .protection = how,
			       });
	ua_clear_timer(departure->ua, &departure->timer);
	departure_free(departure);
}

static void refuse(struct departure *departure, const struct ua_protection *how)
{
	char text[1000];
	struct writer why = writer_of(text, sizeof text);

	put_verdict_advice(&why, &how->verdict);
	fail(departure, UA_NOT_SECURE, writer_text(&why), how);
}

static void ask(struct departure *departure, struct slice why, const struct ua_protection *how,
		struct now now)
{
	departure->is_asking = true;
	ua_tell(departure->ua, &(struct ua_event){
				       .kind = UA_IN_CLEAR,
				       .id = departure->id,
				       .text = why,
				       .peer = departure->uri,
				       .protection = how,
			       });
	ua_set_timer(departure->ua, &departure->timer, UA_TIMER_DEPARTURE, now.mono + UNDECIDED_MS);
}

static enum err leave(struct departure *departure, bool is_protected, const struct ua_protection *how,
		      struct now now)
{
	struct ua *ua = departure->ua;
	const struct departure_plan plan = {
		.id = departure->id,
		.uri = departure->uri,
		.text = departure->text,
		.is_protected = is_protected,
		.is_again = departure->is_again,
		.is_anonymous = departure->is_anonymous,
		.also = is_protected ? enclosed_believed(ua, departure->enclosed, departure->uri, now) : NULL,
	};

	return message_send(ua, &plan, how, now);
}

static enum protect_way choose(struct departure *departure, struct now now, struct ua_protection *ret_how)
{
	const struct protect_wish wish = { departure->uri, &departure->waiter, departure->enclosed,
					   departure->is_anonymous };
	enum protect_way way = protect_choose(departure->ua, &wish, now, ret_how);

	if (departure->floor == DEPARTURE_CONSENT && way == PROTECT_CLEAR)
		return PROTECT_ASK;
	if (departure->floor == DEPARTURE_SEALED && way != PROTECT_SEALED && way != PROTECT_WAIT)
		return PROTECT_REFUSED;
	return way;
}

/* An error: it was not sent, and is still there. */
static enum err proceed(struct departure *departure, struct now now)
{
	struct ua_protection how;
	char text[1000];
	struct writer why = writer_of(text, sizeof text);
	enum protect_way way = choose(departure, now, &how);

	switch (way) {
	case PROTECT_WAIT: return OK;
	case PROTECT_REFUSED: refuse(departure, &how); return OK;
	case PROTECT_ASK:
		put_verdict(&why, &how.verdict);
		ask(departure, writer_text(&why), &how, now);
		return OK;
	case PROTECT_CLEAR:
	case PROTECT_SEALED: break;
	}
	TRY(leave(departure, way == PROTECT_SEALED, &how, now));
	departure_free(departure);
	return OK;
}

/* There is nobody to give the error to any more. */
static void proceed_or_fail(struct departure *departure, enum err err)
{
	if (err == ERR_CLOSED)
		fail(departure, UA_SERVER_GONE, SLICE("the connection to the server is lost"), NULL);
	else if (err == ERR_NOT_FOUND || err == ERR_DENIED)
		fail(departure, UA_NOT_SECURE,
		     SLICE("there is no certificate any more that it could be encrypted to"), NULL);
	else if (err != OK)
		fail(departure, UA_FAILED, SLICE("it could not be sent"), NULL);
}

static void on_come(struct credentials_waiter *waiter, struct now now)
{
	struct departure *departure = CONTAINER_OF(waiter, struct departure, waiter);

	proceed_or_fail(departure, proceed(departure, now));
}

enum err departure_begin(struct ua *ua, const struct departure_plan *plan, struct now now)
{
	struct departure *departure = departure_new(ua, plan);
	enum err err;

	if (!departure)
		return ERR_NOMEM;
	departure->waiter.come = on_come;
	err = ua->flow == 0 ? ERR_CLOSED : proceed(departure, now);
	if (err == ERR_NOT_FOUND || err == ERR_DENIED) {
		proceed_or_fail(departure, err);
		return OK;
	}
	if (err != OK)
		departure_free(departure);
	return err;
}

/* -- after a refusal --------------------------------------------------------------------------------- */

bool departure_ask(struct exchange *refused, struct slice why, struct now now)
{
	const struct departure_plan plan = {
		.id = refused->id, .uri = refused->uri, .text = refused->body, .is_again = true
	};
	struct departure *departure;

	if (protect_policy(refused->ua, refused->uri) == UA_SMIME_REQUIRE)
		return false;
	departure = departure_new(refused->ua, &plan);
	if (!departure)
		return false;
	departure->waiter.come = on_come;
	ask(departure, why, &refused->how, now);
	return true;
}

bool departure_again(struct exchange *refused, struct chain *enclosed, struct now now)
{
	const struct departure_plan plan = {
		.id = refused->id, .uri = refused->uri, .text = refused->body, .is_again = true
	};
	struct departure *departure = NULL;

	if (protect_policy(refused->ua, refused->uri) != UA_SMIME_OFF)
		departure = departure_new(refused->ua, &plan);
	if (!departure) {
		chain_free(enclosed);
		return false;
	}
	departure->waiter.come = on_come;
	departure->floor = refused->how.is_encrypted ? DEPARTURE_CONSENT : DEPARTURE_SEALED;
	departure->enclosed = enclosed;
	proceed_or_fail(departure, proceed(departure, now));
	return true;
}

/* -- what our user says ------------------------------------------------------------------------------ */

static struct departure *find_asking(const struct ua *ua, uint64_t id)
{
	LIST_EACH (departure, &ua->departures, struct departure, link)
		if (departure->id == id && departure->is_asking)
			return departure;
	return NULL;
}

enum err departure_in_clear(struct ua *ua, uint64_t id, bool yes, struct now now)
{
	struct departure *departure = find_asking(ua, id);
	const struct ua_protection how = { .is_encrypted = false };
	enum err err;

	if (!departure)
		return ERR_NOT_FOUND;
	if (!yes) {
		fail(departure, UA_NOT_SECURE, SLICE("it was not sent, since it could not be protected"),
		     NULL);
		return OK;
	}
	err = leave(departure, false, &how, now);
	if (err != OK) {
		proceed_or_fail(departure, err);
		return OK;
	}
	ua_clear_timer(ua, &departure->timer);
	departure_free(departure);
	return OK;
}

void departure_due(struct timer *timer, struct now now)
{
	(void)now;
	fail(CONTAINER_OF(timer, struct departure, timer), UA_NOT_SECURE,
	     SLICE("it was not sent, since it could not be protected and nobody said that it may go without"),
	     NULL);
}
