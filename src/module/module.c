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

/*
 * A module that contains itself has no end; no model is as deep as this. One that stands twice in each of
 * several others is reached in 2^depth ways; no model has as many modules as this.
 */
enum { DEEPEST = 64, MOST_MODULES = 65536 };

/* What is wrong with a module that was filled in by hand; a status of AG_OK: nothing. */
typedef struct fault {
    ag_status status;
    const char *what;
} fault;

static fault fault_of_parameter(const ag_module *module, uint32_t index)
{
    const ag_variable *parameter = module->parameters[index];
    if (parameter == NULL) return (fault){AG_ERROR_NULL, "a parameter is NULL"};
    if (!ag__variable_is_there(parameter)) return (fault){AG_ERROR_STATE, "a parameter is gone"};
    if (parameter->data == NULL) return (fault){AG_ERROR_NULL, "a parameter's data is NULL"};
    if (module->parameter_names[index] == NULL)
        return (fault){AG_ERROR_NULL, "a parameter's name is NULL"};
    return (fault){AG_OK, NULL};
}

static fault fault_of_own(const ag_module *module)
{
    if (module == NULL) return (fault){AG_ERROR_NULL, "a child is NULL"};
    if (module->name == NULL) return (fault){AG_ERROR_NULL, "a module's name is NULL"};
    if (module->children == NULL && module->num_children > 0)
        return (fault){AG_ERROR_NULL, "a module's children is NULL"};
    if (module->num_parameters > AG_MODULE_MAX_PARAMETERS)
        return (fault){AG_ERROR_ARGUMENT, "a module has more than AG_MODULE_MAX_PARAMETERS"};
    fault found = {AG_OK, NULL};
    for (uint32_t i = 0; i < module->num_parameters && found.status == AG_OK; i++)
        found = fault_of_parameter(module, i);
    return found;
}

/* Of a module or of one in it; left: how many may still be reached. */
static fault fault_in(const ag_module *module, unsigned depth, unsigned *left)
{
    if (depth > DEEPEST)
        return (fault){AG_ERROR_ARGUMENT, "modules lie more than 64 deep, or one in itself"};
    if ((*left)-- == 0)
        return (fault){AG_ERROR_ARGUMENT, "more than 65536 modules, or one in many others"};
    fault found = fault_of_own(module);
    for (uint32_t i = 0; found.status == AG_OK && i < module->num_children; i++)
        found = fault_in(module->children[i], depth + 1, left);
    return found;
}

static fault fault_of(const ag_module *module)
{
    unsigned left = MOST_MODULES;
    return fault_in(module, 1, &left);
}

static bool is_whole(const ag_module *module)
{
    return module != NULL && fault_of(module).status == AG_OK;
}

ag_status ag__module_check(const char *function, const ag_module *module)
{
    if (module == NULL) return ag__fail_null(function, "module");
    fault found = fault_of(module);
    return found.status == AG_OK ? AG_OK : ag__fail(found.status, "%s: %s", function, found.what);
}

/* ---- using ---- */

ag_variable *ag_module_forward(ag_module *module, ag_arena *step, ag_variable *x)
{
    if (ag__module_check("module_forward", module) != AG_OK) return NULL;
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
