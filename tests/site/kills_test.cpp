// SPDX-License-Identifier: Apache-2.0
// Parts are killed while people read. tests/bench/chaos does the same at full length.
#include "tests/site/visitors.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include <signal.h>

namespace lyceum::testing {
namespace {

struct kills : ::testing::Test {
  server school{{.content = sample_school()}};
  std::vector<std::string> paths;

  double uptime() const;
  void SetUp() override {
    ASSERT_TRUE(school.ready()) << school.log();
    ASSERT_TRUE(eventually([&] { return school.uptime() > 1500ms; }));
    for (const auto* path : {"/", "/courses", "/articles"}) {
      ASSERT_TRUE(eventually([&] { return school.get(path).status == 200; })) << path;
      paths.emplace_back(path);
    }
  }
};

/// Seconds, as the server's metrics tell.
double kills::uptime() const {
  const auto text = school.get("/metrics").body;
  const auto at = text.find("\nlyceum_uptime_seconds ");
  return at == std::string::npos ? 0 : std::atof(text.c_str() + at + 23);
}

TEST_F(kills, nobody_notices_the_death_of_any_subsystem) {
  visitors people({.port = school.port(), .paths = paths});
  for (int round = 0; round < 2; ++round)
    for (const auto* part :
         {"telemetry", "storage", "cache", "rendering", "content", "mail", "clock", "sessions", "web", "control"}) {
      const auto done = school.ctl({"kill", part});
      EXPECT_EQ(done.status, 0) << part << ": " << done.err;
    }
  const auto seen = people.leave();
  EXPECT_EQ(seen.failed, 0u) << seen.text();
  EXPECT_GT(seen.good, 100u) << seen.text();
}

TEST_F(kills, nobody_notices_the_death_of_any_worker) {
  visitors people({.port = school.port(), .paths = paths});
  for (const auto* part : {"storage/db_pool", "storage/db-1", "storage/notifications", "cache/page_cache",
                           "cache/warmer", "rendering/renderer-1", "rendering/highlight", "content/importer",
                           "content/watcher", "mail/outbox", "mail/smtp-1", "mail/smtp-2", "clock/scheduler",
                           "telemetry/alerts", "web/listener-1", "control/socket", "telemetry/metrics"}) {
    const auto done = school.ctl({"kill", part});
    EXPECT_EQ(done.status, 0) << part << ": " << done.err;
  }
  const auto seen = people.leave();
  EXPECT_EQ(seen.failed, 0u) << seen.text();
  EXPECT_TRUE(eventually([&] { return school.ctl({"wait", "site", "--timeout", "1"}).status == 0; }, 15s));
}

TEST_F(kills, the_kept_pages_outlive_the_cache_that_kept_them) {
  const auto misses = [&] { return school.metric("lyceum_cache_lookups_total{outcome=\"miss\"}"); };
  const auto before = misses();
  ASSERT_TRUE(before.has_value());
  visitors people({.port = school.port(), .paths = paths});
  for (int round = 0; round < 3; ++round)
    EXPECT_EQ(school.ctl({"kill", "cache"}).status, 0);
  const auto seen = people.leave();
  EXPECT_EQ(seen.failed, 0u) << seen.text();
  EXPECT_EQ(misses(), before); // no page had to be made again
}

TEST_F(kills, what_is_killed_as_a_crash_spends_its_budget_and_comes_back) {
  visitors people({.port = school.port(), .paths = paths});
  int done = 0;
  ASSERT_TRUE(eventually(
      [&] {
        done += school.ctl({"kill", "--as-crash", "rendering/renderer-1"}).status == 0;
        return school.get("/readyz").body.find("\"rendering\":\"degraded\"") != std::string::npos;
      },
      20s));
  EXPECT_GE(done, 5);
  EXPECT_TRUE(eventually([&] { return school.ctl({"wait", "site", "--timeout", "1"}).status == 0; }, 15s));
  const auto seen = people.leave();
  EXPECT_EQ(seen.failed, 0u) << seen.text();
}

TEST_F(kills, a_killed_process_refuses_nobody_and_comes_back_warm) {
  visitors people({.port = school.port(), .paths = paths, .rate = 300, .new_connections = true});
  for (int round = 0; round < 3; ++round) {
    const auto old = school.process();
    ASSERT_GT(old, 0);
    // A death within a second of READY counts as a boot loop, which the heart slows down.
    ASSERT_TRUE(eventually([&] { return uptime() > 1.3; }));
    ASSERT_EQ(kill(old, SIGKILL), 0);
    ASSERT_TRUE(
        eventually([&] { return school.process() != old && school.uptime() > 1500ms; }, 15s)); // else it is a boot loop
  }
  const auto seen = people.leave();
  EXPECT_EQ(seen.refused, 0u) << seen.text();
  EXPECT_LE(seen.failed, 8u * 3) << seen.text(); // those that were being answered, at most one a visitor and kill
  EXPECT_LT(seen.gap, 5s) << seen.text(); // the promise is 300 ms: tests/bench/chaos judges it on a quiet machine
  const auto stats = school.ctl({"--json", "cache", "stats"});
  EXPECT_NE(stats.out.find("\"misses\":0"), std::string::npos) << stats.out;
}

TEST_F(kills, stale_pages_are_served_while_everything_behind_them_is_stopped) {
  ASSERT_EQ(school.ctl({"stop", "storage"}).status, 0);
  ASSERT_EQ(school.ctl({"stop", "rendering"}).status, 0);
  ASSERT_EQ(school.ctl({"cache", "evict", "--tag", "site"}).status, 0);
  for (const auto& path : paths)
    EXPECT_EQ(school.get(path).status, 200) << path;
  const auto cold = school.get("/courses/no-such-course");
  EXPECT_EQ(cold.status, 503);
  EXPECT_FALSE(cold.field("Retry-After").empty());
  ASSERT_EQ(school.ctl({"start", "storage"}).status, 0);
  ASSERT_EQ(school.ctl({"start", "rendering"}).status, 0);
  EXPECT_TRUE(eventually([&] { return school.get("/courses/no-such-course").status == 404; }));
}

} // namespace
} // namespace lyceum::testing
