#include "harness.h"

#include <pthread.h>

#include "transport/mailbox.h"

enum { WRITERS = 3, LETTERS = 200 };

struct writer_thread {
	struct mailbox *mailbox;
	unsigned number;
};

static void *write_letters(void *arg)
{
	struct writer_thread *writer = arg;

	for (unsigned i = 1; i <= LETTERS; i++) {
		struct letter *letter = letter_new(
			&(struct letter){ .kind = LETTER_FLOW_LOST, .from = writer->number, .flow = i });

		if (letter)
			mailbox_post(writer->mailbox, letter);
	}
	return NULL;
}

static void carries_letters_of_many_in_the_order_of_each(void **state)
{
	AUTO(net) struct net *net = net_new(10);
	AUTO(mailbox) struct mailbox *mailbox = net ? mailbox_new(net) : NULL;
	struct writer_thread writers[WRITERS];
	pthread_t threads[WRITERS];
	uint64_t seen[WRITERS] = { 0 };
	unsigned n = 0, wrong = 0;
	struct net_event event;

	assert_non_null(mailbox);
	for (unsigned i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer_thread){ mailbox, i };
		assert_int_equal(pthread_create(&threads[i], NULL, write_letters, &writers[i]), 0);
	}
	while (n < WRITERS * LETTERS) {
		struct letter *letter = mailbox_take(mailbox);

		if (!letter) {
			net_wait(net, net_now(net).mono + 200);
			bool woken = false;
			while (net_next(net, &event))
				woken |= event.kind == NET_WOKEN;
			if (!woken)
				break;
			continue;
		}
		wrong += letter->flow <= seen[letter->from];
		seen[letter->from] = letter->flow;
		n++;
		letter_free(letter);
	}
	for (unsigned i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(wrong, 0);
	assert_int_equal(n, WRITERS * LETTERS);
}

static void frees_what_nobody_took(void **state)
{
	AUTO(net) struct net *net = net_new(10);
	AUTO(mailbox) struct mailbox *mailbox = net ? mailbox_new(net) : NULL;

	assert_non_null(mailbox);
	struct letter *letter = letter_new(&(struct letter){ .kind = LETTER_FLOW_LOST });
	assert_non_null(letter);
	mailbox_post(mailbox, letter);
	struct job *job = job_new_account(JOB_REMOVE, SLICE("a@b"), NULL);
	assert_non_null(job);
	mailbox_post_job(mailbox, job);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(carries_letters_of_many_in_the_order_of_each),
	cmocka_unit_test(frees_what_nobody_took),
};
TEST_MAIN(tests)
