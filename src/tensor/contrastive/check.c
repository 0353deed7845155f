/* check.c: the shapes, labels and settings that losses of a whole batch take. */
#include "config.h"

#include "tensor/contrastive/contrast.h"

#include <limits.h>
#include <math.h>

#include "core/status.h"

static const char *name_of(const ag__call *call)
{
    return call->op->name;
}

/* Rows of two batches, and features, are numbered by ints. */
static ag_status check_matrix(const ag__call *call, uint32_t input)
{
    const ag_tensor *x = call->inputs[input];
    if (x->ndims != 2)
        return ag__fail(AG_ERROR_SHAPE, "%s: %s is %s but must be [rows, features]", name_of(call),
                        call->op->input_names[input], ag__tensor_shape_text(x).text);
    if (x->shape[0] > INT_MAX / 2 || x->shape[1] > INT_MAX)
        return ag__fail(AG_ERROR_SHAPE, "%s: %s is %s: more rows or features than this loss takes",
                        name_of(call), call->op->input_names[input], ag__tensor_shape_text(x).text);
    return AG_OK;
}

/* How the second batch must fit the first. */
static ag_status check_second(const ag__call *call)
{
    const ag_tensor *a = call->inputs[0], *b = call->inputs[1];
    const char *names[] = {call->op->input_names[0], call->op->input_names[1]};
    bool keys = call->op == &ag__op_info_nce_loss, classes = call->op == &ag__op_arcface_loss;
    bool fits = classes || (keys ? b->shape[0] >= a->shape[0] : b->shape[0] == a->shape[0]);
    if (fits && a->shape[1] == b->shape[1]) return AG_OK;
    return ag__fail(AG_ERROR_SHAPE, "%s: %s is %s but %s is %s%s", name_of(call), names[0],
                    ag__tensor_shape_text(a).text, names[1], ag__tensor_shape_text(b).text,
                    keys ? "; a key for each query comes first" : "");
}

static ag_status check_scalar(const ag__call *call, uint32_t input)
{
    const ag_tensor *x = call->inputs[input];
    if (x->size == 1) return AG_OK;
    return ag__fail(AG_ERROR_SHAPE, "%s: %s is %s but must hold one number", name_of(call),
                    call->op->input_names[input], ag__tensor_shape_text(x).text);
}

static ag_status check_inputs(const ag__call *call)
{
    ag_status status = check_matrix(call, 0);
    if (status == AG_OK && call->op->num_inputs > 1) status = check_matrix(call, 1);
    if (status == AG_OK && call->op->num_inputs > 1) status = check_second(call);
    for (uint32_t i = 2; i < call->op->num_inputs && status == AG_OK; i++)
        status = check_scalar(call, i);
    return status;
}

/* One label for each row; of ArcFace, a class. */
static ag_status check_labels(const ag__call *call)
{
    const ag_indices *labels = call->indices;
    bool classes = call->op == &ag__op_arcface_loss;
    if (((const ag__contrast_law *)call->op->law)->batches != AG__SELF && !classes) return AG_OK;
    if (labels == NULL) return ag__fail_null(name_of(call), "labels");
    if (labels->data == NULL)
        return ag__fail(AG_ERROR_NULL, "%s: labels have no data", name_of(call));
    if (labels->ndims != 1 || labels->shape[0] != labels->size ||
        labels->size != call->inputs[0]->shape[0])
        return ag__fail(AG_ERROR_SHAPE, "%s: there are %zu labels of %u dimensions for %u rows",
                        name_of(call), labels->size, (unsigned)labels->ndims,
                        (unsigned)call->inputs[0]->shape[0]);
    for (size_t i = 0; i < labels->size && classes; i++)
        if (labels->data[i] < 0 || (uint32_t)labels->data[i] >= call->inputs[1]->shape[0])
            return ag__fail(AG_ERROR_DOMAIN, "%s: labels[%zu] is %ld but weight has %u classes",
                            name_of(call), i, (long)labels->data[i],
                            (unsigned)call->inputs[1]->shape[0]);
    return AG_OK;
}

static ag_status check_settings(const ag__call *call)
{
    uint32_t similarity = call->integers[AG__SIMILARITY], divisor = call->integers[AG__DIVISOR];
    float margin = call->second_parameter;
    if (similarity != AG_SIMILARITY_COSINE && similarity != AG_SIMILARITY_DOT)
        return ag__fail(AG_ERROR_ARGUMENT, "%s: similarity is %d, which is no ag_similarity",
                        name_of(call), (int)similarity);
    if (divisor != AG_DIVISOR_AUTO && divisor != AG_DIVISOR_COUNT && divisor != AG_DIVISOR_NONZERO)
        return ag__fail(AG_ERROR_ARGUMENT, "%s: divisor is %d but must be COUNT or NONZERO",
                        name_of(call), (int)divisor);
    if (!isfinite(call->parameter))
        return ag__fail(AG_ERROR_ARGUMENT, "%s: %s is %g but must be finite", name_of(call),
                        call->op->parameter_name, (double)call->parameter);
    if (!(margin >= 0 && margin <= 3))
        return ag__fail(AG_ERROR_ARGUMENT, "%s: margin is %g but must be in [0, 3]", name_of(call),
                        (double)margin);
    return AG_OK;
}

ag_status ag__contrast_infer_shape(const ag__call *call, ag__shape *shape)
{
    ag_status status = check_inputs(call);
    if (status == AG_OK) status = check_labels(call);
    if (status == AG_OK) status = check_settings(call);
    if (status != AG_OK) return status;
    bool each = call->reduction == AG_REDUCTION_NONE;
    *shape = (ag__shape){.ndims = 1, .dims = {each ? (uint32_t)ag__contrast_rows(call) : 1}};
    return AG_OK;
}
