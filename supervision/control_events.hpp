// SPDX-License-Identifier: Apache-2.0
// What happens in the tree, as lines for those who subscribed. Knows no CAF.
#pragma once

#include "supervision/control_protocol.hpp"
#include "supervision/crash_log.hpp"
#include "supervision/registry.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace lyceum::supervision {

struct tree_event {
  unsigned topic = 0; ///< one of topic_exit …
  std::string path;
  std::string kind;    ///< "exit", "restart", "report", "state"
  std::string members; ///< the rest of its line, beginning with a comma
};

/// Between the tree, which must never wait, and the control thread, which takes events some times a second. Bounded: what comes
/// while 4,096 wait is counted, not kept. Hears nothing, and costs nothing, while nobody wants to hear.
class event_feed {
public:
  static constexpr std::size_t kept_max = 4096;

  event_feed(registry& states, const crash_log& crashes) : states_(states), crashes_(crashes) {}

  /// Begins or ends to listen.
  void listen(bool wanted);
  /// What has come since the last time; `dropped` is how many more there were.
  std::deque<tree_event> take(std::uint64_t& dropped);

private:
  void hear(const registry::happening& what);

  registry& states_;
  const crash_log& crashes_;
  std::mutex guard_;
  std::deque<tree_event> kept_;
  std::uint64_t dropped_ = 0;
  std::uint64_t reports_seen_ = 0;
  std::chrono::system_clock::time_point report_seen_at_{};
  std::shared_ptr<void> ear_; // last, so that it goes first: until then we may be told something
};

} // namespace lyceum::supervision
