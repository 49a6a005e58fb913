#include "catch.hpp"
#include "support.hpp"

#include "carousel/layer/bidirectional.hpp"
#include "carousel/layer/conv1d.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/embedding.hpp"
#include "carousel/layer/encoder_decoder.hpp"
#include "carousel/layer/residual.hpp"
#include "carousel/layer/sequential.hpp"

using namespace carousel;
using namespace carousel::test;

namespace {

using Rnn = SimpleRNN<double>;

/// Every parameter's gradient in turn has a wrong shape: backward says `what`, names the parameter, and changes no
/// gradient; then the same tape goes backward.
template <class Model>
void check_refusals(Model model, const Sequence<double>& x, const std::string& where,
                    const std::vector<std::string>& whose) {
    const auto list = parameters(model);
    typename Model::Tape tape;
    const auto gradients = [&] {
        std::vector<Matrix<double>> all;
        for (const auto& named : list)
            all.push_back(named.parameter->grad);
        return all;
    };
    const auto y = model.forward(x.view(), tape);
    const Sequence<double> dy(Matrix<double>::Ones(y.features(), y.columns()), y.batch());
    model.backward(dy, tape);
    const auto once = gradients();
    model.forward(x.view(), tape);
    REQUIRE(whose.size() == list.size());
    for (std::size_t k = 0; k < list.size(); ++k) {
        Matrix<double>& grad = list[k].parameter->grad;
        const Matrix<double> kept = grad;
        grad = Matrix<double>::Ones(7, 7);
        std::ostringstream message;
        message << where << whose[k] << ".grad is 7 x 7, expected " << kept.rows() << " x " << kept.cols();
        CHECK_THROWS_WITH(model.backward(dy, tape), message.str());
        grad = kept;
        CHECK(gradients() == once);
    }
    model.backward(dy, tape);
    for (std::size_t k = 0; k < list.size(); ++k)
        CHECK(list[k].parameter->grad.isApprox(2 * once[k]));
}

} // namespace

TEST_CASE("layers of layers: a gradient that one refuses is refused before another has changed") {
    Random random(5);
    const auto x = random_sequence<double>(2, 4, 3, random);
    check_refusals(Sequential{Dense<double>{2, 3}, Rnn{3, 2}, Dense<double>{2, 1}}, x, "Sequential::backward: layer ",
                   {"0 (Dense): W", "0 (Dense): b", "1 (SimpleRNN): W", "1 (SimpleRNN): U", "1 (SimpleRNN): b",
                    "2 (Dense): W", "2 (Dense): b"});
    check_refusals(Bidirectional{Rnn{2, 3}}, x, "Recurrent::backward: ", {"W", "U", "b", "W", "U", "b"});
    check_refusals(
        EncoderDecoder{Sequential{Rnn{2, 2}}, Sequential{Rnn{2, 2}, Dense<double>{2, 1}}, {.encoder_steps = 2}}, x,
        "Sequential::backward: layer ",
        {"0 (SimpleRNN): W", "0 (SimpleRNN): U", "0 (SimpleRNN): b", "0 (SimpleRNN): W", "0 (SimpleRNN): U",
         "0 (SimpleRNN): b", "1 (Dense): W", "1 (Dense): b"});
    check_refusals(
        Sequential{Conv1D<double>{2, 3, 2}, Residual{Dense<double>{3, 2}}, Dense<double>{2, 1}}, x,
        "Sequential::backward: layer ",
        {"0 (Conv1D): W", "0 (Conv1D): b", "1 (Residual): W", "1 (Residual): b", "2 (Dense): W", "2 (Dense): b"});
    const Sequence<double> tokens(Matrix<double>{{0, 1, 2, 1, 0, 2}}, 2);
    check_refusals(Sequential{Embedding<double>{3, 2}, Sequential{Bidirectional{Rnn{2, 2}}}, Dense<double>{4, 1}},
                   tokens, "Sequential::backward: layer ",
                   {"0 (Embedding): table", "1 (Sequential): layer 0 (Bidirectional): W",
                    "1 (Sequential): layer 0 (Bidirectional): U", "1 (Sequential): layer 0 (Bidirectional): b",
                    "1 (Sequential): layer 0 (Bidirectional): W", "1 (Sequential): layer 0 (Bidirectional): U",
                    "1 (Sequential): layer 0 (Bidirectional): b", "2 (Dense): W", "2 (Dense): b"});
}

TEST_CASE("layers of layers: a final state's gradient that one refuses is refused before another has changed") {
    Random random(6);
    const auto x = random_sequence<double>(2, 4, 3, random);
    Sequential model{Rnn{2, 2}, Rnn{2, 1}};
    decltype(model)::Tape tape;
    const Sequence<double> dy(Matrix<double>::Ones(1, 12), 3);
    const decltype(model)::State d_final{Matrix<double>(2, 4), Matrix<double>()};
    model.forward(x.view(), tape);
    CHECK_THROWS_WITH(model.backward(dy, tape, {.d_final = &d_final}),
                      "Sequential::backward: layer 0 (SimpleRNN): d_final: state is 2 x 4, expected 2 x 3");
    for (const auto& named : parameters(model))
        CHECK(named.parameter->grad.isZero(0));
    CHECK_NOTHROW(model.backward(dy, tape));
}
