/* The text of a scenario, as steps. The language is described in docs/howto/new-scenario.md. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "base/time.h"

enum step_kind {
	STEP_CONNECT,  /* NAME connects [over TRANSPORT] [to worker N] */
	STEP_REGISTER, /* NAME registers [URI] */
	STEP_SEND,     /* NAME -> … */
	STEP_EXPECT,   /* NAME <- … */
	STEP_REPEAT,   /* NAME repeats */
	STEP_RAW,      /* NAME sends, with the lines below it */
	STEP_LOSE,     /* NAME lost */
	STEP_NOTHING,  /* nothing */
	STEP_PASS,     /* pass TIME */
	STEP_POLICY,   /* policy ACCOUNT KEY=VALUE */
	STEP_RESTART,  /* server restarts */
	STEP_STAPLES,  /* server wants-staples */
	STEP_SERVE,    /* NAME serves DOMAIN [at NAME] [but proves DOMAIN] */
	STEP_PROVE,    /* NAME proves DOMAIN */
	STEP_REFUSE,   /* NAME refuses [over TRANSPORT] */
};

enum { CLAUSES_MAX = 16, MESSAGES_MAX = 4 };

/* "with Name: value", "without Name". */
struct clause {
	bool absent;
	struct slice name, value;
};

/* What one message is, or should be. */
struct pattern {
	unsigned status;     /* of a response, else 0 */
	struct slice method; /* of the request, or of what the response answers; empty: not said */
	struct slice uri;    /* empty: not said */
	bool closed;         /* not a message: the end of the connection */
	bool no_credentials; /* "without credentials" */
	struct clause clauses[CLAUSES_MAX];
	size_t n_clauses;
};

struct step {
	unsigned line;
	enum step_kind kind;
	struct slice name;
	unsigned worker;                 /* CONNECT; from 0 */
	struct slice transport;          /* CONNECT and REFUSE; empty: not said */
	struct slice uri;                /* REGISTER; empty: not said */
	struct slice domain, proves, at; /* SERVE and PROVE; empty: not said */
	ms_t time;                       /* PASS */
	struct slice raw;                /* RAW: the lines, still indented; POLICY: the line */
	struct pattern messages[MESSAGES_MAX];
	size_t n_messages;
};

struct scenario {
	struct slice title;
	unsigned n_workers; /* the highest that is named, at least 1 */
	struct step *steps;
	size_t n_steps;
};

/* Everything points into text. False: ret_line is where it does not understand. */
bool scenario_parse(struct slice text, struct scenario *ret_scenario, unsigned *ret_line);
void scenario_fini(struct scenario *scenario);
