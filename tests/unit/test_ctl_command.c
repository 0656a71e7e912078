/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors
 *
 * popradctl's command table and the parser over it: every command explains itself with an example
 * that parses, and every kind of wrong line is refused with one line that says why. */
#include "ctl/ctl.h"
#include "suite.h"
#include <stdlib.h>
#include <string.h>
#include <wordexp.h>

static char messages[16384], help[65536];

/* Parses a line as a shell would split it. The call's ctx is the caller's to free. */
static int parse(const char *line, struct call *call)
{
	wordexp_t words;
	int code;

	CU_ASSERT_EQUAL_FATAL(wordexp(line, &words, WRDE_NOCMD), 0);
	memset(messages, 0, sizeof(messages));
	*call = (struct call){.ctx = talloc_new(NULL), .out = stdout};
	call->errors = fmemopen(messages, sizeof(messages), "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(call->errors);
	code = call_parse(call, (int)words.we_wordc, words.we_wordv);
	fclose(call->errors);
	/* values that need no other form are the words themselves */
	for (unsigned i = 0; i < call->given_count; i++)
		call->given[i].value = talloc_strdup(call->ctx, call->given[i].value);
	if (call->conf_path != NULL)
		call->conf_path = talloc_strdup(call->ctx, call->conf_path);
	wordfree(&words);
	return code;
}

static struct call good(const char *line)
{
	struct call call;

	CU_ASSERT_EQUAL(parse(line, &call), CTL_OK);
	CU_ASSERT_STRING_EQUAL(messages, "");
	if (*messages)
		fprintf(stderr, "%s: %s", line, messages);
	return call;
}

static void bad(const char *line, int code, const char *part)
{
	struct call call;

	CU_ASSERT_EQUAL(parse(line, &call), code);
	CU_ASSERT_PTR_NOT_NULL(strstr(messages, part));
	if (strstr(messages, part) == NULL)
		fprintf(stderr, "%s: got %s", line, messages);
	/* one line, and nothing that moves a cursor */
	CU_ASSERT_PTR_EQUAL(strchr(messages, '\n'), messages + strlen(messages) - 1);
	CU_ASSERT_PTR_NULL(strchr(messages, '\x1b'));
	talloc_free(call.ctx);
}

static void test_the_lines_that_teach(void)
{
	struct call call = good("popradctl plan add gold --pool west-dynamic --sessions 1 "
				"--session-timeout 8h --idle-timeout 15m --interim 10m "
				"--filter to-general-customer-equipment");
	size_t count;

	CU_ASSERT_STRING_EQUAL(call_value(&call, "NAME"), "gold");
	CU_ASSERT_STRING_EQUAL(call_value(&call, "session-timeout"), "28800");
	CU_ASSERT_STRING_EQUAL(
		call_values(&call, "filter", &count)[0], "to-general-customer-equipment");
	CU_ASSERT_EQUAL(count, 1);
	CU_ASSERT_PTR_NULL(call_value(&call, "netmask"));
	CU_ASSERT_FALSE(call_has(&call, "no-attributes"));
	talloc_free(call.ctx);
}

static void test_options_in_every_place(void)
{
	struct call call = good("popradctl -c /tmp/a nas --help");

	CU_ASSERT_STRING_EQUAL(call.conf_path, "/tmp/a");
	CU_ASSERT_TRUE(call.is_help);
	talloc_free(call.ctx);
	call = good("popradctl nas list --json -c /tmp/b");
	CU_ASSERT_STRING_EQUAL(call.conf_path, "/tmp/b");
	CU_ASSERT_TRUE(call_has(&call, "json"));
	talloc_free(call.ctx);
	call = good("popradctl nas -c /tmp/c show --json bank-7");
	CU_ASSERT_STRING_EQUAL(call_value(&call, "NAME"), "bank-7");
	talloc_free(call.ctx);
	call = good("popradctl subscriber add --password=-x- --plan=gold -- -odd@isp.example");
	CU_ASSERT_STRING_EQUAL(call_value(&call, "LOGIN"), "-odd@isp.example");
	CU_ASSERT_STRING_EQUAL(call_value(&call, "password"), "-x-");
	talloc_free(call.ctx);
	call = good("popradctl subscriber import -");
	CU_ASSERT_STRING_EQUAL(call_value(&call, "FILE"), "-");
	talloc_free(call.ctx);
	call = good("popradctl plan set gold --attribute 'A = 1' --attribute 'B = 2'");
	size_t count;
	CU_ASSERT_STRING_EQUAL(call_values(&call, "attribute", &count)[1], "B = 2");
	CU_ASSERT_EQUAL(count, 2);
	talloc_free(call.ctx);
	call = good("popradctl filter export one two --format ios three");
	CU_ASSERT_STRING_EQUAL(call_values(&call, "NAME", &count)[2], "three");
	CU_ASSERT_EQUAL(count, 3);
	talloc_free(call.ctx);
	call = good("popradctl filter export --format ios");
	call_values(&call, "NAME", &count);
	CU_ASSERT_EQUAL(count, 0);
	talloc_free(call.ctx);
	call = good("popradctl --version");
	CU_ASSERT_TRUE(call.is_version);
	talloc_free(call.ctx);
}

static void test_wrong_lines(void)
{
	bad("popradctl", CTL_USAGE, "a noun is missing");
	bad("popradctl nas", CTL_USAGE, "a verb is missing");
	bad("popradctl toaster", CTL_USAGE, "no command 'toaster'");
	bad("popradctl nas toast", CTL_USAGE, "no command 'nas toast'");
	bad("popradctl nas add", CTL_USAGE, "NAME is missing");
	bad("popradctl nas add bank-7", CTL_USAGE, "PREFIX is missing");
	bad("popradctl nas add bank-7 10.0.0.0/8 more", CTL_USAGE, "too many arguments");
	bad("popradctl nas list --toast", CTL_USAGE, "no option --toast");
	bad("popradctl nas list -j", CTL_USAGE, "two hyphens");
	bad("popradctl nas list --json=yes", CTL_USAGE, "takes no value");
	bad("popradctl nas set a --group", CTL_USAGE, "--group wants a value");
	bad("popradctl nas set a --group b --group c", CTL_USAGE, "given twice");
	bad("popradctl -c", CTL_USAGE, "-c wants");
	bad("popradctl pool add a 192.168.6.0/22", CTL_REFUSED, "192.168.4.0/22");
	bad("popradctl subscriber add a@b.example --password p", CTL_USAGE, "--plan P is missing");
	bad("popradctl status more", CTL_USAGE, "too many arguments");
	bad("popradctl nas add 'a\x1b[2J' 10.0.0.0/8", CTL_USAGE, "control characters");
	bad("popradctl 'a\x1b[2J'", CTL_USAGE, "no command");
	bad("popradctl nas 'a\x1b[2J'", CTL_USAGE, "no command");
	bad("popradctl nas list '--a\x1b[2J'", CTL_USAGE, "no option");
}

static void test_a_password_is_never_repeated(void)
{
	bad("popradctl subscriber add a@b.example --plan p --password '{rot13}frperg'", CTL_USAGE,
		"--password");
	CU_ASSERT_PTR_NULL(strstr(messages, "frperg"));
}

static void check_parameters(const struct parameter *table, bool are_options)
{
	for (const struct parameter *one = table; one != NULL && one->name != NULL; one++) {
		CU_ASSERT_PTR_NOT_NULL(one->sentence);
		CU_ASSERT_TRUE(!are_options || one->type == VALUE_FLAG || one->form != NULL);
		CU_ASSERT_TRUE(are_options || one->type != VALUE_FLAG);
		for (const struct parameter *other = one + 1; other->name != NULL; other++)
			CU_ASSERT_STRING_NOT_EQUAL(one->name, other->name);
	}
}

static void check_command(const struct noun *noun, const struct command *command)
{
	struct call call;

	CU_ASSERT_PTR_NOT_NULL_FATAL(command->sentence);
	CU_ASSERT_PTR_NOT_NULL_FATAL(command->example);
	check_parameters(command->arguments, false);
	check_parameters(command->options, true);
	call = good(command->example);
	CU_ASSERT_PTR_EQUAL(call.noun, noun);
	CU_ASSERT_PTR_EQUAL(call.command, command);
	memset(help, 0, sizeof(help));
	call.out = fmemopen(help, sizeof(help), "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(call.out);
	call_print_help(&call);
	fclose(call.out);
	CU_ASSERT_PTR_NOT_NULL(strstr(help, command->example));
	for (const struct parameter *option = command->options;
		option != NULL && option->name != NULL; option++)
		CU_ASSERT_PTR_NOT_NULL(strstr(help, option->name));
	talloc_free(call.ctx);
}

static void test_every_command_explains_itself(void)
{
	for (const struct noun *noun = ctl_nouns; noun->name != NULL; noun++)
		for (const struct command *command = noun->commands; command->run != NULL;
			command++)
			check_command(noun, command);
}

static void test_the_manual_has_every_command(void)
{
	FILE *out = fmemopen(help, sizeof(help), "w");
	char item[256];

	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	ctl_print_manual(out);
	CU_ASSERT_EQUAL(fclose(out), 0);
	for (const struct noun *noun = ctl_nouns; noun->name != NULL; noun++)
		for (const struct command *command = noun->commands; command->verb != NULL;
			command++) {
			snprintf(item, sizeof(item), ".It Cm \"%s\" Cm \"%s\"", noun->name,
				command->verb);
			CU_ASSERT_PTR_NOT_NULL(strstr(help, item));
		}
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"the lines that teach", test_the_lines_that_teach},
		{"options in every place", test_options_in_every_place},
		{"wrong lines", test_wrong_lines},
		{"a password is never repeated", test_a_password_is_never_repeated},
		{"every command explains itself", test_every_command_explains_itself},
		{"the manual has every command", test_the_manual_has_every_command},
		CU_TEST_INFO_NULL,
	};
	return suite_run("ctl_command", tests);
}
