// Pairs: questions with their answers, a line each, as "16+75  _91  ", and what an encoder–decoder is trained with.
#pragma once

#include "support/text.hpp"

#include <carousel/train/dataset.hpp>

#include <algorithm>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace example {

/// Lines of a question, '_' and an answer, padded with spaces to the same places.
struct Pairs {
    std::string name; ///< the file's
    std::vector<std::u32string> lines;
    Index question = 0, answer = 0; ///< characters of each
    Alphabet alphabet{U""};

    Index size() const { return static_cast<Index>(lines.size()); }
};

/// Reads a file; a line that occurs again is skipped. Throws std::runtime_error "file:line: …" at the first that doesn't fit, or what read_text
/// throws.
inline Pairs read_pairs(const std::filesystem::path& path) {
    const std::u32string text = read_text(path);
    Pairs pairs{.name = path.string(), .lines = {}, .alphabet = Alphabet(U"")};
    const auto refuse = [&](const auto&... what) {
        std::ostringstream message;
        message << pairs.name << ":" << pairs.lines.size() + 1 << ": ";
        (message << ... << what);
        throw std::runtime_error(message.str());
    };
    std::u32string characters;
    for (std::size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
        end = std::min(text.find(U'\n', begin), text.size());
        std::u32string line = text.substr(begin, end - begin);
        if (line.ends_with(U'\r'))
            line.pop_back();
        const auto question = static_cast<Index>(line.find(U'_'));
        const Index answer = static_cast<Index>(line.size()) - question - 1;
        if (question < 1 || answer < 1)
            refuse("expected a question, '_' and an answer");
        if (pairs.lines.empty()) {
            pairs.question = question;
            pairs.answer = answer;
        }
        if (question != pairs.question || answer != pairs.answer)
            refuse("a question of ", question, " and an answer of ", answer, " characters, expected ", pairs.question,
                   " and ", pairs.answer, " as in the first line");
        characters += line;
        pairs.lines.push_back(std::move(line));
    }
    pairs.alphabet = Alphabet(std::move(characters));
    std::sort(pairs.lines.begin(), pairs.lines.end());
    pairs.lines.erase(std::unique(pairs.lines.begin(), pairs.lines.end()), pairs.lines.end());
    return pairs;
}

/// The chosen pairs as samples of numbers in the alphabet. x: the question, read backwards if `reversed`, then '_' and
/// the answer without its last character, which is what the decoder hears under teacher forcing; y: the answer, what it
/// is to say.
inline carousel::Dataset<float> samples(const Pairs& pairs, std::span<const Index> chosen, bool reversed) {
    const auto count = static_cast<Index>(chosen.size()), Q = pairs.question, A = pairs.answer;
    carousel::Dataset<float> data{carousel::Sequence<float>(1, Q + A, count), carousel::Sequence<float>(1, A, count)};
    for (Index k = 0; k < count; ++k) {
        std::vector<Index> line = pairs.alphabet.numbers(
            pairs.lines[static_cast<std::size_t>(chosen[static_cast<std::size_t>(k)])], pairs.name);
        if (reversed)
            std::reverse(line.begin(), line.begin() + Q);
        for (Index t = 0; t < Q + A; ++t)
            data.x.step(t)(0, k) = static_cast<float>(line[static_cast<std::size_t>(t)]);
        for (Index t = 0; t < A; ++t)
            data.y.step(t)(0, k) = static_cast<float>(line[static_cast<std::size_t>(Q + 1 + t)]);
    }
    return data;
}

} // namespace example
