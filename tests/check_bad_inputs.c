/*
 * check_bad_inputs.c: the matrix of bad inputs, and whether it is complete: a public function of
 * tests/exported_symbols.txt without a case is named.
 */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bad_inputs/bad_inputs.h"
#include "suite.h"

#define FEWEST_CASES 400
#define MOST_FUNCTIONS 1024
#define LONGEST_NAME 80

/* Tests run in processes of their own, one after the other, so this is memory that they share. */
static struct tally {
    int cases, functions;
    char tried[MOST_FUNCTIONS][LONGEST_NAME];
} * tally;

static void share_tally(void)
{
    tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tally == MAP_FAILED) abort();
}

bool bad_input_was_tried(const char *function)
{
    for (int i = 0; i < tally->functions; i++)
        if (strcmp(tally->tried[i], function) == 0) return true;
    return false;
}

void bad_input_counted(const char *function)
{
    tally->cases++;
    if (bad_input_was_tried(function)) return;
    ck_assert_int_lt(tally->functions, MOST_FUNCTIONS);
    snprintf(tally->tried[tally->functions++], LONGEST_NAME, "%s", function);
}

/*
 * Whether a message names a function in front: in full, or what it is about, as "sgd: …" does for
 * sgd_create and "mse_loss: …" for tensor_mse_loss_value_and_grad.
 */
static bool names(const char *message, const char *function)
{
    char name[LONGEST_NAME];
    size_t length = strcspn(message, ":");
    if (length == 0 || length >= sizeof name) return false;
    snprintf(name, sizeof name, "%.*s", (int)length, message);
    return strstr(function, name) != NULL;
}

void bad_input_assert(const char *function, const char *doing, ag_status status, ag_status expected,
                      const char *mentioned)
{
    const char *message = ag_last_error();
    ck_assert_msg(status == expected, "%s, %s: status %s (%s) instead of %s", function, doing,
                  ag_status_name(status), message, ag_status_name(expected));
    /* when memory is out, the arena is to blame, which says how much it was asked for */
    bool is_named =
        names(message, function) || (expected == AG_ERROR_MEMORY && names(message, "arena_alloc"));
    ck_assert_msg(is_named, "%s, %s: \"%s\" does not start with the function", function, doing,
                  message);
    ck_assert_msg(strstr(message, mentioned) != NULL, "%s, %s: \"%s\" does not mention %s",
                  function, doing, message, mentioned);
}

/* ---- is the matrix complete? ---- */

/* Runs after all others. */
START_TEST(every_public_function_has_a_case)
{
    FILE *file = fopen(TESTS_FOLDER "/exported_symbols.txt", "r");
    ck_assert_msg(file != NULL, "cannot open %s", TESTS_FOLDER "/exported_symbols.txt");
    char line[LONGEST_NAME], missing[2000] = "";
    size_t length = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (!bad_input_was_tried(line) && length + LONGEST_NAME + 1 < sizeof missing)
            length += (size_t)snprintf(missing + length, sizeof missing - length, " %s", line);
    }
    fclose(file);
    ck_assert_msg(length == 0, "no bad input is tried on%s", missing);
}
END_TEST

START_TEST(there_are_many_cases)
{
    printf("%d cases of bad input for %d functions\n", tally->cases, tally->functions);
    ck_assert_int_ge(tally->cases, FEWEST_CASES);
}
END_TEST

static void add_completeness(Suite *suite)
{
    if (getenv("CK_RUN_CASE") != NULL) return; /* a part alone cannot be complete */
    TCase *tests = add_case(suite, "completeness");
    tcase_add_test(tests, every_public_function_has_a_case);
    tcase_add_test(tests, there_are_many_cases);
}

int main(void)
{
    Suite *suite = suite_create("bad inputs");
    share_tally();
    add_calls(suite);
    add_op_shapes(suite);
    add_op_memory(suite);
    add_op_values(suite);
    add_completeness(suite);
    return run_suite(suite);
}
