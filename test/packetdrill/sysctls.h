// The sysctls of the network namespace the process runs in, passed on to the stack whenever a socket is made: scripts set
// them before. What each means to the stack: test/kernel/packetdrill-tuning.ts.

#pragma once
#include "program.h"

struct Sysctl { const char *name; int place, number; }; // the value at `place` of its line

static const Sysctl sysctls[] = {
  { "tcp_timestamps", 0, 0 }, { "tcp_sack", 0, 1 }, { "tcp_slow_start_after_idle", 0, 2 },
  { "tcp_rmem", 1, 3 }, { "tcp_rmem", 2, 4 }, { "tcp_wmem", 1, 5 }, { "tcp_wmem", 2, 6 },
  { "tcp_notsent_lowat", 0, 7 }, { "tcp_min_tso_segs", 0, 8 }, { "tcp_ecn", 0, 9 },
};

/** False: there is no such sysctl here, or it has another form. */
static bool sysctlRead(const Sysctl &sysctl, unsigned *value) {
  char path[128];
  unsigned values[3] = {};
  snprintf(path, sizeof path, "/proc/sys/net/ipv4/%s", sysctl.name);
  FILE *file = fopen(path, "re");
  if (!file) return false;
  const int count = fscanf(file, "%u %u %u", &values[0], &values[1], &values[2]);
  fclose(file);
  *value = values[sysctl.place];
  return count > sysctl.place;
}

static void sysctlsTake() {
  unsigned value;
  for (const Sysctl &each : sysctls)
    if (sysctlRead(each, &value)) linuxSysctl(each.number, value);
}
