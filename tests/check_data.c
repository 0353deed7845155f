/* check_data.c: tables, data sets, batches, normalisation. */
#include "config.h"

#include <check.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <autograd/autograd.h>

#include "assertions.h"
#include "core/sort.h"
#include "core/text.h"
#include "data/csv.h"
#include "suite.h"

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof(array)[0]))

static ag_arena *arena;

static void create_arena(void)
{
    arena = ag_arena_create(0);
    ck_assert_ptr_nonnull(arena);
}

static void destroy_arena(void)
{
    ag_arena_destroy(arena);
}

/* ---- text and order ---- */

static const struct {
    const char *text;
    bool is_number;
    double value;
} numbers[] = {
    {"1", true, 1},
    {" -2.5e3\t", true, -2500},
    {"+.5", true, 0.5},
    {"1e400", true, HUGE_VAL},
    {"-inf", true, -HUGE_VAL},
    {"", false, 0},
    {"  ", false, 0},
    {"1 2", false, 0},
    {"1,5", false, 0},
    {"0x10", false, 0},
    {"1.5x", false, 0},
    {"e5", false, 0},
    {"0.1", true, 0.1},
    {"nan(7)", false, 0},
    {"--1", false, 0},
    {"5e-324", true, 5e-324},
};

START_TEST(a_number_is_read_or_refused)
{
    double value = 0;
    ck_assert_int_eq(ag__parse_number(numbers[_i].text, &value), numbers[_i].is_number);
    if (numbers[_i].is_number) ck_assert(value == numbers[_i].value);
}
END_TEST

START_TEST(a_host_whose_locale_has_commas_reads_and_writes_points)
{
    static const char *const locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "ru_RU.UTF-8"};
    for (int i = 0; i < COUNT_OF(locales); i++)
        if (setlocale(LC_ALL, locales[i]) != NULL) break;
    double value = 0;
    char text[16];
    ck_assert(ag__parse_number("1.5", &value) && value == 1.5);
    ag__print(text, sizeof text, "%.1f", 2.5);
    ck_assert_str_eq(text, "2.5");
    setlocale(LC_ALL, "C");
}
END_TEST

static bool number_before(const void *context, uint32_t a, uint32_t b)
{
    const float *values = context;
    return values[a] < values[b];
}

START_TEST(sorting_puts_any_number_of_indices_in_order)
{
    enum { MOST = 300 };
    float values[MOST];
    ag_random random = ag_random_create(3);
    for (uint32_t count = 0; count < MOST; count++) {
        uint32_t order[MOST], sum = 0;
        for (uint32_t i = 0; i < count; i++) {
            order[i] = i;
            values[i] = (float)ag_random_below(&random, count / 2 + 1);
        }
        ag__sort(count, order, number_before, values);
        for (uint32_t i = 1; i < count; i++)
            ck_assert(values[order[i - 1]] <= values[order[i]]);
        for (uint32_t i = 0; i < count; i++)
            sum += order[i];
        ck_assert_uint_eq(sum, count > 0 ? count * (count - 1) / 2 : 0);
    }
}
END_TEST

/* ---- CSV ---- */

static ag_table *parse(const char *text, const ag_csv_options *options)
{
    return ag__csv_parse(arena, "a.csv", (const unsigned char *)text, strlen(text), options);
}

static void assert_cells(const ag_table *table, uint32_t rows, uint32_t columns,
                         const char *const *cells)
{
    ck_assert_msg(table != NULL, "%s", ag_last_error());
    ck_assert_uint_eq(table->num_rows, rows);
    ck_assert_uint_eq(table->num_columns, columns);
    for (uint32_t i = 0; i < rows * columns; i++)
        ck_assert_str_eq(ag_table_cell(table, i / columns, i % columns), cells[i]);
}

static const struct {
    const char *text;
    ag_csv_options options;
    uint32_t rows, columns;
    const char *cells[8];
} tables[] = {
    {"a,b\n1,2\n3,4\n", {0}, 2, 2, {"1", "2", "3", "4"}},
    {"a,b\r\n1,2\r\n3,4", {0}, 2, 2, {"1", "2", "3", "4"}},
    {"\xef\xbb\xbf\"a\",b\n\n 1 ,\t2\n  \n3, \n", {0}, 2, 2, {"1", "2", "3", ""}},
    {"a,b\n\"x,\"\"y\"\"\nz\" , \"\"\n", {0}, 1, 2, {"x,\"y\"\nz", ""}},
    {"a;b\n1,5;2\n", {.separator = ';'}, 1, 2, {"1,5", "2"}},
    {"a\tb\n \t2\n", {.separator = '\t'}, 1, 2, {"", "2"}},
    {"1,2\n3,4\n", {.no_header = true}, 2, 2, {"1", "2", "3", "4"}},
    {"a,b\n,\n,\n", {0}, 2, 2, {"", "", "", ""}},
    {"a\n1\n2", {0}, 2, 1, {"1", "2"}},
    {",\n1,2\n", {0}, 1, 2, {"1", "2"}},
};

START_TEST(a_table_has_the_cells_of_its_file)
{
    ag_table *table = parse(tables[_i].text, &tables[_i].options);
    assert_cells(table, tables[_i].rows, tables[_i].columns, tables[_i].cells);
}
END_TEST

static const struct {
    const char *text;
    const char *fragment;
} bad_tables[] = {
    {"", "line 1, column 1: the file has no rows"},
    {"a,b\n", "the file has no rows of data"},
    {"a,b\n1,2\n3\n", "line 3, column 2: the line ends after 1 cells, but the first one has 2"},
    {"a,b\n1,2,3\n", "line 2, column 5: a cell more than the first line has"},
    {"a,b\n1,\"2\n3,4\n", "line 2, column 3: this quote has no partner"},
    {"a,b\n1,x\"2\"\n", "line 2, column 4: a quote within a cell"},
    {"a,b\n\"1\n\n\"x,2\n", "line 4, column 2: something follows the quote"},
    {"a,b\n1,2\r3,4\n", "line 2, column 4: a carriage return"},
    {"a,b,a\n1,2,3\n", "line 1, column 3: a second column named \"a\""},
};

START_TEST(a_damaged_table_is_refused_with_its_place)
{
    size_t before = ag_arena_used(arena);
    ck_assert_ptr_null(parse(bad_tables[_i].text, NULL));
    ck_assert_ptr_nonnull(strstr(ag_last_error(), "read_csv: a.csv, line "));
    assert_last_failure(AG_ERROR_FORMAT, bad_tables[_i].fragment);
    ck_assert_uint_eq(ag_arena_used(arena), before);
}
END_TEST

START_TEST(bytes_that_are_no_text_are_refused)
{
    ck_assert_ptr_null(ag__csv_parse(arena, "a", (const unsigned char *)"a\n1\0\n", 6, NULL));
    assert_last_failure(AG_ERROR_FORMAT, "line 2, column 2: a byte 0");
    ck_assert_ptr_null(ag__csv_parse(arena, "a", (const unsigned char *)"a\n\"\0\"", 5, NULL));
    assert_last_failure(AG_ERROR_FORMAT, "line 2, column 2: a byte 0");
    ck_assert_ptr_null(parse("a\n1", &(ag_csv_options){.separator = '"'}));
    assert_last_failure(AG_ERROR_ARGUMENT, "character 34");
    ck_assert_ptr_null(ag_read_csv(arena, "/nonexistent/a.csv", NULL));
    assert_last_failure(AG_ERROR_FILE, "No such file");
    ck_assert_ptr_null(ag_read_csv(arena, NULL, NULL));
    assert_last_failure(AG_ERROR_NULL, "path");
}
END_TEST

START_TEST(a_table_takes_little_more_memory_than_its_file)
{
    enum { SIZE = 1 << 20 };
    char *text = malloc(SIZE + 1);
    for (int kind = 0; kind < 3; kind++) {
        memset(text, kind == 0 ? ',' : '\n', SIZE);
        for (int i = 0; kind == 2 && i < SIZE; i += 2)
            text[i] = '1';
        memcpy(text, "a\n", kind > 0 ? 2 : 0);
        if (kind == 0) text[SIZE / 2] = '\n';
        text[SIZE] = '\0';
        size_t before = ag_arena_used(arena);
        ag_arena_set_limit(arena, before + 32 * (size_t)SIZE);
        parse(text, NULL);
        ck_assert_msg(ag_last_status() != AG_ERROR_MEMORY, "%s", ag_last_error());
        ag_clear_error();
    }
    free(text);
}
END_TEST

static const char cars[] = "name,power,weight,origin\n"
                           "\"buick, skylark\",165,3693,USA\n"
                           "toyota,95,2372,Japan\n"
                           "renault,NA,1835,Europe\n"
                           "datsun,88,?,Japan\n";

START_TEST(columns_of_numbers_are_chosen_by_name)
{
    ag_table *table = parse(cars, &(ag_csv_options){.missing = "?"});
    ag_tensor *x = ag_table_numbers(arena, table, 2, (const char *[]){"weight", "power"});
    ck_assert_msg(x != NULL, "%s", ag_last_error());
    ck_assert(x->shape[0] == 4 && x->shape[1] == 2);
    ck_assert(x->data[0] == 3693 && x->data[1] == 165 && x->data[4] == 1835);
    ck_assert(isnan(x->data[5]) && isnan(x->data[6]));
    size_t before = ag_arena_used(arena);
    ck_assert_ptr_null(ag_table_numbers(arena, table, 1, (const char *[]){"origin"}));
    assert_last_failure(AG_ERROR_FORMAT, "a.csv, line 2, column 4 (origin): \"USA\" is no number");
    ck_assert_ptr_null(ag_table_numbers(arena, table, 1, (const char *[]){"colour"}));
    assert_last_failure(AG_ERROR_ARGUMENT, "a.csv has no column \"colour\"");
    ck_assert_ptr_null(ag_table_numbers(arena, table, 5, NULL));
    assert_last_failure(AG_ERROR_ARGUMENT, "5 columns of a table of 4");
    ck_assert_ptr_null(ag_table_numbers(arena, NULL, 1, NULL));
    assert_last_failure(AG_ERROR_NULL, "table");
    ck_assert_uint_eq(ag_arena_used(arena), before);
}
END_TEST

START_TEST(rows_with_missing_cells_can_be_left_out)
{
    ag_table *table = parse(cars, &(ag_csv_options){.missing = "?"});
    ag_table *power = ag_table_complete_rows(arena, table, 1, (const char *[]){"power"});
    ck_assert(power != NULL && power->num_rows == 3);
    ck_assert_str_eq(ag_table_cell(power, 2, 0), "datsun");
    ag_table *all = ag_table_complete_rows(arena, table, 4, NULL);
    ck_assert(all != NULL && all->num_rows == 2);
    ck_assert_ptr_null(ag_table_numbers(arena, power, 1, (const char *[]){"name"}));
    assert_last_failure(AG_ERROR_FORMAT, "line 2, column 1 (name): \"buick, skylark\"");
    ag_table *none = parse("a,b\n,1\n2,\n", NULL);
    ck_assert_ptr_null(ag_table_complete_rows(arena, none, 2, NULL));
    assert_last_failure(AG_ERROR_FORMAT, "no row in which nothing is missing");
}
END_TEST

START_TEST(categories_become_indices_or_one_hot_rows)
{
    ag_table *table = parse(cars, NULL);
    ag_categories *origins = ag_table_categories(arena, table, "origin");
    ck_assert(origins != NULL && origins->count == 3);
    ck_assert_str_eq(origins->names[0], "Europe");
    ck_assert_str_eq(origins->names[2], "USA");
    ag_tensor *indices = ag_table_indices(arena, table, "origin", NULL);
    ck_assert(indices != NULL && indices->ndims == 2 && indices->shape[1] == 1);
    ck_assert_mem_eq(indices->data, ((float[]){2, 1, 0, 1}), 16);
    ag_tensor *hot = ag_table_one_hot(arena, table, "origin", origins);
    ck_assert(hot != NULL && hot->shape[0] == 4 && hot->shape[1] == 3);
    ck_assert_mem_eq(hot->data, ((float[]){0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 1, 0}), 48);

    ag_table *other = parse("origin\nJapan\nItaly\n\n", NULL);
    ck_assert_ptr_null(ag_table_indices(arena, other, "origin", origins));
    assert_last_failure(AG_ERROR_FORMAT, "line 3, column 1 (origin): \"Italy\" is none of");
    ck_assert_ptr_null(ag_table_one_hot(arena, table, "power", NULL));
    assert_last_failure(AG_ERROR_FORMAT, "line 4, column 2 (power): \"NA\" is missing");
}
END_TEST

START_TEST(categories_that_are_numbers_come_in_their_order)
{
    ag_table *table = parse("class\n10\n9\n-1\n9\n2.5\n", NULL);
    ag_categories *found = ag_table_categories(arena, table, "class");
    ck_assert(found != NULL && found->count == 4);
    static const char *const expected[] = {"-1", "2.5", "9", "10"};
    for (int i = 0; i < 4; i++)
        ck_assert_str_eq(found->names[i], expected[i]);
}
END_TEST

/* Refused with a place and nothing taken, or read, and never in more memory than the file explains. */
static ag_table *read_damaged(const unsigned char *bytes, size_t size)
{
    size_t used = ag_arena_used(arena);
    ag_clear_error();
    ag_table *table = ag__csv_parse(arena, "a", bytes, size, NULL);
    size_t taken = ag_arena_used(arena) - used;
    if (table == NULL) {
        ck_assert(ag_last_status() == AG_ERROR_FORMAT || ag_last_status() == AG_ERROR_SHAPE);
        ck_assert_msg(strstr(ag_last_error(), "read_csv: a") != NULL, "%s", ag_last_error());
        ck_assert_uint_eq(taken, 0);
    }
    ck_assert_uint_le(taken, 32 * size + 4096);
    return table;
}

START_TEST(every_cut_and_every_flipped_bit_of_a_table_is_survived)
{
    size_t size = sizeof cars - 1;
    for (size_t length = 0; length <= size; length++) {
        unsigned char *part = malloc(length + 1);
        memcpy(part, cars, length);
        ag_mark mark = ag_arena_mark(arena);
        ag_table *table = read_damaged(part, length);
        if (table != NULL) ag_table_numbers(arena, table, table->num_columns, NULL);
        ag_arena_rewind(arena, mark);
        free(part);
    }
    for (size_t bit = 0; bit < 8 * size; bit++) {
        unsigned char *flipped = malloc(size);
        memcpy(flipped, cars, size);
        flipped[bit / 8] ^= (unsigned char)(1 << bit % 8);
        ag_mark mark = ag_arena_mark(arena);
        ag_table *table = read_damaged(flipped, size);
        for (uint32_t i = 0; table != NULL && i < table->num_columns; i++)
            ag_table_one_hot(arena, table, table->column_names[i], NULL);
        ag_arena_rewind(arena, mark);
        free(flipped);
    }
}
END_TEST

/* ---- data sets ---- */

/* Row i is i, i + 0.5, and its target -i. */
static ag_dataset *count_up(uint32_t rows)
{
    ag_tensor *x = ag_tensor_create(arena, 2, (uint32_t[]){rows, 2});
    ag_tensor *y = ag_tensor_create(arena, 1, &rows);
    for (uint32_t i = 0; i < rows; i++) {
        x->data[2 * i] = (float)i;
        x->data[2 * i + 1] = (float)i + 0.5f;
        y->data[i] = -(float)i;
    }
    ag_dataset *dataset = ag_dataset_create(arena, x, y);
    ck_assert_msg(dataset != NULL, "%s", ag_last_error());
    return dataset;
}

/* Goes through an epoch, checks that each batch holds its rows, and counts how often each is seen. */
static uint32_t see_all(ag_batches *batches, uint32_t *seen)
{
    uint32_t count = 0;
    while (ag_next_batch(batches)) {
        ck_assert_uint_eq(batches->features->shape[0], batches->count);
        ck_assert_uint_eq(batches->features->size, 2 * (size_t)batches->count);
        for (uint32_t i = 0; i < batches->count; i++) {
            uint32_t row = batches->rows[i];
            ck_assert(batches->features->data[2 * i] == (float)row);
            ck_assert(batches->features->data[2 * i + 1] == (float)row + 0.5f);
            ck_assert(batches->targets->data[i] == -(float)row);
            seen[row]++;
        }
        count += batches->count;
    }
    return count;
}

START_TEST(each_row_is_seen_once_an_epoch)
{
    enum { ROWS = 23 };
    ag_random random = ag_random_create(1);
    ag_batches *batches = ag_batches_create(arena, count_up(ROWS), 5, _i == 0 ? NULL : &random);
    size_t used = ag_arena_used(arena);
    for (int epoch = 0; epoch < 3; epoch++) {
        uint32_t seen[ROWS] = {0};
        ck_assert_uint_eq(see_all(batches, seen), ROWS);
        for (int i = 0; i < ROWS; i++)
            ck_assert_uint_eq(seen[i], 1);
    }
    batches->drop_last = true;
    uint32_t seen[ROWS] = {0};
    ck_assert_uint_eq(see_all(batches, seen), 20);
    ck_assert_uint_eq(ag_arena_used(arena), used);
}
END_TEST

START_TEST(rows_in_order_are_not_copied)
{
    ag_dataset *dataset = count_up(10);
    ag_batches *batches = ag_batches_create(arena, dataset, 4, NULL);
    for (uint32_t first = 0; ag_next_batch(batches); first += 4) {
        ck_assert_ptr_eq(batches->features->data, dataset->features->data + 2 * first);
        ck_assert_ptr_eq(batches->targets->data, dataset->targets->data + first);
    }
}
END_TEST

START_TEST(an_epochs_order_depends_on_the_generator_alone)
{
    ag_dataset *dataset = count_up(50);
    ag_random one = ag_random_create(1), two;
    ag_batches *first = ag_batches_create(arena, dataset, 50, &one);
    ck_assert(ag_next_batch(first) && !ag_next_batch(first));
    uint32_t before[50], moved = 0;
    memcpy(before, first->rows, sizeof before);
    two = one;
    ag_batches *second = ag_batches_create(arena, dataset, 50, &two);
    ck_assert(ag_next_batch(first) && ag_next_batch(second));
    ck_assert_mem_eq(first->rows, second->rows, 50 * sizeof(uint32_t));
    for (int i = 0; i < 50; i++)
        moved += first->rows[i] != before[i];
    ck_assert_uint_gt(moved, 40);
}
END_TEST

START_TEST(a_split_parts_the_rows)
{
    enum { ROWS = 100 };
    ag_dataset *all = count_up(ROWS), *training, *test, *deeper, *rest;
    ag_random random = ag_random_create(4);
    ck_assert_int_eq(ag_dataset_split(arena, all, 0.3, &random, &training, &test), AG_OK);
    ck_assert_uint_eq(training->num_rows, 70);
    ck_assert_uint_eq(test->num_rows, 30);
    ck_assert_int_eq(ag_dataset_split(arena, training, 0.5, &random, &deeper, &rest), AG_OK);
    ck_assert_uint_eq(rest->num_rows, 35);
    uint32_t seen[ROWS] = {0};
    see_all(ag_batches_create(arena, test, 7, NULL), seen);
    see_all(ag_batches_create(arena, deeper, 7, &random), seen);
    see_all(ag_batches_create(arena, rest, 100, NULL), seen);
    for (int i = 0; i < ROWS; i++)
        ck_assert_uint_eq(seen[i], 1);
    for (uint32_t i = 1; i < test->num_rows; i++)
        ck_assert_uint_lt(test->rows[i - 1], test->rows[i]);
}
END_TEST

START_TEST(every_row_is_as_likely_to_be_chosen)
{
    enum { ROWS = 10, DRAWS = 20000 };
    ag_dataset *all = count_up(ROWS), *training, *test;
    uint32_t counts[ROWS] = {0};
    ag_random random = ag_random_create(4);
    for (int i = 0; i < DRAWS; i++) {
        ag_mark mark = ag_arena_mark(arena);
        ag_dataset_split(arena, all, 0.3, &random, &training, &test);
        for (uint32_t k = 0; k < test->num_rows; k++)
            counts[test->rows[k]]++;
        ag_arena_rewind(arena, mark);
    }
    for (int i = 0; i < ROWS; i++)
        ck_assert_msg(fabs(counts[i] - 0.3 * DRAWS) < 5 * sqrt(DRAWS * 0.21), "%u", counts[i]);
}
END_TEST

START_TEST(what_makes_no_data_set_is_refused)
{
    ag_dataset *all = count_up(4), *a, *b;
    ag_random random = ag_random_create(4);
    ag_tensor *three = ag_tensor_create_zeros(arena, 1, (uint32_t[]){3});
    ck_assert_ptr_null(ag_dataset_create(arena, all->features, three));
    assert_last_failure(AG_ERROR_SHAPE, "features are [4, 2] but targets are [3]");
    static const double shares[] = {0, 1, 0.1, 0.9, -1, 2, (double)NAN, HUGE_VAL};
    for (int i = 0; i < COUNT_OF(shares); i++) {
        ck_assert_int_ne(ag_dataset_split(arena, all, shares[i], &random, &a, &b), AG_OK);
        assert_last_failure(AG_ERROR_ARGUMENT, "would leave one part empty");
    }
    ck_assert_ptr_null(ag_batches_create(arena, all, 0, NULL));
    assert_last_failure(AG_ERROR_ARGUMENT, "batch_size is 0");
    ck_assert(!ag_next_batch(NULL));
    assert_last_failure(AG_ERROR_NULL, "batches");
}
END_TEST

/* ---- normalisation ---- */

START_TEST(normalisation_is_fitted_on_the_training_part)
{
    ag_tensor *x = ag_tensor_create_from(
        arena, 2, (uint32_t[]){5, 3},
        (float[]){1, 5, 1e6f, 3, 5, 1e6f + 2, 100, 100, 100, NAN, 5, 1e6f + 1, 5, 5, 1e6f + 1});
    static const uint32_t rows[] = {0, 1, 3, 4};
    ag_dataset training = {x, NULL, 4, rows};
    ag_normalization *n = ag_normalization_fit(arena, &training, true);
    ck_assert_msg(n != NULL, "%s", ag_last_error());
    ck_assert_uint_eq(n->num_columns, 3);
    ck_assert_mem_eq(n->mean, ((float[]){3, 5, 1e6f + 1}), 12);
    ck_assert(n->deviation[0] == sqrtf(8.0f / 3) && n->deviation[1] == 1 &&
              n->deviation[2] == sqrtf(0.5f));
    ck_assert_int_eq(ag_normalize(n, x), AG_OK);
    ck_assert(x->data[1] == 0 && x->data[7] == 95 && isnan(x->data[9]) && x->data[3] == 0);
    ag_tensor *narrow = ag_tensor_create_zeros(arena, 2, (uint32_t[]){3, 2});
    ck_assert_int_eq(ag_normalize(n, narrow), AG_ERROR_SHAPE);
    assert_last_failure(AG_ERROR_SHAPE, "[3, 2], but rows of 3 numbers");
}
END_TEST

START_TEST(images_are_normalised_by_one_mean)
{
    ag_dataset *all = count_up(8);
    ag_normalization *n = ag_normalization_fit(arena, all, false);
    ck_assert(n != NULL && n->num_columns == 1 && n->mean[0] == 3.75f);
    ck_assert_int_eq(ag_normalize(n, all->features), AG_OK);
    double sum = 0, squares = 0;
    for (size_t i = 0; i < 16; i++) {
        sum += (double)all->features->data[i];
        squares += (double)all->features->data[i] * (double)all->features->data[i];
    }
    ck_assert(fabs(sum) < 1e-5 && fabs(squares - 16) < 1e-5);
}
END_TEST

/* ---- */

static void add_csv(Suite *suite)
{
    TCase *tests = add_case(suite, "csv");
    tcase_add_checked_fixture(tests, create_arena, destroy_arena);
    tcase_add_loop_test(tests, a_number_is_read_or_refused, 0, COUNT_OF(numbers));
    tcase_add_test(tests, a_host_whose_locale_has_commas_reads_and_writes_points);
    tcase_add_test(tests, sorting_puts_any_number_of_indices_in_order);
    tcase_add_loop_test(tests, a_table_has_the_cells_of_its_file, 0, COUNT_OF(tables));
    tcase_add_loop_test(tests, a_damaged_table_is_refused_with_its_place, 0, COUNT_OF(bad_tables));
    tcase_add_test(tests, bytes_that_are_no_text_are_refused);
    tcase_add_test(tests, a_table_takes_little_more_memory_than_its_file);
    tcase_add_test(tests, columns_of_numbers_are_chosen_by_name);
    tcase_add_test(tests, rows_with_missing_cells_can_be_left_out);
    tcase_add_test(tests, categories_become_indices_or_one_hot_rows);
    tcase_add_test(tests, categories_that_are_numbers_come_in_their_order);
    tcase_add_test(tests, every_cut_and_every_flipped_bit_of_a_table_is_survived);
}

static void add_dataset(Suite *suite)
{
    TCase *tests = add_case(suite, "datasets");
    tcase_add_checked_fixture(tests, create_arena, destroy_arena);
    tcase_add_loop_test(tests, each_row_is_seen_once_an_epoch, 0, 2);
    tcase_add_test(tests, rows_in_order_are_not_copied);
    tcase_add_test(tests, an_epochs_order_depends_on_the_generator_alone);
    tcase_add_test(tests, a_split_parts_the_rows);
    tcase_add_test(tests, every_row_is_as_likely_to_be_chosen);
    tcase_add_test(tests, what_makes_no_data_set_is_refused);
    tcase_add_test(tests, normalisation_is_fitted_on_the_training_part);
    tcase_add_test(tests, images_are_normalised_by_one_mean);
}

int main(void)
{
    Suite *suite = suite_create("data");
    add_csv(suite);
    add_dataset(suite);
    return run_suite(suite);
}
