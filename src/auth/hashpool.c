/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* Jobs move through four lists, always under the lock: free -> waiting -> running -> finished ->
 * free. A cancelled job that waits goes back to free at once; one that runs or has finished passes
 * through the rest with done = NULL. */
#include "auth/hashpool.h"
#include "auth/password.h"
#include "base/mem.h"
#include "radius/pap.h"
#include <crypt.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

enum job_state { JOB_FREE, JOB_WAITING, JOB_RUNNING, JOB_FINISHED };

struct hashpool_job {
	TAILQ_ENTRY(hashpool_job) entry; /* in the list of its state; running ones are in none */
	enum job_state state;
	enum reject verdict;
	void (*done)(void *owner, enum reject verdict); /* NULL = cancelled */
	void *owner;
	size_t size;
	char given[PAP_PASSWORD_MAX];
	char stored[CRYPT_OUTPUT_SIZE];
};
TAILQ_HEAD(job_list, hashpool_job);

struct hashpool {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct job_list spare, waiting, finished;
	struct hashpool_job *jobs;
	pthread_t *threads;
	unsigned thread_count;
	bool is_stopping;
	int fd;
};

/* The queue's lock is held only for list operations; these calls cannot fail on a live mutex. */
static void pool_lock(struct hashpool *pool)
{
	if (pthread_mutex_lock(&pool->lock) != 0)
		abort();
}

static void pool_unlock(struct hashpool *pool)
{
	if (pthread_mutex_unlock(&pool->lock) != 0)
		abort();
}

static void job_wipe(struct hashpool_job *job)
{
	OPENSSL_cleanse(job->given, sizeof job->given);
	OPENSSL_cleanse(job->stored, sizeof job->stored);
}

/* An eventfd's counter cannot overflow here: each collect takes it back to 0. */
static void pool_signal(const struct hashpool *pool)
{
	const uint64_t one = 1;
	ssize_t written;
	do
		written = write(pool->fd, &one, sizeof one);
	while (written < 0 && errno == EINTR);
	if (written != (ssize_t)sizeof one && errno != EAGAIN)
		abort();
}

static struct hashpool_job *job_await(struct hashpool *pool)
{
	while (!pool->is_stopping && TAILQ_EMPTY(&pool->waiting))
		if (pthread_cond_wait(&pool->wake, &pool->lock) != 0)
			abort();
	struct hashpool_job *job = TAILQ_FIRST(&pool->waiting);
	if (pool->is_stopping || !job)
		return NULL;
	TAILQ_REMOVE(&pool->waiting, job, entry);
	job->state = JOB_RUNNING;
	return job;
}

static void *thread_run(void *argument)
{
	struct hashpool *pool = argument;
	struct hashpool_job *job;
	pool_lock(pool);
	while ((job = job_await(pool))) {
		pool_unlock(pool);
		enum reject verdict = password_verify_crypt(job->stored, job->given, job->size);
		job_wipe(job);
		pool_lock(pool);
		job->verdict = verdict;
		job->state = JOB_FINISHED;
		TAILQ_INSERT_TAIL(&pool->finished, job, entry);
		pool_signal(pool);
	}
	pool_unlock(pool);
	return NULL;
}

static int pool_destroy(struct hashpool *pool)
{
	pool_lock(pool);
	pool->is_stopping = true;
	pool_unlock(pool);
	pthread_cond_broadcast(&pool->wake);
	for (unsigned i = 0; i < pool->thread_count; i++)
		pthread_join(pool->threads[i], NULL);
	struct hashpool_job *job;
	TAILQ_FOREACH (job, &pool->waiting, entry)
		job_wipe(job);
	pthread_cond_destroy(&pool->wake);
	pthread_mutex_destroy(&pool->lock);
	if (pool->fd >= 0)
		close(pool->fd);
	return 0;
}

/* Signals belong to the event loop's thread. */
static bool threads_start(struct hashpool *pool, unsigned threads)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = 0;
	while (!error && pool->thread_count < threads) {
		error = pthread_create(&pool->threads[pool->thread_count], NULL, thread_run, pool);
		if (!error)
			pool->thread_count++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return !error;
}

struct hashpool *hashpool_new(TALLOC_CTX *ctx, unsigned threads, unsigned queue_max)
{
	struct hashpool *pool = mem_must(talloc_zero(ctx, struct hashpool));
	pool->jobs = mem_must(talloc_zero_array(pool, struct hashpool_job, queue_max));
	pool->threads = mem_must(talloc_zero_array(pool, pthread_t, threads));
	TAILQ_INIT(&pool->spare);
	TAILQ_INIT(&pool->waiting);
	TAILQ_INIT(&pool->finished);
	for (unsigned i = 0; i < queue_max; i++)
		TAILQ_INSERT_TAIL(&pool->spare, &pool->jobs[i], entry);
	if (pthread_mutex_init(&pool->lock, NULL) != 0 || pthread_cond_init(&pool->wake, NULL) != 0)
		abort();
	pool->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	talloc_set_destructor(pool, pool_destroy);
	if (pool->fd < 0 || !threads_start(pool, threads)) {
		int error = errno;
		talloc_free(pool);
		errno = error;
		return NULL;
	}
	return pool;
}

int hashpool_fd(const struct hashpool *pool)
{
	return pool->fd;
}

int hashpool_submit(struct hashpool *pool, const char *stored, const char *given, size_t size,
	void (*done)(void *owner, enum reject verdict), void *owner, struct hashpool_job **job)
{
	size_t stored_size = strlen(stored) + 1;
	if (size > PAP_PASSWORD_MAX || stored_size > CRYPT_OUTPUT_SIZE)
		return ERR_RANGE;
	pool_lock(pool);
	struct hashpool_job *taken = TAILQ_FIRST(&pool->spare);
	if (taken) {
		TAILQ_REMOVE(&pool->spare, taken, entry);
		memcpy(taken->stored, stored, stored_size);
		memcpy(taken->given, given, size);
		taken->size = size;
		taken->done = done;
		taken->owner = owner;
		taken->state = JOB_WAITING;
		TAILQ_INSERT_TAIL(&pool->waiting, taken, entry);
	}
	pool_unlock(pool);
	if (!taken)
		return ERR_FULL;
	pthread_cond_signal(&pool->wake);
	*job = taken;
	return 0;
}

void hashpool_cancel(struct hashpool *pool, struct hashpool_job *job)
{
	pool_lock(pool);
	job->done = NULL;
	if (job->state == JOB_WAITING) {
		TAILQ_REMOVE(&pool->waiting, job, entry);
		job_wipe(job);
		job->state = JOB_FREE;
		TAILQ_INSERT_TAIL(&pool->spare, job, entry);
	}
	pool_unlock(pool);
}

/* What done needs: it may submit again, and take the very same job. */
struct finish {
	void (*done)(void *owner, enum reject verdict);
	void *owner;
	enum reject verdict;
};

static bool finished_take(struct hashpool *pool, struct finish *finish)
{
	pool_lock(pool);
	struct hashpool_job *job = TAILQ_FIRST(&pool->finished);
	if (job) {
		TAILQ_REMOVE(&pool->finished, job, entry);
		job->state = JOB_FREE;
		TAILQ_INSERT_TAIL(&pool->spare, job, entry);
		*finish = (struct finish){job->done, job->owner, job->verdict};
	}
	pool_unlock(pool);
	return job;
}

size_t hashpool_collect(struct hashpool *pool)
{
	uint64_t signals;
	ssize_t got = read(pool->fd, &signals, sizeof signals);
	if (got < 0 && errno != EAGAIN && errno != EINTR)
		abort();
	struct finish finish;
	size_t count = 0;
	while (finished_take(pool, &finish)) {
		if (finish.done) {
			finish.done(finish.owner, finish.verdict);
			count++;
		}
	}
	return count;
}
