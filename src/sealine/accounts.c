#include "sealine/accounts.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "control/control.h"
#include "sealine/output.h"
#include "sealine/server.h"

enum { WHY_MAX = 512 };

/* -- where the accounts are -------------------------------------------------------------------------- */

static bool find_directory(struct accounts *accounts, struct slice state)
{
	struct writer dir = writer_of(accounts->dir, sizeof accounts->dir - 1);
	struct writer socket = writer_of(accounts->socket, sizeof accounts->socket - 1);

	if (!state_find(&dir, state))
		return complain(
			"there is no state directory to be found: neither STATE_DIRECTORY, XDG_STATE_HOME nor "
			"HOME is set; give --state DIR");
	accounts->dir_path = writer_text(&dir);
	put_state_path(&socket, accounts->dir_path, SLICE(STATE_CONTROL_SOCKET));
	accounts->socket_path = writer_text(&socket);
	return !socket.overflow ||
	       complain("%s: the path is too long; give a shorter --state DIR", accounts->dir);
}

static bool complain_of_directory(const struct accounts *accounts, enum err err)
{
	const char *why = err_text(err);

	if (err == ERR_DENIED)
		why = "it belongs to another user or is open to others; run this as its owner, with mode 0700";
	else if (err == ERR_NOT_FOUND)
		why = "there is no such directory; start sealined, or name the right one with --state DIR";
	else if (err == ERR_SYNTAX)
		why = STATE_MASTER_SECRET " is damaged; put the right one in its place";
	return complain("%s: %s", accounts->dir, why);
}

/* Whoever only looks, or names the wrong directory, makes no files. */
static bool has_accounts(const struct accounts *accounts)
{
	char path[STATE_PATH_MAX] = "";
	struct writer out = writer_of(path, sizeof path - 1);

	put_state_path(&out, accounts->dir_path, SLICE(STATE_DATABASE));
	if (access(path, F_OK) == 0 || errno != ENOENT)
		return true;
	if (access(accounts->dir, F_OK) != 0)
		return complain_of_directory(accounts, ERR_NOT_FOUND);
	return complain(
		"%s: there are no accounts here; start sealined, or name the right directory with --state DIR",
		accounts->dir);
}

static bool open_files(struct accounts *accounts, bool make)
{
	char buf[WHY_MAX];
	struct writer why = writer_of(buf, sizeof buf);
	enum err err = make ? state_make(accounts->dir_path) : OK;

	if (!make && !has_accounts(accounts))
		return false;
	if (err == OK)
		err = store_open(accounts->dir_path, &why, &accounts->store);
	switch (err) {
	case OK: return true;
	case ERR_AGAIN:
		return complain(
			"%s: another process works on it, and it is no sealined that replies; try again "
			"when it has ended",
			accounts->dir);
	case ERR_CONFLICT:
		return complain("%s: a newer version of sealine has written it; use that one", accounts->dir);
	case ERR_IO:
		return complain("%s: %.*s; see whether the disk is in order", accounts->dir,
				SLICE_FMT(writer_text(&why)));
	default: return complain_of_directory(accounts, err);
	}
}

bool accounts_open(struct accounts *accounts, struct slice state, bool make)
{
	json_t *reply = NULL;
	enum err err;

	*accounts = (struct accounts){ .store = NULL };
	if (!find_directory(accounts, state))
		return false;
	err = server_ask(accounts->socket_path, json_pack("{s:s}", "request", "version"), &reply);
	json_decref(reply);
	if (err == ERR_NOT_FOUND)
		return open_files(accounts, make);
	return err == OK ||
	       (err == ERR_EXISTS &&
		complain("%s: sealined does not say its version; see its log", accounts->socket));
}

void accounts_close(struct accounts *accounts)
{
	store_close(accounts->store);
	accounts->store = NULL;
}

/* -- one change ---------------------------------------------------------------------------------------- */

static const char *const requests[] = {
	[CHANGE_ADD] = "user-add",
	[CHANGE_PASSWD] = "user-passwd",
	[CHANGE_REMOVE] = "user-remove",
};

/* What is wrong with the account itself; false if err is none of that. */
static bool complain_of_account(const struct entry *entry, enum err err)
{
	if (err == ERR_EXISTS)
		(void)complain(
			"%.*s: there is such an account already; change its password with sealine user "
			"passwd",
			SLICE_FMT(entry->name));
	if (err == ERR_NOT_FOUND)
		(void)complain("%.*s: there is no such account; see which there are with sealine user list",
			       SLICE_FMT(entry->name));
	return err == ERR_EXISTS || err == ERR_NOT_FOUND;
}

/* A refusal in the words of sealine-control(7). */
static void complain_of_refusal(const struct entry *entry, const json_t *reply)
{
	struct slice error = text_member(reply, "error"), message = text_member(reply, "message");
	enum err err = slice_eq(error, SLICE("exists"))      ? ERR_EXISTS
		       : slice_eq(error, SLICE("not-found")) ? ERR_NOT_FOUND
							     : ERR_DENIED;

	if (!complain_of_account(entry, err))
		(void)complain("%.*s: %.*s; nothing was changed", SLICE_FMT(entry->name), SLICE_FMT(message));
}

static bool change_by_server(struct accounts *accounts, enum change change, const struct entry *entry)
{
	json_t *request = json_of_entry(entry), *reply = NULL;
	enum err err;

	if (request && json_object_set_new(request, "request", json_string(requests[change])) != 0) {
		json_decref(request);
		request = NULL;
	}
	err = server_ask(accounts->socket_path, request, &reply);
	if (err == ERR_NOT_FOUND)
		(void)complain("%s: sealined has ended meanwhile; try again", accounts->socket);
	if (err == ERR_EXISTS)
		complain_of_refusal(entry, reply);
	json_decref(reply);
	return err == OK;
}

static enum err change_in_store(struct store *store, enum change change, const struct entry *entry)
{
	enum err err = store_begin(store);

	if (err != OK)
		return err;
	switch (change) {
	case CHANGE_ADD: err = store_add(store, entry->name, &entry->digests, NULL); break;
	case CHANGE_PASSWD: err = store_passwd(store, entry->name, &entry->digests, NULL); break;
	case CHANGE_REMOVE: err = store_remove(store, entry->name, NULL); break;
	}
	if (err == OK)
		return store_commit(store);
	store_rollback(store);
	return err;
}

static bool complain_of_store(const struct accounts *accounts, enum err err)
{
	if (err == ERR_IO)
		return complain("%s: %s; see whether the disk is in order", accounts->dir,
				store_trouble(accounts->store));
	if (err == ERR_DENIED)
		return complain("%s: the digests were sealed with another " STATE_MASTER_SECRET
				"; put that one back",
				accounts->dir);
	return complain_of(err);
}

static bool change_in_files(struct accounts *accounts, enum change change, const struct entry *entry)
{
	enum err err = change_in_store(accounts->store, change, entry);

	if (err == OK)
		return true;
	if (!complain_of_account(entry, err))
		(void)complain_of_store(accounts, err);
	return false;
}

bool accounts_change(struct accounts *accounts, enum change change, const struct entry *entry)
{
	if (accounts->store)
		return change_in_files(accounts, change, entry);
	return change_by_server(accounts, change, entry);
}

/* -- its policy ------------------------------------------------------------------------------------------ */

static bool policy_by_server(struct accounts *accounts, const struct entry *entry, struct slice lines,
			     struct writer *out)
{
	json_t *reply = NULL;
	json_t *request = lines.len > 0 ? json_pack("{s:s, s:o, s:o}", "request", "user-policy", "aor",
						    json_of_text(entry->name), "policy", json_of_text(lines))
					: json_pack("{s:s, s:o}", "request", "user-policy", "aor",
						    json_of_text(entry->name));
	enum err err = server_ask(accounts->socket_path, request, &reply);

	if (err == ERR_NOT_FOUND)
		(void)complain("%s: sealined has ended meanwhile; try again", accounts->socket);
	if (err == ERR_EXISTS)
		complain_of_refusal(entry, reply);
	if (err == OK)
		put(out, text_member(reply, "policy"));
	json_decref(reply);
	return err == OK;
}

static enum err policy_in_store(struct store *store, struct slice name, struct slice lines,
				struct writer *out)
{
	AUTO(aor) struct aor *aor = NULL;
	enum err err = store_begin(store);

	if (err == OK && lines.len > 0)
		err = store_policy(store, name, lines, NULL, NULL);
	if (err == OK)
		err = store_find(store, name, &aor);
	if (err != OK) {
		store_rollback(store);
		return err;
	}
	put_account_policy(out, &aor->account.policy);
	return store_commit(store);
}

bool accounts_policy(struct accounts *accounts, struct slice name, struct slice lines, struct writer *out)
{
	const struct entry entry = { .name = name };
	enum err err;

	if (!accounts->store)
		return policy_by_server(accounts, &entry, lines, out);
	err = policy_in_store(accounts->store, name, lines, out);
	if (err == ERR_LIMIT)
		return complain(
			"%.*s: all of its policy together is more than %d characters; take something back",
			SLICE_FMT(name), POLICY_TEXT_MAX);
	if (err != OK && !complain_of_account(&entry, err))
		(void)complain_of_store(accounts, err);
	return err == OK;
}

/* -- many at once ---------------------------------------------------------------------------------- */

/* What came of a batch that a server took: its refusals are told by their place in the batch. */
static void tell_refused(const json_t *reply, const struct entry *entries, size_t n,
			 const struct import *import)
{
	const json_t *list = json_object_get(reply, "refused");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		json_int_t index = json_integer_value(json_object_get(one, "index"));

		if (index >= 0 && (size_t)index < n)
			import->refused(import->self, &entries[index], text_member(one, "message"));
	}
}

static json_t *json_of_batch(const struct entry *entries, size_t n)
{
	json_t *users = json_array();

	for (size_t i = 0; users && i < n; i++)
		if (json_array_append_new(users, json_of_entry(&entries[i])) != 0) {
			json_decref(users);
			return NULL;
		}
	return json_pack("{s:s, s:o}", "request", "user-import", "users", users);
}

static bool add_batch(struct accounts *accounts, const struct entry *entries, size_t n, struct import *import)
{
	json_t *reply = NULL;
	enum err err = server_ask(accounts->socket_path, json_of_batch(entries, n), &reply);
	struct slice message = text_member(reply, "message");

	if (err == ERR_NOT_FOUND)
		(void)complain("%s: sealined has ended meanwhile, %zu accounts were added; try again",
			       accounts->socket, import->added);
	if (err == ERR_EXISTS)
		(void)complain("%.*s; %zu accounts were added", SLICE_FMT(message), import->added);
	if (err == OK) {
		tell_refused(reply, entries, n, import);
		import->added += (size_t)json_integer_value(json_object_get(reply, "added"));
	}
	json_decref(reply);
	return err == OK;
}

static bool import_by_server(struct accounts *accounts, struct import *import)
{
	for (size_t at = 0; at < import->n_entries; at += CONTROL_BATCH_MAX) {
		size_t n = import->n_entries - at;

		if (!add_batch(accounts, import->entries + at, n < CONTROL_BATCH_MAX ? n : CONTROL_BATCH_MAX,
			       import))
			return false;
	}
	return true;
}

static enum err add_in_store(struct store *store, struct import *import)
{
	TRY(store_begin(store));
	for (size_t i = 0; i < import->n_entries; i++) {
		const struct entry *entry = &import->entries[i];
		enum err err = store_add(store, entry->name, &entry->digests, NULL);

		if (err == ERR_EXISTS) {
			import->refused(import->self, entry, SLICE("there is such an account already"));
		} else if (err != OK) {
			store_rollback(store);
			return err;
		} else {
			import->added++;
		}
	}
	return store_commit(store);
}

bool accounts_import(struct accounts *accounts, struct import *import)
{
	enum err err;

	if (!accounts->store)
		return import_by_server(accounts, import);
	err = add_in_store(accounts->store, import);
	if (err == OK)
		return true;
	import->added = 0;
	return complain_of_store(accounts, err);
}

/* -- the list ---------------------------------------------------------------------------------------- */

/* Goes on behind the last name of the list; false at its end or when it was complained of, *failed says which. */
static bool list_page(struct accounts *accounts, json_t *list, bool *failed)
{
	size_t n = json_array_size(list);
	json_t *request = json_pack("{s:s}", "request", "user-list"), *reply = NULL;
	bool more = false;
	enum err err;

	if (request && n > 0)
		json_object_set(request, "after", json_object_get(json_array_get(list, n - 1), "aor"));
	err = server_ask(accounts->socket_path, request, &reply);
	if (err == ERR_NOT_FOUND)
		(void)complain("%s: sealined has ended meanwhile; try again", accounts->socket);
	if (err == ERR_EXISTS)
		(void)complain("%s: sealined refuses to list its accounts; see its log", accounts->socket);
	*failed = err != OK;
	if (err == OK) {
		*failed = json_array_extend(list, json_object_get(reply, "users")) != 0;
		more = json_is_true(json_object_get(reply, "more")) && json_array_size(list) > n;
	}
	json_decref(reply);
	return more && !*failed;
}

static json_t *json_of_binding(const struct binding *binding, utc_t now)
{
	return json_pack("{s:o, s:I, s:b, s:o, s:o}", "contact", json_of_text(binding->contact), "expires",
			 (json_int_t)(binding->expires - now), "secure", binding->secure, "received",
			 json_of_text(binding->received), "user_agent", json_of_text(binding->user_agent));
}

static enum err list_account(void *self, struct aor *aor)
{
	json_t *list = self, *bindings = json_array(), *user;
	utc_t now = (utc_t)time(NULL);
	int failed = 0;

	for (size_t i = 0; i < aor->n_bindings; i++)
		if (aor->bindings[i].expires > now)
			failed |= json_array_append_new(bindings, json_of_binding(&aor->bindings[i], now));
	user = json_pack("{s:o, s:b, s:o}", "aor", json_of_text(aor->name), "md5", aor->account.has_md5,
			 "bindings", bindings);
	return json_array_append_new(list, user) == 0 && !failed ? OK : ERR_NOMEM;
}

json_t *accounts_list(struct accounts *accounts)
{
	json_t *list = json_array();
	bool failed = !list;
	enum err err;

	if (list && accounts->store) {
		err = store_each(accounts->store, list_account, list);
		failed = err != OK && !complain_of_store(accounts, err);
	}
	while (list && !accounts->store && list_page(accounts, list, &failed))
		;
	if (!failed)
		return list;
	json_decref(list);
	return NULL;
}
