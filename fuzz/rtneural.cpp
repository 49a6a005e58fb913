// The input is an RTNeural or AIDA-X file. What is read is saved, and read again without a change.
#include "check.hpp"

#include <carousel/io/rtneural.hpp>

using namespace carousel;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr double largest = std::numeric_limits<float>::max();
    detail::rtneural::Description description;
    try {
        description = detail::rtneural::read("fuzz", std::as_bytes(std::span(data, size)), largest);
    } catch (const std::runtime_error&) {
        return 0;
    }
    const Model<float> model = detail::rtneural::model_of<float>(description);
    detail::rtneural::Writer<float> writer("fuzz", model.input_size());
    std::string text;
    try {
        writer.add_row(model);
        text = writer.text(description.metadata);
    } catch (const std::invalid_argument&) {
        return 0; // a model without layers, as of an activation "", or a softmax alone
    }
    const auto again = detail::rtneural::read("fuzz", std::as_bytes(std::span(text)), largest);
    check(again.input == description.input && again.skip == description.skip, "sizes stay");
    check(again.metadata == description.metadata, "the metadata stays");
    const Model<float> model_again = detail::rtneural::model_of<float>(again);
    const auto before = parameters(model), after = parameters(model_again);
    check(before.size() == after.size(), "as many parameters stay");
    for (std::size_t k = 0; k < before.size(); ++k)
        check(before[k].name == after[k].name && before[k].parameter->value == after[k].parameter->value,
              "a parameter stays");
    return 0;
}
