// SPDX-License-Identifier: Apache-2.0
// Three deaths of the same thing, in one process and across several, without CAF.
#include "supervision/quarantine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace lyceum::supervision {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using kind = quarantine::kind;

quarantine::death death_of(std::string key, std::string path = "rendering/renderer-1") {
  quarantine::death one;
  one.path = std::move(path);
  one.label = "label of " + key;
  one.key = std::move(key);
  one.reason = "why";
  return one;
}

struct quarantine_test : testing::Test {
  fs::path folder = fs::temp_directory_path() / ("lyceum-quarantine-" + std::to_string(::getpid()));
  quarantine_test() { fs::create_directories(folder); }
  ~quarantine_test() override { fs::remove_all(folder); }
  quarantine::limits on_disk() const {
    quarantine::limits of;
    of.file = folder / "quarantine.json";
    of.inflight = folder / "run" / "inflight";
    return of;
  }
  /// A process of its own that works on `key` and ends as `end` says.
  template <class End>
  int in_a_process(const std::string& key, End end) {
    const pid_t child = fork();
    if (child == 0) {
      quarantine here(on_disk());
      work_note note(&here, "rendering/renderer-1", key, "the text " + key, "0123456789abcdef");
      if (!note)
        _exit(42);
      end(here);
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  }
};

/// Tests whose children die of signals.
struct quarantine_processes : quarantine_test {
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "a sanitizer turns signals into reports of its own";
#endif
  }
};

TEST_F(quarantine_test, the_third_death_of_the_same_thing_is_the_last) {
  quarantine q;
  EXPECT_FALSE(q.any());
  EXPECT_FALSE(q.died(death_of("a")));
  EXPECT_FALSE(q.died(death_of("a")));
  EXPECT_FALSE(q.died(death_of("b"))) << "another thing";
  EXPECT_EQ(q.refusal(kind::work, "a"), "");
  const auto held = q.died(death_of("a"));
  ASSERT_TRUE(held);
  EXPECT_EQ(held->crashes, 3);
  EXPECT_TRUE(q.any());
  EXPECT_NE(q.refusal(kind::work, "a").find("three times"), std::string::npos) << q.refusal(kind::work, "a");
  EXPECT_EQ(q.refusal(kind::work, "b"), "");
  EXPECT_EQ(q.refusal(kind::message, "a"), "") << "a message of that key is something else";
  EXPECT_EQ(q.find(held->id)->refused, 1U);
}

TEST_F(quarantine_test, deaths_too_far_apart_are_not_one_fault) {
  quarantine q({.window = 0ms});
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(q.died(death_of("a")));
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_EQ(q.suspects().front().crashes, 1);
}

TEST_F(quarantine_test, what_is_released_is_let_in_and_counted_anew) {
  quarantine q;
  q.died(death_of("a"));
  q.died(death_of("a"));
  auto last = death_of("a");
  last.payload = std::string("the message");
  const auto id = q.died(last)->id;
  const auto out = q.release(id);
  ASSERT_TRUE(out);
  EXPECT_EQ(std::any_cast<std::string>(out->payload), "the message");
  EXPECT_FALSE(q.any());
  EXPECT_EQ(q.refusal(kind::work, "a"), "");
  EXPECT_FALSE(q.died(death_of("a")));
  EXPECT_FALSE(q.release(id)) << "once";
}

TEST_F(quarantine_test, it_is_bounded_and_the_oldest_makes_room) {
  quarantine q({.crashes_max = 1, .held_max = 10});
  for (int i = 0; i < 30; ++i)
    q.died(death_of("key " + std::to_string(i)));
  EXPECT_EQ(q.held().size(), 10U);
  EXPECT_EQ(q.refusal(kind::work, "key 0"), "");
  EXPECT_NE(q.refusal(kind::work, "key 29"), "");
  quarantine many({.suspects_max = 5});
  for (int i = 0; i < 30; ++i)
    many.died(death_of("key " + std::to_string(i)));
  EXPECT_EQ(many.suspects().size(), 5U);
}

TEST_F(quarantine_test, long_keys_that_differ_at_their_end_are_not_taken_for_each_other) {
  quarantine q({.crashes_max = 1});
  const std::string same(1000, 'x');
  q.died(death_of(same + "1"));
  EXPECT_NE(q.refusal(kind::work, same + "1"), "");
  EXPECT_EQ(q.refusal(kind::work, same + "2"), "");
}

TEST_F(quarantine_test, a_note_remembers_what_an_exception_ended) {
  quarantine q;
  { const work_note fine(&q, "a", "good", "good"); }
  EXPECT_FALSE(take_failed_work());
  try {
    const work_note outer(&q, "a", "outer", "outer");
    const work_note inner(&q, "a", "inner", "inner", "0123456789abcdef");
    throw std::runtime_error("x");
  } catch (const std::exception&) { // as CAF would
  }
  const auto failed = take_failed_work();
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->key, "inner") << "the innermost is what failed";
  EXPECT_EQ(failed->request, "0123456789abcdef");
  EXPECT_FALSE(take_failed_work());
  try {
    const work_note note(&q, "a", "x", "x");
    throw std::runtime_error("x");
  } catch (const std::exception&) { // as a guard would that goes on
  }
  forget_failed_work();
  EXPECT_FALSE(take_failed_work());
}

TEST_F(quarantine_processes, what_kills_three_processes_is_refused_by_the_fourth) {
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(in_a_process("poison", [](quarantine&) { raise(SIGSEGV); }), -SIGSEGV) << i;
  EXPECT_EQ(in_a_process("poison", [](quarantine&) {}), 42);
  EXPECT_EQ(in_a_process("another", [](quarantine&) {}), 0);
  quarantine q(on_disk());
  ASSERT_EQ(q.held().size(), 1U);
  const auto row = q.held().front();
  EXPECT_EQ(row.label, "the text poison");
  EXPECT_EQ(row.path, "rendering/renderer-1");
  EXPECT_EQ(row.request, "0123456789abcdef");
  EXPECT_NE(row.reason.find("signal 11"), std::string::npos) << row.reason;
}

/// Uses up its stack.
int overflow(const volatile char* from, int n) {
  volatile char some[4096];
  some[0] = from ? from[0] : 'x';
  return n < 0 ? 0 : overflow(some, n + 1) + some[0];
}

TEST_F(quarantine_processes, a_stack_that_overflows_is_told_too) {
  const pid_t child = fork();
  if (child == 0) {
    quarantine here(on_disk());
    std::thread([&] {
      const work_note note(&here, "a", "deep", "deep");
      _exit(overflow(nullptr, 0));
    }).join();
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  const quarantine q(on_disk());
  ASSERT_EQ(q.suspects().size(), 1U);
  EXPECT_EQ(q.suspects().front().key, "deep");
}

TEST_F(quarantine_processes, only_the_thread_that_died_is_guilty) {
  const pid_t child = fork();
  if (child == 0) {
    quarantine here(on_disk());
    std::atomic<int> ready = 0;
    std::thread innocent([&] {
      const work_note note(&here, "a", "innocent", "innocent");
      ++ready;
      std::this_thread::sleep_for(10s);
    });
    while (ready == 0)
      std::this_thread::yield();
    const work_note note(&here, "a", "guilty", "guilty");
    std::abort();
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  quarantine q(on_disk());
  ASSERT_EQ(q.suspects().size(), 1U);
  EXPECT_EQ(q.suspects().front().key, "guilty");
}

TEST_F(quarantine_processes, a_kill_from_outside_suspects_what_had_been_at_work_for_long_and_nothing_else) {
  in_a_process("short", [](quarantine&) { raise(SIGKILL); });
  EXPECT_TRUE(quarantine(on_disk()).suspects().empty());
  in_a_process("long", [](quarantine& here) {
    const auto until = std::chrono::steady_clock::now() + 700ms;
    while (std::chrono::steady_clock::now() < until)
      here.beat();
    raise(SIGKILL);
  });
  const quarantine q(on_disk());
  ASSERT_EQ(q.suspects().size(), 1U);
  EXPECT_EQ(q.suspects().front().key, "long");
}

TEST_F(quarantine_processes, a_signal_that_another_process_sent_makes_nobody_guilty) {
  const pid_t child = fork();
  if (child == 0) {
    quarantine here(on_disk());
    const work_note note(&here, "a", "short", "short");
    if (fork() == 0) {
      kill(getppid(), SIGABRT);
      _exit(0);
    }
    for (;;)
      pause();
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) << "it dies of it all the same";
  EXPECT_TRUE(quarantine(on_disk()).suspects().empty());
}

TEST_F(quarantine_processes, an_orderly_end_suspects_nobody) {
  in_a_process("at work", [](quarantine& here) {
    std::this_thread::sleep_for(600ms);
    here.beat();
    here.leaving();
    _exit(70);
  });
  EXPECT_TRUE(quarantine(on_disk()).suspects().empty());
}

TEST_F(quarantine_processes, a_living_process_keeps_its_notes_from_the_next_one) {
  quarantine old(on_disk());
  const work_note note(&old, "a", "draining", "draining");
  std::this_thread::sleep_for(600ms);
  old.beat();
  quarantine next(on_disk()); // an upgrade: the old one still drains
  EXPECT_TRUE(next.suspects().empty());
  EXPECT_TRUE(next.inherited().empty());
}

TEST_F(quarantine_test, counts_survive_an_orderly_end_and_files_that_are_not_ours_cost_nothing) {
  {
    quarantine q(on_disk());
    q.died(death_of("a"));
    q.died(death_of("a"));
    q.died(death_of("\xff broken \"text\""));
  }
  {
    quarantine q(on_disk());
    EXPECT_EQ(q.suspects().size(), 2U);
    EXPECT_TRUE(q.died(death_of("a")));
  }
  EXPECT_EQ(quarantine(on_disk()).held().front().id, 1U);
  testing::internal::CaptureStderr();
  for (const std::string bad : {"", "{", "[]", "{\"held\":7}", "{\"held\":[7,{\"key\":\"x\"}]}"}) {
    std::ofstream(folder / "quarantine.json") << bad;
    std::ofstream(folder / "run" / "inflight") << bad;
    quarantine q(on_disk());
    EXPECT_TRUE(q.held().empty()) << bad;
    EXPECT_FALSE(q.died(death_of("b")));
  }
  testing::internal::GetCapturedStderr();
}

TEST_F(quarantine_processes, a_torn_slot_is_left_out) {
  in_a_process("torn", [](quarantine&) { raise(SIGSEGV); });
  const auto file = folder / "run" / "inflight";
  std::string bytes;
  {
    std::ifstream from(file, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(from), {});
  }
  const auto at = bytes.find("the text torn");
  ASSERT_NE(at, std::string::npos);
  bytes[at + 4] = 'n'; // half of another text
  std::ofstream(file, std::ios::binary) << bytes;
  EXPECT_TRUE(quarantine(on_disk()).suspects().empty());
}

TEST_F(quarantine_test, a_disk_that_fails_costs_one_line) {
  testing::internal::CaptureStderr();
  quarantine::limits of;
  of.file = "/dev/null/quarantine.json";
  of.inflight = "/dev/null/inflight";
  quarantine q(of);
  const work_note note(&q, "a", "x", "x");
  EXPECT_TRUE(note);
  for (int i = 0; i < 3; ++i)
    q.died(death_of("a"));
  q.beat();
  EXPECT_NE(q.refusal(kind::work, "a"), "");
  q.release(1);
  const auto said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
}

TEST_F(quarantine_test, many_threads_may_note_and_die_at_once) {
  quarantine q(on_disk());
  std::vector<std::thread> all;
  for (int t = 0; t < 4; ++t)
    all.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        const work_note note(&q, "a", "k" + std::to_string((t + i) % 7), "x");
        if (note && i % 500 == 0)
          q.died(death_of("k" + std::to_string(i % 3)));
        if (i % 100 == 0)
          q.beat();
      }
    });
  for (auto& one : all)
    one.join();
  EXPECT_LE(q.held().size(), 3U);
}

} // namespace
} // namespace lyceum::supervision
