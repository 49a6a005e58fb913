// The dates of a table as one text.
#pragma once

#include "carousel/data/table.hpp"

#include <string>
#include <vector>

namespace carousel::test {

using Names = std::vector<std::string>;

inline std::string dates(const Table& table) {
    std::string all;
    for (const DateTime date : table.dates())
        all += (all.empty() ? "" : ", ") + date_text(date);
    return all;
}

} // namespace carousel::test
