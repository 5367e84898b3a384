#include "CProcess.h"

#include <sys/xattr.h>

int cl_attribute_is_set(const char *path, const char *name) {
    char value[8];
    ssize_t count = getxattr(path, name, value, sizeof value);
    return count < 0 ? -1 : count == 1 && value[0] == '1';
}
