/* torch_results.c: reading PyTorch's results. */
#include "config.h"

#include "torch_results.h"

#include <inttypes.h>
#include <string.h>

static numbers *tensor_named(torch_result *r, const char *key)
{
    unsigned bits, k;
    if (strcmp(key, "upstream") == 0) return &r->upstream;
    if (sscanf(key, "value%u", &bits) == 1) return &r->value[bits == 64 ? FLOAT64 : FLOAT32];
    if (sscanf(key, "input%u", &k) == 1 && k < MAX_TENSORS) return &r->inputs[k];
    if (sscanf(key, "gradient%u_%u", &bits, &k) == 2 && k < MAX_TENSORS)
        return &r->gradients[k][bits == 64 ? FLOAT64 : FLOAT32];
    return NULL;
}

static bool read_numbers(FILE *file, ag_arena *arena, numbers *n)
{
    bool good = fscanf(file, "%" SCNu32, &n->shape.ndims) == 1 && n->shape.ndims <= AG_MAX_DIMS;
    n->size = 1;
    for (uint32_t i = 0; good && i < n->shape.ndims; i++) {
        good = fscanf(file, "%" SCNu32, &n->shape.dims[i]) == 1;
        n->size *= n->shape.dims[i];
    }
    n->values = good ? ag_arena_alloc(arena, n->size * sizeof *n->values) : NULL;
    good = n->values != NULL;
    for (size_t i = 0; good && i < n->size; i++)
        good = fscanf(file, "%lf", &n->values[i]) == 1;
    return good;
}

static bool read_case(FILE *file, torch_result *r)
{
    memset(r, 0, sizeof *r);
    return fscanf(file, "%31s %47s %15s %47s %f %" SCNu32, r->op, r->formula, r->group, r->label,
                  &r->parameter, &r->transposes) == 6;
}

static bool skip_line(FILE *file)
{
    int c;
    do
        c = getc(file);
    while (c != '\n' && c != EOF);
    return c != EOF;
}

bool torch_read_result(FILE *file, ag_arena *arena, torch_result *r)
{
    char word[64];
    bool good = true;
    while (good && fscanf(file, "%63s", word) == 1) {
        numbers *tensor = tensor_named(r, word);
        if (tensor != NULL) {
            good = read_numbers(file, arena, tensor);
        } else if (strcmp(word, "case") == 0) {
            ag_arena_reset(arena);
            good = read_case(file, r);
        } else if (strcmp(word, "result") == 0) {
            memset(r->gradients, 0, sizeof r->gradients);
            good = fscanf(file, "%15s", r->reduction) == 1;
        } else if (word[0] == '#') {
            good = skip_line(file);
        } else {
            return strcmp(word, "end") == 0;
        }
    }
    return false;
}

ag_reduction torch_reduction(const torch_result *result)
{
    static const char *const names[] = {
        [AG_REDUCTION_MEAN] = "mean",
        [AG_REDUCTION_SUM] = "sum",
        [AG_REDUCTION_NONE] = "none",
        [AG_REDUCTION_BATCHMEAN] = "batchmean",
    };
    int reduction = 0;
    while (strcmp(names[reduction], result->reduction) != 0)
        reduction++;
    return (ag_reduction)reduction;
}
