/* words.c: reads a text into words; a hash table with open addressing finds those that are known. */
#include "support/words.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SLOTS = 2 * MOST_WORDS, MOST_LETTERS = 80 };

/* The place of a word in the vocabulary, which it enters if it is new; the first's if there is no room. */
static int32_t place_of(words *to, ag_arena *arena, const char *word, size_t letters)
{
    static int32_t slots[SLOTS]; /* 1 + a place */
    size_t slot = 5381;
    for (size_t i = 0; i < letters; i++)
        slot = slot * 33 + (unsigned char)word[i];
    while (slots[slot %= SLOTS] > 0 && strcmp(to->names[slots[slot] - 1], word) != 0)
        slot++;
    if (slots[slot] == 0 && to->vocabulary < MOST_WORDS) {
        char *kept = ag_arena_alloc(arena, letters + 1);
        if (kept == NULL) return 0;
        to->names[to->vocabulary++] = memcpy(kept, word, letters + 1);
        slots[slot] = (int32_t)to->vocabulary;
    }
    return slots[slot] > 0 ? slots[slot] - 1 : 0;
}

bool words_read(words *to, ag_arena *arena, const char *path)
{
    FILE *file = fopen(path, "r");
    char word[MOST_LETTERS + 1];
    for (int c = ' ', line_ends = 0; file != NULL && c != EOF && to->length + 1 < LONGEST_TEXT;) {
        size_t n = 0;
        for (; isalpha(c = getc(file)) || c == '\''; word[n++] = (char)c)
            if (n == MOST_LETTERS) break;
        word[n] = '\0';
        if (n > 0) to->text[to->length++] = place_of(to, arena, word, n);
        if (n > 0 || !isspace(c)) line_ends = 0;
        if (c == '\n') line_ends++;
        if (ispunct(c) || (c == '\n' && line_ends == 2))
            to->text[to->length++] = place_of(to, arena, (char[]){(char)c, '\0'}, 1);
    }
    if (file == NULL)
        perror(path);
    else if (fclose(file) == 0 && to->length < SHORTEST_TEXT)
        fprintf(stderr, "%s: a text of %d words is needed\n", path, SHORTEST_TEXT);
    return to->length >= SHORTEST_TEXT;
}

ag_indices *words_after(const words *from, ag_arena *arena, uint32_t count, const uint32_t *places,
                        uint32_t offset, uint32_t length)
{
    ag_indices *rows = ag_indices_create(arena, 2, (uint32_t[]){count, length});
    for (uint32_t i = 0; rows != NULL && i < count; i++)
        memcpy(rows->data + i * length, from->text + places[i] + offset,
               length * sizeof *from->text);
    return rows;
}

uint32_t words_training_span(const words *from, ag_random *generator, uint32_t span)
{
    uint32_t chosen = ag_random_below(generator, from->length / span / 10 * 9);
    return (chosen + chosen / 9) * span;
}

static bool is_for_test(uint32_t place, uint32_t span)
{
    return place / span % 10 == 9;
}

double words_perplexity_by_counts(const words *from, uint32_t span)
{
    static double counts[MOST_WORDS];
    double seen = from->vocabulary, tested = 0, sum = 0;
    for (uint32_t i = 0; i < from->vocabulary; i++)
        counts[i] = 1;
    for (uint32_t i = 0; i < from->length; i++)
        if (!is_for_test(i, span)) counts[from->text[i]]++, seen++;
    for (uint32_t i = 0; i < from->length; i++)
        if (is_for_test(i, span) && i % span != 0)
            sum -= log(counts[from->text[i]] / seen), tested++;
    return exp(sum / tested);
}

void words_print(const words *from, int32_t word)
{
    const char *name = from->names[word];
    printf("%s%s", isalpha((unsigned char)*name) ? " " : "", name);
}
