#include "harness.h"

#include <string.h>

#include "base/writer.h"
#include "registrar/registrar.h"

enum { NOW = 1289690940, FLOW = 9, GONE = 666 };

/* -- the snapshots that the rows begin with ---------------------------------------------------------------------- */

#define BINDING(uri, seconds, its_flow)                                               \
	.contact = SLICE_INIT(uri), .call_id = SLICE_INIT("A"), .cseq = 5, .q = 1000, \
	.expires = NOW + (seconds), .flow = (its_flow)

static const struct binding one[] = {
	{ BINDING("sip:alice@192.0.2.1;transport=tls", 100, 1), .params = SLICE_INIT(";x=\"y\"") },
};
static const struct binding two[] = {
	{ BINDING("sip:alice@192.0.2.1;transport=tls", 100, 1) },
	{ .contact = SLICE_INIT("sip:alice@192.0.2.2"),
	  .call_id = SLICE_INIT("B"),
	  .cseq = 5,
	  .q = 500,
	  .expires = NOW + 200,
	  .flow = 2 },
};
static const struct binding ended[] = {
	{ BINDING("sip:alice@192.0.2.1;transport=tls", 0, 1) },
	{ BINDING("sip:alice@192.0.2.2", 1, 2) },
};
static const struct binding outbound[] = {
	{ BINDING("sip:alice@192.0.2.1:1111;transport=tls;ob", 100, 1), .instance = SLICE_INIT("urn:uuid:1"),
	  .reg_id = 1, .params = SLICE_INIT(";+sip.instance=\"<urn:uuid:1>\";reg-id=1") },
};
static const struct binding full[] = {
	{ BINDING("sip:a@192.0.2.1", 100, 1) },
	{ BINDING("sip:a@192.0.2.2", 100, 2) },
	{ BINDING("sip:a@192.0.2.3", 100, 3) },
};
static const struct binding full_of_gone[] = {
	{ BINDING("sip:a@192.0.2.1", 100, 1) },
	{ BINDING("sip:a@192.0.2.2", 100, GONE) },
	{ BINDING("sip:a@192.0.2.3", 100, GONE) },
};

#define SNAPSHOT(array) (array), sizeof(array) / sizeof((array)[0])
#define NOTHING         NULL, 0

/* -- the rows ----------------------------------------------------------------------------------------------------- */

#define INSTANCE ";+sip.instance=\"<urn:uuid:1>\""
#define OB       "Supported: path, outbound\r\n"

/*
 * result: the bindings afterwards, one a line: contact params q expires flow. NULL: the same as before,
 * nothing is stored. For a refusal: its reason, and the header lines that come with it.
 */
static const struct row {
	const char *label;
	const struct binding *bindings;
	size_t n_bindings;
	const char *uri, *headers;
	bool clear;
	unsigned status;
	const char *result;
} rows[] = {
	/* what is asked for, RFC3261:10.3 step 7 */
	{ "a first one", NOTHING, "sip:example.org", "Contact: <sip:alice@192.0.2.9>\r\nExpires: 300\r\n",
	  false, 200, "sip:alice@192.0.2.9 q=1000 e=300 f=9\n" },
	{ "a query", SNAPSHOT(one), "sip:example.org", "", false, 200, NULL },
	{ "a query with Expires", SNAPSHOT(one), "sip:example.org", "Expires: 0\r\n", false, 200, NULL },
	{ "the parameter before the header field", NOTHING, "sip:example.org",
	  "Contact: <sip:alice@192.0.2.9>;expires=120\r\nExpires: 300\r\n", false, 200,
	  "sip:alice@192.0.2.9 q=1000 e=120 f=9\n" },
	{ "the default", NOTHING, "sip:example.org", "Contact: <sip:alice@192.0.2.9>\r\n", false, 200,
	  "sip:alice@192.0.2.9 q=1000 e=600 f=9\n" },
	{ "more than the maximum", NOTHING, "sip:example.org",
	  "Contact: <sip:alice@192.0.2.9>;expires=86400\r\n", false, 200,
	  "sip:alice@192.0.2.9 q=1000 e=3600 f=9\n" },
	{ "more than can be", NOTHING, "sip:example.org",
	  "Contact: <sip:alice@192.0.2.9>;expires=99999999999\r\n", false, 200,
	  "sip:alice@192.0.2.9 q=1000 e=3600 f=9\n" },
	{ "malformed counts as an hour", NOTHING, "sip:example.org",
	  "Contact: <sip:alice@192.0.2.9>;expires=soon\r\n", false, 200,
	  "sip:alice@192.0.2.9 q=1000 e=3600 f=9\n" },
	{ "the minimum", NOTHING, "sip:example.org", "Contact: <sip:alice@192.0.2.9>;expires=60\r\n", false,
	  200, "sip:alice@192.0.2.9 q=1000 e=60 f=9\n" },
	{ "less than the minimum", NOTHING, "sip:example.org",
	  "Contact: <sip:alice@192.0.2.9>;expires=59\r\n", false, 423,
	  "Interval Too Brief Min-Expires: 60\r\n" },
	{ "two at once, each with its own", NOTHING, "sip:example.org",
	  "Contact: <sip:a@192.0.2.9>;expires=100;q=0.7, <sip:b@192.0.2.9>;q=0.25\r\nExpires: 200\r\n", false,
	  200, "sip:a@192.0.2.9 q=700 e=100 f=9\nsip:b@192.0.2.9 q=250 e=200 f=9\n" },
	{ "the same twice: the last counts", NOTHING, "sip:example.org",
	  "Contact: <sip:a@192.0.2.9>;expires=100\r\nContact: <sip:a@192.0.2.9>;expires=200\r\n", false, 200,
	  "sip:a@192.0.2.9 q=1000 e=200 f=9\n" },
	{ "parameters are kept byte for byte", NOTHING, "sip:example.org",
	  "Contact: \"Al\" <sip:alice@192.0.2.9;rinstance=7>;Expires=90;audio;x=\"a;b\" ;Q=1.0\r\n", false,
	  200, "sip:alice@192.0.2.9;rinstance=7 ;audio;x=\"a;b\" q=1000 e=90 f=9\n" },
	{ "a bare address", NOTHING, "sip:example.org", "Contact: sip:alice@192.0.2.9;expires=90\r\n", false,
	  200, "sip:alice@192.0.2.9 q=1000 e=90 f=9\n" },

	/* bringing bindings up to date, RFC3261:10.3 step 7 and RFC3261:19.1.4 */
	{ "a refresh", SNAPSHOT(one), "sip:example.org", "Contact: <sip:alice@192.0.2.1;TRANSPORT=tls>\r\n",
	  false, 200, "sip:alice@192.0.2.1;TRANSPORT=tls q=1000 e=600 f=9\n" },
	{ "another beside it", SNAPSHOT(one), "sip:example.org",
	  "Contact: <sip:alice@192.0.2.1;transport=tcp>\r\n", false, 200,
	  "sip:alice@192.0.2.1;transport=tls ;x=\"y\" q=1000 e=100 f=1\nsip:alice@192.0.2.1;transport=tcp q=1000 e=600 f=9\n" },
	{ "a removal", SNAPSHOT(two), "sip:example.org",
	  "Contact: <sip:alice@192.0.2.1;transport=tls>;expires=0\r\n", false, 200,
	  "sip:alice@192.0.2.2 q=500 e=200 f=2\n" },
	{ "a removal by the header field", SNAPSHOT(one), "sip:example.org",
	  "Contact: <sip:alice@192.0.2.1;transport=tls>\r\nExpires: 0\r\n", false, 200, "" },
	{ "the removal of what is not there", SNAPSHOT(one), "sip:example.org",
	  "Contact: <sip:x@192.0.2.1>;expires=0\r\n", false, 200, NULL },
	{ "one in, one out", SNAPSHOT(one), "sip:example.org",
	  "Contact: <sip:alice@192.0.2.1;transport=tls>;expires=0, <sip:alice@192.0.2.9>\r\n", false, 200,
	  "sip:alice@192.0.2.9 q=1000 e=600 f=9\n" },
	{ "what has ended is gone", SNAPSHOT(ended), "sip:example.org", "Contact: <sip:alice@192.0.2.9>\r\n",
	  false, 200, "sip:alice@192.0.2.2 q=1000 e=1 f=2\nsip:alice@192.0.2.9 q=1000 e=600 f=9\n" },
	{ "what has ended does not order requests", SNAPSHOT(ended), "sip:example.org",
	  "Call-ID: A\r\nCSeq: 4 REGISTER\r\nContact: <sip:alice@192.0.2.1;transport=tls>\r\n", false, 200,
	  "sip:alice@192.0.2.2 q=1000 e=1 f=2\nsip:alice@192.0.2.1;transport=tls q=1000 e=600 f=9\n" },

	/* order */
	{ "the next of a Call-ID", SNAPSHOT(one), "sip:example.org",
	  "Call-ID: A\r\nCSeq: 6 REGISTER\r\nContact: <sip:alice@192.0.2.1;transport=tls>\r\n", false, 200,
	  "sip:alice@192.0.2.1;transport=tls q=1000 e=600 f=9\n" },
	{ "the same CSeq again", SNAPSHOT(one), "sip:example.org",
	  "Call-ID: A\r\nCSeq: 5 REGISTER\r\nContact: <sip:alice@192.0.2.1;transport=tls>\r\n", false, 500,
	  "CSeq Is Not Above That Of The Earlier REGISTER " },
	{ "a late removal", SNAPSHOT(one), "sip:example.org",
	  "Call-ID: A\r\nCSeq: 4 REGISTER\r\nContact: <sip:alice@192.0.2.1;transport=tls>;expires=0\r\n",
	  false, 500, "CSeq Is Not Above That Of The Earlier REGISTER " },
	{ "a low CSeq of another Call-ID", SNAPSHOT(one), "sip:example.org",
	  "CSeq: 1 REGISTER\r\nContact: <sip:alice@192.0.2.1;transport=tls>\r\n", false, 200,
	  "sip:alice@192.0.2.1;transport=tls q=1000 e=600 f=9\n" },
	{ "all or nothing", SNAPSHOT(one), "sip:example.org",
	  "Call-ID: A\r\nCSeq: 5 REGISTER\r\nContact: <sip:x@192.0.2.9>, <sip:alice@192.0.2.1;transport=tls>\r\n",
	  false, 500, "CSeq Is Not Above That Of The Earlier REGISTER " },

	/* all at once, RFC3261:10.3 step 6 */
	{ "star", SNAPSHOT(two), "sip:example.org", "Contact: *\r\nExpires: 0\r\n", false, 200, "" },
	{ "star with nothing to remove", NOTHING, "sip:example.org", "Contact: *\r\nExpires: 0\r\n", false,
	  200, NULL },
	{ "star without Expires", SNAPSHOT(two), "sip:example.org", "Contact: *\r\n", false, 400,
	  "Contact * Without Expires 0 " },
	{ "star with time", SNAPSHOT(two), "sip:example.org", "Contact: *\r\nExpires: 60\r\n", false, 400,
	  "Contact * Without Expires 0 " },
	{ "star among others", SNAPSHOT(two), "sip:example.org",
	  "Contact: *, <sip:a@192.0.2.9>\r\nExpires: 0\r\n", false, 400, "Contact * Among Others " },
	{ "star out of order", SNAPSHOT(two), "sip:example.org",
	  "Call-ID: B\r\nCSeq: 5 REGISTER\r\nContact: *\r\nExpires: 0\r\n", false, 500,
	  "CSeq Is Not Above That Of The Earlier REGISTER " },

	/* what cannot be a Contact here */
	{ "another scheme", NOTHING, "sip:example.org", "Contact: <mailto:alice@example.org>\r\n", false, 400,
	  "Contact Is Not A SIP URI " },
	{ "a telephone", NOTHING, "sip:example.org", "Contact: <tel:+15550100>\r\n", false, 400,
	  "Contact Is Not A SIP URI " },
	{ "no URI", NOTHING, "sip:example.org", "Contact: <alice>\r\n", false, 400, NULL },
	{ "a bad q", NOTHING, "sip:example.org", "Contact: <sip:a@192.0.2.9>;q=1.5\r\n", false, 400,
	  "Bad Contact " },
	{ "a bad instance", NOTHING, "sip:example.org",
	  "Contact: <sip:a@192.0.2.9>;+sip.instance=\"urn:uuid:1\"\r\n", false, 400, "Bad Contact " },
	{ "reg-id zero", NOTHING, "sip:example.org", "Contact: <sip:a@192.0.2.9>" INSTANCE ";reg-id=0\r\n",
	  false, 400, "Bad Contact " },
	{ "too many", SNAPSHOT(full), "sip:example.org", "Contact: <sip:a@192.0.2.9>\r\n", false, 403,
	  "Too Many Contacts Are Registered " },
	{ "full, but a refresh", SNAPSHOT(full), "sip:example.org", "Contact: <sip:a@192.0.2.3>\r\n", false,
	  200,
	  "sip:a@192.0.2.1 q=1000 e=100 f=1\nsip:a@192.0.2.2 q=1000 e=100 f=2\nsip:a@192.0.2.3 q=1000 e=600 f=9\n" },
	{ "full of dead flows: the oldest makes room", SNAPSHOT(full_of_gone), "sip:example.org",
	  "Contact: <sip:a@192.0.2.9>\r\n", false, 200,
	  "sip:a@192.0.2.1 q=1000 e=100 f=1\nsip:a@192.0.2.3 q=1000 e=100 f=666\nsip:a@192.0.2.9 q=1000 e=600 f=9\n" },
	{ "a body", NOTHING, "sip:example.org",
	  "Contact: <sip:a@192.0.2.9>\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi", false, 415,
	  "Unsupported Media Type Accept: \r\n" },
	{ "a body in an encoding", NOTHING, "sip:example.org",
	  "Contact: <sip:a@192.0.2.9>\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi", false, 415,
	  "Unsupported Media Type Accept: \r\nAccept-Encoding: identity\r\n" },
	{ "a body that may be passed over", NOTHING, "sip:example.org",
	  "Contact: <sip:a@192.0.2.9>\r\nContent-Disposition: session;handling=optional\r\nContent-Length: 2\r\n\r\nhi",
	  false, 200, "sip:a@192.0.2.9 q=1000 e=600 f=9\n" },
	{ "an extension that is required", NOTHING, "sip:example.org",
	  "Require: path, gruu, foo\r\nContact: <sip:a@192.0.2.9>\r\n", false, 420,
	  "Bad Extension Unsupported: foo\r\n" },

	/* SIPS, RFC5630:5.2 */
	{ "sips", NOTHING, "sips:example.org", "Contact: <sips:alice@192.0.2.9>\r\n", false, 200,
	  "sips:alice@192.0.2.9 q=1000 e=600 f=9\n" },
	{ "sips under sip", NOTHING, "sip:example.org", "Contact: <sips:alice@192.0.2.9>\r\n", false, 400,
	  "SIPS Contact Under A SIP Request-URI " },
	{ "sips beside sip", NOTHING, "sips:example.org",
	  "Contact: <sips:a@192.0.2.9>, <sip:a@192.0.2.9>\r\n", false, 400,
	  "SIPS Contact Beside A SIP Contact Or Path " },
	{ "sips over a sip Path", NOTHING, "sips:example.org",
	  OB "Path: <sip:p.example.org;lr>\r\nContact: <sips:a@192.0.2.9>\r\n", false, 400,
	  "SIPS Contact Beside A SIP Contact Or Path " },
	{ "sips over a clear flow", NOTHING, "sips:example.org", "Contact: <sips:a@192.0.2.9>\r\n", true, 400,
	  "SIPS Contact Over A Connection Without TLS " },
	{ "sip under sips", NOTHING, "sips:example.org", "Contact: <sip:a@192.0.2.9>\r\n", false, 400,
	  "SIP Contact Under A SIPS Request-URI " },

	/* flows, RFC5626:6 */
	{ "outbound", NOTHING, "sip:example.org", OB "Contact: <sip:a@192.0.2.9;ob>" INSTANCE ";reg-id=1\r\n",
	  false, 200, "sip:a@192.0.2.9;ob ;+sip.instance=\"<urn:uuid:1>\";reg-id=1 q=1000 e=600 f=9\n" },
	{ "the same phone from another address", SNAPSHOT(outbound), "sip:example.org",
	  OB "Contact: <sip:a@192.0.2.9;ob>" INSTANCE ";reg-id=1\r\n", false, 200,
	  "sip:a@192.0.2.9;ob ;+sip.instance=\"<urn:uuid:1>\";reg-id=1 q=1000 e=600 f=9\n" },
	{ "its second flow", SNAPSHOT(outbound), "sip:example.org",
	  OB "Contact: <sip:a@192.0.2.9;ob>" INSTANCE ";reg-id=2\r\n", false, 200,
	  "sip:alice@192.0.2.1:1111;transport=tls;ob ;+sip.instance=\"<urn:uuid:1>\";reg-id=1 q=1000 e=100 f=1\n"
	  "sip:a@192.0.2.9;ob ;+sip.instance=\"<urn:uuid:1>\";reg-id=2 q=1000 e=600 f=9\n" },
	{ "another phone", SNAPSHOT(outbound), "sip:example.org",
	  OB "Contact: <sip:a@192.0.2.9>;+sip.instance=\"<urn:uuid:2>\";reg-id=1\r\n", false, 200,
	  "sip:alice@192.0.2.1:1111;transport=tls;ob ;+sip.instance=\"<urn:uuid:1>\";reg-id=1 q=1000 e=100 f=1\n"
	  "sip:a@192.0.2.9 ;+sip.instance=\"<urn:uuid:2>\";reg-id=1 q=1000 e=600 f=9\n" },
	{ "a reg-id without an instance is ignored", SNAPSHOT(outbound), "sip:example.org",
	  OB "Contact: <sip:a@192.0.2.9>;reg-id=1\r\n", false, 200,
	  "sip:alice@192.0.2.1:1111;transport=tls;ob ;+sip.instance=\"<urn:uuid:1>\";reg-id=1 q=1000 e=100 f=1\n"
	  "sip:a@192.0.2.9 ;reg-id=1 q=1000 e=600 f=9\n" },
	{ "reg-id with two contacts", NOTHING, "sip:example.org",
	  OB "Contact: <sip:a@192.0.2.9>" INSTANCE ";reg-id=1, <sip:b@192.0.2.9>\r\n", false, 400,
	  "reg-id With More Than One Contact " },
	{ "reg-id, and one that is removed", SNAPSHOT(one), "sip:example.org",
	  OB "Contact: <sip:a@192.0.2.9>" INSTANCE
	     ";reg-id=1, <sip:alice@192.0.2.1;transport=tls>;expires=0\r\n",
	  false, 200, "sip:a@192.0.2.9 ;+sip.instance=\"<urn:uuid:1>\";reg-id=1 q=1000 e=600 f=9\n" },
	{ "a reg-id that is removed, and two that stay", SNAPSHOT(outbound), "sip:example.org",
	  OB "Contact: <sip:a@192.0.2.9>, <sip:alice@192.0.2.1>" INSTANCE
	     ";reg-id=1;expires=0, <sip:b@192.0.2.9>\r\n",
	  false, 200, "sip:a@192.0.2.9 q=1000 e=600 f=9\nsip:b@192.0.2.9 q=1000 e=600 f=9\n" },
	{ "over a proxy that knows no outbound", NOTHING, "sip:example.org",
	  OB "Via: SIP/2.0/TLS p.example.org;branch=z9hG4bK2\r\nContact: <sip:a@192.0.2.9>" INSTANCE
	     ";reg-id=1\r\n",
	  false, 439, "First Hop Lacks Outbound Support " },
	{ "over a proxy that knows it", NOTHING, "sip:example.org",
	  OB "Via: SIP/2.0/TLS p.example.org;branch=z9hG4bK2\r\nPath: <sip:t@p.example.org;lr;ob>\r\n"
	     "Contact: <sip:a@192.0.2.9>" INSTANCE ";reg-id=1\r\n",
	  false, 200,
	  "sip:a@192.0.2.9 ;+sip.instance=\"<urn:uuid:1>\";reg-id=1 q=1000 e=600 f=9 <sip:t@p.example.org;lr;ob>\n" },

	/* Path, RFC3327:5.3 */
	{ "a Path", NOTHING, "sip:example.org",
	  "Supported: path\r\nPath: <sip:p1.example.org;lr>\r\nPath: <sip:p2.example.org;lr>\r\nContact: <sip:a@192.0.2.9>\r\n",
	  false, 200, "sip:a@192.0.2.9 q=1000 e=600 f=9 <sip:p1.example.org;lr>, <sip:p2.example.org;lr>\n" },
	{ "a Path that the phone does not know of", NOTHING, "sip:example.org",
	  "Path: <sip:p.example.org;lr>\r\nContact: <sip:a@192.0.2.9>\r\n", false, 420,
	  "Path Without Support By The Phone Unsupported: path\r\n" },
	{ "a Path to a strict router", NOTHING, "sip:example.org",
	  "Supported: path\r\nPath: <sip:p.example.org>\r\nContact: <sip:a@192.0.2.9>\r\n", false, 400,
	  NULL },
	{ "a bad Path", NOTHING, "sip:example.org",
	  "Supported: path\r\nPath: <nonsense>\r\nContact: <sip:a@192.0.2.9>\r\n", false, 400, NULL },
};

/* -- playing them -------------------------------------------------------------------------------------------------- */

static struct sip_message *parse(const struct row *row)
{
	static const char *const defaults[] = { "Call-ID: Z\r\n", "CSeq: 9 REGISTER\r\n" };
	static const char *const names[] = { "Call-ID:", "CSeq:" };
	struct slice headers = slice_of(row->headers);
	char buf[4096];
	struct writer out = writer_of(buf, sizeof buf);
	struct sip_message *message = NULL;
	struct sip_fault fault;

	put(&out, SLICE("REGISTER "));
	put(&out, slice_of(row->uri));
	put(&out, SLICE(" SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.9;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
			"From: <sip:alice@example.org>;tag=1\r\nTo: <sip:alice@example.org>\r\n"));
	for (size_t i = 0; i < 2; i++)
		if (slice_find_text(headers, slice_of(names[i])) == headers.len)
			put(&out, slice_of(defaults[i]));
	put(&out, headers);
	put(&out, SLICE("Content-Length: 0\r\n\r\n"));
	assert_int_equal(sip_message_parse(writer_text(&out), &sip_limits_default, &message, &fault), OK);
	return message;
}

static bool is_gone(const void *arg, flow_id flow)
{
	return flow == GONE;
}

static struct registrar_policy policy(void)
{
	struct registrar_policy strict = registrar_policy_default;

	strict.bindings_max = 3;
	return strict;
}

static void put_binding(struct writer *out, const struct binding *binding)
{
	put(out, binding->contact);
	if (binding->params.len) {
		put_char(out, ' ');
		put(out, binding->params);
	}
	put(out, SLICE(" q="));
	put_number(out, binding->q);
	put(out, SLICE(" e="));
	put_number(out, (uint64_t)(binding->expires - NOW));
	put(out, SLICE(" f="));
	put_number(out, binding->flow);
	if (binding->path.len) {
		put_char(out, ' ');
		put(out, binding->path);
	}
	put_char(out, '\n');
}

static void put_result(struct writer *out, const struct registrar_decision *decision)
{
	if (decision->kind == REGISTRAR_REFUSE) {
		put(out, decision->refusal.reason ? slice_of(decision->refusal.reason)
						  : sip_reason_phrase(decision->refusal.status));
		put_char(out, ' ');
		put(out, decision->refusal.headers);
	} else if (decision->kind == REGISTRAR_STORE) {
		for (size_t i = 0; i < decision->n_bindings; i++)
			put_binding(out, &decision->bindings[i]);
	}
}

static void check_row(const struct row *row, struct arena *arena)
{
	const struct registrar_policy strict = policy();
	const struct aor aor = { .version = 1,
				 .name = SLICE("alice@example.org"),
				 .bindings = row->bindings,
				 .n_bindings = row->n_bindings };
	struct sip_message *request = parse(row);
	const struct registrar_question question = { .policy = &strict,
						     .request = request,
						     .aor = &aor,
						     .now = NOW,
						     .flow = FLOW,
						     .secure = !row->clear,
						     .is_gone = is_gone };
	struct registrar_decision decision = { 0 };
	char buf[4096];
	struct writer out = writer_of(buf, sizeof buf);
	unsigned status;

	if (request->fault.status) {
		/* the message itself is refused before the registrar sees it */
		assert_int_equal(request->fault.status, row->status);
		sip_message_free(request);
		return;
	}
	assert_int_equal(registrar_decide(&question, arena, &decision), OK);
	put_result(&out, &decision);
	status = decision.kind == REGISTRAR_REFUSE ? decision.refusal.status : 200;
	if (status != row->status)
		fail_msg("%s: %u %.*s", row->label, status, SLICE_FMT(writer_text(&out)));
	if (row->result && !slice_eq(writer_text(&out), slice_of(row->result)))
		fail_msg("%s:\n%.*s", row->label, SLICE_FMT(writer_text(&out)));
	if (!row->result && status == 200)
		assert_int_equal(decision.kind, REGISTRAR_QUERY);
	sip_message_free(request);
}

static void decides(void **state)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct arena *arena = arena_new(65536);

		assert_non_null(arena);
		check_row(&rows[i], arena);
		arena_free(arena);
	}
}

/* -- what the disk has to know ---------------------------------------------------------------------------------- */

enum { KEPT = 7200 }; /* until when the binding of the rows is stored */

static const struct durable_row {
	const char *label, *headers;
	bool secure, durable;
	utc_t stored;
	utc_t later; /* when it comes */
} durable_rows[] = {
	{ "a refresh within what is stored",
	  "Call-ID: A\r\nCSeq: 6 REGISTER\r\nContact: <sip:a@192.0.2.1>;expires=3600\r\n", true, false,
	  NOW + KEPT, 0 },
	{ "one that ends earlier",
	  "Call-ID: A\r\nCSeq: 6 REGISTER\r\nContact: <sip:a@192.0.2.1>;expires=60\r\n", true, false,
	  NOW + KEPT, 0 },
	{ "another Call-ID", "Call-ID: B\r\nContact: <sip:a@192.0.2.1>;expires=3600\r\n", true, true,
	  NOW + 3600 + REGISTRAR_SLACK, 0 },
	{ "another q", "Call-ID: A\r\nContact: <sip:a@192.0.2.1>;expires=3600;q=0.5\r\n", true, true,
	  NOW + 3600 + REGISTRAR_SLACK, 0 },
	{ "another parameter", "Call-ID: A\r\nContact: <sip:a@192.0.2.1>;expires=3600;audio\r\n", true, true,
	  NOW + 3600 + REGISTRAR_SLACK, 0 },
	{ "the same URI written otherwise", "Call-ID: A\r\nContact: <sip:a@192.0.2.1;x=1>;expires=3600\r\n",
	  true, true, NOW + 3600 + REGISTRAR_SLACK, 0 },
	{ "another program", "Call-ID: A\r\nUser-Agent: Other\r\nContact: <sip:a@192.0.2.1>;expires=3600\r\n",
	  true, true, NOW + 3600 + REGISTRAR_SLACK, 0 },
	{ "no TLS any more", "Call-ID: A\r\nContact: <sip:a@192.0.2.1>;expires=3600\r\n", false, true,
	  NOW + 3600 + REGISTRAR_SLACK, 0 },
	{ "another binding beside it",
	  "Call-ID: A\r\nContact: <sip:a@192.0.2.1>;expires=3600\r\nContact: <sip:b@192.0.2.1>;expires=3600\r\n",
	  true, true, NOW + KEPT, 0 },
	{ "a refresh that ends after what is stored",
	  "Call-ID: A\r\nContact: <sip:a@192.0.2.1>;expires=3600\r\n", true, true,
	  NOW + KEPT - 3599 + 3600 + REGISTRAR_SLACK, KEPT - 3599 },
};

static void check_durable(const struct durable_row *row)
{
	const struct binding binding = { BINDING("sip:a@192.0.2.1", KEPT, 1), .secure = true,
					 .stored = NOW + KEPT };
	const struct row request_row = { .uri = "sip:example.org", .headers = row->headers };
	const struct aor aor = { .version = 1, .bindings = &binding, .n_bindings = 1 };
	struct sip_message *request = parse(&request_row);
	const struct registrar_question question = { .policy = &registrar_policy_default,
						     .request = request,
						     .aor = &aor,
						     .now = NOW + row->later,
						     .flow = FLOW,
						     .secure = row->secure };
	struct registrar_decision decision = { 0 };
	struct arena *arena = arena_new(65536);

	assert_non_null(arena);
	assert_int_equal(registrar_decide(&question, arena, &decision), OK);
	assert_int_equal(decision.kind, REGISTRAR_STORE);
	if (decision.durable != row->durable || decision.bindings[0].stored != row->stored)
		fail_msg("%s: %d, stored for %lld", row->label, decision.durable,
			 (long long)(decision.bindings[0].stored - NOW));
	assert_int_equal(decision.bindings[0].flow, FLOW);
	arena_free(arena);
	sip_message_free(request);
}

static void knows_what_the_disk_has_already(void **state)
{
	for (size_t i = 0; i < sizeof durable_rows / sizeof durable_rows[0]; i++)
		check_durable(&durable_rows[i]);
}

static void check_ok(const struct row *row, const char *expected)
{
	const struct registrar_policy strict = policy();
	const struct aor aor = { .version = 2, .bindings = row->bindings, .n_bindings = row->n_bindings };
	struct sip_message *request = parse(row);
	const struct registrar_question question = { .policy = &strict,
						     .request = request,
						     .aor = &aor,
						     .now = NOW,
						     .flow = FLOW,
						     .secure = true,
						     .date = SLICE("Sat, 13 Nov 2010 23:29:00 GMT") };
	char buf[4096];
	struct writer out = writer_of(buf, sizeof buf);

	put_registrar_ok(&out, &question);
	if (!slice_eq(writer_text(&out), slice_of(expected)))
		fail_msg("%s:\n%.*s", row->label, SLICE_FMT(writer_text(&out)));
	sip_message_free(request);
}

static void the_200_lists_what_is_registered(void **state)
{
	static const struct row plain = {
		.label = "plain", SNAPSHOT(two), .uri = "sip:example.org", .headers = ""
	};
	static const struct row late = {
		.label = "late", SNAPSHOT(ended), .uri = "sip:example.org", .headers = ""
	};
	static const struct row flow = { .label = "flow",
					 SNAPSHOT(outbound),
					 .uri = "sip:example.org",
					 .headers = OB
					 "Path: <sip:p.example.org;lr>\r\n"
					 "Contact: <sip:alice@192.0.2.1:1111;transport=tls;ob>" INSTANCE
					 ";reg-id=1\r\n" };

	check_ok(&plain, "Contact: <sip:alice@192.0.2.1;transport=tls>;expires=100\r\n"
			 "Contact: <sip:alice@192.0.2.2>;q=0.500;expires=200\r\n"
			 "Supported: path, outbound\r\nDate: Sat, 13 Nov 2010 23:29:00 GMT\r\n");
	check_ok(&late, "Contact: <sip:alice@192.0.2.2>;expires=1\r\n"
			"Supported: path, outbound\r\nDate: Sat, 13 Nov 2010 23:29:00 GMT\r\n");
	check_ok(
		&flow,
		"Contact: <sip:alice@192.0.2.1:1111;transport=tls;ob>;+sip.instance=\"<urn:uuid:1>\";reg-id=1;expires=100\r\n"
		"Path: <sip:p.example.org;lr>\r\nRequire: outbound\r\nFlow-Timer: 120\r\n"
		"Supported: path, outbound\r\nDate: Sat, 13 Nov 2010 23:29:00 GMT\r\n");
}

static void a_decision_that_does_not_fit_is_an_error(void **state)
{
	const struct registrar_policy strict = policy();
	const struct aor aor = { .version = 1, .bindings = two, .n_bindings = 2 };
	struct sip_message *request = parse(&rows[0]);
	const struct registrar_question question = {
		.policy = &strict, .request = request, .aor = &aor, .now = NOW
	};
	struct registrar_decision decision;
	struct arena *arena = arena_new(64);

	assert_non_null(arena);
	assert_int_equal(registrar_decide(&question, arena, &decision), ERR_NOMEM);
	arena_free(arena);
	sip_message_free(request);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(decides),
	cmocka_unit_test(knows_what_the_disk_has_already),
	cmocka_unit_test(the_200_lists_what_is_registered),
	cmocka_unit_test(a_decision_that_does_not_fit_is_an_error),
};

TEST_MAIN(tests)
