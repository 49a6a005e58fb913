// The options by which every subcommand is told of the model file it reads.
#pragma once

#include "formats/format.hpp"

#include <CLI/CLI.hpp>

#include <string>
#include <utility>
#include <vector>

namespace tool {

class NetArgument {
  public:
    /// Adds the positional `name` and the options to a subcommand. It must stay where it is as long as the subcommand.
    NetArgument(CLI::App& command, const std::string& name);
    NetArgument(const NetArgument&) = delete;
    NetArgument& operator=(const NetArgument&) = delete;

    const std::string& path() const { return path_; }
    /// Of the file, looked for once. Throws Usage if it isn't known, or an option is given that is another format's.
    const Format& format() const;
    /// Without what the format says of itself in the metadata.
    Net load() const;
    LoadOptions options() const;

  private:
    std::string path_, from_;
    LoadOptions options_;
    bool skip_ = false;
    CLI::Option* skip_option_ = nullptr;
    mutable const Format* format_ = nullptr; ///< what format() found
    std::vector<std::pair<CLI::Option*, const char*>> of_format_;
};

/// The sample rate that the metadata say, in Hz; 0: none.
double sample_rate(const carousel::Metadata& metadata);

} // namespace tool
