#include "sealphone/cert.h"

#include <time.h>

#include "crypto/random.h"
#include "sealphone/output.h"
#include "sealphone/wallet.h"
#include "sip/uri.h"
#include "ua/words.h"

enum { LINE_SIZE = 512, FINGERPRINT_SIZE = 80, DATE_SIZE = 32 };

struct cert {
	const struct options *options;
	struct output output;
	struct memory memory;
	struct crypto *crypto;
	struct random *random;
	struct credentials *credentials;
	char whose[CREDENTIALS_AOR_MAX]; /* who is meant; empty: ourselves and everybody */
	struct slice who;
	unsigned n_shown;
};

static enum exit_code complain(const char *where, const char *why, enum exit_code code)
{
	fprintf(stderr, "sealphone: %s: %s\n", where, why);
	return code;
}

/* -- what is there ------------------------------------------------------------------------------------------- */

static void put_day(struct writer *out, utc_t when)
{
	char text[DATE_SIZE];
	time_t seconds = (time_t)when;
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		put(out, slice_from(text, strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &tm)));
}

static void set_text(json_t *object, const char *key, const struct writer *text)
{
	json_object_set_new(object, key, output_string(writer_text(text)));
}

/* Fingerprint and words of a key, in an object and as lines. */
static void show_key(struct cert *cert, json_t *object, const char *heading,
		     const unsigned char id[KEY_ID_SIZE])
{
	char buf[FINGERPRINT_SIZE], spoken[SAFETY_WORDS_SIZE];
	struct writer fingerprint = writer_of(buf, sizeof buf), words = writer_of(spoken, sizeof spoken);

	put_key_fingerprint(&fingerprint, id);
	put_safety_words(&words, id);
	set_text(object, "fingerprint", &fingerprint);
	set_text(object, "words", &words);
	cert->n_shown++;
	if (cert->options->json)
		return;
	output_say(&cert->output, NULL, "%s", heading);
	output_say(&cert->output, NULL, "  fingerprint  %.*s", SLICE_FMT(writer_text(&fingerprint)));
	output_say(&cert->output, NULL, "  words        %.*s", SLICE_FMT(writer_text(&words)));
}

static void show_certificate(struct cert *cert, json_t *object, const struct certificate *certificate)
{
	char by[LINE_SIZE], day[DATE_SIZE];
	struct writer issuer = writer_of(by, sizeof by), until = writer_of(day, sizeof day);

	put_certificate_issuer(&issuer, certificate);
	put_day(&until, certificate_not_after(certificate));
	json_object_set_new(object, "not_after", json_integer(certificate_not_after(certificate)));
	set_text(object, "issuer", &issuer);
	if (!cert->options->json)
		output_say(&cert->output, NULL, "  certificate  until %.*s, issued by %.*s",
			   SLICE_FMT(writer_text(&until)), SLICE_FMT(writer_text(&issuer)));
}

static void show_own(struct cert *cert)
{
	const struct key *key = credentials_own_key(cert->credentials);
	struct slice aor = credentials_aor(cert->credentials);
	struct cms_recipient own[CREDENTIALS_OWN_MAX];
	unsigned char id[KEY_ID_SIZE];
	char heading[LINE_SIZE];
	json_t *object;

	if (!key || !key_id(key, id))
		return;
	object = json_pack("{s:s, s:s, s:s%}", "event", "certificate", "whose", "own", "aor", aor.ptr,
			   aor.len);
	snprintf(heading, sizeof heading, "%.*s, this phone", SLICE_FMT(aor));
	show_key(cert, object, heading, id);
	if (credentials_own(cert->credentials, own) > 0 && own[0].key == key)
		show_certificate(cert, object, own[0].certificate);
	else if (!cert->options->json)
		output_say(&cert->output, NULL,
			   "  certificate  none yet: the domain issues it when the phone registers");
	output_show(&cert->output, cert->options->json ? object : (json_decref(object), NULL), SLICE(""));
}

static const char *state_of(const struct credentials_known *known)
{
	if (known->is_withdrawn)
		return "withdrawn";
	if (!known->is_believed)
		return "not-believed";
	return known->is_compared ? "compared" : "remembered";
}

static void show_known(void *arg, const struct credentials_known *known)
{
	struct cert *cert = arg;
	char heading[LINE_SIZE], day[DATE_SIZE];
	struct writer shown = writer_of(heading, sizeof heading - 1), since = writer_of(day, sizeof day);
	json_t *object;

	if (cert->who.len > 0 && !slice_eq(cert->who, known->aor))
		return;
	put_escaped(&shown, known->aor);
	heading[shown.len] = '\0';
	put_day(&since, known->first_seen);
	object = json_pack("{s:s, s:s, s:o, s:s, s:I}", "event", "certificate", "whose", "peer", "aor",
			   output_string(known->aor), "state", state_of(known), "since",
			   (json_int_t)known->first_seen);
	show_key(cert, object, heading, known->key);
	if (!cert->options->json)
		output_say(&cert->output, NULL, "  %s, seen since %.*s", state_of(known),
			   SLICE_FMT(writer_text(&since)));
	output_show(&cert->output, cert->options->json ? object : (json_decref(object), NULL), SLICE(""));
}

static enum exit_code show(struct cert *cert)
{
	if (cert->who.len == 0 || slice_eq(cert->who, credentials_aor(cert->credentials)))
		show_own(cert);
	credentials_each(cert->credentials, show_known, cert);
	if (cert->n_shown > 0)
		return EXIT_OK;
	return cert->who.len > 0
		       ? complain("cert show", "no key of that address was seen yet", EXIT_UNKNOWN_USER)
		       : complain("cert show",
				  "there is no key yet: it is made when the phone first registers",
				  EXIT_FAILED);
}

/* -- what is done with it ------------------------------------------------------------------------------------- */

static enum exit_code export_own(struct cert *cert)
{
	struct cms_recipient own[CREDENTIALS_OWN_MAX];
	char pem[KEY_PEM_MAX];
	struct writer out = writer_of(pem, sizeof pem);

	if (cert->who.len > 0 && !slice_eq(cert->who, credentials_aor(cert->credentials)))
		return complain("cert export", "only the certificate of this phone is kept",
				EXIT_UNKNOWN_USER);
	if (credentials_own(cert->credentials, own) == 0)
		return complain("cert export",
				"there is no certificate yet: it comes when the phone registers",
				EXIT_FAILED);
	if (put_certificate_pem(&out, own[0].certificate) != OK)
		return complain("cert export", "there is no memory", EXIT_FAILED);
	if (cert->options->json)
		output_show(
			&cert->output,
			json_pack("{s:s, s:s%}", "event", "certificate-exported", "pem", out.buf, out.len),
			SLICE(""));
	else
		fwrite(out.buf, 1, out.len, stdout);
	return EXIT_OK;
}

/* A fingerprint as it is shown, with or without blanks. */
static bool parse_fingerprint(struct slice text, unsigned char ret_id[KEY_ID_SIZE])
{
	char hex[2 * KEY_ID_SIZE];
	size_t len = 0, n;

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == ' ' || text.ptr[i] == ':')
			continue;
		if (len == sizeof hex)
			return false;
		hex[len++] = text.ptr[i];
	}
	return hex_decode(slice_from(hex, len), ret_id, KEY_ID_SIZE, &n) && n == KEY_ID_SIZE;
}

static enum exit_code finish(struct cert *cert, const char *event, const char *sentence)
{
	if (!wallet_save(&cert->memory, cert->credentials))
		return EXIT_STATE;
	output_say(&cert->output,
		   json_pack("{s:s, s:s%}", "event", event, "aor", cert->who.ptr, cert->who.len), "%.*s %s",
		   SLICE_FMT(cert->who), sentence);
	return EXIT_OK;
}

static enum exit_code trust(struct cert *cert)
{
	struct slice text = cert->options->more;
	unsigned char id[KEY_ID_SIZE];

	if (text.len > 0 && !parse_fingerprint(text, id))
		return complain("cert trust",
				"a fingerprint is 64 digits and letters, as cert show writes it", EXIT_USAGE);
	if (credentials_trust(cert->credentials, cert->who, text.len > 0 ? id : NULL) != OK)
		return complain("cert trust", "no such key was seen of that address", EXIT_UNKNOWN_USER);
	return finish(cert, "certificate-trusted",
		      "is believed from now on: you have compared the fingerprint.");
}

static enum exit_code forget(struct cert *cert)
{
	if (credentials_forget(cert->credentials, cert->who) != OK)
		return complain("cert forget", "no key of that address was seen", EXIT_UNKNOWN_USER);
	return finish(cert, "certificate-forgotten", "is forgotten: the next key counts as the first one.");
}

/* -- the command ---------------------------------------------------------------------------------------------- */

static const struct {
	struct slice word;
	enum exit_code (*run)(struct cert *cert);
	bool needs_whom;
} commands[] = {
	{ SLICE_INIT("show"), show, false },
	{ SLICE_INIT("export"), export_own, false },
	{ SLICE_INIT("trust"), trust, true },
	{ SLICE_INIT("forget"), forget, true },
};

/* "bob", "bob@b.example" or "sips:bob@b.example" */
static bool find_who(struct cert *cert, struct slice text, struct slice own)
{
	char uri[CREDENTIALS_AOR_MAX + 8];
	struct writer whole = writer_of(uri, sizeof uri), out = writer_of(cert->whose, sizeof cert->whose);
	struct sip_uri parsed;

	if (slice_find(text, ':') == text.len)
		put(&whole, SLICE("sips:"));
	put(&whole, text);
	if (slice_find(text, '@') == text.len)
		put(&whole, slice_sub(own, slice_find(own, '@'), own.len));
	if (whole.overflow || !sip_uri_parse(writer_text(&whole), &parsed) || parsed.user.len == 0)
		return false;
	put_aor(&out, &parsed);
	cert->who = writer_text(&out);
	return !out.overflow;
}

static enum exit_code open_wallet(struct cert *cert)
{
	static const struct credentials_source nobody = { .ask = NULL };
	struct slice aor = cert->options->aor;

	if (!find_who(cert, aor, aor))
		return complain("--aor", "an address looks like sips:alice@example.org", EXIT_USAGE);
	cert->crypto = crypto_new();
	cert->random = cert->crypto ? random_new(cert->crypto) : NULL;
	if (cert->random)
		cert->credentials = credentials_new(cert->crypto, cert->who, &nobody);
	if (!cert->credentials)
		return complain("start", "there is not enough memory", EXIT_FAILED);
	if (!memory_open(cert->options->state, slice_sub(aor, slice_find(aor, ':') + 1, aor.len),
			 cert->random, &cert->memory) ||
	    !wallet_load(cert->crypto, &cert->memory, cert->credentials))
		return EXIT_STATE;
	return EXIT_OK;
}

static enum exit_code run(struct cert *cert)
{
	const struct options *options = cert->options;

	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		if (!slice_eq(commands[i].word, options->uri))
			continue;
		if (options->text.len == 0 && commands[i].needs_whom)
			return complain("cert", "whose certificate is meant? (see sealphone --help)",
					EXIT_USAGE);
		cert->who = (struct slice){ NULL, 0 };
		if (options->text.len > 0 && !find_who(cert, options->text, options->aor))
			return complain("cert", "this is no address", EXIT_USAGE);
		return commands[i].run(cert);
	}
	return complain("cert", "show, export, trust or forget? (see sealphone --help)", EXIT_USAGE);
}

enum exit_code cert_run(const struct options *options)
{
	struct cert cert = { .options = options, .output = { .json = options->json } };
	enum exit_code code = open_wallet(&cert);

	if (code == EXIT_OK)
		code = run(&cert);
	credentials_free(cert.credentials);
	random_free(cert.random);
	crypto_free(cert.crypto);
	return code;
}
