// SPDX-License-Identifier: Apache-2.0
// Single flight: a hundred visitors wait for one page, and it is made once. Knows neither CAF nor Beast.
#pragma once

#include "actors/exchange.hpp"

#include <cstddef>
#include <memory>

namespace lyceum {

/// Jobs in flight by cache key. Thread-safe. Survives every actor, as the page table does.
///
/// `board` returns true for the first job of a key: its caller must bring it to a session. Later jobs of that key wait
/// here and get a copy of the first one's answer. When the first one ends in any way without an answer (a crash drops
/// its slot, which answers 503), those who wait are answered the same way: the slot that `board` puts in the job's
/// place sees to it.
class flights {
public:
  static constexpr std::size_t waiting_max = 4096; ///< for one key; more are answered 503

  flights();
  /// Replaces `what.reply` of the first job by a slot of its own that answers everybody aboard. A job without a cache
  /// key is always first, and nobody joins it.
  bool board(const job_ptr& what);
  std::size_t in_flight() const; ///< keys

private:
  struct board_of; // shared with the slots, which may outlive this object
  std::shared_ptr<board_of> board_;
};

} // namespace lyceum
