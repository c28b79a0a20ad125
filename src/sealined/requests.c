/* The requests of the control socket; man/sealine-control.7 is their reference. */
#include "sealined/requests.h"

json_t *daemon_json_text(struct slice text)
{
	bool has_nul = slice_find(text, '\0') < text.len; /* which a reader of JSON may refuse */
	json_t *string = has_nul ? NULL : json_stringn(text.ptr ? text.ptr : "", text.len);
	struct log_text room;

	return string ? string : json_string(log_text(&room, text));
}

size_t daemon_list_size(const json_t *list, size_t from)
{
	size_t size = 0;

	for (size_t i = from; i < json_array_size(list); i++)
		size += json_dumpb(json_array_get(list, i), NULL, 0, JSON_COMPACT) + 1;
	return size;
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
	{ SLICE_INIT("status"),      daemon_status },
	{ SLICE_INIT("reload"),      reload },
	{ SLICE_INIT("user-add"),    daemon_user_add },
	{ SLICE_INIT("user-passwd"), daemon_user_passwd },
	{ SLICE_INIT("user-remove"), daemon_user_remove },
	{ SLICE_INIT("user-policy"), daemon_user_policy },
	{ SLICE_INIT("user-list"),   daemon_user_list },
	{ SLICE_INIT("user-import"), daemon_user_import },
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
