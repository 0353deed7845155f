/* history.h: how the steps and epochs of a training went, and their curves. */
#ifndef SUPPORT_HISTORY_H
#define SUPPORT_HISTORY_H

#include <autograd/autograd.h>

typedef struct history {
    size_t num_steps, num_epochs;
    size_t steps_done;
    float *losses;              /* [num_steps] */
    float *training_accuracies; /* [num_epochs], in percent, as for the test */
    float *test_accuracies;
} history;

/* Sets the lengths and takes memory for them. On failure ag_last_error says why. */
bool history_create(ag_arena *arena, size_t num_steps, size_t num_epochs, history *created);

/* Draws losses and accuracies over the epochs, as SVG. On failure ag_last_error says why. */
bool history_draw(ag_arena *arena, const history *drawn, const char *title, const char *path);

#endif
