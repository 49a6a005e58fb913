// The program of translate-with-attention.md.
#include <carousel/carousel.hpp>

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

using namespace carousel;

namespace {

// Tokens: 0 fills up, 1 begins an answer, 2 ends it, then these characters.
constexpr std::string_view characters = "abcdefghijklmnopqrstuvwxyz 0123456789-";
constexpr Index padding = 0, start = 1, stop = 2, tokens = 3 + static_cast<Index>(characters.size());

float token(char c) {
    return static_cast<float>(3 + characters.find(c));
}

struct Date {
    std::string written, standard; // 7 march 2024, 2024-03-07
};

Date random_date(Random& random) {
    static const char* const months[] = {"january", "february", "march",     "april",   "may",      "june",
                                         "july",    "august",   "september", "october", "november", "december"};
    const auto below = [&](int n) { return static_cast<int>(random.uniform(0, n)); };
    const int year = 1950 + below(100), month = below(12), day = 1 + below(28);
    const auto two = [](int n) { return (n < 10 ? "0" : "") + std::to_string(n); };
    const std::string name = months[month], days = std::to_string(day), years = std::to_string(year);
    return {below(2) == 0 ? days + " " + name + " " + years : name + " " + days + " " + years,
            years + "-" + two(month + 1) + "-" + two(day)};
}

constexpr Index longest = 17, answer = 10; // "september 28 1999", "1999-09-28"

// A question, filled up, then what the decoder hears: start, and the answer one step late. Its targets are the answer and the end.
Dataset<float> dates(const std::vector<Date>& all) {
    const auto count = static_cast<Index>(all.size());
    Dataset<float> data{Sequence<float>(1, longest + answer + 1, count), Sequence<float>(1, answer + 1, count)};
    for (Index k = 0; k < count; ++k) {
        const auto& [written, standard] = all[static_cast<std::size_t>(k)];
        for (std::size_t t = 0; t < written.size(); ++t)
            data.x.step(static_cast<Index>(t))(0, k) = token(written[t]);
        data.x.step(longest)(0, k) = start;
        for (Index t = 0; t < answer; ++t) {
            data.x.step(longest + 1 + t)(0, k) = token(standard[static_cast<std::size_t>(t)]);
            data.y.step(t)(0, k) = token(standard[static_cast<std::size_t>(t)]);
        }
        data.y.step(answer)(0, k) = stop;
    }
    return data;
}

// What was said in place k of the batch.
std::string text(const Sequence<float>& said, Index k) {
    std::string result;
    for (Index t = 0; t < said.steps(); ++t)
        if (const auto number = static_cast<std::size_t>(said.step(t)(0, k)); number >= 3)
            result += characters[number - 3];
    return result;
}

} // namespace

int main() {
    Random random(1);
    std::vector<Date> train, test;
    for (int k = 0; k < 4000; ++k)
        train.push_back(random_date(random));
    for (int k = 0; k < 200; ++k)
        test.push_back(random_date(random));

    EncoderDecoder model{Sequential{Embedding<float>{tokens, 16}, GRU<float>{16, 64}},
                         Sequential{Embedding<float>{tokens, 16}, GRU<float>{16, 64}, Attention<float>{64, 64},
                                    Dense<float>{128, 64, {.activation = Activation::tanh}}, Dense<float>{64, tokens}},
                         {.encoder_steps = longest, .padding = padding}};
    model.initialize(1);
    fit(model, dates(train), SoftmaxCrossEntropy{}, Adam{.learning_rate = 3e-3},
        {.epochs = 25, .batch_size = 32, .clip_norm = 1, .schedule = CosineAnnealing{}});

    Sequence<float> questions(1, longest, 200);
    questions.values() = dates(test).x.values().leftCols(longest * 200);
    const auto state = model.read(questions.view());
    const Sequence<float> said = generate(model.decoder(), state, start, answer, greedy);

    int right = 0;
    for (Index k = 0; k < said.batch(); ++k)
        right += text(said, k) == test[static_cast<std::size_t>(k)].standard ? 1 : 0;
    std::printf("%s: %s\n", test[0].written.c_str(), text(said, 0).c_str());
    std::printf("of 200 new dates more than 90 %% are right: %s\n", right > 180 ? "yes" : "no");
}
