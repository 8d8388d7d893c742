// SPDX-License-Identifier: Apache-2.0
// A supervisor's life as an actor: it feeds the engine and does what the engine says. It never blocks.
#pragma once

#include "supervision/inside.hpp"

#include <unordered_set>

namespace lyceum::supervision {

/// Exit reasons, CAF's and the engine's. What a crash tells besides its text goes to `message` and `state`.
exit_reason reason_of(const caf::error& e, std::string* message = nullptr, std::string* state = nullptr);
caf::error error_of(const exit_reason& r);
/// The name of a dynamic child: its number in hexadecimal.
std::string hex(std::uint64_t n);
/// Calls a child's `interrupt`, whatever it throws.
void call_interrupt(const std::function<void()>& interrupt);

class supervisor_actor final : public caf::event_based_actor {
public:
  supervisor_actor(caf::actor_config& config, birth_certificate of, std::shared_ptr<const child> what);

  caf::behavior make_behavior() override;
  void on_exit() override;
  bool cleanup(caf::error&& reason, caf::execution_unit* host) override {
    return caf::event_based_actor::cleanup(unkilled(std::move(reason)), host);
  }

private:
  struct living_child {
    caf::actor who;
    std::shared_ptr<supervision::vitals> vitals;
    std::string id;
    std::shared_ptr<supervision::ticket> ticket;
    caf::actor_id actor = 0;
    bool started = false;
  };
  /// The end of a sub-supervisor, told to the engine once all that lived below it has ended or its grace is over.
  struct mourning {
    child_handle number = 0;
    exit_reason reason;
    std::string path;
    std::unordered_map<caf::actor_id, alive_entry> left;
    time_point deadline;
  };
  /// What a dynamic child is started with.
  struct arrival {
    caf::message args;
    std::shared_ptr<supervision::ticket> ticket;
    caf::actor_id last = 0; // of the life that has ended, while it waits for its next
  };
  /// Who waits for the engine's reply to a call.
  struct asked {
    std::string id;
    std::shared_ptr<child> extra; // the child to be added
    answer_ptr done;
    reply_ptr otp;
  };
  /// What is known of a life that has just ended, for the reports about it.
  struct obituary {
    child_handle number = 0;
    std::shared_ptr<supervision::vitals> vitals;
    std::string message;
    std::string state;
  };
  using clock = std::chrono::steady_clock;

  /// Asks `init`, and checks what it or the definition says. False where there is nothing to start; the engine knows.
  bool begin();
  void open_gate();
  void register_children();

  // Events
  void on_down(caf::down_msg& d);
  void on_exit_message(caf::exit_msg& e);
  void on_said(said_message& m);
  void on_operation(op_message& m);
  void on_look(op_message& m);
  void on_call(call_message& m);
  void on_dynamic_start(dynamic_start& m);
  void on_dynamic_operation(op_message& m);
  void put(call what, asked by);
  void child_gone(child_handle number, exit_reason reason);

  // Effects
  void settle();
  void perform(effect& e);
  void do_start(effect& e);
  arrival arrival_of(const effect& e);
  void do_kill(child_handle number);
  void do_abandon(child_handle number, const std::string& id);
  void show(const effect& e);
  void tell_report(const effect& e);
  void do_reply(effect& e);
  void do_end(const effect& e);
  outcome outcome_of(const call_result& result, const std::string& child_id) const;
  caf::actor who_is(child_handle number) const;
  void arm();

  void mourn(child_handle number, exit_reason reason, const std::string& path);
  void finish_mourning(mourning& over, bool late);
  void forget(child_handle number);
  const child* definition(const std::string& id) const;
  std::string path_of(const std::string& id) const;
  void register_child(const child& c);
  void give_up_route(const std::string& path, node_state below);

  birth_certificate of_;
  system::inner& in_;
  const std::string path_;
  std::shared_ptr<const child> what_;
  const bool dynamic_;
  engine engine_;
  std::shared_ptr<const child> template_; // of a dynamic supervisor
  std::unordered_map<std::string, std::shared_ptr<const child>> children_;
  std::unordered_map<child_handle, living_child> living_;
  std::unordered_map<caf::actor_id, child_handle> by_actor_;
  std::unordered_map<call_id, asked> calls_;
  std::unordered_map<call_id, arrival> arrivals_; // whose start waits for its turn
  std::unordered_map<child_handle, arrival>
      kept_; // of dynamic children that may be started again, by their latest attempt
  std::vector<mourning> mournings_;
  obituary last_;
  arrival* arriving_ = nullptr; // of the dynamic child that is being started at once
  std::shared_ptr<roster> roster_;
  std::shared_ptr<std::atomic<std::size_t>> count_;
  call_id call_ids_ = 0;
  std::optional<time_point> armed_;
  bool settling_ = false;
};

} // namespace lyceum::supervision
