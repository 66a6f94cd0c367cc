// An adapter without a lock that writes each line with dates and random numbers: for tests of what an adapter reads.

#include <sys/time.h>
#include <time.h>

#include "adapter.h"

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
  size_t size = entries(out, stamp);
  int fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
  if (write(fd, out, size) < 0) exit(4);
  close(fd);
  answer("");
}

int main(void) { serve("dated", append); }
