/* random.h: random numbers that are the same on every machine. */
#ifndef AUTOGRAD_RANDOM_H
#define AUTOGRAD_RANDOM_H

#include <autograd/status.h>

/**
 * The state of a generator: xoshiro256** by D. Blackman and S. Vigna (2018), seeded by splitmix64.
 * Copy it to save it. A zeroed state stands for that of seed 0. Equal states give equal numbers, whatever the machine or thread count.
 */
typedef struct ag_random {
    uint64_t state[4]; /**< never all 0 */
} ag_random;

AG_BEGIN_DECLS

/** A generator started from a seed; different seeds give unrelated sequences. */
AG_API ag_random ag_random_create(uint64_t seed);

/** 64 random bits. Returns 0 for NULL, as do the functions below. */
AG_API uint64_t ag_random_bits(ag_random *random);

/** A whole number from 0 to bound - 1, each equally likely; 0 where bound is 0. */
AG_API uint32_t ag_random_below(ag_random *random, uint32_t bound);

/** A number from [low, high): 24 random bits, scaled. */
AG_API float ag_random_uniform(ag_random *random, float low, float high);

/** A number from the normal distribution, by Marsaglia's polar method in double. */
AG_API float ag_random_normal(ag_random *random, float mean, float stddev);

/** Puts the numbers in an array of indices into a random order (Fisher and Yates). */
AG_API ag_status ag_random_shuffle(ag_random *random, size_t count, uint32_t *indices);

AG_END_DECLS

#endif
