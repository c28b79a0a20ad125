/* What is wrong with a request, said to its sender: the status of the response, and a Warning beside it. */
#pragma once

#include "base/slice.h"

struct ua_fault {
	unsigned status;  /* 0: nothing is wrong */
	unsigned warning; /* warn-code (RFC 3261 §20.43) */
	struct slice text;
};
