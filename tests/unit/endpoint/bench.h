/*
 * Up to two workers' endpoints on a bench, with a transaction user that only writes down what it is told and
 * a network that only writes down what it is given. Everything happens in bench.log, one line each:
 *
 *	request INVITE            the transaction user was called (bench.server is the transaction)
 *	response 180              (bench.client)
 *	> 1 SIP/2.0 100 Trying    the start line of what was sent on the flow with counter 1 (bench.sent is all of it)
 *	close 1 not SIP
 *
 * What the transaction user is told in one call of the endpoint stands before what is sent because of it.
 * Time stands still until bench_pass(). Letters are delivered as they are posted.
 */
#pragma once

#include "harness.h"

#include "base/writer.h"
#include "endpoint/endpoint.h"

struct bench {
	struct endpoint *endpoint[2];
	struct crypto *crypto;
	struct random *random;
	struct now now;
	struct server *server; /* the one of the last request */
	struct client *client; /* the one of the last bench_ask() */
	uint64_t asked;        /* the last question that came out */
	unsigned n_blamed;     /* misdeeds */
	unsigned n_letters;    /* from worker to worker */
	struct writer log;
	char log_text[16384];
	char sent[70000]; /* what was sent last, with a NUL */
	unsigned port;    /* to which port of the peer's; 0: the flow's */
};

extern struct bench bench;

/* What a test starts and ends with. Limits may be changed before. */
extern struct endpoint_limits bench_limits;
extern enum report_level bench_level;
void bench_start(unsigned n_workers);
void bench_stop(void);

/* Opens a flow of that worker; the peer is 192.0.2.counter:5061. */
flow_id bench_open(unsigned worker, enum transport_protocol transport, unsigned counter);
void bench_open_as(flow_id flow, const struct flow_facts *facts);
flow_id bench_open_verified(unsigned worker, unsigned counter, const char *domain);
void bench_flow(flow_id flow, enum flow_event event);

void bench_input(flow_id flow, const char *text);
void bench_input_bytes(flow_id flow, struct slice bytes);
/* Goes from due time to due time. */
void bench_pass(ms_t time);

/* A request from the network, in a buffer that the next call uses again. */
const char *bench_request(const char *method, const char *branch);
/* The response to what was sent last, with a To tag "bob". */
const char *bench_reply(unsigned status);

/* Asks on a flow; worker is whose endpoint does it. Returns what endpoint_request() did. */
enum err bench_ask(unsigned worker, enum sip_method method, flow_id flow, struct requirement require);
void bench_respond(unsigned status);

/* Takes what happened since; it must be that. */
void bench_expect(const char *log);
