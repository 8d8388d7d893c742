// SPDX-License-Identifier: Apache-2.0
// What kills the process, or a renderer, three times is refused the fourth time, while everything else is served.
#include "tests/site/visitors.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace lyceum::testing {
namespace {

constexpr auto bad_lesson = "courses/let-it-crash/09-poison.md";
constexpr auto bad_page = "/courses/let-it-crash/poison";

struct poison : ::testing::Test {
  scratch place;
  fs::path folder = place / "school";
  std::optional<server> school;

  poison() { fs::copy(sample_school(), folder, fs::copy_options::recursive); }
  void write_lesson(const std::string& text) const {
    write_file(folder / bad_lesson, "---\ntitle: Poison\naccess: public\n---\n\n" + text + "\n");
  }
  void begin() {
    school.emplace(server::options{.content = folder, .environment = {"LYCEUM_FAULTS=1"}, .faults = true});
  }
  std::string held() const { return school->ctl({"--json", "quarantine", "list"}).out; }
  bool is_held(const std::string& what) const {
    const auto all = held();
    return all.find("\"held\"") != std::string::npos && all.find(what) != std::string::npos;
  }
  /// A death within a second of READY would be a boot loop.
  bool is_old_enough_to_die() const {
    return eventually([&] { return school->uptime() > 1500ms; }, 20s);
  }
  /// Asks for something that kills the process, and waits for the next one.
  void kill_by(const std::string& path) {
    ASSERT_TRUE(is_old_enough_to_die()) << school->log();
    const auto old = school->process();
    EXPECT_EQ(school->get(path).status, 0);
    ASSERT_TRUE(eventually(
        [&] {
          const auto now = school->process();
          return now > 0 && now != old && school->get("/livez").status == 200;
        },
        20s))
        << school->log();
  }
};

TEST_F(poison, a_text_that_kills_the_process_three_times_is_refused_and_all_else_is_served) {
  write_lesson("The words FAULT:CRASH are its end.");
  begin();
  ASSERT_TRUE(eventually([&] { return is_held("/courses/let-it-crash/"); }, 60s)) << school->log() << held();
  ASSERT_TRUE(school->ready()) << school->log();
  ASSERT_TRUE(eventually([&] { return school->get("/courses/let-it-crash").status == 200; }, 20s));
  const auto process = school->process();
  const auto refused = school->get(bad_page);
  EXPECT_EQ(refused.status, 500) << refused.body;
  for (const auto* path : {"/", "/courses", "/articles", "/courses/let-it-crash/design-a-tree-of-your-own"})
    EXPECT_TRUE(eventually([&] { return school->get(path).status == 200; }, 20s)) << path;
  EXPECT_TRUE(eventually([&] { return school->log().find("three times") != std::string::npos; })) << school->log();
  const auto told = school->ctl({"--json", "crashes", "50"}).out;
  EXPECT_NE(told.find("\"quarantined\""), std::string::npos) << told;
  EXPECT_NE(told.find("signal 11"), std::string::npos) << told;
  EXPECT_NE(school->get("/metrics").body.find("lyceum_quarantined 1\n"), std::string::npos);

  write_lesson("The author has mended it.");
  EXPECT_TRUE(eventually([&] { return school->get(bad_page).status == 200; }, 20s)) << school->log();
  EXPECT_EQ(school->process(), process) << "nothing has died since";
  EXPECT_EQ(school->ctl({"quarantine", "drop", "1"}).status, 0);
  EXPECT_EQ(held().find("\"held\""), std::string::npos) << held();
}

TEST_F(poison, a_text_that_kills_its_renderer_is_refused_without_spending_the_budget_of_the_renderers) {
  write_lesson("The words FAULT:THROW are its end.");
  begin();
  ASSERT_TRUE(school->ready()) << school->log();
  ASSERT_TRUE(eventually([&] { return is_held("/courses/let-it-crash/"); }, 20s)) << school->log() << held();
  EXPECT_TRUE(eventually([&] { return school->get(bad_page).status == 500; }, 20s));
  EXPECT_TRUE(eventually([&] { return school->ctl({"wait", "rendering", "--timeout", "1"}).status == 0; }, 20s));
  EXPECT_EQ(school->log().find("degraded"), std::string::npos) << school->log();
  for (const auto* path : {"/", "/courses/let-it-crash/design-a-tree-of-your-own"})
    EXPECT_TRUE(eventually([&] { return school->get(path).status == 200; }, 20s)) << path;
}

TEST_F(poison, a_request_that_kills_the_process_three_times_is_refused_until_an_operator_lets_it_in) {
  begin();
  ASSERT_TRUE(school->ready()) << school->log();
  for (int i = 0; i < 3; ++i)
    kill_by("/__fault/crash?n=7");
  ASSERT_TRUE(is_held("GET /__fault/crash?n=7")) << held();
  const auto process = school->process();
  const auto refused = school->get("/__fault/crash?n=7");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.field("Retry-After"), "60");
  EXPECT_EQ(school->process(), process);
  for (const auto* path : {"/", "/courses"})
    EXPECT_TRUE(eventually([&] { return school->get(path).status == 200; }, 20s)) << path;
  EXPECT_EQ(school->get("/courses/none").status, 404);
  const auto shown = school->ctl({"--json", "quarantine", "show", "1"});
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_NE(shown.out.find("\"request\""), std::string::npos) << "the last one's id: " << shown.out;

  ASSERT_EQ(school->stop(), 0);
  school->start();
  ASSERT_TRUE(school->ready()) << school->log();
  EXPECT_EQ(school->get("/__fault/crash?n=7").status, 503) << "it is remembered";
  EXPECT_EQ(school->ctl({"quarantine", "replay", "1"}).status, 0);
  kill_by("/__fault/crash?n=7");
  EXPECT_FALSE(is_held("crash?n=7")) << "counted anew";
  EXPECT_EQ(school->ctl({"quarantine", "drop", "1"}).status, 1);
  EXPECT_EQ(school->ctl({"quarantine", "drop", "x"}).status, 2) << "wrong usage";
}

TEST_F(poison, a_report_names_the_request_and_the_visitor_sees_the_same_id) {
  begin();
  ASSERT_TRUE(school->ready()) << school->log();
  const auto got = school->get("/__fault/throw");
  ASSERT_EQ(got.status, 500);
  const auto id = got.field("X-Request-Id");
  ASSERT_FALSE(id.empty());
  const auto told = school->ctl({"--json", "crashes"}).out;
  EXPECT_NE(told.find("\"request\":\"" + id + "\""), std::string::npos) << told;
  EXPECT_NE(told.find("thrown on purpose"), std::string::npos) << told;
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(school->get("/__fault/throw").status, 500) << "what is caught harms nobody else, and is never refused";
}

TEST_F(poison, only_the_request_of_the_thread_that_died_is_suspected) {
  begin();
  ASSERT_TRUE(school->ready()) << school->log();
  ASSERT_TRUE(is_old_enough_to_die()) << school->log(); // else the innocent one would wait for that, too
  std::jthread innocent([port = school->port()] { client(port).get("/__fault/sleep?ms=7000"); });
  ASSERT_TRUE(eventually([&] { return school->database_is_busy(); }));
  kill_by("/__fault/overflow");
  innocent.join();
  const auto all = held();
  EXPECT_NE(all.find("GET /__fault/overflow"), std::string::npos) << "a stack overflow is told too: " << all;
  EXPECT_EQ(all.find("sleep"), std::string::npos) << all;
}

TEST_F(poison, a_stop_in_good_order_suspects_nobody) {
  begin();
  ASSERT_TRUE(school->ready()) << school->log();
  std::jthread slow([port = school->port()] { client(port).get("/__fault/sleep?ms=3500"); });
  ASSERT_TRUE(eventually([&] { return school->database_is_busy(); }));
  ASSERT_EQ(school->stop(), 0);
  slow.join();
  school->start();
  ASSERT_TRUE(school->ready()) << school->log();
  EXPECT_EQ(held().find("sleep"), std::string::npos) << held();
}

TEST_F(poison, a_stuck_handler_is_named_within_five_seconds_with_its_request) {
  begin();
  ASSERT_TRUE(school->ready()) << school->log();
  std::jthread slow([port = school->port()] { client(port).get("/__fault/spin?ms=7000"); });
  EXPECT_TRUE(eventually([&] { return school->ctl({"crashes"}).out.find("stuck") != std::string::npos; }, 15s));
  const auto told = school->ctl({"--json", "crashes"}).out;
  EXPECT_NE(told.find("has held its thread for more than 4 s"), std::string::npos) << told;
  EXPECT_NE(told.find("GET /__fault/spin?ms=7000"), std::string::npos) << told;
  slow.join();
}

} // namespace
} // namespace lyceum::testing
