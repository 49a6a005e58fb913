// Output, final state and all gradients against PyTorch's, against NumPy's for what PyTorch hasn't, and the two NumPy
// LSTMs and the RNN loop of the articles the library is measured by.
#include "catch.hpp"
#include "golden.hpp"
#include "layer/any_recurrent.hpp"

using namespace carousel;
using namespace carousel::test;

namespace {

using Numbers = Matrix<double>;
using Order = std::vector<Index>;

/// Block k is block order[k] of `from`: the rows of a gate stay together.
Numbers reorder(const Numbers& from, const Order& order) {
    const Index H = from.rows() / static_cast<Index>(order.size());
    Numbers to(from.rows(), from.cols());
    for (std::size_t k = 0; k < order.size(); ++k)
        to.middleRows(static_cast<Index>(k) * H, H) = from.middleRows(order[k] * H, H);
    return to;
}

Numbers stack(const Numbers& above, const Numbers& below) {
    Numbers both(above.rows() + below.rows(), above.cols());
    both << above, below;
    return both;
}

template <class S>
void set(AnyRecurrent<S>& layer, const std::string& name, const Numbers& value) {
    auto& to = layer[name].value;
    REQUIRE((value.rows() == to.rows() && value.cols() == to.cols()));
    to = value.cast<S>();
}

const Order same_1{0}, same_3{0, 1, 2}, same_4{0, 1, 2, 3};

struct Case {
    std::string file, cell;
    Order W, U; ///< our block k is the file's block W[k]
    bool reverse = false;
};

/// The file's h over its c, where it has one.
Numbers state(const Golden& golden, const std::string& h, const std::string& c, bool has_c) {
    return has_c ? stack(golden.state(h), golden.state(c)) : Numbers(golden.state(h));
}

/// Our bias, or its gradient, of a file with PyTorch's two.
Numbers bias(const Golden& golden, const Case& c, bool gradient) {
    const std::string prefix = gradient ? "grad_" : "";
    if (c.file == "peephole.txt" || c.file.starts_with("coupled") || c.file == "gru_reset_before.txt")
        return golden.vector(prefix + "b");
    const Numbers ih = golden.vector(prefix + "b_ih"), hh = golden.vector(prefix + "b_hh");
    if (!c.cell.starts_with("GRU"))
        return gradient ? ih : Numbers(ih + hh);
    // r, z, n and r, z, n become n, r, z, q: n and q take one each, the others the sum of both
    const Index H = ih.rows() / 3;
    const Numbers r_z = gradient ? ih.topRows(2 * H) : Numbers(ih.topRows(2 * H) + hh.topRows(2 * H));
    return stack(stack(ih.bottomRows(H), r_z), hh.bottomRows(H));
}

template <class S>
void check(const Case& c, double bound) {
    const Golden golden(c.file);
    const Index input = golden.shape("W")[1], hidden = golden.shape("U")[1];
    const auto layer = make<S>(c.cell, input, hidden, {.reverse = c.reverse});
    const bool has_c = layer->states() == 2;
    set(*layer, "W", reorder(golden.matrix("W"), c.W));
    set(*layer, "U", reorder(golden.matrix("U"), c.U));
    set(*layer, "b", bias(golden, c, false));
    if (layer->parameter("P"))
        set(*layer, "P", golden.state("P"));

    Pass<S> pass;
    pass.x = Sequence<S>(golden.sequence("x").cast<S>(), golden.shape("x")[1]);
    pass.initial = state(golden, "h0", "c0", has_c).cast<S>();
    pass.dy = golden.sequence("dy").cast<S>();
    pass.d_final = state(golden, "dhT", "dcT", has_c).cast<S>();
    const Outcome<S> out = (*layer)(pass);

    INFO(c.file);
    CHECK(difference(out.y, golden.sequence("y")) < bound);
    CHECK(difference(out.final_state, state(golden, "hT", "cT", has_c)) < bound);
    CHECK(difference(out.dW, reorder(golden.matrix("grad_W"), c.W)) < bound);
    CHECK(difference(out.dU, reorder(golden.matrix("grad_U"), c.U)) < bound);
    CHECK(difference(out.db, bias(golden, c, true)) < bound);
    if (layer->parameter("P"))
        CHECK(difference(out.dP, golden.state("grad_P")) < bound);
    CHECK(difference(out.dx, golden.sequence("grad_x")) < bound);
    CHECK(difference(out.d_initial, state(golden, "grad_h0", "grad_c0", has_c)) < bound);
}

template <class S>
constexpr double bound = std::is_same_v<S, float> ? 3e-6 : 1e-13;

} // namespace

TEMPLATE_TEST_CASE("SimpleRNN, LSTM, GRU: outputs and gradients are PyTorch's", "", float, double) {
    for (const Case& c : std::vector<Case>{{"rnn.txt", "SimpleRNN tanh", same_1, same_1},
                                           {"rnn_relu.txt", "SimpleRNN relu", same_1, same_1},
                                           {"lstm.txt", "LSTM", same_4, same_4},
                                           {"lstm_reverse.txt", "LSTM", same_4, same_4, true},
                                           {"gru.txt", "GRU, reset after", {2, 0, 1}, same_3},
                                           {"gru_reverse.txt", "GRU, reset after", {2, 0, 1}, same_3, true}})
        check<TestType>(c, bound<TestType>);
}

TEMPLATE_TEST_CASE("peepholes, coupled gates, GRU with reset before: outputs and gradients are NumPy's", "", float,
                   double) {
    for (const Case& c : std::vector<Case>{{"peephole.txt", "LSTM with peepholes", same_4, same_4},
                                           {"coupled.txt", "coupled LSTM", same_3, same_3},
                                           {"coupled_peephole.txt", "coupled LSTM with peepholes", same_3, same_3},
                                           {"gru_reset_before.txt", "GRU, reset before", same_3, same_3}})
        check<TestType>(c, bound<TestType>);
}

TEMPLATE_TEST_CASE("LSTM: ragged sequences in both directions are PyTorch's packed ones", "", float, double) {
    using S = TestType;
    const Golden golden("lstm_ragged.txt");
    const Numbers lengths = golden.vector("lengths"), y = golden.sequence("y"), dy = golden.sequence("dy");
    const Index input = golden.shape("x")[2], batch = golden.shape("x")[1], hidden = golden.shape("U")[1];
    Numbers dx = Numbers::Zero(input, golden.sequence("x").cols());
    for (const bool reverse : {false, true}) {
        INFO((reverse ? "reverse" : "forward"));
        const std::string suffix = reverse ? "_reverse" : "";
        const auto layer = make<S>("LSTM", input, hidden, {.reverse = reverse});
        set(*layer, "W", golden.matrix("W" + suffix));
        set(*layer, "U", golden.matrix("U" + suffix));
        set(*layer, "b", golden.vector("b_ih" + suffix) + golden.vector("b_hh" + suffix));
        const auto states = [&](const std::string& prefix, const std::string& end) {
            return stack(golden.state(prefix + "h" + end + suffix), golden.state(prefix + "c" + end + suffix));
        };
        Pass<S> pass;
        std::vector<Index> whole(3);
        for (Index b = 0; b < batch; ++b)
            whole[static_cast<std::size_t>(b)] = static_cast<Index>(lengths(b));
        pass.x = Sequence<S>(golden.sequence("x").cast<S>(), batch, whole);
        pass.initial = states("", "0").template cast<S>();
        pass.dy = dy.middleRows(reverse ? hidden : 0, hidden).template cast<S>();
        pass.d_final = states("d", "T").template cast<S>();
        const Outcome<S> out = (*layer)(pass);
        dx += out.dx.template cast<double>();

        CHECK(difference(out.y, y.middleRows(reverse ? hidden : 0, hidden)) < bound<S>);
        CHECK(difference(out.final_state, states("", "T")) < bound<S>);
        CHECK(difference(out.dW, golden.matrix("grad_W" + suffix)) < bound<S>);
        CHECK(difference(out.dU, golden.matrix("grad_U" + suffix)) < bound<S>);
        CHECK(difference(out.db, golden.vector("grad_b_ih" + suffix)) < bound<S>);
        CHECK(difference(out.d_initial, states("grad_", "0")) < bound<S>);
    }
    CHECK(difference(dx, golden.sequence("grad_x")) < bound<S>);
}

TEST_CASE("SimpleRNN: 100 steps of the NumPy loop h = tanh(W·x + U·h + b)") {
    const Golden golden("numpy_cells.txt");
    // scale·sin((offset + k)² / 8), k counting in C order
    const auto wave = [](double offset, double scale, Index rows, Index cols) {
        Numbers m(rows, cols);
        for (Index i = 0; i < rows; ++i)
            for (Index j = 0; j < cols; ++j) {
                const double k = offset + static_cast<double>(i * cols + j);
                m(i, j) = scale * std::sin(k * k / 8);
            }
        return m;
    };
    const auto rnn = make<double>("SimpleRNN tanh", 32, 64);
    set(*rnn, "W", wave(10001, 0.2, 64, 32));
    set(*rnn, "U", wave(20001, 0.2, 64, 64));
    set(*rnn, "b", wave(30001, 0.1, 64, 1));
    const Sequence<double> x(Numbers(wave(1, 1, 100, 32).transpose()));
    const auto y = rnn->forward(x);
    CHECK(difference(y.step(0), golden.vector("rnn_h1")) < 1e-12);
    CHECK(difference(y.step(9), golden.vector("rnn_h10")) < 1e-12);
    // This net is slightly chaotic: in 100 steps the rounding of the products grows.
    CHECK(difference(y.step(99), golden.vector("rnn_h100")) < 1e-10);
}

TEST_CASE("LSTM: the NumPy steps packed a,i,f,o and i,f,o,g") {
    const Golden golden("numpy_cells.txt");
    const auto check = [&](const Numbers& x, Index batch, const Numbers& W, const Numbers& U, const Numbers& b,
                           const Numbers& h, const Numbers& c) {
        const auto lstm = make<double>("LSTM", W.cols(), U.cols());
        set(*lstm, "W", W);
        set(*lstm, "U", U);
        set(*lstm, "b", b);
        const Sequence<double> sequence(x, batch);
        for (Index steps = 1; steps <= sequence.steps(); ++steps) { // every c is the final one of some sequence
            const auto y = lstm->forward({sequence.values().data(), sequence.features(), steps, batch});
            CHECK(difference(y.values(), h.leftCols(steps * batch)) < 1e-13);
            CHECK(difference(lstm->final_state().bottomRows(U.cols()), c.middleCols((steps - 1) * batch, batch)) <
                  1e-13);
        }
    };
    const Order from_aifo{1, 2, 0, 3}, from_ifog{0, 1, 3, 2};
    check(golden.state("aifo_x"), 1, reorder(golden.matrix("aifo_W"), from_aifo),
          reorder(golden.matrix("aifo_U"), from_aifo), reorder(golden.vector("aifo_b"), from_aifo),
          golden.state("aifo_h"), golden.state("aifo_c"));
    const Numbers W_U = reorder(golden.matrix("ifog_W").transpose(), from_ifog); // on [x, h]
    check(golden.sequence("ifog_x"), 2, W_U.leftCols(3), W_U.rightCols(4), reorder(golden.vector("ifog_b"), from_ifog),
          golden.sequence("ifog_h"), golden.sequence("ifog_c"));
}
