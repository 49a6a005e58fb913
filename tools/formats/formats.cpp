#include "format.hpp"

#include "carousel/io/json_file.hpp"
#include "carousel/io/safetensors_reader.hpp"
#include "message.hpp"
#include "paths.hpp"

#include <limits>

namespace tool {

namespace {

const Format& named(const std::string& name) {
    for (const Format& format : formats())
        if (format.name == name)
            return format;
    throw Usage("no format is called \"" + name + "\"; there are " + format_names());
}

const Format& there(const Format& format, const std::filesystem::path& path) {
    check(!format.needs, path.string(), ": this carousel was built without ", format.needs ? format.needs : "",
          ", which it needs for ", format.title, "; install it (sh cmake/setup.sh tools) and build again");
    return format;
}

/// .safetensors: ours says what the layers are, or at least what their settings are.
const char* kind_of_safetensors(const std::filesystem::path& path) {
    carousel::detail::Input input("carousel", path);
    const carousel::detail::SafetensorsReader reader(input);
    for (const char* const key : {"carousel.architecture", "carousel.settings"})
        if (reader.metadata().contains(key))
            return "carousel";
    return "pytorch";
}

/// .json: by the members that the formats can't be without.
const char* kind_of_json(const std::filesystem::path& path) {
    const carousel::detail::JsonFile file("carousel", path, std::numeric_limits<double>::max());
    const auto has = [&](const char* name) { return file.root().contains(name); };
    if (has("model_data") || has("state_dict"))
        return "guitarml";
    if (has("architecture") && has("weights"))
        return "nam";
    file.check(has("layers"),
               "is JSON of none of the formats that are known: it has neither \"layers\" (RTNeural, AIDA-X) nor "
               "\"model_data\" (GuitarML)");
    return "rtneural";
}

} // namespace

bool is_mark(const Format& format, const std::string& name) {
    return name.starts_with("carousel.") || (format.mark && name == format.mark);
}

std::span<const Format> formats() {
    static const Format list[] = {
        {.name = "carousel",
         .title = "Carousel's safetensors",
         .extensions = {".safetensors"},
         .written_as = ".safetensors",
         .needs = nullptr,
         .load = load_carousel,
         .save = save_carousel},
        {.name = "pytorch",
         .title = "PyTorch",
         .extensions = {".pt", ".pth", ".tar", ".bin", ".ckpt", ".safetensors"},
         .written_as = ".safetensors",
#ifdef CAROUSEL_TOOL_HAS_PYTORCH
         .needs = nullptr,
         .load = load_torch,
         .save = save_torch,
         .mark = "format",
         .contents = torch_contents
#else
         .needs = "libzip"
#endif
        },
        {.name = "keras",
         .title = "Keras",
         .extensions = {".keras", ".h5", ".hdf5"},
         .written_as = nullptr,
#ifdef CAROUSEL_TOOL_HAS_KERAS
         .needs = nullptr,
         .load = load_keras_file
#else
         .needs = "HDF5 and libzip"
#endif
        },
        {.name = "onnx",
         .title = "ONNX",
         .extensions = {".onnx"},
         .written_as = ".onnx",
#ifdef CAROUSEL_TOOL_HAS_ONNX
         .needs = nullptr,
         .load = load_onnx_file,
         .save = save_onnx_file,
#else
         .needs = "protobuf",
#endif
         .keeps_state = true},
        {.name = "rtneural",
         .title = "RTNeural or AIDA-X",
         .extensions = {".json", ".aidax"},
         .written_as = ".json",
         .needs = nullptr,
         .load = load_rtneural_file,
         .save = save_rtneural_file},
        {.name = "guitarml",
         .title = "GuitarML",
         .extensions = {".json"},
         .written_as = nullptr,
         .needs = nullptr,
         .load = load_guitarml_file},
        {.name = "nam",
         .title = "NAM",
         .extensions = {".nam", ".json"},
         .written_as = ".nam",
         .needs = nullptr,
         .load = load_nam_file,
         .save = save_nam_file,
         .keeps_state = true},
    };
    return list;
}

const Format& format_of_input(const std::filesystem::path& path, const std::string& from) {
    if (!from.empty())
        return there(named(from), path);
    const std::string end = lower_extension(path);
    std::string known;
    std::vector<const Format*> possible;
    for (const Format& format : formats())
        for (const char* const one : format.extensions) {
            if (one == end)
                possible.push_back(&format);
            if (known.find(one) == known.npos)
                known += (known.empty() ? "" : ", ") + std::string(one);
        }
    check_usage(!possible.empty(), path.string(), ": the extension \"", end,
                "\" doesn't say which format it has; say it with --from, or use one of ", known);
    if (possible.size() == 1)
        return there(*possible[0], path);
    return there(named(end == ".json" ? kind_of_json(path) : kind_of_safetensors(path)), path);
}

const Format& format_of_output(const std::filesystem::path& path, const std::string& to) {
    const std::string end = lower_extension(path);
    std::string known;
    const Format* found = nullptr;
    for (const Format& format : formats()) {
        if (!format.written_as)
            continue;
        if (!found && (to.empty() ? format.written_as == end : format.name == to))
            found = &format;
        const std::string as = std::string(format.name) + " (" + format.written_as + ")";
        known += (known.empty() ? "" : ", ") + as;
    }
    check_usage(found || to.empty() || named(to).written_as, path.string(), ": ", to.empty() ? "" : named(to).title,
                " files are read, not written; written are ", known);
    check_usage(found != nullptr, path.string(), ": the extension \"", end,
                "\" doesn't say which format to write; say it with --to: ", known);
    return there(*found, path);
}

std::string format_names(bool written) {
    std::string names;
    for (const Format& format : formats())
        if (!written || format.written_as)
            names += (names.empty() ? "" : ", ") + std::string(format.name);
    return names;
}

std::string missing_formats() {
    std::string text;
    for (const Format& format : formats())
        if (format.needs)
            text += (text.empty() ? "" : ", ") + std::string(format.name) + " (" + format.needs + ")";
    return text;
}

} // namespace tool
