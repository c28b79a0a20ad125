/* sealined: the SIP server that talks TLS. See man/sealined.8. */
#include <sys/stat.h>
#include <time.h>

#include "sealined/daemon.h"

/*
 * What can be known without a state directory: that the files are there, belong together, and prove our
 * name.
 */
static bool check_certificate(const struct config *config, struct writer *why)
{
	AUTO(crypto) struct crypto *crypto = crypto_new();
	struct identity identity;

	if (config_is_development(config))
		return true;
	if (!crypto || !identity_load(crypto, config, time(NULL), &identity, why))
		return false;
	identity_fini(&identity);
	return true;
}

int main(int argc, char *argv[])
{
	char text[2000];
	struct writer why = writer_of(text, sizeof text);
	struct options options;

	umask(077);
	switch (options_parse(argc, argv, &options)) {
	case OPTIONS_DONE: return 0;
	case OPTIONS_WRONG: return EXIT_USAGE;
	case OPTIONS_RUN: break;
	}
	AUTO(config) struct config *config = options_load(&options, &why);
	if (!config || !check_certificate(config, &why)) {
		fprintf(stderr, "sealined: %.*s\n", SLICE_FMT(writer_text(&why)));
		return EXIT_USAGE;
	}
	if (options.check) {
		puts("The configuration is good.");
		return 0;
	}
	log_set(config->log_format, config->log_level);
	return daemon_run(&options, TAKE(config));
}
