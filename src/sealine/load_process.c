#include "sealine/load_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/scan.h"

enum {
	TEXT_MAX = 4096,
	DEPTH_MAX = 4,           /* of descendants */
	FIELDS_BEFORE_TIME = 11, /* in stat, behind the name: state to cmajflt */
};

/* A file of /proc/PID, at most size bytes of it; empty if it cannot be read. */
static struct slice read_proc(pid_t pid, const char *name, char *buf, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, buf, size);
	if (fd >= 0)
		close(fd);
	return slice_from(buf, n > 0 ? (size_t)n : 0);
}

/* "pid (name) S 1 2 3 …": the name may hold anything, so what is behind its last parenthesis counts. */
static bool look_at_time(pid_t pid, struct load_process *process)
{
	char buf[TEXT_MAX];
	struct slice text = read_proc(pid, "stat", buf, sizeof buf), skipped;
	uint64_t user, system;
	size_t end = text.len;

	while (end > 0 && text.ptr[end - 1] != ')')
		end--;
	struct scan in = scan_of(slice_sub(text, end, text.len));
	scan_char(&in, ' ');
	for (int i = 0; i < FIELDS_BEFORE_TIME; i++)
		if (!scan_until(&in, ' ', &skipped) || !scan_char(&in, ' '))
			return false;
	if (!(scan_number(&in, UINT64_MAX, &user) && scan_char(&in, ' ') &&
	      scan_number(&in, UINT64_MAX, &system)))
		return false;
	process->cpu += (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
	process->n++;
	return true;
}

static void look_at_memory(pid_t pid, struct load_process *process)
{
	char buf[TEXT_MAX];
	struct slice text = read_proc(pid, "smaps_rollup", buf, sizeof buf);
	struct scan in = scan_of(slice_sub(text, slice_find_text(text, SLICE("\nPss:")), text.len));
	uint64_t pss;

	if (!scan_text(&in, SLICE("\nPss:")))
		return;
	while (scan_char(&in, ' '))
		;
	if (scan_number(&in, UINT64_MAX, &pss))
		process->pss += pss;
}

static bool look(pid_t pid, int depth, struct load_process *process);

static void look_at_children(pid_t parent, pid_t task, int depth, struct load_process *process)
{
	char name[64], buf[TEXT_MAX];
	uint64_t pid;

	snprintf(name, sizeof name, "task/%d/children", (int)task);
	struct scan in = scan_of(read_proc(parent, name, buf, sizeof buf));
	while (scan_number(&in, INT32_MAX, &pid) && scan_char(&in, ' '))
		look((pid_t)pid, depth + 1, process);
}

static bool look(pid_t pid, int depth, struct load_process *process)
{
	char path[64];
	struct dirent *entry;
	uint64_t task;
	DIR *tasks;

	if (depth > DEPTH_MAX || !look_at_time(pid, process))
		return false;
	look_at_memory(pid, process);
	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	/* cppcheck-suppress readdirCalled; nobody else has this stream */
	while (tasks && (entry = readdir(tasks))) {
		struct scan in = scan_of(slice_of(entry->d_name));

		if (scan_number(&in, INT32_MAX, &task))
			look_at_children(pid, (pid_t)task, depth, process);
	}
	if (tasks)
		closedir(tasks);
	return true;
}

bool load_process_look(pid_t pid, struct load_process *ret_process)
{
	*ret_process = (struct load_process){ .n = 0 };
	return look(pid, 0, ret_process);
}
