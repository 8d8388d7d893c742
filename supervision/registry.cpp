// SPDX-License-Identifier: Apache-2.0
#include "supervision/registry.hpp"

#include <algorithm>

namespace lyceum::supervision {

std::string_view name_of(node_state s) {
  switch (s) {
  case node_state::starting:
    return "starting";
  case node_state::running:
    return "running";
  case node_state::suspended:
    return "suspended";
  case node_state::stopping:
    return "stopping";
  case node_state::restarting:
    return "restarting";
  case node_state::degraded:
    return "degraded";
  case node_state::stopped:
    return "stopped";
  case node_state::down:
    return "down";
  }
  return "unknown";
}

std::string_view name_of(node_kind k) {
  switch (k) {
  case node_kind::worker:
    return "worker";
  case node_kind::supervisor:
    return "supervisor";
  case node_kind::dynamic:
    return "dynamic";
  }
  return "unknown";
}

namespace {

bool alive(node_state s) {
  return s == node_state::running || s == node_state::suspended || s == node_state::stopping ||
         s == node_state::starting;
}

} // namespace

registry::node* registry::find(std::string_view path) {
  const auto it = nodes_.find(path);
  return it == nodes_.end() ? nullptr : &it->second;
}

const registry::node* registry::find(std::string_view path) const {
  const auto it = nodes_.find(path);
  return it == nodes_.end() ? nullptr : &it->second;
}

void registry::collect(const std::string& path, time_point now, std::vector<node_view>& to) const {
  const node* n = find(path);
  if (!n)
    return;
  node_view v;
  v.path = n->is.path;
  v.parent = n->is.parent;
  v.kind = n->is.kind;
  v.state = n->state;
  v.generation = n->generation;
  v.budget = n->is.budget;
  v.period = n->is.period;
  for (const auto when : n->restarts)
    if (now - when <= n->is.period)
      ++v.restarts;
  v.restarts_total = n->restarts_total;
  v.handled = n->handled_before + (n->life ? n->life->handled.load(std::memory_order_relaxed) : 0);
  v.cpu = n->cpu_before + (n->life ? n->life->cpu() : milliseconds{0});
  if (n->life && alive(n->state)) {
    v.mailbox = n->life->mailbox();
    v.busy = n->life->busy_for();
    v.at_work = n->life->handler.load(std::memory_order_relaxed) != 0;
    v.detached = n->life->detached;
    if (n->life->suspended.load(std::memory_order_relaxed) && n->state == node_state::running)
      v.state = node_state::suspended;
  }
  if (alive(n->state) && n->since != time_point{})
    v.uptime = std::chrono::duration_cast<milliseconds>(now - n->since);
  if (n->retry_at > now)
    v.retry_in = std::chrono::duration_cast<milliseconds>(n->retry_at - now);
  if (n->children)
    v.children = n->children->load(std::memory_order_relaxed);
  v.abandoned = static_cast<std::size_t>(
      std::ranges::count_if(n->zombies, [](const auto& z) { return z->handler.load(std::memory_order_relaxed) != 0; }));
  v.demoted = static_cast<std::size_t>(std::ranges::count_if(n->zombies, [](const auto& z) {
    return z->demoted.load(std::memory_order_relaxed) && z->handler.load(std::memory_order_relaxed) != 0;
  }));
  v.restart = n->is.restart;
  v.strategy = n->is.strategy;
  v.essential = n->is.essential;
  v.last_exit = n->last_exit;
  v.note = n->is.note;
  to.push_back(std::move(v));
  for (const auto& child : n->below)
    collect(child, now, to);
}

std::vector<node_view> registry::snapshot(time_point now) const {
  std::lock_guard lock(guard_);
  std::vector<node_view> all;
  all.reserve(nodes_.size());
  collect(root_, now, all);
  return all;
}

std::vector<node_view> registry::below(std::string_view path, time_point now) const {
  const auto at = normal(path);
  std::lock_guard lock(guard_);
  std::vector<node_view> some;
  collect(at, now, some);
  return some;
}

bool registry::knows(std::string_view path) const {
  const auto at = normal(path);
  std::lock_guard lock(guard_);
  return find(at) != nullptr;
}

bool registry::all_well() const {
  std::lock_guard lock(guard_);
  return !nodes_.empty() && std::ranges::all_of(nodes_, [](const auto& n) {
    return n.second.state == node_state::running || n.second.state == node_state::suspended ||
           n.second.state == node_state::stopped;
  });
}

std::vector<std::string> registry::unwell() const {
  std::vector<std::string> paths;
  for (auto& n : snapshot())
    if (n.state == node_state::degraded || n.state == node_state::down)
      paths.push_back(std::move(n.path));
  return paths;
}

bool registry::current(std::string_view path, std::uint64_t generation) const {
  const auto at = normal(path);
  std::lock_guard lock(guard_);
  const node* n = find(at);
  return n && n->generation == generation && n->life && !n->life->fenced.load(std::memory_order_acquire);
}

std::string registry::normal(std::string_view path) const {
  while (path.starts_with('/'))
    path.remove_prefix(1);
  while (path.ends_with('/'))
    path.remove_suffix(1);
  std::lock_guard lock(guard_);
  if (path.empty())
    return root_;
  if (path.size() > root_.size() && path.starts_with(root_) && path[root_.size()] == '/')
    path.remove_prefix(root_.size() + 1);
  return std::string(path);
}

std::string registry::root() const {
  std::lock_guard lock(guard_);
  return root_;
}

std::vector<std::shared_ptr<vitals>> registry::to_demote() const {
  std::vector<std::shared_ptr<vitals>> some;
  std::lock_guard lock(guard_);
  for (const auto& [path, n] : nodes_)
    for (const auto& z : n.zombies)
      if (z->detached && !z->demoted.load(std::memory_order_relaxed) && z->handler.load(std::memory_order_relaxed) != 0)
        some.push_back(z);
  return some;
}

/// The life is over, or is given up: what it has done stays counted.
void registry::node::retire() {
  if (!life)
    return;
  handled_before += life->handled.load(std::memory_order_relaxed);
  cpu_before += life->cpu();
  life.reset();
}

void registry::add(entry what) {
  std::lock_guard lock(guard_);
  const bool known = nodes_.contains(what.path); // only then may its parent have it: a search among thousands
  if (what.parent.empty())
    root_ = what.path;
  else if (node* over = find(what.parent);
           over && (!known || std::ranges::find(over->below, what.path) == over->below.end()))
    over->below.push_back(what.path);
  node& n = nodes_[what.path];
  n.is = std::move(what);
  n.state = node_state::starting;
}

void registry::drop(const std::string& path) {
  node* n = find(path);
  if (!n)
    return;
  const auto below = n->below;
  for (const auto& child : below)
    drop(child);
  nodes_.erase(path);
}

void registry::remove(std::string_view path) {
  std::lock_guard lock(guard_);
  node* n = find(path);
  if (!n)
    return;
  if (node* over = find(n->is.parent))
    std::erase(over->below, std::string(path));
  drop(std::string(path));
}

std::uint64_t registry::begin_life(std::string_view path) {
  std::lock_guard lock(guard_);
  node* n = find(path);
  if (!n)
    return 1;
  n->state = node_state::starting;
  n->since = std::chrono::steady_clock::now();
  n->retry_at = {};
  ++n->generation;
  tell(*n, happening::kind::state);
  return n->generation;
}

std::shared_ptr<void> registry::listen(std::function<void(const happening&)> hear) {
  auto ear = std::make_shared<std::function<void(const happening&)>>(std::move(hear));
  {
    std::lock_guard lock(guard_);
    std::erase_if(ears_, [](const auto& one) { return one.expired(); });
    ears_.push_back(ear);
  }
  // Under the lock, so that whoever lets go of it is not being told any more and may be gone the next moment.
  auto* const name = ear.get();
  return {name, [this, kept = std::move(ear)](void*) mutable {
            std::lock_guard lock(guard_);
            kept.reset();
          }};
}

void registry::tell(const node& of, happening::kind what, std::string_view reason) const {
  for (const auto& ear : ears_)
    if (const auto one = ear.lock())
      (*one)({what, of.is.path, of.generation, of.state, reason});
}

void registry::attach(std::string_view path, std::shared_ptr<vitals> of) {
  std::lock_guard lock(guard_);
  if (node* n = find(path)) {
    n->retire();
    n->life = std::move(of);
  }
}

void registry::attach_count(std::string_view path, std::shared_ptr<const std::atomic<std::size_t>> children) {
  std::lock_guard lock(guard_);
  if (node* n = find(path))
    n->children = std::move(children);
}

void registry::describe(std::string_view path, lyceum::supervision::strategy how) {
  std::lock_guard lock(guard_);
  if (node* n = find(path))
    n->is.strategy = how;
}

void registry::set(std::string_view path, node_state state, time_point retry_at) {
  std::lock_guard lock(guard_);
  node* n = find(path);
  if (!n)
    return;
  const bool changed = n->state != state;
  const bool born = n->state == node_state::starting && state == node_state::running && n->generation > 1;
  if (n->state == node_state::degraded && state == node_state::starting)
    n->restarts.clear(); // it has a whole budget again
  n->state = state;
  n->retry_at = retry_at;
  if (!alive(state))
    n->retire();
  if (changed)
    tell(*n, happening::kind::state);
  if (born)
    tell(*n, happening::kind::restart);
}

void registry::set_below(std::string_view path, node_state state) {
  std::lock_guard lock(guard_);
  const node* top = find(path);
  if (!top)
    return;
  std::vector<std::string> todo = top->below;
  while (!todo.empty()) {
    const auto next = std::move(todo.back());
    todo.pop_back();
    node* n = find(next);
    if (!n)
      continue;
    const bool changed = n->state != state;
    n->state = state;
    n->retry_at = {};
    if (!alive(state))
      n->retire();
    if (changed)
      tell(*n, happening::kind::state);
    todo.insert(todo.end(), n->below.begin(), n->below.end());
  }
}

void registry::restarted(std::string_view path, time_point when) {
  std::lock_guard lock(guard_);
  node* n = find(path);
  if (!n)
    return;
  ++n->restarts_total;
  n->restarts.push_back(when);
  while (n->restarts.size() > 1000 || when - n->restarts.front() > n->is.period)
    n->restarts.pop_front();
}

void registry::forgive(std::string_view path) {
  std::lock_guard lock(guard_);
  if (node* n = find(path))
    n->restarts.clear();
}

void registry::exited(std::string_view path, std::string reason) {
  std::lock_guard lock(guard_);
  node* n = find(path);
  if (!n)
    return;
  n->last_exit = std::move(reason);
  tell(*n, happening::kind::exit, n->last_exit);
}

void registry::abandoned(std::string_view path, std::shared_ptr<vitals> life) {
  std::lock_guard lock(guard_);
  node* n = find(path);
  if (!n) // a dynamic child: its supervisor counts it
    n = find(path.substr(0, path.rfind('/')));
  if (!n)
    return;
  std::erase_if(n->zombies, [](const auto& z) { return z->handler.load(std::memory_order_relaxed) == 0; });
  n->zombies.push_back(std::move(life));
}

} // namespace lyceum::supervision
