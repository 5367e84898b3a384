#include "CProcess.h"

#include <malloc.h>

void cl_return_freed_memory(void) {
    // A threshold that was set no longer grows, even if the value is the default (mallopt(3)).
    mallopt(M_MMAP_THRESHOLD, 128 << 10);
    mallopt(M_TRIM_THRESHOLD, 128 << 10);
    mallopt(M_ARENA_MAX, 1);
}
