#include "harness.h"

#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>

#include "../store/directory.h"
#include "tool.h"

static struct directory directory;

static int make_directory(void **state)
{
	directory_make(&directory, "tool");
	return 0;
}

static int remove_directory(void **state)
{
	directory_empty(&directory);
	return 0;
}

#define USER(run, input, ...) TOOL_RUN(run, SLICE(input), "user", __VA_ARGS__, "--state", directory.path)

static void accounts_are_added_changed_listed_and_removed(void **state)
{
	struct tool_run run;

	USER(&run, "secret\n", "add", "alice@localhost", "--password-stdin");
	assert_int_equal(run.code, EXIT_OK);
	assert_string_equal(run.out, "");
	USER(&run, "other\n", "add", "sips:alice@LOCALHOST", "--password-stdin");
	assert_int_equal(run.code, EXIT_FOUND);
	assert_non_null(strstr(run.err, "alice@localhost: there is such an account already; "));
	USER(&run, "other\n", "passwd", "alice@localhost", "--password-stdin", "--md5");
	assert_int_equal(run.code, EXIT_OK);
	USER(&run, "", "list");
	assert_string_equal(run.out, "alice@localhost (with MD5): not registered\n");
	USER(&run, "", "list", "--json");
	assert_string_equal(run.out,
			    "{\"users\":[{\"aor\":\"alice@localhost\",\"md5\":true,\"bindings\":[]}]}\n");
	USER(&run, "", "remove", "alice@localhost");
	assert_int_equal(run.code, EXIT_OK);
	USER(&run, "", "remove", "alice@localhost");
	assert_int_equal(run.code, EXIT_FOUND);
	assert_non_null(strstr(run.err, "alice@localhost: there is no such account; "));
	USER(&run, "", "list");
	assert_string_equal(run.out, "");
}

#define BUECHER "b\303\274cher.example"

static void accounts_of_internationalised_domains_have_a_labels(void **state)
{
	struct tool_run run;

	USER(&run, "secret\n", "add", "alice@b\303\274cher.example", "--password-stdin");
	assert_int_equal(run.code, EXIT_OK);
	USER(&run, "bob@b\303\274cher.example\tpw\nbob@\xe2\x98\x83.example\tpw\n", "import", "-");
	assert_non_null(strstr(run.err, "line 2: it is no internationalised domain name (RFC 5891): "));
	USER(&run, "bob@B\303\234CHER.example\tpw\n", "import", "-");
	assert_int_equal(run.code, EXIT_OK);
	USER(&run, "", "policy", "bob@" BUECHER, "may-use=alice@" BUECHER " carol@" BUECHER);
	assert_string_equal(run.out, "may-use=alice@xn--bcher-kva.example carol@xn--bcher-kva.example\n");
	USER(&run, "", "list");
	assert_string_equal(run.out, "alice@xn--bcher-kva.example (" BUECHER "): not registered\n"
				     "bob@xn--bcher-kva.example (" BUECHER "): not registered\n");
	USER(&run, "", "remove", "alice@xn--bcher-kva.example");
	assert_int_equal(run.code, EXIT_OK);
	USER(&run, "", "remove", "alice@\xe2\x98\x83.example");
	assert_int_equal(run.code, EXIT_USAGE);
	assert_non_null(strstr(run.err, "it is no internationalised domain name (RFC 5891): "));
}

static void all_of_a_policy_is_said_at_once(void **state)
{
	static const char text[] = "least-digest=sha-256\n"
				   "md5-until=2027-01-31\n"
				   "client-certificate=either\n"
				   "calls-in=sips\n"
				   "calls-out=smime\n"
				   "may-use=sales@localhost\n"
				   "registered-by=boss@localhost\n";
	struct tool_run run;

	USER(&run, "secret\n", "add", "a@localhost", "--password-stdin");
	USER(&run, "", "policy", "a@localhost", "least-digest=sha-256", "md5-until=2027-01-31",
	     "client-certificate=either", "calls-in=sips", "calls-out=smime", "may-use=sales@localhost",
	     "registered-by=boss@localhost");
	assert_string_equal(run.err, "");
	assert_string_equal(run.out, text);
}

static void a_generated_password_is_printed_once_and_never_the_same(void **state)
{
	struct tool_run run, other;
	json_t *object;

	USER(&run, "", "add", "a@localhost", "--generate");
	USER(&other, "", "add", "b@localhost", "--generate");
	assert_int_equal(strlen(run.out), 25);
	assert_string_not_equal(run.out, other.out);
	assert_string_equal(run.err, "");
	USER(&run, "", "passwd", "a@localhost", "--generate", "--json");
	object = json_loads(run.out, 0, NULL);
	assert_non_null(object);
	assert_string_equal(json_string_value(json_object_get(object, "aor")), "a@localhost");
	assert_int_equal(json_string_length(json_object_get(object, "password")), 24);
	json_decref(object);
}

static void what_cannot_be_an_account_is_refused(void **state)
{
	static const char *const addresses[] = { "",
						 "alice",
						 "@localhost",
						 "alice@",
						 "alice:pw@localhost",
						 "alice@localhost:5061",
						 "sip:alice@localhost;user=phone",
						 "tel:+1234@x",
						 "http://x",
						 "a b@localhost" };

	for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
		struct tool_run run;

		USER(&run, "secret\n", "add", addresses[i], "--password-stdin");
		if (run.code != EXIT_USAGE)
			fail_msg("%s", addresses[i]);
	}
}

static void what_cannot_be_a_password_is_refused(void **state)
{
	struct tool_run run;

	USER(&run, "", "add", "a@localhost", "--password-stdin");
	assert_int_equal(run.code, EXIT_FOUND);
	USER(&run, "\n", "add", "a@localhost", "--password-stdin");
	assert_int_equal(run.code, EXIT_FOUND);
	USER(&run, "a\tb\n", "add", "a@localhost", "--password-stdin");
	assert_int_equal(run.code, EXIT_FOUND);
	USER(&run, "a\0b\n", "add", "a@localhost", "--password-stdin");
	assert_int_equal(run.code, EXIT_FOUND);
	USER(&run, "no line end", "add", "a@localhost", "--password-stdin");
	assert_int_equal(run.code, EXIT_OK);
}

static void many_are_imported_at_once(void **state)
{
	struct tool_run run;

	USER(&run, "a@localhost\tpw 1\nsip:b@localhost\tpw2\r\nc@localhost\tpw3", "import", "-");
	assert_int_equal(run.code, EXIT_OK);
	assert_string_equal(run.out, "3 accounts added, 0 lines refused\n");
	USER(&run, "a@localhost\tx\nd@localhost\ty\nd@localhost\tz\n", "import", "-", "--json");
	assert_int_equal(run.code, EXIT_FOUND);
	assert_string_equal(
		run.out,
		"{\"added\":1,\"refused\":["
		"{\"line\":1,\"aor\":\"a@localhost\",\"message\":\"there is such an account already\"},"
		"{\"line\":3,\"aor\":\"d@localhost\",\"message\":\"there is such an account already\"}]}\n");
}

static void a_file_with_a_malformed_line_is_not_imported(void **state)
{
	static const char *const lines[] = { "b@localhost",       "b@localhost\t", "b\tpw", "\tpw", "",
					     "b@localhost\ta\x01" };

	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		char text[100];
		struct tool_run run;

		snprintf(text, sizeof text, "a@localhost\tpw\n%s\nc@localhost\tpw\n", lines[i]);
		TOOL_RUN(&run, slice_of(text), "user", "import", "-", "--state", directory.path);
		if (run.code != EXIT_FOUND || !strstr(run.err, "sealine: line 2: "))
			fail_msg("\"%s\": %s", lines[i], run.err);
		USER(&run, "", "list");
		assert_string_equal(run.out, "");
	}
}

static void without_a_state_directory_there_is_nothing_to_list(void **state)
{
	struct tool_run run;

	TOOL_RUN(&run, SLICE(""), "user", "list", "--state", "/nonexistent");
	assert_int_equal(run.code, EXIT_FOUND);
	assert_non_null(strstr(run.err, "/nonexistent: there is no such directory; "));
	TOOL_RUN(&run, SLICE(""), "status", "--state", "/nonexistent");
	assert_int_equal(run.code, EXIT_FOUND);
	assert_non_null(strstr(run.err, "no server runs there; "));
	TOOL_RUN(&run, SLICE(""), "ca", "export", "--state", "/nonexistent");
	assert_int_equal(run.code, EXIT_FOUND);
	assert_non_null(strstr(run.err, "/nonexistent/ca.pem: there is no such file; "));
}

static void what_is_only_looked_at_is_not_made(void **state)
{
	static const char *const words[] = { "list", "remove", "policy", "passwd" };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		struct tool_run run;

		/* "list" takes no name */
		TOOL_RUN(&run, SLICE("secret\n"), "user", words[i], "--state", directory.path,
			 i > 0 ? "a@localhost" : NULL, i == 3 ? "--password-stdin" : NULL);
		assert_int_equal(run.code, EXIT_FOUND);
		assert_non_null(strstr(run.err, ": there are no accounts here; "));
		assert_int_equal(rmdir(directory.path), 0); /* it is empty still */
		assert_int_equal(mkdir(directory.path, 0700), 0);
	}
}

static void spoil(const char *file)
{
	char path[200];
	int fd;

	snprintf(path, sizeof path, "%s/%s", directory.path, file);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "spoilt", 6), 6);
	close(fd);
}

static void what_is_wrong_with_the_files_is_said(void **state)
{
	struct tool_run run;
	char path[200];

	USER(&run, "secret\n", "add", "a@localhost", "--password-stdin");
	spoil("master.key");
	USER(&run, "", "list");
	assert_int_equal(run.code, EXIT_FOUND);
	assert_non_null(strstr(run.err, "sealed with another master.key; "));
	snprintf(path, sizeof path, "%s/master.key", directory.path);
	assert_int_equal(truncate(path, 6), 0);
	USER(&run, "", "list");
	assert_int_equal(run.code, EXIT_FOUND);
	assert_non_null(strstr(run.err, "master.key is damaged; "));
	snprintf(path, sizeof path, "%s/lock", directory.path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("elsewhere", path), 0);
	USER(&run, "", "list");
	assert_int_equal(run.code, EXIT_FOUND);
	assert_non_null(strstr(run.err, ": lock: Too many levels of symbolic links; "));
}

static void a_file_is_no_state_directory(void **state)
{
	struct tool_run run;
	char path[200];

	spoil("file");
	snprintf(path, sizeof path, "%s/file", directory.path);
	TOOL_RUN(&run, SLICE(""), "user", "list", "--state", path);
	assert_int_equal(run.code, EXIT_FOUND);
	assert_non_null(strstr(run.err, "/file: there is no such directory; "));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)

static const struct CMUnitTest tests[] = {
	TEST(accounts_are_added_changed_listed_and_removed),
	TEST(accounts_of_internationalised_domains_have_a_labels),
	TEST(all_of_a_policy_is_said_at_once),
	TEST(a_generated_password_is_printed_once_and_never_the_same),
	TEST(what_cannot_be_an_account_is_refused),
	TEST(what_cannot_be_a_password_is_refused),
	TEST(many_are_imported_at_once),
	TEST(a_file_with_a_malformed_line_is_not_imported),
	TEST(without_a_state_directory_there_is_nothing_to_list),
	TEST(what_is_only_looked_at_is_not_made),
	TEST(what_is_wrong_with_the_files_is_said),
	TEST(a_file_is_no_state_directory),
};

TEST_MAIN(tests)
