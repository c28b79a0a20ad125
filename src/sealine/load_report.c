#include <stdio.h>
#include <unistd.h>

#include "base/writer.h"
#include "sealine/load_run.h"
#include "sealine/output.h"

static const struct {
	const char *name;
	unsigned thousandths;
} quantiles[] = { { "p50", 500 }, { "p90", 900 }, { "p99", 990 }, { "max", 1000 } };

enum { N_QUANTILES = sizeof quantiles / sizeof quantiles[0] };

static double milliseconds(const struct load *load, size_t i)
{
	return (double)load_tally_quantile(&load->tally, quantiles[i].thousandths) / 1e3;
}

/* ---- while it runs ---- */

void load_print_progress(const struct load *load)
{
	const struct load_tally *tally = &load->tally;

	if (!isatty(STDERR_FILENO))
		return;
	if (load->phase == LOAD_SETTLING)
		fprintf(stderr, "\r\033[K%zu of %zu users ready", load->n_tried, load->accounts.n);
	else if (load->phase == LOAD_CLEANING)
		fprintf(stderr, "\r\033[Kcleaning up: %zu of %zu users have left",
			load->n_asked - load->n_leaving, load->accounts.n);
	else {
		fprintf(stderr, "\r\033[K%3.0f s  ", (double)(load_clock() - load->started) / 1e6);
		if (load->options->mode->method != SIP_METHOD_OTHER)
			fprintf(stderr, "%llu %.*s  ", (unsigned long long)tally->done,
				SLICE_FMT(load->options->mode->operation));
		fprintf(stderr, "%llu failures  %llu violations",
			(unsigned long long)load_tally_failures(tally),
			(unsigned long long)load_tally_violations(tally));
		if (tally->done > 0)
			fprintf(stderr, "  p50 %.2f ms", milliseconds(load, 0));
	}
}

void load_end_progress(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

/* ---- figures ---- */

struct figures {
	double seconds, rate;
	double own_us, own_share;       /* CPU of ours, an operation and of one core */
	double server_us, server_share; /* the same of the server */
	double pss_each;                /* kB a connection */
	bool has_server, has_memory, has_operations;
};

static struct figures figures_of(const struct load *load)
{
	double done = (double)load->tally.done;
	struct figures f = { .seconds = (double)(load->ended - load->started) / 1e6,
			     .has_operations = load->tally.done > 0,
			     .has_server = load->at_start.n > 0 && load->at_end.n > 0 };
	double own = load->own_at_end - load->own_at_start, server = load->at_end.cpu - load->at_start.cpu;

	if (f.seconds > 0) {
		f.rate = done / f.seconds;
		f.own_share = own / f.seconds;
		f.server_share = server / f.seconds;
	}
	if (f.has_operations) {
		f.own_us = own / done * 1e6;
		f.server_us = server / done * 1e6;
	}
	f.has_memory = f.has_server && load->n_held > 0 && load->before.pss > 0 &&
		       load->at_end.pss > load->before.pss;
	if (f.has_memory)
		f.pss_each = (double)(load->at_end.pss - load->before.pss) / (double)load->n_held;
	return f;
}

/* ---- JSON ---- */

static json_t *json_of_counts(const uint64_t *counts, const struct load_word *words, size_t n)
{
	json_t *object = json_object();

	for (size_t i = 0; i < n; i++)
		if (counts[i] > 0)
			json_object_set_new(object, words[i].code, json_integer((json_int_t)counts[i]));
	return object;
}

static json_t *json_of_latency(const struct load *load)
{
	json_t *object = json_object();

	for (size_t i = 0; i < N_QUANTILES; i++)
		json_object_set_new(object, quantiles[i].name, json_real(milliseconds(load, i)));
	return object;
}

static json_t *json_of_server(const struct load *load, const struct figures *f)
{
	json_t *object = json_pack("{s:i, s:f}", "pid", (int)load->options->server, "cpu_share",
				   f->server_share);

	if (load->at_end.pss > 0) /* of somebody else's process it is not told */
		json_object_set_new(object, "pss_kb", json_integer((json_int_t)load->at_end.pss));
	if (f->has_operations)
		json_object_set_new(object, "cpu_us", json_real(f->server_us));
	if (f->has_memory)
		json_object_set_new(object, "pss_kb_per_connection", json_real(f->pss_each));
	return object;
}

static json_t *json_of_run(const struct load *load, const struct figures *f)
{
	const struct load_tally *tally = &load->tally;
	char buf[64];
	struct writer address = writer_of(buf, sizeof buf);
	static const char *const transports[] = {
		[TRANSPORT_TLS] = "tls", [TRANSPORT_TCP] = "tcp", [TRANSPORT_UDP] = "udp"
	};
	const char *transport = transports[load->options->transport];
	json_t *object;

	put_address(&address, &load->target.address);
	object = json_pack("{s:o, s:s, s:o, s:I, s:I, s:f, s:I, s:f}", "mode",
			   json_of_text(load->options->mode->name), "transport", transport, "target",
			   json_of_text(writer_text(&address)), "users", (json_int_t)load->accounts.n,
			   "connections", (json_int_t)load->n_held, "seconds", f->seconds, "done",
			   (json_int_t)tally->done, "rate", f->rate);
	json_object_set_new(object, "missed", json_integer((json_int_t)tally->missed));
	json_object_set_new(object, "retries", json_integer((json_int_t)tally->retries));
	json_object_set_new(object, "bindings_left", json_integer((json_int_t)load->n_left));
	if (load->options->transport == TRANSPORT_UDP)
		json_object_set_new(object, "datagrams",
				    json_pack("{s:I, s:I, s:I}", "sent_again", (json_int_t)tally->sent_again,
					      "came_again", (json_int_t)tally->came_again, "unsent",
					      (json_int_t)tally->unsent));
	if (load->options->resumed)
		json_object_set_new(object, "resumed", json_integer((json_int_t)tally->resumed));
	json_object_set_new(object, "failures",
			    json_of_counts(tally->failures, load_failure_words, LOAD_FAILURES));
	json_object_set_new(object, "violations",
			    json_of_counts(tally->violations, load_violation_words, LOAD_VIOLATIONS));
	if (*tally->first_failure)
		json_object_set_new(object, "first_failure", json_of_text(slice_of(tally->first_failure)));
	if (*tally->first_retry)
		json_object_set_new(object, "first_retry", json_of_text(slice_of(tally->first_retry)));
	if (*tally->first_violation)
		json_object_set_new(object, "first_violation",
				    json_of_text(slice_of(tally->first_violation)));
	if (f->has_operations)
		json_object_set_new(object, "latency_ms", json_of_latency(load));
	json_object_set_new(object, "load",
			    json_pack("{s:f, s:f}", "cpu_share", f->own_share, "cpu_us", f->own_us));
	if (f->has_server)
		json_object_set_new(object, "server", json_of_server(load, f));
	return object;
}

/* ---- text ---- */

static void print_counts(const char *title, const uint64_t *counts, const struct load_word *words, size_t n,
			 const char *first)
{
	uint64_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += counts[i];
	printf("%-13s %llu%s%s\n", title, (unsigned long long)total, *first ? "; the first: " : "", first);
	for (size_t i = 0; i < n; i++)
		if (counts[i] > 0)
			printf("              %llu %s\n", (unsigned long long)counts[i], words[i].text);
}

static void print_head(const struct load *load, const struct figures *f)
{
	const struct load_options *options = load->options;
	char buf[64];
	struct writer address = writer_of(buf, sizeof buf);

	put_address(&address, &load->target.address);
	printf("%-13.*s %.*s over %.*s, %zu users, %zu %s held\n", SLICE_FMT(options->mode->name),
	       SLICE_FMT(writer_text(&address)), SLICE_FMT(transport_name(options->transport)),
	       load->accounts.n, load->n_held,
	       options->transport == TRANSPORT_UDP ? "sockets" : "connections");
	if (options->mode->method == SIP_METHOD_OTHER)
		return;
	printf("done          %llu %.*s in %.2f s, %.0f/s\n", (unsigned long long)load->tally.done,
	       SLICE_FMT(options->mode->operation), f->seconds, f->rate);
	if (load->tally.missed > 0)
		printf("missed        %llu, since nobody was free; take more users or a lower rate\n",
		       (unsigned long long)load->tally.missed);
	if (options->transport == TRANSPORT_UDP)
		printf("datagrams     %llu sent again, %llu came again, %llu not taken by the kernel\n",
		       (unsigned long long)load->tally.sent_again, (unsigned long long)load->tally.came_again,
		       (unsigned long long)load->tally.unsent);
	if (load->options->resumed)
		printf("resumed       %llu\n", (unsigned long long)load->tally.resumed);
	if (load->tally.retries > 0)
		printf("retries       %llu; the first: %s\n", (unsigned long long)load->tally.retries,
		       load->tally.first_retry);
}

static void print_latency(const struct load *load)
{
	fputs("latency      ", stdout);
	for (size_t i = 0; i < N_QUANTILES; i++)
		printf(" %s %.2f", quantiles[i].name, milliseconds(load, i));
	puts(" ms");
}

static void print_text(const struct load *load, const struct figures *f)
{
	const struct load_tally *tally = &load->tally;

	print_head(load, f);
	if (f->has_operations)
		print_latency(load);
	print_counts("failures", tally->failures, load_failure_words, LOAD_FAILURES, tally->first_failure);
	print_counts("violations", tally->violations, load_violation_words, LOAD_VIOLATIONS,
		     tally->first_violation);
	printf("this program  %.0f %% of a core", 100 * f->own_share);
	if (f->has_operations)
		printf(", %.1f us each", f->own_us);
	putchar('\n');
	if (!f->has_server)
		return;
	printf("server        %.0f %% of a core", 100 * f->server_share);
	if (f->has_operations)
		printf(", %.1f us each", f->server_us);
	if (f->has_memory)
		printf("; %.1f kB more (Pss) a connection", f->pss_each);
	putchar('\n');
}

bool load_print_report(const struct load *load)
{
	struct figures f = figures_of(load);

	if (load->options->server && !f.has_server)
		(void)complain("load: the process %d is no more; the server's figures are left out",
			       (int)load->options->server);
	if (load->options->json && !print_json(json_of_run(load, &f)))
		return false;
	if (!load->options->json)
		print_text(load, &f);
	return output_is_written();
}
