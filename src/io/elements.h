/* elements.h: the types of number that files hold, and turning them into float. */
#ifndef AG_IO_ELEMENTS_H
#define AG_IO_ELEMENTS_H

#include <autograd/api.h>

#include "core/output.h"

typedef enum ag__kind { AG__FLOAT, AG__BRAIN_FLOAT, AG__SIGNED, AG__UNSIGNED } ag__kind;

typedef struct ag__element {
    ag__kind kind;
    uint32_t bytes; /* of one: 1, 2, 4 or 8 */
    bool high_first;
} ag__element;

/* Writes count elements as floats, rounded to nearest. */
void ag__elements_to_float(ag__element type, size_t count, const unsigned char *bytes, float *out);

/* Writes floats as 4 bytes each, low byte first. */
void ag__write_floats(ag__output *output, size_t count, const float *values);

#endif
