// Models in RTNeural's JSON, which are Keras' weights, read from the folder -DCAROUSEL_CONFORMANCE_DATA names and run
// through public classes: as a whole sequence and sample by sample.
#include "catch.hpp"

#if defined(CAROUSEL_CONFORMANCE_DATA) && __has_include(<nlohmann/json.hpp>)

#    include "carousel/stream/stream.hpp"

#    include <nlohmann/json.hpp>

#    include <filesystem>
#    include <fstream>
#    include <functional>
#    include <memory>

namespace {

using namespace carousel;
using Json = nlohmann::json;

/// One layer: a whole sequence (features × steps) through infer, or one sample through a Stream.
struct Stage {
    std::function<Matrix<float>(const Matrix<float>&)> sequence;
    std::function<std::vector<float>(std::span<const float>)> sample;
};

template <class Layer>
Stage stage(Layer layer) {
    auto stream = std::make_shared<Stream<Layer>>(layer);
    return {[layer](const Matrix<float>& x) -> Matrix<float> {
                typename Layer::Tape tape;
                return layer.infer({x.data(), x.rows(), x.cols(), 1}, tape, {}).values();
            },
            [stream](std::span<const float> x) {
                const auto y = (*stream)(x);
                return std::vector<float>(y.begin(), y.end());
            }};
}

/// A matrix of rows in JSON, transposed: Keras' kernels are inputs × outputs.
Matrix<float> transposed(const Json& rows, Index expected_rows, Index expected_columns, const std::string& what) {
    const auto check = [&](bool right, const std::string& found) {
        if (!right)
            throw std::runtime_error(what + " is " + found + ", expected " + std::to_string(expected_rows) + " x " +
                                     std::to_string(expected_columns));
    };
    check(rows.is_array(), "no array");
    check(static_cast<Index>(rows.size()) == expected_rows, std::to_string(rows.size()) + " rows");
    Matrix<float> to(expected_columns, expected_rows);
    for (Index r = 0; r < expected_rows; ++r) {
        const auto row = rows[static_cast<std::size_t>(r)].get<std::vector<float>>();
        check(static_cast<Index>(row.size()) == expected_columns, std::to_string(row.size()) + " columns");
        to.col(r) = Eigen::Map<const Vector<float>>(row.data(), expected_columns);
    }
    return to;
}

Activation activation(const std::string& name) {
    if (name.empty() || name == "linear")
        return Activation::linear;
    for (const Activation& f :
         {Activation::tanh, Activation::sigmoid, Activation::relu, Activation::elu(), Activation::softsign})
        if (name == carousel::name(f))
            return f;
    throw std::runtime_error("activation \"" + name + "\" isn't supported");
}

/// The gate blocks `order` of a matrix that has them one under the other.
Matrix<float> reordered(const Matrix<float>& from, Index hidden, std::initializer_list<Index> order) {
    Matrix<float> to(static_cast<Index>(order.size()) * hidden, from.cols());
    Index at = 0;
    for (const Index block : order)
        to.middleRows(hidden * at++, hidden) = from.middleRows(hidden * block, hidden);
    return to;
}

/// Throws std::runtime_error, naming the layer, if a size isn't what the file declares or something isn't supported.
std::vector<Stage> read_model(const std::filesystem::path& path) {
    std::ifstream file(path);
    const Json json = Json::parse(file);
    std::vector<Stage> stages;
    Index features = json.at("in_shape").back().get<Index>();
    for (const Json& l : json.at("layers")) {
        const std::string type = l.at("type");
        const std::string where =
            path.filename().string() + ": layer " + std::to_string(stages.size()) + " (" + type + "): ";
        const Index units = l.at("shape").back().get<Index>();
        const Json& w = l.at("weights");
        if (type == "dense" || type == "time-distributed-dense") {
            Dense<float> dense(features, units, {.activation = activation(l.at("activation"))});
            dense.W().value = transposed(w.at(0), features, units, where + "kernel");
            dense.b().value = transposed(Json::array({w.at(1)}), 1, units, where + "bias");
            stages.push_back(stage(std::move(dense)));
        } else if (type == "lstm") { // i, f, c, o
            LSTM<float> lstm(features, units);
            lstm.W().value = transposed(w.at(0), features, 4 * units, where + "kernel");
            lstm.U().value = transposed(w.at(1), units, 4 * units, where + "recurrent kernel");
            lstm.b().value = transposed(Json::array({w.at(2)}), 1, 4 * units, where + "bias");
            stages.push_back(stage(std::move(lstm)));
        } else if (type == "gru") { // z, r, h, to W n r z, U r z q, b n r z q
            GRU<float> gru(features, units);
            gru.W().value = reordered(transposed(w.at(0), features, 3 * units, where + "kernel"), units, {2, 1, 0});
            gru.U().value =
                reordered(transposed(w.at(1), units, 3 * units, where + "recurrent kernel"), units, {1, 0, 2});
            const Matrix<float> b = transposed(w.at(2), 2, 3 * units, where + "bias");
            const Matrix<float> sum = b.col(0) + b.col(1);
            gru.b().value = reordered(sum, units, {2, 1, 0, 2});
            gru.b().value.topRows(units) = b.col(0).bottomRows(units);
            gru.b().value.bottomRows(units) = b.col(1).bottomRows(units);
            stages.push_back(stage(std::move(gru)));
        } else
            throw std::runtime_error(where + "this type isn't supported");
        features = units;
    }
    return stages;
}

Matrix<float> read_numbers(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::vector<float> numbers;
    for (double x; file >> x;)
        numbers.push_back(static_cast<float>(x));
    REQUIRE(!numbers.empty());
    return Eigen::Map<const Matrix<float>>(numbers.data(), 1, static_cast<Index>(numbers.size()));
}

const std::filesystem::path folder = CAROUSEL_CONFORMANCE_DATA "/rtneural";

} // namespace

TEST_CASE("RTNeural: its models give Keras' outputs, as a sequence and sample by sample") {
    int models = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        const std::string name = entry.path().stem().string();
        if (entry.path().extension() != ".json" || !exists(folder / (name + "_x_python.csv")))
            continue;
        INFO(name);
        const Matrix<float> x = read_numbers(folder / (name + "_x_python.csv"));
        const Matrix<float> y = read_numbers(folder / (name + "_y_python.csv"));
        const auto model = read_model(entry.path());
        const double tolerance = name.find("gru") != std::string::npos ? 5e-6 : 1e-6;

        Matrix<float> whole = x;
        for (const Stage& s : model)
            whole = s.sequence(whole);
        REQUIRE(whole.cols() == y.cols());
        CHECK(static_cast<double>((whole - y).cwiseAbs().maxCoeff()) < tolerance);

        double worst = 0;
        for (Index t = 0; t < x.cols(); ++t) {
            std::vector<float> sample{x(0, t)};
            for (const Stage& s : model)
                sample = s.sample(sample);
            worst = std::max(worst, static_cast<double>(std::abs(sample[0] - y(0, t))));
        }
        CHECK(worst < tolerance);
        ++models;
    }
    CHECK(models >= 2);
}

TEST_CASE("RTNeural: a file whose weights aren't of the size it declares is refused") {
    CHECK_THROWS_WITH(read_model(folder / "bad_lstm.json"),
                      "bad_lstm.json: layer 0 (lstm): kernel is 80 columns, expected 1 x 64");
}

#else

#    include <iostream>

TEST_CASE("RTNeural: its models need -DCAROUSEL_CONFORMANCE_DATA=<folder> and nlohmann-json, and are left out") {
    std::cout << "RTNeural: left out: no -DCAROUSEL_CONFORMANCE_DATA, or nlohmann-json isn't installed\n";
    SUCCEED();
}

#endif
