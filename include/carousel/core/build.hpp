// What the compiler and its flags change for every header: those that can't compile it are told so, math without NaN is refused,
// a build without exceptions is noticed, and the namespaces of the library are named.
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

// GCC takes the stack of 64-bit Windows for aligned to 16 bytes, and yet moves AVX vectors there by instructions that want 32 or 64:
// about every other run of a program crashes (GCC bug 54412). MSYS2 and Debian ship a GCC that is mended, which can't be told by
// macros; the assembler, which comes with GCC, can encode the moves as ones for any address, which are as fast.
#if defined(_WIN32) && !defined(__clang__) && defined(__AVX__) && !defined(CAROUSEL_ACCEPT_AVX_STACK)
#    error \
        "carousel: GCC for Windows doesn't align the stack for AVX vectors: compile with -Wa,-muse-unaligned-vector-move and define CAROUSEL_ACCEPT_AVX_STACK (CMake's target carousel::carousel does both), or with clang, or without AVX"
#endif

/// [[no_unique_address]] under the name that it has in Microsoft's ABI, which ignores the standard's.
#if __has_cpp_attribute(msvc::no_unique_address)
#    define CAROUSEL_NO_UNIQUE_ADDRESS [[msvc::no_unique_address]]
#else
#    define CAROUSEL_NO_UNIQUE_ADDRESS [[no_unique_address]]
#endif

/// After the noexcept of a function that neither allocates nor waits: RealtimeSanitizer (Clang 20 or newer with -fsanitize=realtime)
/// stops a program where one does.
#if __has_cpp_attribute(clang::nonblocking)
#    define CAROUSEL_NONBLOCKING [[clang::nonblocking]]
#else
#    define CAROUSEL_NONBLOCKING
#endif

/// Defined in files that are compiled without exceptions (-fno-exceptions), or by the user. A failure then calls the handler of
/// set_failure_handler() instead of throwing. Files that throw and files that don't have a copy of the library each, as their
/// inline namespaces have other names.
#if !defined(__cpp_exceptions) && !defined(CAROUSEL_NO_EXCEPTIONS)
#    define CAROUSEL_NO_EXCEPTIONS
#endif

/// The instruction set that this file is compiled for, as far as lanes and their arithmetic depend on it: the inline namespace of
/// what depends on it (the rooms simd and kernel).
#if defined(__AVX512F__)
#    define CAROUSEL_ISA avx512
#elif defined(__AVX2__) && defined(__FMA__)
#    define CAROUSEL_ISA avx2
#elif defined(__AVX__)
#    define CAROUSEL_ISA avx
#elif defined(__SSE2__)
#    define CAROUSEL_ISA sse2
#elif defined(__aarch64__)
#    define CAROUSEL_ISA neon
#else
#    define CAROUSEL_ISA generic
#endif

#define CAROUSEL_JOIN_EXPANDED(a, b) a##b
#define CAROUSEL_JOIN(a, b) CAROUSEL_JOIN_EXPANDED(a, b)

/// The inline namespace of the whole library. Files of one program that are compiled for different instruction sets have a copy of
/// the library each, and the linker keeps the copies apart. A function of one such file that takes or returns a type of the library
/// can't be called from another: the linker names it, with both namespaces. Files that link carousel::compiled, which defines
/// CAROUSEL_COMPILED for them, share its copy, whatever they are compiled for.
#if defined(CAROUSEL_COMPILED)
#    define CAROUSEL_ABI compiled
#elif defined(CAROUSEL_NO_EXCEPTIONS)
#    define CAROUSEL_ABI CAROUSEL_JOIN(CAROUSEL_JOIN(for_, CAROUSEL_ISA), _without_exceptions)
#else
#    define CAROUSEL_ABI CAROUSEL_JOIN(for_, CAROUSEL_ISA)
#endif

#if defined(CAROUSEL_COMPILED) && defined(CAROUSEL_NO_EXCEPTIONS)
#    error "carousel: carousel::compiled throws exceptions; without them (-fno-exceptions) link carousel::carousel"
#endif

/// CAROUSEL_INLINE stands before a function that is no template and that carousel::compiled holds. Between #ifdef CAROUSEL_BODIES and
/// #endif stand the bodies that one file of the library has (src/bodies.cpp), of such functions and of templates; between #ifdef
/// CAROUSEL_TEMPLATES and #endif those that all its files may instantiate. Both are defined in header-only builds.
#if !defined(CAROUSEL_COMPILED)
#    define CAROUSEL_INLINE inline
#    define CAROUSEL_BODIES
#    define CAROUSEL_TEMPLATES
#else
#    define CAROUSEL_INLINE
#    if defined(CAROUSEL_COMPILING)
#        define CAROUSEL_TEMPLATES
#    endif
#    if defined(CAROUSEL_COMPILING_BODIES)
#        define CAROUSEL_BODIES
#    endif
#endif

/// Before what each shared library has for itself. On Windows each has, and GCC warns of the attribute there.
#if defined(_WIN32)
#    define CAROUSEL_HIDDEN
#else
#    define CAROUSEL_HIDDEN [[gnu::visibility("hidden")]]
#endif

/// Before what a shared library that includes the headers has for itself, because its static object goes when it is unloaded. A
/// program and carousel::compiled have one.
#if !defined(CAROUSEL_COMPILED) || defined(_WIN32)
#    define CAROUSEL_OWN CAROUSEL_HIDDEN
#else
#    define CAROUSEL_OWN [[gnu::visibility("default")]]
#endif

/// The inline namespace of what a program has once (carousel::shared): once in all its header-only files, or in those of them without
/// exceptions, and once in the library.
#if defined(CAROUSEL_COMPILED)
#    define CAROUSEL_SHARED library
#elif defined(CAROUSEL_NO_EXCEPTIONS)
#    define CAROUSEL_SHARED headers_without_exceptions
#else
#    define CAROUSEL_SHARED headers
#endif
