/* A small request to take apart, with room for lines of the test's own. */
#pragma once

#define REQUEST_WITH(lines, body)                           \
	"INVITE sip:bob@example.org SIP/2.0\r\n"            \
	"Via: SIP/2.0/TLS a.example;branch=z9hG4bK1\r\n"    \
	"Max-Forwards: 70\r\n"                              \
	"From: \"Alice\" <sip:alice@example.org>;tag=1\r\n" \
	"To: <sip:bob@example.org>\r\n"                     \
	"Call-ID: 1@a.example\r\n"                          \
	"CSeq: 7 INVITE\r\n" lines "\r\n" body

#define REQUEST REQUEST_WITH("", "")
