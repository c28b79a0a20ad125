/*
 * A run of `sealine load`: one thread, one loop, a phone for each user. The phones' files call down only; what
 * concerns all of them, who begins when, is decided in load_run.c.
 */
#pragma once

#include "auth/client.h"
#include "base/list.h"
#include "sealine/load_accounts.h"
#include "sealine/load_datagram.h"
#include "sealine/load_options.h"
#include "sealine/load_process.h"
#include "sealine/load_tally.h"
#include "sealine/load_wire.h"
#include "sip/message.h"

enum {
	LOAD_TEXT_MAX = 4096,      /* a request of ours */
	LOAD_BUFFER_SIZE = 131072, /* twice the largest message */
	LOAD_ID_MAX = 48,          /* of ours */
	LOAD_CALLED_MAX = 128,     /* Call-ID and tag of somebody else's, who may be a B2BUA */
	LOAD_ANSWER_MS = 10000,    /* how long an operation may take */
	LOAD_PAUSE_MS = 1000,      /* what a phone waits after a failure */
	LOAD_LEAVE_MS = 5000,      /* how long it may take to take a binding back */
};

enum load_phase {
	LOAD_SETTLING, /* connecting and registering, before anything is measured */
	LOAD_RUNNING,
	LOAD_DRAINING, /* nothing new is begun */
	LOAD_CLEANING, /* all is measured: bindings are taken back */
	LOAD_OVER,
};

enum load_state {
	LOAD_OFF,       /* without a connection */
	LOAD_OPENING,   /* connects or registers, which is no operation */
	LOAD_READY,     /* waits for its turn */
	LOAD_BUSY,      /* an operation is under way */
	LOAD_RESTING,   /* has failed: waits a little */
	LOAD_ANSWERING, /* is only called */
	LOAD_LEAVING,   /* takes its binding back, once it knows whether it has one */
};

/* The request that waits for its final response. */
struct load_exchange {
	bool is_open;
	bool removes; /* a REGISTER that takes the binding back */
	enum sip_method method;
	uint32_t cseq;
	unsigned rounds; /* challenges answered for it */
	struct auth_sent sent;
};

/* The caller's side of a dialog: all that its ACK and BYE need. */
struct load_dialog {
	char uri[512], to[512], routes[2048];
	char credentials[2048]; /* the lines that the INVITE had */
	size_t n_uri, n_to, n_routes, n_credentials;
};

/* The callee's side of a dialog that somebody else began; without a Call-ID there is none. */
struct load_called {
	char call_id[LOAD_CALLED_MAX], tag[LOAD_CALLED_MAX];
	size_t n_call_id, n_tag;
	uint32_t cseq; /* of the INVITE */
	bool is_confirmed;
};

struct load_phone {
	struct link link; /* in ready, if that is its state */
	struct load *load;
	const struct load_account *account;
	size_t number;
	enum load_state state;
	struct load_wire wire;
	struct auth_client auth;
	struct load_exchange exchange;
	struct load_dialog *dialog;       /* callers only */
	struct load_datagrams *datagrams; /* over UDP only */
	struct load_called called;
	bool is_registered, was_tried;
	ms_t renews;         /* when, if it is registered */
	bool is_in;          /* a storm's: it is counted as done */
	uint32_t cseq, call; /* numbers of requests and Call-IDs so far */
	uint64_t begun;      /* microseconds; of the operation */
	ms_t until;          /* when what it does has to be done, or its rest ends; 0: never */
};

struct load {
	const struct load_options *options;
	struct load_accounts accounts;
	struct load_target target;
	struct net *net;
	struct crypto *crypto;
	struct random *random;
	char id[9]; /* of this run, in every Call-ID, tag and branch */
	char *buf;  /* LOAD_BUFFER_SIZE, for reading */
	struct load_phone *phones;
	size_t n_phones;
	struct list ready;
	size_t n_opened, n_busy, n_tried; /* phones; opened: the first time; tried: settled or failed */
	size_t n_asked, n_leaving;        /* to leave; of these, who has not yet */
	size_t n_left;                    /* bindings that stay behind */
	enum load_phase phase;
	ms_t phase_began, next_look, next_line;
	uint64_t n_begun;                /* operations */
	bool is_interrupted, is_hurried; /* hurried: interrupted again */
	struct load_tally tally;
	struct load_process before, at_start, at_end; /* the server */
	double own_at_start, own_at_end;              /* CPU, seconds */
	uint64_t started, ended;                      /* microseconds; 0: nothing was measured */
	size_t n_held;                                /* connections at the end */
};

uint64_t load_clock(void); /* microseconds */

/* load_phone.c */
/* The phones of a mode in which an operation brings its own connection: nothing has to be done before. */
void load_phones_make_ready(struct load *load);
void load_phone_open(struct load_phone *phone, struct now now);
void load_phone_begin(struct load_phone *phone, struct now now);
/* Takes back the binding of its connection, if there is one; is off then. */
void load_phone_leave(struct load_phone *phone, struct now now);
void load_phone_event(struct load_phone *phone, unsigned ready, struct now now);
/* Whether it has to do something because time has passed: gives up what takes too long, goes on after a rest. */
void load_phone_look(struct load_phone *phone, struct now now);
void load_phone_fini(struct load_phone *phone);
/* Counts a failure of what the phone does, which rests then; without its connection if that is of no more use. */
void load_phone_fail(struct load_phone *phone, enum load_failure failure, struct slice about, struct now now);
/* Sends what was built; a failure is counted. */
void load_phone_send(struct load_phone *phone, const struct writer *message, struct now now);

/* load_request.c: what phones send */
void load_send_request(struct load_phone *phone, enum sip_method method, struct now now);
void load_send_ack(struct load_phone *phone, const struct sip_message *response, struct now now);
/* The parts of what was sent, as an answer has to repeat them. */
void load_put_branch(struct writer *out, const struct load_phone *phone, uint32_t cseq);
void load_put_call_id(struct writer *out, const struct load_phone *phone);
void load_put_tag(struct writer *out, const struct load_phone *phone);
void load_put_from(struct writer *out, const struct load_phone *phone); /* the URI */
/* The URI in To of a request outside of a dialog. */
void load_put_to(struct writer *out, const struct load_phone *phone, enum sip_method method);
void load_put_contact(struct writer *out, const struct load_phone *phone);
/* Takes over what a 200 to an INVITE says of the dialog. False: it says too much, or too little. */
bool load_dialog_begin(struct load_phone *phone, const struct sip_message *response);
extern const struct slice load_body; /* of a MESSAGE */

/* load_check.c: whether the response to what was sent is one to it; what is not is counted. */
/* RFC 3261 §8.2.6.2, §16.7 step 3 */
void load_check_response(const struct load_phone *phone, const struct sip_message *response);
/* RFC 3261 §10.3 step 8: the response lists the bindings. Returns for how many seconds it grants ours (§10.2.4). */
uint32_t load_check_binding(const struct load_phone *phone, const struct sip_message *response);
/* Whether the response lists our binding. */
bool load_lists_binding(const struct load_phone *phone, const struct sip_message *response);

/* load_answer.c: what phones do when they are asked */
void load_answer(struct load_phone *phone, const struct sip_message *request, struct now now);

/* load_run.c: from the connections to the last answer. False: it was complained of. */
bool load_run(struct load *load);

/* load_report.c */
void load_print_progress(const struct load *load);
void load_end_progress(void);
bool load_print_report(const struct load *load);
