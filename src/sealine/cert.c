#include <stdio.h>

#include "base/writer.h"
#include "sealine/command.h"
#include "sealine/output.h"
#include "sealine/server.h"

enum { FINGERPRINT_DIGITS = 64, DAY_S = 86400 };

static json_t *ask(const struct invocation *invocation, json_t *request)
{
	return server_ask_for(
		invocation, request,
		&(struct server_hints){ "nothing is told of certificates", "sealine cert list" });
}

static void print_certificate(const json_t *certificate)
{
	json_int_t left = json_integer_value(json_object_get(certificate, "left"));

	print_escaped(text_member(certificate, "aor"));
	putchar(' ');
	print_escaped(text_member(certificate, "sha256"));
	if (json_is_true(json_object_get(certificate, "revoked")))
		puts(" revoked");
	else
		printf(" for %lld %s\n", (long long)(left >= DAY_S ? left / DAY_S : left),
		       left >= DAY_S ? "days" : "s");
}

/* All pieces as one list; NULL: it was complained of. */
static json_t *collect(const struct invocation *invocation)
{
	const char *aor = invocation->n_arguments ? invocation->arguments[0] : NULL;
	json_t *all = json_array(), *reply = NULL;
	char after[1024] = "";

	do {
		json_decref(reply);
		reply = ask(invocation,
			    aor ? json_pack("{s:s, s:s}", "request", "cert-list", "aor", aor)
				: json_pack("{s:s, s:s}", "request", "cert-list", "after", after));
		if (!reply || json_array_extend(all, json_object_get(reply, "certificates")) != 0) {
			json_decref(reply);
			json_decref(all);
			return NULL;
		}
		struct writer out = writer_of(after, sizeof after - 1);
		put(&out, text_member(reply, "after"));
		after[out.len] = '\0';
	} while (after[0]);
	json_decref(reply);
	return all;
}

enum exit_code cert_list_run(const struct invocation *invocation)
{
	json_t *all = collect(invocation);
	bool ok = all;

	if (all && (invocation->flags & FLAG_JSON))
		ok = print_json(json_pack("{s:O}", "certificates", all));
	else if (all)
		print_each(all, print_certificate);
	json_decref(all);
	return ok ? EXIT_OK : EXIT_FOUND;
}

/* Without the colons that openssl writes. */
static bool read_fingerprint(const char *argument, char ret_digits[FINGERPRINT_DIGITS + 1])
{
	struct writer out = writer_of(ret_digits, FINGERPRINT_DIGITS);

	for (const char *at = argument; *at; at++)
		if (*at != ':')
			put_char(&out, *at);
	ret_digits[out.len] = '\0';
	return (!out.overflow && out.len == FINGERPRINT_DIGITS) ||
	       complain("\"%s\" is no fingerprint; give the 64 digits that sealine cert list shows",
			argument);
}

enum exit_code cert_revoke_run(const struct invocation *invocation)
{
	const char *aor = invocation->arguments[0];
	char digits[FINGERPRINT_DIGITS + 1];
	json_t *request = json_pack("{s:s, s:s}", "request", "cert-revoke", "aor", aor);

	if (invocation->n_arguments > 1) {
		if (!read_fingerprint(invocation->arguments[1], digits)) {
			json_decref(request);
			return EXIT_USAGE;
		}
		json_object_set_new(request, "sha256", json_string(digits));
	}
	json_t *reply = ask(invocation, request);
	json_decref(reply);
	return reply ? EXIT_OK : EXIT_FOUND;
}
