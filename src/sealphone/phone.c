#include "sealphone/phone.h"

#include <signal.h>

#include "idn/idn.h"
#include "sealphone/audio.h"
#include "sealphone/console.h"
#include "sealphone/resolver.h"

enum { URI_SIZE = 4096 }; /* of an address that is typed */

/* -- commands ---------------------------------------------------------------------------------------- */

void phone_finish(struct phone *phone, enum exit_code code, struct now now)
{
	if (phone->is_ending)
		return;
	phone->is_ending = true;
	phone->code = code;
	ua_stop(phone->ua, now);
}

static const char *why_not(enum err err)
{
	switch (err) {
	case ERR_SYNTAX: return "this is no address that can be called";
	case ERR_DENIED: return "a sips: address is reached by TLS only, and our connection is in clear";
	case ERR_CLOSED: return "there is no connection to the server";
	case ERR_LIMIT: return "there are too many calls, or it is too long";
	case ERR_NOT_FOUND: return "it is too late, nobody waits for it any more";
	default: return "there is no memory";
	}
}

static enum exit_code code_of(enum err err)
{
	switch (err) {
	case ERR_SYNTAX: return EXIT_USAGE;
	case ERR_DENIED: return EXIT_NOT_SECURE;
	case ERR_CLOSED: return EXIT_NETWORK;
	default: return EXIT_FAILED;
	}
}

static void tell_refusal(struct phone *phone, const char *what, enum err err, struct now now)
{
	output_say(&phone->output, json_pack("{s:s, s:s}", "event", "error", "text", why_not(err)), "%s: %s.",
		   what, why_not(err));
	if (phone->options->command != COMMAND_NONE)
		phone_finish(phone, code_of(err), now);
}

/* "bob" is somebody of our own domain, by our own scheme. Empty, with a message shown, if there is no such domain. */
static struct slice complete(const struct phone *phone, struct slice whom, struct writer *out)
{
	struct slice aor = phone->options->aor;
	size_t colon = slice_find(aor, ':'), at = slice_find(aor, '@');
	char text[URI_SIZE], reason[200];
	struct writer typed = writer_of(text, sizeof text), why = writer_of(reason, sizeof reason - 1);

	if (slice_find(whom, ':') == whom.len)
		put(&typed, slice_sub(aor, 0, colon + 1));
	put(&typed, whom);
	if (slice_find(whom, ':') == whom.len && slice_find(whom, '@') == whom.len)
		put(&typed, slice_sub(aor, at, aor.len));
	if (typed.overflow)
		return SLICE("");
	if (put_ascii_domain(out, writer_text(&typed), &why))
		return writer_text(out);
	reason[why.len] = '\0';
	output_say(&phone->output, json_pack("{s:s, s:s}", "event", "error", "text", reason),
		   "%s; see how the domain is registered.", reason);
	return SLICE("");
}

void phone_call(struct phone *phone, struct slice whom, struct now now)
{
	char text[URI_SIZE];
	struct writer out = writer_of(text, sizeof text);
	struct session *session = audio_reserve(phone);
	struct address media;
	enum err err;

	if (!session) {
		if (phone->options->command != COMMAND_NONE)
			phone_finish(phone, EXIT_FAILED, now);
		return;
	}
	media = media_port_address(session->port);
	err = ua_call(phone->ua, complete(phone, whom, &out), &media, now, &session->call);
	if (err == OK) {
		phone->aside = phone->current;
		phone->current = session->call;
		return;
	}
	audio_drop(session);
	tell_refusal(phone, "The call is not made", err, now);
}

void phone_answer(struct phone *phone, uint64_t call, struct now now)
{
	struct session *session = audio_reserve(phone);
	struct address media;

	if (!session) {
		enum err err = ua_reject(phone->ua, call, 486, now);

		(void)err; /* it does not ring, and one that stands goes on */
		return;
	}
	media = media_port_address(session->port);
	session->call = call;
	if (ua_answer(phone->ua, call, &media, now) == OK)
		return;
	audio_drop(session);
	output_say(&phone->output,
		   json_pack("{s:s, s:s}", "event", "error", "text", "no call waits for an answer"),
		   "No call waits for an answer.");
}

void phone_hangup(struct phone *phone, uint64_t call, struct now now)
{
	audio_end(phone, call);
	ua_hangup(phone->ua, call, now);
}

enum err phone_hold(struct phone *phone, uint64_t call, bool is_hold, struct now now)
{
	TRY(ua_hold(phone->ua, call, is_hold, now));
	if (is_hold)
		audio_hold(phone, call);
	return OK;
}

/* A third one would leave one of the two where nobody could reach it. */
static bool has_room_to_follow(struct phone *phone)
{
	static const char why[] = "there are two calls already";

	if (phone->aside == 0)
		return true;
	output_say(&phone->output, json_pack("{s:s, s:s}", "event", "error", "text", why),
		   "The call is not transferred: %s; hangup ends one.", why);
	return false;
}

void phone_follow(struct phone *phone, uint64_t call, struct now now)
{
	struct session *session = has_room_to_follow(phone) ? audio_reserve(phone) : NULL;
	struct address media;
	enum err err;

	if (!session) {
		if (ua_stay(phone->ua, call, now) != OK)
			return; /* it is over already */
		return;
	}
	media = media_port_address(session->port);
	err = ua_follow(phone->ua, call, &media, now, &session->call);
	if (err == OK) {
		phone->aside = call;
		phone->current = session->call;
		phone->is_following = true;
		return;
	}
	audio_drop(session);
	output_say(&phone->output, json_pack("{s:s, s:s}", "event", "error", "text", why_not(err)),
		   "The call is not transferred: %s.", why_not(err));
}

void phone_replace(struct phone *phone, uint64_t call, uint64_t replaced, struct now now)
{
	if (phone->aside == 0) {
		phone->aside = phone->current;
	} else if (phone->aside == replaced) {
		phone->aside = phone->current;
		if (phone_hold(phone, phone->aside, true, now) != OK) {
			output_say(&phone->output, NULL, "The call aside could not be put on hold.");
			audio_hold(phone, phone->aside); /* and is silent all the same */
		}
	}
	phone->current = call;
	phone_answer(phone, call, now);
}

void phone_consent(struct phone *phone, bool yes, struct now now)
{
	uint64_t call = phone->asking, in_clear = phone->in_clear;
	struct ua_call_view view;

	phone->in_clear = 0;
	if (in_clear != 0 && ua_in_clear(phone->ua, in_clear, yes, now) == OK)
		return;
	if (phone_decide_change(phone, yes))
		return;
	phone->asking = 0;
	if (!ua_call_view(phone->ua, call, &view)) {
		output_say(&phone->output,
			   json_pack("{s:s, s:s}", "event", "error", "text", "nothing waits for consent"),
			   "Nothing waits for consent.");
	} else if (view.established) {
		if (yes)
			phone_follow(phone, call, now);
		else if (ua_stay(phone->ua, call, now) != OK)
			output_say(&phone->output, NULL, "It is over already.");
	} else if (yes) {
		phone_replace(phone, call, phone->replaced, now);
	} else if (ua_reject(phone->ua, call, 603, now) != OK) {
		output_say(&phone->output, NULL, "It is over already.");
	}
}

static const char *why_not_transferred(enum err err)
{
	switch (err) {
	case ERR_NOT_FOUND: return "there is no call that stands";
	case ERR_AGAIN: return "the call is being transferred already";
	case ERR_DENIED: return "a sips: call is not transferred to a sip: address";
	default: return why_not(err);
	}
}

void phone_transfer(struct phone *phone, struct slice whom, struct now now)
{
	char text[URI_SIZE];
	struct writer out = writer_of(text, sizeof text);
	enum err err = whom.len == 0
			       ? ua_transfer_to(phone->ua, phone->aside, phone->current, now)
			       : ua_transfer(phone->ua, phone->current, complete(phone, whom, &out), now);
	const char *why = why_not_transferred(err);

	if (err != OK)
		output_say(&phone->output, json_pack("{s:s, s:s}", "event", "error", "text", why),
			   "The call is not transferred: %s.", why);
}

void phone_swap(struct phone *phone, struct now now)
{
	uint64_t aside = phone->aside;
	const char *why = "there is no other call, or one is being changed";

	if (aside == 0 || phone_hold(phone, phone->current, true, now) != OK) {
		output_say(&phone->output, json_pack("{s:s, s:s}", "event", "error", "text", why), "%s.",
			   why);
		return;
	}
	phone->aside = phone->current;
	phone->current = aside;
	if (phone_hold(phone, aside, false, now) != OK)
		output_say(&phone->output, json_pack("{s:s, s:s}", "event", "error", "text", why),
			   "The other call is being changed; resume takes it up.");
}

void phone_watch(struct phone *phone, struct slice whom, struct slice package, struct now now)
{
	char uri[URI_SIZE];
	struct writer out = writer_of(uri, sizeof uri);
	struct slice target = whom.len > 0 ? complete(phone, whom, &out) : phone->options->aor;
	enum err err = ua_watch(phone->ua, target, package.len > 0 ? package : SLICE("reg"), now,
				&phone->watch);

	if (err != OK)
		tell_refusal(phone, "Nothing is watched", err, now);
}

void phone_message(struct phone *phone, struct slice whom, struct slice text, struct now now)
{
	char uri[URI_SIZE];
	struct writer out = writer_of(uri, sizeof uri);
	uint64_t message;
	enum err err = ua_message(phone->ua, complete(phone, whom, &out), text, now, &message);

	if (err != OK)
		tell_refusal(phone, "The message is not sent", err, now);
	else if (phone->options->command == COMMAND_MESSAGE)
		phone->message = message;
}

/* -- the loop ---------------------------------------------------------------------------------------- */

static ms_t earlier(ms_t a, ms_t b)
{
	if (a == 0 || b == 0)
		return a ? a : b;
	return a < b ? a : b;
}

static void on_signal(struct phone *phone, int number, struct now now)
{
	bool is_service = phone->options->command != COMMAND_CALL &&
			  phone->options->command != COMMAND_MESSAGE;

	if (phone->is_ending)
		phone->has_stopped = true; /* asked twice: without waiting for anybody */
	phone_finish(phone, number == SIGTERM && is_service ? EXIT_OK : EXIT_INTERRUPTED, now);
}

/* Nobody hears of what happens any more: as if the terminal were gone (SIGHUP). */
static void on_unread(struct phone *phone, struct now now)
{
	net_watch_free(phone->output_watch);
	phone->output_watch = NULL;
	phone_finish(phone, EXIT_INTERRUPTED, now);
}

static void on_event(struct phone *phone, const struct net_event *event, struct now now)
{
	if (event->kind == NET_SIGNAL)
		on_signal(phone, event->signal, now);
	else if (event->kind == NET_READY && event->owner == phone->media)
		audio_take_events(phone, now);
	else if (event->kind == NET_READY && event->owner == &phone->input_watch)
		console_read(phone, now);
	else if (event->kind == NET_READY && event->owner == &phone->wallet_watch)
		phone_reread_wallet(phone);
	else if (event->kind == NET_READY && event->owner == &phone->output_watch)
		on_unread(phone, now);
	else
		transport_event(phone->transport, event, now);
}

/* --for is over: the call ends, and with it the command; or the command itself. */
static void end_in_time(struct phone *phone, struct now now)
{
	if (phone->end_at == 0 || now.mono < phone->end_at)
		return;
	phone->end_at = 0;
	if (phone->options->command == COMMAND_CALL)
		phone_hangup(phone, phone->current, now);
	else
		phone_finish(phone, EXIT_OK, now);
}

/* Does what is to be done until only the world outside can bring more. */
static void settle(struct phone *phone, struct now now)
{
	struct flow_view hop;
	bool more = true;

	if (!ua_first_hop(phone->ua, &hop))
		phone_renew_trust(phone);
	while (more) {
		endpoint_tick(phone->endpoint, now);
		transport_perform(phone->transport, now);
		more = resolver_take_answers(phone, now);
		more = phone_take_events(phone, now) || more;
	}
	phone_keep_replays(phone);
}

static void turn(struct phone *phone)
{
	struct net_event event;
	struct now now;

	net_wait(phone->net, earlier(earlier(endpoint_due(phone->endpoint), transport_due(phone->transport)),
				     phone->end_at));
	now = net_now(phone->net);
	while (net_next(phone->net, &event))
		on_event(phone, &event, now);
	end_in_time(phone, now);
	settle(phone, now);
}

enum exit_code phone_run(struct phone *phone)
{
	struct now now = net_now(phone->net);

	ua_start(phone->ua, now);
	settle(phone, now);
	while (!phone->has_stopped || audio_is_ending(phone))
		turn(phone);
	return phone->code;
}
