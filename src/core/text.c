/* text.c: numbers as text and back, the same in every locale. */
#include "config.h"

#include "core/text.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A host that shows numbers with a comma must still read and write files with a point. */
static locale_t enter_plain_locale(locale_t *plain)
{
    *plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return *plain != (locale_t)0 ? uselocale(*plain) : (locale_t)0;
}

static void leave_plain_locale(locale_t plain, locale_t before)
{
    if (plain == (locale_t)0) return;
    uselocale(before);
    freelocale(plain);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool ag__parse_number(const char *text, double *value)
{
    while (is_blank(*text))
        text++;
    if (*text == '\0' || strpbrk(text, "xX(") != NULL) return false;
    locale_t plain, before = enter_plain_locale(&plain);
    char *end = NULL;
    *value = strtod(text, &end);
    leave_plain_locale(plain, before);
    bool any = end != text;
    while (is_blank(*end))
        end++;
    return any && *end == '\0';
}

bool ag__parse_whole(const char *text, uint64_t *value)
{
    uint64_t sum = 0;
    if (*text == '\0') return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9') return false;
        uint64_t digit = (uint64_t)(*text - '0');
        if (sum > (UINT64_MAX - digit) / 10) return false;
        sum = 10 * sum + digit;
    }
    *value = sum;
    return true;
}

int ag__format(char *text, size_t size, const char *format, va_list arguments)
{
    locale_t plain, before = enter_plain_locale(&plain);
    int length = vsnprintf(text, size, format, arguments);
    leave_plain_locale(plain, before);
    return length;
}

int ag__print(char *text, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = ag__format(text, size, format, arguments);
    va_end(arguments);
    return length;
}
