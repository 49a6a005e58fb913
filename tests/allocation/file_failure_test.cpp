#include "allocation/allocator.hpp"

#if __has_include(<nlohmann/json.hpp>)

#    include "carousel/io/safetensors.hpp"
#    include "carousel/io/training_file.hpp"
#    include "carousel/layer/dense.hpp"
#    include "carousel/layer/dropout.hpp"
#    include "carousel/layer/sequential.hpp"
#    include "carousel/loss/mean_squared_error.hpp"
#    include "carousel/optim/adam.hpp"
#    include "carousel/train/fit.hpp"
#    include "io/folder.hpp"

using namespace carousel;
using namespace carousel::test;

namespace {

/// A model with its optimizer, which has made a step.
struct Program {
    Sequential<Dense<float>, Dropout, Dense<float>> model;
    Optimizer<Adam, float> optimizer;

    explicit Program(std::uint64_t seed)
        : model{Dense<float>{2, 3, {.activation = Activation::hard_sigmoid(), .seed = seed}}, Dropout{0.5},
                Dense<float>{3, 1, {.seed = seed + 1}}},
          optimizer(parameters(model)) {
        for (const auto& named : optimizer.parameters())
            named.parameter->grad.setConstant(static_cast<float>(seed));
        optimizer.step();
    }

    std::vector<std::byte> bytes() const { return safetensors_bytes(model, optimizer, metadata); }

    Metadata metadata{{"a long enough name to be on the heap", "a long enough text to be on the heap"}, {"a", "b"}};
};

std::string text_of(const std::vector<std::byte>& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// save(path) with each allocation failing in turn: the file is the old one, or the new one if nothing was thrown, and
/// nothing is left beside it.
template <class Save>
void check_saving(Save&& save) {
    const Folder folder;
    const fs::path path = folder / "m";
    save(path);
    const std::string whole = content(path), old = "old";
    REQUIRE(whole.size() > 100);
    long thrown = 0;
    CHECK(fail_each_allocation([&] { put(path, old); }, [&] { save(path); },
                               [&](CallEnd outcome) {
                                   REQUIRE(content(path) == (outcome == CallEnd::returned ? whole : old));
                                   REQUIRE(folder.files() == 1);
                                   thrown += outcome != CallEnd::returned;
                               }) > 20);
    CHECK(thrown > 20);
    CHECK(content(path) == whole);
}

} // namespace

TEST_CASE("allocation: a failed one while a model is saved to memory is thrown, and the next saves it") {
    const Program program(1);
    const std::string whole = text_of(program.bytes());
    std::vector<std::byte> bytes;
    CHECK(fail_each_allocation([&] { bytes.clear(); }, [&] { bytes = program.bytes(); },
                               [&](CallEnd outcome) {
                                   REQUIRE(outcome == CallEnd::bad_alloc);
                                   REQUIRE(bytes.empty());
                               }) > 20);
    CHECK(text_of(bytes) == whole);
}

TEST_CASE("allocation: a failed one while a model is loaded is thrown, and model and optimizer are as they were") {
    const Program saved(1);
    const std::vector<std::byte> bytes = saved.bytes();
    Program loaded(2);
    const std::string before = text_of(loaded.bytes());
    Metadata metadata;
    const auto load = [&] { metadata = load_safetensors(bytes, loaded.model, loaded.optimizer); };
    CHECK(fail_each_allocation([] {}, load,
                               [&](CallEnd outcome) {
                                   REQUIRE(outcome == CallEnd::bad_alloc);
                                   REQUIRE(text_of(loaded.bytes()) == before);
                               }) > 20);
    CHECK(text_of(loaded.bytes()) == text_of(bytes));
    CHECK(metadata == saved.metadata);
}

TEST_CASE("allocation: a failed one while tensors of one's own are read is thrown") {
    const std::vector<std::byte> bytes = Program(1).bytes();
    Safetensors file;
    CHECK(fail_each_allocation([] {}, [&] { file = read_safetensors(bytes); },
                               [&](CallEnd outcome) { REQUIRE(outcome == CallEnd::bad_alloc); }) > 20);
    CHECK(text_of(safetensors_bytes(file.tensors, file.metadata)) == text_of(bytes));
}

TEST_CASE("allocation: a file that isn't JSON is refused or memory runs out, whichever allocation fails") {
    const auto reads = [](std::string header) {
        header.insert(0, std::string{static_cast<char>(header.size()), 0, 0, 0, 0, 0, 0, 0});
        const auto bytes = std::as_bytes(std::span(header));
        const auto read = [&] { read_safetensors(bytes); };
        CHECK_THROWS_AS(read(), std::runtime_error);
        fail_each_allocation([] {}, [&] { error<std::runtime_error>(read); },
                             [](CallEnd outcome) { REQUIRE(outcome != CallEnd::other_exception); });
    };
    reads(R"({"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8],"more":[{"a":1},[2]]}})");
    reads(R"({"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8],"more":[1,2,"text"]},"a":)");
    reads(R"({"__metadata__":{"a":"","a":""}})");
}

TEST_CASE("allocation: a failed one while a file is saved leaves the old one whole, and nothing beside it") {
    const Program program(1);
    check_saving([&](const fs::path& path) { save_safetensors(path, program.model, program.optimizer); });
}

TEST_CASE("allocation: a failed one while a training is saved leaves the old file whole, or is thrown by loading it") {
    const auto make = [](std::uint64_t seed) {
        return Sequential{Dense<float>{1, 2, {.activation = Activation::hard_sigmoid(), .seed = seed}}, Dropout{0.5},
                          Dense<float>{2, 1, {.seed = seed + 1}}};
    };
    const Matrix<float> numbers{{1, 2, 3, 4, 5}};
    const Dataset<float> data{Sequence<float>(numbers, 5), Sequence<float>(numbers, 5)};
    auto model = make(1), other = make(2);
    Training training{model, Adam{}}, loaded{other, Adam{}};
    fit(training, data, MeanSquaredError{},
        {.epochs = 3,
         .batch_size = 2,
         .metrics = {MeanAbsoluteError{}},
         .early_stopping = EarlyStopping{},
         .callbacks = {[](Progress& p) { p.stop = p.epoch == 3; }}});
    check_saving([&](const fs::path& path) { save_training(path, training); });

    const Folder folder;
    save_training(folder / "saved", training);
    save_training(folder / "before", loaded);
    const std::string before = content(folder / "before");
    const auto load = [&] { load_training(folder / "saved", loaded); };
    CHECK(fail_each_allocation([] {}, load,
                               [&](CallEnd outcome) {
                                   REQUIRE(outcome != CallEnd::returned);
                                   save_training(folder / "now", loaded);
                                   REQUIRE(content(folder / "now") == before);
                               }) > 20);
    save_training(folder / "now", loaded);
    CHECK(content(folder / "now") == content(folder / "saved"));
}

#endif
