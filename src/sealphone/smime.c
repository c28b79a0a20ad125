#include "sealphone/smime.h"

#include "sealphone/object.h"

static const struct {
	const char *name, *text;
} trusts[] = {
	{ "compared", "whose key you have compared" },
	{ "vouched", "for whose key its domain vouches" },
	{ "remembered", "for whose key its domain has vouched before" },
	{ "ca", "to whom a CA that is trusted has given the certificate" },
};

void put_smime_trust(struct writer *out, const struct ua_protection *protection)
{
	for (size_t i = 0; protection->trust && i < sizeof trusts / sizeof trusts[0]; i++)
		if (strcmp(trusts[i].name, protection->trust) == 0)
			put(out, slice_of(trusts[i].text));
}

static void put_signer(struct writer *out, const struct ua_protection *protection)
{
	if (!protection->is_signed) {
		put(out, SLICE("signed by nobody, so that anybody may have written it"));
	} else if (!protection->is_believed) {
		put(out, SLICE("signed, but not to be believed: "));
		put_verdict_advice(out, &protection->verdict);
	} else {
		put(out, SLICE("signed by "));
		put_escaped(out, verdict_text(&protection->signer));
		put(out, SLICE(", "));
		put_smime_trust(out, protection);
	}
}

static void put_cipher(struct writer *out, const struct ua_protection *protection)
{
	if (!protection->is_encrypted) {
		put(out, SLICE("; not encrypted: the servers on the way can read it"));
		return;
	}
	put(out, SLICE("; encrypted with "));
	put(out, slice_of(protection->cipher));
	if (protection->is_weak)
		put(out, SLICE(", which does not notice alterations by itself"));
}

void put_smime_theirs(struct writer *out, const struct ua_protection *protection)
{
	if (!protection || !(protection->is_signed || protection->is_encrypted || protection->has_verdict)) {
		put(out, SLICE("not protected; the servers on the way can read and change it"));
		return;
	}
	if (protection->is_broken) {
		put(out, SLICE("not to be had: "));
		put_verdict_advice(out, &protection->verdict);
		return;
	}
	put_signer(out, protection);
	put_cipher(out, protection);
	if (!protection->is_whole)
		put(out, SLICE("; its header fields are not protected"));
}

void put_smime_ours(struct writer *out, const struct ua_protection *protection)
{
	if (protection && protection->is_encrypted) {
		put(out, SLICE("signed as "));
		put_escaped(out, verdict_text(&protection->signer));
		put(out, SLICE("; encrypted with "));
		put(out, slice_of(protection->cipher));
		put(out, SLICE(" to "));
		put_number(out, protection->n_recipients);
		put(out, protection->n_recipients == 1 ? SLICE(" certificate") : SLICE(" certificates"));
		return;
	}
	put(out, SLICE("not protected: "));
	if (protection && protection->has_verdict)
		put_verdict_advice(out, &protection->verdict);
	else
		put(out, SLICE("S/MIME is switched off"));
}

static json_t *notes_of(const struct ua_protection *protection)
{
	struct slice rest = ua_protection_notes(protection);
	json_t *list = json_array();

	while (rest.len > 0) {
		struct slice line = slice_sub(rest, 0, slice_find(rest, '\n'));

		json_array_append_new(list, output_string(line));
		rest = slice_sub(rest, line.len + 1, rest.len);
	}
	return list;
}

json_t *smime_object(const struct ua_protection *protection)
{
	static const struct ua_protection none = { .is_encrypted = false };
	const struct ua_protection *is = protection ? protection : &none;
	json_t *object = json_pack("{s:b, s:b, s:b, s:b}", "signed", is->is_signed, "encrypted",
				   is->is_encrypted, "believed", is->is_believed, "header", is->is_whole);
	char key[2 * UA_KEY_SIZE];
	struct writer out = writer_of(key, sizeof key);

	object_set_some(object, "signer", verdict_text(&is->signer));
	object_set_some(object, "trust", slice_of(is->trust));
	object_set_some(object, "cipher", slice_of(is->cipher));
	object_set_some(object, "algorithm", slice_of(is->algorithm));
	if (is->is_signed) {
		put_hex(&out, is->key, sizeof is->key);
		object_set_some(object, "key", writer_text(&out));
	}
	if (is->signed_at != 0)
		object_set(object, "signed_at", json_integer((json_int_t)is->signed_at));
	if (is->n_recipients > 0)
		object_set(object, "recipients", json_integer(is->n_recipients));
	if (is->notes_len > 0)
		object_set(object, "changed", notes_of(is));
	if (is->has_verdict)
		object_set(object, "verdict", object_of_verdict(&is->verdict));
	return object;
}

void smime_show_notes(const struct output *output, const struct ua_protection *protection)
{
	struct slice rest = protection ? ua_protection_notes(protection) : SLICE("");

	while (!output->json && rest.len > 0) {
		struct slice line = slice_sub(rest, 0, slice_find(rest, '\n'));

		output_say(output, NULL, "  changed on the way: %.*s", SLICE_FMT(line));
		rest = slice_sub(rest, line.len + 1, rest.len);
	}
}
