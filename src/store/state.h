/*
 * The state directory: where it is, and what its files are called, which are read and replaced by file/file.h. Everything
 * in it belongs to one user and is closed to all others: mode 0700, files 0600.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/secret.h"
#include "base/slice.h"
#include "base/writer.h"
#include "crypto/random.h"

#define STATE_PATH_MAX 4096

/* The files in it. */
#define STATE_CA_CERTIFICATE     "ca.pem" /* the development CA's */
#define STATE_CA_KEY             "ca.key"
#define STATE_USERS_CERTIFICATE  "users.pem" /* of the CA that issues the certificates of users */
#define STATE_USERS_KEY          "users.key"
#define STATE_SERVER_CERTIFICATE "server.pem" /* made by the development CA, its issuer after it */
#define STATE_SERVER_KEY         "server.key"
#define STATE_MASTER_SECRET      "master.key" /* 32 bytes; see state_secret() */
#define STATE_DATABASE           "sealine.db"
#define STATE_CONTROL_SOCKET     "control.sock"

/*
 * Writes the path of the state directory: option if it is not empty, else $STATE_DIRECTORY (systemd's; the
 * first of several), else $XDG_STATE_HOME/sealine, else ~/.local/state/sealine. False if none of them is set
 * or it is too long.
 */
MUST_CHECK bool state_find(struct writer *out, struct slice option);

/*
 * Makes the directory (mode 0700) with its parents if it is not there. ERR_DENIED if it belongs to another
 * user, others may enter it, or there is no permission; ERR_LIMIT for a path that is too long, ERR_IO.
 */
MUST_CHECK enum err state_make(struct slice dir);

/* Writes dir/name. */
void put_state_path(struct writer *out, struct slice dir, struct slice name);

/*
 * The secret that all our keyed checks, and the seal on the stored digests, come from; made if there is none.
 * ERR_SYNTAX if it has another length, or what file_read() and file_replace() give.
 */
MUST_CHECK enum err state_secret(struct slice dir, struct random *random, struct secret **ret_secret);
