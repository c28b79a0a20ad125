#include <stdio.h>

#include "base/writer.h"
#include "sealine/command.h"
#include "sealine/entry.h"
#include "sealine/output.h"
#include "sealine/server.h"
#include "store/store.h"

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

	print_domain_of(text_member(certificate, "aor"));
	putchar(' ');
	print_escaped(text_member(certificate, "sha256"));
	if (json_is_true(json_object_get(certificate, "revoked")))
		puts(" revoked");
	else
		printf(" for %lld %s\n", (long long)(left >= DAY_S ? left / DAY_S : left),
		       left >= DAY_S ? "days" : "s");
}

/* The account of the first argument, as the server knows it; "" without one. False: it was complained of. */
static bool take_aor(const struct invocation *invocation, char ret_aor[STORE_NAME_MAX + 1])
{
	struct writer out = writer_of(ret_aor, STORE_NAME_MAX);
	bool ok = invocation->n_arguments == 0 || entry_take_name(&out, invocation->arguments[0]);

	ret_aor[ok ? out.len : 0] = '\0';
	return ok;
}

/* All pieces as one list, of all accounts if aor is empty; NULL: it was complained of. */
static json_t *collect(const struct invocation *invocation, const char *aor)
{
	json_t *all = json_array(), *reply = NULL;
	char after[1024] = "";

	do {
		json_decref(reply);
		reply = ask(invocation,
			    aor[0] ? json_pack("{s:s, s:s}", "request", "cert-list", "aor", aor)
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
	char aor[STORE_NAME_MAX + 1];
	json_t *all;
	bool ok;

	if (!take_aor(invocation, aor))
		return EXIT_USAGE;
	all = collect(invocation, aor);
	ok = all;
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
	char aor[STORE_NAME_MAX + 1], digits[FINGERPRINT_DIGITS + 1];
	json_t *request;

	if (!take_aor(invocation, aor))
		return EXIT_USAGE;
	request = json_pack("{s:s, s:s}", "request", "cert-revoke", "aor", aor);
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
