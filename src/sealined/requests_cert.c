/* The requests of the control socket about certificates of users; man/sealine-control.7 is their reference. */
#include "base/ascii.h"
#include "base/mem.h"
#include "sealined/requests.h"

enum { ACCOUNTS_LOOKED_AT = 5000 };

static json_t *describe(const struct aor *aor, const struct device_certificate *one, utc_t now)
{
	char fingerprint[2 * DEVICE_HASH_SIZE], key[2 * DEVICE_HASH_SIZE];
	struct writer fingerprint_out = writer_of(fingerprint, sizeof fingerprint),
		      key_out = writer_of(key, sizeof key);
	struct log_text name;

	put_hex(&fingerprint_out, one->fingerprint, sizeof one->fingerprint);
	put_hex(&key_out, one->key, sizeof one->key);
	return json_pack("{s:s, s:s%, s:s%, s:I, s:I, s:b}", "aor", log_text(&name, aor->name), "sha256",
			 fingerprint_out.buf, fingerprint_out.len, "key", key_out.buf, key_out.len, "left",
			 (json_int_t)(one->expires - now), "not_after", (json_int_t)one->until, "revoked",
			 one->revoked);
}

/* Those that are told, and those that are remembered as revoked. */
static void describe_all(json_t *list, const struct aor *aor, utc_t now)
{
	const struct certificates *certificates = aor->certificates;

	for (size_t i = 0; certificates && i < certificates->n; i++)
		if (certificates->all[i].revoked || certificates->all[i].expires > now)
			json_array_append_new(list, describe(aor, &certificates->all[i], now));
}

static void list_one(struct daemon *daemon, struct control_call *call, utc_t now)
{
	char buf[STORE_NAME_MAX];
	struct slice name;

	if (!daemon_read_name(call, buf, &name))
		return;
	AUTO(aor) struct aor *aor = location_find(daemon->location, name);
	if (!aor) {
		control_refuse(call, "not-found", "there is no such account");
		return;
	}
	json_t *list = json_array();
	describe_all(list, aor, now);
	control_reply(call, json_pack("{s:b, s:o}", "ok", 1, "certificates", list));
}

/* A piece of the accounts, after the one that is named; "after" in the reply names the last one, if there may be more. */
static void list_all(struct daemon *daemon, struct control_call *call, utc_t now)
{
	struct slice after = slice_of(json_string_value(json_object_get(call->request, "after")));
	struct aor **aors = mem_zalloc(ACCOUNTS_LOOKED_AT, sizeof(struct aor *));
	json_t *list = json_array();
	struct log_text last = { .text = "" };
	size_t n = 0, size = 0;
	enum err err = aors ? location_list(daemon->location, after, ACCOUNTS_LOOKED_AT, aors, &n)
			    : ERR_NOMEM;

	for (size_t i = 0; i < n; i++) {
		size_t from = json_array_size(list);

		if (size < DAEMON_LIST_MAX) {
			describe_all(list, aors[i], now);
			size += daemon_list_size(list, from);
			if (size >= DAEMON_LIST_MAX || i + 1 == ACCOUNTS_LOOKED_AT)
				log_text(&last, aors[i]->name);
		}
		aor_unref(aors[i]);
	}
	mem_free(aors);
	json_t *reply = json_pack("{s:b, s:o, s:s}", "ok", 1, "certificates", list, "after", last.text);
	if (err != OK)
		json_decref(TAKE(reply));
	control_reply(call, reply);
}

void daemon_cert_list(struct daemon *daemon, struct control_call *call, struct now now)
{
	if (json_object_get(call->request, "aor"))
		list_one(daemon, call, now.wall);
	else
		list_all(daemon, call, now.wall);
}

void daemon_cert_revoke(struct daemon *daemon, struct control_call *call, struct now now)
{
	const json_t *member = json_object_get(call->request, "sha256");
	struct certify change = { .step = CERTIFY_REVOKE, .now = now.wall };
	unsigned char fingerprint[DEVICE_HASH_SIZE];
	char buf[STORE_NAME_MAX];
	struct slice name;
	size_t n = 0;

	if (!daemon_read_name(call, buf, &name))
		return;
	if (member &&
	    (!hex_decode(slice_of(json_string_value(member)), fingerprint, sizeof fingerprint, &n) ||
	     n != sizeof fingerprint)) {
		control_refuse(call, "syntax", "\"sha256\" is no fingerprint: 64 hexadecimal digits");
		return;
	}
	change.fingerprint = slice_from(fingerprint, n);
	struct job *job = job_new_certify(name, &change);
	if (job)
		daemon_post_job(daemon, call, job);
	else
		control_reply(call, NULL);
}
