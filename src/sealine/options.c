#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "sealine/command.h"
#include "sealine/output.h"

/* clang-format off */
static const struct command commands[] = {
	{
		.words = "user add", .n_least = 1, .n_most = 1, .run = user_add_run,
		.flags = FLAG_JSON | FLAG_PASSWORD_STDIN | FLAG_GENERATE | FLAG_MD5,
		.help =
		"usage: sealine user add AOR [--generate | --password-stdin] [--md5] [--state DIR] [--json]\n"
		"Adds an account. The password is asked for, twice, unless an option says where it comes from; what is\n"
		"kept is its digest.\n"
		"\n"
		"  AOR               alice@example.org, with or without sip: or sips: before it\n"
		"  --generate        make a password and print it, this once\n"
		"  --password-stdin  take the first line of standard input\n"
		"  --md5             keep an MD5 digest too, for a phone that knows nothing better; its domain has to\n"
		"                    allow it (md5: allow)\n"
		"  --state DIR       where sealined keeps its state\n"
		"  --json            one JSON object: aor, and the password if it was generated\n"
		"\n"
		"Example: sealine user add alice@localhost --generate\n",
	},
	{
		.words = "user import", .n_least = 1, .n_most = 1, .run = user_import_run,
		.flags = FLAG_JSON | FLAG_MD5,
		.help =
		"usage: sealine user import FILE|- [--md5] [--state DIR] [--json]\n"
		"Adds many accounts: one line an account, its address, a tab, its password. A file with a malformed line\n"
		"is not taken at all; accounts that are there already are left as they are and named.\n"
		"\n"
		"  --md5        keep MD5 digests too\n"
		"  --state DIR  where sealined keeps its state\n"
		"  --json       one JSON object: added, and refused with line, aor and message of each\n"
		"\n"
		"Example: printf 'bob@localhost\\tsecret\\n' | sealine user import -\n",
	},
	{
		.words = "user list", .run = user_list_run, .flags = FLAG_JSON,
		.help =
		"usage: sealine user list [--state DIR] [--json]\n"
		"Lists the accounts, and where each is registered.\n"
		"\n"
		"  --state DIR  where sealined keeps its state\n"
		"  --json       one JSON object: users, a list of objects with aor, md5 and bindings\n"
		"\n"
		"Example: sealine user list --json | jq -r .users[].aor\n",
	},
	{
		.words = "user passwd", .n_least = 1, .n_most = 1, .run = user_passwd_run,
		.flags = FLAG_JSON | FLAG_PASSWORD_STDIN | FLAG_GENERATE | FLAG_MD5,
		.help =
		"usage: sealine user passwd AOR [--generate | --password-stdin] [--md5] [--state DIR] [--json]\n"
		"Changes a password. The account's phones are disconnected and have to register anew. The options are those\n"
		"of sealine user add.\n"
		"\n"
		"Example: pwgen 20 1 | sealine user passwd alice@localhost --password-stdin\n",
	},
	{
		.words = "user remove", .n_least = 1, .n_most = 1, .run = user_remove_run,
		.help =
		"usage: sealine user remove AOR [--state DIR]\n"
		"Removes an account. Its phones are disconnected.\n"
		"\n"
		"  --state DIR  where sealined keeps its state\n"
		"\n"
		"Example: sealine user remove alice@localhost\n",
	},
	{
		.words = "user policy", .n_least = 1, .n_most = 8, .run = user_policy_run, .flags = FLAG_JSON,
		.help =
		"usage: sealine user policy AOR [KEY=VALUE]... [--state DIR] [--json]\n"
		"Says what is asked of an account beyond what its domain asks of all, and shows all of it. A KEY= without a\n"
		"value takes back what was said.\n"
		"\n"
		"  least-digest=md5|sha-256|sha-512-256  no weaker digest is taken\n"
		"  md5-until=YYYY-MM-DD                  from that day on no MD5 is taken\n"
		"  client-certificate=no|either|beside|instead\n"
		"                                        what its phone's certificate is in TLS, to its password\n"
		"  calls-in=digest|sips|smime            the least protection of calls and messages that it gets\n"
		"  calls-out=digest|sips|smime           of those that it sends\n"
		"  may-use=\"AOR AOR...\"                  addresses that it may bear in From besides its own\n"
		"  registered-by=\"AOR AOR...\"            accounts that may register phones for it\n"
		"  --state DIR                           where sealined keeps its state\n"
		"  --json                                one JSON object: aor, and policy with a member for each key\n"
		"\n"
		"Example: sealine user policy alice@localhost least-digest=sha-256 calls-out=sips\n",
	},
	{
		.words = "ban list", .run = ban_list_run, .flags = FLAG_JSON,
		.help =
		"usage: sealine ban list [--state DIR] [--json]\n"
		"Lists the addresses that the running server lets nobody connect from, for how long, and why.\n"
		"\n"
		"  --state DIR  where sealined keeps its state\n"
		"  --json       one JSON object: bans, a list of objects with address, left (seconds) and why\n"
		"\n"
		"Example: sealine ban list\n",
	},
	{
		.words = "ban add", .n_least = 1, .n_most = 2, .run = ban_add_run,
		.help =
		"usage: sealine ban add ADDRESS [TIME] [--state DIR]\n"
		"Lets nobody connect from an address until the time is over or the server ends. Phones that are connected\n"
		"and have proven themselves stay.\n"
		"\n"
		"  ADDRESS      192.0.2.7, or 2001:db8::7 for all of its /64\n"
		"  TIME         90s, 15m, 12h or 7d; an hour if it is not given\n"
		"  --state DIR  where sealined keeps its state\n"
		"\n"
		"Example: sealine ban add 192.0.2.7 7d\n",
	},
	{
		.words = "ban lift", .n_least = 1, .n_most = 1, .run = ban_lift_run,
		.help =
		"usage: sealine ban lift ADDRESS [--state DIR]\n"
		"Ends a ban, and forgets what was held against the address.\n"
		"\n"
		"  --state DIR  where sealined keeps its state\n"
		"\n"
		"Example: sealine ban lift 192.0.2.7\n",
	},
	{
		.words = "cert list", .n_most = 1, .run = cert_list_run, .flags = FLAG_JSON,
		.help =
		"usage: sealine cert list [AOR] [--state DIR] [--json]\n"
		"Lists the certificates of users that the running server tells others of, one a device, and those that\n"
		"were revoked.\n"
		"\n"
		"  AOR          of this account alone: user@domain\n"
		"  --state DIR  where sealined keeps its state\n"
		"  --json       one JSON object: certificates, a list of objects with aor, sha256 (the fingerprint), key\n"
		"               (of its public half), left (seconds that it is told), not_after and revoked\n"
		"\n"
		"Example: sealine cert list alice@localhost\n",
	},
	{
		.words = "cert revoke", .n_least = 1, .n_most = 2, .run = cert_revoke_run,
		.help =
		"usage: sealine cert revoke AOR [FINGERPRINT] [--state DIR]\n"
		"Takes a certificate back, say that of a lost device: who holds it is told at once, and its key gets no\n"
		"other one. The device is not disconnected: for that, change the password.\n"
		"\n"
		"  AOR          the account: user@domain\n"
		"  FINGERPRINT  which certificate, as sealine cert list shows it; all of the account if it is not given\n"
		"  --state DIR  where sealined keeps its state\n"
		"\n"
		"Example: sealine cert revoke alice@localhost\n",
	},
	{
		.words = "ca show", .run = ca_show_run, .flags = FLAG_JSON,
		.help =
		"usage: sealine ca show [--state DIR] [--json]\n"
		"Shows the certificates that sealined made for itself: the development CA's and its own.\n"
		"\n"
		"  --state DIR  where sealined keeps its state\n"
		"  --json       one JSON object: certificates, a list of objects with file, subject, issuer, names,\n"
		"               not_before, not_after, days_left, sha256\n"
		"\n"
		"Example: sealine ca show\n",
	},
	{
		.words = "ca export", .run = ca_export_run,
		.help =
		"usage: sealine ca export [--state DIR]\n"
		"Writes the certificate of the development CA (PEM) to standard output, for phones that are to trust it.\n"
		"\n"
		"  --state DIR  where sealined keeps its state\n"
		"\n"
		"Example: sealine ca export > sealine-ca.pem\n",
	},
	{
		.words = "parse", .n_least = 1, .n_most = SIZE_MAX, .run = parse_run, .flags = FLAG_JSON,
		.help =
		"usage: sealine parse FILE...|- [--json] [--state DIR]\n"
		"Reads each file as one SIP message, as it would come in a datagram, and says what it is, or what is wrong\n"
		"with it and at which byte (from 0). What a proxy would pass on but the RFCs forbid is remarked upon.\n"
		"\n"
		"  --json       one JSON object a file: file, valid, and error {what, at} or start line and header fields\n"
		"  --state DIR  taken as by every command; nothing is read there\n"
		"\n"
		"Exit status: 0 all are valid, 1 some are not, 2 usage, or a file that cannot be read.\n"
		"\n"
		"Example: sealine parse invite.sip\n",
	},
	{
		.words = "load", .run_line = load_command,
		.help =
		"usage: sealine load MODE ADDRESS:PORT (--users PATTERN | --accounts FILE) [OPTION]...\n"
		"Loads a SIP server over TLS, TCP or UDP, and tells how long it took, what failed, and where it broke the protocol.\n"
		"\n"
		"  register              users register again and again, each on a connection of its own\n"
		"  call                  users call each other: INVITE 100 180 200 ACK BYE 200\n"
		"  message               users send each other a MESSAGE\n"
		"  options               users ask the server for its OPTIONS\n"
		"  handshake             a connection, a full handshake (or --resumed), OPTIONS, and its end\n"
		"  idle                  users register and stay\n"
		"  storm                 all connect and register at once, and try until they are in\n"
		"\n"
		"  --users PATTERN       their addresses: user%04d@example.org, numbered from 0; sips:... for SIPS\n"
		"  --number N            how many (10)\n"
		"  --password-file FILE  the first line is the password of them all\n"
		"  --accounts FILE       addresses and passwords, as sealine user import takes them\n"
		"  --transport T         over tls, tcp or udp (tls)\n"
		"  --ca FILE             whose certificates to trust (those that the system trusts)\n"
		"  --realm TEXT          of the passwords (the domain)\n"
		"  --rate N              operations begun a second (each user begins one when the last has ended)\n"
		"  --duration SECONDS    how long new ones are begun (10)\n"
		"  --count N             how many at most (1000000)\n"
		"  --ramp SECONDS        the time over which users connect (64 at a time)\n"
		"  --settle SECONDS      how long they may take beyond that (60, and a second for each hundred)\n"
		"  --challenged          forget the nonce, so that each operation is challenged anew\n"
		"  --new-call-id         register: each under another Call-ID, so that a server has to store it\n"
		"  --resumed             handshake, storm: take up the TLS session of an earlier connection\n"
		"  --keep-bindings       do not take back what was registered when all is measured\n"
		"  --server-pid PID      measure this process and its children: CPU, memory\n"
		"  --target-is-mine      allow an address that is not of this machine\n"
		"  --json                one JSON object; see sealine(1)\n"
		"\n"
		"Exit status: 0 nothing failed and nothing broke the protocol, 1 something did, 2 usage, 130 interrupted.\n"
		"\n"
		"Example: sealine load call 127.0.0.1:5061 --users 'user%04d@localhost' --password-file pw --ca ca.pem\n",
	},
	{
		.words = "status", .run = status_run, .flags = FLAG_JSON,
		.help =
		"usage: sealine status [--state DIR] [--json]\n"
		"Shows the running server: workers, connections by what is proven of them, registrations, certificates.\n"
		"\n"
		"  --state DIR  where sealined keeps its state\n"
		"  --json       one JSON object; see sealine-control(7)\n"
		"\n"
		"Example: sealine status\n",
	},
};
/* clang-format on */

enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static const char usage[] = "usage: sealine COMMAND [ARGUMENT]... [OPTION]...\n"
			    "The tool for sealined, the SIP server that talks TLS.\n"
			    "\n"
			    "  user add AOR         add an account\n"
			    "  user import FILE|-   add many\n"
			    "  user list            list them, and where they are registered\n"
			    "  user passwd AOR      change a password\n"
			    "  user remove AOR      remove an account\n"
			    "  user policy AOR      what is asked of an account, and what it may do besides\n"
			    "  ban list             list the addresses that are shut out\n"
			    "  ban add ADDRESS      shut one out\n"
			    "  ban lift ADDRESS     let it in again\n"
			    "  cert list [AOR]      list the certificates of users\n"
			    "  cert revoke AOR      take them back, when a device is lost\n"
			    "  ca show              show the certificates that sealined made for itself\n"
			    "  ca export            write the certificate that phones are to trust\n"
			    "  status               show the running server\n"
			    "  load MODE ADDRESS    load a server, and tell how it fares\n"
			    "  parse FILE...|-      say what a SIP message is, or what is wrong with it\n"
			    "\n"
			    "sealine COMMAND --help says more. --version says which this is.\n"
			    "\n"
			    "Example: sealine user add alice@localhost --generate\n";

enum { OPTION_STATE = 1 << 8, OPTION_HELP };

static const struct option options[] = {
	{ "state", required_argument, NULL, OPTION_STATE },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ "json", no_argument, NULL, FLAG_JSON },
	{ "password-stdin", no_argument, NULL, FLAG_PASSWORD_STDIN },
	{ "generate", no_argument, NULL, FLAG_GENERATE },
	{ "md5", no_argument, NULL, FLAG_MD5 },
	{ NULL, 0, NULL, 0 },
};

/* Whether argv begins with the command's words, behind the program's name; the place of the last one. */
static bool is_called(const struct command *command, int argc, char *argv[], int *ret_last)
{
	char words[64];

	*ret_last = strchr(command->words, ' ') ? 2 : 1;
	if (argc <= *ret_last)
		return false;
	snprintf(words, sizeof words, "%s%s%s", argv[1], *ret_last == 2 ? " " : "",
		 *ret_last == 2 ? argv[2] : "");
	return strcmp(words, command->words) == 0;
}

static bool wrong_use(const struct command *command, const char *what, const char *with)
{
	return complain("%s: %s%s; see sealine %s --help", command->words, what, with, command->words);
}

static bool take_option(const struct command *command, const struct option *option,
			struct invocation *invocation)
{
	if (option->val == OPTION_STATE) {
		invocation->state = slice_of(optarg);
		return invocation->state.len > 0 || wrong_use(command, "--state needs a directory", "");
	}
	if (command->flags & (unsigned)option->val) {
		invocation->flags |= (unsigned)option->val;
		return true;
	}
	return wrong_use(command, "it takes no --", option->name);
}

static bool check_invocation(const struct command *command, const struct invocation *invocation)
{
	if (invocation->n_arguments < command->n_least)
		return wrong_use(command, "an argument is missing", "");
	if (invocation->n_arguments > command->n_most)
		return wrong_use(command, "there are too many arguments", "");
	if ((invocation->flags & FLAG_GENERATE) && (invocation->flags & FLAG_PASSWORD_STDIN))
		return wrong_use(command, "--generate and --password-stdin exclude each other", "");
	return true;
}

static enum exit_code run_command(const struct command *command, int argc, char *argv[])
{
	struct invocation invocation = { .flags = 0 };
	enum exit_code code;
	int option, index = 0;

	while ((option = getopt_long(argc, argv, "", options, &index)) != -1) {
		if (option == OPTION_HELP) {
			fputs(command->help, stdout);
			return EXIT_OK;
		}
		if (option == '?') {
			fprintf(stderr, "See sealine %s --help.\n", command->words);
			return EXIT_USAGE;
		}
		if (!take_option(command, &options[index], &invocation))
			return EXIT_USAGE;
	}
	invocation.arguments = argv + optind;
	invocation.n_arguments = (size_t)(argc - optind);
	if (!check_invocation(command, &invocation))
		return EXIT_USAGE;
	code = command->run(&invocation);
	return output_is_written() || code != EXIT_OK ? code : EXIT_FOUND;
}

enum exit_code sealine_run(int argc, char *argv[])
{
	int last;

	for (size_t i = 0; i < N_COMMANDS; i++)
		if (is_called(&commands[i], argc, argv, &last)) {
			argv[last] = argv[0]; /* getopt_long() names it */
			return commands[i].run_line
				       ? commands[i].run_line(&commands[i], argc - last, argv + last)
				       : run_command(&commands[i], argc - last, argv + last);
		}
	if (argc > 1 && strcmp(argv[1], "--version") == 0) {
		puts("sealine " SEALINE_VERSION);
		return EXIT_OK;
	}
	if (argc > 1 && strcmp(argv[argc - 1], "--help") == 0) {
		fputs(usage, stdout);
		return EXIT_OK;
	}
	if (argc > 1)
		complain("there is no command \"%s%s%s\"; see sealine --help", argv[1], argc > 2 ? " " : "",
			 argc > 2 ? argv[2] : "");
	else
		fputs(usage, stderr);
	return EXIT_USAGE;
}
