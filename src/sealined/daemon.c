#include "sealined/daemon.h"

#include <signal.h>
#include <systemd/sd-daemon.h>

#include "base/mem.h"
#include "crypto/random.h"
#include "net/socket.h"
#include "sealined/announce.h"
#include "sealined/config_numbers.h"
#include "sealined/confine.h"
#include "sealined/loading.h"
#include "sealined/requests.h"
#include "store/state.h"

enum {
	AORS_MAX = 10 * 1000 * 1000,
	WATCHES_MAX = 64,
	DRAIN_MS = 10 * 1000, /* how long calls in the making may take when the server ends */
	DRAIN_LOOK_MS = 20,
};

/* -- failing to start ------------------------------------------------------------------------------------ */

static int failed(int code, const char *what, struct slice why)
{
	struct log_text text;

	log_event(REPORT_ERROR, "start.failed", " what=\"%s\" why=\"%s\"", what, log_text(&text, why));
	return code;
}

static int failed_by(const char *what, enum err err)
{
	return failed(EXIT_FAILED, what, slice_of(err_text(err)));
}

/* -- the state directory --------------------------------------------------------------------------------- */

static int failed_in(struct slice dir, const char *what, struct slice why)
{
	struct log_text path, text;

	log_event(REPORT_ERROR, "start.failed", " what=\"%s\" path=\"%s\" why=\"%s\"", what,
		  log_text(&path, dir), log_text(&text, why));
	return EXIT_FAILED;
}

static int refuse_store(struct slice dir, enum err err, const struct writer *why)
{
	struct slice text =
		err == ERR_AGAIN ? SLICE("another process uses the state directory: a server runs already")
		: err == ERR_CONFLICT
			? SLICE("the database was written by a newer version of Sealine, or is none of ours")
		: err == ERR_DENIED ? SLICE("there is no permission")
		: err == ERR_SYNTAX ? SLICE(STATE_MASTER_SECRET " is damaged")
		: why->len > 0      ? writer_text(why)
				    : slice_of(err_text(err));

	return failed_in(dir, "the store", text);
}

static int open_store(struct slice dir, struct store **ret_store)
{
	char text[500];
	struct writer why = writer_of(text, sizeof text);
	enum err err = state_make(dir);

	if (err != OK)
		return failed_in(dir, "the state directory",
				 err == ERR_DENIED
					 ? SLICE("it must belong to us and be closed to others (mode 0700)")
					 : slice_of(err_text(err)));
	err = store_open(dir, &why, ret_store);
	return err == OK ? 0 : refuse_store(dir, err, &why);
}

static int refuse_rows(enum err err, const struct store *store)
{
	return failed(EXIT_FAILED, "the store",
		      slice_of(err == ERR_IO       ? store_trouble(store)
			       : err == ERR_DENIED ? "its digests were sealed with another master.key"
						   : err_text(err)));
}

/* The tables that the workers share, empty still, and the number of this start. */
static int make_tables(struct daemon *daemon, struct store *store, struct random *random)
{
	daemon->location = location_new(AORS_MAX, random_map_key(random));
	daemon->bans = bans_new(random_map_key(random), &bans_policy_default);
	if (!daemon->location || !daemon->bans)
		return failed_by("the tables of addresses", ERR_NOMEM);
	enum err err = store_count_start(store, &daemon->crew.start);
	return err == OK ? 0 : refuse_rows(err, store);
}

/*
 * Everything that is stored, into memory. The workers serve meanwhile: whoever was read already is served, the others are told to
 * come again in a few seconds, and what is to be stored waits.
 */
static int load_store(struct daemon *daemon, struct store **store)
{
	utc_t latest = net_now(daemon->net).wall + daemon->crew.setup->server.registrar.expires_max;
	enum err err = loading_read(*store, latest, daemon->location, &daemon->n_read);

	if (err != OK)
		return refuse_rows(err, *store);
	err = desk_start(daemon->desk, *store);
	if (err != OK)
		return failed_by("the store's thread", err);
	*store = NULL;
	return 0;
}

/* -- who we are ------------------------------------------------------------------------------------------ */

struct identity_source daemon_source(struct daemon *daemon, const struct config *config, utc_t now)
{
	return (struct identity_source){ daemon->crypto, &daemon->signer, config, now, &daemon->awaited };
}

static int make_identity(struct daemon *daemon, const struct config *config, struct identity *ret_identity)
{
	char text[1000];
	struct writer why = writer_of(text, sizeof text);
	struct identity_source source = daemon_source(daemon, config, net_now(daemon->net).wall);
	bool made = false;

	if (config_is_development(config) && !development_make(&source, &made, &why))
		return failed(EXIT_FAILED, "the development CA", writer_text(&why));
	if (!identity_load(&source, ret_identity, &why))
		return failed(EXIT_USAGE, "the certificate", writer_text(&why));
	if (!users_make(&source, ret_identity, &why)) {
		identity_fini(ret_identity);
		return failed(EXIT_FAILED, "the user CA", writer_text(&why));
	}
	enum err err = identity_settle(ret_identity, &daemon->signer);
	if (err == OK)
		return 0;
	identity_fini(ret_identity);
	return failed_by("the signing process", err);
}

/* -- listeners ------------------------------------------------------------------------------------------- */

static int refuse_listener(const struct address *address, enum err err)
{
	char text[200];
	struct writer why = writer_of(text, sizeof text);

	put_address(&why, address);
	put(&why, err == ERR_EXISTS      ? SLICE(": another program listens there")
		  : err == ERR_DENIED    ? SLICE(": that port needs a privilege (CAP_NET_BIND_SERVICE)")
		  : err == ERR_NOT_FOUND ? SLICE(": this machine has no such address")
					 : SLICE(": it cannot be listened on"));
	return failed(EXIT_FAILED, "listening", writer_text(&why));
}

/* One socket for each worker. */
static enum err listen_on(struct daemon *daemon, struct listening *listening)
{
	int fds[CONFIG_WORKERS_MAX];
	size_t n = daemon->workers.n;
	enum err err = OK;

	TRY(listening->transport == TRANSPORT_UDP ? socket_bind_udp(&listening->address, n, fds)
						  : socket_listen(&listening->address, n, fds));
	listening->address = socket_local_address(fds[0]);
	for (size_t i = 0; i < n; i++) {
		if (err == OK)
			err = worker_add_listener(daemon->workers.all[i], listening->transport, fds[i]);
		if (err != OK)
			socket_close(fds[i]);
	}
	return err;
}

static int listen_everywhere(struct daemon *daemon, const struct config *config)
{
	for (size_t i = 0; i < config->n_listeners; i++) {
		struct listening listening = { config->listeners[i].transport, config->listeners[i].address };
		enum err err = listen_on(daemon, &listening);

		/* A machine without IPv6 is no reason not to serve IPv4. */
		if (err == ERR_NOT_FOUND && listening.address.family == ADDRESS_V6 &&
		    address_is_loopback(&listening.address)) {
			log_event(REPORT_WARNING, "listen.skipped",
				  " address=[::1] why=\"this machine has no IPv6\"");
			continue;
		}
		if (err != OK)
			return refuse_listener(&listening.address, err);
		daemon->listening[daemon->n_listening++] = listening;
	}
	return 0;
}

/* -- the store's thread ---------------------------------------------------------------------------------- */

static void desk_publish(void *self, struct slice name, struct aor *aor)
{
	struct daemon *daemon = self;
	struct log_text text;

	if (!aor)
		location_remove(daemon->location, name);
	else if (location_put(daemon->location, aor) != OK)
		log_event(REPORT_ERROR, "store.not-published",
			  " aor=\"%s\" why=\"no memory; a restart reads it from the disk\"",
			  log_text(&text, name));
}

static enum err desk_reserve(void *self, const struct aor *wanted)
{
	const struct daemon *daemon = self;

	return location_reserve(daemon->location, wanted);
}

static void desk_release(void *self, struct slice name)
{
	const struct daemon *daemon = self;

	location_release(daemon->location, name);
}

static struct aor *desk_find(void *self, struct slice name)
{
	const struct daemon *daemon = self;

	return location_find(daemon->location, name);
}

static void desk_done(void *self, struct job *job)
{
	struct daemon *daemon = self;

	if (job->worker == MAIN_THREAD)
		mailbox_post_job(daemon->mailbox, job);
	else
		worker_post_job(daemon->workers.all[job->worker], job);
}

static void desk_trouble(void *self, const char *text)
{
	struct log_text shown;

	(void)self;
	log_event(REPORT_ERROR, "store.failed", " why=\"%s\"", log_text(&shown, slice_of(text)));
}

/* -- starting -------------------------------------------------------------------------------------------- */

static int make_workers(struct daemon *daemon, const struct config *config)
{
	struct worker_config worker_config = {
		.start = daemon->crew.start,
		.limits = transport_limits_default,
		.bans = daemon->bans,
		.user = &crew_user,
		.user_self = &daemon->crew,
		.location = daemon->location,
		.workers = &daemon->workers,
	};

	limits_of_transport(&config->limits, &worker_config.limits);
	bans_set_policy(daemon->bans, &config->bans);
	worker_config.limits.message = config_sip_limits(config).message;
	daemon->crew.n_workers = config->workers;
	for (unsigned i = 0; i < config->workers; i++) {
		worker_config.number = i;
		daemon->workers.all[i] = worker_new(&worker_config);
		if (!daemon->workers.all[i])
			return failed_by("a worker", ERR_NOMEM);
		daemon->workers.n++;
	}
	return 0;
}

/* Takes both over. */
static int make_crew(struct daemon *daemon, struct slice secret, struct config *config,
		     struct identity *identity)
{
	uint16_t ports[TRANSPORT_WS + 1] = { 0 };

	for (size_t i = daemon->n_listening; i-- > 0;)
		ports[daemon->listening[i].transport] = daemon->listening[i].address.port;
	struct setup *setup = setup_new(config, identity, ports);
	if (!setup)
		return failed_by("the configuration", ERR_NOMEM);
	daemon->has_crew = true;
	daemon->crew.signer = daemon->process;
	if (!crew_init(&daemon->crew, daemon->crypto, secret, setup))
		return failed_by("the keys", ERR_NOMEM);
	daemon_warn(daemon, setup, net_now(daemon->net).wall);
	return 0;
}

static int start_workers(struct daemon *daemon)
{
	struct desk_user user = {
		.self = daemon,
		.reserve = desk_reserve,
		.release = desk_release,
		.find = desk_find,
		.publish = desk_publish,
		.done = desk_done,
		.trouble = desk_trouble,
	};

	daemon->desk = desk_new(&user);
	if (!daemon->desk)
		return failed_by("the store's thread", ERR_NOMEM);
	for (size_t i = 0; i < daemon->workers.n; i++) {
		worker_set_desk(daemon->workers.all[i], daemon->desk);
		enum err err = worker_start(daemon->workers.all[i]);
		if (err != OK)
			return failed_by("a worker's thread", err);
	}
	return 0;
}

/* Before there are threads, since only those that come later take it on. */
static int confine(const struct config *config)
{
	struct confine_files files = { .state = config->state };
	struct confinement confinement;

	if (!slice_eq(config->trust_anchor, SLICE("none")))
		files.anchor = config->trust_anchor;
	bool ok = confine_server(&files, &confinement);
	if (!ok)
		return failed(EXIT_FAILED, "the confinement",
			      SLICE("the kernel has Landlock or seccomp, but refuses to use it"));
	log_event(REPORT_INFO, "confined", " landlock=%d seccomp=%s", confinement.landlock,
		  confinement.syscalls ? "yes" : "no");
	return 0;
}

static int start_control(struct daemon *daemon, struct slice dir)
{
	char path[STATE_PATH_MAX];
	struct writer out = writer_of(path, sizeof path);

	put_state_path(&out, dir, SLICE(STATE_CONTROL_SOCKET));
	enum err err = control_new(daemon->net, writer_text(&out), &daemon->control);
	if (err == ERR_LIMIT)
		return failed(EXIT_FAILED, "the control socket",
			      SLICE("the path of the state directory is too long (107 bytes)"));
	if (err == OK)
		err = net_watch_new(daemon->net, daemon->process->life, NET_READABLE, daemon->process,
				    &daemon->life);
	if (err == OK)
		err = net_signal(daemon->net, SIGTERM);
	if (err == OK)
		err = net_signal(daemon->net, SIGINT);
	if (err == OK)
		err = net_signal(daemon->net, SIGHUP);
	return err == OK ? 0 : failed_by("the control socket", err);
}

/* Takes the configuration over. 0: it runs. */
static int start(struct daemon *daemon, struct config *config, struct random *random)
{
	AUTO(config) struct config *owned = config;
	AUTO(store) struct store *store = NULL;
	AUTO(secret) struct secret *secret = NULL;
	struct identity identity;
	int code = open_store(config->state, &store);

	if (code == 0 && files_new(config, net_now(daemon->net).mono, &daemon->files) != OK)
		code = failed_by("the configuration", ERR_NOMEM);
	if (code == 0)
		code = make_identity(daemon, config, &identity);
	if (code != 0)
		return code;
	enum err err = state_secret(config->state, random, &secret);
	code = err == OK ? make_tables(daemon, store, random) : failed_by(STATE_MASTER_SECRET, err);
	if (code == 0)
		code = make_workers(daemon, config);
	if (code == 0)
		code = listen_everywhere(daemon, config);
	if (code != 0) {
		identity_fini(&identity);
		return code;
	}
	code = make_crew(daemon, secret_slice(secret), TAKE(owned), &identity);
	if (code == 0)
		code = start_control(daemon, daemon->crew.setup->config->state);
	if (code == 0)
		code = confine(daemon->crew.setup->config);
	if (code == 0)
		code = start_workers(daemon);
	if (code == 0)
		announce_listening(daemon);
	return code == 0 ? load_store(daemon, &store) : code;
}

/* -- serving --------------------------------------------------------------------------------------------- */

/* Told to end: first accepts nothing new, and when told again ends at once. */
static void end(struct daemon *daemon, struct now now)
{
	if (daemon->state == DRAINING) {
		daemon->drain_until = now.mono;
		return;
	}
	log_event(REPORT_INFO, "draining", "%s", "");
	sd_notify(0, "STOPPING=1");
	for (size_t i = 0; i < daemon->workers.n; i++)
		worker_drain(daemon->workers.all[i]);
	daemon->state = DRAINING;
	daemon->drain_until = now.mono + DRAIN_MS;
}

/* A call that one worker handles may be carried by the flows of another: they end together. */
static bool has_drained(const struct daemon *daemon, struct now now)
{
	bool idle = true;

	if (daemon->state == SERVING)
		return false;
	for (size_t i = 0; i < daemon->workers.n; i++)
		idle &= worker_is_idle(daemon->workers.all[i]);
	return idle || now.mono >= daemon->drain_until;
}

static void take_signal(struct daemon *daemon, int signal, struct now now)
{
	char text[1000];
	struct writer why = writer_of(text, sizeof text);

	if (signal != SIGHUP)
		end(daemon, now);
	else if (!daemon_reload(daemon, &why))
		return; /* the old configuration serves on, and the log says why; or we are about to end */
}

/* Without it there are no handshakes any more: whoever watches over us is to start us again. */
static void lose_signer(struct daemon *daemon, struct now now)
{
	log_event(REPORT_ERROR, "signer.lost",
		  " why=\"the process that holds our private keys has ended; we end too\"%s", "");
	daemon->is_failed = true;
	daemon->state = DRAINING;
	daemon->drain_until = now.mono;
}

static ms_t next_look(const struct daemon *daemon)
{
	ms_t due = files_due(daemon->files);

	return due < daemon->renewal ? due : daemon->renewal;
}

static void serve(struct daemon *daemon)
{
	struct control_call *call;
	struct net_event event;
	struct job *job;
	struct now now = net_now(daemon->net);

	daemon_renew(daemon, now);
	while (!has_drained(daemon, now)) {
		net_wait(daemon->net,
			 daemon->state == SERVING ? next_look(daemon) : now.mono + DRAIN_LOOK_MS);
		now = net_now(daemon->net);
		while (net_next(daemon->net, &event)) {
			if (event.kind == NET_SIGNAL)
				take_signal(daemon, event.signal, now);
			else if (event.kind == NET_READY && event.owner == daemon->process)
				lose_signer(daemon, now);
			else if (event.kind == NET_READY)
				control_event(daemon->control, &event, now);
		}
		while ((job = mailbox_take_job(daemon->mailbox)))
			daemon_job_done(daemon, job);
		while ((call = control_next(daemon->control)))
			daemon_answer(daemon, call, now);
		daemon_renew(daemon, now);
		daemon_watch(daemon, now);
	}
}

static void stop(struct daemon *daemon)
{
	for (size_t i = 0; i < daemon->workers.n; i++) {
		worker_stop(daemon->workers.all[i]);
		worker_join(daemon->workers.all[i]);
	}
	control_free(daemon->control);
	net_watch_free(daemon->life);
	desk_free(
		daemon->desk); /* its last answers go to workers and a main thread that do not read them any more */
	for (size_t i = 0; i < daemon->workers.n; i++)
		worker_free(daemon->workers.all[i]);
	if (daemon->has_crew)
		crew_fini(&daemon->crew);
	mailbox_free(daemon->mailbox);
	location_free(daemon->location);
	bans_free(daemon->bans);
	files_free(daemon->files);
	net_free(daemon->net);
}

int daemon_run(const struct options *options, struct config *config, struct signer_process *process)
{
	struct daemon daemon = { .options = options, .process = process };
	AUTO(config) struct config *owned = config;
	int code = EXIT_FAILED;

	signer_client_init(&daemon.signer, process->fds[0]);
	daemon.crypto = crypto_new();
	struct random *random = daemon.crypto ? random_new(daemon.crypto) : NULL;
	daemon.net = net_new(WATCHES_MAX);
	daemon.mailbox = daemon.net ? mailbox_new(daemon.net) : NULL;
	if (random && daemon.mailbox) {
		daemon.started = net_now(daemon.net).wall;
		daemon.started_mono = net_now(daemon.net).mono;
		code = start(&daemon, TAKE(owned), random);
	} else {
		code = failed_by("the process", ERR_NOMEM);
	}
	if (code == 0) {
		announce_ready(&daemon);
		serve(&daemon);
		log_event(REPORT_INFO, "ended", "%s", "");
		code = daemon.is_failed ? EXIT_FAILED : 0;
	}
	stop(&daemon);
	random_free(random);
	crypto_free(daemon.crypto);
	return code;
}
