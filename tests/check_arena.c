/* check_arena.c: memory from arenas: where it lies, how it is given back, what cannot be had. */
#include "config.h"

#include <check.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <autograd/arena.h>

#include "assertions.h"
#include "core/watch.h"
#include "suite.h"

#define ALIGNMENT 64

/* Read by gcc's and clang's sanitizers, which else end the program where malloc returns NULL. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static ag_arena *create(size_t chunk_bytes)
{
    ag_arena *arena = ag_arena_create(chunk_bytes);
    ck_assert_ptr_nonnull(arena);
    return arena;
}

static unsigned char *take(ag_arena *arena, size_t bytes)
{
    unsigned char *memory = ag_arena_alloc(arena, bytes);
    ck_assert_msg(memory != NULL, "%zu bytes: %s", bytes, ag_last_error());
    ck_assert_uint_eq((uintptr_t)memory % ALIGNMENT, 0);
    return memory;
}

static void rewind_to(ag_arena *arena, ag_mark mark)
{
    ck_assert_int_eq(ag_arena_rewind(arena, mark), AG_OK);
}

static size_t rounded_up(size_t bytes)
{
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* ---- taking ---- */

START_TEST(a_new_arena_holds_nothing)
{
    ag_arena *arena = create(4096);
    ck_assert_uint_eq(ag_arena_used(arena), 0);
    ck_assert_uint_eq(ag_arena_high_water(arena), 0);
    ck_assert_uint_eq(ag_arena_capacity(arena), 0);
    ag_arena_destroy(arena);
}
END_TEST

START_TEST(the_default_chunk_is_a_mebibyte)
{
    ag_arena *arena = create(0);
    take(arena, 1);
    ck_assert_uint_eq(ag_arena_capacity(arena), (size_t)1 << 20);
    ag_arena_destroy(arena);
}
END_TEST

START_TEST(memory_is_aligned_and_counted_with_its_alignment)
{
    ag_arena *arena = create(1000);
    size_t used = 0;
    for (size_t bytes = 1; bytes <= 300; bytes++) {
        memset(take(arena, bytes), 0xff, bytes);
        used += rounded_up(bytes);
        ck_assert_uint_eq(ag_arena_used(arena), used);
    }
    ck_assert_uint_ge(ag_arena_capacity(arena), used);
    ck_assert_uint_eq(ag_arena_high_water(arena), used);
    ag_arena_destroy(arena);
}
END_TEST

#ifdef AG__WATCHED

START_TEST(a_sanitizer_watches_what_was_not_handed_out)
{
    ag_arena *arena = create(1024);
    for (int again = 0; again < 2; again++) {
        unsigned char *memory = take(arena, 10);
        ck_assert(!__asan_address_is_poisoned(memory) && !__asan_address_is_poisoned(memory + 9));
        ck_assert(__asan_address_is_poisoned(memory + 10));
        ck_assert(again || __asan_address_is_poisoned(memory + ALIGNMENT));
        take(arena, 3 * ALIGNMENT);
        ck_assert_int_eq(ag_arena_reset(arena), AG_OK);
    }
    ag_arena_destroy(arena);
}
END_TEST

#endif

START_TEST(what_was_handed_out_stays_where_and_as_it_is)
{
    enum { PIECES = 2000 };
    static unsigned char *pieces[PIECES];
    ag_arena *arena = create(1024);
    for (size_t i = 0; i < PIECES; i++) {
        pieces[i] = take(arena, 1 + i % 777);
        memset(pieces[i], (int)(i % 251), 1 + i % 777);
    }
    size_t changed = 0;
    for (size_t i = 0; i < PIECES; i++)
        for (size_t byte = 0; byte < 1 + i % 777; byte++)
            changed += pieces[i][byte] != i % 251;
    ck_assert_uint_eq(changed, 0);
    ag_arena_destroy(arena);
}
END_TEST

START_TEST(a_request_beyond_the_chunk_size_gets_a_chunk_of_its_own)
{
    ag_arena *arena = create(256);
    take(arena, 64);
    unsigned char *large = take(arena, 1000000);
    memset(large, 1, 1000000);
    memset(take(arena, 64), 2, 64);
    ck_assert_uint_eq(large[999999], 1);
    ck_assert_uint_eq(ag_arena_used(arena), 64 + rounded_up(1000000) + 64);
    ag_arena_destroy(arena);
}
END_TEST

static const size_t odd_chunk_sizes[] = {1, 63, 64, 65, 127, 129, 4097};

START_TEST(any_chunk_size_works)
{
    ag_arena *arena = create(odd_chunk_sizes[_i]);
    for (size_t bytes = 1; bytes < 1000; bytes += 9)
        memset(take(arena, bytes), 0, bytes);
    ag_arena_destroy(arena);
}
END_TEST

START_TEST(a_chunk_size_beyond_all_memory_fails_where_it_is_needed)
{
    ag_arena *arena = create(SIZE_MAX);
    ck_assert_ptr_null(ag_arena_alloc(arena, 1));
    assert_last_failure(AG_ERROR_MEMORY, "arena_alloc");
    ck_assert_uint_eq(ag_arena_capacity(arena), 0);
    ck_assert_uint_eq(ag_arena_used(arena), 0);
    ag_arena_set_limit(arena, 4096);
    memset(take(arena, 4096), 0, 4096);
    ag_arena_destroy(arena);
}
END_TEST

static const size_t impossible_sizes[] = {
    SIZE_MAX,
    SIZE_MAX - 62,
    SIZE_MAX - 63,
    SIZE_MAX - 64,
    SIZE_MAX / 2,
    PTRDIFF_MAX,
    (size_t)PTRDIFF_MAX - 63,
    (size_t)PTRDIFF_MAX - 64,
    PTRDIFF_MAX / 2,
    PTRDIFF_MAX / 2 + 1,
};

START_TEST(an_impossible_size_fails_and_leaves_the_arena_as_it_was)
{
    ag_arena *arena = create(4096);
    take(arena, 100);
    size_t used = ag_arena_used(arena), capacity = ag_arena_capacity(arena);
    ck_assert_ptr_null(ag_arena_alloc(arena, impossible_sizes[_i]));
    assert_last_failure(AG_ERROR_MEMORY, "out of memory");
    ck_assert_uint_eq(ag_arena_used(arena), used);
    ck_assert_uint_eq(ag_arena_high_water(arena), used);
    ck_assert_uint_eq(ag_arena_capacity(arena), capacity);
    take(arena, 100);
    ag_arena_destroy(arena);
}
END_TEST

START_TEST(no_bytes_are_no_request)
{
    ag_arena *arena = create(4096);
    ck_assert_ptr_null(ag_arena_alloc(arena, 0));
    assert_last_failure(AG_ERROR_ARGUMENT, "0 bytes");
    ck_assert_uint_eq(ag_arena_used(arena), 0);
    ag_arena_destroy(arena);
}
END_TEST

/* ---- giving back ---- */

START_TEST(a_rewind_gives_back_what_came_after_the_mark_and_nothing_else)
{
    ag_arena *arena = create(512);
    unsigned char *kept = take(arena, 100);
    memset(kept, 7, 100);
    ag_mark mark = ag_arena_mark(arena);
    unsigned char *first = take(arena, 200);
    for (int i = 0; i < 10; i++)
        memset(take(arena, 300), 1, 300);

    rewind_to(arena, mark);
    ck_assert_uint_eq(ag_arena_used(arena), rounded_up(100));
    ck_assert_ptr_eq(take(arena, 200), first);
    for (int i = 0; i < 100; i++)
        ck_assert_uint_eq(kept[i], 7);
    ag_arena_destroy(arena);
}
END_TEST

START_TEST(a_rewind_does_not_touch_what_it_gives_back)
{
    ag_arena *arena = create(4096);
    ag_mark mark = ag_arena_mark(arena);
    unsigned char *memory = take(arena, 64);
    memset(memory, 42, 64);
    rewind_to(arena, mark);
    ck_assert_ptr_eq(take(arena, 64), memory);
    ck_assert_uint_eq(memory[63], 42);
    ag_arena_destroy(arena);
}
END_TEST

START_TEST(marks_nest)
{
    ag_arena *arena = create(256);
    ag_mark marks[20];
    unsigned char *after[20];
    for (int i = 0; i < 20; i++) {
        marks[i] = ag_arena_mark(arena);
        after[i] = take(arena, 100);
    }
    for (int i = 19; i >= 0; i--) {
        rewind_to(arena, marks[i]);
        ck_assert_uint_eq(ag_arena_used(arena), (size_t)i * 128);
        ck_assert_ptr_eq(take(arena, 100), after[i]);
        rewind_to(arena, marks[i]);
    }
    ag_arena_destroy(arena);
}
END_TEST

START_TEST(one_mark_serves_every_step)
{
    ag_arena *arena = create(256);
    take(arena, 64);
    ag_mark mark = ag_arena_mark(arena);
    for (int step = 0; step < 50; step++) {
        rewind_to(arena, mark);
        ck_assert_uint_eq(ag_arena_used(arena), 64);
        take(arena, 1000);
    }
    ag_arena_destroy(arena);
}
END_TEST

START_TEST(a_reset_gives_back_everything)
{
    ag_arena *arena = create(256);
    unsigned char *first = take(arena, 64);
    for (int i = 0; i < 20; i++)
        take(arena, 200);
    size_t capacity = ag_arena_capacity(arena);
    ck_assert_int_eq(ag_arena_reset(arena), AG_OK);
    ck_assert_uint_eq(ag_arena_used(arena), 0);
    ck_assert_uint_eq(ag_arena_capacity(arena), capacity);
    ck_assert_ptr_eq(take(arena, 64), first);
    ck_assert_int_eq(ag_arena_reset(arena), AG_OK);
    ck_assert_int_eq(ag_arena_reset(arena), AG_OK);
    ag_arena_destroy(arena);
}
END_TEST

START_TEST(an_empty_arena_can_be_marked_rewound_and_reset)
{
    ag_arena *arena = create(256);
    ag_mark mark = ag_arena_mark(arena);
    rewind_to(arena, mark);
    ck_assert_int_eq(ag_arena_reset(arena), AG_OK);
    take(arena, 1000);
    rewind_to(arena, mark);
    ck_assert_uint_eq(ag_arena_used(arena), 0);
    ag_arena_destroy(arena);
}
END_TEST

START_TEST(the_high_water_mark_stays)
{
    ag_arena *arena = create(256);
    ag_mark mark = ag_arena_mark(arena);
    take(arena, 640);
    rewind_to(arena, mark);
    take(arena, 128);
    ck_assert_uint_eq(ag_arena_high_water(arena), 640);
    ag_arena_reset(arena);
    ck_assert_uint_eq(ag_arena_high_water(arena), 640);
    take(arena, 641);
    ck_assert_uint_eq(ag_arena_high_water(arena), 704);
    ag_arena_destroy(arena);
}
END_TEST

/* Going backward marks and rewinds once for each node: a walk over all chunks would be quadratic. */
START_TEST(a_rewind_does_not_take_longer_in_a_larger_arena)
{
    enum { CHUNKS = 100000 };
    ag_arena *arena = create(1);
    for (int i = 0; i < CHUNKS; i++)
        if (ag_arena_alloc(arena, 64) == NULL) ck_abort_msg("%s", ag_last_error());
    for (int i = 0; i < CHUNKS; i++) {
        ag_mark mark = ag_arena_mark(arena);
        if (ag_arena_alloc(arena, 64) == NULL || ag_arena_rewind(arena, mark) != AG_OK)
            ck_abort_msg("%s", ag_last_error());
    }
    ag_arena_destroy(arena);
}
END_TEST

/* Some requests, the same for one seed. */
static void take_a_step(ag_arena *arena, unsigned seed)
{
    uint32_t state = seed;
    for (int i = 0; i < 60; i++) {
        state = state * 1664525u + 1013904223u;
        size_t bytes = 1 + (state >> 16) % (i % 7 == 0 ? 3000u : 200u);
        memset(take(arena, bytes), (int)i, bytes);
    }
}

START_TEST(a_step_like_the_one_before_needs_no_new_memory)
{
    ag_arena *arena = create(1000);
    take(arena, 500);
    ag_mark mark = ag_arena_mark(arena);
    for (unsigned other = 0; other < 20; other++) {
        take_a_step(arena, other);
        rewind_to(arena, mark);
        take_a_step(arena, 99);
        rewind_to(arena, mark);
        size_t capacity = ag_arena_capacity(arena);
        take_a_step(arena, 99);
        rewind_to(arena, mark);
        ck_assert_uint_eq(ag_arena_capacity(arena), capacity);
    }
    ag_arena_destroy(arena);
}
END_TEST

START_TEST(steps_that_alternate_end_up_needing_no_new_memory)
{
    ag_arena *arena = create(1000);
    ag_mark mark = ag_arena_mark(arena);
    size_t capacity = 0;
    for (int round = 0; round < 60; round++) {
        for (unsigned step = 0; step < 10; step++) {
            take_a_step(arena, step);
            rewind_to(arena, mark);
        }
        if (round == 30) capacity = ag_arena_capacity(arena);
    }
    ck_assert_uint_eq(ag_arena_capacity(arena), capacity);
    ag_arena_destroy(arena);
}
END_TEST

/* ---- marks that do not fit ---- */

START_TEST(a_mark_of_another_arena_is_refused)
{
    ag_arena *arena = create(256), *other = create(256);
    take(arena, 64);
    take(other, 64);
    ck_assert_int_eq(ag_arena_rewind(arena, ag_arena_mark(other)), AG_ERROR_ARGUMENT);
    assert_last_failure(AG_ERROR_ARGUMENT, "another arena");
    ck_assert_int_eq(ag_arena_rewind(arena, ag_arena_mark(NULL)), AG_ERROR_ARGUMENT);
    assert_last_failure(AG_ERROR_ARGUMENT, "another arena");
    ck_assert_uint_eq(ag_arena_used(arena), 64);
    ag_arena_destroy(other);
    ag_arena_destroy(arena);
}
END_TEST

static void assert_refused_as_stale(ag_arena *arena, ag_mark mark)
{
    size_t used = ag_arena_used(arena);
    ck_assert_int_eq(ag_arena_rewind(arena, mark), AG_ERROR_ARGUMENT);
    assert_last_failure(AG_ERROR_ARGUMENT, "mark");
    ck_assert_uint_eq(ag_arena_used(arena), used);
    memset(take(arena, 64), 1, 64);
}

START_TEST(a_mark_that_was_rewound_past_is_refused)
{
    ag_arena *arena = create(256);
    ag_mark early = ag_arena_mark(arena);
    take(arena, 1000);
    ag_mark late = ag_arena_mark(arena);
    rewind_to(arena, early);
    assert_refused_as_stale(arena, late);
    ag_arena_reset(arena);
    assert_refused_as_stale(arena, late);
    ag_arena_destroy(arena);
}
END_TEST

/* The arena holds as much as at the mark, but in the chunks before that of the mark. */
START_TEST(a_stale_mark_in_a_chunk_not_reached_again_is_refused)
{
    ag_arena *arena = create(1024);
    for (int i = 0; i < 3; i++)
        take(arena, 1024);
    take(arena, 2048);
    ag_arena_reset(arena);
    take(arena, 64);
    take(arena, 2048);
    ag_mark stale = ag_arena_mark(arena);
    ag_arena_reset(arena);
    for (int i = 0; i < 3; i++)
        take(arena, 1024);
    assert_refused_as_stale(arena, stale);
    ag_arena_destroy(arena);
}
END_TEST

START_TEST(a_stale_mark_that_the_arena_has_grown_past_does_no_harm)
{
    ag_arena *arena = create(1024);
    take(arena, 64);
    ag_mark stale = ag_arena_mark(arena);
    ag_arena_reset(arena);
    unsigned char *first = take(arena, 640);
    take(arena, 2048);
    if (ag_arena_rewind(arena, stale) == AG_OK) ck_assert_uint_eq(ag_arena_used(arena), 64);
    take_a_step(arena, 1);
    ag_arena_reset(arena);
    ck_assert_uint_eq(ag_arena_used(arena), 0);
    ck_assert_ptr_eq(take(arena, 640), first);
    ag_arena_destroy(arena);
}
END_TEST

/* ---- limits ---- */

START_TEST(a_limit_is_kept_to_the_byte)
{
    ag_arena *arena = create(1 << 20);
    ck_assert_int_eq(ag_arena_set_limit(arena, 1000), AG_OK);
    memset(take(arena, 960), 0, 960);
    ck_assert_uint_le(ag_arena_capacity(arena), 1000);
    ck_assert_ptr_null(ag_arena_alloc(arena, 1));
    assert_last_failure(AG_ERROR_MEMORY, "limit of 1000");
    ck_assert_uint_eq(ag_arena_used(arena), 960);
    ag_arena_destroy(arena);
}
END_TEST

START_TEST(a_request_beyond_the_limit_fails_and_a_smaller_one_succeeds)
{
    ag_arena *arena = create(256);
    ag_arena_set_limit(arena, 1024);
    take(arena, 64);
    ck_assert_ptr_null(ag_arena_alloc(arena, 2000));
    assert_last_failure(AG_ERROR_MEMORY, "limit of 1024");
    ck_assert_uint_eq(ag_arena_used(arena), 64);
    take(arena, 192);
    take(arena, 768);
    ck_assert_uint_le(ag_arena_capacity(arena), 1024);
    ag_arena_destroy(arena);
}
END_TEST

START_TEST(a_limit_below_one_allocation_allows_none)
{
    ag_arena *arena = create(256);
    ag_arena_set_limit(arena, 63);
    ck_assert_ptr_null(ag_arena_alloc(arena, 1));
    assert_last_failure(AG_ERROR_MEMORY, "limit of 63");
    ag_arena_set_limit(arena, 0);
    take(arena, 1);
    ag_arena_destroy(arena);
}
END_TEST

START_TEST(a_limit_keeps_what_is_held_already)
{
    ag_arena *arena = create(1024);
    ag_mark mark = ag_arena_mark(arena);
    for (int i = 0; i < 4; i++)
        take(arena, 1024);
    ag_arena_set_limit(arena, 100);
    ck_assert_uint_eq(ag_arena_capacity(arena), 4096);
    ck_assert_ptr_null(ag_arena_alloc(arena, 64));
    assert_last_failure(AG_ERROR_MEMORY, "limit of 100");
    rewind_to(arena, mark);
    for (int i = 0; i < 4; i++)
        take(arena, 1024);
    ag_arena_set_limit(arena, 0);
    take(arena, 64);
    ag_arena_destroy(arena);
}
END_TEST

START_TEST(a_limit_beyond_all_memory_is_none)
{
    ag_arena *arena = create(256);
    ag_arena_set_limit(arena, SIZE_MAX);
    take(arena, 1000);
    ck_assert_ptr_null(ag_arena_alloc(arena, SIZE_MAX - 63));
    assert_last_failure(AG_ERROR_MEMORY, "out of memory");
    ag_arena_destroy(arena);
}
END_TEST

/* ---- NULL, and threads ---- */

static void *use_an_arena(void *result)
{
    ag_arena *arena = ag_arena_create(1000);
    ag_mark mark = ag_arena_mark(arena);
    bool fine = true;
    for (int step = 0; step < 200; step++) {
        for (size_t bytes = 1; bytes < 500; bytes += 7) {
            unsigned char *memory = ag_arena_alloc(arena, bytes);
            fine = fine && memory != NULL;
            if (memory != NULL) memset(memory, step, bytes);
        }
        fine = fine && ag_arena_rewind(arena, mark) == AG_OK;
    }
    ag_arena_destroy(arena);
    *(bool *)result = fine;
    return NULL;
}

START_TEST(threads_use_arenas_of_their_own_without_coordination)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    bool fine[THREADS];
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, use_an_arena, &fine[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert(fine[i]);
    }
}
END_TEST

/* ---- a long random life, against a record of what is held ---- */

typedef struct piece {
    unsigned char *memory;
    size_t bytes;
    unsigned char pattern;
} piece;

#define MOST_PIECES 300
#define MOST_MARKS 40

/* A stack of pieces, and of marks with the number of pieces below each. */
typedef struct life {
    ag_arena *arena;
    piece pieces[MOST_PIECES];
    size_t num_pieces;
    ag_mark marks[MOST_MARKS];
    size_t pieces_below[MOST_MARKS];
    size_t num_marks;
    uint32_t state;
} life;

static uint32_t next_random(life *l)
{
    l->state = l->state * 1664525u + 1013904223u;
    return l->state >> 12;
}

static void take_piece(life *l)
{
    if (l->num_pieces == MOST_PIECES) return;
    size_t bytes = 1 + next_random(l) % (next_random(l) % 8 == 0 ? 5000 : 300);
    piece *p = &l->pieces[l->num_pieces++];
    *p = (piece){take(l->arena, bytes), bytes, (unsigned char)next_random(l)};
    memset(p->memory, p->pattern, bytes);
}

static void push_mark(life *l)
{
    if (l->num_marks == MOST_MARKS) return;
    l->marks[l->num_marks] = ag_arena_mark(l->arena);
    l->pieces_below[l->num_marks++] = l->num_pieces;
}

static void rewind_to_some_mark(life *l)
{
    if (l->num_marks == 0) return;
    l->num_marks = next_random(l) % l->num_marks;
    rewind_to(l->arena, l->marks[l->num_marks]);
    l->num_pieces = l->pieces_below[l->num_marks];
}

static void assert_pieces_unharmed(const life *l)
{
    size_t used = 0;
    for (size_t i = 0; i < l->num_pieces; i++) {
        const piece *p = &l->pieces[i];
        used += rounded_up(p->bytes);
        for (size_t byte = 0; byte < p->bytes; byte++)
            if (p->memory[byte] != p->pattern)
                ck_abort_msg("byte %zu of piece %zu was overwritten", byte, i);
    }
    ck_assert_uint_eq(ag_arena_used(l->arena), used);
}

START_TEST(random_lives_never_hand_out_memory_twice)
{
    static life l;
    l = (life){.arena = create(64u << _i), .state = (uint32_t)_i};
    for (int i = 0; i < 3000; i++) {
        uint32_t choice = next_random(&l) % 16;
        if (choice < 11)
            take_piece(&l);
        else if (choice < 14)
            push_mark(&l);
        else
            rewind_to_some_mark(&l);
        if (i % 10 == 0) assert_pieces_unharmed(&l);
    }
    ag_arena_destroy(l.arena);
}
END_TEST

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof(array)[0]))

static void add_taking(Suite *suite)
{
    TCase *tests = add_case(suite, "taking");
    tcase_add_test(tests, a_new_arena_holds_nothing);
    tcase_add_test(tests, the_default_chunk_is_a_mebibyte);
    tcase_add_test(tests, memory_is_aligned_and_counted_with_its_alignment);
#ifdef AG__WATCHED
    tcase_add_test(tests, a_sanitizer_watches_what_was_not_handed_out);
#endif
    tcase_add_test(tests, what_was_handed_out_stays_where_and_as_it_is);
    tcase_add_test(tests, a_request_beyond_the_chunk_size_gets_a_chunk_of_its_own);
    tcase_add_loop_test(tests, any_chunk_size_works, 0, COUNT_OF(odd_chunk_sizes));
    tcase_add_test(tests, a_chunk_size_beyond_all_memory_fails_where_it_is_needed);
    tcase_add_loop_test(tests, an_impossible_size_fails_and_leaves_the_arena_as_it_was, 0,
                        COUNT_OF(impossible_sizes));
    tcase_add_test(tests, no_bytes_are_no_request);
}

static void add_giving_back(Suite *suite)
{
    TCase *tests = add_case(suite, "giving back");
    tcase_add_test(tests, a_rewind_gives_back_what_came_after_the_mark_and_nothing_else);
    tcase_add_test(tests, a_rewind_does_not_touch_what_it_gives_back);
    tcase_add_test(tests, marks_nest);
    tcase_add_test(tests, one_mark_serves_every_step);
    tcase_add_test(tests, a_reset_gives_back_everything);
    tcase_add_test(tests, an_empty_arena_can_be_marked_rewound_and_reset);
    tcase_add_test(tests, the_high_water_mark_stays);
    tcase_add_test(tests, a_rewind_does_not_take_longer_in_a_larger_arena);
    tcase_add_test(tests, a_step_like_the_one_before_needs_no_new_memory);
    tcase_add_test(tests, steps_that_alternate_end_up_needing_no_new_memory);
    tcase_add_test(tests, a_mark_of_another_arena_is_refused);
    tcase_add_test(tests, a_mark_that_was_rewound_past_is_refused);
    tcase_add_test(tests, a_stale_mark_in_a_chunk_not_reached_again_is_refused);
    tcase_add_test(tests, a_stale_mark_that_the_arena_has_grown_past_does_no_harm);
}

static void add_limits_and_lives(Suite *suite)
{
    TCase *tests = add_case(suite, "limits and lives");
    tcase_add_test(tests, a_limit_is_kept_to_the_byte);
    tcase_add_test(tests, a_request_beyond_the_limit_fails_and_a_smaller_one_succeeds);
    tcase_add_test(tests, a_limit_below_one_allocation_allows_none);
    tcase_add_test(tests, a_limit_keeps_what_is_held_already);
    tcase_add_test(tests, a_limit_beyond_all_memory_is_none);
    tcase_add_test(tests, threads_use_arenas_of_their_own_without_coordination);
    tcase_add_loop_test(tests, random_lives_never_hand_out_memory_twice, 0, 12);
}

int main(void)
{
    Suite *suite = suite_create("arena");
    add_taking(suite);
    add_giving_back(suite);
    add_limits_and_lives(suite);
    return run_suite(suite);
}
