/* SPDX-License-Identifier: GPL-2.0-or-later
 * Copyright the poprad authors */
#include "ctl/mysql_dump.h"
#include "suite.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char *const wanted[] = {"radcheck", "nas", NULL};

/* All rows of a file as "table|name=value|...\n", and "fault@line" if it ends with one. */
static void check_octets(const char *text, size_t size, const char *expected)
{
	FILE *file = fmemopen((void *)(uintptr_t)text, size, "r");
	struct mysql_dump *dump = mysql_dump_new(NULL, file, wanted);
	char *got = talloc_strdup(dump, "");

	while (mysql_dump_next(dump)) {
		got = talloc_asprintf_append(got, "%s", dump->table->name);
		for (size_t i = 0; i < dump->count; i++)
			got = talloc_asprintf_append(got, "|%s=%s", dump->table->columns[i],
				dump->values[i] == NULL ? "(null)" : dump->values[i]);
		got = talloc_strdup_append(got, "\n");
	}
	if (dump->fault != NULL)
		got = talloc_asprintf_append(got, "%s@%lu", dump->fault, dump->line);
	if (strcmp(got, expected) != 0)
		fprintf(stderr, "got:\n%s\nexpected:\n%s\n", got, expected);
	CU_ASSERT_STRING_EQUAL(got, expected);
	talloc_free(dump);
	fclose(file);
}

static void check(const char *text, const char *expected)
{
	check_octets(text, strlen(text), expected);
}

#define CREATE                                                                          \
	"CREATE TABLE `radcheck` (\n  `id` int(11) unsigned NOT NULL AUTO_INCREMENT,\n" \
	"  `username` varchar(64) NOT NULL DEFAULT ', (',\n  `value` varchar(253),\n"   \
	"  PRIMARY KEY (`id`),\n  KEY `username` (`username`(32))\n) ENGINE=InnoDB;\n"

static void test_what_mysqldump_writes(void)
{
	check("/*M!999999\\- enable the sandbox mode */ \n"
	      "-- MariaDB dump 10.19\n--\n\n/*!40101 SET NAMES utf8mb4 */;\n"
	      "DROP TABLE IF EXISTS `radcheck`;\n" CREATE "LOCK TABLES `radcheck` WRITE;\n"
	      "/*!40000 ALTER TABLE `radcheck` DISABLE KEYS */;\n"
	      "INSERT INTO `radcheck` VALUES (1,'a','x'),\n(2,'b',NULL);\n"
	      "INSERT INTO `radcheck` VALUES (3,'c','y');\nUNLOCK TABLES;\n",
		"radcheck|id=1|username=a|value=x\nradcheck|id=2|username=b|value=(null)\n"
		"radcheck|id=3|username=c|value=y\n");
}

static void test_names_of_columns(void)
{
	check("insert ignore into radius.`nas` (secret, `nasname`) values ('s','192.0.2.1') ; "
	      "REPLACE INTO nas (nasname) VALUE (-1.5e3)",
		"nas|secret=s|nasname=192.0.2.1\nends within a statement@1");
	check(CREATE "INSERT INTO RadCheck VALUES (1,'a','x') ON DUPLICATE KEY UPDATE id=1;",
		"radcheck|id=1|username=a|value=x\n");
	check("CREATE TABLE IF NOT EXISTS nas (nasname text, index (nasname), ports int);"
	      "INSERT INTO nas VALUES ('a',1);",
		"nas|nasname=a|ports=1\n");
}

static void test_values(void)
{
	check("INSERT INTO nas (a) VALUES "
	      "('it''s'),('\\'\\\"\\\\\\n\\t\\r\\%\\_'),(\"\"\"\"),('');",
		"nas|a=it's\nnas|a='\"\\\n\t\r%_\nnas|a=\"\nnas|a=\n");
	check("INSERT INTO nas (a) VALUES (0x6162),(x'63'),(_binary 'd'),(_utf8mb4'e'),(TRUE),"
	      "( /* of none */ 5 );",
		"nas|a=ab\nnas|a=c\nnas|a=d\nnas|a=e\nnas|a=1\nnas|a=5\n");
	check("INSERT INTO nas (a) VALUES ('a;b),(-- no comment'),('\\0x');",
		"nas|a=a;b),(-- no comment\nnas|a=\\x00x\n");
}

static void test_character_sets(void)
{
	check("INSERT INTO nas (a) VALUES ('\xc3\xa9'),('\xff');", "nas|a=\xc3\xa9\nnas|a=\\xff\n");
	check("/*!40101 SET NAMES latin1 */; INSERT INTO nas (a) VALUES ('\xe9\x80');",
		"nas|a=\xc3\xa9\xe2\x82\xac\n");
	check("SET NAMES utf8; SET NAMES latin2; INSERT INTO nas (a) VALUES ('\xe8');",
		"nas|a=\xc4\x8d\n");
	check("\n/*!40101 SET NAMES klingon */;", "is in a character set that is not known@2");
}

static void test_what_is_passed_over(void)
{
	check("CREATE TABLE other (a text); INSERT INTO other VALUES ('x;\\'');# comment ;\n"
	      "DELIMITER ;;\nCREATE TRIGGER t BEGIN SELECT 'a'; INSERT INTO nas (a) VALUES (1); "
	      "END;;\nDELIMITER ;\nINSERT INTO nas (a) VALUES (2);;\n",
		"nas|a=2\n");
	check("", "");
	check("-- nothing", "");
}

static void test_what_is_malformed(void)
{
	check("\n\nINSERT INTO nas (a) VALUES (1,2);",
		"has a row with another number of values than columns@3");
	check("INSERT INTO nas VALUES (1);", "has rows of a table whose columns are not known: its "
					     "CREATE TABLE must come before them@1");
	check("INSERT INTO nas (a) VALUES ('x", "ends within a value@1");
	check("INSERT INTO nas (a) VALUES ('x\\", "ends within a value@1");
	check("INSERT INTO nas (a) VALUES (now());", "has a value of a form that is not known@1");
	check("INSERT INTO nas (a) SELECT 1;", "has an INSERT of another form than VALUES@1");
	check("INSERT INTO nas (a) VALUES (1) (2);", "nas|a=1\n");
	check("INSERT INTO nas (a VALUES (1);", "has a list of columns that does not end@1");
	check("INSERT INTO nas (a) VALUES (1", "has a row that does not end@1");
	check("INSERT INTO nas (a) VALUES (x'6);", "has a value in hex digits that is none@1");
	check("INSERT INTO nas (a) VALUES ();", "has a value of a form that is not known@1");
	check("INSERT INTO nas (a) VALUES (1),;", "nas|a=1\nhas no row where one is expected@1");
	check("/* ", "ends within a comment@1");
	check("CREATE TABLE `nas", "ends within a name@1");
	check("CREATE TABLE other (a", "ends within a statement@1");
	check("DELIMITER $$\nx\n", "ends before DELIMITER ;@3");
	check_octets("INSERT INTO nas (a) VALUES (\0);", 31,
		"has a value of a form that is not known@1");
}

/* A row may be long, but not of any length. */
static void test_long_rows(void)
{
	size_t size = 2 * DUMP_ROW_MAX;
	char *text = malloc(size + 64);
	size_t head = (size_t)snprintf(text, 64, "INSERT INTO nas (a) VALUES ('");
	struct mysql_dump *dump;
	FILE *file;

	memset(text + head, 'x', size);
	snprintf(text + head + size, 8, "');");
	check(text, "has a row that is too long@1");
	snprintf(text + head + DUMP_ROW_MAX - 1, 8, "');");
	file = fmemopen(text, strlen(text), "r");
	dump = mysql_dump_new(NULL, file, wanted);
	CU_ASSERT_TRUE_FATAL(mysql_dump_next(dump));
	CU_ASSERT_EQUAL(strlen(dump->values[0]), DUMP_ROW_MAX - 1);
	CU_ASSERT_FALSE(mysql_dump_next(dump));
	CU_ASSERT_PTR_NULL(dump->fault);
	talloc_free(dump);
	fclose(file);
	free(text);
}

/* Whatever is cut off or changed, it ends, with rows or a fault. */
static void test_damage(void)
{
	static const char whole[] = "/*!40101 SET NAMES latin1 */;" CREATE
				    "INSERT INTO radcheck VALUES (1,'a\\'',0x61),(2,NULL,'b');\n"
				    "DELIMITER ;;\nx;;\nDELIMITER ;\nSET NAMES utf8mb4;\n";
	size_t size = strlen(whole);

	for (size_t cut = 0; cut < size; cut++)
		for (unsigned change = 0; change < 8; change++) {
			char text[sizeof(whole)];
			FILE *file;
			struct mysql_dump *dump;
			unsigned rows = 0;

			memcpy(text, whole, sizeof(text));
			text[cut] = "\0'\"`(;\\*"[change];
			file = fmemopen(text, change == 0 ? cut + 1 : size, "r");
			dump = mysql_dump_new(NULL, file, wanted);
			while (mysql_dump_next(dump))
				rows++;
			CU_ASSERT_TRUE(rows <= 4);
			talloc_free(dump);
			fclose(file);
		}
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"what mysqldump writes", test_what_mysqldump_writes},
		{"names of columns", test_names_of_columns},
		{"values", test_values},
		{"character sets", test_character_sets},
		{"what is passed over", test_what_is_passed_over},
		{"what is malformed", test_what_is_malformed},
		{"long rows", test_long_rows},
		{"damage", test_damage},
		CU_TEST_INFO_NULL,
	};
	return suite_run("ctl_mysql_dump", tests);
}
