// The program of text-by-character.md.
#include <carousel/carousel.hpp>

#include <algorithm>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

using namespace carousel;

namespace {

const char* const months[] = {"january", "february", "march",     "april",   "may",      "june",
                              "july",    "august",   "september", "october", "november", "december"};

std::string sentence(std::size_t month) {
    return std::string("after ") + months[month] + " comes " + months[(month + 1) % 12] + ".\n";
}

// Sentences in any order.
std::string calendar(std::size_t characters) {
    Random random(1);
    std::string text;
    while (text.size() < characters)
        text += sentence(static_cast<std::size_t>(random.uniform(0, 12)));
    text.resize(characters);
    return text;
}

// The part of a text's lines that are true.
double truth(const std::string& text) {
    int lines = 0, right = 0;
    for (std::size_t first = 0, end = 0; (end = text.find('\n', first)) != std::string::npos; first = end + 1, ++lines)
        for (std::size_t month = 0; month < 12; ++month)
            right += text.substr(first, end + 1 - first) == sentence(month) ? 1 : 0;
    return lines > 0 ? static_cast<double>(right) / lines : 0;
}

} // namespace

int main() {
    const std::string text = calendar(20000);
    std::string alphabet = text;
    std::sort(alphabet.begin(), alphabet.end());
    alphabet.erase(std::unique(alphabet.begin(), alphabet.end()), alphabet.end());
    const auto letters = static_cast<Index>(alphabet.size());

    const auto number = [&](char c) { return static_cast<Index>(alphabet.find(c)); };
    std::vector<Index> tokens(text.size());
    std::transform(text.begin(), text.end(), tokens.begin(), number);

    const Index streams = 16, steps = 50;
    const Dataset<float> data = token_streams(tokens, streams, steps);
    std::printf("%td pieces of %td characters, %td letters\n", data.size(), steps, letters);

    Sequential model{Embedding<float>{letters, 16, {.seed = 1}}, LSTM<float>{16, 64, {.seed = 2}},
                     Dense<float>{64, letters, {.seed = 3}}};
    const History history = fit(model, data, SoftmaxCrossEntropy{}, Adam{.learning_rate = 1e-2},
                                {.epochs = 20,
                                 .batch_size = streams,
                                 .shuffle = false,
                                 .clip_norm = 1,
                                 .stateful = true,
                                 .schedule = CosineAnnealing{}});
    std::printf("nats a character: %.2f in the first epoch, %.2f in the last\n", history.epochs.front().loss,
                history.epochs.back().loss);

    Stream stream{model};
    const auto write = [&](const std::string& beginning, Index count, auto pick) {
        stream.reset();
        for (const char c : beginning.substr(0, beginning.size() - 1))
            stream(static_cast<float>(number(c)));
        std::string written;
        for (const Index next : generate(stream, number(beginning.back()), count, pick))
            written += alphabet[static_cast<std::size_t>(next)];
        return written;
    };
    std::printf("after march comes %s\n", write("after march comes ", 6, greedy).c_str());

    Random random(1);
    for (const double temperature : {0.5, 2.0}) {
        const auto pick = [&](std::span<const float> logits) { return sample(logits, temperature, random); };
        const std::string written = write("\n", 3000, pick);
        std::printf("temperature %.1f: %s true\n", temperature,
                    truth(written) > 0.9 ? "nearly every sentence is" : "not every sentence is");
    }
}
