// x_lengths() and y_lengths() return a span, or a reference to a list that the source keeps
#include <carousel/train/sample_source.hpp>

#include <vector>

using namespace carousel;

struct Anew {
    using Scalar = float;
    Index size() const { return 1; }
    SampleShape shape() const { return {1, 1, 1, 1}; }
    std::vector<Index> x_lengths() const { return {1}; }
    void fill(std::span<const Index>, Sequence<float>&, Sequence<float>&) const {}
};

SampleSource<float> source{Anew{}};
