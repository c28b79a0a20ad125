/*
 * Why something was refused: said once, in full, where it was decided, and then shown the same way by the
 * log, the Warning header, the tools and the phone.
 *
 * The struct holds copies, belongs to whoever declared it and may be copied. code, what, section and remedy
 * are string literals without double quotes and backslashes; what and remedy may contain {peer}, {expected}
 * and {found}, which the put_ functions replace by the texts, escaped, since they may come from a peer:
 *
 *	.what = "the certificate names {found}, the call was for {expected}", .section = "RFC 5922 §7.2"
 */
#pragma once

#include <stdint.h>

#include "base/slice.h"
#include "base/writer.h"

#define VERDICT_TEXT_MAX 250

struct verdict_text {
	uint8_t len;
	char bytes[VERDICT_TEXT_MAX];
};

struct verdict {
	const char *code;    /* stable, for machines: "tls.name-mismatch" */
	const char *what;    /* one clause for people, without capital and full stop */
	const char *section; /* "RFC 5922 §7.2", or NULL */
	const char *remedy;  /* what to do about it, or NULL */
	struct verdict_text peer, expected, found;
};

/* Copies the text; what is too long ends in "...". */
void verdict_text_set(struct verdict_text *to, struct slice text);

static inline struct slice verdict_text(const struct verdict_text *text)
{
	return slice_from(text->bytes, text->len);
}

/* "the certificate names pbx.b.example, the call was for b.example (RFC 5922 §7.2)" */
void put_verdict(struct writer *out, const struct verdict *verdict);
/* "ask the administrator of b.example for a certificate with that name"; nothing if there is no remedy */
void put_verdict_remedy(struct writer *out, const struct verdict *verdict);
/* Both of them for people, with a semicolon between: for a Warning, a phone, a terminal. */
void put_verdict_advice(struct writer *out, const struct verdict *verdict);
/*
 * For the log, which makes JSON of it where that is wanted: ` code=tls.name-mismatch why="…" section="…"
 * peer="…" expected="…" found="…" remedy="…"`, without what is not there.
 */
void put_verdict_fields(struct writer *out, const struct verdict *verdict);
