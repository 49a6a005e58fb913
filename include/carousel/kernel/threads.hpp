// Threads: how many the passes of a layer use, and how they run their shards.
#pragma once

#include "carousel/core/require.hpp"

// Without threads in the compiler's library, as for a microcontroller without a system, shards run one after the other.
#if defined(CAROUSEL_BODIES) && defined(__STDCPP_THREADS__)
#    include "carousel/kernel/thread_pool.hpp"
#endif

namespace carousel::shared::inline CAROUSEL_SHARED {

/// ThreadPool::run, size and resize of the program's pool.
CAROUSEL_OWN CAROUSEL_INLINE void run_shards(int shards, void (*job)(const void*, int), const void* what);
CAROUSEL_OWN CAROUSEL_INLINE int thread_count();
CAROUSEL_OWN CAROUSEL_INLINE void set_thread_count(int n);

#if defined(CAROUSEL_BODIES) && defined(__STDCPP_THREADS__)
CAROUSEL_OWN CAROUSEL_INLINE void run_shards(int shards, void (*job)(const void*, int), const void* what) {
    thread_pool().run(shards, job, what);
}
CAROUSEL_OWN CAROUSEL_INLINE int thread_count() {
    return thread_pool().size();
}
CAROUSEL_OWN CAROUSEL_INLINE void set_thread_count(int n) {
    thread_pool().resize(n);
}
#elif defined(CAROUSEL_BODIES)
CAROUSEL_OWN CAROUSEL_INLINE void run_shards(int shards, void (*job)(const void*, int), const void* what) {
    for (int s = 0; s < shards; ++s)
        job(what, s);
}
CAROUSEL_OWN CAROUSEL_INLINE int thread_count() {
    return 1;
}
CAROUSEL_OWN CAROUSEL_INLINE void set_thread_count(int) {}
#endif

} // namespace carousel::shared

namespace carousel::inline CAROUSEL_ABI::kernel {

/// f(0) … f(shards − 1), by the program's threads.
template <class F>
void over_shards(int shards, const F& f) {
    shared::run_shards(
        shards, [](const void* what, int s) { (*static_cast<const F*>(what))(s); }, &f);
}

} // namespace carousel::kernel

namespace carousel::inline CAROUSEL_ABI {

/// How many threads forward and backward of a layer use; 1 until set_threads says otherwise.
CAROUSEL_OWN inline int threads() {
    return shared::thread_count();
}

/// A batch is cut into at most n shards, of at least eight sequences each. The same n always gives the same gradients; another n
/// gives them to rounding. If the system refuses a thread, fewer are used: threads() says how many. A pass that is running keeps its
/// threads; the next one has n. A child of fork() makes threads of its own when a pass needs them. A shared library that
/// contains layers has a number of its own. Throws std::invalid_argument if n is below 1.
CAROUSEL_OWN inline void set_threads(int n) {
    require(n >= 1, "set_threads", "n is ", n, ", expected at least 1");
    if (n != threads())
        shared::set_thread_count(n);
}

} // namespace carousel
