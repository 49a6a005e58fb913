#include "allocation/allocator.hpp"

#include <cerrno>
#include <cstdlib>
#include <new>

namespace {

bool fails() {
    return ++carousel::test::allocations == carousel::test::failing;
}

} // namespace

#if defined(CAROUSEL_COUNT_MALLOC)
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);

void* malloc(std::size_t size) {
    if (fails())
        return nullptr;
    return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
    if (fails())
        return nullptr;
    return __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) {
    if (fails())
        return nullptr;
    return __libc_realloc(memory, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
    if (fails())
        return nullptr;
    return __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
    *memory = fails() ? nullptr : __libc_memalign(alignment, size);
    return *memory ? 0 : ENOMEM;
}
void free(void* memory) {
    __libc_free(memory);
}
}
#else
void* operator new(std::size_t size) {
    void* const memory = fails() ? nullptr : std::malloc(size);
    if (!memory)
        throw std::bad_alloc();
    return memory;
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
#endif
