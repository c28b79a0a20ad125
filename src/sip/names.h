/* The names of methods and header fields that the code knows by number. Others are carried through by their text. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

/* RFC 3261 §7.1 and the RFCs named. SIP_METHOD_OTHER is any other token. Methods are case-sensitive. */
enum sip_method {
	SIP_METHOD_OTHER,
	SIP_ACK,
	SIP_BYE,
	SIP_CANCEL,
	SIP_INFO, /* RFC 6086 */
	SIP_INVITE,
	SIP_MESSAGE, /* RFC 3428 */
	SIP_NOTIFY,  /* RFC 6665 */
	SIP_OPTIONS,
	SIP_PRACK,   /* RFC 3262 */
	SIP_PUBLISH, /* RFC 3903 */
	SIP_REFER,   /* RFC 3515 */
	SIP_REGISTER,
	SIP_SUBSCRIBE, /* RFC 6665 */
	SIP_UPDATE,    /* RFC 3311 */
	SIP_METHODS,
};

enum sip_method sip_method_of(struct slice token);
struct slice sip_method_name(enum sip_method method); /* SIP_METHOD_OTHER: empty */

/*
 * Header fields, in the order of their names. Compact forms (RFC 3261 §7.3.3) map to the same number. Names are
 * compared without regard to case. SIP_HEADER_OTHER is any other token.
 */
enum sip_header_id {
	SIP_HEADER_OTHER,
	SIP_ACCEPT,
	SIP_ACCEPT_CONTACT,
	SIP_ACCEPT_ENCODING,
	SIP_ACCEPT_LANGUAGE,
	SIP_ALERT_INFO,
	SIP_ALLOW,
	SIP_ALLOW_EVENTS,
	SIP_AUTHENTICATION_INFO,
	SIP_AUTHORIZATION,
	SIP_CALL_ID,
	SIP_CALL_INFO,
	SIP_CONTACT,
	SIP_CONTENT_DISPOSITION,
	SIP_CONTENT_ENCODING,
	SIP_CONTENT_LANGUAGE,
	SIP_CONTENT_LENGTH,
	SIP_CONTENT_TYPE,
	SIP_CSEQ,
	SIP_DATE,
	SIP_ERROR_INFO,
	SIP_EVENT,
	SIP_EXPIRES,
	SIP_FLOW_TIMER,
	SIP_FROM,
	SIP_HISTORY_INFO,
	SIP_IDENTITY,
	SIP_IDENTITY_INFO,
	SIP_IN_REPLY_TO,
	SIP_MAX_BREADTH,
	SIP_MAX_FORWARDS,
	SIP_MIME_VERSION,
	SIP_MIN_EXPIRES,
	SIP_MIN_SE,
	SIP_ORGANIZATION,
	SIP_P_ASSERTED_IDENTITY,
	SIP_P_PREFERRED_IDENTITY,
	SIP_PATH,
	SIP_PRIORITY,
	SIP_PRIVACY,
	SIP_PROXY_AUTHENTICATE,
	SIP_PROXY_AUTHENTICATION_INFO,
	SIP_PROXY_AUTHORIZATION,
	SIP_PROXY_REQUIRE,
	SIP_RACK,
	SIP_REASON,
	SIP_RECORD_ROUTE,
	SIP_REFER_SUB,
	SIP_REFER_TO,
	SIP_REFERRED_BY,
	SIP_REJECT_CONTACT,
	SIP_REPLACES,
	SIP_REPLY_TO,
	SIP_REQUEST_DISPOSITION,
	SIP_REQUIRE,
	SIP_RETRY_AFTER,
	SIP_ROUTE,
	SIP_RSEQ,
	SIP_SECURITY_CLIENT,
	SIP_SECURITY_SERVER,
	SIP_SECURITY_VERIFY,
	SIP_SERVER,
	SIP_SERVICE_ROUTE,
	SIP_SESSION_EXPIRES,
	SIP_ETAG,
	SIP_IF_MATCH,
	SIP_SUBJECT,
	SIP_SUBSCRIPTION_STATE,
	SIP_SUPPORTED,
	SIP_TIMESTAMP,
	SIP_TO,
	SIP_UNSUPPORTED,
	SIP_USER_AGENT,
	SIP_VIA,
	SIP_WARNING,
	SIP_WWW_AUTHENTICATE,
	SIP_HEADERS,
};

enum sip_header_id sip_header_of(struct slice name);
struct slice sip_header_name(enum sip_header_id id); /* the full form as the RFC prints it */

/* The reason phrase that the RFC prints for a status code, or that of its class (x00). */
struct slice sip_reason_phrase(unsigned status);
