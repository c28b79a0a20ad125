/* Two user agents, alice and bob of one domain, each with its certificate; what is between them is the test. */
#pragma once

#include "world.h"

#include "ua/credentials.h"
#include "ua/event.h"

struct pair {
	struct world alice, bob;
	unsigned asked; /* how often bob's certificates, or alice's, were asked for */
	bool is_asking; /* credentials_source.ask() will be answered later */
};

/* Registered, with certificates; each knows that of the other if they are acquainted. */
void pair_open(struct pair *pair, enum ua_smime alice, enum ua_smime bob, bool are_acquainted);
/* Who do not know each other, and alice has another name. */
void pair_open_strangers(struct pair *pair, const char *alice);
void pair_close(struct pair *pair);

/* The domain says to one which certificate the other has. */
void pair_acquaint(struct world *whom, const struct world *with, const char *aor);

/* What is changed on the way: each text once. */
struct edit {
	const char *from, *to; /* to: NULL ends the list as well */
};
/* The next message of one arrives at the other; edits may be NULL. Gives what was sent. */
const struct sip_message *pair_carry(struct world *from, struct world *to, const struct edit *edits);
/* The same text once more, in another transaction. */
void pair_repeat(const struct sip_message *message, struct world *to);

/* A message that no phone of ours writes; it arrives as the other one would have sent it. */
struct pair_letter {
	const char *start; /* the start line */
	const char *way;   /* the header lines that are not protected: Via and the like */
	const char *lines; /* the others, with what describes the body */
	struct slice body;
	bool is_open; /* nothing of it is protected */
};
void pair_seal(const struct world *from, struct world *to, const struct pair_letter *letter);
/* The same, changed on the way. */
void pair_seal_and_edit(const struct world *from, struct world *to, const struct pair_letter *letter,
			const struct edit *edits);
