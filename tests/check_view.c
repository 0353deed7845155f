/* check_view.c: charts, pictures, graphs, logs, profiles; tensors shared with other libraries. */
#include "config.h"

#include <check.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <autograd/autograd.h>

#include "assertions.h"
#include "core/checksum.h"
#include "core/file.h"
#include "suite.h"

static ag_arena *arena;
static char path[64];

static void create_all(void)
{
    arena = ag_arena_create(0);
    ck_assert_ptr_nonnull(arena);
    strcpy(path, "/tmp/check_view.XXXXXX");
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    close(file);
}

static void destroy_all(void)
{
    unlink(path);
    ag_arena_destroy(arena);
}

/* What the file holds, as a text. */
static char *content(void)
{
    ag__bytes bytes = {0};
    succeed(ag__file_read("test", path, &bytes));
    char *text = ag_arena_alloc(arena, bytes.size + 1);
    memcpy(text, bytes.data, bytes.size);
    text[bytes.size] = '\0';
    ag__bytes_free(&bytes);
    return text;
}

static int count(const char *text, const char *word)
{
    int found = 0;
    for (; (text = strstr(text, word)) != NULL; text++)
        found++;
    return found;
}

/* ---- charts ---- */

START_TEST(a_chart_shows_curves_and_points)
{
    const float losses[] = {1, 0.5f, 0.25f, NAN, 0.125f, 0}, xy[] = {0, 1, 1, 2, 2, 3, 3, 4};
    const ag_plot_series curve = {"a < b & c", AG_PLOT_LINE, 0, 6, NULL, losses, 0},
                         cloud = {NULL, AG_PLOT_POINTS, 1, 4, xy, xy + 1, 2};
    const ag_plot_panel panels[] = {{"loss", true, 1, &curve}, {"y", false, 1, &cloud}};
    succeed(ag_save_plot(path, &(ag_plot){"Title", "epochs", 2, panels}));
    const char *svg = content();
    ck_assert_int_eq(strncmp(svg, "<svg ", 5), 0);
    ck_assert_str_eq(svg + strlen(svg) - 7, "</svg>\n");
    ck_assert_ptr_nonnull(strstr(svg, "a &lt; b &amp; c"));
    ck_assert_int_eq(count(svg, "<circle"), 4);
    ck_assert_int_eq(count(svg, "<path"), 1);
    /* the zero cannot stand on a logarithmic axis, and NaN lifts the pen */
    const char *curve_path = strstr(svg, " d=\"");
    ck_assert_int_eq(count(curve_path, "M"), 2);
    ck_assert_ptr_null(strstr(svg, "nan"));
    ck_assert_ptr_null(strstr(svg, "inf"));
}
END_TEST

/* Three epochs have none between them; three numbers may. */
START_TEST(whole_numbers_have_whole_ticks)
{
    const float epochs[] = {1, 2, 3}, numbers[] = {1, 2.25f, 3}, same[] = {7, 7, 7};
    ag_plot_series series = {"s", AG_PLOT_LINE, 0, 3, epochs, same, 1};
    const ag_plot_panel panel = {"y", true, 1, &series};
    const ag_plot plot = {"Title", "x", 1, &panel};
    succeed(ag_save_plot(path, &plot));
    ck_assert_ptr_nonnull(strstr(content(), ">2</text>"));
    ck_assert_ptr_null(strstr(content(), ">1.2</text>"));
    series.x = numbers;
    succeed(ag_save_plot(path, &plot));
    ck_assert_ptr_nonnull(strstr(content(), ">1.2</text>"));
}
END_TEST

START_TEST(a_lone_panel_is_tall)
{
    const float y[] = {1, 2, 3};
    const ag_plot_series series = {"s", AG_PLOT_LINE, 0, 3, NULL, y, 1};
    const ag_plot_panel panels[] = {{"y", false, 1, &series}, {"z", false, 1, &series}};
    succeed(ag_save_plot(path, &(ag_plot){"Title", "x", 1, panels}));
    ck_assert_ptr_nonnull(strstr(content(), "height=\"476\""));
    succeed(ag_save_plot(path, &(ag_plot){"Title", "x", 2, panels}));
    ck_assert_ptr_nonnull(strstr(content(), "height=\"588\""));
}
END_TEST

START_TEST(a_chart_survives_any_numbers)
{
    static const float values[][3] = {{0, 0, 0},          {NAN, NAN, NAN}, {INFINITY, 1, 1},
                                      {3e38f, -3e38f, 0}, {1e-45f, 0, 0},  {-1, -2, -3},
                                      {1, 1.0000001f, 1}, {5, 5, 5},       {-1e-30f, 1e30f, 1}};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        for (int logarithmic = 0; logarithmic < 2; logarithmic++) {
            ag_plot_series series = {"s", AG_PLOT_LINE_WITH_POINTS, 12, 3, values[i], values[i], 1};
            ag_plot_panel panel = {"y", logarithmic != 0, 1, &series};
            succeed(ag_save_plot(path, &(ag_plot){"", "", 1, &panel}));
            const char *svg = content();
            ck_assert_ptr_null(strstr(svg, "nan"));
            ck_assert_ptr_null(strstr(svg, "inf"));
        }
}
END_TEST

START_TEST(a_chart_without_numbers_is_refused)
{
    ag_plot_series series = {.count = 1};
    ag_plot_panel panel = {"y", false, 1, &series};
    ag_plot plot = {"t", "x", 1, &panel};
    assert_fails(ag_save_plot(path, &plot), AG_ERROR_NULL, "a series' y");
    panel.y_label = NULL;
    assert_fails(ag_save_plot(path, &plot), AG_ERROR_NULL, "y_label");
    plot.title = NULL;
    assert_fails(ag_save_plot(path, &plot), AG_ERROR_NULL, "title");
    assert_fails(ag_save_plot(path, NULL), AG_ERROR_NULL, "plot is NULL");
    assert_fails(ag_save_plot(NULL, &plot), AG_ERROR_NULL, "path");
    assert_fails(ag_save_plot("/dev/full", &(ag_plot){"", "", 1, &(ag_plot_panel){"", 0, 0, 0}}),
                 AG_ERROR_FILE, "No space left");
}
END_TEST

/* ---- pictures ---- */

static uint32_t get_32(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Checks the chunks of a picture and gives its lines, each with a filter byte before it. */
static unsigned char *pixels_of(uint32_t width, uint32_t height)
{
    ag__bytes bytes = {0};
    succeed(ag__file_read("test", path, &bytes));
    const unsigned char *b = bytes.data;
    uint32_t data = 2 + height * (width + 6) + 4;
    ck_assert_uint_eq(bytes.size, 8 + 25 + 12 + data + 12);
    ck_assert_mem_eq(b, "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", 16);
    ck_assert_uint_eq(get_32(b + 16), width);
    ck_assert_uint_eq(get_32(b + 20), height);
    ck_assert_uint_eq(get_32(b + 29), ag__crc32(0, b + 12, 17));
    ck_assert_uint_eq(get_32(b + 33), data);
    ck_assert_uint_eq(get_32(b + 41 + data), ag__crc32(0, b + 37, data + 4));
    ck_assert_mem_eq(b + 45 + data, "\0\0\0\0IEND\xae\x42\x60\x82", 12);
    unsigned char *lines = ag_arena_alloc(arena, height * (width + 1));
    for (uint32_t y = 0; y < height; y++) {
        const unsigned char *block = b + 43 + y * (width + 6);
        ck_assert_uint_eq(block[0], y + 1 == height);
        ck_assert_uint_eq(block[1] | (uint32_t)block[2] << 8, width + 1);
        ck_assert_uint_eq(block[3] ^ 255u, block[1]);
        memcpy(lines + y * (width + 1), block + 5, width + 1);
    }
    ck_assert_uint_eq(get_32(b + 37 + data), ag__adler32(1, lines, height * (width + 1)));
    ag__bytes_free(&bytes);
    return lines;
}

START_TEST(images_stand_in_a_grid)
{
    ag_tensor *images =
        ag_tensor_create_from(arena, 3, (uint32_t[]){3, 1, 2}, (float[]){0, 1, 0.5f, NAN, -7, 7});
    succeed(ag_save_images(path, images, 2, 1, 0, 1));
    static const unsigned char expected[4][7] = {{0, 0, 255, 128, 128, 128, 0},
                                                 {0, 128, 128, 128, 128, 128, 128},
                                                 {0, 128, 128, 128, 128, 128, 128},
                                                 {0, 0, 255, 128, 128, 128, 128}};
    ck_assert_mem_eq(pixels_of(6, 4), expected, sizeof expected);
    ag_tensor *single = ag_tensor_create_from(arena, 2, (uint32_t[]){1, 2}, (float[]){0, 1});
    succeed(ag_save_images(path, single, 9, 2, 0, 1));
    ck_assert_mem_eq(pixels_of(4, 2), ((unsigned char[]){0, 0, 0, 255, 255, 0, 0, 0, 255, 255}),
                     10);
}
END_TEST

START_TEST(pictures_that_cannot_be_are_refused)
{
    ag_tensor *x = ag_tensor_create_zeros(arena, 2, (uint32_t[]){20, 20});
    ag_tensor *vector = ag_tensor_create_zeros(arena, 1, (uint32_t[]){20});
    assert_fails(ag_save_images(path, vector, 1, 1, 0, 1), AG_ERROR_SHAPE, "images are [20]");
    assert_fails(ag_save_images(path, x, 0, 1, 0, 1), AG_ERROR_ARGUMENT, "columns is 0");
    assert_fails(ag_save_images(path, x, 1, 0, 0, 1), AG_ERROR_ARGUMENT, "zoom is 0");
    assert_fails(ag_save_images(path, x, 1, 1, 1, 1), AG_ERROR_ARGUMENT, "low is 1 but high is 1");
    assert_fails(ag_save_images(path, x, 1, UINT32_MAX, 0, 1), AG_ERROR_ARGUMENT,
                 "more than 32768");
    assert_fails(ag_save_images(path, NULL, 1, 1, 0, 1), AG_ERROR_NULL, "images");
}
END_TEST

/* ---- graphs ---- */

START_TEST(a_graph_names_its_nodes)
{
    ag_tensor *w = ag_tensor_create_from(arena, 2, (uint32_t[]){1, 2}, (float[]){1, 2});
    ag_tensor *x = ag_tensor_create_from(arena, 2, (uint32_t[]){1, 2}, (float[]){3, 4});
    ag_tensor *t = ag_tensor_create_zeros(arena, 2, (uint32_t[]){1, 1});
    ag_variable *weight = ag_create_leaf(arena, w, true), *input = ag_create_leaf(arena, x, false);
    ag_variable *pred = ag_linear(arena, input, weight, NULL);
    ag_variable *loss = ag_l1_loss(arena, pred, ag_create_leaf(arena, t, false), AG_REDUCTION_MEAN);
    succeed(ag_backward(arena, loss));
    ag_named_tensor names[] = {{"the \"weight\"", w}, {"prediction", pred->data}};
    size_t used = ag_arena_used(arena);
    succeed(ag_save_graph(arena, path, loss, 2, names));
    ck_assert_uint_eq(ag_arena_used(arena), used);
    const char *dot = content();
    ck_assert_ptr_nonnull(strstr(dot, "the \\\"weight\\\"\\n[1, 2]\\n|grad| = 5\""));
    ck_assert_ptr_nonnull(strstr(dot, "label=\"input\\n[1, 2]\""));
    ck_assert_ptr_nonnull(strstr(dot, "prediction = linear\\n[1, 1]\\n|grad| = 1"));
    ck_assert_ptr_nonnull(strstr(dot, "doubleoctagon"));
    ck_assert_int_eq(count(dot, "doubleoctagon"), 1);
    ck_assert_int_eq(count(dot, "label="), 4);
    ck_assert_int_eq(count(dot, " -> "), 3);
}
END_TEST

START_TEST(a_graph_may_be_deep_and_share_nodes)
{
    enum { DEPTH = 20000 };
    ag_variable *x = ag_create_leaf(arena, ag_tensor_create_zeros(arena, 1, (uint32_t[]){1}), true);
    for (int i = 0; i < DEPTH; i++)
        x = ag_add(arena, x, x);
    succeed(ag_save_graph(arena, path, x, 0, NULL));
    const char *dot = content();
    ck_assert_int_eq(count(dot, "label="), DEPTH + 1);
    ck_assert_int_eq(count(dot, " -> "), 2 * DEPTH);
    assert_fails(ag_save_graph(arena, path, NULL, 0, NULL), AG_ERROR_NULL, "root");
    assert_fails(ag_save_graph(arena, path, x, 1, NULL), AG_ERROR_NULL, "names");
}
END_TEST

/* ---- logs ---- */

START_TEST(a_log_is_a_csv_file_that_grows)
{
    const char *names[] = {"step", "loss, \"mean\""};
    ag_csv_log *log = ag_csv_log_open(arena, path, 2, names, false);
    ck_assert_msg(log != NULL, "%s", ag_last_error());
    succeed(ag_csv_log_row(log, (double[]){1, 0.1}));
    ck_assert_str_eq(content(), "step,\"loss, \"\"mean\"\"\"\n1,0.10000000000000001\n");
    succeed(ag_csv_log_row(log, (double[]){(double)NAN, -1.2345678901234567e-308}));
    succeed(ag_csv_log_close(log));
    log = ag_csv_log_open(arena, path, 2, names, true);
    ck_assert_msg(log != NULL, "%s", ag_last_error());
    succeed(ag_csv_log_row(log, (double[]){3, HUGE_VAL}));
    succeed(ag_csv_log_close(log));
    ag_table *table = ag_read_csv(arena, path, NULL);
    ck_assert_msg(table != NULL && table->num_rows == 3, "%s", ag_last_error());
    ck_assert_str_eq(table->column_names[1], names[1]);
    ag_tensor *numbers = ag_table_numbers(arena, table, 2, NULL);
    ck_assert(numbers->data[0] == 1 && isnan(numbers->data[2]) && isinf(numbers->data[5]));
    ck_assert_ptr_null(ag_csv_log_open(arena, path, 1, names, true));
    assert_fails(ag_last_status(), AG_ERROR_FORMAT, "line 1: the columns are others");
    succeed(ag_csv_log_close(NULL));
}
END_TEST

START_TEST(a_log_on_a_full_disk_says_so)
{
    const char *name = "loss";
    ck_assert_ptr_null(ag_csv_log_open(arena, "/dev/full", 1, &name, false));
    assert_fails(ag_last_status(), AG_ERROR_FILE, "No space left");
    ck_assert_ptr_null(ag_csv_log_open(arena, "/nonexistent/log", 1, &name, false));
    assert_fails(ag_last_status(), AG_ERROR_FILE, "cannot open /nonexistent/log");
    ck_assert_ptr_null(ag_csv_log_open(arena, path, 0, &name, false));
    assert_fails(ag_last_status(), AG_ERROR_ARGUMENT, "no columns");
}
END_TEST

/* ---- profiles ---- */

START_TEST(a_trace_holds_spans_within_spans)
{
    ag_trace *trace = ag_trace_create(arena, 3);
    succeed(ag_trace_begin(trace, "step \"1\""));
    succeed(ag_trace_begin(trace, "forward"));
    succeed(ag_trace_end(trace));
    succeed(ag_trace_end(trace));
    succeed(ag_trace_begin(trace, "running"));
    succeed(ag_trace_begin(trace, "lost"));
    succeed(ag_trace_end(trace));
    succeed(ag_save_trace(path, trace));
    const char *json = content();
    ck_assert_int_eq(count(json, "\"ph\": \"X\""), 2);
    ck_assert_ptr_nonnull(strstr(json, "step \\\"1\\\""));
    ck_assert_ptr_nonnull(strstr(json, "\"spans_lost\": 1"));
    double outer_begin, outer, inner_begin, inner;
    ck_assert_int_eq(
        sscanf(strstr(json, "\"ts\""), "\"ts\": %lf, \"dur\": %lf", &outer_begin, &outer), 2);
    ck_assert_int_eq(sscanf(strstr(strstr(json, "forward"), "\"ts\""), "\"ts\": %lf, \"dur\": %lf",
                            &inner_begin, &inner),
                     2);
    ck_assert(outer_begin <= inner_begin && inner_begin + inner <= outer_begin + outer + 0.002);
    succeed(ag_trace_end(trace));
    assert_fails(ag_trace_end(trace), AG_ERROR_ARGUMENT, "no span has been begun");
}
END_TEST

/* One step of a perceptron; the optimiser is made at the first call. */
static void take_a_step(ag_optimizer **optimizer, ag_variable *weight)
{
    ag_variable *x =
        ag_create_leaf(arena, ag_tensor_create_zeros(arena, 2, (uint32_t[]){5, 3}), false);
    if (*optimizer == NULL)
        *optimizer = ag_sgd_create(arena, 1, &weight, (ag_sgd_options){.learning_rate = 0.1f});
    ag_variable *hidden = ag_relu(arena, ag_linear(arena, x, weight, NULL));
    succeed(ag_backward(arena, ag_sum(arena, hidden)));
    succeed(ag_optimizer_step(*optimizer));
}

static ag_variable *weight_of_shape(uint32_t rows, uint32_t columns)
{
    ag_tensor *tensor = ag_tensor_create_zeros(arena, 2, (uint32_t[]){rows, columns});
    return ag_create_leaf(arena, tensor, true);
}

START_TEST(a_set_trace_records_what_is_computed)
{
    static const char *const spans[] = {
        "linear forward\", \"cat\": \"forward", "relu forward\", \"cat\": \"forward",
        "sum forward\", \"cat\": \"forward",    "sum backward\", \"cat\": \"backward",
        "relu backward\", \"cat\": \"backward", "linear backward\", \"cat\": \"backward",
        "sgd step\", \"cat\": \"step",
    };
    ag_trace *trace = ag_trace_create(arena, 100);
    ag_optimizer *optimizer = NULL;
    ag_variable *weight = weight_of_shape(4, 3);
    take_a_step(&optimizer, weight); /* unheard */
    ck_assert_ptr_null(ag_set_trace(trace));
    succeed(ag_trace_begin(trace, "whole step"));
    take_a_step(&optimizer, weight);
    succeed(ag_trace_end(trace));
    ck_assert_ptr_null(ag_linear(arena, weight, weight_of_shape(2, 2), NULL)); /* did nothing */
    ck_assert_ptr_eq(ag_set_trace(NULL), trace);
    take_a_step(&optimizer, weight); /* unheard */
    succeed(ag_save_trace(path, trace));

    const char *json = content(), *place = json;
    ck_assert_int_eq(count(json, "\"ph\": \"X\""), 8);
    ck_assert_int_eq(count(json, "\"shape\": [5, 4]"), 4);
    ck_assert_int_eq(count(json, "\"shape\": [1]"), 2);
    double outer_begin, outer, begin, duration;
    const char *whole = strstr(strstr(json, "whole step"), "\"ts\"");
    ck_assert_int_eq(sscanf(whole, "\"ts\": %lf, \"dur\": %lf", &outer_begin, &outer), 2);
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) { /* in this order, one by one */
        place = strstr(place, spans[i]);
        ck_assert_msg(place != NULL, "no %s in\n%s", spans[i], json);
        ck_assert_int_eq(
            sscanf(strstr(place, "\"ts\""), "\"ts\": %lf, \"dur\": %lf", &begin, &duration), 2);
        ck_assert(begin >= outer_begin - 0.002 && duration >= 0);
        outer -= duration;
    }
    ck_assert_msg(outer >= -0.02, "the parts take %g us more than the whole", -outer);
}
END_TEST

START_TEST(a_set_trace_that_is_full_counts_and_is_no_failure)
{
    ag_trace *trace = ag_trace_create(arena, 3);
    ag_optimizer *optimizer = NULL;
    ag_variable *weight = weight_of_shape(4, 3);
    ag_clear_error();
    ag_set_trace(trace);
    take_a_step(&optimizer, weight);
    ck_assert_ptr_eq(ag_set_trace(NULL), trace);
    ck_assert_int_eq(ag_last_status(), AG_OK);
    succeed(ag_save_trace(path, trace));
    ck_assert_int_eq(count(content(), "\"ph\": \"X\""), 3);
    ck_assert_ptr_nonnull(strstr(content(), "\"spans_lost\": 4"));
}
END_TEST

static void *trace_of_another_thread(void *context)
{
    ag_optimizer *optimizer = NULL;
    take_a_step(&optimizer, context); /* where no trace is set */
    return ag_set_trace(NULL);
}

START_TEST(a_trace_is_set_for_one_thread)
{
    ag_trace *trace = ag_trace_create(arena, 100);
    ag_variable *weight = weight_of_shape(4, 3);
    pthread_t thread;
    void *seen = trace;
    ag_set_trace(trace);
    ck_assert_int_eq(pthread_create(&thread, NULL, trace_of_another_thread, weight), 0);
    ck_assert_int_eq(pthread_join(thread, &seen), 0);
    ck_assert_ptr_null(seen);
    ck_assert_ptr_eq(ag_set_trace(NULL), trace);
    succeed(ag_save_trace(path, trace));
    ck_assert_int_eq(count(content(), "\"ph\""), 0);
}
END_TEST

/* ---- DLPack ---- */

START_TEST(a_tensor_goes_through_dlpack_uncopied)
{
    ag_tensor *tensor = ag_tensor_create_zeros(arena, 3, (uint32_t[]){2, 3, 4});
    ag_dl_managed_tensor *managed = ag_tensor_to_dlpack(arena, tensor);
    ck_assert_msg(managed != NULL, "%s", ag_last_error());
    ck_assert_ptr_eq(managed->dl_tensor.data, tensor->data);
    ck_assert(managed->dl_tensor.ndim == 3 && managed->dl_tensor.shape[2] == 4);
    ck_assert(managed->dl_tensor.strides[0] == 12 && managed->dl_tensor.strides[2] == 1);
    ag_tensor *back = ag_tensor_from_dlpack(arena, managed);
    ck_assert(back != NULL && back->data == tensor->data && ag_tensor_same_shape(back, tensor));
    managed->deleter(managed);
    /* the layout that DLPack's binary interface prescribes on 64-bit machines */
    if (sizeof(void *) == 8) {
        ck_assert_uint_eq(sizeof(ag_dl_managed_tensor), 64);
        ck_assert_uint_eq(offsetof(ag_dl_tensor, ndim), 16);
        ck_assert_uint_eq(offsetof(ag_dl_tensor, dtype), 20);
        ck_assert_uint_eq(offsetof(ag_dl_tensor, shape), 24);
        ck_assert_uint_eq(offsetof(ag_dl_tensor, byte_offset), 40);
    }
}
END_TEST

START_TEST(tensors_that_are_not_like_ours_are_refused)
{
    float data[12] = {0};
    int64_t shape[9] = {2, 3, 1, 1, 1, 1, 1, 1, 1}, strides[] = {1, 2};
    ag_dl_managed_tensor managed = {.dl_tensor = {data, {1, 0}, 2, {2, 32, 1}, shape, NULL, 4}};
    ag_dl_managed_tensor bad;
    ag_tensor *tensor = ag_tensor_from_dlpack(arena, &managed);
    ck_assert(tensor != NULL && tensor->data == data + 1 && tensor->shape[1] == 3);
    bad = managed;
    bad.dl_tensor.strides = strides;
    ck_assert_ptr_null(ag_tensor_from_dlpack(arena, &bad));
    assert_fails(ag_last_status(), AG_ERROR_ARGUMENT, "stride 1 is 2, not 1");
    bad = managed;
    bad.dl_tensor.device.device_type = 2;
    ck_assert_ptr_null(ag_tensor_from_dlpack(arena, &bad));
    assert_fails(ag_last_status(), AG_ERROR_ARGUMENT, "device of type 2");
    bad = managed;
    bad.dl_tensor.dtype.bits = 64;
    ck_assert_ptr_null(ag_tensor_from_dlpack(arena, &bad));
    assert_fails(ag_last_status(), AG_ERROR_ARGUMENT, "64 bits");
    bad = managed;
    bad.dl_tensor.byte_offset = 2;
    ck_assert_ptr_null(ag_tensor_from_dlpack(arena, &bad));
    assert_fails(ag_last_status(), AG_ERROR_ARGUMENT, "not aligned");
    bad = managed;
    bad.dl_tensor.ndim = 9;
    ck_assert_ptr_null(ag_tensor_from_dlpack(arena, &bad));
    assert_fails(ag_last_status(), AG_ERROR_SHAPE, "9 dimensions");
    shape[0] = -1;
    ck_assert_ptr_null(ag_tensor_from_dlpack(arena, &managed));
    assert_fails(ag_last_status(), AG_ERROR_SHAPE, "dimension 0 is -1");
    managed.dl_tensor.ndim = 0;
    ck_assert_uint_eq(ag_tensor_from_dlpack(arena, &managed)->size, 1);
}
END_TEST

/* ---- */

int main(void)
{
    Suite *suite = suite_create("view");
    TCase *tests = add_case(suite, "view");
    tcase_add_checked_fixture(tests, create_all, destroy_all);
    tcase_add_test(tests, a_chart_shows_curves_and_points);
    tcase_add_test(tests, whole_numbers_have_whole_ticks);
    tcase_add_test(tests, a_lone_panel_is_tall);
    tcase_add_test(tests, a_chart_survives_any_numbers);
    tcase_add_test(tests, a_chart_without_numbers_is_refused);
    tcase_add_test(tests, images_stand_in_a_grid);
    tcase_add_test(tests, pictures_that_cannot_be_are_refused);
    tcase_add_test(tests, a_graph_names_its_nodes);
    tcase_add_test(tests, a_graph_may_be_deep_and_share_nodes);
    tcase_add_test(tests, a_log_is_a_csv_file_that_grows);
    tcase_add_test(tests, a_log_on_a_full_disk_says_so);
    tcase_add_test(tests, a_trace_holds_spans_within_spans);
    tcase_add_test(tests, a_set_trace_records_what_is_computed);
    tcase_add_test(tests, a_set_trace_that_is_full_counts_and_is_no_failure);
    tcase_add_test(tests, a_trace_is_set_for_one_thread);
    tcase_add_test(tests, a_tensor_goes_through_dlpack_uncopied);
    tcase_add_test(tests, tensors_that_are_not_like_ours_are_refused);
    return run_suite(suite);
}
