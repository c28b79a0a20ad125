#include "ws/upgrade.h"

#include "base/scan.h"
#include "crypto/digest.h"

enum { KEY_SIZE = 16 };

/* -- parsing --------------------------------------------------------------------------------------------- */

enum field { FIELD_HOST, FIELD_KEY, FIELD_VERSION, FIELD_ORIGIN, FIELD_LENGTH, FIELD_ENCODING, FIELDS };

/* Each may be given once. */
static const struct slice field_names[FIELDS] = {
	[FIELD_HOST] = SLICE_INIT("Host"),
	[FIELD_KEY] = SLICE_INIT("Sec-WebSocket-Key"),
	[FIELD_VERSION] = SLICE_INIT("Sec-WebSocket-Version"),
	[FIELD_ORIGIN] = SLICE_INIT("Origin"),
	[FIELD_LENGTH] = SLICE_INIT("Content-Length"),
	[FIELD_ENCODING] = SLICE_INIT("Transfer-Encoding"),
};

struct request {
	struct slice method, path, version;
	struct slice fields[FIELDS];                   /* absent: not given */
	bool asks_websocket, asks_upgrade, offers_sip; /* by the header fields that are lists */
};

static bool has_token(struct slice list, struct slice token)
{
	while (list.len > 0) {
		size_t comma = slice_find(list, ',');

		if (slice_eq_nocase(slice_trim(slice_sub(list, 0, comma)), token))
			return true;
		list = slice_sub(list, comma + 1, list.len);
	}
	return false;
}

/* method SP request-target SP HTTP-version (RFC 9112 §3) */
static bool parse_start(struct slice line, struct request *request)
{
	struct scan in = scan_of(line);

	if (!scan_until(&in, ' ', &request->method) || !scan_char(&in, ' ') ||
	    !scan_until(&in, ' ', &request->path) || !scan_char(&in, ' '))
		return false;
	request->version = scan_rest(&in);
	return request->method.len > 0 && request->path.len > 0 &&
	       slice_starts(request->version, SLICE("HTTP/")) &&
	       slice_find(request->version, ' ') == request->version.len;
}

/* False for a field that is given twice. */
static bool keep_field(struct request *request, struct slice name, struct slice value)
{
	for (size_t i = 0; i < FIELDS; i++) {
		if (!slice_eq_nocase(name, field_names[i]))
			continue;
		if (request->fields[i].ptr)
			return false;
		request->fields[i] = value;
	}
	return true;
}

/* field-name ":" OWS field-value OWS (RFC 9112 §5); no blank before the colon, no folding. */
static bool parse_field(struct slice line, struct request *request)
{
	size_t colon = slice_find(line, ':');
	struct slice name = slice_sub(line, 0, colon);
	struct slice value = slice_trim(slice_sub(line, colon + 1, line.len));

	if (colon == line.len || colon == 0 || slice_find(name, ' ') < name.len ||
	    slice_find(name, '\t') < name.len)
		return false;
	if (slice_eq_nocase(name, SLICE("Upgrade")))
		request->asks_websocket |= has_token(value, SLICE("websocket"));
	else if (slice_eq_nocase(name, SLICE("Connection")))
		request->asks_upgrade |= has_token(value, SLICE("Upgrade"));
	else if (slice_eq_nocase(name, SLICE("Sec-WebSocket-Protocol")))
		request->offers_sip |= has_token(value, SLICE("sip"));
	return keep_field(request, name, value);
}

/* The header area without its empty line. */
static bool parse_request(struct slice area, struct request *request)
{
	for (bool is_first = true; area.len > 0; is_first = false) {
		size_t end = slice_find_text(area, SLICE("\r\n"));
		struct slice line = slice_sub(area, 0, end);

		if (slice_find(line, '\r') < line.len || slice_find(line, '\n') < line.len ||
		    slice_find(line, '\0') < line.len)
			return false;
		if (!(is_first ? parse_start(line, request) : parse_field(line, request)))
			return false;
		area = slice_sub(area, end + 2, area.len);
	}
	return request->method.len > 0;
}

/* -- judging --------------------------------------------------------------------------------------------- */

static bool is_key(struct slice text)
{
	unsigned char nonce[KEY_SIZE];
	size_t n;

	return base64_decode(text, nonce, sizeof nonce, &n) && n == sizeof nonce;
}

static bool has_body(const struct request *request)
{
	struct slice length = request->fields[FIELD_LENGTH];

	return request->fields[FIELD_ENCODING].ptr || (length.ptr && !slice_eq(length, SLICE("0")));
}

/* RFC 6455 §4.2.1, in the order in which somebody with a browser or curl would want to know. */
static void judge(const struct request *request, struct ws_upgrade *upgrade)
{
	const struct {
		bool wrong;
		unsigned status;
		const char *why;
	} rules[] = {
		{ !slice_eq(request->version, SLICE("HTTP/1.1")), 505, "only HTTP/1.1 is spoken here" },
		{ !slice_eq(request->method, SLICE("GET")), 405, "a WebSocket begins with GET" },
		{ !request->asks_websocket, 426, "this is a SIP server that is reached by WebSocket" },
		{ !request->asks_upgrade, 400, "Connection does not name Upgrade" },
		{ !slice_eq(request->fields[FIELD_VERSION], SLICE("13")), 426,
		  "Sec-WebSocket-Version is not 13" },
		{ request->fields[FIELD_HOST].len == 0, 400, "there is no Host" },
		{ !is_key(request->fields[FIELD_KEY]), 400, "Sec-WebSocket-Key is not 16 bytes in base64" },
		{ !request->offers_sip, 400, "Sec-WebSocket-Protocol does not offer sip" },
		{ has_body(request), 400, "a body has no sense here" },
	};

	upgrade->status = 101;
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		if (!rules[i].wrong)
			continue;
		upgrade->status = rules[i].status;
		upgrade->why = rules[i].why;
		return;
	}
}

enum err ws_upgrade_parse(struct slice input, struct ws_upgrade *ret_upgrade)
{
	struct slice head = slice_sub(input, 0, WS_REQUEST_MAX);
	size_t end = slice_find_text(head, SLICE("\r\n\r\n"));
	struct ws_upgrade upgrade = { .length = end + 4 };
	struct request request = { 0 };

	if (end == head.len && head.len < WS_REQUEST_MAX)
		return ERR_MORE;
	if (end == head.len) {
		*ret_upgrade = (struct ws_upgrade){ .status = 431,
						    .why = "the header is longer than 8192 bytes",
						    .length = input.len };
		return OK;
	}
	if (parse_request(slice_sub(input, 0, end), &request)) {
		judge(&request, &upgrade);
	} else {
		upgrade.status = 400;
		upgrade.why = "that is no HTTP request, or it says something twice";
	}
	upgrade.key = request.fields[FIELD_KEY];
	upgrade.origin = request.fields[FIELD_ORIGIN];
	*ret_upgrade = upgrade;
	return OK;
}

/* -- answering ------------------------------------------------------------------------------------------- */

static const struct {
	unsigned status;
	struct slice phrase, headers;
} refusals[] = {
	{ 400, SLICE_INIT("Bad Request"), SLICE_INIT("") },
	{ 405, SLICE_INIT("Method Not Allowed"), SLICE_INIT("Allow: GET\r\n") },
	{ 426, SLICE_INIT("Upgrade Required"),
	  SLICE_INIT(
		  "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n") },
	{ 431, SLICE_INIT("Request Header Fields Too Large"), SLICE_INIT("") },
	{ 505, SLICE_INIT("HTTP Version Not Supported"), SLICE_INIT("") },
};

static void put_refusal(struct writer *out, const struct ws_upgrade *upgrade)
{
	struct slice why = slice_of(upgrade->why);
	size_t i = 0;

	while (refusals[i].status != upgrade->status)
		i++;
	put(out, SLICE("HTTP/1.1 "));
	put_number(out, upgrade->status);
	put_char(out, ' ');
	put(out, refusals[i].phrase);
	put(out, SLICE("\r\nConnection: close\r\n"));
	put(out, refusals[i].headers);
	put(out, SLICE("Content-Type: text/plain\r\nContent-Length: "));
	put_number(out, why.len + 1);
	put(out, SLICE("\r\n\r\n"));
	put(out, why);
	put_char(out, '\n');
}

bool put_ws_upgrade(struct writer *out, struct crypto *crypto, const struct ws_upgrade *upgrade)
{
	unsigned char hash[DIGEST_SHA1_SIZE];
	char text[100];
	struct writer joined = writer_of(text, sizeof text);

	if (upgrade->status != 101) {
		put_refusal(out, upgrade);
		return true;
	}
	put(&joined, upgrade->key);
	put(&joined, SLICE("258EAFA5-E914-47DA-95CA-C5AB0DC85B11")); /* RFC 6455 §1.3 */
	if (!digest_sha1(crypto, writer_text(&joined), hash))
		return false;
	put(out, SLICE("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		       "Sec-WebSocket-Accept: "));
	put_base64(out, hash, sizeof hash);
	put(out, SLICE("\r\nSec-WebSocket-Protocol: sip\r\n\r\n"));
	return true;
}
