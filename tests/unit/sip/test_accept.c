#include "harness.h"

#include "sip/accept.h"

#define N(array) (sizeof(array) / sizeof(array)[0])

/* q is -1 for what is refused. */
static const struct row {
	const char *text, *name, *subtype;
	int q;
} ranges[] = {
	{ "application/sdp;level=1", "application", "sdp", 1000 },
	{ "text/html; charset=ISO-8859-4;q=0.5", "text", "html", 500 },
	{ "text / *", "text", "*", 1000 },
	{ "*/*;q=0", "*", "*", 0 },
	{ "*/sdp", "", "", -1 },
	{ "application", "", "", -1 },
	{ "application/", "", "", -1 },
	{ "application/sdp;q=2", "", "", -1 },
	{ "application/sdp;q", "", "", -1 },
	{ "application/sdp;level", "application", "sdp", 1000 },
	{ "a/b/c", "", "", -1 },
	{ "", "", "", -1 },
};

static void media_ranges_are_taken_apart(void **state)
{
	for (size_t i = 0; i < N(ranges); i++) {
		struct sip_accept_range range;
		bool ok = sip_accept_range_parse(slice_of(ranges[i].text), &range);

		if (ok != (ranges[i].q >= 0) ||
		    (ok && (range.q != ranges[i].q || !slice_eq(range.type, slice_of(ranges[i].name)) ||
			    !slice_eq(range.subtype, slice_of(ranges[i].subtype)))))
			fail_msg("%s", ranges[i].text);
	}
}

static const struct row encodings[] = {
	{ "gzip", "gzip", "", 1000 },
	{ "*;q=0.2", "*", "", 200 },
	{ "identity ; q=1.000", "identity", "", 1000 },
	{ "gzip;q=1.001", "", "", -1 },
	{ "", "", "", -1 },
	{ "gzip;q=", "", "", -1 },
	{ "a b", "", "", -1 },
};

static const struct row languages[] = {
	{ "da", "da", "", 1000 },    { "en-gb;q=0.8", "en-gb", "", 800 },
	{ "*;q=0.1", "*", "", 100 }, { "abcdefghi", "", "", -1 },
	{ "en-", "", "", -1 },       { "-en", "", "", -1 },
	{ "e1", "", "", -1 },        { "en--gb", "", "", -1 },
	{ "en;q=x", "", "", -1 },    { "abcdefgh", "abcdefgh", "", 1000 },
};

static void check_preferences(bool (*parse)(struct slice, struct sip_preference *), const struct row *rows,
			      size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct sip_preference preference;
		bool ok = parse(slice_of(rows[i].text), &preference);

		if (ok != (rows[i].q >= 0) ||
		    (ok && (preference.q != rows[i].q || !slice_eq(preference.text, slice_of(rows[i].name)))))
			fail_msg("%s", rows[i].text);
	}
}

static void encodings_and_languages_have_a_preference(void **state)
{
	struct slice tag;

	check_preferences(sip_encoding_parse, encodings, N(encodings));
	check_preferences(sip_language_parse, languages, N(languages));
	assert_true(sip_language_tag_parse(SLICE("fr-CA"), &tag));
	assert_false(sip_language_tag_parse(SLICE("*"), &tag));
	assert_false(sip_language_tag_parse(SLICE("fr;q=1"), &tag));
}

static void features_are_asked_for_behind_a_star(void **state)
{
	static const char *const refused[] = {
		"", "sip:a@b", "*;require=yes", "*;explicit=1", "*;audio;audio", "**"
	};
	struct sip_features features;

	assert_true(sip_features_parse(SLICE("*;audio;+sip.message=\"TRUE\";require"),
				       &features)); /* RFC3841:9.2 */
	assert_true(features.require && !features.is_explicit);
	assert_true(sip_features_parse(SLICE("*;methods=\"BYE\";class=\"business\";explicit"), &features));
	assert_true(!features.require && features.is_explicit);
	assert_true(sip_features_parse(SLICE("*"), &features));
	for (size_t i = 0; i < N(refused); i++)
		if (sip_features_parse(slice_of(refused[i]), &features))
			fail_msg("%s", refused[i]);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(media_ranges_are_taken_apart),
	cmocka_unit_test(encodings_and_languages_have_a_preference),
	cmocka_unit_test(features_are_asked_for_behind_a_star),
};

TEST_MAIN(tests)
