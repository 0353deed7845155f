/* elements.c: numbers as they stand in files. */
#include "config.h"

#include "io/elements.h"

#include <string.h>

static uint64_t gather(const unsigned char *bytes, ag__element type)
{
    uint64_t bits = 0;
    for (uint32_t i = 0; i < type.bytes; i++)
        bits = bits << 8 | bytes[type.high_first ? i : type.bytes - 1 - i];
    return bits;
}

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float float_of_double_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return (float)value;
}

/* IEEE's 16 bits: sign, 5 of exponent, 10 of fraction. */
static float float_of_half(uint32_t half)
{
    uint32_t sign = (half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 0x3ff;
    if (exponent == 31) return float_of_bits(sign | 0x7f800000 | fraction << 13);
    if (exponent > 0) return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
    float value = (float)fraction * 0x1p-24f;
    return sign != 0 ? -value : value;
}

static float float_of_signed(uint64_t bits, uint32_t bytes)
{
    unsigned unused = 64 - 8 * bytes;
    uint64_t sign = (uint64_t)1 << (8 * bytes - 1);
    bool negative = (bits & sign) != 0;
    uint64_t magnitude = negative ? (0 - (bits << unused)) >> unused : bits;
    return negative ? -(float)magnitude : (float)magnitude;
}

static float to_float(ag__element type, uint64_t bits)
{
    switch (type.kind) {
    case AG__BRAIN_FLOAT: return float_of_bits((uint32_t)bits << 16);
    case AG__SIGNED: return float_of_signed(bits, type.bytes);
    case AG__UNSIGNED: return (float)bits;
    case AG__FLOAT: break;
    }
    if (type.bytes == 2) return float_of_half((uint32_t)bits);
    return type.bytes == 4 ? float_of_bits((uint32_t)bits) : float_of_double_bits(bits);
}

static bool high_byte_is_first(void)
{
    const uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    return first == 0;
}

void ag__elements_to_float(ag__element type, size_t count, const unsigned char *bytes, float *out)
{
    if (type.kind == AG__FLOAT && type.bytes == 4 && type.high_first == high_byte_is_first()) {
        memcpy(out, bytes, count * sizeof *out);
        return;
    }
    for (size_t i = 0; i < count; i++)
        out[i] = to_float(type, gather(bytes + i * type.bytes, type));
}

void ag__write_floats(ag__output *output, size_t count, const float *values)
{
    if (!high_byte_is_first()) {
        ag__output_bytes(output, values, count * sizeof *values);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        unsigned char bytes[4];
        for (int k = 0; k < 4; k++)
            bytes[k] = (unsigned char)(bits >> 8 * k & 255);
        ag__output_bytes(output, bytes, sizeof bytes);
    }
}
