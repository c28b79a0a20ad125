/*
 * Internationalised domain names (RFC 5890, RFC 5891; UTS #46 without transition), at the edge where people type and read:
 * what they type becomes A-labels (xn--bcher-kva.example) here, once, and nothing below knows of anything else. Messages,
 * certificates and comparisons have A-labels alone (RFC 5922 §7.2), and the grammar of SIP refuses the rest.
 *
 * These functions hold nothing and need no locale: the text is UTF-8.
 */
#pragma once

#include <stdbool.h>

#include "base/slice.h"
#include "base/writer.h"

/*
 * Writes the domain in the text with A-labels, and what is around it as it is: of "bücher.example", "alice@bücher.example",
 * "sips:alice@bücher.example:5061;method=INVITE". The domain begins behind the first @, else behind sip: or sips:, and ends
 * before a colon, semicolon or question mark. A text in ASCII is left as it is, but for A-labels, which have to be ones. Whether
 * the result is a name at all, or a URI, is the business of whoever asked.
 *
 * False: it cannot be one, or is too long, or there is no memory; why then has a clause for people.
 */
bool put_ascii_domain(struct writer *out, struct slice text, struct writer *why);

/*
 * Writes " (bücher.example)" for "sips:alice@xn--bcher-kva.example": what people may be shown behind a text with such a domain, never in its
 * place. Nothing for a domain in ASCII, and nothing where the letters could be taken for others: scripts are mixed in a
 * label; or it is Greek or Cyrillic and not the whole name is; or a script that is not one of the few in idn.c.
 */
void put_unicode_beside(struct writer *out, struct slice text);
