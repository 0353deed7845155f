/* checkpoint.c: writing checkpoints. */
#include "config.h"

#include "io/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/status.h"
#include "core/text.h"

/* ---- what writing and reading share ---- */

ag__key ag__optimizer_key(const char *prefix, const ag_optimizer_state *state)
{
    ag__key key;
    snprintf(key.text, sizeof key.text, "%s%s", prefix, state->name);
    return key;
}

ag_random *ag__checkpoint_random(const ag_checkpoint *checkpoint)
{
    if (checkpoint->random != NULL || checkpoint->batches == NULL) return checkpoint->random;
    return checkpoint->batches->random;
}

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

ag_status ag__checkpoint_check(const char *function, const ag_checkpoint *checkpoint)
{
    if (checkpoint == NULL) return ag__fail_missing(function, "checkpoint");
    if (checkpoint->batches != NULL && checkpoint->batches->dataset == NULL)
        return ag__fail_missing(function, "the batches' dataset");
    if (checkpoint->num_weights > 0 && checkpoint->weights == NULL)
        return ag__fail_missing(function, "weights");
    for (size_t i = 0; i < checkpoint->num_weights; i++) {
        const ag_named_tensor *weight = &checkpoint->weights[i];
        if (weight->name == NULL) return ag__fail_missing(function, "a weight's name");
        if (begins_with(weight->name, AG__OPTIMIZER_PREFIX))
            return ag__fail(AG_ERROR_ARGUMENT,
                            "%s: weight %zu is named \"%.80s\"; names with \"%s\" are the "
                            "optimiser's",
                            function, i, weight->name, AG__OPTIMIZER_PREFIX);
        ag_status status = ag__tensor_check(function, "one of weights", weight->tensor);
        if (status != AG_OK) return status;
    }
    return AG_OK;
}

/* ---- writing ---- */

/* The lists that make up the file; they have room for all that may be added. */
typedef struct lists {
    ag_arena *arena;
    size_t num_tensors, num_metadata;
    ag_named_tensor *tensors;
    ag_metadata *metadata;
    ag_status status;
} lists;

/* A copy of a text that lives as long as the lists. */
static const char *keep(lists *l, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = ag_arena_alloc(l->arena, bytes);
    if (copy == NULL) l->status = ag_last_status();
    return copy != NULL ? memcpy(copy, text, bytes) : "";
}

static void add_metadata(lists *l, const char *key, const char *value)
{
    l->metadata[l->num_metadata++] = (ag_metadata){keep(l, key), keep(l, value)};
}

static void add_whole(lists *l, const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, value);
    add_metadata(l, key, text);
}

static void random_text(const ag_random *random, char text[65])
{
    for (int i = 0; i < 4; i++)
        snprintf(text + 16 * i, 17, "%016" PRIx64, random->state[i]);
}

static void add_optimizer(lists *l, ag_optimizer *optimizer)
{
    uint32_t bits;
    char rate[9];
    float learning_rate = ag_optimizer_learning_rate(optimizer);
    memcpy(&bits, &learning_rate, sizeof bits);
    snprintf(rate, sizeof rate, "%08" PRIx32, bits);
    add_metadata(l, AG__RULE_KEY, ag_optimizer_name(optimizer));
    add_metadata(l, AG__RATE_KEY, rate);
    for (size_t i = 0; i < ag_optimizer_num_state(optimizer); i++) {
        ag_optimizer_state state;
        if (ag_optimizer_state_at(optimizer, i, &state) != AG_OK) continue;
        if (state.counter != NULL)
            add_whole(l, ag__optimizer_key(AG__RULE_KEY ".", &state).text, *state.counter);
        else
            l->tensors[l->num_tensors++] = (ag_named_tensor){
                keep(l, ag__optimizer_key(AG__OPTIMIZER_PREFIX, &state).text), state.tensor};
    }
}

static void add_batches(lists *l, const ag_batches *batches)
{
    char text[65 + 16];
    random_text(&batches->epoch_random, text);
    snprintf(text + 64, 16, " %" PRIu32, batches->position);
    add_metadata(l, AG__BATCHES_KEY, text);
}

static void add_all(lists *l, const ag_checkpoint *c)
{
    const ag_random *random = ag__checkpoint_random(c);
    char text[65];
    add_metadata(l, AG__VERSION_KEY, "1");
    add_whole(l, AG__STEP_KEY, c->step);
    if (random != NULL) {
        random_text(random, text);
        add_metadata(l, AG__RANDOM_KEY, text);
    }
    if (c->batches != NULL) add_batches(l, c->batches);
    for (size_t i = 0; i < c->num_weights; i++)
        l->tensors[l->num_tensors++] = c->weights[i];
    if (c->optimizer != NULL) add_optimizer(l, c->optimizer);
    for (size_t i = 0; i < c->num_metadata; i++)
        l->metadata[l->num_metadata++] = c->metadata[i];
}

enum { OWN_METADATA = 6 /* at most, beside an optimiser's counters */ };

static ag_status save(ag_arena *scratch, const char *path, const ag_checkpoint *c)
{
    size_t states = c->optimizer != NULL ? ag_optimizer_num_state(c->optimizer) : 0;
    lists l = {.arena = scratch};
    size_t tensors = c->num_weights + states + 1;
    size_t metadata = c->num_metadata + states + OWN_METADATA;
    l.tensors = ag_arena_alloc(scratch, tensors * sizeof *l.tensors);
    l.metadata = ag_arena_alloc(scratch, metadata * sizeof *l.metadata);
    if (l.tensors == NULL || l.metadata == NULL) return ag_last_status();
    add_all(&l, c);
    if (l.status != AG_OK) return l.status;
    return ag__safetensors_write("save_checkpoint", path, true, l.num_tensors, l.tensors,
                                 l.num_metadata, l.metadata);
}

ag_status ag_save_checkpoint(const char *path, const ag_checkpoint *checkpoint)
{
    if (path == NULL) return ag__fail_missing("save_checkpoint", "path");
    ag_status status = ag__checkpoint_check("save_checkpoint", checkpoint);
    if (status != AG_OK) return status;
    if (checkpoint->num_metadata > 0 && checkpoint->metadata == NULL)
        return ag__fail_missing("save_checkpoint", "metadata");
    for (size_t i = 0; i < checkpoint->num_metadata; i++) {
        const char *key = checkpoint->metadata[i].key;
        if (key != NULL && begins_with(key, AG__OWN_PREFIX))
            return ag__fail(AG_ERROR_ARGUMENT,
                            "save_checkpoint: metadata key \"%.80s\"; keys with \"%s\" are the "
                            "library's",
                            key, AG__OWN_PREFIX);
    }
    ag_arena *scratch = ag_arena_create(4096);
    if (scratch == NULL) return ag_last_status();
    status = save(scratch, path, checkpoint);
    ag_arena_destroy(scratch);
    return status;
}
