/* batches.h: going on in the middle of an epoch. */
#ifndef AG_DATA_BATCHES_H
#define AG_DATA_BATCHES_H

#include <autograd/data.h>

/*
 * Brings batches to where they were: an epoch that was shuffled by this state, of which this many
 * rows were handed out, at most all of them.
 */
void ag__batches_restore(ag_batches *batches, ag_random epoch_random, uint32_t position);

#endif
