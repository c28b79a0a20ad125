#include "sealine/server.h"

#include "control/control.h"
#include "sealine/output.h"
#include "store/state.h"

enum { PATIENCE = 60 * 1000 }; /* ms; a batch of 5,000 accounts takes a second or two */

static const char *reason(enum err err)
{
	switch (err) {
	case ERR_DENIED: return "it belongs to another user; run this as the user of sealined, or as root";
	case ERR_AGAIN: return "sealined did not reply in time; see its log";
	case ERR_CLOSED: return "sealined went away before it replied; see its log, then try again";
	case ERR_LIMIT: return "the request or the reply is too long for one line; ask for less at a time";
	case ERR_SYNTAX: return "what replied is no sealined; see what listens there";
	case ERR_NOMEM: return "out of memory; nothing was changed";
	default: return "input/output error; see the log of sealined";
	}
}

enum err server_ask(struct slice socket, json_t *request, json_t **ret_reply)
{
	json_t *reply = NULL;
	enum err err = request ? control_ask(socket, request, PATIENCE, &reply) : ERR_NOMEM;

	json_decref(request);
	if (err == ERR_NOT_FOUND)
		return err;
	if (err != OK) {
		(void)complain("%.*s: %s", SLICE_FMT(socket), reason(err));
		return err == ERR_EXISTS ? ERR_IO : err;
	}
	*ret_reply = reply;
	return json_is_true(json_object_get(reply, "ok")) ? OK : ERR_EXISTS;
}

json_t *server_ask_for(const struct invocation *invocation, json_t *request, const struct server_hints *hints)
{
	char dir[STATE_PATH_MAX], path[STATE_PATH_MAX];
	struct writer dir_out = writer_of(dir, sizeof dir), path_out = writer_of(path, sizeof path);
	json_t *reply = NULL;

	if (!state_find(&dir_out, invocation->state)) {
		(void)complain("there is no state directory to be found; give --state DIR");
		json_decref(request);
		return NULL;
	}
	put_state_path(&path_out, writer_text(&dir_out), SLICE(STATE_CONTROL_SOCKET));
	switch (server_ask(writer_text(&path_out), request, &reply)) {
	case OK: return reply;
	case ERR_NOT_FOUND:
		(void)complain("%.*s: no sealined runs there, so %s; start it, or give --state DIR",
			       SLICE_FMT(writer_text(&path_out)), hints->nothing);
		break;
	case ERR_EXISTS:
		(void)complain("%.*s: %.*s; see %s", SLICE_FMT(writer_text(&path_out)),
			       SLICE_FMT(text_member(reply, "message")), hints->look);
		break;
	default: break;
	}
	json_decref(reply);
	return NULL;
}
