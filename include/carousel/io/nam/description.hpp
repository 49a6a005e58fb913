// What a file of Neural Amp Modeler's LSTM says, read and checked, without layers:
// github.com/sdatkinson/NeuralAmpModelerCore, NAM/lstm.cpp. Needs nlohmann-json.
#pragma once

#include "carousel/io/json_file.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail::nam {

/// Gates are i, f, g, o.
struct Lstm {
    Matrix<double> W, U, b; ///< 4H × I, 4H × H, 4H × 1
    Matrix<double> state;   ///< h₀ over c₀: 2H × 1
};

struct Description {
    Index input = 0, hidden = 0, output = 0;
    double sample_rate = 0; ///< Hz; 0: the file doesn't say
    std::vector<Lstm> layers = {};
    Matrix<double> W = {}, b = {}; ///< of the head: output × H, output × 1
    Metadata metadata = {};        ///< with "version", and "sample_rate" if the file says it
};

class Reader {
  public:
    Reader(const char* where, const ByteSource& source, double largest_number) : file_(where, source, largest_number) {}

    Description read() const {
        const Json& root = file_.root();
        const std::string architecture = file_.text(file_.get(root, "architecture", ""), "architecture");
        file_.check(architecture == "LSTM", "architecture \"", architecture,
                    "\" can't be loaded, expected \"LSTM\", the only one that is recurrent");
        const Json& config = file_.object(file_.get(root, "config", ""), "config");
        const auto size = [&](const char* name) {
            return file_.whole(file_.get(config, name, "config: "), std::string("config: ") + name, 1, most);
        };
        const auto size_or = [&](const char* name, Index otherwise) {
            return member(config, name) ? size(name) : otherwise;
        };
        const Index layers = size("num_layers");
        Description description{size("input_size"), size("hidden_size"), size_or("out_channels", 1)};
        const Index channels = size_or("in_channels", description.input);
        file_.check(channels == description.input, "config: in_channels is ", channels, ", expected ",
                    description.input, ", as input_size says");
        read_weights(file_.array(file_.get(root, "weights", ""), "weights"), layers, description);
        read_metadata(root, description);
        return description;
    }

  private:
    static constexpr Index most = 1'000'000;

    void read_weights(const Json& weights, Index layers, Description& to) const {
        const Index I = to.input, H = to.hidden, O = to.output;
        // In double, for a product of a file's numbers may be more than an Index can hold.
        const auto h = static_cast<double>(H);
        const double expected = h * (4 * static_cast<double>(I + H) + 6) +
                                static_cast<double>(layers - 1) * h * (8 * h + 6) + static_cast<double>(O) * (h + 1);
        file_.check(static_cast<double>(weights.size()) == expected, "weights has ", weights.size(),
                    " numbers, expected ", expected, " for ", counted(layers, "layer"), " of ", counted(H, "unit"),
                    ", ", counted(I, "input"), " and ", counted(O, "output"));
        const Matrix<double> all = file_.column(weights, "weights", static_cast<Index>(weights.size()));
        Index at = 0;
        const auto next = [&](Index rows, Index columns) -> Matrix<double> {
            using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
            const Eigen::Map<const RowMajor> numbers(all.data() + at, rows, columns);
            at += rows * columns;
            return numbers;
        };
        for (Index k = 0; k < layers; ++k) {
            const Index input = k == 0 ? I : H;
            const Matrix<double> both = next(4 * H, input + H);
            Lstm lstm{both.leftCols(input), both.rightCols(H), next(4 * H, 1), {}};
            lstm.state = next(2 * H, 1);
            to.layers.push_back(std::move(lstm));
        }
        to.W = next(O, H);
        to.b = next(O, 1);
    }

    void read_metadata(const Json& root, Description& to) const {
        if (const Json* const object = member(root, "metadata"))
            JsonFile::add_metadata(file_.object(*object, "metadata"), {}, to.metadata);
        JsonFile::add_metadata(root, {"architecture", "config", "weights", "metadata", "sample_rate"}, to.metadata);
        const Json* const rate = member(root, "sample_rate");
        to.metadata.erase("sample_rate");
        if (rate && *rate != -1) { // NAM's word for one that isn't known
            to.sample_rate = file_.sample_rate(*rate, "sample_rate");
            to.metadata["sample_rate"] = message_of(to.sample_rate);
        }
    }

    JsonFile file_;
};

/// Throws std::runtime_error "where: source: weights has …" if the file isn't one that can be loaded.
inline Description read(const char* where, const ByteSource& source, double largest_number) {
    return Reader(where, source, largest_number).read();
}

} // namespace carousel::detail::nam
