// After the first step no layer allocates, in a model, a stream or many voices, with any optimizer; and a failed allocation leaves all
// of them usable.
#include "allocation/allocator.hpp"
#include "allocation/training_step.hpp"

#include "carousel/decode/scheduled_sampling.hpp"
#include "carousel/layer/activate.hpp"
#include "carousel/layer/attention.hpp"
#include "carousel/layer/batch_norm.hpp"
#include "carousel/layer/bidirectional.hpp"
#include "carousel/layer/conv1d.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/dropout.hpp"
#include "carousel/layer/embedding.hpp"
#include "carousel/layer/encoder_decoder.hpp"
#include "carousel/layer/gain.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/layer/layer_norm.hpp"
#include "carousel/layer/parallel.hpp"
#include "carousel/layer/prelu.hpp"
#include "carousel/layer/residual.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/layer/slice.hpp"
#include "carousel/layer/softmax.hpp"
#include "carousel/model/model.hpp"
#include "carousel/optim/adam.hpp"
#include "carousel/optim/rmsprop.hpp"
#include "carousel/optim/sgd.hpp"
#include "carousel/stream/hot_swap.hpp"
#include "carousel/stream/stream.hpp"
#include "carousel/stream/voices.hpp"

using namespace carousel;
using namespace carousel::test;

TEST_CASE("allocation: no model allocates in a training step after the first, with any optimizer") {
    for (const Shape size : sizes) {
        Sequential many_to_one{LSTM<float>{size.input, size.hidden}, Dropout{0.2}, LastStep{},
                               Dense<float>{size.hidden, 3, {.activation = Activation::tanh}}};
        check_training(many_to_one, Adam{}, 1, size);
        check_training(many_to_one, RMSprop{.momentum = 0.5, .centered = true}, 1, size);
        Sequential in_step{GRU<float>{size.input, size.hidden},
                           Dense<float>{size.hidden, 3},
                           Residual{GRU<float>{3, 2}},
                           Activate{Activation::softsign},
                           Gain{2},
                           Softmax{}};
        check_training(in_step, AdamW{}, size.steps, size);
        check_training(in_step, SGD{.momentum = 0.9, .nesterov = true}, size.steps, size);
        Sequential convolutions{
            Conv1D<float>{size.input, size.hidden, 3, {.dilation = 2}},
            BatchNorm<float>{size.hidden},
            LayerNorm<float>{size.hidden},
            Parallel{GRU<float>{size.hidden, 2}, Slice{size.hidden, {.first = 2, .count = size.hidden - 2}}},
            PReLU<float>{size.hidden},
            Conv1D<float>{size.hidden, 3, 2, {.stride = 2, .padding = Padding::valid}}};
        check_training(convolutions, Adam{}, size.steps / 2, size);
        Sequential both_ways{Bidirectional{LSTM<float>{size.input, size.hidden}},
                             Bidirectional{LSTM<float>{2 * size.hidden, 4}, Merge::average}, LastStep{}};
        check_training(both_ways, Adam{}, 1, size);
        Model<float> decided{LSTM<float>{size.input, size.hidden}, Bidirectional{LSTM<float>{size.hidden, 4}},
                             Model<float>{LSTM<float>{8, 4}, Dropout{0.2}}, Dense<float>{4, 3}};
        check_training(decided, Adam{}, size.steps, size);
        EncoderDecoder delayed{LSTM<float>{size.input, size.hidden},
                               Sequential{LSTM<float>{size.input, size.hidden},
                                          Attention<float>{size.hidden, size.hidden}, Dense<float>{2 * size.hidden, 3}},
                               {.encoder_steps = 2}};
        check_training(delayed, Adam{}, size.steps - 2, size);
        ScheduledSampling hears_itself{
            Sequential{LSTM<float>{size.input, size.hidden}, Dropout{0.1}, Dense<float>{size.hidden, 3}},
            {.ratio = 0.5, .given = 2, .rows = {.outputs = {1}}}};
        check_training(hears_itself, Adam{}, size.steps, size);
    }
}

TEST_CASE("allocation: nor does one with narrow weights, when it takes other weights") {
    const auto make = [] {
        return Sequential{LSTM<float>{1, 40, {.peephole = true}}, GRU<float, 40, 30, Reset::before>{},
                          Dense<float>{30, 1}};
    };
    const auto model = make(), trained = make();
    for (const WeightType type : {WeightType::bfloat16, WeightType::int16, WeightType::int8}) {
        Stream stream{model, type, fast_gates};
        const auto rest = stream.state();
        auto state = rest;
        CHECK(allocations_of([&] {
                  for (int t = 0; t < 70; ++t) // the flush of denormals, too
                      stream(1.0F);
                  stream.state(state), stream.set_state(rest), stream.set_weights(trained), stream(1.0F),
                      stream.reset();
              }) == 0);
        CHECK(stream.finite());
    }
}

TEST_CASE("allocation: nor do samples of every kind, resets, states and weights") {
    const auto make = [] {
        return Sequential{Conv1D<float>{3, 3, 4, {.dilation = 3}},
                          BatchNorm<float>{3},
                          LayerNorm<float>{3},
                          Parallel{GRU<float>{3, 2}, Slice{3, {.first = 1, .count = 1}}},
                          PReLU<float>{3},
                          GRU<float, 3, 40>{},
                          Dropout{0.2},
                          LSTM<float>{40, 20, {.peephole = true}},
                          GRU<float, 20, 30, Reset::before>{},
                          LastStep{},
                          Dense<float>{30, 5, {.activation = Activation::tanh}},
                          Activate{Activation::elu()},
                          Gain{2},
                          Attention<float>{5, 2, {.stream_steps = 3}},
                          Slice{7, {.first = 2, .count = 5}},
                          Softmax{},
                          Residual{Dense<float>{5, 1}}};
    };
    const auto model = make(), trained = make();
    Stream stream{model};
    const auto rest = stream.state();
    auto state = rest;
    const Vector<float> x = Vector<float>::Ones(3);
    const std::vector<float> list(3, 1.0F);
    CHECK(allocations_of([&] { stream(x), stream(list), stream(x.head(2)), stream(1.0F); }) == 0);
    CHECK(allocations_of([&] { stream.state(state); }) == 0);
    CHECK(allocations_of([&] { stream.set_state(rest); }) == 0);
    CHECK(allocations_of([&] { stream.set_weights(trained); }) == 0);
    CHECK(allocations_of([&] {
              if (stream.finite())
                  stream.reset();
          }) == 0);

    std::vector<float> block(6, 1.0F), out(4);
    const std::vector<const float*> channels(3, block.data());
    const std::vector<float*> outputs(static_cast<std::size_t>(stream.output_size()), out.data());
    CHECK(allocations_of([&] { stream(block, std::span(out).first(2)), stream(channels, outputs, 2); }) == 0);
    stream.prewarm(3);
    CHECK(allocations_of([&] { stream.reset_to_rest(); }) == 0);

    HotSwap swap{Stream{model}};
    CHECK(allocations_of([&] { swap.set_weights(trained), swap.current()(x); }) == 0);

    const Sequential words{Embedding<float>{3, 2, {.padding = 0}}, SimpleRNN<float>{2, 4}};
    Stream speaker{words};
    CHECK(allocations_of([&] { speaker.set_weights(words), speaker(1); }) == 0);
}

namespace {

/// Outputs, gradients and inferences of a model whose tape has seen smaller passes and failures are those of a new one.
template <class Model>
void check_failures(Model model, Index input, Index output_steps) {
    using S = typename Model::Scalar;
    Random random(82);
    const auto small = random_sequence<S>(input, 3, 2, random);
    const auto large = random_sequence<S>(input, 6, 20, random);
    const auto ragged = random_sequence<S>(input, 6, 20, random, std::vector<Index>(20, 5));
    const auto target = random_sequence<S>(model.output_size(input), output_steps, 20, random);
    const auto list = parameters(model);
    typename Model::Tape tape;
    typename Model::State state;
    Sequence<S> dy;
    const auto step = [&] {
        zero_gradients(list);
        for (const auto* x : {&large, &ragged}) {
            const auto y = model.forward(*x, tape);
            MeanSquaredError{}(y, target, &dy);
            model.backward(dy, tape);
            model.final_state(tape, state);
        }
        model.infer(ragged, tape);
    };
    step();
    std::vector<Matrix<S>> expected;
    for (const auto& [name, parameter] : list)
        expected.push_back(parameter->grad);
    const Matrix<S> y = model.infer(large, tape).values();
    const auto used_for_small = [&] {
        tape = {};
        state = {};
        dy = {};
        model.infer(small, tape);
        model.forward(small, tape);
        model.backward(model.forward(small, tape), tape);
        model.final_state(tape, state);
    };
    CHECK(fail_each_allocation(used_for_small, step) > 3);
    for (std::size_t k = 0; k < list.size(); ++k)
        CHECK(list[k].parameter->grad == expected[k]);
    CHECK(model.infer(large, tape).values() == y);
}

} // namespace

TEST_CASE("allocation: a failed one leaves tapes, states and gradients of the loss usable") {
    check_failures(Sequential{LSTM<float>{3, 20}, LastStep{}, Dense<float>{20, 2}}, 3, 1);
    check_failures(Sequential{GRU<double, Dynamic, Dynamic, Reset::before>{3, 20}, Dense<double>{20, 2}}, 3, 6);
    check_failures(Sequential{Bidirectional{LSTM<float>{3, 8}, Merge::average}, BothEnds{}, Dense<float>{8, 2}}, 3, 1);
    check_failures(EncoderDecoder{LSTM<float>{3, 8}, LSTM<float>{3, 8}, {.encoder_steps = 2}}, 3, 4);
    check_failures(ScheduledSampling{GRU<float>{3, 3}, {.ratio = 1, .free_running = true}}, 3, 6);
}

TEST_CASE("allocation: nor do voices that join, leave, wait, take states and weights") {
    const auto make = [] {
        return Sequential{Conv1D<float>{3, 3, 4, {.dilation = 3}},
                          PReLU<float>{3},
                          GRU<float>{3, 40},
                          Dropout{0.2},
                          LSTM<float>{40, 20, {.peephole = true}},
                          GRU<float, 20, 30, Reset::before>{},
                          Dense<float>{30, 5, {.activation = Activation::tanh}},
                          Activate{Activation::elu()},
                          Softmax{},
                          Residual{Dense<float>{5, 5}}};
    };
    const auto model = make(), trained = make();
    Voices voices{model, 9};
    for (int v = 0; v < 7; ++v)
        voices.join();
    auto state = voices.state(3);
    const std::vector<float> x(27, 0.5F);
    std::vector<float> y(45);
    std::vector<const float*> in(9, x.data());
    std::vector<float*> out(9, y.data());
    in[2] = nullptr;
    CHECK(allocations_of([&] { voices(x), voices(std::span(x).first(5)); }) == 0);
    CHECK(allocations_of([&] { voices(in, out, 3), voices(in, out, -1); }) == 0);
    CHECK(allocations_of([&] { voices.leave(1), voices.join(), voices.reset(3), voices.reset(); }) == 0);
    CHECK(allocations_of([&] { voices.state(3, state), voices.set_state(4, state); }) == 0);
    CHECK(allocations_of([&] { voices.set_weights(trained); }) == 0);
    voices.prewarm(2);
    CHECK(allocations_of([&] { voices.reset_to_rest(voices.finite(5) ? 5 : 6); }) == 0);
    HotSwap swap{voices};
    swap.set_weights(trained); // allocates, as it prewarms
    CHECK(allocations_of_first([&] { swap.current()(x); }) == 0);
}

TEST_CASE("allocation: nor do states and new weights of layers inside layers of a Model, even the first time") {
    const Model<float> model{Residual{AnyLayer<float>{LSTM<float>{3, 3}}},
                             Model<float>{LSTM<float>{3, 4}, Model<float>{LSTM<float>{4, 5}, Dropout{0.2}}},
                             Dense<float>{5, 4}};
    Stream stream{model};
    const auto state = stream.state();
    CHECK(allocations_of_first([&] { stream.set_state(state); }) == 0);
    HotSwap swap{Stream{model}};
    HotSwap voices{Voices{model, 3}};
    const Index voice = voices.current().join();
    for (int time = 0; time < 4; ++time) {
        swap.set_weights(model);
        CHECK(allocations_of_first([&] { swap.current()(1.0F); }) == 0);
        voices.set_weights(model);
        CHECK(allocations_of_first([&] { voices.current().reset(voice); }) == 0);
    }

    auto wrong = state;
    wrong[2] = Matrix<float>::Zero(9, 1); // of the innermost LSTM
    REQUIRE_THROWS_WITH(swap.current().set_state(wrong),
                        "Stream::set_state: the state of LSTM is 9 x 1, expected 10 x 1");
    REQUIRE_THROWS_WITH(voices.current().set_state(voice, wrong),
                        "Voices::set_state: the state of LSTM is 9 x 1, expected 10 x 1");
    swap.set_weights(model);
    CHECK(allocations_of_first([&] { swap.current()(1.0F); }) == 0);
    voices.set_weights(model);
    CHECK(allocations_of_first([&] { voices.current().reset(voice); }) == 0);
}

TEST_CASE("allocation: a failed one leaves a stream's model usable") {
    const Sequential model{LSTM<float>{1, 40}, Dense<float>{40, 1}};
    float first = 0;
    const auto run = [&] {
        Stream stream{model};
        first = stream(1);
    };
    run();
    const float expected = first;
    CHECK(fail_each_allocation([] {}, run) > 3);
    CHECK(first == expected);
}

TEST_CASE("allocation: a failed one leaves the model of a stream with narrow weights usable, and a copy's original") {
    const Sequential model{LSTM<float>{1, 40, {.peephole = true}}, GRU<float, 40, 30, Reset::before>{},
                           Dense<float>{30, 1}};
    float first = 0;
    const auto run = [&] {
        Stream stream{model, WeightType::int8, fast_gates};
        Stream copy = stream;
        first = copy(1) + stream(1);
    };
    run();
    const float expected = first;
    CHECK(fail_each_allocation([] {}, run) > 10);
    CHECK(first == expected);
}
