/*
 * newton.c: Newton's method for logistic regression of handwritten digits: cross-entropy(X Wᵀ) + λ/2 |W|². Its
 * Hessian H, 640 × 640, is never made: conjugate gradients need no more than H V = Rᵀ X + λ V, R from
 * ag_tensor_cross_entropy_loss_hvp(X Vᵀ). Beside it runs gradient descent at 1 / the largest eigenvalue of H.
 */
#include <autograd/autograd.h>

#include <math.h>
#include <stdio.h>

#include "support/dataset.h"
#include "support/example.h"

#define LAMBDA 1e-3f
#define TOLERANCE 1e-4 /* of |gradient| */
enum { NEWTON_STEPS = 50, CG_STEPS = 100, DESCENT_STEPS = 20000, POWER_STEPS = 50 };

typedef struct problem {
    ag_variable *x, *target; /* [images, 64], [images, 10] */
    ag_arena *step;
    size_t products; /* with the Hessian */
} problem;

static double dot(const ag_tensor *a, const ag_tensor *b)
{
    double sum = 0;
    for (size_t i = 0; i < a->size; i++)
        sum += (double)a->data[i] * (double)b->data[i];
    return sum;
}

/* y = y · scale + x · factor */
static void combine(ag_tensor *y, double scale, const ag_tensor *x, double factor)
{
    for (size_t i = 0; i < y->size; i++)
        y->data[i] = (float)((double)y->data[i] * scale + (double)x->data[i] * factor);
}

/* The loss at w, and its gradient. */
static double evaluate(problem *p, ag_variable *w, ag_tensor *gradient)
{
    ag_zero_grad(w);
    ag_variable *loss = ag_cross_entropy_loss(p->step, ag_linear(p->step, p->x, w, NULL), p->target,
                                              AG_REDUCTION_MEAN);
    if (ag_backward(p->step, loss) != AG_OK) return (double)NAN;
    ag_tensor_copy(gradient, w->grad);
    combine(gradient, 1, w->data, (double)LAMBDA);
    double value = (double)loss->data->data[0] + (double)LAMBDA / 2 * dot(w->data, w->data);
    ag_arena_reset(p->step);
    return value;
}

/* out = H v at w. On failure the library's first reason stands to the end. */
static bool multiply(problem *p, ag_variable *w, ag_tensor *v, ag_tensor *out)
{
    ag_variable *logits = ag_linear(p->step, p->x, w, NULL);
    ag_variable *moved = ag_linear(p->step, p->x, ag_create_leaf(p->step, v, false), NULL);
    ag_tensor *curved = ag_tensor_create(p->step, 2, p->target->data->shape);
    bool made = logits != NULL && moved != NULL &&
                ag_tensor_cross_entropy_loss_hvp(curved, logits->data, p->target->data, moved->data,
                                                 AG_REDUCTION_MEAN) == AG_OK;
    ag_variable *slopes = made ? ag_create_leaf(p->step, curved, false) : NULL;
    ag_variable *product = ag_matmul(p->step, slopes, p->x, true, false);
    if (product != NULL) ag_tensor_copy(out, product->data);
    combine(out, 1, v, (double)LAMBDA);
    ag_arena_reset(p->step);
    p->products++;
    return product != NULL;
}

/* Solves H d = g by conjugate gradients, to a part of |g| that shrinks with it; r, s, h: to work in. */
static void solve(problem *p, ag_variable *w, const ag_tensor *g, ag_tensor *d, ag_tensor *const *t)
{
    ag_tensor *r = t[0], *s = t[1], *h = t[2];
    ag_tensor_fill(d, 0);
    ag_tensor_copy(r, g);
    ag_tensor_copy(s, g);
    double squares = dot(r, r), enough = squares * fmin(0.01, squares);
    for (int i = 0; i < CG_STEPS && squares > enough; i++) {
        if (!multiply(p, w, s, h)) return;
        double alpha = squares / dot(s, h);
        combine(d, 1, s, alpha);
        combine(r, 1, h, -alpha);
        double next = dot(r, r);
        combine(s, next / squares, r, 1);
        squares = next;
    }
}

static int newton(problem *p, ag_variable *w, ag_tensor *const *t)
{
    ag_tensor *g = t[3], *d = t[4];
    for (int step = 0; step < NEWTON_STEPS; step++) {
        double value = evaluate(p, w, g);
        printf("newton  %5d: loss %.6f, |gradient| %.1e, %zu products\n", step, value,
               sqrt(dot(g, g)), p->products);
        if (!(dot(g, g) > TOLERANCE * TOLERANCE)) return step;
        solve(p, w, g, d, t);
        combine(w->data, 1, d, -1); /* convex, and 0 near enough to need no damping */
    }
    return NEWTON_STEPS;
}

static int descent(problem *p, ag_variable *w, ag_tensor *const *t)
{
    ag_tensor *g = t[3], *v = t[4], *h = t[5];
    ag_random random = ag_random_create(1);
    ag_tensor_fill_normal(v, &random, 0, 1);
    double largest = 1;
    for (int i = 0; i < POWER_STEPS && multiply(p, w, v, h); i++) {
        largest = sqrt(dot(h, h) / dot(v, v));
        ag_tensor_copy(v, h);
    }
    for (int step = 0; step < DESCENT_STEPS; step++) {
        double value = evaluate(p, w, g), size = sqrt(dot(g, g));
        if (step % 4000 == 0 || size <= TOLERANCE)
            printf("descent %5d: loss %.6f, |gradient| %.1e\n", step, value, size);
        if (!(size > TOLERANCE)) return step;
        combine(w->data, 1, g, -1 / largest);
    }
    return DESCENT_STEPS;
}

int main(void)
{
    ag_arena *arena = ag_arena_create(0);
    problem p = {.step = ag_arena_create(0)};
    dataset training, test;
    if (!dataset_load(arena, EXAMPLE_DATA "/digits", &training, &test)) return 1;
    const uint32_t shape[] = {training.classes, training.features}, count = training.count;
    ag_tensor *targets = ag_tensor_create_zeros(arena, 2, (uint32_t[]){count, shape[0]});
    ag_tensor *t[6], *weights = ag_tensor_create_zeros(arena, 2, shape);
    for (int i = 0; i < 6; i++)
        t[i] = ag_tensor_create_zeros(arena, 2, shape);
    for (uint32_t i = 0; targets != NULL && i < count; i++)
        targets->data[i * shape[0] + dataset_label(&training, i)] = 1;
    p.x = ag_create_leaf(arena, training.images, false);
    p.target = ag_create_leaf(arena, targets, false);
    ag_variable *w = ag_create_leaf(arena, weights, true);
    if (p.x == NULL || p.target == NULL || w == NULL || t[5] == NULL) return example_failed();
    int newton_steps = newton(&p, w, t);
    ag_tensor_fill(weights, 0);
    int descent_steps = descent(&p, w, t);
    printf("Newton took %d steps, gradient descent %d\n", newton_steps, descent_steps);
    ag_arena_destroy(p.step);
    ag_arena_destroy(arena);
    return example_verdict("Gradient descent's steps for each of Newton's",
                           (double)descent_steps / newton_steps, 100);
}
