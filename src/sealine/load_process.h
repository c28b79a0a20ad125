/* What the kernel tells of a process and its descendants (proc(5)). */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct load_process {
	double cpu;   /* seconds, user and system, of all threads */
	uint64_t pss; /* kB; 0 if we may not know */
	size_t n;     /* processes */
};

/* False if there is no such process. */
bool load_process_look(pid_t pid, struct load_process *ret_process);
