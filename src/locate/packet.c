#include "locate/packet.h"

#include "base/ascii.h"

enum {
	HEADER_SIZE = 12,
	QR = 0x80,
	RCODE = 0x0f,
	RCODE_OK = 0,
	RCODE_NO_SUCH_NAME = 3,
	CLASS_IN = 1,
	LABEL_MAX = 63,
	POINTER = 0xc0, /* the two bits that make a length a pointer (§4.1.4) */
};

static uint8_t byte_at(struct slice bytes, size_t at)
{
	return (uint8_t)bytes.ptr[at];
}

static bool read_16(struct slice bytes, size_t *at, uint16_t *ret_value)
{
	if (bytes.len < 2 || *at > bytes.len - 2)
		return false;
	*ret_value = (uint16_t)(byte_at(bytes, *at) << 8 | byte_at(bytes, *at + 1));
	*at += 2;
	return true;
}

static bool skip(struct slice bytes, size_t *at, size_t n)
{
	if (*at > bytes.len || n > bytes.len - *at)
		return false;
	*at += n;
	return true;
}

/* <character-string> (§3.3) */
static bool read_string(struct slice bytes, size_t *at, struct slice *ret_text)
{
	size_t start = *at + 1;

	if (*at >= bytes.len || !skip(bytes, at, 1U + byte_at(bytes, *at)))
		return false;
	*ret_text = slice_from(bytes.ptr + start, *at - start);
	return true;
}

/* -- names --------------------------------------------------------------------------------------------------- */

static bool add_label(struct name *name, struct slice label)
{
	size_t dot = name->len > 0 ? 1 : 0;

	if (name->len + dot + label.len > PACKET_NAME_MAX)
		return false;
	if (dot)
		name->text[name->len++] = '.';
	for (size_t i = 0; i < label.len; i++) {
		char c = label.ptr[i];

		if (!ascii_is_alnum(c) && c != '-' && c != '_')
			name->is_odd = true;
		name->text[name->len++] = ascii_lower(c);
	}
	return true;
}

bool name_set(struct name *name, struct slice text)
{
	*name = (struct name){ .len = 0 };
	if (slice_ends(text, SLICE(".")))
		text.len--;
	while (text.len > 0) {
		size_t dot = slice_find(text, '.');
		struct slice label = slice_sub(text, 0, dot);

		if (label.len == 0 || label.len > LABEL_MAX || dot + 1 == text.len || !add_label(name, label))
			return false;
		text = slice_sub(text, dot + 1, text.len);
	}
	return name->len > 0 && !name->is_odd;
}

/*
 * A name with its pointers (§4.1.4), each of which has to lead back to before the part that it ends, so that there
 * is an end. *at moves behind the name where it stands.
 */
static bool read_name(struct slice bytes, size_t *at, struct name *ret_name)
{
	struct name name = { .len = 0 };
	size_t here = *at, part = here, after = 0;

	while (here < bytes.len) {
		size_t length = byte_at(bytes, here);

		if (length == 0) {
			*at = after > 0 ? after : here + 1;
			*ret_name = name;
			return true;
		}
		if ((length & POINTER) == POINTER) {
			uint16_t pointer;
			size_t end = here;

			if (!read_16(bytes, &end, &pointer) || (pointer & 0x3fff) >= part)
				return false;
			after = after > 0 ? after : end;
			here = part = pointer & 0x3fff;
			continue;
		}
		if (length > LABEL_MAX || length >= bytes.len - here ||
		    !add_label(&name, slice_from(bytes.ptr + here + 1, length)))
			return false;
		here += 1 + length;
	}
	return false;
}

/* -- records ------------------------------------------------------------------------------------------------- */

struct record {
	struct name owner;
	uint16_t type, class;
	struct rdata rdata;
};

static bool read_record(struct packet *packet, struct record *ret_record)
{
	uint16_t length;

	if (packet->n_left == 0)
		return false;
	packet->n_left--;
	if (!read_name(packet->bytes, &packet->at, &ret_record->owner) ||
	    !read_16(packet->bytes, &packet->at, &ret_record->type) ||
	    !read_16(packet->bytes, &packet->at, &ret_record->class) ||
	    !skip(packet->bytes, &packet->at, 4) || !read_16(packet->bytes, &packet->at, &length))
		return false;
	ret_record->rdata = (struct rdata){ packet->at, length };
	return skip(packet->bytes, &packet->at, length);
}

static bool next_of(struct packet *packet, enum dns_type type, struct rdata *ret_rdata)
{
	struct record record;

	while (read_record(packet, &record)) {
		if (record.type == (uint16_t)type && record.class == CLASS_IN && !record.owner.is_odd &&
		    slice_eq(name_text(&record.owner), name_text(&packet->owner))) {
			*ret_rdata = record.rdata;
			return true;
		}
	}
	return false;
}

bool packet_next(struct packet *packet, struct rdata *ret_rdata)
{
	return next_of(packet, packet->type, ret_rdata);
}

/* The name in RDATA, from offset on to its end. */
static bool name_in(const struct packet *packet, const struct rdata *rdata, size_t at, struct name *ret_name)
{
	return read_name(packet->bytes, &at, ret_name) && at == rdata->at + rdata->len;
}

/* §3.6.2: the owner is the end of the chain of aliases. */
static bool follow_aliases(struct packet *packet)
{
	struct packet start = *packet;
	struct rdata rdata;

	for (int i = 0; i < PACKET_ALIASES_MAX; i++) {
		struct packet pass = start;

		pass.owner = packet->owner;
		if (!next_of(&pass, DNS_CNAME, &rdata))
			return true;
		if (!name_in(&pass, &rdata, rdata.at, &packet->owner))
			return false;
	}
	return false;
}

bool packet_open(struct packet *packet, struct slice bytes, const struct dns_question *question)
{
	size_t at = 4;
	uint16_t n_questions, n_answers;
	struct name asked;

	*packet = (struct packet){ .bytes = bytes, .type = question->type };
	if (bytes.len < HEADER_SIZE || !name_set(&packet->owner, question->name) ||
	    !(byte_at(bytes, 2) & QR) || !read_16(bytes, &at, &n_questions) ||
	    !read_16(bytes, &at, &n_answers))
		return false;
	uint8_t rcode = byte_at(bytes, 3) & RCODE;
	if (rcode != RCODE_OK && rcode != RCODE_NO_SUCH_NAME)
		return false;
	at = HEADER_SIZE;
	for (unsigned i = 0; i < n_questions; i++)
		if (!read_name(bytes, &at, &asked) || !skip(bytes, &at, 4))
			return false;
	packet->at = at;
	packet->n_left = n_answers;
	return follow_aliases(packet);
}

bool packet_address(const struct packet *packet, const struct rdata *rdata, struct address *ret_address)
{
	struct address address = { .family = packet->type == DNS_A ? ADDRESS_V4 : ADDRESS_V6 };

	if (rdata->len != (packet->type == DNS_A ? 4 : 16))
		return false;
	memcpy(address.ip, packet->bytes.ptr + rdata->at, rdata->len);
	*ret_address = address;
	return true;
}

bool packet_srv(const struct packet *packet, const struct rdata *rdata, struct srv *ret_srv)
{
	struct slice bytes = slice_sub(packet->bytes, 0, rdata->at + rdata->len);
	size_t at = rdata->at;
	struct srv srv;

	if (!read_16(bytes, &at, &srv.priority) || !read_16(bytes, &at, &srv.weight) ||
	    !read_16(bytes, &at, &srv.port) || !name_in(packet, rdata, at, &srv.target))
		return false;
	*ret_srv = srv;
	return true;
}

/* By matching type (RFC 6698 §2.1.3); 0: the whole certificate or key. */
static const size_t tlsa_sizes[] = { 0, 32, 64 };

bool packet_tlsa(const struct packet *packet, const struct rdata *rdata, struct slice *ret_tlsa)
{
	enum { USAGE_MAX = 3, SELECTOR_MAX = 1, TYPE_MAX = 2, HEAD = 3 };
	struct slice bytes = slice_sub(packet->bytes, rdata->at, rdata->len);

	if (bytes.len <= HEAD || byte_at(bytes, 0) > USAGE_MAX || byte_at(bytes, 1) > SELECTOR_MAX ||
	    byte_at(bytes, 2) > TYPE_MAX)
		return false;
	if (byte_at(bytes, 2) > 0 && bytes.len - HEAD != tlsa_sizes[byte_at(bytes, 2)])
		return false;
	*ret_tlsa = bytes;
	return true;
}

bool packet_naptr(const struct packet *packet, const struct rdata *rdata, struct naptr *ret_naptr)
{
	struct slice bytes = slice_sub(packet->bytes, 0, rdata->at + rdata->len);
	size_t at = rdata->at;
	struct naptr naptr;

	if (!read_16(bytes, &at, &naptr.order) || !read_16(bytes, &at, &naptr.preference) ||
	    !read_string(bytes, &at, &naptr.flags) || !read_string(bytes, &at, &naptr.services) ||
	    !read_string(bytes, &at, &naptr.regexp) || !name_in(packet, rdata, at, &naptr.replacement))
		return false;
	*ret_naptr = naptr;
	return true;
}
