/* checksum.h: the CRC-32 of gzip and PNG, and the Adler-32 of zlib. */
#ifndef AG_CORE_CHECKSUM_H
#define AG_CORE_CHECKSUM_H

#include <autograd/api.h>

/* Goes on with a sum over more bytes; the first starts from 0. */
uint32_t ag__crc32(uint32_t crc, const void *bytes, size_t size);

/* The same; the first starts from 1. */
uint32_t ag__adler32(uint32_t adler, const void *bytes, size_t size);

#endif
