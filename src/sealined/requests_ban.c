/* The requests of the control socket about bans; man/sealine-control.7 is their reference. */
#include "base/mem.h"
#include "sealined/requests.h"

enum { TIME_MAX_S = 366 * 86400 };

static json_t *describe_ban(const struct ban *ban)
{
	char text[64];
	struct writer out = writer_of(text, sizeof text);

	put_ip(&out, &ban->address);
	return json_pack("{s:s%, s:s, s:I}", "address", out.buf, out.len, "why", ban->why, "left",
			 (json_int_t)(ban->left + 999) / 1000);
}

/* All of them, which is less than half of what a line may have. */
void daemon_ban_list(struct daemon *daemon, struct control_call *call, struct now now)
{
	struct ban *bans = mem_zalloc(BANS_SOURCES_MAX, sizeof *bans);
	json_t *list = json_array();
	size_t n = bans ? bans_list(daemon->bans, bans, BANS_SOURCES_MAX, now.mono) : 0;

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, describe_ban(&bans[i]));
	json_t *reply = json_pack("{s:b, s:o, s:b}", "ok", 1, "bans", list, "more", 0);
	if (!bans)
		json_decref(TAKE(reply));
	mem_free(bans);
	control_reply(call, reply);
}

static bool read_address(struct control_call *call, struct address *ret_address)
{
	const char *text = json_string_value(json_object_get(call->request, "address"));

	if (text && address_parse_ip(slice_of(text), ret_address))
		return true;
	control_refuse(call, "syntax", "\"address\" is no IP address");
	return false;
}

void daemon_ban_add(struct daemon *daemon, struct control_call *call, struct now now)
{
	json_int_t seconds = json_integer_value(json_object_get(call->request, "seconds"));
	struct address address;
	char text[64], why[100];
	struct writer out = writer_of(text, sizeof text);

	if (!read_address(call, &address))
		return;
	if (seconds < 1 || seconds > TIME_MAX_S) {
		control_refuse(call, "syntax", "\"seconds\" is no number from 1 to 31622400, a year");
		return;
	}
	switch (bans_add(daemon->bans, &address, (ms_t)seconds * 1000, now.mono)) {
	case OK: break;
	case ERR_DENIED:
		control_refuse(
			call, "denied",
			"the address is one of those that are never banned (never-ban in the configuration)");
		return;
	case ERR_LIMIT:
		snprintf(why, sizeof why, "%d addresses are banned already by administrators; lift a ban",
			 BANS_NAMED_MAX);
		control_refuse(call, "limit", why);
		return;
	default: control_reply(call, NULL); return;
	}
	put_ip(&out, &address);
	log_event(REPORT_INFO, "source.banned", " peer=%.*s seconds=%lld why=\"the administrator\"",
		  SLICE_FMT(writer_text(&out)), (long long)seconds);
	control_reply(call, json_pack("{s:b}", "ok", 1));
}

void daemon_ban_lift(struct daemon *daemon, struct control_call *call, struct now now)
{
	struct address address;
	char text[64];
	struct writer out = writer_of(text, sizeof text);

	if (!read_address(call, &address))
		return;
	if (!bans_lift(daemon->bans, &address, now.mono)) {
		control_refuse(call, "not-found", "that address is not banned");
		return;
	}
	put_ip(&out, &address);
	log_event(REPORT_INFO, "source.pardoned", " peer=%.*s", SLICE_FMT(writer_text(&out)));
	control_reply(call, json_pack("{s:b}", "ok", 1));
}
