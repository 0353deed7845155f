/* dataset.c: data sets, their splits, and normalising their features. */
#include "config.h"

#include "data/dataset.h"

#include <math.h>
#include <stdio.h>

#include "core/status.h"
#include "tensor/shape.h"

/* ---- data sets ---- */

/* Checks features and targets; messages call them by their owner: "" or "training's ". */
static ag_status check_parts(const char *function, const char *owner, const ag_tensor *features,
                             const ag_tensor *targets)
{
    char name[32];
    snprintf(name, sizeof name, "%sfeatures", owner);
    ag_status status = ag__tensor_check(function, name, features);
    if (status != AG_OK || targets == NULL) return status;
    snprintf(name, sizeof name, "%stargets", owner);
    status = ag__tensor_check(function, name, targets);
    if (status == AG_OK && features->shape[0] != targets->shape[0])
        status = ag__fail(AG_ERROR_SHAPE, "%s: %sfeatures are %s but %stargets are %s", function,
                          owner, ag__tensor_shape_text(features).text, owner,
                          ag__tensor_shape_text(targets).text);
    return status;
}

static ag_status check_rows(const char *function, const char *argument, const ag_dataset *dataset)
{
    uint32_t most = dataset->features->shape[0];
    if (dataset->num_rows == 0)
        return ag__fail(AG_ERROR_ARGUMENT, "%s: %s has 0 rows", function, argument);
    if (dataset->rows == NULL && dataset->num_rows > most)
        return ag__fail(AG_ERROR_ARGUMENT, "%s: %s has %u rows, but its features are %s", function,
                        argument, dataset->num_rows, ag__tensor_shape_text(dataset->features).text);
    for (uint32_t i = 0; dataset->rows != NULL && i < dataset->num_rows; i++)
        if (dataset->rows[i] >= most)
            return ag__fail(AG_ERROR_ARGUMENT, "%s: %s's row %u is row %u of features %s", function,
                            argument, i, dataset->rows[i],
                            ag__tensor_shape_text(dataset->features).text);
    return AG_OK;
}

ag_status ag__dataset_check(const char *function, const char *argument, const ag_dataset *dataset)
{
    char owner[24];
    if (dataset == NULL) return ag__fail_null(function, argument);
    snprintf(owner, sizeof owner, "%s's ", argument);
    ag_status status = check_parts(function, owner, dataset->features, dataset->targets);
    return status == AG_OK ? check_rows(function, argument, dataset) : status;
}

ag_dataset *ag_dataset_create(ag_arena *arena, ag_tensor *features, ag_tensor *targets)
{
    if (arena == NULL) {
        ag__fail_null("dataset_create", "arena");
        return NULL;
    }
    if (check_parts("dataset_create", "", features, targets) != AG_OK) return NULL;
    ag_dataset *dataset = ag_arena_alloc(arena, sizeof *dataset);
    if (dataset != NULL) *dataset = (ag_dataset){features, targets, features->shape[0], NULL};
    return dataset;
}

static uint32_t row_of(const ag_dataset *dataset, uint32_t index)
{
    return dataset->rows != NULL ? dataset->rows[index] : index;
}

/* ---- splits ---- */

/*
 * Chooses num_test of the rows (Fan, Muller and Rezucha 1962): each in its turn, with the probability
 * that the rest leaves it, so that both parts come out in order.
 */
static void choose(const ag_dataset *all, uint32_t num_test, ag_random *random,
                   uint32_t *training_rows, uint32_t *test_rows)
{
    for (uint32_t i = 0; i < all->num_rows; i++)
        if (ag_random_below(random, all->num_rows - i) < num_test) {
            *test_rows++ = row_of(all, i);
            num_test--;
        } else {
            *training_rows++ = row_of(all, i);
        }
}

static ag_status split(ag_arena *arena, const ag_dataset *all, uint32_t num_test, ag_random *random,
                       ag_dataset **training, ag_dataset **test)
{
    ag_dataset *parts = ag_arena_alloc(arena, 2 * sizeof *parts);
    uint32_t *rows = ag_arena_alloc(arena, all->num_rows * sizeof *rows);
    if (parts == NULL || rows == NULL) return ag_last_status();
    uint32_t *test_rows = rows + all->num_rows - num_test;
    choose(all, num_test, random, rows, test_rows);
    parts[0] = (ag_dataset){all->features, all->targets, all->num_rows - num_test, rows};
    parts[1] = (ag_dataset){all->features, all->targets, num_test, test_rows};
    *training = &parts[0];
    *test = &parts[1];
    return AG_OK;
}

ag_status ag_dataset_split(ag_arena *arena, const ag_dataset *dataset, double test_share,
                           ag_random *random, ag_dataset **training, ag_dataset **test)
{
    if (arena == NULL) return ag__fail_null("dataset_split", "arena");
    ag_status status = ag__dataset_check("dataset_split", "dataset", dataset);
    if (status != AG_OK) return status;
    if (random == NULL) return ag__fail_missing("dataset_split", "random");
    if (training == NULL || test == NULL)
        return ag__fail_missing("dataset_split", training == NULL ? "training" : "test");
    double wanted = round(test_share * dataset->num_rows);
    if (!(wanted >= 1 && wanted < dataset->num_rows))
        return ag__fail(AG_ERROR_ARGUMENT,
                        "dataset_split: test_share %g of %u rows would leave one part empty",
                        test_share, dataset->num_rows);
    ag_mark mark = ag_arena_mark(arena);
    status = split(arena, dataset, (uint32_t)wanted, random, training, test);
    if (status != AG_OK) ag_arena_rewind(arena, mark);
    return status;
}

/* ---- normalisation ---- */

/* Mean and deviation of the columns c with c % groups = group, in two passes. */
static void fit_group(const ag_dataset *data, size_t groups, size_t group, float *mean,
                      float *deviation)
{
    const ag_tensor *features = data->features;
    size_t width = features->size / features->shape[0], count = 0;
    double center = 0, sum;
    for (int pass = 0; pass < 2; pass++) {
        sum = 0;
        count = 0;
        for (uint32_t i = 0; i < data->num_rows; i++) {
            const float *row = features->data + row_of(data, i) * width;
            for (size_t c = group; c < width; c += groups) {
                if (isnan(row[c])) continue;
                double x = (double)row[c] - center;
                sum += pass == 0 ? x : x * x;
                count++;
            }
        }
        if (pass == 0) center = count > 0 ? sum / (double)count : 0;
    }
    float spread = (float)sqrt(sum / (double)(count > 0 ? count : 1));
    *mean = (float)center;
    *deviation = spread > 0 ? spread : 1;
}

ag_normalization *ag_normalization_fit(ag_arena *arena, const ag_dataset *training, bool per_column)
{
    if (arena == NULL) {
        ag__fail_null("normalization_fit", "arena");
        return NULL;
    }
    if (ag__dataset_check("normalization_fit", "training", training) != AG_OK) return NULL;
    size_t width = training->features->size / training->features->shape[0];
    size_t groups = per_column ? width : 1;
    ag_mark mark = ag_arena_mark(arena);
    ag_normalization *fitted = ag_arena_alloc(arena, sizeof *fitted);
    float *numbers = ag_arena_alloc(arena, 2 * groups * sizeof *numbers);
    if (fitted == NULL || numbers == NULL) {
        ag_arena_rewind(arena, mark);
        return NULL;
    }
    for (size_t g = 0; g < groups; g++)
        fit_group(training, groups, g, &numbers[g], &numbers[groups + g]);
    *fitted = (ag_normalization){groups, numbers, numbers + groups};
    return fitted;
}

ag_status ag_normalize(const ag_normalization *normalization, ag_tensor *features)
{
    if (normalization == NULL) return ag__fail_null("normalize", "normalization");
    if (normalization->mean == NULL)
        return ag__fail_missing("normalize", "the normalization's mean");
    if (normalization->deviation == NULL)
        return ag__fail_missing("normalize", "the normalization's deviation");
    ag_status status = ag__tensor_check("normalize", "features", features);
    if (status != AG_OK) return status;
    size_t width = features->size / features->shape[0], groups = normalization->num_columns;
    if (groups != 1 && groups != width)
        return ag__fail(AG_ERROR_SHAPE,
                        "normalize: features are %s, but rows of %zu numbers were fitted",
                        ag__tensor_shape_text(features).text, groups);
    for (size_t i = 0; i < features->size; i++) {
        size_t group = i % groups;
        features->data[i] =
            (float)(((double)features->data[i] - (double)normalization->mean[group]) /
                    (double)normalization->deviation[group]);
    }
    return AG_OK;
}
