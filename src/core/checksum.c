/* checksum.c: CRC-32, by zlib where there is one; Adler-32. */
#include "config.h"

#include "core/checksum.h"

#ifdef HAVE_ZLIB

#include <zlib.h>

uint32_t ag__crc32(uint32_t crc, const void *bytes, size_t size)
{
    return size > 0 ? (uint32_t)crc32_z(crc, bytes, size) : crc;
}

#else

/* Bit by bit, four bits at a time: the table is that of x^32 mod the polynomial 0xedb88320. */
static const uint32_t nibbles[16] = {
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};

uint32_t ag__crc32(uint32_t crc, const void *bytes, size_t size)
{
    const unsigned char *next = bytes;
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= next[i];
        crc = crc >> 4 ^ nibbles[crc & 15];
        crc = crc >> 4 ^ nibbles[crc & 15];
    }
    return ~crc;
}

#endif

uint32_t ag__adler32(uint32_t adler, const void *bytes, size_t size)
{
    const unsigned char *next = bytes;
    uint32_t a = adler & 0xffff, b = adler >> 16;
    for (size_t i = 0; i < size; i++) {
        a = (a + next[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}
