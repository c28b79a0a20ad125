#include "sealphone/resolver.h"

#include <errno.h>
#include <unistd.h>

#include "dns/dns.h"

/* Of Debian's dns-root-data: the key of the root, kept up to date with the system. */
#define ROOT_ANCHOR "/usr/share/dns/root.key"

/* Routers that drop questions they do not know are common; with three of them unanswered a call still begins. */
enum { PATIENCE_MS = 4000 };

/* A machine without the root's key cannot check anything: then the report says that nothing is signed. */
static const char *anchors_of(const struct options *options)
{
	if (!options->trust_anchor)
		return access(ROOT_ANCHOR, R_OK) == 0 ? ROOT_ANCHOR : NULL;
	return strcmp(options->trust_anchor, "none") == 0 ? NULL : options->trust_anchor;
}

enum exit_code resolver_open(struct phone *phone)
{
	const struct options *options = phone->options;
	const struct dns_config config = {
		.net = phone->net,
		.server = options->dns,
		.anchors = anchors_of(options),
		.patience = PATIENCE_MS,
	};

	if (options->server.len > 0)
		return EXIT_OK;
	if (config.anchors && access(config.anchors, R_OK) != 0) {
		fprintf(stderr, "sealphone: %s: %s\n", config.anchors, strerror(errno));
		return EXIT_STATE;
	}
	switch (dns_new(&config, &phone->dns)) {
	case OK: return EXIT_OK;
	case ERR_SYNTAX:
		fprintf(stderr,
			"sealphone: %s: there is no trust anchor of DNSSEC in it (DS or DNSKEY records)\n",
			config.anchors ? config.anchors : "/etc/hosts");
		return EXIT_STATE;
	default: fprintf(stderr, "sealphone: start: there is not enough memory\n"); return EXIT_FAILED;
	}
}

void resolver_close(struct phone *phone)
{
	dns_free(phone->dns);
	phone->dns = NULL;
}

enum err resolver_ask(void *self, uint64_t question, const struct dns_question *resolve)
{
	struct phone *phone = self;

	return phone->dns ? dns_ask(phone->dns, question, resolve) : ERR_IO;
}

bool resolver_take_answers(struct phone *phone, struct now now)
{
	struct answer answer = { .err = OK };
	bool any = false;

	while (phone->dns && dns_next(phone->dns, &answer.question, &answer.dns)) {
		answer.err = answer.dns.err;
		transport_answer(phone->transport, &answer, now);
		any = true;
	}
	return any;
}
