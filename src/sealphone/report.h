/*
 * The security report of a call: what this phone knows of how it is protected, what it was only told, and
 * what it does not know. It never calls a call secure of which it does not know that.
 */
#pragma once

#include "base/slice.h"
#include "base/writer.h"
#include "sdp/media.h"
#include "ua/ua.h"

enum { REPORT_LINES = 7, REPORT_LINE_MAX = 1200 };

struct security_report {
	size_t n;
	struct slice lines[REPORT_LINES]; /* sentences, escaped; they point into text */
	char text[REPORT_LINES * REPORT_LINE_MAX];

	/* the same for machines; they point into static text or the endpoint's flow */
	struct slice tls, cipher, verified, srtp, codec, beyond;
	struct slice dnssec; /* "secure", "unsigned"; empty: we were told where the server is */
};

void report_make(struct security_report *report, const struct ua *ua, const struct ua_call_view *call,
		 const struct sdp_media *media);
