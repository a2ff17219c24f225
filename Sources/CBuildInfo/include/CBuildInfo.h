#ifndef C_BUILD_INFO_H
#define C_BUILD_INFO_H
/// The commit that `make` has built, or "unknown". A C function because only a C target can be given a value by the
/// manifest.
const char *build_info_commit(void);
#endif
