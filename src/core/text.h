/* text.h: numbers as text and back, the same in every locale. */
#ifndef AG_CORE_TEXT_H
#define AG_CORE_TEXT_H

#include <stdarg.h>

#include "core/status.h"

/* The number that a text consists of, blanks around it aside. False if it is none; hexadecimal
 * numbers are none, infinity and nan are. */
bool ag__parse_number(const char *text, double *value);

/* The decimal digits that a text consists of as a number. False if it is none, or beyond 64 bits. */
bool ag__parse_whole(const char *text, uint64_t *value);

/* vsnprintf and snprintf with a point in numbers, whatever the host's locale. */
int ag__print(char *text, size_t size, const char *format, ...) AG__PRINTF(3, 4);
int ag__format(char *text, size_t size, const char *format, va_list arguments);

#endif
