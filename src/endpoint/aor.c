#include "endpoint/aor.h"

#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"

/* The texts of a binding, for a loop over all of them. */
static struct slice *text_of(struct binding *binding, size_t i)
{
	struct slice *const texts[] = {
		&binding->contact, &binding->params,     &binding->instance, &binding->call_id,
		&binding->path,    &binding->user_agent, &binding->received,
	};

	return i < sizeof(texts) / sizeof(texts[0]) ? texts[i] : NULL;
}

static size_t texts_size(const struct binding *binding)
{
	struct binding copy = *binding;
	size_t size = 0;

	for (size_t i = 0; text_of(&copy, i); i++)
		size += text_of(&copy, i)->len;
	return size;
}

static void move_text(char **at, struct slice *text)
{
	if (text->len)
		memcpy(*at, text->ptr, text->len);
	text->ptr = *at;
	*at += text->len;
}

struct aor *aor_new(struct slice name, uint64_t version, const struct account *account,
		    const struct binding *bindings, size_t n_bindings)
{
	size_t size = sizeof(struct aor) + n_bindings * sizeof(struct binding) + name.len +
		      account->policy.identities.len + account->policy.registrants.len;
	struct binding *copies;
	struct aor *aor;
	char *at;

	for (size_t i = 0; i < n_bindings; i++)
		size += texts_size(&bindings[i]);
	aor = mem_alloc(size);
	if (!aor)
		return NULL;
	copies = (struct binding *)(aor + 1);
	at = (char *)(copies + n_bindings);
	*aor = (struct aor){
		.refs = 1,
		.version = version,
		.name = name,
		.account = *account,
		.n_bindings = n_bindings,
		.bindings = copies,
	};
	move_text(&at, &aor->name);
	move_text(&at, &aor->account.policy.identities);
	move_text(&at, &aor->account.policy.registrants);
	for (size_t i = 0; i < n_bindings; i++) {
		copies[i] = bindings[i];
		for (size_t j = 0; text_of(&copies[i], j); j++)
			move_text(&at, text_of(&copies[i], j));
	}
	return aor;
}

struct aor *aor_ref(struct aor *aor)
{
	atomic_fetch_add_explicit(&aor->refs, 1, memory_order_relaxed);
	return aor;
}

void aor_unref(struct aor *aor)
{
	if (!aor || atomic_fetch_sub_explicit(&aor->refs, 1, memory_order_acq_rel) != 1)
		return;
	certificates_unref(aor->certificates);
	mem_wipe(&aor->account, sizeof(aor->account));
	mem_free(aor);
}
