/* domain.h: the domains that losses have in common. */
#ifndef AG_TENSOR_LOSS_DOMAIN_H
#define AG_TENSOR_LOSS_DOMAIN_H

#include <math.h>

/* clang-format off */
#define AG__PROBABILITY {.text = "must be in [0, 1]", .lowest = 0, .highest = 1}
#define AG__NOT_NEGATIVE {.text = "must be at least 0", .lowest = 0, .highest = INFINITY}
#define AG__PLUS_OR_MINUS_ONE {.text = "must be -1 or 1", .magnitude = true, .lowest = 1, .highest = 1}
/* clang-format on */

#endif
