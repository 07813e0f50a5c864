// One unit of translation, as the kernel is one: what may be inlined there may be inlined here.

#include "checksum.c"
#include "copy.c"
#include "ipv4.c"
#include "arp.c"
