/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * The kernel counts for each socket, for as long as it is open, and the master keeps the sockets
 * open when a worker dies: so the counter is set to their sum, not added to. */
#include "path/vitals.h"
#include "base/mem.h"
#include "path/sieve.h"
#include <fcntl.h>
#include <inttypes.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define TURN_NS NS_PER_S

struct vitals {
	struct timer turn;
	struct timer_queue *timers;
	const struct path_socket *sockets;
	size_t socket_count;
	struct sieve *sieve;
	int schedstat; /* -1 = this kernel does not tell */
	uint64_t ran_ns, waited_ns;
};

static void look_at_sockets(const struct vitals *vitals)
{
	uint64_t lost = 0, waiting = 0;
	for (size_t i = 0; i < vitals->socket_count; i++) {
		uint32_t memory[SK_MEMINFO_VARS] = {0};
		socklen_t size = sizeof memory;
		if (getsockopt(vitals->sockets[i].fd, SOL_SOCKET, SO_MEMINFO, memory, &size) != 0)
			continue;
		lost += memory[SK_MEMINFO_DROPS];
		waiting += memory[SK_MEMINFO_RMEM_ALLOC];
	}
	sieve_count(vitals->sieve);
	metric_set(METRIC_receive_overflows, lost - metric_get(METRIC_drop_interims_barred));
	metric_set(METRIC_receive_queue_kib, waiting / 1024);
}

/* The first two numbers: nanoseconds on a processor, and ready to run without one. */
static bool read_schedstat(int fd, uint64_t *ran_ns, uint64_t *waited_ns)
{
	char text[128];
	ssize_t size = pread(fd, text, sizeof text - 1, 0);
	if (size <= 0)
		return false;
	text[size] = '\0';
	return sscanf(text, "%" SCNu64 " %" SCNu64, ran_ns, waited_ns) == 2;
}

static void look_at_loop(struct vitals *vitals)
{
	uint64_t ran_ns, waited_ns;
	if (vitals->schedstat < 0 || !read_schedstat(vitals->schedstat, &ran_ns, &waited_ns))
		return;
	metric_add(METRIC_loop_run_us, (ran_ns - vitals->ran_ns) / 1000);
	metric_add(METRIC_loop_wait_us, (waited_ns - vitals->waited_ns) / 1000);
	vitals->ran_ns = ran_ns;
	vitals->waited_ns = waited_ns;
}

static void take_turn(void *owner)
{
	struct vitals *vitals = owner;
	timer_set(vitals->timers, &vitals->turn, clock_mono_ns() + TURN_NS);
	look_at_sockets(vitals);
	look_at_loop(vitals);
}

static int vitals_destroy(struct vitals *vitals)
{
	timer_cancel(vitals->timers, &vitals->turn);
	if (vitals->schedstat >= 0)
		close(vitals->schedstat);
	return 0;
}

struct vitals *vitals_new(TALLOC_CTX *ctx, struct timer_queue *timers,
	const struct path_socket *sockets, size_t count, struct sieve *sieve)
{
	struct vitals *vitals = mem_must(talloc_zero(ctx, struct vitals));
	vitals->timers = timers;
	vitals->sockets = sockets;
	vitals->socket_count = count;
	vitals->sieve = sieve;
	/* Of the process's first thread, which runs the event loop. */
	vitals->schedstat = open("/proc/self/schedstat", O_RDONLY | O_CLOEXEC);
	timer_init(&vitals->turn, take_turn, vitals);
	timer_set(timers, &vitals->turn, clock_mono_ns() + TURN_NS);
	talloc_set_destructor(vitals, vitals_destroy);
	return vitals;
}
