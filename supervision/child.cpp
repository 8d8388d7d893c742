// SPDX-License-Identifier: Apache-2.0
#include "supervision/child.hpp"

#include "supervision/inside.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <typeinfo>

namespace lyceum::supervision {
namespace {

constexpr std::size_t text_max = 4096;
constexpr std::size_t fingerprint_max = 64 * 1024; // of a message's text: more is not compared

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

std::string type_of(const std::exception_ptr& thrown) {
  const auto* type = thrown ? thrown.__cxa_exception_type() : nullptr;
  if (!type)
    return {};
  int wrong = 0;
  const std::unique_ptr<char, void (*)(void*)> readable(abi::__cxa_demangle(type->name(), nullptr, nullptr, &wrong),
                                                        std::free);
  return wrong == 0 && readable ? readable.get() : type->name();
}

/// A message that tells something: one that is only atoms is a trigger, and refusing it would stop its reader for good. One that
/// cannot be told from others by its text cannot be refused either.
bool is_known_by_its_text(const caf::type_erased_tuple& content, const std::string& text) {
  if (text.find("<unprintable>") != std::string::npos)
    return false;
  for (std::size_t i = 0; i < content.size(); ++i)
    if (!content.match_element<caf::atom_value>(i))
      return true;
  return false;
}

std::int64_t steady_ns() noexcept {
  return std::chrono::steady_clock::now().time_since_epoch().count();
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
  poison_ = &of_.tree->poison();
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
  turn_began_ns_ = of_.vitals->detached ? 0 : steady_ns(); // that of a detached one is read from its thread's clock
}

void life::end_turn() noexcept {
  of_.vitals->handler.store(0, std::memory_order_relaxed);
  count_turn();
  watch_end();
}

void life::count_turn() noexcept {
  const auto began = std::exchange(turn_began_ns_, 0);
  if (began != 0)
    of_.vitals->spent_ns.fetch_add(steady_ns() - began, std::memory_order_relaxed);
}

// While it is suspended only exits and its supervisor's own messages pass; what is skipped keeps its order.
life::sys_result life::before_behaviour(caf::mailbox_element& what) {
  auto& content = what.content();
  bool plain = false;
  if (content.size() == 1) {
    const auto [number, type] = content.type(0); // ours are made in this library only: one type_info each
    plain = number == 0;                         // none of CAF's own
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
  } else if (of_.vitals->suspended.load(std::memory_order_relaxed)) {
    return sys_result::skip;
  }
  if (poison_->any() && poisoned(what))
    return sys_result::taken;
  return plain && !what.sender && what.mid.is_async() ? sys_result::plain : sys_result::pass;
}

// One of a crowd of temporary children is as good as another: a message to any is a message to them all.
std::string_view life::kept_path() const noexcept {
  const std::string_view whole = of_.vitals->path;
  return of_.handshake ? whole : whole.substr(0, whole.rfind('/'));
}

bool life::poisoned(caf::mailbox_element& what) {
  if (what.mid.is_response() || !poison_->holds_messages_of(kept_path()))
    return false;
  const auto text = caf::to_string(what.content());
  if (!is_known_by_its_text(what.content(), text))
    return false;
  const auto why = poison_->refusal(quarantine::kind::message,
                                    quarantine::message_key(kept_path(), text.substr(0, fingerprint_max)));
  if (why.empty())
    return false;
  // Whoever asked hears it at once. A promise inside the message is broken as the message goes, which answers too.
  if (what.mid.is_request() && what.sender)
    what.sender->enqueue(self_->ctrl(), what.mid.response_id(),
                         caf::make_message(caf::make_error(caf::sec::unexpected_message, why)), self_->context());
  return true;
}

// What it died of: the work that it named, else its message.
void life::suspect(const std::string& reason, const std::string& message) {
  quarantine::death of;
  of.path = kept_path();
  of.reason = reason;
  auto& words = *of_.vitals->words;
  if (auto work = take_failed_work()) {
    words.work = work->label;
    if (!work->request.empty())
      words.request = work->request;
    of.key = std::move(work->key);
    of.label = std::move(work->label);
    of.request = words.request;
  } else {
    auto* last = self_->current_mailbox_element();
    if (!last || last->mid.is_response() || last->content().empty() ||
        last->content().match_element<caf::exit_msg>(0) || last->content().match_element<caf::down_msg>(0) ||
        !is_known_by_its_text(last->content(), message))
      return;
    of.kind = quarantine::kind::message;
    of.key = quarantine::message_key(of.path, message.substr(0, fingerprint_max));
    of.label = message;
    of.request = words.request;
    if (of_.handshake) // a temporary child has no successor to replay it to
      of.payload = last->copy_content_to_message();
  }
  if (const auto held = poison_->died(std::move(of)))
    of_.tree->inside().tell_quarantined(*held, generation());
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
  auto reason = what_of(thrown);
  try {
    of_.vitals->words = std::make_unique<last_words>(last_words{type_of(thrown), request_, {}});
    suspect(reason, message);
  } catch (...) { // no memory to count it: its end matters more
  }
  message.resize(std::min(message.size(), text_max));
  state.resize(std::min(state.size(), text_max));
  return caf::error{static_cast<std::uint8_t>(caf::exit_reason::unhandled_exception), caf::atom("exit"),
                    caf::make_message(std::move(reason), std::move(message), std::move(state))};
}

void life::ended() noexcept {
  of_.vitals->fenced.store(true, std::memory_order_release);
  count_turn();
  if (of_.vitals->detached && of_.vitals->thread.load(std::memory_order_relaxed) == thread_number())
    of_.vitals->spent_ns.store(thread_cpu_time(thread_number()).count(), std::memory_order_relaxed);
  of_.vitals->over.store(true, std::memory_order_release);
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
