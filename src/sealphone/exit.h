/* How sealphone ends; also in man/sealphone.1. */
#pragma once

#include "ua/event.h"

enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1, /* the call or message came to nothing for a reason without a number of its own */
	EXIT_USAGE = 2,
	EXIT_STATE = 3,       /* a file or directory of ours cannot be used */
	EXIT_NETWORK = 4,     /* the server is not reached, or gone */
	EXIT_CERTIFICATE = 5, /* the server is not who it should be */
	EXIT_PASSWORD = 6,    /* the password is wrong, or the server has no right to ask for it */
	EXIT_TIMEOUT = 7,
	EXIT_BOGUS_DNS = 8, /* the answers of the DNS about the server are forged or broken */
	EXIT_BUSY = 10,
	EXIT_DECLINED = 11,
	EXIT_NO_ANSWER = 12,
	EXIT_CANCELLED = 13,
	EXIT_UNKNOWN_USER = 14,
	EXIT_UNAVAILABLE = 15,
	EXIT_NOT_SECURE = 16,
	EXIT_NOT_ACCEPTABLE = 17,
	EXIT_INTERRUPTED = 130,
};

enum exit_code exit_code_of(enum ua_cause cause);
