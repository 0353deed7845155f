/* world.h: losses of whole batches behind one way to call them, and what they must give. */
#ifndef TESTS_CONTRASTIVE_WORLD_H
#define TESTS_CONTRASTIVE_WORLD_H

#include <autograd/autograd.h>
#include <check.h>

#define MOST_ROWS 1100
#define MOST_NUMBERS 11200 /* of an input */

extern ag_arena *arena, *temp;

void set_up(void);
void tear_down(void);

/* ---- one way to call them all ---- */

typedef enum kind { PAIRS, HARD, ALL, NCE, CLIP, NT_XENT, SUP_CON, SIGLIP, ARCFACE, KINDS } kind;

extern const char *const names[KINDS];

typedef struct batch {
    kind kind;
    uint32_t rows, others, width; /* others: rows of a second batch, or 0 */
    float parameter, margin;      /* margin, temperature, scale; ArcFace's margin */
    bool soft;
    ag_divisor divisor;
    ag_similarity similarity;
    ag_reduction reduction;
    ag_tensor *inputs[4]; /* [rows, width], [others, width], scale, bias */
    ag_indices *labels;
} batch;

uint32_t num_inputs(const batch *b);
uint32_t anchors(const batch *b);

/* A batch of random numbers, with labels from 0 to 3. */
batch create_batch(kind which, uint32_t rows, uint32_t width, uint64_t seed);

ag_status call_tensors(const batch *b, ag_tensor *out, ag_tensor *const *grads);
ag_variable *call_graph(const batch *b, ag_arena *in, ag_variable *const *v);

ag_tensor *empty_like(const ag_tensor *tensor);

/* call_tensors with new gradients, of all four inputs. */
void compute_bits(const batch *b, ag_tensor *out, ag_tensor **grads);

void assert_near(const batch *b, const char *what, size_t at, double found, double expected);
void assert_equal(float found, float expected);

/* ---- the references ---- */

/* Inputs as doubles, so that differences can be taken. */
typedef struct point {
    double x[MOST_NUMBERS], y[MOST_NUMBERS], scale, bias;
} point;

point point_of(const batch *b);

/* The loss of a point; weights, if not NULL, of its rows without reduction. */
double reference(const batch *b, const point *p, const double *weights);

/* Of each anchor, from the last reference. */
extern double row_values[MOST_ROWS];

/* The reference's difference in one element of an input; p is left as it was. */
double slope(const batch *b, point *p, uint32_t input, size_t element, const double *weights);

/* ---- the rooms ---- */

void add_values(Suite *suite);
void add_graphs(Suite *suite);
void add_edges(Suite *suite);
void add_errors(Suite *suite);

#endif
