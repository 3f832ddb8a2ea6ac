#!/usr/bin/env bash
# Fuzzes each target with libFuzzer, guided by coverage, under AddressSanitizer.
# usage: fuzz.sh SECONDS [target…]
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:?usage: fuzz.sh SECONDS [target…]}
shift
targets=("$@")
if ((${#targets[@]} == 0)); then targets=(json http envelope segment cursor pattern filter proxy jwt); fi
scratch=.build-fuzz

runtime=$(clang_resources=$(dirname "$(dirname "$(readlink -f "$(command -v swift)")")")/lib/clang &&
    find "$clang_resources/" -name "libclang_rt.fuzzer_no_main*$(uname -m)*.a" -o -path '*linux-gnu*' -name 'libclang_rt.fuzzer_no_main.a' | head -1)
if [[ -z $runtime ]]; then
    echo "postern: this Swift toolchain has no libFuzzer (libclang_rt.fuzzer_no_main)" >&2
    exit 1
fi
# libFuzzer's runtime holds its own C++; the program only names the driver, so the linker has to be told to want it.
swift build -c release --product fuzz --scratch-path "$scratch" --sanitize=address \
    -Xswiftc -DFUZZING -Xswiftc -enable-testing -Xswiftc -sanitize-coverage=edge,inline-8bit-counters,pc-table \
    -Xlinker --undefined=LLVMFuzzerRunDriver -Xlinker "$runtime" -Xlinker -lstdc++

export SWIFT_BACKTRACE=enable=no

for target in "${targets[@]}"; do
    # What earlier runs found is where the next begins.
    corpus=$scratch/corpus/$target
    mkdir -p "$corpus"
    log=$scratch/$target.log
    echo "fuzzing $target for $seconds s"
    if ! "$scratch/release/fuzz" "$target" -max_total_time="$seconds" -max_len=4096 -timeout=5 -rss_limit_mb=2048 \
        -artifact_prefix="$scratch/$target-" "$corpus" "Tests/Support/Corpus/$target" 2>"$log"; then
        tail -n 60 "$log" >&2
        echo "postern: $target failed; the input stands beside $log" >&2
        exit 1
    fi
    grep '^Done' "$log"
done
