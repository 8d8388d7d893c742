// SPDX-License-Identifier: Apache-2.0
// Code that throws, loops and waits; signals; and ends of all kinds.
#include "tests/site/visitors.hpp"

#include <gtest/gtest.h>

#include <future>
#include <map>
#include <mutex>
#include <thread>

#include <signal.h>
#include <unistd.h>

namespace lyceum::testing {
namespace {

struct faults : ::testing::Test {
  std::optional<server> school;
  void begin(std::vector<std::string> environment = {}, std::vector<std::string> arguments = {}) {
    school.emplace(server::options{.content = sample_school(),
                                   .arguments = std::move(arguments),
                                   .environment = std::move(environment),
                                   .faults = true});
    ASSERT_TRUE(school->ready()) << school->log();
    ASSERT_TRUE(eventually([&] { return school->get("/").status == 200 && school->get("/courses").status == 200; }));
  }
};

TEST(the_shipped_program, has_no_routes_that_fail_on_purpose) {
  server school({.content = sample_school(), .environment = {"LYCEUM_FAULTS=1"}});
  ASSERT_TRUE(school.ready()) << school.log();
  EXPECT_EQ(school.get("/__fault/throw").status, 404);
}

TEST_F(faults, ten_thousand_throws_cost_those_requests_and_nothing_else) {
  begin();
  visitors people({.port = school->port(), .paths = {"/", "/courses"}, .count = 2, .rate = 100});
  std::size_t before = 0;
  client visitor(school->port());
  for (int i = 0; i < 10'000; ++i) {
    const auto got = visitor.get((i % 2 == 0 ? "/__fault/throw?n=" : "/__fault/throw-here?n=") + std::to_string(i % 7));
    ASSERT_EQ(got.status, 500) << i << ": " << got.body;
    if (i == 0) {
      EXPECT_NE(got.body.find(got.field("X-Request-Id")), std::string::npos) << got.head;
    }
    if (i == 3'000)
      before = school->resident_bytes();
  }
  EXPECT_LT(school->resident_bytes(), before + 8 * 1024 * 1024);
  const auto seen = people.leave();
  EXPECT_EQ(seen.failed, 0u) << seen.text();
  EXPECT_LT(school->log().size(), 100'000u);
  EXPECT_LT(fs::file_size(school->data() / "log" / "crashes.jsonl"), 1'000'000u);
  EXPECT_EQ(school->ctl({"--json", "show", "storage"}).out.find("degraded"), std::string::npos);
}

TEST_F(faults, a_worker_that_loops_is_answered_504_and_replaced) {
  begin();
  visitors people({.port = school->port(), .paths = {"/", "/courses"}, .count = 2, .rate = 100});
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(school->get("/__fault/spin?ms=14000").status, 504);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 9s); // 4 s is its limit
  EXPECT_EQ(school->get("/courses/none").status, 404);     // others work on
  EXPECT_TRUE(eventually([&] { return school->ctl({"crashes"}).out.find("stuck") != std::string::npos; }, 15s));
  EXPECT_EQ(school->get("/courses/none").status, 404);
  const auto seen = people.leave();
  EXPECT_EQ(seen.failed, 0u) << seen.text();
}

TEST_F(faults, a_pooled_worker_that_loops_is_named_and_replaced) {
  begin();
  visitors people({.port = school->port(), .paths = {"/", "/courses"}, .count = 2, .rate = 100});
  EXPECT_EQ(school->get("/__fault/part?path=cache/warmer&spin=15000").status, 200);
  EXPECT_TRUE(eventually([&] { return school->ctl({"crashes"}).out.find("cache/warmer") != std::string::npos; }, 14s));
  EXPECT_NE(school->ctl({"crashes"}).out.find("stuck"), std::string::npos);
  EXPECT_TRUE(eventually(
      [&] {
        return school->ctl({"--json", "show", "cache/warmer"}).out.find("\"generation\":2") != std::string::npos;
      },
      14s));
  EXPECT_EQ(school->get("/courses/none").status, 404);
  const auto seen = people.leave();
  EXPECT_EQ(seen.failed, 0u) << seen.text();
}

TEST_F(faults, a_crash_loop_ends_degraded_and_heals_when_its_cause_is_gone) {
  begin();
  visitors people({.port = school->port(), .paths = {"/", "/courses"}, .count = 2, .rate = 100});
  const auto storage_is = [&](const std::string& state) {
    return school->get("/readyz").body.find("\"storage\":\"" + state + "\"") != std::string::npos;
  };
  // It crashes whenever it lives: six times, since its supervisor may restart five in 30 s.
  ASSERT_TRUE(eventually(
      [&] {
        school->get("/__fault/part?path=storage/db_pool");
        return storage_is("degraded");
      },
      20s));
  const auto told = school->ctl({"--json", "crashes", "50"}).out;
  EXPECT_NE(told.find("thrown on purpose, in a part"), std::string::npos) << told;
  EXPECT_NE(told.find("budget_spent"), std::string::npos) << told;
  EXPECT_TRUE(eventually([&] { return storage_is("running"); }, 10s));
  EXPECT_TRUE(eventually([&] { return school->get("/courses/none").status == 404; }));
  const auto seen = people.leave();
  EXPECT_EQ(seen.failed, 0u) << seen.text();
}

/// Many visitors at once, each on a connection of its own; the statuses that they were given, and the longest wait.
std::pair<std::map<int, int>, std::chrono::milliseconds> crowd(int port, const std::string& path, int count) {
  std::vector<std::thread> people;
  std::mutex guard;
  std::map<int, int> statuses;
  std::chrono::milliseconds longest{0};
  for (int i = 0; i < count; ++i)
    people.emplace_back([&] {
      const auto begun = std::chrono::steady_clock::now();
      const auto got = client(port).get(path);
      const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun);
      const std::lock_guard lock(guard);
      ++statuses[got.status];
      if (got.status == 503) {
        EXPECT_FALSE(got.field("Retry-After").empty());
        longest = std::max(longest, took);
      }
    });
  for (auto& one : people)
    one.join();
  return {statuses, longest};
}

TEST_F(faults, requests_without_end_to_one_part_are_refused_and_not_kept) {
  begin();
  crowd(school->port(), "/__fault/sleep?ms=20", 100); // what they take is taken before it is measured
  const auto before = school->resident_bytes();
  std::map<int, int> statuses;
  for (int round = 0; round < 15; ++round)
    for (const auto& [status, count] : crowd(school->port(), "/__fault/sleep?ms=20", 200).first)
      statuses[status] += count;
  EXPECT_EQ(statuses[200] + statuses[503], 3000);
  EXPECT_GT(statuses[200], 0);
  EXPECT_LT(school->resident_bytes(), before + 64 * 1024 * 1024);
  EXPECT_TRUE(eventually([&] { return school->get("/courses/none").status == 404; }));
}

TEST_F(faults, a_crowd_before_the_database_is_told_soon) {
  begin({"LYCEUM_REQUEST_TIMEOUT=9s"});
  auto [statuses, longest] = crowd(school->port(), "/__fault/sleep?ms=6000", 120);
  EXPECT_GT(statuses[503], 100);
  EXPECT_EQ(statuses[503] + statuses[200], 120);
  EXPECT_LT(longest, 5000ms); // at most 1 s of waiting is promised; the rest is a busy machine
  EXPECT_TRUE(eventually([&] { return school->get("/courses/none").status == 404; }));
}

TEST_F(faults, a_killed_session_answers_its_visitor_before_its_database_job_ends) {
  begin({"LYCEUM_REQUEST_TIMEOUT=60s"});
  const auto begun = std::chrono::steady_clock::now();
  const auto took = [&] { return std::chrono::steady_clock::now() - begun; };
  auto asked = std::async(std::launch::async, [&] {
    const auto got = client(school->port()).get("/__fault/sleep?ms=9000");
    return std::pair(got, took());
  });
  // {"below":[{"path":"sessions/7f3", …}]}. The warmer's sessions come and go beside the visitor's, so that the first name
  // listed need not be his, nor be there still when the order comes: whoever is listed is killed until he is answered.
  std::size_t killed = 0;
  while (asked.wait_for(50ms) != std::future_status::ready) {
    const auto shown = school->ctl({"--json", "show", "sessions"}).out;
    const auto at = shown.find("\"sessions/");
    if (at != std::string::npos)
      killed += school->ctl({"kill", shown.substr(at + 1, shown.find('"', at + 1) - at - 1)}).status == 0;
  }
  EXPECT_GT(killed, 0u);
  const auto [got, when] = asked.get();
  EXPECT_EQ(got.status, 503);
  EXPECT_FALSE(got.field("Retry-After").empty());
  EXPECT_LT(when, 8s) << "it waited for the handler";
}

TEST_F(faults, passwords_are_judged_two_at_a_time_and_a_crowd_is_told_to_come_again) {
  begin();
  auto [statuses, longest] = crowd(school->port(), "/__fault/hash?ms=300", 60);
  EXPECT_EQ(statuses[200] + statuses[503], 60);
  EXPECT_GE(statuses[200], 18); // 2 at work and 16 that wait
  EXPECT_GE(statuses[503], 20);
  EXPECT_EQ(school->get("/").status, 200);
}

TEST_F(faults, who_judges_a_password_dies_and_another_judges_it) {
  begin();
  auto asked = std::async(std::launch::async, [&] { return school->get("/__fault/hash?ms=1200").status; });
  std::this_thread::sleep_for(300ms);
  for (const char* one : {"accounts/hasher-1", "accounts/hasher-2"})
    EXPECT_EQ(school->ctl({"kill", one}).status, 0);
  EXPECT_EQ(asked.get(), 200);
}

TEST_F(faults, more_requests_than_may_be_handled_at_once_are_told_at_once) {
  begin({"LYCEUM_SESSIONS_MAX=3", "LYCEUM_REQUEST_TIMEOUT=9s"});
  auto [statuses, longest] = crowd(school->port(), "/__fault/sleep?ms=3500", 40);
  EXPECT_GE(statuses[503], 37);
  EXPECT_EQ(statuses[503] + statuses[200], 40);
  EXPECT_LT(longest, 3000ms); // who waits for one of the three waits longer
  EXPECT_EQ(school->get("/").status, 200);
  EXPECT_TRUE(eventually([&] { return school->get("/courses/none").status == 404; }));
}

TEST_F(faults, a_stop_under_load_answers_everybody_who_was_let_in) {
  begin({"LYCEUM_REQUEST_TIMEOUT=9s"});
  struct one {
    int bad = 0;
    int told = 0;
    std::string why;
  };
  std::vector<one> seen(6);
  std::atomic<int> good = 0;
  std::vector<std::jthread> people;
  for (auto& mine : seen)
    people.emplace_back([&, this](const std::stop_token& leave) {
      client visitor(school->port());
      while (!leave.stop_requested()) { // so that a test that fails before the stop ends, too
        if (!visitor.open())
          return; // it has stopped
        const auto got = visitor.get("/");
        if (got.status == 200) {
          ++good;
          if (got.field("Connection") == "close") {
            ++mine.told;
            return;
          }
        } else if (got.status != 0 || got.body.find("after 0 octets") == std::string::npos) {
          ++mine.bad;
          mine.why = got.body;
          return;
        } else {
          return; // closed between two requests, which a keep-alive connection may be
        }
      }
    });
  ASSERT_TRUE(eventually([&] { return good > 500; }, 20s));
  std::jthread slow([port = school->port()] {
    const auto got = client(port).get("/__fault/sleep?ms=4000");
    EXPECT_EQ(got.status, 200) << got.body;
  });
  ASSERT_TRUE(eventually([&] { return school->database_is_busy(); }));
  EXPECT_EQ(school->stop(), 0) << school->log();
  slow.join();
  int told = 0;
  for (auto& one : people)
    one.join();
  for (const auto& one : seen) {
    EXPECT_EQ(one.bad, 0) << one.why;
    told += one.told;
  }
  EXPECT_GT(told, 0);
}

TEST_F(faults, a_stop_that_somebody_holds_up_is_cut_with_status_70) {
  begin({"LYCEUM_DRAIN_TIMEOUT=1s", "LYCEUM_REQUEST_TIMEOUT=30s"});
  std::jthread slow([port = school->port()] { client(port).get("/__fault/sleep?ms=9000"); });
  ASSERT_TRUE(eventually([&] { return school->database_is_busy(); }));
  EXPECT_EQ(school->stop(), 70) << school->log();
  slow.join();
}

TEST_F(faults, a_second_signal_ends_it_at_once) {
  begin({"LYCEUM_DRAIN_TIMEOUT=20s", "LYCEUM_REQUEST_TIMEOUT=30s"});
  std::jthread slow([port = school->port()] { client(port).get("/__fault/sleep?ms=20000"); });
  ASSERT_TRUE(eventually([&] { return school->database_is_busy(); }));
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_EQ(kill(school->heart(), SIGTERM), 0);
  ASSERT_TRUE(eventually([&] { return school->log().find("draining") != std::string::npos; }));
  school->stop(10s); // the second one
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s) << school->log();
  slow.join();
}

TEST_F(faults, a_broken_theme_is_told_at_reload_and_the_old_one_stays) {
  const scratch place;
  fs::create_directories(place / "theme" / "pages");
  begin({}, {"--theme", (place / "theme").string()});
  write_file(place / "theme" / "pages" / "home.mustache", "{{#never_closed}} broken words");
  ASSERT_EQ(kill(school->heart(), SIGHUP), 0);
  EXPECT_TRUE(eventually([&] { return school->log().find("the theme stays as it was") != std::string::npos; }))
      << school->log();
  const auto got = school->get("/");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body.find("broken words"), std::string::npos);
  write_file(place / "theme" / "pages" / "home.mustache", "<h1>mended words</h1>\n");
  ASSERT_EQ(kill(school->heart(), SIGHUP), 0);
  EXPECT_TRUE(eventually([&] { return school->get("/").body.find("mended words") != std::string::npos; }))
      << school->log();
}

TEST_F(faults, the_server_ends_with_its_heart_and_frees_its_port) {
  begin();
  const auto process = school->process();
  ASSERT_EQ(kill(school->heart(), SIGKILL), 0);
  EXPECT_TRUE(eventually([&] { return kill(process, 0) != 0 || !client(school->port()).open(); }));
  EXPECT_FALSE(school->running());
  EXPECT_TRUE(eventually([&] { return !client(school->port()).open(); }));
  school->start();
  EXPECT_TRUE(school->ready()) << school->log();
}

TEST_F(faults, a_server_that_stops_turning_is_replaced) {
  begin();
  ASSERT_TRUE(eventually([&] { return school->uptime() > 1500ms; }));
  const auto old = school->process();
  ASSERT_EQ(kill(old, SIGSTOP), 0);
  EXPECT_TRUE(eventually([&] { return school->process() != old; }, 15s));
  EXPECT_TRUE(eventually([&] { return school->get("/").status == 200; }));
}

} // namespace
} // namespace lyceum::testing
