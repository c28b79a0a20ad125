/* The Date header field's format, SIP-date (RFC 3261 §20.17, §25.1): "Sat, 13 Nov 2010 23:29:00 GMT". */
#pragma once

#include <stdbool.h>

#include "base/time.h"
#include "base/writer.h"

enum { SIP_DATE_SIZE = 29 };

/* From 1970 on; what lies before is written as the first moment of 1970. */
void put_date(struct writer *out, utc_t when);

/* The day alone: "2010-11-13" (full-date of RFC 3339 §5.6), of the moment with which it begins. */
void put_day(struct writer *out, utc_t when);
bool sip_day_parse(struct slice value, utc_t *ret_when);

/* A whole value. False for what is not written so, for a day that its month does not have, and before 1970. */
bool sip_date_parse(struct slice value, utc_t *ret_when);
