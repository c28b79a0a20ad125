/*
 * Our own certificate (RFC 6072 §7, PUBLISH by RFC 3903): asked for with the key that the program has given, once we are
 * registered; told by the NOTIFY of our own AOR; renewed when two thirds of its life are over. It is the domain that decides,
 * and a refusal is told and stops nothing else.
 */
#pragma once

#include "ua/state.h"

/* Registered, or a key was given. */
void enrolment_begin(struct ua *ua, struct now now);
/* Our domain has said which certificates we have. */
void enrolment_told(struct ua *ua, struct now now);
/* It is time to renew, or to try again. */
void enrolment_due(struct ua *ua, struct now now);
