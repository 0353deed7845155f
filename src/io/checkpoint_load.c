/* checkpoint_load.c: reading checkpoints: everything is checked before anything changes. */
#include "config.h"

#include "io/checkpoint.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/checksum.h"
#include "core/file.h"
#include "core/status.h"
#include "core/text.h"
#include "data/batches.h"

/* A checkpoint's file, and what its metadata say. */
typedef struct loading {
    const char *name;
    ag__safetensors file;
    uint64_t step;
    bool has_random, has_batches;
    ag_random random, epoch_random;
    uint64_t position; /* of the batches */
    float learning_rate;
} loading;

static ag_status refuse(const loading *l, const char *what, const char *subject)
{
    return ag__fail(AG_ERROR_FORMAT, "load_checkpoint: %s: %s%s", l->name, what, subject);
}

static ag_status misfit(const loading *l, const char *what, const char *subject)
{
    return ag__fail(AG_ERROR_ARGUMENT, "load_checkpoint: %s: %s%s", l->name, what, subject);
}

/* ---- the checksum ---- */

static ag_status check_sum(const loading *l, const unsigned char *bytes, size_t size)
{
    static const char zeros[] = "00000000";
    size_t at = l->file.checksum_at;
    if (at == 0) return refuse(l, "no checkpoint: it has no metadata " AG__CHECKSUM_KEY, "");
    if (size - at < 9 || bytes[at - 1] != '"' || bytes[at + 8] != '"')
        return refuse(l, AG__CHECKSUM_KEY " must have 8 digits", "");
    uint32_t crc = ag__crc32(ag__crc32(0, bytes, at), zeros, 8);
    crc = ag__crc32(crc, bytes + at + 8, size - at - 8);
    char digits[9];
    snprintf(digits, sizeof digits, "%08x", (unsigned)crc);
    if (memcmp(digits, bytes + at, 8) == 0) return AG_OK;
    return ag__fail(AG_ERROR_FORMAT,
                    "load_checkpoint: %s is damaged: its checksum, at byte %zu, is %.8s, but its "
                    "%zu bytes give %s",
                    l->name, at, (const char *)bytes + at, size, digits);
}

/* ---- the metadata ---- */

static const char *find(const loading *l, const char *key)
{
    for (size_t i = 0; i < l->file.num_metadata; i++)
        if (strcmp(l->file.metadata[i].key, key) == 0) return l->file.metadata[i].value;
    return NULL;
}

/* Lower-case hexadecimal digits, exactly so many of them. */
static bool parse_hexadecimal(const char *text, int count, uint64_t *value)
{
    static const char digits[] = "0123456789abcdef";
    *value = 0;
    for (int i = 0; i < count; i++) {
        const char *digit = text[i] != '\0' ? strchr(digits, text[i]) : NULL;
        if (digit == NULL) return false;
        *value = *value << 4 | (uint64_t)(digit - digits);
    }
    return true;
}

static bool parse_random(const char *text, ag_random *random)
{
    for (int i = 0; i < 4; i++)
        if (!parse_hexadecimal(text + 16 * i, 16, &random->state[i])) return false;
    return true;
}

static ag_status read_metadata(loading *l)
{
    const char *version = find(l, AG__VERSION_KEY), *step = find(l, AG__STEP_KEY);
    const char *random = find(l, AG__RANDOM_KEY), *batches = find(l, AG__BATCHES_KEY);
    if (version == NULL || strcmp(version, "1") != 0)
        return refuse(l, "no checkpoint of version 1", "");
    if (step == NULL || !ag__parse_whole(step, &l->step))
        return refuse(l, AG__STEP_KEY " is missing or no number", "");
    l->has_random = random != NULL;
    if (random != NULL && (!parse_random(random, &l->random) || random[64] != '\0'))
        return refuse(l, AG__RANDOM_KEY " is no state of a generator", "");
    l->has_batches = batches != NULL;
    if (batches != NULL && (!parse_random(batches, &l->epoch_random) || batches[64] != ' ' ||
                            !ag__parse_whole(batches + 65, &l->position)))
        return refuse(l, AG__BATCHES_KEY " is no state of batches", "");
    return AG_OK;
}

/* ---- whether it fits ---- */

static ag_status check_state(const loading *l, const ag_optimizer_state *state)
{
    uint64_t value;
    if (state->counter == NULL)
        return ag__safetensors_match("load_checkpoint", l->name, &l->file,
                                     ag__optimizer_key(AG__OPTIMIZER_PREFIX, state).text,
                                     state->tensor);
    ag__key key = ag__optimizer_key(AG__RULE_KEY ".", state);
    const char *text = find(l, key.text);
    if (text == NULL) return misfit(l, "it lacks ", key.text);
    return ag__parse_whole(text, &value) ? AG_OK : refuse(l, "no number is ", key.text);
}

/* What the file has of an optimiser's must be as much as this one has. */
static size_t count_states(const loading *l)
{
    size_t count = 0;
    for (size_t i = 0; i < l->file.count; i++)
        count += strncmp(l->file.tensors[i].name, AG__OPTIMIZER_PREFIX,
                         strlen(AG__OPTIMIZER_PREFIX)) == 0;
    for (size_t i = 0; i < l->file.num_metadata; i++)
        count += strncmp(l->file.metadata[i].key, AG__RULE_KEY ".", strlen(AG__RULE_KEY ".")) == 0;
    return count;
}

static ag_status check_optimizer(loading *l, ag_optimizer *optimizer)
{
    const char *rule = find(l, AG__RULE_KEY), *rate = find(l, AG__RATE_KEY);
    uint64_t bits = 0;
    if (rule == NULL) return misfit(l, "it holds no optimiser", "");
    if (strcmp(rule, ag_optimizer_name(optimizer)) != 0)
        return misfit(l, "its optimiser is ", rule);
    if (rate == NULL || !parse_hexadecimal(rate, 8, &bits) || rate[8] != '\0')
        return refuse(l, AG__RATE_KEY " is missing or no number", "");
    uint32_t low = (uint32_t)bits;
    memcpy(&l->learning_rate, &low, sizeof low);
    if (!(l->learning_rate >= 0) || isinf(l->learning_rate))
        return refuse(l, AG__RATE_KEY " is no learning rate", "");
    size_t count = ag_optimizer_num_state(optimizer);
    if (count_states(l) != count)
        return misfit(l, "its optimiser was made with other parameters or options", "");
    ag_status status = AG_OK;
    for (size_t i = 0; i < count && status == AG_OK; i++) {
        ag_optimizer_state state;
        status = ag_optimizer_state_at(optimizer, i, &state);
        if (status == AG_OK) status = check_state(l, &state);
    }
    return status;
}

static ag_status check_fit(loading *l, const ag_checkpoint *c)
{
    ag_status status = AG_OK;
    for (size_t i = 0; i < c->num_weights && status == AG_OK; i++)
        status = ag__safetensors_match("load_checkpoint", l->name, &l->file, c->weights[i].name,
                                       c->weights[i].tensor);
    if (status == AG_OK && c->optimizer != NULL) status = check_optimizer(l, c->optimizer);
    if (status != AG_OK) return status;
    if (ag__checkpoint_random(c) != NULL && !l->has_random)
        return misfit(l, "it holds no generator", "");
    if (c->batches == NULL) return AG_OK;
    if (!l->has_batches) return misfit(l, "it holds no batches", "");
    if (l->position > c->batches->dataset->num_rows)
        return misfit(l, "its batches are of a larger data set", "");
    return AG_OK;
}

/* The file's own metadata without the library's, copied to the caller's arena. */
static ag_status copy_metadata(ag_arena *arena, const loading *l, size_t *count,
                               ag_metadata **metadata)
{
    *count = 0;
    *metadata = ag_arena_alloc(arena, (l->file.num_metadata + 1) * sizeof **metadata);
    if (*metadata == NULL) return ag_last_status();
    for (size_t i = 0; i < l->file.num_metadata; i++) {
        const ag_metadata *entry = &l->file.metadata[i];
        if (strncmp(entry->key, AG__OWN_PREFIX, strlen(AG__OWN_PREFIX)) == 0) continue;
        size_t key_bytes = strlen(entry->key) + 1, value_bytes = strlen(entry->value) + 1;
        char *texts = ag_arena_alloc(arena, key_bytes + value_bytes);
        if (texts == NULL) return ag_last_status();
        memcpy(texts, entry->key, key_bytes);
        memcpy(texts + key_bytes, entry->value, value_bytes);
        (*metadata)[(*count)++] = (ag_metadata){texts, texts + key_bytes};
    }
    return AG_OK;
}

/* ---- setting what is there ---- */

static void set_optimizer(const loading *l, ag_optimizer *optimizer)
{
    ag_optimizer_set_learning_rate(optimizer, l->learning_rate);
    for (size_t i = 0; i < ag_optimizer_num_state(optimizer); i++) {
        ag_optimizer_state state;
        if (ag_optimizer_state_at(optimizer, i, &state) != AG_OK) continue;
        if (state.counter != NULL)
            ag__parse_whole(find(l, ag__optimizer_key(AG__RULE_KEY ".", &state).text),
                            state.counter);
        else
            ag__stored_read(&l->file,
                            ag__safetensors_find(
                                &l->file, ag__optimizer_key(AG__OPTIMIZER_PREFIX, &state).text),
                            state.tensor->data);
    }
}

static void set_all(const loading *l, ag_checkpoint *c)
{
    for (size_t i = 0; i < c->num_weights; i++)
        ag__stored_read(&l->file, ag__safetensors_find(&l->file, c->weights[i].name),
                        c->weights[i].tensor->data);
    if (c->optimizer != NULL) set_optimizer(l, c->optimizer);
    if (ag__checkpoint_random(c) != NULL) *ag__checkpoint_random(c) = l->random;
    if (c->batches != NULL) ag__batches_restore(c->batches, l->epoch_random, (uint32_t)l->position);
    c->step = l->step;
}

static ag_status load(ag_arena *arena, ag_arena *scratch, const unsigned char *bytes, size_t size,
                      loading *l, ag_checkpoint *c)
{
    size_t count = 0;
    ag_metadata *metadata = NULL;
    ag_status status =
        ag__safetensors_parse("load_checkpoint", scratch, l->name, bytes, size, &l->file);
    if (status == AG_OK) status = check_sum(l, bytes, size);
    if (status == AG_OK) status = read_metadata(l);
    if (status == AG_OK) status = check_fit(l, c);
    if (status == AG_OK) status = copy_metadata(arena, l, &count, &metadata);
    if (status != AG_OK) return status;
    set_all(l, c);
    c->num_metadata = count;
    c->metadata = metadata;
    return AG_OK;
}

ag_status ag__checkpoint_load(ag_arena *arena, const char *name, const unsigned char *bytes,
                              size_t size, ag_checkpoint *checkpoint)
{
    loading l = {.name = name};
    ag_arena *scratch = ag_arena_create(4096);
    if (scratch == NULL) return ag_last_status();
    ag_mark mark = ag_arena_mark(arena);
    ag_status status = load(arena, scratch, bytes, size, &l, checkpoint);
    if (status != AG_OK) ag_arena_rewind(arena, mark);
    ag_arena_destroy(scratch);
    return status;
}

ag_status ag_load_checkpoint(ag_arena *arena, const char *path, ag_checkpoint *checkpoint)
{
    if (arena == NULL) return ag__fail_null("load_checkpoint", "arena");
    if (path == NULL) return ag__fail_missing("load_checkpoint", "path");
    ag_status status = ag__checkpoint_check("load_checkpoint", checkpoint);
    if (status != AG_OK) return status;
    ag__bytes bytes = {0};
    status = ag__file_read("load_checkpoint", path, &bytes);
    if (status == AG_OK)
        status =
            ag__checkpoint_load(arena, ag__file_name(path), bytes.data, bytes.size, checkpoint);
    ag__bytes_free(&bytes);
    return status;
}
