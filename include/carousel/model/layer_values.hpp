// LayerValues: the values of a LayerDescription, taken one by one, so that none is overlooked.
#pragma once

#include "carousel/cell/activation_from.hpp"
#include "carousel/core/require.hpp"
#include "carousel/model/layer_description.hpp"

#include <concepts>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// What makes a layer from its description asks it for every value by name, and then for no others.
class LayerValues {
  public:
    /// Reads from this description, which must outlive it.
    explicit LayerValues(const LayerDescription& description)
        : description_(description), taken_(description.values.size()) {}

    /// The description that is read.
    const LayerDescription& description() const { return description_; }

    /// bool, Index, double or std::string; a whole number is a double, too. Throws std::invalid_argument
    /// "LSTM: \"hidden_size\" is missing" or "… is a text, expected a whole number".
    template <class Value>
    Value get(const char* name) {
        const std::optional<Value> value = find<Value>(name);
        check(value.has_value(), name, "is missing");
        return *value;
    }
    /// The same; `otherwise` if it is missing.
    template <class Value>
    Value get(const char* name, Value otherwise) {
        return find<Value>(name).value_or(otherwise);
    }
    /// A whole number from 1 to 2³¹, as sizes are.
    Index size(const char* name) {
        const auto value = get<Index>(name);
        constexpr Index most = detail::power_of_two(31);
        check(value >= 1 && value <= most, name,
              "is " + detail::decimal(value) + ", expected 1 to " + detail::decimal(most));
        return value;
    }
    /// A function by its name; `otherwise` if it is missing. Throws std::invalid_argument if no function has that name.
    Activation activation(const char* name, const Activation& otherwise) {
        const auto text = find<std::string>(name);
        if (!text)
            return otherwise;
        const auto f = activation_from(*text);
        check(f.has_value(), name, "is \"" + *text + "\", expected a function such as \"tanh\"");
        return *f;
    }

    /// Throws std::invalid_argument unless there are so many layers inside and every value was taken: a newer version may
    /// have said what this one would leave out.
    void finish(std::size_t layers = 0) const {
        for (std::size_t k = 0; k < taken_.size(); ++k)
            check(taken_[k], description_.values[k].first.c_str(),
                  "is unknown to this version; load it with a newer one");
        require(description_.layers.size() == layers, description_.type.c_str(), "there are ",
                description_.layers.size(), " layers inside, expected ", layers);
    }

  private:
    template <class Value>
    std::optional<Value> find(const char* name) {
        for (std::size_t k = 0; k < taken_.size(); ++k) {
            const auto& [own_name, value] = description_.values[k];
            if (own_name != name)
                continue;
            taken_[k] = true;
            if (const Value* const found = std::get_if<Value>(&value))
                return *found;
            if constexpr (std::same_as<Value, double>)
                if (const Index* const whole = std::get_if<Index>(&value))
                    return static_cast<double>(*whole);
            constexpr const char* kinds[] = {"a truth", "a whole number", "a number", "a text"};
            check(false, name,
                  std::string("is ") + kinds[value.index()] + ", expected " + kinds[SettingValue(Value{}).index()]);
        }
        return std::nullopt;
    }
    void check(bool holds, const char* name, const std::string& what) const {
        require(holds, description_.type.c_str(), "\"", name, "\" ", what);
    }

    const LayerDescription& description_;
    std::vector<bool> taken_;
};

} // namespace carousel
