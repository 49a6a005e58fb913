// Words: a text as the numbers of its words, as Keras' IMDb data set has them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace example {

/// What stands between blanks and punctuation other than the apostrophe, its ASCII letters in lower case: Keras'
/// Tokenizer, but that it knows other letters' lower case, too. "<br />" gives "br", in Keras' data set as here.
inline std::vector<std::string> words(std::string_view text) {
    constexpr std::string_view separators = "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n ";
    std::vector<std::string> list;
    for (std::size_t at = 0; (at = text.find_first_not_of(separators, at)) != std::string_view::npos;) {
        const std::size_t end = std::min(text.find_first_of(separators, at), text.size());
        std::string word(text.substr(at, end - at));
        std::transform(word.begin(), word.end(), word.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
        list.push_back(std::move(word));
        at = end;
    }
    return list;
}

/// The most frequent words of some texts have the numbers 4, 5, …, the most frequent first (of equally frequent ones that
/// which came first); 0 is padding, 1 the start of a text, 2 any other word and 3 nothing: keras.datasets.imdb's
/// numbers, with its defaults.
class Vocabulary {
  public:
    static constexpr std::ptrdiff_t padding = 0, start = 1, unknown = 2, first_word = 4;

    /// Those of the texts, with `size` numbers at most, those four among them.
    Vocabulary(const std::vector<std::vector<std::string>>& texts, std::ptrdiff_t size) {
        std::unordered_map<std::string, std::size_t> counts;
        std::vector<std::string> list;
        for (const auto& text : texts)
            for (const std::string& word : text)
                if (counts[word]++ == 0)
                    list.push_back(word);
        std::stable_sort(list.begin(), list.end(),
                         [&](const std::string& a, const std::string& b) { return counts.at(a) > counts.at(b); });
        list.resize(std::min(list.size(), static_cast<std::size_t>(std::max(size, first_word) - first_word)));
        *this = Vocabulary(std::move(list));
    }

    /// From the list() of another.
    explicit Vocabulary(std::vector<std::string> list) : list_(std::move(list)) {
        for (std::size_t k = 0; k < list_.size(); ++k)
            numbers_[list_[k]] = first_word + static_cast<std::ptrdiff_t>(k);
    }

    /// The words that have numbers, from `first_word` on.
    const std::vector<std::string>& list() const { return list_; }

    std::ptrdiff_t operator[](const std::string& word) const {
        const auto found = numbers_.find(word);
        return found == numbers_.end() ? unknown : found->second;
    }

  private:
    std::vector<std::string> list_;
    std::unordered_map<std::string, std::ptrdiff_t> numbers_;
};

} // namespace example
