// SPDX-License-Identifier: Apache-2.0
#include "supervision/crash_log.hpp"
#include "supervision/registry.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace {

using namespace lyceum::supervision;
using namespace std::chrono_literals;

struct registry_test : testing::Test {
  registry r;
  registry_test() {
    r.add({.path = "site", .kind = node_kind::supervisor});
    r.add({.path = "cache", .parent = "site", .kind = node_kind::supervisor});
    r.add({.path = "cache/page", .parent = "cache", .budget = 5, .period = 30s, .note = "pages are slower"});
    r.add({.path = "web", .parent = "site"});
  }
};

TEST_F(registry_test, children_stand_below_their_parents_in_start_order) {
  std::vector<std::string> paths;
  for (const auto& n : r.snapshot())
    paths.push_back(n.path);
  EXPECT_EQ(paths, (std::vector<std::string>{"site", "cache", "cache/page", "web"}));
}

TEST_F(registry_test, a_path_may_begin_with_the_root) {
  EXPECT_EQ(r.normal("site/cache/page"), "cache/page");
  EXPECT_EQ(r.normal("/cache/"), "cache");
  EXPECT_EQ(r.normal("site"), "site");
  EXPECT_EQ(r.normal(""), "site");
  EXPECT_EQ(r.normal("sitemap"), "sitemap");
  EXPECT_TRUE(r.knows("site/cache/page"));
  EXPECT_FALSE(r.knows("site/nobody"));
}

TEST_F(registry_test, generations_outlive_the_supervisor) {
  EXPECT_EQ(r.begin_life("cache/page"), 1U);
  r.add({.path = "cache/page", .parent = "cache"}); // its supervisor begins again
  EXPECT_EQ(r.begin_life("cache/page"), 2U);
}

TEST_F(registry_test, what_was_degraded_comes_back_with_a_whole_budget) {
  const auto now = std::chrono::steady_clock::now();
  r.restarted("cache/page", now);
  r.set("cache/page", node_state::degraded);
  EXPECT_EQ(r.below("cache/page", now).front().restarts, 1);
  r.set("cache/page", node_state::starting);
  EXPECT_EQ(r.below("cache/page", now).front().restarts, 0);
  EXPECT_EQ(r.below("cache/page", now).front().restarts_total, 1U);
}

TEST_F(registry_test, only_restarts_within_the_period_count) {
  const auto now = std::chrono::steady_clock::now();
  r.restarted("cache/page", now - 31s);
  r.restarted("cache/page", now - 10s);
  r.restarted("cache/page", now);
  const auto n = r.below("cache/page", now).front();
  EXPECT_EQ(n.restarts, 2);
  EXPECT_EQ(n.restarts_total, 3U);
  r.forgive("cache/page");
  EXPECT_EQ(r.below("cache/page", now).front().restarts, 0);
}

TEST_F(registry_test, what_is_unwell_is_named) {
  for (const auto* path : {"site", "cache", "cache/page", "web"})
    r.set(path, node_state::running);
  EXPECT_TRUE(r.all_well());
  r.set("cache", node_state::degraded);
  r.set_below("cache", node_state::down);
  EXPECT_FALSE(r.all_well());
  EXPECT_EQ(r.unwell(), (std::vector<std::string>{"cache", "cache/page"}));
}

TEST_F(registry_test, a_life_is_current_until_it_is_fenced_or_followed) {
  auto life = std::make_shared<vitals>("web", r.begin_life("web"));
  r.attach("web", life);
  EXPECT_TRUE(r.current("site/web", 1));
  EXPECT_FALSE(r.current("web", 2));
  life->fenced = true;
  EXPECT_FALSE(r.current("web", 1));
  EXPECT_FALSE(fence(life).open());
  EXPECT_THROW(fence(life).check(), fenced_off);
  EXPECT_TRUE(fence().open()) << "outside the tree nothing is fenced";
}

TEST_F(registry_test, it_may_be_read_while_it_is_written) {
  std::thread writer([&] {
    for (int i = 0; i < 2000; ++i) {
      r.begin_life("cache/page");
      r.set("cache/page", node_state::running);
      r.add({.path = "cache/extra", .parent = "cache"});
      r.remove("cache/extra");
    }
  });
  std::size_t seen = 0;
  for (int i = 0; i < 500; ++i)
    seen = std::max(seen, r.snapshot().size());
  writer.join();
  EXPECT_LE(seen, 5U);
  EXPECT_EQ(r.snapshot().size(), 4U);
}

crash a_crash(std::string path, std::string reason) {
  crash c;
  c.kind = "crash";
  c.path = std::move(path);
  c.reason = std::move(reason);
  return c;
}

TEST(crash_log, identical_crashes_are_one_row_with_a_count) {
  crash_log log;
  for (int i = 0; i < 5; ++i)
    log.add(a_crash("a", "boom"));
  log.add(a_crash("b", "boom"));
  const auto seen = log.recent(10);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].path, "b");
  EXPECT_EQ(seen[1].times, 5U);
  EXPECT_EQ(log.total(), 6U);
}

TEST(crash_log, the_ring_and_the_file_are_bounded) {
  const auto file = std::filesystem::temp_directory_path() / ("lyceum-crashes-" + std::to_string(::getpid()));
  {
    crash_log log({.kept = 3, .file = file, .file_bytes_max = 2000, .text_max = 100});
    for (int i = 0; i < 100; ++i)
      log.add(a_crash("a", std::to_string(i) + std::string(500, 'x')));
    EXPECT_EQ(log.recent(100).size(), 3U);
    EXPECT_LE(log.recent(1)[0].reason.size(), 103U);
  }
  EXPECT_LE(std::filesystem::file_size(file), 2000U);
  EXPECT_LE(std::filesystem::file_size(file.string() + ".1"), 2000U);
  std::filesystem::remove(file);
  std::filesystem::remove(file.string() + ".1");
}

TEST(crash_log, a_disk_that_fails_costs_nothing_but_the_file) {
  crash_log log({.file = "/dev/full"});
  log.add(a_crash("a", "boom"));
  log.add(a_crash("b", "boom"));
  EXPECT_EQ(log.recent(10).size(), 2U);
}

TEST(crash_log, what_is_not_text_cannot_break_the_json) {
  EXPECT_EQ(json_string("a\"b\\c\nd\x01"), "\"a\\\"b\\\\c\\nd\\u0001\"");
  EXPECT_EQ(json_string("\xff\xc3"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
  EXPECT_EQ(json_string("é"), "\"é\"");
}

} // namespace
