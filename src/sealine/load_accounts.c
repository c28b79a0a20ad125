#include "sealine/load_accounts.h"

#include "base/mem.h"
#include "base/scan.h"
#include "base/writer.h"
#include "file/file.h"
#include "sealine/output.h"
#include "sip/uri.h"

enum {
	FILE_MAX = 64 << 20,
	NAME_MAX_LENGTH = 256, /* of a user, sips:user@domain */
	WIDTH_MAX = 9,         /* of a number in a name */
};

bool load_read_file(struct slice name, struct secret **ret_text)
{
	enum err err = file_read_any(name, FILE_MAX, ret_text);

	if (err != OK)
		return complain("%s: %s; give the name of a file that can be read", name.ptr, err_text(err));
	return (*ret_text)->len > 0 || complain("%s: it is empty", name.ptr);
}

static bool account_of(struct slice name, struct load_account *account)
{
	struct sip_uri uri;
	char buf[NAME_MAX_LENGTH + 8];
	struct writer out = writer_of(buf, sizeof buf);
	size_t at = slice_find(name, '@'), colon = slice_find(slice_sub(name, 0, at), ':');

	if (colon == at)
		put(&out, SLICE("sip:"));
	put(&out, name);
	if (out.overflow || !sip_uri_parse(writer_text(&out), &uri) || !uri.user.len || !uri.host.len ||
	    uri.port || uri.params.len)
		return complain("\"%.*s\" is not the address of an account; write one like alice@example.org",
				SLICE_FMT(name));
	account->sips = uri.scheme == SIP_SCHEME_SIPS;
	account->user = slice_sub(name, colon == at ? 0 : colon + 1, at - (colon == at ? 0 : colon + 1));
	account->domain = slice_sub(name, at + 1, name.len);
	return true;
}

/* ---- a pattern ---- */

/* "%" [ "0" width ] "d": where the number goes. */
struct pattern {
	struct slice before, after;
	size_t width; /* at least so many digits */
};

static bool pattern_parse(struct slice text, struct pattern *ret_pattern)
{
	size_t percent = slice_find(text, '%');
	struct scan in = scan_of(slice_sub(text, percent + 1, text.len));
	uint64_t width = 0;

	if (percent == text.len)
		return false;
	if (scan_peek(&in) == '0' && !scan_number(&in, WIDTH_MAX, &width))
		return false;
	if (!scan_char(&in, 'd') || slice_find(scan_rest(&in), '%') < scan_rest(&in).len)
		return false;
	*ret_pattern = (struct pattern){ slice_sub(text, 0, percent), scan_rest(&in), (size_t)width };
	return true;
}

static void put_numbered(struct writer *out, const struct pattern *pattern, size_t number)
{
	size_t n_digits = 1;

	for (size_t rest = number; rest >= 10; rest /= 10)
		n_digits++;
	put(out, pattern->before);
	for (; n_digits < pattern->width; n_digits++)
		put_char(out, '0');
	put_number(out, number);
	put(out, pattern->after);
}

/* All users have the one password, if any: the first line of the file. */
static bool read_password(struct load_accounts *accounts, struct slice name, struct slice *ret_password)
{
	*ret_password = SLICE("");
	if (!name.ptr)
		return true;
	if (!load_read_file(name, &accounts->file))
		return false;
	struct slice text = secret_slice(accounts->file);
	struct slice line = slice_sub(text, 0, slice_find(text, '\n'));
	*ret_password = slice_ends(line, SLICE("\r")) ? slice_sub(line, 0, line.len - 1) : line;
	return ret_password->len > 0 || complain("%s: its first line is to be the password", name.ptr);
}

static bool fill_from_pattern(struct load_accounts *accounts, const struct load_options *options)
{
	struct pattern pattern = { .before = options->users };
	bool has_number = pattern_parse(options->users, &pattern);
	size_t n = options->n_users ? options->n_users : has_number ? LOAD_USERS : 1;
	size_t room = options->users.len + WIDTH_MAX;
	struct slice password;

	if (!has_number && (n > 1 || slice_find(options->users, '%') < options->users.len))
		return complain("--users has to say where the number goes, as in user%%04d@example.org");
	if (!read_password(accounts, options->password_file, &password))
		return false;
	accounts->names = mem_zalloc(n, room);
	accounts->all = mem_zalloc(n, sizeof *accounts->all);
	if (!accounts->names || !accounts->all)
		return complain_of(ERR_NOMEM);
	for (size_t i = 0; i < n; i++) {
		struct writer out = writer_of(accounts->names + i * room, room);

		if (has_number)
			put_numbered(&out, &pattern, i);
		else
			put(&out, options->users);
		if (!account_of(writer_text(&out), &accounts->all[i]))
			return false;
		accounts->all[i].password = password;
	}
	accounts->n = n;
	return true;
}

/* ---- a file ---- */

static bool take_line(struct load_accounts *accounts, struct slice line)
{
	size_t tab = slice_find(line, '\t');

	if (slice_ends(line, SLICE("\r")))
		line.len--;
	if (tab + 1 >= line.len)
		return complain("line %zu: write the address, a tab, the password", accounts->n + 1);
	if (!account_of(slice_sub(line, 0, tab), &accounts->all[accounts->n]))
		return false;
	accounts->all[accounts->n++].password = slice_sub(line, tab + 1, line.len);
	return true;
}

/* The last one may lack its end. */
static bool next_line(struct scan *in, struct slice *ret_line)
{
	if (scan_line(in, ret_line))
		return true;
	*ret_line = scan_rest(in);
	in->at += ret_line->len;
	return ret_line->len > 0;
}

static bool fill_from_file(struct load_accounts *accounts, const struct load_options *options)
{
	size_t most = options->n_users ? options->n_users : LOAD_USERS_MAX;
	struct slice line;

	if (!load_read_file(options->accounts, &accounts->file))
		return false;
	struct scan in = scan_of(secret_slice(accounts->file));
	accounts->all = mem_zalloc(most, sizeof *accounts->all);
	if (!accounts->all)
		return complain_of(ERR_NOMEM);
	while (accounts->n < most && next_line(&in, &line))
		if (!take_line(accounts, line))
			return false;
	if (accounts->n == 0 || accounts->n < options->n_users)
		return complain("%s: it has %zu accounts only", options->accounts.ptr, accounts->n);
	return true;
}

bool load_accounts_init(struct load_accounts *accounts, const struct load_options *options)
{
	*accounts = (struct load_accounts){ .n = 0 };
	if (!(options->users.ptr ? fill_from_pattern(accounts, options) : fill_from_file(accounts, options)))
		return false;
	if (options->mode->in_pairs && accounts->n % 2)
		return complain("%.*s needs an even number of users: one calls, the next one answers",
				SLICE_FMT(options->mode->name));
	for (size_t i = 1; i < accounts->n; i++)
		if (!slice_eq_nocase(accounts->all[i].domain, accounts->all[0].domain))
			return complain("the users are of more than one domain; load one at a time");
	return true;
}

void load_accounts_fini(struct load_accounts *accounts)
{
	secret_free(accounts->file);
	mem_free(accounts->names);
	mem_free(accounts->all);
}
