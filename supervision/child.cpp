// SPDX-License-Identifier: Apache-2.0
#include "supervision/child.hpp"

#include "supervision/inside.hpp"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <stdexcept>
#include <typeinfo>

namespace lyceum::supervision {
namespace {

constexpr std::size_t text_max = 4096;

std::string what_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    return e.what();
  } catch (const std::string& text) {
    return text;
  } catch (const char* text) {
    return text;
  } catch (...) {
    return "something that is not a std::exception";
  }
}

int thread_number() noexcept {
  thread_local const int number = static_cast<int>(::syscall(SYS_gettid));
  return number;
}

} // namespace

life& life_of(caf::local_actor* self) {
  auto* found = find_life(self);
  if (!found)
    throw std::logic_error("not a supervised actor: spawn it with birth::pooled or birth::detached");
  return *found;
}

void exit_now(const caf::actor& whom, caf::exit_reason why) {
  if (whom)
    caf::anon_send<caf::message_priority::high>(whom, caf::exit_msg{whom->address(), caf::make_error(why)});
}

caf::error unkilled(caf::error reason) {
  if (!reason || reason.category() != caf::atom("exit") ||
      reason.code() != static_cast<std::uint8_t>(caf::exit_reason::kill))
    return reason;
  return caf::error{static_cast<std::uint8_t>(caf::exit_reason::unknown), caf::atom("exit"),
                    caf::make_message(std::string("killed"))};
}

void run_in(const caf::actor& self, std::function<void()> what) {
  caf::anon_send(self, run_message{std::move(what)});
}

void life::prepare(caf::event_based_actor* self) {
  self_ = self;
  self->set_exception_handler([this](caf::scheduled_actor*, std::exception_ptr& thrown) { return died(thrown); });
}

caf::behavior life::finish_start(caf::event_based_actor*, caf::behavior user) {
  if (no_start_)
    return {};
  if (!later_ || !user)
    started();
  return user;
}

void life::started(std::string info) {
  if (std::exchange(told_, true) || !of_.handshake)
    return;
  caf::anon_send<caf::message_priority::high>(of_.parent,
                                              said_message{said_message::kind::started, of_.number, std::move(info)});
}

void life::ignore() {
  if (std::exchange(told_, true))
    return;
  no_start_ = true;
  caf::anon_send<caf::message_priority::high>(of_.parent, said_message{said_message::kind::ignored, of_.number, {}});
  self_->quit();
}

void life::fail(std::string reason) {
  if (std::exchange(told_, true))
    return;
  no_start_ = true;
  caf::anon_send<caf::message_priority::high>(of_.parent,
                                              said_message{said_message::kind::failed, of_.number, std::move(reason)});
  self_->quit(caf::make_error(caf::exit_reason::user_shutdown));
}

void life::begin_turn() noexcept {
  of_.vitals->thread.store(thread_number(), std::memory_order_relaxed);
  watch_begin(of_.vitals.get());
  begin_message(); // the actor's own function runs in its first turn, before any message
}

void life::end_turn() noexcept {
  of_.vitals->busy_since_ns.store(0, std::memory_order_relaxed);
  watch_end();
}

// The clock that the kernel sets at each of its ticks: a message costs less than reading the exact one.
void life::begin_message() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  of_.vitals->busy_since_ns.store(now.tv_sec * 1'000'000'000 + now.tv_nsec, std::memory_order_relaxed);
}

void life::end_message(bool taken) noexcept {
  if (!taken)
    return;
  auto& handled = of_.vitals->handled;
  handled.store(handled.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

// While it is suspended only exits and its supervisor's own messages pass; what is skipped keeps its order.
life::sys_result life::before_behaviour(caf::mailbox_element& what) {
  auto& content = what.content();
  if (content.size() == 1) {
    const auto* type = content.type(0).second; // ours are made in this library only: one type_info each
    if (type == &typeid(sys_message)) {
      auto& order = content.get_mutable_as<sys_message>(0);
      outcome done;
      done.generation = generation();
      done.state = node_state::running;
      switch (order.what) {
      case sys_message::kind::suspend:
        of_.vitals->suspended = true;
        break;
      case sys_message::kind::resume:
        of_.vitals->suspended = false;
        break;
      case sys_message::kind::inspect:
        done.detail = summary_ ? summary_() : std::string{};
        break;
      }
      if (of_.vitals->suspended)
        done.state = node_state::suspended;
      if (order.done)
        order.done->give(std::move(done));
      return sys_result::taken;
    }
    if (of_.vitals->suspended.load(std::memory_order_relaxed) && !content.match_element<caf::exit_msg>(0))
      return sys_result::skip;
    if (type == &typeid(run_message)) {
      content.get_mutable_as<run_message>(0).what();
      return sys_result::taken;
    }
    return sys_result::pass;
  }
  return of_.vitals->suspended.load(std::memory_order_relaxed) ? sys_result::skip : sys_result::pass;
}

caf::error life::died(std::exception_ptr& thrown) {
  std::string message;
  std::string state;
  try {
    if (auto* last = self_->current_mailbox_element())
      message = caf::to_string(last->content());
    if (summary_)
      state = summary_();
  } catch (const std::exception& e) {
    state = std::string("its summary failed: ") + e.what();
  } catch (...) {
    state = "its summary failed";
  }
  message.resize(std::min(message.size(), text_max));
  state.resize(std::min(state.size(), text_max));
  return caf::error{static_cast<std::uint8_t>(caf::exit_reason::unhandled_exception), caf::atom("exit"),
                    caf::make_message(what_of(thrown), std::move(message), std::move(state))};
}

void life::ended() noexcept {
  of_.vitals->fenced.store(true, std::memory_order_release);
  summary_ = nullptr;
  of_.parent = nullptr; // a dead child that somebody holds must not pin its supervisor's thread
  auto hook = std::exchange(stop_hook_, nullptr);
  if (!hook)
    return;
  try {
    hook();
  } catch (...) {
    crash what;
    what.kind = "shutdown_error";
    what.path = path();
    what.generation = generation();
    what.reason = "its stop hook threw: " + what_of(std::current_exception());
    what.decision = "contained";
    try {
      of_.tree->crashes().add(std::move(what));
    } catch (...) { // no memory for a report: the child's end matters more
    }
  }
}

} // namespace lyceum::supervision
