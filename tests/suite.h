/* suite.h: what every test program is made of: cases in a suite, its run, and the vectors that it compares with. */
#ifndef TESTS_SUITE_H
#define TESTS_SUITE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* A new case of the suite, with time enough for valgrind; more by tcase_set_timeout. */
static inline TCase *add_case(Suite *suite, const char *name)
{
    TCase *tests = tcase_create(name);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    return tests;
}

/* Runs all tests, prints what failed and one closing line, and gives main's result. */
static inline int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#ifdef TESTS_FOLDER
/* A file of tests/vectors: results of PyTorch. Close with fclose. */
static inline FILE *open_vectors(const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, TESTS_FOLDER "/vectors/%s", name);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    return file;
}
#endif

#endif
