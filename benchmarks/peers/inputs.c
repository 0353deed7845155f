/* inputs.c: the numbers that losses are compared on, the same for all libraries. */
#include "config.h"

#include "peers/inputs.h"

#include <autograd/random.h>

#include <math.h>
#include <string.h>

typedef enum input_kind {
    NO_INPUT,
    NORMAL,
    UNIFORM,
    BITS,
    SIGNS,
    ROW_SIGNS,
    COUNTS,
    CLASSES,
    CLASS_LISTS,
    SEQUENCE_LABELS,
    SOFTMAX,
    LOG_SOFTMAX,
    ONE_HOT
} input_kind;

/* A loss with the kinds of its inputs. Parameters are libtorch's defaults. */
typedef struct loss_inputs {
    const char *name, *words;
    input_kind kinds[AG__MAX_INPUTS];
    double parameter;
} loss_inputs;

static const loss_inputs table[] = {
    {"mse_loss", "normal, normal", {NORMAL, NORMAL}, 0},
    {"l1_loss", "normal, normal", {NORMAL, NORMAL}, 0},
    {"huber_loss", "normal, normal", {NORMAL, NORMAL}, 1},
    {"bce_loss", "uniform, bits", {UNIFORM, BITS}, 0},
    {"bce_with_logits_loss", "normal, bits", {NORMAL, BITS}, 0},
    {"cross_entropy_loss", "normal, softmax", {NORMAL, SOFTMAX}, 0},
    {"cross_entropy_labels_loss", "normal, classes", {NORMAL, CLASSES}, 0},
    {"nll_loss", "log softmax, one-hot", {LOG_SOFTMAX, ONE_HOT}, 0},
    {"nll_labels_loss", "log softmax, classes", {LOG_SOFTMAX, CLASSES}, 0},
    {"kl_div_loss", "log softmax, softmax", {LOG_SOFTMAX, SOFTMAX}, 0},
    {"hinge_loss", "normal, signs", {NORMAL, SIGNS}, 0},
    {"l2_loss", "normal", {NORMAL}, 0},
    {"l1_regularization", "normal", {NORMAL}, 0},
    {"cosine_embedding_loss", "normal, normal, signs", {NORMAL, NORMAL, ROW_SIGNS}, 0},
    {"triplet_loss", "normal, normal, normal", {NORMAL, NORMAL, NORMAL}, 1},
    {"smooth_l1_loss", "normal, normal", {NORMAL, NORMAL}, 1},
    {"soft_margin_loss", "normal, signs", {NORMAL, SIGNS}, 0},
    {"hinge_embedding_loss", "normal, signs", {NORMAL, SIGNS}, 1},
    {"margin_ranking_loss", "normal, normal, signs", {NORMAL, NORMAL, SIGNS}, 0},
    {"poisson_nll_loss", "normal, counts", {NORMAL, COUNTS}, 0},
    {"gaussian_nll_loss", "normal, uniform, normal", {NORMAL, UNIFORM, NORMAL}, 0},
    {"multilabel_soft_margin_loss", "normal, bits", {NORMAL, BITS}, 0},
    {"multi_margin_loss", "normal, classes", {NORMAL, CLASSES}, 1},
    {"multilabel_margin_loss", "normal, lists", {NORMAL, CLASS_LISTS}, 1},
    {"ctc_loss", "normal, sequences", {NORMAL, SEQUENCE_LABELS}, 0},
};

void explain_inputs(void)
{
    printf(
        "Inputs, the same for both libraries:\n"
        "  normal       mean 0, deviation 1, as logits, weights and embeddings have it\n"
        "  uniform      probabilities from 0.02 to 0.98\n"
        "  bits, signs  0 or 1, and -1 or 1, each as often; one for a row where rows are labelled\n"
        "  counts       whole numbers from 0 to 9\n"
        "  softmax      of normal numbers, over each row; its logarithm\n"
        "  one-hot      a random class in each row, spread out: libtorch has no such nll_loss, "
        "and\n"
        "               multiplies and adds instead\n"
        "  classes      the same as whole numbers, int32 for us, int64 for libtorch\n"
        "  lists        four classes of a row, then -1\n"
        "  sequences    of ctc_loss: 16, with a label for four rows, of log_softmax of the "
        "numbers\n"
        "Huber's delta is 1, the cosine's margin 0, the triplet's 1; the others are libtorch's "
        "too.\n"
        "All means, all gradients:\n"
        "to the prediction, to both rows of a pair, to all three of a triplet.\n\n");
}

size_t inputs_bytes(size_t elements)
{
    return AG__MAX_INPUTS * elements * sizeof(float);
}

static void write_softmax(ag_random *random, size_t count, bool logarithm, float *row)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        row[i] = ag_random_normal(random, 0, 1);
        sum += exp((double)row[i]);
    }
    for (size_t i = 0; i < count; i++)
        row[i] = (float)(logarithm ? (double)row[i] - log(sum) : exp((double)row[i]) / sum);
}

static void write_row(ag_random *random, input_kind kind, size_t count, float *row)
{
    switch (kind) {
    case SOFTMAX:
    case LOG_SOFTMAX: write_softmax(random, count, kind == LOG_SOFTMAX, row); break;
    case ONE_HOT:
        memset(row, 0, count * sizeof *row);
        row[ag_random_below(random, (uint32_t)count)] = 1;
        break;
    case CLASS_LISTS:
        for (size_t i = 0; i < count; i++)
            row[i] = i < 4 ? (float)ag_random_below(random, (uint32_t)count) : -1;
        break;
    default:
        for (size_t i = 0; i < count; i++)
            row[i] = kind == NORMAL    ? ag_random_normal(random, 0, 1)
                     : kind == UNIFORM ? ag_random_uniform(random, 0.02f, 0.98f)
                     : kind == COUNTS  ? (float)ag_random_below(random, 10)
                     : kind == BITS    ? (float)ag_random_below(random, 2)
                                       : (float)ag_random_below(random, 2) * 2 - 1;
    }
}

const char *write_inputs(loss_cell *cell, float *memory)
{
    const loss_inputs *found = NULL;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].name, cell->name) == 0) found = &table[i];
    if (found == NULL) return NULL;
    ag_random random = ag_random_create(cell->rows);
    for (int i = 0; i < AG__MAX_INPUTS && found->kinds[i] != NO_INPUT; i++) {
        bool one = found->kinds[i] == ROW_SIGNS || found->kinds[i] == CLASSES ||
                   found->kinds[i] == SEQUENCE_LABELS;
        size_t columns = one ? 1 : cell->columns;
        size_t rows = cell->rows;
        if (found->kinds[i] == SEQUENCE_LABELS) rows /= CTC_FRAMES_PER_LABEL;
        for (size_t row = 0; row < rows; row++, memory += columns)
            if (found->kinds[i] == CLASSES)
                *memory = (float)ag_random_below(&random, cell->columns);
            else if (found->kinds[i] == SEQUENCE_LABELS)
                *memory = (float)(1 + ag_random_below(&random, cell->columns - 1));
            else
                write_row(&random, found->kinds[i], columns, memory);
    }
    cell->parameter = found->parameter;
    return found->words;
}
