// A training step whose allocations are counted, and the sizes that are tried.
#pragma once

#include "allocation/allocator.hpp"
#include "support.hpp"

#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/optim/clip.hpp"
#include "carousel/optim/optimizer.hpp"

#include <string>
#include <vector>

namespace carousel::test {

struct Shape {
    Index input, hidden, steps, batch;
};
// The last one's weights' gradients are due every few steps, the last time after fewer.
inline constexpr Shape sizes[] = {{1, 4, 5, 3}, {40, 300, 10, 64}, {40, 33, 10, 2}, {3, 128, 20, 32}};

inline std::string to_string(Shape s) {
    return "input " + std::to_string(s.input) + ", hidden " + std::to_string(s.hidden) + ", steps " +
           std::to_string(s.steps) + ", batch " + std::to_string(s.batch);
}

template <class S>
void clip(const std::vector<NamedParameter<S>>& list) {
    clip_by_value(list, 0.5);
    clip_by_norm(list, 0.25);
    clip_by_global_norm(list, 0.1);
}

/// Forward, loss, backward, clipping, an optimizer step, and the state for the next chunk.
template <class Model, class Rule>
void check_training(Model& model, Rule rule, Index output_steps, Shape size) {
    using S = typename Model::Scalar;
    Random random(80);
    const auto x = random_sequence<S>(size.input, size.steps, size.batch, random);
    const auto target = random_sequence<S>(model.output_size(size.input), output_steps, size.batch, random);
    typename Model::Tape tape;
    typename Model::State state;
    Optimizer<Rule, S> optimizer{parameters(model), rule};
    Sequence<S> dy;
    INFO(to_string(size));
    CHECK(allocations_of([&] {
              zero_gradients(optimizer.parameters());
              const auto y = model.forward(x, tape, state);
              MeanSquaredError{}(y, target, &dy);
              model.backward(dy, tape);
              model.final_state(tape, state);
              clip(optimizer.parameters());
              optimizer.step();
          }) == 0);
    CHECK(allocations_of([&] { model.infer(x, tape, state); }) == 0);
}

} // namespace carousel::test
