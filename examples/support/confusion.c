/* confusion.c: which classes a classifier takes for which. */
#include "config.h"

#include "support/confusion.h"

#include <stdio.h>
#include <string.h>

enum { MOST_CLASSES = 20, NAME_WIDTH = 12 }; /* more would not fit on a page */

static size_t cells(const confusion *matrix)
{
    return (size_t)matrix->classes * matrix->classes;
}

static uint32_t cell(const confusion *matrix, uint32_t truth, uint32_t prediction)
{
    return matrix->counts[(size_t)truth * matrix->classes + prediction];
}

confusion confusion_create(ag_arena *arena, uint32_t classes)
{
    confusion matrix = {.classes = classes};
    matrix.counts = ag_arena_alloc(arena, cells(&matrix) * sizeof *matrix.counts);
    if (matrix.counts != NULL) confusion_clear(&matrix);
    return matrix;
}

void confusion_clear(confusion *matrix)
{
    memset(matrix->counts, 0, cells(matrix) * sizeof *matrix->counts);
}

void confusion_add(confusion *matrix, uint32_t truth, uint32_t prediction)
{
    matrix->counts[(size_t)truth * matrix->classes + prediction]++;
}

uint32_t confusion_total(const confusion *matrix)
{
    uint32_t total = 0;
    for (size_t i = 0; i < cells(matrix); i++)
        total += matrix->counts[i];
    return total;
}

uint32_t confusion_correct(const confusion *matrix)
{
    uint32_t correct = 0;
    for (uint32_t i = 0; i < matrix->classes; i++)
        correct += cell(matrix, i, i);
    return correct;
}

double confusion_accuracy(const confusion *matrix)
{
    uint32_t total = confusion_total(matrix);
    return total > 0 ? (double)confusion_correct(matrix) / total : 0.0;
}

static void print_row(const confusion *matrix, uint32_t truth, const char *name)
{
    uint32_t row_total = 0;
    printf("%-*s%3u", NAME_WIDTH, name, truth);
    for (uint32_t i = 0; i < matrix->classes; i++) {
        uint32_t count = cell(matrix, truth, i);
        row_total += count;
        if (count > 0)
            printf("%5u", count);
        else
            printf("%5s", ".");
    }
    if (row_total > 0)
        printf("   %5.1f %%\n", 100.0 * cell(matrix, truth, truth) / row_total);
    else
        printf("   %7s\n", "none");
}

void confusion_print(const confusion *matrix, const char *const *names)
{
    if (matrix->classes > MOST_CLASSES) return;
    printf("%-*s   predicted as\n%-*s   ", NAME_WIDTH, "", NAME_WIDTH, "true class");
    for (uint32_t i = 0; i < matrix->classes; i++)
        printf("%5u", i);
    printf("     correct\n");
    for (uint32_t i = 0; i < matrix->classes; i++)
        print_row(matrix, i, names != NULL ? names[i] : "");
}
