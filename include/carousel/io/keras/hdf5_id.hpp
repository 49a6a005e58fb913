// HDF5's C library in C++: who may call it, its errors, and identifiers that are closed.
#pragma once

#include "carousel/core/build.hpp"

#include <hdf5.h>

#include <mutex>
#include <utility>

namespace carousel::inline CAROUSEL_ABI::detail::keras {

/// HDF5's C library isn't safe for threads, so that files are read one after the other. Each program and each shared library
/// that is compiled with this header has a mutex of its own.
CAROUSEL_HIDDEN inline std::mutex& hdf5_mutex() {
    static std::mutex mutex;
    return mutex;
}

/// While it lives HDF5 doesn't print its errors to stderr.
class Hdf5Silence {
  public:
    Hdf5Silence() {
        H5Eget_auto2(H5E_DEFAULT, &print_, &data_);
        H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    }
    Hdf5Silence(const Hdf5Silence&) = delete;
    Hdf5Silence& operator=(const Hdf5Silence&) = delete;
    ~Hdf5Silence() { H5Eset_auto2(H5E_DEFAULT, print_, data_); }

  private:
    H5E_auto2_t print_ = nullptr;
    void* data_ = nullptr;
};

/// An identifier of HDF5's, closed at the end; negative if there is none.
class Hdf5Id {
  public:
    using Close = herr_t (*)(hid_t);
    Hdf5Id(hid_t id, Close close) : id_(id), close_(close) {}
    Hdf5Id(Hdf5Id&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
    Hdf5Id& operator=(Hdf5Id&& other) noexcept {
        std::swap(id_, other.id_), std::swap(close_, other.close_);
        return *this;
    }
    ~Hdf5Id() {
        if (id_ >= 0)
            close_(id_);
    }
    operator hid_t() const { return id_; }
    explicit operator bool() const { return id_ >= 0; }

  private:
    hid_t id_;
    Close close_;
};

} // namespace carousel::detail::keras
