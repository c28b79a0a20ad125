#include "harness.h"

#include <string.h>

#include "base/mem.h"
#include "idn/idn.h"

#define BUECHER     \
	"b\xc3\xbc" \
	"cher.example"
#define ABUECHER "xn--bcher-kva.example"
#define A10      "aaaaaaaaaa"
#define U10      "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"

static const struct {
	const char *label, *typed, *ascii; /* NULL: it is refused */
} typed[] = {
	/* clang-format off */
	{ "a name in ASCII",                 "b.example", "b.example" },
	{ "in capitals, which stay",         "B.Example", "B.Example" },
	{ "an address",                      "192.0.2.1", "192.0.2.1" },
	{ "an IPv6 reference",               "sip:bob@[2001:db8::1]:5061", "sip:bob@[2001:db8::1]:5061" },
	{ "nothing",                         "", "" },
	{ "a U-label",                       BUECHER, ABUECHER },
	{ "capitals",                        "B\xc3\x9c" "CHER.Example", ABUECHER },
	{ "a letter and its dots apart",     "bu\xcc\x88" "cher.example", ABUECHER },
	{ "an ideographic full stop",        "b\xc3\xbc" "cher\xe3\x80\x82" "example", ABUECHER },
	{ "sharp s is no double s",          "stra\xc3\x9f" "e.example", "xn--strae-oqa.example" },
	{ "several labels",                  "\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88", "xn--r8jz45g.xn--zckzah" },
	{ "from right to left",              "\xd7\x90\xd7\x91.example", "xn--4dbc.example" },
	{ "wide letters are letters",        "\xef\xbc\xa1.example", "a.example" },
	{ "an A-label",                      ABUECHER, ABUECHER },
	{ "an A-label in capitals",          "XN--BCHER-KVA.example", ABUECHER },
	{ "an account",                      "alice@" BUECHER, "alice@" ABUECHER },
	{ "a sip URI",                       "sip:alice@" BUECHER, "sip:alice@" ABUECHER },
	{ "a sips URI with all of it",       "sips:alice:x@" BUECHER ":5061;method=INVITE?Subject=x", "sips:alice:x@" ABUECHER ":5061;method=INVITE?Subject=x" },
	{ "a sips URI without a user",       "SIPS:" BUECHER, "SIPS:" ABUECHER },
	{ "a host with a port",              BUECHER ":5061", ABUECHER ":5061" },
	{ "umlauts of a user are not ours",  "b\xc3\xbc@b.example", "b\xc3\xbc@b.example" },
	{ "nor those of a parameter",        "sip:bob@b.example;x=\xc3\xbc", "sip:bob@b.example;x=\xc3\xbc" },

	{ "no letter",                       "\xe2\x98\x83.example", NULL },
	{ "a semicolon by mapping",          "b\xef\xbc\x9bx=\xc3\xbc.example", NULL },
	{ "an at sign by mapping",           "b\xef\xbc\xa0\xc3\xbc.example", NULL },
	{ "a space",                         "b \xc3\xbc.example", NULL },
	{ "an underscore",                   "\xc3\xbc_.example", NULL },
	{ "a hyphen in front",               "-\xc3\xbc.example", NULL },
	{ "a hyphen behind",                 "\xc3\xbc-.example", NULL },
	{ "two hyphens at the third",        "aa--\xc3\xbc.example", NULL },
	{ "a mark in front",                 "\xcc\x88" "a.example", NULL },
	{ "a joiner between letters",        "a\xe2\x80\x8d\xc3\xbc.example", NULL },
	{ "both directions in a label",      "\xd7\x90" "1b.example", NULL },
	{ "no UTF-8",                        "\xff.example", NULL },
	{ "Latin-1",                         "b\xfc" "cher.example", NULL },
	{ "half a character",                "b\xc3", NULL },
	{ "no A-label",                      "xn--a.example", NULL },
	{ "an A-label of no letter",         "xn--ls8h.example", NULL },
	{ "an A-label of ASCII",             "xn--abc-.example", NULL },
	{ "a bad A-label in a URI",          "sips:alice@xn--a.example", NULL },
	{ "a label too long",                U10 U10 U10 U10 U10 U10 A10 ".example", NULL },
	{ "a name too long",                 BUECHER "." A10 A10 A10 A10 A10 "." A10 A10 A10 A10 A10 "." A10 A10 A10 A10 A10 "." A10 A10 A10 A10 A10 "." A10 A10 A10 A10 A10, NULL },
	/* clang-format on */
};

static void what_is_typed_becomes_a_labels(void **state)
{
	for (size_t i = 0; i < sizeof typed / sizeof *typed; i++) {
		char buf[400], text[200];
		struct writer out = writer_of(buf, sizeof buf), why = writer_of(text, sizeof text);
		bool ok = put_ascii_domain(&out, slice_of(typed[i].typed), &why);

		if (ok != (typed[i].ascii != NULL) || (!ok && (why.len == 0 || out.len > 0)) ||
		    (ok && !slice_eq(writer_text(&out), slice_of(typed[i].ascii))))
			fail_msg("%s: \"%.*s\" %.*s", typed[i].label, SLICE_FMT(writer_text(&out)),
				 SLICE_FMT(writer_text(&why)));
	}
}

static void what_does_not_fit_is_refused(void **state)
{
	static const char *const texts[] = { BUECHER, "a-name-of-more-than-twenty.example" };
	char buf[20], text[200];

	for (size_t i = 0; i < 2; i++) {
		struct writer out = writer_of(buf, sizeof buf), why = writer_of(text, sizeof text);

		assert_false(put_ascii_domain(&out, slice_of(texts[i]), &why));
		assert_true(slice_eq(writer_text(&why), SLICE("it is too long")));
	}
}

static void a_nul_is_refused(void **state)
{
	char buf[100], text[200];
	struct writer out = writer_of(buf, sizeof buf), why = writer_of(text, sizeof text);

	assert_false(put_ascii_domain(&out, SLICE("\xc3\xbc.example\0.evil.example"), &why));
	put_unicode_beside(&out, SLICE("xn--tda.example\0.evil"));
	assert_int_equal(out.len, 0);
}

static const struct {
	const char *label, *name;
	const char *beside; /* NULL: the A-label stands alone */
} shown[] = {
	/* clang-format off */
	{ "ASCII",                          "b.example", NULL },
	{ "umlauts",                        ABUECHER, BUECHER },
	{ "a URI",                          "sips:alice@" ABUECHER ":5061", BUECHER },
	{ "an account",                     "alice@XN--BCHER-KVA.example", BUECHER },
	{ "Japanese in two scripts",        "xn--r8jz45g.xn--zckzah", "\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88" },
	{ "Korean",                         "xn--vv4b606a.example", "\xec\x8b\x9c\xed\x97\x98.example" },
	{ "all Cyrillic",                   "xn--d1abbgf6aiiy.xn--p1ai", "\xd0\xbf\xd1\x80\xd0\xb5\xd0\xb7\xd0\xb8\xd0\xb4\xd0\xb5\xd0\xbd\xd1\x82.\xd1\x80\xd1\x84" },
	{ "all Greek",                      "xn--jxalpdlp.xn--jxalpdlp", "\xce\xb4\xce\xbf\xce\xba\xce\xb9\xce\xbc\xce\xae.\xce\xb4\xce\xbf\xce\xba\xce\xb9\xce\xbc\xce\xae" },
	{ "a Cyrillic apple",               "xn--80ak6aa92e.example", NULL },
	{ "Cyrillic behind ASCII",          "a.xn--p1ai", NULL },
	{ "Greek and Cyrillic",             "xn--jxalpdlp.xn--p1ai", NULL },
	{ "a Cyrillic letter among Latin",  "xn--pple-43d.example", NULL },
	{ "an umlaut among Cyrillic",       "xn--tda35n.example", NULL },
	{ "Latin among Japanese",           "xn--a-gbu.example", NULL },
	{ "dotless i",                      "xn--bnk-jua.example", NULL },
	{ "thorn",                          "xn--aypal-vva.example", NULL },
	{ "Hebrew",                         "xn--4dbc.example", NULL },
	{ "no A-label",                     "xn--a.example", NULL },
	/* clang-format on */
};

static void what_is_shown_cannot_be_taken_for_another(void **state)
{
	for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
		char buf[400], wanted[400];
		struct writer out = writer_of(buf, sizeof buf), want = writer_of(wanted, sizeof wanted);

		if (shown[i].beside) {
			put(&want, SLICE(" ("));
			put(&want, slice_of(shown[i].beside));
			put_char(&want, ')');
		}
		put_unicode_beside(&out, slice_of(shown[i].name));
		if (!slice_eq(writer_text(&out), writer_text(&want)))
			fail_msg("%s: \"%.*s\"", shown[i].label, SLICE_FMT(writer_text(&out)));
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(what_is_typed_becomes_a_labels),
	cmocka_unit_test(what_does_not_fit_is_refused),
	cmocka_unit_test(a_nul_is_refused),
	cmocka_unit_test(what_is_shown_cannot_be_taken_for_another),
};

TEST_MAIN(tests)
