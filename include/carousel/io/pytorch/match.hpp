// TorchMatch: which module of a file each layer of a model takes.
#pragma once

#include "carousel/io/pytorch/modules.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// What a layer asks of a module.
struct LayerNeed {
    std::string what; // as messages call the layer
    TorchKind kind;
    bool embedding = false; // of kind matrix: a table, which has no bias
    Index gates = -1;       // -1: any, as of all sizes
    Index input = -1, output = -1, kernel = -1;
    std::optional<bool> bidirectional = {}; // none: any
    std::optional<std::string> module = {}; // none: the next that fits
};

/// Modules are taken in the file's order, one after the other; those that don't fit a layer in kind or sizes are left to
/// the next layers. A file that isn't in the order of the model's layers may have one module that fits, or more whose
/// names differ in numbers alone. The levels of a recurrent module follow each other.
class TorchMatch {
  public:
    /// `modules` and `input` live as long as this. Names of modules may be asked for with the wrapper before them.
    TorchMatch(const TorchModules& modules, bool ordered, const Input& input, std::string wrapper = {})
        : units_(modules.units()), used_(units_.size()), ordered_(ordered), input_(input),
          wrapper_(std::move(wrapper)) {
        for (std::size_t k = 0; k < units_.size(); ++k)
            if (units_[k].kind == TorchKind::recurrent)
                levels_.emplace(std::pair(std::string_view(units_[k].module), units_[k].level), k);
    }

    /// Throws if there is none for it, or more of which any could be meant.
    const TorchUnit& take(const LayerNeed& need) {
        std::vector<std::size_t> found;
        if (const auto next = next_level(); next && need.kind == TorchKind::recurrent) {
            input_.check(fits(units_[*next], need), unit_text(units_[*next]), " is next, but ", need.what,
                         " is of another kind or size");
            found = {*next};
        } else if (need.module)
            found = {named(need)};
        else
            for (std::size_t k = 0; k < units_.size(); ++k)
                if (!used_[k] && (units_[k].kind != TorchKind::recurrent || units_[k].level == 0) &&
                    fits(units_[k], need))
                    found.push_back(k);
        input_.check(!found.empty(), need.what, " finds no module of its kind and sizes", unused());
        if (found.size() > 1 && !ordered_)
            sort_by_number(found, need);
        used_[found[0]] = true;
        last_ = found[0];
        return units_[found[0]];
    }

    /// The level that follows the one taken last; null if there is none.
    const TorchUnit* following() const {
        const auto next = next_level();
        return next ? &units_[*next] : nullptr;
    }

    /// Throws if a module was not taken.
    void expect_no_more() const {
        for (std::size_t k = 0; k < units_.size(); ++k)
            input_.check(used_[k], unit_text(units_[k]),
                         " is not in the model; if it isn't wanted, the option allow_extra passes over it");
    }

  private:
    static bool fits(const TorchUnit& unit, const LayerNeed& need) {
        const auto same = [](Index wanted, Index size) { return wanted < 0 || wanted == size; };
        if (unit.kind != need.kind || !same(need.gates, unit.gates) || !same(need.kernel, unit.kernel))
            return false;
        if (need.kind == TorchKind::prelu && unit.input == 1) // one slope for all features
            return true;
        if (need.embedding) // a table of vocabulary × features
            return !unit.bias && same(need.input, unit.output) && same(need.output, unit.input);
        return same(need.input, unit.input) && same(need.output, unit.output) &&
               (!need.bidirectional || *need.bidirectional == unit.bidirectional());
    }

    std::optional<std::size_t> next_level() const {
        if (last_ == none || units_[last_].kind != TorchKind::recurrent)
            return std::nullopt;
        const auto found = levels_.find(std::pair(std::string_view(units_[last_].module), units_[last_].level + 1));
        return found == levels_.end() || used_[found->second] ? std::nullopt : std::optional(found->second);
    }

    /// What the wrapper is taken off of may itself begin as the wrapper, so the name as it is asked for goes first.
    std::size_t named(const LayerNeed& need) const {
        std::vector<std::string> names{*need.module};
        if (!wrapper_.empty() && (names[0] + ".").starts_with(wrapper_))
            names.push_back(std::string(names[0]).erase(0, wrapper_.size()));
        for (const std::string& asked : names)
            for (std::size_t k = 0; k < units_.size(); ++k)
                if (units_[k].module == asked && units_[k].level == 0) {
                    input_.check(!used_[k], need.what, " asks for \"", shown(*need.module),
                                 "\", which another layer has taken");
                    input_.check(fits(units_[k], need), need.what, " asks for \"", shown(*need.module),
                                 "\", but that is ", unit_text(units_[k]));
                    return k;
                }
        input_.check(false, need.what, " asks for \"", shown(*need.module), "\", which isn't in the file", unused());
        return 0;
    }

    std::string unused() const {
        std::string text;
        int count = 0;
        for (std::size_t k = 0; k < units_.size() && count < 8; ++k)
            if (!used_[k])
                text += (count++ > 0 ? ", " : "; not taken yet: ") + unit_text(units_[k]);
        return count > 0 ? text + (count == 8 ? ", ..." : "") : "; every module of the file is taken";
    }

    /// By the numbers in their names, which must be all that differs.
    void sort_by_number(std::vector<std::size_t>& found, const LayerNeed& need) const {
        const auto parts = [&](std::size_t k) {
            std::pair<std::vector<unsigned long>, std::string> result;
            bool in_number = false;
            for (const char c : units_[k].module) {
                const bool digit = c >= '0' && c <= '9';
                if (digit && !in_number) {
                    result.first.push_back(0);
                    result.second += '#';
                }
                if (digit)
                    result.first.back() = result.first.back() * 10 + static_cast<unsigned long>(c - '0');
                else
                    result.second += c;
                in_number = digit;
            }
            return result;
        };
        const std::string name = parts(found[0]).second;
        for (const std::size_t k : found)
            input_.check(parts(k).second == name, need.what, " could be ", unit_text(units_[found[0]]), " or ",
                         unit_text(units_[k]), ", and the file doesn't say which is first; name the modules");
        std::sort(found.begin(), found.end(), [&](std::size_t a, std::size_t b) {
            return std::pair(parts(a).first, a) < std::pair(parts(b).first, b);
        });
    }

    static constexpr std::size_t none = static_cast<std::size_t>(-1);

    const std::vector<TorchUnit>& units_;
    std::vector<bool> used_;
    bool ordered_;
    const Input& input_;
    std::string wrapper_;
    std::size_t last_ = none;
    std::map<std::pair<std::string_view, Index>, std::size_t> levels_; // of recurrent modules
};

} // namespace carousel::detail
