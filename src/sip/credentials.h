/*
 * The grammar of WWW-Authenticate, Proxy-Authenticate (challenge), Authorization, Proxy-Authorization
 * (credentials) and Authentication-Info (RFC 3261 §25.1, RFC 7616 §3.3-3.5, RFC 8760). What they mean is
 * decided in auth/. Values are given without their quotes, escapes still in; a parameter given twice is a
 * syntax error.
 */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

struct sip_challenge {
	struct slice scheme; /* "Digest"; for another one nothing below is set */
	struct slice realm, domain, nonce, opaque, algorithm, qop, charset,
		userhash; /* absent where not given */
	bool stale;
};

struct sip_credentials {
	struct slice scheme;
	struct slice username, realm, nonce, uri, response, algorithm, cnonce, opaque, qop, nc, userhash;
};

struct sip_auth_info {
	struct slice nextnonce, qop, rspauth, cnonce, nc;
};

bool sip_challenge_parse(struct slice value, struct sip_challenge *ret_challenge);
bool sip_credentials_parse(struct slice value, struct sip_credentials *ret_credentials);
bool sip_auth_info_parse(struct slice value, struct sip_auth_info *ret_info);
