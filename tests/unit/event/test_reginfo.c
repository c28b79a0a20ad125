#include "harness.h"

#include "event/package.h"

enum { NOON = 1700000000 };

static struct aor *aor_of(const struct binding *bindings, size_t n)
{
	static uint64_t version;
	const struct account account = { .id = 7 };
	struct aor *aor = aor_new(SLICE("alice@example.org"), ++version, &account, bindings, n);

	assert_non_null(aor);
	return aor;
}

static const struct binding desk = {
	.contact = SLICE_INIT("sip:alice@192.0.2.1?a=1&b=2"),
	.params = SLICE_INIT(";+sip.instance=\"<urn:uuid:1>\";reg-id=1;audio"),
	.instance = SLICE_INIT("urn:uuid:1"),
	.reg_id = 1,
	.call_id = SLICE_INIT("<1>@desk"),
	.cseq = 4,
	.q = 500,
	.expires = NOON + 600,
};

static const struct binding sofa = {
	.contact = SLICE_INIT("sip:alice@192.0.2.2"),
	.call_id = SLICE_INIT("sofa"),
	.cseq = 9,
	.q = 1000,
	.expires = NOON + 60,
};

static void assert_document(const struct event_state *state, const char *expected)
{
	char buf[8192];
	struct writer out = writer_of(buf, sizeof buf);

	event_reg.put_document(&out, state);
	assert_false(out.overflow);
	if (!slice_eq(writer_text(&out), slice_of(expected)))
		fail_msg("%.*s", SLICE_FMT(writer_text(&out)));
}

#define DOCUMENT(version, state, registration, contacts)                                                                                             \
	"<?xml version=\"1.0\"?>\n<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" xmlns:gr=\"urn:ietf:params:xml:ns:gruuinfo\" version=\"" version \
	"\" state=\"" state "\">\n"                                                                                                                  \
	"<registration aor=\"sip:alice@example.org\" id=\"alice@example.org\" state=\"" registration                                                 \
	"\">\n" contacts "</registration>\n</reginfo>\n"

#define SOFA(state, event, expires)                                                           \
	"<contact id=\"sip:alice@192.0.2.2\" state=\"" state "\" event=\"" event "\"" expires \
	" callid=\"sofa\" cseq=\"9\">\n<uri>sip:alice@192.0.2.2</uri>\n</contact>\n"

static void the_whole_state_names_every_contact(void **state)
{
	const struct binding both[] = { desk, sofa };
	struct aor *aor = aor_of(both, 2);

	assert_document(
		&(struct event_state){ .now = aor, .wall = NOON },
		DOCUMENT("0", "full", "active",
			 "<contact id=\"urn:uuid:1 1\" state=\"active\" event=\"registered\" expires=\"600\" "
			 "q=\"0.500\" callid=\"&lt;1&gt;@desk\" cseq=\"4\">\n"
			 "<uri>sip:alice@192.0.2.1?a=1&amp;b=2</uri>\n"
			 "<unknown-param name=\"+sip.instance\">&lt;urn:uuid:1&gt;</unknown-param>\n"
			 "<unknown-param name=\"reg-id\">1</unknown-param>\n"
			 "<unknown-param name=\"audio\"></unknown-param>\n"
			 "<gr:pub-gruu uri=\"sip:alice@example.org;gr=urn:uuid:1\"/>\n"
			 "</contact>\n" SOFA("active", "registered", " expires=\"60\"")));
	aor_unref(aor);
}

static void nobody_registered_is_told_too(void **state)
{
	const struct binding ended = { .contact = SLICE("sip:a@b"), .expires = NOON };
	struct aor *none = aor_of(NULL, 0), *past = aor_of(&ended, 1);

	assert_document(&(struct event_state){ .now = none, .wall = NOON, .version = 3 },
			DOCUMENT("3", "full", "init", ""));
	assert_document(&(struct event_state){ .now = past, .wall = NOON },
			DOCUMENT("0", "full", "init", ""));
	aor_unref(none);
	aor_unref(past);
}

struct phones {
	const struct binding *bindings;
	size_t n;
};

#define ONE(binding) ((struct phones){ &(binding), 1 })
#define NONE         ((struct phones){ NULL, 0 })

/* What was told, what is there now, when, and which document that makes; NULL: nothing has changed. */
static void check(struct phones before, struct phones after, utc_t wall, const char *document)
{
	struct aor *told = aor_of(before.bindings, before.n), *now = aor_of(after.bindings, after.n);
	const struct event_state state = {
		.now = now, .before = told, .wall = wall, .wall_before = NOON, .version = 1
	};

	assert_int_equal(event_reg.has_changed(&state), document != NULL);
	if (document)
		assert_document(&state, document);
	aor_unref(told);
	aor_unref(now);
}

static void a_change_is_told_with_what_has_happened(void **state)
{
	const struct binding both[] = { desk, sofa };
	const struct phones two = { both, 2 };
	struct binding later = sofa, other = sofa, cut = sofa;

	check(two, two, NOON, NULL);
	check(ONE(desk), two, NOON,
	      DOCUMENT("1", "partial", "active", SOFA("active", "registered", " expires=\"60\"")));
	check(two, ONE(desk), NOON + 30,
	      DOCUMENT("1", "partial", "active", SOFA("terminated", "unregistered", "")));
	check(ONE(sofa), NONE, NOON + 30,
	      DOCUMENT("1", "partial", "terminated", SOFA("terminated", "unregistered", "")));
	check(ONE(sofa), ONE(sofa), NOON + 60,
	      DOCUMENT("1", "partial", "terminated", SOFA("terminated", "expired", "")));
	check(ONE(sofa), ONE(sofa), NOON + 59, NULL);

	later.expires = NOON + 90;
	later.call_id = SLICE("another");
	check(ONE(sofa), ONE(later), NOON + 30,
	      DOCUMENT(
		      "1", "partial", "active",
		      "<contact id=\"sip:alice@192.0.2.2\" state=\"active\" event=\"refreshed\" expires=\"60\" "
		      "callid=\"another\" cseq=\"9\">\n<uri>sip:alice@192.0.2.2</uri>\n</contact>\n"));
	cut.expires = NOON + 50;
	check(ONE(sofa), ONE(cut), NOON + 30,
	      DOCUMENT("1", "partial", "active", SOFA("active", "shortened", " expires=\"20\"")));
	other.flow = 9; /* nobody's business */
	check(ONE(sofa), ONE(other), NOON + 30, NULL);
}

/* RFC5626:6: the same instance and reg-id is the same binding, whatever its URI has become. */
static void a_phone_that_has_moved_is_the_same_contact(void **state)
{
	struct binding moved = desk;

	moved.contact = SLICE("sip:alice@198.51.100.7");
	moved.params = SLICE("");
	moved.cseq = 5;
	check(ONE(desk), ONE(moved), NOON,
	      DOCUMENT(
		      "1", "partial", "active",
		      "<contact id=\"urn:uuid:1 1\" state=\"active\" event=\"refreshed\" expires=\"600\" q=\"0.500\" "
		      "callid=\"&lt;1&gt;@desk\" cseq=\"5\">\n<uri>sip:alice@198.51.100.7</uri>\n"
		      "<gr:pub-gruu uri=\"sip:alice@example.org;gr=urn:uuid:1\"/>\n</contact>\n"));
}

static void a_sips_contact_has_a_sips_gruu(void **state) /* RFC5630:5.2.1 */
{
	struct binding secure = desk;
	struct aor *aor;
	char buf[8192];
	struct writer out = writer_of(buf, sizeof buf);

	secure.contact = SLICE("sips:alice@192.0.2.1");
	aor = aor_of(&secure, 1);
	event_reg.put_document(&out, &(struct event_state){ .now = aor, .wall = NOON });
	assert_true(slice_find_text(writer_text(&out),
				    SLICE("<gr:pub-gruu uri=\"sips:alice@example.org;gr=")) < out.len);
	aor_unref(aor);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_sips_contact_has_a_sips_gruu),
	cmocka_unit_test(the_whole_state_names_every_contact),
	cmocka_unit_test(nobody_registered_is_told_too),
	cmocka_unit_test(a_change_is_told_with_what_has_happened),
	cmocka_unit_test(a_phone_that_has_moved_is_the_same_contact),
};

TEST_MAIN(tests)
