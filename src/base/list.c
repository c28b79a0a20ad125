#include "base/list.h"

#include <assert.h>

void list_init(struct list *list)
{
	list->head = (struct link){ &list->head, &list->head };
	list->n = 0;
}

static void insert(struct list *list, struct link *link, struct link *before)
{
	assert(!link_is_in_list(link));
	link->next = before;
	link->prev = before->prev;
	before->prev->next = link;
	before->prev = link;
	list->n++;
}

void list_append(struct list *list, struct link *link)
{
	insert(list, link, &list->head);
}

void list_prepend(struct list *list, struct link *link)
{
	insert(list, link, list->head.next);
}

void list_remove(struct list *list, struct link *link)
{
	if (!link_is_in_list(link))
		return;
	link->prev->next = link->next;
	link->next->prev = link->prev;
	*link = (struct link){ NULL, NULL };
	list->n--;
}
