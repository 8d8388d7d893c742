// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace lyceum {

/// The last lines of the process's own log, for who looks at it in the console. Thread-safe; bounded in lines and bytes.
class log_tail {
public:
  static constexpr std::size_t lines_max = 60;
  static constexpr std::size_t line_bytes_max = 300;

  void add(const std::string& what);
  std::vector<std::string> lines() const; ///< oldest first, each with its time (UTC)

private:
  mutable std::mutex guard_;
  std::deque<std::string> kept_;
};

/// At most so many bytes of a text, cut between characters, with "…" where something is missing.
std::string shortened(const std::string& text, std::size_t bytes_max);

} // namespace lyceum
