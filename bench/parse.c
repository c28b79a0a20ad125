/*
 * bench/parse [--json]: how long a proxy's parse of a message takes, beside other libraries on the same bytes in
 * the same run. CPU time of the process, in rounds that alternate between the libraries; the median of the rounds.
 */
#include "parse.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "messages.h"

enum { ROUNDS = 301, TIMES = 400 };

static const struct parser {
	const char *name;
	bool (*parse)(struct slice text, struct parsed *ret_parsed);
} parsers[] = {
	{ "sealine", parse_sealine },
	{ "sealine, and decodes the rest", parse_sealine_whole },
#ifdef HAVE_OTHERS
	{ "osip " OSIP_VERSION, parse_osip },
	{ "sofia-sip " SOFIA_VERSION, parse_sofia },
	{ "sofia-sip, taught less", parse_sofia_lean },
#endif
};
enum { PARSERS = sizeof parsers / sizeof parsers[0] };

static const struct subject {
	const char *name;
	const struct slice *text;
} subjects[] = {
	{ "REGISTER with digest", &register_text },
	{ "INVITE with SDP", &invite_text },
};

static double cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* All must find the same in it, or they did not do the same work. */
static void compare(const struct subject *subject)
{
	struct parsed ours, theirs;

	if (!parse_sealine(*subject->text, &ours))
		exit(1);
	for (size_t i = 1; i < PARSERS; i++)
		if (!parsers[i].parse(*subject->text, &theirs) || memcmp(&ours, &theirs, sizeof ours) != 0) {
			fprintf(stderr, "%s finds something else in %s\n", parsers[i].name, subject->name);
			exit(1);
		}
}

static double measure_round(const struct parser *parser, struct slice text)
{
	static volatile unsigned sink;
	struct parsed parsed = { 0 };
	double from = cpu_ns();

	for (int i = 0; i < TIMES; i++) {
		(void)parser->parse(text, &parsed);
		sink += parsed.hosts;
	}
	return (cpu_ns() - from) / TIMES;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Nanoseconds for one message, of each parser. */
static void measure(const struct subject *subject, double *ret_ns)
{
	static double rounds[PARSERS][ROUNDS];

	for (size_t i = 0; i < PARSERS; i++) /* to warm up */
		(void)measure_round(&parsers[i], *subject->text);
	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < PARSERS; i++)
			rounds[i][round] = measure_round(&parsers[i], *subject->text);
	for (size_t i = 0; i < PARSERS; i++) {
		qsort(rounds[i], ROUNDS, sizeof rounds[i][0], ascending);
		ret_ns[i] = rounds[i][ROUNDS / 2];
	}
}

static void print_table(const struct subject *subject, const double *ns)
{
	double bytes = (double)subject->text->len;

	printf("%s, %.0f bytes\n", subject->name, bytes);
	for (size_t i = 0; i < PARSERS; i++)
		printf("  %-36s %8.0f ns %8.0f MB/s %7.2f x\n", parsers[i].name, ns[i], bytes * 1e3 / ns[i],
		       ns[i] / ns[0]);
}

/* One object a line. */
static void print_json(const struct subject *subject, const double *ns)
{
	double bytes = (double)subject->text->len;

	for (size_t i = 0; i < PARSERS; i++)
		printf("{\"message\": \"%s\", \"bytes\": %.0f, \"parser\": \"%s\", \"ns\": %.1f, "
		       "\"bytes_per_second\": %.0f, \"ratio\": %.2f}\n",
		       subject->name, bytes, parsers[i].name, ns[i], bytes * 1e9 / ns[i], ns[i] / ns[0]);
}

int main(int argc, char **argv)
{
	bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
	double ns[PARSERS];

	if (argc > 1 && !json) {
		fprintf(stderr, "usage: parse [--json]\n");
		return 2;
	}
	for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
		compare(&subjects[i]);
		measure(&subjects[i], ns);
		(json ? print_json : print_table)(&subjects[i], ns);
	}
	return 0;
}
