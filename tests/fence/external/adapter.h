// The parts that adapters in C have in common: lines of the protocol, for tests.

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIZE = 1 << 20 };
static char line[SIZE], path[4096];

static int is(const char *what) { return strstr(line, what) != NULL; }

static void answer(const char *more) {
  printf("{\"id\":%ld,\"answer\":\"ok\"%s}\n", atol(strstr(line, "\"id\":") + 5), more);
  fflush(stdout);
}

static void begin(void) {
  const char *from = strstr(line, "\"transcript\":\"") + 14;
  snprintf(path, sizeof path, "%.*s", (int)strcspn(from, "\""), from);
}

static void load(void) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  static unsigned char data[SIZE + 2];
  static char text[2 * SIZE] = ",\"base64\":\"";
  int fd = open(path, O_RDONLY);
  ssize_t size = fd < 0 ? 0 : read(fd, data, SIZE);
  if (fd >= 0) close(fd);
  data[size] = data[size + 1] = 0;
  char *to = text + strlen(",\"base64\":\"");
  for (ssize_t at = 0; at < size; at += 3, to += 4) {
    unsigned bits = data[at] << 16 | data[at + 1] << 8 | data[at + 2];
    for (int digit = 0; digit < 4; digit++)
      to[digit] = at + digit > size ? '=' : digits[bits >> (18 - 6 * digit) & 63];
  }
  strcpy(to, "\"");
  answer(text);
}

// Puts the entries of a request behind each other, each with `more` in the place of its last brace and newline.
static size_t entries(char *out, const char *(*more)(void)) {
  size_t size = 0;
  for (const char *from = strstr(line, "\"entries\":[") + 11; *from == '"'; from += *from == ',') {
    for (from++; *from != '"'; from++) {
      if (*from == '\\') from++;
      out[size++] = from[-1] == '\\' && *from == 'n' ? '\n' : *from;
    }
    from++;
    if (more) size += sprintf(out + size - 2, "%s", more()) - 2;
  }
  return size;
}

// Answers requests of a fence without a lock; `append` writes those of a request and answers it.
static void serve(const char *name, void (*append)(void)) {
  char hello[200];
  snprintf(hello, sizeof hello, ",\"protocol\":1,\"name\":\"%s\",\"lock\":\"none\",\"serves\":\"lane\"", name);
  while (fgets(line, SIZE, stdin)) {
    if (is("\"do\":\"hello\"")) answer(hello);
    else if (is("\"do\":\"load\"")) load();
    else if (is("\"do\":\"append\"") || is("\"do\":\"guarded_write\"")) append();
    else {
      if (is("\"do\":\"begin_schedule\"")) begin();
      answer("");
    }
  }
}
