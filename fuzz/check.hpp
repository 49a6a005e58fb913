// What the fuzzers share: a property that must hold, or the program stops and libFuzzer keeps the input.
#pragma once

#include <cstdio>
#include <cstdlib>

inline void check(bool holds, const char* property) {
    if (holds)
        return;
    std::fprintf(stderr, "doesn't hold: %s\n", property);
    std::abort();
}
