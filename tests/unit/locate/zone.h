/* DNS messages for tests, made from zones that are written as text. */
#pragma once

#include "base/dns.h"
#include "base/writer.h"

/*
 * Writes the response to the question from a zone of lines "OWNER TYPE DATA", where DATA is "192.0.2.1", "2001:db8::1",
 * "PRIORITY WEIGHT PORT TARGET", "USAGE SELECTOR TYPE TEXT" (TLSA, the text as data), "ORDER PREFERENCE FLAGS SERVICES REGEXP REPLACEMENT" with "-" for nothing, or the name of a
 * CNAME; "." is the root. Records of the owner and of those to which its aliases lead are in it.
 */
void put_response(struct writer *out, const char *zone, const struct dns_question *question);

/* A name in the form of the wire, without compression. */
void put_wire_name(struct writer *out, struct slice name);
void put_16(struct writer *out, uint16_t number);
