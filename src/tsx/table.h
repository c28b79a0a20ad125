/* What the tables of the machines are made of; only for the files of this room. */
#pragma once

#include "tsx/tsx.h"

/* Written as { next, actions, starts, stops }. */
struct tsx_rule {
	enum tsx_state next; /* TSX_NONE: the event is ignored */
	unsigned actions;    /* enum tsx_action */
	unsigned starts;     /* TIMER() bits of the timers that start */
	unsigned stops;      /* those that stop although the state has a cell for them */
};

#define TIMER(letter) (1U << TSX_TIMER_##letter)

/*
 * When a state is entered, a timer for which it has no cell stops; one for which it has a cell goes on. A
 * timer that starts with zero fires at once.
 */
extern const struct tsx_rule tsx_invite_client_table[TSX_STATES][TSX_EVENTS];
extern const struct tsx_rule tsx_client_table[TSX_STATES][TSX_EVENTS];
extern const struct tsx_rule tsx_invite_server_table[TSX_STATES][TSX_EVENTS];
extern const struct tsx_rule tsx_server_table[TSX_STATES][TSX_EVENTS];
