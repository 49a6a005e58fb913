// Models of PyTorch from the folder that -DCAROUSEL_CONFORMANCE_DATA names, compared with what PyTorch computes.
#include "catch.hpp"

#ifdef CAROUSEL_CONFORMANCE_DATA

#    include "carousel/io/pytorch.hpp"
#    include "carousel/stream/stream.hpp"
#    include "formats/support/npz.hpp"

#    include <nlohmann/json.hpp>

#    include <filesystem>
#    include <fstream>

namespace {

using namespace carousel;
using test::read_npy, test::read_npz;
using Json = nlohmann::json;

const std::string folder = CAROUSEL_CONFORMANCE_DATA "/models/";

/// A tensor of the JSON as features × (steps · batch): (batch, steps, features), (steps, batch, features) if the net is time
/// major, or (batch, features) as a single step.
Sequence<float> sequence(const Json& tensor, bool batch_first, bool tokens = false) {
    auto shape = tensor["shape"].get<std::vector<Index>>();
    const auto data = tensor["data"].get<std::vector<float>>();
    if (tokens)
        shape.push_back(1);
    if (shape.size() == 2)
        shape.insert(shape.begin() + (batch_first ? 1 : 0), 1);
    const Index batch = shape[batch_first ? 0 : 1], steps = shape[batch_first ? 1 : 0], features = shape[2];
    Sequence<float> result(features, steps, batch);
    std::size_t k = 0;
    for (Index outer = 0; outer < shape[0]; ++outer)
        for (Index inner = 0; inner < shape[1]; ++inner)
            for (Index f = 0; f < features; ++f)
                result.values()(f, batch_first ? inner * batch + outer : outer * batch + inner) = data[k++];
    return result;
}

/// (levels, batch, hidden): one matrix for each level, a column for each sequence.
std::vector<Matrix<float>> levels(const Json& tensor) {
    const auto shape = tensor["shape"].get<std::vector<Index>>();
    const auto data = tensor["data"].get<std::vector<float>>();
    std::vector<Matrix<float>> result;
    for (Index level = 0; level < shape[0]; ++level)
        result.push_back(
            Eigen::Map<const Matrix<float>>(data.data() + level * shape[1] * shape[2], shape[2], shape[1]));
    return result;
}

/// h over c
Model<float>::State state(const Json& tensors, const std::string& h, const std::string& c) {
    if (!tensors.contains(h))
        return {};
    auto result = levels(tensors[h]);
    if (tensors.contains(c)) {
        const auto cells = levels(tensors[c]);
        for (std::size_t k = 0; k < cells.size(); ++k) {
            Matrix<float> both(2 * cells[k].rows(), cells[k].cols());
            both << result[k], cells[k];
            result[k] = both;
        }
    }
    return result;
}

double difference(const Matrix<float>& a, const Matrix<float>& b) {
    REQUIRE(a.rows() == b.rows());
    REQUIRE(a.cols() == b.cols());
    return (a - b).cwiseAbs().maxCoeff();
}

} // namespace

TEST_CASE("PyTorch's files: nets of the folder torch_made compute what PyTorch says") {
    const std::pair<const char*, const char*> nets[] = {
        {"gru_steps", "GRU(2, 12), Linear(12, 1)"},
        {"gru_with_state", "GRU(6, 14, num_layers=2), Linear(14, 2)"},
        {"lstm_last", "LSTM(3, 16), last, Linear(16, 2)"},
        {"lstm_stacked_bidirectional", "LSTM(5, 10, num_layers=2, bidirectional=True), Linear(20, 4)"},
        {"lstm_with_state", "LSTM(3, 11), Linear(11, 1)"},
        {"mixed", "Linear(4, 10), Tanh, GRU(10, 7), LSTM(7, 10), Linear(10, 10), ReLU, Linear(10, 3), Sigmoid"},
        {"residual_gru", "residual(GRU(1, 8), Linear(8, 1))"},
        {"rnn_relu_time_major", "RNN(4, 9, nonlinearity='relu'), Linear(9, 3)"},
        {"text_bidirectional", "Embedding(50, 8), LSTM(8, 12, bidirectional=True), last, Linear(24, 5), Softmax"},
    };
    for (const auto& [name, line] : nets)
        for (const char* const ending : {".pt", ".legacy.pt"}) {
            CAPTURE(name, ending);
            std::ifstream in(folder + "torch_made/" + name + ".json");
            const Json json = Json::parse(in);
            const Json& tensors = json["tensors"];
            const bool batch_first = json["batch_first"];
            const auto loaded = load_pytorch<float>(folder + "torch_made/" + name + ending, line);
            const auto x = sequence(tensors["in_x"], batch_first, std::string(name) == "text_bidirectional");
            const auto y = sequence(tensors["out_y"], batch_first);
            Model<float>::Tape tape;
            const auto initial = state(tensors, "in_h0", "in_c0");
            REQUIRE(difference(loaded.model.infer(x, tape, initial).values(), y.values()) < 1e-5);
            if (tensors.contains("out_hn")) {
                Model<float>::State final;
                loaded.model.final_state(tape, final);
                const auto expected = state(tensors, "out_hn", "out_cn");
                REQUIRE(final.size() == expected.size());
                for (std::size_t k = 0; k < final.size(); ++k)
                    REQUIRE(difference(final[k], expected[k]) < 1e-5);
            }
        }
}

TEST_CASE("PyTorch's files: an amplifier of CoreAudioML computes what PyTorch says, whole and streamed") {
    const auto input = read_npy(folder + "input_4096x2_cond0.5.npy").sequence<float>();
    const auto check = [&](const std::string& line, const std::string& reference) {
        const auto loaded = load_pytorch<float>(folder + "pytorch/coreaudioml_modelBest.pt", line);
        const auto expected = read_npy(folder + reference).sequence<float>();
        const auto y = loaded.model(Sequence<float>(input));
        Stream stream{loaded.model};
        for (Index t = 0; t < expected.cols(); ++t) {
            REQUIRE(std::abs(y.values()(0, t) - expected(0, t)) < 1e-5);
            REQUIRE(std::abs(stream(input.col(t))[0] - expected(0, t)) < 1e-5);
        }
    };
    check("LSTM(2, 32), Linear(32, 1)", "pytorch/coreaudioml_modelBest.ref_noskip.npy");
    check("residual(LSTM(2, 32), Linear(32, 1))", "pytorch/coreaudioml_modelBest.ref_skip1.npy");
}

TEST_CASE("PyTorch's files: GRUs out of a checkpoint of many modules compute what PyTorch says") {
    const std::string references = folder + "pytorch/gtcrn_dns3.gru.ref.npz";
    const auto x = read_npz(references, "x").numbers;
    const Sequence<float> sequence(
        Matrix<float>(Eigen::Map<const Matrix<double>>(x.data(), 8, static_cast<Index>(x.size()) / 8).cast<float>()));
    for (const std::string module :
         {"dpgrnn1.inter_rnn.rnn1", "dpgrnn1.intra_rnn.rnn1", "encoder.en_convs.2.tra.att_gru"}) {
        CAPTURE(module);
        const auto loaded = load_pytorch<float>(folder + "pytorch/gtcrn_dns3.tar", "", {.prefix = module + "."});
        const auto expected = read_npz(references, module).numbers;
        const auto y = loaded.model(sequence);
        REQUIRE(static_cast<std::size_t>(y.values().size()) == expected.size());
        REQUIRE(difference(y.values(),
                           Eigen::Map<const Matrix<double>>(expected.data(), y.values().rows(), y.values().cols())
                               .cast<float>()) < 1e-5);
    }
}

#endif
