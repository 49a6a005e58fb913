// The formats of model files that the program knows: a name, extensions, and two functions. No layer is included here: each format's
// own file knows them, behind the Model.
#pragma once

#include "carousel/model/model_file.hpp"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tool {

using carousel::Index;
using Net = carousel::ModelFile<float>;

/// What a user says besides the file's name. Each is of one format.
struct LoadOptions {
    std::string architecture = {};  ///< PyTorch: what is done with the modules
    std::string dictionary = {};    ///< PyTorch: the keys that lead to the dictionary of tensors
    std::string prefix = {};        ///< PyTorch: of the names of the tensors that are taken
    std::optional<bool> skip = {};  ///< GuitarML: whether the input is added to the output
    bool prewarm = false;           ///< NAM: runs on silence first
    Index block = 512;              ///< NAM: samples of a host's buffer
    int keras_version = 0;          ///< Keras: 2 or 3, of a file that doesn't say it
    bool lengths_for_masks = false; ///< Keras: loads models with masks
    std::string first_layer = {};   ///< Keras: the first layer that is loaded
    std::string last_layer = {};    ///< Keras: the last one
    std::string output = {};        ///< ONNX: the result that is loaded, of several
};

struct SaveOptions {
    std::vector<std::string> modules = {}; ///< PyTorch: the names of the modules
    bool states = false;                   ///< ONNX: states are inputs and outputs
};

struct Format {
    const char* name;  ///< for --from and --to
    const char* title; ///< for people
    std::vector<const char*> extensions;
    const char* written_as; ///< the extension of files that are written; null: none are
    const char* needs;      ///< the libraries that this program was built without; null: it has them
    Net (*load)(const std::filesystem::path&, const LoadOptions&) = nullptr;
    void (*save)(const std::filesystem::path&, const Net&, const SaveOptions&) = nullptr;
    const char* mark = nullptr; ///< an entry of the metadata besides Carousel's own that says which format it is
    bool keeps_state = false;   ///< in a file that is written with SaveOptions::states = false
    /// What is in a file that load refuses; empty if nothing can be said.
    std::string (*contents)(const std::filesystem::path&, const LoadOptions&) = nullptr;
};

/// Whether an entry of the metadata is what a file of the format says of itself; a model that is loaded is without it.
bool is_mark(const Format& format, const std::string& name);

/// All of them, also those that the program was built without.
std::span<const Format> formats();

/// Of a file that is read: the one named `from`, or if that is empty by the extension, and where several formats have it by what
/// is in the file. Throws Usage if there is none, std::runtime_error if the program was built without it.
const Format& format_of_input(const std::filesystem::path& path, const std::string& from);

/// Of a file that is written, by `to` or its extension.
const Format& format_of_output(const std::filesystem::path& path, const std::string& to);

/// "carousel, pytorch, …": all of them, or those that are written.
std::string format_names(bool written = false);

/// The formats that the program was built without, as "keras (HDF5), onnx (protobuf)"; empty if it has all.
std::string missing_formats();

// One file each, named as the format.
Net load_carousel(const std::filesystem::path&, const LoadOptions&);
void save_carousel(const std::filesystem::path&, const Net&, const SaveOptions&);
Net load_torch(const std::filesystem::path&, const LoadOptions&);
void save_torch(const std::filesystem::path&, const Net&, const SaveOptions&);
std::string torch_contents(const std::filesystem::path&, const LoadOptions&);
Net load_keras_file(const std::filesystem::path&, const LoadOptions&);
Net load_onnx_file(const std::filesystem::path&, const LoadOptions&);
void save_onnx_file(const std::filesystem::path&, const Net&, const SaveOptions&);
Net load_rtneural_file(const std::filesystem::path&, const LoadOptions&);
void save_rtneural_file(const std::filesystem::path&, const Net&, const SaveOptions&);
Net load_guitarml_file(const std::filesystem::path&, const LoadOptions&);
Net load_nam_file(const std::filesystem::path&, const LoadOptions&);
void save_nam_file(const std::filesystem::path&, const Net&, const SaveOptions&);

} // namespace tool
