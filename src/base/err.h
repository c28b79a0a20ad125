/*
 * How a function fails, and the one way a failure travels.
 *
 * Verdicts are named in the comment of the function that returns them and are handled by its caller.
 * Faults are handled by nobody half-way: TRY() passes them up. A function that can fail in one way only
 * returns bool. A broken invariant is an assert(); bad input never is.
 */
#pragma once

enum err {
	OK,

	/* verdicts */
	ERR_MORE,      /* the input ends early; call again with more */
	ERR_SYNTAX,    /* the grammar is violated */
	ERR_LIMIT,     /* well formed, but larger than allowed */
	ERR_NOT_FOUND, /* there is no such thing */
	ERR_EXISTS,    /* there is one already */
	ERR_DENIED,    /* a check said no: signature, identity, permission, requirement */
	ERR_CONFLICT,  /* somebody else changed it since it was read */
	ERR_AGAIN,     /* it would block; an event or an answer will come */
	ERR_CLOSED,    /* the other side is gone */

	/* faults */
	ERR_NOMEM,
	ERR_IO,
};

#define MUST_CHECK             __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* Leaves the calling function with the error of expr, if there is one. */
#define TRY(expr)                           \
	do {                                \
		enum err try_err_ = (expr); \
		if (try_err_ != OK)         \
			return try_err_;    \
	} while (0)

/* The error in a few plain words, for logs and messages; never NULL. */
const char *err_text(enum err err);

/* What an errno of the calls for files means: a path that is not there, may not be touched, or is too long. ERR_IO: anything else. */
enum err err_of_file(int error);
