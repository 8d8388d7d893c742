// SPDX-License-Identifier: Apache-2.0
// What a loop counts, for itself alone.
#pragma once

#include "http/front.hpp"

#include <array>
#include <atomic>
#include <cstdint>

namespace lyceum::http {

/// A number that one thread adds to and any thread reads: no locked instruction, no lost count.
class counter {
public:
  void add(std::uint64_t n = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void sub(std::uint64_t n = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
  }
  std::uint64_t read() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
  std::atomic<std::uint64_t> value_ = 0;
};

/// Padded, so that two loops never write to one cache line.
struct alignas(64) loop_counters {
  counter accepted, open, refused_crowded, refused_address;
  counter requests;
  std::array<counter, 6> by_class;
  counter hits, not_modified, misses, stale;
  counter malformed, timeouts, late, faults, bytes_sent, log_dropped, frames_dropped;
  std::array<counter, 13> latency;
  counter latency_sum_us;
  std::atomic<std::int64_t> last_turn_us = 0;
  std::atomic<bool> armed = false;
  std::atomic<bool> running = false;

  void answered(int status) noexcept { by_class[static_cast<unsigned>(status / 100) % 6].add(); }

  void took(std::uint64_t us) noexcept {
    std::size_t i = 0;
    while (i < front_stats::latency_bounds_us.size() && us > front_stats::latency_bounds_us[i])
      ++i;
    latency[i].add();
    latency_sum_us.add(us);
  }

  void add_to(front_stats& sum) const noexcept {
    sum.accepted += accepted.read();
    sum.open += open.read();
    sum.refused_crowded += refused_crowded.read();
    sum.refused_address += refused_address.read();
    sum.requests += requests.read();
    for (std::size_t i = 0; i < by_class.size(); ++i)
      sum.by_class[i] += by_class[i].read();
    sum.hits += hits.read();
    sum.not_modified += not_modified.read();
    sum.misses += misses.read();
    sum.stale += stale.read();
    sum.malformed += malformed.read();
    sum.timeouts += timeouts.read();
    sum.late += late.read();
    sum.faults += faults.read();
    sum.bytes_sent += bytes_sent.read();
    sum.log_dropped += log_dropped.read();
    sum.frames_dropped += frames_dropped.read();
    for (std::size_t i = 0; i < latency.size(); ++i)
      sum.latency[i] += latency[i].read();
    sum.latency_sum_us += latency_sum_us.read();
  }
};

} // namespace lyceum::http
