#include "bench.h"

#include <stdlib.h>

#include "sip/build.h"
#include "sip/frame.h"
#include "sip/message.h"

enum { ROUNDS = 300000 };

/* An INVITE as a phone sends it to its proxy, with the Vias and Routes of one that has been on its way: 1,080 bytes. */
static const char invite[] =
	"INVITE sips:bob@biloxi.example.com SIP/2.0\r\n"
	"Via: SIP/2.0/TLS ss1.atlanta.example.com:5061;branch=z9hG4bK2d4790.1;received=192.0.2.111;rport=5061\r\n"
	"Via: SIP/2.0/TLS client.atlanta.example.com:5061;branch=z9hG4bK74bf9;received=192.0.2.101;rport=40123\r\n"
	"Max-Forwards: 69\r\n"
	"Record-Route: <sips:ss1.atlanta.example.com;lr>\r\n"
	"From: \"Alice Liddell\" <sips:alice@atlanta.example.com>;tag=9fxced76sl\r\n"
	"To: Bob <sips:bob@biloxi.example.com>\r\n"
	"Call-ID: 3848276298220188511@atlanta.example.com\r\n"
	"CSeq: 2 INVITE\r\n"
	"Contact: <sips:alice@client.atlanta.example.com;transport=tcp>;+sip.instance=\"<urn:uuid:0A95A0E128>\"\r\n"
	"Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE, SUBSCRIBE, INFO, UPDATE\r\n"
	"Supported: replaces, outbound, path\r\n"
	"User-Agent: sealphone/0.1\r\n"
	"Content-Type: application/sdp\r\n"
	"Content-Length: 151\r\n"
	"\r\n"
	"v=0\r\no=alice 2890844526 2890844526 IN IP4 client.atlanta.example.com\r\ns=-\r\nc=IN IP4 192.0.2.101\r\n"
	"t=0 0\r\nm=audio 49172 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";

static const struct slice text = { invite, sizeof invite - 1 };
static volatile size_t sink;

static struct sip_message *parse(void)
{
	struct sip_message *message;
	struct sip_fault fault;

	if (sip_message_parse(text, &sip_limits_default, &message, &fault) != OK || message->fault.status)
		abort();
	return message;
}

static void frame(void)
{
	struct sip_framer framer = { 0 };
	struct sip_frame frame;

	if (sip_frame(&framer, text, &sip_limits_default, &frame) != OK || frame.bytes.len != text.len)
		abort();
	sink += frame.bytes.len;
}

static void forward(const struct sip_message *message)
{
	static char buf[4096];
	static const struct sip_edits edits = { .top = SLICE_INIT("Via: SIP/2.0/TLS a;branch=z9hG4bKx\r\n"),
						.max_forwards = 68 };
	struct writer out = writer_of(buf, sizeof buf);

	put_request_line(&out, message->method_name, message->uri_text);
	put_forwarded(&out, message, &edits);
	sink += out.len;
}

int main(void)
{
	struct sip_message *message = parse();

	BENCH("sip: frame an INVITE", ROUNDS, frame());
	BENCH("sip: parse it", ROUNDS, sip_message_free(parse()));
	BENCH("sip: write it to pass it on", ROUNDS, forward(message));
	sip_message_free(message);
	return 0;
}
