/* What is asked of one account: sealine user policy. */
#include <stdio.h>

#include "endpoint/policy.h"
#include "idn/idn.h"
#include "sealine/accounts.h"
#include "sealine/command.h"
#include "sealine/output.h"

/* One argument, with the domains of addresses in it as they are stored. False: it was complained of. */
static bool take_argument(struct slice argument, struct writer *out)
{
	char text[300];
	struct writer why = writer_of(text, sizeof text);

	while (argument.len > 0) {
		struct slice word = slice_sub(argument, 0, slice_find(argument, ' '));

		if (!put_ascii_domain(out, word, &why))
			return complain("\"%.*s\": %.*s; see sealine user policy --help", SLICE_FMT(word),
					SLICE_FMT(writer_text(&why)));
		put(out, slice_sub(argument, word.len, 1));
		argument = slice_sub(argument, word.len + 1, argument.len);
	}
	put_char(out, '\n');
	return true;
}

/* The arguments behind the address, a line each. False: it was complained of. */
static bool take_lines(const struct invocation *invocation, struct writer *out)
{
	struct account_policy policy = { .least = DIGEST_MD5 };
	char text[300];
	struct writer why = writer_of(text, sizeof text);

	for (size_t i = 1; i < invocation->n_arguments; i++)
		if (!take_argument(slice_of(invocation->arguments[i]), out))
			return false;
	if (out->overflow)
		return complain("that is more than %d characters; say it in several steps", POLICY_TEXT_MAX);
	return account_policy_say(&policy, writer_text(out), &why) ||
	       complain("%.*s; see sealine user policy --help", SLICE_FMT(writer_text(&why)));
}

/* {"aor": ..., "policy": {"calls-in": "sips", ...}} */
static json_t *json_of_policy(struct slice name, struct slice lines)
{
	json_t *members = json_object();

	while (members && lines.len > 0) {
		size_t end = slice_find(lines, '\n'), equals = slice_find(lines, '=');
		struct slice value = slice_sub(lines, equals + 1, end - equals - 1);

		json_object_setn_new(members, lines.ptr, equals, json_of_text(value));
		lines = slice_sub(lines, end + 1, lines.len);
	}
	return json_pack("{s:o, s:o}", "aor", json_of_text(name), "policy", members);
}

static bool print_policy(const struct invocation *invocation, struct slice name, struct slice lines)
{
	if (invocation->flags & FLAG_JSON)
		return print_json(json_of_policy(name, lines));
	if (lines.len == 0)
		printf("%.*s: nothing is asked of it beyond what its domain asks\n", SLICE_FMT(name));
	else
		printf("%.*s", SLICE_FMT(lines));
	return true;
}

enum exit_code user_policy_run(const struct invocation *invocation)
{
	char name[STORE_NAME_MAX], text[POLICY_TEXT_MAX], result[POLICY_TEXT_MAX];
	struct writer name_out = writer_of(name, sizeof name), lines = writer_of(text, sizeof text),
		      out = writer_of(result, sizeof result);
	struct accounts accounts;
	bool ok;

	if (!entry_take_name(&name_out, invocation->arguments[0]))
		return EXIT_USAGE;
	if (!take_lines(invocation, &lines))
		return EXIT_USAGE;
	ok = accounts_open(&accounts, invocation->state, false) &&
	     accounts_policy(&accounts, writer_text(&name_out), writer_text(&lines), &out) &&
	     print_policy(invocation, writer_text(&name_out), writer_text(&out));
	accounts_close(&accounts);
	return ok ? EXIT_OK : EXIT_FOUND;
}
