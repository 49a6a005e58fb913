// InstructionSet: which instructions of the processor passes, products and streams use.
#pragma once

#include "carousel/core/require.hpp"

#include <span>

namespace carousel::inline CAROUSEL_ABI {

/// baseline: what every processor of the architecture has, as SSE2 (x86-64) or NEON (64-bit Arm). avx2: x86-64-v3, with FMA.
/// avx512: x86-64-v4. avx: only of files that are compiled for it.
enum class InstructionSet { baseline, avx, avx2, avx512 };

/// The name of the enumerator.
constexpr const char* name(InstructionSet set) {
    constexpr const char* names[] = {"baseline", "avx", "avx2", "avx512"};
    return names[static_cast<int>(set)];
}

/// The instruction set that passes, products and streams run on. With carousel::compiled it is chosen at run time: at first what the
/// environment variable CAROUSEL_ISA names (baseline, avx2 or x86-64-v3, avx512 or x86-64-v4), or else the widest that the
/// processor has. Without, it is that of the compiler's flags. Throws std::invalid_argument if the variable names another set than
/// those of instruction_sets(): so does the first pass, product or Stream of a program.
CAROUSEL_INLINE InstructionSet instruction_set();

/// Those that can be chosen, narrowest first: what the library was compiled for and this processor has.
CAROUSEL_INLINE std::span<const InstructionSet> instruction_sets();

/// Passes that begin and streams that are made from now on run on this instruction set, in all threads. A backward pass goes on with
/// that of its forward pass, and a Stream whose sizes are known at compile time never takes less than its file is compiled for.
/// Their numbers differ by rounding. Throws std::invalid_argument if it isn't one of instruction_sets().
CAROUSEL_INLINE void set_instruction_set(InstructionSet set);

namespace detail {

/// Throws what set_instruction_set throws.
[[noreturn]] CAROUSEL_INLINE void refuse_instruction_set(const char* where, const std::string& what,
                                                         const std::string& given);

namespace instruction_set_of {
inline constexpr InstructionSet sse2 = InstructionSet::baseline, neon = InstructionSet::baseline,
                                generic = InstructionSet::baseline, avx = InstructionSet::avx,
                                avx2 = InstructionSet::avx2, avx512 = InstructionSet::avx512;
} // namespace instruction_set_of

/// That of the flags of this file.
inline constexpr InstructionSet instruction_set_here = instruction_set_of::CAROUSEL_ISA;

#ifdef CAROUSEL_BODIES
CAROUSEL_INLINE void refuse_instruction_set(const char* where, const std::string& what, const std::string& given) {
    std::string choice;
    for (const InstructionSet set : instruction_sets())
        choice += (choice.empty() ? "" : ", ") + std::string(name(set));
    detail::fail<std::invalid_argument>(
        detail::message_of(where, ": ", what, " is ", given, ", expected one of ", choice,
                           ": what the library was compiled for and this processor has"));
}
#endif

} // namespace detail

#ifndef CAROUSEL_COMPILED
CAROUSEL_INLINE InstructionSet instruction_set() {
    return detail::instruction_set_here;
}
CAROUSEL_INLINE std::span<const InstructionSet> instruction_sets() {
    return {&detail::instruction_set_here, 1};
}
CAROUSEL_INLINE void set_instruction_set(InstructionSet set) {
    if (set != detail::instruction_set_here)
        detail::refuse_instruction_set("set_instruction_set", "set", name(set));
}
#endif

} // namespace carousel
