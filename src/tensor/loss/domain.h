/* domain.h: the domains that losses have in common. */
#ifndef AG_TENSOR_LOSS_DOMAIN_H
#define AG_TENSOR_LOSS_DOMAIN_H

#include <float.h>
#include <math.h>

/* clang-format off */
#define AG__PROBABILITY {.text = "must be in [0, 1]", .lowest = 0, .highest = 1}
#define AG__NOT_NEGATIVE {.text = "must be at least 0", .lowest = 0, .highest = INFINITY}
#define AG__PLUS_OR_MINUS_ONE {.text = "must be -1 or 1", .magnitude = true, .lowest = 1, .highest = 1}

/* Of parameters; the floats next to 0 and 1 make an interval open. */
#define AG__FINITE_NOT_NEGATIVE {.text = "must be finite and at least 0", .lowest = 0, .highest = FLT_MAX}
#define AG__FINITE_POSITIVE {.text = "must be finite and greater than 0", .lowest = FLT_TRUE_MIN, .highest = FLT_MAX}
#define AG__BETWEEN_0_AND_1 {.text = "must be in (0, 1)", .lowest = FLT_TRUE_MIN, .highest = 1 - FLT_EPSILON / 2}
#define AG__ABOVE_0_TO_1 {.text = "must be in (0, 1]", .lowest = FLT_TRUE_MIN, .highest = 1}
/* clang-format on */

#endif
