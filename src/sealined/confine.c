#include "sealined/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "store/state.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define IS_SANITIZED true
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED false
#endif

/* ---- files ---- */

/* Newer than Debian 12's header; the kernel says which of them it knows. */
#define ACCESS_TRUNCATE (1ULL << 14)

#define ACCESS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
/* Of the state directory: what is made in it, by who holds the keys. */
#define ACCESS_KEEP                                                                     \
	(ACCESS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
	 LANDLOCK_ACCESS_FS_MAKE_REG | ACCESS_TRUNCATE)
/* By who reads the network: the database takes its journal away, and we the socket, at the end. */
#define ACCESS_TIDY (LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE)
#define ACCESS_FILE (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE)
#define ACCESS_1    ((1ULL << 13) - 1) /* all of the first version */

/* What any program may read, and libraries do when they feel like it. */
static const char *const public_files[] = {
	"/etc/ssl/certs", /* not /etc/ssl/private */
	"/etc/ssl/cert.pem",
	"/etc/ssl/openssl.cnf",
	"/usr/share/ca-certificates",
	"/usr/local/share/ca-certificates",
	"/usr/share/dns",
	"/usr/share/zoneinfo",
	"/etc/localtime",
	"/etc/resolv.conf",
	"/run/systemd/resolve",
	"/etc/hosts",
	"/etc/host.conf",
	"/etc/gai.conf",
	"/etc/nsswitch.conf",
	"/etc/services",
	"/etc/ld.so.cache",
	"/usr/lib",
	"/lib",
	"/lib64",
	"/dev/null",
	"/dev/urandom",
};

/* The first version and what came with later ones that we know. */
static uint64_t handled(int abi)
{
	return ACCESS_1 | (abi >= 2 ? LANDLOCK_ACCESS_FS_REFER : 0) | (abi >= 3 ? ACCESS_TRUNCATE : 0);
}

/* Files take other rights than directories, and a directory in which a known file lies may not be there. */
static bool allow(int rules, const char *path, uint64_t access)
{
	struct landlock_path_beneath_attr rule = { .parent_fd = open(path, O_PATH | O_CLOEXEC) };
	int dir;

	if (rule.parent_fd < 0)
		return true;
	dir = openat(rule.parent_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	rule.allowed_access = dir < 0 ? access & ACCESS_FILE : access;
	if (dir >= 0)
		close(dir);
	bool ok = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
	close(rule.parent_fd);
	return ok;
}

static bool allow_slice(int rules, struct slice path, uint64_t access)
{
	char text[STATE_PATH_MAX];
	struct writer out = writer_of(text, sizeof text - 1);

	put(&out, path);
	text[out.len] = '\0';
	return out.overflow || !out.len || allow(rules, text, access);
}

/* The directory of a file: "/etc/sealine" of "/etc/sealine/a.pem", "." of "a.pem". */
static struct slice directory_of(struct slice path)
{
	while (path.len > 1 && path.ptr[path.len - 1] != '/')
		path.len--;
	return path.len > 1 ? slice_sub(path, 0, path.len - 1) : path.ptr[0] == '/' ? path : SLICE(".");
}

/* Where a link leads to: those who renew certificates turn it to another file there. */
static bool allow_target(int rules, struct slice path)
{
	char text[STATE_PATH_MAX], target[PATH_MAX];
	struct writer out = writer_of(text, sizeof text - 1);

	put(&out, path);
	text[out.len] = '\0';
	return !realpath(text, target) || allow_slice(rules, directory_of(slice_of(target)), ACCESS_READ);
}

static bool allow_in_state(int rules, const struct confine_files *files, struct slice name, uint64_t access)
{
	char text[STATE_PATH_MAX];
	struct writer out = writer_of(text, sizeof text);

	put_state_path(&out, files->state, name);
	return allow_slice(rules, writer_text(&out), access);
}

/*
 * The database by its files, not by their directory, since that has our keys. They are there and open by now, and stay the
 * same ones as long as they are open.
 */
static bool allow_server(int rules, const struct confine_files *files, uint64_t known)
{
	static const struct slice database[] = { SLICE_INIT(STATE_DATABASE),
						 SLICE_INIT(STATE_DATABASE "-wal"),
						 SLICE_INIT(STATE_DATABASE "-shm") };
	bool ok = allow_slice(rules, files->state, ACCESS_TIDY) &&
		  allow_slice(rules, files->anchor, LANDLOCK_ACCESS_FS_READ_FILE);

	for (size_t i = 0; ok && i < sizeof database / sizeof *database; i++)
		ok = allow_in_state(rules, files, database[i], ACCESS_FILE & known);
	for (size_t i = 0; ok && i < sizeof public_files / sizeof *public_files; i++)
		ok = allow(rules, public_files[i], ACCESS_READ);
	return ok;
}

static bool allow_signer(int rules, const struct confine_files *files, uint64_t known)
{
	bool ok = allow_slice(rules, files->state, ACCESS_KEEP & known);

	for (size_t i = 0; ok && i < files->n_known; i++)
		ok = !files->known[i].len ||
		     (allow_slice(rules, directory_of(files->known[i]), ACCESS_READ) &&
		      allow_target(rules, files->known[i]));
	return ok;
}

static bool confine_files_to(const struct confine_files *files,
			     bool (*allow_all)(int rules, const struct confine_files *files, uint64_t known),
			     int *ret_abi)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	*ret_abi = abi > 0 ? (int)abi : 0;
	if (abi < 1)
		return errno == ENOSYS || errno == EOPNOTSUPP;
	struct landlock_ruleset_attr attributes = { .handled_access_fs = handled((int)abi) };
	long rules = syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
	if (rules < 0)
		return false;
	bool ok = allow_all((int)rules, files, attributes.handled_access_fs) &&
		  syscall(SYS_landlock_restrict_self, rules, 0) == 0;
	close((int)rules);
	return ok;
}

/* ---- system calls ---- */

/* What a server has no use for, and somebody who has broken in would. */
static const int refused[] = {
	/* other programs, and other processes */
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(fork),
	SCMP_SYS(vfork),
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(pidfd_open),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(pidfd_send_signal),
	SCMP_SYS(kcmp),
	SCMP_SYS(unshare),
	SCMP_SYS(setns),
	SCMP_SYS(tkill),
	/* the kernel's large and young parts */
	SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register),
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
	SCMP_SYS(keyctl),
	SCMP_SYS(personality),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(name_to_handle_at),
	/* the system */
	SCMP_SYS(mount),
	SCMP_SYS(umount2),
	SCMP_SYS(open_tree),
	SCMP_SYS(move_mount),
	SCMP_SYS(fsopen),
	SCMP_SYS(fsconfig),
	SCMP_SYS(fsmount),
	SCMP_SYS(fspick),
	SCMP_SYS(mount_setattr),
	SCMP_SYS(pivot_root),
	SCMP_SYS(chroot),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(reboot),
	SCMP_SYS(swapon),
	SCMP_SYS(swapoff),
	SCMP_SYS(acct),
	SCMP_SYS(quotactl),
	SCMP_SYS(syslog),
	SCMP_SYS(settimeofday),
	SCMP_SYS(clock_settime),
	SCMP_SYS(clock_adjtime),
	SCMP_SYS(adjtimex),
	SCMP_SYS(sethostname),
	SCMP_SYS(setdomainname),
	SCMP_SYS(ioperm),
	SCMP_SYS(iopl),
	SCMP_SYS(vhangup),
	SCMP_SYS(mknod),
	SCMP_SYS(mknodat),
	/* other users */
	SCMP_SYS(setuid),
	SCMP_SYS(setgid),
	SCMP_SYS(setreuid),
	SCMP_SYS(setregid),
	SCMP_SYS(setresuid),
	SCMP_SYS(setresgid),
	SCMP_SYS(setfsuid),
	SCMP_SYS(setfsgid),
	SCMP_SYS(setgroups),
	SCMP_SYS(capset),
	SCMP_SYS(chown),
	SCMP_SYS(fchown),
	SCMP_SYS(lchown),
	SCMP_SYS(fchownat),
};

/* All that the signing process does: read what it is asked, sign, answer; and open, make and replace files of keys. */
static const int signer_allowed[] = {
	SCMP_SYS(recvmsg),       SCMP_SYS(sendto),       SCMP_SYS(sendmsg),        SCMP_SYS(poll),
	SCMP_SYS(ppoll),         SCMP_SYS(read),         SCMP_SYS(write),          SCMP_SYS(close),
	SCMP_SYS(brk),           SCMP_SYS(mmap),         SCMP_SYS(munmap),         SCMP_SYS(mremap),
	SCMP_SYS(mprotect),      SCMP_SYS(madvise),      SCMP_SYS(futex),          SCMP_SYS(getrandom),
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time),           SCMP_SYS(getpid),
	SCMP_SYS(gettid),        SCMP_SYS(getuid),       SCMP_SYS(geteuid),        SCMP_SYS(getgid),
	SCMP_SYS(getegid),       SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(restart_syscall),
	SCMP_SYS(exit),          SCMP_SYS(exit_group),   SCMP_SYS(openat),         SCMP_SYS(newfstatat),
	SCMP_SYS(fstat),         SCMP_SYS(fsync),        SCMP_SYS(rename),         SCMP_SYS(renameat),
	SCMP_SYS(renameat2),     SCMP_SYS(unlink),       SCMP_SYS(unlinkat),
};

static bool add_all(scmp_filter_ctx filter, uint32_t action, const int calls[], size_t n)
{
	/* -EDOM: this machine has no such call */
	for (size_t i = 0; i < n; i++) {
		int rc = seccomp_rule_add(filter, action, calls[i], 0);

		if (rc != 0 && rc != -EDOM)
			return false;
	}
	return true;
}

/* Threads, but no processes; signals to itself, but to nobody else; sockets of the kinds that we use. */
static bool add_conditions(scmp_filter_ctx filter)
{
	const uint32_t no = SCMP_ACT_ERRNO(EPERM);

	const struct scmp_arg_cmp is_process = { 0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0 };
	const struct scmp_arg_cmp is_other = { 0, SCMP_CMP_NE, (scmp_datum_t)getpid(), 0 };
	const struct scmp_arg_cmp is_rare = { 0, SCMP_CMP_GT, AF_NETLINK, 0 };

	/* Of clone3() a filter cannot see the flags; the C library falls back to clone(). */
	return seccomp_rule_add_array(filter, no, SCMP_SYS(clone), 1, &is_process) == 0 &&
	       seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0 &&
	       seccomp_rule_add_array(filter, no, SCMP_SYS(kill), 1, &is_other) == 0 &&
	       seccomp_rule_add_array(filter, no, SCMP_SYS(tgkill), 1, &is_other) == 0 &&
	       seccomp_rule_add_array(filter, no, SCMP_SYS(socket), 1, &is_rare) == 0;
}

/* Without a seccomp of the kernel loading fails with -EINVAL; that is for the caller to say, not to die of. */
static bool load(scmp_filter_ctx filter, bool ok, bool *ret_filtered)
{
	int rc = ok ? seccomp_load(filter) : -ENOMEM;

	seccomp_release(filter);
	*ret_filtered = rc == 0;
	return rc == 0 || rc == -EINVAL || rc == -EOPNOTSUPP;
}

bool confine_server(const struct confine_files *files, struct confinement *ret_confinement)
{
	struct confinement confinement = { 0 };

	*ret_confinement = confinement;
	if (IS_SANITIZED)
		return true;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    !confine_files_to(files, allow_server, &confinement.landlock))
		return false;
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	if (!filter)
		return false;
	bool ok = add_all(filter, SCMP_ACT_ERRNO(EPERM), refused, sizeof refused / sizeof *refused) &&
		  add_conditions(filter);
	ok = load(filter, ok, &confinement.syscalls);
	*ret_confinement = confinement;
	return ok;
}

bool confine_signer(const struct confine_files *files)
{
	bool filtered;
	int abi;

	if (IS_SANITIZED)
		return true;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !confine_files_to(files, allow_signer, &abi))
		return false;
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!filter)
		return false;
	return load(filter,
		    add_all(filter, SCMP_ACT_ALLOW, signer_allowed,
			    sizeof signer_allowed / sizeof *signer_allowed),
		    &filtered);
}
