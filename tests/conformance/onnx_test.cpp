// The ONNX operators' own test cases, read from the folder -DCAROUSEL_CONFORMANCE_DATA names and run through public
// classes.
#include "catch.hpp"

#if defined(CAROUSEL_CONFORMANCE_DATA) && __has_include(<nlohmann/json.hpp>)

#    include "carousel/layer/recurrent.hpp"

#    include <nlohmann/json.hpp>

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

    bool has(const char* group, const char* name) const { return json.at(group).contains(name); }
    Tensor tensor(const char* group, const char* name) const {
        const Json& t = json.at(group).at(name);
        return {t.at("shape").get<std::vector<Index>>(), t.at("data").get<std::vector<float>>()};
    }
    template <class T>
    T attribute(const char* name, T otherwise) const {
        return json.at("attributes").value(name, otherwise);
    }
    /// Why the library can't run it; empty if it can.
    std::string unsupported() const {
        if (has("attributes", "clip"))
            return "clip";
        const std::string op = json.at("op_type");
        const auto activations = attribute("activations", std::vector<std::string>{});
        for (const std::string& f : activations)
            if (op == "RNN" ? f != "Tanh" && f != "Relu" && f != "Sigmoid" : f != "Tanh" && f != "Sigmoid")
                return "activation " + f;
        return {};
    }
};

/// The rows of the gate blocks `order` of an ONNX weight, in that order.
Matrix<float> blocks(const RowMajor& from, Index hidden, std::initializer_list<Index> order) {
    Matrix<float> to(static_cast<Index>(order.size()) * hidden, from.cols());
    Index at = 0;
    for (const Index block : order)
        to.middleRows(hidden * at++, hidden) = from.middleRows(hidden * block, hidden);
    return to;
}

/// ONNX' gate blocks, in the order of this library's.
struct Orders {
    std::initializer_list<Index> W, U, b;
    bool candidate_bias = false; // the last block of b is the recurrent bias alone, the first the input's alone
};

/// Runs one case; the largest difference of Y, Y_h and Y_c from what the file says.
template <class Layer>
double difference(const Case& c, const Orders& orders, typename Layer::CellType cell) {
    const Index H = c.attribute("hidden_size", Index(0));
    const bool batchwise = c.attribute("layout", 0) == 1;
    const std::string direction = c.attribute("direction", std::string("forward"));
    const Tensor X = c.tensor("inputs", "X"), W = c.tensor("inputs", "W"), R = c.tensor("inputs", "R");
    const Index T = X.shape[batchwise ? 1 : 0], N = X.shape[batchwise ? 0 : 1], I = X.shape[2], D = W.shape[0];
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
        Layer layer(I, H, cell, {.reverse = direction == "reverse" || d == 1});
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

        typename Layer::template Tape<float> tape;
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

double difference(const Case& c) {
    const std::string op = c.json.at("op_type");
    if (op == "LSTM") {
        const bool peephole = c.has("inputs", "P");
        if (c.attribute("input_forget", 0) != 0) // ONNX: i, o, f, c
            return difference<CoupledLSTM<float>>(c, {{0, 3, 1}, {0, 3, 1}, {0, 3, 1}}, {.peephole = peephole});
        return difference<LSTM<float>>(c, {{0, 2, 3, 1}, {0, 2, 3, 1}, {0, 2, 3, 1}}, {.peephole = peephole});
    }
    if (op == "GRU") { // ONNX: z, r, h
        if (c.attribute("linear_before_reset", 0) != 0)
            return difference<GRU<float>>(c, {{2, 1, 0}, {1, 0, 2}, {2, 1, 0, 2}, true}, {});
        return difference<GRU<float, Dynamic, Dynamic, Reset::before>>(c, {{1, 0, 2}, {1, 0, 2}, {1, 0, 2}}, {});
    }
    const auto activations = c.attribute("activations", std::vector<std::string>{"Tanh"});
    const Activation f = activations[0] == "Relu"      ? Activation::relu
                         : activations[0] == "Sigmoid" ? Activation::sigmoid
                                                       : Activation::tanh;
    return difference<SimpleRNN<float>>(c, {{0}, {0}, {0}}, {.activation = f});
}

} // namespace

TEST_CASE("ONNX: every operator test that the library has the attributes for gives the file's outputs within 1e-5") {
    int run = 0, skipped = 0;
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(CAROUSEL_CONFORMANCE_DATA "/onnx"))
        if (entry.path().extension() == ".json")
            files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const auto& file : files) {
        INFO(file);
        const Case c(file);
        if (const std::string why = c.unsupported(); !why.empty()) {
            std::cout << "left out: " << file.filename().string() << " (" << why << ")\n";
            ++skipped;
            continue;
        }
        CHECK(difference(c) < 1e-5);
        ++run;
    }
    std::cout << "ONNX: " << run << " cases run, " << skipped << " left out\n";
    REQUIRE(run > 0);
}

#else

#    include <iostream>

TEST_CASE("ONNX: the operator tests need -DCAROUSEL_CONFORMANCE_DATA=<folder> and nlohmann-json, and are left out") {
    std::cout << "ONNX: left out: no -DCAROUSEL_CONFORMANCE_DATA, or nlohmann-json isn't installed\n";
    SUCCEED();
}

#endif
