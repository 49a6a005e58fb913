// The input is what is changed in the file of a training, a line a change: "key text" is one of the texts,
// "-name" leaves a tensor out, and "=name rows columns" gives it another shape, its numbers over and over or cut.
#include "check.hpp"

#include <carousel/io/training_file.hpp>
#include <carousel/layer/dense.hpp>
#include <carousel/layer/dropout.hpp>
#include <carousel/layer/recurrent.hpp>
#include <carousel/layer/sequential.hpp>
#include <carousel/loss/mean_squared_error.hpp>
#include <carousel/optim/adam.hpp>
#include <carousel/train/fit.hpp>

#include <algorithm>
#include <cstdint>
#include <sstream>
#include <stdexcept>

namespace {

using namespace carousel;
using Model = Sequential<SimpleRNN<float>, Dropout, Dense<float>>;
using Bytes = std::vector<std::byte>;

Model make_model(std::uint64_t seed) {
    return Sequential{SimpleRNN<float>{1, 2, {}, {.seed = seed}}, Dropout{0.5, {.seed = seed}},
                      Dense<float>{2, 1, {.seed = seed + 1}}};
}

void train(Training<Model, Adam>& training, Index epochs, Callback callback = {}) {
    static const Sequence<float> numbers(Matrix<float>{{1, 2, 3, 4, 5, 6, 7, 8}}, 4); // two steps of four sequences
    FitOptions options{.epochs = epochs,
                       .batch_size = 2,
                       .shuffle = false,
                       .metrics = {MeanAbsoluteError{}},
                       .stateful = true,
                       .early_stopping = EarlyStopping{.patience = 100}};
    if (callback)
        options.callbacks.push_back(callback);
    fit(training, Dataset<float>{numbers, numbers}, MeanSquaredError{}, options);
}

/// That of a training that was stopped within its third epoch.
const Safetensors& good_file() {
    static const Safetensors file = [] {
        Model model = make_model(1);
        Training training{model, Adam{}};
        train(training, 3, [](Progress& p) { p.stop = p.epoch == 3 && p.batch == 1; });
        return detail::training_file(training, {{"caller's", "text"}});
    }();
    return file;
}

Bytes bytes_of(const Safetensors& file) {
    return safetensors_bytes(file.tensors, file.metadata);
}

void reshape(NamedTensor& tensor, Index rows, Index columns) {
    const auto size = static_cast<std::size_t>(rows * columns);
    std::visit(
        [&](auto& numbers) {
            if (numbers.empty())
                numbers.resize(size);
            const std::size_t before = numbers.size();
            numbers.resize(size);
            for (std::size_t k = before; k < size; ++k)
                numbers[k] = numbers[k % before];
        },
        tensor.numbers);
    tensor.shape = columns == 1 ? std::vector<Index>{rows} : std::vector<Index>{rows, columns};
}

void change(Safetensors& file, const std::string& line) {
    const auto found = [&](const std::string& name) {
        return std::find_if(file.tensors.begin(), file.tensors.end(), [&](const auto& t) { return t.name == name; });
    };
    if (line.starts_with('-')) {
        if (const auto tensor = found(line.substr(1)); tensor != file.tensors.end())
            file.tensors.erase(tensor);
    } else if (line.starts_with('=')) {
        std::istringstream words(line.substr(1));
        std::string name;
        Index rows = 0, columns = 0;
        words >> name >> rows >> columns;
        if (const auto tensor = found(name); tensor != file.tensors.end())
            reshape(*tensor, std::clamp<Index>(rows, 0, 20), std::clamp<Index>(columns, 0, 20));
    } else {
        const std::size_t end = line.find(' ');
        file.metadata["training." + line.substr(0, end)] = end == std::string::npos ? "" : line.substr(end + 1);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Safetensors file = good_file();
    std::istringstream lines(std::string(reinterpret_cast<const char*>(data), size));
    Bytes bytes;
    try {
        for (std::string line; std::getline(lines, line);)
            change(file, line);
        bytes = bytes_of(file);
    } catch (const std::invalid_argument&) {
        return -1; // a text isn't UTF-8
    }

    Model model = make_model(2);
    Training training{model, Adam{}};
    const Bytes before = bytes_of(detail::training_file(training, {}));
    try {
        load_training(bytes, training);
    } catch (const std::runtime_error&) {
        check(bytes_of(detail::training_file(training, {})) == before, "a refused file changes nothing");
        return 0;
    }
    // What was loaded is saved and loaded again, without a change.
    const Bytes saved = bytes_of(detail::training_file(training, {}));
    load_training(saved, training);
    check(bytes_of(detail::training_file(training, {})) == saved, "a training stays");
    try {
        train(training, 1);
    } catch (const std::invalid_argument&) { // the file was of another model's state, or of other metrics
    } catch (const std::runtime_error&) {    // the best epoch that it speaks of has no finite loss
    }
    return 0;
}
