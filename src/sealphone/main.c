#include <locale.h>

#include "sealphone/cert.h"
#include "sealphone/phone.h"

int main(int argc, char **argv)
{
	struct phone phone = { .wallet_fd = -1, .code = EXIT_OK };
	struct options options;
	enum exit_code code;
	bool done;

	setlocale(LC_CTYPE, ""); /* what is typed is text in the terminal's encoding */
	code = options_parse(argc, argv, &options, &done);
	if (code != EXIT_OK || done)
		return (int)code;
	if (options.command == COMMAND_CERT) {
		code = cert_run(&options);
	} else {
		code = phone_open(&phone, &options);
		if (code == EXIT_OK)
			code = phone_run(&phone);
		phone_close(&phone);
	}
	options_fini(&options);
	return (int)code;
}
