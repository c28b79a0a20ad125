/* The Date header field's format (RFC 3261 §20.17): "Sat, 13 Nov 2010 23:29:00 GMT". */
#pragma once

#include "base/time.h"
#include "base/writer.h"

/* From 1970 on; what lies before is written as the first moment of 1970. */
void put_date(struct writer *out, utc_t when);
