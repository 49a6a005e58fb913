// Groups: what Keras 3 calls the layers of a model in .keras and .weights.h5 files: by their classes and numbers.
#pragma once

#include "carousel/core/matrix.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail::keras {

/// "BatchNormalization" as Keras writes it in paths: "batch_normalization"; "LSTM" is "lstm", "Conv1D" "conv1d".
inline std::string snake_case(const std::string& name) {
    const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
    const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
    std::string snake;
    for (std::size_t k = 0; k < name.size(); ++k) {
        const bool word =
            k > 0 && upper(name[k]) && (lower(name[k - 1]) || (k + 1 < name.size() && lower(name[k + 1])));
        if (word)
            snake += '_';
        snake += upper(name[k]) ? static_cast<char>(name[k] - 'A' + 'a') : name[k];
    }
    return snake;
}

/// Of each class, in snake case, the numbers and names of the layers, in order.
using Groups = std::map<std::string, std::vector<std::pair<Index, std::string>>>;

inline Groups numbered(const std::vector<std::string>& names) {
    Groups groups;
    for (const std::string& name : names) {
        const std::size_t line = name.rfind('_');
        Index number = 0;
        std::string class_name = name;
        if (line != name.npos && line + 1 < name.size()) {
            const char* const end = name.data() + name.size();
            const auto [read, error] = std::from_chars(name.data() + line + 1, end, number);
            if (error == std::errc() && read == end)
                class_name = name.substr(0, line);
            else
                number = 0;
        }
        groups[class_name].emplace_back(number, name);
    }
    for (auto& [class_name, numbers] : groups)
        std::sort(numbers.begin(), numbers.end());
    return groups;
}

} // namespace carousel::detail::keras
