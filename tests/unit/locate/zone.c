#include "zone.h"

#include "base/address.h"
#include "base/scan.h"

enum { WORDS_MAX = 8, COUNT_AT = 6 };

struct line {
	size_t n;
	struct slice words[WORDS_MAX];
};

void put_16(struct writer *out, uint16_t number)
{
	put_char(out, (char)(number >> 8));
	put_char(out, (char)(number & 0xff));
}

void put_wire_name(struct writer *out, struct slice name)
{
	if (slice_eq(name, SLICE(".")))
		name.len = 0;
	while (name.len > 0) {
		size_t dot = slice_find(name, '.');

		put_char(out, (char)dot);
		put(out, slice_sub(name, 0, dot));
		name = slice_sub(name, dot + 1, name.len);
	}
	put_char(out, 0);
}

static void put_string(struct writer *out, struct slice text)
{
	if (slice_eq(text, SLICE("-")))
		text.len = 0;
	put_char(out, (char)text.len);
	put(out, text);
}

static void put_decimal(struct writer *out, struct slice text)
{
	struct scan in = scan_of(text);
	uint64_t number = 0;

	if (scan_number(&in, UINT16_MAX, &number))
		put_16(out, (uint16_t)number);
}

static bool next_line(struct scan *zone, struct line *ret_line)
{
	struct slice text;

	if (!scan_line(zone, &text))
		return false;
	*ret_line = (struct line){ 0 };
	for (text = slice_trim(text); text.len > 0 && ret_line->n < WORDS_MAX; text = slice_trim(text)) {
		size_t blank = slice_find(text, ' ');

		ret_line->words[ret_line->n++] = slice_sub(text, 0, blank);
		text = slice_sub(text, blank, text.len);
	}
	return true;
}

static enum dns_type type_of(struct slice word)
{
	if (slice_eq(word, SLICE("A")))
		return DNS_A;
	if (slice_eq(word, SLICE("AAAA")))
		return DNS_AAAA;
	if (slice_eq(word, SLICE("SRV")))
		return DNS_SRV;
	if (slice_eq(word, SLICE("TLSA")))
		return DNS_TLSA;
	return slice_eq(word, SLICE("NAPTR")) ? DNS_NAPTR : DNS_CNAME;
}

/* USAGE SELECTOR TYPE TEXT: the text stands for the data. */
static void put_tlsa(struct writer *out, const struct slice *words)
{
	for (int i = 0; i < 3; i++) {
		struct scan in = scan_of(words[i]);

		put_char(out, (char)(scan_peek(&in) - '0'));
	}
	put(out, words[3]);
}

static void put_data(struct writer *out, enum dns_type type, const struct slice *words)
{
	struct address address;

	switch (type) {
	case DNS_A:
	case DNS_AAAA:
		if (address_parse_ip(words[0], &address))
			put(out, slice_from(address.ip, type == DNS_A ? 4 : 16));
		break;
	case DNS_SRV:
		for (int i = 0; i < 3; i++)
			put_decimal(out, words[i]);
		put_wire_name(out, words[3]);
		break;
	case DNS_NAPTR:
		for (int i = 0; i < 2; i++)
			put_decimal(out, words[i]);
		for (int i = 2; i < 5; i++)
			put_string(out, words[i]);
		put_wire_name(out, words[5]);
		break;
	case DNS_TLSA: put_tlsa(out, words); break;
	case DNS_CNAME: put_wire_name(out, words[0]); break;
	}
}

static void put_record(struct writer *out, const struct line *line)
{
	enum dns_type type = type_of(line->words[1]);
	char data[600];
	struct writer data_out = writer_of(data, sizeof data);

	put_data(&data_out, type, line->words + 2);
	put_wire_name(out, line->words[0]);
	put_16(out, (uint16_t)type);
	put_16(out, 1);
	put_16(out, 0);
	put_16(out, 300);
	put_16(out, (uint16_t)data_out.len);
	put(out, writer_text(&data_out));
}

void put_response(struct writer *out, const char *zone, const struct dns_question *question)
{
	static const char header[12] = { 0, 0, (char)0x84, 0, 0, 1 };
	struct scan in = scan_of(slice_of(zone));
	struct slice owner = question->name;
	struct line line;
	uint8_t n = 0;
	size_t start = out->len;

	put(out, slice_from(header, sizeof header));
	put_wire_name(out, question->name);
	put_16(out, (uint16_t)question->type);
	put_16(out, 1);
	while (next_line(&in, &line)) {
		if (line.n < 3 || !slice_eq_nocase(line.words[0], owner))
			continue;
		enum dns_type type = type_of(line.words[1]);

		if (type != question->type && type != DNS_CNAME)
			continue;
		put_record(out, &line);
		n++;
		if (type == DNS_CNAME)
			owner = line.words[2];
	}
	if (!out->overflow)
		out->buf[start + COUNT_AT + 1] = (char)n;
}
