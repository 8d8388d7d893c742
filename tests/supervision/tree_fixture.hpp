// SPDX-License-Identifier: Apache-2.0
// Trees of small actors on real threads, with words for what happens to them.
#pragma once

#include "supervision/system.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using namespace lyceum::supervision;
using namespace std::chrono_literals;

struct do_it { ///< an order to a test child
  std::function<void(caf::event_based_actor*)> what;
};
struct echo_it {
  int number;
};
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(do_it)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(echo_it)

/// Waits for a condition with a deadline, never for a time.
inline bool eventually(const std::function<bool()>& what, std::chrono::milliseconds limit = 5s) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!what()) {
    if (std::chrono::steady_clock::now() > until)
      return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

/// What children did, in order: "+a1" (life 1 of a began), "-a1" (it ended).
class diary {
public:
  void write(std::string line) {
    std::lock_guard lock(guard_);
    lines_.push_back(std::move(line));
  }
  std::string text() const {
    std::lock_guard lock(guard_);
    std::string all;
    for (const auto& line : lines_)
      all += (all.empty() ? "" : " ") + line;
    return all;
  }
  void clear() {
    std::lock_guard lock(guard_);
    lines_.clear();
  }

private:
  mutable std::mutex guard_;
  std::vector<std::string> lines_;
};

/// An obedient child: runs what it is told, echoes numbers with its generation.
inline caf::behavior obedient(caf::event_based_actor* self, diary* to) {
  auto& mine = life_of(self);
  const auto name = mine.path().substr(mine.path().rfind('/') + 1) + std::to_string(mine.generation());
  to->write("+" + name);
  mine.on_stop([to, name] { to->write("-" + name); });
  mine.on_inspect([name] { return "I am " + name; });
  const auto generation = static_cast<int>(mine.generation());
  return {
      [self](const do_it& order) { order.what(self); },
      [generation](const echo_it& e) { return e.number * 100 + generation; },
  };
}

class tree_test : public testing::Test {
protected:
  tree_test() : config(caf_config()), actors(*config) { make_tree({}); }
  ~tree_test() override {
    let_go = true;
    tree.reset();
  }

  void make_tree(system_options options) {
    options.log = [](const std::string&) {};
    tree = std::make_unique<lyceum::supervision::system>(actors, std::move(options));
  }
  child obeying(std::string id, restart_type restart = restart_type::permanent) {
    return worker({.id = std::move(id), .restart = restart}, [this](birth& at) { return at.pooled(obedient, &log); });
  }
  child obeying_on_its_own_thread(std::string id) {
    return worker({.id = std::move(id)}, [this](birth& at) { return at.detached(obedient, &log); });
  }
  void grow(sup_flags flags, std::vector<child> children) {
    const auto up = tree->start(supervisor({.id = "site"}, flags, std::move(children)));
    ASSERT_TRUE(up.ok) << up.detail;
  }
  bool tell_to(std::string_view path, std::function<void(caf::event_based_actor*)> what) {
    return tell(tree->named(path), do_it{std::move(what)});
  }
  void crash(std::string_view path, std::string why = "told to") {
    tell_to(path, [why](caf::event_based_actor*) { throw std::runtime_error(why); });
  }
  /// Blocks its handler until the test lets go.
  void hang(std::string_view path) {
    std::promise<void> inside;
    auto entered = inside.get_future();
    tell_to(path, [this, &inside](caf::event_based_actor*) {
      inside.set_value();
      while (!let_go)
        std::this_thread::sleep_for(1ms);
    });
    entered.wait();
  }
  node_view node(std::string_view path) {
    auto seen = tree->states().below(path);
    return seen.empty() ? node_view{} : seen.front();
  }
  bool reaches(std::string_view path, std::uint64_t generation) {
    return eventually([&] {
      const auto n = node(path);
      return n.generation == generation && n.state == node_state::running;
    });
  }
  /// What a child answers now; -1 for an error.
  int echo(std::string_view path, int number) {
    caf::scoped_actor me(actors);
    const auto to = caf::actor_cast<caf::actor>(tree->named(path).handle());
    int got = -1;
    if (to)
      me->request(to, 2s, echo_it{number}).receive([&](int n) { got = n; }, [](const caf::error&) {});
    return got;
  }

  std::atomic<bool> let_go = false;
  diary log;
  std::unique_ptr<caf::actor_system_config> config;
  caf::actor_system actors;
  std::unique_ptr<lyceum::supervision::system> tree;
};
