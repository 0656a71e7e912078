/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "master/control.h"
#include "base/log.h"
#include "base/mem.h"
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 16

struct control_client {
	TAILQ_ENTRY(control_client) entry;
	struct control *control;
	struct bufferevent *stream;
	/* of one that follows; else NULL */
	void (*gone)(void *owner, struct control_client *client);
	void *gone_owner;
};

struct control {
	int fd;
	char path[sizeof((struct sockaddr_un *)0)->sun_path];
	struct event_base *base;
	struct event *acceptable;
	TAILQ_HEAD(, control_client) clients;
	unsigned client_count;
	control_answer_function *answer;
	void *owner;
};

static int release_client(struct control_client *client)
{
	TAILQ_REMOVE(&client->control->clients, client, entry);
	client->control->client_count--;
	if (client->gone != NULL)
		client->gone(client->gone_owner, client);
	bufferevent_free(client->stream);
	return 0;
}

static json_t *answer_line(struct control_client *client, const char *line, size_t size)
{
	const struct control *control = client->control;
	json_error_t error;
	json_t *request = json_loadb(line, size, JSON_REJECT_DUPLICATES, &error);
	json_t *answer = json_is_object(request) ? control->answer(control->owner, client, request)
						 : json_pack("{s:s}", "error",
							   "a request is one JSON object a line");
	json_decref(request);
	return mem_must(answer);
}

static bool answer_next(struct control_client *client)
{
	size_t size;
	char *line = evbuffer_readln(bufferevent_get_input(client->stream), &size, EVBUFFER_EOL_LF);
	if (line == NULL)
		return false;
	json_t *answer = answer_line(client, line, size);
	free(line);
	char *text = mem_must(json_dumps(answer, JSON_COMPACT));
	json_decref(answer);
	struct evbuffer *output = bufferevent_get_output(client->stream);
	evbuffer_add(output, text, strlen(text));
	evbuffer_add(output, "\n", 1);
	free(text);
	return true;
}

/* One answer at a time: the next line is looked at when the client has taken the one before. A line
 * too long ends it, and so does the last line behind which no more can come. Who follows has
 * nothing more to say. */
static void advance(struct control_client *client)
{
	if (client->gone != NULL) {
		if (evbuffer_get_length(bufferevent_get_input(client->stream)) > 0)
			talloc_free(client);
		return;
	}
	if (evbuffer_get_length(bufferevent_get_output(client->stream)) > 0 || answer_next(client))
		return;
	if ((bufferevent_get_enabled(client->stream) & EV_READ) == 0 ||
		evbuffer_get_length(bufferevent_get_input(client->stream)) >= CONTROL_LINE_MAX)
		talloc_free(client);
}

/* Something has come, or all has been taken. */
static void progress(struct bufferevent *stream, void *owner)
{
	(void)stream;
	advance(owner);
}

/* The end of its requests, an error, or no progress in time. */
static void end(struct bufferevent *stream, short what, void *owner)
{
	const struct control_client *client = owner;
	if ((what & BEV_EVENT_EOF) == 0 || client->gone != NULL) {
		talloc_free(owner);
		return;
	}
	bufferevent_disable(stream, EV_READ);
	advance(owner);
}

void control_follow(struct control_client *client,
	void (*gone)(void *owner, struct control_client *client), void *owner)
{
	client->gone = gone;
	client->gone_owner = owner;
	/* Who looks at a screenful takes nothing for a while. */
	bufferevent_set_timeouts(client->stream, NULL, NULL);
}

bool control_tell(struct control_client *client, const char *line, size_t size)
{
	struct evbuffer *output = bufferevent_get_output(client->stream);
	if (evbuffer_get_length(output) + size > CONTROL_FOLLOWER_MAX)
		return false;
	evbuffer_add(output, line, size);
	evbuffer_add(output, "\n", 1);
	return true;
}

static void accept_client(evutil_socket_t listener, short what, void *owner)
{
	(void)what;
	struct control *control = owner;
	static const struct timeval idle = {.tv_sec = CONTROL_IDLE_S};
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	if (control->client_count >= CONTROL_CLIENTS_MAX) {
		close(fd);
		return;
	}
	struct control_client *client = mem_must(talloc_zero(control, struct control_client));
	client->control = control;
	client->stream = mem_must(bufferevent_socket_new(control->base, fd, BEV_OPT_CLOSE_ON_FREE));
	TAILQ_INSERT_TAIL(&control->clients, client, entry);
	control->client_count++;
	talloc_set_destructor(client, release_client);
	bufferevent_setcb(client->stream, progress, progress, end, client);
	bufferevent_setwatermark(client->stream, EV_READ, 0, CONTROL_LINE_MAX);
	bufferevent_set_timeouts(client->stream, &idle, &idle);
	bufferevent_enable(client->stream, EV_READ | EV_WRITE);
}

static int release(struct control *control)
{
	for (struct control_client *client; (client = TAILQ_FIRST(&control->clients)) != NULL;)
		talloc_free(client);
	if (control->acceptable != NULL)
		event_free(control->acceptable);
	if (control->fd >= 0) {
		close(control->fd);
		unlink(control->path);
	}
	return 0;
}

/* A socket that an earlier run left behind is replaced: the pid file's lock says that it is dead.
 */
static int listen_at(const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	memcpy(name.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	unlink(path);
	mode_t mask = umask(0117);
	int code = bind(fd, (struct sockaddr *)&name, sizeof name);
	umask(mask);
	if (code != 0 || listen(fd, BACKLOG) != 0) {
		int saved_errno = errno;
		close(fd);
		errno = saved_errno;
		return -1;
	}
	return fd;
}

int control_new(TALLOC_CTX *ctx, struct event_base *base, const char *folder,
	control_answer_function *answer, void *owner, struct control **control)
{
	struct control *made = mem_must(talloc_zero(ctx, struct control));
	*made = (struct control){.fd = -1, .base = base, .answer = answer, .owner = owner};
	TAILQ_INIT(&made->clients);
	talloc_set_destructor(made, release);
	int size = snprintf(made->path, sizeof made->path, "%s/" CONTROL_NAME, folder);
	if (size < (int)sizeof made->path)
		made->fd = listen_at(made->path);
	else
		errno = ENAMETOOLONG;
	if (made->fd < 0) {
		log_event(LOG_LEVEL_ERROR, "control_failed", "path=%s why=%s",
			log_quote_text(made->path), log_quote_text(strerror(errno)));
		talloc_free(made);
		return ERR_SYSTEM;
	}
	made->acceptable =
		mem_must(event_new(base, made->fd, EV_READ | EV_PERSIST, accept_client, made));
	event_add(made->acceptable, NULL);
	*control = made;
	return 0;
}
