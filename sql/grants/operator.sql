-- SPDX-License-Identifier: GPL-2.0-or-later
-- Copyright the poprad authors
--
-- What popradctl may do: read everything, write the tables of one row per thing, and call the functions that change
-- several tables. Sessions, addresses and pools change through functions alone.

grant select on all tables in schema poprad, radius to poprad_operator;
grant insert, update, delete on poprad.realm, poprad.nas_group, poprad.nas, poprad.tunnel, poprad.subscriber to poprad_operator;
grant delete on poprad.nas_learned, poprad.plan, poprad.filter, poprad.filter_set to poprad_operator;
grant execute on function
	poprad.nas_group_get(text),
	poprad.nas_group_set(text, boolean, text[]),
	poprad.nas_group_filters(int),
	poprad.realm_set(text, text[]),
	poprad.realm_filters(int),
	poprad.pool_add(text, cidr, text, boolean),
	poprad.pool_remove(text, cidr),
	poprad.prefix_pool_add(text, cidr, text, int),
	poprad.plan_prefixes_set(text, text, text, boolean),
	poprad.plan_add(text, text, inet, boolean, text[], text[], jsonb, text, text, text),
	poprad.plan_set(text, text, inet, boolean, text[], text[], jsonb, text, text, text),
	poprad.prepaid_left(int, text),
	poprad.quota_state(poprad.subscriber, poprad.plan, poprad.subscriber_policy),
	poprad.quota_used(int, text),
	poprad.subscriber_document(text),
	poprad.filter_add(text, text, text, text, jsonb),
	poprad.filter_change(text, text, text, text, jsonb),
	poprad.filter_rule_add(text, jsonb, int),
	poprad.filter_rule_remove(text, int),
	poprad.filter_rule_text(poprad.filter_rule),
	poprad.filter_set_add(text, text, text, text, jsonb),
	poprad.filter_set_change(text, text, text, text, jsonb),
	poprad.catalog_for_filters(),
	poprad.catalog_for_nas(text),
	poprad.iso_time(timestamptz),
	poprad.plan_get(text),
	poprad.nas_sessions_close(text, timestamptz, text, uuid),
	poprad.session_close(uuid, text),
	poprad.static_owner(inet),
	poprad.session_keys_of(text, bigint),
	poprad.session_keys_with(inet, timestamptz),
	poprad.sessions_near(inet, timestamptz),
	poprad.sessions_with(inet),
	poprad.subscriber_exempt(text, text, text),
	poprad.subscriber_filters_lock(text),
	poprad.subscriber_exempt_end(text, text),
	poprad.subscriber_exemptions(int),
	poprad.subscriber_forget_station(text),
	poprad.subscriber_policy_set(text, jsonb),
	poprad.subscriber_quarantine(text, text, text),
	poprad.subscriber_quarantined(int),
	poprad.subscriber_remove(text, boolean),
	poprad.subscriber_topup(text, bigint, bigint, text),
	poprad.usage_ever(int),
	poprad.tunnel_endpoint_fits(text, text),
	poprad.tunnel_endpoint_is_sound(text),
	poprad.tunnel_text_is_sound(text)
to poprad_operator;
