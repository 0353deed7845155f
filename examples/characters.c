/*
 * characters.c: a network learns to guess each character of a book from the 10 before it, in fewer
 * bits than counts of triples of characters need, and then writes a text of its own.
 */
#include <autograd/autograd.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "support/example.h"
#include "support/progress.h"

enum { CONTEXT = 10, EMBEDDING = 24, HIDDEN = 256, BATCH = 64, STEPS = 6000, MOST = 128 };

static ag_arena *permanent, *step;
static ag_random generator;
static char symbols[MOST];                  /* the different characters, in ASCII */
static uint32_t num_symbols, length, split; /* the last tenth of the text is for the test */
static int32_t text[1 << 18];               /* each character by its place in symbols */
static ag_variable *table;                  /* [num_symbols, EMBEDDING] */
static ag_module *network; /* from CONTEXT embeddings to the logits of the next character */

static bool read_text(const char *path)
{
    FILE *file = fopen(path, "r");
    for (int c; file != NULL && (c = getc(file)) != EOF && length < sizeof text / sizeof *text;) {
        char *known = memchr(symbols, c & 127, num_symbols);
        if (known == NULL) *(known = symbols + num_symbols++) = (char)(c & 127);
        text[length++] = (int32_t)(known - symbols);
    }
    split = length - length / 10;
    if (file == NULL || length == 0) perror(path);
    return file != NULL && fclose(file) == 0 && length > 0;
}

/* The logits of what stands at these places, from what stands before them. */
static ag_variable *guess(uint32_t count, const uint32_t *places)
{
    ag_indices *contexts = ag_indices_create(step, 2, (uint32_t[]){count, CONTEXT});
    for (uint32_t i = 0; contexts != NULL && i < count; i++)
        memcpy(contexts->data + i * CONTEXT, text + places[i] - CONTEXT, CONTEXT * sizeof *text);
    return ag_module_forward(network, step, ag_embedding(step, table, contexts));
}

static ag_variable *loss_of(uint32_t count, const uint32_t *places)
{
    ag_tensor *target = ag_tensor_create_zeros(step, 2, (uint32_t[]){count, num_symbols});
    for (uint32_t i = 0; target != NULL && i < count; i++)
        target->data[i * num_symbols + (uint32_t)text[places[i]]] = 1;
    return ag_cross_entropy_loss(step, guess(count, places), ag_create_leaf(step, target, false),
                                 AG_REDUCTION_MEAN);
}

static bool train(void)
{
    ag_optimizer *optimizer =
        ag_adamw_create(permanent, ag_module_num_parameters(network),
                        ag_module_parameters(network, permanent), ag_adamw_defaults());
    ag_optimizer_add_group(optimizer, 1, &table, 1, 0.01f);
    ag_cosine_schedule rate = {.learning_rate = 2e-3f, .num_steps = STEPS};
    progress bar = progress_start("training", STEPS);
    char details[32];
    for (size_t i = 0; i < STEPS; i++) {
        uint32_t places[BATCH];
        for (int k = 0; k < BATCH; k++)
            places[k] = CONTEXT + ag_random_below(&generator, split - CONTEXT);
        ag_optimizer_zero_grad(optimizer);
        ag_optimizer_set_learning_rate(optimizer, ag_schedule_cosine(&rate, i));
        ag_variable *loss = loss_of(BATCH, places);
        if (ag_backward(step, loss) != AG_OK || ag_optimizer_step(optimizer) != AG_OK) return false;
        snprintf(details, sizeof details, "loss %.3f", (double)loss->data->data[0]);
        if (progress_is_due(&bar)) progress_draw(&bar, i, details);
        ag_arena_reset(step);
    }
    progress_finish(&bar, details);
    return true;
}

/* Bits for each character of the test part; NaN on failure. */
static double bits_of_network(void)
{
    double sum = 0;
    for (uint32_t place = split; place < length; place++, ag_arena_reset(step)) {
        ag_variable *loss = loss_of(1, &place);
        sum += loss != NULL ? (double)loss->data->data[0] / log(2) : (double)NAN;
    }
    return sum / (length - split);
}

/* The same by counts of the training part. Of fewer characters they weigh as much as 5 occurrences. */
static double bits_of_triples(void)
{
    static double single[MOST], pair[MOST][MOST], triple[MOST][MOST][MOST];
    static double after[MOST], after_pair[MOST][MOST];
    double bits = 0;
    for (uint32_t i = 2; i < length; i++) {
        int32_t a = text[i - 2], b = text[i - 1], c = text[i];
        double share = (single[c] + 1) / (split - 2 + num_symbols);
        share = (pair[b][c] + 5 * share) / (after[b] + 5);
        share = (triple[a][b][c] + 5 * share) / (after_pair[a][b] + 5);
        if (i < split)
            single[c]++, pair[b][c]++, triple[a][b][c]++, after[b]++, after_pair[a][b]++;
        else
            bits -= log2(share);
    }
    return bits / (length - split);
}

/* Goes on after the first characters of the test part, drawing each by (about) its probability. */
static void write_text(uint32_t count)
{
    for (uint32_t i = split + CONTEXT; i < split + CONTEXT + count; i++, ag_arena_reset(step)) {
        ag_variable *shares = ag_softmax(step, ag_scale(step, guess(1, &i), 1.3f)); /* sharper */
        float left = ag_random_uniform(&generator, 0, 1);
        int32_t last = shares != NULL ? (int32_t)num_symbols - 1 : 0;
        for (text[i] = 0; text[i] < last && (left -= shares->data->data[text[i]]) > 0;)
            text[i]++;
        putchar(symbols[text[i]]);
    }
}

int main(void)
{
    permanent = ag_arena_create(0), step = ag_arena_create(0), generator = ag_random_create(1);
    if (!read_text(EXAMPLE_DATA "/text/alice.txt")) return 1;
    printf("Alice in Wonderland: %u characters, %u different ones\n", length, num_symbols);
    ag_tensor *embeddings = ag_tensor_create(permanent, 2, (uint32_t[]){num_symbols, EMBEDDING});
    ag_tensor_fill_normal(embeddings, &generator, 0, 1);
    table = ag_create_leaf(permanent, embeddings, true);
    ag_module *layers[] = {
        ag_module_flatten(permanent),
        ag_module_linear(permanent, &generator, CONTEXT * EMBEDDING, HIDDEN, true),
        ag_module_activation(permanent, "gelu", ag_gelu),
        ag_module_dropout(permanent, &generator, 0.2f),
        ag_module_linear(permanent, &generator, HIDDEN, num_symbols, true)};
    network = ag_module_sequential(permanent, 5, layers);
    if (!train()) return example_failed();
    ag_module_set_training(network, false);
    ag_set_grad_enabled(false);
    double bits = bits_of_network(), counted = bits_of_triples();
    printf("\n");
    write_text(500);
    printf("\n\nBits per unseen character: %.3f; by counts of triples: %.3f\n", bits, counted);
    return example_verdict("Bits saved per character", counted - bits, 0.2);
}
