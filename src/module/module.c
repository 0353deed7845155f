/* module.c: what all modules have: parameters, names, a summary. */
#include "config.h"

#include "module/module.h"

#include <stdarg.h>
#include <stdio.h>

#include "autograd/presence.h"
#include "core/status.h"
#include "tensor/shape.h"

/* ---- making ---- */

ag_module *ag__module_create(ag_arena *arena, ag_module module)
{
    if (arena == NULL) {
        ag__fail_null(module.name, "arena");
        return NULL;
    }
    ag_module *created = ag_arena_alloc(arena, sizeof *created);
    if (created == NULL) return NULL;
    *created = module;
    created->training = true;
    return created;
}

bool ag__module_add(ag_module *module, ag_arena *arena, const char *name, uint32_t ndims,
                    const uint32_t *shape, ag_random *random, float bound)
{
    ag_tensor *tensor = ag_tensor_create(arena, ndims, shape);
    if (tensor == NULL) return false;
    ag_status status = random != NULL ? ag_tensor_fill_uniform(tensor, random, -bound, bound)
                                      : ag_tensor_fill(tensor, bound);
    ag_variable *leaf = status == AG_OK ? ag_create_leaf(arena, tensor, true) : NULL;
    if (leaf == NULL) return false;
    module->parameter_names[module->num_parameters] = name;
    module->parameters[module->num_parameters++] = leaf;
    return true;
}

ag_status ag__module_check_size(const char *module, const char *argument, uint32_t size)
{
    if (size > 0) return AG_OK;
    return ag__fail(AG_ERROR_ARGUMENT, "%s: %s is 0 but must be at least 1", module, argument);
}

/* ---- checking ---- */

static const char *missing_parameter(const ag_module *module, uint32_t index)
{
    const ag_variable *parameter = module->parameters[index];
    return parameter == NULL                        ? "a parameter"
           : parameter->data == NULL                ? "a parameter's data"
           : module->parameter_names[index] == NULL ? "a parameter's name"
                                                    : NULL;
}

/* What a module, or one in it, that was filled in by hand lacks; NULL if nothing. */
static const char *missing_in(const ag_module *module)
{
    const char *missing = NULL;
    if (module->name == NULL) return "a module's name";
    if (module->children == NULL && module->num_children > 0) return "a module's children";
    for (uint32_t i = 0; i < module->num_parameters && missing == NULL; i++)
        missing = missing_parameter(module, i);
    for (uint32_t i = 0; i < module->num_children && missing == NULL; i++)
        missing = module->children[i] != NULL ? missing_in(module->children[i]) : "a child";
    return missing;
}

static bool is_whole(const ag_module *module)
{
    return module != NULL && missing_in(module) == NULL;
}

ag_status ag__module_check(const char *function, const ag_module *module)
{
    if (module == NULL) return ag__fail_null(function, "module");
    const char *missing = missing_in(module);
    return missing == NULL ? AG_OK : ag__fail_missing(function, missing);
}

/* ---- using ---- */

ag_variable *ag_module_forward(ag_module *module, ag_arena *step, ag_variable *x)
{
    if (module == NULL) {
        ag__fail_null("module_forward", "module");
        return NULL;
    }
    if (ag__variable_check("module_forward", "x", x) != AG_OK) return NULL;
    if (module->forward == NULL) {
        ag__fail_missing("module_forward", "the module's forward");
        return NULL;
    }
    ag_mark mark = ag_arena_mark(step);
    ag_variable *result = module->forward(module, step, x);
    if (result == NULL && step != NULL) ag_arena_rewind(step, mark);
    return result;
}

static void set_training(ag_module *module, bool training)
{
    module->training = training;
    for (uint32_t i = 0; i < module->num_children; i++)
        set_training(module->children[i], training);
}

ag_status ag_module_set_training(ag_module *module, bool training)
{
    ag_status status = ag__module_check("module_set_training", module);
    if (status == AG_OK) set_training(module, training);
    return status;
}

/* ---- parameters ---- */

static size_t num_parameters(const ag_module *module)
{
    size_t count = module->num_parameters;
    for (uint32_t i = 0; i < module->num_children; i++)
        count += num_parameters(module->children[i]);
    return count;
}

size_t ag_module_num_parameters(const ag_module *module)
{
    return is_whole(module) ? num_parameters(module) : 0;
}

static size_t own_size(const ag_module *module)
{
    size_t size = 0;
    for (uint32_t i = 0; i < module->num_parameters; i++)
        size += module->parameters[i]->data->size;
    return size;
}

static size_t whole_size(const ag_module *module)
{
    size_t size = own_size(module);
    for (uint32_t i = 0; i < module->num_children; i++)
        size += whole_size(module->children[i]);
    return size;
}

size_t ag_module_size(const ag_module *module)
{
    return is_whole(module) ? whole_size(module) : 0;
}

/* Appends a module's parameters to a list; returns where the list goes on. */
static ag_variable **collect(const ag_module *module, ag_variable **list)
{
    for (uint32_t i = 0; i < module->num_parameters; i++)
        *list++ = module->parameters[i];
    for (uint32_t i = 0; i < module->num_children; i++)
        list = collect(module->children[i], list);
    return list;
}

ag_variable **ag_module_parameters(const ag_module *module, ag_arena *arena)
{
    if (ag__module_check("module_parameters", module) != AG_OK) return NULL;
    if (arena == NULL) {
        ag__fail_null("module_parameters", "arena");
        return NULL;
    }
    size_t count = num_parameters(module);
    if (count == 0) {
        ag__fail(AG_ERROR_ARGUMENT, "module_parameters: %s has no parameters", module->name);
        return NULL;
    }
    ag_variable **list = ag_arena_alloc(arena, count * sizeof *list);
    if (list != NULL) collect(module, list);
    return list;
}

/* ---- texts ---- */

typedef struct text {
    char *buffer;
    size_t bytes, length; /* length: of the whole text, whether it fits or not */
} text;

static void append(text *t, const char *format, ...) AG__PRINTF(2, 3);

static void append(text *t, const char *format, ...)
{
    size_t left = t->length < t->bytes ? t->bytes - t->length : 0;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(left > 0 ? t->buffer + t->length : NULL, left, format, arguments);
    va_end(arguments);
    t->length += length > 0 ? (size_t)length : 0;
}

static void append_name(text *t, const ag_module *module, size_t index)
{
    if (index < module->num_parameters) {
        append(t, "%s", module->parameter_names[index]);
        return;
    }
    index -= module->num_parameters;
    for (uint32_t i = 0; i < module->num_children; i++) {
        size_t count = num_parameters(module->children[i]);
        if (index < count) {
            append(t, "%u.", (unsigned)i);
            append_name(t, module->children[i], index);
            return;
        }
        index -= count;
    }
}

size_t ag_module_parameter_name(const ag_module *module, size_t index, char *buffer, size_t bytes)
{
    text t = {buffer, buffer != NULL ? bytes : 0, 0};
    append(&t, "%s", "");
    if (is_whole(module) && index < num_parameters(module)) append_name(&t, module, index);
    return t.length;
}

static void append_lines(text *t, const ag_module *module, unsigned depth)
{
    append(t, "%*s%s", 2 * (int)depth, "", module->name);
    for (uint32_t i = 0; i < module->num_parameters; i++)
        append(t, "%s %s %s", i == 0 ? ":" : ",", module->parameter_names[i],
               ag__tensor_shape_text(module->parameters[i]->data).text);
    if (module->num_parameters > 0) append(t, ": %zu", own_size(module));
    append(t, "\n");
    for (uint32_t i = 0; i < module->num_children; i++)
        append_lines(t, module->children[i], depth + 1);
}

size_t ag_module_summary(const ag_module *module, char *buffer, size_t bytes)
{
    text t = {buffer, buffer != NULL ? bytes : 0, 0};
    append(&t, "%s", "");
    if (!is_whole(module)) return 0;
    append_lines(&t, module, 0);
    append(&t, "%zu parameters\n", whole_size(module));
    return t.length;
}
