/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
/* --mixed: what a server has to store on an ordinary day. Many sessions are open, and one record
 * after the other comes from another of them: a Start, the Interim-Updates, a Stop, and again, so
 * that as many begin as end. The session that was silent longest is next. */
#include "load/run.h"

static bool has_login(const struct load *load)
{
	return load->settings->mode == LOAD_SESSION;
}

static enum load_step next_step(const struct load *load)
{
	uint64_t cycle = load->settings->interims + 2;
	uint64_t place = load->stats->operations_begun % cycle;
	if (place == 0)
		return STEP_START;
	return place + 1 == cycle ? STEP_STOP : STEP_INTERIM;
}

static const struct line_list *next_list(const struct load *load)
{
	return next_step(load) == STEP_START ? &load->startable : &load->open;
}

bool mixed_has_more(const struct load *load)
{
	return !TAILQ_EMPTY(next_list(load));
}

struct line *mixed_take(struct load *load, int64_t now_ns)
{
	enum load_step step = next_step(load);
	struct line_list *list = step == STEP_START ? &load->startable : &load->open;
	struct line *line = TAILQ_FIRST(list);
	if (!line)
		return NULL;
	TAILQ_REMOVE(list, line, entry);
	line->step = step;
	if (step == STEP_INTERIM)
		line->interims++;
	if (step == STEP_START && !has_login(load)) {
		line->session++;
		line->interims = 0;
		line->login_ns = now_ns;
	}
	return line;
}

void mixed_rest(struct load *load, struct line *line)
{
	switch (line->step) {
	case STEP_LOGIN:
		TAILQ_INSERT_TAIL(&load->startable, line, entry);
		break;
	case STEP_START:
	case STEP_INTERIM:
		TAILQ_INSERT_TAIL(&load->open, line, entry);
		break;
	case STEP_STOP:
		line_forget(line);
		if (!has_login(load))
			TAILQ_INSERT_TAIL(&load->startable, line, entry);
		break;
	case LOAD_STEPS:
		break;
	}
}

void mixed_prepare(struct load *load)
{
	load->is_preparing = true;
	if (has_login(load))
		return;
	for (uint64_t i = load->settings->online; i < load->settings->count; i++) {
		TAILQ_REMOVE(&load->idle, &load->lines[i], entry);
		TAILQ_INSERT_TAIL(&load->startable, &load->lines[i], entry);
	}
}

bool mixed_is_prepared(const struct load *load, const struct line *line)
{
	return line->step == STEP_START || line->number >= load->settings->online;
}
