/* What the command line says. Texts point into argv, into literals, or into what options_fini() frees. */
#pragma once

#include <stdbool.h>

#include "base/address.h"
#include "base/arena.h"
#include "base/slice.h"
#include "base/time.h"
#include "endpoint/policy.h"
#include "media/media.h"
#include "sealphone/exit.h"
#include "ua/ua.h"

enum command {
	COMMAND_NONE,
	COMMAND_REGISTER,
	COMMAND_CALL,
	COMMAND_ANSWER,
	COMMAND_MESSAGE,
	COMMAND_WATCH,
	COMMAND_CERT,
};

enum { OPTIONS_SMIME_FOR = 32 };

struct options {
	struct arena *names; /* of texts with A-labels in the place of what was typed; NULL: there are none */
	enum command command;
	struct slice uri, text; /* of call, message and watch; text: the message, or the event package */
	struct slice more;      /* of cert: uri is what to do, text with whose, more the fingerprint */

	struct slice aor;
	const char *password_file;           /* NULL: ask on the terminal */
	enum client_certificate certificate; /* UNSAID: none is shown */
	enum ua_server_proof proof;
	const char *passphrase_file; /* of the keys; NULL: ask if one is encrypted */
	struct slice server;         /* host, or empty */
	uint16_t port;               /* 0: the default */
	struct slice proxy;          /* name of the outbound proxy, or empty */
	uint16_t proxy_port;         /* 0: what the DNS says */
	enum transport_protocol transport;
	struct address dns;       /* name server; ADDRESS_NONE: those of the system */
	const char *trust_anchor; /* file, or "none"; NULL: the root's key of the system */
	const char *ca_file;      /* NULL: whom the system trusts */
	const char *crl_file;     /* NULL: nothing is known to be revoked */
	bool needs_staples;       /* servers have to show a word of their CA */
	const char *state;        /* directory, or NULL for the default */
	enum sdp_srtp_policy srtp;
	enum ua_transfers transfers;
	enum credentials_policy policy; /* when the key of somebody changes */
	bool has_transfers; /* it was said; else it depends on whether somebody is there to be asked */
	struct media_devices devices;
	ms_t duration; /* 0: until it is ended */
	ms_t ring;     /* 0: the default */
	ms_t keepalive;
	ms_t session; /* of the session timer */
	enum ua_smime smime;
	struct ua_smime_for smime_for[OPTIONS_SMIME_FOR];
	size_t n_smime_for;
	unsigned strangers; /* 0: the default */
	bool smime_256;
	bool auto_answer, json;
	bool anonymous; /* calls and messages, unless a person says otherwise */
};

/*
 * EXIT_OK, and options_fini() is the caller's; EXIT_USAGE, with a message printed; or, for --help and --version, EXIT_OK with *ret_done
 * set after printing, and no options.
 */
enum exit_code options_parse(int argc, char **argv, struct options *ret_options, bool *ret_done);

/* Frees what was needed for the texts; the options cannot be used any more. */
void options_fini(struct options *options);
