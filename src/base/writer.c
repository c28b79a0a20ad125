#include "base/writer.h"

#include <string.h>

#include "base/ascii.h"

void put_number(struct writer *out, uint64_t number)
{
	char digits[20];
	size_t n = sizeof digits;

	do {
		digits[--n] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	put(out, slice_from(digits + n, sizeof digits - n));
}

static const char hex_digits[] = "0123456789abcdef";

void put_hex(struct writer *out, const void *bytes, size_t n)
{
	const unsigned char *byte = bytes;
	char *to = out->buf + out->len;

	if (n > (out->size - out->len) / 2) {
		out->overflow = true;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		*to++ = hex_digits[byte[i] >> 4];
		*to++ = hex_digits[byte[i] & 15];
	}
	out->len += 2 * n;
}

static void put_base64_in(struct writer *out, const unsigned char *byte, size_t n, const char *alphabet,
			  bool padded)
{
	while (n > 0) {
		size_t take = n < 3 ? n : 3;
		uint32_t group = (uint32_t)byte[0] << 16;
		char text[4];

		if (take > 1)
			group |= (uint32_t)byte[1] << 8;
		if (take > 2)
			group |= byte[2];
		for (size_t i = 0; i < 4; i++)
			text[i] = i <= take ? alphabet[group >> (18 - 6 * i) & 63] : '=';
		put(out, slice_from(text, padded ? 4 : take + 1));
		byte += take;
		n -= take;
	}
}

void put_base64(struct writer *out, const void *bytes, size_t n)
{
	put_base64_in(out, bytes, n, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
		      true);
}

void put_base64url(struct writer *out, const void *bytes, size_t n)
{
	put_base64_in(out, bytes, n, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
		      false);
}

/*
 * What a character of either alphabet stands for, and one more, so that 0 is what stands in neither; the last two of each (RFC 4648 §4,
 * §5) have a mark by which they are told apart.
 */
enum { IS_PLAIN = 0x100, IS_URL = 0x200, VALUE = 0xff };
static const uint16_t base64_values[256] = {
	/* clang-format off */
	['A'] =  1, ['B'] =  2, ['C'] =  3, ['D'] =  4, ['E'] =  5, ['F'] =  6, ['G'] =  7, ['H'] =  8, ['I'] =  9,
	['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18,
	['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26,
	['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35,
	['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44,
	['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52,
	['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61,
	['9'] = 62, ['+'] = 63 | IS_PLAIN, ['/'] = 64 | IS_PLAIN, ['-'] = 63 | IS_URL, ['_'] = 64 | IS_URL,
	/* clang-format on */
};

bool base64_decode(struct slice text, void *buf, size_t size, size_t *ret_n)
{
	unsigned char *out = buf;
	size_t n = 0, padding = 0;
	uint32_t bits = 0;
	unsigned n_bits = 0, marks = 0;

	while (text.len && text.ptr[text.len - 1] == '=' && padding < 2) {
		text.len--;
		padding++;
	}
	if (padding && (text.len + padding) % 4 != 0)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned value = base64_values[(unsigned char)text.ptr[i]];

		if (!value)
			return false;
		marks |= value;
		bits = (bits << 6 | ((value & VALUE) - 1)) & 0xffffffu;
		n_bits += 6;
		if (n_bits < 8)
			continue;
		n_bits -= 8;
		if (n == size)
			return false;
		out[n++] = (unsigned char)(bits >> n_bits);
	}
	if (n_bits >= 6 || (bits & ((1u << n_bits) - 1)) != 0 || (marks & IS_PLAIN && marks & IS_URL))
		return false;
	*ret_n = n;
	return true;
}

bool hex_decode(struct slice text, void *buf, size_t size, size_t *ret_n)
{
	unsigned char *out = buf;

	if (text.len % 2 || text.len / 2 > size)
		return false;
	for (size_t i = 0; i < text.len; i += 2) {
		int high = ascii_hex(text.ptr[i]), low = ascii_hex(text.ptr[i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i / 2] = (unsigned char)(high << 4 | low);
	}
	*ret_n = text.len / 2;
	return true;
}

/* Length of the valid UTF-8 sequence of more than one byte at the start of text, or 0 (RFC 3629 §4). */
static size_t utf8_sequence(struct slice text)
{
	const unsigned char *b = (const unsigned char *)text.ptr;
	size_t n = b[0] >= 0xf0 ? 4 : b[0] >= 0xe0 ? 3 : 2;

	if (b[0] < 0xc2 || b[0] > 0xf4 || text.len < n)
		return 0;
	if ((b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xed && b[1] > 0x9f) || (b[0] == 0xf0 && b[1] < 0x90) ||
	    (b[0] == 0xf4 && b[1] > 0x8f))
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((b[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/*
 * What a terminal or a log viewer acts upon instead of showing it: C1 controls, line separators, marks that
 * are invisible or turn the direction of the text around them.
 */
static const struct {
	uint32_t from, to;
} invisible[] = {
	{ 0x80, 0x9f },     { 0xad, 0xad },     { 0x61c, 0x61c },   { 0x180e, 0x180e }, { 0x200b, 0x200f },
	{ 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xe0000, 0xe0fff },
};

/* sequence: one that utf8_sequence() found valid. */
static bool is_invisible(struct slice sequence)
{
	const unsigned char *b = (const unsigned char *)sequence.ptr;
	uint32_t point = b[0] & (0x7fu >> sequence.len);

	for (size_t i = 1; i < sequence.len; i++)
		point = point << 6 | (b[i] & 0x3f);
	for (size_t i = 0; i < sizeof invisible / sizeof invisible[0]; i++)
		if (point >= invisible[i].from && point <= invisible[i].to)
			return true;
	return false;
}

static void put_escaped_byte(struct writer *out, char c)
{
	switch (c) {
	case '\r': put(out, SLICE("\\r")); return;
	case '\n': put(out, SLICE("\\n")); return;
	case '\t': put(out, SLICE("\\t")); return;
	case '"': put(out, SLICE("\\\"")); return;
	case '\\': put(out, SLICE("\\\\")); return;
	default: put(out, SLICE("\\x")); put_hex(out, &c, 1);
	}
}

/* How many bytes at the start of the text may be printed as they are, up to the first that may not. */
static size_t printable_run(struct slice text)
{
	size_t at = 0;

	while (at < text.len) {
		unsigned char c = (unsigned char)text.ptr[at];
		size_t n = c < 0x80 ? 1 : utf8_sequence(slice_sub(text, at, text.len));

		if (n == 0 || c < 0x20 || c == 0x7f || c == '"' || c == '\\')
			break;
		if (n > 1 && is_invisible(slice_sub(text, at, n)))
			break;
		at += n;
	}
	return at;
}

void put_escaped(struct writer *out, struct slice text)
{
	while (text.len) {
		size_t n = printable_run(text);

		put(out, slice_sub(text, 0, n));
		if (n < text.len)
			put_escaped_byte(out, text.ptr[n++]);
		text = slice_sub(text, n, text.len);
	}
}
