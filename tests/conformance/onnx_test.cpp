// The ONNX operators' own test cases, read from the folder -DCAROUSEL_CONFORMANCE_DATA names and run through public
// classes.
#include "catch.hpp"

#if defined(CAROUSEL_CONFORMANCE_DATA) && __has_include(<nlohmann/json.hpp>)

#    include "carousel/layer/recurrent.hpp"

#    include <nlohmann/json.hpp>

#    include <cctype>
#    include <filesystem>
#    include <fstream>
#    include <iostream>

namespace {

using namespace carousel;
using Json = nlohmann::json;
using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

struct Tensor {
    std::vector<Index> shape;
    std::vector<float> data;

    /// The last two dimensions of the d-th matrix of a three-dimensional tensor.
    RowMajor matrix(Index d) const {
        const Index rows = shape[1], cols = shape[2];
        return Eigen::Map<const RowMajor>(data.data() + d * rows * cols, rows, cols);
    }
};

struct Case {
    Json json;
    explicit Case(const std::filesystem::path& path) { std::ifstream(path) >> json; }

    bool has(const char* group, const char* name) const {
        const Json& all = json.at(group);
        return all.contains(name) && !all.at(name).is_null();
    }
    Tensor tensor(const char* group, const char* name) const {
        const Json& t = json.at(group).at(name);
        return {t.at("shape").get<std::vector<Index>>(), t.at("data").get<std::vector<float>>()};
    }
    template <class T>
    T attribute(const char* name, T otherwise) const {
        return json.at("attributes").value(name, otherwise);
    }

    /// The functions of every direction, one after the other, with the clip: those named, or else `defaults`. Each takes
    /// the next of the α and β that are given, if it has such a parameter.
    std::vector<Activation> activations(const std::vector<std::string>& defaults, std::size_t directions) const {
        std::vector<std::string> names = attribute("activations", std::vector<std::string>{});
        for (std::size_t d = 0; names.size() < directions * defaults.size(); ++d)
            names.insert(names.end(), defaults.begin(), defaults.end());
        const auto alphas = attribute("activation_alpha", std::vector<double>{});
        const auto betas = attribute("activation_beta", std::vector<double>{});
        std::size_t alphas_used = 0, betas_used = 0;
        std::vector<Activation> functions;
        for (const std::string& name : names) {
            const auto alpha = [&](double otherwise) {
                return alphas_used < alphas.size() ? alphas[alphas_used++] : otherwise;
            };
            const auto beta = [&](double otherwise) {
                return betas_used < betas.size() ? betas[betas_used++] : otherwise;
            };
            Activation f = Activation::linear;
            if (is(name, "Tanh"))
                f = Activation::tanh;
            else if (is(name, "Sigmoid"))
                f = Activation::sigmoid;
            else if (is(name, "Relu"))
                f = Activation::relu;
            else if (is(name, "Softsign"))
                f = Activation::softsign;
            else if (is(name, "Softplus"))
                f = Activation::softplus;
            else if (is(name, "LeakyRelu"))
                f = Activation::leaky_relu(alpha(0.01));
            else if (is(name, "ThresholdedRelu"))
                f = Activation::thresholded_relu(alpha(1));
            else if (is(name, "Elu"))
                f = Activation::elu(alpha(1));
            else if (const double a = alpha(is(name, "HardSigmoid") ? 0.2 : 1); is(name, "HardSigmoid"))
                f = Activation::hard_sigmoid(a, beta(0.5));
            else if (is(name, "ScaledTanh"))
                f = Activation::scaled_tanh(a, beta(1));
            else if (is(name, "Affine"))
                f = Activation::affine(a, beta(0));
            else
                throw std::runtime_error("no such activation: " + name);
            functions.push_back(has("attributes", "clip") ? f.clipped(attribute("clip", 0.0)) : f);
        }
        return functions;
    }

    static bool is(const std::string& a, const std::string& b) { // ONNX Runtime takes any case
        return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                          [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
    }
};

/// The rows of the gate blocks `order` of an ONNX weight, in that order.
Matrix<float> blocks(const RowMajor& from, Index hidden, const std::vector<Index>& order) {
    Matrix<float> to(static_cast<Index>(order.size()) * hidden, from.cols());
    Index at = 0;
    for (const Index block : order)
        to.middleRows(hidden * at++, hidden) = from.middleRows(hidden * block, hidden);
    return to;
}

/// ONNX' gate blocks, in the order of this library's.
struct Orders {
    std::vector<Index> W, U, b;
    bool candidate_bias = false; // the last block of b is the recurrent bias alone, the first the input's alone

    /// With ONNX' first two gates taken for each other, as a wrong reader would.
    Orders wrong() const {
        Orders swapped = *this;
        for (auto* order : {&swapped.W, &swapped.U, &swapped.b})
            for (Index& block : *order)
                block = block < 2 ? 1 - block : block;
        return swapped;
    }
};

/// Runs one case; the largest difference of Y, Y_h and Y_c from what the file says. `cells`: one for each direction.
template <class Layer>
double difference(const Case& c, const Orders& orders, const std::vector<typename Layer::CellType>& cells) {
    const bool batchwise = c.attribute("layout", 0) == 1;
    const std::string direction = c.attribute("direction", std::string("forward"));
    const Tensor X = c.tensor("inputs", "X"), W = c.tensor("inputs", "W"), R = c.tensor("inputs", "R");
    const Index T = X.shape[batchwise ? 1 : 0], N = X.shape[batchwise ? 0 : 1], I = X.shape[2], D = W.shape[0],
                H = R.shape[2];
    constexpr int states = Layer::CellType::states;

    Sequence<float> x(I, T, N);
    for (Index t = 0; t < T; ++t)
        for (Index n = 0; n < N; ++n)
            for (Index i = 0; i < I; ++i)
                x.step(t)(i, n) = X.data[static_cast<std::size_t>(((batchwise ? n * T + t : t * N + n) * I) + i)];
    if (c.has("inputs", "sequence_lens")) {
        const auto lengths = c.json["inputs"]["sequence_lens"]["data"].get<std::vector<Index>>();
        x.set_lengths(lengths);
    }

    double worst = 0;
    const auto compare = [&](const char* name, Index index, float value) {
        worst = std::max(worst, static_cast<double>(
                                    std::abs(value - c.tensor("outputs", name).data[static_cast<std::size_t>(index)])));
    };
    for (Index d = 0; d < D; ++d) {
        Layer layer(I, H, cells[static_cast<std::size_t>(d)], {.reverse = direction == "reverse" || d == 1});
        layer.W().value = blocks(W.matrix(d), H, orders.W);
        layer.U().value = blocks(R.matrix(d), H, orders.U);
        layer.b().value.setZero();
        if (c.has("inputs", "B")) {
            const Tensor B = c.tensor("inputs", "B");
            const Index half = W.shape[1];
            const Eigen::Map<const Matrix<float>> of_W(B.data.data() + 2 * d * half, half, 1),
                of_R(of_W.data() + half, half, 1);
            const Matrix<float> input = blocks(of_W, H, orders.b), recurrent = blocks(of_R, H, orders.b);
            layer.b().value = input + recurrent;
            if (orders.candidate_bias) {
                layer.b().value.topRows(H) = input.topRows(H);
                layer.b().value.bottomRows(H) = recurrent.bottomRows(H);
            }
        }
        if constexpr (Layer::CellType::vectors > 0)
            if (c.has("inputs", "P")) {
                const Tensor P = c.tensor("inputs", "P"); // rows i, o, f
                const Eigen::Map<const Matrix<float>> p(P.data.data() + 3 * d * H, H, 3);
                layer.P().value.col(0) = p.col(0);
                layer.P().value.rightCols(1) = p.col(1);
                if constexpr (Layer::CellType::vectors == 3)
                    layer.P().value.col(1) = p.col(2);
            }
        const auto state_at = [&](Index n, Index k) { return ((batchwise ? n * D + d : d * N + n) * H) + k; };
        Matrix<float> initial = Matrix<float>::Zero(states * H, N);
        const char* const initial_names[] = {"initial_h", "initial_c"};
        for (int s = 0; s < states; ++s)
            if (c.has("inputs", initial_names[s])) {
                const Tensor given = c.tensor("inputs", initial_names[s]);
                for (Index n = 0; n < N; ++n)
                    for (Index k = 0; k < H; ++k)
                        initial(s * H + k, n) = given.data[static_cast<std::size_t>(state_at(n, k))];
            }

        typename Layer::Tape tape;
        Matrix<float> last;
        const auto y = layer.forward(x.view(), tape, initial);
        layer.final_state(tape, last);
        if (c.has("outputs", "Y"))
            for (Index t = 0; t < T; ++t)
                for (Index n = 0; n < N; ++n)
                    for (Index k = 0; k < H; ++k)
                        compare("Y", (batchwise ? (n * T + t) * D + d : (t * D + d) * N + n) * H + k, y.step(t)(k, n));
        const char* const final_names[] = {"Y_h", "Y_c"};
        for (int s = 0; s < states; ++s)
            if (c.has("outputs", final_names[s]))
                for (Index n = 0; n < N; ++n)
                    for (Index k = 0; k < H; ++k)
                        compare(final_names[s], state_at(n, k), last(s * H + k, n));
    }
    return worst;
}

/// `wrong`: with two gates taken for each other.
double difference(const Case& c, bool wrong = false) {
    const std::string op = c.json.at("op_type");
    const auto D = static_cast<std::size_t>(c.tensor("inputs", "W").shape[0]);
    const bool standard = !c.has("attributes", "activations") && !c.has("attributes", "clip");
    const auto run = [&]<class Standard, class Chosen>(const Orders& orders, const auto& standard_cell,
                                                       const auto& chosen_cell) {
        const Orders& used = wrong ? orders.wrong() : orders;
        if (standard)
            return difference<Standard>(c, used, std::vector(D, standard_cell));
        std::vector<typename Chosen::CellType> cells;
        for (std::size_t d = 0; d < D; ++d)
            cells.push_back(chosen_cell(d));
        return difference<Chosen>(c, used, cells);
    };

    if (op == "LSTM") {
        const bool peephole = c.has("inputs", "P");
        const auto f = c.activations({"Sigmoid", "Tanh", "Tanh"}, D);
        const auto gates = [&](std::size_t d) {
            // clip cuts the gates' arguments, and not c
            return ChosenGates{f[3 * d], f[3 * d + 1], f[3 * d + 2].unclipped()};
        };
        if (c.attribute("input_forget", 0) != 0) // ONNX: i, o, f, c
            return run.template operator()<CoupledLSTM<float>, CoupledLSTM<float, Dynamic, Dynamic, ChosenGates>>(
                {{0, 3, 1}, {0, 3, 1}, {0, 3, 1}}, LstmCell<float, true>{peephole}, [&](std::size_t d) {
                    return LstmCell<float, true, ChosenGates>{peephole, gates(d)};
                });
        return run.template operator()<LSTM<float>, LSTM<float, Dynamic, Dynamic, ChosenGates>>(
            {{0, 2, 3, 1}, {0, 2, 3, 1}, {0, 2, 3, 1}}, LstmCell<float>{peephole}, [&](std::size_t d) {
                return LstmCell<float, false, ChosenGates>{peephole, gates(d)};
            });
    }
    if (op == "GRU") { // ONNX: z, r, h
        const auto f = c.activations({"Sigmoid", "Tanh"}, D);
        const auto gates = [&](std::size_t d) { return ChosenGates{f[2 * d], f[2 * d + 1]}; };
        if (c.attribute("linear_before_reset", 0) != 0)
            return run.template operator()<GRU<float>, GRU<float, Dynamic, Dynamic, Reset::after, ChosenGates>>(
                {{2, 1, 0}, {1, 0, 2}, {2, 1, 0, 2}, true}, GruCell<float>{},
                [&](std::size_t d) { return GruCell<float, Reset::after, ChosenGates>{gates(d)}; });
        return run.template operator()<GRU<float, Dynamic, Dynamic, Reset::before>,
                                       GRU<float, Dynamic, Dynamic, Reset::before, ChosenGates>>(
            {{1, 0, 2}, {1, 0, 2}, {1, 0, 2}}, GruCell<float, Reset::before>{},
            [&](std::size_t d) { return GruCell<float, Reset::before, ChosenGates>{gates(d)}; });
    }
    REQUIRE(op == "RNN");
    std::vector<SimpleRnnCell<float>> cells;
    for (const Activation& f : c.activations({"Tanh"}, D))
        cells.push_back({f});
    return difference<SimpleRNN<float>>(c, {{0}, {0}, {0}}, cells);
}

} // namespace

TEST_CASE("ONNX: every operator test gives the file's outputs within 1e-5, and most notice a wrong order of gates") {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(CAROUSEL_CONFORMANCE_DATA "/onnx"))
        if (entry.path().extension() == ".json")
            files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    REQUIRE(!files.empty());
    int gated = 0;
    std::string blind;
    int blind_count = 0;
    for (const auto& file : files) {
        INFO(file);
        const Case c(file);
        CHECK(difference(c) < 1e-5);
        if (c.json.at("op_type") == "RNN")
            continue;
        ++gated;
        if (!(difference(c, true) > 1e-5)) {
            blind += " " + file.stem().string();
            ++blind_count;
        }
    }
    std::cout << "ONNX: " << files.size() << " cases; of " << gated << " with gates, " << gated - blind_count
              << " notice two gates taken for each other; not:" << blind << "\n";
    CHECK(blind_count < gated / 2 + 1);
}

#else

#    include <iostream>

TEST_CASE("ONNX: the operator tests need -DCAROUSEL_CONFORMANCE_DATA=<folder> and nlohmann-json, and are left out") {
    std::cout << "ONNX: left out: no -DCAROUSEL_CONFORMANCE_DATA, or nlohmann-json isn't installed\n";
    SUCCEED();
}

#endif
