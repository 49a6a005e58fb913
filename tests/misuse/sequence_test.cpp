// What a batch of sequences can't be, and reads past its end.
#include "catch.hpp"

#include "carousel/core/parameter.hpp"
#include "carousel/core/sequence.hpp"

#include <concepts>
#include <limits>

using namespace carousel;

namespace {

constexpr Index huge = std::numeric_limits<Index>::max();

template <class T>
concept HasView = requires(T sequence) {
    std::forward<T>(sequence).view();
};
static_assert(HasView<Sequence<float>&> && HasView<const Sequence<float>&>);
static_assert(!HasView<Sequence<float>> && !HasView<const Sequence<float>>); // it would dangle
static_assert(!std::constructible_from<SequenceView<float>, const float*, Index, Index, Index, std::vector<Index>>);
static_assert(std::constructible_from<SequenceView<float>, const float*, Index, Index, Index, std::vector<Index>&>);

} // namespace

TEST_CASE("Sequence: a shape that can't be is refused by resize as by the constructor, before anything is changed") {
    Sequence<float> x(2, 3, 2);
    REQUIRE_THROWS_WITH(x.resize(1, 2, 0), "Sequence: features 1, steps 2 and batch 0 must satisfy features >= 0, "
                                           "steps >= 0, batch >= 1");
    REQUIRE_THROWS_WITH(x.resize(1, 2, 2, std::vector<Index>{1, 3}),
                        "Sequence: length 3 of sequence 1 is not within 0 … 2");
    for (const auto& [features, steps, batch] :
         {std::array{Index(3), huge / 2, Index(8)}, std::array{huge, Index(2), Index(1)},
          std::array{Index(1), huge, Index(1)}, std::array{Index(1), Index(1), huge}}) {
        const std::string message = "Sequence: features " + std::to_string(features) + ", steps " +
                                    std::to_string(steps) + " and batch " + std::to_string(batch) +
                                    " make more numbers than any memory holds";
        REQUIRE_THROWS_WITH(x.resize(features, steps, batch), message);
        REQUIRE_THROWS_WITH(Sequence<float>(features, steps, batch), message);
        REQUIRE_THROWS_WITH(SequenceView<float>(x.values().data(), features, steps, batch), message);
    }
    CHECK(x.features() == 2);
    CHECK(x.steps() == 3);
    CHECK(x.batch() == 2);
}

TEST_CASE("Sequence: a step, a sequence or a chunk that isn't there is refused") {
    Sequence<float> x(2, 3, 2, {3, 1});
    const auto& same = x;
    for (const Index t : {Index(-1), Index(3), huge}) {
        const std::string message = "Sequence::step: t is " + std::to_string(t) + ", expected 0 <= t < 3";
        REQUIRE_THROWS_WITH(x.step(t), message);
        REQUIRE_THROWS_WITH(same.step(t), message);
        REQUIRE_THROWS_WITH(x.view().step(t), message);
    }
    for (const Index b : {Index(-1), Index(2), huge})
        REQUIRE_THROWS_WITH(x.view().length(b),
                            "Sequence::length: b is " + std::to_string(b) + ", expected 0 <= b < 2");
    std::vector<Index> lengths{7};
    for (const auto& [first, count] :
         {std::pair(Index(-1), Index(1)), {4, 0}, {2, 2}, {1, huge}, {huge, huge}, {0, -1}})
        REQUIRE_THROWS_WITH(chunk(x.view(), first, count, lengths), "chunk: " + std::to_string(count) +
                                                                        " steps from step " + std::to_string(first) +
                                                                        " on were asked for, there are 3");
    CHECK(lengths == std::vector<Index>{7});
    CHECK(chunk(x.view(), 3, 0, lengths).columns() == 0);
    REQUIRE_THROWS_WITH(SequenceView<float>(nullptr, 2, 3, 2), "Sequence: data is null, expected 2 x 6 numbers");
}

TEST_CASE("Parameter: a column that isn't there is refused, and a moved sparse one is empty") {
    auto table = Parameter<float>::sparse(2, 3);
    REQUIRE_THROWS_WITH(table.grad_column(3), "Parameter::grad_column: column is 3, expected 0 <= column < 3");
    REQUIRE_THROWS_WITH(table.grad_column(-1), "Parameter::grad_column: column is -1, expected 0 <= column < 3");
    table.grad_column(1).setOnes();
    table.grad_column(2).setOnes();
    table.grad.resize(2, 2);
    REQUIRE_THROWS_WITH(table.zero_grad(),
                        "Parameter: the gradient of a sparse parameter has 2 columns, expected 3, as "
                        "many as it was made with");
    const auto moved = std::move(table);
    table.zero_grad();
    CHECK(moved.is_sparse());
}

TEST_CASE("Sequence: resize takes some of the sequence's own lengths") {
    Sequence<float> sequence(2, 5, 3, {5, 4, 3});
    sequence.resize(2, 5, 2, std::span(sequence.lengths()).last(2));
    CHECK(sequence.lengths() == std::vector<Index>{4, 3});
    sequence.resize(2, 5, 2, sequence.lengths());
    CHECK(sequence.lengths() == std::vector<Index>{4, 3});
    CHECK(sequence.view().length(1) == 3);
}
