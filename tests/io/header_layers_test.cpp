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

const Dense<float> dense{1, 1, {.initialize = false}};

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

TEST_CASE("header: states of any layer are written, empty ones as zeros") {
    const Sequential model{Conv1D<float>{1, 1, 2, {.initialize = false}}, Conv1D<float>{1, 1, 1, {.initialize = false}},
                           Bidirectional{GRU<float>{1, 1, {.initialize = false}}, Merge::sum}, dense};
    auto state = model.empty_state();
    std::get<0>(state) = Matrix<float>::Constant(1, 1, 0.5f);
    std::get<2>(state)[1] = Matrix<float>::Constant(1, 1, -2.f);
    const std::string text = header_text(model, {}, state);
    CHECK_THAT(text,
               Catch::Matchers::ContainsSubstring("    set(std::get<0>(state), constants::state_0);\n"
                                                  "    std::get<1>(state).setZero(0, 1);\n"
                                                  "    std::get<2>(state)[0].setZero(1, 1);\n"
                                                  "    set(std::get<2>(state)[1], constants::state_2_reverse);\n"));
    CHECK_THAT(text, Catch::Matchers::ContainsSubstring("state_2_reverse[] = { // 1 x 1\n    -2.f};\n"));
}

TEST_CASE("header: without a stream() where a Stream would refuse the model, and the reason") {
    const auto reason = [](const auto& model) {
        const std::string text = header_text(model), begin = "// There is no stream() of it: ";
        const auto place = text.find(begin);
        CHECK((text.find("carousel::Stream") == text.npos) == (place != text.npos));
        return place == text.npos ? ""
                                  : text.substr(place + begin.size(), text.find(".\n", place) - place - begin.size());
    };
    const RecurrentOptions reverse{.reverse = true, .initialize = false};
    CHECK(reason(Sequential{dense, LastStep{}}) == "");
    CHECK(reason(Conv1D<float>{1, 1, 1, {.padding = Padding::valid, .initialize = false}}) == "");
    CHECK(reason(Sequential{dense, Sequential{dense, GRU<float>{1, 1, reverse}}}) ==
          "layer 1 (Sequential): layer 1 (GRU): it runs in reverse");
    CHECK(reason(Residual{GRU<float>{1, 1, reverse}}) == "it runs in reverse");
    CHECK(reason(Bidirectional{GRU<float>{1, 1, {.initialize = false}}}) == "its first output needs the last sample");
    CHECK(reason(Conv1D<float>{1, 1, 1, {.stride = 2, .initialize = false}}) == "it has a stride");
    CHECK(reason(Conv1D<float>{1, 1, 2, {.padding = Padding::valid, .initialize = false}}) == "its padding is valid");
    CHECK(reason(Sequential{dense, FirstStep{}}) == "layer 1 (FirstStep): there is no StreamPart for it");
    CHECK(reason(Model<float>{Activate{Activation::tanh}}) == "the model takes any number of features");
}
