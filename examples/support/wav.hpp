// Audio files, by libsndfile: the samples of one channel as floats, −1 … 1, and their rate.
#pragma once

#include <carousel/core/require.hpp>

#include <sndfile.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace example {

/// One channel.
struct Audio {
    std::vector<float> samples;
    int rate = 0; ///< Hz
};

/// How samples are stored.
enum class SampleFormat { pcm16, pcm24, pcm32, float32 };

namespace detail {

using SoundFile = std::unique_ptr<SNDFILE, int (*)(SNDFILE*)>;

inline SoundFile open_sound(const std::filesystem::path& path, int mode, SF_INFO& info) {
    SoundFile file(sf_open(path.string().c_str(), mode, &info), sf_close);
    if (!file)
        throw std::runtime_error(path.string() + ": " + sf_strerror(nullptr));
    return file;
}

} // namespace detail

/// Reads a channel, counted from 1, of a file of 16, 24 or 32 bits or of floats; of a mono file the only one, whatever
/// `channel` says. Throws std::runtime_error "path: …" if the file can't be read, has no samples, has several channels and none is
/// chosen, hasn't that one, or has a sample that isn't finite.
inline Audio read_audio(const std::filesystem::path& path, std::optional<int> channel = std::nullopt) {
    const auto check = [&](bool holds, const std::string& what) {
        if (!holds)
            throw std::runtime_error(path.string() + ": " + what);
    };
    check(!std::filesystem::is_directory(path), "is a folder");
    SF_INFO info{};
    const detail::SoundFile file = detail::open_sound(path, SFM_READ, info);
    const int channels = info.channels;
    check(channels == 1 || channel.has_value(),
          "has " + std::to_string(channels) + " channels; choose one, 1 … " + std::to_string(channels));
    const int chosen = channels == 1 ? 1 : *channel;
    check(chosen >= 1 && chosen <= channels,
          "has no channel " + std::to_string(chosen) + ", expected 1 … " + std::to_string(channels));

    Audio audio{{}, info.samplerate};
    constexpr sf_count_t block = 4096; // frames; what the header says of their number isn't relied on
    std::vector<float> frames(static_cast<std::size_t>(block * channels));
    for (sf_count_t count = block; count == block;) {
        count = std::max<sf_count_t>(sf_readf_float(file.get(), frames.data(), block), 0);
        for (sf_count_t k = 0; k < count; ++k)
            audio.samples.push_back(frames[static_cast<std::size_t>(k * channels + chosen - 1)]);
    }
    check(sf_error(file.get()) == SF_ERR_NO_ERROR, sf_strerror(file.get()));
    check(!audio.samples.empty(), "has no samples");
    for (std::size_t k = 0; k < audio.samples.size(); ++k)
        check(std::isfinite(audio.samples[k]),
              "sample " + std::to_string(k + 1) + " is " + std::to_string(audio.samples[k]));
    return audio;
}

/// Writes a mono WAV file; whole numbers clip at −1 and 1. Returns how many samples did. Throws std::runtime_error "path: …"
/// if it can't be written.
inline std::size_t write_audio(const std::filesystem::path& path, const Audio& audio,
                               SampleFormat format = SampleFormat::float32) {
    SF_INFO info{};
    info.channels = 1;
    info.samplerate = audio.rate;
    info.format = SF_FORMAT_WAV | (format == SampleFormat::pcm16   ? SF_FORMAT_PCM_16
                                   : format == SampleFormat::pcm24 ? SF_FORMAT_PCM_24
                                   : format == SampleFormat::pcm32 ? SF_FORMAT_PCM_32
                                                                   : SF_FORMAT_FLOAT);
    detail::SoundFile file = detail::open_sound(path, SFM_WRITE, info);
    sf_command(file.get(), SFC_SET_CLIPPING, nullptr, SF_TRUE);
    sf_command(file.get(), SFC_SET_ADD_PEAK_CHUNK, nullptr,
               SF_FALSE); // it has the time, so that no two files are equal
    const auto count = static_cast<sf_count_t>(audio.samples.size());
    const bool whole = sf_write_float(file.get(), audio.samples.data(), count) == count;
    if (sf_close(file.release()) != 0 || !whole)
        throw std::runtime_error(path.string() + ": can't be written");
    return format == SampleFormat::float32
               ? 0
               : static_cast<std::size_t>(std::count_if(audio.samples.begin(), audio.samples.end(),
                                                        [](float x) { return std::abs(x) > 1; }));
}

} // namespace example
