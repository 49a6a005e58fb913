// Names that are like one that isn't there, for a message.
#pragma once

#include "carousel/core/build.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

inline std::string lower_case(std::string_view text) {
    std::string lower(text);
    for (char& c : lower)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return lower;
}

/// How many characters must be changed, added or taken out to make one of the other (Levenshtein 1966).
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t(0));
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t changed = diagonal + (a[i] == b[j] ? 0U : 1U);
            diagonal = row[j + 1];
            row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

/// "; like it is \"OT\"", or if none is: "; there are \"HUFL\", …".
inline std::string names_like(std::string_view name, const std::vector<std::string>& names) {
    constexpr std::size_t most = 20;
    const std::string asked = lower_case(name);
    std::vector<std::string> like;
    for (const std::string& one : names) {
        const std::string other = lower_case(one);
        const bool part = asked.size() > 2 && other.size() > 2 &&
                          (other.find(asked) != other.npos || asked.find(other) != asked.npos);
        if (asked == other || part || edit_distance(asked, other) <= (asked.size() + 1) / 4)
            like.push_back(one);
    }
    if (names.empty())
        return "; it has no columns";
    const std::vector<std::string>& shown = like.empty() ? names : like;
    std::string text = like.empty() ? "; there are " : "; like it ";
    if (!like.empty())
        text += like.size() == 1 ? "is " : "are ";
    for (std::size_t k = 0; k < std::min(shown.size(), most); ++k)
        text += (k > 0 ? ", \"" : "\"") + shown[k] + "\"";
    return text + (shown.size() > most ? ", …" : "");
}

} // namespace carousel::detail
