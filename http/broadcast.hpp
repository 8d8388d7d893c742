// SPDX-License-Identifier: Apache-2.0
// One producer, a few who look: server-sent events. Knows no socket.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum::http {

/// A frame as it goes out ("data: …\n\n"): made once, shared by all who still send it.
using frame_ptr = std::shared_ptr<const std::string>;

/// The seats of those who look. Thread-safe. A seat that is behind misses frames, and is given a whole one when it can take it:
/// so every frame is either `whole`, or a `change` that is right for whoever got the one before.
class broadcast {
public:
  static constexpr std::size_t seats_max = 16;
  static constexpr std::size_t buffer_bytes_max = 64 * 1024; ///< a seat, in the process; a larger frame never leaves

  /// Hands a frame over. Must not block or throw. Two null frames: the stream is to end.
  using deliver = std::function<void(const frame_ptr& change, const frame_ptr& whole)>;

  /// `somebody_looks` is called for each who sits down, on that one's thread: wake the producer.
  explicit broadcast(std::function<void()> somebody_looks = {}) : somebody_looks_(std::move(somebody_looks)) {}
  broadcast(const broadcast&) = delete;
  broadcast& operator=(const broadcast&) = delete;

  /// Nothing where every seat is taken. `whose`: see `end`.
  std::optional<std::uint64_t> join(std::string whose, deliver to);
  void leave(std::uint64_t seat) noexcept;

  void publish(const frame_ptr& change, const frame_ptr& whole);
  /// Ends the streams of one: who signed out sees no more.
  void end(std::string_view whose);
  /// Make frames only while this is not zero.
  std::size_t watching() const noexcept { return watching_.load(std::memory_order_relaxed); }

private:
  struct seat {
    std::uint64_t number;
    std::string whose;
    deliver to;
  };
  const std::function<void()> somebody_looks_;
  mutable std::mutex guard_;
  std::vector<seat> seats_;
  std::uint64_t numbers_ = 0;
  std::atomic<std::size_t> watching_ = 0;
};

} // namespace lyceum::http
