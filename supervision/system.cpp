// SPDX-License-Identifier: Apache-2.0
#include "supervision/system.hpp"

#include "supervision/inside.hpp"

#include <algorithm>
#include <future>
#include <stdexcept>
#include <thread>

namespace lyceum::supervision {

std::unique_ptr<caf::actor_system_config> caf_config() {
  auto config = std::make_unique<caf::actor_system_config>();
  const std::size_t cores = std::max(2U, std::thread::hardware_concurrency());
  config->set("scheduler.policy", caf::atom("sharing"));
  config->set("scheduler.max-threads", cores);
  config->set("scheduler.max-throughput", std::size_t{50});
  config->set("logger.console", caf::atom("none"));
  config->set("logger.file-verbosity", caf::atom("quiet"));
  config->set("logger.console-verbosity", caf::atom("quiet"));
  return config;
}

bool parse_operation(std::string_view word, operation& to) {
  static constexpr std::pair<std::string_view, operation> words[] = {
      {"restart", operation::restart},     {"stop", operation::stop},       {"start", operation::start},
      {"kill", operation::kill},           {"remove", operation::remove},   {"suspend", operation::suspend},
      {"resume", operation::resume},       {"inspect", operation::inspect}, {"degrade", operation::degrade},
      {"undegrade", operation::undegrade}, {"reset", operation::reset}};
  for (const auto& [name, what] : words)
    if (name == word) {
      to = what;
      return true;
    }
  return false;
}

// --- what outlives actors -------------------------------------------------------------------------------------------

route& system::inner::named(std::string_view path) {
  std::lock_guard lock(guard);
  auto it = routes.find(path);
  if (it == routes.end()) {
    it = routes.emplace(std::string(path), std::make_unique<route>(std::string(path), options.parking)).first;
    if (stopping)
      it->second->down();
  }
  return *it->second;
}

std::vector<std::pair<std::string, alive_entry>> system::inner::living_below(const std::string& path) {
  std::vector<std::pair<std::string, alive_entry>> found;
  const auto under = path + "/";
  std::lock_guard lock(guard);
  for (const auto& [where, entry] : alive)
    if (where.starts_with(under) && entry.who)
      found.emplace_back(where, entry);
  for (const auto& [where, one] : rosters) {
    if (where != path && !where.starts_with(under))
      continue;
    std::lock_guard inside_lock(one->guard);
    for (const auto& [number, entry] : one->all)
      found.emplace_back(where, entry);
  }
  return found;
}

std::vector<route*> system::inner::routes_below(const std::string& path) {
  std::vector<route*> found;
  const auto under = path + "/";
  std::lock_guard lock(guard);
  for (auto it = routes.lower_bound(under); it != routes.end() && it->first.starts_with(under); ++it)
    found.push_back(it->second.get());
  return found;
}

void system::inner::say(const std::string& line) const {
  if (!options.log)
    return;
  try {
    options.log(line);
  } catch (...) { // a log that fails must not end a supervisor
  }
}

// --- dynamic children -----------------------------------------------------------------------------------------------

bool dynamic_children::start(caf::message args) const {
  if (gate_->count.fetch_add(1, std::memory_order_relaxed) >= gate_->max) {
    gate_->count.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  auto place = std::make_shared<ticket>(gate_); // gives the place back, whatever becomes of the message
  return tell(*gate_->to, dynamic_start{std::move(args), std::move(place)});
}

std::size_t dynamic_children::running() const {
  return gate_->count.load(std::memory_order_relaxed);
}

bool tell_message(route& to, caf::message what) {
  if (const auto now = to.handle()) { // nearly always: no closure to make
    now->enqueue(nullptr, caf::make_message_id(), std::move(what), nullptr);
    return true;
  }
  return to.send([what = std::move(what)](const caf::strong_actor_ptr& found) mutable {
    if (found)
      found->enqueue(nullptr, caf::make_message_id(), std::move(what), nullptr);
  });
}

// --- the system -----------------------------------------------------------------------------------------------------

system::system(caf::actor_system& actors, system_options options)
    : inner_(std::make_unique<inner>(actors, std::move(options), *this)) {
  inner_->start_watch();
}

system::~system() {
  const auto until = std::chrono::steady_clock::now() + milliseconds{5000};
  bool ended = true;
  {
    std::lock_guard lock(inner_->root_guard);
    ended = !inner_->root || inner_->root_ended;
  }
  if (!ended)
    (void)stop(milliseconds{5000});
  while (abandoned() > 0 && std::chrono::steady_clock::now() < until) // given up, but perhaps nearly done
    std::this_thread::sleep_for(milliseconds{1});
  {
    std::lock_guard lock(inner_->root_guard);
    ended = !inner_->root || inner_->root_ended;
  }
  inner_->end_watch();
  if (!ended || abandoned() > 0)
    (void)inner_.release(); // somebody still runs and may look at it; the process is about to end
}

outcome system::start(child root) {
  auto& in = *inner_;
  {
    std::lock_guard lock(in.root_guard);
    if (in.root)
      return {false, "already_started", "the tree has been started", 0, node_state::running};
  }
  if (root.spec.type != child_type::supervisor || root.flags.strategy == strategy::simple_one_for_one)
    return {false, "bad_start_spec", "the root is a supervisor with children", 0, node_state::stopped};
  if (const auto bad = check_spec(root.spec, auto_shutdown::never); bad != errc::none)
    return {false, std::string(name_of(bad)), "the root's spec", 0, node_state::stopped};
  registry::entry e;
  e.path = root.spec.id;
  e.kind = node_kind::supervisor;
  e.strategy = root.flags.strategy;
  e.essential = true;
  e.note = root.note;
  in.states.add(std::move(e));
  birth_certificate of;
  of.tree = this;
  of.vitals = std::make_shared<vitals>(root.spec.id, in.states.begin_life(root.spec.id));
  in.states.attach(root.spec.id, of.vitals);
  auto what = std::make_shared<const child>(std::move(root));
  std::unique_lock lock(in.root_guard);
  in.root = spawn_root(in.actors, std::move(of), what);
  in.root->attach_functor([us = inner_.get()](const caf::error& why) {
    auto& our = *us;
    std::string reason;
    if (why) {
      reason = "it failed";
      if (why.context().size() > 0 && why.context().match_element<std::string>(0))
        reason = why.context().get_as<std::string>(0);
    }
    bool unasked = false;
    {
      std::lock_guard ended_lock(our.root_guard);
      our.root_ended = true;
      our.root_reason = reason;
      unasked = our.root_up && !our.stopping;
      our.root_changed.notify_all();
    }
    if (unasked && our.options.on_end)
      our.options.on_end(reason);
  });
  in.root_changed.wait(lock, [&] { return in.root_up || in.root_ended; });
  if (in.root_up)
    return {true, {}, {}, 1, node_state::running};
  in.root = nullptr;
  return {false, "start_error", in.root_reason, 0, node_state::stopped};
}

bool system::stop(milliseconds deadline) {
  auto& in = *inner_;
  {
    std::scoped_lock both(in.guard, in.root_guard);
    in.stopping = true;
  }
  std::unique_lock lock(in.root_guard);
  if (!in.root || in.root_ended)
    return true;
  exit_now(in.root, caf::exit_reason::user_shutdown);
  const bool ended = in.root_changed.wait_for(lock, deadline, [&] { return in.root_ended; });
  if (ended)
    in.root = nullptr; // it would pin its thread
  return ended && abandoned() == 0;
}

route& system::named(std::string_view path) {
  return inner_->named(inner_->states.normal(path));
}

dynamic_children system::dynamic(std::string_view path) {
  auto at = inner_->states.normal(path);
  auto& to = inner_->named(at);
  std::lock_guard lock(inner_->guard);
  auto& gate = inner_->gates[at];
  if (!gate) {
    gate = std::make_shared<dynamic_children::gate>();
    gate->to = &to;
  }
  return dynamic_children(gate);
}

registry& system::states() noexcept {
  return inner_->states;
}
const registry& system::states() const noexcept {
  return inner_->states;
}
crash_log& system::crashes() noexcept {
  return inner_->crashes;
}
caf::actor_system& system::actors() noexcept {
  return inner_->actors;
}

void system::operate(operation what, std::string_view path, outcome_callback then, std::uint64_t if_generation) {
  auto answer = std::make_shared<pending_answer>(std::move(then));
  auto& in = *inner_;
  const auto at = in.states.normal(path);
  const auto root = in.states.root();
  if (at == root) {
    answer->give({false, "root", "the root cannot be told that; name a part of it, or end the program", 0, {}});
    return;
  }
  const auto cut = at.rfind('/');
  const auto parent = cut == std::string::npos ? root : at.substr(0, cut);
  caf::actor to;
  if (parent == root) {
    std::lock_guard lock(in.root_guard);
    to = in.root_ended ? caf::actor{} : in.root;
  } else {
    std::lock_guard lock(in.guard);
    const auto it = in.alive.find(parent);
    if (it != in.alive.end())
      to = caf::actor_cast<caf::actor>(it->second.who);
  }
  if (!to) {
    if (in.states.knows(at))
      answer->give({false, "noproc", "its supervisor is away: " + parent, 0, node_state::down});
    else
      answer->give({false, "not_found", "no such child: " + at, 0, node_state::stopped});
    return;
  }
  // A worker gets what only a supervisor understands: refuse here what would be an unexpected message there.
  const auto seen = in.states.below(parent);
  if (seen.empty() || seen.front().kind == node_kind::worker) {
    answer->give({false, "not_found", "no such child: " + at, 0, node_state::stopped});
    return;
  }
  caf::anon_send(to, op_message{what, cut == std::string::npos ? at : at.substr(cut + 1), nullptr, std::move(answer),
                                if_generation});
}

outcome system::operate(operation what, std::string_view path, milliseconds timeout) {
  auto promise = std::make_shared<std::promise<outcome>>();
  auto future = promise->get_future();
  operate(what, path, [promise](outcome got) { promise->set_value(std::move(got)); });
  if (future.wait_for(timeout) != std::future_status::ready)
    return {false, "timeout", "no answer within " + std::to_string(timeout.count()) + " ms", 0, node_state::down};
  return future.get();
}

void system::add_child(std::string_view supervisor, child what, outcome_callback then) {
  auto answer = std::make_shared<pending_answer>(std::move(then));
  auto& in = *inner_;
  const auto at = in.states.normal(supervisor);
  caf::actor to;
  if (at == in.states.root()) {
    std::lock_guard lock(in.root_guard);
    to = in.root_ended ? caf::actor{} : in.root;
  } else {
    std::lock_guard lock(in.guard);
    const auto it = in.alive.find(at);
    if (it != in.alive.end())
      to = caf::actor_cast<caf::actor>(it->second.who);
  }
  const auto seen = in.states.below(at);
  if (!to || seen.empty() || seen.front().kind != node_kind::supervisor) {
    answer->give({false, "noproc", "no supervisor lives at " + at, 0, node_state::down});
    return;
  }
  auto extra = std::make_shared<child>(std::move(what));
  const auto id = extra->spec.id;
  caf::anon_send(to, op_message{operation::start, id, std::move(extra), std::move(answer)});
}

bool system::wait_serving(std::string_view path, milliseconds timeout) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    const auto seen = inner_->states.below(path);
    if (!seen.empty() && std::ranges::all_of(seen, [](const node_view& n) { return n.state == node_state::running; }))
      return true;
    if (std::chrono::steady_clock::now() >= until)
      return false;
    std::this_thread::sleep_for(milliseconds{5});
  }
}

bool system::pool_alive() const noexcept {
  const auto heard = inner_->canary_heard_ns.load(std::memory_order_relaxed);
  return std::chrono::steady_clock::now().time_since_epoch().count() - heard < 4'000'000'000;
}

std::size_t system::abandoned() const {
  std::size_t all = 0;
  for (const auto& n : inner_->states.snapshot())
    all += n.abandoned;
  return all;
}

} // namespace lyceum::supervision
