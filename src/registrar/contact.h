/*
 * One Contact of a REGISTER, taken apart (RFC 3261 §10.2.1, §20.10; RFC 5626 §4), and the rules by which two
 * of them are the same binding. Private to the room.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "endpoint/aor.h"
#include "sip/address.h"
#include "sip/message.h"

struct registrar_contact {
	struct sip_address address;
	struct slice instance; /* +sip.instance without quotes and <>, or empty */
	uint32_t reg_id;       /* 0: none, or without an instance (RFC 5626 §6: ignored then) */
	uint16_t q;
	bool has_expires;
	uint32_t expires;          /* the parameter's */
	struct slice expires_text; /* as it stands */
};

/* ERR_SYNTAX: not an address, or q, reg-id or +sip.instance malformed. ERR_DENIED: neither sip nor sips. */
MUST_CHECK enum err registrar_contact_parse(struct slice value, struct registrar_contact *ret_contact);

/* delta-seconds; what is malformed counts as an hour (RFC 3261 §10.2.1.1, §20.19). */
uint32_t registrar_expires(struct slice value);

/* The header parameters as they stand, without expires and q, and without GRUUs, which are not the phone's to say. ERR_NOMEM, ERR_LIMIT of the arena. */
MUST_CHECK enum err registrar_contact_params(const struct registrar_contact *contact, struct arena *arena,
					     struct slice *ret_params);

/*
 * Whether a contact is that of the binding: the same instance and reg-id where both have them (RFC 5626 §6),
 * else the same URI (RFC 3261 §19.1.4), be it sip or sips (RFC 5630 §5.1.1.1).
 */
bool registrar_contact_is(const struct registrar_contact *contact, const struct binding *binding);

/* Whether the REGISTER came over no proxy but such as support RFC 5626 (§6). */
bool registrar_has_outbound_path(const struct sip_message *request);
