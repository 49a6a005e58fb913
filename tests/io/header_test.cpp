#include "carousel/io/header.hpp"

#include "carousel/layer/activate.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/stream/stream.hpp"

#include "golden/header_amplifier.hpp"
#include "golden/headers/amplifier.hpp"
#include "io/folder.hpp"
#include "support.hpp"

#include "catch.hpp"

using namespace carousel;

namespace {

/// Layers that the library hasn't: one with a name of its own, and one that has Dense's.
struct Echo {
    template <class>
    using State = NoState;
    template <class>
    using Tape = NoState;
    std::string called = "Echo";
    std::string name() const { return called; }
    Index output_size(Index input) const { return input; }
    template <class F>
    void each_parameter(F&&) const {}
    template <class F>
    void each_option(F&& f) const {
        f("input_size", Index(1));
        f("output_size", Index(1));
        f("activation", "linear");
    }
    void initialize(Random&) {}
    template <class S>
    SequenceView<S> forward(SequenceView<S> x, NoState&, NoState = {}) const {
        return x;
    }
    template <class S>
    SequenceView<S> infer(SequenceView<S> x, NoState&, NoState = {}) const {
        return x;
    }
    template <class S>
    SequenceView<S> backward(SequenceView<S> dy, NoState&, const BackwardOptions<NoState>& = {}) {
        return dy;
    }
    void final_state(const NoState&, NoState&) const {}
};

std::string golden(const char* name) {
    return test::content(std::string(CAROUSEL_TEST_DATA) + "/headers/" + name + ".hpp");
}

/// The message of the refusal.
template <class M>
std::string refused(const M& model, const HeaderOptions& options = {}, const typename M::State& state = {}) {
    return test::error<std::invalid_argument>([&] { header_text(model, options, state); });
}

const Dense<float> dense{1, 1, {.initialize = false}};

} // namespace

// tests/golden/make_headers.cpp makes it anew.
TEST_CASE("header: the text of an amplifier is the one in tests/golden/headers") {
    CHECK(header_text(test::amplifier(), {.name = "amplifier"}) == golden("amplifier"));
    CHECK(header_text(amplifier::model(), {.name = "amplifier"}) ==
          header_text(test::amplifier().model, {.name = "amplifier"}));
}

TEST_CASE("header: its model gives the same numbers for whole sequences") {
    Random random(1);
    const auto x = test::random_sequence<float>(1, 7, 2, random);
    CHECK(amplifier::model()(x).values() == test::amplifier().model(x).values());
}

// A Stream whose sizes are known at compile time uses narrower registers where they suffice, and adds up in another order.
TEST_CASE("header: its stream gives the same numbers as the stream of the model that was written") {
    const auto file = test::amplifier();
    Stream expected{file.model};
    expected.set_state(file.state);
    auto stream = amplifier::stream();
    double worst = 0;
    for (int t = 0; t < 100; ++t) {
        const float x = std::sin(static_cast<float>(t));
        worst = std::max(worst, std::abs(static_cast<double>(stream(x)) - static_cast<double>(expected(x))));
    }
    CHECK(worst < 1e-6);
}

TEST_CASE("header: a state that isn't zero is where its stream begins, the metadata are constants") {
    CHECK(std::get<0>(amplifier::stream().state()) == test::amplifier().state[0]);
    CHECK(std::get<0>(amplifier::initial_state()) == test::amplifier().state[0]);
    static_assert(amplifier::sample_rate == 44100);
    static_assert(std::size(amplifier::metadata) == 2);
    CHECK(amplifier::metadata[0].first == "name");
    CHECK(amplifier::metadata[0].second == "Twin \"65\" \xE2\x99\xAB");
    CHECK(amplifier::metadata[1].second == "44100");
}

TEST_CASE("header: the shortest literals that have a number's bits") {
    const auto text = [](auto number) { return detail::header::literal(number); };
    CHECK(text(0.1f) == "0.1f");
    CHECK(text(0.1) == "0.1");
    CHECK(text(16777216.f) == "16777216.f");
    CHECK(text(-0.f) == "-0.f");
    CHECK(text(-0.) == "-0.");
    CHECK(text(1e22) == "1e+22");
    CHECK(text(std::numeric_limits<float>::denorm_min()) == "1e-45f");
    CHECK(text(std::numeric_limits<float>::max()) == "3.4028235e+38f");
}

TEST_CASE("header: functions are expressions in C++") {
    const auto text = [](const Activation& f) { return detail::header::expression(f); };
    CHECK(text(Activation::selu) == "carousel::Activation::selu");
    CHECK(text(Activation::leaky_relu(0.1)) == "carousel::Activation::leaky_relu(0.1)");
    CHECK(text(Activation::affine(2, -0.)) == "carousel::Activation::affine(2., -0.)");
    CHECK(text(Activation::hard_sigmoid().clipped(6)) == "carousel::Activation::hard_sigmoid(0.2, 0.5).clipped(6.)");
    CHECK(refused(Sequential{dense, Activate{Activation::affine(std::numeric_limits<double>::infinity())}}) ==
          "header_text: layer 1 (Activation): \"activation\" is \"affine(inf, 0)\", expected a function such as "
          "\"tanh\"");
}

TEST_CASE("header: texts are escaped so that they are the same in any encoding") {
    CHECK(detail::header::string_literal("a\"b\\c?") == R"("a\"b\\c\?")");
    CHECK(detail::header::string_literal("\n1\xC3") == R"("\0121\303")");
    const std::string text = header_text(dense, {.metadata = {{std::string("a\0b", 3), "c"}}});
    CHECK_THAT(text, Catch::Matchers::ContainsSubstring(R"(    {{"a\000b", 3}, "c"}};)"));
}

TEST_CASE("header: a single layer is a model") {
    const std::string text = header_text(dense, {.name = "line"});
    CHECK_THAT(text, Catch::Matchers::ContainsSubstring("using Model = carousel::Dense<float, 1, 1>;"));
    CHECK_THAT(text, Catch::Matchers::ContainsSubstring("    Model result = Model{carousel::uninitialized};\n"));
    CHECK_THAT(text, Catch::Matchers::ContainsSubstring("    set(result.W(), constants::W);\n"));
}

TEST_CASE("header: what isn't a layer of the library is refused by name") {
    const std::string why =
        "it is no layer of the library, so a header can't name it; write the header of a model without it";
    CHECK(refused(Sequential{dense, LastStep{}, Echo{}}) == "header_text: layer 2 (Echo): " + why);
    CHECK(refused(Sequential{dense, Sequential{dense, Echo{}}}) ==
          "header_text: layer 1 (Sequential): layer 1 (Echo): " + why);
    CHECK(refused(Sequential{Echo{"Dense"}, dense, Echo{"Dense"}}) ==
          "header_text: layer 0 (Dense): it has no parameter W, expected the library's layer of this type");
    CHECK(refused(Model<float>{}) == "header_text: it has no layers; add() some");
    Model<float> deep{dense};
    for (int k = 0; k < 16; ++k)
        deep = Model<float>{deep, LastStep{}};
    CHECK_THAT(refused(deep),
               Catch::Matchers::EndsWith("layer 0 (Sequential): layers are inside one another more than 16 deep"));
}

TEST_CASE("header: parameters and states that can't be written are refused by name") {
    auto model = Sequential{dense, dense};
    model.layer<1>().b().value(0) = std::numeric_limits<float>::quiet_NaN();
    CHECK(refused(model) ==
          "header_text: layer 1 (Dense): b(0, 0) is nan, expected a finite number; train or load the model anew");
    model.layer<1>().b().value.setZero(2, 1);
    CHECK(refused(model) == "header_text: layer 1 (Dense): b is 2 x 1, expected 1 x 1; give it a value of that shape");
    const LSTM<float> lstm{2, 2, {.initialize = false}};
    CHECK(refused(lstm, {}, Matrix<float>::Zero(3, 1)) ==
          "header_text: LSTM: the state is 3 x 1, expected 4 x 1, or an empty matrix for zero");
    CHECK(refused(lstm, {}, Matrix<float>::Constant(4, 1, std::numeric_limits<float>::infinity())) ==
          "header_text: LSTM: the state(0, 0) is inf, expected a finite number; train or load the model anew");
    CHECK(refused(Model<float>{lstm, lstm}, {}, {Matrix<float>::Zero(4, 1)}) ==
          "header_text: layer 1 (LSTM): the state has no matrix for it; give one for every layer");
    CHECK(refused(Model<float>{lstm}, {}, std::vector(2, Matrix<float>(Matrix<float>::Zero(4, 1)))) ==
          "header_text: the model has more parameters or states than the layers that it describes");
}

TEST_CASE("header: names and metadata that can't be written are refused") {
    const auto name = [](const char* text) { return refused(dense, {.name = text}); };
    const std::string end = ", expected one for a namespace, such as \"model\"";
    CHECK(name("my-model") == "header_text: the name \"my-model\" isn't a name in C++" + end);
    CHECK(name("") == "header_text: the name \"\" isn't a name in C++" + end);
    CHECK(name("2x") == "header_text: the name \"2x\" isn't a name in C++" + end);
    CHECK(name("a__b") == "header_text: the name \"a__b\" is a name that C++ reserves" + end);
    CHECK(name("_a") == "header_text: the name \"_a\" is a name that C++ reserves" + end);
    CHECK(name("xor") == "header_text: the name \"xor\" is a keyword of C++" + end);
    for (const std::string taken : {"std", "Eigen", "carousel"})
        CHECK(name(taken.c_str()) == "header_text: the name \"" + taken + "\" is taken by something else" + end);
    for (const std::string taken : {"gamma", "time", "index", "y0", "signal", "read", "errno", "abort", "yn"})
        CHECK(name(taken.c_str()) == "header_text: the name \"" + taken + "\" is a name of the C library" + end);
    CHECK(name("gammas") == "");
    CHECK(name("model") == "");
    CHECK(name("Amp_2") == "");
    CHECK(
        refused(dense, {.metadata = {{"sample_rate", "fast"}}}) ==
        "header_text: the metadata has the sample_rate \"fast\", expected a sample rate in Hz, more than 0 and at most "
        "10000000");
    CHECK(refused(dense, {.metadata = {{"words", std::string(65536, 'a')}}}) ==
          "header_text: the metadata \"words\" has 65536 bytes, expected at most 65535; leave it out");
}

TEST_CASE("header: the file is the text, and what is refused leaves the old one") {
    const test::Folder folder;
    const auto path = folder / "model.hpp";
    save_header(path, dense);
    CHECK(test::content(path) == header_text(dense));
    const std::string message = test::error<std::invalid_argument>([&] {
        save_header(path, Sequential{dense, Echo{}});
    });
    CHECK(message == "save_header: layer 1 (Echo): it is no layer of the library, so a header can't name it; write the "
                     "header of a model without it");
    CHECK(test::content(path) == header_text(dense));
    save_header(path, test::amplifier(), {.name = "amplifier"});
    CHECK(test::content(path) == golden("amplifier"));
    CHECK(folder.files() == 1);
    CHECK_THAT(
        test::error<std::runtime_error>([&] { save_header(folder / "no" / "model.hpp", dense); }),
        Catch::Matchers::StartsWith("save_header: " + (folder / "no" / "model.hpp").string() + ": can't be written: "));
}
