#include "base/writer.h"

#include <string.h>

#include "base/ascii.h"

/* ascii_lower() of eight bytes: where adding brings about the upper bit there is no carry into the next. */
static uint64_t lower_eight(uint64_t word)
{
	const uint64_t each = 0x0101010101010101, low = word & 0x7f * each;
	const uint64_t from_a = low + (0x80 - 'A') * each, past_z = low + (0x7f - 'Z') * each;

	return word | (from_a & ~past_z & ~word & 0x80 * each) >> 2;
}

void put_lower(struct writer *out, struct slice text)
{
	char *at = out->buf + out->len;
	const char *end;
	uint64_t word;

	put(out, text);
	end = out->buf + out->len;
	for (; (size_t)(end - at) >= sizeof word; at += sizeof word) {
		memcpy(&word, at, sizeof word);
		word = lower_eight(word);
		memcpy(at, &word, sizeof word);
	}
	for (; at < end; at++)
		*at = ascii_lower(*at);
}

static size_t count_digits(uint64_t number)
{
	enum { MOST = 20 };
	size_t n = 1;

	for (uint64_t next = 10; n < MOST && number >= next; next *= 10)
		n++;
	return n;
}

void put_number(struct writer *out, uint64_t number)
{
	size_t n = count_digits(number);
	char *at;

	if (n > out->size - out->len) {
		out->overflow = true;
		return;
	}
	out->len += n;
	at = out->buf + out->len;
	for (; n > 0; n--, number /= 10)
		*--at = (char)('0' + number % 10);
}

/* Sixteen bytes at once, or as many as the compiler makes of it; a half of a byte in each to begin. */
typedef uint8_t halves __attribute__((vector_size(16)));

static inline halves hex_digits(halves values)
{
	return values + '0' + ((halves)(values > 9) & ('a' - '0' - 10));
}

static void put_hex_16(char to[32], const unsigned char from[16])
{
	halves bytes, high, low;

	memcpy(&bytes, from, sizeof bytes);
	high = hex_digits(bytes >> 4);
	low = hex_digits(bytes & 15);
	bytes = __builtin_shufflevector(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
	memcpy(to, &bytes, sizeof bytes);
	bytes = __builtin_shufflevector(high, low, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15,
					31);
	memcpy(to + 16, &bytes, sizeof bytes);
}

void put_hex(struct writer *out, const void *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *byte = bytes;
	char *to = out->buf + out->len;

	if (n > (out->size - out->len) / 2) {
		out->overflow = true;
		return;
	}
	out->len += 2 * n;
	for (; n >= 16; n -= 16, byte += 16, to += 32)
		put_hex_16(to, byte);
	for (; n > 0; n--, byte++) {
		*to++ = digits[*byte >> 4];
		*to++ = digits[*byte & 15];
	}
}

static void put_base64_in(struct writer *out, const unsigned char *byte, size_t n, const char *alphabet,
			  bool padded)
{
	size_t left = n % 3, tail = left == 0 ? 0 : padded ? 4 : left + 1;
	char *to = out->buf + out->len, last[4];
	uint32_t group;

	if (n / 3 * 4 + tail > out->size - out->len) {
		out->overflow = true;
		return;
	}
	out->len += n / 3 * 4 + tail;
	for (; n >= 3; n -= 3, byte += 3, to += 4) {
		group = (uint32_t)byte[0] << 16 | (uint32_t)byte[1] << 8 | byte[2];
		to[0] = alphabet[group >> 18];
		to[1] = alphabet[group >> 12 & 63];
		to[2] = alphabet[group >> 6 & 63];
		to[3] = alphabet[group & 63];
	}
	if (left == 0)
		return;
	group = (uint32_t)byte[0] << 16 | (left > 1 ? (uint32_t)byte[1] << 8 : 0);
	for (size_t i = 0; i < 4; i++)
		last[i] = i <= left ? alphabet[group >> (18 - 6 * i) & 63] : '=';
	memcpy(to, last, tail);
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
 * What a character stands for, with marks: that it is in an alphabet at all, and in which one of the two it is if it is not in both
 * (RFC 4648 §4, §5).
 */
enum { IS_IN = 0x100, IS_PLAIN = 0x200, IS_URL = 0x400, VALUE = 0x3f };
#define IN(value) (IS_IN | (value))
const uint16_t base64_values[256] = {
	/* clang-format off */
	['A'] = IN(0), ['B'] = IN(1), ['C'] = IN(2), ['D'] = IN(3), ['E'] = IN(4), ['F'] = IN(5), ['G'] = IN(6), ['H'] = IN(7), ['I'] = IN(8), ['J'] = IN(9), ['K'] = IN(10), ['L'] = IN(11), ['M'] = IN(12),
	['N'] = IN(13), ['O'] = IN(14), ['P'] = IN(15), ['Q'] = IN(16), ['R'] = IN(17), ['S'] = IN(18), ['T'] = IN(19), ['U'] = IN(20), ['V'] = IN(21), ['W'] = IN(22), ['X'] = IN(23), ['Y'] = IN(24), ['Z'] = IN(25),
	['a'] = IN(26), ['b'] = IN(27), ['c'] = IN(28), ['d'] = IN(29), ['e'] = IN(30), ['f'] = IN(31), ['g'] = IN(32), ['h'] = IN(33), ['i'] = IN(34), ['j'] = IN(35), ['k'] = IN(36), ['l'] = IN(37), ['m'] = IN(38),
	['n'] = IN(39), ['o'] = IN(40), ['p'] = IN(41), ['q'] = IN(42), ['r'] = IN(43), ['s'] = IN(44), ['t'] = IN(45), ['u'] = IN(46), ['v'] = IN(47), ['w'] = IN(48), ['x'] = IN(49), ['y'] = IN(50), ['z'] = IN(51),
	['0'] = IN(52), ['1'] = IN(53), ['2'] = IN(54), ['3'] = IN(55), ['4'] = IN(56), ['5'] = IN(57), ['6'] = IN(58), ['7'] = IN(59), ['8'] = IN(60), ['9'] = IN(61),
	['+'] = IN(62) | IS_PLAIN, ['/'] = IN(63) | IS_PLAIN, ['-'] = IN(62) | IS_URL, ['_'] = IN(63) | IS_URL,
	/* clang-format on */
};
#undef IN

/* One more character behind the bits; what was said of all those before is in *all (marks that each had) and *any. */
static inline uint32_t base64_take(uint32_t bits, char c, unsigned *all, unsigned *any)
{
	unsigned value = base64_values[(unsigned char)c];

	*all &= value;
	*any |= value;
	return bits << 6 | (value & VALUE);
}

bool base64_decode(struct slice text, void *buf, size_t size, size_t *ret_n)
{
	unsigned char *out = buf;
	size_t padding = 0, at = 0, left, n_bits;
	unsigned all = IS_IN, any = 0;
	uint32_t bits = 0;

	while (text.len && text.ptr[text.len - 1] == '=' && padding < 2) {
		text.len--;
		padding++;
	}
	if (padding && (text.len + padding) % 4 != 0)
		return false;
	left = text.len % 4;
	if (left == 1 || text.len / 4 * 3 + left * 3 / 4 > size)
		return false;
	for (; text.len - at >= 4; at += 4) {
		bits = base64_take(0, text.ptr[at], &all, &any);
		bits = base64_take(bits, text.ptr[at + 1], &all, &any);
		bits = base64_take(bits, text.ptr[at + 2], &all, &any);
		bits = base64_take(bits, text.ptr[at + 3], &all, &any);
		*out++ = (unsigned char)(bits >> 16);
		*out++ = (unsigned char)(bits >> 8);
		*out++ = (unsigned char)bits;
	}
	bits = 0;
	for (; at < text.len; at++)
		bits = base64_take(bits, text.ptr[at], &all, &any);
	for (n_bits = 6 * left; n_bits >= 8; n_bits -= 8)
		*out++ = (unsigned char)(bits >> (n_bits - 8));
	if (!(all & IS_IN) || (bits & ((1u << n_bits) - 1)) != 0 || (any & IS_PLAIN && any & IS_URL))
		return false;
	*ret_n = (size_t)(out - (unsigned char *)buf);
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
