/*
 * What the phone keeps for S/MIME in its state directory, beside what memory.h keeps: its own keys and certificates (mode 0600,
 * the keys encrypted where there is a passphrase), which keys of others it has seen, what its user wants for which contact, and which
 * protected messages were taken.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "base/secret.h"
#include "crypto/bundle.h"
#include "crypto/lib.h"
#include "sealphone/memory.h"
#include "ua/contacts.h"
#include "ua/credentials.h"

/* The first five are set by whoever opens it. */
struct wallet {
	struct crypto *crypto; /* borrowed, as the next four are */
	const struct memory *memory;
	struct credentials *credentials;
	struct contacts *contacts;
	const char *passphrase_file; /* of the keys; NULL: it is asked for, where one is encrypted */

	struct secret *passphrase; /* NULL: none */
	bool is_interrupted;       /* while it was asked for */
	struct stat known;         /* of the file about others, as it was read or written last */
};

/*
 * What is there, into the credentials; nothing is made. False with a message printed if it cannot be read (without one if
 * is_interrupted).
 */
bool wallet_open(struct wallet *wallet);
/* Accepts one that was not opened. */
void wallet_close(struct wallet *wallet);

/* Makes a key of this phone where there is none. False with a message printed if it cannot be kept. */
bool wallet_make_key(struct wallet *wallet);
/* Writes our certificate, what is known of others and what is wanted for them. False with a message printed. */
bool wallet_save(struct wallet *wallet);

/* What put_ua_replays() writes: NULL if it cannot be read, with a message printed; empty if there is none. Freed by mem_free(). */
char *wallet_read_seen(const struct wallet *wallet, size_t *ret_length);
bool wallet_write_seen(const struct wallet *wallet, struct slice text);

/*
 * What somebody else has written about others since (sealphone cert trust, cert forget, cert policy) counts from now on; may_forget: and
 * who is forgotten there is forgotten, else not, since he may have been met after that was written. True if there
 * was something. One that cannot be read changes nothing, with a message printed.
 */
bool wallet_refresh(struct wallet *wallet, bool may_forget);

/*
 * The key and certificate of the bundle are our present ones from the next start on; those of before become older ones, to read
 * with. False with a message printed.
 */
bool wallet_import(struct wallet *wallet, const struct bundle *bundle);
/* Encrypts the files of all keys with that passphrase, or with none (NULL). False with a message printed. */
bool wallet_lock(struct wallet *wallet, const struct secret *passphrase);
