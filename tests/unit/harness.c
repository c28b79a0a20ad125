#include "harness.h"

#include <stdlib.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
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

/* cmocka takes a crash for a failed assertion; the sanitizer's report says more, so it keeps these signals.
 */
const char *__asan_default_options(void)
{
	return "handle_segv=2:handle_sigbus=2:handle_sigfpe=2:handle_sigill=2";
}
#endif

#ifndef SEALINE_OOM

int test_main(const char *group, const struct CMUnitTest *tests, size_t n)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return _cmocka_run_group_tests(group, tests, n, NULL, NULL) != 0;
}

#else

enum {
	MOST_ALLOCATIONS = 200,
	SECONDS_PER_RUN = 120,
};

/* How the child that ran a test with a failing allocation ended; everything else is a failure by a crash. */
enum outcome {
	SURVIVED = 40,    /* the allocation failed and the test passed nonetheless */
	EXHAUSTED,        /* the test makes fewer allocations than that */
	ASSERTED,         /* the allocation failed, then an assertion of the test */
	ASSERTED_UNASKED, /* an assertion of the test, before any allocation failed */
	LEAKED,
};

static bool has_leaks(void)
{
#ifdef HAS_ASAN
	return __lsan_do_recoverable_leak_check() != 0;
#else
	return false;
#endif
}

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

static _Noreturn void run_in_child(const struct CMUnitTest *test, unsigned long nth, int output)
{
	void *state = test->initial_state;

	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	alarm(SECONDS_PER_RUN);

	mem_fail_nth(nth);
	if (test->setup_func)
		assert_int_equal(test->setup_func(&state), 0);
	test->test_func(&state);
	if (test->teardown_func)
		assert_int_equal(test->teardown_func(&state), 0);
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

/* False when the test did not stand the failure of its nth allocation. */
static bool run_with_failure(const struct CMUnitTest *test, unsigned long nth, bool *ret_exhausted)
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

	*ret_exhausted = WIFEXITED(status) && WEXITSTATUS(status) == EXHAUSTED;
	passed = *ret_exhausted ||
		 (WIFEXITED(status) && (WEXITSTATUS(status) == SURVIVED || WEXITSTATUS(status) == ASSERTED));
	if (!passed)
		printf("# %s when allocation %lu fails: %s\n", test->name, nth, describe(status));
	if (!passed || *ret_exhausted)
		print_output(output, passed);
	else
		close(output);
	return passed;
}

int test_main(const char *group, const struct CMUnitTest *tests, size_t n)
{
	size_t n_failed = 0;

	(void)group;
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	printf("1..%zu\n", n);
	for (size_t i = 0; i < n; i++) {
		bool passed = true, exhausted = false;

		for (unsigned long nth = 1; nth <= MOST_ALLOCATIONS && passed && !exhausted; nth++)
			passed = run_with_failure(&tests[i], nth, &exhausted);
		printf("%s %zu - %s\n", passed ? "ok" : "not ok", i + 1, tests[i].name);
		n_failed += !passed;
	}
	return n_failed != 0;
}

#endif
