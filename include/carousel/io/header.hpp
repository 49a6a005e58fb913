// A trained model as a C++ header: weights as constants, sizes at compile time, for firmware and plugins. Not part of
// carousel.hpp; no dependency besides Eigen.
#pragma once

#include "carousel/io/header/text.hpp"
#include "carousel/io/replace_file.hpp"
#include "carousel/model/layer_description.hpp"
#include "carousel/model/model_file.hpp"

#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// What save_header may be told.
struct HeaderOptions {
    /// The namespace of what the header declares. It must be a name that nothing global in the programs has, such as a
    /// function of the C library (`gamma`, `time`).
    std::string name = "model";
    Metadata metadata = {}; ///< become constants, "sample_rate", in Hz, as a number, too
};

namespace detail::header {

template <class M>
std::string text_of(const M& model, const HeaderOptions& options, const typename M::State& state, const char* where) {
    using S = typename M::Scalar;
    std::vector<const Matrix<S>*> states;
    bool has_state = false;
    each_state(state, [&](const Matrix<S>& matrix) {
        states.push_back(&matrix);
        has_state |= matrix.size() > 0;
    });
    if (!has_state)
        states.clear();
    return text_of({describe(model), detail::input_size(model), has_state, options.name, options.metadata},
                   Numbers<S>(parameters(model), std::move(states)), where);
}

inline void save(const std::filesystem::path& path, const std::string& text) {
    replace_file(path, {std::as_bytes(std::span(text))}, "save_header");
}

template <class S>
HeaderOptions with_metadata_of(const ModelFile<S>& file, HeaderOptions options) {
    options.metadata.insert(file.metadata.begin(), file.metadata.end());
    return options;
}

} // namespace detail::header

/// The text of a header with a model in it: a Model, a Sequential or a layer of the library's layers. A program that
/// includes it needs carousel's headers and Eigen, and neither files nor exceptions nor run-time type information:
///
///     #include "amp.hpp"                       // HeaderOptions::name is "amp"
///
///     carousel::Stream<amp::Model> stream = amp::stream();
///     float y = stream(x);
///
/// In its namespace are
///
///     using Model = carousel::Sequential<…>;   // layers with their sizes at compile time, where a type has them
///     Model model();                           // the model with its weights, the same to the last bit
///     carousel::Stream<Model> stream();        // unless a layer can't be streamed
///     Model::State initial_state();            // if `state` isn't zero; stream() begins in it
///     constexpr double sample_rate;            // if the metadata has it
///     constexpr std::pair<std::string_view, std::string_view> metadata[];    // if there are any
///
/// `state` is one for a batch of one; empty matrices are zero. Seeds and initializers aren't part of it.
///
/// Throws std::invalid_argument "header_text: layer 2 (Echo): …" if a layer isn't one of the library's, a parameter has
/// another shape than its layer gave it or a number that isn't finite, layers are inside one another more than 16 deep, or
/// the name, the state or the metadata can't be written.
template <class M>
requires requires {
    typename M::Scalar;
}
std::string header_text(const M& model, const HeaderOptions& options = {}, const typename M::State& state = {}) {
    return detail::header::text_of(model, options, state, "header_text");
}

/// The same of all that a loader found: `options.metadata` come first, the file's are added.
template <class S>
std::string header_text(const ModelFile<S>& file, const HeaderOptions& options = {}) {
    return detail::header::text_of(file.model, detail::header::with_metadata_of(file, options), file.state,
                                   "header_text");
}

/// Writes the header to a file, which is replaced as a whole (replace_file). Throws as header_text does, before anything
/// is written, and std::runtime_error if the file can't be written; the old file is whole then.
template <class M>
requires requires {
    typename M::Scalar;
}
void save_header(const std::filesystem::path& path, const M& model, const HeaderOptions& options = {},
                 const typename M::State& state = {}) {
    detail::header::save(path, detail::header::text_of(model, options, state, "save_header"));
}

template <class S>
void save_header(const std::filesystem::path& path, const ModelFile<S>& file, const HeaderOptions& options = {}) {
    detail::header::save(path, detail::header::text_of(file.model, detail::header::with_metadata_of(file, options),
                                                       file.state, "save_header"));
}

} // namespace carousel
