// SPDX-License-Identifier: Apache-2.0
// The control thread: one loop that accepts, reads, answers and keeps deadlines. Not for others.
#pragma once

#include "supervision/control.hpp"
#include "supervision/control_audit.hpp"
#include "supervision/control_chaos.hpp"
#include "supervision/control_events.hpp"
#include "supervision/control_place.hpp"
#include "supervision/control_roles.hpp"
#include "supervision/trace.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace lyceum::supervision {

/// Where work for the control thread arrives from others; outlives the server for what comes too late.
struct letter_box {
  std::mutex guard;
  std::vector<std::function<void()>> all;
  int wake = -1;
  bool open = false;
  std::atomic<std::thread::id> reader{}; ///< the control thread

  /// False: nobody will read it; `what` is dropped.
  bool put(std::function<void()> what);
  void ring();
};

/// Says what happens often at most ten times in ten seconds, and how often it held its tongue.
class seldom {
public:
  /// The line to say now, if any.
  std::optional<std::string> say(const std::string& line, std::chrono::steady_clock::time_point now);

private:
  std::chrono::steady_clock::time_point since_{};
  unsigned said_ = 0;
  std::uint64_t kept_back_ = 0;
};

struct control::inner {
  using clock = std::chrono::steady_clock;
  inner(system& of, control_options with);

  struct entry {
    control_handler run;
    control_rule rule;
  };
  struct pending_call {
    std::uint64_t connection = 0; ///< 0: from within the process, and `reply` hears of it
    std::string id;               ///< as JSON
    control_caller who;
    control_request asked;
    bool changes = false;
    clock::time_point deadline;
    control_reply reply;
  };
  struct connection {
    int fd = -1;
    control_caller who;
    control_lines in;
    std::string out{};
    bool ending = false; ///< no more is read; closed once `out` is written and all calls are answered
    std::size_t calls = 0;
    unsigned wrong_lines = 0;             ///< in a row
    clock::time_point heard = {};         ///< when something came last
    clock::time_point line_since = {};    ///< since when an unfinished line waits for its end
    unsigned topics = 0;                  ///< of a subscription
    std::uint64_t dropped = 0;            ///< events that found no room, not told yet
    std::uint64_t dropped_since_room = 0; ///< events since it last read anything
  };
  struct trace_run {
    std::uint64_t call = 0;
    std::string path;
    std::unique_ptr<trace_tap> tap;
    clock::time_point until;
    std::uint64_t messages = 0;
    std::uint64_t dropped = 0;
  };

  system& tree;
  const control_options options;
  control_place place{options.socket};
  std::map<std::string, entry, std::less<>> handlers;
  std::shared_ptr<letter_box> box = std::make_shared<letter_box>();
  int listener = -1;
  std::optional<gid_t> operators;
  std::atomic<bool> over = false;
  std::atomic<bool> is_shut = true;
  std::atomic<std::size_t> within = 0; ///< calls from within the process that wait
  std::thread thread;

  // The control thread's own.
  audit_log audit;
  event_feed feed;
  seldom complaints;
  std::map<std::uint64_t, connection> connections;
  std::map<std::uint64_t, pending_call> calls;
  std::vector<std::uint64_t> waits; ///< calls of `wait`
  std::vector<trace_run> traces;
  chaos_drill drill;
  std::uint64_t drill_call = 0;
  std::uint64_t numbers = 0;

  // control.cpp
  int listen_at_place(bool& bound);

  // control_server.cpp: the loop
  void loop();
  int poll_timeout() const;
  void deliver();
  void accept_some();
  bool make_room(const control_caller& for_whom);
  void read_from(std::uint64_t number, connection& c);
  void flush(connection& c);
  void tidy();
  void complain(const std::string& line);

  // control_calls.cpp: a call's life
  void take_line(std::uint64_t number, connection& c, std::string_view line);
  void take_call(std::uint64_t number, std::string id, control_caller who, control_request asked, control_reply reply);
  std::optional<control_answer> refusal(const control_caller& who, const entry& what, const control_rule& rule,
                                        const control_request& asked);
  bool take_own(std::uint64_t call, pending_call& one);
  bool act_on_control(std::uint64_t call, const pending_call& one);
  void answer(std::uint64_t call, control_answer what);
  void write_audit(const pending_call& call, const std::string& result);
  void check_waits();
  void check_deadlines(clock::time_point now);
  void forget_calls_of(std::uint64_t number);

  // control_streams.cpp: what goes on after its question
  void begin_trace(std::uint64_t call, pending_call& one);
  void begin_chaos(std::uint64_t call, pending_call& one);
  void begin_sub(std::uint64_t call, pending_call& one);
  void run_streams(clock::time_point now);
  void run_traces(clock::time_point now, const std::deque<tree_event>& events);
  void run_drill(clock::time_point now);
  void send_event(connection& c, const std::string& line);
  void send_of_call(std::uint64_t call, std::string_view kind, std::string_view members);
  void end_chaos(const std::string& why);
  bool streams() const;
};

} // namespace lyceum::supervision
