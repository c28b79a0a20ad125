#include "transport/mailbox.h"

#include <pthread.h>

#include "base/mem.h"

struct mailbox {
	struct net *net;
	pthread_mutex_t mutex; /* of the lists */
	struct list letters, jobs;
};

struct mailbox *mailbox_new(struct net *net)
{
	struct mailbox *mailbox = mem_new(struct mailbox);

	if (!mailbox)
		return NULL;
	mailbox->net = net;
	pthread_mutex_init(&mailbox->mutex, NULL);
	list_init(&mailbox->letters);
	list_init(&mailbox->jobs);
	return mailbox;
}

void mailbox_free(struct mailbox *mailbox)
{
	if (!mailbox)
		return;
	LIST_EACH (letter, &mailbox->letters, struct letter, link) {
		list_remove(&mailbox->letters, &letter->link);
		letter_free(letter);
	}
	LIST_EACH (job, &mailbox->jobs, struct job, link) {
		list_remove(&mailbox->jobs, &job->link);
		job_free(job);
	}
	pthread_mutex_destroy(&mailbox->mutex);
	mem_free(mailbox);
}

static void post(struct mailbox *mailbox, struct list *list, struct link *link)
{
	pthread_mutex_lock(&mailbox->mutex);
	list_append(list, link);
	pthread_mutex_unlock(&mailbox->mutex);
	net_wake(mailbox->net);
}

static struct link *take(struct mailbox *mailbox, struct list *list)
{
	pthread_mutex_lock(&mailbox->mutex);
	struct link *link = list_take_first(list);
	pthread_mutex_unlock(&mailbox->mutex);
	return link;
}

void mailbox_post(struct mailbox *mailbox, struct letter *letter)
{
	post(mailbox, &mailbox->letters, &letter->link);
}

void mailbox_post_job(struct mailbox *mailbox, struct job *job)
{
	post(mailbox, &mailbox->jobs, &job->link);
}

struct letter *mailbox_take(struct mailbox *mailbox)
{
	struct link *link = take(mailbox, &mailbox->letters);

	return link ? CONTAINER_OF(link, struct letter, link) : NULL;
}

struct job *mailbox_take_job(struct mailbox *mailbox)
{
	struct link *link = take(mailbox, &mailbox->jobs);

	return link ? CONTAINER_OF(link, struct job, link) : NULL;
}
