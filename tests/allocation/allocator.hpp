// The allocator of the program that tests allocations: it counts, and lets one fail. With the GNU C library it is malloc;
// elsewhere it is operator new, and Eigen, which calls malloc, stops the program itself. To be included first.
#pragma once

#if defined(__GLIBC__) || __has_include(<gnu/libc-version.h>)
#    define CAROUSEL_COUNT_MALLOC
#else
#    define EIGEN_RUNTIME_NO_MALLOC
#endif

#include "catch.hpp"

#include <Eigen/Core>

#include <atomic>
#include <new>

namespace carousel::test {

inline std::atomic<long> allocations{0};
inline std::atomic<long> failing{0}; ///< the number of the allocation that fails, 0: none

/// How often f allocates when it is called for the first time.
template <class F>
long allocations_of_first(F&& f) {
#if defined(EIGEN_RUNTIME_NO_MALLOC)
    Eigen::internal::set_is_malloc_allowed(false);
#endif
    const long before = allocations;
    f();
    const long after = allocations;
#if defined(EIGEN_RUNTIME_NO_MALLOC)
    Eigen::internal::set_is_malloc_allowed(true);
#endif
    return after - before;
}

/// How often f allocates when it is called again and again, after the first call.
template <class F>
long allocations_of(F&& f) {
    f();
    return allocations_of_first([&] { f(), f(); });
}

/// What became of a call of which an allocation failed.
enum class CallEnd { returned, bad_alloc, other_exception };

/// Lets the first allocation of f fail, then the second …, until f needs no more; calls restore() before each, and
/// check(outcome) after it. Returns how many failed. Nothing of the test itself allocates while one may fail.
template <class Restore, class F, class Check>
long fail_each_allocation(Restore&& restore, F&& f, Check&& check) {
    for (long number = 1;; ++number) {
        restore();
        CallEnd outcome = CallEnd::returned;
        failing = allocations + number;
        try {
            f();
        } catch (const std::bad_alloc&) {
            outcome = CallEnd::bad_alloc;
        } catch (...) {
            outcome = CallEnd::other_exception;
        }
        const bool reached = allocations >= failing;
        failing = 0;
        if (!reached)
            return number - 1;
        check(outcome);
    }
}

/// The same where every failure has to be thrown, and the same objects are of use again then.
template <class Restore, class F>
long fail_each_allocation(Restore&& restore, F&& f) {
    return fail_each_allocation(restore, f, [&](CallEnd outcome) {
        REQUIRE(outcome == CallEnd::bad_alloc);
        f();
    });
}

} // namespace carousel::test
