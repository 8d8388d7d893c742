// SPDX-License-Identifier: Apache-2.0
// The acceptance cases on real actors: a supervisor "s" below the root, children that obey, and starts that go as scripted.
#pragma once

#include "tree_fixture.hpp"

#include <map>

/// How the next starts of a child go.
enum class script_line {
  ok,
  ok_info, ///< and says "hello" besides
  ignore,
  error,       ///< life::fail("no luck")
  throws,      ///< the start function throws
  dies,        ///< the actor throws before it is ready
  hangs,       ///< never says that it has started
  ignore_once, ///< then ok
  error_once,  ///< then ok
};

class acceptance_test : public tree_test {
protected:
  acceptance_test() {
    tree.reset();
    system_options options;
    options.on_end = [this](const std::string& why) { ended_with.set_value(why); };
    make_tree(std::move(options));
  }

  /// A child whose starts go as `script` says and which then does as it is told. It logs "+a1" and "-a1".
  child scripted(child_spec spec) {
    return worker(std::move(spec), [this, id = spec.id](birth& at) -> caf::actor {
      const auto how = next_line(id);
      if (how == script_line::throws)
        throw std::runtime_error("thrown by the start function");
      return at.pooled(
          [how](caf::event_based_actor* self, diary* to) -> caf::behavior {
            auto& mine = life_of(self);
            if (how == script_line::ignore)
              return mine.ignore(), caf::behavior{};
            if (how == script_line::error)
              return mine.fail("no luck"), caf::behavior{};
            if (how == script_line::dies)
              throw std::runtime_error("died before it was ready");
            if (how == script_line::hangs)
              mine.start_later();
            auto does = obedient(self, to);
            if (how == script_line::ok_info)
              mine.started("hello");
            return does;
          },
          &log);
    });
  }
  child perm(std::string id) { return scripted({.id = std::move(id)}); }
  child trans(std::string id) { return scripted({.id = std::move(id), .restart = restart_type::transient}); }
  child temp(std::string id) { return scripted({.id = std::move(id), .restart = restart_type::temporary}); }
  /// A child that hears no orderly exit.
  child deaf(child_spec spec) {
    return worker(std::move(spec), [this](birth& at) {
      return at.pooled(
          [](caf::event_based_actor* self, diary* to) -> caf::behavior {
            self->set_exit_handler([](caf::exit_msg&) {});
            return obedient(self, to);
          },
          &log);
    });
  }
  static child significant(child c) {
    c.spec.significant = true;
    return c;
  }

  void will(const std::string& id, script_line how) {
    std::lock_guard lock(script_guard);
    script[id] = how;
  }
  script_line next_line(const std::string& id) {
    std::lock_guard lock(script_guard);
    auto& line = script[id];
    if (line != script_line::ignore_once && line != script_line::error_once)
      return line;
    return std::exchange(line, script_line::ok) == script_line::ignore_once ? script_line::ignore : script_line::error;
  }

  /// "site" with nothing in it, for what its start_child answers.
  void start_root() { grow({.intensity = 0}, {}); }
  /// "site" with one supervisor "s", which stays down when it ends by itself.
  void start(sup_flags flags, std::vector<child> children) {
    grow({.intensity = 0}, {supervisor({.id = "s", .restart = restart_type::transient}, flags, std::move(children))});
  }
  void start_simple(sup_flags flags, child of) {
    grow({.intensity = 0}, {dynamic_supervisor({.id = "s", .restart = restart_type::transient}, flags, std::move(of))});
  }
  supervisor_reply add(sup_flags flags, std::vector<child> children) {
    return tree->start_child("site", supervisor({.id = "s"}, flags, std::move(children)));
  }

  bool s_ended() {
    return eventually([this] { return node("s").state == node_state::stopped; });
  }
  /// "b a:undefined": which_children in OTP's words.
  std::string which(std::string_view of = "s") {
    std::string all;
    for (const auto& row : tree->which_children(of).children)
      all += (all.empty() ? "" : " ") + row.id +
             (row.living                            ? ""
              : row.state == slot_state::restarting ? ":restarting"
                                                    : ":undefined");
    return all;
  }
  child_counts counts(std::string_view of = "s") { return tree->count_children(of).counts; }
  caf::actor living(const std::string& id) {
    for (auto& row : tree->which_children("s").children)
      if (row.id == id)
        return row.living;
    return nullptr;
  }
  caf::actor_id life(const std::string& id) {
    const auto who = living(id);
    return who ? who.id() : 0;
  }
  std::vector<caf::actor> all_living() {
    std::vector<caf::actor> all;
    for (auto& row : tree->which_children("s").children)
      if (row.living)
        all.push_back(row.living);
    return all;
  }
  bool replaced(const std::string& id, caf::actor_id old) {
    return eventually([&] {
      const auto now = life(id);
      return now != 0 && now != old;
    });
  }

  static void order(const caf::actor& who, std::function<void(caf::event_based_actor*)> what) {
    caf::anon_send(who, do_it{std::move(what)});
  }
  static void end_normally(caf::event_based_actor* self) { self->quit(); }
  static void end_shutdown(caf::event_based_actor* self) { self->quit(caf::exit_reason::user_shutdown); }
  static void end_shutdown_t(caf::event_based_actor* self) {
    self->quit(caf::error{static_cast<std::uint8_t>(caf::exit_reason::user_shutdown), caf::atom("exit"),
                          caf::make_message(std::string("a term"))});
  }
  static void fall(caf::event_based_actor*) { throw std::runtime_error("told to"); }

  bool reported(const std::string& kind, const std::string& path = {}) {
    for (const auto& c : tree->crashes().recent(256))
      if (c.kind == kind && (path.empty() || c.path == path))
        return true;
    return false;
  }

  std::mutex script_guard;
  std::map<std::string, script_line> script;
  std::promise<std::string> ended_with;
};
