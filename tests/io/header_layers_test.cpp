#include "carousel/io/header.hpp"

#include "carousel/stream/stream.hpp"

#include "golden/header_models.hpp"
#include "golden/headers/effect.hpp"
#include "golden/headers/reader.hpp"
#include "io/folder.hpp"
#include "support.hpp"

#include "catch.hpp"

using namespace carousel;

namespace {

std::string golden(const char* name) {
    return test::content(std::string(CAROUSEL_TEST_DATA) + "/headers/" + name + ".hpp");
}

template <class M, class Other>
bool same_parameters(const M& model, const Other& other) {
    const auto one = parameters(model), two = parameters(other);
    bool same = one.size() == two.size();
    for (std::size_t k = 0; same && k < one.size(); ++k)
        same = one[k].name == two[k].name && one[k].parameter->value == two[k].parameter->value;
    return same;
}

} // namespace

// tests/golden/make_headers.cpp makes them anew.
TEST_CASE("header: the texts of every layer are those in tests/golden/headers") {
    CHECK(header_text(test::effect(), {.name = "effect"}) == golden("effect"));
    CHECK(header_text(test::reader(), {.name = "reader"}) == golden("reader"));
}

TEST_CASE("header: every layer has the settings and parameters of the one that was written") {
    CHECK(describe(effect::model()) == describe(test::effect()));
    CHECK(describe(reader::model()) == describe(test::reader()));
    CHECK(same_parameters(effect::model(), test::effect()));
    CHECK(same_parameters(reader::model(), test::reader()));
}

TEST_CASE("header: layers that can't be streamed give the same numbers for whole sequences") {
    Sequence<double> tokens(1, 8, 1);
    for (Index t = 0; t < 8; ++t)
        tokens.values()(0, t) = static_cast<double>(t * 3 % 5);
    CHECK(reader::model()(tokens).values() == test::reader()(tokens).values());
}

// A Stream whose sizes are known at compile time uses narrower registers where they suffice, and adds up in another order.
TEST_CASE("header: a stream of every layer gives the same numbers as that of the model that was written") {
    Stream expected{test::effect()};
    auto stream = effect::stream();
    double worst = 0;
    for (int t = 0; t < 100; ++t) {
        const float x[] = {std::sin(static_cast<float>(t)), std::cos(static_cast<float>(t))};
        const auto y = stream(x), other = expected(x);
        for (std::size_t k = 0; k < 3; ++k)
            worst = std::max(worst, std::abs(static_cast<double>(y[k]) - static_cast<double>(other[k])));
    }
    CHECK(worst < 1e-6);
}
