// SPDX-License-Identifier: Apache-2.0
// What may be asked with `lyceum ctl`, and how it is typed.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lyceum::ops {

struct ctl_command {
  std::string_view name;
  std::string_view arguments; ///< as in the help: "PATH", "[N]"
  std::size_t args_min;
  std::size_t args_max;
  std::string_view says;
};
std::span<const ctl_command> ctl_table();

/// What was typed.
struct ctl_question {
  std::string control;
  bool as_json = false;
  bool yes = false; ///< do not ask before a subsystem is restarted, stopped or killed
  std::string name;
  std::vector<std::string> args{};
  std::optional<std::uint64_t> if_generation{};
  std::chrono::milliseconds timeout{30'000}; ///< for `wait`

  /// How long an answer may take: a drill and a trace last as long as they were told to.
  std::chrono::milliseconds patience() const;
};
/// Nothing is left to ask: help was asked for (status 0), or the usage is wrong (2).
struct ctl_finished {
  int status = 0;
  std::string text;
};
std::variant<ctl_question, ctl_finished> read_ctl(const std::vector<std::string>& args, std::string control);

} // namespace lyceum::ops
