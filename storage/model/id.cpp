// SPDX-License-Identifier: Apache-2.0
#include "storage/model/id.hpp"

#include <atomic>
#include <chrono>
#include <random>

namespace lyceum {
namespace {

constexpr std::int64_t epoch_ms = 1704067200000; // 2024-01-01T00:00:00Z
constexpr int counter_bits = 12;
constexpr int node_bits = 10;

std::atomic<std::int64_t> node_shifted = 0;
std::atomic<std::int64_t> counter_first = 0;
// Milliseconds since the epoch and the counter, as one number, so that a full counter carries into the next millisecond.
std::atomic<std::int64_t> last_tick = 0;

} // namespace

void set_node(unsigned node) {
  node_shifted = static_cast<std::int64_t>(node % (1U << node_bits)) << counter_bits;
}

void choose_node() {
  std::random_device chance;
  set_node(1 + chance() % ((1U << node_bits) - 1));
  counter_first = static_cast<std::int64_t>(chance() % (1U << (counter_bits - 1))); // half of it stays free
}

id make_id() {
  using namespace std::chrono;
  const auto ms = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count() - epoch_ms;
  const std::int64_t fresh = (ms << counter_bits) | counter_first.load(std::memory_order_relaxed);
  std::int64_t last = last_tick.load(std::memory_order_relaxed);
  std::int64_t next = 0;
  do
    next = fresh > last ? fresh : last + 1;
  while (!last_tick.compare_exchange_weak(last, next, std::memory_order_relaxed));
  const std::int64_t time = next >> counter_bits;
  const std::int64_t counter = next & ((1 << counter_bits) - 1);
  return (time << (counter_bits + node_bits)) | node_shifted.load(std::memory_order_relaxed) | counter;
}

} // namespace lyceum
