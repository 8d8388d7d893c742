// SPDX-License-Identifier: Apache-2.0
// Messages of a child as they are handled, for `ctl trace`. Knows no CAF.
#pragma once

#include "supervision/vitals.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace lyceum::supervision {

struct traced_message {
  std::string path;
  std::uint64_t generation = 0;
  std::string type; ///< "evict_pages", "warm, int": the types of its elements
  std::chrono::microseconds took{0};
  std::uint64_t mailbox = 0; ///< what waited behind it
};

/// How many taps there are in the process: one relaxed load is all that a message costs while it is zero.
inline std::atomic<unsigned> trace_taps = 0;

/// Hears of every message that a child at or below `path` handles, in this process. Bounded: what comes while `kept_max` wait to
/// be taken is counted, not kept.
class trace_tap {
public:
  static constexpr std::size_t kept_max = 256;

  /// `tree` tells the trees of one process apart.
  trace_tap(const void* tree, std::string path);
  ~trace_tap();
  trace_tap(const trace_tap&) = delete;
  trace_tap& operator=(const trace_tap&) = delete;

  bool covers(const void* tree, const std::string& path) const;
  void put(traced_message what);
  /// What has come since the last time; `dropped` is how many more there were.
  std::vector<traced_message> take(std::uint64_t& dropped);

private:
  const void* const tree_;
  const std::string path_;
  std::mutex guard_;
  std::vector<traced_message> kept_;
  std::uint64_t dropped_ = 0;
};

/// Gives a message that has just been handled to the taps that cover this life.
void trace_message(const void* tree, const vitals& whose, const std::vector<std::string>& types,
                   std::chrono::microseconds took);
/// True where a tap covers this path.
bool traced(const void* tree, const std::string& path);

} // namespace lyceum::supervision
