/* The messages of the RFCs themselves: the torture tests of RFC 4475 and the call flows of RFC 3665 and others. */
#include "harness.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "sip/build.h"
#include "sip/check.h"
#include "sip/frame.h"

enum { LARGEST = 65536 };

/* Where the material lies: SEALINE_SHARED, or ../shared beside the project. */
static void put_directory(char *path, size_t size, const char *name)
{
	const char *shared = getenv("SEALINE_SHARED"), *root = getenv("SEALINE_ROOT");

	if (shared)
		snprintf(path, size, "%s/vectors/%s", shared, name);
	else
		snprintf(path, size, "%s/../shared/vectors/%s", root ? root : ".", name);
}

static struct slice read_whole(const char *path, char *buf)
{
	FILE *file = fopen(path, "rb");
	size_t n = file ? fread(buf, 1, LARGEST, file) : 0;

	if (file)
		fclose(file);
	return slice_from(buf, n);
}

/* The parse of one row of expected.tsv: its outcome is to be the one expected, and the status where one is named. */
static void check_torture(const char *directory, char *row)
{
	static char buf[LARGEST];
	char *at = row, *name = strsep(&at, "\t"), *section = strsep(&at, "\t"), *verdict = strsep(&at, "\t");
	struct sip_message *message = NULL;
	struct sip_fault fault = { 0 };
	char path[512];
	bool accepted;
	enum err err;

	snprintf(path, sizeof path, "%s/%s", directory, name);
	err = sip_message_parse(read_whole(path, buf), &sip_limits_default, &message, &fault);
	assert_int_not_equal(err, ERR_NOMEM);
	if (message)
		fault = message->fault;
	accepted = fault.status == 0;
	if ((strcmp(verdict, "accept") == 0 && !accepted) || (strcmp(verdict, "reject") == 0 && accepted))
		fail_msg("RFC4475:%s %s: %s", section, name, fault.what ? fault.what : "accepted");
	if (strcmp(name, "badvers.dat") == 0)
		assert_int_equal(fault.status, 505);
	if (strcmp(name, "dblreq.dat") == 0)
		assert_true(message && message->body.len == 0);
	sip_message_free(message);
}

static void the_torture_tests_of_rfc_4475_get_their_verdicts(void **state)
{
	char directory[256], path[512], row[512];
	FILE *expected;
	unsigned n = 0;

	put_directory(directory, sizeof directory, "rfc4475");
	snprintf(path, sizeof path, "%s/expected.tsv", directory);
	expected = fopen(path, "r");
	if (!expected) {
		test_skip(__func__, "the RFC 4475 messages are not there");
		return;
	}
	while (fgets(row, sizeof row, expected))
		if (n++ > 0) /* the headings */
			check_torture(directory, row);
	fclose(expected);
	assert_int_equal(n, 51);
}

/* What is written from a parsed message, unchanged, parses to the same again. */
static void check_rebuilt(const struct sip_message *message)
{
	static char buf[LARGEST];
	static const struct sip_edits no_edits = { .max_forwards = -1 };
	struct writer out = writer_of(buf, sizeof buf);
	struct sip_message *again = NULL;
	struct sip_fault fault;
	size_t at = 0;

	if (message->kind == SIP_REQUEST)
		put_request_line(&out, message->method_name, message->uri_text);
	else
		put_status_line(&out, message->status, message->reason);
	put_forwarded(&out, message, &no_edits);
	assert_false(out.overflow);
	assert_int_equal(sip_message_parse(writer_text(&out), &sip_limits_default, &again, &fault), OK);
	assert_int_equal(again->fault.status, message->fault.status);
	assert_int_equal(again->status, message->status);
	assert_true(slice_eq(again->method_name, message->method_name));
	assert_true(slice_eq(again->uri_text, message->uri_text));
	assert_true(slice_eq(again->body, message->body));
	for (size_t i = 0; i < message->n_headers; i++) {
		const struct sip_header *header = &message->headers[i];

		if (header->id == SIP_CONTENT_LENGTH)
			continue;
		assert_true(at < again->n_headers);
		assert_true(slice_eq(again->headers[at].name, header->name));
		assert_true(slice_eq(again->headers[at++].value, header->value));
	}
	assert_int_equal(again->n_headers, at + 1); /* Content-Length */
	sip_message_free(again);
}

/* Some examples leave out what the transport writes (Via), or Content-Length. */
static void check_flow_message(const char *path)
{
	static char buf[LARGEST];
	struct slice text = read_whole(path, buf);
	struct sip_message *message = NULL;
	struct sip_framer framer = { 0 };
	struct sip_frame frame;
	struct sip_fault fault;

	assert_int_equal(sip_message_parse(text, &sip_limits_default, &message, &fault), OK);
	if (message->fault.status && !sip_message_is_unsent(message))
		fail_msg("%s: %s at %zu", path, message->fault.what, message->fault.at);
	check_rebuilt(message);
	if (sip_message_header(message, SIP_CONTENT_LENGTH)) {
		assert_int_equal(sip_frame(&framer, text, &sip_limits_default, &frame), OK);
		assert_int_equal(frame.bytes.len,
				 (size_t)(message->body.ptr - message->text.ptr) + message->body.len);
	}
	sip_message_free(message);
}

static void check_flows(const char *test, const char *name, unsigned n_expected)
{
	char directory[256], path[768];
	unsigned n = 0;
	DIR *dir;

	put_directory(directory, sizeof directory, name);
	dir = opendir(directory);
	if (!dir) {
		test_skip(test, "the flows are not there");
		return;
	}
	for (struct dirent *entry; (entry = readdir(dir));) {
		size_t len = strlen(entry->d_name);

		if (len < 4 || strcmp(entry->d_name + len - 4, ".sip") != 0)
			continue;
		snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
		check_flow_message(path);
		n++;
	}
	closedir(dir);
	assert_int_equal(n, n_expected);
}

static void the_flows_of_rfc_3665_parse_and_can_be_written_again(void **state)
{
	check_flows(__func__, "rfc3665-flows", 193);
}

static void the_flows_of_other_rfcs_parse_and_can_be_written_again(void **state)
{
	check_flows(__func__, "rfc-flows-other", 60);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_torture_tests_of_rfc_4475_get_their_verdicts),
	cmocka_unit_test(the_flows_of_rfc_3665_parse_and_can_be_written_again),
	cmocka_unit_test(the_flows_of_other_rfcs_parse_and_can_be_written_again),
};

TEST_MAIN(tests)
