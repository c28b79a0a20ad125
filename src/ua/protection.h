/* How something was protected from end to end, or why it was not (RFC 3261 §23, RFC 8591): part of what the user agent tells. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "base/verdict.h"

enum ua_smime {
	UA_SMIME_OFF,     /* nothing is protected, and nobody is asked for certificates */
	UA_SMIME_PREFER,  /* what can be protected is; the rest goes as it always did, and that is said */
	UA_SMIME_REQUIRE, /* nothing leaves and nothing is shown that is not protected */
};

enum { UA_NOTES_MAX = 700, UA_KEY_SIZE = 32 };

/* Of what came: what was found. Of what left: how it left. Holds copies, may be copied. */
struct ua_protection {
	bool is_encrypted; /* to us, or to the other side */
	bool is_signed;    /* with a signature that fits */
	bool is_believed;  /* whose certificate is that of the signer, for the reason in trust */
	bool is_whole;     /* and the header fields are in it */
	bool is_broken;    /* it came protected, and cannot be opened or is not what was protected: verdict */
	bool is_weak;      /* a cipher that does not notice alterations (CBC); the signature has to */

	const char *cipher;             /* "AES-128-GCM"; static, or NULL */
	const char *algorithm;          /* of the signature: "ECDSA with SHA-256"; static, or NULL */
	const char *trust;              /* see struct credentials; static, or NULL */
	struct verdict_text signer;     /* the AOR */
	unsigned char key[UA_KEY_SIZE]; /* what the signer's key is known by; good if is_signed */
	utc_t signed_at;                /* 0: not said */
	unsigned n_recipients;          /* sent: so many certificates of the other side */

	bool has_verdict; /* why it is not protected, not believed or not to be opened */
	struct verdict verdict;

	uint16_t notes_len; /* sentences, one a line: what was changed on the way */
	char notes[UA_NOTES_MAX];
};

/* Signed by who is believed to be the signer, encrypted, header fields and all. */
static inline bool ua_protection_is_good(const struct ua_protection *protection)
{
	return protection->is_encrypted && protection->is_signed && protection->is_believed &&
	       protection->is_whole && !protection->is_broken;
}

static inline struct slice ua_protection_notes(const struct ua_protection *protection)
{
	return slice_from(protection->notes, protection->notes_len);
}
