// In every library: the hash of the sources that it was built from, which native/loader.py compares with those there are.
#include "export.h"

NATIVE_EXPORT const char* native_source_hash() { return NATIVE_SOURCE_HASH; }
