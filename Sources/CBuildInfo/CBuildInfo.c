#include "CBuildInfo.h"

const char *build_info_commit(void) { return GATEWAY_COMMIT; }
