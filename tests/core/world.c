/* world.c: an arena for each test, and tensors of one dimension in it. */
#include "config.h"

#include "core/world.h"

ag_arena *arena;

void create_arena(void)
{
    arena = ag_arena_create(0);
    ck_assert_ptr_nonnull(arena);
}

void destroy_arena(void)
{
    ag_arena_destroy(arena);
}

ag_tensor *vector(uint32_t n, const float *values)
{
    ag_tensor *tensor = ag_tensor_create_from(arena, 1, &n, values);
    ck_assert_ptr_nonnull(tensor);
    return tensor;
}

ag_tensor *zeros(uint32_t n)
{
    ag_tensor *tensor = ag_tensor_create_zeros(arena, 1, &n);
    ck_assert_ptr_nonnull(tensor);
    return tensor;
}
