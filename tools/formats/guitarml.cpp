#include "format.hpp"

#include "carousel/io/guitarml.hpp"

namespace tool {

Net load_guitarml_file(const std::filesystem::path& path, const LoadOptions& options) {
    return carousel::load_guitarml<float>(path, {.skip = options.skip});
}

} // namespace tool
