// Labelled texts: a file with a text a line and whether it is positive.
#pragma once

#include "support/shell.hpp"
#include "support/text.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace example {

struct LabelledText {
    bool positive = false;
    std::string text;
};

/// A file's bytes; those of a file .xz are unpacked by the program xz. Throws std::runtime_error "path: …" if that fails.
inline std::string read_bytes(const std::filesystem::path& path) {
    const auto fail = [&](const char* what) { throw std::runtime_error(path.string() + ": " + what); };
    std::ifstream file(path, std::ios::binary);
    if (!file || std::filesystem::is_directory(path))
        fail("can't be opened");
    if (path.extension() != ".xz")
        return {std::istreambuf_iterator<char>(file), {}};
    if (!program_is_there("xz"))
        fail("to unpack it, the program xz must be on the PATH");
    auto text = output_of("xz -dc -- " + shell_quoted(path.string()));
    if (!text)
        fail("xz can't unpack it");
    return std::move(*text);
}

/// Every line is a label, 0 or 1, and fields after tabs, the last of which is the text; lines end in LF alone. Throws
/// std::runtime_error "path:line: …" if the file can't be read, is empty, a line is none of these, or what decode_utf8 throws.
inline std::vector<LabelledText> read_labelled_texts(const std::filesystem::path& path) {
    const std::string text = read_bytes(path);
    decode_utf8(text, path.string()); // throws if the text isn't UTF-8
    std::vector<LabelledText> list;
    const auto fail = [&](const std::string& what) {
        const std::string line = list.empty() && text.empty() ? "" : ":" + std::to_string(list.size() + 1);
        throw std::runtime_error(path.string() + line + ": " + what);
    };
    for (std::size_t at = 0; at < text.size();) {
        const std::string line = text.substr(at, text.find('\n', at) - at);
        const std::size_t tab = line.find('\t');
        if (tab == std::string::npos)
            fail("there is no tab, expected a label, a tab and a text");
        if (tab != 1 || (line[0] != '0' && line[0] != '1'))
            fail("the label is \"" + line.substr(0, tab) + "\", expected 0 or 1");
        list.push_back({line[0] == '1', line.substr(line.rfind('\t') + 1)});
        at += line.size() + 1;
    }
    if (list.empty())
        fail("is empty");
    return list;
}

} // namespace example
