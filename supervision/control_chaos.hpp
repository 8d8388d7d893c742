// SPDX-License-Identifier: Apache-2.0
// An operator's drill: parts are killed in turn while the site serves. Knows no CAF and no clock of its own.
#pragma once

#include "supervision/control_protocol.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lyceum::supervision {

/// Says whom to kill and when; one drill at a time. A kill that is not answered within 5 s counts as failed.
class chaos_drill {
public:
  static constexpr milliseconds answer_max{5000};

  bool runs() const noexcept { return runs_; }
  /// `targets` is not empty.
  void begin(const chaos_plan& plan, std::vector<std::string> targets, time_point now);
  /// Whom to kill now; the caller does it and says so with `killed`, naming `turn()`.
  std::optional<std::string> next(time_point now);
  std::uint64_t turn() const noexcept { return turn_; }
  /// What came of it. False: it was given up before, and counts as failed.
  bool killed(std::uint64_t turn, bool ok, time_point now);
  /// How long the last successful kill took, from the order to its successor.
  std::chrono::microseconds took() const noexcept { return took_; }
  /// True once its time is over and nobody is being killed.
  bool over(time_point now) const;
  /// When `next` or `over` may have something to say.
  time_point wakes() const;
  /// Ends it. As JSON: {"kills":…,"failed":…,"longest_us":…,"ended":why}
  std::string end(const std::string& why);

private:
  bool runs_ = false;
  bool waits_ = false; // for an answer
  std::vector<std::string> targets_;
  std::size_t at_ = 0;
  milliseconds every_{0};
  time_point until_{};
  time_point due_{};
  time_point ordered_{};
  std::uint64_t turn_ = 0;
  std::uint64_t kills_ = 0;
  std::uint64_t failed_ = 0;
  std::chrono::microseconds took_{0};
  std::chrono::microseconds longest_{0};
};

} // namespace lyceum::supervision
