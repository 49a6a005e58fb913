// The choice of an instruction set at run time.
#include "carousel/core/instruction_set.hpp"

#include "tables.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <string_view>

#ifdef __clang__ // the tables are defined in other files
#    pragma clang diagnostic ignored "-Wundefined-var-template"
#endif

namespace carousel::inline CAROUSEL_ABI::kernel {

#if (defined(CAROUSEL_HAS_AVX2) && defined(__AVX2__) && defined(__FMA__)) || \
    (defined(CAROUSEL_HAS_AVX512) && defined(__AVX512F__))
#    error \
        "carousel: this file's flags have an instruction set that is compiled beside it; give them in CMAKE_CXX_FLAGS"
#endif

inline namespace CAROUSEL_ISA {
CAROUSEL_TABLE;
}
#ifdef CAROUSEL_HAS_AVX2
namespace avx2 {
CAROUSEL_TABLE;
}
#endif
#ifdef CAROUSEL_HAS_AVX512
namespace avx512 {
CAROUSEL_TABLE;
}
#endif

namespace {

/// A set that was compiled, and whether this processor can run it.
struct CompiledSet {
    InstructionSet set;
    bool (*runs)();
};

// Narrowest first. The first is that of this file's flags, which are those of the whole library but for its kernels. The tables of
// chosen() are in the same order.
constexpr CompiledSet compiled_sets[] = {
    {carousel::detail::instruction_set_here, [] { return true; }},
#ifdef CAROUSEL_HAS_AVX2
    {InstructionSet::avx2,
     [] {
         return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
                __builtin_cpu_supports("bmi2");
     }},
#endif
#ifdef CAROUSEL_HAS_AVX512
    {InstructionSet::avx512,
     [] {
         return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                __builtin_cpu_supports("avx512vl");
     }},
#endif
};

/// Those that this processor runs. A wider set has all that a narrower one has, so they are the first ones.
struct RunningSets {
    InstructionSet sets[std::size(compiled_sets)];
    std::size_t count = 0;

    RunningSets() {
        for (const CompiledSet& compiled : compiled_sets)
            if (compiled.runs())
                sets[count++] = compiled.set;
            else
                break;
    }
};
const RunningSets& running_sets() {
    static const RunningSets sets;
    return sets;
}

/// What CAROUSEL_ISA asks for, or the widest: its place among the sets.
std::size_t first_choice() {
    const RunningSets& running = running_sets();
    const char* const asked = std::getenv("CAROUSEL_ISA");
    if (!asked || !*asked)
        return running.count - 1;
    const std::string_view name = asked;
    for (std::size_t k = 0; k < running.count; ++k)
        if (name == carousel::name(running.sets[k]) ||
            (name == "x86-64-v3" && running.sets[k] == InstructionSet::avx2) ||
            (name == "x86-64-v4" && running.sets[k] == InstructionSet::avx512))
            return k;
    carousel::detail::refuse_instruction_set("carousel", "the environment variable CAROUSEL_ISA", asked);
}

std::atomic<std::size_t>& choice() {
    static std::atomic<std::size_t> choice{first_choice()};
    return choice;
}

} // namespace

template <class Functions>
const Functions& chosen() {
    static constexpr const Functions* tables[] = {
        &Table<Functions>::value,
#ifdef CAROUSEL_HAS_AVX2
        &avx2::Table<Functions>::value,
#endif
#ifdef CAROUSEL_HAS_AVX512
        &avx512::Table<Functions>::value,
#endif
    };
    return *tables[choice().load(std::memory_order_relaxed)];
}

#define CAROUSEL_CHOSEN(...) template const __VA_ARGS__& chosen()
#define CAROUSEL_CHOSEN_OF_CELL(...)                          \
    CAROUSEL_CHOSEN(PassFunctions<__VA_ARGS__>);              \
    CAROUSEL_CHOSEN(stream::RecurrentFunctions<__VA_ARGS__>); \
    CAROUSEL_CHOSEN(stream::RecurrentVoicesFunctions<__VA_ARGS__>)
#define CAROUSEL_CHOSEN_OF_SCALAR(S)                  \
    CAROUSEL_CHOSEN(ArrayFunctions<S>);               \
    CAROUSEL_CHOSEN(SoftmaxFunctions<S>);             \
    CAROUSEL_CHOSEN(VectorFunctions<S>);              \
    CAROUSEL_CHOSEN(OptimizerFunctions<S>);           \
    CAROUSEL_CHOSEN(stream::DenseFunctions<S>);       \
    CAROUSEL_CHOSEN(stream::DenseVoicesFunctions<S>); \
    CAROUSEL_EACH_CELL(CAROUSEL_CHOSEN_OF_CELL, S)
CAROUSEL_CHOSEN_OF_SCALAR(float);
CAROUSEL_CHOSEN_OF_SCALAR(double);
#define CAROUSEL_CHOSEN_NARROW_STEP(...) CAROUSEL_CHOSEN(stream::NarrowStep<__VA_ARGS__>)
CAROUSEL_CHOSEN(stream::NarrowFunctions);
CAROUSEL_EACH_CELL(CAROUSEL_CHOSEN_NARROW_STEP, float);

} // namespace carousel::kernel

namespace carousel::inline CAROUSEL_ABI {

InstructionSet instruction_set() {
    return kernel::running_sets().sets[kernel::choice().load(std::memory_order_relaxed)];
}

std::span<const InstructionSet> instruction_sets() {
    const kernel::RunningSets& running = kernel::running_sets();
    return {running.sets, running.count};
}

void set_instruction_set(InstructionSet set) {
    const auto sets = instruction_sets();
    const auto found = std::find(sets.begin(), sets.end(), set);
    if (found == sets.end())
        detail::refuse_instruction_set("set_instruction_set", "set", name(set));
    kernel::choice().store(static_cast<std::size_t>(found - sets.begin()), std::memory_order_relaxed);
}

} // namespace carousel
