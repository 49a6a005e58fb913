// Long form: labelled sequences of any lengths in one CSV file, a row a step.
#pragma once

#include <carousel/core/matrix.hpp>
#include <carousel/data/table.hpp>

#include <cmath>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace example {

struct LabelledSequences {
    std::vector<carousel::Matrix<float>> x; ///< each features × its steps
    std::vector<carousel::Index> label;
};

/// Columns are sequence, label, step and then the features. The rows of a sequence stand together, their steps count
/// from 0, labels are 0 … labels − 1. Throws std::runtime_error "path:line: …" where that isn't so, and what read_csv
/// throws.
inline LabelledSequences read_long_form(const std::filesystem::path& path, carousel::Index labels) {
    using namespace carousel;
    const Table table = read_csv(path, {.header = Header::yes, .missing = {}});
    const auto columns = static_cast<carousel::Index>(table.columns().size());
    if (columns < 4)
        throw std::runtime_error(path.string() + ":1: " + std::to_string(columns) +
                                 " columns, expected at least 4: sequence, label, step, and a feature");
    std::vector<std::string> numbers;
    for (carousel::Index k = 2; k <= columns; ++k)
        numbers.push_back(std::to_string(k));
    for (const Column& column : table.columns())
        if (&column != &table.columns().front() && column.kind != ColumnKind::numbers && column.mixed.empty())
            throw std::runtime_error(table.place(0) + ": column \"" + column.name +
                                     "\" has words, expected finite numbers");
    const std::vector<double>& who = table.columns().front().values;
    const carousel::Matrix<double> rows = table.matrix<double>(numbers); // label, step, features
    const auto fail = [&](carousel::Index row, const std::string& what) {
        throw std::runtime_error(table.place(row) + ": " + what);
    };
    const auto text = [&](carousel::Index k, carousel::Index row) { return carousel::detail::shortest(rows(k, row)); };

    LabelledSequences all;
    const carousel::Index count = table.rows(), features = columns - 3;
    for (carousel::Index first = 0, end = 0; first < count; first = end) {
        const double label = rows(0, first);
        const auto same = [&](carousel::Index row) {
            return who[static_cast<std::size_t>(row)] == who[static_cast<std::size_t>(first)];
        };
        for (end = first; end < count && same(end); ++end) {
            if (!(label >= 0 && label < static_cast<double>(labels) && label == std::floor(label)) ||
                rows(0, end) != label)
                fail(end, "label \"" + text(0, end) + "\", expected " +
                              (end > first ? "that of the sequence, " + text(0, first)
                                           : "a whole number, 0 … " + std::to_string(labels - 1)));
            if (rows(1, end) != static_cast<double>(end - first))
                fail(end, "step \"" + text(1, end) + "\", expected " + std::to_string(end - first));
        }
        all.x.push_back(rows.block(2, first, features, end - first).cast<float>());
        all.label.push_back(static_cast<carousel::Index>(label));
    }
    return all;
}

} // namespace example
