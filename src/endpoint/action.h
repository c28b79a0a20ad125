/*
 * The seam: what an endpoint asks of the world above the I/O line (actions), and what comes back later
 * (answers). A question carries an id that its answer repeats.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/dns.h"
#include "base/err.h"
#include "base/slice.h"
#include "base/time.h"
#include "base/verdict.h"
#include "endpoint/aor.h"
#include "endpoint/flow.h"
#include "endpoint/letter.h"

enum action_kind {
	ACTION_SEND,    /* write these bytes on one of this worker's flows; the requirement was checked */
	ACTION_CLOSE,   /* close a flow once what is queued on it has left */
	ACTION_RESOLVE, /* question: records of a name in the DNS */
	ACTION_CONNECT, /* question: open a flow */
	ACTION_LOOKUP,  /* question: the snapshot of an AOR */
	ACTION_STORE,   /* question: replace the bindings of an AOR, if it still has that version */
	ACTION_POST,    /* carry a letter to another worker */
	ACTION_BLAME,   /* the other end of a flow did what only an attacker does */
	ACTION_REPORT,  /* tell the log */
};

enum report_level { REPORT_ERROR, REPORT_WARNING, REPORT_INFO, REPORT_DEBUG };

/* What only an attacker does, or a phone that is badly broken. */
enum misdeed {
	MISDEED_CREDENTIALS, /* wrong ones */
	MISDEED_MALFORMED,   /* a message that cannot be read */
	MISDEED_PROBING,     /* one request after the other, and no challenge answered */
	MISDEED_RELAYING,    /* something for others than us */
	MISDEED_HANDSHAKE,   /* one that failed */
};

/* One event for the log: `event key=value …`. */
struct report {
	enum report_level level;
	const char *event;    /* static: "register.ok", "auth.failed", "tsx.timeout" */
	flow_id flow;         /* 0: none */
	struct slice call_id; /* empty: none */
	struct slice text;    /* " key=value key=\"…\"" already escaped, or empty */
};

struct connect_question {
	enum transport_protocol transport;
	struct slice host;   /* name or IP address to reach */
	uint16_t port;       /* 0: the default of the transport */
	struct slice domain; /* the SIP domain that the peer must prove (RFC 5922); the SNI; empty for a clear
				transport */
	struct slice pin;    /* SHA-256 of the certificate that the peer must have besides; empty: any */
	struct slice as;     /* our domain whose certificate is shown if the peer asks for one; empty: any */
	ms_t patience;       /* how long it may take in all; 0: as long as the transport allows */
};

struct store_question {
	struct slice aor;
	uint64_t version; /* of the snapshot that was decided upon */
	uint32_t refreshes;
	const struct binding *bindings;
	size_t n_bindings;
	bool durable; /* false: only expiry, CSeq or flow moved within what is stored; the disk need not know */
};

/* All that an action points to lives until the next endpoint_output(), except what is handed over. */
struct action {
	enum action_kind kind;
	uint64_t question; /* RESOLVE, CONNECT, LOOKUP, STORE */
	union {
		struct {
			flow_id flow;
			struct slice bytes;
			uint16_t port; /* UDP: of the peer's, for a response without rport; 0: the flow's */
		} send;
		struct {
			flow_id flow;
			const char *why; /* static, for the log */
		} close;
		struct dns_question resolve;
		struct connect_question connect;
		struct {
			struct slice aor;
		} lookup;
		struct store_question store;
		struct letter *post; /* handed over */
		struct {
			flow_id flow;
			enum misdeed misdeed;
		} blame;
		struct report report;
	};
};

/* What came back. Everything lives for the length of endpoint_answer(), which takes references for what it
 * keeps. */
struct answer {
	uint64_t question;
	/*
	 * LOOKUP: OK or ERR_NOT_FOUND. STORE: OK, ERR_CONFLICT (read again and decide again), ERR_NOT_FOUND
	 * (the account is gone), ERR_IO. CONNECT: OK, or ERR_NOT_FOUND (no such name), ERR_IO (not reached),
	 * ERR_DENIED (not who it should be), ERR_AGAIN (deadline). RESOLVE: that of dns.
	 */
	enum err err;
	struct aor *aor;               /* LOOKUP and STORE: the snapshot now */
	flow_id flow;                  /* CONNECT: endpoint_flow(FLOW_OPENED) for it came before */
	struct slice why;              /* CONNECT refused: the verdict's sentence, and with whom */
	const struct verdict *verdict; /* CONNECT refused by a verdict: all of it; else NULL */
	struct dns_answer dns;         /* RESOLVE */
};
