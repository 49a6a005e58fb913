// Nets of PyTorch that train on here, beside the same steps in PyTorch. tests/golden/make_finetune.py made the files.
#include "catch.hpp"

#include "carousel/io/pytorch.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/optim/adam.hpp"
#include "carousel/optim/sgd.hpp"
#include "carousel/train/fit.hpp"
#include "formats/trained_on.hpp"
#include "golden.hpp"
#include "support.hpp"

#include <string>

using namespace carousel;
using namespace carousel::test;

namespace {

/// What ten steps in S may differ by from PyTorch's in float64, from the same float32 numbers; relative to the largest number of a
/// matrix if that is above 1. In float a step's gradients are exact to some 1e-6 of theirs, and Adam divides each by its own
/// size, so that the small ones count as much as the large.
template <class S>
constexpr double bound = std::is_same_v<S, float> ? 1e-5 : 1e-12;

std::string path(const std::string& file) {
    return CAROUSEL_TEST_DATA "/pytorch/" + file + ".pt";
}

const Golden& golden() {
    static const Golden file("pytorch/finetune.txt");
    return file;
}

template <class S>
Dataset<S> data_of(const std::string& net) {
    const auto sequence = [&](const std::string& name) {
        return Sequence<S>(Matrix<S>(golden().sequence(name).cast<S>()), golden().shape(name)[1]);
    };
    return {sequence(net + ".x"), sequence(net + ".target")};
}

/// Ten epochs of one step: all sequences are one batch.
FitOptions ten_steps(double clip_norm = 0) {
    return {.epochs = 10, .batch_size = 4, .shuffle = false, .clip_norm = clip_norm};
}

Vector<double> column(const History& history, double EpochReport::*member) {
    Vector<double> numbers(static_cast<Index>(history.epochs.size()));
    for (std::size_t k = 0; k < history.epochs.size(); ++k)
        numbers(static_cast<Index>(k)) = history.epochs[k].*member;
    return numbers;
}

/// The largest difference of any parameter from that of a file.
template <class S>
double difference_from(const std::string& file, const std::string& line, const Model<S>& model) {
    const Model<S> expected = load_pytorch<S>(path(file), line).model;
    const auto found = parameters(model), wanted = parameters(expected);
    REQUIRE(found.size() == wanted.size());
    double worst = 0;
    for (std::size_t k = 0; k < found.size(); ++k)
        worst = std::max(worst, difference(found[k].parameter->value, wanted[k].parameter->value));
    return worst;
}

const std::string lstm_line = "LSTM(2, 3, num_layers=2), last, Linear(3, 1)";
const std::string gru_line = "GRU(1, 4), last, Linear(4, 2)";

template <class S>
Model<S> trained_lstm() {
    auto model = load_pytorch<S>(path("finetune_lstm"), lstm_line).model;
    const History history =
        fit(model, data_of<S>("lstm"), MeanSquaredError{}, Adam{.learning_rate = 0.02}, ten_steps());
    CHECK(difference(column(history, &EpochReport::loss), golden().vector("lstm.one_bias.losses")) < bound<S>);
    return model;
}

} // namespace

TEMPLATE_TEST_CASE("load_pytorch: an LSTM trains on as PyTorch goes on with its one bias", "", float, double) {
    const auto model = trained_lstm<TestType>();
    CHECK(difference_from("finetune_lstm.one_bias", lstm_line, model) < bound<TestType>);
}

TEMPLATE_TEST_CASE("load_pytorch: an LSTM whose biases have twice the rate trains on as PyTorch goes on with two", "",
                   float, double) {
    using S = TestType;
    auto model = load_pytorch<S>(path("finetune_lstm"), lstm_line).model;
    const auto all = parameters(model);
    std::vector<NamedParameter<S>> biases, others;
    for (const auto& p : all)
        (p.name.ends_with("LSTM.b") ? biases : others).push_back(p);
    REQUIRE(biases.size() == 2);
    Optimizer optimizer{others, Adam{.learning_rate = 0.02}};
    Optimizer of_biases{biases, Adam{.learning_rate = 2 * 0.02}};

    const Dataset<S> data = data_of<S>("lstm");
    typename Model<S>::Tape tape;
    Sequence<S> dy;
    Vector<double> losses(10);
    for (double& loss : losses) {
        zero_gradients(all);
        loss = MeanSquaredError{}(model.forward(data.x, tape), data.y, &dy);
        model.backward(dy, tape);
        optimizer.step();
        of_biases.step();
    }
    CHECK(difference(losses, golden().vector("lstm.both_biases.losses")) < bound<S>);
    CHECK(difference_from("finetune_lstm.both_biases", lstm_line, model) < bound<S>);
}

TEMPLATE_TEST_CASE("load_pytorch: a GRU trains on as PyTorch goes on with momentum and a clipped norm", "", float,
                   double) {
    using S = TestType;
    auto model = load_pytorch<S>(path("finetune_gru"), gru_line).model;
    const History history =
        fit(model, data_of<S>("gru"), MeanSquaredError{}, SGD{.learning_rate = 0.1, .momentum = 0.9}, ten_steps(0.3));
    const double clipped = 1e-5; // PyTorch divides by the norm and 1e-6 more
    CHECK(difference(column(history, &EpochReport::loss), golden().vector("gru.losses")) < clipped);
    CHECK(difference(column(history, &EpochReport::gradient_norm), golden().vector("gru.norms")) < clipped);
    CHECK(difference_from("finetune_gru.trained", gru_line, model) < clipped);
}

TEST_CASE("save_pytorch_safetensors: the file of a net that trained on has its numbers under PyTorch's names") {
    const auto model = trained_lstm<float>();
    const auto file = read_safetensors(pytorch_safetensors_bytes(model, {.modules = {"rnn", "rnn", "linear"}}));
    const auto expect = [&](const std::string& name, const Matrix<float>& expected) {
        CAPTURE(name);
        const NamedTensor* const tensor = file.find(name);
        REQUIRE(tensor);
        CHECK(Matrix<float>(tensor->matrix<float>()) == expected);
    };
    for (const Index level : {0, 1}) {
        const auto* const lstm = model.layer(level).template target<LSTM<float>>();
        REQUIRE(lstm);
        const std::string suffix = "_l" + std::to_string(level);
        expect("rnn.weight_ih" + suffix, lstm->W().value);
        expect("rnn.weight_hh" + suffix, lstm->U().value);
        expect("rnn.bias_ih" + suffix, lstm->b().value);
        expect("rnn.bias_hh" + suffix, Matrix<float>::Zero(12, 1));
    }
    const auto* const dense = model.layer(3).template target<Dense<float>>();
    REQUIRE(dense);
    expect("linear.weight", dense->W().value);
    expect("linear.bias", dense->b().value);
    CHECK(file.tensors.size() == 10);
}

TEST_CASE("load_pytorch: nets train on, and are saved and loaded again to the last bit") {
    const auto check = [](const std::string& file, const std::string& line) {
        CAPTURE(file);
        const auto loaded = load_pytorch(path(file), line);
        const auto trained = pytorch_safetensors_bytes(trained_on(loaded));
        CHECK(pytorch_safetensors_bytes(load_pytorch(trained).model) == trained);
    };
    check("alone", "");
    check("amplifier", "residual(LSTM, Linear)");
    check("cells", "GRU, RNN(nonlinearity='relu'), last");
    check("convolutions", "Conv1d(padding='causal', dilation=2), Tanh, Conv1d(stride=2)");
    check("normalized", "Conv1d, BatchNorm1d(eps=0.01), GRU");
    check("tagger", "Embedding(padding_idx=0), GRU(dropout=0.1), Linear, LeakyReLU(0.1), Linear, Softmax");
}
