#include "ua/contacts.h"

#include "base/list.h"
#include "base/mem.h"

struct contact {
	struct link link;
	bool is_said, is_set;
	struct contact_policy said, set;
	struct slice aor;
	char text[];
};

struct contacts {
	struct list list;
};

/* -- life ---------------------------------------------------------------------------------------------------- */

struct contacts *contacts_new(void)
{
	struct contacts *contacts = mem_new(struct contacts);

	if (contacts)
		list_init(&contacts->list);
	return contacts;
}

static void contact_free(struct contacts *contacts, struct contact *contact)
{
	list_remove(&contacts->list, &contact->link);
	mem_free(contact);
}

void contacts_free(struct contacts *contacts)
{
	if (!contacts)
		return;
	LIST_EACH (contact, &contacts->list, struct contact, link)
		contact_free(contacts, contact);
	mem_free(contacts);
}

static struct contact *find(const struct contacts *contacts, struct slice aor)
{
	LIST_EACH (contact, &contacts->list, struct contact, link)
		if (slice_eq(contact->aor, aor))
			return contact;
	return NULL;
}

static enum err get(struct contacts *contacts, struct slice aor, struct contact **ret_contact)
{
	struct contact *contact = find(contacts, aor);

	if (!contact) {
		if (aor.len == 0 || aor.len > CONTACTS_AOR_MAX || contacts->list.n == CONTACTS_MAX)
			return ERR_LIMIT;
		contact = mem_zalloc(1, sizeof *contact + aor.len);
		if (!contact)
			return ERR_NOMEM;
		memcpy(contact->text, aor.ptr, aor.len);
		contact->aor = slice_from(contact->text, aor.len);
		list_append(&contacts->list, &contact->link);
	}
	*ret_contact = contact;
	return OK;
}

/* -- what our user says ---------------------------------------------------------------------------------------- */

enum err contacts_say(struct contacts *contacts, struct slice aor, struct contact_policy policy)
{
	struct contact *contact;

	TRY(get(contacts, aor, &contact));
	contact->is_said = true;
	contact->said = policy;
	return OK;
}

enum err contacts_set(struct contacts *contacts, struct slice aor, struct contact_policy policy)
{
	struct contact *contact;

	TRY(get(contacts, aor, &contact));
	contact->is_set = true;
	contact->set = policy;
	return OK;
}

static void unset(struct contacts *contacts, struct contact *contact)
{
	contact->is_set = false;
	if (!contact->is_said)
		contact_free(contacts, contact);
}

enum err contacts_unset(struct contacts *contacts, struct slice aor)
{
	struct contact *contact = find(contacts, aor);

	if (!contact || !contact->is_set)
		return ERR_NOT_FOUND;
	unset(contacts, contact);
	return OK;
}

void contacts_unset_all(struct contacts *contacts)
{
	LIST_EACH (contact, &contacts->list, struct contact, link)
		unset(contacts, contact);
}

bool contacts_find(const struct contacts *contacts, struct slice aor, struct contact_policy *ret_policy)
{
	const struct contact *contact = find(contacts, aor);

	if (!contact)
		return false;
	*ret_policy = contact->is_said ? contact->said : contact->set;
	return true;
}

void contacts_each(const struct contacts *contacts,
		   void (*each)(void *arg, struct slice aor, struct contact_policy policy), void *arg)
{
	LIST_EACH (contact, &contacts->list, struct contact, link)
		if (contact->is_set)
			each(arg, contact->aor, contact->set);
}

/* -- in words --------------------------------------------------------------------------------------------------- */

static const struct {
	const char *word;
	struct contact_policy policy;
} words[] = {
	/* clang-format off */
	{ "off",         { UA_SMIME_OFF,     false } },
	{ "prefer",      { UA_SMIME_PREFER,  false } },
	{ "require",     { UA_SMIME_REQUIRE, false } },
	{ "prefer+cbc",  { UA_SMIME_PREFER,  true  } },
	{ "require+cbc", { UA_SMIME_REQUIRE, true  } },
	/* clang-format on */
};

const char *contact_policy_word(struct contact_policy policy)
{
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (words[i].policy.smime == policy.smime && words[i].policy.cbc == policy.cbc)
			return words[i].word;
	return words[0].word; /* who is off needs no cipher */
}

bool contact_policy_parse(struct slice word, struct contact_policy *ret_policy)
{
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (!slice_eq(slice_of(words[i].word), word))
			continue;
		*ret_policy = words[i].policy;
		return true;
	}
	return false;
}
