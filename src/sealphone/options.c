#include "sealphone/options.h"

#include <getopt.h>

#include "idn/idn.h"

enum {
	DNS_PORT = 53,
	SESSION_LEAST = 90 * 1000, /* RFC 4028 §5 */
	SESSION_DEFAULT = 1800 * 1000,
	NAME_SIZE = 1024, /* of an address that is typed */
	NAMES_MAX = 64 * 1024,
};

static const char usage[] =
	"usage: sealphone --aor URI [options] [command]\n"
	"\n"
	"commands (without one: interactive)\n"
	"  register              stay registered until ended\n"
	"  call URI              call, and hang up after --for seconds or when ended\n"
	"  answer                answer every call until ended\n"
	"  message URI TEXT      send a message\n"
	"  watch [URI [PACKAGE]] show what happens there; default: our own registrations (reg)\n"
	"  cert show [WHO]       our key and those of others: fingerprints, and words to compare by voice\n"
	"  cert export           our certificate (PEM)\n"
	"  cert import FILE [FILE2]\n"
	"                        use this key and certificate (PKCS #12 or PEM) from a CA that we trust;\n"
	"                        FILE2: its first line is the passphrase of FILE, else it is asked for\n"
	"  cert passphrase [FILE|none]\n"
	"                        encrypt our keys with a passphrase: of FILE, asked for, or none\n"
	"  cert trust WHO [FINGERPRINT]\n"
	"                        we have compared it; without one: all that are known of WHO\n"
	"  cert forget WHO       as if nothing had been seen of WHO\n"
	"  cert policy WHO off|prefer|require[+cbc]|default\n"
	"                        from now on --smime for WHO, whatever it is for others; default: as for others\n"
	"\n"
	"options\n"
	"  --aor URI             who we are: sips:alice@example.org (or sip:)\n"
	"  --password-file FILE  its first line is the password; else it is asked for\n"
	"  --passphrase-file FILE\n"
	"                        its first line is the passphrase of our keys; else it is asked for\n"
	"                        where they are encrypted\n"
	"  --client-certificate no|beside|instead\n"
	"                        show the server our certificate in TLS 1.3: never (default), beside\n"
	"                        the password, or instead of one, which is then not asked for\n"
	"  --server-proof remember|accept|require\n"
	"                        whether the server has to prove that it knows the password, too: once it\n"
	"                        has done so always (default), no, or from the first registration on\n"
	"  --server HOST[:PORT]  where the server is; default: where the DNS says\n"
	"  --outbound-proxy NAME[:PORT]\n"
	"                        reach the account's domain by this server, which has to prove that name\n"
	"  --dns ADDRESS[:PORT]  ask this name server instead of the system's\n"
	"  --trust-anchor FILE|none\n"
	"                        check DNSSEC against these keys instead of the root's\n"
	"  --transport tls|tcp   tcp is in clear, for a sip: address only; default tls\n"
	"  --ca FILE             trust these certificates (PEM) instead of the system's\n"
	"  --crl FILE            refuse what these lists of revoked certificates (PEM) revoke\n"
	"  --ocsp allow|require  whether a server has to show a fresh word of its CA with its certificate; one\n"
	"                        that is there is always looked at; default allow\n"
	"  --srtp never|optional|require\n"
	"                        encrypt the media of sip: calls; sips: calls always do\n"
	"  --anonymous           call and write without saying who we are (RFC 3323); only our server knows\n"
	"  --smime off|prefer|require\n"
	"                        sign and encrypt from end to end: never, where it can be had\n"
	"                        (default), or everything that leaves and that is shown\n"
	"  --smime-for URI=off|prefer|require[+cbc]\n"
	"                        the same for one contact in this run, with +cbc encrypted by AES-128-CBC,\n"
	"                        for a phone that reads nothing better; may be given again\n"
	"  --smime-aes256        encrypt with AES-256-GCM instead of AES-128-GCM\n"
	"  --smime-change accept|ask|refuse\n"
	"                        when the key of somebody changes and the domain vouches for the new one;\n"
	"                        default accept, and say so\n"
	"  --smime-strangers N   ask for the certificates of at most so many a minute who write or call and\n"
	"                        were not known; default 60\n"
	"  --play FILE           say what is in this WAV file\n"
	"  --record FILE         write what is heard to this WAV file; none is overwritten\n"
	"  --device null|tone|auto|NAME\n"
	"                        sound device; NAME is ALSA's; default auto\n"
	"  --for SECONDS         hang up, or end, after so long\n"
	"  --ring SECONDS        give a call up that nobody answers for so long; default 60\n"
	"  --keep-alive SECONDS  look at least so often whether the server is there; default 120\n"
	"  --transfer never|peer|ask|allow\n"
	"                        whether others may have us call somebody, or replace a call;\n"
	"                        default: ask, and peer where nobody can be asked\n"
	"  --session-timer SECONDS\n"
	"                        have calls confirmed so often, at least 90; default 1800\n"
	"  --auto-answer         answer every call (interactive)\n"
	"  --state DIR           what is remembered; default $XDG_STATE_HOME/sealphone\n"
	"  --json                one event a line on standard output\n"
	"  --help, --version\n"
	"\n"
	"example: sealphone --aor sips:alice@localhost --ca ca.pem call sips:bob@localhost\n";

enum option_id {
	OPTION_AOR = 256,
	OPTION_PASSWORD_FILE,
	OPTION_PASSPHRASE_FILE,
	OPTION_CLIENT_CERTIFICATE,
	OPTION_SERVER_PROOF,
	OPTION_SERVER,
	OPTION_OUTBOUND_PROXY,
	OPTION_DNS,
	OPTION_TRUST_ANCHOR,
	OPTION_TRANSPORT,
	OPTION_CA,
	OPTION_CRL,
	OPTION_OCSP,
	OPTION_SRTP,
	OPTION_ANONYMOUS,
	OPTION_SMIME,
	OPTION_SMIME_FOR,
	OPTION_SMIME_AES256,
	OPTION_SMIME_CHANGE,
	OPTION_SMIME_STRANGERS,
	OPTION_PLAY,
	OPTION_RECORD,
	OPTION_DEVICE,
	OPTION_FOR,
	OPTION_RING,
	OPTION_KEEP_ALIVE,
	OPTION_TRANSFER,
	OPTION_SESSION_TIMER,
	OPTION_AUTO_ANSWER,
	OPTION_STATE,
	OPTION_JSON,
	OPTION_HELP,
	OPTION_VERSION,
};

/* clang-format off */
static const struct option long_options[] = {
	{ "aor",           required_argument, NULL, OPTION_AOR },
	{ "password-file", required_argument, NULL, OPTION_PASSWORD_FILE },
	{ "passphrase-file", required_argument, NULL, OPTION_PASSPHRASE_FILE },
	{ "client-certificate", required_argument, NULL, OPTION_CLIENT_CERTIFICATE },
	{ "server-proof", required_argument, NULL, OPTION_SERVER_PROOF },
	{ "server",        required_argument, NULL, OPTION_SERVER },
	{ "outbound-proxy", required_argument, NULL, OPTION_OUTBOUND_PROXY },
	{ "dns",           required_argument, NULL, OPTION_DNS },
	{ "trust-anchor",  required_argument, NULL, OPTION_TRUST_ANCHOR },
	{ "transport",     required_argument, NULL, OPTION_TRANSPORT },
	{ "ca",            required_argument, NULL, OPTION_CA },
	{ "crl",           required_argument, NULL, OPTION_CRL },
	{ "ocsp",          required_argument, NULL, OPTION_OCSP },
	{ "srtp",          required_argument, NULL, OPTION_SRTP },
	{ "anonymous",     no_argument,       NULL, OPTION_ANONYMOUS },
	{ "smime",         required_argument, NULL, OPTION_SMIME },
	{ "smime-for",     required_argument, NULL, OPTION_SMIME_FOR },
	{ "smime-aes256",  no_argument,       NULL, OPTION_SMIME_AES256 },
	{ "smime-change",  required_argument, NULL, OPTION_SMIME_CHANGE },
	{ "smime-strangers", required_argument, NULL, OPTION_SMIME_STRANGERS },
	{ "play",          required_argument, NULL, OPTION_PLAY },
	{ "record",        required_argument, NULL, OPTION_RECORD },
	{ "device",        required_argument, NULL, OPTION_DEVICE },
	{ "for",           required_argument, NULL, OPTION_FOR },
	{ "ring",          required_argument, NULL, OPTION_RING },
	{ "keep-alive",    required_argument, NULL, OPTION_KEEP_ALIVE },
	{ "transfer",      required_argument, NULL, OPTION_TRANSFER },
	{ "session-timer", required_argument, NULL, OPTION_SESSION_TIMER },
	{ "auto-answer",   no_argument,       NULL, OPTION_AUTO_ANSWER },
	{ "state",         required_argument, NULL, OPTION_STATE },
	{ "json",          no_argument,       NULL, OPTION_JSON },
	{ "help",          no_argument,       NULL, OPTION_HELP },
	{ "version",       no_argument,       NULL, OPTION_VERSION },
	{ NULL,            0,                 NULL, 0 },
};
/* clang-format on */

struct word {
	const char *word;
	int value;
};

/* clang-format off */
static const struct word srtp_words[] = {
	{ "never",    SDP_SRTP_NEVER },
	{ "optional", SDP_SRTP_OPTIONAL },
	{ "require",  SDP_SRTP_REQUIRED },
	{ "required", SDP_SRTP_REQUIRED },
	{ NULL,       0 },
};
static const struct word transfer_words[] = {
	{ "never", UA_TRANSFERS_NEVER },
	{ "peer",  UA_TRANSFERS_PEER },
	{ "ask",   UA_TRANSFERS_ASK },
	{ "allow", UA_TRANSFERS_ALLOW },
	{ NULL,    0 },
};
static const struct word smime_words[] = {
	{ "off",     UA_SMIME_OFF },
	{ "prefer",  UA_SMIME_PREFER },
	{ "require", UA_SMIME_REQUIRE },
	{ NULL,      0 },
};
static const struct word change_words[] = {
	{ "accept", CREDENTIALS_ACCEPT },
	{ "ask",    CREDENTIALS_ASK },
	{ "refuse", CREDENTIALS_REFUSE },
	{ NULL,     0 },
};
static const struct word certificate_words[] = {
	{ "no",      CLIENT_CERTIFICATE_NO },
	{ "beside",  CLIENT_CERTIFICATE_BESIDE },
	{ "instead", CLIENT_CERTIFICATE_INSTEAD },
	{ NULL,      0 },
};
static const struct word proof_words[] = {
	{ "remember", UA_PROOF_REMEMBERED },
	{ "accept",   UA_PROOF_ACCEPTED },
	{ "require",  UA_PROOF_REQUIRED },
	{ NULL,       0 },
};
static const struct word ocsp_words[] = {
	{ "allow",   false },
	{ "require", true },
	{ NULL,      0 },
};
static const struct word transport_words[] = {
	{ "tls", TRANSPORT_TLS },
	{ "tcp", TRANSPORT_TCP },
	{ NULL,  0 },
};
static const struct { const char *word; enum command command; int least, most; } commands[] = {
	{ "register", COMMAND_REGISTER, 0, 0 },
	{ "call",     COMMAND_CALL,     1, 1 },
	{ "answer",   COMMAND_ANSWER,   0, 0 },
	{ "message",  COMMAND_MESSAGE,  2, 2 },
	{ "watch",    COMMAND_WATCH,    0, 2 },
	{ "cert",     COMMAND_CERT,     1, 3 },
};
/* clang-format on */

static bool find_word(const struct word *words, const char *text, int *ret_value)
{
	for (; words->word; words++) {
		if (strcmp(words->word, text) == 0) {
			*ret_value = words->value;
			return true;
		}
	}
	return false;
}

static bool parse_seconds(const char *text, ms_t *ret_duration)
{
	struct scan in = scan_of(slice_of(text));
	uint64_t seconds;

	if (!scan_number(&in, 30 * 86400, &seconds) || !scan_done(&in) || seconds == 0)
		return false;
	*ret_duration = seconds * 1000;
	return true;
}

static bool parse_count(const char *text, unsigned *ret_count)
{
	struct scan in = scan_of(slice_of(text));
	uint64_t count;

	if (!scan_number(&in, 100000, &count) || !scan_done(&in) || count == 0)
		return false;
	*ret_count = (unsigned)count;
	return true;
}

/* The text with A-labels for what is internationalised in its domain; says what is wrong with it. */
static bool take_name(struct options *options, struct slice text, struct slice *ret_name)
{
	char ascii[NAME_SIZE], reason[200];
	struct writer out = writer_of(ascii, sizeof ascii), why = writer_of(reason, sizeof reason);

	if (!put_ascii_domain(&out, text, &why)) {
		fprintf(stderr, "sealphone: %.*s: %.*s\n", SLICE_FMT(text), SLICE_FMT(writer_text(&why)));
		return false;
	}
	*ret_name = text;
	if (slice_eq(writer_text(&out), text))
		return true;
	if (!options->names)
		options->names = arena_new(NAMES_MAX);
	return options->names && arena_copy(options->names, writer_text(&out), ret_name) == OK;
}

/* HOST, HOST:PORT, [IPV6] or [IPV6]:PORT: the authority of a URI. */
static bool parse_place(struct slice text, struct slice *ret_host, uint16_t *ret_port)
{
	char buffer[300];
	struct writer out = writer_of(buffer, sizeof buffer);
	struct sip_uri uri;

	put(&out, SLICE("sip:"));
	put(&out, text);
	if (out.overflow || !sip_uri_parse(writer_text(&out), &uri) || uri.user.ptr || uri.params.len > 0 ||
	    uri.headers.len > 0)
		return false;
	*ret_host = slice_sub(text, 0, uri.host.len); /* the host comes first in both */
	*ret_port = uri.port;
	return true;
}

static bool parse_server(const char *text, struct options *options)
{
	struct slice place;

	return take_name(options, slice_of(text), &place) &&
	       parse_place(place, &options->server, &options->port);
}

/* A certificate proves no address. */
static bool parse_proxy(const char *text, struct options *options)
{
	struct address address;
	struct slice place;

	return take_name(options, slice_of(text), &place) &&
	       parse_place(place, &options->proxy, &options->proxy_port) &&
	       !address_parse_ip(options->proxy, &address);
}

/* ADDRESS or ADDRESS:PORT */
static bool parse_dns(struct slice text, struct address *ret_address)
{
	if (address_parse(text, ret_address))
		return ret_address->port != 0;
	if (!address_parse_ip(text, ret_address))
		return false;
	ret_address->port = DNS_PORT;
	return true;
}

/* URI=POLICY or URI=POLICY+cbc; the URI may have an equals sign in it. */
static bool take_smime_for(const char *text, struct options *options)
{
	const char *equals = strrchr(text, '=');
	struct ua_smime_for *one = &options->smime_for[options->n_smime_for];
	struct sip_uri uri;

	if (!equals || options->n_smime_for == OPTIONS_SMIME_FOR ||
	    !contact_policy_parse(slice_of(equals + 1), &one->policy))
		return false;
	if (!take_name(options, slice_from(text, (size_t)(equals - text)), &one->uri))
		return false;
	options->n_smime_for++;
	return sip_uri_parse(one->uri, &uri) && uri.user.len > 0;
}

static void parse_device(const char *name, struct media_devices *devices)
{
	struct media_device both = { MEDIA_DEVICE_ALSA, name };

	if (strcmp(name, "auto") == 0)
		both.kind = MEDIA_DEVICE_AUTO;
	else if (strcmp(name, "null") == 0)
		both.kind = MEDIA_DEVICE_NULL;
	devices->sink = both;
	if (strcmp(name, "tone") == 0) {
		both.kind = MEDIA_DEVICE_TONE;
		devices->sink.kind = MEDIA_DEVICE_NULL;
	}
	if (devices->source.kind != MEDIA_DEVICE_FILE)
		devices->source = both;
}

static bool take(int id, const char *value, struct options *options)
{
	int number = 0;

	switch (id) {
	case OPTION_AOR: return take_name(options, slice_of(value), &options->aor);
	case OPTION_PASSWORD_FILE: options->password_file = value; return true;
	case OPTION_PASSPHRASE_FILE: options->passphrase_file = value; return true;
	case OPTION_CLIENT_CERTIFICATE:
		if (!find_word(certificate_words, value, &number))
			return false;
		options->certificate = (enum client_certificate)number;
		return true;
	case OPTION_SERVER_PROOF:
		if (!find_word(proof_words, value, &number))
			return false;
		options->proof = (enum ua_server_proof)number;
		return true;
	case OPTION_SERVER: return parse_server(value, options);
	case OPTION_OUTBOUND_PROXY: return parse_proxy(value, options);
	case OPTION_DNS: return parse_dns(slice_of(value), &options->dns);
	case OPTION_TRUST_ANCHOR: options->trust_anchor = value; return true;
	case OPTION_TRANSPORT:
		if (!find_word(transport_words, value, &number))
			return false;
		options->transport = (enum transport_protocol)number;
		return true;
	case OPTION_CA: options->ca_file = value; return true;
	case OPTION_CRL: options->crl_file = value; return true;
	case OPTION_OCSP:
		if (!find_word(ocsp_words, value, &number))
			return false;
		options->needs_staples = number;
		return true;
	case OPTION_SRTP:
		if (!find_word(srtp_words, value, &number))
			return false;
		options->srtp = (enum sdp_srtp_policy)number;
		return true;
	case OPTION_SMIME:
		if (!find_word(smime_words, value, &number))
			return false;
		options->smime = (enum ua_smime)number;
		return true;
	case OPTION_ANONYMOUS: options->anonymous = true; return true;
	case OPTION_SMIME_FOR: return take_smime_for(value, options);
	case OPTION_SMIME_AES256: options->smime_256 = true; return true;
	case OPTION_SMIME_CHANGE:
		if (!find_word(change_words, value, &number))
			return false;
		options->policy = (enum credentials_policy)number;
		return true;
	case OPTION_SMIME_STRANGERS: return parse_count(value, &options->strangers);
	case OPTION_PLAY:
		options->devices.source = (struct media_device){ MEDIA_DEVICE_FILE, value };
		return true;
	case OPTION_RECORD: options->devices.record = value; return true;
	case OPTION_DEVICE: parse_device(value, &options->devices); return true;
	case OPTION_FOR: return parse_seconds(value, &options->duration);
	case OPTION_RING: return parse_seconds(value, &options->ring);
	case OPTION_KEEP_ALIVE: return parse_seconds(value, &options->keepalive);
	case OPTION_TRANSFER:
		options->has_transfers = find_word(transfer_words, value, &number);
		options->transfers = (enum ua_transfers)number;
		return options->has_transfers;
	case OPTION_SESSION_TIMER:
		return parse_seconds(value, &options->session) && options->session >= SESSION_LEAST;
	case OPTION_AUTO_ANSWER: options->auto_answer = true; return true;
	case OPTION_STATE: options->state = value; return true;
	default: options->json = true; return true;
	}
}

static enum exit_code refuse(const char *what, const char *text)
{
	fprintf(stderr, "sealphone: %s%s%s (see sealphone --help)\n", what, text ? " " : "",
		text ? text : "");
	return EXIT_USAGE;
}

static enum exit_code refuse_value(const char *option, const char *value)
{
	fprintf(stderr, "sealphone: --%s %s: that is none of its values (see sealphone --help)\n", option,
		value);
	return EXIT_USAGE;
}

static enum exit_code parse_command(int n, char **words, struct options *options)
{
	if (n == 0)
		return EXIT_OK;
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		if (strcmp(commands[i].word, words[0]) != 0)
			continue;
		if (n - 1 < commands[i].least || n - 1 > commands[i].most)
			return refuse("wrong number of words after", words[0]);
		options->command = commands[i].command;
		options->uri = slice_of(n > 1 ? words[1] : NULL);
		options->text = slice_of(n > 2 ? words[2] : NULL);
		options->more = slice_of(n > 3 ? words[3] : NULL);
		return EXIT_OK;
	}
	return refuse("no such command:", words[0]);
}

/* getopt_long() takes "--password" for "--password-file"; we take options by their full names only. */
static const char *find_abbreviation(char **argv)
{
	for (char **word = argv + 1; *word && strcmp(*word, "--") != 0; word++) {
		struct slice name = slice_of(*word);
		const struct option *option = long_options;

		if (!slice_starts(name, SLICE("--")))
			continue;
		name = slice_sub(name, 2, slice_find(name, '=') - 2);
		while (option->name && !slice_eq(name, slice_of(option->name)))
			option++;
		if (!option->name)
			return *word;
	}
	return NULL;
}

/* Whether somebody is at the terminal to be asked. */
static bool can_ask(const struct options *options)
{
	return options->command == COMMAND_NONE && !options->auto_answer;
}

static enum exit_code parse(int argc, char **argv, struct options *options, bool *ret_done)
{
	enum exit_code code;
	int id, index = 0;

	if (find_abbreviation(argv))
		return refuse("no such option:", find_abbreviation(argv));
	while ((id = getopt_long(argc, argv, "", long_options, &index)) != -1) {
		if (id == OPTION_HELP || id == OPTION_VERSION) {
			fputs(id == OPTION_HELP ? usage : "sealphone " SEALINE_VERSION "\n", stdout);
			*ret_done = true;
			return EXIT_OK;
		}
		if (id == '?')
			return refuse("nothing was done", NULL);
		if (!take(id, optarg, options))
			return refuse_value(long_options[index].name, optarg);
	}
	code = parse_command(argc - optind, argv + optind, options);
	if (code == EXIT_OK && options->aor.len == 0)
		code = refuse("--aor is missing", NULL);
	if (options->transfers == UA_TRANSFERS_ASK && !can_ask(options))
		code = refuse("there is nobody to be asked; not understood:", "--transfer ask");
	if (!options->has_transfers && can_ask(options))
		options->transfers = UA_TRANSFERS_ASK;
	return code;
}

enum exit_code options_parse(int argc, char **argv, struct options *ret_options, bool *ret_done)
{
	struct options options = {
		.transport = TRANSPORT_TLS,
		.session = SESSION_DEFAULT,
		.smime = UA_SMIME_PREFER,
		.devices.source.kind = MEDIA_DEVICE_AUTO,
		.devices.sink.kind = MEDIA_DEVICE_AUTO,
	};

	*ret_done = false;
	enum exit_code code = parse(argc, argv, &options, ret_done);
	if (code == EXIT_OK && !*ret_done)
		*ret_options = options;
	else
		options_fini(&options);
	return code;
}

void options_fini(struct options *options)
{
	arena_free(options->names);
}
