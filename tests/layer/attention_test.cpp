#include "carousel/layer/attention.hpp"

#include "catch.hpp"
#include "golden.hpp"
#include "support.hpp"

#include "carousel/decode/generate.hpp"
#include "carousel/decode/sample.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/encoder_decoder.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/loss/softmax_cross_entropy.hpp"
#include "carousel/model/model.hpp"
#include "carousel/optim/adam.hpp"
#include "carousel/stream/voices.hpp"
#include "carousel/train/check_gradients.hpp"
#include "carousel/train/fit.hpp"

#include <stdexcept>

using namespace carousel;
using namespace carousel::test;

namespace {

constexpr AttentionScore scores[] = {AttentionScore::dot, AttentionScore::general, AttentionScore::additive};

auto small_model(AttentionScore score) {
    return EncoderDecoder{Sequential{GRU<double>{2, 4, {.seed = 1}}},
                          Sequential{GRU<double>{2, 4, {.seed = 2}},
                                     Attention<double>{4, 4, {.score = score, .seed = 3}},
                                     Dense<double>{8, 2, {.activation = Activation::tanh, .seed = 4}}},
                          {.encoder_steps = 3, .padding = 9}};
}

/// Of four questions of three steps, the second ends after two, the third after none.
void pad_questions(Sequence<double>& x) {
    x.step(2).col(1).setConstant(9);
    for (Index t = 0; t < 3; ++t)
        x.step(t).col(2).setConstant(9);
}

} // namespace

TEST_CASE("Attention: outputs, weights and gradients are PyTorch's, ragged on both sides") {
    const Golden golden("attention.txt");
    for (const AttentionScore score : scores) {
        const std::string name = detail::description(score);
        INFO(name);
        const Sequence<double> x(golden.sequence(name + ".x"), 2, {3, 2}), dy(golden.sequence(name + ".dy"), 2),
            memory(golden.sequence(name + ".memory"), 2, {4, 3});
        Attention<double> layer(x.features(), 4, {.score = score, .units = score == AttentionScore::additive ? 5 : 0});
        layer.each_parameter([&](const std::string& parameter, Parameter<double>& p) {
            p.value = golden.matrix(name + "." + parameter);
        });
        Attention<double>::Tape tape;
        Matrix<double> state, d_state;
        hand_over_outputs(memory.view(), state);
        CHECK(state.rows() == 17);
        CHECK(difference(layer.forward(x, tape, state).values(), golden.sequence(name + ".y")) < 1e-14);
        CHECK(difference(layer.weights(tape).values(), golden.sequence(name + ".weights")) < 1e-14);
        const auto dx = layer.backward(dy, tape, {.d_initial = &d_state});
        CHECK(difference(dx.values(), golden.sequence(name + ".dx")) < 1e-14);
        Sequence<double> d_memory;
        hand_back_outputs(d_state, memory.view(), d_memory);
        CHECK(difference(d_memory.values(), golden.sequence(name + ".dmemory")) < 1e-14);
        layer.each_parameter([&](const std::string& parameter, const Parameter<double>& p) {
            INFO(parameter);
            CHECK(difference(p.grad, golden.matrix(name + ".d" + parameter)) < 1e-14);
        });
    }
}

TEST_CASE("Attention: backward matches central differences of its parameters, x and what it remembers") {
    Random random(110);
    for (const AttentionScore score : scores)
        for (const std::vector<Index>& lengths : {std::vector<Index>{}, {3, 0, 2}}) {
            Attention<double> layer(2, 2, {.score = score});
            Matrix<double> state;
            const auto memory = random_sequence<double>(2, 4, 3, random, {4, 3, 0});
            hand_over_outputs(memory.view(), state);
            const auto check =
                check_gradients(layer, random_sequence<double>(2, 3, 3, random, lengths),
                                random_sequence<double>(4, 3, 3, random, lengths), MeanSquaredError{}, state);
            INFO(detail::description(score) << " " << check.name);
            CHECK(check.worst < 1e-6);
        }
}

TEST_CASE(
    "Attention: in an EncoderDecoder, gradients match central differences, with padded questions and ragged answers") {
    Random random(111);
    for (const AttentionScore score : scores)
        for (const std::vector<Index>& lengths : {std::vector<Index>{}, {5, 2, 3, 4}}) {
            auto model = small_model(score);
            auto x = random_sequence<double>(2, 5, 4, random, lengths);
            if (lengths.empty())
                pad_questions(x);
            const std::vector<Index> answers = lengths.empty() ? lengths : std::vector<Index>{2, 0, 0, 1};
            const auto target = random_sequence<double>(2, 2, 4, random, answers);
            const auto check = check_gradients(model, x, target, MeanSquaredError{});
            INFO(detail::description(score) << " " << check.name);
            if (!lengths.empty())
                CHECK(check.worst < 1e-6);
            for (const auto& entry : check.all)
                if (entry.name != "x") // a number of the padding that isn't padding's is none
                    CHECK(entry.error < 1e-6);
        }
}

TEST_CASE("Attention: a padded question is answered as it is alone, in a Model, too") {
    Random random(112);
    for (const AttentionScore score : scores) {
        const auto model = small_model(score);
        const EncoderDecoder decided{Model<double>{model.encoder().layer<0>()},
                                     Model<double>{model.decoder().layer<0>(),
                                                   Model<double>{model.decoder().layer<1>()},
                                                   model.decoder().layer<2>()},
                                     model.options()};
        auto x = random_sequence<double>(2, 5, 4, random);
        pad_questions(x);
        decltype(model)::Tape tape;
        decltype(decided)::Tape decided_tape;
        const auto y = model.infer(x, tape);
        CHECK(difference(decided.infer(x, decided_tape).values(), y.values()) < 1e-14);
        const EncoderDecoder shorter{model.encoder(), model.decoder(), {.encoder_steps = 2}};
        const Matrix<double> one = x.values()(Eigen::all, Eigen::seqN(1, 5, 4));
        Matrix<double> cut(2, 4);
        cut << one.leftCols(2), one.rightCols(2);
        const Sequence<double> alone(cut);
        decltype(shorter)::Tape other;
        CHECK(difference(shorter.infer(alone, other).values(),
                         Matrix<double>(y.values()(Eigen::all, Eigen::seqN(1, 2, 4)))) < 1e-14);
    }
}

TEST_CASE("Attention: step by step the decoder gives what it gives with a teacher") {
    Random random(113);
    for (const AttentionScore score : scores) {
        const auto model = small_model(score);
        auto x = random_sequence<double>(2, 7, 4, random);
        pad_questions(x);
        decltype(model)::Tape tape;
        const Matrix<double> y = model.infer(x, tape).values();
        const Sequence<double> question(Matrix<double>(x.values().leftCols(12)), 4);
        auto state = model.read(question);
        std::remove_cvref_t<decltype(model.decoder())>::Tape step;
        for (Index t = 0; t < 4; ++t) {
            const Sequence<double> previous(Matrix<double>(x.step(3 + t)), 4);
            CHECK(difference(model.decoder().infer(previous, step, state).values(), y.middleCols(4 * t, 4)) < 1e-14);
            model.decoder().final_state(step, state);
        }
        // and so generate() does: its own tokens, given to the pass at once, are its tokens
        state = model.read(question);
        const auto tokens = generate(model.decoder(), state, 0, 4, greedy);
        for (Index b = 0; b < 4; ++b)
            for (Index t = 0; t < 4; ++t) {
                x.step(3 + t).col(b).setZero();
                x.step(3 + t)(t == 0 ? 0 : static_cast<Index>(tokens.step(t - 1)(0, b)), b) = 1;
            }
        const Matrix<double> forced = model.infer(x, tape).values();
        for (Index k = 0; k < 16; ++k)
            CHECK(greedy(std::span<const double>(forced.col(k).data(), 2)) ==
                  static_cast<Index>(tokens.values()(0, k)));
    }
}

TEST_CASE("Attention: a Stream and Voices answer as the decoder does, each what it remembers") {
    Random random(114);
    for (const AttentionScore score : scores) {
        Model<float> decoder{GRU<float>{2, 4, {.seed = 2}},
                             Attention<float>{4, 4, {.score = score, .stream_steps = 6, .seed = 3}}};
        const auto x = random_sequence<float>(2, 5, 2, random),
                   memory = random_sequence<float>(4, 4, 2, random, {3, 4});
        Model<float>::State state(2);
        state[0] = random_matrix<float>(4, 2, random);
        hand_over_outputs(memory.view(), state[1]);
        Model<float>::Tape tape;
        const Matrix<float> y = decoder.infer(x, tape, state).values();
        Stream stream{decoder};
        Voices voices{decoder, 2};
        REQUIRE((voices.join() == 0 && voices.join() == 1));
        for (Index b = 0; b < 2; ++b) {
            Model<float>::State one{state[0].col(b), state[1].col(b)};
            voices.set_state(b, one);
            stream.set_state(one);
            if (b == 1) { // copies and new weights remember what was remembered
                stream = Stream(stream);
                stream.set_weights(decoder);
                one = stream.state();
                CHECK(one[1].rows() == 1 + 6 * 4);
                stream.reset();
                stream.set_state(one);
            }
            for (Index t = 0; t < 5; ++t) {
                const auto out = stream(std::span<const float>(x.step(t).col(b).data(), 2));
                CHECK(difference(Eigen::Map<const Vector<float>>(out.data(), 8), y.col(2 * t + b)) < 3e-6);
            }
            CHECK((stream.finite() && stream.memory() > 0));
        }
        for (Index t = 0; t < 5; ++t) {
            const auto out = voices(std::span<const float>(x.step(t).data(), 4));
            CHECK(difference(Eigen::Map<const Matrix<float>>(out.data(), 8, 2), y.middleCols(2 * t, 2)) < 3e-6);
        }
        stream.reset();
        const auto out = stream(std::span<const float>(x.data(), 2));
        CHECK(Eigen::Map<const Vector<float>>(out.data(), 4).isZero(0));
    }
    Stream stream{Attention<float>{2, 1, {.stream_steps = 3}}};
    REQUIRE_THROWS_WITH(stream.set_state(Matrix<float>::Zero(5, 1)),
                        "Stream::set_state: the state of Attention has 4 steps, the stream has room for 3; make the "
                        "layer with more stream_steps");
    REQUIRE_THROWS_WITH(stream.set_state(Matrix<float>::Constant(3, 1, 3)),
                        "Stream::set_state: the state of Attention says that 3 steps count, expected 0 to 2");
    REQUIRE_THROWS_WITH(stream.set_weights(Attention<float>{2, 2}),
                        "Stream::set_weights: the Attention layer has another score or other sizes than the stream's; "
                        "make a new Stream of this model");
    REQUIRE_THROWS_WITH(Stream(Attention<float>(2, 1)),
                        "Stream: the Attention layer has stream_steps 0, expected the most steps that it is to "
                        "remember; or decode a batch of states with generate(net, state, ...)");
}

TEST_CASE("Attention: a net with it learns to say ten tokens backwards, where one without doesn't in the same time") {
    constexpr Index kinds = 4, length = 10, samples = 256;
    Random random(115);
    Dataset<float> data{Sequence<float>(kinds + 1, 2 * length, samples), Sequence<float>(1, length, samples)};
    for (Index k = 0; k < samples; ++k) {
        data.x.step(length)(kinds, k) = 1; // start
        for (Index t = 0; t < length; ++t) {
            const auto token = static_cast<Index>(random.uniform() * kinds);
            data.x.step(t)(token, k) = 1;
            data.y.step(length - 1 - t)(0, k) = static_cast<float>(token);
            if (t > 0) // one late
                data.x.step(2 * length - t)(token, k) = 1;
        }
    }
    const auto loss_of = [&](auto model) {
        model.initialize(5);
        return fit(model, data, SoftmaxCrossEntropy{}, Adam{.learning_rate = 2e-2},
                   {.epochs = 40, .batch_size = 32, .seed = 1, .clip_norm = 1})
            .epochs.back()
            .loss;
    };
    const Model<float> encoder{LSTM<float>{kinds + 1, 24}};
    const double with = loss_of(
        EncoderDecoder{encoder,
                       Model<float>{LSTM<float>{kinds + 1, 24}, Attention<float>{24, 24}, Dense<float>{48, kinds + 1}},
                       {.encoder_steps = length}});
    const double without = loss_of(EncoderDecoder{
        encoder, Model<float>{LSTM<float>{kinds + 1, 24}, Dense<float>{24, kinds + 1}}, {.encoder_steps = length}});
    INFO(with << " with attention, " << without << " without");
    CHECK(with < 0.05);
    CHECK(without > 0.15);
}

TEST_CASE("Attention: nothing remembered is a context of zeros, and padding doesn't count") {
    const Attention<float> layer(2, 3);
    Attention<float>::Tape tape;
    const Sequence<float> x(Matrix<float>{{1, 2}, {3, 4}});
    CHECK(layer.infer(x, tape).values() == Matrix<float>{{0, 0}, {0, 0}, {0, 0}, {1, 2}, {3, 4}});
    Matrix<float> state(1 + 3 * 2, 1);
    state << 1, 5, 6, 7, 100, 100, 100;
    CHECK(layer.infer(x, tape, state).values() == Matrix<float>{{5, 5}, {6, 6}, {7, 7}, {1, 2}, {3, 4}});
    state(0) = 0;
    CHECK(layer.infer(x, tape, state).values().topRows(3).isZero(0));
    Matrix<float> end;
    layer.final_state(tape, end);
    CHECK(end == state);
}

TEST_CASE("Attention: what doesn't fit is refused") {
    REQUIRE_THROWS_AS(Attention<float>(0, 3), std::invalid_argument);
    REQUIRE_THROWS_WITH(Attention<float>(0, 3), "Attention: query size is 0 and memory size 3, expected at least 1");
    REQUIRE_THROWS_WITH(Attention<float>(2, 3, {.score = AttentionScore::dot}),
                        "Attention: query size is 2 and memory size 3, expected equal ones for a dot score; or take "
                        "general");
    REQUIRE_THROWS_WITH(Attention<float>(2, 3, {.units = 3}),
                        "Attention: units is 3, which an additive score alone has");
    Attention<float> layer(2, 3);
    Attention<float>::Tape tape;
    const Sequence<float> x(2, 4, 2), wrong(3, 4, 2), dy(5, 4, 2);
    REQUIRE_THROWS_WITH(layer.output_size(3), "Attention: x has 3 features, expected 2");
    REQUIRE_THROWS_WITH(layer.forward(wrong, tape), "Attention::forward: x has 3 features, expected 2");
    Matrix<float> state = Matrix<float>::Zero(7, 1);
    REQUIRE_THROWS_WITH(layer.forward(x, tape, state),
                        "Attention::forward: initial: state is 7 x 1, expected (1 + steps * 3) x 2, as "
                        "hand_over_outputs makes it");
    state = Matrix<float>::Zero(7, 2);
    state(0, 1) = 3;
    REQUIRE_THROWS_WITH(
        layer.forward(x, tape, state),
        "Attention::forward: initial: sequence 1 of the state says that 3 steps count, expected 0 to 2");
    REQUIRE_THROWS_AS(layer.backward(dy, tape), std::logic_error);
    layer.forward(x, tape);
    REQUIRE_THROWS_WITH(layer.backward(x, tape), "Attention::backward: dy is 2 x 8, expected 5 x 8");
    layer.W().grad.resize(1, 1);
    REQUIRE_THROWS_WITH(layer.backward(dy, tape), "Attention::backward: W.grad is 1 x 1, expected 3 x 2");
    layer.W().value.resize(1, 1);
    REQUIRE_THROWS_WITH(layer.forward(x, tape), "Attention::forward: W.value is 1 x 1, expected 3 x 2");

    const EncoderDecoder more{Sequential{GRU<float>{2, 3}},
                              Sequential{GRU<float>{2, 3}, GRU<float>{3, 3}, Attention<float>{3, 3}},
                              {.encoder_steps = 2}};
    decltype(more)::Tape more_tape;
    REQUIRE_THROWS_WITH(more.infer(x, more_tape),
                        "hand_over: `to` has 2 matrices of state and `from` 1, expected at least one in `to`, and as "
                        "many in `from`");
    const EncoderDecoder half{
        GRU<float>{2, 6}, Sequential{GRU<float>{2, 6}, Attention<float>{6, 3}}, {.encoder_steps = 2}};
    decltype(half)::Tape half_tape;
    REQUIRE_THROWS_WITH(half.infer(x, half_tape),
                        "EncoderDecoder: an Attention of the decoder has memory size 3 and the encoder 6 outputs, "
                        "expected as many");
}
