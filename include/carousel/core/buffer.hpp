// Buffer: memory for numbers that grows to what is asked of it, is then reused, and survives a failed allocation.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/require.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <new>
#include <utility>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

/// Memory for `count` numbers of so many bytes. Throws std::bad_alloc.
CAROUSEL_INLINE void* allocate(Index count, std::size_t bytes);
CAROUSEL_INLINE void deallocate(void* memory) noexcept;

#ifdef CAROUSEL_BODIES
inline constexpr std::align_val_t buffer_alignment{64}; // a cache line, and the widest register

CAROUSEL_INLINE void* allocate(Index count, std::size_t bytes) {
    if (count > std::numeric_limits<std::ptrdiff_t>::max() / static_cast<std::ptrdiff_t>(bytes))
        fail<std::bad_alloc>("Buffer: more numbers than a process can hold");
    return ::operator new(static_cast<std::size_t>(count) * bytes, buffer_alignment);
}
CAROUSEL_INLINE void deallocate(void* memory) noexcept {
    ::operator delete(memory, buffer_alignment);
}
#endif

} // namespace detail

/// An array of float or double, aligned for every vector register. Eigen's matrices release their memory before they ask
/// for more, and keep the stale pointer if that fails; a Buffer is empty then.
template <class Scalar>
class Buffer {
  public:
    Buffer() = default;
    Buffer(const Buffer& other) { std::copy_n(other.data_, other.size_, get(other.size_)); }
    Buffer(Buffer&& other) noexcept { swap(other); }
    Buffer& operator=(const Buffer& other) {
        if (this != &other)
            std::copy_n(other.data_, other.size_, get(other.size_));
        return *this;
    }
    Buffer& operator=(Buffer&& other) noexcept {
        swap(other);
        return *this;
    }
    ~Buffer() { release(); }

    /// `size` numbers, size >= 0, unspecified unless they were there before and no more are asked for than ever; valid until
    /// the next call. Throws std::bad_alloc, and has no memory then.
    Scalar* get(Index size) {
        if (size > capacity_) {
            release();
            data_ = static_cast<Scalar*>(detail::allocate(size, sizeof(Scalar)));
            capacity_ = size;
        }
        size_ = size;
        return data_;
    }
    /// The same, all of them zero.
    Scalar* zeros(Index size) {
        std::fill_n(get(size), size, Scalar(0));
        return data_;
    }

    /// What was asked for last.
    Index size() const { return size_; }
    /// Bytes of its memory.
    Index bytes() const { return capacity_ * static_cast<Index>(sizeof(Scalar)); }
    Scalar* data() { return data_; }
    const Scalar* data() const { return data_; }

  private:
    void swap(Buffer& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
    }
    void release() noexcept {
        detail::deallocate(data_);
        data_ = nullptr;
        size_ = capacity_ = 0;
    }

    Scalar* data_ = nullptr;
    Index size_ = 0, capacity_ = 0;
};

} // namespace carousel
