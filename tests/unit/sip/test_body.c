#include "harness.h"

#include <string.h>

#include "sip/body.h"

#define PART(boundary, text) "--" boundary "\r\n\r\n" text "\r\n"
#define INNER                                                                                          \
	"--o\r\nX: y\r\ncontent-type:\r\n multipart/mixed;\r\n\tboundary=\"i\"\r\n\r\n" PART("i", "a") \
		PART("i", "b") "--i--\r\n"

static const struct {
	const char *label, *type, *body;
	struct sip_body_limits limits;
	const char *what, *at; /* NULL: nothing is passed; what the rest of the body begins with */
} rows[] = {
	{ "no multipart", "text/plain", "--o\r\n\r\na", { 0, 0 }, NULL, NULL },
	{ "without a boundary", "multipart/mixed", "--o\r\n\r\na", { 0, 0 }, NULL, NULL },
	{ "no type at all", ";", "--o\r\n\r\na", { 0, 0 }, NULL, NULL },
	{ "as many as allowed",
	  "multipart/mixed;boundary=o",
	  PART("o", "a") PART("o", "b") "--o--\r\n",
	  { 2, 1 },
	  NULL,
	  NULL },
	{ "one more",
	  "multipart/mixed;boundary=o",
	  PART("o", "a") PART("o", "b") PART("o", "c") "--o--",
	  { 2, 1 },
	  "more body parts than allowed",
	  "\r\nc" },
	{ "one more, unended",
	  "multipart/mixed;boundary=o",
	  "preamble\r\n" PART("o", "a") "--o\r\n\r\nb",
	  { 1, 1 },
	  "more body parts than allowed",
	  "\r\nb" },
	{ "behind the last",
	  "multipart/mixed;boundary=o",
	  PART("o", "a") "--o--\r\n" PART("o", "b"),
	  { 1, 1 },
	  NULL,
	  NULL },
	{ "within each other", "multipart/mixed;boundary=o", INNER "--o--", { 3, 2 }, NULL, NULL },
	{ "one more within",
	  "Multipart/Mixed;boundary=o",
	  INNER "--o--",
	  { 2, 2 },
	  "more body parts than allowed",
	  "\r\nb" },
	{ "too deep",
	  "multipart/mixed;boundary=o",
	  INNER "--o--",
	  { 3, 1 },
	  "body parts nested deeper than allowed",
	  "--i\r\n" },
	{ "too deep, with a blank before the colon",
	  "multipart/mixed;boundary=o",
	  "--o\r\nContent-Type \t: multipart/mixed;boundary=i\r\n\r\n" PART("i", "a") "--i--\r\n--o--",
	  { 3, 1 },
	  "body parts nested deeper than allowed",
	  "--i\r\n" },
	{ "one more, behind what is not the last",
	  "multipart/mixed;boundary=o",
	  PART("o", "a") "--o--x\r\n" PART("o", "b") PART("o", "c") "--o-- \t\r\n" PART("o", "d"),
	  { 3, 1 },
	  "more body parts than allowed",
	  "\r\nc" },
	{ "a line of what the delimiter is of",
	  "multipart/mixed;boundary=\"-\"",
	  "---\r\n\r\na\r\n-------------------------\r\nb\r\n-----\r\n",
	  { 2, 1 },
	  NULL,
	  NULL },
	{ "a delimiter without an end of line", "multipart/mixed;boundary=o", "--o", { 1, 1 }, NULL, NULL },
	{ "nothing", "multipart/mixed;boundary=o", "", { 0, 1 }, NULL, NULL },
};

static void counts_parts_and_how_deep_they_are(void **state)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *what = NULL, *at = NULL;
		enum err err = sip_body_check(slice_of(rows[i].type), slice_of(rows[i].body), &rows[i].limits,
					      &what, &at);

		if (err != (rows[i].what ? ERR_LIMIT : OK))
			fail_msg("%s: %s", rows[i].label, err_text(err));
		if (rows[i].what && strcmp(what, rows[i].what) != 0)
			fail_msg("%s: %s", rows[i].label, what);
		if (rows[i].at && strncmp(at, rows[i].at, strlen(rows[i].at)) != 0)
			fail_msg("%s: at %s", rows[i].label, at);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(counts_parts_and_how_deep_they_are),
};

TEST_MAIN(tests)
