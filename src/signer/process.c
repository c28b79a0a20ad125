#include "signer/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "signer/signer.h"

/* ---- in the new process ---- */

struct server {
	struct signer *signer;
	struct pollfd channels[SIGNER_CHANNELS_MAX];
	size_t n;
	char request[SIGNER_REQUEST_MAX], reply[SIGNER_REPLY_MAX];
};

static int descriptor_in(struct msghdr *message)
{
	struct cmsghdr *head = CMSG_FIRSTHDR(message);
	int fd;

	if (!head || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&fd, CMSG_DATA(head), sizeof(fd));
	return fd;
}

/* False when the channel is closed. What does not fit is answered as what it is: cut off. */
static bool serve_one(struct server *server, size_t channel)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec part = { server->request, sizeof(server->request) };
	/* The length, not the space, which with its padding has room for a second descriptor that nobody would close. */
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = CMSG_LEN(sizeof(int)) };
	ssize_t n = recvmsg(server->channels[channel].fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	struct signer_message asked = { .may_all = channel == 0,
					.fd = descriptor_in(&message),
					.now = (utc_t)time(NULL),
					.bytes = slice_from(server->request, (size_t)n) };
	size_t len = signer_answer(server->signer, &asked, server->reply);

	if (asked.fd >= 0)
		close(asked.fd);
	/* Who does not take his answers gets none. */
	(void)send(server->channels[channel].fd, server->reply, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	return true;
}

static int serve(struct server *server)
{
	for (;;) {
		if (poll(server->channels, server->n, -1) < 0 && errno != EINTR)
			return EXIT_FAILURE;
		for (size_t i = 0; i < server->n; i++) {
			if (!server->channels[i].revents || serve_one(server, i))
				continue;
			if (i == 0)
				return EXIT_SUCCESS;
			close(server->channels[i].fd);
			server->channels[i].fd = -1;
		}
	}
}

/* Signals for the group, as a terminal sends them, are the server's business: it tells us by closing. */
static bool harden(void)
{
	const struct rlimit none = { 0, 0 };

	return signal(SIGINT, SIG_IGN) != SIG_ERR && signal(SIGTERM, SIG_IGN) != SIG_ERR &&
	       signal(SIGHUP, SIG_IGN) != SIG_ERR && prctl(PR_SET_NAME, "sealine-signer") == 0 &&
	       prctl(PR_SET_DUMPABLE, 0) == 0 && setrlimit(RLIMIT_CORE, &none) == 0;
}

static int run(const int fds[], const struct signer_plan *plan)
{
	static struct server server;
	int code = EXIT_FAILURE;

	server.n = plan->n_channels;
	for (size_t i = 0; i < server.n; i++)
		server.channels[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	server.signer = signer_new();
	if (server.signer)
		signer_may_tell(server.signer, plan->told);
	if (server.signer && harden() && plan->confine(plan->self))
		code = serve(&server);
	signer_free(server.signer);
	return code;
}

/* ---- in ours ---- */

static void close_all(const int fds[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

/* The near ends and the far ones. A channel keeps the boundaries of messages. */
static enum err open_channels(size_t n, int near[], int far[])
{
	for (size_t i = 0; i < n; i++) {
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
			close_all(near, i);
			close_all(far, i);
			return errno == EMFILE || errno == ENFILE ? ERR_LIMIT : ERR_IO;
		}
		near[i] = pair[0];
		far[i] = pair[1];
	}
	return OK;
}

enum err signer_start(const struct signer_plan *plan, struct signer_process *ret_process)
{
	int near[SIGNER_CHANNELS_MAX + 1], far[SIGNER_CHANNELS_MAX + 1];
	const size_t n = plan->n_channels;
	struct signer_process process = { .n = n };

	if (n > SIGNER_CHANNELS_MAX)
		return ERR_LIMIT;
	TRY(open_channels(n + 1, near, far)); /* the last says that it lives, and nothing else */
	process.pid = fork();
	if (process.pid == 0) {
		close_all(near, n + 1);
		_exit(run(far, plan));
	}
	close_all(far, n + 1);
	if (process.pid < 0) {
		close_all(near, n + 1);
		return ERR_IO;
	}
	memcpy(process.fds, near, n * sizeof(*near));
	process.life = near[n];
	*ret_process = process;
	return OK;
}

bool signer_end(struct signer_process *process)
{
	int status = 0;

	if (!process->pid)
		return true;
	close_all(process->fds, process->n);
	close(process->life);
	while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
		;
	process->pid = 0;
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}
