/* confusion.h: which classes a classifier takes for which. */
#ifndef SUPPORT_CONFUSION_H
#define SUPPORT_CONFUSION_H

#include <autograd/autograd.h>

typedef struct confusion {
    uint32_t classes;
    uint32_t *counts; /* [classes, classes]: row the true class, column the predicted one */
} confusion;

/* A matrix of zeros in the arena. On failure counts is NULL. */
confusion confusion_create(ag_arena *arena, uint32_t classes);

void confusion_clear(confusion *matrix);
void confusion_add(confusion *matrix, uint32_t truth, uint32_t prediction);

uint32_t confusion_total(const confusion *matrix);
uint32_t confusion_correct(const confusion *matrix);

/* The share of correct predictions, from 0 to 1. */
double confusion_accuracy(const confusion *matrix);

/* Prints the matrix; names [classes], or NULL where the classes are numbers. */
void confusion_print(const confusion *matrix, const char *const *names);

#endif
