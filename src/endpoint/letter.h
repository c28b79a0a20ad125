/*
 * What one worker's endpoint has another one do. A letter is owned by whoever holds it; posting hands it
 * over. Made and read below the I/O line, carried by transport's mailboxes.
 */
#pragma once

#include "base/list.h"
#include "base/own.h"
#include "base/slice.h"
#include "endpoint/flow.h"
#include "sip/message.h"

enum letter_kind {
	LETTER_SEND,         /* queue these bytes on your flow, if it meets the requirement */
	LETTER_RESPONSE,     /* a response came here whose branch is yours */
	LETTER_FLOW_LOST,    /* the flow is gone, or a SEND on it was refused: fail what waits on it */
	LETTER_DROP_ACCOUNT, /* close every flow on which this account is proven */
	LETTER_STRAY,        /* a CANCEL or ACK whose INVITE may be yours; goes from worker to worker */
};

struct letter {
	struct link link; /* in a mailbox, or on the way to it */
	enum letter_kind kind;
	unsigned from, to; /* workers */
	flow_id flow;
	struct requirement require; /* SEND; its domain points into this allocation */
	account_id account;
	struct sip_message *message; /* RESPONSE, STRAY; owned */
	struct address peer;         /* STRAY: who sent it */
	bool refused;                /* FLOW_LOST: the requirement was not met */
	struct slice text; /* SEND: the bytes. STRAY: the accounts proven on its flow. In this allocation */
	struct slice transaction; /* SEND: the client transaction that begins with it, or empty.
					FLOW_LOST: the only one to fail; empty: all.
					STRAY: the domain proven on its flow, or empty */
};

/*
 * A letter with these facts: texts are copied into its allocation, the message is taken over. NULL without
 * memory; the message then is still the caller's.
 */
MUST_CHECK struct letter *letter_new(const struct letter *facts);
void letter_free(struct letter *letter);
OWN(letter)
