/* module_tensors.c: what a model has learnt, under its names, for files. */
#include "config.h"

#include <autograd/io.h>

#include <string.h>

#include "core/status.h"
#include "core/text.h"
#include "module/module.h"

enum { LONGEST_NUMBER = 12 }; /* "4294967295." and its end */

static size_t count_tensors(const ag_module *module)
{
    size_t count = module->num_parameters;
    for (int i = 0; i < 2; i++)
        count += module->running[i] != NULL;
    for (uint32_t i = 0; i < module->num_children; i++)
        count += count_tensors(module->children[i]);
    return count;
}

/* Appends a tensor to a list, under the way to its module and its own name. */
static bool add(ag_arena *arena, const char *way, const char *name, ag_tensor *tensor,
                ag_named_tensor **list)
{
    size_t length = strlen(way), bytes = length + strlen(name) + 1;
    char *whole = ag_arena_alloc(arena, bytes);
    if (whole == NULL) return false;
    memcpy(whole, way, length);
    memcpy(whole + length, name, bytes - length);
    *(*list)++ = (ag_named_tensor){whole, tensor};
    return true;
}

static bool add_all(ag_arena *arena, const char *way, const ag_module *module,
                    ag_named_tensor **list)
{
    static const char *const running_names[] = {"running_mean", "running_var"};
    bool ok = true;
    for (uint32_t i = 0; ok && i < module->num_parameters; i++)
        ok = add(arena, way, module->parameter_names[i], module->parameters[i]->data, list);
    for (int i = 0; ok && i < 2; i++)
        if (module->running[i] != NULL)
            ok = add(arena, way, running_names[i], module->running[i], list);
    for (uint32_t i = 0; ok && i < module->num_children; i++) {
        size_t bytes = strlen(way) + LONGEST_NUMBER;
        char *longer = ag_arena_alloc(arena, bytes);
        if (longer == NULL) return false;
        ag__print(longer, bytes, "%s%u.", way, (unsigned)i);
        ok = add_all(arena, longer, module->children[i], list);
    }
    return ok;
}

ag_named_tensor *ag_module_tensors(const ag_module *module, ag_arena *arena, size_t *count)
{
    if (module == NULL || arena == NULL) {
        ag__fail_null("module_tensors", module == NULL ? "module" : "arena");
        return NULL;
    }
    if (count == NULL) {
        ag__fail_missing("module_tensors", "count");
        return NULL;
    }
    if (ag__module_check("module_tensors", module) != AG_OK) return NULL;
    size_t found = count_tensors(module);
    if (found == 0) {
        ag__fail(AG_ERROR_ARGUMENT, "module_tensors: %s has nothing to learn", module->name);
        return NULL;
    }
    ag_mark mark = ag_arena_mark(arena);
    ag_named_tensor *tensors = ag_arena_alloc(arena, found * sizeof *tensors), *end = tensors;
    if (tensors == NULL || !add_all(arena, "", module, &end)) {
        ag_arena_rewind(arena, mark);
        return NULL;
    }
    *count = found;
    return tensors;
}
