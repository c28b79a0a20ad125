#include "endpoint/certificates.h"

#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"

struct certificates *certificates_new(const struct device_certificate *all, size_t n)
{
	size_t size = sizeof(struct certificates) + n * sizeof(*all);
	struct certificates *certificates;
	struct device_certificate *copies;
	char *at;

	for (size_t i = 0; i < n; i++)
		size += all[i].der.len;
	certificates = mem_alloc(size);
	if (!certificates)
		return NULL;
	copies = (struct device_certificate *)(certificates + 1);
	at = (char *)(copies + n);
	*certificates = (struct certificates){ .refs = 1, .n = n, .all = copies };
	for (size_t i = 0; i < n; i++) {
		copies[i] = all[i];
		copies[i].der.ptr = at;
		if (all[i].der.len)
			memcpy(at, all[i].der.ptr, all[i].der.len);
		at += all[i].der.len;
	}
	return certificates;
}

struct certificates *certificates_ref(struct certificates *certificates)
{
	if (certificates)
		atomic_fetch_add_explicit(&certificates->refs, 1, memory_order_relaxed);
	return certificates;
}

void certificates_unref(struct certificates *certificates)
{
	if (certificates && atomic_fetch_sub_explicit(&certificates->refs, 1, memory_order_acq_rel) == 1)
		mem_free(certificates);
}

bool device_certificate_is_good(const struct device_certificate *certificate, utc_t now)
{
	return !certificate->revoked && certificate->expires > now;
}

const struct device_certificate *certificates_find(const struct certificates *certificates, uint64_t tag,
						   utc_t now)
{
	for (size_t i = 0; certificates && i < certificates->n; i++)
		if (certificates->all[i].tag == tag && device_certificate_is_good(&certificates->all[i], now))
			return &certificates->all[i];
	return NULL;
}

/* The next good one from *at on, or NULL. */
static const struct device_certificate *next_good(const struct certificates *certificates, size_t *at,
						  utc_t now)
{
	while (certificates && *at < certificates->n) {
		const struct device_certificate *one = &certificates->all[(*at)++];

		if (device_certificate_is_good(one, now))
			return one;
	}
	return NULL;
}

bool certificates_differ(const struct certificates *a, utc_t at_a, const struct certificates *b, utc_t at_b)
{
	size_t in_a = 0, in_b = 0;
	const struct device_certificate *one, *other;

	do {
		one = next_good(a, &in_a, at_a);
		other = next_good(b, &in_b, at_b);
		if (!one || !other)
			return one != other;
	} while (memcmp(one->fingerprint, other->fingerprint, sizeof(one->fingerprint)) == 0);
	return true;
}
