#include "sip/names.h"

#include <stdint.h>
#include <string.h>

#include "base/ascii.h"

/* clang-format off */
static const struct slice method_names[SIP_METHODS] = {
	[SIP_ACK]       = SLICE_INIT("ACK"),
	[SIP_BYE]       = SLICE_INIT("BYE"),
	[SIP_CANCEL]    = SLICE_INIT("CANCEL"),
	[SIP_INFO]      = SLICE_INIT("INFO"),
	[SIP_INVITE]    = SLICE_INIT("INVITE"),
	[SIP_MESSAGE]   = SLICE_INIT("MESSAGE"),
	[SIP_NOTIFY]    = SLICE_INIT("NOTIFY"),
	[SIP_OPTIONS]   = SLICE_INIT("OPTIONS"),
	[SIP_PRACK]     = SLICE_INIT("PRACK"),
	[SIP_PUBLISH]   = SLICE_INIT("PUBLISH"),
	[SIP_REFER]     = SLICE_INIT("REFER"),
	[SIP_REGISTER]  = SLICE_INIT("REGISTER"),
	[SIP_SUBSCRIBE] = SLICE_INIT("SUBSCRIBE"),
	[SIP_UPDATE]    = SLICE_INIT("UPDATE"),
};

/*
 * Where the number of each stands: a hash of its length and its first and third letter. That no two share a slot is
 * proven by the compiler, which refuses an element that is initialised twice.
 */
#define METHOD_SLOT(len, first, third) (((len) + (first) + 3 * (unsigned)(third)) % 32)

static const uint8_t method_slots[32] = {
	[METHOD_SLOT(3, 'A', 'K')] = SIP_ACK,
	[METHOD_SLOT(3, 'B', 'E')] = SIP_BYE,
	[METHOD_SLOT(6, 'C', 'N')] = SIP_CANCEL,
	[METHOD_SLOT(4, 'I', 'F')] = SIP_INFO,
	[METHOD_SLOT(6, 'I', 'V')] = SIP_INVITE,
	[METHOD_SLOT(7, 'M', 'S')] = SIP_MESSAGE,
	[METHOD_SLOT(6, 'N', 'T')] = SIP_NOTIFY,
	[METHOD_SLOT(7, 'O', 'T')] = SIP_OPTIONS,
	[METHOD_SLOT(5, 'P', 'A')] = SIP_PRACK,
	[METHOD_SLOT(7, 'P', 'B')] = SIP_PUBLISH,
	[METHOD_SLOT(5, 'R', 'F')] = SIP_REFER,
	[METHOD_SLOT(8, 'R', 'G')] = SIP_REGISTER,
	[METHOD_SLOT(9, 'S', 'B')] = SIP_SUBSCRIBE,
	[METHOD_SLOT(6, 'U', 'D')] = SIP_UPDATE,
};

static const struct slice header_names[SIP_HEADERS] = {
	[SIP_ACCEPT] = SLICE_INIT("Accept"),
	[SIP_ACCEPT_CONTACT] = SLICE_INIT("Accept-Contact"),
	[SIP_ACCEPT_ENCODING] = SLICE_INIT("Accept-Encoding"),
	[SIP_ACCEPT_LANGUAGE] = SLICE_INIT("Accept-Language"),
	[SIP_ALERT_INFO] = SLICE_INIT("Alert-Info"),
	[SIP_ALLOW] = SLICE_INIT("Allow"),
	[SIP_ALLOW_EVENTS] = SLICE_INIT("Allow-Events"),
	[SIP_AUTHENTICATION_INFO] = SLICE_INIT("Authentication-Info"),
	[SIP_AUTHORIZATION] = SLICE_INIT("Authorization"),
	[SIP_CALL_ID] = SLICE_INIT("Call-ID"),
	[SIP_CALL_INFO] = SLICE_INIT("Call-Info"),
	[SIP_CONTACT] = SLICE_INIT("Contact"),
	[SIP_CONTENT_DISPOSITION] = SLICE_INIT("Content-Disposition"),
	[SIP_CONTENT_ENCODING] = SLICE_INIT("Content-Encoding"),
	[SIP_CONTENT_LANGUAGE] = SLICE_INIT("Content-Language"),
	[SIP_CONTENT_LENGTH] = SLICE_INIT("Content-Length"),
	[SIP_CONTENT_TYPE] = SLICE_INIT("Content-Type"),
	[SIP_CSEQ] = SLICE_INIT("CSeq"),
	[SIP_DATE] = SLICE_INIT("Date"),
	[SIP_ERROR_INFO] = SLICE_INIT("Error-Info"),
	[SIP_EVENT] = SLICE_INIT("Event"),
	[SIP_EXPIRES] = SLICE_INIT("Expires"),
	[SIP_FLOW_TIMER] = SLICE_INIT("Flow-Timer"),
	[SIP_FROM] = SLICE_INIT("From"),
	[SIP_HISTORY_INFO] = SLICE_INIT("History-Info"),
	[SIP_IDENTITY] = SLICE_INIT("Identity"),
	[SIP_IDENTITY_INFO] = SLICE_INIT("Identity-Info"),
	[SIP_IN_REPLY_TO] = SLICE_INIT("In-Reply-To"),
	[SIP_MAX_BREADTH] = SLICE_INIT("Max-Breadth"),
	[SIP_MAX_FORWARDS] = SLICE_INIT("Max-Forwards"),
	[SIP_MIME_VERSION] = SLICE_INIT("MIME-Version"),
	[SIP_MIN_EXPIRES] = SLICE_INIT("Min-Expires"),
	[SIP_MIN_SE] = SLICE_INIT("Min-SE"),
	[SIP_ORGANIZATION] = SLICE_INIT("Organization"),
	[SIP_P_ASSERTED_IDENTITY] = SLICE_INIT("P-Asserted-Identity"),
	[SIP_P_PREFERRED_IDENTITY] = SLICE_INIT("P-Preferred-Identity"),
	[SIP_PATH] = SLICE_INIT("Path"),
	[SIP_PRIORITY] = SLICE_INIT("Priority"),
	[SIP_PRIVACY] = SLICE_INIT("Privacy"),
	[SIP_PROXY_AUTHENTICATE] = SLICE_INIT("Proxy-Authenticate"),
	[SIP_PROXY_AUTHENTICATION_INFO] = SLICE_INIT("Proxy-Authentication-Info"),
	[SIP_PROXY_AUTHORIZATION] = SLICE_INIT("Proxy-Authorization"),
	[SIP_PROXY_REQUIRE] = SLICE_INIT("Proxy-Require"),
	[SIP_RACK] = SLICE_INIT("RAck"),
	[SIP_REASON] = SLICE_INIT("Reason"),
	[SIP_RECORD_ROUTE] = SLICE_INIT("Record-Route"),
	[SIP_REFER_SUB] = SLICE_INIT("Refer-Sub"),
	[SIP_REFER_TO] = SLICE_INIT("Refer-To"),
	[SIP_REFERRED_BY] = SLICE_INIT("Referred-By"),
	[SIP_REJECT_CONTACT] = SLICE_INIT("Reject-Contact"),
	[SIP_REPLACES] = SLICE_INIT("Replaces"),
	[SIP_REPLY_TO] = SLICE_INIT("Reply-To"),
	[SIP_REQUEST_DISPOSITION] = SLICE_INIT("Request-Disposition"),
	[SIP_REQUIRE] = SLICE_INIT("Require"),
	[SIP_RETRY_AFTER] = SLICE_INIT("Retry-After"),
	[SIP_ROUTE] = SLICE_INIT("Route"),
	[SIP_RSEQ] = SLICE_INIT("RSeq"),
	[SIP_SECURITY_CLIENT] = SLICE_INIT("Security-Client"),
	[SIP_SECURITY_SERVER] = SLICE_INIT("Security-Server"),
	[SIP_SECURITY_VERIFY] = SLICE_INIT("Security-Verify"),
	[SIP_SERVER] = SLICE_INIT("Server"),
	[SIP_SERVICE_ROUTE] = SLICE_INIT("Service-Route"),
	[SIP_SESSION_EXPIRES] = SLICE_INIT("Session-Expires"),
	[SIP_ETAG] = SLICE_INIT("SIP-ETag"),
	[SIP_IF_MATCH] = SLICE_INIT("SIP-If-Match"),
	[SIP_SUBJECT] = SLICE_INIT("Subject"),
	[SIP_SUBSCRIPTION_STATE] = SLICE_INIT("Subscription-State"),
	[SIP_SUPPORTED] = SLICE_INIT("Supported"),
	[SIP_TIMESTAMP] = SLICE_INIT("Timestamp"),
	[SIP_TO] = SLICE_INIT("To"),
	[SIP_UNSUPPORTED] = SLICE_INIT("Unsupported"),
	[SIP_USER_AGENT] = SLICE_INIT("User-Agent"),
	[SIP_VIA] = SLICE_INIT("Via"),
	[SIP_WARNING] = SLICE_INIT("Warning"),
	[SIP_WWW_AUTHENTICATE] = SLICE_INIT("WWW-Authenticate"),
};

/*
 * Where the id of each name stands: a hash of its length and its first, middle and last letter in lower case. That no
 * two names share a slot is proven by the compiler, which refuses an element that is initialised twice.
 */
#define SLOT(len, first, middle, last) ((uint8_t)(6 * (len) + 76 * (first) + 139 * (middle) + (last)))

static const uint8_t header_slots[256] = {
	[SLOT(6, 'a', 'e', 't')] = SIP_ACCEPT,
	[SLOT(14, 'a', 'c', 't')] = SIP_ACCEPT_CONTACT,
	[SLOT(15, 'a', 'e', 'g')] = SIP_ACCEPT_ENCODING,
	[SLOT(15, 'a', 'l', 'e')] = SIP_ACCEPT_LANGUAGE,
	[SLOT(10, 'a', '-', 'o')] = SIP_ALERT_INFO,
	[SLOT(5, 'a', 'l', 'w')] = SIP_ALLOW,
	[SLOT(12, 'a', 'e', 's')] = SIP_ALLOW_EVENTS,
	[SLOT(19, 'a', 'a', 'o')] = SIP_AUTHENTICATION_INFO,
	[SLOT(13, 'a', 'i', 'n')] = SIP_AUTHORIZATION,
	[SLOT(7, 'c', 'l', 'd')] = SIP_CALL_ID,
	[SLOT(9, 'c', '-', 'o')] = SIP_CALL_INFO,
	[SLOT(7, 'c', 't', 't')] = SIP_CONTACT,
	[SLOT(19, 'c', 'i', 'n')] = SIP_CONTENT_DISPOSITION,
	[SLOT(16, 'c', 'e', 'g')] = SIP_CONTENT_ENCODING,
	[SLOT(16, 'c', 'l', 'e')] = SIP_CONTENT_LANGUAGE,
	[SLOT(14, 'c', '-', 'h')] = SIP_CONTENT_LENGTH,
	[SLOT(12, 'c', 't', 'e')] = SIP_CONTENT_TYPE,
	[SLOT(4, 'c', 'e', 'q')] = SIP_CSEQ,
	[SLOT(4, 'd', 't', 'e')] = SIP_DATE,
	[SLOT(10, 'e', '-', 'o')] = SIP_ERROR_INFO,
	[SLOT(5, 'e', 'e', 't')] = SIP_EVENT,
	[SLOT(7, 'e', 'i', 's')] = SIP_EXPIRES,
	[SLOT(10, 'f', 't', 'r')] = SIP_FLOW_TIMER,
	[SLOT(4, 'f', 'o', 'm')] = SIP_FROM,
	[SLOT(12, 'h', 'y', 'o')] = SIP_HISTORY_INFO,
	[SLOT(8, 'i', 't', 'y')] = SIP_IDENTITY,
	[SLOT(13, 'i', 't', 'o')] = SIP_IDENTITY_INFO,
	[SLOT(11, 'i', 'p', 'o')] = SIP_IN_REPLY_TO,
	[SLOT(11, 'm', 'r', 'h')] = SIP_MAX_BREADTH,
	[SLOT(12, 'm', 'r', 's')] = SIP_MAX_FORWARDS,
	[SLOT(12, 'm', 'e', 'n')] = SIP_MIME_VERSION,
	[SLOT(11, 'm', 'x', 's')] = SIP_MIN_EXPIRES,
	[SLOT(6, 'm', '-', 'e')] = SIP_MIN_SE,
	[SLOT(12, 'o', 'z', 'n')] = SIP_ORGANIZATION,
	[SLOT(19, 'p', 'd', 'y')] = SIP_P_ASSERTED_IDENTITY,
	[SLOT(20, 'p', 'd', 'y')] = SIP_P_PREFERRED_IDENTITY,
	[SLOT(4, 'p', 't', 'h')] = SIP_PATH,
	[SLOT(8, 'p', 'r', 'y')] = SIP_PRIORITY,
	[SLOT(7, 'p', 'v', 'y')] = SIP_PRIVACY,
	[SLOT(18, 'p', 'h', 'e')] = SIP_PROXY_AUTHENTICATE,
	[SLOT(25, 'p', 't', 'o')] = SIP_PROXY_AUTHENTICATION_INFO,
	[SLOT(19, 'p', 'h', 'n')] = SIP_PROXY_AUTHORIZATION,
	[SLOT(13, 'p', 'r', 'e')] = SIP_PROXY_REQUIRE,
	[SLOT(4, 'r', 'c', 'k')] = SIP_RACK,
	[SLOT(6, 'r', 's', 'n')] = SIP_REASON,
	[SLOT(12, 'r', '-', 'e')] = SIP_RECORD_ROUTE,
	[SLOT(9, 'r', 'r', 'b')] = SIP_REFER_SUB,
	[SLOT(8, 'r', 'r', 'o')] = SIP_REFER_TO,
	[SLOT(11, 'r', 'r', 'y')] = SIP_REFERRED_BY,
	[SLOT(14, 'r', 'c', 't')] = SIP_REJECT_CONTACT,
	[SLOT(8, 'r', 'a', 's')] = SIP_REPLACES,
	[SLOT(8, 'r', 'y', 'o')] = SIP_REPLY_TO,
	[SLOT(19, 'r', 'i', 'n')] = SIP_REQUEST_DISPOSITION,
	[SLOT(7, 'r', 'u', 'e')] = SIP_REQUIRE,
	[SLOT(11, 'r', '-', 'r')] = SIP_RETRY_AFTER,
	[SLOT(5, 'r', 'u', 'e')] = SIP_ROUTE,
	[SLOT(4, 'r', 'e', 'q')] = SIP_RSEQ,
	[SLOT(15, 's', 'y', 't')] = SIP_SECURITY_CLIENT,
	[SLOT(15, 's', 'y', 'r')] = SIP_SECURITY_SERVER,
	[SLOT(15, 's', 'y', 'y')] = SIP_SECURITY_VERIFY,
	[SLOT(6, 's', 'v', 'r')] = SIP_SERVER,
	[SLOT(13, 's', 'e', 'e')] = SIP_SERVICE_ROUTE,
	[SLOT(15, 's', '-', 's')] = SIP_SESSION_EXPIRES,
	[SLOT(8, 's', 'e', 'g')] = SIP_ETAG,
	[SLOT(12, 's', '-', 'h')] = SIP_IF_MATCH,
	[SLOT(7, 's', 'j', 't')] = SIP_SUBJECT,
	[SLOT(18, 's', 'i', 'e')] = SIP_SUBSCRIPTION_STATE,
	[SLOT(9, 's', 'o', 'd')] = SIP_SUPPORTED,
	[SLOT(9, 't', 's', 'p')] = SIP_TIMESTAMP,
	[SLOT(2, 't', 'o', 'o')] = SIP_TO,
	[SLOT(11, 'u', 'p', 'd')] = SIP_UNSUPPORTED,
	[SLOT(10, 'u', 'a', 't')] = SIP_USER_AGENT,
	[SLOT(3, 'v', 'i', 'a')] = SIP_VIA,
	[SLOT(7, 'w', 'n', 'g')] = SIP_WARNING,
	[SLOT(16, 'w', 'e', 'e')] = SIP_WWW_AUTHENTICATE,
};

/* RFC 3261 §7.3.3 and the RFCs that define the header fields. */
static const uint8_t compact_forms[26] = {
	['a' - 'a'] = SIP_ACCEPT_CONTACT,
	['b' - 'a'] = SIP_REFERRED_BY,
	['c' - 'a'] = SIP_CONTENT_TYPE,
	['d' - 'a'] = SIP_REQUEST_DISPOSITION,
	['e' - 'a'] = SIP_CONTENT_ENCODING,
	['f' - 'a'] = SIP_FROM,
	['i' - 'a'] = SIP_CALL_ID,
	['j' - 'a'] = SIP_REJECT_CONTACT,
	['k' - 'a'] = SIP_SUPPORTED,
	['l' - 'a'] = SIP_CONTENT_LENGTH,
	['m' - 'a'] = SIP_CONTACT,
	['n' - 'a'] = SIP_IDENTITY_INFO,
	['o' - 'a'] = SIP_EVENT,
	['r' - 'a'] = SIP_REFER_TO,
	['s' - 'a'] = SIP_SUBJECT,
	['t' - 'a'] = SIP_TO,
	['u' - 'a'] = SIP_ALLOW_EVENTS,
	['v' - 'a'] = SIP_VIA,
	['x' - 'a'] = SIP_SESSION_EXPIRES,
	['y' - 'a'] = SIP_IDENTITY,
};
/* clang-format on */

enum sip_method sip_method_of(struct slice token)
{
	enum sip_method method;

	if (token.len < 3)
		return SIP_METHOD_OTHER;
	method = method_slots[METHOD_SLOT(token.len, (unsigned char)token.ptr[0],
					  (unsigned char)token.ptr[2])];
	return slice_eq(method_names[method], token) ? method : SIP_METHOD_OTHER;
}

struct slice sip_method_name(enum sip_method method)
{
	return method_names[method];
}

enum sip_header_id sip_header_of(struct slice name)
{
	enum sip_header_id id;

	if (name.len < 2)
		return name.len > 0 && ascii_is_alpha(name.ptr[0])
			       ? compact_forms[ascii_fold(name.ptr[0]) - 'a']
			       : SIP_HEADER_OTHER;
	id = header_slots[SLOT(name.len, ascii_fold(name.ptr[0]), ascii_fold(name.ptr[name.len / 2]),
			       ascii_fold(name.ptr[name.len - 1]))];
	return slice_eq_nocase(header_names[id], name) ? id : SIP_HEADER_OTHER;
}

struct slice sip_header_name(enum sip_header_id id)
{
	return header_names[id];
}

/* RFC 3261 §21 and the IANA registry's other codes that this suite sends or passes on. */
static const struct {
	unsigned status;
	struct slice phrase;
} reasons[] = {
	{ 100, SLICE_INIT("Trying") },
	{ 180, SLICE_INIT("Ringing") },
	{ 181, SLICE_INIT("Call Is Being Forwarded") },
	{ 182, SLICE_INIT("Queued") },
	{ 183, SLICE_INIT("Session Progress") },
	{ 199, SLICE_INIT("Early Dialog Terminated") },
	{ 200, SLICE_INIT("OK") },
	{ 202, SLICE_INIT("Accepted") },
	{ 204, SLICE_INIT("No Notification") },
	{ 300, SLICE_INIT("Multiple Choices") },
	{ 301, SLICE_INIT("Moved Permanently") },
	{ 302, SLICE_INIT("Moved Temporarily") },
	{ 305, SLICE_INIT("Use Proxy") },
	{ 380, SLICE_INIT("Alternative Service") },
	{ 400, SLICE_INIT("Bad Request") },
	{ 401, SLICE_INIT("Unauthorized") },
	{ 402, SLICE_INIT("Payment Required") },
	{ 403, SLICE_INIT("Forbidden") },
	{ 404, SLICE_INIT("Not Found") },
	{ 405, SLICE_INIT("Method Not Allowed") },
	{ 406, SLICE_INIT("Not Acceptable") },
	{ 407, SLICE_INIT("Proxy Authentication Required") },
	{ 408, SLICE_INIT("Request Timeout") },
	{ 410, SLICE_INIT("Gone") },
	{ 412, SLICE_INIT("Conditional Request Failed") },
	{ 413, SLICE_INIT("Request Entity Too Large") },
	{ 414, SLICE_INIT("Request-URI Too Long") },
	{ 415, SLICE_INIT("Unsupported Media Type") },
	{ 416, SLICE_INIT("Unsupported URI Scheme") },
	{ 420, SLICE_INIT("Bad Extension") },
	{ 421, SLICE_INIT("Extension Required") },
	{ 422, SLICE_INIT("Session Interval Too Small") },
	{ 423, SLICE_INIT("Interval Too Brief") },
	{ 428, SLICE_INIT("Use Identity Header") },
	{ 429, SLICE_INIT("Provide Referrer Identity") },
	{ 430, SLICE_INIT("Flow Failed") },
	{ 433, SLICE_INIT("Anonymity Disallowed") },
	{ 439, SLICE_INIT("First Hop Lacks Outbound Support") },
	{ 440, SLICE_INIT("Max-Breadth Exceeded") },
	{ 469, SLICE_INIT("Bad Info Package") },
	{ 470, SLICE_INIT("Consent Needed") },
	{ 480, SLICE_INIT("Temporarily Unavailable") },
	{ 481, SLICE_INIT("Call/Transaction Does Not Exist") },
	{ 482, SLICE_INIT("Loop Detected") },
	{ 483, SLICE_INIT("Too Many Hops") },
	{ 484, SLICE_INIT("Address Incomplete") },
	{ 485, SLICE_INIT("Ambiguous") },
	{ 486, SLICE_INIT("Busy Here") },
	{ 487, SLICE_INIT("Request Terminated") },
	{ 488, SLICE_INIT("Not Acceptable Here") },
	{ 489, SLICE_INIT("Bad Event") },
	{ 491, SLICE_INIT("Request Pending") },
	{ 493, SLICE_INIT("Undecipherable") },
	{ 494, SLICE_INIT("Security Agreement Required") },
	{ 500, SLICE_INIT("Server Internal Error") },
	{ 501, SLICE_INIT("Not Implemented") },
	{ 502, SLICE_INIT("Bad Gateway") },
	{ 503, SLICE_INIT("Service Unavailable") },
	{ 504, SLICE_INIT("Server Time-out") },
	{ 505, SLICE_INIT("Version Not Supported") },
	{ 513, SLICE_INIT("Message Too Large") },
	{ 580, SLICE_INIT("Precondition Failure") },
	{ 600, SLICE_INIT("Busy Everywhere") },
	{ 603, SLICE_INIT("Decline") },
	{ 604, SLICE_INIT("Does Not Exist Anywhere") },
	{ 606, SLICE_INIT("Not Acceptable") },
};

struct slice sip_reason_phrase(unsigned status)
{
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
		if (reasons[i].status == status)
			return reasons[i].phrase;
	return status % 100 ? sip_reason_phrase(status / 100 * 100) : slice_from(NULL, 0);
}
