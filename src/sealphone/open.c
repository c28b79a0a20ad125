/* How the phone comes up, and goes down in the reverse order. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "sealphone/audio.h"
#include "sealphone/console.h"
#include "sealphone/password.h"
#include "sealphone/phone.h"
#include "sealphone/resolver.h"
#include "sealphone/trust.h"

enum { SESSIONS_MAX = 4 }; /* tickets of the server that are kept */

static enum exit_code complain(const char *where, const char *why, enum exit_code code)
{
	fprintf(stderr, "sealphone: %s: %s\n", where, why);
	return code;
}

static enum exit_code no_memory(void)
{
	return complain("start", "there is not enough memory", EXIT_FAILED);
}

static enum exit_code open_tls(struct phone *phone)
{
	enum exit_code code;

	phone->trusted = trust_look(phone->options); /* before it is read: a change since is one */
	code = trust_open(phone->crypto, phone->options, &phone->tls, &phone->anchors);
	if (code == EXIT_OK)
		tls_client_resume(phone->tls, SESSIONS_MAX);
	return code;
}

/* With it go the sessions that could be taken up again: whom the old CAs have vouched for is judged by the new ones. */
void phone_renew_trust(struct phone *phone)
{
	struct trust_seen seen = trust_look(phone->options);
	struct tls_context *tls = phone->tls;
	struct anchors *anchors = phone->anchors;

	if (trust_is_same(&seen, &phone->trusted) || trust_is_same(&seen, &phone->refused))
		return;
	if (trust_open(phone->crypto, phone->options, &phone->tls, &phone->anchors) != EXIT_OK) {
		phone->refused = seen;
		return;
	}
	phone->trusted = seen;
	tls_client_resume(phone->tls, SESSIONS_MAX);
	transport_set_tls(phone->transport, NULL, phone->tls, net_now(phone->net));
	ua_trust(phone->ua, phone->anchors);
	anchors_free(anchors);
	tls_context_free(tls);
}

/* -- the user agent ---------------------------------------------------------------------------------- */

static enum exit_code open_ua(struct phone *phone, const struct secret *password)
{
	const struct options *options = phone->options;
	const struct ua_config config = {
		.crypto = phone->crypto,
		.aor = options->aor,
		.password = secret_slice(password),
		.server = options->server,
		.port = options->port,
		.proxy = options->proxy,
		.proxy_port = options->proxy_port,
		.transport = options->transport,
		.instance = slice_of(phone->memory.instance),
		.srtp = options->srtp,
		.least = phone->memory.least,
		.proof = options->proof,
		.was_proven = phone->memory.was_proven,
		.ring = options->ring,
		.keepalive = (unsigned)(options->keepalive / 1000),
		.transfers = options->transfers,
		.session = (unsigned)(options->session / 1000),
		.smime = options->smime,
		.smime_for = options->smime_for,
		.n_smime_for = options->n_smime_for,
		.smime_256 = options->smime_256,
		.strangers = options->strangers,
		.do_register = true,
		.is_anonymous = options->anonymous,
		.anchors = phone->anchors,
		.policy = options->policy,
	};

	if (ua_new(&config, &phone->ua) != OK)
		return no_memory();
	phone->wallet = (struct wallet){ .crypto = phone->crypto,
					 .memory = &phone->memory,
					 .credentials = ua_credentials(phone->ua),
					 .contacts = ua_contacts(phone->ua),
					 .passphrase_file = options->passphrase_file };
	if (wallet_open(&phone->wallet) && phone_show_certificate(phone))
		return phone_recall_replays(phone) ? EXIT_OK : EXIT_STATE;
	return phone->wallet.is_interrupted ? EXIT_INTERRUPTED : EXIT_STATE;
}

static enum exit_code open_endpoint(struct phone *phone)
{
	uint8_t branch_key[32], number[8];
	char host[32];
	struct writer out = writer_of(host, sizeof host);
	struct endpoint_config config = {
		.n_workers = 1,
		.limits = { .sip = sip_limits_default,
			    .flows = 8,
			    .transactions = 256,
			    .per_flow = 128,
			    .per_sender = 128,
			    .per_peer = 128,
			    .per_stranger = 16,
			    .output = 1 << 20 },
		.map_key = random_map_key(phone->random),
		.branch_key = branch_key,
		.random = phone->random,
		.crypto = phone->crypto,
		.level = REPORT_ERROR,
		.user = &ua_user,
		.user_self = phone->ua,
	};
	enum err err;

	random_bytes(phone->random, branch_key, sizeof branch_key);
	random_bytes(phone->random, number, sizeof number);
	put_hex(&out, number, sizeof number);
	put(&out,
	    SLICE(".invalid")); /* nobody reaches us by it, only by our flow (RFC 7118 §5.5 does the same) */
	config.sent_by = writer_text(&out);
	err = endpoint_new(&config, &phone->endpoint);
	mem_wipe(branch_key, sizeof branch_key);
	if (err != OK)
		return no_memory();
	ua_attach(phone->ua, phone->endpoint);
	return EXIT_OK;
}

static enum exit_code open_transport(struct phone *phone)
{
	struct transport_config config = {
		.net = phone->net,
		.endpoint = phone->endpoint,
		.map_key = random_map_key(phone->random),
		.limits = transport_limits_default,
		.services = { .self = phone, .resolve = resolver_ask },
		.client = phone->tls,
	};

	random_bytes(phone->random, &config.start, sizeof config.start);
	phone->transport = transport_new(&config);
	return phone->transport ? EXIT_OK : no_memory();
}

/* The end of a pipe that is written to can never be read, so that what is told of it is an error: nobody reads at the other end. */
static bool watch_output(struct phone *phone)
{
	int flags = fcntl(STDOUT_FILENO, F_GETFL);
	struct stat output;

	if (flags < 0 || (flags & O_ACCMODE) != O_WRONLY || fstat(STDOUT_FILENO, &output) != 0 ||
	    !S_ISFIFO(output.st_mode))
		return true;
	return net_watch_new(phone->net, STDOUT_FILENO, NET_READABLE, &phone->output_watch,
			     &phone->output_watch) == OK;
}

static enum exit_code open_loop(struct phone *phone)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

	phone->net = net_new(32);
	if (!phone->net || media_new(&phone->media) != OK)
		return no_memory();
	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
		if (net_signal(phone->net, signals[i]) != OK)
			return no_memory();
	if (net_watch_new(phone->net, media_fd(phone->media), NET_READABLE, phone->media,
			  &phone->media_watch) != OK)
		return no_memory();
	return watch_output(phone) ? EXIT_OK : no_memory();
}

/* -- files ------------------------------------------------------------------------------------------- */

/* "alice@example.org": the AOR without its scheme. */
static struct slice account_of(struct slice aor)
{
	return slice_sub(aor, slice_find(aor, ':') + 1, aor.len);
}

static enum exit_code complain_of_file(const char *option, const char *file, const char *remedy)
{
	fprintf(stderr, "sealphone: %s %s: %s; %s\n", option, file, strerror(errno), remedy);
	return EXIT_STATE;
}

/* Whether a file can be written there, which need not be there yet. */
static bool is_writable(const char *file)
{
	const char *name = strrchr(file, '/');
	char directory[PATH_MAX];
	struct writer out = writer_of(directory, sizeof directory);
	struct stat there;

	if (access(file, W_OK) == 0 && stat(file, &there) == 0) {
		errno = EISDIR;
		return !S_ISDIR(there.st_mode);
	}
	if (errno != ENOENT)
		return false;
	put(&out, name ? slice_from(file, (size_t)(name - file) + 1) : SLICE("."));
	put(&out, SLICE("\0"));
	errno = ENAMETOOLONG;
	return !out.overflow && access(directory, W_OK) == 0;
}

/* What can be found wrong before a password is asked for. */
static enum exit_code check_options(const struct options *options)
{
	const struct media_device *source = &options->devices.source;
	enum err err = ua_check_account(options->aor, options->transport);

	if (err == ERR_DENIED)
		return complain("--transport", "a sips: address needs tls; nothing was sent in clear",
				EXIT_USAGE);
	if (err != OK)
		return complain("--aor", "an address looks like sips:alice@example.org", EXIT_USAGE);
	if (source->kind == MEDIA_DEVICE_FILE && access(source->name, R_OK) != 0)
		return complain_of_file("--play", source->name, "name a WAV file that can be read");
	if (source->kind == MEDIA_DEVICE_FILE && media_check_file(source->name) != OK)
		return complain(source->name,
				"this is no WAV file of 16-bit PCM, mono or stereo; convert it to one",
				EXIT_STATE);
	if (options->devices.record && !is_writable(options->devices.record))
		return complain_of_file("--record", options->devices.record,
					"name a file that can be written");
	if (options->ca_file && access(options->ca_file, R_OK) != 0)
		return complain_of_file("--ca", options->ca_file, "name a file with certificates (PEM)");
	if (options->crl_file && access(options->crl_file, R_OK) != 0)
		return complain_of_file("--crl", options->crl_file,
					"name a file with lists of revoked certificates (PEM)");
	return EXIT_OK;
}

enum exit_code phone_open(struct phone *phone, const struct options *options)
{
	AUTO(secret) struct secret *password = NULL;
	enum exit_code code = check_options(options);
	bool interrupted = false;

	if (code != EXIT_OK)
		return code;
	phone->options = options;
	phone->output.json = options->json;
	if (options->certificate != CLIENT_CERTIFICATE_INSTEAD)
		password = password_read(options->password_file, options->aor, &interrupted);
	if (!password && options->certificate != CLIENT_CERTIFICATE_INSTEAD)
		return interrupted ? EXIT_INTERRUPTED : EXIT_STATE;
	phone->crypto = crypto_new();
	phone->random = phone->crypto ? random_new(phone->crypto) : NULL;
	if (!phone->random)
		return no_memory();
	if (!memory_open(options->state, account_of(options->aor), phone->random, &phone->memory))
		return EXIT_STATE;
	if ((code = open_tls(phone)) != EXIT_OK || (code = open_ua(phone, password)) != EXIT_OK ||
	    (code = open_endpoint(phone)) != EXIT_OK || (code = open_loop(phone)) != EXIT_OK ||
	    (code = resolver_open(phone)) != EXIT_OK || (code = open_transport(phone)) != EXIT_OK)
		return code;
	if (!phone_watch_wallet(phone))
		return EXIT_STATE;
	if (options->command == COMMAND_NONE && console_open(phone) != OK)
		return complain("standard input", "it cannot be read", EXIT_STATE);
	return EXIT_OK;
}

void phone_close(struct phone *phone)
{
	if (phone->input_watch)
		console_close(phone);
	for (int i = 0; i < PHONE_SESSIONS; i++) /* of calls that have not come to media */
		audio_drop(&phone->sessions[i]);
	phone_unwatch_wallet(phone);
	net_watch_free(phone->output_watch);
	net_watch_free(phone->media_watch);
	media_free(phone->media);
	transport_free(phone->transport);
	endpoint_free(phone->endpoint);
	wallet_close(&phone->wallet);
	ua_free(phone->ua);
	resolver_close(phone);
	net_free(phone->net);
	anchors_free(phone->anchors);
	tls_context_free(phone->tls);
	random_free(phone->random);
	crypto_free(phone->crypto);
}
