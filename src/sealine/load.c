#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "crypto/certificate.h"
#include "sealine/command.h"
#include "sealine/load_run.h"
#include "sealine/output.h"

enum { SPARE_DESCRIPTORS = 64 };

/* One a user, and some for the rest of the program. */
static bool allow_descriptors(size_t n)
{
	struct rlimit limit;
	rlim_t wanted = n + SPARE_DESCRIPTORS;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return complain("load: %s", strerror(errno));
	if (limit.rlim_cur >= wanted)
		return true;
	limit.rlim_cur = wanted;
	if (limit.rlim_max < wanted)
		limit.rlim_max = wanted; /* root may */
	return setrlimit(RLIMIT_NOFILE, &limit) == 0 ||
	       complain("load: %zu users need more open files than ulimit -Hn allows; take fewer", n);
}

static bool trust_file(struct load *load, struct slice name)
{
	AUTO(chain) struct chain *anchors = NULL;
	AUTO(secret) struct secret *pem = NULL;
	enum err err;

	if (!load_read_file(name, &pem))
		return false;
	err = chain_parse_pem(load->crypto, secret_slice(pem), &anchors);
	if (err == OK)
		err = tls_client_trust(load->target.tls, anchors);
	return err == OK || complain("%s: %s; give certificates in PEM", name.ptr, err_text(err));
}

static bool set_up_tls(struct load *load)
{
	if (load->options->transport != TRANSPORT_TLS)
		return true;
	load->target.tls = tls_client_new(load->crypto);
	if (!load->target.tls)
		return complain_of(ERR_NOMEM);
	if (load->options->resumed)
		tls_client_resume(load->target.tls, load->accounts.n);
	if (load->options->ca.ptr)
		return trust_file(load, load->options->ca);
	return tls_client_trust_system(load->target.tls) == OK || complain_of(ERR_NOMEM);
}

static bool set_up_phone(struct load *load, size_t number)
{
	struct load_phone *phone = &load->phones[number];
	const struct load_account *account = &load->accounts.all[number];

	*phone = (struct load_phone){
		.load = load,
		.account = account,
		.number = number,
		.auth = { .crypto = load->crypto,
			  .random = load->random,
			  .takes_auth =
				  true, /* as most phones do, so that servers are compared by the same */
			  .login = { account->user,
				     load->options->realm.ptr ? load->options->realm : account->domain,
				     account->password } },
	};
	if (load->options->transport == TRANSPORT_UDP) {
		phone->datagrams = load_datagrams_new();
		if (!phone->datagrams)
			return false;
	}
	if (load->options->mode->method != SIP_INVITE || number % 2)
		return true;
	phone->dialog = mem_new(struct load_dialog);
	return phone->dialog != NULL;
}

static void set_up_id(struct load *load)
{
	struct writer out = writer_of(load->id, sizeof load->id - 1);
	unsigned char bytes[4];

	random_bytes(load->random, bytes, sizeof bytes);
	put_hex(&out, bytes, sizeof bytes);
}

static bool set_up(struct load *load)
{
	if (!load_accounts_init(&load->accounts, load->options) || !allow_descriptors(load->accounts.n))
		return false;
	load->target.transport = load->options->transport;
	load->target.address = load->options->target;
	load->target.domain = load->accounts.all[0].domain;
	load->crypto = crypto_new();
	load->random = load->crypto ? random_new(load->crypto) : NULL;
	load->net = net_new(load->accounts.n + SPARE_DESCRIPTORS);
	load->target.net = load->net;
	load->buf = mem_alloc(LOAD_BUFFER_SIZE);
	load->phones = mem_zalloc(load->accounts.n, sizeof *load->phones);
	if (!load->random || !load->net || !load->buf || !load->phones)
		return complain_of(ERR_NOMEM);
	if (net_signal(load->net, SIGINT) != OK || net_signal(load->net, SIGTERM) != OK)
		return complain_of(ERR_IO);
	set_up_id(load);
	for (; load->n_phones < load->accounts.n; load->n_phones++)
		if (!set_up_phone(load, load->n_phones))
			return complain_of(ERR_NOMEM);
	return set_up_tls(load);
}

static void tear_down(struct load *load)
{
	for (size_t i = 0; i < load->n_phones; i++)
		load_phone_fini(&load->phones[i]);
	tls_context_free(load->target.tls);
	net_free(load->net);
	random_free(load->random);
	crypto_free(load->crypto);
	mem_free(load->phones);
	mem_free(load->buf);
	load_accounts_fini(&load->accounts);
}

static enum exit_code code_of(const struct load *load)
{
	if (load->is_interrupted)
		return EXIT_INTERRUPTED;
	if (load_tally_failures(&load->tally) || load_tally_violations(&load->tally))
		return EXIT_FOUND;
	return load->n_left > 0 && !load->options->keep_bindings ? EXIT_FOUND : EXIT_OK;
}

enum exit_code load_command(const struct command *command, int argc, char *argv[])
{
	struct load_options options;
	enum exit_code code = EXIT_FOUND;
	struct load *load;
	bool is_help;

	if (!load_options_read(command, argc, argv, &options, &is_help))
		return EXIT_USAGE;
	if (is_help)
		return EXIT_OK;
	load = mem_new(struct load);
	if (!load) {
		(void)complain_of(ERR_NOMEM);
		return EXIT_FOUND;
	}
	load->options = &options;
	list_init(&load->ready);
	if (set_up(load) && load_run(load) && load_print_report(load))
		code = code_of(load);
	else if (load->is_interrupted)
		code = EXIT_INTERRUPTED;
	tear_down(load);
	mem_free(load);
	return code;
}
