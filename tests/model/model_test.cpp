#include "catch.hpp"
#include "support.hpp"

#include <carousel/decode/generate.hpp>
#include <carousel/decode/sample.hpp>
#include <carousel/layer/conv1d.hpp>
#include <carousel/layer/dropout.hpp>
#include <carousel/layer/embedding.hpp>
#include <carousel/layer/encoder_decoder.hpp>
#include <carousel/layer/last_step.hpp>
#include <carousel/loss/mean_squared_error.hpp>
#include <carousel/model/model.hpp>
#include <carousel/optim/adam.hpp>
#include <carousel/train/check_gradients.hpp>
#include <carousel/train/fit.hpp>
#include <carousel/train/summary.hpp>

using namespace carousel;
using namespace carousel::test;

namespace {

/// Two models of the same layers, one whose types are known at compile time.
auto static_model() {
    return Sequential{SimpleRNN<double>{2, 4, {}, {.seed = 1}}, Dropout{0.5, {.seed = 2}},
                      Bidirectional{SimpleRNN<double>{4, 3, {}, {.seed = 3}}}, Dense<double>{6, 1, {.seed = 4}}};
}
Model<double> dynamic_model() {
    Model<double> model;
    static_model().each_layer([&](auto, const auto& layer) { model.add(layer); });
    return model;
}

Model<double> streamed_model() {
    return Model<double>{SimpleRNN<double>{1, 3, {}, {.seed = 1}}, SimpleRNN<double>{3, 2, {}, {.seed = 2}}, LastStep{},
                         Dense<double>{2, 1, {.seed = 3}}};
}

/// A layer of a user's: x and nothing else. It has no StreamPart.
struct Echo {
    using Scalar = double;
    using State = NoState;
    struct Tape {};
    SequenceView<double> forward(SequenceView<double> x, Tape&, NoState = {}) const { return x; }
    SequenceView<double> infer(SequenceView<double> x, Tape&, NoState = {}) const { return x; }
    void final_state(const Tape&, NoState&) const {}
    SequenceView<double> backward(SequenceView<double> dy, Tape&, const BackwardOptions<NoState>&) { return dy; }
    void each_parameter(auto&&) const {}
    void initialize(Random&) {}
    Index output_size(Index input) const { return input; }
    std::string name() const { return "Echo"; }
};

} // namespace

TEST_CASE("Model: gives the output, gradients and states of the equal Sequential") {
    Random random(1);
    auto known = static_model();
    auto model = dynamic_model();
    static_assert(Layer<Model<double>, double>);
    const auto x = random_sequence<double>(2, 5, 3, random, {5, 0, 3});
    const auto dy = random_matrix<double>(1, 15, random);
    decltype(known)::Tape known_tape;
    Model<double>::Tape tape;
    decltype(known)::State known_initial, known_final, known_d_initial;
    Model<double>::State initial, final_state, d_initial;
    each_state(known_initial, [&](auto& matrix) {
        matrix = random_matrix<double>(initial.empty() ? 4 : 3, 3, random);
        initial.push_back(matrix);
    });
    const auto known_d_final = known_initial;
    const auto d_final = initial;

    for (int pass = 0; pass < 2; ++pass) { // the second with the memory of the first
        const Matrix<double> expected = known.forward(x, known_tape, known_initial).values();
        CHECK(model.forward(x, tape, initial).values() == expected);
        const SequenceView<double> dy_view(dy.data(), 1, 5, 3);
        const Matrix<double> known_dx =
            known.backward(dy_view, known_tape, {.d_final = &known_d_final, .d_initial = &known_d_initial}).values();
        CHECK(model.backward(dy_view, tape, {.d_final = &d_final, .d_initial = &d_initial}).values() == known_dx);
        known.final_state(known_tape, known_final);
        model.final_state(tape, final_state);
    }
    REQUIRE(final_state.size() == 3);
    REQUIRE(d_initial.size() == 3);
    std::size_t k = 0;
    each_state(known_final, [&](const auto& matrix) { CHECK(final_state[k++] == matrix); });
    k = 0;
    each_state(known_d_initial, [&](const auto& matrix) { CHECK(d_initial[k++] == matrix); });

    const auto expected = parameters(known), own = parameters(model);
    REQUIRE(own.size() == expected.size());
    for (std::size_t n = 0; n < own.size(); ++n) {
        CHECK(own[n].name == expected[n].name);
        CHECK(own[n].parameter->grad == expected[n].parameter->grad);
    }
    CHECK(model.infer(x, tape).values() == known.infer(x, known_tape).values());
    CHECK(summary(model) == summary(known));
    CHECK(model.output_size(2) == 1);
}

TEST_CASE("Model: its gradients are those of central differences, of a model inside it, too") {
    Random random(2);
    Model<double> inner{SimpleRNN<double>{3, 2}, Bidirectional{SimpleRNN<double>{2, 2}}};
    Model<double> model{Dense<double>{2, 3}, inner, BothEnds{}, Dense<double>{4, 1}};
    REQUIRE(model.states() == 3);
    Model<double>::State initial;
    for (int k = 0; k < 3; ++k)
        initial.push_back(random_matrix<double>(2, 3, random));
    const auto check = check_gradients(model, random_sequence<double>(2, 4, 3, random, {4, 2, 1}),
                                       random_sequence<double>(1, 1, 3, random), MeanSquaredError{}, initial);
    INFO(check.name);
    CHECK(check.worst < 1e-6);
    CHECK(check.all.back().name == "initial state");
    CHECK(parameters(model)[2].name == "1.Sequential.0.SimpleRNN.W");
}

TEST_CASE("Model: fit trains it as the equal Sequential, in chunks and with carried states, too") {
    std::vector<double> series;
    for (int t = 0; t < 60; ++t)
        series.push_back(std::sin(0.3 * t));
    const auto data = windows(series, {.steps = 8, .every_step = true});
    for (const bool stateful : {false, true}) {
        Sequential known{SimpleRNN<double>{1, 4, {}, {.seed = 1}}, Dropout{0.2, {.seed = 2}},
                         Dense<double>{4, 1, {.seed = 3}}};
        Model<double> model;
        known.each_layer([&](auto, const auto& layer) { model.add(layer); });
        FitOptions options{.epochs = 2, .batch_size = 4, .shuffle = !stateful, .truncate = 3, .stateful = stateful};
        const auto expected = fit(known, data, MeanSquaredError{}, Adam{}, options);
        const auto history = fit(model, data, MeanSquaredError{}, Adam{}, options);
        CHECK(history.epochs.back().loss == expected.epochs.back().loss);
        CHECK(model.layer(2).target<Dense<double>>()->W().value == known.layer<2>().W().value);
    }
}

TEST_CASE("Model: a stream of it gives what the whole sequence gives, and its state is the pass'") {
    Random random(3);
    const auto model = streamed_model();
    const auto x = random_sequence<double>(1, 6, 1, random);
    Model<double>::Tape tape;
    const double expected = model.infer(x, tape).values()(0, 0);
    Model<double>::State state;
    model.final_state(tape, state);
    Stream stream{model};
    double y = 0;
    for (Index t = 0; t < 6; ++t)
        y = stream(x.values()(0, t));
    CHECK(y == Approx(expected).epsilon(1e-12));
    REQUIRE(stream.state().size() == 2);
    for (std::size_t k = 0; k < 2; ++k)
        CHECK(difference(stream.state()[k], state[k]) < 1e-12);

    auto copy = stream;
    const double next = stream(0.5);
    CHECK(copy(0.5) == next);
    stream.set_state(state);
    CHECK(stream(0.5) == Approx(next).epsilon(1e-12));
    stream.set_state({});
    Stream fresh{model};
    CHECK(stream(0.5) == fresh(0.5));
    CHECK(stream.finite());
    stream(std::numeric_limits<double>::quiet_NaN());
    CHECK_FALSE(stream.finite());
    stream.reset();
    CHECK(stream.finite());

    auto other = model;
    other.initialize(7);
    stream.set_weights(other);
    CHECK(stream(0.25) == Stream{other}(0.25));
    REQUIRE_THROWS_WITH(stream.set_state(Model<double>::State(1)),
                        "Stream::set_state: the state has 1 matrices, expected 2, or none for zero");
    REQUIRE_THROWS_WITH(
        stream.set_weights(Model<double>{SimpleRNN<double>{1, 3}}),
        "Stream::set_weights: the model has 1 layers, the stream's had 4; make a new Stream of this model");
    other = Model<double>{SimpleRNN<double>{1, 3}, Dense<double>{3, 2}, LastStep{}, Dense<double>{2, 1}};
    REQUIRE_THROWS_WITH(
        stream.set_weights(other),
        "Stream::set_weights: layer 1 (Dense): the layer Dense is of another type than the stream's; make a "
        "new Stream of this model");
}

TEST_CASE("Model: voices of it give what a stream of it gives") {
    const auto model = streamed_model();
    Voices voices{model, 3};
    Stream stream{model};
    for (int v = 0; v < 3; ++v)
        voices.join();
    std::vector<double> x{0.5, -1, 0.25};
    for (int t = 0; t < 5; ++t) {
        voices.leave(0);
        voices.join();
        CHECK(voices(x)[1] == Approx(stream(-1.0)).epsilon(1e-12));
    }
    REQUIRE(voices.state(1).size() == 2);
    CHECK(difference(voices.state(1)[1], stream.state()[1]) < 1e-12);
    auto copy = voices;
    copy.set_state(1, {});
    voices.reset(1);
    CHECK(copy(x)[1] == voices(x)[1]);
    stream.set_state(voices.state(2));
    auto other = model;
    other.initialize(7);
    voices.set_weights(other);
    stream.set_weights(other);
    CHECK(voices(x)[2] == Approx(stream(0.25)).epsilon(1e-12));
    x[0] = std::numeric_limits<double>::quiet_NaN();
    voices(x);
    CHECK_FALSE(voices.finite(0));
    CHECK(voices.finite(1));
    REQUIRE_THROWS_WITH(voices.set_state(0, Model<double>::State(1)),
                        "Voices::set_state: the state has 1 matrices, expected 2, or none for zero");
    REQUIRE_THROWS_WITH(
        voices.set_weights(Model<double>{SimpleRNN<double>{1, 3}}),
        "Voices::set_weights: the model has 1 layers, the voices' had 4; make new Voices of this model");
    REQUIRE_THROWS_WITH((Voices{dynamic_model(), 2}), "Voices: layer 2 (Bidirectional): the layer Bidirectional can't "
                                                      "be streamed: its first output needs the last sample");
}

TEST_CASE("Model: a layer that can't be streamed is named") {
    REQUIRE_THROWS_WITH(Stream{dynamic_model()}, "Stream: layer 2 (Bidirectional): the layer Bidirectional can't be "
                                                 "streamed: its first output needs the last sample");
    REQUIRE_THROWS_WITH(Stream(Model<double>{SimpleRNN<double>{1, 1}, Echo{}}),
                        "Stream: layer 1 (Echo): the layer Echo can't be streamed: there is no StreamPart for it");
}

TEST_CASE("Model: is a value, and an assigned one of the same layers keeps the addresses of its parameters") {
    auto model = streamed_model();
    const auto copy = model;
    const auto before = parameters(model);
    model.initialize(9);
    CHECK(copy.layer(0).target<SimpleRNN<double>>()->W().value !=
          model.layer(0).target<SimpleRNN<double>>()->W().value);
    model = copy;
    CHECK(parameters(model)[0].parameter == before[0].parameter);
    CHECK(before[0].parameter->value == copy.layer(0).target<SimpleRNN<double>>()->W().value);
    model = Model<double>(copy);
    CHECK(parameters(model)[3].parameter == before[3].parameter);
    model = Model<double>{Dense<double>{1, 1}};
    CHECK(model.size() == 1);
    auto moved = std::move(model);
    CHECK(moved.size() == 1);
}

TEST_CASE("Model: layers of a user's go in and come out") {
    Model<double> model{Echo{}, SimpleRNN<double>{1, 2}};
    CHECK(model.layer(0).target<Echo>() != nullptr);
    CHECK(model.layer(0).target<Dropout>() == nullptr);
    CHECK(model.input_size() == 1);
    AnyLayer<double> layer = model.layer(0);
    CHECK(layer.name() == "Echo");
    const AnyLayer<double> taken = std::move(layer);
    REQUIRE_THROWS_WITH(layer.name(), "AnyLayer: the layer was moved from; assign one first"); // NOLINT
    layer = taken;
    CHECK(layer.name() == "Echo");
}

TEST_CASE("Model: what doesn't fit is refused with the layer, and nothing is changed") {
    Model<double> model;
    Model<double>::Tape tape;
    const Sequence<double> x(2, 3, 1), narrow(1, 3, 1), output(4, 3, 1);
    REQUIRE_THROWS_WITH(model.infer(x, tape), "Model::infer: the model has no layers; add() some");
    model.add(SimpleRNN<double>{2, 4}).add(Dropout{0.5});
    REQUIRE_THROWS_WITH(model.add(Dense<double>{3, 1}), "Model::add: layer 2 (Dense): x has 4 features, expected 3");
    REQUIRE_THROWS_WITH(model.add(Embedding<double>{5, 2}),
                        "Model::add: layer 2 (Embedding): the layer takes tokens, so it must be the first: no gradient "
                        "goes through it");
    CHECK(model.size() == 2);
    REQUIRE_THROWS_WITH(model.layer(2), "Model::layer: k is 2, expected 0 <= k < 2");
    REQUIRE_THROWS_WITH(model.infer(narrow, tape), "Model::infer: layer 0 (SimpleRNN): x has 1 features, expected 2");
    REQUIRE_THROWS_WITH(model.infer(x, tape, Model<double>::State(2)),
                        "Model::infer: the state has 2 matrices, expected 1, or none for zero");
    REQUIRE_THROWS_WITH(model.infer(x, tape, {Matrix<double>(4, 2)}),
                        "Model::infer: layer 0 (SimpleRNN): initial: state is 4 x 2, expected 4 x 1");
    REQUIRE_THROWS_AS(model.backward(x, tape), std::logic_error);
    model.forward(x, tape);
    auto copied = tape;
    REQUIRE_THROWS_AS(model.backward(output, copied), std::logic_error);
    model.add(Dense<double>{4, 1});
    REQUIRE_THROWS_AS(model.backward(narrow, tape), std::logic_error); // of fewer layers
    Model<double>::State state;
    REQUIRE_THROWS_AS(model.final_state(tape, state), std::logic_error);
}

TEST_CASE("Model: a model inside may be given other layers, and a tape of before goes on") {
    Random random(5);
    Model<double> model{Model<double>{SimpleRNN<double>{2, 3}, SimpleRNN<double>{3, 2}}, Dense<double>{2, 1}};
    Model<double>::Tape tape;
    const auto x = random_sequence<double>(2, 3, 2, random);
    Model<double>::State state;
    model.forward(x, tape);
    model.final_state(tape, state);
    *model.layer(0).target<Model<double>>() = Model<double>{SimpleRNN<double>{2, 2}};
    REQUIRE_THROWS_WITH(model.forward(x, tape, state),
                        "Model::forward: the state has 2 matrices, expected 1, or none for zero");
    for (int pass = 0; pass < 2; ++pass) {
        const Sequence<double> dy(Matrix<double>::Ones(1, 6), 2);
        model.forward(x, tape, pass == 0 ? Model<double>::State() : state);
        model.final_state(tape, state);
        REQUIRE(state.size() == 1);
        model.backward(dy, tape, {.d_final = &state});
    }
    model.layer(0).target<Model<double>>()->add(SimpleRNN<double>{2, 2});
    model.forward(x, tape);
    model.final_state(tape, state);
    CHECK(state.size() == 2);
}

TEST_CASE("Model: what a layer refuses of backward is refused before another has changed") {
    Random random(6);
    Model<double> model{SimpleRNN<double>{2, 3}, Dense<double>{3, 1}};
    Model<double>::Tape tape;
    const auto x = random_sequence<double>(2, 3, 1, random);
    const Sequence<double> dy(Matrix<double>::Ones(1, 3));
    model.forward(x, tape);
    auto& grad = model.layer(0).target<SimpleRNN<double>>()->W().grad;
    const Matrix<double> kept = grad;
    grad.resize(1, 1);
    REQUIRE_THROWS_WITH(model.backward(dy, tape),
                        "Model::backward: layer 0 (SimpleRNN): W.grad is 1 x 1, expected 3 x 2");
    CHECK(model.layer(1).target<Dense<double>>()->W().grad.isZero(0));
    grad = kept;
    model.backward(dy, tape);
    CHECK_FALSE(model.layer(1).target<Dense<double>>()->W().grad.isZero(0));
}

TEST_CASE("Model: a layer that is replaced by one of another type after a pass is refused before gradients are added") {
    Random random(7);
    Model<double> model{SimpleRNN<double>{2, 3}, LastStep{}, Dense<double>{3, 1}};
    Model<double>::Tape tape;
    const auto x = random_sequence<double>(2, 3, 1, random);
    model.forward(x, tape);
    model.layer(1) = AnyLayer<double>(Dropout{0.5});
    const Sequence<double> dy(Matrix<double>::Ones(1, 1));
    REQUIRE_THROWS_AS(model.backward(dy, tape), std::logic_error);
    CHECK(model.layer(2).target<Dense<double>>()->W().grad.isZero(0));
}

TEST_CASE("Model: inside a Sequential its states are carried by a stateful fit") {
    std::vector<double> series;
    for (int t = 0; t < 40; ++t)
        series.push_back(std::sin(0.3 * t));
    const auto data = windows(series, {.steps = 8, .every_step = true});
    const SimpleRNN<double> rnn{1, 4, {}, {.seed = 1}};
    const Dense<double> dense{4, 1, {.seed = 2}};
    Sequential known{rnn, dense};
    Sequential mixed{Model<double>{rnn}, dense};
    CHECK(mixed.states() == 1);
    CHECK(std::get<0>(mixed.empty_state()).size() == 1);
    const FitOptions options{.epochs = 2, .batch_size = 4, .shuffle = false, .stateful = true};
    const auto expected = fit(known, data, MeanSquaredError{}, Adam{}, options);
    CHECK(fit(mixed, data, MeanSquaredError{}, Adam{}, options).epochs.back().loss == expected.epochs.back().loss);
    CHECK(Model<double>{mixed}.states() == 1);
}

TEST_CASE("Model: the fewest steps that a row needs count strides, and are found at once") {
    const Conv1D<double> strided{1, 1, 3, {.stride = 2, .padding = Padding::valid}},
        valid{1, 1, 3, {.padding = Padding::valid}};
    const Model<double> model{strided, valid};
    CHECK(model.least_steps() == 7);
    CHECK(model.output_length(7) == 1);
    CHECK(Model<double>{valid, model}.least_steps() == 9);
    CHECK(Model<double>{LastStep{}, valid}.least_steps() == 4); // never enough: what all need together
    CHECK(Model<double>{Conv1D<double>{1, 1, 2, {.dilation = 1 << 30, .padding = Padding::valid}}}.least_steps() ==
          (1 << 30) + 1);
    CHECK(Model<double>{Dropout{0.1}}.least_steps() == 0);
}

TEST_CASE("AnyLayer: holds no layer after it was assigned away, whatever the types") {
    AnyLayer<double> one(Dense<double>{1, 1}), same(Dense<double>{2, 1}), other(Dropout{0.5});
    one = std::move(same);
    CHECK(one.input_size() == 2);
    REQUIRE_THROWS_AS(same.name(), std::logic_error); // NOLINT
    one = std::move(other);
    CHECK(one.name() == "Dropout");
    REQUIRE_THROWS_AS(other.name(), std::logic_error); // NOLINT
    one.each_parameter([](const auto&...) { return 1; });
}

TEST_CASE("Model: reads and writes in an EncoderDecoder") {
    Random random(4);
    EncoderDecoder model{Model<double>{SimpleRNN<double>{2, 3}, SimpleRNN<double>{3, 3}},
                         Model<double>{SimpleRNN<double>{2, 3}, Dense<double>{3, 2}},
                         {.encoder_steps = 2}};
    const auto check = check_gradients(model, random_sequence<double>(2, 5, 2, random),
                                       random_sequence<double>(2, 3, 2, random), MeanSquaredError{});
    CHECK(check.worst < 1e-6);
    const auto question = random_sequence<double>(2, 3, 2, random);
    const auto state = model.read(question);
    CHECK(generate(model.decoder(), state, 0, 4, greedy).steps() == 4);
    EncoderDecoder<Model<double>, Model<double>>::Tape tape; // goes on when the nets get other layers
    const auto x = random_sequence<double>(2, 5, 2, random);
    const Sequence<double> dy(Matrix<double>::Ones(2, 6), 2);
    model.forward(x, tape);
    model.backward(dy, tape);
    model.encoder() = Model<double>{SimpleRNN<double>{2, 3}, SimpleRNN<double>{3, 3}, SimpleRNN<double>{3, 3}};
    model.decoder() = Model<double>{SimpleRNN<double>{2, 3}, SimpleRNN<double>{3, 3}, Dense<double>{3, 2}};
    model.forward(x, tape);
    model.backward(dy, tape);

    const EncoderDecoder reads_tokens{Model<double>{Embedding<double>{5, 2}, SimpleRNN<double>{2, 3}},
                                      Model<double>{Embedding<double>{5, 2}, SimpleRNN<double>{2, 3}},
                                      {.encoder_steps = 2}};
    REQUIRE_THROWS_WITH((Sequential{Dense<double>{1, 1}, reads_tokens}),
                        "Sequential: layer 1 (EncoderDecoder): the layer takes tokens, so it must be the first: no "
                        "gradient goes through it");

    EncoderDecoder stateless{
        Model<double>{Dense<double>{2, 3}}, Model<double>{SimpleRNN<double>{2, 3}}, {.encoder_steps = 2}};
    REQUIRE_THROWS_WITH(
        stateless.read(question),
        "hand_over: `to` has 1 matrices of state and `from` 0, expected at least one in `to`, and as many in "
        "`from`");
}

TEST_CASE("Model and Sequential: backward says of each layer when its gradients are complete") {
    const auto check = [](auto model) {
        Random random(9);
        const auto x = random_sequence<double>(2, 5, 3, random), dy = random_sequence<double>(1, 5, 3, random);
        const auto list = parameters(model);
        struct Watch final : GradientWatch {
            const std::vector<NamedParameter<double>>& list;
            std::vector<std::string> names;
            std::vector<Matrix<double>> gradients;

            explicit Watch(const std::vector<NamedParameter<double>>& l) : list(l) {}
            void done(const void* first, std::size_t bytes) override {
                for (const auto& [name, parameter] : list)
                    if (const auto* place = reinterpret_cast<const char*>(parameter);
                        place >= first && place < static_cast<const char*>(first) + bytes) {
                        names.push_back(name);
                        gradients.push_back(parameter->grad);
                    }
            }
        } watch(list);
        typename decltype(model)::Tape tape;
        model.forward(x, tape);
        zero_gradients(list);
        model.backward(dy, tape, {.watch = &watch});
        REQUIRE(watch.names.size() == list.size());
        for (std::size_t k = 0; k < list.size(); ++k) {
            const auto found = std::find(watch.names.begin(), watch.names.end(), list[k].name) - watch.names.begin();
            CHECK(watch.gradients[static_cast<std::size_t>(found)] == list[k].parameter->grad);
        }
        CHECK((watch.names.front().starts_with("3.Dense") && watch.names.back().starts_with("0.SimpleRNN")));
    };
    check(static_model());
    check(dynamic_model());
}
