/* News of certificates: what is said of them, and that they are remembered. */
#include "sealphone/phone.h"
#include "sealphone/wallet.h"

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
	put(out, SLICE("The key of "));
	put_escaped(out, event->peer);
	put(out, SLICE(" has changed from "));
	put(out, event->state);
	put(out, SLICE(" to "));
	put(out, event->text);
	put(out, event->consented
			 ? SLICE("; the domain vouches for it, and it is used")
			 : SLICE("; it is not used until you have compared it: sealphone cert trust "));
	if (!event->consented)
		put_escaped(out, event->peer);
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
	if (!wallet_save(&phone->memory, ua_credentials(phone->ua)))
		output_say(&phone->output,
			   json_pack("{s:s, s:s}", "event", "error", "text",
				     "what is known of certificates could not be kept"),
			   "What is known of certificates could not be kept.");
	return true;
}

void phone_enrol(struct phone *phone, struct now now)
{
	if (phone->options->smime == UA_SMIME_OFF || phone->options->transport != TRANSPORT_TLS ||
	    !wallet_make_key(phone->crypto, &phone->memory, ua_credentials(phone->ua)))
		return; /* said; calls go on without */
	ua_enrol(phone->ua, now);
}
