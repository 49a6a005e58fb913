// FunctionRef: a reference to something that can be called, to hand it through a virtual function.
#pragma once

#include "carousel/core/build.hpp"

#include <memory>
#include <type_traits>
#include <utility>

namespace carousel::inline CAROUSEL_ABI::detail {

template <class Signature>
class FunctionRef;

/// Refers to an object with operator(), which must live while it is called. Copying one costs two pointers;
/// nothing is allocated.
template <class R, class... Args>
class FunctionRef<R(Args...)> {
  public:
    template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef> && std::is_invocable_r_v<R, F&, Args...>)
        FunctionRef(F&& f) // NOLINT: converts from whatever is called
        : object_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
          call_([](void* object, Args... args) -> R {
              auto& called = *static_cast<std::remove_reference_t<F>*>(object);
              if constexpr (std::is_void_v<R>)
                  called(std::forward<Args>(args)...);
              else
                  return called(std::forward<Args>(args)...);
          }) {}

    R operator()(Args... args) const { return call_(object_, std::forward<Args>(args)...); }

  private:
    void* object_;
    R (*call_)(void*, Args...);
};

} // namespace carousel::detail
