#include "location/location.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/mem.h"

enum { SHARDS = 64 }; /* a power of two: far more than there are workers, so they hardly ever meet */

struct shard {
	pthread_mutex_t mutex;
	struct map *aors; /* with a reference for each */
};

struct location {
	struct map_key key;
	atomic_bool is_complete;
	struct shard shards[SHARDS];
};

static struct aor *aor_of(struct map_node *node)
{
	return node ? (struct aor *)(void *)((char *)node - offsetof(struct aor, published)) : NULL;
}

struct location *location_new(size_t max, struct map_key key)
{
	struct location *location = mem_new(struct location);

	if (!location)
		return NULL;
	location->key = key;
	for (int i = 0; i < SHARDS; i++) {
		struct shard *shard = &location->shards[i];

		pthread_mutex_init(&shard->mutex, NULL);
		/* The keyed hash spreads names evenly, but not exactly. */
		shard->aors = map_new(max / SHARDS * 2 + 1000, key);
		if (!shard->aors) {
			location_free(location);
			return NULL;
		}
	}
	return location;
}

bool location_is_complete(const struct location *location)
{
	return atomic_load_explicit(&location->is_complete, memory_order_acquire);
}

void location_complete(struct location *location)
{
	atomic_store_explicit(&location->is_complete, true, memory_order_release);
}

static void free_each(struct map_node *node, void *arg)
{
	map_remove(arg, node);
	aor_unref(aor_of(node));
}

void location_free(struct location *location)
{
	if (!location)
		return;
	for (int i = 0; i < SHARDS; i++) {
		struct shard *shard = &location->shards[i];

		if (!shard->aors)
			continue;
		map_each(shard->aors, free_each, shard->aors);
		map_free(shard->aors);
		pthread_mutex_destroy(&shard->mutex);
	}
	mem_free(location);
}

/* The table in a shard uses the low bits of the same hash. */
static struct shard *shard_of(struct location *location, uint64_t hash)
{
	return &location->shards[hash >> 32 & (SHARDS - 1)];
}

/* Under the lock. */
static struct aor *find(const struct shard *shard, struct slice name, uint64_t hash)
{
	return aor_of(map_find_hashed(shard->aors, name, hash));
}

/* Under the lock: the table has a reference on the one instead of the other, which is the caller's to give back. */
static void replace(struct shard *shard, struct aor *before, struct aor *aor)
{
	aor_ref(aor);
	aor->published.key = aor->name;
	aor->is_reserved = false;
	map_replace(shard->aors, &before->published, &aor->published);
}

static enum err add(struct shard *shard, struct aor *aor, uint64_t hash)
{
	enum err err;

	aor->published.key = aor->name;
	err = map_add_hashed(shard->aors, &aor->published, hash);
	if (err == OK)
		aor_ref(aor);
	return err;
}

enum err location_put(struct location *location, struct aor *aor)
{
	uint64_t hash = map_hash(location->key, aor->name);
	struct shard *shard = shard_of(location, hash);
	enum err err = OK;

	pthread_mutex_lock(&shard->mutex);
	struct aor *before = find(shard, aor->name, hash);
	if (before)
		replace(shard, before, aor);
	else
		err = add(shard, aor, hash);
	pthread_mutex_unlock(&shard->mutex);
	aor_unref(before);
	return err;
}

/* What keeps the AOR from being changed on the strength of this snapshot. */
static enum err check(const struct aor *aor, const struct aor *decided)
{
	if (!aor)
		return ERR_NOT_FOUND;
	return aor->is_reserved || aor->version != decided->version || aor->refreshes != decided->refreshes
		       ? ERR_CONFLICT
		       : OK;
}

enum err location_reserve(struct location *location, const struct aor *decided)
{
	uint64_t hash = map_hash(location->key, decided->name);
	struct shard *shard = shard_of(location, hash);

	pthread_mutex_lock(&shard->mutex);
	struct aor *aor = find(shard, decided->name, hash);
	enum err err = check(aor, decided);
	if (err == OK)
		aor->is_reserved = true;
	pthread_mutex_unlock(&shard->mutex);
	return err;
}

void location_release(struct location *location, struct slice name)
{
	uint64_t hash = map_hash(location->key, name);
	struct shard *shard = shard_of(location, hash);

	pthread_mutex_lock(&shard->mutex);
	struct aor *aor = find(shard, name, hash);
	if (aor)
		aor->is_reserved = false;
	pthread_mutex_unlock(&shard->mutex);
}

enum err location_refresh(struct location *location, struct aor *aor)
{
	uint64_t hash = map_hash(location->key, aor->name);
	struct shard *shard = shard_of(location, hash);

	pthread_mutex_lock(&shard->mutex);
	struct aor *before = find(shard, aor->name, hash);
	enum err err = check(before, aor);
	if (err == OK) {
		aor->refreshes++;
		replace(shard, before, aor);
	}
	pthread_mutex_unlock(&shard->mutex);
	if (err == OK)
		aor_unref(before);
	return err;
}

void location_remove(struct location *location, struct slice name)
{
	uint64_t hash = map_hash(location->key, name);
	struct shard *shard = shard_of(location, hash);

	pthread_mutex_lock(&shard->mutex);
	struct aor *aor = find(shard, name, hash);
	if (aor)
		map_remove(shard->aors, &aor->published);
	pthread_mutex_unlock(&shard->mutex);
	aor_unref(aor);
}

struct aor *location_find(struct location *location, struct slice name)
{
	uint64_t hash = map_hash(location->key, name);
	struct shard *shard = shard_of(location, hash);

	pthread_mutex_lock(&shard->mutex);
	struct aor *aor = find(shard, name, hash);
	if (aor)
		aor_ref(aor);
	pthread_mutex_unlock(&shard->mutex);
	return aor;
}

/* -- sums and lists: each shard is walked under its lock, nothing but what it holds is touched
 * ----------------------- */

struct count {
	struct location_counts sum;
	utc_t now;
};

static void count_each(struct map_node *node, void *arg)
{
	const struct aor *aor = aor_of(node);
	struct count *count = arg;

	count->sum.aors++;
	for (size_t i = 0; i < aor->n_bindings; i++)
		count->sum.bindings += aor->bindings[i].expires > count->now;
}

struct location_counts location_counts(struct location *location, utc_t now)
{
	struct count count = { .now = now };

	for (int i = 0; i < SHARDS; i++) {
		struct shard *shard = &location->shards[i];

		pthread_mutex_lock(&shard->mutex);
		map_each(shard->aors, count_each, &count);
		pthread_mutex_unlock(&shard->mutex);
	}
	return count.sum;
}

/* What was found so far; sorted and cut at the end. */
struct found {
	struct slice after;
	struct aor **aors;
	size_t n;
};

static void find_each(struct map_node *node, void *arg)
{
	struct found *found = arg;

	if (slice_cmp(node->key, found->after) > 0)
		found->aors[found->n++] = aor_ref(aor_of(node));
}

static int compare(const void *a, const void *b)
{
	const struct aor *const *left = a, *const *right = b;

	return slice_cmp((*left)->name, (*right)->name);
}

static bool find_in_shard(struct shard *shard, struct found *found)
{
	pthread_mutex_lock(&shard->mutex);
	size_t room = found->n + map_count(shard->aors) + 1;
	struct aor **aors = mem_resize(found->aors, room * sizeof(struct aor *));
	if (aors) {
		found->aors = aors;
		map_each(shard->aors, find_each, found);
	}
	pthread_mutex_unlock(&shard->mutex);
	return aors;
}

enum err location_list(struct location *location, struct slice after, size_t max, struct aor *aors[],
		       size_t *ret_n)
{
	struct found found = { .after = after };
	bool complete = true;
	size_t n = 0;

	for (int i = 0; i < SHARDS && complete; i++)
		complete = find_in_shard(&location->shards[i], &found);
	if (complete && found.n > 0)
		qsort(found.aors, found.n, sizeof(struct aor *), compare);
	for (size_t i = 0; i < found.n; i++) {
		if (complete && i < max)
			aors[n++] = found.aors[i];
		else
			aor_unref(found.aors[i]);
	}
	mem_free(found.aors);
	if (!complete)
		return ERR_NOMEM;
	*ret_n = n;
	return OK;
}
