#include "internal.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

void text_append(struct text *t, const char *data, size_t length) {
  if (t->failed) {
    return;
  }
  if (t->capacity - t->length < length + 1) {
    size_t wanted = t->length + length + 1;
    size_t capacity = t->capacity < 64 ? 128 : t->capacity * 2;
    if (capacity < wanted) {
      capacity = wanted;
    }
    char *grown = realloc(t->data, capacity);
    if (grown == NULL) {
      t->failed = true;
      return;
    }
    t->data = grown;
    t->capacity = capacity;
  }
  if (length > 0) {
    memcpy(t->data + t->length, data, length);
  }
  t->length += length;
  t->data[t->length] = 0;
}

void text_add(struct text *t, const char *s) { text_append(t, s, strlen(s)); }

void text_free(struct text *t) {
  free(t->data);
  struct text empty = EMPTY_TEXT;
  *t = empty;
}

void text_add_json_string(struct text *t, const char *s) {
  text_add(t, "\"");
  for (; *s != 0; s++) {
    unsigned char c = (unsigned char)*s;
    if (c == '"' || c == '\\') {
      char escaped[2] = {'\\', (char)c};
      text_append(t, escaped, 2);
    } else if (c < 0x20) {
      char escaped[8];
      int n = snprintf(escaped, sizeof escaped, "\\u%04x", c);
      text_append(t, escaped, (size_t)n);
    } else {
      text_append(t, s, 1);
    }
  }
  text_add(t, "\"");
}

static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void text_add_base64(struct text *t, const char *data, size_t length) {
  const unsigned char *in = (const unsigned char *)data;
  for (size_t i = 0; i < length; i += 3) {
    size_t left = length - i;
    uint32_t three = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) | (left > 2 ? in[i + 2] : 0);
    char four[4] = {DIGITS[three >> 18], DIGITS[three >> 12 & 63], left > 1 ? DIGITS[three >> 6 & 63] : '=',
                    left > 2 ? DIGITS[three & 63] : '='};
    text_append(t, four, 4);
  }
}

static int digit_of(char c) {
  const char *at = c == 0 ? NULL : strchr(DIGITS, c);
  return at == NULL ? -1 : (int)(at - DIGITS);
}

bool is_base64(const char *s) {
  size_t length = strlen(s);
  size_t digits = length;
  while (digits > 0 && length - digits < 2 && s[digits - 1] == '=') {
    digits--;
  }
  for (size_t i = 0; i < digits; i++) {
    if (digit_of(s[i]) < 0) {
      return false;
    }
  }
  return length % 4 == 0;
}

bool text_from_base64(struct text *t, const char *base64) {
  if (!is_base64(base64)) {
    return false;
  }
  for (size_t i = 0; base64[i] != 0; i += 4) {
    int third = digit_of(base64[i + 2]);
    int fourth = digit_of(base64[i + 3]);
    uint32_t three = (uint32_t)digit_of(base64[i]) << 18 | (uint32_t)digit_of(base64[i + 1]) << 12 |
                     (uint32_t)(third < 0 ? 0 : third) << 6 | (uint32_t)(fourth < 0 ? 0 : fourth);
    char bytes[3] = {(char)(three >> 16), (char)(three >> 8), (char)three};
    text_append(t, bytes, third < 0 ? 1 : fourth < 0 ? 2 : 3);
  }
  text_append(t, "", 0);
  return !t->failed;
}

bool json_object_has(const char *json, size_t length, const char *first, const char *second) {
  bool found_first = false;
  bool found_second = false;
  int depth = 0;
  for (size_t i = 0; i < length; i++) {
    switch (json[i]) {
    case '{':
    case '[':
      depth++;
      break;
    case '}':
    case ']':
      depth--;
      break;
    case '"': {
      size_t begin = i + 1;
      for (i = begin; i < length && json[i] != '"'; i++) {
        if (json[i] == '\\') {
          i++;
        }
      }
      size_t end = i < length ? i : length;
      size_t after = end + 1;
      while (after < length && strchr(" \t\r\n", json[after]) != NULL && json[after] != 0) {
        after++;
      }
      if (depth == 1 && after < length && json[after] == ':') {
        size_t n = end - begin;
        found_first = found_first || (n == strlen(first) && memcmp(json + begin, first, n) == 0);
        found_second = found_second || (n == strlen(second) && memcmp(json + begin, second, n) == 0);
      }
      break;
    }
    default:
      break;
    }
  }
  return found_first && found_second;
}
