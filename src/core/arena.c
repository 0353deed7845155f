/* arena.c: a list of chunks, filled one after the other. */
#include "config.h"

#include <autograd/arena.h>

#include "core/allocator.h"
#include "core/stamp.h"
#include "core/status.h"
#include "core/watch.h"

#define DEFAULT_CHUNK_BYTES ((size_t)1 << 20)
/* Far beyond any machine's memory; sums of two such sizes do not overflow. */
#define MAX_BYTES ((size_t)PTRDIFF_MAX / 2 / AG__ALIGNMENT * AG__ALIGNMENT)

typedef struct chunk {
    struct chunk *next;
    size_t capacity; /* bytes behind the header */
    size_t used;
    size_t before; /* bytes taken from the chunks before it, once it is in use */
    char padding[AG__ALIGNMENT - sizeof(void *) - 3 * sizeof(size_t)];
} chunk;

_Static_assert(sizeof(chunk) == AG__ALIGNMENT, "what follows a chunk's header must be aligned");

struct ag_arena {
    chunk *first;
    chunk *current; /* chunks behind it are empty */
    size_t chunk_bytes;
    size_t limit; /* 0: none */
    size_t capacity;
    size_t used;
    size_t high_water;
    ag__stamp_record *last_stamp;
    uint64_t num_stamps;    /* ever made */
    ag_allocator allocator; /* what all of this came from, and goes back to */
};

static size_t round_up(size_t bytes)
{
    return bytes < MAX_BYTES ? (bytes + AG__ALIGNMENT - 1) / AG__ALIGNMENT * AG__ALIGNMENT
                             : MAX_BYTES;
}

ag_arena *ag_arena_create(size_t chunk_bytes)
{
    ag_allocator allocator = ag__allocator();
    ag_arena *arena = ag__allocate(&allocator, sizeof *arena);
    if (arena == NULL) {
        ag__fail(AG_ERROR_MEMORY, "arena_create: out of memory");
        return NULL;
    }
    *arena = (ag_arena){
        .chunk_bytes = round_up(chunk_bytes != 0 ? chunk_bytes : DEFAULT_CHUNK_BYTES),
        .allocator = allocator,
    };
    return arena;
}

void ag_arena_destroy(ag_arena *arena)
{
    if (arena == NULL) return;
    ag_allocator allocator = arena->allocator;
    for (chunk *each = arena->first; each != NULL;) {
        chunk *next = each->next;
        ag__allow(each + 1, each->capacity);
        ag__release(&allocator, each, sizeof *each + each->capacity);
        each = next;
    }
    ag__release(&allocator, arena, sizeof *arena);
}

/* How large a new chunk should be to hold a request, or 0 where the limit forbids it. */
static size_t new_chunk_capacity(const ag_arena *arena, size_t bytes)
{
    size_t wanted = bytes > arena->chunk_bytes ? bytes : arena->chunk_bytes;
    if (arena->limit == 0) return wanted;
    size_t left = arena->limit > arena->capacity ? arena->limit - arena->capacity : 0;
    if (bytes > left) return 0;
    return wanted < left ? wanted : left / AG__ALIGNMENT * AG__ALIGNMENT;
}

/* Adds a chunk behind the current one. */
static chunk *add_chunk(ag_arena *arena, size_t bytes)
{
    size_t capacity = new_chunk_capacity(arena, bytes);
    if (capacity == 0) {
        ag__fail(AG_ERROR_MEMORY,
                 "arena_alloc: %zu bytes more would exceed the arena's limit of %zu", bytes,
                 arena->limit);
        return NULL;
    }
    chunk *added = ag__allocate(&arena->allocator, sizeof(chunk) + capacity);
    if (added == NULL) {
        ag__fail(AG_ERROR_MEMORY, "arena_alloc: out of memory (%zu bytes)", capacity);
        return NULL;
    }
    chunk **link = arena->current != NULL ? &arena->current->next : &arena->first;
    *added = (chunk){.next = *link, .capacity = capacity};
    *link = added;
    arena->capacity += capacity;
    ag__forbid(added + 1, capacity);
    return added;
}

/* The first chunk from the current one on with room for a request; a new one if there is none. */
static chunk *chunk_with_room(ag_arena *arena, size_t bytes)
{
    chunk *candidate = arena->current != NULL ? arena->current : arena->first;
    for (; candidate != NULL; candidate = candidate->next)
        if (candidate->capacity - candidate->used >= bytes) return candidate;
    return add_chunk(arena, bytes);
}

void *ag_arena_alloc(ag_arena *arena, size_t bytes)
{
    if (arena == NULL) {
        ag__fail_null("arena_alloc", "arena");
        return NULL;
    }
    if (bytes == 0) {
        ag__fail(AG_ERROR_ARGUMENT, "arena_alloc: 0 bytes requested");
        return NULL;
    }
    if (bytes > MAX_BYTES) {
        ag__fail(AG_ERROR_MEMORY, "arena_alloc: out of memory (%zu bytes)", bytes);
        return NULL;
    }
    size_t asked = bytes;
    bytes = round_up(bytes);
    chunk *home = chunk_with_room(arena, bytes);
    if (home == NULL) return NULL;
    arena->current = home;
    if (home->used == 0) home->before = arena->used;
    void *memory = (char *)(home + 1) + home->used;
    home->used += bytes;
    arena->used += bytes;
    if (arena->used > arena->high_water) arena->high_water = arena->used;
    ag__forbid(memory, bytes);
    ag__allow(memory, asked);
    return memory;
}

ag_mark ag_arena_mark(const ag_arena *arena)
{
    if (arena == NULL) return (ag_mark){0};
    chunk *current = arena->current;
    return (ag_mark){
        .arena = arena,
        .chunk = current,
        .chunk_used = current != NULL ? current->used : 0,
        .total_used = arena->used,
    };
}

void ag__arena_stamp(ag_arena *arena, ag_stamp *stamp)
{
    ag__stamp_record *record = (ag__stamp_record *)(stamp + 1);
    *record = (ag__stamp_record){arena->last_stamp, arena->used};
    arena->last_stamp = record;
    stamp->serial = ++arena->num_stamps;
    stamp->sign = ag__stamp_sign(stamp);
}

/* Takes the sign from all stamps beyond a place. */
static void end_stamps(ag_arena *arena, size_t place)
{
    ag__stamp_record *record = arena->last_stamp;
    for (; record != NULL && record->place > place; record = record->before)
        ((ag_stamp *)record - 1)->sign = 0;
    arena->last_stamp = record;
}

/* Makes a chunk, or none, the last one that holds anything. */
static void rewind_to(ag_arena *arena, chunk *last, size_t chunk_used, size_t total_used)
{
    end_stamps(arena, total_used);
    chunk *beyond = arena->current != NULL ? arena->current->next : arena->first;
    for (chunk *each = last != NULL ? last->next : arena->first; each != beyond; each = each->next)
        each->used = 0;
    arena->current = last;
    if (last != NULL) last->used = chunk_used;
    arena->used = total_used;
}

/* Whether a mark lies within what is taken now: a stale mark may not. */
static bool is_within(const ag_arena *arena, const ag_mark *mark)
{
    const chunk *marked = mark->chunk;
    if (marked == NULL) return mark->total_used == 0;
    return mark->chunk_used <= marked->used &&
           mark->total_used == marked->before + mark->chunk_used && arena->used >= mark->total_used;
}

ag_status ag_arena_rewind(ag_arena *arena, ag_mark mark)
{
    if (arena == NULL) return ag__fail_null("arena_rewind", "arena");
    if (mark.arena != arena)
        return ag__fail(AG_ERROR_ARGUMENT, "arena_rewind: the mark was taken of another arena");
    if (!is_within(arena, &mark))
        return ag__fail(AG_ERROR_ARGUMENT,
                        "arena_rewind: the mark lies beyond what the arena holds; it was rewound");
    rewind_to(arena, mark.chunk, mark.chunk_used, mark.total_used);
    return AG_OK;
}

ag_status ag_arena_reset(ag_arena *arena)
{
    if (arena == NULL) return ag__fail_null("arena_reset", "arena");
    rewind_to(arena, NULL, 0, 0);
    return AG_OK;
}

ag_status ag_arena_set_limit(ag_arena *arena, size_t bytes)
{
    if (arena == NULL) return ag__fail_null("arena_set_limit", "arena");
    arena->limit = bytes;
    return AG_OK;
}

size_t ag_arena_used(const ag_arena *arena)
{
    return arena != NULL ? arena->used : 0;
}

size_t ag_arena_high_water(const ag_arena *arena)
{
    return arena != NULL ? arena->high_water : 0;
}

size_t ag_arena_capacity(const ag_arena *arena)
{
    return arena != NULL ? arena->capacity : 0;
}
