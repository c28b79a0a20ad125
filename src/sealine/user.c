#include <stdio.h>

#include "sealine/accounts.h"
#include "sealine/command.h"
#include "sealine/output.h"
#include "sealine/password.h"

/* The password, from where the options say. NULL: it was complained of. */
static struct secret *get_password(const struct invocation *invocation, struct crypto *crypto,
				   const char *whose, bool *ret_interrupted)
{
	if (invocation->flags & FLAG_GENERATE)
		return password_make(crypto);
	if (invocation->flags & FLAG_PASSWORD_STDIN)
		return password_read();
	return password_ask(whose, ret_interrupted);
}

static bool print_made(const struct invocation *invocation, const struct entry *entry,
		       const struct secret *password)
{
	bool made = invocation->flags & FLAG_GENERATE;
	json_t *object;

	if (invocation->flags & FLAG_JSON) {
		object = json_pack("{s:o}", "aor", json_of_text(entry->name));
		if (object && made)
			json_object_set_new(object, "password", json_of_text(secret_slice(password)));
		return print_json(object);
	}
	if (made)
		printf("%.*s\n", SLICE_FMT(secret_slice(password)));
	return true;
}

/* Sets a password, of a new account or of one that is there. */
static enum exit_code set_password(const struct invocation *invocation, enum change change)
{
	AUTO(crypto) struct crypto *crypto = crypto_new();
	AUTO(secret) struct secret *password = NULL;
	char name[STORE_NAME_MAX + 1] = "";
	struct writer name_writer = writer_of(name, STORE_NAME_MAX);
	struct entry entry = { .line = 0 };
	struct accounts accounts;
	bool ok, interrupted = false;

	if (!crypto) {
		(void)complain_of(ERR_NOMEM);
		return EXIT_FOUND;
	}
	if (!entry_take_name(&name_writer, invocation->arguments[0]))
		return EXIT_USAGE;
	entry.name = writer_text(&name_writer);
	password = get_password(invocation, crypto, name, &interrupted);
	if (!password)
		return interrupted ? EXIT_INTERRUPTED : EXIT_FOUND;
	if (!entry_digest(crypto, secret_slice(password), invocation->flags & FLAG_MD5, &entry))
		return EXIT_FOUND;
	ok = accounts_open(&accounts, invocation->state, change == CHANGE_ADD) &&
	     accounts_change(&accounts, change, &entry) && print_made(invocation, &entry, password);
	accounts_close(&accounts);
	entry_fini(&entry);
	return ok ? EXIT_OK : EXIT_FOUND;
}

enum exit_code user_add_run(const struct invocation *invocation)
{
	return set_password(invocation, CHANGE_ADD);
}

enum exit_code user_passwd_run(const struct invocation *invocation)
{
	return set_password(invocation, CHANGE_PASSWD);
}

enum exit_code user_remove_run(const struct invocation *invocation)
{
	char name[STORE_NAME_MAX];
	struct writer name_writer = writer_of(name, sizeof name);
	struct entry entry = { .line = 0 };
	struct accounts accounts;
	bool ok;

	if (!entry_take_name(&name_writer, invocation->arguments[0]))
		return EXIT_USAGE;
	entry.name = writer_text(&name_writer);
	ok = accounts_open(&accounts, invocation->state, false) &&
	     accounts_change(&accounts, CHANGE_REMOVE, &entry);
	accounts_close(&accounts);
	return ok ? EXIT_OK : EXIT_FOUND;
}

static void print_binding(const json_t *binding)
{
	fputs("\t", stdout);
	print_escaped(text_member(binding, "contact"));
	printf(" for %lld s, from ", (long long)json_integer_value(json_object_get(binding, "expires")));
	print_escaped(text_member(binding, "received"));
	fputs(json_is_true(json_object_get(binding, "secure")) ? ", secure" : ", not secure", stdout);
	fputs(", ", stdout);
	print_escaped(text_member(binding, "user_agent"));
	putchar('\n');
}

static void print_user(const json_t *user)
{
	const json_t *bindings = json_object_get(user, "bindings");

	print_domain_of(text_member(user, "aor"));
	fputs(json_is_true(json_object_get(user, "md5")) ? " (with MD5)" : "", stdout);
	puts(json_array_size(bindings) > 0 ? "" : ": not registered");
	print_each(bindings, print_binding);
}

enum exit_code user_list_run(const struct invocation *invocation)
{
	struct accounts accounts;
	json_t *list = NULL;
	bool ok = accounts_open(&accounts, invocation->state, false);

	if (ok)
		list = accounts_list(&accounts);
	accounts_close(&accounts);
	if (!list)
		return EXIT_FOUND;
	if (invocation->flags & FLAG_JSON)
		return print_json(json_pack("{s:o}", "users", list)) ? EXIT_OK : EXIT_FOUND;
	print_each(list, print_user);
	json_decref(list);
	return EXIT_OK;
}
