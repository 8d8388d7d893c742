// SPDX-License-Identifier: Apache-2.0
// data/run: what tools and people read about the processes. Each file is replaced in one step.
#pragma once

#include "supervision/heart/address.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lyceum::heart {

/// Makes the folder where it is missing.
///   forbidden  it cannot be made or written
expected<bool> make_run_dir(const std::filesystem::path& run_dir);

/// Replaces a file in one step: a reader sees the old or the new one, never half of one. False, with errno, if it cannot.
bool replace_file(const std::filesystem::path& file, std::string_view text);
void remove_file(const std::filesystem::path& file);

/// {"listen": ["127.0.0.1:8080"]}: the addresses as bound, each once, so that port 0 can be found out. Under
/// `--no-heart` the server writes it itself.
std::string listen_json(const std::vector<address>& bound);

/// A JSON string with its quotes.
std::string json_string(std::string_view text);

/// Held as long as it lives: one heart a run folder.
class run_lock {
public:
  ///   conflict   another process holds it; the detail names its pid
  ///   forbidden  the file cannot be opened
  static expected<run_lock> take(const std::filesystem::path& run_dir);
  run_lock(run_lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  run_lock& operator=(run_lock&&) = delete;
  ~run_lock();

private:
  explicit run_lock(int fd) : fd_(fd) {}
  int fd_;
};

} // namespace lyceum::heart
