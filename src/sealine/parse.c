#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "sealine/command.h"
#include "sealine/output.h"
#include "sip/check.h"
#include "sip/message.h"

/* What was found in one file. */
struct finding {
	const char *file;
	const struct sip_message *message; /* NULL: it is not valid */
	struct sip_fault fault;            /* what is wrong with it */
};

/* A remark on a valid message: what the RFCs forbid, though it does not keep the message from being passed on. */
struct remark {
	struct sip_fault fault;
	size_t next; /* what to go on with: a header field, or behind them the message as a whole */
};

/* What concerns the message as a whole is numbered behind its header fields. */
static bool remark_on_whole(const struct sip_message *message, size_t number, struct sip_fault *ret_fault)
{
	const char *end = message->body.ptr + message->body.len;
	size_t n_more = (size_t)(message->text.ptr + message->text.len - end);

	if (number == 0 && sip_message_is_unsent(message)) {
		*ret_fault = message->fault;
		return true;
	}
	if (number == 1 && n_more > 0) {
		*ret_fault = (struct sip_fault){ .status = 400,
						 .what = "there is more than Content-Length says",
						 .at = message->text.len - n_more };
		return true;
	}
	return false;
}

/* Goes on from the last remark; false when there is nothing more to remark upon. */
static bool next_remark(const struct sip_message *message, struct remark *remark)
{
	size_t n = message->n_headers;

	while (remark->next < n + 2) {
		size_t at = remark->next++;

		if (at < n ? !sip_header_check(message, &message->headers[at], &remark->fault)
			   : remark_on_whole(message, at - n, &remark->fault))
			return true;
	}
	return false;
}

static json_t *json_of_fault(const struct sip_fault *fault)
{
	json_t *object = json_pack("{s:s, s:I, s:i}", "what", fault->what, "at", (json_int_t)fault->at,
				   "status", (int)fault->status);

	if (object && fault->name.len > 0 &&
	    json_object_set_new(object, "header", json_of_text(fault->name)) != 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static json_t *json_of_headers(const struct sip_message *message)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < message->n_headers; i++) {
		const struct sip_header *header = &message->headers[i];
		json_t *field = json_pack("{s:o, s:o}", "name", json_of_text(header->name), "value",
					  json_of_text(header->value));

		if (json_array_append_new(list, field) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *json_of_remarks(const struct sip_message *message)
{
	struct remark remark = { .next = 0 };
	json_t *list = json_array();

	while (list && next_remark(message, &remark))
		if (json_array_append_new(list, json_of_fault(&remark.fault)) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static struct slice start_line(const struct sip_message *message)
{
	return slice_sub(message->text, 0, slice_find(message->text, '\r'));
}

static json_t *json_of_start(const struct sip_message *message)
{
	if (message->kind == SIP_RESPONSE)
		return json_pack("{s:s, s:i, s:o}", "kind", "response", "status", (int)message->status,
				 "reason", json_of_text(message->reason));
	return json_pack("{s:s, s:o, s:o}", "kind", "request", "method", json_of_text(message->method_name),
			 "uri", json_of_text(message->uri_text));
}

static bool print_as_json(const struct finding *finding)
{
	json_t *object = json_pack("{s:o, s:b}", "file", json_of_text(slice_of(finding->file)), "valid",
				   finding->message != NULL);
	const struct sip_message *message = finding->message;
	int failed = object ? 0 : -1;

	if (object && !message) {
		failed = json_object_set_new(object, "error", json_of_fault(&finding->fault));
	} else if (object) {
		json_t *start = json_of_start(message);

		failed = json_object_update(object, start) |
			 json_object_set_new(object, "start_line", json_of_text(start_line(message))) |
			 json_object_set_new(object, "headers", json_of_headers(message)) |
			 json_object_set_new(object, "body", json_integer((json_int_t)message->body.len)) |
			 json_object_set_new(object, "remarks", json_of_remarks(message));
		json_decref(start);
	}
	if (failed) {
		json_decref(object);
		object = NULL;
	}
	return print_json(object);
}

static void print_fault(const char *file, const char *sort, const struct sip_fault *fault)
{
	printf("%s: %s%s at byte %zu", file, sort, fault->what, fault->at);
	if (fault->name.len > 0) {
		fputs(" (", stdout);
		print_escaped(fault->name);
		putchar(')');
	}
	putchar('\n');
}

static void print_as_text(const struct finding *finding)
{
	const struct sip_message *message = finding->message;
	struct remark remark = { .next = 0 };

	if (!message) {
		print_fault(finding->file, "not valid: ", &finding->fault);
		return;
	}
	printf("%s: %s ", finding->file, message->kind == SIP_REQUEST ? "request" : "response");
	print_escaped(start_line(message));
	printf(", %zu header fields, %zu bytes of body\n", message->n_headers, message->body.len);
	while (next_remark(message, &remark))
		print_fault(finding->file, "remark: ", &remark.fault);
}

static bool complain_of_file(const char *file)
{
	return complain("%s: %s; give the name of a file that can be read, or - for standard input", file,
			strerror(errno));
}

/* At most size bytes: one more than a message may have is enough to see that it has too many. */
static bool read_file(const char *file, char *buf, size_t size, size_t *ret_n)
{
	int fd = strcmp(file, "-") == 0 ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : 1;
	size_t n = 0;

	while (got > 0 && n < size) {
		got = read(fd, buf + n, size - n);
		if (got > 0)
			n += (size_t)got;
	}
	if (got < 0)
		(void)complain_of_file(file);
	if (fd > STDIN_FILENO)
		close(fd);
	*ret_n = n;
	return got >= 0;
}

static enum exit_code parse_text(const char *file, struct slice text, bool as_json)
{
	AUTO(sip_message) struct sip_message *message = NULL;
	struct finding finding = { .file = file };
	enum err err = sip_message_parse(text, &sip_limits_default, &message, &finding.fault);

	if (err == ERR_NOMEM) {
		(void)complain_of(err);
		return EXIT_FOUND;
	}
	if (message && (!message->fault.status || sip_message_is_unsent(message)))
		finding.message = message;
	else if (message)
		finding.fault = message->fault;
	if (!as_json)
		print_as_text(&finding);
	else if (!print_as_json(&finding))
		return EXIT_FOUND;
	return finding.message ? EXIT_OK : EXIT_FOUND;
}

enum exit_code parse_run(const struct invocation *invocation)
{
	size_t size = sip_limits_default.message + 1, n;
	enum exit_code worst = EXIT_OK;
	char *buf = mem_alloc(size);

	if (!buf) {
		(void)complain_of(ERR_NOMEM);
		return EXIT_FOUND;
	}
	for (size_t i = 0; i < invocation->n_arguments; i++) {
		const char *file = invocation->arguments[i];
		enum exit_code code = EXIT_USAGE;

		if (read_file(file, buf, size, &n))
			code = parse_text(file, slice_from(buf, n), invocation->flags & FLAG_JSON);
		if (code > worst)
			worst = code;
	}
	mem_free(buf);
	return worst;
}
