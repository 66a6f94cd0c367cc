// An adapter without a lock whose runtime has threads as Go and a JVM have them: one sleeps again and again
// and does nothing else, and of two others each makes the file call after the other's.

#include <pthread.h>
#include <semaphore.h>

#include "adapter.h"

static char out[SIZE];
static size_t size;
static int fd, turn;
static sem_t asked[2], done;
static void (*job)(void);

static void *works(void *number) {
  for (;;) {
    sem_wait(&asked[*(int *)number]);
    job();
    sem_post(&done);
  }
  return NULL;
}

static void *sleeps(void *unused) {
  for (;;) usleep(300);
  return unused;
}

static void has_done(void (*what)(void)) {
  job = what;
  turn = !turn;
  sem_post(&asked[turn]);
  sem_wait(&done);
}

// A file of the lane's own that is made anew each time.
static const char *aside(void) {
  static char name[5000];
  const char *lane = strstr(line, "\"lane\":\"") + 8;
  snprintf(name, sizeof name, "%s.%.*s", path, (int)strcspn(lane, "\""), lane);
  return name;
}

static void opens(void) { fd = open(aside(), O_WRONLY | O_CREAT | O_EXCL, 0600); }
static void opens_transcript(void) { fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600); }
static void writes(void) {
  if (write(fd, out, size) < 0) exit(4);
}
static void closes(void) { close(fd); }
static void removes(void) { unlink(aside()); }

static void append(void) {
  size = entries(out, NULL);
  void (*calls[])(void) = {opens, writes, closes, removes, opens_transcript, writes, closes};
  for (size_t call = 0; call < sizeof calls / sizeof *calls; call++) has_done(calls[call]);
  answer("");
}

int main(void) {
  static int numbers[] = {0, 1};
  pthread_t thread;
  sem_init(&done, 0, 0);
  for (int number = 0; number < 2; number++) {
    sem_init(&asked[number], 0, 0);
    pthread_create(&thread, NULL, works, &numbers[number]);
  }
  pthread_create(&thread, NULL, sleeps, NULL);
  serve("threads", append);
}
