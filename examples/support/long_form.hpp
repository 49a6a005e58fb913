// Long form: labelled sequences of any lengths in one CSV file, a row a step.
#pragma once

#include "support/csv.hpp"

#include <carousel/core/matrix.hpp>

#include <filesystem>
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
    const CsvTable table = read_csv(path);
    if (table.header.size() < 4)
        table.fail(1, std::to_string(table.header.size()) +
                          " columns, expected at least 4: sequence, label, step, and a feature");
    std::vector<std::vector<double>> columns;
    for (std::size_t k = 1; k < table.header.size(); ++k)
        columns.push_back(table.numbers(k));
    const auto features = static_cast<carousel::Index>(columns.size() - 2);

    LabelledSequences all;
    for (std::size_t first = 0, end = 0; first < table.rows.size(); first = end) {
        const double label = columns[0][first];
        for (end = first; end < table.rows.size() && table.rows[end].fields[0] == table.rows[first].fields[0]; ++end) {
            const std::size_t line = table.rows[end].line;
            if (!(label >= 0 && label < static_cast<double>(labels) && label == std::floor(label)) ||
                columns[0][end] != label)
                table.fail(line, "label \"" + table.rows[end].fields[1] + "\", expected " +
                                     (end > first ? "that of the sequence, " + table.rows[first].fields[1]
                                                  : "a whole number, 0 … " + std::to_string(labels - 1)));
            if (columns[1][end] != static_cast<double>(end - first))
                table.fail(line, "step \"" + table.rows[end].fields[2] + "\", expected " + std::to_string(end - first));
        }
        carousel::Matrix<float> x(features, static_cast<carousel::Index>(end - first));
        for (carousel::Index f = 0; f < features; ++f)
            for (std::size_t row = first; row < end; ++row)
                x(f, static_cast<carousel::Index>(row - first)) =
                    static_cast<float>(columns[static_cast<std::size_t>(f) + 2][row]);
        all.x.push_back(std::move(x));
        all.label.push_back(static_cast<carousel::Index>(label));
    }
    return all;
}

} // namespace example
