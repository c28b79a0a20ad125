#include "base/secret.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

struct secret *secret_new(struct slice bytes)
{
	struct secret *secret;

	if (bytes.len > SIZE_MAX - sizeof *secret)
		return NULL;
	secret = mem_alloc(sizeof *secret + bytes.len);
	if (!secret)
		return NULL;
	secret->len = bytes.len;
	if (bytes.len)
		memcpy(secret->bytes, bytes.ptr, bytes.len);
	return secret;
}

void secret_free(struct secret *secret)
{
	if (!secret)
		return;
	mem_wipe(secret, sizeof *secret + secret->len);
	mem_free(secret);
}
