// What the compiler and its flags change for every header: those that can't compile it are told so, math without NaN is refused,
// and a build without exceptions is noticed.
#pragma once

#if defined(__clang__)
#    if __clang_major__ < 14
#        error "carousel: this Clang is too old, 14 or newer is needed"
#    endif
#elif defined(__GNUC__)
#    if __GNUC__ < 12
#        error "carousel: this GCC is too old, 12 or newer is needed"
#    endif
#else
#    error \
        "carousel: GCC (12 or newer) or Clang (14 or newer) is needed, for their vector types; on Windows clang-cl or MinGW"
#endif

#if defined(_MSVC_LANG) ? _MSVC_LANG < 202002L : __cplusplus < 202002L
#    error "carousel: C++20 is needed: compile with -std=c++20"
#endif

#if (defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)) && \
    !defined(CAROUSEL_ACCEPT_FAST_MATH)
#    error \
        "carousel: -ffast-math, -Ofast and -ffinite-math-only remove every check for NaN and infinity: compile without them, or define CAROUSEL_ACCEPT_FAST_MATH to go without the checks"
#endif

/// Defined in files that are compiled without exceptions (-fno-exceptions), or by the user. A failure then calls the handler of
/// set_failure_handler() instead of throwing. All files of a program must agree.
#if !defined(__cpp_exceptions) && !defined(CAROUSEL_NO_EXCEPTIONS)
#    define CAROUSEL_NO_EXCEPTIONS
#endif
