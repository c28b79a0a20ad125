#include "base/err.h"

#include <errno.h>

const char *err_text(enum err err)
{
	switch (err) {
	case OK: return "ok";
	case ERR_MORE: return "more input is needed";
	case ERR_SYNTAX: return "malformed";
	case ERR_LIMIT: return "larger than allowed";
	case ERR_NOT_FOUND: return "not found";
	case ERR_EXISTS: return "already there";
	case ERR_DENIED: return "refused";
	case ERR_CONFLICT: return "changed by somebody else";
	case ERR_AGAIN: return "would block";
	case ERR_CLOSED: return "closed by the other side";
	case ERR_NOMEM: return "out of memory";
	case ERR_IO: return "input/output error";
	}
	return "unknown error";
}

enum err err_of_file(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR: return ERR_NOT_FOUND;
	case EACCES:
	case EPERM:
	case EROFS: return ERR_DENIED;
	case ENAMETOOLONG: return ERR_LIMIT;
	case ENOMEM: return ERR_NOMEM;
	default: return ERR_IO;
	}
}
