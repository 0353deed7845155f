/* tile.c: the inner loops of convolutions, for each level of instructions. */
#include "config.h"

#include "core/tile.h"

#include "core/vector.h"

#define WIDE 3

/* 16 registers hold a tile of 4 rows, and what is multiplied; 32 one of 8. */
#define LEVEL baseline
#define ROWS 4
#define TAPS 3
#define LANES AG__BASELINE_LANES
#include "core/tile_level.h"

#if AG__CPU_COUNT == 3
#define LEVEL v3
#define ROWS 4
#define TAPS 3
#define LANES 8
#include "core/tile_level.h"

#define LEVEL v4
#define ROWS 8
#define TAPS 6
#define LANES 16
#include "core/tile_level.h"
#endif

static const ag__tile tiles[AG__CPU_COUNT] = {
    {4, 3, AG__BASELINE_LANES, products_baseline, dots_baseline},
#if AG__CPU_COUNT == 3
    {4, 3, 8, products_v3, dots_v3},
    {8, 6, 16, products_v4, dots_v4},
#endif
};

const ag__tile *ag__tile_of_cpu(void)
{
    return &tiles[ag__cpu()];
}
