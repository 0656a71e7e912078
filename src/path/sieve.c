/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * A classic BPF program (Linux, Documentation/networking/filter) of the socket. It looks for
 * Acct-Status-Type among the first attributes, where every access server puts it. What it cannot
 * make out is not dropped, but for what is cut short in the middle of an attribute. */
#include "path/sieve.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "radius/packet.h"
#include <assert.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#define ATTRIBUTES_MAX 16 /* that are looked at; a jump spans at most 255 instructions */
#define STEPS_EACH 7      /* instructions for each */
#define PASS (3 + ATTRIBUTES_MAX * STEPS_EACH) /* the instruction that lets it pass */
#define FOUND (PASS + 1)                       /* those that look at Acct-Status-Type */
#define STEPS (FOUND + 4)

#define DATAGRAM sizeof(struct udphdr) /* where it begins, as the program sees it */
#define WHOLE 0x40000                  /* more than any datagram has */

struct sieve {
	const struct path_socket *sockets;
	size_t socket_count;
	bool is_barred;
	uint64_t drops; /* of the kernel, when they were counted last */
	struct sock_filter steps[STEPS];
	struct sock_fprog program;
};

/* Program ---------------------------------------------------------------------------------- */

static void put(struct sieve *sieve, struct sock_filter step)
{
	sieve->steps[sieve->program.len++] = step;
}

/* How many instructions lie between the next one and that one. */
static uint8_t jump_to(const struct sieve *sieve, unsigned step)
{
	return (uint8_t)(step - sieve->program.len - 1);
}

/* X is where an attribute begins, if there is one more. */
static void put_attribute(struct sieve *sieve)
{
	put(sieve, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0));
	put(sieve, (struct sock_filter)BPF_JUMP(
			   BPF_JMP | BPF_JGT | BPF_X, 0, 0, jump_to(sieve, PASS)));
	put(sieve, (struct sock_filter)BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0));
	put(sieve, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ATTR_ACCT_STATUS_TYPE,
			   jump_to(sieve, FOUND), 0));
	put(sieve, (struct sock_filter)BPF_STMT(BPF_LD | BPF_B | BPF_IND, 1));
	put(sieve, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0));
	put(sieve, (struct sock_filter)BPF_STMT(BPF_MISC | BPF_TAX, 0));
}

static void write_program(struct sieve *sieve)
{
	sieve->program.filter = sieve->steps;
	put(sieve, (struct sock_filter)BPF_STMT(BPF_LD | BPF_B | BPF_ABS, DATAGRAM));
	put(sieve, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CODE_ACCOUNTING_REQUEST,
			   0, jump_to(sieve, PASS)));
	put(sieve, (struct sock_filter)BPF_STMT(
			   BPF_LDX | BPF_W | BPF_IMM, DATAGRAM + RADIUS_HEADER_SIZE));
	for (unsigned n = 0; n < ATTRIBUTES_MAX; n++)
		put_attribute(sieve);
	put(sieve, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, WHOLE));
	/* The last octet of the number. */
	put(sieve, (struct sock_filter)BPF_STMT(BPF_LD | BPF_B | BPF_IND, 5));
	put(sieve, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ACCT_INTERIM, 1, 0));
	put(sieve, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, WHOLE));
	put(sieve, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0));
	assert(sieve->program.len == STEPS);
}

/* Sockets ---------------------------------------------------------------------------------- */

/* A kernel that refuses lets all pass, and the worker drops what has no room. Messages of several
 * datagrams are judged by their first one: while the program is at work there are none. */
static void apply(const struct sieve *sieve, int fd)
{
	const int is_open = !sieve->is_barred;
	(void)setsockopt(fd, SOL_UDP, UDP_GRO, &is_open, sizeof is_open);
	(void)setsockopt(fd, SOL_SOCKET, sieve->is_barred ? SO_ATTACH_FILTER : SO_DETACH_FILTER,
		&sieve->program, sizeof sieve->program);
}

static void apply_all(const struct sieve *sieve)
{
	for (size_t n = 0; n < sieve->socket_count; n++)
		if (sieve->sockets[n].role == PORT_ACCT)
			apply(sieve, sieve->sockets[n].fd);
}

static uint64_t kernel_drops(const struct sieve *sieve)
{
	uint64_t drops = 0;
	for (size_t n = 0; n < sieve->socket_count; n++) {
		uint32_t memory[SK_MEMINFO_VARS] = {0};
		socklen_t size = sizeof memory;
		if (sieve->sockets[n].role == PORT_ACCT &&
			getsockopt(sieve->sockets[n].fd, SOL_SOCKET, SO_MEMINFO, memory, &size) ==
				0)
			drops += memory[SK_MEMINFO_DROPS];
	}
	return drops;
}

void sieve_count(struct sieve *sieve)
{
	if (!sieve->is_barred)
		return;
	uint64_t drops = kernel_drops(sieve);
	metric_add(METRIC_drop_interims_barred, drops - sieve->drops);
	sieve->drops = drops;
}

void sieve_bar_interims(struct sieve *sieve, bool is_barred)
{
	sieve_count(sieve);
	sieve->is_barred = is_barred;
	apply_all(sieve);
	sieve->drops = kernel_drops(sieve);
}

struct sieve *sieve_new(TALLOC_CTX *ctx, const struct path_socket *sockets, size_t count)
{
	struct sieve *sieve = mem_must(talloc_zero(ctx, struct sieve));
	sieve->sockets = sockets;
	sieve->socket_count = count;
	write_program(sieve);
	apply_all(sieve);
	return sieve;
}
