/* memory.c: memory that runs out, or is not asked for. */
#include "config.h"

#include "engine/world.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "assertions.h"
#include "suite.h"

/* ---- memory that runs out ---- */

/* What each of them is made from; all of it lives in the permanent arena. */
typedef struct ingredients {
    ag_variable *x, *weight, *bias, *labels, *node;
} ingredients;

static void *make_tensor(ag_arena *arena, const ingredients *in)
{
    return ag_tensor_create_from(arena, 2, in->x->data->shape, in->x->data->data);
}

static void *make_leaf(ag_arena *arena, const ingredients *in)
{
    return ag_create_leaf(arena, in->x->data, true);
}

static void *make_node(ag_arena *arena, const ingredients *in)
{
    return ag_create_node(arena, "own", in->x->data, 2, (ag_variable *[]){in->x, in->weight},
                          cube_backward);
}

static void *save_tensor(ag_arena *arena, const ingredients *in)
{
    return ag_save_tensors(arena, in->node, 1, &in->x->data) == AG_OK ? in->node : NULL;
}

static void *make_linear(ag_arena *arena, const ingredients *in)
{
    return ag_linear(arena, in->x, in->weight, in->bias);
}

static void *make_gelu(ag_arena *arena, const ingredients *in)
{
    return ag_gelu(arena, in->x);
}

static void *make_reshaped(ag_arena *arena, const ingredients *in)
{
    return ag_reshape(arena, in->x, 1, (uint32_t[]){(uint32_t)in->x->data->size});
}

static void *make_cross_entropy(ag_arena *arena, const ingredients *in)
{
    return ag_cross_entropy_loss(arena, in->x, in->labels, AG_REDUCTION_NONE);
}

static void *make_triplet(ag_arena *arena, const ingredients *in)
{
    return ag_triplet_loss(arena, in->x, in->labels, in->x, 1, AG_REDUCTION_MEAN);
}

static void *make_sgd(ag_arena *arena, const ingredients *in)
{
    return ag_sgd_create(arena, 2, (ag_variable *[]){in->x, in->weight},
                         (ag_sgd_options){.learning_rate = 1, .momentum = 0.5f});
}

static void *make_adamw(ag_arena *arena, const ingredients *in)
{
    return ag_adamw_create(arena, 1, (ag_variable *[]){in->x}, ag_adamw_defaults());
}

static const struct {
    void *(*make)(ag_arena *arena, const ingredients *in);
    int allocations; /* that it must take at least, so that each has failed once */
} makers[] = {
    {make_tensor, 2},  {make_leaf, 3}, {make_node, 3},     {save_tensor, 1},
    {make_linear, 6},  {make_gelu, 6}, {make_reshaped, 5}, {make_cross_entropy, 6},
    {make_triplet, 6}, {make_sgd, 4},  {make_adamw, 4},
};

static ingredients create_ingredients(void)
{
    ingredients in = {
        .x = random_leaf(4, 3, true),
        .weight = random_leaf(5, 3, true),
        .bias = leaf(5, (float[]){1, 2, 3, 4, 5}, true),
        .labels = random_leaf(4, 3, false),
    };
    in.node = cube(permanent, in.x, cube_backward);
    return in;
}

/*
 * An arena with something in it and chunks of the least size: each allocation asks the system, so
 * that a limit that grows step by step makes the first one fail, then the second one, …
 */
static ag_arena *create_limited(size_t limit)
{
    ag_arena *arena = ag_arena_create(1);
    ck_assert_ptr_nonnull(arena);
    memset(ag_arena_alloc(arena, 64), 0x5a, 64);
    ag_arena_set_limit(arena, 64 + limit);
    return arena;
}

/* Whether it could be made. If not, nothing may have changed, and without the limit it can be. */
static bool make_within(size_t limit, int maker, const ingredients *in)
{
    ag_arena *arena = create_limited(limit);
    ag_variable x_before = *in->x, node_before = *in->node;
    bool made = makers[maker].make(arena, in) != NULL;
    if (!made) {
        assert_last_failure(AG_ERROR_MEMORY, "limit");
        ck_assert_uint_eq(ag_arena_used(arena), 64);
        ck_assert_mem_eq(in->x, &x_before, sizeof x_before);
        ck_assert_mem_eq(in->node, &node_before, sizeof node_before);
        ag_arena_set_limit(arena, 0);
        ck_assert_ptr_nonnull(makers[maker].make(arena, in));
    }
    ag_arena_destroy(arena);
    return made;
}

START_TEST(an_operation_out_of_memory_takes_nothing)
{
    ingredients in = create_ingredients();
    int failures_seen = 0;
    for (size_t limit = 1; !make_within(limit, _i, &in); limit += 64)
        failures_seen++;
    ck_assert_int_ge(failures_seen, makers[_i].allocations);
}
END_TEST

static bool make_nothing(int way, const ingredients *in)
{
    switch (way) {
    case 0: return ag_add(graph, in->x, in->weight) == NULL; /* shapes */
    case 1: return ag_linear(graph, in->x, in->weight, in->x) == NULL;
    case 2: return ag_reshape(graph, in->x, 1, (uint32_t[]){7}) == NULL;
    case 3: return ag_hinge_loss(graph, in->x, in->labels, AG_REDUCTION_NONE) == NULL; /* domain */
    case 4: return ag_hinge_loss(graph, in->x, in->labels, AG_REDUCTION_MEAN) == NULL;
    case 5: return ag_huber_loss(graph, in->x, in->labels, -1, AG_REDUCTION_MEAN) == NULL;
    case 6: return ag_mse_loss(graph, in->x, in->labels, (ag_reduction)4) == NULL;
    default: return ag_read_idx(graph, "/nonexistent/file") == NULL;
    }
}

START_TEST(an_operation_that_fails_takes_nothing)
{
    ingredients in = create_ingredients();
    unsigned char *before = ag_arena_alloc(graph, 64);
    memset(before, 0x5a, 64);
    size_t used = ag_arena_used(graph);
    ck_assert(make_nothing(_i, &in));
    ck_assert_int_ne(ag_last_status(), AG_OK);
    ck_assert_uint_eq(ag_arena_used(graph), used);
    for (int i = 0; i < 64; i++)
        ck_assert_uint_eq(before[i], 0x5a);
}
END_TEST

/* ---- a training step calls no malloc ---- */

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define HAS_ALLOCATOR_OF_ITS_OWN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_ALLOCATOR_OF_ITS_OWN 1
#endif

#if defined(__GLIBC__) && !defined(HAS_ALLOCATOR_OF_ITS_OWN)
#define COUNTS_ALLOCATIONS 1
#else
#define COUNTS_ALLOCATIONS 0
#endif

#if COUNTS_ALLOCATIONS

/* Defined here, these stand in for the C library's in the whole program. */
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *memory, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);
extern void __libc_free(void *memory);

static atomic_bool counting;
static atomic_int allocator_calls;

static void count_call(void)
{
    if (atomic_load(&counting)) atomic_fetch_add(&allocator_calls, 1);
}

void *malloc(size_t bytes)
{
    count_call();
    return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    count_call();
    return __libc_calloc(count, bytes);
}

void *realloc(void *memory, size_t bytes)
{
    count_call();
    return __libc_realloc(memory, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    count_call();
    return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **memory, size_t alignment, size_t bytes)
{
    count_call();
    *memory = __libc_memalign(alignment, bytes);
    return *memory != NULL ? 0 : 12; /* ENOMEM */
}

void free(void *memory)
{
    count_call();
    __libc_free(memory);
}

static void start_counting(void)
{
    atomic_store(&allocator_calls, 0);
    atomic_store(&counting, true);
}

static int stop_counting(void)
{
    atomic_store(&counting, false);
    return atomic_load(&allocator_calls);
}

typedef struct model {
    ag_tensor *images, *labels;
    ag_variable *parameters[4]; /* weights and biases of two layers */
    ag_optimizer *optimizer;
} model;

static const struct {
    uint32_t batch, inputs, hidden, classes;
} model_sizes[] = {{5, 4, 8, 3}, {256, 300, 512, 10}};

static ag_variable *parameter_vector(uint32_t n)
{
    return ag_create_leaf(permanent, ag_tensor_create_zeros(permanent, 1, &n), true);
}

static model create_model(int size)
{
    uint32_t batch = model_sizes[size].batch, hidden = model_sizes[size].hidden;
    uint32_t inputs = model_sizes[size].inputs, classes = model_sizes[size].classes;
    model m = {
        .images = random_leaf(batch, inputs, false)->data,
        .labels = ag_tensor_create_zeros(permanent, 2, (uint32_t[]){batch, classes}),
        .parameters = {random_leaf(hidden, inputs, true), parameter_vector(hidden),
                       random_leaf(classes, hidden, true), parameter_vector(classes)},
    };
    for (uint32_t i = 0; i < batch; i++)
        m.labels->data[i * classes + i % classes] = 1;
    m.optimizer = ag_adamw_create(permanent, 4, m.parameters, ag_adamw_defaults());
    ck_assert_ptr_nonnull(m.optimizer);
    return m;
}

/* One step of training. Returns the loss; NaN on failure. */
static float train(model *m, ag_mark mark)
{
    ag_variable *x = ag_create_leaf(graph, m->images, false);
    ag_variable *target = ag_create_leaf(graph, m->labels, false);
    ag_variable *hidden = ag_relu(graph, ag_linear(graph, x, m->parameters[0], m->parameters[1]));
    ag_variable *logits = ag_linear(graph, hidden, m->parameters[2], m->parameters[3]);
    ag_variable *loss = ag_cross_entropy_loss(graph, logits, target, AG_REDUCTION_MEAN);
    bool fine = ag_backward(temp, loss) == AG_OK && ag_optimizer_step(m->optimizer) == AG_OK &&
                ag_optimizer_zero_grad(m->optimizer) == AG_OK;
    float value = fine ? loss->data->data[0] : NAN;
    return ag_arena_rewind(graph, mark) == AG_OK ? value : NAN;
}

START_TEST(a_training_step_calls_no_malloc)
{
    model m = create_model(_i);
    ag_mark mark = ag_arena_mark(graph);
    ag_set_num_threads(2);
    float first = train(&m, mark), last = NAN;
    for (int step = 0; step < 5; step++) /* threads and BLAS make themselves at home */
        train(&m, mark);
    start_counting();
    for (int step = 0; step < 20; step++)
        last = train(&m, mark);
    ck_assert_int_eq(stop_counting(), 0);
    ck_assert(last < first);
}
END_TEST

START_TEST(allocations_are_counted_at_all)
{
    if (getenv("AG_UNDER_VALGRIND") != NULL) return; /* which takes our allocator's place */
    start_counting();
    ag_arena_destroy(ag_arena_create(0));
    ck_assert_int_eq(stop_counting(), 2);
}
END_TEST

#endif

/* ---- memory that does not grow ---- */

typedef ag_variable *pair_loss(ag_arena *, ag_variable *, ag_variable *, ag_reduction);

static ag_variable *huber(ag_arena *arena, ag_variable *x, ag_variable *t, ag_reduction reduction)
{
    return ag_huber_loss(arena, x, t, 1, reduction);
}

static ag_variable *l2(ag_arena *arena, ag_variable *x, ag_variable *t, ag_reduction reduction)
{
    (void)t;
    return ag_l2_loss(arena, x, reduction);
}

static ag_variable *triplet(ag_arena *arena, ag_variable *x, ag_variable *t, ag_reduction reduction)
{
    return ag_triplet_loss(arena, x, t, t, 1, reduction);
}

static pair_loss *const losses[] = {
    ag_mse_loss,           ag_l1_loss,  huber,          ag_bce_loss, ag_bce_with_logits_loss,
    ag_cross_entropy_loss, ag_nll_loss, ag_kl_div_loss, l2,          triplet};

/* What a loss and its backward take of the arena beside the prediction, which is a node or a leaf. */
static size_t bytes_of_loss(pair_loss *loss, uint32_t rows, bool node)
{
    ag_arena *arena = ag_arena_create(0);
    ag_variable *x = random_leaf(rows, 300, true), *t = random_leaf(rows, 300, false);
    for (size_t i = 0; i < x->data->size; i++) {
        x->data->data[i] = 0.5f + 0.4f * sinf((float)i);
        t->data->data[i] = 0.5f;
    }
    if (node) x = ag_scale(arena, x, 1);
    size_t before = ag_arena_high_water(arena);
    ck_assert_int_eq(ag_backward(arena, loss(arena, x, t, AG_REDUCTION_MEAN)), AG_OK);
    size_t bytes = ag_arena_high_water(arena) - before;
    ag_arena_destroy(arena);
    return bytes;
}

START_TEST(a_loss_takes_memory_that_does_not_grow)
{
    for (int node = 0; node < 2; node++) {
        size_t bytes = bytes_of_loss(losses[_i], 3, node != 0);
        ck_assert_uint_lt(bytes, 1024);
        ck_assert_uint_eq(bytes_of_loss(losses[_i], 700, node != 0), bytes);
    }
}
END_TEST

void add_memory(Suite *suite)
{
    TCase *tests = add_case(suite, "memory");
    tcase_add_checked_fixture(tests, create_arenas, destroy_arenas);
    tcase_add_loop_test(tests, an_operation_out_of_memory_takes_nothing, 0, COUNT_OF(makers));
    tcase_add_loop_test(tests, an_operation_that_fails_takes_nothing, 0, 8);
    tcase_add_loop_test(tests, a_loss_takes_memory_that_does_not_grow, 0, COUNT_OF(losses));
#if COUNTS_ALLOCATIONS
    tcase_add_test(tests, allocations_are_counted_at_all);
    tcase_add_loop_test(tests, a_training_step_calls_no_malloc, 0, COUNT_OF(model_sizes));
#endif
}
