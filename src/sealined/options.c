#include "sealined/options.h"

#include <getopt.h>

static const char usage[] =
	"usage: sealined [OPTION]...\n"
	"The SIP server that talks TLS: registrar and proxy. Without options it serves the domain localhost on\n"
	"127.0.0.1 and ::1, port 5061, with a certificate of a development CA that it makes for itself.\n"
	"\n"
	"  --listen [TRANSPORT:]ADDR:PORT  where to listen: tls, wss, tcp, udp, ws (tls if not said); repeatable\n"
	"  --domain NAME                   a domain to serve; may be repeated\n"
	"  --certificate FILE --key FILE   our certificate and its key (PEM) instead of the development CA's;\n"
	"                                  repeatable, for an ECDSA and an RSA one side by side\n"
	"  --advertise NAME                what we call ourselves in headers; our certificate must prove it\n"
	"  --workers N                     threads that serve connections; as many as there are cores\n"
	"  --state DIR                     where accounts, bindings and the development CA are kept\n"
	"  --trust FILE                    CAs (PEM) that prove other domains, instead of the system's\n"
	"  --crl FILE                      what these CAs have revoked (PEM)\n"
	"  --dns ADDR[:PORT]               the name server to ask, instead of the system's\n"
	"  --trust-anchor FILE             DNSSEC's trust anchor; none: nothing is validated\n"
	"  --user NAME                     started as root, become this user of the system\n"
	"  --log-format text|json          one line an event on standard error\n"
	"  --log-level LEVEL               error, warning, info or debug\n"
	"  -c FILE                         read the configuration from a file; see sealined.yaml(5)\n"
	"  -t                              only check the configuration\n"
	"  --help, --version\n"
	"\n"
	"An account:  sealine user add alice@localhost --generate\n"
	"Signals:     HUP reads configuration and certificates again, TERM drains and ends, twice ends at once.\n"
	"Exit codes:  0 ended as asked, 1 failed, 2 usage or configuration.\n";

enum { OPTION_SETTING = 1000, OPTION_HELP, OPTION_VERSION };

/* clang-format off */
static const struct option options[] = {
	{ "listen",      required_argument, NULL, OPTION_SETTING },
	{ "domain",      required_argument, NULL, OPTION_SETTING },
	{ "certificate", required_argument, NULL, OPTION_SETTING },
	{ "key",         required_argument, NULL, OPTION_SETTING },
	{ "advertise",   required_argument, NULL, OPTION_SETTING },
	{ "workers",     required_argument, NULL, OPTION_SETTING },
	{ "log-format",  required_argument, NULL, OPTION_SETTING },
	{ "log-level",   required_argument, NULL, OPTION_SETTING },
	{ "state",       required_argument, NULL, OPTION_SETTING },
	{ "trust",       required_argument, NULL, OPTION_SETTING },
	{ "crl",         required_argument, NULL, OPTION_SETTING },
	{ "dns",         required_argument, NULL, OPTION_SETTING },
	{ "trust-anchor", required_argument, NULL, OPTION_SETTING },
	{ "user",        required_argument, NULL, OPTION_SETTING },
	{ "help",        no_argument,       NULL, OPTION_HELP    },
	{ "version",     no_argument,       NULL, OPTION_VERSION },
	{ NULL,          0,                 NULL, 0              },
};
/* clang-format on */

static enum options_verdict wrong(void)
{
	fputs("Try sealined --help.\n", stderr);
	return OPTIONS_WRONG;
}

/* The table above lists the settings in the order of their enum. */
static bool remember(struct options *parsed, int index)
{
	if (parsed->n_said == OPTIONS_MAX) {
		fputs("sealined: there are too many options\n", stderr);
		return false;
	}
	parsed->said[parsed->n_said].setting = (enum setting)index;
	parsed->said[parsed->n_said++].value = slice_of(optarg);
	return true;
}

enum options_verdict options_parse(int argc, char *argv[], struct options *ret_options)
{
	struct options parsed = { .check = false };
	int option, index = 0;

	while ((option = getopt_long(argc, argv, "c:t", options, &index)) != -1) {
		switch (option) {
		case OPTION_HELP: fputs(usage, stdout); return OPTIONS_DONE;
		case OPTION_VERSION: puts("sealined " SEALINE_VERSION); return OPTIONS_DONE;
		case OPTION_SETTING:
			if (!remember(&parsed, index))
				return wrong();
			break;
		case 'c': parsed.file = slice_of(optarg); break;
		case 't': parsed.check = true; break;
		default: return wrong();
		}
	}
	if (parsed.file.ptr && parsed.file.len == 0) {
		fputs("sealined: -c needs a file\n", stderr);
		return wrong();
	}
	if (optind < argc) {
		fprintf(stderr, "sealined: what is \"%s\"?\n", argv[optind]);
		return wrong();
	}
	*ret_options = parsed;
	return OPTIONS_RUN;
}

static bool say_options(const struct options *said, struct config *config, struct writer *why)
{
	bool begun[SETTINGS] = { false };
	char text[300];

	for (size_t i = 0; i < said->n_said; i++) {
		enum setting setting = said->said[i].setting;
		struct writer what = writer_of(text, sizeof text);

		if (!begun[setting])
			config_unsay(config, setting);
		begun[setting] = true;
		if (config_say(config, setting, said->said[i].value, &what))
			continue;
		put(why, SLICE("--"));
		put(why, slice_of(options[setting].name));
		put(why, SLICE(" \""));
		put_escaped(why, said->said[i].value);
		put(why, SLICE("\": "));
		put(why, writer_text(&what));
		return false;
	}
	return true;
}

static struct config *load(const struct options *said, const struct slice *text, struct writer *why)
{
	AUTO(config) struct config *config = config_new();

	if (!config) {
		put(why, SLICE("there is not enough memory"));
		return NULL;
	}
	if (text && !config_parse(config, said->file, *text, why))
		return NULL;
	if (!text && said->file.len > 0 && !config_read(config, said->file, why))
		return NULL;
	if (!say_options(said, config, why) || !config_complete(config, said->file, why))
		return NULL;
	return TAKE(config);
}

struct config *options_load(const struct options *said, struct writer *why)
{
	return load(said, NULL, why);
}

struct config *options_load_text(const struct options *said, struct slice text, struct writer *why)
{
	return load(said, &text, why);
}
