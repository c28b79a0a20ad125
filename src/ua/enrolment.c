#include "ua/enrolment.h"

#include "base/mem.h"
#include "base/secret.h"
#include "crypto/user_certificate.h"
#include "ua/exchange.h"
#include "ua/fetch.h"

enum {
	LINES_MAX = 2048,
	EXPIRES = 30 * 86400, /* for as long as the certificate lives */
	RETRY_MS = 600 * 1000,
	RENEW_LEAST_MS = 60 * 1000,
	PATIENCE_MS = 4000, /* for calls and messages that wait for our first certificate */
};

static const struct verdict refused = {
	.code = "smime.not-enrolled",
	.what = "our domain gives this phone no certificate: {found}",
	.section = "RFC 6072 §7",
	.remedy = "calls and messages go on without; ask the administrator for the certificate service",
};

static const struct verdict altered = {
	.code = "smime.request-altered",
	.what = "our domain took our registration, but not our request for a certificate, as ours",
	.section = "RFC 7616 §3.4.3",
	.remedy =
		"somebody on the way may have put another key into it: look at the connection to the server; if the "
		"password was changed just now, register again",
};
static const struct verdict over = {
	.code = "smime.imported-expired",
	.what = "the certificate that was imported for this phone has expired",
	.section = "RFC 5280 §6.1.3",
	.remedy = "have its CA issue another one, then: sealphone cert import",
};

static void fail(struct ua *ua, unsigned status, struct slice why, struct now now)
{
	char buf[VERDICT_TEXT_MAX];
	struct writer found = writer_of(buf, sizeof buf);
	struct verdict verdict = refused;

	if (status != 0) {
		put_number(&found, status);
		put_char(&found, ' ');
	}
	put(&found, why);
	verdict_text_set(&verdict.found, writer_text(&found));
	credentials_failed(ua->credentials, credentials_aor(ua->credentials), &verdict, now);
}

static void retry(struct ua *ua, struct now now)
{
	ua_set_timer(ua, &ua->enrol_timer, UA_TIMER_ENROL, now.mono + RETRY_MS);
}

static void subscribe(struct ua *ua, struct now now)
{
	if (fetch_own(ua, now) == OK)
		return;
	fail(ua, 0, SLICE("it could not be asked for"), now);
	retry(ua, now);
}

static void on_response(struct exchange *exchange, const struct sip_message *response, struct now now)
{
	struct ua *ua = exchange->ua;

	if (response->status < 200)
		return;
	ua->is_enrolling = false;
	if (ua->is_stopping)
		return;
	if (response->status < 300) {
		subscribe(ua, now);
		return;
	}
	ua->is_enrol_awaited = false;
	ua_clear_timer(ua, &ua->enrol_timer);
	fail(ua, response->status, ua_why_of(response), now);
	if (ua_may_pass(response->status))
		retry(ua, now);
}

static void on_failed(struct exchange *exchange, enum ua_cause cause, struct slice why, struct now now)
{
	struct ua *ua = exchange->ua;

	ua->is_enrolling = false;
	if (ua->is_stopping)
		return;
	ua->is_enrol_awaited = false;
	ua_clear_timer(ua, &ua->enrol_timer);
	if (cause ==
	    UA_WRONG_PASSWORD) /* the same password that we are registered with: the proof covers the body */
		credentials_failed(ua->credentials, credentials_aor(ua->credentials), &altered, now);
	else
		fail(ua, 0, why, now);
	if (cause != UA_SERVER_GONE) /* else when we are registered again */
		retry(ua, now);
}

static const struct exchange_user publish_user = { on_response, on_failed };

static void put_lines(struct writer *out, struct ua *ua, struct slice type)
{
	put_ua_identity(out, ua, ua->aor, false);
	put(out, SLICE("Event: certificate\r\nContent-Type: "));
	put(out, type);
	put(out, SLICE("\r\n"));
	put_ua_line(out, SLICE("Expires"), EXPIRES);
	put_ua_agent(out);
}

static enum err send_publish(struct ua *ua, struct slice type, struct slice body, struct now now)
{
	char lines[LINES_MAX], uri[CREDENTIALS_AOR_MAX + 8];
	struct writer out = writer_of(lines, sizeof lines), to = writer_of(uri, sizeof uri);
	struct exchange_plan plan = { .user = &publish_user, .method = SIP_PUBLISH, .body = body };
	struct exchange *exchange;

	put(&to, SLICE("sips:"));
	put(&to, credentials_aor(ua->credentials));
	put_lines(&out, ua, type);
	if (to.overflow || out.overflow)
		return ERR_LIMIT;
	plan.uri = writer_text(&to);
	plan.lines = writer_text(&out);
	return exchange_start(ua, &plan, now, &exchange);
}

/* What another CA has issued; only its own, since RFC 6072 has no place for those of its issuers. */
static enum err publish_imported(struct ua *ua, const struct certificate *own, struct now now)
{
	char *der = mem_alloc(CERTIFICATE_DER_MAX);
	struct writer out = writer_of(der, CERTIFICATE_DER_MAX);
	enum err err = der ? put_certificate_der(&out, own) : ERR_NOMEM;

	if (err == OK)
		err = send_publish(ua, SLICE("application/pkix-cert"), writer_text(&out), now);
	mem_free(der);
	return err;
}

static enum err publish_request(struct ua *ua, struct now now)
{
	AUTO(secret) struct secret *der = NULL;

	TRY(csr_make(ua->auth.crypto, credentials_own_key(ua->credentials), credentials_aor(ua->credentials),
		     &der));
	return send_publish(ua, SLICE("application/pkcs10"), secret_slice(der), now);
}

/* Asks for a certificate; or publishes the one that another CA has issued. */
static void publish(struct ua *ua, struct now now)
{
	const struct chain *chain = credentials_own_chain(ua->credentials);

	if (ua->is_enrolling)
		return;
	if (chain && certificate_not_after(chain_at(chain, 0)) < now.wall) {
		credentials_failed(ua->credentials, credentials_aor(ua->credentials), &over, now);
		return;
	}
	ua->is_enrolling = ua->is_enrol_awaited = true;
	ua_set_timer(ua, &ua->enrol_timer, UA_TIMER_ENROL, now.mono + PATIENCE_MS);
	if ((chain ? publish_imported(ua, chain_at(chain, 0), now) : publish_request(ua, now)) == OK)
		return;
	ua->is_enrolling = false;
	fail(ua, 0, SLICE("the request could not be sent"), now);
	retry(ua, now);
}

/* When two thirds of its life are over, or of its publication's; 0: it has none. */
static utc_t renewal(const struct ua *ua, utc_t now)
{
	struct cms_recipient own;
	const struct verdict *why;
	utc_t from, to;

	if (credentials_signer(ua->credentials, now, &own, &why) != CREDENTIALS_KNOWN)
		return 0;
	if (credentials_own_chain(ua->credentials))
		return now + EXPIRES / 3 * 2;
	from = certificate_not_before(own.certificate);
	to = certificate_not_after(own.certificate);
	return from + (to - from) / 3 * 2;
}

void enrolment_begin(struct ua *ua, struct now now)
{
	if (!ua->anchors || !ua->is_registered || !transport_is_secure(ua->transport) ||
	    !credentials_own_key(ua->credentials))
		return;
	ua->has_asked_again = false;
	if (!credentials_own_chain(ua->credentials) && renewal(ua, now.wall) > now.wall)
		subscribe(ua, now);
	else
		publish(ua, now);
}

/* Our domain may have lost what it knew; once, for if it has withdrawn our key it says so again. */
static void ask_again(struct ua *ua, struct now now)
{
	if (!credentials_own_key(ua->credentials) || ua->is_enrolling)
		return;
	if (ua->has_asked_again) {
		fail(ua, 0, SLICE("it does not tell of ours"), now);
		return;
	}
	ua->has_asked_again = true;
	publish(ua, now);
}

void enrolment_told(struct ua *ua, struct now now)
{
	utc_t due = renewal(ua, now.wall);

	if (due == 0) {
		ask_again(ua, now);
		return;
	}
	ua->is_enrol_awaited = false;
	ua_set_timer(ua, &ua->enrol_timer, UA_TIMER_ENROL,
		     now.mono + (due > now.wall ? (ms_t)(due - now.wall) * 1000 : 0) + RENEW_LEAST_MS);
}

void enrolment_due(struct ua *ua, struct now now)
{
	if (ua->is_enrol_awaited) { /* who waits for it does so no longer; it is taken when it comes */
		ua->is_enrol_awaited = false;
		retry(ua, now);
		if (renewal(ua, now.wall) == 0)
			fail(ua, 0, SLICE("it has not answered yet"), now);
		return;
	}
	if (ua->is_registered && credentials_own_key(ua->credentials))
		publish(ua, now);
}
