#if !__has_include(<systemd/sd-daemon.h>)
#error "libsystemd's headers are missing: apt-get install libsystemd-dev"
#endif
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>
