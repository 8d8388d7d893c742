// SPDX-License-Identifier: Apache-2.0
// When workers may ask the mail host again, after it was away. Pure.
#pragma once

#include "storage/model/mail.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>

namespace lyceum {

/// While the host is away, or refuses our settings, one worker at a time tries it with one mail: after 1 s, 2, 4 … 60 s, each a
/// fifth more or less. So a thousand mails do not each wait for a host that is dead.
class mail_patience {
public:
  using clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds pause_min{1000};
  static constexpr std::chrono::milliseconds pause_max{60'000};
  /// A try whose worker never told how it ended is forgotten after this: longer than `smtp_waits::all`.
  static constexpr std::chrono::minutes probe_max{10};

  /// `jitter` gives a number from 0 up to 1, evenly spread.
  explicit mail_patience(std::function<double()> jitter) : jitter_(std::move(jitter)) {}

  /// True: this worker may claim. While the host is in trouble, that makes it the one that tries.
  bool may_claim(std::size_t worker, clock::time_point now);
  /// How a try of this worker ended, also of one that began before the trouble.
  void ended(std::size_t worker, delivery::result how, clock::time_point now);
  /// This worker claimed nothing, or is a new life: it tries nothing now.
  void leave(std::size_t worker);
  /// True since a host was away, or refused our settings, until it does something else.
  bool in_trouble() const noexcept { return failures_ > 0; }
  /// While in trouble: when it is tried again.
  clock::time_point next_try() const noexcept { return next_; }

private:
  std::function<double()> jitter_;
  int failures_ = 0;
  clock::time_point next_{};
  std::optional<std::size_t> probing_;
  clock::time_point probing_since_{};
};

} // namespace lyceum
