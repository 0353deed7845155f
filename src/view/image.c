/*
 * image.c: grey pictures in the format PNG (W3C 2003).
 *
 * The pixels go into blocks of deflate that are stored and not compressed, so that nothing but two
 * checksums is needed.
 */
#include "config.h"

#include <autograd/view.h>

#include <math.h>

#include "core/checksum.h"
#include "core/output.h"
#include "tensor/shape.h"

enum { MOST_PIXELS = 1 << 15, GAP = 2 /* between images, in pixels */, GAP_COLOR = 128 };

/* Images in a grid. */
typedef struct grid {
    const float *values;
    uint32_t count, height, width; /* of the images */
    uint32_t columns, zoom;
    float low, high;
    uint64_t picture_width, picture_height;
} grid;

static void put_32(unsigned char *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(value >> (24 - 8 * i) & 255);
}

/* A piece of a chunk, which adds to the chunk's checksum. */
static void write_part(ag__output *output, uint32_t *crc, const void *bytes, size_t size)
{
    *crc = ag__crc32(*crc, bytes, size);
    ag__output_bytes(output, bytes, size);
}

static uint32_t begin_chunk(ag__output *output, const char *type, uint32_t length)
{
    unsigned char bytes[4];
    uint32_t crc = 0;
    put_32(bytes, length);
    ag__output_bytes(output, bytes, 4);
    write_part(output, &crc, type, 4);
    return crc;
}

static void end_chunk(ag__output *output, uint32_t crc)
{
    unsigned char bytes[4];
    put_32(bytes, crc);
    ag__output_bytes(output, bytes, 4);
}

/* ---- pixels ---- */

static unsigned char shade(const grid *g, float value)
{
    double share = ((double)value - (double)g->low) / ((double)g->high - (double)g->low);
    return share > 0 ? (unsigned char)(share < 1 ? 255 * share + 0.5 : 255) : 0;
}

static unsigned char pixel(const grid *g, uint32_t x, uint32_t y)
{
    uint32_t pitch_x = g->width * g->zoom + GAP, pitch_y = g->height * g->zoom + GAP;
    uint32_t column = x / pitch_x, row = y / pitch_y;
    uint32_t inside_x = x % pitch_x / g->zoom, inside_y = y % pitch_y / g->zoom;
    uint32_t index = row * g->columns + column;
    if (x % pitch_x >= g->width * g->zoom || y % pitch_y >= g->height * g->zoom ||
        index >= g->count)
        return GAP_COLOR;
    return shade(g, g->values[((size_t)index * g->height + inside_y) * g->width + inside_x]);
}

/* One line as a stored block: whether it is the last, its length twice, a filter byte, the pixels. */
static void write_line(ag__output *output, const grid *g, uint32_t y, uint32_t *crc,
                       uint32_t *adler)
{
    uint32_t length = (uint32_t)g->picture_width + 1;
    unsigned char start[] = {y + 1 == g->picture_height, (unsigned char)(length & 255),
                             (unsigned char)(length >> 8), (unsigned char)(~length & 255),
                             (unsigned char)(~length >> 8 & 255)};
    unsigned char no_filter = 0;
    write_part(output, crc, start, sizeof start);
    write_part(output, crc, &no_filter, 1);
    *adler = ag__adler32(*adler, &no_filter, 1);
    for (uint32_t x = 0; x < g->picture_width; x++) {
        unsigned char color = pixel(g, x, y);
        write_part(output, crc, &color, 1);
        *adler = ag__adler32(*adler, &color, 1);
    }
}

static void write_pixels(ag__output *output, const grid *g)
{
    static const unsigned char zlib_header[] = {0x78, 0x01};
    unsigned char sum[4];
    uint64_t bytes = 2 + g->picture_height * (5 + 1 + g->picture_width) + 4;
    uint32_t adler = 1, crc = begin_chunk(output, "IDAT", (uint32_t)bytes);
    write_part(output, &crc, zlib_header, sizeof zlib_header);
    for (uint32_t y = 0; y < g->picture_height; y++)
        write_line(output, g, y, &crc, &adler);
    put_32(sum, adler);
    write_part(output, &crc, sum, sizeof sum);
    end_chunk(output, crc);
}

static void write_picture(ag__output *output, const grid *g)
{
    static const unsigned char signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    unsigned char header[13] = {[8] = 8 /* bits of a pixel, grey */};
    put_32(header, (uint32_t)g->picture_width);
    put_32(header + 4, (uint32_t)g->picture_height);
    ag__output_bytes(output, signature, sizeof signature);
    uint32_t crc = begin_chunk(output, "IHDR", sizeof header);
    write_part(output, &crc, header, sizeof header);
    end_chunk(output, crc);
    write_pixels(output, g);
    end_chunk(output, begin_chunk(output, "IEND", 0));
}

/* ---- */

static ag_status measure(const ag_tensor *images, grid *g)
{
    bool single = images->ndims == 2;
    if (images->ndims != 2 && images->ndims != 3)
        return ag__fail(AG_ERROR_SHAPE,
                        "save_images: images are %s, not [n, height, width] or [height, width]",
                        ag__tensor_shape_text(images).text);
    if (g->columns == 0 || g->zoom == 0)
        return ag__fail(AG_ERROR_ARGUMENT, "save_images: %s is 0",
                        g->columns == 0 ? "columns" : "zoom");
    if (!(g->low < g->high) || isinf(g->low) || isinf(g->high))
        return ag__fail(AG_ERROR_ARGUMENT, "save_images: low is %g but high is %g", (double)g->low,
                        (double)g->high);
    g->values = images->data;
    g->count = single ? 1 : images->shape[0];
    g->height = images->shape[images->ndims - 2];
    g->width = images->shape[images->ndims - 1];
    if (g->columns > g->count) g->columns = g->count;
    uint64_t rows = (g->count + (uint64_t)g->columns - 1) / g->columns;
    double width = ((double)g->width * g->zoom + GAP) * g->columns - GAP;
    double height = ((double)g->height * g->zoom + GAP) * (double)rows - GAP;
    if (width > MOST_PIXELS || height > MOST_PIXELS)
        return ag__fail(AG_ERROR_ARGUMENT,
                        "save_images: the picture would have %.0f by %.0f pixels, more than %d",
                        width, height, MOST_PIXELS);
    g->picture_width = (uint64_t)width;
    g->picture_height = (uint64_t)height;
    return AG_OK;
}

ag_status ag_save_images(const char *path, const ag_tensor *images, uint32_t columns, uint32_t zoom,
                         float low, float high)
{
    grid g = {.columns = columns, .zoom = zoom, .low = low, .high = high};
    if (path == NULL) return ag__fail_missing("save_images", "path");
    ag_status status = ag__tensor_check("save_images", "images", images);
    if (status == AG_OK) status = measure(images, &g);
    if (status != AG_OK) return status;
    ag__output output;
    ag__output_open(&output, "save_images", path);
    write_picture(&output, &g);
    return ag__output_close(&output);
}
