#include "support/wav.hpp"

#include "catch.hpp"
#include "io/folder.hpp"

#include <cmath>
#include <fstream>
#include <limits>

using namespace example;

namespace {

/// A WAV file of several channels, sample by sample, as whole numbers of 16 bits.
void write_channels(const std::filesystem::path& path, int channels, const std::vector<short>& samples) {
    SF_INFO info{};
    info.channels = channels;
    info.samplerate = 8000;
    info.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
    const auto file = detail::open_sound(path, SFM_WRITE, info);
    sf_write_short(file.get(), samples.data(), static_cast<sf_count_t>(samples.size()));
}

} // namespace

TEST_CASE("wav: samples of 16, 24 and 32 bits and floats come back as exactly as their format holds them") {
    const carousel::test::Folder folder;
    const std::filesystem::path path = folder / "a.wav";
    Audio audio{{}, 44100};
    for (int k = 0; k < 10000; ++k) // more than are read at a time
        audio.samples.push_back(static_cast<float>(0.9 * std::sin(0.01 * k * k)));
    const auto error_of = [&](SampleFormat format) {
        CHECK(write_audio(path, audio, format) == 0);
        const Audio back = read_audio(path);
        CHECK(back.rate == 44100);
        REQUIRE(back.samples.size() == audio.samples.size());
        float worst = 0;
        for (std::size_t k = 0; k < back.samples.size(); ++k)
            worst = std::max(worst, std::abs(back.samples[k] - audio.samples[k]));
        return worst;
    };
    CHECK(error_of(SampleFormat::float32) == 0);
    CHECK(error_of(SampleFormat::pcm32) < 1e-7F);
    CHECK(error_of(SampleFormat::pcm24) < 1.3e-7F);
    CHECK(error_of(SampleFormat::pcm16) < 3.1e-5F);
}

TEST_CASE("wav: whole numbers clip, and say how many did; floats don't") {
    const carousel::test::Folder folder;
    const std::filesystem::path path = folder / "a.wav";
    const Audio loud{{0.5F, 1.5F, -3, 1, -1}, 8000};
    CHECK(write_audio(path, loud, SampleFormat::pcm24) == 2);
    CHECK(read_audio(path).samples[1] == Catch::Approx(1).margin(1e-6));
    CHECK(read_audio(path).samples[2] == -1);
    CHECK(write_audio(path, loud) == 0);
    CHECK(read_audio(path).samples == loud.samples);
}

TEST_CASE("wav: of several channels one is chosen, of a mono file there is one") {
    const carousel::test::Folder folder;
    const std::filesystem::path path = folder / "two.wav", mono = folder / "mono.wav";
    write_channels(path, 2, {16384, -8192, 0, 8192});
    CHECK(read_audio(path, 1).samples == std::vector<float>{0.5F, 0});
    CHECK(read_audio(path, 2).samples == std::vector<float>{-0.25F, 0.25F});
    REQUIRE_THROWS_WITH(read_audio(path), path.string() + ": has 2 channels; choose one, 1 … 2");
    REQUIRE_THROWS_WITH(read_audio(path, 3), path.string() + ": has no channel 3, expected 1 … 2");
    write_channels(mono, 1, {16384});
    CHECK(read_audio(mono, 2).samples == std::vector<float>{0.5F});
}

TEST_CASE("wav: what can't be read is named") {
    const carousel::test::Folder folder;
    const std::filesystem::path text = folder / "a.txt", none = folder / "none.wav", broken = folder / "nan.wav";
    using Catch::Matchers::StartsWith;
    std::ofstream(text) << "no audio";
    write_channels(none, 1, {});
    write_audio(broken, {{0, std::numeric_limits<float>::quiet_NaN()}, 8000});
    REQUIRE_THROWS_WITH(read_audio(folder / "absent.wav"), StartsWith((folder / "absent.wav").string() + ": "));
    REQUIRE_THROWS_WITH(read_audio(text), StartsWith(text.string() + ": "));
    REQUIRE_THROWS_WITH(read_audio(folder.path()), folder.path().string() + ": is a folder");
    REQUIRE_THROWS_WITH(read_audio(none), none.string() + ": has no samples");
    REQUIRE_THROWS_WITH(read_audio(broken), broken.string() + ": sample 2 is nan");
    REQUIRE_THROWS_WITH(write_audio(folder.path() / "absent" / "a.wav", {{0}, 8000}),
                        StartsWith((folder.path() / "absent" / "a.wav").string() + ": "));
}
