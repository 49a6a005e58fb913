// The choice of an instruction set at run time.
#include "carousel/core/instruction_set.hpp"

#include "kernels.hpp"

#include <atomic>
#include <cstdlib>
#include <string_view>

namespace carousel::inline CAROUSEL_ABI::kernel {

#define CAROUSEL_DECLARE_KERNELS(set)            \
    namespace set {                              \
    extern const Kernels<float> kernels_float;   \
    extern const Kernels<double> kernels_double; \
    }

inline namespace CAROUSEL_ISA {
extern const Kernels<float> kernels_float;
extern const Kernels<double> kernels_double;
} // namespace CAROUSEL_ISA
#ifdef CAROUSEL_HAS_AVX2
CAROUSEL_DECLARE_KERNELS(avx2)
#endif
#ifdef CAROUSEL_HAS_AVX512
CAROUSEL_DECLARE_KERNELS(avx512)
#endif

namespace {

/// The kernels of a set, and whether this processor can run them.
struct CompiledSet {
    InstructionSet set;
    const Kernels<float>* floats;
    const Kernels<double>* doubles;
    bool (*runs)();
};

// Narrowest first. The first is that of this file's flags, which are those of the whole library but for its kernels.
constexpr CompiledSet compiled_sets[] = {
    {carousel::detail::instruction_set_here, &kernels_float, &kernels_double, [] { return true; }},
#ifdef CAROUSEL_HAS_AVX2
    {InstructionSet::avx2, &avx2::kernels_float, &avx2::kernels_double,
     [] {
         return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
                __builtin_cpu_supports("bmi2");
     }},
#endif
#ifdef CAROUSEL_HAS_AVX512
    {InstructionSet::avx512, &avx512::kernels_float, &avx512::kernels_double,
     [] {
         return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                __builtin_cpu_supports("avx512vl");
     }},
#endif
};
constexpr std::size_t most_sets = std::size(compiled_sets);

/// The compiled sets that this processor runs, and their enumerators side by side.
struct RunningSets {
    const CompiledSet* sets[most_sets];
    InstructionSet enumerators[most_sets];
    std::size_t count = 0;

    RunningSets() {
        for (const CompiledSet& compiled : compiled_sets)
            if (compiled.runs()) {
                sets[count] = &compiled;
                enumerators[count++] = compiled.set;
            }
    }
    const CompiledSet* find(InstructionSet set) const {
        for (std::size_t k = 0; k < count; ++k)
            if (enumerators[k] == set)
                return sets[k];
        return nullptr;
    }
};
const RunningSets& running_sets() {
    static const RunningSets sets;
    return sets;
}

/// What CAROUSEL_ISA asks for, or the widest.
const CompiledSet& first_choice() {
    const RunningSets& running = running_sets();
    const char* const asked = std::getenv("CAROUSEL_ISA");
    if (!asked || !*asked)
        return *running.sets[running.count - 1];
    const std::string_view name = asked;
    for (std::size_t k = 0; k < running.count; ++k) {
        const InstructionSet set = running.enumerators[k];
        if (name == carousel::name(set) || (name == "x86-64-v3" && set == InstructionSet::avx2) ||
            (name == "x86-64-v4" && set == InstructionSet::avx512))
            return *running.sets[k];
    }
    carousel::detail::refuse_instruction_set("carousel", "the environment variable CAROUSEL_ISA", asked);
}

std::atomic<const CompiledSet*>& choice() {
    static std::atomic<const CompiledSet*> choice{&first_choice()};
    return choice;
}

const CompiledSet& chosen_set() {
    return *choice().load(std::memory_order_relaxed);
}

} // namespace

template <class Functions>
const Functions& chosen() {
    if constexpr (std::is_same_v<typename Functions::Scalar, float>)
        return std::get<Functions>(*chosen_set().floats);
    else
        return std::get<Functions>(*chosen_set().doubles);
}

#define CAROUSEL_CHOSEN(...) template const __VA_ARGS__& chosen()
#define CAROUSEL_CHOSEN_OF_CELL(...)             \
    CAROUSEL_CHOSEN(PassFunctions<__VA_ARGS__>); \
    CAROUSEL_CHOSEN(stream::RecurrentFunctions<__VA_ARGS__>)
#define CAROUSEL_CHOSEN_OF_SCALAR(S)            \
    CAROUSEL_CHOSEN(ArrayFunctions<S>);         \
    CAROUSEL_CHOSEN(SoftmaxFunctions<S>);       \
    CAROUSEL_CHOSEN(stream::DenseFunctions<S>); \
    CAROUSEL_EACH_CELL(CAROUSEL_CHOSEN_OF_CELL, S)
CAROUSEL_CHOSEN_OF_SCALAR(float);
CAROUSEL_CHOSEN_OF_SCALAR(double);

} // namespace carousel::kernel

namespace carousel::inline CAROUSEL_ABI {

InstructionSet instruction_set() {
    return kernel::chosen_set().set;
}

std::span<const InstructionSet> instruction_sets() {
    const kernel::RunningSets& running = kernel::running_sets();
    return {running.enumerators, running.count};
}

void set_instruction_set(InstructionSet set) {
    const kernel::CompiledSet* const compiled = kernel::running_sets().find(set);
    if (!compiled)
        detail::refuse_instruction_set("set_instruction_set", "set", name(set));
    kernel::choice().store(compiled, std::memory_order_relaxed);
}

} // namespace carousel
