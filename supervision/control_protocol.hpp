// SPDX-License-Identifier: Apache-2.0
// What goes over the control socket: octets to lines to requests, and answers to lines. Knows no CAF and no socket, so that it
// can be fuzzed. `man lyceum`, PROTOCOL, is its description for others.
#pragma once

#include "supervision/child_spec.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lyceum::supervision {

/// What came over the socket: {"id":1,"cmd":"cache","args":["show","/courses"]}
struct control_request {
  std::string command;                          ///< "cache"
  std::vector<std::string> args{};              ///< what stands behind it
  std::optional<std::uint64_t> if_generation{}; ///< do it only to this life; else "generation"
  milliseconds timeout{30'000};                 ///< for `wait`: "timeout_ms", at most ten minutes
};
/// What goes back: {"id":1,"ok":…} or {"id":1,"error":{"code":…,"detail":…}}
struct control_answer {
  std::string json = "null"; ///< a JSON text; arrays of objects become tables in `ctl`
  std::string code{};        ///< empty: it worked. Else "not_found", "unavailable", "usage" …
  std::string detail{};      ///< a sentence: what is wrong and what to do
};
using control_reply = std::function<void(control_answer)>; ///< once, on any thread; later ones are dropped

/// Who asks, and what they may do.
struct control_caller {
  /// viewer: look. operator_: also restart, start, stop, suspend, resume, kill, chaos, cache. admin: everything.
  enum class role { viewer, operator_, admin };
  role may = role::viewer;
  std::string name{}; ///< for the audit: a user's, or "console"
  unsigned uid = 0;
  int pid = 0;
};
/// "viewer", "operator", "admin"
std::string_view name_of(control_caller::role);

/// One line, read.
struct control_line {
  std::string id = "null"; ///< as JSON: a whole number, or a text of at most 128 bytes
  control_request asked;
  std::string error{}; ///< empty: it is a request
};
/// A line is a JSON object (8 levels, 64 arguments) whose keys are id, cmd, path, args, timeout_ms, if_gen and topics.
control_line parse_control_line(std::string_view line);

/// An answer as a line, with its end.
std::string answer_line(std::string_view id, control_answer what);
/// `{"id":ID,"ev":KIND,MEMBERS}` as a line. An empty id is left out; `members` begins with a comma or is empty.
std::string event_line(std::string_view id, std::string_view kind, std::string_view members);

/// Cuts a stream of octets into lines. Bounded: what is longer than `bytes_max` is not kept.
class control_lines {
public:
  enum class step { line, more, too_long };
  explicit control_lines(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  void feed(std::string_view octets);
  /// The next whole line, without its end; empty lines are passed over. After `too_long` nothing more comes.
  step next(std::string& line);
  /// True where a line has begun and not ended.
  bool unfinished() const noexcept { return from_ < kept_.size(); }

private:
  std::size_t bytes_max_;
  std::string kept_;
  std::size_t from_ = 0;   // where the next line begins
  std::size_t looked_ = 0; // no line ends before this
  bool too_long_ = false;
};

/// "250ms", "30s", "2m"; a bare number is seconds. Nothing for what is beyond ten minutes.
std::optional<milliseconds> parse_duration(std::string_view text);

/// `chaos PATH|--all [--every 1s] [--for 60s]`, `chaos stop`
struct chaos_plan {
  std::string path{}; ///< empty: each subsystem in turn
  bool stop = false;
  milliseconds every{1000};
  milliseconds lasting{60'000};
};
/// `trace PATH [--for 10s]`
struct trace_plan {
  std::string path{};
  milliseconds lasting{10'000};
};
/// A text: what is wrong with the arguments.
std::variant<chaos_plan, std::string> parse_chaos(const std::vector<std::string>& args);
std::variant<trace_plan, std::string> parse_trace(const std::vector<std::string>& args);

/// What a subscription may name: exit, restart, report, state.
inline constexpr unsigned topic_exit = 1;
inline constexpr unsigned topic_restart = 2;
inline constexpr unsigned topic_report = 4;
inline constexpr unsigned topic_state = 8;
/// All of them without arguments; nothing where one is unknown.
std::optional<unsigned> parse_topics(const std::vector<std::string>& args);

} // namespace lyceum::supervision
