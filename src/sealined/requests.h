/* The requests of the control socket, which man/sealine-control.7 describes, and how they are answered. */
#pragma once

#include "sealined/daemon.h"

void daemon_answer(struct daemon *daemon, struct control_call *call, struct now now);
/* Text from a peer, which need not be UTF-8. */
json_t *daemon_json_text(struct slice text);
/*
 * A list is cut behind the account with which it gets as long as that: a reply is a line of CONTROL_LINE_MAX, and one account has
 * room in the rest.
 */
enum { DAEMON_LIST_MAX = CONTROL_LINE_MAX / 2 };
/* How long the members of a list are from one of them on. */
size_t daemon_list_size(const json_t *list, size_t from);

/* -- requests_status.c ----------------------------------------------------------------------------------- */

void daemon_status(struct daemon *daemon, struct control_call *call, struct now now);

/* -- requests_user.c ------------------------------------------------------------------------------------- */

/* The member "aor" as it is stored, in buf; false: it is no user@domain. */
bool daemon_aor_of(const json_t *object, char buf[STORE_NAME_MAX], struct slice *ret_name);
/* The same of a request; false: it was refused. */
bool daemon_read_name(struct control_call *call, char buf[STORE_NAME_MAX], struct slice *ret_name);
/* Has a job done whose result is the whole reply. Takes the job over. */
void daemon_post_job(struct daemon *daemon, struct control_call *call, struct job *job);
/* A job that a request has led to is done. Takes it over. */
void daemon_job_done(struct daemon *daemon, struct job *job);
void daemon_user_add(struct daemon *daemon, struct control_call *call, struct now now);
void daemon_user_passwd(struct daemon *daemon, struct control_call *call, struct now now);
void daemon_user_remove(struct daemon *daemon, struct control_call *call, struct now now);
void daemon_user_list(struct daemon *daemon, struct control_call *call, struct now now);
void daemon_user_import(struct daemon *daemon, struct control_call *call, struct now now);

/* -- requests_policy.c ----------------------------------------------------------------------------------- */

void daemon_user_policy(struct daemon *daemon, struct control_call *call, struct now now);
/* The reply that tells the policy of an account. */
json_t *daemon_describe_policy(const struct aor *aor);

/* -- requests_cert.c ------------------------------------------------------------------------------------- */

void daemon_cert_list(struct daemon *daemon, struct control_call *call, struct now now);
void daemon_cert_revoke(struct daemon *daemon, struct control_call *call, struct now now);

/* -- requests_ban.c -------------------------------------------------------------------------------------- */

void daemon_ban_list(struct daemon *daemon, struct control_call *call, struct now now);
void daemon_ban_add(struct daemon *daemon, struct control_call *call, struct now now);
void daemon_ban_lift(struct daemon *daemon, struct control_call *call, struct now now);
