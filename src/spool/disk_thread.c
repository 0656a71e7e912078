/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "spool/disk_thread.h"
#include "base/mem.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

TAILQ_HEAD(job_list, disk_job);

struct disk_thread {
	pthread_mutex_t lock; /* of the lists and is_stopping */
	pthread_cond_t wake;
	struct job_list urgent, others, finished;
	pthread_t thread;
	bool is_started, is_stopping;
	int fd;
};

/* These calls cannot fail on a live mutex. */
static void lock(struct disk_thread *thread)
{
	if (pthread_mutex_lock(&thread->lock) != 0)
		abort();
}

static void unlock(struct disk_thread *thread)
{
	if (pthread_mutex_unlock(&thread->lock) != 0)
		abort();
}

static void tell(const struct disk_thread *thread)
{
	const uint64_t one = 1;
	ssize_t written;
	do
		written = write(thread->fd, &one, sizeof one);
	while (written < 0 && errno == EINTR);
	if (written != (ssize_t)sizeof one && errno != EAGAIN)
		abort();
}

static struct disk_job *await_job(struct disk_thread *thread)
{
	while (!thread->is_stopping && TAILQ_EMPTY(&thread->urgent) && TAILQ_EMPTY(&thread->others))
		if (pthread_cond_wait(&thread->wake, &thread->lock) != 0)
			abort();
	if (thread->is_stopping)
		return NULL;
	struct job_list *list = TAILQ_EMPTY(&thread->urgent) ? &thread->others : &thread->urgent;
	struct disk_job *job = TAILQ_FIRST(list);
	TAILQ_REMOVE(list, job, entry);
	return job;
}

static void *run(void *argument)
{
	struct disk_thread *thread = argument;
	struct disk_job *job;
	lock(thread);
	while ((job = await_job(thread)) != NULL) {
		unlock(thread);
		job->work(job);
		lock(thread);
		TAILQ_INSERT_TAIL(&thread->finished, job, entry);
		tell(thread);
	}
	unlock(thread);
	return NULL;
}

static int thread_destroy(struct disk_thread *thread)
{
	lock(thread);
	thread->is_stopping = true;
	unlock(thread);
	pthread_cond_signal(&thread->wake);
	if (thread->is_started)
		pthread_join(thread->thread, NULL);
	pthread_cond_destroy(&thread->wake);
	pthread_mutex_destroy(&thread->lock);
	if (thread->fd >= 0)
		close(thread->fd);
	return 0;
}

/* Signals belong to the event loop's thread. */
static bool start(struct disk_thread *thread)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&thread->thread, NULL, run, thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	thread->is_started = error == 0;
	errno = error;
	return thread->is_started;
}

struct disk_thread *disk_thread_new(TALLOC_CTX *ctx)
{
	struct disk_thread *thread = mem_must(talloc_zero(ctx, struct disk_thread));
	TAILQ_INIT(&thread->urgent);
	TAILQ_INIT(&thread->others);
	TAILQ_INIT(&thread->finished);
	if (pthread_mutex_init(&thread->lock, NULL) != 0 ||
		pthread_cond_init(&thread->wake, NULL) != 0)
		abort();
	thread->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	talloc_set_destructor(thread, thread_destroy);
	if (thread->fd < 0 || !start(thread)) {
		int error = errno;
		talloc_free(thread);
		errno = error;
		return NULL;
	}
	return thread;
}

int disk_thread_fd(const struct disk_thread *thread)
{
	return thread->fd;
}

void disk_thread_post(struct disk_thread *thread, struct disk_job *job, bool is_urgent)
{
	lock(thread);
	TAILQ_INSERT_TAIL(is_urgent ? &thread->urgent : &thread->others, job, entry);
	unlock(thread);
	pthread_cond_signal(&thread->wake);
}

static struct disk_job *take_finished(struct disk_thread *thread)
{
	lock(thread);
	struct disk_job *job = TAILQ_FIRST(&thread->finished);
	if (job != NULL)
		TAILQ_REMOVE(&thread->finished, job, entry);
	unlock(thread);
	return job;
}

void disk_thread_collect(struct disk_thread *thread)
{
	uint64_t signals;
	struct disk_job *job;
	ssize_t got = read(thread->fd, &signals, sizeof signals);
	if (got < 0 && errno != EAGAIN && errno != EINTR)
		abort();
	while ((job = take_finished(thread)) != NULL)
		job->done(job);
}
