/* The fingerprint of a key as words that two people read to each other. */
#pragma once

#include "base/writer.h"
#include "crypto/key.h"

/* 96 bits of the hash: to make another key with the same words is out of reach. */
enum { SAFETY_WORDS = 12, SAFETY_WORDS_SIZE = SAFETY_WORDS * 12 };

/* "topmost istanbul pluto …" */
void put_safety_words(struct writer *out, const unsigned char id[KEY_ID_SIZE]);
