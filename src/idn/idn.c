#include "idn/idn.h"

#include <stdint.h>
#include <string.h>

#include <idn2.h>

#include "base/ascii.h"

enum {
	NAME_SIZE = IDN2_DOMAIN_MAX_LENGTH * 4 + 1
}; /* of what is typed: a character has four bytes at most */

static bool wrong(struct writer *why, const char *text)
{
	put(why, slice_of(text));
	return false;
}

/* ---- where the domain stands ---- */

struct place {
	struct slice before, domain, after;
};

static struct place place_of(struct slice text)
{
	size_t at = slice_find(text, '@'), begin = 0, end;

	if (at < text.len)
		begin = at + 1;
	else if (slice_starts_nocase(text, SLICE("sip:")))
		begin = 4;
	else if (slice_starts_nocase(text, SLICE("sips:")))
		begin = 5;
	for (end = begin; end < text.len; end++)
		if (text.ptr[end] == ':' || text.ptr[end] == ';' || text.ptr[end] == '?')
			break;
	return (struct place){ slice_sub(text, 0, begin), slice_sub(text, begin, end - begin),
			       slice_sub(text, end, text.len) };
}

static struct slice first_label(struct slice name)
{
	return slice_sub(name, 0, slice_find(name, '.'));
}

static bool has_a_label(struct slice name)
{
	for (;;) {
		struct slice label = first_label(name);

		if (slice_starts_nocase(label, SLICE("xn--")))
			return true;
		if (label.len == name.len)
			return false;
		name = slice_sub(name, label.len + 1, name.len);
	}
}

static bool is_ascii(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] >= 0x80)
			return false;
	return true;
}

/* ---- from people ---- */

/* UTS #46 maps some characters to others in ASCII that no name has: "；" to ";". */
static bool is_ldh(const char *name)
{
	for (; *name; name++)
		if (!ascii_is_alnum(*name) && *name != '-' && *name != '.')
			return false;
	return true;
}

/* The name as A-labels in memory of libidn2's, idn2_free() is the caller's; NULL with a clause in why. */
static char *ascii_of(struct slice name, struct writer *why)
{
	char text[NAME_SIZE];
	uint8_t *ascii = NULL;
	int code;

	if (name.len >= sizeof text || slice_find(name, '\0') < name.len) {
		wrong(why, "it is no domain name");
		return NULL;
	}
	memcpy(text, name.ptr, name.len);
	text[name.len] = '\0';
	code = idn2_lookup_u8((const uint8_t *)text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (code == IDN2_OK && is_ldh((const char *)ascii))
		return (char *)ascii;
	idn2_free(ascii);
	wrong(why, "it is no internationalised domain name (RFC 5891): ");
	wrong(why, code == IDN2_OK ? "there is a character that no name has" : idn2_strerror(code));
	return NULL;
}

bool put_ascii_domain(struct writer *out, struct slice text, struct writer *why)
{
	struct place place = place_of(text);
	char *ascii;

	if (is_ascii(place.domain) && !has_a_label(place.domain)) {
		put(out, text);
		return !out->overflow || wrong(why, "it is too long");
	}
	ascii = ascii_of(place.domain, why);
	if (!ascii)
		return false;
	put(out, place.before);
	put(out, slice_of(ascii));
	put(out, place.after);
	idn2_free(ascii);
	return !out->overflow || wrong(why, "it is too long");
}

/* ---- for people ---- */

enum script { SCRIPT_OTHER, SCRIPT_LATIN, SCRIPT_GREEK, SCRIPT_CYRILLIC, SCRIPT_JAPANESE, SCRIPT_HANGUL };

/* Small letters that look like nothing in ASCII; þ and dotless i, for example, do, and are not among them. */
static const struct {
	uint32_t first, last;
	enum script script;
} ranges[] = {
	{ 0x00df, 0x00f6, SCRIPT_LATIN },    { 0x00f8, 0x00fd, SCRIPT_LATIN },
	{ 0x00ff, 0x0130, SCRIPT_LATIN },    { 0x0132, 0x0137, SCRIPT_LATIN },
	{ 0x0139, 0x013e, SCRIPT_LATIN },    { 0x0141, 0x0148, SCRIPT_LATIN },
	{ 0x014a, 0x017e, SCRIPT_LATIN },    { 0x03ac, 0x03ce, SCRIPT_GREEK },
	{ 0x0430, 0x045f, SCRIPT_CYRILLIC }, { 0x3005, 0x3005, SCRIPT_JAPANESE },
	{ 0x3041, 0x3096, SCRIPT_JAPANESE }, { 0x30a1, 0x30fa, SCRIPT_JAPANESE },
	{ 0x30fc, 0x30fc, SCRIPT_JAPANESE }, { 0x4e00, 0x9fff, SCRIPT_JAPANESE },
	{ 0xac00, 0xd7a3, SCRIPT_HANGUL },
};

static enum script script_of(uint32_t letter)
{
	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
		if (letter >= ranges[i].first && letter <= ranges[i].last)
			return ranges[i].script;
	return SCRIPT_OTHER;
}

/* What is known of the label that is being read, and of the labels before it. */
struct reading {
	enum script label;     /* LATIN until there is another letter */
	bool has_ascii_letter; /* in the label */
	bool has_other_label;  /* there was one that is not of the script `whole` */
	enum script whole;     /* GREEK or CYRILLIC: all of the name has to be; else LATIN */
};

static bool take_letter(struct reading *reading, uint32_t letter)
{
	enum script script = script_of(letter);

	if (letter < 0x80) {
		reading->has_ascii_letter |= ascii_is_alpha((char)letter);
		return !reading->has_ascii_letter || reading->label == SCRIPT_LATIN;
	}
	if (script == SCRIPT_OTHER || (reading->label != SCRIPT_LATIN && script != reading->label) ||
	    (reading->has_ascii_letter && script != SCRIPT_LATIN))
		return false;
	reading->has_ascii_letter |= script == SCRIPT_LATIN;
	reading->label = script;
	return true;
}

static bool end_label(struct reading *reading)
{
	enum script script = reading->label;

	if (script == SCRIPT_GREEK || script == SCRIPT_CYRILLIC) {
		if (reading->whole != SCRIPT_LATIN && reading->whole != script)
			return false;
		reading->whole = script;
	} else {
		reading->has_other_label = true;
	}
	reading->label = SCRIPT_LATIN;
	reading->has_ascii_letter = false;
	return reading->whole == SCRIPT_LATIN || !reading->has_other_label;
}

static bool is_plain(const uint32_t *name)
{
	struct reading reading = { .label = SCRIPT_LATIN, .whole = SCRIPT_LATIN };

	for (; *name; name++)
		if (*name == '.' ? !end_label(&reading) : !take_letter(&reading, *name))
			return false;
	return end_label(&reading);
}

void put_unicode_beside(struct writer *out, struct slice text)
{
	struct slice domain = place_of(text).domain;
	char ascii[IDN2_DOMAIN_MAX_LENGTH + 1], *utf8 = NULL;
	uint32_t *letters = NULL;

	if (!has_a_label(domain) || domain.len >= sizeof ascii || slice_find(domain, '\0') < domain.len)
		return;
	for (size_t i = 0; i < domain.len; i++)
		ascii[i] = ascii_lower(domain.ptr[i]);
	ascii[domain.len] = '\0';
	if (idn2_to_unicode_8z4z(ascii, &letters, 0) == IDN2_OK && is_plain(letters) &&
	    idn2_to_unicode_8z8z(ascii, &utf8, 0) == IDN2_OK) {
		put(out, SLICE(" ("));
		put(out, slice_of(utf8));
		put_char(out, ')');
	}
	idn2_free(utf8);
	idn2_free(letters);
}
