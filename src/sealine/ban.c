#include <stdio.h>

#include "base/address.h"
#include "base/scan.h"
#include "sealine/command.h"
#include "sealine/output.h"
#include "sealine/server.h"

enum { TIME_MAX_S = 366 * 86400, TIME_DEFAULT_S = 3600 };

static json_t *ask(const struct invocation *invocation, json_t *request)
{
	return server_ask_for(invocation, request,
			      &(struct server_hints){ "nobody is banned", "sealine ban list" });
}

static void print_ban(const json_t *ban)
{
	print_escaped(text_member(ban, "address"));
	printf(" for %lld s, because of ", (long long)json_integer_value(json_object_get(ban, "left")));
	print_escaped(text_member(ban, "why"));
	putchar('\n');
}

enum exit_code ban_list_run(const struct invocation *invocation)
{
	json_t *reply = ask(invocation, json_pack("{s:s}", "request", "ban-list"));
	bool ok = reply;

	if (reply && (invocation->flags & FLAG_JSON))
		ok = print_json(json_pack("{s:O}", "bans", json_object_get(reply, "bans")));
	else if (reply)
		print_each(json_object_get(reply, "bans"), print_ban);
	json_decref(reply);
	return ok ? EXIT_OK : EXIT_FOUND;
}

/* "90", "90s", "15m", "12h", "7d" */
static bool parse_time(struct slice text, uint64_t *ret_seconds)
{
	static const struct {
		char unit;
		unsigned seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	struct scan in = scan_of(text);
	uint64_t number, seconds = 0;

	if (!scan_number(&in, TIME_MAX_S, &number))
		return false;
	if (scan_done(&in))
		seconds = number;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (slice_eq(scan_rest(&in), slice_from(&units[i].unit, 1)))
			seconds = number * units[i].seconds;
	*ret_seconds = seconds;
	return seconds > 0 && seconds <= TIME_MAX_S;
}

static bool take_address(const char *argument)
{
	struct address address;

	return address_parse_ip(slice_of(argument), &address) ||
	       complain("\"%s\" is no IP address; give one like 192.0.2.7 or 2001:db8::7", argument);
}

enum exit_code ban_add_run(const struct invocation *invocation)
{
	const char *address = invocation->arguments[0];
	uint64_t seconds = TIME_DEFAULT_S;
	json_t *reply;

	if (!take_address(address))
		return EXIT_USAGE;
	if (invocation->n_arguments > 1 && !parse_time(slice_of(invocation->arguments[1]), &seconds)) {
		(void)complain("\"%s\" is no time up to 366 days; give one like 90s, 15m, 12h or 7d",
			       invocation->arguments[1]);
		return EXIT_USAGE;
	}
	reply = ask(invocation, json_pack("{s:s, s:s, s:I}", "request", "ban-add", "address", address,
					  "seconds", (json_int_t)seconds));
	json_decref(reply);
	return reply ? EXIT_OK : EXIT_FOUND;
}

enum exit_code ban_lift_run(const struct invocation *invocation)
{
	const char *address = invocation->arguments[0];
	json_t *reply;

	if (!take_address(address))
		return EXIT_USAGE;
	reply = ask(invocation, json_pack("{s:s, s:s}", "request", "ban-lift", "address", address));
	json_decref(reply);
	return reply ? EXIT_OK : EXIT_FOUND;
}
