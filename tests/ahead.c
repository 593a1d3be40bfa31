/* Sets the clock of a process and its children TESTS_DAYS_AHEAD days ahead.

   `make test AHEAD=30` preloads it into the suite, PostgreSQL, Valkey and the browser. Only the
   time of day moves. libfaketime moves what waits are measured by as well, and does not know
   sem_clockwait, with which Python waits: a wait of a second would take AHEAD days. */

#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t ahead(void)
{
    static time_t seconds = -1;
    if (seconds < 0) {
        const char *days = getenv("TESTS_DAYS_AHEAD");
        seconds = days ? atol(days) * 86400 : 0;
    }
    return seconds;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int status = (int)syscall(SYS_clock_gettime, clock, now);
    if (status == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += ahead();
    return status;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec precise;
    int status = clock_gettime(CLOCK_REALTIME, &precise);
    (void)zone;
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return status;
}

time_t time(time_t *now)
{
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    if (now)
        *now = precise.tv_sec;
    return precise.tv_sec;
}
