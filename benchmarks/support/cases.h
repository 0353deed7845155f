/* cases.h: the three sizes of the tables, and what operations and losses are called with there. */
#ifndef BENCHMARKS_CASES_H
#define BENCHMARKS_CASES_H

#include "op_calls.h"

typedef struct bench_size {
    const char *name;
    uint32_t elements[2], rows[2], embeddings[2]; /* shapes for the kinds of operations */
    uint32_t sequences[2];                        /* frames of all of them, classes */
    uint32_t product[3];                          /* m, n, k */
    uint32_t images[4];                           /* batch, channels in, edge, channels out */
} bench_size;

enum { NUM_SIZES = 3 };
extern const bench_size bench_sizes[NUM_SIZES];

/*
 * What is timed: the entries of the table, and ctc_loss of log_softmax, which follows the losses. As there,
 * by number or by name, NULL if there is none.
 */
enum { NUM_OTHER_LOSSES = 1 };
const op_entry *bench_entry(int index);
const op_entry *bench_find(const char *name);
static inline int num_bench_entries(void)
{
    return num_op_entries + NUM_OTHER_LOSSES;
}
static inline int num_bench_losses(void)
{
    return num_loss_entries + NUM_OTHER_LOSSES;
}

/* What an operation is called with at a size. */
op_case case_at(const op_entry *entry, const bench_size *size);

/* What a loss is called with if its first input is [rows, columns]. */
op_case loss_case(const op_entry *entry, uint32_t rows, uint32_t columns);

/* Inputs as op_create_inputs has them; labels of ctc_loss are classes, none of them the blank. */
op_arguments case_inputs(const op_case *c, ag_arena *arena);

/* Which cells of a table are wanted. */
typedef struct selection {
    const char *size; /* NULL: all */
    char **names;
    int num_names; /* 0: all */
} selection;

bool is_selected(const selection *s, const op_entry *entry, const bench_size *size);

/* Whether the selection's size and names exist; if not, says so on standard error. */
bool selection_is_known(const selection *s, const char *program);

#endif
