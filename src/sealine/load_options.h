/* What `sealine load` was asked for, and the bounds that a run has unless it is told others. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/address.h"
#include "base/slice.h"
#include "base/time.h"
#include "sip/names.h"
#include "sip/transport.h"

struct command;

enum {
	LOAD_USERS = 10, /* what is not asked for */
	LOAD_USERS_MAX = 100000,
	LOAD_RATE_MAX = 1000000,
	LOAD_COUNT = 1000000,
	LOAD_COUNT_MAX = 1000000000,
	LOAD_SECONDS = 10,
	LOAD_SECONDS_MAX = 3000,
	LOAD_EXPIRES = 3600, /* that is asked for */
};

/* What an operation is, one row a mode. */
struct load_mode {
	struct slice name;
	struct slice operation; /* in the plural */
	enum sip_method method; /* of its request; SIP_METHOD_OTHER: there is none */
	bool registers;         /* each user registers before anything is measured */
	bool in_pairs;          /* users with an even number ask those with the odd number behind it */
	bool connects;          /* an operation has a connection of its own */
	bool at_once;           /* everybody begins at the same moment, and tries until it is done */
};

struct load_options {
	const struct load_mode *mode;
	struct address target;
	enum transport_protocol transport; /* TLS, TCP or UDP */
	bool json, challenged, resumed, new_call_id, keep_bindings, target_is_mine;
	struct slice users, accounts, password_file, ca, realm; /* absent where not given */
	size_t n_users;                                         /* 0: not given */
	uint64_t rate; /* operations a second; 0: each user begins the next when one has ended */
	uint64_t count;
	ms_t duration, ramp, settle; /* settle: 0: not given */
	pid_t server;                /* 0: not given */
};

/* Reads a command line; everything points into it. False: it was complained of. */
bool load_options_read(const struct command *command, int argc, char *argv[],
		       struct load_options *ret_options, bool *ret_help);
