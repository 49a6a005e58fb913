// CSV files of the examples' numbers. carousel/data/table.hpp reads them.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace example {

/// A column to write; shorter ones are filled up with empty fields, and NaN is one.
struct CsvColumn {
    std::string name;
    std::vector<double> values;
};

/// Throws std::runtime_error if the file can't be written.
inline void write_csv(const std::filesystem::path& path, const std::vector<CsvColumn>& columns) {
    std::ofstream file(path, std::ios::binary);
    std::size_t rows = 0;
    for (std::size_t k = 0; k < columns.size(); ++k) {
        file << (k > 0 ? "," : "") << columns[k].name;
        rows = std::max(rows, columns[k].values.size());
    }
    file << '\n';
    for (std::size_t row = 0; row < rows; ++row, file << '\n')
        for (std::size_t k = 0; k < columns.size(); ++k) {
            file << (k > 0 ? "," : "");
            char text[32];
            if (row < columns[k].values.size() && !std::isnan(columns[k].values[row]))
                file.write(text, std::to_chars(text, text + sizeof text, columns[k].values[row]).ptr - text);
        }
    file.close();
    if (!file)
        throw std::runtime_error(path.string() + ": can't be written");
}

} // namespace example
