#include "sealphone/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/response.h"
#include "base/writer.h"

static bool complain(const char *path, const char *why)
{
	fprintf(stderr, "sealphone: %s: %s\n", path, why);
	return false;
}

/* All directories of the path, each for us alone. */
static bool make_directory(char *path)
{
	for (char *at = path + 1; *at; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		if (mkdir(path, 0700) != 0 && errno != EEXIST)
			return complain(path, strerror(errno));
		*at = '/';
	}
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return complain(path, strerror(errno));
	return true;
}

static void put_default_directory(struct writer *out)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (state && state[0] == '/') {
		put(out, slice_of(state));
	} else {
		put(out, slice_of(home ? home : "."));
		put(out, SLICE("/.local/state"));
	}
	put(out, SLICE("/sealphone"));
}

/* The account as a file name: what is not a letter, digit, or one of "@.-_" is written in hexadecimal. */
static void put_file_name(struct writer *out, struct slice account)
{
	for (size_t i = 0; i < account.len; i++) {
		char c = account.ptr[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    strchr("@-_", c) || (c == '.' && i > 0)) {
			put_char(out, c);
		} else {
			put_char(out, '=');
			put_hex(out, &c, 1);
		}
	}
	put(out, SLICE(".json"));
}

/* A random UUID (RFC 4122 §4.4). */
static void make_instance(struct memory *memory, struct random *random)
{
	struct writer out = writer_of(memory->instance, sizeof memory->instance - 1);
	uint8_t bytes[16];

	random_bytes(random, bytes, sizeof bytes);
	bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
	bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
	put(&out, SLICE("urn:uuid:"));
	for (size_t i = 0; i < sizeof bytes; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			put_char(&out, '-');
		put_hex(&out, bytes + i, 1);
	}
	memory->instance[out.len] = '\0';
}

static bool read_file(struct memory *memory)
{
	json_error_t error;
	json_t *file = json_load_file(memory->path, JSON_REJECT_DUPLICATES, &error);
	const char *instance = json_string_value(json_object_get(file, "instance"));
	const char *algorithm = json_string_value(json_object_get(file, "algorithm"));
	struct writer out = writer_of(memory->instance, sizeof memory->instance - 1);
	bool session, is_good = instance && algorithm &&
				auth_algorithm_parse(slice_of(algorithm), &memory->least, &session);

	if (!file && json_error_code(&error) == json_error_cannot_open_file)
		return complain(memory->path, strerror(errno));
	if (is_good)
		put(&out, slice_of(instance));
	memory->instance[out.len] = '\0';
	memory->was_proven = json_is_true(json_object_get(file, "proven"));
	json_decref(file);
	if (!is_good || out.overflow || out.len == 0)
		return complain(memory->path, "this is not what sealphone wrote; remove it to begin anew");
	return true;
}

bool memory_open(const char *directory, struct slice account, struct random *random,
		 struct memory *ret_memory)
{
	struct writer out = writer_of(ret_memory->path, sizeof ret_memory->path - 1);

	*ret_memory = (struct memory){ .least = DIGEST_MD5 };
	if (directory)
		put(&out, slice_of(directory));
	else
		put_default_directory(&out);
	if (out.overflow || out.len == 0)
		return complain("--state", "the path is too long");
	ret_memory->path[out.len] = '\0';
	if (!make_directory(ret_memory->path))
		return false;
	put_char(&out, '/');
	put_file_name(&out, account);
	if (out.overflow)
		return complain("--state", "the path is too long");
	ret_memory->path[out.len] = '\0';
	if (access(ret_memory->path, F_OK) == 0)
		return read_file(ret_memory);
	make_instance(ret_memory, random);
	return memory_save(ret_memory);
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t length = strlen(text);
	bool is_good;

	if (fd < 0)
		return complain(path, strerror(errno));
	is_good = write(fd, text, length) == (ssize_t)length && fsync(fd) == 0;
	is_good = close(fd) == 0 && is_good;
	return is_good || complain(path, strerror(errno));
}

bool memory_save(const struct memory *memory)
{
	char fresh[sizeof memory->path + 8], text[256];
	struct slice algorithm = auth_algorithm_name(memory->least, false);

	snprintf(fresh, sizeof fresh, "%s.new", memory->path);
	snprintf(text, sizeof text, "{ \"instance\": \"%s\", \"algorithm\": \"%.*s\", \"proven\": %s }\n",
		 memory->instance, SLICE_FMT(algorithm), memory->was_proven ? "true" : "false");
	if (!write_file(fresh, text))
		return false;
	if (rename(fresh, memory->path) != 0)
		return complain(memory->path, strerror(errno));
	return true;
}
