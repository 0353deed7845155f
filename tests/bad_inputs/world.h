/* world.h: what the calls of calls.def are made with. */
#ifndef AG_TESTS_WORLD_H
#define AG_TESTS_WORLD_H

#include "bad_inputs/bad_inputs.h"

/* What the calls are made with. */
typedef struct world {
    ag_arena *arena; /* which is watched */
    ag_arena *temp;
    ag_arena *tight; /* it may hold 64 bytes */
    ag_arena *steps; /* to be rewound */
    ag_mark mark, stale;

    uint32_t shape[2], overflow[4];
    float numbers[7];
    ag_tensor *scalar, *matrix, *same; /* matrices [2, 3] of different memory */
    ag_tensor *shifted;                /* of matrix's memory, one element on */
    ag_tensor *wide;                   /* [3, 2] */
    ag_tensor *scratch;                /* in temp */
    ag_tensor no_data, rank_0, rank_9, wrong_size, tall_tensor, taller_tensor;

    ag_variable *leaf, *turned;        /* [2, 3], [3, 2] */
    ag_variable *product, *root;       /* leaf · leaf, and the sum of that */
    ag_variable *frozen, *frozen_root; /* they want no gradient */
    ag_variable *moved;                /* in the optimiser's care, with a gradient */
    ag_variable *empty;                /* without data, gradient and name */
    ag_variable *tall, *taller;        /* they say that they have 2^31 - 1 and 2^32 - 1 rows */
    ag_optimizer *optimizer;
    ag_sgd_options sgd;
    ag_random random;
    ag_gradcheck_report report;
    bool flag;

    ag_tensor *one, *labels, *cube; /* [1], [2], [1, 2, 2] */
    uint32_t column;
    double number;
    ag_variable *fresh, *spoilt;   /* leaves of no optimizer, the second in temp, to be spoilt */
    ag_variable *gone, *gone_root; /* of an arena that was rewound */
    ag_optimizer *lbfgs, *adam;
    ag_one_cycle_schedule cycle;
    ag_optimizer_state state;
    ag_dataset *dataset, *first, *second;
    ag_normalization *normalization;
    ag_table *table;           /* columns a, n, gap: words, numbers, nothing */
    ag_categories *categories; /* of a */
    ag_checkpoint checkpoint;
    ag_named_tensor named;
    ag_tensor_file *file; /* one tensor "a", [2, 3] */
    ag_batches *batches;
    ag_csv_log *log, *closed; /* of column "a" */
    ag_plot_series series;
    ag_plot_panel panel;
    ag_plot plot; /* of one panel with one series */
    ag_dl_managed_tensor *managed;
    ag_module *model; /* from 3 to 2 numbers */
    ag_trace *trace;
} world;

extern world w;

/* Before and after each test. */
void create_world(void);
void destroy_world(void);

/* Before and after all of them: a folder with files of all kinds. */
void create_folder(void);
void destroy_folder(void);

/* The path of a file in the folder; good for eight calls. */
const char *in_folder(const char *name);

/* A number that changes with any name or byte in the folder. */
uint64_t folder_fingerprint(void);

#endif
