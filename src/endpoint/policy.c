#include "endpoint/policy.h"

#include "base/scan.h"
#include "sip/date.h"

static bool wrong(struct writer *why, const char *text)
{
	put(why, slice_of(text));
	return false;
}

static bool find_name(struct slice text, const struct slice names[], size_t n, size_t *ret_i)
{
	for (size_t i = 0; i < n; i++) {
		if (!slice_eq(text, names[i]))
			continue;
		*ret_i = i;
		return true;
	}
	return false;
}

static const struct slice protections[PROTECTIONS] = { SLICE_INIT("digest"), SLICE_INIT("sips"),
						       SLICE_INIT("smime") };

bool protection_parse(struct slice text, enum protection *ret_protection)
{
	size_t i;

	if (!find_name(text, protections, PROTECTIONS, &i))
		return false;
	*ret_protection = (enum protection)i;
	return true;
}

static const struct slice certificates[CLIENT_CERTIFICATES] = {
	[CLIENT_CERTIFICATE_UNSAID] = SLICE_INIT(""),
	[CLIENT_CERTIFICATE_NO] = SLICE_INIT("no"),
	[CLIENT_CERTIFICATE_EITHER] = SLICE_INIT("either"),
	[CLIENT_CERTIFICATE_BESIDE] = SLICE_INIT("beside"),
	[CLIENT_CERTIFICATE_INSTEAD] = SLICE_INIT("instead"),
};

bool client_certificate_parse(struct slice text, enum client_certificate *ret_certificate)
{
	size_t i;

	if (text.len == 0 || !find_name(text, certificates, CLIENT_CERTIFICATES, &i))
		return false;
	*ret_certificate = (enum client_certificate)i;
	return true;
}

/* -- one line ---------------------------------------------------------------------------------------------- */

static const struct slice algorithms[DIGEST_ALGORITHMS] = {
	[DIGEST_MD5] = SLICE_INIT("md5"),
	[DIGEST_SHA256] = SLICE_INIT("sha-256"),
	[DIGEST_SHA512_256] = SLICE_INIT("sha-512-256"),
};

static bool say_least(struct account_policy *policy, struct slice value, struct writer *why)
{
	size_t i = DIGEST_MD5;

	if (value.len > 0 && !find_name(value, algorithms, DIGEST_ALGORITHMS, &i))
		return wrong(why, "it is none of md5, sha-256, sha-512-256");
	policy->least = (enum digest_algorithm)i;
	return true;
}

static bool say_md5_until(struct account_policy *policy, struct slice value, struct writer *why)
{
	policy->md5_until = 0;
	return value.len == 0 || sip_day_parse(value, &policy->md5_until) ||
	       wrong(why, "it is no day like 2027-01-31");
}

static bool say_certificate(struct account_policy *policy, struct slice value, struct writer *why)
{
	policy->certificate = CLIENT_CERTIFICATE_UNSAID;
	return value.len == 0 || client_certificate_parse(value, &policy->certificate) ||
	       wrong(why, "it is none of no, either, beside, instead");
}

static bool say_protection(enum protection *to, struct slice value, struct writer *why)
{
	*to = PROTECTION_DIGEST;
	return value.len == 0 || protection_parse(value, to) ||
	       wrong(why, "it is none of digest, sips, smime");
}

static bool say_in(struct account_policy *policy, struct slice value, struct writer *why)
{
	return say_protection(&policy->in, value, why);
}

static bool say_out(struct account_policy *policy, struct slice value, struct writer *why)
{
	return say_protection(&policy->out, value, why);
}

static bool next_item(struct slice *list, struct slice *ret_item)
{
	size_t end;

	*list = slice_trim(*list);
	end = slice_find(*list, ' ');
	*ret_item = slice_sub(*list, 0, end);
	*list = slice_sub(*list, end, list->len);
	return ret_item->len > 0;
}

static bool say_list(struct slice *to, struct slice value, struct writer *why)
{
	struct slice rest = value, item;

	while (next_item(&rest, &item)) {
		size_t at = slice_find(item, '@');

		if (at == 0 || at + 1 >= item.len)
			return wrong(why, "it is no list of addresses like sales@example.org");
	}
	*to = slice_trim(value);
	return true;
}

static bool say_identities(struct account_policy *policy, struct slice value, struct writer *why)
{
	return say_list(&policy->identities, value, why);
}

static bool say_registrants(struct account_policy *policy, struct slice value, struct writer *why)
{
	return say_list(&policy->registrants, value, why);
}

static const struct {
	struct slice key;
	bool (*say)(struct account_policy *policy, struct slice value, struct writer *why);
} keys[] = {
	{ SLICE_INIT("least-digest"), say_least },
	{ SLICE_INIT("md5-until"), say_md5_until },
	{ SLICE_INIT("client-certificate"), say_certificate },
	{ SLICE_INIT("calls-in"), say_in },
	{ SLICE_INIT("calls-out"), say_out },
	{ SLICE_INIT("may-use"), say_identities },
	{ SLICE_INIT("registered-by"), say_registrants },
};

enum { KEYS = sizeof keys / sizeof *keys };

static bool say_line(struct account_policy *policy, struct slice line, struct writer *why)
{
	size_t equals = slice_find(line, '=');
	struct slice key = slice_sub(line, 0, equals);
	struct slice value = equals < line.len ? slice_sub(line, equals + 1, line.len) : slice_of(NULL);

	for (size_t i = 0; equals < line.len && i < KEYS; i++) {
		if (!slice_eq(key, keys[i].key))
			continue;
		put_char(why, '"');
		put_escaped(why, line);
		put(why, SLICE("\": "));
		return keys[i].say(policy, value, why);
	}
	put_char(why, '"');
	put_escaped(why, line);
	return wrong(
		why,
		"\" does not begin with one of least-digest=, md5-until=, client-certificate=, calls-in=, calls-out=, may-use=, "
		"registered-by=");
}

bool account_policy_say(struct account_policy *policy, struct slice lines, struct writer *why)
{
	size_t before = why->len;

	if (slice_find(lines, '\0') < lines.len)
		return wrong(why, "there is a NUL in it");
	while (lines.len > 0) {
		size_t end = slice_find(lines, '\n');

		why->len = before;
		if (!say_line(policy, slice_sub(lines, 0, end), why))
			return false;
		lines = slice_sub(lines, end < lines.len ? end + 1 : end, lines.len);
	}
	why->len = before;
	return true;
}

/* -- all of it --------------------------------------------------------------------------------------------- */

static void put_line(struct writer *out, struct slice key, struct slice value)
{
	if (value.len == 0)
		return;
	put(out, key);
	put_char(out, '=');
	put(out, value);
	put_char(out, '\n');
}

void put_account_policy(struct writer *out, const struct account_policy *policy)
{
	char buf[16];
	struct writer day = writer_of(buf, sizeof buf);

	if (policy->md5_until)
		put_day(&day, policy->md5_until);
	if (policy->least != DIGEST_MD5)
		put_line(out, SLICE("least-digest"), algorithms[policy->least]);
	put_line(out, SLICE("md5-until"), writer_text(&day));
	put_line(out, SLICE("client-certificate"), certificates[policy->certificate]);
	if (policy->in != PROTECTION_DIGEST)
		put_line(out, SLICE("calls-in"), protections[policy->in]);
	if (policy->out != PROTECTION_DIGEST)
		put_line(out, SLICE("calls-out"), protections[policy->out]);
	put_line(out, SLICE("may-use"), policy->identities);
	put_line(out, SLICE("registered-by"), policy->registrants);
}

/* RFC 3261 §19.1.4: the case of the user counts, that of the host does not. */
static bool is_same_aor(struct slice a, struct slice b)
{
	size_t at = slice_find(a, '@');

	return slice_eq(slice_sub(a, 0, at), slice_sub(b, 0, slice_find(b, '@'))) &&
	       slice_eq_nocase(slice_sub(a, at, a.len), slice_sub(b, slice_find(b, '@'), b.len));
}

bool account_list_has(struct slice list, struct slice aor)
{
	struct slice item;

	while (next_item(&list, &item))
		if (is_same_aor(item, aor))
			return true;
	return false;
}
