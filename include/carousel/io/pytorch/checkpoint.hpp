// Checkpoint: what torch.save wrote, as a zip file (since PyTorch 1.6) or as pickles one after the other (before): a
// pickle, and the bytes of the storages that it names.
#pragma once

#include "carousel/io/pytorch/tensor_numbers.hpp"
#include "carousel/io/pytorch/unpickler.hpp"
#include "carousel/io/zip_archive.hpp"

#include <algorithm>
#include <memory>
#include <unordered_map>

namespace carousel::inline CAROUSEL_ABI::detail {

class Checkpoint {
  public:
    /// `input` lives as long as this. Throws std::runtime_error "where: source: …" if it isn't a file of torch.save.
    explicit Checkpoint(Input& input) : input_(input), bytes_(input.memory()) {
        if (bytes_.empty()) {
            owned_.resize(static_cast<std::size_t>(input_.size()));
            input_.read(0, owned_);
            bytes_ = owned_;
        }
        memory_left_ = std::uint64_t(1 << 20) + most_times_the_file * bytes_.size();
        if (begins_with("PK"))
            open_zip();
        else
            open_pickles();
    }

    const Pickle& pickle() const { return pickle_; }
    const Input& input() const { return input_; }

    /// Throws std::runtime_error if what is made of the file would take many times its memory.
    void take_memory(std::uint64_t bytes, const std::string& what) {
        input_.check(bytes <= memory_left_, what, " would take ", bytes, " bytes: more than a file of ", bytes_.size(),
                     " bytes should be worth");
        memory_left_ -= bytes;
    }

    /// f(StorageBytes) of one of the pickle's storages. Throws std::runtime_error if the file hasn't got `count` numbers of it.
    template <class F>
    void with_storage(std::string_view key, PickleName type, std::uint64_t count, F&& f) {
        const std::size_t size = number_type(type)->size;
        const auto check = [&](std::uint64_t found) {
            input_.check(found / size == count && found % size == 0, "storage \"", shown(key), "\" has ", found,
                         " bytes, expected ", count, " numbers of ", size);
        };
        if (!archive_) {
            const auto found = storages_.find(std::string(key));
            input_.check(found != storages_.end(), "storage \"", shown(key), "\" is missing");
            check(found->second.size());
            return f(StorageBytes{found->second, type, false});
        }
        const auto entry = archive_->find(folder_ + "data/" + std::string(key));
        input_.check(entry.has_value(), "storage \"", shown(key), "\" is missing: there is no ", folder_, "data/",
                     shown(key));
        check(archive_->size(*entry));
        take_memory(count * size, "storage \"" + shown(key) + "\"");
        const auto bytes = archive_->read(*entry);
        f(StorageBytes{bytes, type, big_endian_});
    }

  private:
    static constexpr std::uint64_t most_times_the_file = 32; // a zip file of mostly zeros, or half numbers widened

    bool begins_with(std::string_view start) const {
        return bytes_.size() >= start.size() && std::memcmp(bytes_.data(), start.data(), start.size()) == 0;
    }

    void open_zip() {
        archive_ = std::make_unique<ZipArchive>(input_, bytes_);
        constexpr std::string_view name = "data.pkl";
        std::optional<std::uint64_t> pickle;
        for (std::uint64_t entry = 0; entry < archive_->count(); ++entry) {
            const std::string path = archive_->name(entry);
            if (path != name && !path.ends_with("/data.pkl"))
                continue;
            input_.check(!pickle, "has more than one data.pkl");
            pickle = entry;
            folder_ = path.substr(0, path.size() - name.size());
        }
        input_.check(pickle.has_value(), "is a zip file without data.pkl, so torch.save didn't write it");
        input_.check(!archive_->find(folder_ + "constants.pkl"),
                     "is a TorchScript archive, whose code is not run; in Python, save its numbers: "
                     "torch.save(torch.jit.load(path).state_dict(), \"weights.pt\")");
        if (const auto order = archive_->find(folder_ + "byteorder"); order && archive_->size(*order) < 8) {
            const auto text = archive_->read(*order);
            const std::string_view value(reinterpret_cast<const char*>(text.data()), text.size());
            input_.check(value == "little" || value == "big", "byteorder is \"", shown(value),
                         "\", expected little or big");
            big_endian_ = value == "big";
        }
        const std::uint64_t size = archive_->size(*pickle);
        take_memory(size, "data.pkl");
        pickle_bytes_ = archive_->read(*pickle);
        pickle_ = Unpickler(input_, "data.pkl", pickle_bytes_).read();
    }

    /// A magic number, the version of the format, sizes of C's types, the object, the keys of the storages; then for each
    /// of these its count (int64) and its numbers, little-endian on every machine.
    void open_pickles() {
        input_.check(!bytes_.empty() && bytes_[0] == std::byte{0x80}, "isn't a file of torch.save: it begins neither "
                                                                      "as a zip file nor as a pickle");
        constexpr std::string_view magic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
        std::size_t at = 0;
        const auto next = [&](const char* what) {
            constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max();
            const auto rest = bytes_.subspan(at);
            Unpickler unpickler(input_, what, rest.first(std::min(rest.size(), most)));
            Pickle pickle = unpickler.read();
            at += unpickler.end();
            return pickle;
        };
        const Pickle first = next("the first pickle");
        const auto* const number = std::get_if<PickleBigInteger>(&first.root);
        input_.check(number && first.text(PickleText{number->first, number->size}) == magic,
                     "is a pickle, but not of torch.save: PyTorch's magic number is missing");
        const Pickle version = next("the second pickle");
        const auto* const format = std::get_if<std::int64_t>(&version.root);
        input_.check(format && *format == 1001, "isn't of version 1001, the only one there is of this format");
        next("the third pickle");
        pickle_ = next("the pickle");
        const Pickle keys = next("the pickle of storage keys");
        find_storages(keys, at);
    }

    void find_storages(const Pickle& keys, std::size_t at) {
        std::unordered_map<std::string_view, PickleStorage> known;
        for (const PickleStorage storage : pickle_.storages)
            if (const auto key = pickle_.text(pickle_.of(storage.what)[2]); key && key->size() <= most_key_size)
                known.emplace(*key, storage);
        const auto* const list = std::get_if<PickleList>(&keys.root);
        input_.check(list, "the storage keys are no list");
        for (const PickleValue& value : keys.of(*list)) {
            const auto key = keys.text(value);
            const auto storage = key && key->size() <= most_key_size ? known.find(*key) : known.end();
            input_.check(storage != known.end(), "has a storage that its pickle doesn't name");
            const auto* const name = std::get_if<PickleName>(&pickle_.of(storage->second.what)[1]);
            const NumberType* const type = name ? number_type(*name) : nullptr;
            input_.check(type, "storage \"", shown(*key), "\" has no type");
            std::uint64_t count = 0;
            input_.check(bytes_.size() - at >= 8, "ends before storage \"", shown(*key), "\"");
            for (std::size_t k = 0; k < 8; ++k)
                count |= std::to_integer<std::uint64_t>(bytes_[at + k]) << (8 * k);
            at += 8;
            input_.check(count <= (bytes_.size() - at) / type->size, "storage \"", shown(*key), "\" has ", count,
                         " numbers of ", type->size, " bytes, more than the ", bytes_.size() - at, " bytes left");
            const std::size_t size = static_cast<std::size_t>(count) * type->size;
            storages_.emplace(*key, bytes_.subspan(at, size));
            at += size;
        }
    }

    Input& input_;
    std::span<const std::byte> bytes_; // the file
    std::vector<std::byte> owned_, pickle_bytes_;
    std::unique_ptr<ZipArchive> archive_; // null: pickles
    std::string folder_;                  // of the archive, with a slash
    bool big_endian_ = false;
    std::uint64_t memory_left_ = 0;
    Pickle pickle_;
    std::unordered_map<std::string, std::span<const std::byte>> storages_;
};

} // namespace carousel::detail
