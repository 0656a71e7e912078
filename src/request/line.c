/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "request/line.h"
#include "base/mem.h"
#include "base/text.h"
#include <string.h>

const char *line_login(TALLOC_CTX *ctx, const char *user_name)
{
	if (user_name == NULL || strchr(user_name, '@') == NULL)
		return user_name;
	char *login = mem_must(talloc_strdup(ctx, user_name));
	text_lower(strrchr(login, '@') + 1);
	return login;
}

void line_read(struct attrs *attrs, struct line *line)
{
	uint32_t port;
	*line = (struct line){.nas_port = -1};
	line->user_name = attrs_get_text(attrs, ATTR_USER_NAME);
	line->login = line_login(attrs, line->user_name);
	if (!attrs_get_addr(attrs, ATTR_NAS_IP_ADDRESS, &line->nas_address) &&
		!attrs_get_addr(attrs, ATTR_NAS_IPV6_ADDRESS, &line->nas_address))
		line->nas_address = (struct addr){0};
	line->nas_identifier = attrs_get_text(attrs, ATTR_NAS_IDENTIFIER);
	if (attrs_get_u32(attrs, ATTR_NAS_PORT, &port))
		line->nas_port = port;
	line->nas_port_id = attrs_get_text(attrs, ATTR_NAS_PORT_ID);
	line->nas_port_type = attrs_get_value_name(attrs, ATTR_NAS_PORT_TYPE);
	line->calling_station_id = attrs_get_text(attrs, ATTR_CALLING_STATION_ID);
	line->called_station_id = attrs_get_text(attrs, ATTR_CALLED_STATION_ID);
	line->service_type = attrs_get_value_name(attrs, ATTR_SERVICE_TYPE);
	line->framed_protocol = attrs_get_value_name(attrs, ATTR_FRAMED_PROTOCOL);
}
