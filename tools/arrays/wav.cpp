// Audio, by libsndfile: .wav files are read and written in memory, so that a file is replaced as a whole.
#include "array.hpp"

#include "carousel/io/byte_source.hpp"
#include "carousel/io/replace_file.hpp"
#include "message.hpp"

#ifdef CAROUSEL_TOOL_HAS_SNDFILE
#    include <sndfile.h>

#    include <algorithm>
#    include <cstring>
#    include <exception>
#    include <limits>
#    include <memory>
#    include <new>
#    include <span>
#endif

namespace tool {

#ifdef CAROUSEL_TOOL_HAS_SNDFILE

namespace {

/// The bytes of a file as libsndfile reads and writes them.
struct Memory {
    std::vector<std::byte> bytes;
    sf_count_t at = 0;
    bool full = false; ///< there wasn't enough memory to write

    static Memory& of(void* data) { return *static_cast<Memory*>(data); }
    static sf_count_t size(void* data) { return static_cast<sf_count_t>(of(data).bytes.size()); }
    static sf_count_t seek(sf_count_t offset, int whence, void* data) {
        Memory& file = of(data);
        const sf_count_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? file.at : size(data);
        if (offset < -base || offset > std::numeric_limits<sf_count_t>::max() - base)
            return -1;
        return file.at = base + offset;
    }
    static sf_count_t read(void* to, sf_count_t count, void* data) {
        Memory& file = of(data);
        const sf_count_t there = std::clamp<sf_count_t>(size(data) - file.at, 0, count);
        if (there > 0)
            std::memcpy(to, file.bytes.data() + file.at, static_cast<std::size_t>(there));
        file.at += there;
        return there;
    }
    static sf_count_t write(const void* from, sf_count_t count, void* data) {
        Memory& file = of(data);
        const auto end = static_cast<std::size_t>(file.at + count);
        try {
            if (end > file.bytes.size())
                file.bytes.resize(end);
        } catch (const std::exception&) { // which can't pass through the functions of C that called
            file.full = true;
            return 0;
        }
        std::memcpy(file.bytes.data() + file.at, from, static_cast<std::size_t>(count));
        file.at += count;
        return count;
    }
    static sf_count_t tell(void* data) { return of(data).at; }
};

using File = std::unique_ptr<SNDFILE, int (*)(SNDFILE*)>;

File open(Memory& memory, int mode, SF_INFO& info, const std::string& name) {
    SF_VIRTUAL_IO functions{Memory::size, Memory::seek, Memory::read, Memory::write, Memory::tell};
    File file(sf_open_virtual(&functions, mode, &info, &memory), sf_close);
    check(file != nullptr, name, ": ", sf_strerror(nullptr));
    return file;
}

} // namespace

Array read_wav(const std::filesystem::path& path) {
    Memory memory;
    {
        carousel::detail::Input input("read_wav", path);
        input.check(input.size() > 0, "is empty");
        memory.bytes.resize(static_cast<std::size_t>(input.size()));
        input.read(0, memory.bytes);
    }
    SF_INFO info{};
    const File file = open(memory, SFM_READ, info, path.string());
    const int kind = info.format & SF_FORMAT_TYPEMASK;
    check(kind == SF_FORMAT_WAV || kind == SF_FORMAT_WAVEX || kind == SF_FORMAT_RF64 || kind == SF_FORMAT_W64,
          path.string(), ": is no .wav file, but audio of another kind");
    check(info.channels >= 1 && info.samplerate >= 1, path.string(), ": has ", info.channels, " channels at ",
          info.samplerate, " Hz");
    Array array{{}, {}, info.samplerate};
    const auto channels = static_cast<std::size_t>(info.channels);
    constexpr sf_count_t block = 4096; // frames; what the header says of their number isn't relied on
    std::size_t frames = 0;
    for (sf_count_t count = block; count == block; frames += static_cast<std::size_t>(count)) {
        array.numbers.resize((frames + static_cast<std::size_t>(block)) * channels);
        count = std::max<sf_count_t>(sf_readf_float(file.get(), array.numbers.data() + frames * channels, block), 0);
    }
    array.numbers.resize(frames * channels);
    check(sf_error(file.get()) == SF_ERR_NO_ERROR, path.string(), ": ", sf_strerror(file.get()));
    check(frames > 0, path.string(), ": has no samples");
    array.shape = {static_cast<Index>(frames), info.channels};
    return array;
}

namespace {

Index channels_of(const Array& array) {
    return array.shape.size() < 2 ? 1 : array.shape[1];
}

} // namespace

void check_wav(const std::filesystem::path& path, const Array& array) {
    check(array.shape.size() <= 2, path.string(), ": the output is ", shape_text(array.shape),
          ", which is no signal; write a .npy file, or give one sequence");
    check(array.sample_rate > 0, path.string(),
          ": neither the input nor the model says a sample rate; give --sample-rate");
    const Index channels = channels_of(array);
    constexpr Index most_channels = 1024; // libsndfile's
    check(channels <= most_channels, path.string(), ": a .wav file has at most ", most_channels,
          " channels, the output has ", channels, " features");
    constexpr std::size_t largest = 0xffff'0000; // bytes of a .wav file
    std::size_t size = 1;
    for (const Index n : array.shape)
        size *= static_cast<std::size_t>(n);
    check(size <= largest / sizeof(float), path.string(), ": the output is longer than a .wav file can be");
}

void write_wav(const std::filesystem::path& path, const Array& array, Samples samples) {
    check_wav(path, array);
    std::vector<float> numbers;
    std::span<const float> written = array.numbers;
    if (samples != Samples::floats) {
        numbers = array.numbers;
        const auto beyond = std::count_if(numbers.begin(), numbers.end(), [](float x) { return !(x >= -1 && x <= 1); });
        if (beyond > 0)
            warn(carousel::detail::message_of(path.string(), ": ", beyond,
                                              beyond == 1 ? " sample was" : " samples were",
                                              " beyond -1 … 1 and clipped; without --wav they are kept as floats"));
        for (float& x : numbers)
            x = x > 1 ? 1.0F : x >= -1 ? x : x < -1 ? -1.0F : 0.0F; // NaN is silence
        written = numbers;
    }
    Memory memory;
    SF_INFO info{};
    info.samplerate = array.sample_rate;
    info.channels = static_cast<int>(channels_of(array));
    info.format = SF_FORMAT_WAV | (samples == Samples::floats       ? SF_FORMAT_FLOAT
                                   : samples == Samples::integers16 ? SF_FORMAT_PCM_16
                                                                    : SF_FORMAT_PCM_24);
    {
        File file = open(memory, SFM_WRITE, info, path.string());
        sf_command(file.get(), SFC_SET_ADD_PEAK_CHUNK, nullptr,
                   SF_FALSE); // it has the time, so that no two files are equal
        const auto count = static_cast<sf_count_t>(written.size());
        const bool whole = sf_write_float(file.get(), written.data(), count) == count;
        check(whole || memory.full, path.string(), ": ", sf_strerror(file.get()));
        const bool closed = sf_close(file.release()) == SF_ERR_NO_ERROR;
        if (memory.full)
            throw std::bad_alloc();
        check(closed, path.string(), ": can't be written");
    }
    carousel::replace_file(path, {memory.bytes}, "write_wav");
}

#else

Array read_wav(const std::filesystem::path& path) {
    throw std::runtime_error(path.string() + ": this carousel was built without libsndfile, which it needs for .wav "
                                             "files; install it (sh cmake/setup.sh tools) and build again");
}

void check_wav(const std::filesystem::path& path, const Array&) {
    static_cast<void>(read_wav(path));
}

void write_wav(const std::filesystem::path& path, const Array& array, Samples) {
    check_wav(path, array);
}

#endif

} // namespace tool
