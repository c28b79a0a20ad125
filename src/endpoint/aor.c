#include "endpoint/aor.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"

/* Where in a binding its texts are. */
static const size_t texts[] = {
	offsetof(struct binding, contact),  offsetof(struct binding, params),
	offsetof(struct binding, instance), offsetof(struct binding, call_id),
	offsetof(struct binding, path),     offsetof(struct binding, user_agent),
	offsetof(struct binding, received),
};

enum { TEXTS = sizeof(texts) / sizeof(texts[0]) };

static size_t texts_size(const struct binding *binding)
{
	size_t size = 0;

	for (size_t i = 0; i < TEXTS; i++)
		size += ((const struct slice *)(const void *)((const char *)binding + texts[i]))->len;
	return size;
}

static void move_text(char **at, struct slice *text)
{
	if (text->len)
		memcpy(*at, text->ptr, text->len);
	text->ptr = *at;
	*at += text->len;
}

static void move_texts(char **at, struct binding *binding)
{
	for (size_t i = 0; i < TEXTS; i++)
		move_text(at, (struct slice *)(void *)((char *)binding + texts[i]));
}

/* Up to where a binding can begin. */
static size_t aligned(size_t size)
{
	return (size + _Alignof(struct binding) - 1) & ~(_Alignof(struct binding) - 1);
}

struct aor *aor_new(struct slice name, uint64_t version, const struct account *account,
		    const struct binding *bindings, size_t n_bindings)
{
	size_t front = aligned(sizeof(struct aor) + name.len);
	size_t size = front + n_bindings * sizeof(struct binding) + account->policy.identities.len +
		      account->policy.registrants.len;
	struct binding *copies;
	struct aor *aor;
	char *at;

	for (size_t i = 0; i < n_bindings; i++)
		size += texts_size(&bindings[i]);
	aor = mem_alloc(size);
	if (!aor)
		return NULL;
	copies = (struct binding *)(void *)((char *)aor + front);
	*aor = (struct aor){
		.refs = 1,
		.version = version,
		.name = name,
		.account = *account,
		.n_bindings = n_bindings,
		.bindings = copies,
	};
	at = (char *)(aor + 1);
	move_text(&at, &aor->name);
	at = (char *)(copies + n_bindings);
	move_text(&at, &aor->account.policy.identities);
	move_text(&at, &aor->account.policy.registrants);
	for (size_t i = 0; i < n_bindings; i++) {
		copies[i] = bindings[i];
		move_texts(&at, &copies[i]);
	}
	return aor;
}

struct aor *aor_change(const struct aor *decided, const struct binding *bindings, size_t n_bindings)
{
	struct aor *aor = aor_new(decided->name, decided->version, &decided->account, bindings, n_bindings);

	if (!aor)
		return NULL;
	aor->refreshes = decided->refreshes;
	aor->certificates = certificates_ref(decided->certificates);
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
