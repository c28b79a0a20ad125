/*
 * What our own Record-Route says of a dialog, and later proves (RFC 3261 §16.6 step 4, RFC 5626 §5.2):
 * between whom it is, over which flows, and whether under SIPS. The text is base64url(version | claims |
 * keyed check). The check takes in the Call-ID and the two identities, so that a token is good in the dialog
 * that it was written for and nowhere else, and each party can speak in it only under the name that it began
 * with.
 */
#pragma once

#include <stdbool.h>

#include "base/slice.h"
#include "base/writer.h"
#include "crypto/digest.h"
#include "endpoint/flow.h"
#include "endpoint/policy.h"

enum { TOKEN_LENGTH = 67, PATH_TOKEN_LENGTH = 55 };

/* a sent the request that began the dialog, b was sent it. */
struct token {
	flow_id flow_a, flow_b;
	account_id account_a, account_b;
	bool sips;  /* every hop must be TLS with the account proven */
	bool tls_b; /* a sip dialog, and b has a SIPS Contact: b is reached over TLS only (RFC 5630 §5.3) */
	enum protection least; /* what the policies of a and b asked for when it began */
};

/* What of the dialog is not in the text, but under the check. */
struct token_dialog {
	struct slice call_id;
	struct slice name_a, name_b; /* the AORs of From and To, as a wrote them */
};

/* Writes TOKEN_LENGTH characters that may stand as the user part of a URI. False if the library fails. */
MUST_CHECK bool put_token(struct writer *out, struct mac *mac, const struct token *token,
			  const struct token_dialog *dialog);
/* False for what is not one of ours for that dialog. */
bool token_parse(struct mac *mac, struct slice text, const struct token_dialog *dialog,
		 struct token *ret_token);

/*
 * What our Path says of a phone that registers with another domain's server through us (RFC 5626 §5.1): base64url(version | claims |
 * keyed check), good until the flow is gone, for whoever proves to be home.
 */
struct path_token {
	flow_id flow;
	account_id phone, home; /* edge_is_phone(), core_domain_party() */
};

/* Writes PATH_TOKEN_LENGTH characters. False if the library fails. */
MUST_CHECK bool put_path_token(struct writer *out, struct mac *mac, const struct path_token *token);
/* False for what is not one of ours. */
bool path_token_parse(struct mac *mac, struct slice text, struct path_token *ret_token);
