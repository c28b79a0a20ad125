/*
 * Which part of a body is for us (RFC 5621, RFC 3261 §8.2.3, §20.11). Of multipart/alternative it is the last one that is understood,
 * of any other multipart the only one that is; what is said to be optional and is not understood is left out. What is understood
 * depends on the method: a session description or a text; and what is protected, which ua/arrival.h opens afterwards.
 *
 * Pure.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/slice.h"
#include "base/writer.h"
#include "sip/message.h"

/* Up to what kind of protection a part is understood. */
enum content_reach {
	CONTENT_CLEAR,  /* none: it stands inside of what was opened already */
	CONTENT_SIGNED, /* there is no key here to decrypt with */
	CONTENT_SEALED,
};

/*
 * The message with that part as its body, or without any body; NULL where it may stay as it is. ERR_DENIED: a part has to be understood
 * and is not (415). ERR_SYNTAX: the parts cannot be told apart. ERR_LIMIT: there are too many, or they are nested too deep.
 * ERR_NOMEM.
 */
MUST_CHECK enum err content_choose(const struct sip_message *message, enum content_reach reach,
				   struct sip_message **ret_message);

/* What is understood in a request of that method, as lines of a 415 (or, for OPTIONS, of a 200): Accept and Accept-Encoding. */
void put_content_accepted(struct writer *out, enum sip_method method, bool can_decrypt);

/*
 * A body with what says of it what it is, as the text of an entity, for the one parser of such. It is given back by mem_free(); NULL
 * without memory.
 */
MUST_CHECK char *content_entity(const struct sip_message *message, struct slice *ret_text);
