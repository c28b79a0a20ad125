/*
 * What the phone asks the DNS when it was not told where its server is: by libunbound (resolver.c). One that is built without
 * (-Dresolver=false) has resolver_none.c, and has to be told.
 */
#pragma once

#include "sealphone/phone.h"

/* Makes phone->dns, unless --server says where to go. EXIT_OK, or a code with a message printed. */
enum exit_code resolver_open(struct phone *phone);
void resolver_close(struct phone *phone);
/* For transport_services.resolve, with the phone as self. */
enum err resolver_ask(void *self, uint64_t question, const struct dns_question *resolve);
/* Hands over what was answered; true if there was something. */
bool resolver_take_answers(struct phone *phone, struct now now);
