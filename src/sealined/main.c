/* sealined: the SIP server that talks TLS. See man/sealined.8. */
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#include "sealined/confine.h"
#include "sealined/daemon.h"
#include "sealined/privileges.h"

/*
 * What can be known without a state directory: that the files are there, belong together, and prove our
 * name.
 */
static bool check_certificate(const struct config *config, const struct signer_process *process,
			      struct writer *why)
{
	AUTO(crypto) struct crypto *crypto = crypto_new();
	struct signer_client signer;
	struct identity_source source = { crypto, &signer, config, time(NULL) };

	signer_client_init(&signer, process->fds[0]);
	return crypto && identity_is_loadable(&source, why);
}

/* With the signing process at hand. Takes the configuration over. */
static int run(const struct options *options, struct config *config, struct signer_process *process)
{
	AUTO(config) struct config *owned = config;
	char text[2000];
	struct writer why = writer_of(text, sizeof text);

	if (!check_certificate(config, process, &why)) {
		fprintf(stderr, "sealined: %.*s\n", SLICE_FMT(writer_text(&why)));
		return EXIT_USAGE;
	}
	if (options->check) {
		if (writer_text(&why).len > 0)
			printf("Warning: %.*s.\n", SLICE_FMT(writer_text(&why)));
		puts("The configuration is good.");
		return 0;
	}
	return daemon_run(options, TAKE(owned), process);
}

int main(int argc, char *argv[])
{
	char text[2000];
	struct writer why = writer_of(text, sizeof text);
	struct signer_process process = { .pid = 0 };
	struct options options;

	umask(077);
	signal(SIGHUP, SIG_IGN); /* until there is something to reload */
	switch (options_parse(argc, argv, &options)) {
	case OPTIONS_DONE: return 0;
	case OPTIONS_WRONG: return EXIT_USAGE;
	case OPTIONS_RUN: break;
	}
	AUTO(config) struct config *config = options_load(&options, &why);
	if (!config) {
		fprintf(stderr, "sealined: %.*s\n", SLICE_FMT(writer_text(&why)));
		return EXIT_USAGE;
	}
	log_set(config->log_format, config->log_level);
	if (config->user.len > 0 && !privileges_drop(config->user, &why)) {
		fprintf(stderr, "sealined: user \"%.*s\": %.*s\n", SLICE_FMT(config->user),
			SLICE_FMT(writer_text(&why)));
		return EXIT_USAGE;
	}
	enum err err = signer_start(config->workers + 1, confine_signer, &process);
	if (err != OK) {
		fprintf(stderr, "sealined: the signing process cannot be started: %s\n", err_text(err));
		return EXIT_FAILED;
	}
	int code = run(&options, TAKE(config), &process);
	return signer_end(&process) || code != 0 ? code : EXIT_FAILED;
}
