// Buffer: growing memory that survives a failed allocation.
#include "carousel/core/buffer.hpp"

#include "catch.hpp"

#include <cstdint>
#include <limits>
#include <new>
#include <utility>

using namespace carousel;

TEST_CASE("Buffer: memory is aligned, grows when more is asked for, and is kept when less is") {
    Buffer<float> buffer;
    CHECK(buffer.data() == nullptr);
    float* const first = buffer.get(100);
    CHECK(reinterpret_cast<std::uintptr_t>(first) % 64 == 0);
    first[3] = 3;
    CHECK(buffer.get(10) == first);
    CHECK(buffer.size() == 10);
    CHECK(buffer.get(100) == first);
    CHECK(first[3] == 3);
    CHECK(buffer.get(1000) != nullptr);
    CHECK(buffer.zeros(1000)[999] == 0);
}

TEST_CASE("Buffer: after a failed allocation it is empty and can be used again") {
    Buffer<double> buffer;
    buffer.get(10);
    REQUIRE_THROWS_AS(buffer.get(std::numeric_limits<Index>::max()), std::bad_alloc);
    CHECK(buffer.data() == nullptr);
    CHECK(buffer.size() == 0);
    buffer.get(20)[19] = 1;
    CHECK(buffer.size() == 20);
}

TEST_CASE("Buffer: copies have memory of their own, moves take it along") {
    Buffer<float> buffer;
    buffer.get(2)[0] = 1;
    buffer.data()[1] = 2;
    Buffer<float> copy = buffer;
    copy.data()[0] = 5;
    CHECK(buffer.data()[0] == 1);
    copy = buffer;
    CHECK(copy.data()[0] == 1);
    CHECK(copy.size() == 2);
    const float* const memory = copy.data();
    const Buffer<float> moved = std::move(copy);
    CHECK(moved.data() == memory);
    Buffer<float> empty;
    buffer = empty;
    CHECK(buffer.size() == 0);
}
