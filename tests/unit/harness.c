#include "harness.h"

#include <stdlib.h>

#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <ftw.h>
#include <link.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif

#ifdef HAS_ASAN
const char *__asan_default_options(void);
int __lsan_do_recoverable_leak_check(void);
size_t __sanitizer_get_current_allocated_bytes(void);

/* cmocka takes a crash for a failed assertion; the sanitizer's report says more, so it keeps these signals.
 */
const char *__asan_default_options(void)
{
	return "handle_segv=2:handle_sigbus=2:handle_sigfpe=2:handle_sigill=2";
}
#endif

size_t harness_allocated(void)
{
#ifdef HAS_ASAN
	return __sanitizer_get_current_allocated_bytes();
#else
	return mallinfo2().uordblks;
#endif
}

static char directory[] = "/tmp/sealine-XXXXXX";
static bool has_directory;

static void make_directory(void)
{
	has_directory = has_directory || mkdtemp(directory);
	if (has_directory)
		return;
	perror("harness");
	exit(1);
}

void harness_template(char *buf, size_t size, const char *name)
{
	make_directory();
	if ((size_t)snprintf(buf, size, "%s/%s-XXXXXX", directory, name) >= size)
		exit(1);
}

static int remove_one(const char *path, const struct stat *found, int kind, struct FTW *place)
{
	(void)found, (void)kind, (void)place;
	return remove(path);
}

static void remove_directory(void)
{
	enum { DESCRIPTORS = 8 };

	if (has_directory)
		nftw(directory, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
}

static int run_once(const char *group, const struct CMUnitTest *tests, size_t n)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	int n_failed = _cmocka_run_group_tests(group, tests, n, NULL, NULL);
	remove_directory();
	return n_failed != 0;
}

#ifndef SEALINE_MEM_FAILS

bool harness_fails_allocations(void)
{
	return false;
}

bool harness_has_failed(void)
{
	return false;
}

int test_main(const char *group, const struct CMUnitTest *tests, size_t n)
{
	return run_once(group, tests, n);
}

#else

enum {
	MOST_ALLOCATIONS = 200,
	SECONDS_PER_RUN = 120,
	MOST_FRAMES = 64,
	SEEN_SLOTS = 1 << 15,
};

/* How the child that ran a test with a failing allocation ended; everything else is a failure by a crash. */
enum outcome {
	SURVIVED = 40,    /* the allocation failed and the test passed nonetheless */
	EXHAUSTED,        /* the test makes fewer allocations than that */
	ASSERTED,         /* the allocation failed, then an assertion of the test */
	ASSERTED_UNASKED, /* an assertion of the test, before any allocation failed */
	LEAKED,
};

#ifdef HAS_ASAN
void __lsan_register_root_region(const void *start, size_t size);

static size_t n_known; /* libraries whose globals are registered */

/*
 * The globals of the program and of every library but the sanitizers; of those that were not known yet. (The test setup
 * says use_globals=0: meson.build.)
 */
static int register_globals(struct dl_phdr_info *info, size_t size, void *n_seen)
{
	(void)size;
	if (++*(size_t *)n_seen <= n_known)
		return 0;
	n_known++;
	if (strstr(info->dlpi_name, "/libasan.") || strstr(info->dlpi_name, "/libubsan."))
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		if (segment->p_type == PT_LOAD && segment->p_flags & PF_W)
			__lsan_register_root_region((const void *)(info->dlpi_addr + segment->p_vaddr),
						    segment->p_memsz);
	}
	return 0;
}

static void prepare_leak_check(void)
{
	size_t n_seen = 0;

	dl_iterate_phdr(register_globals, &n_seen);
}

/* A test may have loaded further libraries. */
static bool has_leaks(void)
{
	prepare_leak_check();
	return __lsan_do_recoverable_leak_check() != 0;
}
#else
static void prepare_leak_check(void)
{
}

static bool has_leaks(void)
{
	return false;
}
#endif

static _Noreturn void finish(enum outcome outcome)
{
	fflush(stdout);
	_exit(has_leaks() ? LEAKED : (int)outcome);
}

/*
 * cmocka calls abort() for a failed assertion when CMOCKA_TEST_ABORT is set. That call lands here with the
 * test's frames still alive, so that what the test holds in its variables is not taken for a leak. Every
 * other abort is a crash; that of our own assert() never comes here, because the C library calls its own.
 */
void abort(void)
{
	Dl_info caller;

	if (dladdr(__builtin_return_address(0), &caller) && strstr(caller.dli_fname, "libcmocka"))
		finish(mem_has_failed() ? ASSERTED : ASSERTED_UNASKED);
	signal(SIGABRT, SIG_DFL);
	raise(SIGABRT);
	_exit(1);
}

/*
 * What the tests of a file have in common, the making of their world above all, fails the same way in each of them. So
 * every allocation has a history: a hash over the call stacks, up to the test's function, and the sizes of this one and
 * of all before it. One whose history is that of an allocation that failed in an earlier test is not made to fail again.
 *
 * A test of a room above the I/O line has nothing that two processes could not have: it runs once, and at each new
 * allocation a child goes on in which that one fails. Others are begun anew for each of theirs.
 */
static struct shared {
	uint64_t seen[SEEN_SLOTS]; /* histories that failed; open addressing, 0 is free */
	size_t n_runs;
	atomic_size_t n_allocations; /* of the test being walked through */
	uint64_t history[MOST_ALLOCATIONS];
	unsigned long bad; /* which allocation's failure the test did not stand; 0: none */
	int bad_status;
} * shared;
static bool can_fork; /* the test in the middle */
static unsigned long part, n_parts = 1;
static int n_frames_of_harness;

static uint64_t mix(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * 0x9e3779b97f4a7c15u ^ hash >> 29;
}

/* True the first time; and always when the table is full, which only costs time. Never for one of another part. */
static bool is_new(uint64_t history)
{
	if (history % n_parts != part)
		return false;
	for (size_t i = 0, slot = history % SEEN_SLOTS; i < SEEN_SLOTS; i++, slot = (slot + 1) % SEEN_SLOTS) {
		if (shared->seen[slot] == history)
			return false;
		if (!shared->seen[slot]) {
			shared->seen[slot] = history;
			return true;
		}
	}
	return true;
}

static bool is_stood(int status)
{
	return WIFEXITED(status) && (WEXITSTATUS(status) == EXHAUSTED || WEXITSTATUS(status) == SURVIVED ||
				     WEXITSTATUS(status) == ASSERTED);
}

/* True in the child. The test goes on in both. */
static bool fork_to_fail(unsigned long nth)
{
	int status = 0;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		mem_watch(NULL);
		alarm(SECONDS_PER_RUN);
		return true;
	}
	alarm(0);
	if (child > 0)
		waitpid(child, &status, 0);
	alarm(SECONDS_PER_RUN);
	shared->n_runs++;
	if (child > 0 && is_stood(status))
		return false;
	shared->bad = nth;
	shared->bad_status = status;
	return false;
}

static bool walk_allocation(size_t size)
{
	void *frames[MOST_FRAMES];
	size_t i = atomic_fetch_add(&shared->n_allocations, 1);
	int n = backtrace(frames, MOST_FRAMES) - n_frames_of_harness - 1; /* 1: the test's own function */
	uint64_t hash;

	if (i >= MOST_ALLOCATIONS)
		return false;
	hash = mix(i ? shared->history[i - 1] : 1, size);
	for (int k = 0; k < n; k++)
		hash = mix(hash, (uintptr_t)frames[k]);
	shared->history[i] = hash ? hash : 1;
	return can_fork && !shared->bad && is_new(shared->history[i]) && fork_to_fail(i + 1);
}

/* nth 0: none fails, and all are walked through. */
static _Noreturn void run_in_child(const struct CMUnitTest *test, unsigned long nth, int output)
{
	void *state = test->initial_state, *frames[MOST_FRAMES];

	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	alarm(SECONDS_PER_RUN);
	n_frames_of_harness = backtrace(frames, MOST_FRAMES);

	mem_watch(nth ? NULL : walk_allocation);
	mem_fail_nth(nth);
	if (test->setup_func)
		assert_int_equal(test->setup_func(&state), 0);
	test->test_func(&state);
	if (test->teardown_func)
		assert_int_equal(test->teardown_func(&state), 0);
	mem_watch(NULL);
	finish(mem_has_failed() ? SURVIVED : EXHAUSTED);
}

/* As comments; of a test that passed only the line that says it was skipped. */
static void print_output(int output, bool passed)
{
	char line[512];
	FILE *file = fdopen(output, "r");

	if (!file)
		return;
	rewind(file);
	while (fgets(line, sizeof line, file)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "# SKIP ", 7) == 0)
			printf("%s\n", line);
		else if (!passed)
			printf("# %s\n", line);
	}
	fclose(file);
}

static const char *describe(int status)
{
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGALRM ? "hangs" : strsignal(WTERMSIG(status));
	switch (WEXITSTATUS(status)) {
	case ASSERTED_UNASKED: return "fails without any allocation failing";
	case LEAKED: return "leaks";
	default: return "crashes";
	}
}

static void tell_bad(const struct CMUnitTest *test, unsigned long nth, int status)
{
	printf("# %s when allocation %lu fails: %s\n", test->name, nth, describe(status));
}

/* False when the test did not stand the failure of its nth allocation; with nth 0, of any that it was walked through. */
static bool run_with_failure(const struct CMUnitTest *test, unsigned long nth)
{
	int output = memfd_create("output", MFD_CLOEXEC), status = 0;
	pid_t child;
	bool passed;

	fflush(stdout);
	child = fork();
	if (output < 0 || child < 0) {
		perror("harness");
		return false;
	}
	if (child == 0)
		run_in_child(test, nth, output);
	waitpid(child, &status, 0);

	passed = is_stood(status) && !shared->bad;
	if (shared->bad)
		tell_bad(test, shared->bad, shared->bad_status);
	else if (!passed)
		tell_bad(test, nth, status);
	if (!passed || nth == 0)
		print_output(output, passed);
	else
		close(output);
	return passed;
}

static bool run_with_failures(const struct CMUnitTest *test)
{
	bool passed;
	size_t n;

	shared->n_allocations = 0;
	shared->bad = 0;
	passed = run_with_failure(test, 0);
	n = shared->n_allocations < MOST_ALLOCATIONS ? shared->n_allocations : MOST_ALLOCATIONS;
	for (unsigned long nth = 1; nth <= n && passed && !can_fork; nth++)
		if (is_new(shared->history[nth - 1])) {
			passed = run_with_failure(test, nth);
			shared->n_runs++;
		}
	return passed;
}

bool harness_fails_allocations(void)
{
	return getenv("SEALINE_OOM") != NULL;
}

/* "1/6": the first of six. Histories are hashes, so that each part goes through all of a test. */
static void read_part(const char *text)
{
	char *end;

	if (!text)
		return;
	part = strtoul(text, &end, 10) - 1;
	n_parts = *end == '/' ? strtoul(end + 1, NULL, 10) : 0;
	if (part >= n_parts) {
		fprintf(stderr, "SEALINE_OOM_PART is like 1/6\n");
		exit(2);
	}
}

bool harness_has_failed(void)
{
	return mem_has_failed();
}

int test_main(const char *group, const struct CMUnitTest *tests, size_t n)
{
	size_t n_failed = 0;

	if (!harness_fails_allocations())
		return run_once(group, tests, n);
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	prepare_leak_check();
	can_fork = getenv("SEALINE_ABOVE_IO") != NULL;
	read_part(getenv("SEALINE_OOM_PART"));
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		perror("harness");
		return 1;
	}
	make_directory(); /* one for all children, many of which end where they are */
	printf("1..%zu\n", n);
	for (size_t i = 0; i < n; i++) {
		bool passed = run_with_failures(&tests[i]);

		printf("%s %zu - %s\n", passed ? "ok" : "not ok", i + 1, tests[i].name);
		n_failed += !passed;
	}
	printf("# %zu allocations failed\n", shared->n_runs);
	remove_directory();
	return n_failed != 0;
}

#endif
