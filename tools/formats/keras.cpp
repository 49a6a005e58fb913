#include "format.hpp"

#include "carousel/io/keras.hpp"

namespace tool {

Net load_keras_file(const std::filesystem::path& path, const LoadOptions& options) {
    return carousel::load_keras<float>(path, {.version = options.keras_version,
                                              .lengths_for_masks = options.lengths_for_masks,
                                              .first_layer = options.first_layer,
                                              .last_layer = options.last_layer});
}

} // namespace tool
