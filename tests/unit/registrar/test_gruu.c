#include "harness.h"

#include "registrar/gruu.h"

static const struct binding desk = {
	.contact = SLICE_INIT("sip:alice@192.0.2.1"),
	.instance = SLICE_INIT("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
	.call_id = SLICE_INIT("desk-1"),
};

struct fixture {
	struct crypto *crypto;
	struct gruu_maker maker;
};

static struct fixture start(void)
{
	struct fixture fixture = { .crypto = crypto_new() };

	assert_non_null(fixture.crypto);
	assert_true(
		gruu_maker_init(&fixture.maker, fixture.crypto, SLICE("a key of thirty-two bytes: 01234")));
	return fixture;
}

static void stop(struct fixture *fixture)
{
	gruu_maker_fini(&fixture->maker);
	crypto_free(fixture->crypto);
}

static struct sip_uri uri_of(struct slice text)
{
	struct sip_uri uri = { 0 };

	if (!sip_uri_parse(text, &uri))
		fail_msg("%.*s", SLICE_FMT(text));
	return uri;
}

/* What the URI is said to be, and whose. */
static struct gruu look(const struct fixture *fixture, struct slice text, const char *aor)
{
	char buf[512];
	struct writer name = writer_of(buf, sizeof buf);
	struct sip_uri uri = uri_of(text);
	struct gruu gruu = gruu_parse(&fixture->maker, &uri, &name);

	if (aor && !slice_eq(writer_text(&name), slice_of(aor)))
		fail_msg("%.*s", SLICE_FMT(writer_text(&name)));
	return gruu;
}

static void the_public_one_is_the_address_with_the_instance(void **state) /* RFC5627:5.1 */
{
	struct fixture fixture = start();
	struct binding other = desk, none = desk;
	char buf[512];
	struct writer out = writer_of(buf, sizeof buf);
	struct gruu gruu;

	other.instance = SLICE("urn:uuid:0");
	none.instance = SLICE("");
	put_public_gruu(&out, SLICE("sip:"), SLICE("alice@example.org"), desk.instance);
	assert_true(
		slice_eq(writer_text(&out),
			 SLICE("sip:alice@example.org;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6")));
	gruu = look(&fixture, writer_text(&out), "alice@example.org");
	assert_int_equal(gruu.kind, GRUU_PUBLIC);
	assert_true(gruu_means(&gruu, &fixture.maker, &desk));
	assert_false(gruu_means(&gruu, &fixture.maker, &other));
	assert_false(gruu_means(&gruu, &fixture.maker, &none));

	other.instance = SLICE("a;b c");
	out.len = 0;
	put_public_gruu(&out, SLICE("sips:"), SLICE("alice@example.org"), other.instance);
	assert_true(slice_eq(writer_text(&out), SLICE("sips:alice@example.org;gr=a%3Bb%20c")));
	gruu = look(&fixture, writer_text(&out), "alice@example.org");
	assert_true(gruu_means(&gruu, &fixture.maker, &other));
	stop(&fixture);
}

static void a_temporary_one_hides_whose_it_is(void **state) /* RFC5627:5.1 */
{
	struct fixture fixture = start();
	struct binding later = desk;
	char first[512], second[512];
	struct writer out = writer_of(first, sizeof first), again = writer_of(second, sizeof second);
	struct gruu gruu;

	assert_true(
		put_temporary_gruu(&out, &fixture.maker, SLICE("sip:"), SLICE("alice@example.org"), &desk));
	assert_true(
		put_temporary_gruu(&again, &fixture.maker, SLICE("sip:"), SLICE("alice@example.org"), &desk));
	assert_false(slice_eq(writer_text(&out), writer_text(&again)));
	assert_true(slice_starts(writer_text(&out), SLICE("sip:tgruu.")));
	assert_true(slice_ends(writer_text(&out), SLICE("@example.org;gr")));
	assert_int_equal(slice_find_text(writer_text(&out), SLICE("alice")), out.len);

	gruu = look(&fixture, writer_text(&out), "alice@example.org");
	assert_int_equal(gruu.kind, GRUU_TEMPORARY);
	assert_true(gruu_means(&gruu, &fixture.maker, &desk));
	later.call_id = SLICE("desk-2"); /* RFC5627:5.1: another Call-ID makes it invalid */
	assert_false(gruu_means(&gruu, &fixture.maker, &later));
	stop(&fixture);
}

static void what_we_did_not_make_is_invalid(void **state)
{
	static const char *const texts[] = {
		"sip:tgruu.@example.org;gr",
		"sip:tgruu.AAAA@example.org;gr",
		"sip:tgruu.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA@example.org;gr",
		"sip:alice@example.org;gr",
		"sip:example.org;gr",
	};
	struct fixture fixture = start();
	char buf[512];
	struct writer out = writer_of(buf, sizeof buf);
	struct gruu gruu;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		gruu = look(&fixture, slice_of(texts[i]), NULL);
		assert_int_equal(gruu.kind, GRUU_INVALID);
		assert_false(gruu_means(&gruu, &fixture.maker, &desk));
	}
	/* nor is one of another domain, nor under another key */
	assert_true(
		put_temporary_gruu(&out, &fixture.maker, SLICE("sip:"), SLICE("alice@example.org"), &desk));
	out.len -= sizeof "example.org;gr" - 1;
	put(&out, SLICE("example.net;gr"));
	assert_int_equal(look(&fixture, writer_text(&out), NULL).kind, GRUU_INVALID);
	assert_int_equal(look(&fixture, SLICE("sip:alice@Example.org"), "alice@example.org").kind, GRUU_NONE);
	stop(&fixture);
}

static void an_address_without_a_user_or_with_a_long_name_gets_none(void **state)
{
	struct fixture fixture = start();
	const struct slice host = SLICE("@example.org");
	char name[300], buf[1024];
	struct writer out = writer_of(buf, sizeof buf);

	memset(name, 'a', sizeof name);
	memcpy(name + 150, host.ptr, host.len);
	assert_false(put_temporary_gruu(&out, &fixture.maker, SLICE("sip:"), SLICE("example.org"), &desk));
	assert_false(put_temporary_gruu(&out, &fixture.maker, SLICE("sip:"), slice_from(name, 150 + host.len),
					&desk));
	memset(name, 'a', sizeof name);
	name[1] = '@';
	assert_false(
		put_temporary_gruu(&out, &fixture.maker, SLICE("sip:"), slice_from(name, 2 + 256), &desk));
	assert_int_equal(out.len, 0);
	stop(&fixture);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_public_one_is_the_address_with_the_instance),
	cmocka_unit_test(a_temporary_one_hides_whose_it_is),
	cmocka_unit_test(what_we_did_not_make_is_invalid),
	cmocka_unit_test(an_address_without_a_user_or_with_a_long_name_gets_none),
};

TEST_MAIN(tests)
