/* The messages that benchmarks work on: as phones and proxies of today write them. */
#pragma once

#include "base/slice.h"

/* A phone renews its registration with the digest of its password: no body. */
static const struct slice register_text = SLICE_INIT(
	"REGISTER sips:atlanta.example.com SIP/2.0\r\n"
	"Via: SIP/2.0/TLS 192.0.2.101:40123;branch=z9hG4bK74bf9a1c5d2e;rport\r\n"
	"Max-Forwards: 70\r\n"
	"From: \"Alice Liddell\" <sips:alice@atlanta.example.com>;tag=9fxced76sl\r\n"
	"To: \"Alice Liddell\" <sips:alice@atlanta.example.com>\r\n"
	"Call-ID: 3848276298220188511-1@192.0.2.101\r\n"
	"CSeq: 1827 REGISTER\r\n"
	"Contact: <sips:alice@192.0.2.101:40123>;+sip.instance=\"<urn:uuid:0a95a0e1-2878-4aab-a5e3-f1d6b3fa2c1b>\""
	";reg-id=1;expires=3600\r\n"
	"Authorization: Digest username=\"alice\", realm=\"atlanta.example.com\", algorithm=SHA-256, qop=auth"
	", nonce=\"NjVlYzM4ZTk6MjM0MWQ1ZmE5YjBjNDQ3Zg\", uri=\"sips:atlanta.example.com\", nc=00000007"
	", cnonce=\"4f1d8a33b0\""
	", response=\"8ca523f5e9506fed4657c9700eebdbec4ca1f7a35fbd3c7f9e2c1a0b7d6e5f40\"\r\n"
	"Supported: path, outbound, gruu\r\n"
	"Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE, INFO\r\n"
	"User-Agent: Phone/4.2\r\n"
	"Content-Length: 0\r\n"
	"\r\n");

/* A call on its way between two domains. The header is 1 kB long. */
#define INVITE_HEADER                                                                                      \
	"INVITE sips:bob@biloxi.example.com SIP/2.0\r\n"                                                   \
	"Via: SIP/2.0/TLS ss1.atlanta.example.com:5061;branch=z9hG4bK2d4790.1;received=192.0.2.111\r\n"    \
	"Via: SIP/2.0/TLS edge.atlanta.example.com:5061;branch=z9hG4bK3c881.1;received=192.0.2.110\r\n"    \
	"Via: SIP/2.0/TLS 192.0.2.101:40123;branch=z9hG4bK74bf9;received=192.0.2.101;rport=40123\r\n"      \
	"Max-Forwards: 69\r\n"                                                                             \
	"Route: <sips:ss2.biloxi.example.com;lr>\r\n"                                                      \
	"Record-Route: <sips:ss1.atlanta.example.com;lr>\r\n"                                              \
	"From: \"Alice Liddell\" <sips:alice@atlanta.example.com>;tag=9fxced76sl\r\n"                      \
	"To: Bob <sips:bob@biloxi.example.com>\r\n"                                                        \
	"Call-ID: 3848276298220188511@192.0.2.101\r\n"                                                     \
	"CSeq: 2 INVITE\r\n"                                                                               \
	"Contact: <sips:alice@192.0.2.101:40123>;+sip.instance=\"<urn:uuid:0a95a0e1-2878-4aab-a5e3>\"\r\n" \
	"Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE, SUBSCRIBE, INFO, UPDATE\r\n"    \
	"Supported: replaces, outbound, path, timer\r\n"                                                   \
	"Session-Expires: 1800;refresher=uac\r\n"                                                          \
	"P-Preferred-Identity: \"Alice Liddell\" <sips:alice@atlanta.example.com>\r\n"                     \
	"User-Agent: Phone/4.2\r\n"

#define SDP                                                                                                   \
	"v=0\r\no=alice 2890844526 2890844526 IN IP4 192.0.2.101\r\ns=-\r\nc=IN IP4 192.0.2.101\r\nt=0 0\r\n" \
	"m=audio 49172 RTP/SAVP 96 0 8 101\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\n"           \
	"a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"                    \
	"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\na=sendrecv\r\n"

static const struct slice invite_text = SLICE_INIT(INVITE_HEADER "Content-Type: application/sdp\r\n"
								 "Content-Length: 342\r\n"
								 "\r\n" SDP);
