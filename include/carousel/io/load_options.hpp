// LoadOptions: a part of a file, or a file under other names, for a model.
#pragma once

#include "carousel/core/build.hpp"

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace carousel::inline CAROUSEL_ABI {

/// How a file is matched with a model; by default everything must be in both. The file may be an older model's:
///
///     // Sequential{LSTM, LastStep, Dense} was saved; a Dropout was put in front of the LSTM since:
///     load_safetensors(path, model, {.names = {{"0.LSTM", "1.LSTM"}, {"1.LastStep", "2.LastStep"}, {"2.Dense", "3.Dense"}}});
///     // the layers of a language model, under a new Dense layer (4.Dense) that is to be trained:
///     load_safetensors(path, classifier, {.names = {{"4.Dense", "unused"}}, .allow_missing = true, .allow_extra = true});
///     // an encoder alone, out of an EncoderDecoder
///     load_safetensors(path, encoder, {.names = {{"encoder", ""}}, .allow_extra = true});
struct LoadOptions {
    /// From names in the file to names in the model. A name is a parameter's ("0.LSTM.W") or that of all whose names
    /// begin with it and a dot ("0.LSTM"; "" means all). Of several that fit a parameter the longest counts. What none
    /// fits keeps its name. It holds for settings and for what an optimizer remembers as well.
    std::map<std::string, std::string> names = {};
    bool allow_missing = false; ///< parameters that the file lacks keep their values; one at least must be in it
    bool allow_extra = false;   ///< what the model lacks is passed over
    /// Whether layers must have the settings (direction, activations …) with which they were saved. A file of another
    /// program, which has none, is loaded all the same.
    bool check_settings = true;
};

namespace detail {

/// What LoadOptions::names says of each name.
class Renaming {
  public:
    explicit Renaming(const std::map<std::string, std::string>& names) : names_(names) {}

    /// The name in the model of what has this one in the file.
    std::string operator()(const std::string& name) {
        if (names_.empty())
            return name;
        for (std::size_t end = name.size();;) {
            if (const auto found = names_.find(name.substr(0, end)); found != names_.end()) {
                used_.insert(found->first);
                const std::string rest = name.substr(end > 0 && end < name.size() ? end + 1 : end);
                return found->second + (found->second.empty() || rest.empty() ? "" : ".") + rest;
            }
            if (end == 0)
                return name;
            const std::size_t dot = name.rfind('.', end - 1);
            end = dot == std::string::npos ? 0 : dot;
        }
    }

    /// The first of the map's names that none of the file's was; null if there is none.
    const std::string* unused() const {
        for (const auto& [from, to] : names_)
            if (!used_.contains(from))
                return &from;
        return nullptr;
    }

  private:
    const std::map<std::string, std::string>& names_;
    std::set<std::string> used_;
};

} // namespace detail

} // namespace carousel
