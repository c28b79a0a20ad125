/* The requests of the control socket about users; man/sealine-control.7 is their reference. */
#include <inttypes.h>

#include "base/mem.h"
#include "sealined/requests.h"
#include "sip/uri.h"

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

bool daemon_read_name(struct control_call *call, char buf[STORE_NAME_MAX], struct slice *ret_name)
{
	if (daemon_aor_of(call->request, buf, ret_name))
		return true;
	control_refuse(call, "syntax", "\"aor\" is no user@domain");
	return false;
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

void daemon_user_add(struct daemon *daemon, struct control_call *call, struct now now)
{
	(void)now;
	answer_one(daemon, call, JOB_ADD);
}

void daemon_user_passwd(struct daemon *daemon, struct control_call *call, struct now now)
{
	(void)now;
	answer_one(daemon, call, JOB_PASSWD);
}

void daemon_user_remove(struct daemon *daemon, struct control_call *call, struct now now)
{
	(void)now;
	answer_one(daemon, call, JOB_REMOVE);
}

void daemon_user_import(struct daemon *daemon, struct control_call *call, struct now now)
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

/* -- the list --------------------------------------------------------------------------------------- */

static json_t *describe_bindings(const struct aor *aor, utc_t now)
{
	json_t *bindings = json_array();

	for (size_t i = 0; i < aor->n_bindings; i++) {
		const struct binding *binding = &aor->bindings[i];

		if (binding->expires <= now)
			continue;
		json_array_append_new(bindings, json_pack("{s:o, s:I, s:b, s:o, s:o}", "contact",
							  daemon_json_text(binding->contact), "expires",
							  (json_int_t)(binding->expires - now), "secure",
							  binding->secure, "received",
							  daemon_json_text(binding->received), "user_agent",
							  daemon_json_text(binding->user_agent)));
	}
	return bindings;
}

static json_t *describe_user(const struct aor *aor, utc_t now)
{
	return json_pack("{s:o, s:b, s:o}", "aor", daemon_json_text(aor->name), "md5", aor->account.has_md5,
			 "bindings", describe_bindings(aor, now));
}

void daemon_user_list(struct daemon *daemon, struct control_call *call, struct now now)
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
