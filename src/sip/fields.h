/*
 * The values of header fields that are small enough to need no file of their own. Each function takes a whole value as
 * it stands in sip_header.value and fails, writing nothing, when that is not what the grammar says; numbers that do not
 * fit count as malformed. Slices point into the value; parameters given twice are an error.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/writer.h"
#include "sip/message.h"
#include "sip/names.h"

/* delta-seconds, up to 2^32-1: Expires, Min-Expires, Flow-Timer, and the expires parameter of a Contact. */
bool sip_delta_parse(struct slice value, uint32_t *ret_seconds);

/* qvalue, in thousandths: "0.7" is 700. */
bool sip_q_parse(struct slice value, uint16_t *ret_thousandths);

/* Retry-After = delta-seconds [ comment ] *( SEMI retry-param ) */
bool sip_retry_after_parse(struct slice value, uint32_t *ret_seconds);

/* Content-Type (RFC 3261 §20.15) */
struct sip_media_type {
	struct slice type, subtype;
	struct slice params; /* with the leading semicolon, or empty */
};
bool sip_media_type_parse(struct slice value, struct sip_media_type *ret_type);
/* Whether it is type "/" subtype, case ignored, with whatever parameters. */
bool sip_media_type_is(const struct sip_media_type *media_type, struct slice type, struct slice subtype);

/* Whether the body need not be understood (RFC 3261 §8.2.3): there is none, or its handling is said to be optional. */
bool sip_body_is_optional(const struct sip_message *message);
/* What goes with a 415 of somebody who understands no body at all: an empty Accept, and Accept-Encoding where it matters. */
void put_nothing_accepted(struct writer *out, const struct sip_message *message);

/* Event (RFC 6665 §8.4) */
struct sip_event {
	struct slice package; /* template packages included: "presence.winfo" */
	struct slice id;      /* absent if there is none */
};
bool sip_event_parse(struct slice value, struct sip_event *ret_event);

/* Subscription-State (RFC 6665 §8.4) */
struct sip_subscription_state {
	struct slice state;  /* "active", "pending", "terminated" or another token */
	struct slice reason; /* absent if there is none */
	bool has_expires;
	uint32_t expires;
};
bool sip_subscription_state_parse(struct slice value, struct sip_subscription_state *ret_state);

/* RSeq (RFC 3262 §7.1): 1 to 2^32-1 */
bool sip_rseq_parse(struct slice value, uint32_t *ret_rseq);

/* RAck (RFC 3262 §7.2) */
struct sip_rack {
	uint32_t rseq;
	struct sip_cseq cseq;
};
bool sip_rack_parse(struct slice value, struct sip_rack *ret_rack);

/* Session-Expires and Min-SE (RFC 4028 §4, §5) */
enum sip_refresher { SIP_REFRESHER_NONE, SIP_REFRESHER_UAC, SIP_REFRESHER_UAS };
struct sip_session_expires {
	uint32_t seconds;
	enum sip_refresher refresher; /* NONE: not said */
};
bool sip_session_expires_parse(struct slice value, struct sip_session_expires *ret_expires);

/* Refer-Sub (RFC 4488 §4): whether a REFER is to make a subscription */
bool sip_refer_sub_parse(struct slice value, bool *ret_wanted);

/* Replaces (RFC 3891 §6.1) */
struct sip_replaces {
	struct slice call_id, to_tag, from_tag;
	bool early_only;
};
bool sip_replaces_parse(struct slice value, struct sip_replaces *ret_replaces);

/* callid = word [ "@" word ]; and CSeq = 1*DIGIT LWS Method, below 2^31. Of a message both are decoded already. */
bool sip_call_id_scan(struct scan *in, struct slice *ret_call_id);
bool sip_cseq_scan(struct scan *in, struct sip_cseq *ret_cseq);
