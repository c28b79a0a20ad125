/* The requests of the control socket; man/sealine-control.7 is their reference. */
#include <inttypes.h>
#include <unistd.h>

#include "base/mem.h"
#include "sealined/announce.h"
#include "sealined/daemon.h"
#include "sip/uri.h"
#include "store/state.h"

/* A request that waits for jobs. */
struct errand {
	struct control_call *call;
	bool batch;
	size_t left; /* jobs that are not back yet */
	json_int_t added;
	json_t *refused; /* of a batch */
};

struct complaint {
	const char *error;
	char message[700];
};

static bool refuse(struct complaint *complaint, const char *error, const char *message)
{
	complaint->error = error;
	snprintf(complaint->message, sizeof complaint->message, "%s", message);
	return false;
}

/* -- what is said of a user ------------------------------------------------------------------------------ */

struct user {
	char name[STORE_NAME_MAX];
	size_t n_name;
	struct account digests;
};

bool daemon_aor_of(const json_t *object, char buf[STORE_NAME_MAX], struct slice *ret_name)
{
	struct slice text = slice_of(json_string_value(json_object_get(object, "aor")));
	char uri_buf[STORE_NAME_MAX + 10];
	struct writer uri_text = writer_of(uri_buf, sizeof uri_buf), out = writer_of(buf, STORE_NAME_MAX);
	struct sip_uri uri;

	put(&uri_text, SLICE("sip:"));
	put(&uri_text, text);
	if (uri_text.overflow || !sip_uri_parse(writer_text(&uri_text), &uri) || !uri.user.len)
		return false;
	put_aor(&out, &uri);
	*ret_name = writer_text(&out);
	return !out.overflow;
}

static bool read_name(const json_t *object, struct user *user, struct complaint *complaint)
{
	struct slice name;

	if (!daemon_aor_of(object, user->name, &name))
		return refuse(complaint, "syntax", "\"aor\" is no user@domain");
	user->n_name = name.len;
	return true;
}

static bool read_digest(const json_t *object, const char *key, void *buf, size_t size, bool *ret_has)
{
	const json_t *member = json_object_get(object, key);
	size_t n = 0;

	*ret_has = member;
	return !member || (json_is_string(member) &&
			   hex_decode(slice_of(json_string_value(member)), buf, size, &n) && n == size);
}

static bool read_digests(const json_t *object, struct user *user, struct complaint *complaint)
{
	struct account *digests = &user->digests;

	if (!read_digest(object, "sha256", digests->sha256, sizeof digests->sha256, &digests->has_sha256) ||
	    !digests->has_sha256)
		return refuse(complaint, "syntax", "\"sha256\" is no SHA-256 digest in hexadecimal");
	if (!read_digest(object, "sha512_256", digests->sha512_256, sizeof digests->sha512_256,
			 &digests->has_sha512_256))
		return refuse(complaint, "syntax", "\"sha512_256\" is no SHA-512/256 digest in hexadecimal");
	if (!read_digest(object, "md5", digests->md5, sizeof digests->md5, &digests->has_md5))
		return refuse(complaint, "syntax", "\"md5\" is no MD5 digest in hexadecimal");
	return true;
}

static bool check_domain(const struct server_config *server, const struct user *user,
			 struct complaint *complaint)
{
	struct slice name = slice_from(user->name, user->n_name);
	struct slice domain = slice_sub(name, slice_find(name, '@') + 1, name.len);

	complaint->error = "denied";
	for (size_t i = 0; i < server->n_domains; i++) {
		if (!slice_eq(server->domains[i].name, domain))
			continue;
		if (!user->digests.has_md5 || server->domains[i].md5 != AUTH_MD5_REFUSED)
			return true;
		snprintf(complaint->message, sizeof complaint->message,
			 "the domain %.*s does not allow MD5 (\"md5: allow\" in the configuration)",
			 SLICE_FMT(domain));
		return false;
	}
	snprintf(complaint->message, sizeof complaint->message, "%.*s is no domain of this server",
		 SLICE_FMT(domain));
	return false;
}

/* A job of this kind for what the object says; NULL: complaint says why. */
static struct job *read_job(struct daemon *daemon, enum job_kind kind, const json_t *object,
			    struct complaint *complaint)
{
	AUTO(setup) struct setup *setup = crew_setup(&daemon->crew);
	struct user user = { .n_name = 0 };
	bool needs_digests = kind != JOB_REMOVE;

	if (!read_name(object, &user, complaint) ||
	    (needs_digests && !read_digests(object, &user, complaint)))
		return NULL;
	if (needs_digests && !check_domain(&setup->server, &user, complaint))
		return NULL;
	struct job *job = job_new_account(kind, slice_from(user.name, user.n_name),
					  needs_digests ? &user.digests : NULL);
	mem_wipe(&user, sizeof user);
	if (!job)
		refuse(complaint, "failed", err_text(ERR_NOMEM));
	return job;
}

/* -- jobs ------------------------------------------------------------------------------------------------ */

static bool explain(const struct job *job, struct complaint *complaint)
{
	struct log_text name;
	const char *shown = log_text(&name, job->wanted->name);
	const char *format = "%s: it could not be stored; the server's log says why";

	complaint->error = "failed";
	if (job->err == OK)
		return true;
	if (job->err == ERR_EXISTS) {
		complaint->error = "exists";
		format = "there is an account %s already";
	} else if (job->err == ERR_LIMIT && job->kind == JOB_POLICY) {
		complaint->error = "limit";
		format = "%s: all of its policy together is more than 2000 characters";
	} else if (job->err == ERR_NOT_FOUND) {
		complaint->error = "not-found";
		format = job->kind == JOB_CERTIFY ? "there is no such certificate of %s"
						  : "there is no account %s";
	}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(complaint->message, sizeof complaint->message, format, shown);
#pragma GCC diagnostic pop
	return false;
}

/* Who holds the old password, or no account any more, is cut off on every worker. */
static void drop_flows(struct daemon *daemon, account_id account)
{
	for (unsigned i = 0; i < daemon->workers.n; i++) {
		struct letter *letter = letter_new(&(struct letter){
			.kind = LETTER_DROP_ACCOUNT, .from = i, .to = i, .account = account });

		if (!letter) {
			log_event(REPORT_ERROR, "account.not-dropped", " account=%" PRId64 " why=\"%s\"",
				  account, err_text(ERR_NOMEM));
			return;
		}
		*letter = (struct letter){
			.kind = LETTER_DROP_ACCOUNT, .from = i, .to = i, .account = account
		};
		worker_post(daemon->workers.all[i], letter);
	}
}

static void note_refusal(struct errand *errand, json_int_t index, const char *aor,
			 const struct complaint *complaint)
{
	json_array_append_new(errand->refused,
			      json_pack("{s:I, s:s?, s:s, s:s}", "index", index, "aor", aor, "error",
					complaint->error, "message", complaint->message));
}

static void finish(struct errand *errand)
{
	if (errand->batch)
		control_reply(errand->call, json_pack("{s:b, s:I, s:o}", "ok", 1, "added", errand->added,
						      "refused", errand->refused));
	mem_free(errand);
}

static void finish_one(struct errand *errand, const struct job *job, bool ok,
		       const struct complaint *complaint)
{
	if (ok && job->kind == JOB_POLICY)
		control_reply(errand->call, daemon_describe_policy(job->aor));
	else if (ok)
		control_reply(errand->call, json_pack("{s:b}", "ok", 1));
	else
		control_refuse(errand->call, complaint->error, complaint->message);
}

void daemon_job_done(struct daemon *daemon, struct job *job)
{
	static const char *const events[] = {
		[JOB_ADD] = "account.added",      [JOB_REMOVE] = "account.removed",
		[JOB_PASSWD] = "account.changed", [JOB_CERTIFY] = "certificate.revoked",
		[JOB_POLICY] = "account.policy",
	};
	struct errand *errand = job->owner;
	struct complaint complaint;
	struct log_text name;
	bool ok = explain(job, &complaint);

	log_text(&name, job->wanted->name);
	if (ok && (job->kind == JOB_PASSWD || job->kind == JOB_REMOVE))
		drop_flows(daemon, job->account);
	if (ok)
		log_event(REPORT_INFO, events[job->kind], " aor=\"%s\"", name.text);
	if (!errand->batch)
		finish_one(errand, job, ok, &complaint);
	else if (ok)
		errand->added++;
	else
		note_refusal(errand, (json_int_t)job->question, name.text, &complaint);
	job_free(job);
	if (--errand->left == 0)
		finish(errand);
}

static void post(struct daemon *daemon, struct errand *errand, struct job *job, uint64_t index)
{
	job->worker = MAIN_THREAD;
	job->owner = errand;
	job->question = index;
	errand->left++;
	desk_post(daemon->desk, job);
}

void daemon_post_job(struct daemon *daemon, struct control_call *call, struct job *job)
{
	struct errand *errand = mem_new(struct errand);

	if (!errand) {
		job_free(job);
		control_reply(call, NULL);
		return;
	}
	errand->call = call;
	post(daemon, errand, job, 0);
}

static void answer_one(struct daemon *daemon, struct control_call *call, enum job_kind kind)
{
	struct complaint complaint;
	struct job *job = read_job(daemon, kind, call->request, &complaint);

	if (!job) {
		control_refuse(call, complaint.error, complaint.message);
		return;
	}
	daemon_post_job(daemon, call, job);
}

static void user_add(struct daemon *daemon, struct control_call *call, struct now now)
{
	(void)now;
	answer_one(daemon, call, JOB_ADD);
}

static void user_passwd(struct daemon *daemon, struct control_call *call, struct now now)
{
	(void)now;
	answer_one(daemon, call, JOB_PASSWD);
}

static void user_remove(struct daemon *daemon, struct control_call *call, struct now now)
{
	(void)now;
	answer_one(daemon, call, JOB_REMOVE);
}

static void user_import(struct daemon *daemon, struct control_call *call, struct now now)
{
	const json_t *users = json_object_get(call->request, "users");
	struct complaint complaint;

	(void)now;
	if (!json_is_array(users) || json_array_size(users) > CONTROL_BATCH_MAX) {
		control_refuse(call, "syntax", "\"users\" is no list of at most 5000 objects");
		return;
	}
	struct errand *errand = mem_new(struct errand);
	if (!errand) {
		control_reply(call, NULL);
		return;
	}
	*errand = (struct errand){ .call = call, .batch = true, .left = 1, .refused = json_array() };
	for (size_t i = 0; i < json_array_size(users); i++) {
		const json_t *user = json_array_get(users, i);
		struct job *job = read_job(daemon, JOB_ADD, user, &complaint);

		if (job)
			post(daemon, errand, job, i);
		else
			note_refusal(errand, (json_int_t)i, json_string_value(json_object_get(user, "aor")),
				     &complaint);
	}
	if (--errand->left == 0)
		finish(errand);
}

/* -- lists and figures ----------------------------------------------------------------------------------- */

/* Text from a peer, which need not be UTF-8. */
static json_t *json_text(struct slice text)
{
	struct log_text room;

	return json_string(log_text(&room, text));
}

static json_t *describe_bindings(const struct aor *aor, utc_t now)
{
	json_t *bindings = json_array();

	for (size_t i = 0; i < aor->n_bindings; i++) {
		const struct binding *binding = &aor->bindings[i];

		if (binding->expires <= now)
			continue;
		json_array_append_new(bindings,
				      json_pack("{s:o, s:I, s:b, s:o, s:o}", "contact",
						json_text(binding->contact), "expires",
						(json_int_t)(binding->expires - now), "secure",
						binding->secure, "received", json_text(binding->received),
						"user_agent", json_text(binding->user_agent)));
	}
	return bindings;
}

size_t daemon_list_size(const json_t *list, size_t from)
{
	size_t size = 0;

	for (size_t i = from; i < json_array_size(list); i++)
		size += json_dumpb(json_array_get(list, i), NULL, 0, JSON_COMPACT) + 1;
	return size;
}

static json_t *describe_user(const struct aor *aor, utc_t now)
{
	return json_pack("{s:o, s:b, s:o}", "aor", json_text(aor->name), "md5", aor->account.has_md5,
			 "bindings", describe_bindings(aor, now));
}

static void user_list(struct daemon *daemon, struct control_call *call, struct now now)
{
	struct slice after = slice_of(json_string_value(json_object_get(call->request, "after")));
	struct aor **aors = mem_zalloc(CONTROL_BATCH_MAX, sizeof(struct aor *));
	json_t *users = json_array();
	size_t n = 0, size = 0;
	enum err err = aors ? location_list(daemon->location, after, CONTROL_BATCH_MAX, aors, &n) : ERR_NOMEM;
	bool more = n == CONTROL_BATCH_MAX;

	for (size_t i = 0; i < n; i++) {
		if (size < DAEMON_LIST_MAX) {
			json_array_append_new(users, describe_user(aors[i], now.wall));
			size += daemon_list_size(users, i);
		} else {
			more = true;
		}
		aor_unref(aors[i]);
	}
	mem_free(aors);
	json_t *reply = json_pack("{s:b, s:o, s:b}", "ok", 1, "users", users, "more", more);
	if (err != OK)
		json_decref(TAKE(reply));
	control_reply(call, reply);
}

static json_t *describe_flows(const struct transport_counts *flows)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "clear", (json_int_t)flows->clear, "declared",
			 (json_int_t)flows->declared, "tls", (json_int_t)flows->tls, "account",
			 (json_int_t)flows->account, "domain", (json_int_t)flows->domain, "handshaking",
			 (json_int_t)flows->handshaking);
}

static void add_flows(struct transport_counts *sum, const struct transport_counts *more)
{
	sum->clear += more->clear;
	sum->declared += more->declared;
	sum->tls += more->tls;
	sum->account += more->account;
	sum->domain += more->domain;
	sum->handshaking += more->handshaking;
}

static json_t *describe_reasons(const struct endpoint_counts *endpoint)
{
	json_t *reasons = json_object();

	for (int i = 0; i < ENDPOINT_REASONS; i++)
		json_object_set_new(reasons, endpoint_reason_name((enum endpoint_reason)i),
				    json_integer((json_int_t)endpoint->reasons[i]));
	return reasons;
}

static json_t *describe_worker(unsigned number, const struct worker_status *status)
{
	const struct transport_counts *flows = &status->flows;
	const struct endpoint_counts *endpoint = &status->endpoint;
	json_t *worker = json_pack("{s:i, s:o}", "number", (int)number, "flows", describe_flows(flows));
	const struct {
		const char *key;
		uint64_t value;
	} figures[] = {
		{ "accepted", flows->accepted },
		{ "refused_handshakes", flows->refused_handshakes },
		{ "refused_connections", flows->refused_connections },
		{ "refused_banned", flows->refused_banned },
		{ "closed_unproven", flows->closed_unproven },
		{ "closed_banned", flows->closed_banned },
		{ "blamed", flows->blamed },
		{ "closed_blocked", flows->closed_blocked },
		{ "closed_idle", flows->closed_idle },
		{ "bytes_in", flows->bytes_in },
		{ "bytes_out", flows->bytes_out },
		{ "messages_in", endpoint->messages_in },
		{ "messages_out", endpoint->messages_out },
		{ "malformed", endpoint->malformed },
		{ "refused_sends", endpoint->refused_sends },
		{ "transactions", endpoint->servers + endpoint->clients },
	};

	for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
		json_object_set_new(worker, figures[i].key, json_integer((json_int_t)figures[i].value));
	json_object_set_new(worker, "refused", describe_reasons(endpoint));
	return worker;
}

static json_t *describe_certificate(const struct certificate *certificate, struct slice file,
				    bool development, utc_t now)
{
	unsigned char hash[CERTIFICATE_FINGERPRINT_SIZE];
	char subject[500], names[2000], hex[2 * sizeof hash];
	struct writer subject_out = writer_of(subject, sizeof subject),
		      names_out = writer_of(names, sizeof names);
	struct writer hex_out = writer_of(hex, sizeof hex);

	put_certificate_subject(&subject_out, certificate);
	put_certificate_names(&names_out, certificate);
	if (certificate_fingerprint(certificate, hash))
		put_hex(&hex_out, hash, sizeof hash);
	return json_pack("{s:o, s:s%, s:s%, s:I, s:I, s:s%, s:b}", "file", json_text(file), "subject",
			 subject_out.buf, subject_out.len, "names", names_out.buf, names_out.len, "not_after",
			 (json_int_t)certificate_not_after(certificate), "days_left",
			 (json_int_t)certificate_days_left(certificate, now), "sha256", hex_out.buf,
			 hex_out.len, "development", development);
}

/* One of ours with its chain. */
static void describe_chain(const struct setup *setup, const struct chain *chain, struct slice file,
			   json_t *list, utc_t now)
{
	bool development = setup->identity.development;
	char path[STATE_PATH_MAX];
	struct writer out = writer_of(path, sizeof path);

	put_state_path(&out, setup->config->state, SLICE(STATE_CA_CERTIFICATE));
	for (size_t i = 0; i < chain_length(chain); i++)
		json_array_append_new(list,
				      describe_certificate(chain_at(chain, i),
							   development && i > 0 ? writer_text(&out) : file,
							   development, now));
}

static json_t *describe_certificates(struct daemon *daemon, const struct setup *setup, utc_t now)
{
	json_t *list = json_array();

	for (size_t i = 0; i < setup->identity.n; i++) {
		AUTO(chain) struct chain *chain = NULL;

		if (identity_chain(daemon->crypto, &setup->identity, i, &chain) == OK)
			describe_chain(setup, chain, setup->identity.pairs[i].file, list, now);
	}
	return list;
}

static json_t *describe_domains(const struct setup *setup)
{
	static const char *const md5[] = {
		[AUTH_MD5_REFUSED] = "refuse",
		[AUTH_MD5_ALLOWED] = "allow",
		[AUTH_MD5_ONLY] = "only",
	};
	json_t *domains = json_array();

	for (size_t i = 0; i < setup->config->n_domains; i++) {
		const struct server_domain *domain = &setup->config->domains[i];

		json_array_append_new(domains, json_pack("{s:o, s:s}", "name", json_text(domain->name), "md5",
							 md5[domain->md5]));
	}
	return domains;
}

static json_t *describe_peers(const struct config *config)
{
	json_t *peers = json_array();

	for (size_t i = 0; i < config->n_peers; i++) {
		const struct server_peer *peer = &config->peers[i];
		json_t *domains = json_array();

		for (size_t n = 0; n < peer->n_domains; n++)
			json_array_append_new(domains, json_text(peer->domains[n]));
		json_t *described = json_pack(
			"{s:o, s:o, s:b, s:b, s:b, s:b}", "name", json_text(peer->name), "domains", domains,
			"clear", !transport_is_secure(peer->transport), "relays", peer->relays, "wildcard",
			config->scopes[i].takes_wildcards, "pinned", peer->pin.len > 0);
		if (described && config->scopes[i].trust.len > 0)
			json_object_set_new(described, "trust", json_text(config->scopes[i].trust));
		if (described && peer->link.len > 0)
			json_object_set_new(described, "link", json_text(peer->link));
		json_array_append_new(peers, described);
	}
	return peers;
}

/* What is declared, which is all that is known of it. */
static json_t *describe_links(const struct config *config)
{
	json_t *links = json_array();

	for (size_t i = 0; i < config->links.n; i++) {
		const struct transport_link *link = &config->links.all[i];
		json_t *addresses = json_array();

		for (size_t n = 0; n < link->n_addresses; n++) {
			char text[100];
			struct writer out = writer_of(text, sizeof text);

			put_ip(&out, &link->addresses[n]);
			json_array_append_new(addresses, json_text(writer_text(&out)));
		}
		json_t *described = json_pack("{s:o, s:o, s:o, s:b}", "name", json_text(link->name),
					      "addresses", addresses, "mechanism",
					      json_text(config->link_facts[i].mechanism), "sips",
					      config->link_facts[i].has_sips);
		if (described && link->interface.len > 0)
			json_object_set_new(described, "interface", json_text(link->interface));
		json_array_append_new(links, described);
	}
	return links;
}

static json_t *describe_listeners(const struct daemon *daemon)
{
	json_t *listeners = json_array();

	for (size_t i = 0; i < daemon->n_listening; i++) {
		char text[100];
		struct writer out = writer_of(text, sizeof text);

		put_listener(&out, &daemon->listening[i]);
		json_array_append_new(listeners, json_text(writer_text(&out)));
	}
	return listeners;
}

static void status(struct daemon *daemon, struct control_call *call, struct now now)
{
	AUTO(setup) struct setup *setup = crew_setup(&daemon->crew);
	struct location_counts counts = location_counts(daemon->location, now.wall);
	struct transport_counts sum = { .clear = 0 };
	json_t *workers = json_array();

	for (unsigned i = 0; i < daemon->workers.n; i++) {
		struct worker_status worker = worker_status(daemon->workers.all[i]);

		add_flows(&sum, &worker.flows);
		json_array_append_new(workers, describe_worker(i, &worker));
	}
	control_reply(call,
		      json_pack("{s:b, s:s, s:i, s:I, s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:o}",
				"ok", 1, "version", SEALINE_VERSION, "pid", (int)getpid(), "started",
				(json_int_t)daemon->started, "uptime",
				(json_int_t)((now.mono - daemon->started_mono) / 1000), "domains",
				describe_domains(setup), "listeners", describe_listeners(daemon), "peers",
				describe_peers(setup->config), "links", describe_links(setup->config),
				"accounts", (json_int_t)counts.aors, "bindings", (json_int_t)counts.bindings,
				"workers", workers, "flows", describe_flows(&sum), "certificates",
				describe_certificates(daemon, setup, now.wall)));
}

static void version(struct daemon *daemon, struct control_call *call, struct now now)
{
	(void)daemon;
	(void)now;
	control_reply(call, json_pack("{s:b, s:s}", "ok", 1, "version", SEALINE_VERSION));
}

static void reload(struct daemon *daemon, struct control_call *call, struct now now)
{
	char text[1000];
	struct writer why = writer_of(text, sizeof text - 1);

	(void)now;
	if (daemon_reload(daemon, &why)) {
		control_reply(call, json_pack("{s:b}", "ok", 1));
	} else {
		text[why.len] = '\0';
		control_refuse(call, "failed", text);
	}
}

/* clang-format off */
static const struct {
	struct slice name;
	void (*answer)(struct daemon *daemon, struct control_call *call, struct now now);
} requests[] = {
	{ SLICE_INIT("version"),     version },
	{ SLICE_INIT("status"),      status },
	{ SLICE_INIT("reload"),      reload },
	{ SLICE_INIT("user-add"),    user_add },
	{ SLICE_INIT("user-passwd"), user_passwd },
	{ SLICE_INIT("user-remove"), user_remove },
	{ SLICE_INIT("user-policy"), daemon_user_policy },
	{ SLICE_INIT("user-list"),   user_list },
	{ SLICE_INIT("user-import"), user_import },
	{ SLICE_INIT("cert-list"),   daemon_cert_list },
	{ SLICE_INIT("cert-revoke"), daemon_cert_revoke },
	{ SLICE_INIT("ban-list"),    daemon_ban_list },
	{ SLICE_INIT("ban-add"),     daemon_ban_add },
	{ SLICE_INIT("ban-lift"),    daemon_ban_lift },
};
/* clang-format on */

void daemon_answer(struct daemon *daemon, struct control_call *call, struct now now)
{
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
		if (slice_eq(requests[i].name, call->name)) {
			requests[i].answer(daemon, call, now);
			return;
		}
	}
	control_refuse(call, "unknown", "there is no such request");
}
