// Depth blocks: a pass whose products take some of their depth at a time is the same pass.
#include "carousel/core/random.hpp"
#include "carousel/kernel/pass_engine.hpp"
#include "carousel/layer/recurrent.hpp"

#include "catch.hpp"

#include <array>
#include <vector>

using namespace carousel;
using namespace carousel::kernel;

namespace {

using Numbers = std::vector<float>;

Numbers random_numbers(Index size, Random& random) {
    Numbers numbers(static_cast<std::size_t>(size));
    for (float& x : numbers)
        x = static_cast<float>(random.uniform(-0.5, 0.5));
    return numbers;
}

struct Case {
    PassShape shape;
    bool ragged = false, masked = false;
    int threads = 1;
};

/// Output, final state, dx, the initial state's gradient, and the gradients of W, U and b, with blocks of so many bytes (0: none).
template <class C>
std::array<Numbers, 7> pass(const Case& c, Index block_bytes, Index column_block) {
    const auto [I, H, T, B] = std::array{c.shape.input, c.shape.hidden, c.shape.steps, c.shape.batch};
    Random random(5);
    const C cell{};
    const Numbers W = random_numbers(C::input.count * H * I, random),
                  U = random_numbers(recurrent_blocks<C>().count * H * H, random),
                  b = random_numbers(biased_blocks<C>() * H, random), x = random_numbers(I * T * B, random),
                  initial = random_numbers(C::states * H * B, random), dy = random_numbers(H * T * B, random);
    Numbers mask = random_numbers(H * B, random);
    std::vector<Index> lengths;
    for (Index k = 0; k < B; ++k)
        lengths.push_back(k % (T + 1));

    PassInput<C> in{&cell, W.data(), U.data(), b.data(), nullptr, x.data(), c.ragged ? lengths.data() : nullptr, {}};
    in.noise.h_mask = c.masked ? mask.data() : nullptr;

    Plan plan = make_plan<float>(c.shape, C::blocks, c.threads);
    plan.block_bytes = block_bytes;
    plan.column_block = column_block;
    PassMemory<C> memory;
    PassEngine<C>(memory).forward(in, plan, initial.data());

    const auto zeros = [](const Numbers& like) { return Numbers(like.size(), 0.F); };
    Numbers final_state = zeros(initial), d_initial = zeros(initial), dW = zeros(W), dU = zeros(U), db = zeros(b);
    PassEngine<C>(memory).final_state(final_state.data());
    const float* const h = memory.h.data() + (plan.reverse ? 0 : H * B);
    const Numbers y(h, h + H * T * B);
    const float* const dx = PassEngine<C>(memory).backward(in, {dW.data(), dU.data(), db.data(), nullptr},
                                                           {dy.data(), initial.data(), d_initial.data()}, true);
    return {y, final_state, Numbers(dx, dx + I * T * B), d_initial, dW, dU, db};
}

template <class C>
void check(const Case& c) {
    INFO(C::name << ": I = " << c.shape.input << ", H = " << c.shape.hidden << ", B = " << c.shape.batch);
    const auto whole = pass<C>(c, 0, 1000);
    for (const Index block_bytes : {1, 1000, 5000})
        for (const Index column_block : {7, 1000}) {
            const auto blocked = pass<C>(c, block_bytes, column_block);
            for (std::size_t k = 0; k < whole.size(); ++k) {
                float worst = 0, largest = 1e-3F;
                for (std::size_t n = 0; n < whole[k].size(); ++n) {
                    worst = std::max(worst, std::abs(whole[k][n] - blocked[k][n]));
                    largest = std::max(largest, std::abs(whole[k][n]));
                }
                INFO("result " << k << ", blocks of " << block_bytes << " bytes");
                CHECK(worst <= 1e-5F * largest);
            }
        }
}

} // namespace

TEST_CASE("Depth blocks: a pass in blocks of the depth gives what it gives without") {
    using Lstm = LSTM<float>::CellType;
    using TwoProducts = GRU<float, Dynamic, Dynamic, Reset::before>::CellType;
    // Units: fewer than a lane, a rest in the last panel, more row tiles than a group has. Sequences: a tile and a rest, more than
    // a stretch.
    const std::vector<Case> cases{{{1, 3, 3, 7, false, true}},
                                  {{5, 37, 4, 13, false, true}, true, true},
                                  {{3, 203, 2, 61, true, true}, true},
                                  {{9, 64, 3, 50, true, true}, false, true, 3}};
    for (const Case& c : cases) {
        set_threads(c.threads);
        check<Lstm>(c);
        check<TwoProducts>(c);
    }
    set_threads(1);
}

TEST_CASE("Depth blocks: the blocks of a product cover it once, in order") {
    const float a[1] = {}, b[1] = {};
    const Factors<float> products[2] = {{10, a, 0, b, 0, 0}, {4, a, 0, b, 0, 0, 5, 0, 0}};
    Index depth = 0, blocks = 0;
    for_depth_blocks(products, 2, 2, 3 * 2 * register_bytes, [&](const Factors<float>& block, bool add) {
        CHECK(add == (blocks > 0));
        CHECK(block.runs == 1);
        CHECK(block.depth <= 4);
        depth += block.runs * block.depth, ++blocks;
    });
    CHECK(depth == 10 + 4 * 5);
    CHECK(blocks == 4 + 5);
}
