/*
 * language_model.c: a transformer learns to guess each word of a text among more than ten thousand,
 * with a loss that never holds all their logits, and then writes a text of its own.
 *
 *     language_model [--quick] [--unfused] TEXT        make example-language_model fetches a text
 */
#include <autograd/autograd.h>

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "support/example.h"
#include "support/progress.h"

enum { LENGTH = 64, BATCH = 16, WIDTH = 128, HEADS = 4, LAYERS = 2, STEPS = 800, QUICK = 60 };
enum { SPAN = LENGTH + 1, MOST_WORDS = 1 << 17, SLOTS = 1 << 18, MOST_LETTERS = 80 };

static ag_arena *permanent, *step;
static ag_random generator;
static const char *words[MOST_WORDS]; /* words, marks and line ends, in order of appearance */
static uint32_t num_words, length, num_spans;
static int32_t text[1 << 22];          /* each word by its place in words */
static ag_variable *table, *positions; /* [num_words, WIDTH], [LENGTH, WIDTH] */
static ag_module *parts[LAYERS][4];    /* norm, attention, norm, perceptron */
static ag_module *last_norm, *model;   /* of all modules: it names their parameters */
static bool unfused;

static int32_t place_of(const char *word, size_t letters)
{
    static int32_t slots[SLOTS]; /* 1 + a place in words */
    size_t hash = 5381;
    for (size_t i = 0; i < letters; i++)
        hash = hash * 33 + (unsigned char)word[i];
    while (slots[hash %= SLOTS] > 0 && strcmp(words[slots[hash] - 1], word) != 0)
        hash++;
    if (slots[hash] == 0 && num_words < MOST_WORDS) {
        char *kept = ag_arena_alloc(permanent, letters + 1);
        if (kept == NULL) return 0;
        words[num_words++] = memcpy(kept, word, letters + 1);
        slots[hash] = (int32_t)num_words;
    }
    return slots[hash] > 0 ? slots[hash] - 1 : 0;
}

/* Every tenth span of SPAN words is for the test. */
static bool read_text(const char *path)
{
    FILE *file = fopen(path, "r");
    char word[MOST_LETTERS + 1];
    for (int c = ' '; file != NULL && c != EOF && length + 1 < sizeof text / sizeof *text;) {
        size_t n = 0;
        for (; isalpha(c = getc(file)) || c == '\''; word[n++] = (char)c)
            if (n == MOST_LETTERS) break;
        word[n] = '\0';
        if (n > 0) text[length++] = place_of(word, n);
        if (c == '\n' || ispunct(c)) text[length++] = place_of((char[]){(char)c, '\0'}, 1);
    }
    num_spans = length / SPAN;
    if (file == NULL || num_spans < 20) fprintf(stderr, "%s: not a text of 1,300 words\n", path);
    return file != NULL && fclose(file) == 0 && num_spans >= 20;
}

static ag_variable *create_table(uint32_t rows)
{
    ag_tensor *tensor = ag_tensor_create(permanent, 2, (uint32_t[]){rows, WIDTH});
    ag_tensor_fill_normal(tensor, &generator, 0, 0.05f);
    return ag_create_leaf(permanent, tensor, true);
}

static void create_model(void)
{
    ag_module *all[LAYERS * 4 + 1];
    for (int i = 0; i < LAYERS; i++) {
        ag_module *perceptron[] = {ag_module_linear(permanent, &generator, WIDTH, 4 * WIDTH, true),
                                   ag_module_activation(permanent, "gelu", ag_gelu),
                                   ag_module_linear(permanent, &generator, 4 * WIDTH, WIDTH, true)};
        parts[i][0] = ag_module_layer_norm(permanent, WIDTH, 1e-5f);
        parts[i][1] = ag_module_attention(permanent, &generator, WIDTH, HEADS, true);
        parts[i][2] = ag_module_layer_norm(permanent, WIDTH, 1e-5f);
        parts[i][3] = ag_module_sequential(permanent, 3, perceptron);
        memcpy(all + i * 4, parts[i], sizeof parts[i]);
    }
    all[LAYERS * 4] = last_norm = ag_module_layer_norm(permanent, WIDTH, 1e-5f);
    model = ag_module_sequential(permanent, LAYERS * 4 + 1, all);
    table = create_table(num_words);
    positions = create_table(LENGTH);
}

/* What the model knows after each of the words that begin at these places: [count, LENGTH, WIDTH]. */
static ag_variable *understand(uint32_t count, const uint32_t *places)
{
    ag_indices *read = ag_indices_create(step, 2, (uint32_t[]){count, LENGTH});
    ag_indices *where = ag_indices_create(step, 1, (uint32_t[]){LENGTH});
    for (uint32_t i = 0; read != NULL && i < count; i++)
        memcpy(read->data + i * LENGTH, text + places[i], LENGTH * sizeof *text);
    for (int32_t i = 0; where != NULL && i < LENGTH; i++)
        where->data[i] = i;
    ag_variable *x =
        ag_add(step, ag_embedding(step, table, read), ag_embedding(step, positions, where));
    for (int i = 0; i < LAYERS; i++)
        for (int part = 0; part < 4; part += 2) {
            ag_variable *normal = ag_module_forward(parts[i][part], step, x);
            x = ag_add(step, x, ag_module_forward(parts[i][part + 1], step, normal));
        }
    return ag_module_forward(last_norm, step, x);
}

/* The table is also the last layer's weight: a word's logit is its likeness to what comes next. */
static ag_variable *loss_of(uint32_t count, const uint32_t *places)
{
    ag_variable *x = understand(count, places);
    ag_indices *next = ag_indices_create(step, 2, (uint32_t[]){count, LENGTH});
    for (uint32_t i = 0; next != NULL && i < count; i++)
        memcpy(next->data + i * LENGTH, text + places[i] + 1, LENGTH * sizeof *text);
    if (!unfused) return ag_linear_cross_entropy_loss(step, x, table, NULL, next, NULL);
    return ag_cross_entropy_labels_loss(step, ag_linear(step, x, table, NULL), next,
                                        AG_REDUCTION_MEAN);
}

static bool train(size_t steps)
{
    size_t count = ag_module_num_parameters(model);
    ag_optimizer *optimizer = ag_adamw_create(
        permanent, count, ag_module_parameters(model, permanent), ag_adamw_defaults());
    ag_optimizer_add_group(optimizer, 2, (ag_variable *[]){table, positions}, 1, 0.01f);
    ag_cosine_schedule rate = {
        .learning_rate = 3e-3f, .warmup_steps = steps / 10, .num_steps = steps};
    progress bar = progress_start("training", steps);
    char details[32];
    for (size_t i = 0; i < steps; i++, ag_arena_reset(step)) {
        uint32_t places[BATCH];
        for (int k = 0; k < BATCH; k++) {
            uint32_t span = ag_random_below(&generator, num_spans - num_spans / 10);
            places[k] = (span + span / 9) * SPAN;
        }
        ag_optimizer_zero_grad(optimizer);
        ag_optimizer_set_learning_rate(optimizer, ag_schedule_cosine(&rate, i));
        ag_variable *loss = loss_of(BATCH, places);
        if (ag_backward(step, loss) != AG_OK || ag_optimizer_step(optimizer) != AG_OK) return false;
        snprintf(details, sizeof details, "loss %.3f", (double)loss->data->data[0]);
        if (progress_is_due(&bar)) progress_draw(&bar, i, details);
    }
    progress_finish(&bar, details);
    return true;
}

/* Among how many equally likely words the next one of the test is, by the model and by its count alone. */
static void perplexities(double *by_model, double *by_counts)
{
    static double counts[MOST_WORDS];
    double sum = 0, sum_of_counts = 0, seen = num_words, tested = 0;
    for (uint32_t span = 0; span < num_spans; span++)
        for (uint32_t i = span * SPAN + 1; span % 10 != 9 && i < (span + 1) * SPAN; i++, seen++)
            counts[text[i]]++;
    for (uint32_t span = 9; span < num_spans; span += 10, tested += LENGTH, ag_arena_reset(step)) {
        ag_variable *loss = loss_of(1, (uint32_t[]){span * SPAN});
        sum += loss != NULL ? LENGTH * (double)loss->data->data[0] : (double)NAN;
        for (uint32_t i = span * SPAN + 1; i < (span + 1) * SPAN; i++)
            sum_of_counts -= log((counts[text[i]] + 1) / seen);
    }
    *by_model = exp(sum / tested);
    *by_counts = exp(sum_of_counts / tested);
}

/* Goes on after the first test span, drawing each word by (about) its probability. */
static void write_text(uint32_t count)
{
    for (uint32_t i = 9 * SPAN + LENGTH; i < 9 * SPAN + LENGTH + count; i++, ag_arena_reset(step)) {
        ag_variable *x = understand(1, (uint32_t[]){i - LENGTH});
        x = ag_linear(step, ag_slice(step, x, 1, LENGTH - 1, LENGTH), table, NULL);
        ag_variable *shares = ag_softmax(step, ag_scale(step, x, 1.2f)); /* sharper */
        float left = ag_random_uniform(&generator, 0, 1);
        int32_t last = shares != NULL ? (int32_t)num_words - 1 : 0;
        for (text[i] = 0; text[i] < last && (left -= shares->data->data[text[i]]) > 0;)
            text[i]++;
        printf("%s%s", isalpha((unsigned char)*words[text[i]]) ? " " : "", words[text[i]]);
    }
}

int main(int argc, char **argv)
{
    bool quick = false;
    for (; argc > 2; argc--, argv++) {
        quick = quick || strcmp(argv[1], "--quick") == 0;
        unfused = unfused || strcmp(argv[1], "--unfused") == 0;
    }
    if (argc < 2) return fprintf(stderr, "usage: language_model [--quick] [--unfused] TEXT\n"), 2;
    permanent = ag_arena_create(0), step = ag_arena_create(0), generator = ag_random_create(1);
    if (!read_text(argv[1])) return 1;
    printf("%u words, marks and line ends, %u different ones\n", length, num_words);
    create_model();
    if (!train(quick ? QUICK : STEPS)) return example_failed();
    printf("Memory of a step: %.1f MB %s; all logits and their gradients would take %.1f MB\n",
           (double)ag_arena_high_water(step) / 1e6, unfused ? "unfused" : "fused",
           8e-6 * BATCH * LENGTH * num_words);
    double by_model, by_counts;
    ag_set_grad_enabled(false);
    perplexities(&by_model, &by_counts);
    write_text(150);
    printf("\n\nPerplexity of unseen text: %.1f; by the words' counts: %.1f\n", by_model,
           by_counts);
    return example_verdict("Times better than counts", by_counts / by_model, quick ? 1 : 5);
}
