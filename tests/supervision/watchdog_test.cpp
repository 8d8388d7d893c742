// SPDX-License-Identifier: Apache-2.0
// Vitals, stuck handlers, given up threads, the canary, and poison, on real actors and threads.
#include "supervision/inside.hpp"
#include "supervision/quarantine_commands.hpp"
#include "tree_fixture.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>

#include <sched.h>
#include <sys/resource.h>

namespace {

struct poison_it { ///< a message that tells something
  std::string text;
};
std::string to_string(const poison_it& what) {
  return "poison_it " + what.text;
}

} // namespace
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(poison_it)

namespace {

using burn_atom = caf::atom_constant<caf::atom("burn")>;

/// Dies of "bad", answers with the length of anything else; dies of the trigger too.
caf::behavior taster(caf::event_based_actor* self, std::atomic<int>* tasted) {
  return {
      [tasted](const poison_it& what) {
        ++*tasted;
        if (what.text.starts_with("bad"))
          throw std::out_of_range("cannot stand " + what.text);
        return static_cast<int>(what.text.size());
      },
      [](burn_atom) { throw std::runtime_error("burnt"); },
      [self](const do_it& order) { order.what(self); },
  };
}

class watchdog_test : public tree_test {
protected:
  void with(system_options options) {
    tree.reset();
    make_tree(std::move(options));
  }
  child tasting(std::string id = "taster", restart_type restart = restart_type::permanent) {
    return worker({.id = std::move(id), .restart = restart}, [this](birth& at) { return at.pooled(taster, &tasted); });
  }
  /// What it answers: a length, or the text of an error.
  std::string taste(const std::string& text, std::string_view path = "taster") {
    caf::scoped_actor me(actors);
    const auto to = caf::actor_cast<caf::actor>(tree->named(path).handle());
    std::string got = "nobody";
    if (to)
      me->request(to, 5s, poison_it{text})
          .receive([&](int n) { got = std::to_string(n); }, [&](const caf::error& e) { got = caf::to_string(e); });
    return got;
  }
  /// The newest report of a kind.
  std::optional<lyceum::supervision::crash> report(std::string_view kind) {
    for (auto& one : tree->crashes().recent(100))
      if (one.kind == kind)
        return one;
    return std::nullopt;
  }
  void die_of(const std::string& text) {
    const auto before = node("taster").generation;
    taste(text);
    ASSERT_TRUE(reaches("taster", before + 1)) << text;
  }
  /// `ctl quarantine …`, without the socket.
  control_answer command(std::vector<std::string> args) {
    control_answer got;
    add_quarantine_commands(*tree, [&](std::string name, control_handler run, bool changes) {
      EXPECT_EQ(name, "quarantine");
      EXPECT_TRUE(changes) << "audited";
      run({name, args}, [&](control_answer said) { got = std::move(said); });
    });
    return got;
  }
  /// Computes until the test lets go.
  void spin(std::string_view path) {
    std::promise<void> inside;
    auto entered = inside.get_future();
    tell_to(path, [this, &inside](caf::event_based_actor*) {
      inside.set_value();
      while (!let_go) {
      }
    });
    entered.wait();
  }

  std::atomic<int> tasted = 0;
};

// --- vitals ---------------------------------------------------------------------------------------------------------

TEST_F(watchdog_test, messages_and_cpu_are_counted_across_the_lives_of_a_child) {
  grow({.intensity = 5}, {obeying("pooled"), obeying_on_its_own_thread("own")});
  const auto burn = [](caf::event_based_actor*) {
    const auto until = thread_cpu_time(thread_number()) + 20ms; // a busy machine may take long to give them
    while (thread_cpu_time(thread_number()) < until) {
    }
  };
  for (const auto* path : {"pooled", "own"}) {
    for (int i = 0; i < 10; ++i)
      EXPECT_GT(echo(path, 1), 0);
    tell_to(path, burn);
    EXPECT_TRUE(eventually([&] { return node(path).handled >= 11; })) << path;
    EXPECT_TRUE(eventually([&] { return node(path).cpu >= 19ms; })) << path << ": " << node(path).cpu.count();
    const auto before = node(path);
    crash(path);
    ASSERT_TRUE(reaches(path, 2));
    EXPECT_GE(node(path).handled, before.handled) << path;
    EXPECT_GE(node(path).cpu, before.cpu) << path;
  }
}

TEST_F(watchdog_test, a_child_that_waits_uses_no_cpu_and_one_that_computes_does) {
  grow({}, {obeying_on_its_own_thread("waits"), obeying_on_its_own_thread("computes")});
  hang("waits");
  spin("computes");
  EXPECT_TRUE(eventually([&] { return node("computes").cpu > 200ms; }, 20s));
  EXPECT_LT(node("waits").cpu, node("computes").cpu / 2);
}

TEST_F(watchdog_test, what_temporary_children_did_counts_for_their_supervisor) {
  grow({}, {dynamic_supervisor({.id = "sessions"}, {.max_children = 10}, [](birth& at) {
         return at.pooled([](caf::event_based_actor* self) -> caf::behavior {
           self->send(self, 1);
           return {[self](int) {
             const auto until = std::chrono::steady_clock::now() + 5ms;
             while (std::chrono::steady_clock::now() < until) {
             }
             self->quit();
           }};
         });
       })});
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(start_dynamic(*tree, "sessions", caf::make_message(1)));
  EXPECT_TRUE(eventually([&] { return node("sessions").handled >= 5 && node("sessions").cpu >= 25ms; }));
}

// --- stuck ----------------------------------------------------------------------------------------------------------

TEST_F(watchdog_test, a_detached_child_without_a_limit_is_named_and_left_alone) {
  system_options options;
  options.named_after = 300ms;
  with(std::move(options));
  grow({}, {obeying_on_its_own_thread("own")});
  spin("own");
  ASSERT_TRUE(eventually([&] { return report("stuck").has_value(); }));
  const auto said = *report("stuck");
  EXPECT_EQ(said.path, "own");
  EXPECT_EQ(said.reason, "has held its thread for more than 300 ms");
  EXPECT_EQ(said.decision, "left alone: it has no limit");
  EXPECT_EQ(node("own").generation, 1U);
}

TEST_F(watchdog_test, a_child_with_a_limit_is_named_first_and_replaced_at_its_limit) {
  system_options options;
  options.named_after = 200ms;
  with(std::move(options));
  auto hasty = obeying_on_its_own_thread("hasty");
  hasty.handler_max = 1500ms;
  grow({.kill_grace = 50ms}, {hasty});
  spin("hasty");
  ASSERT_TRUE(reaches("hasty", 2) || reaches("hasty", 2));
  std::vector<std::string> decisions;
  for (const auto& one : tree->crashes().recent(10))
    if (one.kind == "stuck")
      decisions.push_back(one.decision);
  std::ranges::reverse(decisions);
  EXPECT_EQ(decisions, (std::vector<std::string>{"replaced if it goes on for 1500 ms",
                                                 "killed, given up after the grace, replaced"}));
}

TEST_F(watchdog_test, who_may_take_its_time_is_not_named) {
  system_options options;
  options.named_after = 100ms;
  with(std::move(options));
  grow({}, {obeying_on_its_own_thread("slow"), obeying_on_its_own_thread("other")});
  tell_to("slow", [this](caf::event_based_actor*) {
    const unhurried migrating;
    while (!let_go)
      std::this_thread::sleep_for(1ms);
  });
  hang("other");
  ASSERT_TRUE(eventually([&] { return report("stuck").has_value(); }));
  for (const auto& one : tree->crashes().recent(10))
    EXPECT_NE(one.path, "slow");
}

TEST_F(watchdog_test, a_stuck_report_names_the_work_and_its_request) {
  system_options options;
  options.named_after = 200ms;
  with(std::move(options));
  grow({}, {obeying_on_its_own_thread("own")});
  tell_to("own", [this](caf::event_based_actor* self) {
    const auto note = life_of(self).working_on("key", "the text /courses/a", "0123456789abcdef");
    while (!let_go)
      std::this_thread::sleep_for(1ms);
  });
  ASSERT_TRUE(eventually([&] { return report("stuck").has_value(); }));
  EXPECT_EQ(report("stuck")->work, "the text /courses/a");
  EXPECT_EQ(report("stuck")->request, "0123456789abcdef");
}

// --- given up -------------------------------------------------------------------------------------------------------

TEST_F(watchdog_test, the_thread_of_a_life_that_was_given_up_is_demoted_and_counted) {
  auto loops = obeying_on_its_own_thread("loops");
  loops.spec.shutdown = brutal_kill{};
  grow({.kill_grace = 50ms}, {loops, obeying("pooled")});
  std::atomic<int> number = 0;
  std::promise<void> inside;
  tell_to("loops", [&](caf::event_based_actor*) {
    number = thread_number();
    inside.set_value();
    while (!let_go) {
    }
  });
  inside.get_future().wait();
  const int usual = getpriority(PRIO_PROCESS, 0); // whoever runs the tests may have lowered it
  EXPECT_EQ(getpriority(PRIO_PROCESS, static_cast<id_t>(number.load())), usual);
  ASSERT_TRUE(tree->operate(operation::kill, "loops").ok);
  ASSERT_TRUE(eventually([&] { return tree->demoted() == 1; }));
  EXPECT_EQ(getpriority(PRIO_PROCESS, static_cast<id_t>(number.load())), 19);
  EXPECT_EQ(sched_getscheduler(number), SCHED_IDLE);
  EXPECT_EQ(node("loops").abandoned, 1U);
  EXPECT_EQ(node("loops").demoted, 1U);
  ASSERT_TRUE(eventually([&] { return report("demoted").has_value(); }));
  EXPECT_EQ(report("demoted")->path, "loops");
  EXPECT_EQ(report("demoted")->generation, 1U);
  EXPECT_EQ(echo("loops", 1), 102) << "its successor works, with its own priority";
  std::promise<int> theirs;
  tell_to("loops", [&](caf::event_based_actor*) { theirs.set_value(getpriority(PRIO_PROCESS, 0)); });
  EXPECT_EQ(theirs.get_future().get(), usual);
  let_go = true;
  EXPECT_TRUE(eventually([&] { return node("loops").abandoned == 0; }));
  EXPECT_EQ(node("loops").demoted, 0U) << "it has ended";
}

TEST_F(watchdog_test, a_pool_thread_is_never_demoted) {
  grow({.kill_grace = 50ms}, {obeying("pooled")});
  spin("pooled");
  ASSERT_TRUE(tree->operate(operation::kill, "pooled").ok);
  ASSERT_EQ(node("pooled").abandoned, 1U);
  EXPECT_TRUE(tree->states().to_demote().empty());
  vitals life("pooled", 1);
  EXPECT_FALSE(demote(life));
}

TEST_F(watchdog_test, a_life_that_is_in_no_handler_is_not_demoted) {
  vitals life("gone", 1);
  life.detached = true;
  life.thread = thread_number(); // a number that another life's thread has by now
  const int usual = getpriority(PRIO_PROCESS, 0);
  EXPECT_FALSE(demote(life));
  EXPECT_EQ(getpriority(PRIO_PROCESS, 0), usual);
}

TEST_F(watchdog_test, a_loop_of_our_own_ends_at_its_next_checkpoint) {
  grow({.kill_grace = 5s}, {obeying_on_its_own_thread("own")});
  std::promise<void> inside;
  tell_to("own", [&](caf::event_based_actor* self) {
    inside.set_value();
    for (;;)
      life_of(self).checkpoint();
  });
  inside.get_future().wait();
  ASSERT_TRUE(tree->operate(operation::kill, "own", 10s).ok);
  EXPECT_EQ(node("own").abandoned, 0U) << "it heard of its end within the grace";
  EXPECT_EQ(echo("own", 1), 102);
}

// --- the canary -----------------------------------------------------------------------------------------------------

TEST_F(watchdog_test, a_pool_whose_threads_all_loop_is_not_fit) {
  const auto threads = std::max(2U, std::thread::hardware_concurrency());
  system_options options;
  options.pooled_handler_max = 1h; // not replaced: the pool stays as it is
  with(std::move(options));
  std::vector<child> all;
  for (unsigned i = 0; i < threads; ++i)
    all.push_back(obeying("p" + std::to_string(i)));
  grow({}, std::move(all));
  EXPECT_TRUE(tree->fit());
  for (unsigned i = 0; i < threads; ++i)
    hang("p" + std::to_string(i));
  EXPECT_TRUE(eventually([&] { return !tree->pool_alive() && !tree->fit(); }, 20s));
  let_go = true;
  EXPECT_TRUE(eventually([&] { return tree->fit(); }, 20s)) << "and is again once they have ended";
}

TEST_F(watchdog_test, more_given_up_lives_than_allowed_are_not_fit) {
  system_options options;
  options.abandoned_max = 1;
  with(std::move(options));
  grow({.kill_grace = 20ms}, {obeying_on_its_own_thread("own")});
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_TRUE(tree->fit());
    hang("own");
    ASSERT_TRUE(tree->operate(operation::kill, "own").ok);
    EXPECT_EQ(tree->abandoned(), i + 1);
  }
  EXPECT_FALSE(tree->fit());
  EXPECT_TRUE(tree->pool_alive());
}

// --- poison ---------------------------------------------------------------------------------------------------------

TEST_F(watchdog_test, the_third_crash_of_the_same_message_is_its_last) {
  grow({.intensity = 100}, {tasting(), tasting("other")});
  EXPECT_EQ(taste("good"), "4");
  for (int i = 0; i < 3; ++i)
    die_of("bad apple");
  EXPECT_EQ(tasted, 4);
  const auto refused = taste("bad apple");
  EXPECT_NE(refused.find("three times"), std::string::npos) << refused;
  EXPECT_EQ(tasted, 4) << "its behaviour never saw it";
  EXPECT_EQ(node("taster").generation, 4U);
  EXPECT_EQ(taste("good"), "4") << "others pass";
  die_of("bad pear");
  EXPECT_EQ(tree->poison().held().size(), 1U);
  EXPECT_EQ(tree->poison().held().front().refused, 1U);
  const auto said = report("quarantined");
  ASSERT_TRUE(said);
  EXPECT_EQ(said->path, "taster");
  EXPECT_NE(said->last_message.find("bad apple"), std::string::npos);
  EXPECT_EQ(report("crash")->type, "std::out_of_range");
  EXPECT_NE(taste("bad apple", "other").find("unhandled"), std::string::npos)
      << "to another child it is another message";
}

TEST_F(watchdog_test, a_refused_message_that_nobody_waits_for_is_counted_not_lost_silently) {
  grow({.intensity = 100}, {tasting()});
  for (int i = 0; i < 3; ++i)
    die_of("bad");
  for (int i = 0; i < 5; ++i)
    tell(tree->named("taster"), poison_it{"bad"});
  EXPECT_TRUE(eventually([&] { return tree->poison().held().front().refused == 5; }));
  EXPECT_EQ(node("taster").generation, 4U);
}

TEST_F(watchdog_test, a_quarantined_message_is_replayed_or_dropped_by_command) {
  grow({.intensity = 100}, {tasting()});
  EXPECT_EQ(command({"list"}).json, "[]");
  for (int i = 0; i < 3; ++i)
    die_of("bad apple");
  const auto listed = command({}).json;
  EXPECT_NE(listed.find(R"("id":1,"kind":"message","path":"taster")"), std::string::npos) << listed;
  EXPECT_NE(listed.find(R"("state":"held")"), std::string::npos) << listed;
  const auto shown = command({"show", "1"}).json;
  EXPECT_NE(shown.find(R"("message_kept":true)"), std::string::npos) << shown;
  EXPECT_NE(shown.find("cannot stand bad apple"), std::string::npos) << shown;
  tasted = 0;
  EXPECT_NE(command({"replay", "1"}).json.find("sent to taster"), std::string::npos);
  EXPECT_TRUE(eventually([&] { return tasted == 1; })) << "its reader sees the message again";
  EXPECT_TRUE(reaches("taster", 5));
  EXPECT_FALSE(tree->poison().any());
  EXPECT_NE(command({"list"}).json.find(R"("crashes":1)"), std::string::npos) << "counted anew";
  for (int i = 0; i < 2; ++i)
    die_of("bad apple");
  tasted = 0;
  EXPECT_EQ(command({"drop", "2"}).code, "");
  EXPECT_EQ(tasted, 0) << "nobody gets what is dropped";
  EXPECT_EQ(command({"list"}).json, "[]");
}

TEST_F(watchdog_test, wrong_orders_about_the_quarantine_are_told_what_is_wrong) {
  grow({}, {tasting()});
  EXPECT_EQ(command({"drop", "7"}).code, "not_found");
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"drop"},
                                                {"drop", "x"},
                                                {"drop", "-1"},
                                                {"show", "1", "2"},
                                                {"burn", "1"},
                                                {"list", "1"}})
    EXPECT_EQ(command(wrong).code, "usage") << wrong.front();
}

TEST_F(watchdog_test, triggers_and_messages_without_a_text_are_never_refused) {
  grow({.intensity = 100}, {tasting()});
  for (int i = 0; i < 4; ++i) {
    const auto before = node("taster").generation;
    tell(tree->named("taster"), burn_atom::value);
    ASSERT_TRUE(reaches("taster", before + 1));
    crash("taster"); // do_it: cannot be told from another by its text
    ASSERT_TRUE(reaches("taster", before + 2));
  }
  EXPECT_FALSE(tree->poison().any());
  EXPECT_TRUE(tree->poison().suspects().empty());
}

TEST_F(watchdog_test, work_that_kills_its_worker_three_times_is_refused_whoever_takes_it_up) {
  grow({.intensity = 100}, {tasting("a"), tasting("b")});
  std::atomic<int> refused = 0;
  const auto work = [&](std::string_view path, bool dies) {
    tell_to(path, [&, dies](caf::event_based_actor* self) {
      life_of(self).about("0123456789abcdef");
      const auto note = life_of(self).working_on("text:1", "the text one");
      if (!note)
        ++refused;
      else if (dies)
        throw std::runtime_error("dies of its work");
    });
  };
  std::map<std::string, std::uint64_t> lives{{"a", 1}, {"b", 1}};
  for (const auto* path : {"a", "b", "a"}) {
    work(path, true);
    ASSERT_TRUE(reaches(path, ++lives[path]));
  }
  EXPECT_EQ(report("crash")->work, "the text one");
  EXPECT_EQ(report("crash")->request, "0123456789abcdef");
  work("b", true);
  EXPECT_TRUE(eventually([&] { return refused == 1; }));
  EXPECT_EQ(node("b").generation, lives["b"]);
  EXPECT_EQ(report("quarantined")->work, "the text one");
}

TEST_F(watchdog_test, a_loop_that_was_replaced_three_times_counts_as_three_deaths) {
  auto hasty = obeying_on_its_own_thread("hasty");
  hasty.handler_max = 300ms;
  grow({.kill_grace = 20ms}, {hasty});
  for (std::uint64_t i = 1; i <= 3; ++i) {
    tell_to("hasty", [this](caf::event_based_actor* self) {
      const auto note = life_of(self).working_on("loop", "the loop");
      while (!let_go)
        std::this_thread::sleep_for(1ms);
    });
    ASSERT_TRUE(eventually(
        [&] { return node("hasty").generation == i + 1 && node("hasty").state == node_state::running; }, 15s));
  }
  EXPECT_EQ(tree->poison().held().size(), 1U);
}

} // namespace
