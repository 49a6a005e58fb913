// The input is the config.json of a .keras archive. Its weights are those of the layers that the configs of the corpus
// have, whatever the input says of them. (HDF5's and libzip's own parsers aren't fuzzed here.)
#include "carousel/io/keras.hpp"
#include "check.hpp"

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

using namespace carousel;
using namespace carousel::detail::keras;

namespace {

/// An archive of tests/golden, read once.
FileParts read_archive() {
    detail::Input input("load_keras", std::string(CAROUSEL_TEST_DATA) + "/keras/convolution.keras");
    return read_parts(input);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const FileParts archive = read_archive();
    const std::vector<std::byte> none;
    const detail::Input input("load_keras", none);
    FileParts parts = archive;
    parts.config.assign(reinterpret_cast<const char*>(data), size);
    try {
        KerasFile file(input, std::move(parts));
        const auto result = load<float>(input, file, {});
        check(result.model.size() >= 0, "a model has a size");
        if (const Index features = result.model.input_size(); features > 0) {
            const auto y = result.model(Sequence<float>(features, 30));
            check(y.features() == result.model.output_size(features),
                  "the output has as many features as the model says");
            check(y.steps() == result.model.output_length(30), "the output has as many steps as the model says");
        }
    } catch (const std::runtime_error& error) {
        check(std::string_view(error.what()).starts_with("load_keras: memory: "),
              "an error names the function and the file");
    }
    return 0;
}
