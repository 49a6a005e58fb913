#include "format.hpp"

#include "carousel/io/nam.hpp"

namespace tool {

Net load_nam_file(const std::filesystem::path& path, const LoadOptions& options) {
    return carousel::load_nam<float>(path, {.prewarm = options.prewarm, .block = options.block});
}

void save_nam_file(const std::filesystem::path& path, const Net& net, const SaveOptions&) {
    carousel::save_nam(path, net);
}

} // namespace tool
