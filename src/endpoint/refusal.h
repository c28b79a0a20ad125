/*
 * A refusal of a request, by whoever decides (the gate, the proxy, the registrar): the status of the response
 * and the verdict behind it, said once. The log and the Warning header (RFC 3261 §20.43) are rendered from it
 * alone, and the phone that gets the Warning shows the same words.
 *
 *	.status = 480, .code = "sips.not-allowed", .warn_code = WARN_SIPS_NOT_ALLOWED,
 *	.warning = "no phone of {found} is registered with a SIPS Contact", .section = "RFC 5630 §5.3",
 *	.remedy = "let the phone register under sips"
 */
#pragma once

#include <stdint.h>

#include "base/slice.h"
#include "base/verdict.h"
#include "base/writer.h"

/* RFC 3261 §20.43, RFC 5630 §9 */
enum { WARN_MISCELLANEOUS = 399, WARN_SIPS_NOT_ALLOWED = 380, WARN_SIPS_REQUIRED = 381 };

/*
 * The strings are literals as in struct verdict. The slices live as long as the refusal is used: they are texts of
 * the request, or of the caller.
 */
struct refusal {
	unsigned status;
	const char *reason; /* NULL: the standard phrase */
	const char
		*code; /* for machines: stable, "sips.not-allowed"; NULL only where the phrase says it all */
	unsigned warn_code;  /* 0: WARN_MISCELLANEOUS */
	const char *warning; /* what is wrong: one clause, or NULL; may have {peer}, {expected}, {found} */
	const char *section; /* "RFC 5630 §5.3", or NULL */
	const char *remedy;  /* what to do about it, or NULL */
	struct slice peer, expected, found;
	const struct verdict
		*verdict;     /* all that, from code to found, where it was said by somebody else; or NULL */
	uint32_t retry_after; /* seconds, 0: not said */
	struct slice headers; /* further header lines */
};

/* What is wrong is the warning, else the reason, else the standard phrase. */
void refusal_verdict(const struct refusal *refusal, struct verdict *ret_verdict);

/*
 * The header lines: Warning, Retry-After, and those of the refusal. agent: our name. The text of the Warning is the
 * verdict's advice and, in brackets at its end, its code: refusal_code_of() finds it there again.
 */
void put_refusal(struct writer *out, const struct refusal *refusal, struct slice agent);

/* The code at the end of a Warning's text; *ret_text is the text before it. Empty if there is none. */
struct slice refusal_code_of(struct slice warning, struct slice *ret_text);
