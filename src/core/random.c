/*
 * random.c: xoshiro256** and what is drawn from it.
 *
 * Only +, -, *, / and sqrt of IEEE double are used, each rounded by itself (the build forbids fused
 * multiply-adds in this file), so that the numbers are the same on every machine.
 */
#include "config.h"

#include <autograd/random.h>

#include <math.h>

#include "core/elementary.h"
#include "core/status.h"

static uint64_t rotate_left(uint64_t x, int count)
{
    return x << count | x >> (64 - count);
}

/* splitmix64 (S. Vigna, public domain): turns seeds that are alike into states that are not. */
static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

ag_random ag_random_create(uint64_t seed)
{
    ag_random random;
    for (int i = 0; i < 4; i++)
        random.state[i] = splitmix64(&seed);
    return random;
}

uint64_t ag_random_bits(ag_random *random)
{
    if (random == NULL) {
        ag__fail_missing("random_bits", "random");
        return 0;
    }
    uint64_t *s = random->state;
    /* the one state that xoshiro cannot leave, and that of a zeroed struct */
    if ((s[0] | s[1] | s[2] | s[3]) == 0) *random = ag_random_create(0);
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint32_t ag_random_below(ag_random *random, uint32_t bound)
{
    if (random == NULL) {
        ag__fail_missing("random_below", "random");
        return 0;
    }
    if (bound == 0) return 0;
    /* D. Lemire 2019: the high half of bits * bound, where the low half shows no bias */
    uint32_t threshold = (0u - bound) % bound;
    uint64_t product;
    do {
        product = (ag_random_bits(random) >> 32) * bound;
    } while ((uint32_t)product < threshold);
    return (uint32_t)(product >> 32);
}

/* From [0, 1), with 53 random bits. */
static double uniform_double(ag_random *random)
{
    return (double)(ag_random_bits(random) >> 11) * 0x1p-53;
}

float ag_random_uniform(ag_random *random, float low, float high)
{
    if (random == NULL) {
        ag__fail_missing("random_uniform", "random");
        return 0;
    }
    double fraction = (double)(ag_random_bits(random) >> 40) * 0x1p-24;
    float value = (float)((double)low + ((double)high - (double)low) * fraction);
    /* rounding to float may reach a bound that is excluded */
    return value < high || !(low < high) ? value : nextafterf(high, low);
}

float ag_random_normal(ag_random *random, float mean, float stddev)
{
    if (random == NULL) {
        ag__fail_missing("random_normal", "random");
        return 0;
    }
    double x, square;
    do {
        x = 2 * uniform_double(random) - 1;
        double y = 2 * uniform_double(random) - 1;
        square = x * x + y * y;
    } while (square >= 1 || square == 0);
    double standard = x * sqrt(-2 * ag__log(square) / square);
    return (float)((double)mean + (double)stddev * standard);
}

ag_status ag_random_shuffle(ag_random *random, size_t count, uint32_t *indices)
{
    if (random == NULL) return ag__fail_missing("random_shuffle", "random");
    if (indices == NULL) return ag__fail_missing("random_shuffle", "indices");
    if (count > UINT32_MAX)
        return ag__fail(AG_ERROR_ARGUMENT, "random_shuffle: %zu is more than %u indices", count,
                        (unsigned)UINT32_MAX);
    for (size_t left = count; left > 1; left--) {
        uint32_t chosen = ag_random_below(random, (uint32_t)left);
        uint32_t moved = indices[left - 1];
        indices[left - 1] = indices[chosen];
        indices[chosen] = moved;
    }
    return AG_OK;
}
