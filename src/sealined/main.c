/* sealined: the SIP server that talks TLS. See man/sealined.8. */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "sealined/confine.h"
#include "sealined/daemon.h"
#include "sealined/privileges.h"
#include "store/state.h"

/*
 * What can be known without a state directory: that the files are there, belong together, and prove our
 * name.
 */
static bool check_files(const struct config *config, const struct signer_process *process, struct writer *why)
{
	AUTO(crypto) struct crypto *crypto = crypto_new();
	struct signer_client signer;
	struct identity_source source = { crypto, &signer, config, time(NULL), NULL };

	signer_client_init(&signer, process->fds[0]);
	return crypto && identity_is_loadable(&source, why) && crew_can_resolve(config, why);
}

/* With the signing process at hand. Takes the configuration over. */
static int run(const struct options *options, struct config *config, struct signer_process *process)
{
	AUTO(config) struct config *owned = config;
	char text[2000];
	struct writer why = writer_of(text, sizeof text);

	if (!check_files(config, process, &why)) {
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

static bool confine(const void *files)
{
	return confine_signer(files);
}

/* It opens the files of the configuration, which say themselves where they are, so that they are known before it begins. */
static enum err start_signer(const struct options *options, const struct config *config,
			     struct signer_process *ret_process)
{
	struct confine_files files = { .state = config->state };
	const struct signer_plan plan = {
		.n_channels = config->workers + 1, .confine = confine, .self = &files, .told = options->file
	};
	size_t n = 1;

	for (const struct config_path *said = config->paths; said; said = said->next)
		n++;
	struct slice *known = mem_zalloc(n, sizeof *known);
	if (!known)
		return ERR_NOMEM;
	known[files.n_known++] = options->file;
	for (const struct config_path *said = config->paths; said; said = said->next)
		if (!slice_eq(said->path, config->state) && !slice_eq(said->path, SLICE("none")))
			known[files.n_known++] = said->path;
	files.known = known;
	bool is_made = options->check || state_make(config->state) == OK;
	(void)is_made; /* what is wrong with it is said by the server, who opens it next */
	enum err err = signer_start(&plan, ret_process);
	mem_free(known);
	return err;
}

/* In the place of one that is closed the next thing that is opened would stand, and the log go there: to the signing process, say. */
static bool has_streams(void)
{
	int fd;

	do /* open() takes the lowest that is free */
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int main(int argc, char *argv[])
{
	char text[2000];
	struct writer why = writer_of(text, sizeof text);
	struct signer_process process = { .pid = 0 };
	struct options options;

	if (!has_streams())
		return EXIT_FAILED;
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
	char state[STATE_PATH_MAX];
	struct writer state_out = writer_of(state, sizeof state - 1);
	put(&state_out, config->state);
	state[state_out.len] = '\0';
	bool was_there = access(state, F_OK) == 0;
	enum err err = start_signer(&options, config, &process);
	if (err != OK) {
		fprintf(stderr, "sealined: the signing process cannot be started: %s\n", err_text(err));
		return EXIT_FAILED;
	}
	int code = run(&options, TAKE(config), &process);
	if (code == EXIT_USAGE && !was_there)
		(void)rmdir(state); /* nothing was begun; what is not empty stays */
	return signer_end(&process) || code != 0 ? code : EXIT_FAILED;
}
