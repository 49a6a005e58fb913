// What the flags of a build change for every header: math without NaN is refused, and a build without exceptions is noticed.
#pragma once

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
