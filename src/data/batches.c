/* batches.c: going through a data set in batches. */
#include "config.h"

#include "data/batches.h"

#include <string.h>

#include "core/status.h"
#include "data/dataset.h"

/* ---- creation ---- */

/* A batch of rows of a tensor: its header, with the rows in memory of its own if it has any. */
static ag_tensor batch_of(const ag_tensor *rows, uint32_t count, float *data)
{
    ag_tensor batch = *rows;
    batch.size = rows->size / rows->shape[0] * count;
    batch.shape[0] = count;
    batch.data = data;
    return batch;
}

static bool create_copy(ag_arena *arena, const ag_tensor *rows, uint32_t count, ag_tensor *copy)
{
    if (rows == NULL) return true;
    *copy = batch_of(rows, count, NULL);
    copy->data = ag_arena_alloc(arena, copy->size * sizeof(float));
    return copy->data != NULL;
}

static ag_batches *create(ag_arena *arena, const ag_dataset *dataset, uint32_t batch_size,
                          ag_random *random)
{
    ag_batches *batches = ag_arena_alloc(arena, sizeof *batches);
    uint32_t *order = ag_arena_alloc(arena, dataset->num_rows * sizeof *order);
    if (batches == NULL || order == NULL) return NULL;
    *batches = (ag_batches){
        .dataset = dataset, .batch_size = batch_size, .random = random, .order = order};
    bool copies = random != NULL || dataset->rows != NULL;
    if (copies && (!create_copy(arena, dataset->features, batch_size, &batches->copies[0]) ||
                   !create_copy(arena, dataset->targets, batch_size, &batches->copies[1])))
        return NULL;
    return batches;
}

ag_batches *ag_batches_create(ag_arena *arena, const ag_dataset *dataset, uint32_t batch_size,
                              ag_random *random)
{
    if (arena == NULL) {
        ag__fail_null("batches_create", "arena");
        return NULL;
    }
    if (ag__dataset_check("batches_create", "dataset", dataset) != AG_OK) return NULL;
    if (batch_size == 0) {
        ag__fail(AG_ERROR_ARGUMENT, "batches_create: batch_size is 0");
        return NULL;
    }
    if (batch_size > dataset->num_rows) batch_size = dataset->num_rows;
    ag_mark mark = ag_arena_mark(arena);
    ag_batches *batches = create(arena, dataset, batch_size, random);
    if (batches == NULL) ag_arena_rewind(arena, mark);
    return batches;
}

/* ---- epochs ---- */

/* The order depends on the generator alone, not on the epoch before. */
static void set_order(ag_batches *batches, ag_random *random)
{
    const ag_dataset *dataset = batches->dataset;
    for (uint32_t i = 0; i < dataset->num_rows; i++)
        batches->order[i] = dataset->rows != NULL ? dataset->rows[i] : i;
    if (random != NULL) ag_random_shuffle(random, dataset->num_rows, batches->order);
}

static void start_epoch(ag_batches *batches)
{
    if (batches->random != NULL) batches->epoch_random = *batches->random;
    set_order(batches, batches->random);
}

void ag__batches_restore(ag_batches *batches, ag_random epoch_random, uint32_t position)
{
    batches->epoch_random = epoch_random;
    batches->position = position;
    batches->count = 0;
    if (position > 0) set_order(batches, batches->random != NULL ? &epoch_random : NULL);
}

/* ---- batches ---- */

static bool are_in_order(uint32_t count, const uint32_t *rows)
{
    for (uint32_t i = 1; i < count; i++)
        if (rows[i] != rows[0] + i) return false;
    return true;
}

static void copy_rows(const ag_tensor *all, uint32_t count, const uint32_t *rows, float *out)
{
    size_t width = all->size / all->shape[0];
    for (uint32_t i = 0; i < count; i++)
        memcpy(out + i * width, all->data + rows[i] * width, width * sizeof *out);
}

/* The present rows of a tensor: where they lie if they lie in order, else a copy. */
static ag_tensor *take(ag_batches *batches, const ag_tensor *all, int which)
{
    if (all == NULL) return NULL;
    uint32_t count = batches->count;
    size_t width = all->size / all->shape[0];
    ag_tensor *view = &batches->views[which], *copy = &batches->copies[which];
    if (are_in_order(count, batches->rows)) {
        *view = batch_of(all, count, all->data + batches->rows[0] * width);
        return view;
    }
    *copy = batch_of(all, count, copy->data);
    copy_rows(all, count, batches->rows, copy->data);
    return copy;
}

bool ag_next_batch(ag_batches *batches)
{
    if (batches == NULL) {
        ag__fail_null("next_batch", "batches");
        return false;
    }
    const ag_dataset *dataset = batches->dataset;
    if (dataset == NULL) {
        ag__fail_missing("next_batch", "the batches' dataset");
        return false;
    }
    if (batches->position == 0) start_epoch(batches);
    uint32_t left = dataset->num_rows - batches->position;
    uint32_t count = left < batches->batch_size ? left : batches->batch_size;
    if (count == 0 || (batches->drop_last && count < batches->batch_size)) {
        batches->position = batches->count = 0;
        return false;
    }
    batches->rows = batches->order + batches->position;
    batches->count = count;
    batches->position += count;
    batches->features = take(batches, dataset->features, 0);
    batches->targets = take(batches, dataset->targets, 1);
    return true;
}
