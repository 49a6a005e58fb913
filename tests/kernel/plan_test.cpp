// Plan: what is decided about a pass before it begins.
#include "carousel/kernel/plan.hpp"

#include "catch.hpp"

using namespace carousel;
using namespace carousel::kernel;

namespace {

constexpr int blocks = 4; // an LSTM's

Plan plan(const PassShape& shape, int threads = 1) {
    return make_plan<float>(shape, blocks, threads);
}

} // namespace

TEST_CASE("Plan: a single sequence and few features are multiplied with weights as forward packed them") {
    CHECK(plan({64, 64, 10, 1, false, true}).dots_with_U);
    CHECK_FALSE(plan({64, 64, 10, 2, false, true}).dots_with_U);
    CHECK(plan({1, 64, 10, 2, false, true}).dots_with_W);
    CHECK_FALSE(plan({lanes<float>, 64, 10, 2, false, true}).dots_with_W);
}

TEST_CASE("Plan: products over all steps stand in for steps of too few columns") {
    CHECK(plan({64, 64, 10, 1, false, true}).input_first);
    CHECK(plan({64, 64, 10, 1, false, true}).input_gradient_last);
    CHECK_FALSE(plan({64, 64, 10, 600, false, true}).input_first);
    CHECK_FALSE(plan({64, 64, 10, 600, false, true}).input_gradient_last);
    CHECK_FALSE(plan({64, 64, 1, 1, false, true}).input_first);
    CHECK_FALSE(plan({64, 64, 0, 1, false, true}).input_gradient_last);
}

TEST_CASE("Plan: an inference keeps one step's gates and two slots of a state, but all gates where W·x comes first") {
    CHECK(plan({1, 64, 10, 32, false, true}).gate_slots == 10);
    CHECK(plan({1, 64, 10, 32, false, true}).state_slots == 11);
    CHECK(plan({1, 64, 10, 32, false, false}).gate_slots == 1);
    CHECK(plan({1, 64, 10, 32, false, false}).state_slots == 2);
    CHECK(plan({64, 64, 10, 1, false, false}).gate_slots == 10);
}

TEST_CASE("Plan: a batch is dealt out to as many threads as have eight sequences each, and in blocks that fit L2") {
    CHECK(plan({1, 64, 10, 7, false, true}, 4).shards == 1);
    CHECK(plan({1, 64, 10, 16, false, true}, 4).shards == 2);
    CHECK(plan({1, 64, 10, 600, false, true}, 4).shards == 4);
    CHECK(plan({1, 300, 10, 600, false, true}).column_block == 72);
    CHECK(plan({1, 100'000, 10, 600, false, true}).column_block == 96);
}

TEST_CASE("Plan: chunks of steps that share a product for dW and dU cover the sequence") {
    for (const Index batch : {1, 32, 600})
        for (const Index hidden : {1, 32, 2048}) {
            const Plan p = plan({1, hidden, 1000, batch, true, true});
            CHECK(p.weight_steps >= 1);
            Index end = 1000;
            while (end > 0) {
                REQUIRE(p.chunk_begin(end) < end);
                REQUIRE(p.chunk_begin(end) >= 0);
                end = p.chunk_begin(end);
            }
        }
}

TEST_CASE("Plan: products with weights of several L2s take a block of their depth at a time, if there are more columns "
          "than one tile's") {
    CHECK(plan({64, 1024, 10, 32, false, true}).block_bytes == l1_bytes / 2);
    CHECK(plan({64, 1024, 10, 2, false, true}).block_bytes == 0);
    CHECK(plan({64, 300, 10, 600, false, true}).block_bytes == 0);
}
