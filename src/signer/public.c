#include "signer/public.h"

/* RFC 7468 §5, §6, and the names that OpenSSL writes besides. */
static const struct slice labels[] = {
	SLICE_INIT("CERTIFICATE-----"),
	SLICE_INIT("X509 CERTIFICATE-----"),
	SLICE_INIT("TRUSTED CERTIFICATE-----"),
	SLICE_INIT("X509 CRL-----"),
};

static bool find(struct slice text, struct slice what, size_t *ret_at)
{
	for (size_t at = 0; at + what.len <= text.len; at++)
		if (slice_starts(slice_sub(text, at, text.len), what)) {
			*ret_at = at;
			return true;
		}
	return false;
}

static const struct slice begin = SLICE_INIT("-----BEGIN "), end = SLICE_INIT("-----END ");

/* Behind the block's last line; its first one, from the label on, begins the text. Nothing else begins within. */
static bool block_end(struct slice text, struct slice label, size_t *ret_at)
{
	size_t at, nested;

	if (!find(text, end, &at) || !slice_starts(slice_sub(text, at + end.len, text.len), label) ||
	    find(slice_sub(text, 0, at), begin, &nested))
		return false;
	*ret_at = at + end.len + label.len;
	return true;
}

void put_public(struct writer *out, struct slice text)
{
	size_t at;

	while (find(text, begin, &at)) {
		struct slice block = slice_sub(text, at, text.len), label = slice_of(NULL);

		text = slice_sub(block, begin.len, block.len);
		for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
			if (slice_starts(text, labels[i]))
				label = labels[i];
		if (!label.len)
			continue;
		if (!block_end(text, label, &at)) {
			/* whoever reads it is to see that something is missing */
			put(out, begin);
			put(out, label);
			put_char(out, '\n');
			continue;
		}
		put(out, slice_sub(block, 0, begin.len + at));
		put_char(out, '\n');
		text = slice_sub(text, at, text.len);
	}
}
