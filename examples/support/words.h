/* words.h: a text as a sequence of words, marks and empty lines, each by its place in a vocabulary. */
#ifndef SUPPORT_WORDS_H
#define SUPPORT_WORDS_H

#include <autograd/autograd.h>

#include <stdbool.h>
#include <stdint.h>

enum { MOST_WORDS = 1 << 17, SHORTEST_TEXT = 2000, LONGEST_TEXT = 1 << 22 };

typedef struct words {
    const char *names[MOST_WORDS]; /* in order of appearance */
    uint32_t vocabulary;           /* how many names */
    int32_t text[LONGEST_TEXT];
    uint32_t length; /* of the text */
} words;

/* Reads a file; the names live in the arena. On failure it writes the reason to standard error. */
bool words_read(words *to, ag_arena *arena, const char *path);

/* The words of the text from these places plus an offset on: [count, length]; NULL on failure. */
ag_indices *words_after(const words *from, ag_arena *arena, uint32_t count, const uint32_t *places,
                        uint32_t offset, uint32_t length);

/* Every tenth span of the text is for the test. Where a span begins that is not, at random. */
uint32_t words_training_span(const words *from, ag_random *generator, uint32_t span);

/*
 * The perplexity of the words of the test, the first of each span left out, if each is guessed by how often
 * it stands in the other spans, plus one.
 */
double words_perplexity_by_counts(const words *from, uint32_t span);

/* Prints a word; letters come after a space. */
void words_print(const words *from, int32_t word);

#endif
