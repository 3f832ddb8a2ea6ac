#include "CLibFuzzer.h"

#include <stdio.h>

// Weak: only scripts/fuzz.sh links libFuzzer, and an ordinary build must do without it.
__attribute__((weak)) int LLVMFuzzerRunDriver(int *, char ***, int (*)(const uint8_t *, size_t));

int postern_run_fuzzer(int *count, char ***arguments, int (*target)(const uint8_t *, size_t)) {
    if (!LLVMFuzzerRunDriver) {
        fputs("this program was built without libFuzzer; run scripts/fuzz.sh\n", stderr);
        return 127;
    }
    return LLVMFuzzerRunDriver(count, arguments, target);
}
