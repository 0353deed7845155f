/* hvp.h: the driver of Hessian-vector products of losses. */
#ifndef AG_TENSOR_CURVATURE_HVP_H
#define AG_TENSOR_CURVATURE_HVP_H

#include <autograd/curvature.h>

#include "tensor/chunk.h"

/*
 * What of a call's Hessian acts on the numbers from begin to end, which are whole rows of a row loss:
 * out = scale · H · vector.
 */
typedef void ag__hvp_kernel(const ag__call *call, size_t begin, size_t end, const float *vector,
                            double scale, float *out);

/*
 * Checks everything, then runs the kernel on blocks of rows; of an element loss, one has 1 number,
 * and 0 stands for the last dimension. */
ag_status ag__hvp(ag__call call, const ag_tensor *vector, ag_tensor *out, size_t row_length,
                  ag__hvp_kernel *kernel);

#endif
