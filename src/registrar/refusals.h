/* What the registrar refuses, in words. Private to the room. */
#pragma once

#include "endpoint/refusal.h"

enum refused {
	REFUSED_EXTENSION,
	REFUSED_PATH_SUPPORT,
	REFUSED_PATH,
	REFUSED_PATH_SIZE,
	REFUSED_STAR,
	REFUSED_STAR_EXPIRES,
	REFUSED_BRIEF,
	REFUSED_SIPS_URI,
	REFUSED_SIPS_MIXED,
	REFUSED_SIPS_CLEAR,
	REFUSED_SIP_CONTACT,
	REFUSED_FIRST_HOP,
	REFUSED_REG_ID,
	REFUSED_ORDER,
	REFUSED_SCHEME,
	REFUSED_CONTACT,
	REFUSED_TOO_MANY,
	REFUSED_FULL,
};

extern const struct refusal registrar_refusals[];
