/* What a confined process can still do, tried from inside one: each row in a child of its own. */
#include "sealined/confine.h"

#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/key.h"

enum { ALLOWED = 50, REFUSED, UNCONFINED };

static char dir[] = "/tmp/sealine-confine-XXXXXX";
static char state_dir[64], known_dir[64], target_dir[64], known_file[80], other_file[80];

static void join(char *to, size_t size, const char *one, const char *two)
{
	struct writer out = writer_of(to, size - 1);

	put(&out, slice_of(one));
	put(&out, slice_of(two));
	to[out.len] = '\0';
}

static bool opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool opens_in_state(int flags)
{
	char path[80];

	join(path, sizeof(path), state_dir, "/file");
	return opens(path, flags);
}

/* As the database is: it was there before. */
static bool opens_database(void)
{
	char path[80];

	join(path, sizeof(path), state_dir, "/sealine.db");
	return opens(path, O_RDWR);
}

static bool opens_key(int flags)
{
	char path[80];

	join(path, sizeof(path), state_dir, "/users.key");
	return opens(path, flags);
}

static bool reads_a_key(void)
{
	return opens_key(O_RDONLY) || opens_key(O_RDWR);
}

/* Half a key and half a certificate would be told. */
static bool writes_a_key(void)
{
	return opens_key(O_WRONLY);
}

static bool gives_a_key_another_name(void)
{
	char from[80], to[80], link_path[80];

	join(from, sizeof(from), state_dir, "/users.key");
	join(to, sizeof(to), state_dir, "/sealine.db");
	join(link_path, sizeof(link_path), state_dir, "/linked");
	return rename(from, to) == 0 || link(from, link_path) == 0 || symlink(from, link_path) == 0;
}

static bool makes_in_state(void)
{
	return opens_in_state(O_RDWR | O_CREAT) && opens_in_state(O_RDONLY) &&
	       opens_in_state(O_WRONLY | O_TRUNC);
}

static bool renames_in_state(void)
{
	char from[80], to[80];

	join(from, sizeof(from), state_dir, "/file");
	join(to, sizeof(to), state_dir, "/other");
	return opens_in_state(O_RDWR | O_CREAT) && rename(from, to) == 0 && unlink(to) == 0;
}

static bool reads_known(void)
{
	return opens(known_file, O_RDONLY);
}

static bool writes_known(void)
{
	return opens(known_file, O_WRONLY);
}

static bool makes_beside_known(void)
{
	char path[80];

	join(path, sizeof(path), known_dir, "/new");
	return opens(path, O_RDWR | O_CREAT);
}

static bool reads_what_a_link_leads_to(void)
{
	char path[80], link[80];

	join(link, sizeof(link), known_dir, "/link.pem");
	join(path, sizeof(path), target_dir, "/next.pem");
	return opens(link, O_RDONLY) && opens(path, O_RDONLY);
}

static bool reads_other(void)
{
	return opens(other_file, O_RDONLY);
}

static bool reads_passwords(void)
{
	return opens("/etc/shadow", O_RDONLY) || opens("/etc/passwd", O_RDONLY);
}

static bool reads_the_public(void)
{
	return opens("/etc/ssl/certs", O_RDONLY | O_DIRECTORY);
}

static bool reads_memory(void)
{
	return opens("/proc/self/mem", O_RDONLY) || opens("/proc/1/environ", O_RDONLY);
}

static bool starts_a_program(void)
{
	char program[] = "true", *const argv[] = { program, NULL };

	execv("/bin/true", argv);
	return false; /* or another one would answer for us */
}

static bool starts_a_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid > 0;
}

static void *nothing(void *arg)
{
	return arg;
}

static bool starts_a_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0;
}

static bool looks_into_others(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0;
}

static bool signals_others(void)
{
	return kill(getppid(), 0) == 0;
}

static bool signals_itself(void)
{
	return kill(getpid(), 0) == 0;
}

static bool becomes_another(void)
{
	return setuid(65534) == 0;
}

static bool opens_a_packet_socket(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0) >= 0;
}

static bool opens_a_socket(void)
{
	return socket(AF_INET6, SOCK_STREAM, 0) >= 0 && socket(AF_UNIX, SOCK_DGRAM, 0) >= 0;
}

static bool computes(void)
{
	AUTO(crypto) struct crypto *crypto = crypto_new();
	AUTO(key) struct key *key = NULL;

	return crypto && key_generate(crypto, &key) == OK;
}

static const struct {
	const char *label;
	bool (*attempt)(void);
	bool server, signer; /* whether it can */
} attempts[] = {
	{ "opens the database", opens_database, true, true },
	{ "reads a key in the state directory", reads_a_key, false, true },
	{ "writes over a key in the state directory", writes_a_key, false, true },
	{ "gives a key another name", gives_a_key_another_name, false, true },
	{ "reads a key that was named", reads_known, false, true },
	{ "makes, reads and writes a file of the state", makes_in_state, false, true },
	{ "replaces a file of the state", renames_in_state, false, true },
	{ "writes a file that was named", writes_known, false, false },
	{ "makes a file beside it", makes_beside_known, false, false },
	{ "reads what a link leads to, and what is beside it", reads_what_a_link_leads_to, false, true },
	{ "reads another file", reads_other, false, false },
	{ "reads the users of the system", reads_passwords, false, false },
	{ "reads the system's trust anchors", reads_the_public, true, false },
	{ "reads memory through /proc", reads_memory, false, false },
	{ "starts a program", starts_a_program, false, false },
	{ "starts a process", starts_a_process, false, false },
	{ "starts a thread", starts_a_thread, true, false },
	{ "looks into another process", looks_into_others, false, false },
	{ "signals another process", signals_others, false, false },
	{ "signals itself", signals_itself, true, false },
	{ "becomes another user", becomes_another, false, false },
	{ "opens a packet socket", opens_a_packet_socket, false, false },
	{ "opens a socket", opens_a_socket, true, false },
	{ "computes", computes, true, true },
};

static int in_child(bool (*attempt)(void), bool is_signer)
{
	char link[80];

	join(link, sizeof(link), known_dir, "/link.pem");
	const struct slice known[] = { slice_of(known_file), SLICE(""), slice_of(link) };
	const struct confine_files files = { slice_of(state_dir), known, 3, SLICE("") };
	struct confinement confinement;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (is_signer && !confine_signer(&files))
			_exit(2);
		if (!is_signer && !confine_server(&files, &confinement))
			_exit(1);
		if (!is_signer && (confinement.landlock == 0 || !confinement.syscalls))
			_exit(UNCONFINED);
		_exit(attempt() ? ALLOWED : REFUSED);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static const char *const kept[] = { "/users.key", "/sealine.db" };
static const char *const targets[] = { "/link1.pem", "/next.pem" };

static void make_files(void)
{
	char path[80], link[80];

	assert_non_null(mkdtemp(dir));
	join(state_dir, sizeof(state_dir), dir, "/state");
	join(known_dir, sizeof(known_dir), dir, "/known");
	join(known_file, sizeof(known_file), known_dir, "/a.pem");
	join(other_file, sizeof(other_file), dir, "/other");
	assert_int_equal(mkdir(state_dir, 0700), 0);
	assert_int_equal(mkdir(known_dir, 0700), 0);
	assert_true(opens(known_file, O_RDWR | O_CREAT));
	for (size_t i = 0; i < 2; i++) {
		join(path, sizeof(path), state_dir, kept[i]);
		assert_true(opens(path, O_RDWR | O_CREAT));
	}
	join(target_dir, sizeof(target_dir), dir, "/archive");
	assert_int_equal(mkdir(target_dir, 0700), 0);
	for (size_t i = 0; i < 2; i++) {
		join(path, sizeof(path), target_dir, targets[i]);
		assert_true(opens(path, O_RDWR | O_CREAT));
	}
	join(link, sizeof(link), known_dir, "/link.pem");
	assert_int_equal(symlink("../archive/link1.pem", link), 0);
	assert_true(opens(other_file, O_RDWR | O_CREAT));
}

static void remove_files(void)
{
	char path[80];

	join(path, sizeof(path), state_dir, "/file");
	unlink(path);
	for (size_t i = 0; i < 2; i++) {
		join(path, sizeof(path), state_dir, kept[i]);
		unlink(path);
	}
	for (size_t i = 0; i < 2; i++) {
		join(path, sizeof(path), target_dir, targets[i]);
		unlink(path);
	}
	join(path, sizeof(path), known_dir, "/link.pem");
	unlink(path);
	rmdir(target_dir);
	unlink(known_file);
	unlink(other_file);
	rmdir(state_dir);
	rmdir(known_dir);
	rmdir(dir);
}

/* Where nothing is confined (a sanitizer, an old kernel) there is nothing to see but that it says so. */
static void each_process_can_do_what_it_needs_and_no_more(void **state)
{
	make_files();
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		int server = in_child(attempts[i].attempt, false);
		int signer = in_child(attempts[i].attempt, true);

		if (server == UNCONFINED) {
			print_message("# nothing is confined here\n");
			break;
		}
		print_message("# %s: %d %d\n", attempts[i].label, server, signer);
		assert_int_equal(server, attempts[i].server ? ALLOWED : REFUSED);
		assert_int_equal(signer, attempts[i].signer ? ALLOWED : REFUSED);
	}
	remove_files();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(each_process_can_do_what_it_needs_and_no_more),
};
TEST_MAIN(tests)
