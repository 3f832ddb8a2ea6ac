#ifndef CLIBFUZZER_H
#define CLIBFUZZER_H

#include <stddef.h>
#include <stdint.h>

/// Runs libFuzzer on `target` with the flags of the command line, as LLVMFuzzerRunDriver does. Returns 127 where the
/// program was built without libFuzzer (see scripts/fuzz.sh).
int postern_run_fuzzer(int *count, char ***arguments, int (*target)(const uint8_t *bytes, size_t count));

#endif
