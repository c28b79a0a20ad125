/* What a message must have in common with the request that made a transaction (RFC 3261 §17.1.3, §17.2.3). */
#pragma once

#include "base/slice.h"
#include "base/writer.h"
#include "sip/message.h"

/*
 * A response belongs to the client transaction whose branch and method (that of its CSeq: a CANCEL has the
 * branch of its INVITE) are the same. The key begins with the branch.
 */
void put_tsx_client_key(struct writer *out, struct slice branch, struct slice method);

/*
 * A request belongs to the server transaction that was made for a request with the same key. method is that
 * of the request looked for: its own; INVITE for an ACK; for a CANCEL that of the request which may be
 * cancelled.
 *
 * The key is the branch, the sent-by and the method. Where the branch lacks the magic cookie (RFC 2543) it is
 * Request-URI, From tag, Call-ID, CSeq number, topmost Via and the method, and the To tag, except that of an
 * INVITE and what refers to it: its ACK has the tag of the response, and the rest already tells two INVITEs
 * apart.
 *
 * The message has no fault. The key is not longer than its text and 64 bytes.
 */
void put_tsx_server_key(struct writer *out, const struct sip_message *request, struct slice method);
