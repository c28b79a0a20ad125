/* The requests of the control socket about what is asked of accounts; man/sealine-control.7 is their reference. */
#include "endpoint/policy.h"
#include "sealined/requests.h"

json_t *daemon_describe_policy(const struct aor *aor)
{
	char text[POLICY_TEXT_MAX];
	struct writer out = writer_of(text, sizeof text);

	put_account_policy(&out, &aor->account.policy);
	return json_pack("{s:b, s:s%}", "ok", 1, "policy", out.buf, out.len);
}

static void show(struct daemon *daemon, struct control_call *call, struct slice name)
{
	AUTO(aor) struct aor *aor = location_find(daemon->location, name);

	if (aor)
		control_reply(call, daemon_describe_policy(aor));
	else
		control_refuse(call, "not-found", "there is no such account");
}

static void change(struct daemon *daemon, struct control_call *call, struct slice name, struct slice lines)
{
	struct account_policy policy = { .least = DIGEST_MD5 };
	char text[300] = "";
	struct writer why = writer_of(text, sizeof text - 1);
	struct job *job;

	if (!account_policy_say(&policy, lines, &why)) {
		control_refuse(call, "syntax", text);
		return;
	}
	job = job_new_policy(name, lines);
	if (job)
		daemon_post_job(daemon, call, job);
	else
		control_reply(call, NULL);
}

void daemon_user_policy(struct daemon *daemon, struct control_call *call, struct now now)
{
	const json_t *lines = json_object_get(call->request, "policy");
	char buf[STORE_NAME_MAX];
	struct slice name;

	(void)now;
	if (!daemon_read_name(call, buf, &name))
		return;
	if (!lines)
		show(daemon, call, name);
	else if (json_is_string(lines))
		change(daemon, call, name, slice_from(json_string_value(lines), json_string_length(lines)));
	else
		control_refuse(call, "syntax", "\"policy\" is no text");
}
