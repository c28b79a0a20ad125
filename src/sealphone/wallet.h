/*
 * What the phone keeps for S/MIME in its state directory, beside what memory.h keeps: its own keys and certificates (mode 0600,
 * the keys encrypted where there is a passphrase), and which keys of others it has seen.
 */
#pragma once

#include <stdbool.h>

#include "crypto/lib.h"
#include "sealphone/memory.h"
#include "ua/credentials.h"

/* What is there, into the credentials; nothing is made. False with a message printed if it cannot be read. */
bool wallet_load(struct crypto *crypto, const struct memory *memory, struct credentials *credentials);
/* Makes a key of this phone where there is none. False with a message printed if it cannot be kept. */
bool wallet_make_key(struct crypto *crypto, const struct memory *memory, struct credentials *credentials);
/* Writes our certificate, and what is known of others. False with a message printed. */
bool wallet_save(const struct memory *memory, const struct credentials *credentials);
