// SPDX-License-Identifier: Apache-2.0
// Who did what: a line a change, before its answer. Knows no CAF.
#pragma once

#include "supervision/control_protocol.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <string>
#include <vector>

namespace lyceum::supervision {

struct audit_entry {
  std::chrono::system_clock::time_point at = std::chrono::system_clock::now();
  control_caller who;
  std::string command;
  std::vector<std::string> args; ///< at most 16 are written, each cut at 256 bytes
  std::string result;            ///< "ok", or the code of the error
};
/// One entry as a line of JSON, without its end.
std::string to_json(const audit_entry&);

/// The audit log: JSON lines, mode 0600; at `bytes_max` the file becomes `<file>.1`, which is replaced. The last 1,000 are kept in
/// memory too, so that they can be read while the disk is full. Not thread-safe: it belongs to the control thread.
class audit_log {
public:
  /// An empty path: memory only. Reads what an earlier process wrote.
  explicit audit_log(std::filesystem::path file = {}, std::size_t bytes_max = std::size_t{4} * 1024 * 1024);
  /// Not empty: why it could not be written. The change goes on: an operator must be able to act while the disk is full.
  std::string add(const audit_entry& what);
  /// The last `n` lines, newest first.
  std::vector<std::string> recent(std::size_t n) const;

private:
  std::string write(const std::string& line) const;
  void remember(std::string line);
  void recall(const std::filesystem::path& from);

  const std::filesystem::path file_;
  const std::size_t bytes_max_;
  std::deque<std::string> kept_;
};

} // namespace lyceum::supervision
