#include "sealine/password.h"

#include <unistd.h>

#include "base/mem.h"
#include "crypto/random.h"
#include "net/terminal.h"
#include "sealine/output.h"
#include "store/store.h"

enum { QUESTION_MAX = STORE_NAME_MAX + 32 };

/* The first line of standard input, of at most size bytes, without its end. -1: there is none. */
static ssize_t read_line(char *line, size_t size)
{
	size_t n = 0;
	ssize_t got;
	char c;

	while ((got = read(STDIN_FILENO, &c, 1)) == 1 && c != '\n') {
		if (n == size)
			return -1;
		line[n++] = c;
	}
	if (got < 0 || (got == 0 && n == 0))
		return -1;
	return (ssize_t)(n > 0 && line[n - 1] == '\r' ? n - 1 : n);
}

bool password_is_good(struct slice password)
{
	for (size_t i = 0; i < password.len; i++)
		if ((unsigned char)password.ptr[i] < 0x20 || password.ptr[i] == 0x7f)
			return false;
	return password.len > 0 && password.len <= PASSWORD_MAX;
}

static struct secret *secret_of_line(const char *line, ssize_t n)
{
	struct slice password = slice_from(line, n < 0 ? 0 : (size_t)n);
	struct secret *secret = NULL;

	if (!password_is_good(password))
		(void)complain(
			"that cannot be a password; give one line of 1 to %d bytes without control characters",
			PASSWORD_MAX);
	else if (!(secret = secret_new(password)))
		(void)complain_of(ERR_NOMEM);
	return secret;
}

static struct secret *ask_once(struct terminal *terminal, const char *question, const char *whose)
{
	char line[PASSWORD_MAX], text[QUESTION_MAX];
	struct writer out = writer_of(text, sizeof text);
	struct secret *secret = NULL;
	ssize_t n;

	put(&out, slice_of(question));
	put(&out, slice_of(whose));
	put(&out, SLICE(": "));
	n = terminal_ask(terminal, writer_text(&out), line, sizeof line);
	if (!terminal->interrupted)
		secret = secret_of_line(line, n);
	mem_wipe(line, sizeof line);
	return secret;
}

struct secret *password_ask(const char *whose, bool *ret_interrupted)
{
	struct terminal terminal;
	struct secret *first, *second = NULL;
	bool same = false;

	if (!terminal_silence(&terminal)) {
		(void)complain(
			"there is no terminal to ask for the password on; use --password-stdin or --generate");
		return NULL;
	}
	first = ask_once(&terminal, "Password for ", whose);
	if (first)
		second = ask_once(&terminal, "Once more", "");
	terminal_restore(&terminal);
	*ret_interrupted = terminal.interrupted;
	if (second) {
		same = slice_eq_secret(secret_slice(first), secret_slice(second));
		if (!same)
			(void)complain("the two passwords differ; nothing was changed, try again");
	}
	secret_free(second);
	if (same)
		return first;
	secret_free(first);
	return NULL;
}

struct secret *password_read(void)
{
	char line[PASSWORD_MAX];
	struct secret *secret = secret_of_line(line, read_line(line, sizeof line));

	mem_wipe(line, sizeof line);
	return secret;
}

struct secret *password_make(struct crypto *crypto)
{
	static const char letters[32] = { "abcdefghijkmnpqrstuvwxyz23456789" }; /* without l, o, 0 and 1 */
	AUTO(random) struct random *random = random_new(crypto);
	unsigned char bytes[24] = { 0 };
	struct secret *secret = random ? secret_new(slice_from(bytes, sizeof bytes)) : NULL;

	if (!secret) {
		(void)complain_of(ERR_NOMEM);
		return NULL;
	}
	random_bytes(random, bytes, sizeof bytes);
	for (size_t i = 0; i < sizeof bytes; i++)
		secret->bytes[i] = (unsigned char)letters[bytes[i] % 32];
	mem_wipe(bytes, sizeof bytes);
	return secret;
}
