/* dataset.h: checking data sets that came from a caller. */
#ifndef AG_DATA_DATASET_H
#define AG_DATA_DATASET_H

#include <autograd/data.h>

/*
 * Checks that a data set, which messages name, has rows, and none that its tensors have not. It may
 * be one that the caller has filled in or changed.
 */
ag_status ag__dataset_check(const char *function, const char *argument, const ag_dataset *dataset);

#endif
