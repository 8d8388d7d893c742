// SPDX-License-Identifier: Apache-2.0
// What every supervised actor has besides its own behaviour.
#pragma once

#include "supervision/quarantine.hpp"
#include "supervision/threads.hpp"
#include "supervision/trace.hpp"
#include "supervision/vitals.hpp"

#include <caf/all.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace lyceum::supervision {

class system;

/// How one life began: made by the supervisor, carried by the actor.
struct birth_certificate {
  supervision::system* tree = nullptr;
  caf::actor parent;
  std::uint64_t number = 0; ///< the supervisor's name for this life
  std::shared_ptr<supervision::vitals> vitals;
  bool handshake = true; ///< whether the supervisor waits for started / ignore / error
  bool dynamic = false;  ///< one of many: not linked to its supervisor, which keeps a roster instead
};

/// The supervised side of an actor. `birth::pooled` and `birth::detached` give it to every child: an exception handler (what was
/// thrown, the last message, the state's summary), the quarantine, the start handshake, suspend, resume, inspect, and its vitals.
class life {
public:
  explicit life(birth_certificate of) : of_(std::move(of)) {}
  life(const life&) = delete;
  life& operator=(const life&) = delete;

  const std::string& path() const noexcept { return of_.vitals->path; }
  std::uint64_t generation() const noexcept { return of_.vitals->generation; }
  supervision::system& tree() const noexcept { return *of_.tree; }

  /// Copy it into jobs that must not take effect once this life is given up.
  fence guard() const { return fence(of_.vitals); }
  /// For loops of our own: throws `fenced_off` once this life has been given up.
  void checkpoint() const { guard().check(); }

  /// A line or some JSON about the state, for `ctl inspect` and crash reports. Called on the actor's own thread. No secrets.
  void on_inspect(std::function<std::string()> summary) { summary_ = std::move(summary); }
  /// Runs when this life ends in any way, after a stateful actor's state is gone: capture what it needs. What it throws is reported.
  void on_stop(std::function<void()> hook) { stop_hook_ = std::move(hook); }

  /// The request that this life is for: its crash report names it.
  void about(std::string request) { request_ = std::move(request); }
  /// Says what is being worked on, while the note lives: `key` tells it from other work (of whichever child), `label` names it for
  /// people. What crashes its worker three times, or the whole process, is refused: look at the note before the work.
  work_note working_on(std::string key, std::string label, std::string request = {}) {
    return {poison_, path(), std::move(key), std::move(label), std::move(request)};
  }

  /// Without these, a child has started once its function has returned. With `start_later` it has started when it says
  /// `started()`, within its supervisor's start_timeout.
  void start_later() noexcept { later_ = true; }
  /// `info` goes to whoever asked for the start: OTP's ok(child, info).
  void started(std::string info = {});
  /// There is nothing to do: the child ends, and its supervisor keeps its place empty, without an error.
  void ignore();
  /// It cannot work: the child ends, and its start has failed for this reason.
  void fail(std::string reason);

protected:
  // The part that needs no template, run by `living` below.
  void prepare(caf::event_based_actor* self);
  caf::behavior finish_start(caf::event_based_actor* self, caf::behavior user);
  enum class sys_result { pass, plain, taken, skip };
  sys_result before_behaviour(caf::mailbox_element& what);
  void begin_message() noexcept {
    of_.vitals->handler.store(++handlers_, std::memory_order_relaxed);
    forget_failed_work();
  }
  void end_message(bool taken) noexcept {
    auto& handled = of_.vitals->handled;
    handled.store(handled.load(std::memory_order_relaxed) + (taken ? 1 : 0), std::memory_order_relaxed);
  }
  void trace(const caf::mailbox_element& what, std::chrono::microseconds took) noexcept; ///< for `ctl trace`
  void begin_turn() noexcept;
  void end_turn() noexcept;
  void ended() noexcept;
  void arrived() noexcept { of_.vitals->arrived.fetch_add(1, std::memory_order_relaxed); }

private:
  caf::error died(std::exception_ptr& thrown);
  void suspect(const std::string& reason, const std::string& message);
  bool poisoned(caf::mailbox_element& what);
  void count_turn() noexcept;
  std::string_view kept_path() const noexcept;

  birth_certificate of_;
  quarantine* poison_ = nullptr; ///< the tree's; set before anything is handled
  std::string request_;
  std::int64_t turn_began_ns_ = 0;
  std::uint64_t handlers_ = 0; ///< that began in this life
  caf::event_based_actor* self_ = nullptr;
  std::function<std::string()> summary_;
  std::function<void()> stop_hook_;
  bool later_ = false;
  bool told_ = false;
  bool no_start_ = false;
};

/// The life of the actor that calls it, or null for an actor outside the tree (as in a unit test).
inline life* find_life(caf::local_actor* self) {
  return dynamic_cast<life*>(self);
}
/// The same; throws std::logic_error for an actor outside the tree.
life& life_of(caf::local_actor* self);
/// Convenience for behaviours that also run outside the tree: nothing happens there.
inline void on_inspect(caf::local_actor* self, std::function<std::string()> summary) {
  if (auto* found = find_life(self))
    found->on_inspect(std::move(summary));
}
/// A note that counts nothing outside the tree.
inline work_note working_on(caf::local_actor* self, std::string key, std::string label, std::string request = {}) {
  if (auto* found = find_life(self))
    return found->working_on(std::move(key), std::move(label), std::move(request));
  return {nullptr, {}, std::move(key), std::move(label), std::move(request)};
}
/// A fence that is always open outside the tree.
inline fence fence_of(caf::local_actor* self) {
  auto* found = find_life(self);
  return found ? found->guard() : fence{};
}

/// Ends `whom` ahead of everything in its mailbox (a plain send_exit waits behind the whole mailbox: 247 ms behind 20,000
/// messages, against 2 ms). `caf::exit_reason::kill` cannot be trapped.
void exit_now(const caf::actor& whom, caf::exit_reason why);

/// The reason that a killed actor's links and monitors see. CAF's own `kill` would go on through the link and kill the supervisor
/// too, which cannot trap it; so it becomes `unknown` with the text "killed". Other reasons pass.
caf::error unkilled(caf::error reason);

/// Where the results of a handler go when nobody waits for them.
class unanswered final : public caf::detail::invoke_result_visitor {
public:
  using caf::detail::invoke_result_visitor::operator();
  void operator()() override {}
  void operator()(caf::error&) override {}
  void operator()(caf::message&) override {}
  void operator()(const caf::none_t&) override {}
};

/// A function actor as a class: `Base` is what its first parameter points to.
template <class Base, class F, class Args>
class living final : public Base, public life {
public:
  living(caf::actor_config& config, birth_certificate of, F function, Args args)
      : Base(config), life(std::move(of)), function_(std::move(function)), args_(std::move(args)) {}

  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit* host) override {
    arrived();
    Base::enqueue(std::move(what), host);
  }
  caf::resumable::resume_result resume(caf::execution_unit* host, size_t throughput) override {
    begin_turn();
    auto result = Base::resume(host, throughput);
    end_turn();
    return result;
  }
  bool cleanup(caf::error&& reason, caf::execution_unit* host) override {
    ended();
    return Base::cleanup(unkilled(std::move(reason)), host);
  }

protected:
  caf::behavior make_behavior() override {
    prepare(this);
    auto call = [this](auto&... xs) -> caf::behavior { return function_(static_cast<Base*>(this), std::move(xs)...); };
    return finish_start(this, std::apply(call, args_));
  }
  caf::invoke_message_result consume(caf::mailbox_element& what) override {
    this->current_element_ =
        &what; // CAF's own consume sets it too late: what runs before it may throw, and is then reported
    begin_message();
    const bool traced = trace_taps.load(std::memory_order_relaxed) != 0;
    const auto began = traced ? std::chrono::steady_clock::now() : std::chrono::steady_clock::time_point{};
    auto result =
        caf::invoke_message_result::consumed; // where anything throws, the actor is over and nobody counts any more
    switch (before_behaviour(what)) {
    case sys_result::taken:
      break;
    case sys_result::skip:
      result = caf::invoke_message_result::skipped;
      break;
    case sys_result::plain:
      result = consume_plain(what);
      break;
    case sys_result::pass:
      result = Base::consume(what);
      break;
    }
    if (traced && result != caf::invoke_message_result::skipped)
      trace(what, std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began));
    end_message(result != caf::invoke_message_result::skipped);
    return result;
  }

private:
  /// A message that nobody waits to have answered, of a type that means nothing to CAF, goes straight to the behaviour: what CAF
  /// does besides (it looks for its own messages, then makes and drops a promise of an answer) is a fifth of a message's cost.
  caf::invoke_message_result consume_plain(caf::mailbox_element& what) {
    if (!this->bhvr_stack_.empty() && this->awaited_responses_.empty() && !this->getf(Base::has_timeout_flag)) {
      unanswered nobody;
      switch (this->bhvr_stack_.back()(nobody, what.content())) {
      case caf::match_case::match:
        return caf::invoke_message_result::consumed;
      case caf::match_case::skip:
        return caf::invoke_message_result::skipped;
      case caf::match_case::no_match:
        break;
      }
    }
    return Base::consume(what);
  }

  F function_;
  Args args_;
};

/// The actor class for a function `caf::behavior f(Self*, args…)`; not for generic lambdas, whose Self cannot be known.
template <class F, class... Ts>
struct living_of {
  using self_pointer =
      typename caf::detail::tl_head<typename caf::detail::get_callable_trait<F>::type::arg_types>::type;
  static_assert(std::is_pointer_v<self_pointer>,
                "the first parameter is caf::event_based_actor* or caf::stateful_actor<S>*");
  using type = living<std::remove_pointer_t<self_pointer>, F, std::tuple<Ts...>>;
};

} // namespace lyceum::supervision
