// EachParameter: each_parameter of a layer, for a layer that may change and for a const one.
#pragma once

#include "carousel/core/build.hpp"

namespace carousel::inline CAROUSEL_ABI::detail {

/// A layer derives from it and is a friend to it. What is visited stands once, in
///
///     template <class Self, class F>
///     static void visit_parameters(Self& self, F& f);     // f(name, parameter) for every one, const if `self` is
template <class L>
class EachParameter {
  public:
    template <class F>
    void each_parameter(F&& f) {
        L::visit_parameters(static_cast<L&>(*this), f);
    }
    template <class F>
    void each_parameter(F&& f) const {
        L::visit_parameters(static_cast<const L&>(*this), f);
    }

  protected:
    EachParameter() = default;
};

} // namespace carousel::detail
