/*
 * Measuring an inner loop: BENCH("what", n, statement) runs the statement n times and prints the nanoseconds of
 * one, by the CPU time of the process. Figures of one machine and one moment; compare only what ran side by side.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <time.h>

static inline uint64_t bench_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#define BENCH(what, n, statement)                                                                         \
	do {                                                                                              \
		uint64_t bench_from_ = bench_now();                                                       \
		size_t bench_n_ = (n);                                                                    \
		for (size_t i = 0; i < bench_n_; i++) {                                                   \
			statement;                                                                        \
		}                                                                                         \
		printf("%-44s %8.1f ns\n", what, (double)(bench_now() - bench_from_) / (double)bench_n_); \
	} while (0)
