#include "signer/order.h"

#include "harness.h"

#include "base/writer.h"

#define PAD     "                                                                "
#define HASH    "0123456789abcdef0123456789abcdef"
#define SHALF   "0123456789abcdef"
#define RANDOMS HASH HASH

#define TEXT(bytes) SLICE_INIT(bytes)

static const struct {
	const char *label;
	struct slice text;
	bool ok;
} orders[] = {
	/* clang-format off */
	/* RFC 8446 §4.4.3 */
	{ "1.3, a server, SHA-256",   TEXT(PAD "TLS 1.3, server CertificateVerify\0" HASH), true },
	{ "1.3, a server, SHA-384",   TEXT(PAD "TLS 1.3, server CertificateVerify\0" HASH SHALF), true },
	{ "1.3, a client",            TEXT(PAD "TLS 1.3, client CertificateVerify\0" HASH), true },
	{ "a hash of another length", TEXT(PAD "TLS 1.3, server CertificateVerify\0" HASH HASH), false },
	{ "a hash and more",          TEXT(PAD "TLS 1.3, server CertificateVerify\0" HASH "x"), false },
	{ "no hash",                  TEXT(PAD "TLS 1.3, server CertificateVerify\0"), false },
	{ "no separator",             TEXT(PAD "TLS 1.3, server CertificateVerify" HASH), false },
	{ "another separator",        TEXT(PAD "TLS 1.3, server CertificateVerify " HASH), false },
	{ "another context",          TEXT(PAD "TLS 1.3, delegated credentials...\0" HASH), false },
	{ "a blank too few",          TEXT("                                                               TLS 1.3, server CertificateVerify\0" HASH), false },
	{ "a blank too many",         TEXT(PAD " TLS 1.3, server CertificateVerify\0" HASH), false },
	{ "only blanks",              TEXT(PAD), false },
	/* RFC 8422 §5.4 */
	{ "1.2, X25519",              TEXT(RANDOMS "\x03\x00\x1d\x20" HASH), true },
	{ "1.2, P-256",               TEXT(RANDOMS "\x03\x00\x17\x41" HASH HASH "x"), true },
	{ "a point of another size",  TEXT(RANDOMS "\x03\x00\x1d\x20" HASH "x"), false },
	{ "a length that is a lie",   TEXT(RANDOMS "\x03\x00\x1d\x1f" HASH), false },
	{ "an unknown curve",         TEXT(RANDOMS "\x03\x00\x99\x20" HASH), false },
	{ "an explicit curve",        TEXT(RANDOMS "\x01\x00\x1d\x20" HASH), false },
	{ "only randoms",             TEXT(RANDOMS), false },
	/* RFC 5246 §7.4.8 */
	{ "1.2, a client",            TEXT("\x01\0\0\x02xx\x02\0\0\x01x\x0b\0\0\0\x0c\0\0\0\x0d\0\0\0\x0e\0\0\0\x0b\0\0\0\x10\0\0\x01x"), true },
	{ "stapled",                  TEXT("\x01\0\0\0\x02\0\0\0\x0b\0\0\0\x16\0\0\0\x0c\0\0\0\x0e\0\0\0\x10\0\0\0"), true },
	{ "it ends too early",        TEXT("\x01\0\0\0\x02\0\0\0\x0b\0\0\0"), false },
	{ "it ends in a message",     TEXT("\x01\0\0\0\x02\0\0\0\x10\0\0\x02x"), false },
	{ "it goes on",               TEXT("\x01\0\0\0\x02\0\0\0\x10\0\0\0\x14\0\0\0"), false },
	{ "it begins late",           TEXT("\x02\0\0\0\x0b\0\0\0\x10\0\0\0"), false },
	{ "another order",            TEXT("\x01\0\0\0\x0b\0\0\0\x02\0\0\0\x10\0\0\0"), false },
	{ "twice",                    TEXT("\x01\0\0\0\x01\0\0\0\x10\0\0\0"), false },
	/* what else a key could be asked for */
	{ "nothing",                  TEXT(""), false },
	{ "a hash",                   TEXT(HASH), false },
	{ "a certificate",            TEXT("\x30\x82\x01\x22\xa0\x03\x02\x01\x02" HASH HASH HASH), false },
	{ "a SIP message",            TEXT("INVITE sip:bob@b.example SIP/2.0\r\nVia: SIP/2.0/TLS a.example\r\nDate: x\r\n\r\n"), false },
	{ "an S/MIME attribute set",  TEXT("\x31\x69\x30\x18\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03" HASH HASH), false },
	/* clang-format on */
};

static void only_handshakes_are_signed(void **state)
{
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		print_message("# %s\n", orders[i].label);
		assert_int_equal(order_is_handshake(orders[i].text), orders[i].ok);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(only_handshakes_are_signed),
};
TEST_MAIN(tests)
