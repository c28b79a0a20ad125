#include "sealine/load_options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/scan.h"
#include "sealine/command.h"
#include "sealine/output.h"

/* clang-format off */
static const struct load_mode modes[] = {
	{ .name = SLICE_INIT("register"), .operation = SLICE_INIT("registrations"), .method = SIP_REGISTER, .registers = true },
	{ .name = SLICE_INIT("call"), .operation = SLICE_INIT("calls"), .method = SIP_INVITE, .registers = true, .in_pairs = true },
	{ .name = SLICE_INIT("message"), .operation = SLICE_INIT("messages"), .method = SIP_MESSAGE, .registers = true, .in_pairs = true },
	{ .name = SLICE_INIT("options"), .operation = SLICE_INIT("requests"), .method = SIP_OPTIONS },
	{ .name = SLICE_INIT("handshake"), .operation = SLICE_INIT("connections"), .method = SIP_OPTIONS, .connects = true },
	{ .name = SLICE_INIT("idle"), .operation = SLICE_INIT("operations"), .method = SIP_METHOD_OTHER, .registers = true },
	{ .name = SLICE_INIT("storm"), .operation = SLICE_INIT("registrations"), .method = SIP_REGISTER, .connects = true, .at_once = true },
};
/* clang-format on */

enum option_id {
	OPTION_HELP,
	OPTION_USERS,
	OPTION_ACCOUNTS,
	OPTION_PASSWORD_FILE,
	OPTION_NUMBER,
	OPTION_TRANSPORT,
	OPTION_CA,
	OPTION_REALM,
	OPTION_RATE,
	OPTION_COUNT,
	OPTION_DURATION,
	OPTION_RAMP,
	OPTION_SETTLE,
	OPTION_CHALLENGED,
	OPTION_RESUMED,
	OPTION_NEW_CALL_ID,
	OPTION_KEEP_BINDINGS,
	OPTION_SERVER_PID,
	OPTION_TARGET_IS_MINE,
	OPTION_JSON,
};

static const struct option words[] = {
	{ "help", no_argument, NULL, OPTION_HELP },
	{ "users", required_argument, NULL, OPTION_USERS },
	{ "accounts", required_argument, NULL, OPTION_ACCOUNTS },
	{ "password-file", required_argument, NULL, OPTION_PASSWORD_FILE },
	{ "number", required_argument, NULL, OPTION_NUMBER },
	{ "transport", required_argument, NULL, OPTION_TRANSPORT },
	{ "ca", required_argument, NULL, OPTION_CA },
	{ "realm", required_argument, NULL, OPTION_REALM },
	{ "rate", required_argument, NULL, OPTION_RATE },
	{ "count", required_argument, NULL, OPTION_COUNT },
	{ "duration", required_argument, NULL, OPTION_DURATION },
	{ "ramp", required_argument, NULL, OPTION_RAMP },
	{ "settle", required_argument, NULL, OPTION_SETTLE },
	{ "challenged", no_argument, NULL, OPTION_CHALLENGED },
	{ "resumed", no_argument, NULL, OPTION_RESUMED },
	{ "new-call-id", no_argument, NULL, OPTION_NEW_CALL_ID },
	{ "keep-bindings", no_argument, NULL, OPTION_KEEP_BINDINGS },
	{ "server-pid", required_argument, NULL, OPTION_SERVER_PID },
	{ "target-is-mine", no_argument, NULL, OPTION_TARGET_IS_MINE },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ NULL, 0, NULL, 0 },
};

/* A whole number from 1 to max. */
static bool take_number(enum option_id id, uint64_t max, uint64_t *ret_number)
{
	struct scan in = scan_of(slice_of(optarg));

	if (scan_number(&in, max, ret_number) && scan_done(&in) && *ret_number > 0)
		return true;
	return complain("load: --%s takes a whole number from 1 to %llu, not \"%s\"", words[id].name,
			(unsigned long long)max, optarg);
}

static bool take_transport(struct load_options *options)
{
	for (enum transport_protocol i = TRANSPORT_TLS; i <= TRANSPORT_UDP; i++) {
		if (!slice_eq_nocase(transport_name(i), slice_of(optarg)))
			continue;
		options->transport = i;
		return true;
	}
	return complain("load: --transport is tls, tcp or udp, not \"%s\"", optarg);
}

static bool take_text(enum option_id id, struct load_options *options)
{
	struct slice *texts[] = {
		[OPTION_USERS] = &options->users,
		[OPTION_ACCOUNTS] = &options->accounts,
		[OPTION_PASSWORD_FILE] = &options->password_file,
		[OPTION_CA] = &options->ca,
		[OPTION_REALM] = &options->realm,
	};

	*texts[id] = slice_of(optarg);
	return texts[id]->len > 0 || complain("load: --%s needs a text", words[id].name);
}

static bool take_seconds(enum option_id id, ms_t *ret_time)
{
	uint64_t seconds = 0;

	if (!take_number(id, LOAD_SECONDS_MAX, &seconds))
		return false;
	*ret_time = seconds * 1000;
	return true;
}

static bool take(enum option_id id, struct load_options *options)
{
	uint64_t number = 0;

	switch (id) {
	case OPTION_HELP: return true;
	case OPTION_USERS:
	case OPTION_ACCOUNTS:
	case OPTION_PASSWORD_FILE:
	case OPTION_CA:
	case OPTION_REALM: return take_text(id, options);
	case OPTION_TRANSPORT: return take_transport(options);
	case OPTION_NUMBER:
		if (!take_number(id, LOAD_USERS_MAX, &number))
			return false;
		options->n_users = (size_t)number;
		return true;
	case OPTION_RATE: return take_number(id, LOAD_RATE_MAX, &options->rate);
	case OPTION_COUNT: return take_number(id, LOAD_COUNT_MAX, &options->count);
	case OPTION_DURATION: return take_seconds(id, &options->duration);
	case OPTION_RAMP: return take_seconds(id, &options->ramp);
	case OPTION_SETTLE: return take_seconds(id, &options->settle);
	case OPTION_SERVER_PID:
		if (!take_number(id, INT32_MAX, &number))
			return false;
		options->server = (pid_t)number;
		return true;
	case OPTION_CHALLENGED: options->challenged = true; return true;
	case OPTION_RESUMED: options->resumed = true; return true;
	case OPTION_NEW_CALL_ID: options->new_call_id = true; return true;
	case OPTION_KEEP_BINDINGS: options->keep_bindings = true; return true;
	case OPTION_TARGET_IS_MINE: options->target_is_mine = true; return true;
	case OPTION_JSON: options->json = true; return true;
	}
	return false;
}

static bool take_mode(const char *name, struct load_options *options)
{
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
		if (slice_eq(modes[i].name, slice_of(name)))
			options->mode = &modes[i];
	return options->mode || complain("load: there is no mode \"%s\"; see sealine load --help", name);
}

static bool take_target(const char *text, struct load_options *options)
{
	if (!address_parse(slice_of(text), &options->target) || !options->target.port)
		return complain("load: \"%s\" is no address; write it in numbers and with its port, "
				"like 127.0.0.1:5061 or [::1]:5061",
				text);
	if (address_is_loopback(&options->target) || options->target_is_mine)
		return true;
	return complain("load: %s is not this machine; load only what is yours, and say so with "
			"--target-is-mine",
			text);
}

/* ---- what has no sense together ---- */

static bool has_operations(const struct load_options *options)
{
	return options->mode->method != SIP_METHOD_OTHER;
}

static bool begins_in_turn(const struct load_options *options)
{
	return has_operations(options) && !options->mode->at_once;
}

static bool keeps_connections(const struct load_options *options)
{
	return !options->mode->connects;
}

static bool keeps_nonces(const struct load_options *options)
{
	return has_operations(options) && keeps_connections(options);
}

static bool registers_again(const struct load_options *options)
{
	return options->mode->method == SIP_REGISTER && !options->mode->at_once;
}

static bool binds(const struct load_options *options)
{
	return options->mode->registers || options->mode->method == SIP_REGISTER;
}

static bool is_over_tls(const struct load_options *options)
{
	return options->transport == TRANSPORT_TLS;
}

static bool takes_sessions_up(const struct load_options *options)
{
	return options->mode->connects && is_over_tls(options);
}

static bool has_passwords(const struct load_options *options)
{
	return options->password_file.ptr || options->accounts.ptr;
}

/* An option that would do nothing is not what somebody meant who wrote it. */
static const struct {
	enum option_id id;
	bool (*has_sense)(const struct load_options *options);
	const char *why; /* not; behind the name of the mode */
} conditions[] = {
	{ OPTION_RATE, begins_in_turn, "has no rate" },
	{ OPTION_COUNT, has_operations, "has no operations to be counted" },
	{ OPTION_RAMP, keeps_connections, "does not ramp up" },
	{ OPTION_SETTLE, keeps_connections, "has no users who get ready before it begins" },
	{ OPTION_CHALLENGED, keeps_nonces, "uses no nonce a second time" },
	{ OPTION_NEW_CALL_ID, registers_again, "does not send one REGISTER after the other" },
	{ OPTION_RESUMED, takes_sessions_up,
	  "takes no session up again, as handshake and storm do over TLS" },
	{ OPTION_CA, is_over_tls, "asks for certificates over TLS only" },
	{ OPTION_REALM, has_passwords, "has no passwords whose realm it would be" },
};

static bool check_conditions(const struct load_options *options, unsigned given)
{
	for (size_t i = 0; i < sizeof conditions / sizeof conditions[0]; i++)
		if (given & 1U << conditions[i].id && !conditions[i].has_sense(options))
			return complain("load: %.*s %s; leave out --%s", SLICE_FMT(options->mode->name),
					conditions[i].why, words[conditions[i].id].name);
	return true;
}

static bool check(const struct load_options *options, unsigned given)
{
	if (!options->users.ptr == !options->accounts.ptr)
		return complain("load: name the users with --users PATTERN or with --accounts FILE");
	if (binds(options) && !has_passwords(options))
		return complain(
			"load: users have to register; give their password with --password-file FILE");
	if (options->accounts.ptr && options->password_file.ptr)
		return complain(
			"load: the passwords stand in the file of --accounts; leave out --password-file");
	if (options->transport == TRANSPORT_UDP && options->mode->connects && !options->mode->at_once)
		return complain(
			"load: over UDP there is no connection to be made; take options in place of %.*s",
			SLICE_FMT(options->mode->name));
	return check_conditions(options, given);
}

bool load_options_read(const struct command *command, int argc, char *argv[],
		       struct load_options *ret_options, bool *ret_help)
{
	struct load_options options = { .transport = TRANSPORT_TLS,
					.count = LOAD_COUNT,
					.duration = LOAD_SECONDS * 1000 };
	unsigned given = 0; /* 1 << enum option_id */
	int option;

	*ret_help = false;
	while ((option = getopt_long(argc, argv, "", words, NULL)) != -1) {
		if (option == OPTION_HELP) {
			fputs(command->help, stdout);
			*ret_help = true;
			return true;
		}
		if (option == '?')
			fprintf(stderr, "See sealine load --help.\n");
		if (option == '?' || !take((enum option_id)option, &options))
			return false;
		given |= 1U << option;
	}
	if (argc - optind != 2)
		return complain("load: it takes a mode and an address; see sealine load --help");
	if (!take_mode(argv[optind], &options) || !take_target(argv[optind + 1], &options) ||
	    !check(&options, given))
		return false;
	*ret_options = options;
	return true;
}
