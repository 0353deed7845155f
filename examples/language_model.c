/*
 * language_model.c: a transformer learns to guess each word of a dictionary among tens of thousands, with a
 * loss that never holds all their logits, and then writes entries of its own.
 */
#include <autograd/autograd.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/example.h"
#include "support/progress.h"
#include "support/words.h"

enum { LENGTH = 64, BATCH = 16, WIDTH = 128, HEADS = 4, LAYERS = 2, STEPS = 500, QUICK = 20 };
enum { SPAN = LENGTH + 1 }; /* every tenth span of words is for the test */

static ag_arena *permanent, *step;
static ag_random generator;
static words book;
static int32_t *text = book.text;
static ag_variable *table, *positions; /* [vocabulary, WIDTH], [LENGTH, WIDTH] */
static ag_module *blocks[2 * LAYERS];  /* attention and perceptron by turns, each after a norm */
static ag_module *last_norm, *model;   /* of all modules: it names their parameters */

static ag_variable *create_table(uint32_t rows)
{
    ag_tensor *tensor = ag_tensor_create(permanent, 2, (uint32_t[]){rows, WIDTH});
    ag_tensor_fill_normal(tensor, &generator, 0, 0.05f);
    return ag_create_leaf(permanent, tensor, true);
}

static void create_model(void)
{
    ag_module *all[2 * LAYERS + 1];
    for (int i = 0; i < 2 * LAYERS; i += 2) {
        ag_module *attention[] = {ag_module_layer_norm(permanent, WIDTH, 1e-5f),
                                  ag_module_attention(permanent, &generator, WIDTH, HEADS, true)};
        ag_module *perceptron[] = {ag_module_layer_norm(permanent, WIDTH, 1e-5f),
                                   ag_module_linear(permanent, &generator, WIDTH, 4 * WIDTH, true),
                                   ag_module_activation(permanent, "gelu", ag_gelu),
                                   ag_module_linear(permanent, &generator, 4 * WIDTH, WIDTH, true)};
        all[i] = blocks[i] = ag_module_sequential(permanent, 2, attention);
        all[i + 1] = blocks[i + 1] = ag_module_sequential(permanent, 4, perceptron);
    }
    all[2 * LAYERS] = last_norm = ag_module_layer_norm(permanent, WIDTH, 1e-5f);
    model = ag_module_sequential(permanent, 2 * LAYERS + 1, all);
    table = create_table(book.vocabulary);
    positions = create_table(LENGTH);
}

/* What the model knows after each of the words that begin at these places: [count, LENGTH, WIDTH]. */
static ag_variable *understand(uint32_t count, const uint32_t *places)
{
    ag_indices *read = words_after(&book, step, count, places, 0, LENGTH);
    ag_variable *x = ag_add(step, ag_embedding(step, table, read), positions);
    for (int i = 0; i < 2 * LAYERS; i++)
        x = ag_add(step, x, ag_module_forward(blocks[i], step, x));
    return ag_module_forward(last_norm, step, x);
}

/* The table is also the last layer's weight: a word's logit is its likeness to what comes next. */
static ag_variable *loss_of(uint32_t count, const uint32_t *places, bool fused)
{
    ag_indices *next = words_after(&book, step, count, places, 1, LENGTH);
    ag_variable *x = understand(count, places);
    if (fused) return ag_linear_cross_entropy_loss(step, x, table, NULL, next, NULL);
    return ag_cross_entropy_labels_loss(step, ag_linear(step, x, table, NULL), next,
                                        AG_REDUCTION_MEAN);
}

static bool train(size_t steps)
{
    ag_optimizer *optimizer =
        ag_adamw_create(permanent, ag_module_num_parameters(model),
                        ag_module_parameters(model, permanent), ag_adamw_defaults());
    ag_optimizer_add_group(optimizer, 2, (ag_variable *[]){table, positions}, 1, 0.01f);
    ag_cosine_schedule rate = {
        .learning_rate = 3e-3f, .warmup_steps = steps / 10, .num_steps = steps};
    progress bar = progress_start("training", steps);
    char details[32];
    for (size_t i = 0; i < steps; i++, ag_arena_reset(step)) {
        uint32_t places[BATCH];
        for (int k = 0; k < BATCH; k++)
            places[k] = words_training_span(&book, &generator, SPAN);
        ag_optimizer_zero_grad(optimizer);
        ag_optimizer_set_learning_rate(optimizer, ag_schedule_cosine(&rate, i));
        ag_variable *loss = loss_of(BATCH, places, true);
        if (ag_backward(step, loss) != AG_OK || ag_optimizer_step(optimizer) != AG_OK) return false;
        snprintf(details, sizeof details, "loss %.3f", (double)loss->data->data[0]);
        if (progress_is_due(&bar)) progress_draw(&bar, i, details);
    }
    progress_finish(&bar, details);
    return true;
}

/* Among how many equally likely words the model would have to guess as it does in the test. */
static double perplexity(uint32_t last_span)
{
    double sum = 0, count = 0;
    for (uint32_t span = 9; span < last_span; span += 10, count++, ag_arena_reset(step)) {
        ag_variable *loss = loss_of(1, (uint32_t[]){span * SPAN}, true);
        sum += loss != NULL ? (double)loss->data->data[0] : (double)NAN;
    }
    return exp(sum / count);
}

/* Goes on after the first test span, drawing each word by (about) its probability. */
static void write_text(uint32_t count)
{
    for (uint32_t i = 9 * SPAN + LENGTH; i < 9 * SPAN + LENGTH + count; i++, ag_arena_reset(step)) {
        ag_variable *x = understand(1, (uint32_t[]){i - LENGTH});
        x = ag_linear(step, ag_slice(step, x, 1, LENGTH - 1, LENGTH), table, NULL);
        ag_variable *shares = ag_softmax(step, ag_scale(step, x, 1.2f)); /* sharper */
        float left = ag_random_uniform(&generator, 0, 1);
        int32_t last = shares != NULL ? (int32_t)book.vocabulary - 1 : 0;
        for (text[i] = 0; text[i] < last && (left -= shares->data->data[text[i]]) > 0;)
            text[i]++;
        words_print(&book, text[i]);
    }
}

int main(int argc, char **argv)
{
    bool quick = example_is_quick(argc, argv);
    if (argc < 2) return fprintf(stderr, "usage: language_model [--quick] TEXT\n"), EXIT_FAILURE;
    permanent = ag_arena_create(0), step = ag_arena_create(0), generator = ag_random_create(1);
    if (!words_read(&book, permanent, argv[argc - 1])) return EXIT_FAILURE;
    printf("%u words, marks and empty lines, %u different ones\n", book.length, book.vocabulary);
    create_model();
    if (!train(quick ? QUICK : STEPS)) return example_failed();
    double fused = (double)ag_arena_high_water(step) / 1e6;
    if (ag_backward(step, loss_of(BATCH, (uint32_t[BATCH]){0}, false)) != AG_OK)
        return example_failed();
    printf("Memory of a step: %.1f MB; with all logits %.1f MB\n", fused,
           (double)ag_arena_high_water(step) / 1e6);
    ag_set_grad_enabled(false);
    double by_model = perplexity(quick ? 100 : book.length / SPAN);
    double by_counts = words_perplexity_by_counts(&book, SPAN);
    write_text(150);
    printf("\n\nPerplexity of unseen text: %.1f; by the words' counts: %.1f\n", by_model,
           by_counts);
    return example_verdict("Times better than counts", by_counts / by_model, quick ? 0.5 : 2.5);
}
