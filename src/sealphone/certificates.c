/* News of certificates: what is said of them, and that they are remembered. And the word of our user, here or by sealphone cert. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/mem.h"
#include "sealphone/phone.h"

enum { SHOWN_SIZE = 512, WHY_SIZE = 1500 };

static const struct news {
	enum ua_event_kind kind;
	const char *name;
} news[] = {
	{ UA_CERTIFICATE_OBTAINED, "certificate-obtained" },
	{ UA_CERTIFICATE_RENEWED, "certificate-renewed" },
	{ UA_CERTIFICATE_FAILED, "certificate-failed" },
	{ UA_CERTIFICATE_NEW, "certificate-new" },
	{ UA_CERTIFICATE_CHANGED, "certificate-changed" },
	{ UA_CERTIFICATE_WITHDRAWN, "certificate-withdrawn" },
	{ UA_CERTIFICATE_REFUSED, "certificate-refused" },
};

static void put_changed(struct writer *out, const struct ua_event *event)
{
	if (slice_eq(event->state, event->text)) {
		put(out, SLICE("The domain of "));
		put_escaped(out, event->peer);
		put(out, SLICE(" vouches again for the key "));
		put(out, event->text);
		return;
	}
	put(out, SLICE("The key of "));
	put_escaped(out, event->peer);
	put(out, SLICE(" has changed from "));
	put(out, event->state);
	put(out, SLICE(" to "));
	put(out, event->text);
	if (event->consented) {
		put(out, SLICE("; the domain vouches for it, and it is used"));
		return;
	}
	put(out, SLICE("; it is not used until you have compared it: sealphone cert trust "));
	put_escaped(out, event->peer);
}

/* Whether a person is here who can be asked, and wants to be. */
static bool may_ask(const struct phone *phone, const struct ua_event *event)
{
	return event->kind == UA_CERTIFICATE_CHANGED && !event->consented && phone->input_watch &&
	       phone->options->policy == CREDENTIALS_ASK;
}

/* The latest change is the one that is asked of; for one before it there is still sealphone cert trust. */
static void ask(struct phone *phone, const struct ua_event *event)
{
	struct change *change = &phone->change;
	struct writer out = writer_of(change->aor, sizeof change->aor);

	put(&out, event->peer);
	change->len = out.overflow || !key_fingerprint_parse(event->text, change->key) ? 0 : out.len;
	if (change->len > 0)
		output_say(&phone->output,
			   json_pack("{s:s, s:o, s:o}", "event", "consent", "of", output_string(event->peer),
				     "fingerprint", output_string(event->text)),
			   "Is the new key to be used? Compare it by voice if you can; accept or refuse");
}

static void put_sentence(struct writer *out, const struct ua_event *event)
{
	switch (event->kind) {
	case UA_CERTIFICATE_OBTAINED:
		put(out, SLICE("This phone has a certificate; its fingerprint is "));
		put(out, event->text);
		break;
	case UA_CERTIFICATE_RENEWED:
		put(out, SLICE("The certificate of this phone was renewed, for the same key"));
		break;
	case UA_CERTIFICATE_NEW:
		put(out, SLICE("The key of "));
		put_escaped(out, event->peer);
		put(out, SLICE(" is seen for the first time and remembered; its fingerprint is "));
		put(out, event->text);
		break;
	case UA_CERTIFICATE_CHANGED: put_changed(out, event); break;
	case UA_CERTIFICATE_WITHDRAWN:
		put(out, SLICE("The domain of "));
		put_escaped(out, event->peer);
		put(out, SLICE(" has withdrawn the certificate with the key "));
		put(out, event->state);
		break;
	default:
		put(out, event->kind == UA_CERTIFICATE_FAILED ? SLICE("No certificate for this phone: ")
							      : SLICE("Certificates were refused: "));
		if (event->verdict)
			put_verdict_advice(out, event->verdict);
	}
	put_char(out, '.');
}

static json_t *object_of(const char *name, const struct ua_event *event)
{
	json_t *object = json_pack("{s:s, s:o}", "event", name, "of", output_string(event->peer));
	char buf[WHY_SIZE];
	struct writer why = writer_of(buf, sizeof buf);

	if (object && event->text.len > 0)
		json_object_set_new(object, "fingerprint", output_string(event->text));
	if (object && event->state.len > 0)
		json_object_set_new(object, "old_fingerprint", output_string(event->state));
	if (object && event->kind == UA_CERTIFICATE_CHANGED)
		json_object_set_new(object, "believed", json_boolean(event->consented));
	if (object && event->verdict) {
		put_verdict_advice(&why, event->verdict);
		json_object_set_new(object, "code", json_string(event->verdict->code));
		json_object_set_new(object, "text", output_string(writer_text(&why)));
	}
	return object;
}

/* What sealphone cert has written meanwhile is not to be lost. */
static void save(struct phone *phone)
{
	(void)wallet_refresh(&phone->wallet, false);
	if (wallet_save(&phone->wallet) && phone_show_certificate(phone))
		return;
	output_say(&phone->output,
		   json_pack("{s:s, s:s}", "event", "error", "text",
			     "what is known of certificates could not be kept"),
		   "What is known of certificates could not be kept.");
}

bool phone_take_certificate(struct phone *phone, const struct ua_event *event)
{
	char buf[WHY_SIZE + SHOWN_SIZE];
	struct writer sentence = writer_of(buf, sizeof buf);
	size_t i = 0;

	while (i < sizeof news / sizeof news[0] && news[i].kind != event->kind)
		i++;
	if (i == sizeof news / sizeof news[0])
		return false;
	put_sentence(&sentence, event);
	output_show(&phone->output, object_of(news[i].name, event), writer_text(&sentence));
	if (may_ask(phone, event))
		ask(phone, event);
	save(phone);
	return true;
}

bool phone_decide_change(struct phone *phone, bool yes)
{
	struct slice aor = slice_from(phone->change.aor, phone->change.len);
	char shown[SHOWN_SIZE];
	struct writer out = writer_of(shown, sizeof shown);

	if (aor.len == 0)
		return false;
	phone->change.len = 0;
	put_escaped(&out, aor);
	if (yes && credentials_believe(ua_credentials(phone->ua), aor, phone->change.key) == OK) {
		output_say(&phone->output,
			   json_pack("{s:s, s:o}", "event", "certificate-accepted", "of", output_string(aor)),
			   "The new key of %.*s is used from now on.", SLICE_FMT(writer_text(&out)));
		save(phone);
	} else {
		output_say(&phone->output,
			   json_pack("{s:s, s:o}", "event", "certificate-declined", "of", output_string(aor)),
			   "The new key of %.*s is not used.", SLICE_FMT(writer_text(&out)));
	}
	return true;
}

/* -- sealphone cert while we run --------------------------------------------------------------------------------- */

bool phone_watch_wallet(struct phone *phone)
{
	const char *path = phone->memory.path;
	char directory[PATH_MAX];

	snprintf(directory, sizeof directory, "%.*s", (int)(strrchr(path, '/') - path), path);
	phone->wallet_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (phone->wallet_fd >= 0 &&
	    inotify_add_watch(phone->wallet_fd, directory, IN_MOVED_TO | IN_DELETE) >= 0)
		return net_watch_new(phone->net, phone->wallet_fd, NET_READABLE, &phone->wallet_watch,
				     &phone->wallet_watch) == OK;
	fprintf(stderr, "sealphone: %s: it cannot be watched: %s\n", directory, strerror(errno));
	return false;
}

void phone_unwatch_wallet(struct phone *phone)
{
	net_watch_free(phone->wallet_watch);
	if (phone->wallet_fd >= 0)
		close(phone->wallet_fd);
}

void phone_reread_wallet(struct phone *phone)
{
	char buf[4096];

	while (read(phone->wallet_fd, buf, sizeof buf) > 0)
		; /* which file it was is seen by looking */
	if (wallet_refresh(&phone->wallet, true))
		output_say(&phone->output, json_pack("{s:s}", "event", "certificates-reread"),
			   "What was said about keys by sealphone cert counts from now on.");
}

/* -- messages that were taken, so that they are not taken again after a restart --------------------------------------- */

bool phone_recall_replays(struct phone *phone)
{
	size_t length;
	char *text = wallet_read_seen(&phone->wallet, &length);
	enum err err = text ? ua_replays_parse(phone->ua, slice_from(text, length)) : OK;

	mem_free(text);
	if (err != OK)
		fprintf(stderr,
			"sealphone: %s: what was kept of protected messages is not what sealphone wrote; "
			"remove the file that ends in =seen.txt to begin anew\n",
			phone->memory.path);
	return text && err == OK;
}

void phone_keep_replays(struct phone *phone)
{
	uint64_t taken = ua_replays_taken(phone->ua);
	char *text = taken != phone->replays_kept ? mem_alloc(UA_REPLAYS_MAX) : NULL;
	struct writer out = writer_of(text, UA_REPLAYS_MAX);

	if (!text)
		return; /* nothing new; or without memory the next time */
	put_ua_replays(&out, phone->ua);
	if (!wallet_write_seen(&phone->wallet, writer_text(&out)))
		output_say(
			&phone->output,
			json_pack("{s:s, s:s}", "event", "error", "text",
				  "which messages were taken could not be kept"),
			"Which messages were taken could not be kept; after a restart one could be played to us again.");
	phone->replays_kept = taken;
	mem_free(text);
}

void phone_enrol(struct phone *phone, struct now now)
{
	if (phone->options->smime == UA_SMIME_OFF || phone->options->transport != TRANSPORT_TLS ||
	    !wallet_make_key(&phone->wallet))
		return; /* said; calls go on without */
	ua_enrol(phone->ua, now);
}
