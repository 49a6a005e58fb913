// DenormalsAreZero: while it lives, the processor treats denormal numbers as zero.
#pragma once

#include "carousel/core/build.hpp"

#include <cstdint>

#if defined(__SSE2__)
#    include <xmmintrin.h>
#endif

namespace carousel::inline CAROUSEL_ABI {

/// Denormal numbers are those nearer to zero than the smallest normal one: 1.2e-38 in float, 2.2e-308 in double. Many
/// processors compute with them several times as slowly as with others. While an object of this class lives, arithmetic of the
/// thread that made it reads denormal operands as zero and gives zero for denormal results; its end brings back what was
/// before. Make one around what must not slow down, such as an audio callback or the training on long sequences:
///
///     void process(std::span<float> block) {
///         const DenormalsAreZero guard;
///         for (float& sample : block) sample = stream(sample);
///     }
///
/// A thread begins with the setting of the thread that starts it, so a guard that is older than set_threads(n) holds in these
/// threads, too; but not on Windows, where each thread needs a guard of its own. The setting is the processor's: x86 with SSE2
/// (FTZ and DAZ of MXCSR) and 64-bit Arm (FZ of FPCR) have it; elsewhere, where `supported` is false, the guard does nothing.
class [[nodiscard]] DenormalsAreZero {
  public:
#if defined(__SSE2__) || defined(__aarch64__)
    /// Whether this processor's switch is known.
    static constexpr bool supported = true;
#else
    static constexpr bool supported = false;
#endif

    /// Turns the switch on; the destructor puts back what was.
    DenormalsAreZero() noexcept : before_(read() & bits) {
        write(read() | bits);
    }
    ~DenormalsAreZero() {
        write((read() & ~bits) | before_);
    }
    DenormalsAreZero(const DenormalsAreZero&) = delete;
    DenormalsAreZero& operator=(const DenormalsAreZero&) = delete;

  private:
    // The asm statements that touch memory keep the compiler from moving loads and stores past the change.
#if defined(__SSE2__)
    using Register = std::uint32_t;
    static constexpr Register bits = 0x8040; // FTZ: results, DAZ: operands

    static Register read() noexcept {
        return _mm_getcsr();
    }
    static void write(Register value) noexcept {
        asm volatile("" ::: "memory");
        _mm_setcsr(value);
        asm volatile("" ::: "memory");
    }
#elif defined(__aarch64__)
    using Register = std::uint64_t;
    static constexpr Register bits = Register(1) << 24; // FZ: both

    static Register read() noexcept {
        Register value;
        asm volatile("mrs %0, fpcr" : "=r"(value));
        return value;
    }
    static void write(Register value) noexcept {
        asm volatile("msr fpcr, %0" : : "r"(value) : "memory");
    }
#else
    using Register = std::uint32_t;
    static constexpr Register bits = 0;

    static Register read() noexcept {
        return 0;
    }
    static void write(Register) noexcept {}
#endif

    Register before_;
};

} // namespace carousel
