// SPDX-License-Identifier: Apache-2.0
// The heart at work. Not for others: heart.hpp is what they see.
#pragma once

#include "supervision/heart/backoff.hpp"
#include "supervision/heart/closed_sign.hpp"
#include "supervision/heart/heart.hpp"
#include "supervision/heart/mailbox.hpp"
#include "supervision/heart/notify.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace lyceum::heart {

/// One sentence to standard error.
void say(const std::string& text);
/// "0.5 s"
std::string seconds(std::chrono::milliseconds time);

class guard {
public:
  guard(const heart_options& options, std::vector<listening_socket> sockets);
  int run();

private:
  using clock = std::chrono::steady_clock;
  using milliseconds = std::chrono::milliseconds;
  enum class state { waiting, booting, serving, stopping };

  /// One server process, from its start to its end.
  struct life {
    pid_t pid = 0; ///< 0: nobody
    std::string program;
    clock::time_point started, last_beat, ready_at;
    clock::time_point kill_at = clock::time_point::max(); ///< when SIGKILL follows
    bool was_ready = false;                               ///< said READY
    bool said_stopping = false;
    std::string status; ///< its last STATUS
    std::string fault;  ///< why the heart ends it; empty: it does not
  };

  /// What an upgrade came to, for heart.json.
  struct upgrade {
    enum class state { starting, done, failed };
    state at = state::starting;
    std::string file;
    std::string detail;
  };

  bool prepare();
  std::optional<life> launch(const std::string& program, bool beside, std::string& why);
  void start();
  void look();
  void read_signals();
  void read_messages();
  void hear_server(mailbox::message what);
  void order_stop(int signal);
  void begin_to_stop();
  void reap();
  void judge();
  void kill_slowly(life& whom, std::string fault); ///< "has not beaten for 5 s"
  void died(int wait_status);
  void write_state() const;
  void write_server_pid() const;
  clock::time_point deadline() const;
  std::optional<int> final_status(int wait_status) const;
  std::string end_of(const life& whom, int wait_status) const;
  bool alive() const { return server_.pid != 0; }
  bool over() const { return result_ && leaving_.empty() && heir_.pid == 0; }

  // A second server beside the first: guard_upgrade.cpp.
  void ask_upgrade(std::string_view file, owned_descriptor answer_to);
  static void refuse_upgrade(const owned_descriptor& answer_to, const std::string& why);
  void hear_leaving(const mailbox::message& what);
  void hear_heir(const mailbox::message& what);
  void crown();
  void heir_died(int wait_status);
  void judge_heir(clock::time_point now);
  void give_up_heir(const std::string& why);
  void fail_upgrade(const std::string& why);
  void answer_asker(const std::string& line);
  void judge_leaving(clock::time_point now);
  void reap_leaving();
  void kill_leaving() const;

  const heart_options& options_;
  const heart_figures& figures_;
  std::vector<listening_socket> sockets_;
  backoff backoff_;
  notifier outer_; ///< systemd, if it is there
  mailbox mailbox_;
  closed_sign sign_;
  int signals_ = -1;

  state state_ = state::waiting;
  std::string program_; ///< what the next start executes
  life server_;
  life heir_;                 ///< the new server of an upgrade, until it is ready
  std::vector<life> leaving_; ///< former servers that drain: at most `leaving_max`
  static constexpr std::size_t leaving_max = 8;
  std::optional<upgrade> upgrade_;            ///< the last one
  owned_descriptor asker_;                    ///< where its outcome is told
  clock::time_point start_at_ = clock::now(); ///< in `waiting`
  clock::time_point outer_beat_ = clock::time_point::max();
  clock::time_point looked_; ///< when the last look began to see
  bool any_ready_ = false;   ///< one of them said READY
  int passed_signal_ = 0;    ///< SIGTERM or SIGINT, once one came
  int restarts_ = 0;
  std::string last_death_;
  std::optional<int> result_;
};

} // namespace lyceum::heart
