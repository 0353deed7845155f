/* module.h: making modules. */
#ifndef AG_MODULE_MODULE_H
#define AG_MODULE_MODULE_H

#include <autograd/module.h>

/* Copies a module that has been filled in to an arena, in training. */
ag_module *ag__module_create(ag_arena *arena, ag_module module);

/*
 * Adds a parameter of a shape, uniform in ±bound, or all `bound` if random is NULL. Returns false on
 * failure.
 */
bool ag__module_add(ag_module *module, ag_arena *arena, const char *name, uint32_t ndims,
                    const uint32_t *shape, ag_random *random, float bound);

/* Checks that a module and all in it are there and have what they say; they may be a caller's own. */
ag_status ag__module_check(const char *function, const ag_module *module);

/* Checks that an argument is not 0. */
ag_status ag__module_check_size(const char *module, const char *argument, uint32_t size);

#endif
