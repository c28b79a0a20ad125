#include "harness.h"

#include <ctype.h>
#include <string.h>

#include "sip/names.h"

static void every_header_field_is_known_by_its_name_in_any_case(void **state)
{
	for (enum sip_header_id id = SIP_HEADER_OTHER + 1; id < SIP_HEADERS; id++) {
		struct slice name = sip_header_name(id);
		char other[64];

		assert_true(name.len > 0 && name.len < sizeof other);
		assert_int_equal(sip_header_of(name), id);
		for (size_t i = 0; i < name.len; i++) {
			unsigned char c = (unsigned char)name.ptr[i];

			other[i] = (char)(isupper(c) ? tolower(c) : toupper(c));
		}
		assert_int_equal(sip_header_of(slice_from(other, name.len)), id);
	}
}

static void a_name_that_differs_in_one_letter_is_another(void **state)
{
	for (enum sip_header_id id = SIP_HEADER_OTHER + 1; id < SIP_HEADERS; id++) {
		struct slice name = sip_header_name(id);
		char other[64];

		for (size_t i = 0; i < name.len; i++) {
			memcpy(other, name.ptr, name.len);
			other[i] = '~';
			assert_int_equal(sip_header_of(slice_from(other, name.len)), SIP_HEADER_OTHER);
		}
		if (name.len > 2)
			assert_int_not_equal(sip_header_of(slice_from(name.ptr, name.len - 1)), id);
	}
}

static void compact_forms_are_the_same_header_fields(void **state)
{
	static const struct {
		char compact;
		enum sip_header_id id;
	} rows[] = {
		{ 'a', SIP_ACCEPT_CONTACT },
		{ 'b', SIP_REFERRED_BY },
		{ 'c', SIP_CONTENT_TYPE },
		{ 'd', SIP_REQUEST_DISPOSITION },
		{ 'e', SIP_CONTENT_ENCODING },
		{ 'f', SIP_FROM },
		{ 'i', SIP_CALL_ID },
		{ 'j', SIP_REJECT_CONTACT },
		{ 'k', SIP_SUPPORTED },
		{ 'l', SIP_CONTENT_LENGTH },
		{ 'm', SIP_CONTACT },
		{ 'n', SIP_IDENTITY_INFO },
		{ 'o', SIP_EVENT },
		{ 'r', SIP_REFER_TO },
		{ 's', SIP_SUBJECT },
		{ 't', SIP_TO },
		{ 'u', SIP_ALLOW_EVENTS },
		{ 'v', SIP_VIA },
		{ 'x', SIP_SESSION_EXPIRES },
		{ 'y', SIP_IDENTITY },
	};
	size_t n_known = 0;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char upper = (char)toupper(rows[i].compact);

		assert_int_equal(sip_header_of(slice_from(&rows[i].compact, 1)), rows[i].id);
		assert_int_equal(sip_header_of(slice_from(&upper, 1)), rows[i].id);
	}
	for (int c = 0; c < 256; c++) {
		char name = (char)c;

		n_known += sip_header_of(slice_from(&name, 1)) != SIP_HEADER_OTHER;
	}
	assert_int_equal(n_known, 2 * sizeof rows / sizeof rows[0]);
}

static void unknown_names_are_other(void **state)
{
	assert_int_equal(sip_header_of(SLICE("")), SIP_HEADER_OTHER);
	assert_int_equal(sip_header_of(SLICE("X-Anything")), SIP_HEADER_OTHER);
	assert_int_equal(sip_header_name(SIP_HEADER_OTHER).len, 0);
}

static void methods_are_case_sensitive(void **state)
{
	for (enum sip_method method = SIP_METHOD_OTHER + 1; method < SIP_METHODS; method++)
		assert_int_equal(sip_method_of(sip_method_name(method)), method);
	assert_int_equal(sip_method_of(SLICE("invite")), SIP_METHOD_OTHER);
	assert_int_equal(sip_method_of(SLICE("INVITF")),
			 SIP_METHOD_OTHER); /* the third letter and the length of INVITE */
	assert_int_equal(sip_method_of(SLICE("IN")), SIP_METHOD_OTHER);
	assert_int_equal(sip_method_of(SLICE("RE%47IST%45R")), SIP_METHOD_OTHER); /* RFC4475:3.1.1.5 */
	assert_int_equal(sip_method_of(SLICE("")), SIP_METHOD_OTHER);
}

static void status_codes_have_the_phrase_of_the_rfc_or_of_their_class(void **state)
{
	static const struct {
		unsigned status;
		const char *phrase;
	} rows[] = {
		{ 100, "Trying" },
		{ 200, "OK" },
		{ 299, "OK" },
		{ 401, "Unauthorized" },
		{ 499, "Bad Request" },
		{ 480, "Temporarily Unavailable" },
		{ 604, "Does Not Exist Anywhere" },
		{ 699, "Busy Everywhere" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_true(slice_eq(sip_reason_phrase(rows[i].status), slice_of(rows[i].phrase)));
	assert_int_equal(sip_reason_phrase(700).len, 0);
	assert_int_equal(sip_reason_phrase(0).len, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(every_header_field_is_known_by_its_name_in_any_case),
	cmocka_unit_test(a_name_that_differs_in_one_letter_is_another),
	cmocka_unit_test(compact_forms_are_the_same_header_fields),
	cmocka_unit_test(unknown_names_are_other),
	cmocka_unit_test(methods_are_case_sensitive),
	cmocka_unit_test(status_codes_have_the_phrase_of_the_rfc_or_of_their_class),
};

TEST_MAIN(tests)
