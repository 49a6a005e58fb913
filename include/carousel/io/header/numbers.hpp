// The weights and states of a model as arrays of constants in C++.
#pragma once

#include "carousel/core/finite.hpp"
#include "carousel/core/parameter.hpp"
#include "carousel/io/header/cpp_text.hpp"

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail::header {

/// Where a layer is in the model, and in the header.
struct Place {
    std::string parameters; ///< how the names of its parameters begin: "2.LSTM."
    std::string layer;      ///< the expression for it: "result.layer<2>()"
    std::string state;      ///< and for its State: "std::get<2>(state)"
    std::string arrays;     ///< how the names of its arrays end: "_2"
};

/// Takes the parameters and states of a model in its order of them. For each it writes an array, and a statement that copies
/// the array to where the model in the header has the numbers.
template <std::floating_point S>
class Numbers {
  public:
    /// No states: none are written. A state that is an empty matrix is zero.
    Numbers(std::vector<NamedParameter<const S>> parameters, std::vector<const Matrix<S>*> states)
        : parameters_(std::move(parameters)), states_(std::move(states)) {}

    /// Takes the next parameter, `name` of the layer at a place. Throws std::invalid_argument "type: …" if it is another's or
    /// isn't a finite rows × columns matrix.
    void parameter(const std::string& type, const char* name, Index rows, Index columns, const Place& at) {
        const bool there =
            next_parameter_ < parameters_.size() && parameters_[next_parameter_].name == at.parameters + name;
        require(there, type.c_str(), "it has no parameter ", name, ", expected the library's layer of this type");
        const Matrix<S>& value = parameters_[next_parameter_++].parameter->value;
        require(value.rows() == rows && value.cols() == columns, type.c_str(), name, " is ", value.rows(), " x ",
                value.cols(), ", expected ", rows, " x ", columns, "; give it a value of that shape");
        append_array(type, name, value, name + at.arrays);
        set_parameters_ += "    set(" + at.layer + "." + name + "(), constants::" + name + at.arrays + ");\n";
    }

    /// Takes the next state, rows × 1, of the layer at a place.
    void state(const std::string& type, Index rows, const Place& at) {
        if (states_.empty())
            return;
        require(next_state_ < states_.size(), type.c_str(), "the state has no matrix for it; give one for every layer");
        const Matrix<S>& value = *states_[next_state_++];
        require(value.size() == 0 || (value.rows() == rows && value.cols() == 1), type.c_str(), "the state is ",
                value.rows(), " x ", value.cols(), ", expected ", rows, " x 1, or an empty matrix for zero");
        if (value.size() == 0) {
            set_states_ += "    " + at.state + ".setZero(" + decimal(rows) + ", 1);\n";
            return;
        }
        append_array(type, "the state", value, "state" + at.arrays);
        set_states_ += "    set(" + at.state + ", constants::state" + at.arrays + ");\n";
    }

    /// Whether every parameter and every state has been taken.
    bool finished() const { return next_parameter_ == parameters_.size() && next_state_ == states_.size(); }

    const std::string& arrays() const { return arrays_; }
    const std::string& set_parameters() const { return set_parameters_; }
    const std::string& set_states() const { return set_states_; }
    /// How many numbers the parameters are.
    Index parameters() const {
        Index sum = 0;
        for (const auto& named : parameters_)
            sum += named.parameter->size();
        return sum;
    }

  private:
    void append_array(const std::string& type, const char* what, const Matrix<S>& value, const std::string& name) {
        const Index bad = non_finite_at(value.data(), value.size());
        if (bad < value.size()) // C++ has no literal for it
            require(false, type.c_str(), what, "(", bad % value.rows(), ", ", bad / value.rows(), ") is ",
                    value.data()[bad], ", expected a finite number; train or load the model anew");
        constexpr std::size_t line = 116;
        arrays_ += std::string("inline constexpr ") + (std::same_as<S, float> ? "float " : "double ") + name +
                   "[] = { // " + decimal(value.rows()) + " x " + decimal(value.cols()) +
                   (value.cols() > 1 ? ", column by column" : "") + "\n   ";
        std::size_t begin = arrays_.size() - 3;
        for (Index k = 0; k < value.size(); ++k) {
            std::string number = " ";
            append_literal(number, value.data()[k]);
            if (arrays_.size() - begin + number.size() > line) {
                arrays_ += "\n   ";
                begin = arrays_.size() - 3;
            }
            (arrays_ += number) += k + 1 < value.size() ? "," : "};\n";
        }
    }

    std::vector<NamedParameter<const S>> parameters_;
    std::vector<const Matrix<S>*> states_;
    std::size_t next_parameter_ = 0, next_state_ = 0;
    std::string arrays_, set_parameters_, set_states_;
};

} // namespace carousel::detail::header
