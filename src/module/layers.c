/* layers.c: the modules that are one operation, and the sequence of modules. */
#include "config.h"

#include <autograd/arithmetic.h>
#include <math.h>

#include "core/status.h"
#include "module/module.h"
#include "tensor/layer/batch_norm.h"
#include "tensor/layer/windows.h"
#include "tensor/shape.h"

/* Gives the module, or takes back what was made of it. */
static ag_module *finish(ag_arena *arena, ag_mark mark, ag_module *module, bool complete)
{
    if (module != NULL && complete) return module;
    ag_arena_rewind(arena, mark);
    return NULL;
}

/* ---- sequential ---- */

static ag_variable *sequential_forward(ag_module *self, ag_arena *step, ag_variable *x)
{
    for (uint32_t i = 0; i < self->num_children; i++)
        x = ag_module_forward(self->children[i], step, x);
    return x;
}

static ag_status check_list(uint32_t count, ag_module *const *modules)
{
    if (modules == NULL) return ag__fail_missing("sequential", "modules");
    ag_status status = ag__module_check_size("sequential", "count", count);
    for (uint32_t i = 0; i < count && status == AG_OK; i++)
        if (modules[i] == NULL) status = ag__fail_null("sequential", "one of modules");
    return status;
}

ag_module *ag_module_sequential(ag_arena *arena, uint32_t count, ag_module *const *modules)
{
    if (check_list(count, modules) != AG_OK) return NULL;
    ag_mark mark = ag_arena_mark(arena);
    ag_module *module =
        ag__module_create(arena, (ag_module){.name = "sequential", .forward = sequential_forward});
    if (module == NULL) return NULL;
    module->children = ag_arena_alloc(arena, count * sizeof(ag_module *));
    for (uint32_t i = 0; i < count && module->children != NULL; i++)
        module->children[module->num_children++] = modules[i];
    return finish(arena, mark, module, module->children != NULL);
}

/* ---- linear and conv2d ---- */

static ag_variable *bias_of(const ag_module *self)
{
    return self->num_parameters > 1 ? self->parameters[1] : NULL;
}

static ag_variable *linear_forward(ag_module *self, ag_arena *step, ag_variable *x)
{
    return ag_linear(step, x, self->parameters[0], bias_of(self));
}

/* The weight [out, in…] and, if wanted, the bias [out]. */
static ag_module *create_weighted(ag_arena *arena, ag_module kind, ag_random *random,
                                  uint32_t ndims, const uint32_t *shape, bool bias)
{
    if (random == NULL) {
        ag__fail_missing(kind.name, "random");
        return NULL;
    }
    double inputs = 1;
    for (uint32_t i = 1; i < ndims; i++)
        inputs *= (double)shape[i];
    float bound = (float)(1 / sqrt(inputs));
    ag_mark mark = ag_arena_mark(arena);
    ag_random drawn = *random; /* a failure draws nothing */
    ag_module *module = ag__module_create(arena, kind);
    bool complete = module != NULL &&
                    ag__module_add(module, arena, "weight", ndims, shape, &drawn, bound) &&
                    (!bias || ag__module_add(module, arena, "bias", 1, shape, &drawn, bound));
    if (complete) *random = drawn;
    return finish(arena, mark, module, complete);
}

ag_module *ag_module_linear(ag_arena *arena, ag_random *random, uint32_t in, uint32_t out,
                            bool bias)
{
    if (ag__module_check_size("linear", "in", in) != AG_OK) return NULL;
    if (ag__module_check_size("linear", "out", out) != AG_OK) return NULL;
    return create_weighted(arena, (ag_module){.name = "linear", .forward = linear_forward}, random,
                           2, (uint32_t[]){out, in}, bias);
}

enum { WINDOW, STRIDE, PADDING };

static ag_variable *conv2d_forward(ag_module *self, ag_arena *step, ag_variable *x)
{
    return ag_conv2d(step, x, self->parameters[0], bias_of(self), self->settings[STRIDE],
                     self->settings[PADDING]);
}

ag_module *ag_module_conv2d(ag_arena *arena, ag_random *random, uint32_t in, uint32_t out,
                            uint32_t window, uint32_t stride, uint32_t padding, bool bias)
{
    const uint32_t square[] = {window, window};
    if (ag__module_check_size("conv2d", "in", in) != AG_OK) return NULL;
    if (ag__module_check_size("conv2d", "out", out) != AG_OK) return NULL;
    if (ag__windows_check("conv2d", square, stride, padding) != AG_OK) return NULL;
    ag_module kind = {
        .name = "conv2d", .forward = conv2d_forward, .settings = {window, stride, padding}};
    return create_weighted(arena, kind, random, 4, (uint32_t[]){out, in, window, window}, bias);
}

/* ---- without parameters ---- */

static ag_variable *activation_forward(ag_module *self, ag_arena *step, ag_variable *x)
{
    if (self->function == NULL) {
        ag__fail_missing("module_forward", "the activation's function");
        return NULL;
    }
    return self->function(step, x);
}

ag_module *ag_module_activation(ag_arena *arena, const char *name,
                                ag_variable *(*function)(ag_arena *arena, ag_variable *x))
{
    if (name == NULL || function == NULL) {
        ag__fail_missing("activation", name == NULL ? "name" : "function");
        return NULL;
    }
    return ag__module_create(
        arena, (ag_module){.name = name, .forward = activation_forward, .function = function});
}

static ag_variable *max_pool2d_forward(ag_module *self, ag_arena *step, ag_variable *x)
{
    const uint32_t *s = self->settings;
    return ag_max_pool2d(step, x, s[WINDOW], s[STRIDE], s[PADDING]);
}

static ag_variable *average_pool2d_forward(ag_module *self, ag_arena *step, ag_variable *x)
{
    const uint32_t *s = self->settings;
    return ag_average_pool2d(step, x, s[WINDOW], s[STRIDE], s[PADDING]);
}

static ag_module *create_pooling(ag_arena *arena, ag_module kind, uint32_t window, uint32_t stride,
                                 uint32_t padding)
{
    const uint32_t square[] = {window, window};
    if (ag__windows_check(kind.name, square, stride, padding) != AG_OK) return NULL;
    kind.settings[WINDOW] = window;
    kind.settings[STRIDE] = stride;
    kind.settings[PADDING] = padding;
    return ag__module_create(arena, kind);
}

ag_module *ag_module_max_pool2d(ag_arena *arena, uint32_t window, uint32_t stride, uint32_t padding)
{
    ag_module kind = {.name = "max_pool2d", .forward = max_pool2d_forward};
    return create_pooling(arena, kind, window, stride, padding);
}

ag_module *ag_module_average_pool2d(ag_arena *arena, uint32_t window, uint32_t stride,
                                    uint32_t padding)
{
    ag_module kind = {.name = "average_pool2d", .forward = average_pool2d_forward};
    return create_pooling(arena, kind, window, stride, padding);
}

static ag_variable *flatten_forward(ag_module *self, ag_arena *step, ag_variable *x)
{
    if (ag__tensor_check(self->name, "x", x->data) != AG_OK) return NULL;
    size_t rest = x->data->size / x->data->shape[0];
    if (rest > UINT32_MAX) {
        ag__fail(AG_ERROR_SHAPE, "flatten: x is %s", ag__tensor_shape_text(x->data).text);
        return NULL;
    }
    return ag_reshape(step, x, 2, (uint32_t[]){x->data->shape[0], (uint32_t)rest});
}

ag_module *ag_module_flatten(ag_arena *arena)
{
    return ag__module_create(arena, (ag_module){.name = "flatten", .forward = flatten_forward});
}

static ag_variable *dropout_forward(ag_module *self, ag_arena *step, ag_variable *x)
{
    return ag_dropout(step, x, self->number, self->training ? self->random : NULL);
}

ag_module *ag_module_dropout(ag_arena *arena, ag_random *random, float probability)
{
    if (random == NULL) {
        ag__fail_missing("dropout", "random");
        return NULL;
    }
    if (!(probability >= 0 && probability < 1)) {
        ag__fail(AG_ERROR_ARGUMENT, "dropout: probability is %g but must be in [0, 1)",
                 (double)probability);
        return NULL;
    }
    return ag__module_create(arena, (ag_module){.name = "dropout",
                                                .forward = dropout_forward,
                                                .random = random,
                                                .number = probability});
}

/* ---- norms ---- */

static ag_variable *layer_norm_forward(ag_module *self, ag_arena *step, ag_variable *x)
{
    return ag_layer_norm(step, x, self->parameters[0], self->parameters[1], self->number);
}

/* gamma of ones and beta of zeros. */
static bool add_gamma_and_beta(ag_module *module, ag_arena *arena, uint32_t size)
{
    return module != NULL && ag__module_add(module, arena, "gamma", 1, &size, NULL, 1) &&
           ag__module_add(module, arena, "beta", 1, &size, NULL, 0);
}

ag_module *ag_module_layer_norm(ag_arena *arena, uint32_t size, float epsilon)
{
    if (ag__module_check_size("layer_norm", "size", size) != AG_OK) return NULL;
    if (ag__op_check_parameter(&ag__op_layer_norm, epsilon) != AG_OK) return NULL;
    ag_module kind = {.name = "layer_norm", .forward = layer_norm_forward, .number = epsilon};
    ag_mark mark = ag_arena_mark(arena);
    ag_module *module = ag__module_create(arena, kind);
    return finish(arena, mark, module, add_gamma_and_beta(module, arena, size));
}

static ag_variable *batch_norm_forward(ag_module *self, ag_arena *step, ag_variable *x)
{
    ag_variable *gamma = self->parameters[0], *beta = self->parameters[1];
    if (!self->training)
        return ag_batch_norm_eval(step, x, gamma, beta, self->running[0], self->running[1],
                                  self->number);
    return ag_batch_norm(step, x, gamma, beta, self->running[0], self->running[1], self->momentum,
                         self->number);
}

ag_module *ag_module_batch_norm(ag_arena *arena, uint32_t channels, float momentum, float epsilon)
{
    if (ag__module_check_size("batch_norm", "channels", channels) != AG_OK) return NULL;
    if (ag__batch_check_momentum(momentum) != AG_OK) return NULL;
    if (ag__op_check_parameter(&ag__op_batch_norm, epsilon) != AG_OK) return NULL;
    ag_module kind = {.name = "batch_norm",
                      .forward = batch_norm_forward,
                      .number = epsilon,
                      .momentum = momentum};
    ag_mark mark = ag_arena_mark(arena);
    ag_module *module = ag__module_create(arena, kind);
    bool complete = add_gamma_and_beta(module, arena, channels);
    if (complete) module->running[0] = ag_tensor_create_zeros(arena, 1, &channels);
    if (complete) module->running[1] = ag_tensor_create(arena, 1, &channels);
    complete = complete && module->running[0] != NULL && module->running[1] != NULL &&
               ag_tensor_fill(module->running[1], 1) == AG_OK;
    return finish(arena, mark, module, complete);
}
