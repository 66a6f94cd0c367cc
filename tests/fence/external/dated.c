// An adapter without a lock that writes each line with dates and random numbers: for tests of what an adapter reads.

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
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

static const char *stamp(void) {
  static char text[300];
  unsigned char drawn[6] = {0};
  char id[37] = {0};
  struct timeval now;
  struct timespec exact;
  gettimeofday(&now, NULL);
  clock_gettime(CLOCK_REALTIME, &exact);
  for (int file = 0; file < 2; file++) {
    int fd = open(file ? "/proc/sys/kernel/random/uuid" : "/dev/urandom", O_RDONLY);
    if (read(fd, file ? (void *)id : drawn, file ? 36 : sizeof drawn) < 1) exit(3);
    close(fd);
  }
  snprintf(text, sizeof text, ",\"x\":[%ld,%ld.%06ld,%ld.%09ld,\"%02x%02x%02x%02x%02x%02x\",\"%s\"]}\n", (long)time(NULL),
           (long)now.tv_sec, (long)now.tv_usec, (long)exact.tv_sec, exact.tv_nsec, drawn[0], drawn[1], drawn[2],
           drawn[3], drawn[4], drawn[5], id);
  return text;
}

static void append(void) {
  static char out[SIZE];
  size_t size = 0;
  int fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
  for (const char *from = strstr(line, "\"entries\":[") + 11; *from == '"'; from += *from == ',') {
    for (from++; *from != '"'; from++) {
      if (*from == '\\') from++;
      out[size++] = from[-1] == '\\' && *from == 'n' ? '\n' : *from;
    }
    from++;
    // In the place of the last brace and the newline.
    size -= 2;
    size += sprintf(out + size, "%s", stamp());
  }
  if (write(fd, out, size) < 0) exit(4);
  close(fd);
  answer("");
}

int main(void) {
  while (fgets(line, SIZE, stdin)) {
    if (is("\"do\":\"hello\"")) answer(",\"protocol\":1,\"name\":\"dated\",\"lock\":\"none\",\"serves\":\"lane\"");
    else if (is("\"do\":\"load\"")) load();
    else if (is("\"do\":\"append\"") || is("\"do\":\"guarded_write\"")) append();
    else {
      if (is("\"do\":\"begin_schedule\"")) begin();
      answer("");
    }
  }
}
