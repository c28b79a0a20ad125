/* The process around the signer: what comes in over its channels. */
#include "signer/process.h"

#include "harness.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "signer/signer.h"

static struct signer_process process;

static bool confine(const void *self)
{
	(void)self;
	return true;
}

/* A question of a worker's that nobody understands, and so many copies of the descriptor with it; waits for the answer. */
static void ask_with(int fd, size_t n_copies)
{
	union {
		char bytes[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct signer_request request = { .number = 1 };
	struct signer_reply reply;
	struct iovec part = { &request, sizeof request };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = CMSG_SPACE(n_copies * sizeof fd) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(n_copies * sizeof fd);
	for (size_t i = 0; i < n_copies; i++)
		memcpy(CMSG_DATA(head) + i * sizeof fd, &fd, sizeof fd);
	assert_int_equal(sendmsg(process.fds[1], &message, MSG_NOSIGNAL), sizeof request);
	assert_int_equal(recv(process.fds[1], &reply, sizeof reply, 0), sizeof reply);
	assert_int_equal(reply.err, ERR_DENIED);
}

static void keeps_no_descriptor_however_many_come(void **state)
{
	(void)state;
	for (size_t n = 1; n <= 4; n++) {
		struct pollfd end = { .events = POLLIN };
		int fds[2];

		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		ask_with(fds[1], n);
		close(fds[1]);
		end.fd = fds[0];
		bool is_closed = poll(&end, 1, 0) == 1 && end.revents & POLLHUP;
		close(fds[0]);
		if (!is_closed)
			fail_msg("%zu", n);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(keeps_no_descriptor_however_many_come),
};

int main(void)
{
	static const struct signer_plan plan = { .n_channels = 2, .confine = confine };

	if (signer_start(&plan, &process) != OK)
		return 1;
	int code = test_main(__FILE__, tests, sizeof tests / sizeof *tests);
	return signer_end(&process) ? code : 1;
}
