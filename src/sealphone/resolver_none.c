#include "sealphone/resolver.h"

enum exit_code resolver_open(struct phone *phone)
{
	if (phone->options->server.len > 0)
		return EXIT_OK;
	fprintf(stderr,
		"sealphone: --server: this phone was built without a resolver (-Dresolver=false) and cannot ask the "
		"DNS where the server is; name it\n");
	return EXIT_USAGE;
}

void resolver_close(struct phone *phone)
{
	(void)phone;
}

enum err resolver_ask(void *self, uint64_t question, const struct dns_question *resolve)
{
	(void)self, (void)question, (void)resolve;
	return ERR_IO;
}

bool resolver_take_answers(struct phone *phone, struct now now)
{
	(void)phone, (void)now;
	return false;
}
