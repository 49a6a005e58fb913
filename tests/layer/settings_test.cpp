#include "catch.hpp"

#include "carousel/layer/activate.hpp"
#include "carousel/layer/batch_norm.hpp"
#include "carousel/layer/bidirectional.hpp"
#include "carousel/layer/conv1d.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/dropout.hpp"
#include "carousel/layer/embedding.hpp"
#include "carousel/layer/encoder_decoder.hpp"
#include "carousel/layer/gain.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/layer/prelu.hpp"
#include "carousel/layer/recurrent.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/layer/softmax.hpp"

#include <sstream>

using namespace carousel;

namespace {

/// "name=value " of every setting.
template <class L>
std::string settings(const L& layer) {
    std::ostringstream text;
    text << std::boolalpha;
    detail::each_setting(layer, "", [&](const std::string& name, const auto& value) {
        text << (text.tellp() > 0 ? " " : "") << name << '=' << value;
    });
    return text.str();
}

} // namespace

TEST_CASE("settings: a recurrent layer says its cell, its direction and what the cell says") {
    CHECK(settings(SimpleRNN<double>{1, 2, {.activation = Activation::relu}, {.reverse = true}}) ==
          "cell=SimpleRNN reverse=true zoneout=0 zoneout_cell=0 activation=relu");
    CHECK(settings(LSTM<double>{1, 2, {.peephole = true}, {.recurrent_dropout = 0.5, .zoneout = 0.1}}) ==
          "cell=LSTM reverse=false zoneout=0.1 zoneout_cell=0 peephole=true gate=sigmoid candidate=tanh output=tanh");
    CHECK(settings(CoupledLSTM<double>{1, 2}) ==
          "cell=CoupledLSTM reverse=false zoneout=0 zoneout_cell=0 peephole=false gate=sigmoid candidate=tanh "
          "output=tanh");
    CHECK(settings(GRU<double>{1, 2}) ==
          "cell=GRU reverse=false zoneout=0 zoneout_cell=0 reset=after gate=sigmoid candidate=tanh");
    using Chosen = Recurrent<GruCell<double, Reset::before, ChosenGates>>;
    CHECK(settings(Chosen{1, 2, {.gates = {.f = Activation::hard_sigmoid(), .g = Activation::softsign}}}) ==
          "cell=GRU reverse=false zoneout=0 zoneout_cell=0 reset=before gate=hard_sigmoid(0.2, 0.5) "
          "candidate=softsign");
}

TEST_CASE("settings: every other layer says what its weights don't show") {
    CHECK(settings(Dense<double>{1, 2, {.activation = Activation::leaky_relu(0.1)}}) == "activation=leaky_relu(0.1)");
    CHECK(settings(Conv1D<double>{1, 2, 3, {.dilation = 4, .padding = Padding::valid}}) ==
          "kernel=3 dilation=4 stride=1 padding=valid activation=linear");
    CHECK(settings(Conv1D<double>{1, 2, 1, {.stride = 2, .activation = Activation::relu}}) ==
          "kernel=1 dilation=1 stride=2 padding=causal activation=relu");
    CHECK(settings(BatchNorm<double>{3, {.epsilon = 0.001}}) == "epsilon=0.001");
    CHECK(settings(PReLU<double>{3}).empty());
    CHECK(settings(Embedding<double>{3, 2}).empty());
    CHECK(settings(Embedding<double>{3, 2, {.padding = 0}}) == "padding=0");
    CHECK(settings(LastStep{}) == "steps=last");
    CHECK(settings(BothEnds{}) == "steps=first and last");
    CHECK(settings(Dropout{0.5}).empty());
    CHECK(settings(Gain{0.5}) == "factor=0.5");
    CHECK(settings(Softmax{}) == "over=features");
    CHECK(settings(Activate{Activation::relu.clipped(6)}) == "activation=relu.clipped(6)");
}

TEST_CASE("settings: those of layers in layers have their names in front") {
    CHECK(settings(Bidirectional{SimpleRNN<double>{1, 2}, Merge::average}) ==
          "merge=average forward.cell=SimpleRNN forward.reverse=false forward.zoneout=0 forward.zoneout_cell=0 "
          "forward.activation=tanh reverse.cell=SimpleRNN reverse.reverse=true reverse.zoneout=0 "
          "reverse.zoneout_cell=0 reverse.activation=tanh");
    CHECK(settings(EncoderDecoder{Sequential{Dropout{0.1}, SimpleRNN<double>{1, 2}},
                                  Sequential{SimpleRNN<double>{1, 2}, Dense<double>{2, 1}},
                                  {.encoder_steps = 7}}) ==
          "encoder_steps=7 encoder.1.SimpleRNN.cell=SimpleRNN encoder.1.SimpleRNN.reverse=false "
          "encoder.1.SimpleRNN.zoneout=0 encoder.1.SimpleRNN.zoneout_cell=0 encoder.1.SimpleRNN.activation=tanh "
          "decoder.0.SimpleRNN.cell=SimpleRNN decoder.0.SimpleRNN.reverse=false decoder.0.SimpleRNN.zoneout=0 "
          "decoder.0.SimpleRNN.zoneout_cell=0 decoder.0.SimpleRNN.activation=tanh "
          "decoder.1.Dense.activation=linear");
}
