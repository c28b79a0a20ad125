/* What of a file may be shown to others than the signing process. Private to the room. */
#pragma once

#include "base/slice.h"
#include "base/writer.h"

/* Writes the certificates and the lists of revoked ones in a text of PEM, and nothing else that is in it. */
void put_public(struct writer *out, struct slice text);
