/*
 * What our user wants of S/MIME for some of his contacts, where it is something else than for all: said for this run, or remembered for
 * ever. A contact is an AOR, "user@domain" as put_aor() writes it.
 *
 * Belongs to the user agent; one thread.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/own.h"
#include "base/slice.h"
#include "ua/protection.h"

struct contacts;

enum { CONTACTS_MAX = 1000, CONTACTS_AOR_MAX = 512 /* bytes */ };

struct contact_policy {
	enum ua_smime smime;
	bool cbc; /* encrypt with AES-128-CBC, for a phone that reads nothing better; the signature inside notices alterations */
};

/* NULL without memory. */
MUST_CHECK struct contacts *contacts_new(void);
void contacts_free(struct contacts *contacts);
OWN(contacts)

/* For this run: it counts before what is remembered, and is not remembered. ERR_LIMIT, ERR_NOMEM. */
MUST_CHECK enum err contacts_say(struct contacts *contacts, struct slice aor, struct contact_policy policy);
/* From now on, until it is something else. ERR_LIMIT, ERR_NOMEM. */
MUST_CHECK enum err contacts_set(struct contacts *contacts, struct slice aor, struct contact_policy policy);
/* What is remembered is forgotten. ERR_NOT_FOUND. */
MUST_CHECK enum err contacts_unset(struct contacts *contacts, struct slice aor);
/* The same for all of them. */
void contacts_unset_all(struct contacts *contacts);

/* What counts; false if nothing differs. */
bool contacts_find(const struct contacts *contacts, struct slice aor, struct contact_policy *ret_policy);
/* Calls each for what is remembered; it changes nothing. */
void contacts_each(const struct contacts *contacts,
		   void (*each)(void *arg, struct slice aor, struct contact_policy policy), void *arg);

/* "off", "prefer", "require", "prefer+cbc", "require+cbc": as our user says it. */
const char *contact_policy_word(struct contact_policy policy);
MUST_CHECK bool contact_policy_parse(struct slice word, struct contact_policy *ret_policy);
