#include "sealphone/cert.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "crypto/random.h"
#include "idn/idn.h"
#include "sealphone/file.h"
#include "sealphone/output.h"
#include "sealphone/password.h"
#include "sealphone/trust.h"
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
	struct contacts *contacts;
	struct wallet wallet;
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

/* The domain tells of our own phone, too, and show_own() has shown it. */
static bool is_own(const struct cert *cert, const unsigned char known[KEY_ID_SIZE])
{
	const struct key *key = credentials_own_key(cert->credentials);
	unsigned char id[KEY_ID_SIZE];

	return key && key_id(key, id) && memcmp(id, known, sizeof id) == 0;
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

	if ((cert->who.len > 0 && !slice_eq(cert->who, known->aor)) || is_own(cert, known->key))
		return;
	put_escaped(&shown, known->aor);
	put_unicode_beside(&shown, known->aor);
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

/* What is wanted for a contact, whether a key of his was seen or not. */
static void show_policy(void *arg, struct slice aor, struct contact_policy policy)
{
	struct cert *cert = arg;
	char shown[LINE_SIZE];
	struct writer out = writer_of(shown, sizeof shown);

	if (cert->who.len > 0 && !slice_eq(cert->who, aor))
		return;
	put_escaped(&out, aor);
	cert->n_shown++;
	output_say(&cert->output,
		   json_pack("{s:s, s:o, s:s}", "event", "policy", "aor", output_string(aor), "smime",
			     contact_policy_word(policy)),
		   "%.*s: --smime %s, whatever it is for others", SLICE_FMT(writer_text(&out)),
		   contact_policy_word(policy));
}

static enum exit_code show(struct cert *cert)
{
	if (cert->who.len == 0 || slice_eq(cert->who, credentials_aor(cert->credentials)))
		show_own(cert);
	credentials_each(cert->credentials, show_known, cert);
	contacts_each(cert->contacts, show_policy, cert);
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

static enum exit_code finish(struct cert *cert, const char *event, const char *sentence)
{
	if (!wallet_save(&cert->wallet))
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

	if (text.len > 0 && !key_fingerprint_parse(text, id))
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

/* -- what is wanted for a contact -------------------------------------------------------------------------------- */

static enum exit_code set_policy(struct cert *cert)
{
	struct slice word = cert->options->more;
	struct contact_policy policy;

	if (slice_eq(word, SLICE("default"))) {
		if (contacts_unset(cert->contacts, cert->who) != OK)
			return complain("cert policy", "nothing else is wanted for that address than for all",
					EXIT_UNKNOWN_USER);
		return finish(cert, "policy-removed", "is treated as all others from now on.");
	}
	if (!contact_policy_parse(word, &policy))
		return complain(
			"cert policy",
			"off, prefer, require, prefer+cbc, require+cbc or default? (see sealphone --help)",
			EXIT_USAGE);
	if (contacts_set(cert->contacts, cert->who, policy) != OK)
		return complain("cert policy",
				"there are too many contacts; set some of them to default (see cert show)",
				EXIT_FAILED);
	return finish(cert, "policy-set", "has a policy of its own from now on.");
}

/* -- a certificate of another CA ------------------------------------------------------------------------------- */

static enum exit_code complain_of(const char *file, const struct verdict *verdict)
{
	char buf[2 * LINE_SIZE];
	struct writer why = writer_of(buf, sizeof buf - 1);

	put_verdict_advice(&why, verdict);
	buf[why.len] = '\0';
	return complain(file, buf, EXIT_CERTIFICATE);
}

/* That it leads to a CA which we trust is what another phone will ask that cannot ask our domain. */
static enum exit_code check_issuer(const struct cert *cert, const char *file, const struct bundle *bundle)
{
	AUTO(tls_context) struct tls_context *client = NULL;
	AUTO(anchors) struct anchors *anchors = NULL;
	const struct anchors_question question = {
		.certificate = chain_at(bundle->chain, 0),
		.others = bundle->chain,
		.now = time(NULL),
		.is_user = true,
	};
	enum exit_code code = trust_open(cert->crypto, cert->options, &client, &anchors);
	struct verdict why;

	if (code != EXIT_OK)
		return code;
	switch (anchors_check(anchors, &question, &why)) {
	case OK: return EXIT_OK;
	case ERR_DENIED: return complain_of(file, &why);
	default: return complain(file, "there is no memory", EXIT_FAILED);
	}
}

/* Whether it serves for what it is meant: a message to ourselves, signed and encrypted, is tried. */
static bool is_useful(struct crypto *crypto, const struct bundle *bundle)
{
	const struct certificate *own = chain_at(bundle->chain, 0);
	const struct cms_signer signer = { .certificate = own, .key = bundle->key, .now = time(NULL) };
	const struct cms_recipient reader = { own, bundle->key };
	AUTO(secret) struct secret *text = NULL, *envelope = NULL;
	struct cms_signed found = { .signer = NULL };
	struct cms_opened opened = { .content = NULL };
	struct verdict why;
	bool is_good = cms_can_sign(own) && cms_sign(crypto, &signer, SLICE("test"), &text) == OK &&
		       cms_verify(crypto, &(struct cms_question){ .der = secret_slice(text) }, &found,
				  &why) == OK &&
		       cms_encrypt(crypto, &(struct cms_envelope){ &own, 1, CMS_AES128_GCM }, SLICE("test"),
				   &envelope) == OK &&
		       cms_decrypt(crypto, secret_slice(envelope), &reader, &opened, &why) == OK;

	cms_signed_fini(&found);
	secret_free(opened.content);
	return is_good;
}

static enum exit_code check_bundle(const struct cert *cert, const char *file, const struct bundle *bundle)
{
	struct verdict why;

	if (credentials_are_for(chain_at(bundle->chain, 0), credentials_aor(cert->credentials), &why) != OK)
		return complain_of(file, &why);
	if (is_useful(cert->crypto, bundle))
		return check_issuer(cert, file, bundle);
	return complain(
		file,
		"the certificate is not for signing and for being encrypted to both; get one whose keyUsage has "
		"digitalSignature and, by the kind of its key, keyAgreement or keyEncipherment",
		EXIT_CERTIFICATE);
}

static enum exit_code open_bundle(struct cert *cert, const char *file, struct slice bytes,
				  struct bundle *ret_bundle)
{
	const char *from = cert->options->more.len > 0 ? cert->options->more.ptr : NULL;
	AUTO(secret) struct secret *passphrase = NULL;
	bool interrupted = false;
	struct verdict why;
	enum err err = bundle_parse(cert->crypto, bytes, slice_from(NULL, 0), ret_bundle, &why);

	if (err == ERR_AGAIN) {
		passphrase = passphrase_read(from, slice_of(file), &interrupted);
		if (!passphrase)
			return interrupted ? EXIT_INTERRUPTED : EXIT_STATE;
		err = bundle_parse(cert->crypto, bytes, secret_slice(passphrase), ret_bundle, &why);
	}
	if (err == OK)
		return EXIT_OK;
	return err == ERR_DENIED ? complain_of(file, &why)
				 : complain(file, "there is no memory", EXIT_FAILED);
}

static enum exit_code take_bundle(struct cert *cert, const char *file, const struct bundle *bundle)
{
	enum exit_code code = check_bundle(cert, file, bundle);
	unsigned char id[KEY_ID_SIZE];
	char buf[FINGERPRINT_SIZE];
	struct writer fingerprint = writer_of(buf, sizeof buf);

	if (code != EXIT_OK)
		return code;
	if (!key_id(bundle->key, id))
		return complain(file, "there is no memory", EXIT_FAILED);
	if (!wallet_import(&cert->wallet, bundle))
		return EXIT_STATE;
	put_key_fingerprint(&fingerprint, id);
	output_say(
		&cert->output,
		json_pack("{s:s, s:s%, s:s%}", "event", "certificate-imported", "aor",
			  credentials_aor(cert->credentials).ptr, credentials_aor(cert->credentials).len,
			  "fingerprint", fingerprint.buf, fingerprint.len),
		"The certificate is that of this phone from its next start on; the fingerprint of its key is %.*s.",
		SLICE_FMT(writer_text(&fingerprint)));
	return EXIT_OK;
}

static enum exit_code import(struct cert *cert)
{
	const char *file = cert->options->text.ptr;
	struct bundle bundle = { NULL, NULL };
	enum exit_code code;
	size_t length;
	char *bytes = phone_file_read(file, BUNDLE_MAX, &length);

	if (!bytes)
		return complain(file,
				errno ? strerror(errno) : "it is too large to be a key with its certificates",
				EXIT_STATE);
	code = open_bundle(cert, file, slice_from(bytes, length), &bundle);
	mem_wipe(bytes, length);
	mem_free(bytes);
	if (code == EXIT_OK)
		code = take_bundle(cert, file, &bundle);
	bundle_fini(&bundle);
	return code;
}

/* -- the passphrase of our keys --------------------------------------------------------------------------------- */

/* What is typed is typed twice. */
static struct secret *new_passphrase(const char *file, bool *ret_interrupted)
{
	AUTO(secret)
	struct secret *first = passphrase_read(file, SLICE("the keys from now on"), ret_interrupted);
	AUTO(secret) struct secret *second = NULL;

	if (file || !first)
		return TAKE(first);
	second = passphrase_read(NULL, SLICE("the keys, the same again"), ret_interrupted);
	if (second && slice_eq(secret_slice(first), secret_slice(second)))
		return TAKE(first);
	if (second)
		complain("cert passphrase", "the two are not the same; nothing was changed", EXIT_FAILED);
	return NULL;
}

static enum exit_code set_passphrase(struct cert *cert)
{
	struct slice from = cert->options->text;
	bool is_none = slice_eq(from, SLICE("none")), interrupted = false;
	AUTO(secret) struct secret *passphrase = NULL;

	if (!credentials_own_key(cert->credentials))
		return complain("cert passphrase",
				"there is no key yet: it is made when the phone first registers",
				EXIT_FAILED);
	if (!is_none && !(passphrase = new_passphrase(from.ptr, &interrupted)))
		return interrupted ? EXIT_INTERRUPTED : EXIT_STATE;
	if (!wallet_lock(&cert->wallet, passphrase))
		return EXIT_STATE;
	output_say(
		&cert->output,
		json_pack("{s:s, s:b}", "event", "passphrase-set", "encrypted", passphrase != NULL),
		passphrase
			? "The keys of this phone are encrypted now: it asks for the passphrase when it starts."
			: "The keys of this phone are not encrypted any more.");
	return EXIT_OK;
}

/* -- the command ---------------------------------------------------------------------------------------------- */

static const struct {
	struct slice word;
	enum exit_code (*run)(struct cert *cert);
	bool needs_more, is_of_file; /* a word more; which is no address */
} commands[] = {
	{ SLICE_INIT("show"), show, false, false },
	{ SLICE_INIT("export"), export_own, false, false },
	{ SLICE_INIT("import"), import, true, true },
	{ SLICE_INIT("passphrase"), set_passphrase, false, true },
	{ SLICE_INIT("trust"), trust, true, false },
	{ SLICE_INIT("forget"), forget, true, false },
	{ SLICE_INIT("policy"), set_policy, true, false },
};

/* "bob", "bob@b.example" or "sips:bob@b.example" */
static bool find_who(struct cert *cert, struct slice text, struct slice own)
{
	char typed[CREDENTIALS_AOR_MAX + 8], uri[CREDENTIALS_AOR_MAX + 8], reason[200];
	struct writer whole = writer_of(typed, sizeof typed), ascii = writer_of(uri, sizeof uri),
		      out = writer_of(cert->whose, sizeof cert->whose),
		      why = writer_of(reason, sizeof reason - 1);
	struct sip_uri parsed;

	if (slice_find(text, ':') == text.len)
		put(&whole, SLICE("sips:"));
	put(&whole, text);
	if (slice_find(text, '@') == text.len)
		put(&whole, slice_sub(own, slice_find(own, '@'), own.len));
	if (whole.overflow)
		return false;
	if (!put_ascii_domain(&ascii, writer_text(&whole), &why)) {
		reason[why.len] = '\0';
		(void)complain("cert", reason, EXIT_USAGE);
		return false;
	}
	if (!sip_uri_parse(writer_text(&ascii), &parsed) || parsed.user.len == 0)
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
	cert->contacts = contacts_new();
	if (!cert->credentials || !cert->contacts)
		return complain("start", "there is not enough memory", EXIT_FAILED);
	if (!memory_open(cert->options->state, slice_sub(aor, slice_find(aor, ':') + 1, aor.len),
			 cert->random, &cert->memory))
		return EXIT_STATE;
	cert->wallet = (struct wallet){ .crypto = cert->crypto,
					.memory = &cert->memory,
					.credentials = cert->credentials,
					.contacts = cert->contacts,
					.passphrase_file = cert->options->passphrase_file };
	if (wallet_open(&cert->wallet))
		return EXIT_OK;
	return cert->wallet.is_interrupted ? EXIT_INTERRUPTED : EXIT_STATE;
}

static enum exit_code run(struct cert *cert)
{
	const struct options *options = cert->options;

	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		if (!slice_eq(commands[i].word, options->uri))
			continue;
		if (options->text.len == 0 && commands[i].needs_more)
			return complain("cert",
					commands[i].is_of_file
						? "which file is meant? (see sealphone --help)"
						: "whose certificate is meant? (see sealphone --help)",
					EXIT_USAGE);
		cert->who = (struct slice){ NULL, 0 };
		if (options->text.len > 0 && !commands[i].is_of_file &&
		    !find_who(cert, options->text, options->aor))
			return complain("cert", "this is no address", EXIT_USAGE);
		return commands[i].run(cert);
	}
	return complain("cert",
			"show, export, import, passphrase, trust, forget or policy? (see sealphone --help)",
			EXIT_USAGE);
}

enum exit_code cert_run(const struct options *options)
{
	struct cert cert = { .options = options, .output = { .json = options->json } };
	enum exit_code code = open_wallet(&cert);

	if (code == EXIT_OK)
		code = run(&cert);
	wallet_close(&cert.wallet);
	credentials_free(cert.credentials);
	contacts_free(cert.contacts);
	random_free(cert.random);
	crypto_free(cert.crypto);
	return code;
}
