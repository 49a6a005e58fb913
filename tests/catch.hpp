// Catch2, 3 or 2.13, under the names that both have or that are lent to the older one here.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#    include <catch2/catch_all.hpp>
#else
#    include <catch2/catch.hpp>

#    include <string>

namespace Catch {
using Detail::Approx;
} // namespace Catch

namespace Catch::Matchers {
inline auto ContainsSubstring(const std::string& part) {
    return Contains(part);
}
} // namespace Catch::Matchers
#endif
