#include "carousel/layer/encoder_decoder.hpp"

#include "catch.hpp"
#include "support.hpp"

#include "carousel/decode/generate.hpp"
#include "carousel/decode/sample.hpp"
#include "carousel/layer/bidirectional.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/optim/adam.hpp"
#include "carousel/train/check_gradients.hpp"
#include "carousel/train/fit.hpp"

#include <stdexcept>

using namespace carousel;
using namespace carousel::test;

namespace {

template <class S>
auto small_model(Index features, Index hidden) {
    return EncoderDecoder{Sequential{LSTM<S>{features, hidden}},
                          Sequential{LSTM<S>{features, hidden}, Dense<S>{hidden, features}},
                          {.encoder_steps = 3}};
}
using Small = decltype(small_model<double>(2, 4));

/// A 1 for each token.
template <class S>
void put(Sequence<S>& to, Index step, Index sample, Index token) {
    to.step(step)(token, sample) = 1;
}

} // namespace

TEST_CASE("EncoderDecoder: is its two nets, the state handed over and its gradient back") {
    Random random(100);
    auto model = small_model<double>(2, 4);
    const auto x = random_sequence<double>(2, 5, 3, random), dy = random_sequence<double>(2, 2, 3, random);
    Small::Tape tape;
    const auto y = model.forward(x, tape);
    CHECK((y.steps() == 2 && y.batch() == 3 && y.features() == 2));
    const Matrix<double> output = y.values();
    const Matrix<double> dx = model.backward(dy, tape).values();
    CHECK(model.infer(x, tape).values() == output);

    auto encoder = model.encoder();
    auto decoder = model.decoder();
    decltype(encoder)::Tape encoder_tape;
    decltype(decoder)::Tape decoder_tape;
    decltype(encoder)::State end, d_end;
    decltype(decoder)::State start, d_start;
    zero_gradients(parameters(encoder));
    zero_gradients(parameters(decoder));
    const Sequence<double> question(x.values().leftCols(9), 3), previous(x.values().rightCols(6), 3);
    encoder.forward(question, encoder_tape);
    encoder.final_state(encoder_tape, end);
    hand_over(end, start);
    CHECK(decoder.forward(previous, decoder_tape, start).values() == output);
    const Matrix<double> d_previous = decoder.backward(dy, decoder_tape, {.d_initial = &d_start}).values();
    hand_back(d_start, d_end);
    CHECK(encoder.backward({}, encoder_tape, {.d_final = &d_end}).values() == dx.leftCols(9));
    CHECK(d_previous == dx.rightCols(6));
    CHECK(encoder.layer<0>().U().grad == model.encoder().layer<0>().U().grad);
    CHECK(decoder.layer<0>().U().grad == model.decoder().layer<0>().U().grad);
}

TEST_CASE("EncoderDecoder: backward matches central differences through the state, ragged or not") {
    Random random(101);
    auto model = small_model<double>(2, 4);
    for (const std::vector<Index>& lengths : {std::vector<Index>{}, {5, 2, 0, 4}}) { // 2: ends within the question
        const std::vector<Index> answers = lengths.empty() ? lengths : std::vector<Index>{2, 0, 0, 1};
        const auto check = check_gradients(model, random_sequence<double>(2, 5, 4, random, lengths),
                                           random_sequence<double>(2, 2, 4, random, answers), MeanSquaredError{});
        INFO((lengths.empty() ? "full, " : "ragged, ") << check.name);
        CHECK(check.worst < 1e-6);
        CHECK(check.all.size() == 9); // 8 parameters, x
        for (const auto& entry : check.all)
            if (entry.name.starts_with("encoder"))
                CHECK(entry.analytic != 0);
    }
}

TEST_CASE("EncoderDecoder: the last of more states are handed over, with their gradients") {
    Random random(102);
    EncoderDecoder model{Sequential{Bidirectional{SimpleRNN<double>{2, 3}}, GRU<double>{6, 4}, LSTM<double>{4, 3}},
                         Sequential{GRU<double>{2, 4}, LSTM<double>{4, 3}},
                         {.encoder_steps = 2}};
    const auto check = check_gradients(model, random_sequence<double>(2, 4, 3, random),
                                       random_sequence<double>(3, 2, 3, random), MeanSquaredError{});
    INFO(check.name);
    CHECK(check.worst < 1e-6);

    const auto one = [](double value) { return Matrix<double>(Matrix<double>::Constant(1, 1, value)); };
    const std::tuple<std::array<Matrix<double>, 2>, NoState, std::tuple<Matrix<double>>> from{
        {one(1), one(2)}, {}, {one(3)}};
    std::tuple<NoState, Matrix<double>, Matrix<double>> to;
    hand_over(from, to);
    CHECK((std::get<1>(to) == one(2) && std::get<2>(to) == one(3)));
    auto back = from;
    const decltype(to) d_to{{}, one(4), one(5)};
    hand_back(d_to, back);
    CHECK(std::get<0>(back)[0].size() == 0);
    CHECK((std::get<0>(back)[1] == one(4) && std::get<0>(std::get<2>(back)) == one(5)));
}

TEST_CASE("EncoderDecoder: learns to say three tokens backwards, and writes them alone") {
    constexpr Index tokens = 4, start = 4, samples = 64; // every question there is
    EncoderDecoder model = small_model<float>(tokens + 1, 24);
    model.initialize(1);
    Dataset<float> data{Sequence<float>(tokens + 1, 6, samples), Sequence<float>(tokens + 1, 3, samples)};
    const auto token = [](Index sample, Index place) { return sample >> (2 * place) & 3; };
    for (Index k = 0; k < samples; ++k) {
        put(data.x, 3, k, start);
        for (Index t = 0; t < 3; ++t) {
            put(data.x, t, k, token(k, t));
            put(data.y, t, k, token(k, 2 - t));
            if (t < 2)
                put(data.x, 4 + t, k, token(k, 2 - t)); // teacher forcing: the answer one step late
        }
    }
    const History history =
        fit(model, data, MeanSquaredError{}, Adam{.learning_rate = 1e-2}, {.epochs = 150, .batch_size = 16});
    CHECK(history.epochs.back().loss < 0.01);

    const Sequence<float> questions(Matrix<float>(data.x.values().leftCols(3 * samples)), samples);
    const auto answers = generate(model.decoder(), model.read(questions), start, 3, greedy);
    Stream decoder{model.decoder()};
    int right = 0;
    for (Index k = 0; k < samples; ++k) {
        const std::vector<Index> truth{token(k, 2), token(k, 1), token(k, 0)};
        std::vector<Index> answer;
        for (Index t = 0; t < 3; ++t)
            answer.push_back(static_cast<Index>(answers.step(t)(0, k)));
        right += answer == truth;
        if (k % 8 == 0) { // one alone, sample by sample
            const Sequence<float> question(Matrix<float>(questions.values()(Eigen::all, Eigen::seqN(k, 3, samples))));
            decoder.set_state(model.read(question));
            CHECK(generate(decoder, start, 3, greedy) == truth);
        }
    }
    CHECK(right == samples);
}

TEST_CASE("EncoderDecoder: a copy is equal and independent, parameters are named after their net") {
    Random random(103);
    const auto model = small_model<double>(2, 4);
    auto copy = model;
    const auto x = random_sequence<double>(2, 4, 2, random);
    Small::Tape tape;
    const Matrix<double> y = model.infer(x, tape).values();
    CHECK(copy.infer(x, tape).values() == y);
    copy.initialize(1);
    CHECK(copy.infer(x, tape).values() != y);
    CHECK(model.infer(x, tape).values() == y);
    std::string names;
    for (const auto& named : parameters(copy))
        names += named.name + " ";
    CHECK(names == "encoder.0.LSTM.W encoder.0.LSTM.U encoder.0.LSTM.b decoder.0.LSTM.W decoder.0.LSTM.U "
                   "decoder.0.LSTM.b decoder.1.Dense.W decoder.1.Dense.b ");
    CHECK((model.input_size() == 2 && model.output_size(2) == 2 && model.options().encoder_steps == 3));
}

TEST_CASE("EncoderDecoder: what doesn't fit is refused") {
    const auto net = [](Index input, Index hidden) { return Sequential{LSTM<double>{input, hidden}}; };
    REQUIRE_THROWS_AS((EncoderDecoder{net(2, 3), net(2, 3), {.encoder_steps = 0}}), std::invalid_argument);
    REQUIRE_THROWS_WITH((EncoderDecoder{net(2, 3), net(2, 3), {.encoder_steps = 0}}),
                        "EncoderDecoder: encoder_steps is 0, expected at least 1");
    EncoderDecoder model{net(2, 3), net(2, 3), {.encoder_steps = 3}}, other{net(2, 3), net(2, 4), {.encoder_steps = 3}};
    decltype(model)::Tape tape;
    const Sequence<double> x(2, 5, 2), dy(3, 2, 2), wrong(3, 2, 2), none(2, 3, 2);
    const std::string no_pass =
        "EncoderDecoder::backward: the tape holds no forward pass (none was made, it was inference, "
        "or backward has consumed it)";
    REQUIRE_THROWS_WITH(model.forward(dy, tape),
                        "EncoderDecoder::forward: x has 2 steps, expected at least 3 of a question");
    REQUIRE_THROWS_WITH(model.output_size(3), "Sequential: layer 0 (LSTM): x has 3 features, expected 2");
    REQUIRE_THROWS_WITH(other.forward(x, tape),
                        "Sequential::forward: layer 0 (LSTM): initial: state is 6 x 2, expected 8 x 2");
    REQUIRE_THROWS_AS(model.backward(dy, tape), std::logic_error);
    REQUIRE_THROWS_WITH(model.backward(dy, tape), no_pass);
    model.forward(x, tape);
    REQUIRE_THROWS_WITH(model.backward(x, tape),
                        "Sequential::backward: layer 0 (LSTM): dy is 2 x (5 steps of 2), expected 3 x (2 steps of 2)");
    CHECK(model.backward(dy, tape, {.input_gradient = false}).columns() == 0);
    REQUIRE_THROWS_WITH(model.backward(dy, tape), no_pass);
    model.infer(x, tape);
    REQUIRE_THROWS_WITH(model.backward(dy, tape), no_pass);
    CHECK(model.forward(none, tape).steps() == 0); // a question alone
}
